//! The target's known failures as rows of a table: [`rows`]. A reader who is told that a failure is accepted must see
//! by what right.

use crate::record::{Header, KnownEntry};

use super::words::count;

/// One row for each entry, in the order of the target's file: what it is about, how it fails, why it is accepted, the
/// issue, and until when.
pub(super) fn rows(header: &Header) -> Vec<[String; 5]> {
    header.known.iter().map(row).collect()
}

fn row(known: &KnownEntry) -> [String; 5] {
    let entry = &known.entry;
    let mut about: Vec<String> = Vec::new();
    about.extend(entry.case.iter().map(|case| format!("case {case}")));
    about.extend(entry.clause.iter().map(|clause| format!("clause {clause}")));
    let cases = count(usize::try_from(known.cases).unwrap_or(usize::MAX), "case", "cases");
    let mut how: Vec<String> = Vec::new();
    how.extend(entry.check.iter().map(|check| format!("check {check}")));
    how.extend(entry.got.iter().map(|got| format!("got {got}")));
    if entry.flaky {
        how.push("now and then".to_owned());
    }
    if how.is_empty() {
        how.push("in any way".to_owned());
    }
    [
        format!("{} ({cases})", about.join(", ")),
        how.join(", "),
        entry.reason.clone(),
        entry.issue.clone().unwrap_or_default(),
        entry.expires.clone().unwrap_or_else(|| "no date".to_owned()),
    ]
}

//! Puts equal failures together: [`groups`].

use std::collections::{BTreeMap, BTreeSet};

use crate::model::judgement::{Mismatch, MismatchKind, Part};
use crate::model::verdict::Verdict;
use crate::record::{CaseRecord, Record};

use super::standing::{Standing, Standings};
use super::text::exchange_of;
use super::words;

/// Cases that fail in the same way.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// How they count.
    pub standing: Standing,
    /// At least one; the first, with the smallest request, stands for all, the others are sorted by id.
    pub cases: Vec<&'a CaseRecord>,
}

/// Everything that makes two failures equal: verdict, and check, kind and shape of each mismatch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Likeness {
    verdict: &'static str,
    cause: String,
    mismatches: BTreeSet<(Part, String, MismatchKind, String, String)>,
}

/// Failed, errored and tolerated cases, equal ones together: failed first, then errored, then tolerated; in each by
/// the first case's id.
#[must_use]
pub fn groups(record: &Record) -> Vec<Group<'_>> {
    let standings = Standings::new(record);
    let mut found: BTreeMap<(Standing, Likeness), Vec<&CaseRecord>> = BTreeMap::new();
    for case in &record.cases {
        let standing = standings.of(case);
        if standing <= Standing::Tolerated {
            found.entry((standing, likeness(case))).or_default().push(case);
        }
    }
    let mut groups: Vec<Group<'_>> =
        found.into_iter().map(|((standing, _), cases)| Group { standing, cases }).collect();
    groups.iter_mut().for_each(|group| simplest_first(&mut group.cases));
    groups.sort_by(|a, b| (a.standing, &a.cases[0].id).cmp(&(b.standing, &b.cases[0].id)));
    groups
}

/// Puts the case first whose request is the shortest to read: it stands for all of a group that is sorted by id.
pub fn simplest_first(cases: &mut [&CaseRecord]) {
    let size = |case: &CaseRecord| {
        exchange_of(case).map_or(u64::MAX, |exchange| {
            let body = exchange.body.as_ref().map_or(0, |body| body.bytes);
            // Only what makes a difference to a reader counts: requests of a few hundred bytes are all alike.
            (body + exchange.url.len() as u64) / 512
        })
    };
    let simplest = (0..cases.len()).min_by_key(|&at| (size(cases[at]), at));
    if let Some(at) = simplest {
        cases[..=at].rotate_right(1);
    }
}

/// How a case failed, without what differs from case to case.
#[must_use]
pub fn likeness(case: &CaseRecord) -> Likeness {
    let cause = match &case.outcome {
        Verdict::Blocked { detail, .. } => shape(detail),
        other => words::cause(other).map(|text| shape(&text)).unwrap_or_default(),
    };
    Likeness {
        verdict: words::verdict(&case.outcome),
        cause,
        mismatches: case.judgement.mismatches.iter().map(likeness_of).collect(),
    }
}

fn likeness_of(mismatch: &Mismatch) -> (Part, String, MismatchKind, String, String) {
    let (expected, actual) = match mismatch.part {
        // Two statuses are never alike.
        Part::Status => (mismatch.expected.clone(), mismatch.actual.clone()),
        _ => (shape(&mismatch.expected), shape(&mismatch.actual)),
    };
    (mismatch.part, mismatch.check.clone(), mismatch.kind, expected, actual)
}

/// The text with ids and long numbers, which differ between cases that fail alike, written as `*`. At most the first
/// 2,000 bytes count.
fn shape(text: &str) -> String {
    let (text, _) = super::escape::cut(text, 2000);
    let mut out = String::with_capacity(text.len());
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        let digits = piece.bytes().filter(u8::is_ascii_digit).count();
        let id = is_word(first) && (piece.len() >= 16 && digits > 0 || digits >= 6);
        out.push_str(if id { "*" } else { piece });
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_forget_ids_and_keep_words() {
        assert_eq!(shape("\"COLLECTION_INVALID_ID_OF_TRACK\""), "\"COLLECTION_INVALID_ID_OF_TRACK\"");
        assert_eq!(shape("id 6f9619ff-8b86-d011-b42d-00cf4fc964ff!"), "id *!");
        assert_eq!(shape("at 1732262400123"), "at *");
        assert_eq!(shape("404"), "404");
        assert_eq!(shape(""), "");
    }

    #[test]
    fn equal_failures_are_one_group_and_failures_come_first() {
        let record = crate::record::sample::record();
        let groups = groups(&record);
        let standings: Vec<Standing> = groups.iter().map(|group| group.standing).collect();
        assert!(standings.is_sorted());
        let twins = groups.iter().find(|group| group.cases.len() > 1).expect("the sample has equal failures");
        assert_eq!(twins.cases[0].id.as_str(), "groove/add/batch-size[100]");
        assert_eq!(twins.cases[1].id.as_str(), "groove/add/batch-size[101]");
    }
}

//! What was attempted and seen of each documented operation, beside what is documented: [`text`].

use std::collections::BTreeSet;

use crate::record::Record;

use super::words;

/// One operation.
pub(super) struct View<'a> {
    pub(super) id: &'a str,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) requests: u64,
    pub(super) sent: Vec<Sent>,
    pub(super) rows: Vec<Row>,
    /// What is documented and was never seen or sent, in words.
    pub(super) never: Vec<String>,
}

/// A request media type.
pub(super) struct Sent {
    pub(super) media: String,
    pub(super) count: u64,
    pub(super) documented: bool,
}

/// One kind of answer.
pub(super) struct Row {
    pub(super) status: u16,
    pub(super) media: String,
    pub(super) codes: String,
    pub(super) count: u64,
    /// What of it no document names; empty when all is documented.
    pub(super) undocumented: String,
}

fn media(media: &str) -> String {
    if media.is_empty() { "(none)".to_owned() } else { media.to_owned() }
}

/// One view for each documented operation, in the suite's order.
pub(super) fn views(record: &Record) -> Vec<View<'_>> {
    let seen_of = |id: &str| record.summary.coverage.iter().find(|each| each.operation == id);
    record
        .header
        .suite
        .operations
        .iter()
        .map(|operation| {
            let seen = seen_of(&operation.id);
            let answers = seen.map(|each| each.seen.as_slice()).unwrap_or_default();
            let sent = seen.map(|each| each.request_media.as_slice()).unwrap_or_default();
            let rows = answers
                .iter()
                .map(|answer| {
                    let mut undocumented = Vec::new();
                    if !operation.statuses.iter().any(|each| each.status == answer.status)
                        && !operation.codes.iter().any(|each| each.status == answer.status)
                    {
                        undocumented.push("status".to_owned());
                    }
                    if !answer.media.is_empty() && !operation.response_media.contains(&answer.media) {
                        undocumented.push("media type".to_owned());
                    }
                    if answer.codes.iter().any(|code| !operation.codes.iter().any(|each| each.code == *code)) {
                        undocumented.push("error code".to_owned());
                    }
                    Row {
                        status: answer.status,
                        media: media(&answer.media),
                        codes: answer.codes.join(", "),
                        count: answer.count,
                        undocumented: undocumented.join(", "),
                    }
                })
                .collect();
            let mut never = Vec::new();
            for each in &operation.statuses {
                if !answers.iter().any(|answer| answer.status == each.status) {
                    never.push(format!("status {} ({})", each.status, words::name(&each.source)));
                }
            }
            for each in &operation.codes {
                if !answers.iter().any(|answer| answer.status == each.status && answer.codes.contains(&each.code)) {
                    never.push(format!("code {} with {} ({})", each.code, each.status, words::name(&each.source)));
                }
            }
            let seen_media: BTreeSet<&str> = answers.iter().map(|answer| answer.media.as_str()).collect();
            for each in &operation.response_media {
                if !seen_media.contains(each.as_str()) {
                    never.push(format!("answer as {each}"));
                }
            }
            for each in &operation.request_media {
                if !sent.iter().any(|(media, _)| media == each) {
                    never.push(format!("request as {each}"));
                }
            }
            View {
                id: &operation.id,
                method: &operation.method,
                path: &operation.path,
                requests: seen.map_or(0, |each| each.requests),
                sent: sent
                    .iter()
                    .map(|(name, count)| Sent {
                        media: media(name),
                        count: *count,
                        documented: operation.request_media.contains(name)
                            || name.is_empty() && operation.request_media.is_empty(),
                    })
                    .collect(),
                rows,
                never,
            }
        })
        .collect()
}

/// The coverage of a run as text: every clause with its verdict and cases, then every operation.
#[must_use]
pub fn text(record: &Record) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for clause in &record.summary.clauses {
        let cases: Vec<&str> = clause.cases.iter().take(3).map(crate::model::id::CaseId::as_str).collect();
        let more = clause.cases.len().saturating_sub(3);
        let tail = match (&clause.excluded, more) {
            (Some(reason), _) => reason.clone(),
            (None, 0) => cases.join(", "),
            (None, more) => format!("{} and {more} more", cases.join(", ")),
        };
        let _ = writeln!(
            out,
            "{:<12}  {:<8}  {:<12}  {}",
            clause.id,
            words::name(&clause.level),
            words::name(&clause.verdict),
            super::escape::visible(&tail)
        );
    }
    for view in views(record) {
        let _ = write!(out, "\n{}  {} {}  {} requests\n", view.id, view.method, view.path, view.requests);
        for row in &view.rows {
            let note = if row.undocumented.is_empty() {
                String::new()
            } else {
                format!("  (not documented: {})", row.undocumented)
            };
            let codes = super::escape::visible(&row.codes).into_owned();
            let media = super::escape::visible(&row.media).into_owned();
            let _ = writeln!(out, "  {:>6} ×  {}  {media}  {codes}{note}", row.count, row.status);
        }
        for never in &view.never {
            let _ = writeln!(out, "  never seen: {never}");
        }
    }
    out
}

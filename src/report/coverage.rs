//! What was attempted and seen of each documented operation, beside what is documented: [`views`].

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

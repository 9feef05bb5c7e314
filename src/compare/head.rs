//! Compares the status code ([`status`]) and header fields ([`headers`]).

use std::sync::Arc;

use super::json::quoted;
use super::media::{self, MediaType};
use crate::model::exchange::Response;
use crate::model::expect::{Expect, HeaderCheck, HeaderTest, StatusCheck, StatusRange};
use crate::model::id::ClauseId;
use crate::model::judgement::{Judgement, Mismatch, MismatchKind, Part};
use crate::model::tally::CheckTally;
use crate::pattern::write::cut;

/// A check that stands alone, outside a pattern.
pub(super) struct Single<'s> {
    pub(super) step: &'s str,
    pub(super) part: Part,
    pub(super) place: String,
    pub(super) check: String,
    pub(super) clauses: Arc<[ClauseId]>,
}

impl Single<'_> {
    /// Counts it, and adds its mismatch if there is one.
    pub(super) fn tell(self, wrong: Option<(MismatchKind, String, String)>, found: &mut Judgement) {
        found.checks.add(CheckTally {
            step: self.step,
            check: &self.check,
            clauses: &self.clauses,
            held: u32::from(wrong.is_none()),
            violated: u32::from(wrong.is_some()),
            loose: false,
        });
        if let Some((kind, expected, actual)) = wrong {
            found.mismatches.push(Mismatch {
                step: self.step.to_owned(),
                part: self.part,
                place: self.place,
                check: self.check,
                kind,
                expected,
                actual: cut(&actual, 2 * super::judge::SHOWN),
                types: None,
                clauses: self.clauses.to_vec(),
            });
        }
    }
}

fn includes(ranges: &[StatusRange], status: u16) -> bool {
    ranges.iter().any(|range| (range.first..=range.last).contains(&status))
}

fn allows(check: &StatusCheck, status: u16) -> bool {
    (check.is.is_empty() || includes(&check.is, status)) && !includes(&check.not, status)
}

fn ranges(ranges: &[StatusRange]) -> String {
    let one = |range: &StatusRange| match range {
        StatusRange { first, last } if first == last => first.to_string(),
        StatusRange { first, last } if first % 100 == 0 && *last == first + 99 => format!("{}xx", first / 100),
        StatusRange { first, last } => format!("{first} to {last}"),
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(" or ")
}

fn describe(check: &StatusCheck) -> String {
    match (check.is.is_empty(), check.not.is_empty()) {
        (true, true) => "any".to_owned(),
        (false, true) => ranges(&check.is),
        (true, false) => format!("not {}", ranges(&check.not)),
        (false, false) => format!("{} but not {}", ranges(&check.is), ranges(&check.not)),
    }
}

/// The first alternative that allows the status proves its clauses; when none does, all of theirs are violated.
pub(super) fn status(expect: &Expect, response: &Response, step: &str, found: &mut Judgement) {
    if expect.status.is_empty() {
        return;
    }
    let single =
        |clauses| Single { step, part: Part::Status, place: String::new(), check: "status".to_owned(), clauses };
    if let Some(check) = expect.status.iter().find(|check| allows(check, response.status)) {
        single(Arc::clone(&check.clauses)).tell(None, found);
        return;
    }
    let mut clauses: Vec<ClauseId> = Vec::new();
    for clause in expect.status.iter().flat_map(|check| check.clauses.iter()) {
        if !clauses.contains(clause) {
            clauses.push(clause.clone());
        }
    }
    let expected = expect.status.iter().map(describe).collect::<Vec<_>>().join(" or ");
    let kind = if expect.status.iter().all(|check| check.is.is_empty()) {
        MismatchKind::Forbidden
    } else {
        MismatchKind::Value
    };
    single(clauses.into()).tell(Some((kind, expected, response.status.to_string())), found);
}

/// Every check of a header field.
pub(super) fn headers(expect: &Expect, response: &Response, step: &str, found: &mut Judgement) {
    for check in &expect.headers {
        let values: Vec<String> =
            response.header(&check.name).map(|value| String::from_utf8_lossy(value).into_owned()).collect();
        let single = Single {
            step,
            part: Part::Header,
            place: check.name.clone(),
            check: format!("header:{}", check.name),
            clauses: Arc::clone(&check.clauses),
        };
        single.tell(header(check, &values), found);
    }
}

fn list(values: &[String]) -> String {
    values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", ")
}

fn header(check: &HeaderCheck, values: &[String]) -> Option<(MismatchKind, String, String)> {
    let expected = match &check.rule {
        HeaderTest::Is(text) => quoted(text),
        HeaderTest::Regex(regex) => format!("a value that matches {}", quoted(regex.as_str())),
        HeaderTest::Contains(text) => format!("a value that contains {}", quoted(text)),
        HeaderTest::Media(types) => format!("media type {}", types.join(" or ")),
        HeaderTest::All(texts) if texts.is_empty() => "no value".to_owned(),
        HeaderTest::All(texts) => list(texts),
        HeaderTest::Absent => "no such header".to_owned(),
        HeaderTest::Present => "the header".to_owned(),
    };
    let wrong = |kind| Some((kind, expected.clone(), list(values)));
    let missing = || Some((MismatchKind::Missing, expected.clone(), "no such header".to_owned()));
    match (&check.rule, values) {
        (HeaderTest::Absent, []) => None,
        (HeaderTest::Absent, _) => wrong(MismatchKind::Unexpected),
        (HeaderTest::All(texts), values) if texts.as_slice() == values => None,
        (HeaderTest::All(_), []) | (_, []) => missing(),
        (HeaderTest::All(texts), values) => wrong(if texts.len() != values.len() {
            MismatchKind::Length
        } else if texts.iter().all(|text| values.contains(text)) {
            MismatchKind::Order
        } else {
            MismatchKind::Value
        }),
        (HeaderTest::Present, _) => None,
        (HeaderTest::Is(_) | HeaderTest::Media(_), [_, _, ..]) => wrong(MismatchKind::Duplicate),
        (HeaderTest::Is(text), [value]) if text == value => None,
        (HeaderTest::Is(_), _) => wrong(MismatchKind::Value),
        (HeaderTest::Regex(regex), [first, ..]) if regex.is_match(first) => None,
        (HeaderTest::Regex(_), _) => wrong(MismatchKind::Value),
        (HeaderTest::Contains(text), values) if values.iter().any(|value| value.contains(text)) => None,
        (HeaderTest::Contains(_), _) => wrong(MismatchKind::Value),
        // Most answers say it just as it is expected.
        (HeaderTest::Media(types), [value]) if types.contains(value) && media::is_bare(value) => None,
        (HeaderTest::Media(types), [value, ..]) => match MediaType::parse(value) {
            None => wrong(MismatchKind::Malformed),
            Some(actual) => {
                let accepted =
                    types.iter().filter_map(|text| MediaType::parse(text)).any(|wanted| wanted.accepts(&actual));
                if accepted { None } else { wrong(MismatchKind::Value) }
            }
        },
    }
}

//! Compares the body as its pattern's kind, whatever its media type says: [`compare`]. Also [`well_formed`].

use std::cell::OnceCell;
use std::sync::Arc;

use super::focus::Focus;
use super::head::Single;
use super::json::quoted;
use super::judge::{Judge, SHOWN};
use super::media::MediaType;
use super::plain;
use crate::model::exchange::Response;
use crate::model::expect::{BodyCheck, Expect};
use crate::model::id::ClauseId;
use crate::model::json::Json;
use crate::model::judgement::{Judgement, MismatchKind, Part};
use crate::model::pattern::{JsonBody, Plain};
use crate::model::tally::{CheckDefs, CheckIndex};
use crate::model::wide::markup;
use crate::pattern::matching::{Body, Matcher};
use crate::pattern::parse::{JsonSyntaxError, parse_json_bytes};
use crate::pattern::write::cut;

/// A body, parsed once however often it is looked at.
pub(super) struct Parsed<'b> {
    bytes: &'b [u8],
    json: OnceCell<Result<Json<'b>, JsonSyntaxError>>,
    xml: OnceCell<Result<roxmltree::Document<'b>, String>>,
    value: OnceCell<serde_json::Value>,
    /// The JSON value, where somebody has read it already.
    given: Option<&'b Json<'b>>,
    /// Checks that held are not told.
    pub(super) brief: bool,
    /// Where it may differ from one that matched.
    pub(super) focus: Focus<'b>,
}

impl<'b> Parsed<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            json: OnceCell::new(),
            xml: OnceCell::new(),
            value: OnceCell::new(),
            given: None,
            brief: false,
            focus: Focus::Anything,
        }
    }

    /// Of which only mismatches are asked.
    pub(super) fn brief(bytes: &'b [u8], given: Option<&'b Json<'b>>, focus: Focus<'b>) -> Self {
        Self { given, brief: true, focus, ..Self::new(bytes) }
    }

    pub(super) fn json(&self) -> Result<&Json<'b>, &JsonSyntaxError> {
        match self.given {
            Some(value) => Ok(value),
            None => self.json.get_or_init(|| parse_json_bytes(self.bytes)).as_ref(),
        }
    }

    pub(super) fn xml(&self) -> Result<&roxmltree::Document<'b>, &str> {
        self.xml.get_or_init(|| super::xml::parse(self.bytes)).as_ref().map_err(String::as_str)
    }

    /// The JSON value for JSONPath.
    pub(super) fn value(&self, root: &Json<'_>) -> &serde_json::Value {
        self.value.get_or_init(|| super::at::to_value(root))
    }

    /// XML begins with `<`, possibly behind a byte order mark; JSON never does.
    pub(super) fn looks_like_xml(&self) -> bool {
        let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes);
        bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The body for a message.
    pub(super) fn shown(&self) -> String {
        if self.bytes.is_empty() {
            return "an empty body".to_owned();
        }
        let start = &self.bytes[..self.bytes.len().min(2 * SHOWN)];
        cut(&String::from_utf8_lossy(start), SHOWN)
    }
}

/// Whether a body parses as its media type says. Types other than JSON and XML are not looked into;
/// without a `Content-Type` it may be empty, JSON or XML.
///
/// # Errors
/// What is wrong, in one sentence fragment.
pub fn well_formed(content_type: Option<&str>, body: &[u8]) -> Result<(), String> {
    form(content_type, &Parsed::new(&markup(body)))
}

fn form(content_type: Option<&str>, body: &Parsed<'_>) -> Result<(), String> {
    let json = || body.json().map(|_| ()).map_err(|error| format!("no JSON: {error}"));
    let xml = || body.xml().map(|_| ()).map_err(|error| format!("no XML: {error}"));
    match content_type {
        None if body.is_empty() => Ok(()),
        None if body.looks_like_xml() => xml(),
        None => json(),
        Some(text) => match MediaType::parse(text) {
            None => Err(format!("{} is no media type", quoted(text))),
            Some(media) if media.is_json() => json(),
            Some(media) if media.is_xml() => xml(),
            Some(_) => Ok(()),
        },
    }
}

/// Compares the body.
pub(super) fn compare(expect: &Expect, response: &Response, body: &Parsed<'_>, step: &str) -> Judgement {
    let mut found = Judgement::default();
    let single = |check: &str, clauses: &Arc<[ClauseId]>| Single {
        step,
        part: Part::Body,
        place: String::new(),
        check: check.to_owned(),
        clauses: Arc::clone(clauses),
    };
    match &expect.body {
        BodyCheck::Unchecked => {}
        BodyCheck::Empty => {
            let wrong =
                (!body.is_empty()).then(|| (MismatchKind::Unexpected, "an empty body".to_owned(), body.shown()));
            single("body", &expect.fallback).tell(wrong, &mut found);
        }
        BodyCheck::WellFormed => {
            let content_type = response.content_type();
            let wrong = form(content_type.as_deref(), body).err().map(|cause| {
                let expected = content_type.as_deref().unwrap_or("JSON or XML");
                (MismatchKind::Malformed, format!("a well-formed body ({expected})"), cause)
            });
            single("body", &expect.fallback).tell(wrong, &mut found);
        }
        BodyCheck::Json(expected) => match body.json() {
            Ok(value) => {
                if let JsonBody::Plain(Plain { template, checks, .. }) = expected
                    && plain::holds(template, value)
                {
                    if !body.brief {
                        found.checks.count_each_once(step, checks);
                    }
                    return found;
                }
                let pattern = expected.pattern();
                let matcher = Matcher { body: Body::Json(value) };
                let mut judge = Judge::new(&pattern.checks, matcher, step, Part::Body);
                judge.brief = body.brief;
                judge.focus = body.focus;
                judge.node(&pattern.root, Some(value));
                return judge.finish();
            }
            Err(cause) => {
                let wrong = (MismatchKind::Malformed, "a JSON body".to_owned(), unreadable(body, &cause.to_string()));
                let pattern = expected.pattern();
                let (check, clauses) = all_clauses(&pattern.checks, pattern.root.check, &expect.fallback);
                single(&check, &clauses).tell(Some(wrong), &mut found);
            }
        },
        BodyCheck::Xml(pattern) => match body.xml() {
            Ok(document) => {
                let matcher = Matcher { body: Body::Xml(document.root_element()) };
                let mut judge = Judge::new(&pattern.checks, matcher, step, Part::Body);
                judge.brief = body.brief;
                judge.document(pattern, document);
                return judge.finish();
            }
            Err(cause) => {
                let wrong = (MismatchKind::Malformed, "an XML body".to_owned(), unreadable(body, cause));
                let (check, clauses) = all_clauses(&pattern.checks, pattern.root.check, &expect.fallback);
                single(&check, &clauses).tell(Some(wrong), &mut found);
            }
        },
        BodyCheck::Text(_) | BodyCheck::TextRegex(_) | BodyCheck::TextContains(_) => {
            single("text", &expect.fallback).tell(text(&expect.body, body), &mut found);
        }
    }
    found
}

fn unreadable(body: &Parsed<'_>, cause: &str) -> String {
    if body.is_empty() { body.shown() } else { format!("{cause}: {}", body.shown()) }
}

/// A body that cannot be read violates everything that was to be proven with it.
fn all_clauses(checks: &CheckDefs, root: CheckIndex, fallback: &Arc<[ClauseId]>) -> (String, Arc<[ClauseId]>) {
    let mut clauses: Vec<ClauseId> = Vec::new();
    for clause in checks.iter().flat_map(|check| check.clauses.iter()) {
        if !clauses.contains(clause) {
            clauses.push(clause.clone());
        }
    }
    let clauses = if clauses.is_empty() { Arc::clone(fallback) } else { clauses.into() };
    (checks.get(root).name.to_owned(), clauses)
}

fn text(check: &BodyCheck, body: &Parsed<'_>) -> Option<(MismatchKind, String, String)> {
    let expected = match check {
        BodyCheck::Text(text) => quoted(text),
        BodyCheck::TextRegex(regex) => format!("text that matches {}", quoted(regex.as_str())),
        BodyCheck::TextContains(text) => format!("text that contains {}", quoted(text)),
        _ => return None,
    };
    let actual = match std::str::from_utf8(body.bytes) {
        Ok(actual) => actual,
        Err(cause) => {
            let actual = format!("no UTF-8 from byte {} on: {}", cause.valid_up_to(), body.shown());
            return Some((MismatchKind::Malformed, expected, actual));
        }
    };
    let held = match check {
        BodyCheck::Text(text) => text == actual,
        BodyCheck::TextRegex(regex) => regex.is_match(actual),
        BodyCheck::TextContains(text) => actual.contains(text),
        _ => true,
    };
    if held { None } else { Some((MismatchKind::Value, expected, quoted(actual))) }
}

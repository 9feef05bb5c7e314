//! Finds places by path: checks of `[[expect.at]]` ([`compare`]) and values to keep ([`extract`]).

use std::rc::Rc;
use std::sync::Arc;

use serde_json_path::JsonPath;

use super::body::Parsed;
use super::focus::{Focus, Spot};
use super::head::Single;
use super::judge::{Judge, XmlSpot};
use super::route::{Route, touches};
use super::xpath::{Found, XPath};
use crate::model::expect::{AtCheck, Expect};
use crate::model::json::Json;
use crate::model::judgement::{Judgement, MismatchKind, Part};
use crate::model::spec::Path;
use crate::model::wide::markup;
use crate::pattern::checks::escape_segment;
use crate::pattern::matching::{Body, Matcher, at_pointer};
use crate::pattern::memo::Memo;

/// Why no value can be taken from an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// The body is not JSON, which a JSON Pointer or JSONPath needs.
    #[error("the body{} is no JSON: {cause}", of(content_type))]
    NotJson {
        /// What the answer says it is.
        content_type: Option<String>,
        /// Why it is none.
        cause: String,
    },
    /// The body is not XML, which an XPath needs.
    #[error("the body{} is no XML: {cause}", of(content_type))]
    NotXml {
        /// What the answer says it is.
        content_type: Option<String>,
        /// Why it is none.
        cause: String,
    },
    /// The path itself cannot be read.
    #[error("the path cannot be read: {0}")]
    Path(String),
}

fn of(content_type: &Option<String>) -> String {
    content_type.as_ref().map_or_else(String::new, |text| format!(" ({text})"))
}

/// The values that a path finds, in order; none is no error. XML gives strings.
///
/// # Errors
/// When the body is not of the path's kind, or the path cannot be read.
pub fn extract(path: &Path, body: &[u8], content_type: Option<&str>) -> Result<Vec<Json<'static>>, ExtractError> {
    let body = markup(body);
    let body = Parsed::new(&body);
    let content_type = || content_type.map(str::to_owned);
    check_path(path).map_err(ExtractError::Path)?;
    if let Path::XPath(text) = path {
        let xpath = XPath::parse(text).map_err(ExtractError::Path)?;
        let document = body
            .xml()
            .map_err(|cause| ExtractError::NotXml { content_type: content_type(), cause: cause.to_owned() })?;
        let string = |found: &Found<'_>| Json::string(found.text().into_owned());
        return Ok(xpath.find(document).iter().map(string).collect());
    }
    let root = body
        .json()
        .map_err(|cause| ExtractError::NotJson { content_type: content_type(), cause: cause.to_string() })?;
    let found = locate(path, root, &body).map_err(ExtractError::Path)?;
    Ok(found.into_iter().map(|(_, value)| value.clone().into_owned()).collect())
}

/// As [`extract`], of a JSON value that somebody has read already.
///
/// # Errors
/// When the path cannot be read, or is one for XML.
pub fn extract_json(path: &Path, root: &Json<'_>) -> Result<Vec<Json<'static>>, ExtractError> {
    check_path(path).map_err(ExtractError::Path)?;
    if let Path::XPath(_) = path {
        return Err(ExtractError::NotXml { content_type: None, cause: "it is JSON".to_owned() });
    }
    let found = locate(path, root, &Parsed::new(&[])).map_err(ExtractError::Path)?;
    Ok(found.into_iter().map(|(_, value)| value.clone().into_owned()).collect())
}

/// Whether a path can be read.
///
/// # Errors
/// What is wrong with it.
pub fn check_path(path: &Path) -> Result<(), String> {
    match path {
        Path::Pointer(text) if text.is_empty() || text.starts_with('/') => {
            let mut tildes = text.match_indices('~');
            match tildes.find(|(at, _)| !matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1'))) {
                Some(_) => Err("`~` in a JSON Pointer must be followed by 0 or 1 (RFC 6901, section 3)".to_owned()),
                None => Ok(()),
            }
        }
        Path::Pointer(_) => Err("a JSON Pointer is empty or begins with `/`".to_owned()),
        Path::JsonPath(text) => json_path(text).map(|_| ()),
        Path::XPath(text) => XPath::parse(text).map(|_| ()),
    }
}

/// A JSONPath, read once however often it is asked for.
fn json_path(text: &str) -> Result<Rc<JsonPath>, String> {
    thread_local! {
        static KNOWN: Memo<Rc<JsonPath>> = Memo::default();
    }
    let make = |text: &str| JsonPath::parse(text).map(Rc::new).map_err(|error| error.to_string());
    KNOWN.with(|known| known.get(text, make))
}

/// JSON places with their pointers.
fn locate<'v, 'a>(path: &Path, root: &'v Json<'a>, body: &Parsed<'_>) -> Result<Vec<(String, &'v Json<'a>)>, String> {
    match path {
        Path::Pointer(pointer) => {
            Ok(at_pointer(root, pointer).map(|value| (pointer.clone(), value)).into_iter().collect())
        }
        Path::JsonPath(text) => {
            if let Some(found) = Route::parse(text).and_then(|route| route.find(root)) {
                return Ok(found);
            }
            let path = json_path(text)?;
            let nodes = path.query_located(body.value(root));
            let pointers = nodes.iter().map(|node| node.location().to_json_pointer());
            // Found again in our own value, which has the exact numbers.
            Ok(pointers.filter_map(|pointer| at_pointer(root, &pointer).map(|value| (pointer, value))).collect())
        }
        Path::XPath(_) => Ok(Vec::new()),
    }
}

/// The value as `serde_json` has it, for JSONPath. Of equal members the first is kept, as everywhere here;
/// a number that no float holds becomes its text.
pub(super) fn to_value(json: &Json<'_>) -> serde_json::Value {
    use serde_json::Value;
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(text) => {
            text.parse::<serde_json::Number>().map_or_else(|_| Value::String(text.to_string()), Value::Number)
        }
        Json::String(text) => Value::String(text.to_string()),
        Json::Array(items) => Value::Array(items.iter().map(to_value).collect()),
        Json::Object(members) => {
            let mut map = serde_json::Map::with_capacity(members.len());
            for (key, value) in members {
                if !map.contains_key(&**key) {
                    map.insert(key.to_string(), to_value(value));
                }
            }
            Value::Object(map)
        }
    }
}

fn words(path: &Path) -> &str {
    match path {
        Path::Pointer(text) | Path::JsonPath(text) | Path::XPath(text) => text,
    }
}

/// Every check of a path that is of the body's kind.
pub(super) fn compare(expect: &Expect, body: &Parsed<'_>, step: &str, found: &mut Judgement) {
    for check in &expect.at {
        let for_xml = matches!(check.path, Path::XPath(_));
        if let Focus::Only(place) = body.focus
            && !touches(&check.path, place)
        {
            continue;
        }
        if !body.is_empty() && for_xml != body.looks_like_xml() {
            continue;
        }
        if let Err(cause) = one(check, body, step, found) {
            let what = if for_xml { "an XML body" } else { "a JSON body" };
            single(check, step).tell(Some((MismatchKind::Malformed, what.to_owned(), cause)), found);
        }
    }
}

/// A place as a JSON Pointer.
fn pointer_of(place: &[Spot<'_>]) -> String {
    let segment = |spot: &Spot<'_>| match spot {
        Spot::Key(key) => format!("/{}", escape_segment(key)),
        Spot::Index(at) => format!("/{at}"),
    };
    place.iter().map(segment).collect()
}

/// Whether one place is the other, or holds it.
fn related(one: &str, other: &str) -> bool {
    let holds = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    holds(one, other) || holds(other, one)
}

fn single<'s>(check: &AtCheck, step: &'s str) -> Single<'s> {
    let path = words(&check.path);
    Single {
        step,
        part: Part::Body,
        place: path.to_owned(),
        check: format!("at:{path}"),
        clauses: Arc::clone(&check.clauses),
    }
}

fn count(check: &AtCheck, number: usize, step: &str, found: &mut Judgement) {
    let Some((least, most)) = check.count else { return };
    let wrong = !(least..=most).contains(&number);
    let expected = match (least, most) {
        (least, most) if least == most => format!("{least} places"),
        (least, usize::MAX) => format!("at least {least} places"),
        (0, most) => format!("at most {most} places"),
        (least, most) => format!("{least} to {most} places"),
    };
    let kind = match (number, wrong) {
        (0, _) => MismatchKind::Missing,
        _ if most == 0 => MismatchKind::Unexpected,
        _ => MismatchKind::Length,
    };
    single(check, step).tell(wrong.then(|| (kind, expected, number.to_string())), found);
}

fn one(check: &AtCheck, body: &Parsed<'_>, step: &str, found: &mut Judgement) -> Result<(), String> {
    if let Path::XPath(text) = &check.path {
        let xpath = XPath::parse(text)?;
        let document = body.xml()?;
        let nodes = xpath.find(document);
        count(check, nodes.len(), step, found);
        if let Some(pattern) = &check.is {
            let matcher = Matcher { body: Body::Xml(document.root_element()) };
            let mut judge = Judge::new(&pattern.checks, matcher, step, Part::Body);
            judge.brief = body.brief;
            for node in &nodes {
                judge.spot = Some(XmlSpot { element: node.element, attribute: node.attribute });
                judge.node(&pattern.root, Some(&Json::String(node.text())));
            }
            found.absorb(judge.finish());
        }
        return Ok(());
    }
    let root = body.json().map_err(ToString::to_string)?;
    let values = locate(&check.path, root, body)?;
    count(check, values.len(), step, found);
    if let Some(pattern) = &check.is {
        let mut judge = Judge::new(&pattern.checks, Matcher { body: Body::Json(root) }, step, Part::Body);
        judge.brief = body.brief;
        let changed = match body.focus {
            Focus::Only(place) => Some(pointer_of(place)),
            Focus::Anything => None,
        };
        for (pointer, value) in values {
            if changed.as_ref().is_some_and(|changed| !related(&pointer, changed)) {
                continue;
            }
            judge.base = pointer;
            judge.node(&pattern.root, Some(value));
        }
        found.absorb(judge.finish());
    }
    Ok(())
}

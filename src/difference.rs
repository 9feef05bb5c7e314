//! Two answers to the same request side by side: [`differences`] lists the places at which they are not the same.
//!
//! Places are written as mismatches write them, so that a difference can be found among what a comparison found.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::compare::{parse_xml, xml_place};
use crate::model::json::Json;
use crate::model::judgement::Part;
use crate::pattern::checks::escape_segment;
use crate::pattern::matching::same_value;
use crate::pattern::parse::parse_json_bytes;
use crate::pattern::write::short_json;
use crate::record::{BodyRecord, ResponseRecord};

/// About how many bytes of a value are shown.
const SHOWN: usize = 120;
/// Places of two bodies that are told; answers that differ in more have little to do with each other.
const MOST: usize = 2_000;

/// A place at which two answers are not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Part of the answer.
    pub part: Part,
    /// Header name, JSON Pointer, XML path; empty for the status and the whole body.
    pub place: String,
    /// What is there in the first; `None` where nothing is.
    pub one: Option<String>,
    /// What is there in the second.
    pub other: Option<String>,
    /// Types of the two in JSON, `string` in XML; empty where nothing is.
    pub types: (&'static str, &'static str),
    /// Whether both are lists with the same elements in another order.
    pub order: bool,
}

/// Every place at which two answers differ. Of header fields only those that `headers` says.
#[must_use]
pub fn differences(one: &ResponseRecord, other: &ResponseRecord, headers: &dyn Fn(&str) -> bool) -> Vec<Difference> {
    let mut found = Vec::new();
    if one.status != other.status {
        let (one, other) = (one.status.to_string(), other.status.to_string());
        found.push(Difference {
            part: Part::Status,
            place: String::new(),
            one: Some(one),
            other: Some(other),
            types: ("integer", "integer"),
            order: false,
        });
    }
    let names: BTreeSet<String> =
        one.headers.iter().chain(&other.headers).map(|(name, _)| name.to_ascii_lowercase()).collect();
    for name in names.into_iter().filter(|name| headers(name)) {
        let values = |answer: &ResponseRecord| {
            let all: Vec<&str> = answer
                .headers
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(&name))
                .map(|(_, value)| value.as_str())
                .collect();
            (!all.is_empty()).then(|| all.join(", "))
        };
        let (one, other) = (values(one), values(other));
        if one != other {
            let kind = |value: &Option<String>| if value.is_some() { "string" } else { "" };
            let types = (kind(&one), kind(&other));
            found.push(Difference { part: Part::Header, place: name, one, other, types, order: false });
        }
    }
    bodies(&one.body, &other.body, &mut found);
    found
}

/// A place without positions, `/Results/*/Id`, so that the same thing at several elements is one.
#[must_use]
pub fn general(place: &str) -> String {
    let segment = |segment: &str| match segment.split_once('[') {
        Some((name, rest)) if rest.ends_with(']') => format!("{name}[*]"),
        _ if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) => "*".to_owned(),
        _ => segment.to_owned(),
    };
    place.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn bodies(one: &BodyRecord, other: &BodyRecord, found: &mut Vec<Difference>) {
    if one.text == other.text && one.base64 == other.base64 && one.bytes == other.bytes {
        return;
    }
    let whole = |found: &mut Vec<Difference>| {
        let shown = |body: &BodyRecord| match &body.text {
            Some(text) if text.is_empty() => None,
            Some(text) => Some(crate::pattern::write::cut(text, SHOWN)),
            None => Some(format!("{} bytes that are no text", body.bytes)),
        };
        let (one, other) = (shown(one), shown(other));
        let kind = |value: &Option<String>| if value.is_some() { "string" } else { "" };
        let types = (kind(&one), kind(&other));
        found.push(Difference { part: Part::Body, place: String::new(), one, other, types, order: false });
    };
    let (Some(left), Some(right)) = (&one.text, &other.text) else { return whole(found) };
    match (parse_json_bytes(left.as_bytes()), parse_json_bytes(right.as_bytes())) {
        (Ok(left), Ok(right)) => json(&left, &right, found),
        (Err(_), Err(_)) => match (parse_xml(left.as_bytes()), parse_xml(right.as_bytes())) {
            (Ok(left), Ok(right)) => xml(&leaves(&left), &leaves(&right), found),
            _ => whole(found),
        },
        _ => whole(found),
    }
}

fn shown(value: &Json<'_>) -> Option<String> {
    Some(short_json(value, SHOWN))
}

fn kind(value: &Json<'_>) -> &'static str {
    match value {
        Json::Number(text) if !text.contains(['.', 'e', 'E']) => "integer",
        value => value.type_name(),
    }
}

fn json(left: &Json<'_>, right: &Json<'_>, found: &mut Vec<Difference>) {
    let mut open = vec![(String::new(), left, right)];
    while let Some((place, left, right)) = open.pop() {
        if found.len() >= MOST {
            return;
        }
        let tell = |place: String, one: Option<&Json<'_>>, other: Option<&Json<'_>>| Difference {
            part: Part::Body,
            place,
            one: one.and_then(shown),
            other: other.and_then(shown),
            types: (one.map_or("", kind), other.map_or("", kind)),
            order: false,
        };
        match (left, right) {
            (Json::Object(one), Json::Object(other)) => {
                let below = |key: &str| format!("{place}/{}", escape_segment(key));
                // From the last, because the stack gives the last first.
                for (key, value) in one.iter().rev() {
                    match right.get(key) {
                        Some(same) => open.push((below(key), value, same)),
                        None => found.push(tell(below(key), Some(value), None)),
                    }
                }
                for (key, value) in other.iter().filter(|(key, _)| left.get(key).is_none()) {
                    found.push(tell(below(key), None, Some(value)));
                }
            }
            (Json::Array(one), Json::Array(other)) if one.len() == other.len() => {
                let differs = one.iter().zip(other).any(|(one, other)| !same_value(one, other));
                if differs && reordered(one, other) {
                    found.push(Difference { order: true, ..tell(place, Some(left), Some(right)) });
                    continue;
                }
                open.extend(
                    one.iter()
                        .zip(other)
                        .enumerate()
                        .rev()
                        .map(|(at, (one, other))| (format!("{place}/{at}"), one, other)),
                );
            }
            _ if same_value(left, right) => {}
            _ => found.push(tell(place, Some(left), Some(right))),
        }
    }
}

/// Whether two lists that differ have the same elements.
fn reordered(one: &[Json<'_>], other: &[Json<'_>]) -> bool {
    let texts = |items: &[Json<'_>]| {
        let mut texts: Vec<String> = items.iter().map(crate::pattern::write::write_json).collect();
        texts.sort_unstable();
        texts
    };
    texts(one) == texts(other)
}

fn xml(left: &[(String, String)], right: &[(String, String)], found: &mut Vec<Difference>) {
    let index = |list: &[(String, String)]| -> HashMap<String, String> { list.iter().cloned().collect() };
    let (before, after) = (index(left), index(right));
    let mut tell = |place: &str, one: Option<String>, other: Option<String>| {
        let kind = |value: &Option<String>| if value.is_some() { "string" } else { "" };
        let types = (kind(&one), kind(&other));
        found.push(Difference { part: Part::Body, place: place.to_owned(), one, other, types, order: false });
    };
    for (place, text) in left.iter().take(MOST) {
        let other = after.get(place);
        if other != Some(text) {
            tell(place, Some(text.clone()), other.cloned());
        }
    }
    for (place, text) in right.iter().take(MOST).filter(|(place, _)| !before.contains_key(place)) {
        tell(place, None, Some(text.clone()));
    }
}

/// Places and texts of the elements without child elements, and of attributes.
fn leaves(document: &roxmltree::Document<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let place = xml_place(node);
        found.extend(node.attributes().map(|each| (format!("{place}/@{}", each.name()), each.value().to_owned())));
        if !node.children().any(|child| child.is_element()) {
            found.push((place, node.text().unwrap_or_default().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> ResponseRecord {
        ResponseRecord {
            status: 200,
            reason: None,
            version: "HTTP/1.1".to_owned(),
            headers: vec![("Date".to_owned(), "now".to_owned())],
            body: BodyRecord { bytes: body.len() as u64, text: Some(body.to_owned()), base64: None, cut: false },
        }
    }

    fn told(one: &str, other: &str) -> Vec<String> {
        let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        differences(&answer(one), &answer(other), &|_| true)
            .into_iter()
            .map(|each| {
                format!(
                    "{} {} {}{}",
                    each.place,
                    text(each.one),
                    text(each.other),
                    if each.order { " order" } else { "" }
                )
            })
            .collect()
    }

    #[test]
    fn json_differs_by_place_and_never_by_writing() {
        assert_eq!(told(r#"{"a":1,"b":[1,2]}"#, r#"{ "b": [1, 2], "a": 1.0 }"#), Vec::<String>::new());
        assert_eq!(
            told(r#"{"a":[{"Id":"x"},{}]}"#, r#"{"a":[{"Id":"y"},{"n":1}]}"#),
            ["/a/0/Id \"x\" \"y\"", "/a/1/n - 1"]
        );
        assert_eq!(told("[1,2]", "[2,1]"), [" [1,2] [2,1] order"]);
        assert_eq!(told("[1]", "[1,2]"), [" [1] [1,2]"]);
        assert_eq!(told("{}", "<a/>"), [" {} <a/>"]);
    }

    #[test]
    fn xml_differs_by_the_text_of_its_elements() {
        assert_eq!(told("<r><a>1</a><a>2</a></r>", "<r> <a>1</a><a>3</a></r>"), ["/r/a[2] 2 3"]);
        assert_eq!(told("<r x='1'/>", "<r x='2'/>"), ["/r/@x 1 2"]);
    }

    #[test]
    fn status_and_the_headers_that_are_asked_for() {
        let mut other = answer("{}");
        other.status = 201;
        other.headers[0].1 = "later".to_owned();
        let parts = |headers: bool| {
            let found = differences(&answer("{}"), &other, &|_| headers);
            found.into_iter().map(|each| each.part).collect::<Vec<_>>()
        };
        assert_eq!(parts(true), [Part::Status, Part::Header]);
        assert_eq!(parts(false), [Part::Status]);
    }

    #[test]
    fn positions_are_left_out_of_general_places() {
        assert_eq!(general("/a/12/Id"), "/a/*/Id");
        assert_eq!(general("/R/a[2]/@x"), "/R/a[*]/@x");
        assert_eq!(general(""), "");
    }
}

//! Why nobody noticed a mutant: [`why`] finds the looseness that an author wrote down, or none.

use std::cell::OnceCell;

use serde::{Deserialize, Serialize};

use super::mutants::{Mutant, Operator, Segment};
use crate::model::exchange::Response;
use crate::model::expect::{BodyCheck, Expect, HeaderTest};
use crate::model::id::ChoiceId;
use crate::model::json::Json;
use crate::model::judgement::Part;
use crate::model::pattern::{Node, Rule, XmlNode};
use crate::model::spec::Extra;
use crate::pattern::matching::{Body, Matcher, find};
use crate::pattern::parse::parse_json_bytes;
use crate::pattern::xml_matching::{matches, own_text};

/// What makes a case take an answer that is not the one it was written for. The greater ones are stronger: of two cases
/// that look at the same place, the one that says something about it counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "detail")]
pub enum Looseness {
    /// The case asks nothing of the body's structure: `unchecked`, `well-formed`, `text`.
    Body(String),
    /// The case only records (`observe`).
    Observe,
    /// No case lists the place, and nothing says that this is meant: negligence.
    Unlisted,
    /// A value that was captured here decides what is sent later, and nothing is sent again to see what comes of it.
    Captured(String),
    /// It would only be told, as `wanted`.
    Wanted,
    /// What is unlisted is allowed or noted.
    Extra(String),
    /// A set of statuses.
    Status(String),
    /// A header test that takes several values.
    Header(String),
    /// A choice that the documents leave open.
    Choice(ChoiceId),
    /// An operator of the pattern, `$type`; with the reason that `$unchecked` gives.
    Operator(String),
}

impl Looseness {
    /// Whether nobody meant it.
    #[must_use]
    pub fn is_negligent(&self) -> bool {
        matches!(self, Looseness::Unlisted)
    }
}

impl std::fmt::Display for Looseness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Looseness::Body(word) => f.write_str(word),
            Looseness::Observe => f.write_str("observe"),
            Looseness::Unlisted => f.write_str("not listed"),
            Looseness::Captured(name) => write!(f, "captured as `{name}` for later steps"),
            Looseness::Wanted => f.write_str("wanted"),
            Looseness::Extra(word) => write!(f, "extra = \"{word}\""),
            Looseness::Status(set) => write!(f, "status {set}"),
            Looseness::Header(test) => write!(f, "{test}"),
            Looseness::Choice(choice) => write!(f, "choice {choice}"),
            Looseness::Operator(word) => f.write_str(word),
        }
    }
}

/// An answer's body, read when it is first asked for.
pub struct Original<'b> {
    response: &'b Response,
    json: OnceCell<Option<Json<'b>>>,
    xml: OnceCell<Option<roxmltree::Document<'b>>>,
}

impl<'b> Original<'b> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(response: &'b Response) -> Self {
        Self { response, json: OnceCell::new(), xml: OnceCell::new() }
    }

    fn json(&self) -> Option<&Json<'b>> {
        self.json.get_or_init(|| parse_json_bytes(&self.response.body).ok()).as_ref()
    }

    fn xml(&self) -> Option<&roxmltree::Document<'b>> {
        let read = || {
            let body: &'b [u8] = &self.response.body;
            let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
            roxmltree::Document::parse(std::str::from_utf8(body).ok()?).ok()
        };
        self.xml.get_or_init(read).as_ref()
    }
}

/// Why an expectation takes a mutant of an answer that it holds for.
#[must_use]
pub fn why(expect: &Expect, original: &Original<'_>, mutant: &Mutant) -> Looseness {
    let place = &mutant.place;
    match place.part {
        Part::Status if expect.status.is_empty() => Looseness::Unlisted,
        Part::Status => Looseness::Status(statuses(expect)),
        Part::Header => {
            let mut tests = expect.headers.iter().filter(|check| check.name == place.name);
            match tests.next() {
                Some(check) => Looseness::Header(test(&check.rule).to_owned()),
                // Who asks nothing of a body asks nothing of its type.
                None if place.name == "content-type" => unasked(&expect.body).unwrap_or(Looseness::Unlisted),
                None => Looseness::Unlisted,
            }
        }
        Part::Body | Part::Check => {
            let found = match &expect.body {
                BodyCheck::Unchecked
                | BodyCheck::WellFormed
                | BodyCheck::TextRegex(_)
                | BodyCheck::TextContains(_)
                | BodyCheck::Empty
                | BodyCheck::Text(_) => unasked(&expect.body),
                BodyCheck::Json(body) => original.json().and_then(|root| {
                    let why = Why { matcher: Matcher { body: Body::Json(root) }, operator: mutant.operator };
                    why.json(&body.pattern().root, Some(root), &place.path)
                }),
                BodyCheck::Xml(pattern) => original.xml().and_then(|document| {
                    let root = document.root_element();
                    let why = Why { matcher: Matcher { body: Body::Xml(root) }, operator: mutant.operator };
                    why.xml(&pattern.root, root, place.path.get(1..).unwrap_or_default())
                }),
            };
            found.unwrap_or(Looseness::Unlisted)
        }
    }
}

/// What is said of a body that no pattern looks into.
fn unasked(body: &BodyCheck) -> Option<Looseness> {
    let word = match body {
        BodyCheck::Unchecked => "body = \"unchecked\"",
        BodyCheck::WellFormed => "body = \"well-formed\"",
        BodyCheck::TextRegex(_) => "text.regex",
        BodyCheck::TextContains(_) => "text.contains",
        BodyCheck::Empty | BodyCheck::Text(_) | BodyCheck::Json(_) | BodyCheck::Xml(_) => return None,
    };
    Some(Looseness::Body(word.to_owned()))
}

fn statuses(expect: &Expect) -> String {
    let word = |range: &crate::model::expect::StatusRange| match (range.first, range.last) {
        (first, last) if first == last => first.to_string(),
        (first, _) => format!("{}xx", first / 100),
    };
    let mut words = Vec::new();
    for check in &expect.status {
        words.extend(check.is.iter().map(word));
        words.extend(check.not.iter().map(|range| format!("not {}", word(range))));
    }
    words.join(", ")
}

fn test(rule: &HeaderTest) -> &'static str {
    match rule {
        HeaderTest::Is(_) => "is",
        HeaderTest::Regex(_) => "regex",
        HeaderTest::Contains(_) => "contains",
        HeaderTest::Media(_) => "media",
        HeaderTest::All(_) => "all",
        HeaderTest::Absent => "absent",
        HeaderTest::Present => "present",
    }
}

/// The operator that was written, and the reason it gives.
fn written(node: &Node) -> Looseness {
    let first = node.written.as_deref().and_then(|json| match json {
        Json::Object(members) => members.first(),
        _ => None,
    });
    Looseness::Operator(match first {
        Some((word, Json::String(reason))) if word == "$unchecked" => format!("$unchecked: {reason}"),
        Some((word, _)) => word.to_string(),
        None => "an operator".to_owned(),
    })
}

fn extra(extra: Extra, operator: Operator) -> Option<Looseness> {
    match (extra, operator) {
        (Extra::Allow, _) => Some(Looseness::Extra("allow".to_owned())),
        // What is new is told as a note. What the answer always had and no case lists is another thing.
        (Extra::Note, Operator::Added) => Some(Looseness::Extra("note".to_owned())),
        (Extra::Note | Extra::Fail, _) => None,
    }
}

struct Why<'x> {
    matcher: Matcher<'x>,
    operator: Operator,
}

impl Why<'_> {
    /// Whether the place is an entry of a list, and the change one of the list.
    fn entry(&self, path: &[Segment]) -> bool {
        path.is_empty() || (path.len() == 1 && matches!(self.operator, Operator::Removed | Operator::Duplicated))
    }

    /// Goes down a pattern along a place. Recursion follows the pattern.
    fn json(&self, node: &Node, value: Option<&Json<'_>>, path: &[Segment]) -> Option<Looseness> {
        match &node.rule {
            Rule::Null | Rule::Bool(_) | Rule::Number(_) | Rule::String(_) => None,
            Rule::Optional(inner) => {
                let gone = matches!(self.operator, Operator::Removed | Operator::Renamed | Operator::NameCase);
                if path.is_empty() && gone {
                    return Some(Looseness::Operator("$optional".to_owned()));
                }
                self.json(inner, value, path)
            }
            Rule::Choice(choice) => {
                let reading = choice.readings.iter().find(|(_, each)| self.matcher.matches(each, value));
                let inside = reading.and_then(|(_, each)| self.json(each, value, path));
                Some(inside.unwrap_or_else(|| Looseness::Choice(choice.choice.clone())))
            }
            Rule::OneOf(nodes) => {
                let found = nodes.iter().find(|each| self.matcher.matches(each, value));
                Some(found.and_then(|each| self.json(each, value, path)).unwrap_or_else(|| written(node)))
            }
            Rule::All(nodes) => nodes.iter().find_map(|each| self.json(each, value, path)),
            Rule::Object(members) => match path.split_first() {
                Some((Segment::Key(key), rest)) => match find(members, 0, key) {
                    Some(at) => self.json(&members.list[at].1, value.and_then(|value| value.get(key)), rest),
                    None => extra(members.extra, self.operator),
                },
                _ if self.operator == Operator::Added => extra(members.extra, self.operator),
                _ if self.operator == Operator::Emptied => members
                    .list
                    .iter()
                    .find(|(_, each)| self.matcher.matches(each, None))
                    .map(|(_, each)| written(each)),
                _ => None,
            },
            Rule::Array(nodes) => match path.split_first() {
                Some((Segment::Index(at), rest)) => self.json(nodes.get(*at)?, item(value, *at), rest),
                // Entries that changed places unnoticed: each takes the other.
                _ => nodes.iter().enumerate().find_map(|(at, each)| self.json(each, item(value, at), path)),
            },
            Rule::Each(_) | Rule::Unordered(_) if self.entry(path) => Some(written(node)),
            Rule::Each(inner) => match path.split_first() {
                Some((Segment::Index(at), rest)) => self.json(inner, item(value, *at), rest),
                _ => None,
            },
            Rule::Unordered(nodes) => match path.split_first() {
                Some((Segment::Index(at), rest)) => {
                    let item = item(value, *at);
                    let found = nodes.iter().find(|each| self.matcher.matches(each, item))?;
                    self.json(found, item, rest)
                }
                _ => None,
            },
            Rule::Any
            | Rule::Unchecked
            | Rule::Type(_)
            | Rule::Regex(_)
            | Rule::IgnoreCase(_)
            | Rule::Contains(_)
            | Rule::Length(..)
            | Rule::Range(..)
            | Rule::Lexical(_)
            | Rule::Absent
            | Rule::Distinct
            | Rule::Not(_)
            | Rule::SameAs(_) => Some(written(node)),
        }
    }

    /// As [`Self::json`], for the children of an element. Recursion follows the pattern.
    fn xml(&self, pattern: &XmlNode, element: roxmltree::Node<'_, '_>, path: &[Segment]) -> Option<Looseness> {
        let Some((segment, rest)) = path.split_first() else { return self.element(pattern, element) };
        match segment {
            Segment::Attribute(name) => match pattern.attributes.iter().find(|(_, each, _)| **each == **name) {
                Some((_, _, node)) => {
                    let value = element.attributes().find(|each| each.name() == &**name);
                    let value = value.map(|each| Json::string(each.value().to_owned()));
                    self.json(node, value.as_ref(), &[])
                }
                None => extra(pattern.extra, self.operator),
            },
            Segment::Child(name, at, _) => {
                if let Some(text) = &pattern.text {
                    return self.json(text, Some(&Json::String(own_text(element))), &[]);
                }
                let child = element.children().filter(|each| each.tag_name().name() == &**name).nth(*at)?;
                let mut same = pattern.children.iter().filter(|each| each.name == **name && !each.absent);
                let found = same.clone().find(|each| matches(&self.matcher, each, child)).or_else(|| same.next_back());
                match found {
                    Some(found) => self.xml(found, child, rest),
                    None => extra(pattern.extra, self.operator),
                }
            }
            Segment::Key(_) | Segment::Index(_) => None,
        }
    }

    /// At an element itself.
    fn element(&self, pattern: &XmlNode, element: roxmltree::Node<'_, '_>) -> Option<Looseness> {
        let cb = |word: &str| Some(Looseness::Operator(word.to_owned()));
        match self.operator {
            Operator::Added => extra(pattern.extra, self.operator),
            Operator::Removed | Operator::Renamed | Operator::NameCase if pattern.optional => cb("cb:optional"),
            Operator::Reordered if pattern.any_order => cb("cb:order"),
            // The second of two is one more than was listed.
            Operator::Duplicated => extra(pattern.extra, Operator::Added),
            _ => {
                let node = pattern.text.as_ref()?;
                self.json(node, Some(&Json::String(own_text(element))), &[])
            }
        }
    }
}

fn item<'v, 'a>(value: Option<&'v Json<'a>>, at: usize) -> Option<&'v Json<'a>> {
    match value {
        Some(Json::Array(items)) => items.get(at),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

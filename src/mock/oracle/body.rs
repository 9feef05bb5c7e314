//! Bodies of the Oracle API: a [`Body`] of named strings and lists, written as JSON or XML.
//!
//! The documents show JSON only. In XML the members keep their names as elements in the same
//! order; the root is the name of the schema.

use serde_json::{Map, Value};

use crate::mock::media::Format;
use crate::mock::xml::XmlWriter;

/// The problem type of every error (OCM-DEL-27).
pub(super) const PROBLEM: &str = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html";

/// A value of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Member {
    /// A string.
    Text(String),
    /// An object.
    Object(Vec<(&'static str, Member)>),
    /// A list of objects; in XML each is an element of this name.
    List(&'static str, Vec<Vec<(&'static str, Member)>>),
}

impl From<&str> for Member {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Member {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A body: a schema name and members in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    /// The root element in XML.
    pub(super) root: &'static str,
    /// The members.
    pub(super) members: Vec<(&'static str, Member)>,
}

/// An error in the words of the API: a key for programs, a message for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// `errorCode`, a negative number as text.
    pub(super) code: &'static str,
    /// `errorKey`.
    pub(super) key: String,
    /// `errorMessage` and `title`.
    pub(super) message: String,
}

impl Body {
    /// The error of an operation on one collection: exactly seven members (OCM-DEL-28).
    pub(super) fn refused(problem: Problem, id: &str) -> Self {
        Self {
            root: "CollectionDeleteResponse",
            members: vec![
                ("errorCode", problem.code.into()),
                ("errorKey", problem.key.into()),
                ("errorMessage", problem.message.clone().into()),
                ("errorType", "collection".into()),
                ("idList", id.into()),
                ("title", problem.message.into()),
                ("type", PROBLEM.into()),
            ],
        }
    }

    /// The general error, of requests that are about no collection (api-facts 2.5).
    pub(super) fn general(problem: Problem) -> Self {
        Self {
            root: "ErrorResponse",
            members: vec![
                ("errorCode", problem.code.into()),
                ("errorKey", problem.key.into()),
                ("errorMessage", problem.message.clone().into()),
                ("title", problem.message.into()),
                ("type", PROBLEM.into()),
            ],
        }
    }

    /// The body in a representation.
    pub(super) fn write(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Json => serde_json::to_vec(&object(&self.members)).expect("a tree of strings has a JSON form"),
            Format::Xml => {
                let mut xml = XmlWriter::new();
                xml.open(self.root, &[]);
                write_members(&mut xml, &self.members);
                xml.close(self.root);
                xml.finish()
            }
        }
    }
}

fn object(members: &[(&'static str, Member)]) -> Value {
    let mut map = Map::new();
    for (name, member) in members {
        map.insert((*name).to_owned(), value(member));
    }
    Value::Object(map)
}

/// The depth is that of the schema, never of what a client sent.
fn value(member: &Member) -> Value {
    match member {
        Member::Text(text) => Value::String(text.clone()),
        Member::Object(members) => object(members),
        Member::List(_, items) => items.iter().map(|item| object(item)).collect(),
    }
}

fn write_members(xml: &mut XmlWriter, members: &[(&'static str, Member)]) {
    for (name, member) in members {
        match member {
            Member::Text(text) => xml.leaf(name, text),
            Member::Object(members) => {
                xml.open(name, &[]);
                write_members(xml, members);
                xml.close(name);
            }
            Member::List(item, items) => {
                xml.open(name, &[]);
                for members in items {
                    xml.open(item, &[]);
                    write_members(xml, members);
                    xml.close(item);
                }
                xml.close(name);
            }
        }
    }
}

/// An argument of an `errorKey` (OCM-DEL-39). The documents do not say how a name that holds the
/// two separators is written; here a backslash goes before each comma, exclamation mark and
/// backslash, so that a key can always be taken apart again. Other characters stay.
pub(super) fn argument(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, ',' | '!' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_can_be_taken_apart() {
        assert_eq!(argument("ATTRestCollection"), "ATTRestCollection");
        assert_eq!(argument("a,b!c\\'\""), "a\\,b\\!c\\\\'\"");
    }

    #[test]
    fn both_representations_hold_the_same_members_in_order() {
        let problem = Problem { code: "-1", key: "!k".to_owned(), message: "it <failed> & \"how\"".to_owned() };
        let body = Body::refused(problem, "ID");
        let json: Value = serde_json::from_slice(&body.write(Format::Json)).unwrap();
        let json: Vec<_> = json
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let xml = String::from_utf8(body.write(Format::Xml)).unwrap();
        let document = roxmltree::Document::parse(&xml).unwrap();
        let xml: Vec<_> = document
            .root_element()
            .children()
            .map(|node| {
                let text = node.text().unwrap_or_default();
                (node.tag_name().name().to_owned(), text.to_owned())
            })
            .collect();
        assert_eq!(json, xml);
        assert_eq!(json.len(), 7);
    }
}

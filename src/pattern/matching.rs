//! Whether a value matches a pattern, yes or no: [`Matcher`]. Allocates nothing for the usual value.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::align::{REMEMBERED, assign, assign_by_key};
use super::decimal::{Decimal, same_number};
use super::key;
use crate::model::json::Json;
use crate::model::pattern::{JsonType, Members, Node, Rule};
use crate::model::spec::Extra;

/// What `$same_as` looks into.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// A JSON value.
    Json(&'a Json<'a>),
    /// An XML document; texts are also read as numbers and booleans where a pattern asks for one.
    Xml(roxmltree::Node<'a, 'a>),
}

/// Decides whether values of one body match.
#[derive(Clone, Copy, Debug)]
pub struct Matcher<'a> {
    /// The whole body.
    pub body: Body<'a>,
}

/// Which members of a pattern were met.
pub struct Seen {
    few: u64,
    many: Vec<bool>,
}

impl Seen {
    /// None of `count`.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { few: 0, many: if count > 64 { vec![false; count] } else { Vec::new() } }
    }

    /// Whether this one was met.
    #[must_use]
    pub fn has(&self, index: usize) -> bool {
        self.many.get(index).copied().unwrap_or(index < 64 && self.few >> index & 1 == 1)
    }

    /// Meets one. True when it was met before.
    pub fn meet(&mut self, index: usize) -> bool {
        let before = self.has(index);
        match self.many.get_mut(index) {
            Some(slot) => *slot = true,
            None if index < 64 => self.few |= 1 << index,
            None => {}
        }
        before
    }
}

/// Where a member of that name stands in the pattern; `hint` is looked at first.
#[must_use]
pub fn find(members: &Members, hint: usize, name: &str) -> Option<usize> {
    if members.list.get(hint).is_some_and(|(key, _)| key == name) {
        return Some(hint);
    }
    match &members.index {
        Some(index) => index.get(name).copied(),
        None => members.list.iter().position(|(key, _)| key == name),
    }
}

/// Equal by value: numbers as decimals, objects whatever their order. Depth is that of a parsed value.
#[must_use]
pub fn same_value(left: &Json<'_>, right: &Json<'_>) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => same_number(left, right),
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_value(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            if left.len() != right.len() {
                return false;
            }
            let mut index: Option<HashMap<&str, usize>> = None;
            left.iter().enumerate().all(|(at, (key, value))| {
                if right[at].0 == *key {
                    return same_value(value, &right[at].1);
                }
                let index = index
                    .get_or_insert_with(|| right.iter().enumerate().rev().map(|(at, (key, _))| (&**key, at)).collect());
                index.get(&**key).is_some_and(|at| same_value(value, &right[*at].1))
            })
        }
        _ => left == right,
    }
}

/// The value at a JSON Pointer (RFC 6901).
#[must_use]
pub fn at_pointer<'v, 'a>(root: &'v Json<'a>, pointer: &str) -> Option<&'v Json<'a>> {
    if pointer.is_empty() {
        return Some(root);
    }
    let mut value = root;
    for segment in pointer.strip_prefix('/')?.split('/') {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        value = match value {
            Json::Object(_) => value.get(&segment)?,
            Json::Array(items) => {
                let plain = segment == "0" || !segment.starts_with('0');
                let digits = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
                items.get(segment.parse::<usize>().ok().filter(|_| plain && digits)?)?
            }
            _ => return None,
        };
    }
    Some(value)
}

/// The text at a place `/Root/Child[2]/Leaf` or `/Root/Child/@name`, by local name.
#[must_use]
pub fn at_xml_place(root: roxmltree::Node<'_, '_>, place: &str) -> Option<String> {
    let mut element: Option<roxmltree::Node<'_, '_>> = None;
    for segment in place.strip_prefix('/')?.split('/') {
        if let Some(attribute) = segment.strip_prefix('@') {
            let found = element?.attributes().find(|each| each.name() == attribute)?;
            return Some(found.value().to_owned());
        }
        let (name, position) = match segment.split_once('[') {
            Some((name, rest)) => (name, rest.strip_suffix(']')?.parse::<usize>().ok()?.checked_sub(1)?),
            None => (segment, 0),
        };
        let fits = |node: &roxmltree::Node<'_, '_>| node.is_element() && node.tag_name().name() == name;
        element = match element {
            None => Some(root).filter(|root| fits(root) && position == 0),
            Some(parent) => parent.children().filter(fits).nth(position),
        };
        element?;
    }
    element.map(|node| node.text().unwrap_or_default().to_owned())
}

/// Whether two strings are equal in any letter case (Unicode's simple lower-casing).
fn same_letters(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        return left.eq_ignore_ascii_case(right);
    }
    left.chars().flat_map(char::to_lowercase).eq(right.chars().flat_map(char::to_lowercase))
}

impl<'a> Matcher<'a> {
    /// The text of a number. In XML any text that reads as one.
    #[must_use]
    pub fn number<'v>(&self, value: &'v Json<'_>) -> Option<&'v str> {
        match (value, self.body) {
            (Json::Number(text), _) => Some(text),
            (Json::String(text), Body::Xml(_)) => {
                let text = text.trim();
                Decimal::parse(text).is_some().then_some(text)
            }
            _ => None,
        }
    }

    /// A boolean. In XML the text of one.
    #[must_use]
    pub fn boolean(&self, value: &Json<'_>) -> Option<bool> {
        match (value, self.body) {
            (Json::Bool(value), _) => Some(*value),
            (Json::String(text), Body::Xml(_)) => match text.trim() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// What `$same_as` refers to.
    #[must_use]
    pub fn elsewhere(&self, place: &str) -> Option<std::borrow::Cow<'a, Json<'a>>> {
        match self.body {
            Body::Json(root) => at_pointer(root, place).map(std::borrow::Cow::Borrowed),
            Body::Xml(root) => at_xml_place(root, place).map(|text| std::borrow::Cow::Owned(Json::string(text))),
        }
    }

    fn is_type(&self, wanted: JsonType, value: &Json<'_>) -> bool {
        match wanted {
            JsonType::String => matches!(value, Json::String(_)),
            JsonType::Number => self.number(value).is_some(),
            JsonType::Integer => self.number(value).and_then(Decimal::parse).is_some_and(|number| number.is_integer()),
            JsonType::Boolean => self.boolean(value).is_some(),
            JsonType::Null => matches!(value, Json::Null),
            JsonType::Array => matches!(value, Json::Array(_)),
            JsonType::Object => matches!(value, Json::Object(_)),
        }
    }

    /// Whether a value, or its absence, matches. Recursion follows the pattern, not the value.
    #[must_use]
    pub fn matches(&self, node: &Node, value: Option<&Json<'_>>) -> bool {
        match &node.rule {
            Rule::Optional(inner) => value.is_none_or(|value| self.matches(inner, Some(value))),
            Rule::Absent => value.is_none(),
            Rule::Unchecked => true,
            Rule::OneOf(nodes) => nodes.iter().any(|node| self.matches(node, value)),
            Rule::All(nodes) => nodes.iter().all(|node| self.matches(node, value)),
            Rule::Not(inner) => !self.matches(inner, value),
            Rule::Choice(choice) => choice.readings.iter().any(|(_, node)| self.matches(node, value)),
            rule => value.is_some_and(|value| self.holds(rule, value)),
        }
    }

    /// Whether a value that is there obeys a rule that does not speak of absence.
    #[must_use]
    pub fn holds(&self, rule: &Rule, value: &Json<'_>) -> bool {
        match (rule, value) {
            (Rule::Any, _) => true,
            (Rule::Null, Json::Null) => true,
            (Rule::Bool(expected), value) => self.boolean(value) == Some(*expected),
            (Rule::Number(expected), value) => self.number(value).is_some_and(|actual| same_number(expected, actual)),
            (Rule::String(expected), Json::String(actual)) => expected == actual,
            (Rule::Array(nodes), Json::Array(items)) => {
                nodes.len() == items.len() && nodes.iter().zip(items).all(|(node, item)| self.matches(node, Some(item)))
            }
            (Rule::Object(members), Json::Object(actual)) => self.object(members, actual),
            (Rule::Type(types), value) => types.iter().any(|wanted| self.is_type(*wanted, value)),
            (Rule::Regex(regex), Json::String(actual)) => regex.is_match(actual),
            (Rule::IgnoreCase(expected), Json::String(actual)) => same_letters(expected, actual),
            (Rule::Contains(inner), Json::String(actual)) => match &inner.rule {
                Rule::String(text) => actual.contains(text),
                _ => false,
            },
            (Rule::Contains(inner), Json::Array(items)) => items.iter().any(|item| self.matches(inner, Some(item))),
            (Rule::Length(min, max), value) => {
                length(value).is_some_and(|length| *min <= length && max.is_none_or(|max| length <= max))
            }
            (Rule::Range(min, max), value) => self.in_range(min.as_deref(), max.as_deref(), value),
            (Rule::Lexical(expected), value) => self.number(value) == Some(expected),
            (Rule::Distinct, Json::Array(items)) => {
                let mut seen = HashSet::with_capacity(items.len());
                items.iter().all(|item| seen.insert(super::write::write_json(item)))
            }
            (Rule::Each(inner), Json::Array(items)) => items.iter().all(|item| self.matches(inner, Some(item))),
            (Rule::Unordered(nodes), Json::Array(items)) => {
                let found = self.assign(nodes, items);
                found.iter().flatten().count() == items.len()
                    && found.iter().zip(nodes).all(|(found, node)| found.is_some() || self.matches(node, None))
            }
            (Rule::SameAs(place), value) => self.elsewhere(place).is_some_and(|other| same_value(&other, value)),
            (
                Rule::Optional(_)
                | Rule::Absent
                | Rule::Unchecked
                | Rule::OneOf(_)
                | Rule::All(_)
                | Rule::Not(_)
                | Rule::Choice(_)
                | Rule::Null
                | Rule::String(_)
                | Rule::Array(_)
                | Rule::Object(_)
                | Rule::Regex(_)
                | Rule::IgnoreCase(_)
                | Rule::Contains(_)
                | Rule::Each(_)
                | Rule::Distinct
                | Rule::Unordered(_),
                _,
            ) => false,
        }
    }

    /// For each pattern an element that matches it, as many as possible, whatever the order.
    #[must_use]
    pub fn assign(&self, nodes: &[Node], items: &[Json<'_>]) -> Vec<Option<usize>> {
        let fits = |row: usize, column: usize| self.matches(&nodes[row], Some(&items[column]));
        if nodes.len().saturating_mul(items.len()) <= REMEMBERED || matches!(self.body, Body::Xml(_)) {
            return assign(nodes.len(), items.len(), fits);
        }
        let expected: Vec<Option<u64>> = nodes.iter().map(key::of_pattern).collect();
        let actual: Vec<u64> = items.iter().map(key::of_value).collect();
        assign_by_key(&expected, &actual, fits)
    }

    fn in_range(&self, min: Option<&str>, max: Option<&str>, value: &Json<'_>) -> bool {
        let Some(number) = self.number(value).and_then(Decimal::parse) else { return false };
        let side = |bound: Option<&str>, wrong: Ordering| {
            bound.and_then(Decimal::parse).is_none_or(|bound| number.compare(&bound) != wrong)
        };
        side(min, Ordering::Less) && side(max, Ordering::Greater)
    }

    fn object(&self, members: &Members, actual: &[(std::borrow::Cow<'_, str>, Json<'_>)]) -> bool {
        let mut seen = Seen::new(members.list.len());
        let mut hint = 0;
        let mut unlisted = 0;
        for (key, value) in actual {
            let Some(index) = find(members, hint, key) else {
                if members.extra == Extra::Fail {
                    return false;
                }
                unlisted += 1;
                continue;
            };
            hint = index + 1;
            if seen.meet(index) || !self.matches(&members.list[index].1, Some(value)) {
                return false;
            }
        }
        if unlisted > 1 {
            let mut names = HashSet::with_capacity(actual.len());
            if !actual.iter().all(|(key, _)| names.insert(&**key)) {
                return false;
            }
        }
        members.list.iter().enumerate().all(|(index, (_, node))| seen.has(index) || self.matches(node, None))
    }

    /// How far a value is from a pattern: 0 matches, 1 some parts match, 2 the same type, 3 nothing in common.
    #[must_use]
    pub fn distance(&self, node: &Node, value: &Json<'_>) -> u32 {
        if self.matches(node, Some(value)) {
            return 0;
        }
        match (&node.rule, value) {
            (Rule::Object(members), Json::Object(actual)) => {
                // By the pattern's index, for both may have a million members.
                let mut hint = 0;
                let near = actual.iter().any(|(key, value)| {
                    find(members, hint, key).is_some_and(|index| {
                        hint = index + 1;
                        self.matches(&members.list[index].1, Some(value))
                    })
                });
                if near { 1 } else { 2 }
            }
            (Rule::Array(nodes), Json::Array(items)) => {
                let near = nodes.iter().zip(items).any(|(node, item)| self.matches(node, Some(item)));
                if near { 1 } else { 2 }
            }
            (rule, value) => match type_of(rule) {
                Some(name) if name == value.type_name() => 2,
                None => 2,
                Some(_) => 3,
            },
        }
    }
}

/// Length in characters, elements or members.
#[must_use]
pub fn length(value: &Json<'_>) -> Option<usize> {
    match value {
        Json::String(text) => Some(text.chars().count()),
        Json::Array(items) => Some(items.len()),
        Json::Object(members) => Some(members.len()),
        _ => None,
    }
}

/// The JSON type that a rule asks for, where it asks for just one.
#[must_use]
pub fn type_of(rule: &Rule) -> Option<&'static str> {
    match rule {
        Rule::Null => Some("null"),
        Rule::Bool(_) => Some("boolean"),
        Rule::Number(_) | Rule::Range(..) | Rule::Lexical(_) => Some("number"),
        Rule::String(_) | Rule::Regex(_) | Rule::IgnoreCase(_) => Some("string"),
        Rule::Array(_) | Rule::Each(_) | Rule::Distinct | Rule::Unordered(_) => Some("array"),
        Rule::Object(_) => Some("object"),
        Rule::Type(types) => match types.as_slice() {
            [one] => Some(one.word()),
            _ => None,
        },
        Rule::Optional(inner) => type_of(&inner.rule),
        _ => None,
    }
}

//! Writes a JSON pattern as JSON: [`as_written`] with its operators, [`illustrate`] as the answer that
//! it would have matched, so that a diff against the real answer shows true differences only.

use std::borrow::Cow;

use super::align::{ALONE, align, assign};
use super::matching::{Body, Matcher, find};
use crate::model::json::Json;
use crate::model::pattern::{JsonPattern, Members, Node, Rule};
use crate::model::spec::Extra;

/// The pattern as its author wrote it, choices that strictness dropped included.
#[must_use]
pub fn as_written(node: &Node) -> Json<'static> {
    if let Some(written) = &node.written {
        return Json::clone(written);
    }
    match &node.rule {
        Rule::Bool(value) => Json::Bool(*value),
        Rule::Number(text) => Json::Number(Cow::Owned(text.clone())),
        Rule::String(text) => Json::String(Cow::Owned(text.clone())),
        Rule::Array(nodes) => Json::Array(nodes.iter().map(as_written).collect()),
        Rule::Object(members) => {
            Json::Object(members.list.iter().map(|(key, node)| (Cow::Owned(key.clone()), as_written(node))).collect())
        }
        _ => Json::Null,
    }
}

/// The pattern as the answer that it would have matched: an operator that holds shows the actual
/// value, one that does not shows itself. Without an actual value, the pattern as written.
#[must_use]
pub fn illustrate(pattern: &JsonPattern, actual: Option<&Json<'_>>) -> Json<'static> {
    match actual {
        Some(actual) => {
            let matcher = Matcher { body: Body::Json(actual) };
            show(&matcher, &pattern.root, actual)
        }
        None => as_written(&pattern.root),
    }
}

/// One place of [`illustrate`], for a value that is there.
#[must_use]
pub fn show(matcher: &Matcher<'_>, node: &Node, value: &Json<'_>) -> Json<'static> {
    match (&node.rule, value) {
        (Rule::Object(members), Json::Object(actual)) => object(matcher, members, actual),
        (Rule::Array(nodes), Json::Array(items)) => {
            let cost = |row: usize, column: usize| {
                Some(match matcher.distance(&nodes[row], &items[column]) {
                    0 => 0,
                    distance => distance + 1,
                })
            };
            let pairs = if nodes.len() == items.len() {
                (0..nodes.len()).map(|at| (Some(at), Some(at))).collect()
            } else {
                align(nodes.len(), items.len(), cost, |_| ALONE)
            };
            let shown = pairs.into_iter().filter_map(|(row, column)| match (row, column) {
                (Some(row), Some(column)) => Some(show(matcher, &nodes[row], &items[column])),
                (Some(row), None) => Some(as_written(&nodes[row])),
                _ => None,
            });
            Json::Array(shown.collect())
        }
        (Rule::Each(inner), Json::Array(items)) => {
            Json::Array(items.iter().map(|item| show(matcher, inner, item)).collect())
        }
        (Rule::Unordered(nodes), Json::Array(items)) => {
            let found =
                assign(nodes.len(), items.len(), |row, column| matcher.matches(&nodes[row], Some(&items[column])));
            let mut shown: Vec<_> = found
                .iter()
                .enumerate()
                .map(|(row, column)| match column {
                    Some(column) => (*column, show(matcher, &nodes[row], &items[*column])),
                    None => (items.len() + row, as_written(&nodes[row])),
                })
                .collect();
            shown.sort_by_key(|(position, _)| *position);
            Json::Array(shown.into_iter().map(|(_, json)| json).collect())
        }
        (Rule::Optional(inner), value) => show(matcher, inner, value),
        (Rule::OneOf(nodes), value) => {
            let found = nodes.iter().find(|node| matcher.matches(node, Some(value)));
            found.map_or_else(|| as_written(node), |found| show(matcher, found, value))
        }
        _ if matcher.matches(node, Some(value)) => value.clone().into_owned(),
        _ => as_written(node),
    }
}

/// Members in the order of the answer, so that order, which never matters, is no difference.
fn object(matcher: &Matcher<'_>, members: &Members, actual: &[(Cow<'_, str>, Json<'_>)]) -> Json<'static> {
    let mut shown: Vec<(Cow<'static, str>, Json<'static>)> = Vec::new();
    let mut met = vec![false; members.list.len()];
    for (at, (key, value)) in actual.iter().enumerate() {
        match find(members, at, key) {
            // A second member of that name is a difference.
            Some(index) if std::mem::replace(&mut met[index], true) => {}
            Some(index) => {
                let (name, node) = &members.list[index];
                if !matches!(node.rule, Rule::Absent) {
                    shown.push((Cow::Owned(name.clone()), show(matcher, node, value)));
                }
            }
            None if members.extra != Extra::Fail => {
                shown.push((Cow::Owned(key.to_string()), value.clone().into_owned()));
            }
            None => {}
        }
    }
    let mut before: Option<&str> = None;
    for (index, (name, node)) in members.list.iter().enumerate() {
        if !met[index] && !matcher.matches(node, None) {
            let place = before.and_then(|before| shown.iter().position(|(key, _)| key == before));
            shown.insert(place.map_or(0, |place| place + 1), (Cow::Owned(name.clone()), as_written(node)));
        }
        if shown.iter().any(|(key, _)| key == name) {
            before = Some(name);
        }
    }
    Json::Object(shown)
}

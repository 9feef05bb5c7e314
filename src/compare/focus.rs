//! What of a value is known to hold: [`Focus`], for who compares many values that each differ in one place from one
//! that matched. It spares comparisons whose result is known; there is no second way of comparing.

use crate::model::expect::{BodyCheck, Expect};
use crate::model::pattern::{Node, Rule};

/// One step into a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot<'a> {
    /// A member; where there are several of that name, all of them.
    Key(&'a str),
    /// An element.
    Index(usize),
}

/// Where a value may differ from one that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Focus<'a> {
    /// Anywhere.
    Anything,
    /// Only at this place, or below it.
    Only(&'a [Spot<'a>]),
}

impl<'a> Focus<'a> {
    /// For a member or an element; `None` when it is known to match.
    pub(super) fn inside(self, spot: Spot<'_>) -> Option<Self> {
        match self {
            Focus::Anything | Focus::Only([]) => Some(Focus::Anything),
            Focus::Only([first, rest @ ..]) => (*first == spot).then_some(Focus::Only(rest)),
        }
    }
}

/// Whether every place of a body is judged by what is at that place alone, so that a place that matched still matches
/// when another one changes. Of the whole answers that a choice allows each has to be asked for by itself.
#[must_use]
pub fn positional(expect: &Expect) -> bool {
    let body = match &expect.body {
        BodyCheck::Json(body) => local(&body.pattern().root),
        _ => true,
    };
    body && expect.at.iter().filter_map(|at| at.is.as_ref()).all(|is| local(&is.root))
}

/// Recursion follows the pattern.
fn local(node: &Node) -> bool {
    match &node.rule {
        Rule::SameAs(_) => false,
        Rule::Array(nodes) | Rule::Unordered(nodes) | Rule::OneOf(nodes) | Rule::All(nodes) => nodes.iter().all(local),
        Rule::Object(members) => members.list.iter().all(|(_, node)| local(node)),
        Rule::Contains(inner) | Rule::Optional(inner) | Rule::Each(inner) | Rule::Not(inner) => local(inner),
        Rule::Choice(choice) => choice.readings.iter().all(|(_, node)| local(node)),
        Rule::Null
        | Rule::Bool(_)
        | Rule::Number(_)
        | Rule::String(_)
        | Rule::Any
        | Rule::Unchecked
        | Rule::Type(_)
        | Rule::Regex(_)
        | Rule::IgnoreCase(_)
        | Rule::Length(..)
        | Rule::Range(..)
        | Rule::Lexical(_)
        | Rule::Distinct
        | Rule::Absent => true,
    }
}

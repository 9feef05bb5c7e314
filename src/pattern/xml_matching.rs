//! Whether an XML element matches, yes or no: [`matches()`]; and how siblings are paired: [`pair`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use roxmltree::Node as Element;

use super::align::{ALONE, align, assign, nearest};
use super::matching::Matcher;
use crate::model::json::Json;
use crate::model::pattern::{Node, Rule, XmlNode};
use crate::model::spec::Extra;

/// The element's own text, without that of its children.
#[must_use]
pub fn own_text<'d>(element: Element<'d, 'd>) -> Cow<'d, str> {
    let mut texts = element.children().filter(Element::is_text).filter_map(|node| node.text());
    match (texts.next(), texts.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(only), None) => Cow::Borrowed(only),
        (Some(first), Some(second)) => {
            let mut all = format!("{first}{second}");
            texts.for_each(|text| all.push_str(text));
            Cow::Owned(all)
        }
    }
}

/// White space between elements means nothing, nor does it where nothing is expected.
#[must_use]
pub fn seen_text<'d>(pattern: &Node, element: Element<'d, 'd>) -> Cow<'d, str> {
    let text = own_text(element);
    let empty = matches!(&pattern.rule, Rule::String(expected) if expected.is_empty());
    if empty && text.trim().is_empty() { Cow::Borrowed("") } else { text }
}

/// Whether a text pattern takes any content, child elements too.
#[must_use]
pub fn takes_anything(pattern: &Node) -> bool {
    matches!(pattern.rule, Rule::Any | Rule::Unchecked)
}

/// Same namespace and local name.
#[must_use]
pub fn same_name(pattern: &XmlNode, element: Element<'_, '_>) -> bool {
    element.tag_name().name() == pattern.name && element.tag_name().namespace() == pattern.namespace.as_deref()
}

/// The attribute's value.
#[must_use]
pub fn attribute<'d>(element: Element<'d, 'd>, namespace: Option<&str>, name: &str) -> Option<&'d str> {
    element.attributes().find(|each| each.name() == name && each.namespace() == namespace).map(|each| each.value())
}

/// Attributes that the pattern does not list.
pub fn unlisted<'d, 'p>(
    pattern: &'p XmlNode,
    element: Element<'d, 'd>,
) -> impl Iterator<Item = roxmltree::Attribute<'d, 'd>> + use<'d, 'p> {
    element.attributes().filter(move |each| {
        !pattern.attributes.iter().any(|(space, name, _)| each.name() == name && each.namespace() == space.as_deref())
    })
}

/// Whether an element matches. Recursion follows the pattern.
#[must_use]
pub fn matches(matcher: &Matcher<'_>, pattern: &XmlNode, element: Element<'_, '_>) -> bool {
    if !same_name(pattern, element) {
        return false;
    }
    let attributes = pattern.attributes.iter().all(|(space, name, node)| {
        let value = attribute(element, space.as_deref(), name);
        matcher.matches(node, value.map(Json::string).as_ref())
    });
    if !attributes || (pattern.extra == Extra::Fail && unlisted(pattern, element).next().is_some()) {
        return false;
    }
    if let Some(text) = &pattern.text {
        if takes_anything(text) {
            return true;
        }
        let childless = pattern.extra != Extra::Fail || !element.children().any(|child| child.is_element());
        return childless && matcher.matches(text, Some(&Json::String(seen_text(text, element))));
    }
    if !own_text(element).trim().is_empty() {
        return false;
    }
    let found = pair(matcher, pattern, element, Aim::Match);
    found.forbidden.is_empty()
        && found.moved.is_empty()
        && found.missing.is_empty()
        && (pattern.extra != Extra::Fail || found.added.is_empty())
        && (found.matching || found.paired.iter().all(|(child, element)| matches(matcher, child, *element)))
}

/// What children are paired for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// To know whether all match: only those that do are paired.
    Match,
    /// To tell the differences: the others are paired with what is nearest.
    Tell,
}

/// How the children of an element answer to those of a pattern.
pub struct Paired<'p, 'd> {
    /// Expected and actual, in the order of the answer.
    pub paired: Vec<(&'p XmlNode, Element<'d, 'd>)>,
    /// Expected, found at another place of the order.
    pub moved: Vec<(&'p XmlNode, Element<'d, 'd>)>,
    /// Expected and not there.
    pub missing: Vec<&'p XmlNode>,
    /// There and not listed.
    pub added: Vec<Element<'d, 'd>>,
    /// There and to be absent.
    pub forbidden: Vec<(&'p XmlNode, Element<'d, 'd>)>,
    /// Whether every pair is known to match, so that nobody looks again.
    pub matching: bool,
}

/// Most pairs of children that are looked at to know how near two elements are.
const LOOKED_AT: usize = 2_500;

fn distance(matcher: &Matcher<'_>, pattern: &XmlNode, element: Element<'_, '_>) -> Option<u32> {
    if element.tag_name().name() != pattern.name {
        return None;
    }
    if !same_name(pattern, element) {
        return Some(ALONE + 1);
    }
    if matches(matcher, pattern, element) {
        return Some(0);
    }
    // Each with each only where they are few; of many it is enough to know whether some stand where they should.
    let actual = || element.children().filter(Element::is_element);
    let near = if pattern.children.len().saturating_mul(actual().count()) <= LOOKED_AT {
        pattern.children.iter().any(|child| actual().any(|each| matches(matcher, child, each)))
    } else {
        pattern.children.iter().zip(actual()).any(|(child, each)| matches(matcher, child, each))
    };
    Some(if near { ALONE } else { ALONE + 1 })
}

/// Pairs the children of an element with those of a pattern, so that one missing is one difference.
#[must_use]
pub fn pair<'p, 'd>(matcher: &Matcher<'_>, pattern: &'p XmlNode, element: Element<'d, 'd>, aim: Aim) -> Paired<'p, 'd> {
    let (absent, wanted): (Vec<&XmlNode>, Vec<&XmlNode>) = pattern.children.iter().partition(|child| child.absent);
    let mut forbidden = Vec::new();
    let actual: Vec<Element<'d, 'd>> = element
        .children()
        .filter(Element::is_element)
        .filter(|each| match absent.iter().find(|child| same_name(child, *each)) {
            // The same name may be wanted elsewhere among the siblings.
            Some(child) if !wanted.iter().any(|other| same_name(other, *each)) => {
                forbidden.push((*child, *each));
                false
            }
            _ => true,
        })
        .collect();
    let mut result = Paired {
        paired: Vec::new(),
        moved: Vec::new(),
        missing: Vec::new(),
        added: Vec::new(),
        forbidden,
        matching: false,
    };
    let cost = |row: usize, column: usize| match aim {
        Aim::Match => matches(matcher, wanted[row], actual[column]).then_some(0),
        Aim::Tell => distance(matcher, wanted[row], actual[column]),
    };
    if wanted.len() == actual.len() && wanted.iter().zip(&actual).all(|(child, each)| same_name(child, *each)) {
        let positional =
            !pattern.any_order || wanted.iter().zip(&actual).all(|(child, each)| matches(matcher, child, *each));
        if positional {
            result.paired = wanted.iter().copied().zip(actual).collect();
            return result;
        }
    }
    result.matching = aim == Aim::Match;
    let (mut rows, mut columns) = (Vec::new(), Vec::new());
    let mut pairs = Vec::new();
    if pattern.any_order {
        let found = assign(wanted.len(), actual.len(), |row, column| matches(matcher, wanted[row], actual[column]));
        let mut free = vec![true; actual.len()];
        for (row, column) in found.into_iter().enumerate() {
            match column {
                Some(column) => {
                    free[column] = false;
                    pairs.push((row, column));
                }
                None => rows.push(row),
            }
        }
        columns.extend((0..actual.len()).filter(|column| free[*column]));
        let near = if aim == Aim::Match { Vec::new() } else { nearest(&rows, &columns, cost) };
        let paired: HashSet<usize> = near.iter().map(|(row, _)| *row).collect();
        rows.retain(|row| !paired.contains(row));
        let paired: HashSet<usize> = near.iter().map(|(_, column)| *column).collect();
        columns.retain(|column| !paired.contains(column));
        pairs.extend(near);
        pairs.sort_unstable_by_key(|(_, column)| *column);
    } else {
        let alone = |row: usize| if wanted[row].optional { 0 } else { ALONE };
        for (row, column) in align(wanted.len(), actual.len(), cost, alone) {
            match (row, column) {
                (Some(row), Some(column)) => pairs.push((row, column)),
                (Some(row), None) => rows.push(row),
                (None, Some(column)) => columns.push(column),
                (None, None) => {}
            }
        }
    }
    result.paired = pairs.into_iter().map(|(row, column)| (wanted[row], actual[column])).collect();
    // By name, for there may be as many of both as a body of megabytes has elements. The first comes off the end.
    let mut left: HashMap<(&str, Option<&str>), Vec<usize>> = HashMap::new();
    if !rows.is_empty() {
        for column in columns.iter().rev() {
            let name = actual[*column].tag_name();
            left.entry((name.name(), name.namespace())).or_default().push(*column);
        }
    }
    let mut moved = HashSet::new();
    for row in rows {
        let child = wanted[row];
        match left.get_mut(&(child.name.as_str(), child.namespace.as_deref())).and_then(Vec::pop) {
            Some(column) => {
                moved.insert(column);
                result.moved.push((child, actual[column]));
            }
            None if child.optional => {}
            None => result.missing.push(child),
        }
    }
    result.added = columns.into_iter().filter(|column| !moved.contains(column)).map(|column| actual[column]).collect();
    result
}

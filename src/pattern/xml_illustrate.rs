//! Writes XML one element a line for a diff: [`pretty`] the answer, [`illustrate`] the pattern as the
//! answer that it would have matched. Not meant to be parsed: prefixes are gone, attributes are sorted.

use std::fmt::Write as _;

use roxmltree::Node as Element;

use super::illustrate::{as_written, show};
use super::matching::{Body, Matcher};
use super::write::write_json;
use super::xml_matching::{Aim, attribute, own_text, pair, same_name, seen_text, takes_anything, unlisted};
use crate::model::json::Json;
use crate::model::pattern::{Node, XmlNode, XmlPattern};
use crate::model::spec::Extra;

/// An element to write.
struct Shown {
    name: String,
    namespace: Option<String>,
    attributes: Vec<(String, String)>,
    children: Vec<Shown>,
    text: String,
}

/// The document with two spaces of indent, namespaces as `xmlns` where they change. Depth is that of a
/// document that was read, at most `MAX_DEPTH`.
#[must_use]
pub fn pretty(document: &roxmltree::Document<'_>) -> String {
    let mut out = String::new();
    write(&actual(document.root_element()), None, 0, &mut out);
    out
}

/// The pattern as the document that it would have matched; without one, as written.
#[must_use]
pub fn illustrate(pattern: &XmlPattern, document: Option<&roxmltree::Document<'_>>) -> String {
    let shown = match document {
        Some(document) => {
            let root = document.root_element();
            let matcher = Matcher { body: Body::Xml(root) };
            if root.tag_name().name() == pattern.root.name {
                expected(&matcher, &pattern.root, root)
            } else {
                written(&pattern.root)
            }
        }
        None => written(&pattern.root),
    };
    let mut out = String::new();
    write(&shown, None, 0, &mut out);
    out
}

fn qualified(namespace: Option<&str>, name: &str) -> String {
    namespace.map_or_else(|| name.to_owned(), |uri| format!("{{{uri}}}{name}"))
}

fn actual(element: Element<'_, '_>) -> Shown {
    let children: Vec<Shown> = element.children().filter(Element::is_element).map(actual).collect();
    let text = own_text(element);
    let text = if text.trim().is_empty() && (!children.is_empty() || text.contains('\n')) { "" } else { &text };
    Shown {
        name: element.tag_name().name().to_owned(),
        namespace: element.tag_name().namespace().map(str::to_owned),
        attributes: element
            .attributes()
            .map(|each| (qualified(each.namespace(), each.name()), each.value().to_owned()))
            .collect(),
        children,
        text: text.to_owned(),
    }
}

/// A text pattern as it stands in the file.
fn words(node: &Node) -> String {
    match as_written(node) {
        Json::String(text) => text.into_owned(),
        other => write_json(&other),
    }
}

fn written(pattern: &XmlNode) -> Shown {
    Shown {
        name: pattern.name.clone(),
        namespace: pattern.namespace.clone(),
        attributes: pattern
            .attributes
            .iter()
            .map(|(space, name, node)| (qualified(space.as_deref(), name), words(node)))
            .collect(),
        children: pattern.children.iter().filter(|child| !child.absent).map(written).collect(),
        text: pattern.text.as_ref().map_or_else(String::new, words),
    }
}

fn value(matcher: &Matcher<'_>, node: &Node, text: &str) -> String {
    match show(matcher, node, &Json::string(text)) {
        Json::String(text) => text.into_owned(),
        other => write_json(&other),
    }
}

fn expected(matcher: &Matcher<'_>, pattern: &XmlNode, element: Element<'_, '_>) -> Shown {
    let real = actual(element);
    let mut attributes = Vec::new();
    for (space, name, node) in &pattern.attributes {
        let found = attribute(element, space.as_deref(), name);
        let shown = match found {
            Some(text) => value(matcher, node, text),
            None if matcher.matches(node, None) => continue,
            None => words(node),
        };
        attributes.push((qualified(space.as_deref(), name), shown));
    }
    if pattern.extra != Extra::Fail {
        attributes.extend(
            unlisted(pattern, element).map(|each| (qualified(each.namespace(), each.name()), each.value().to_owned())),
        );
    }
    let (mut children, mut text) = (Vec::new(), String::new());
    match &pattern.text {
        Some(node) if takes_anything(node) => (children, text) = (real.children, real.text),
        Some(node) => {
            text = value(matcher, node, &seen_text(node, element));
            if text.trim().is_empty() && real.text.is_empty() {
                text = String::new();
            }
            if pattern.extra != Extra::Fail {
                children = real.children;
            }
        }
        None => {
            let found = pair(matcher, pattern, element, Aim::Tell);
            let mut placed: Vec<(Option<Element<'_, '_>>, Shown)> = Vec::new();
            for (child, each) in &found.paired {
                placed.push((Some(*each), expected(matcher, child, *each)));
            }
            if pattern.extra != Extra::Fail {
                placed.extend(found.added.iter().map(|each| (Some(*each), actual(*each))));
            }
            placed.sort_by_key(|(element, _)| *element);
            let lost = found.missing.into_iter().chain(found.moved.into_iter().map(|(child, _)| child));
            for child in lost {
                // Behind the nearest sibling before it in the pattern that is there.
                let position = pattern.children.iter().position(|each| std::ptr::eq(each, child)).unwrap_or(0);
                let before = pattern.children[..position].iter().rev().find_map(|sibling| {
                    placed.iter().rposition(|(element, shown)| {
                        shown.name == sibling.name && element.is_none_or(|element| same_name(sibling, element))
                    })
                });
                placed.insert(before.map_or(0, |before| before + 1), (None, written(child)));
            }
            children = placed.into_iter().map(|(_, shown)| shown).collect();
        }
    }
    Shown { name: pattern.name.clone(), namespace: pattern.namespace.clone(), attributes, children, text }
}

fn escape(text: &str, quotes: bool) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace("]]>", "]]&gt;");
    if quotes { text.replace('"', "&quot;") } else { text }
}

fn write(shown: &Shown, outer: Option<&str>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    // Writing to a string cannot fail.
    let _ = write!(out, "{indent}<{}", shown.name);
    let namespace = shown.namespace.as_deref();
    if namespace != outer {
        let _ = write!(out, " xmlns=\"{}\"", escape(namespace.unwrap_or_default(), true));
    }
    let mut attributes: Vec<_> = shown.attributes.iter().collect();
    attributes.sort();
    for (name, value) in attributes {
        let _ = write!(out, " {name}=\"{}\"", escape(value, true));
    }
    match (shown.children.is_empty(), shown.text.is_empty()) {
        (true, true) => out.push_str("/>\n"),
        (true, false) => {
            let _ = writeln!(out, ">{}</{}>", escape(&shown.text, false), shown.name);
        }
        (false, blank) => {
            out.push_str(">\n");
            if !blank {
                let _ = writeln!(out, "{indent}  {}", escape(&shown.text, false));
            }
            for child in &shown.children {
                write(child, namespace, depth + 1, out);
            }
            let _ = writeln!(out, "{indent}</{}>", shown.name);
        }
    }
}

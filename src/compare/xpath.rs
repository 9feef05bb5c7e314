//! casebook's subset of XPath 1.0: [`XPath`]. `/a/b[2]/c`, `//b`, `*`, `@x`, `text()`; a name stands for
//! that local name in any namespace. Evaluated step by step, without recursion and in linear time per step.

use std::borrow::Cow;

use roxmltree::{Document, Node};

/// A path that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XPath {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// Written behind `//`.
    descendant: bool,
    test: Test,
    /// From 1, among those that one parent has.
    position: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Name(String),
    AnyElement,
    Attribute(String),
    AnyAttribute,
    Text,
}

/// A node that a path found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'d> {
    /// The element, or the one that the attribute or text belongs to.
    pub element: Node<'d, 'd>,
    /// Name of the attribute.
    pub attribute: Option<&'d str>,
    /// Value of the attribute, or the text node.
    value: Option<&'d str>,
}

impl<'d> Found<'d> {
    /// The string value (XPath 1.0, section 5): of an element, all text below it.
    #[must_use]
    pub fn text(&self) -> Cow<'d, str> {
        if let Some(value) = self.value {
            return Cow::Borrowed(value);
        }
        let mut texts = self.element.descendants().filter(Node::is_text).filter_map(|node| node.text());
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
}

/// XML names, near enough: no separators, quotes or operators of XPath.
fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && text.chars().all(|each| each.is_alphanumeric() || "_-.".contains(each))
}

impl XPath {
    /// Reads a path.
    ///
    /// # Errors
    /// When it is not of the subset; the message says what is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("an XPath must begin with `/` or `//`".to_owned());
        }
        let mut steps: Vec<Step> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let descendant = rest.starts_with("//");
            rest = rest.trim_start_matches('/');
            let end = rest.find('/').unwrap_or(rest.len());
            let (step, after) = rest.split_at(end);
            if after.starts_with("///") || text.contains("///") {
                return Err("`///` is no XPath".to_owned());
            }
            rest = after;
            if steps.last().is_some_and(|last| !matches!(last.test, Test::Name(_) | Test::AnyElement)) {
                return Err("an attribute or `text()` must be the last step".to_owned());
            }
            let (test, position) = match step.split_once('[') {
                None => (step, None),
                Some((test, inner)) => {
                    let number = inner.strip_suffix(']').and_then(|inner| inner.trim().parse::<usize>().ok());
                    let Some(number) = number.filter(|number| *number > 0) else {
                        return Err(format!("`[{inner}`: only a position from 1 can stand in brackets"));
                    };
                    (test, Some(number))
                }
            };
            let test = match test {
                "*" => Test::AnyElement,
                "text()" => Test::Text,
                "@*" => Test::AnyAttribute,
                "" => return Err("a step is empty".to_owned()),
                other => match other.strip_prefix('@') {
                    Some(name) if is_name(name) => Test::Attribute(name.to_owned()),
                    None if is_name(other) => Test::Name(other.to_owned()),
                    _ => {
                        return Err(format!(
                            "step `{other}` is not of the subset: names (without prefix), `*`, `@name`, `text()`"
                        ));
                    }
                },
            };
            steps.push(Step { descendant, test, position });
        }
        Ok(Self { steps })
    }

    /// What it finds, in document order, each once.
    #[must_use]
    pub fn find<'d>(&self, document: &'d Document<'d>) -> Vec<Found<'d>> {
        let mut contexts: Vec<Node<'d, 'd>> = vec![document.root()];
        let Some((last, before)) = self.steps.split_last() else { return Vec::new() };
        for step in before {
            let mut next = Vec::new();
            each_parent(&contexts, step.descendant, |parent| {
                children(parent, step).for_each(|node| next.push(node));
            });
            // Children of nested parents come behind those of their outer ones.
            next.sort_unstable();
            contexts = next;
        }
        let mut found = Vec::new();
        each_parent(&contexts, last.descendant, |parent| match &last.test {
            Test::Name(_) | Test::AnyElement => {
                found.extend(children(parent, last).map(|element| Found { element, attribute: None, value: None }));
            }
            Test::Text => {
                let texts = parent.children().filter(Node::is_text);
                let chosen = pick(texts, last.position);
                found.extend(chosen.map(|node| Found { element: parent, attribute: None, value: node.text() }));
            }
            Test::Attribute(_) | Test::AnyAttribute => {
                let fits = |name: &str| match &last.test {
                    Test::Attribute(wanted) => wanted == name,
                    _ => true,
                };
                let attributes = parent.attributes().filter(|attribute| fits(attribute.name()));
                found.extend(pick(attributes, last.position).map(|attribute| Found {
                    element: parent,
                    attribute: Some(attribute.name()),
                    value: Some(attribute.value()),
                }));
            }
        });
        if last.descendant {
            found.sort_by(|left, right| left.element.cmp(&right.element));
        }
        found
    }
}

fn pick<T>(items: impl Iterator<Item = T>, position: Option<usize>) -> impl Iterator<Item = T> {
    let (skip, take) = position.map_or((0, usize::MAX), |position| (position - 1, 1));
    items.skip(skip).take(take)
}

fn children<'d, 's>(parent: Node<'d, 'd>, step: &'s Step) -> impl Iterator<Item = Node<'d, 'd>> + use<'d, 's> {
    let fits = move |node: &Node<'d, 'd>| match &step.test {
        Test::Name(name) => node.is_element() && node.tag_name().name() == name,
        Test::AnyElement => node.is_element(),
        _ => false,
    };
    pick(parent.children().filter(fits), step.position)
}

/// The contexts, or with `//` also everything below them, each once.
fn each_parent<'d>(contexts: &[Node<'d, 'd>], descendant: bool, mut work: impl FnMut(Node<'d, 'd>)) {
    if !descendant {
        contexts.iter().copied().for_each(work);
        return;
    }
    // Contexts are in document order: one that lies in an earlier one was covered by it.
    let mut covered: Option<Node<'d, 'd>> = None;
    for context in contexts {
        if covered.is_some_and(|last| *context <= last) {
            continue;
        }
        for node in context.descendants() {
            covered = Some(node);
            if !node.is_text() {
                work(node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str =
        r#"<r xmlns="urn:x" a="1"><b><c>1</c><c>2<!-- x -->3</c></b><b k="v"><c>4</c><b><c>5</c></b></b><d/></r>"#;

    fn find(path: &str) -> Vec<String> {
        let document = Document::parse(XML).unwrap();
        XPath::parse(path).unwrap().find(&document).iter().map(|found| found.text().into_owned()).collect()
    }

    #[test]
    fn finds_in_document_order() {
        assert_eq!(find("/r/b/c"), ["1", "23", "4"]);
        assert_eq!(find("/r/b[1]/c[2]"), ["23"]);
        assert_eq!(find("//c"), ["1", "23", "4", "5"]);
        assert_eq!(find("//b//c"), ["1", "23", "4", "5"]);
        assert_eq!(find("//b/c[1]"), ["1", "4", "5"]);
        assert_eq!(find("//c/text()"), ["1", "2", "3", "4", "5"]);
        assert_eq!(find("/r/@a"), ["1"]);
        assert_eq!(find("//@*"), ["1", "v"]);
        assert_eq!(find("/r/*"), ["123", "45", ""]);
        assert_eq!(find("/x"), Vec::<String>::new());
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for bad in
            ["", "a", "/", "/a/", "/a[0]", "/a[x]", "/p:a", "/a/@x/b", "/a///b", "/a[1", "/text()/a", "/a b", "//"]
        {
            assert!(XPath::parse(bad).is_err(), "{bad}");
        }
    }
}

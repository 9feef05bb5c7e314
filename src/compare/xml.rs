//! Compares an XML document with a pattern by infoset: [`Judge::document`].

use std::borrow::Cow;

use roxmltree::Node as Element;

use super::json::quoted;
use super::judge::{Judge, KEPT, SHOWN, Wrong, XmlSpot, expected, say};
use crate::model::json::Json;
use crate::model::judgement::MismatchKind;
use crate::model::pattern::{Node, XmlNode, XmlPattern};
use crate::model::spec::Extra;
use crate::model::tally::CheckIndex;
use crate::pattern::write::cut;
use crate::pattern::xml_matching::{Aim, attribute, own_text, pair, seen_text, takes_anything, unlisted};

/// Reads a document in UTF-8; one in UTF-16 is UTF-8 already when it comes here ([`crate::model::wide`]). A DTD is refused, and what is made to exhaust the reader.
///
/// # Errors
/// Why it is not XML that is compared.
pub fn parse(bytes: &[u8]) -> Result<roxmltree::Document<'_>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|cause| {
        format!("byte {} is neither UTF-8 nor of UTF-16 with its byte order mark", cause.valid_up_to())
    })?;
    super::xml_guard::check(text)?;
    roxmltree::Document::parse(text).map_err(|error| match error {
        roxmltree::Error::DtdDetected => "it has a document type declaration, which is refused".to_owned(),
        other => other.to_string(),
    })
}

/// The place of an element: `/Root/Child[2]/Leaf`, by local name, with a position where siblings share it.
#[must_use]
pub fn place(element: roxmltree::Node<'_, '_>) -> String {
    let mut segments = Vec::new();
    for node in element.ancestors().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        let same = |other: &roxmltree::Node<'_, '_>| other.is_element() && other.tag_name().name() == name;
        let before = node.prev_siblings().skip(1).filter(same).count();
        let behind = node.next_siblings().skip(1).any(|other| same(&other));
        segments.push(if before > 0 || behind { format!("/{name}[{}]", before + 1) } else { format!("/{name}") });
    }
    segments.reverse();
    segments.concat()
}

/// An element's name, for messages.
fn named(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(uri) => format!("<{name}> in namespace {uri}"),
        None => format!("<{name}> in no namespace"),
    }
}

fn short(element: Element<'_, '_>) -> String {
    let text = own_text(element);
    let name = element.tag_name().name();
    if element.children().any(|child| child.is_element()) {
        format!("<{name}>…</{name}>")
    } else {
        format!("<{name}>{}</{name}>", cut(&text, SHOWN))
    }
}

/// Expected and actual namespace of a difference that was told already.
type Told<'x> = Option<(Option<&'x str>, Option<&'x str>)>;

impl<'x> Judge<'x> {
    /// Compares a whole document.
    pub(super) fn document(&mut self, pattern: &'x XmlPattern, document: &'x roxmltree::Document<'x>) {
        let (root, element) = (&pattern.root, document.root_element());
        if element.tag_name().name() == root.name {
            self.xml(root, element, None);
        } else {
            self.violated(root.check, Some(place(element)), |_| {
                say(
                    MismatchKind::Value,
                    named(root.namespace.as_deref(), &root.name),
                    named(element.tag_name().namespace(), element.tag_name().name()),
                )
            });
        }
    }

    /// Compares a text or attribute.
    fn text(
        &mut self,
        node: &'x Node,
        element: Element<'x, 'x>,
        attribute: Option<&'x str>,
        text: Option<Cow<'_, str>>,
    ) {
        self.spot = Some(XmlSpot { element, attribute });
        self.node(node, text.map(Json::String).as_ref());
        self.spot = None;
    }

    /// Compares an element of the expected local name. Recursion follows the pattern.
    fn xml(&mut self, pattern: &'x XmlNode, element: Element<'x, 'x>, told: Told<'x>) {
        let mut clean = true;
        let (wanted, actual) = (pattern.namespace.as_deref(), element.tag_name().namespace());
        let mut told = told;
        if wanted != actual {
            clean = told == Some((wanted, actual));
            if !clean {
                told = Some((wanted, actual));
                self.wrong_at(element, pattern.check, || {
                    say(MismatchKind::Value, named(wanted, &pattern.name), named(actual, &pattern.name))
                });
            }
        }
        for (space, name, node) in &pattern.attributes {
            let value = attribute(element, space.as_deref(), name);
            self.text(node, element, Some(name), value.map(Cow::Borrowed));
        }
        for extra in unlisted(pattern, element) {
            let place = || format!("{}/@{}", place(element), extra.name());
            let wrong = || say(MismatchKind::Unexpected, "no such attribute", quoted(extra.value()));
            self.extra(pattern, &mut clean, place, wrong);
        }
        match &pattern.text {
            Some(node) => {
                self.text(node, element, None, Some(seen_text(node, element)));
                if !takes_anything(node) {
                    for child in element.children().filter(Element::is_element) {
                        self.stranger(pattern, &mut clean, child);
                    }
                }
            }
            None => self.children(pattern, element, told, &mut clean),
        }
        if clean {
            self.held(pattern.check);
        }
    }

    fn children(&mut self, pattern: &'x XmlNode, element: Element<'x, 'x>, told: Told<'x>, clean: &mut bool) {
        let text = own_text(element);
        if !text.trim().is_empty() {
            let wrong = || say(MismatchKind::Unexpected, "no text between the elements", quoted(text.trim()));
            self.broken(pattern, clean, || place(element), wrong);
        }
        let matcher = self.matcher;
        let found = pair(&matcher, pattern, element, Aim::Tell);
        for child in pattern.children.iter().filter(|child| child.choice.is_some()) {
            if let Some(choice) = &child.choice {
                let there = element.children().any(|each| each.is_element() && each.tag_name().name() == child.name);
                let reading = if there { &choice.present } else { &choice.missing };
                if self.found.readings.len() < KEPT {
                    self.presence(choice, reading.clone(), format!("{}/{}", place(element), child.name));
                }
            }
        }
        for (child, each) in found.paired {
            self.xml(child, each, told);
        }
        for (child, each) in found.moved {
            self.wrong_at(each, child.check, || {
                say(MismatchKind::Order, format!("<{}> in the order written", child.name), short(each))
            });
        }
        for child in found.missing {
            let place = if self.full() { String::new() } else { format!("{}/{}", place(element), child.name) };
            self.violated(child.check, Some(place), |_| {
                let words = match &child.text {
                    Some(text) => format!("<{0}>{1}</{0}>", child.name, expected(text)),
                    None => format!("<{0}>…</{0}>", child.name),
                };
                say(MismatchKind::Missing, words, "nothing")
            });
        }
        for each in found.added {
            self.stranger(pattern, clean, each);
        }
        for child in pattern.children.iter().filter(|child| child.absent) {
            match found.forbidden.iter().find(|(other, _)| std::ptr::eq(*other, child)) {
                None => self.held(child.check),
                Some((_, each)) => {
                    self.wrong_at(*each, child.check, || say(MismatchKind::Unexpected, "nothing", short(*each)));
                }
            }
        }
    }

    /// An unlisted element.
    fn stranger(&mut self, pattern: &'x XmlNode, clean: &mut bool, element: Element<'x, 'x>) {
        let wrong = || say(MismatchKind::Unexpected, "no such element", short(element));
        self.extra(pattern, clean, || place(element), wrong);
    }

    /// A check of an element that does not hold. Finding a place takes time in proportion to the siblings: it is not
    /// looked for where nothing more is kept.
    fn wrong_at(&mut self, element: Element<'x, 'x>, check: CheckIndex, wrong: impl FnOnce() -> Wrong) {
        let place = if self.full() { String::new() } else { place(element) };
        self.violated(check, Some(place), |_| wrong());
    }

    /// Something unlisted: a fault, a note or nothing.
    fn extra(
        &mut self,
        pattern: &'x XmlNode,
        clean: &mut bool,
        place: impl FnOnce() -> String,
        wrong: impl FnOnce() -> Wrong,
    ) {
        match pattern.extra {
            Extra::Allow => {}
            Extra::Note if self.found.notes.len() < KEPT => self.note(pattern.check, place(), wrong()),
            Extra::Note => {}
            Extra::Fail => self.broken(pattern, clean, place, wrong),
        }
    }

    /// A fault of the element itself; counted once however many there are.
    fn broken(
        &mut self,
        pattern: &'x XmlNode,
        clean: &mut bool,
        place: impl FnOnce() -> String,
        wrong: impl FnOnce() -> Wrong,
    ) {
        let place = if self.full() { String::new() } else { place() };
        if std::mem::replace(clean, false) {
            self.violated(pattern.check, Some(place), |_| wrong());
        } else {
            self.also_violated(pattern.check, Some(place), |_| wrong());
        }
    }
}

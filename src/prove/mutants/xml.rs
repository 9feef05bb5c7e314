//! Mutants of an XML body: [`XmlMutants`]. The text is edited where the parser says that an element stands, so that
//! everything else stays as it was written.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use roxmltree::{Document, Node, NodeId};

use super::text::{changed, emptied, swapped, whole};
use super::{Change, Mutant, Operator, Place, Segment, sampled, thin};
use crate::pattern::decimal::{Decimal, add};
use crate::pattern::xml_matching::own_text;

/// Namespace of `nil` (XML Schema part 1, section 2.6.2).
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// An edit of the text.
type Edit = (Range<usize>, String);

/// What is changed at one place, in one way.
struct Change1 {
    place: Arc<Place>,
    operator: Operator,
    edits: Vec<Edit>,
}

/// Makes the mutants of an XML body. What is changed is known beforehand; a mutant is written when it is asked for.
pub(super) struct XmlMutants {
    text: String,
    /// The last comes first.
    changes: Vec<Change1>,
    whole: bool,
    pub(super) left_out: usize,
}

impl XmlMutants {
    /// `None` when the body is not XML, or has a document type.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let document = Document::parse(text).ok()?;
        let (mut places, skipped) = elements(&document);
        let left_out = skipped + thin(&mut places, bytes.len());
        let mut changes = Vec::new();
        for (node, path) in places {
            Maker { text, node, path, changes: &mut changes }.all();
        }
        if let Some(change) = namespace(text, &document) {
            changes.push(change);
        }
        changes.reverse();
        Some(Self { text: text.to_owned(), changes, whole: true, left_out })
    }

    /// Adds the next mutants; false when there are none left.
    pub(super) fn next_place(&mut self, list: &mut Vec<Mutant>) -> bool {
        if std::mem::take(&mut self.whole) {
            let same = |half: &[u8]| std::str::from_utf8(half).is_ok_and(|half| Document::parse(half).is_ok());
            whole(self.text.as_bytes(), same, list);
            return true;
        }
        let Some(Change1 { place, operator, edits }) = self.changes.pop() else { return false };
        let body = edited(&self.text, &edits);
        list.push(Mutant { place, operator, change: Change::Body(body.into()) });
        true
    }
}

/// The text with its edits, which do not overlap and come in order.
fn edited(text: &str, edits: &[Edit]) -> String {
    let mut new = String::with_capacity(text.len() + 32);
    let mut from = 0;
    for (range, with) in edits {
        new.push_str(text.get(from..range.start).unwrap_or_default());
        new.push_str(with);
        from = range.end;
    }
    new.push_str(text.get(from..).unwrap_or_default());
    new
}

/// The elements that are mutated, each with its path, and how many are not.
fn elements<'d>(document: &'d Document<'d>) -> (Vec<(Node<'d, 'd>, Vec<Segment>)>, usize) {
    let mut found = Vec::new();
    let mut left_out = 0;
    let mut open: Vec<(Node<'d, 'd>, Vec<Segment>)> = Vec::new();
    let root = document.root_element();
    open.push((root, vec![Segment::Child(Arc::from(root.tag_name().name()), 0, false)]));
    while let Some((node, path)) = open.pop() {
        let mut shapes: HashMap<&str, Vec<u64>> = HashMap::new();
        let children: Vec<Node<'d, 'd>> = node.children().filter(Node::is_element).collect();
        for child in &children {
            shapes.entry(child.tag_name().name()).or_default().push(shape(*child));
        }
        let taken: HashMap<&str, Vec<bool>> =
            shapes.into_iter().map(|(name, shapes)| (name, sampled(&shapes))).collect();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut below = Vec::new();
        for child in children {
            let name = child.tag_name().name();
            let taken = taken.get(name).map_or(&[][..], Vec::as_slice);
            let at = seen.entry(name).or_default();
            if taken.get(*at).copied().unwrap_or(true) {
                let mut path = path.clone();
                path.push(Segment::Child(Arc::from(name), *at, taken.len() > 1));
                below.push((child, path));
            } else {
                left_out += 1;
            }
            *at += 1;
        }
        open.extend(below.into_iter().rev());
        found.push((node, path));
    }
    (found, left_out)
}

/// The same for elements with the same elements and attributes at every depth.
fn shape(element: Node<'_, '_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for node in element.descendants().filter(Node::is_element) {
        (node.tag_name().name(), node.children().count()).hash(&mut hasher);
        node.attributes().for_each(|each| each.name().hash(&mut hasher));
    }
    hasher.finish()
}

/// Whether two elements differ for sure: in name, text or number of descendants.
fn differ(left: Node<'_, '_>, right: Node<'_, '_>) -> bool {
    let mut left = left.descendants().filter(Node::is_element);
    let mut right = right.descendants().filter(Node::is_element);
    loop {
        match (left.next(), right.next()) {
            (None, None) => return false,
            (Some(left), Some(right)) => {
                if left.tag_name() != right.tag_name() || own_text(left).trim() != own_text(right).trim() {
                    return true;
                }
            }
            _ => return true,
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Where the parts of an element stand in the text.
struct Tags {
    /// The name in the start tag, prefix included.
    name: Range<usize>,
    /// Right behind the `>` of the start tag.
    open_end: usize,
    /// Where a new attribute can stand.
    attribute: usize,
    /// Of an element that is not written `<a/>`: what stands between the tags, and the name in the end tag.
    rest: Option<(Range<usize>, Range<usize>)>,
}

fn tags(text: &str, whole: Range<usize>) -> Option<Tags> {
    let bytes = text.as_bytes();
    let start = whole.start + 1;
    let mut at = start;
    while at < whole.end && !matches!(bytes[at], b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>') {
        at += 1;
    }
    let name = start..at;
    let mut quote = None;
    while at < whole.end {
        match (quote, bytes[at]) {
            (None, b'>') => break,
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        at += 1;
    }
    let open_end = at + 1;
    if bytes.get(at.checked_sub(1)?) == Some(&b'/') {
        return Some(Tags { attribute: name.end, name, open_end, rest: None });
    }
    let close = open_end + text.get(open_end..whole.end)?.rfind("</")?;
    let end_name = close + 2..close + 2 + name.len();
    Some(Tags { attribute: name.end, name, open_end, rest: Some((open_end..close, end_name)) })
}

struct Maker<'m, 'd> {
    text: &'d str,
    node: Node<'d, 'd>,
    path: Vec<Segment>,
    changes: &'m mut Vec<Change1>,
}

impl Maker<'_, '_> {
    fn all(mut self) {
        let range = self.node.range();
        let Some(tags) = tags(self.text, range.clone()) else { return };
        let place = Place::in_body(std::mem::take(&mut self.path));
        let is_root = self.node.parent_element().is_none();
        if !is_root {
            self.push(&place, Operator::Removed, vec![(range.clone(), String::new())]);
            let copy = self.text.get(range.clone()).unwrap_or_default().to_owned();
            self.push(&place, Operator::Duplicated, vec![(range.end..range.end, copy)]);
        }
        self.names(&place, &tags);
        self.content(&place, &tags);
        self.order(&place);
        for attribute in self.node.attributes() {
            let mut path = place.path.clone();
            path.push(Segment::Attribute(Arc::from(attribute.name())));
            let place = Place::in_body(path);
            let (range, value) = (attribute.range(), attribute.range_value());
            self.push(&place, Operator::Removed, vec![(range, String::new())]);
            let others = [
                (Operator::Character, changed(attribute.value())),
                (Operator::Emptied, emptied(attribute.value())),
                (Operator::LetterCase, swapped(attribute.value())),
            ];
            for (operator, other) in others {
                if let Some(other) = other {
                    self.push(&place, operator, vec![(value.clone(), escaped(&other))]);
                }
            }
        }
    }

    fn push(&mut self, place: &Arc<Place>, operator: Operator, edits: Vec<Edit>) {
        self.changes.push(Change1 { place: place.clone(), operator, edits });
    }

    fn names(&mut self, place: &Arc<Place>, tags: &Tags) {
        let name = self.text.get(tags.name.clone()).unwrap_or_default();
        let (prefix, local) = name.rsplit_once(':').map_or(("", name), |(prefix, local)| (prefix, local));
        let full = |local: String| if prefix.is_empty() { local } else { format!("{prefix}:{local}") };
        let others =
            [(Operator::Renamed, Some(full(format!("{local}X")))), (Operator::NameCase, swapped(local).map(full))];
        for (operator, other) in others {
            let Some(other) = other else { continue };
            let mut edits = vec![(tags.name.clone(), other.clone())];
            if let Some((_, end)) = &tags.rest {
                edits.push((end.clone(), other));
            }
            self.push(place, operator, edits);
        }
    }

    fn content(&mut self, place: &Arc<Place>, tags: &Tags) {
        let text = own_text(self.node);
        let parent = self.node.children().any(|child| child.is_element());
        let nil = (tags.attribute..tags.attribute, format!(" xmlns:cbn=\"{XSI}\" cbn:nil=\"true\""));
        let has_nil = self.node.has_attribute((XSI, "nil"));
        let Some((content, _)) = &tags.rest else {
            if !has_nil {
                self.push(place, Operator::Null, vec![nil]);
            }
            self.push(
                place,
                Operator::Added,
                vec![(tags.attribute..tags.attribute, " casebookAdded=\"1\"".to_owned())],
            );
            return;
        };
        let with = |text: String| vec![(content.clone(), text)];
        if !has_nil {
            self.push(place, Operator::Null, vec![nil, (content.clone(), String::new())]);
        }
        if parent {
            self.push(place, Operator::Emptied, with(String::new()));
            self.push(place, Operator::Type, with("casebook".to_owned()));
            let new = (content.end..content.end, "<casebookAdded/>".to_owned());
            self.push(place, Operator::Added, vec![new]);
            return;
        }
        let new = (tags.attribute..tags.attribute, " casebookAdded=\"1\"".to_owned());
        self.push(place, Operator::Added, vec![new]);
        if text.trim().is_empty() {
            return;
        }
        let inner = self.text.get(content.clone()).unwrap_or_default();
        self.push(place, Operator::Type, with(format!("<Value>{inner}</Value>")));
        self.push(place, Operator::Emptied, with(String::new()));
        let bare = text.trim();
        let mut others = vec![(Operator::Character, changed(bare)), (Operator::LetterCase, swapped(bare))];
        if Decimal::parse(bare).is_some() {
            others.push((Operator::PlusOne, add(bare, "1")));
            others.push((Operator::MinusOne, add(bare, "-1")));
        }
        match bare {
            "true" => others.push((Operator::Flipped, Some("false".to_owned()))),
            "false" => others.push((Operator::Flipped, Some("true".to_owned()))),
            _ => {}
        }
        for (operator, other) in others {
            if let Some(other) = other {
                self.push(place, operator, with(escaped(&other)));
            }
        }
    }

    /// The first two neighbours that differ change places.
    fn order(&mut self, place: &Arc<Place>) {
        let children: Vec<(NodeId, Range<usize>)> =
            self.node.children().filter(Node::is_element).map(|child| (child.id(), child.range())).collect();
        let document = self.node.document();
        let pair = children.windows(2).find(|pair| {
            let node = |at: usize| document.get_node(pair[at].0);
            matches!((node(0), node(1)), (Some(left), Some(right)) if differ(left, right))
        });
        if let Some([(_, left), (_, right)]) = pair {
            let source = |range: &Range<usize>| self.text.get(range.clone()).unwrap_or_default().to_owned();
            let edits = vec![(left.clone(), source(right)), (right.clone(), source(left))];
            self.push(place, Operator::Reordered, edits);
        }
    }
}

/// Another URI for the first namespace that the root declares, where that changes a name.
fn namespace(text: &str, document: &Document<'_>) -> Option<Change1> {
    let root = document.root_element();
    let uri = root.tag_name().namespace()?;
    let tags = tags(text, root.range())?;
    let tag = text.get(tags.name.end..tags.open_end)?;
    let written = escaped(uri);
    let at = ['"', '\''].iter().find_map(|quote| tag.find(&format!("={quote}{written}{quote}")))?;
    let end = tags.name.end + at + 2 + written.len();
    let edits = vec![(end..end, "X".to_owned())];
    let changed = edited(text, &edits);
    let differs = Document::parse(&changed).is_ok_and(|other| other.root_element().tag_name() != root.tag_name());
    let name = Arc::from(root.tag_name().name());
    let place = Place::in_body(vec![Segment::Child(name, 0, false)]);
    differs.then_some(Change1 { place, operator: Operator::Namespace, edits })
}

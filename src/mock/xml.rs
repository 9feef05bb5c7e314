//! Writes the XML of both APIs: [`XmlWriter`], a thin layer over quick-xml that writes to memory.

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

/// Builds one XML document without a declaration, as the documents print it.
pub struct XmlWriter {
    inner: Writer<Vec<u8>>,
}

/// Why a failed write cannot happen.
const IN_MEMORY: &str = "writing to a vector never fails";

impl Default for XmlWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl XmlWriter {
    /// An empty document.
    pub fn new() -> Self {
        Self { inner: Writer::new(Vec::with_capacity(256)) }
    }

    /// Opens an element with attributes; names are fixed words of the API.
    pub fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let mut start = BytesStart::new(name);
        for attribute in attributes {
            start.push_attribute(*attribute);
        }
        self.inner.write_event(Event::Start(start)).expect(IN_MEMORY);
    }

    /// Closes the element of this name.
    pub fn close(&mut self, name: &str) {
        self.inner.write_event(Event::End(BytesEnd::new(name))).expect(IN_MEMORY);
    }

    /// Writes an element that holds only text.
    pub fn leaf(&mut self, name: &str, text: &str) {
        self.open(name, &[]);
        let escaped = escape(text);
        self.inner.write_event(Event::Text(BytesText::from_escaped(escaped))).expect(IN_MEMORY);
        self.close(name);
    }

    /// The finished document.
    pub fn finish(self) -> Vec<u8> {
        self.inner.into_inner()
    }
}

/// Text as XML 1.0 can hold it: markup and carriage returns as references, characters outside the
/// `Char` production as U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A parser would turn a bare carriage return into a line feed.
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..='\u{10ffff}' => out.push(character),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_a_parser() {
        let text = "a<b>&\"c\" ]]> \r\n\t\u{1F5FA} é";
        let mut writer = XmlWriter::new();
        writer.open("r", &[("xmlns", "urn:x&y")]);
        writer.leaf("t", text);
        writer.close("r");
        let xml = String::from_utf8(writer.finish()).unwrap();
        let document = roxmltree::Document::parse(&xml).unwrap();
        let leaf = document.root_element().first_element_child().unwrap();
        assert_eq!(leaf.text(), Some(text));
        assert_eq!(leaf.tag_name().namespace(), Some("urn:x&y"));
    }

    #[test]
    fn characters_xml_cannot_hold_are_replaced() {
        assert_eq!(escape("a\0b\u{1b}c\u{ffff}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }
}

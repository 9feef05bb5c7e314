//! XML text in a case file: [`Reader::xml_pattern`] for expectations, [`blank`] to check request bodies.

use std::ops::Range;

use roxmltree::{Document, Node, TextPos};

use super::context::Reader;
use super::diagnostic::suggestion;
use super::json;
use super::pattern::operator;
use super::template;
use crate::model::template::{JsonTemplate, Template, XmlTemplate, XmlText};

/// The namespace of attributes that steer a comparison.
const STEERING: &str = "urn:casebook";

/// Deepest nesting of elements that is read.
const DEEPEST: usize = 200;

/// Attributes of [`STEERING`], and the values they may have; empty: any.
const ATTRIBUTES: [(&str, &[&str]); 9] = [
    ("optional", &["true", "false"]),
    ("absent", &["true", "false"]),
    ("order", &["any", "written"]),
    ("per", &[]),
    ("extra", &["fail", "note", "allow"]),
    ("clause", &[]),
    ("choice", &[]),
    ("present", &[]),
    ("missing", &[]),
];

/// The text with every `${…}` replaced by as many harmless characters, so that offsets stay.
pub(super) fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        let mut quoted = false;
        let end = rest[start..]
            .char_indices()
            .find(|(_, letter)| {
                quoted ^= *letter == '\'';
                *letter == '}' && !quoted
            })
            .map_or(rest.len(), |(at, _)| start + at + 1);
        out.extend(std::iter::repeat_n('x', end - start));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// The offset of a line and column, both from 1.
fn offset(text: &str, place: TextPos) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(place.row.saturating_sub(1) as usize).map(str::len).sum();
    let rest = &text[line_start..];
    line_start + rest.char_indices().nth(place.col.saturating_sub(1) as usize).map_or(rest.len(), |(at, _)| at)
}

/// An error of the parser, its position taken off the end.
fn message(error: &roxmltree::Error) -> String {
    let text = error.to_string();
    format!("not well-formed XML: {}", text.rsplit_once(" at ").map_or(text.as_str(), |(message, _)| message))
}

impl Reader<'_> {
    /// Checks that a request body is well-formed once its values are inserted.
    pub(super) fn xml_body(&self, text: &str, span: &Range<usize>) {
        let blank = blank(text);
        if let Err(error) = Document::parse(&blank) {
            self.file.error_help(
                self.file.inside(span, text, offset(&blank, error.pos())),
                message(&error),
                Some("a body that is malformed on purpose is written as `raw`".to_owned()),
            );
        }
    }

    /// Reads an expected document; errors are collected.
    pub(super) fn xml_pattern(&mut self, text: &str, span: &Range<usize>) -> Option<XmlTemplate> {
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let help = text.contains("cb:").then(|| format!("declare xmlns:cb=\"{STEERING}\" on the root element"));
                self.file.error_help(self.file.inside(span, text, offset(text, error.pos())), message(&error), help);
                return None;
            }
        };
        self.element(document.root_element(), text, span, 0)
    }

    fn element(&mut self, node: Node<'_, '_>, text: &str, span: &Range<usize>, depth: usize) -> Option<XmlTemplate> {
        let place = self.file.inside(span, text, node.range().start);
        if depth > DEEPEST {
            self.file.error(place, "nested too deep");
            return None;
        }
        let per = node.has_attribute((STEERING, "per"));
        // The list itself is evaluated outside of the repetition.
        let mut steering = Vec::new();
        for attribute in node.attributes().filter(|each| each.namespace() == Some(STEERING)) {
            steering
                .push((attribute.name().to_owned(), self.steering(attribute.name(), attribute.value(), &place, span)));
        }
        self.scope.per += usize::from(per);
        let mut attributes = Vec::new();
        for attribute in node.attributes().filter(|each| each.namespace() != Some(STEERING)) {
            let value = self.xml_text(attribute.value(), &place, span);
            attributes.push((attribute.namespace().map(str::to_owned), attribute.name().to_owned(), value));
        }
        let mut children = Vec::new();
        let mut content = String::new();
        for child in node.children() {
            if child.is_element() {
                children.extend(self.element(child, text, span, depth + 1));
            } else if child.is_text() {
                content.push_str(child.text().unwrap_or_default());
            }
        }
        if !children.is_empty() {
            if !content.trim().is_empty() {
                self.file.error(place.clone(), "text beside child elements cannot be compared");
            }
            content.clear();
        }
        let text = self.xml_text(&content, &place, span);
        self.scope.per -= usize::from(per);
        Some(XmlTemplate {
            namespace: node.tag_name().namespace().map(str::to_owned),
            name: node.tag_name().name().to_owned(),
            attributes,
            steering,
            children,
            text,
        })
    }

    fn steering(&mut self, name: &str, value: &str, place: &Range<usize>, span: &Range<usize>) -> Template {
        match ATTRIBUTES.iter().find(|(known, _)| *known == name) {
            None => self.file.error_help(
                place.clone(),
                format!("unknown attribute `{name}` of {STEERING}"),
                suggestion(name, ATTRIBUTES.iter().map(|(known, _)| *known)),
            ),
            Some((_, words)) if !words.is_empty() && !words.contains(&value) => {
                self.file.error(place.clone(), format!("`{name}` must be one of {}", words.join(", ")));
            }
            Some(_) => {}
        }
        if name == "clause" {
            for each in value.split_whitespace() {
                self.cite(each, place.clone());
            }
        }
        self.inner_template(value, place, span)
    }

    /// A template within an XML text.
    fn inner_template(&mut self, text: &str, place: &Range<usize>, span: &Range<usize>) -> Template {
        match template::parse(text) {
            Ok(template) => {
                self.names(&template, span);
                template
            }
            Err(error) => {
                self.file.error_help(place.clone(), error.message, error.help);
                Template::default()
            }
        }
    }

    fn xml_text(&mut self, text: &str, place: &Range<usize>, span: &Range<usize>) -> XmlText {
        let inner = text.trim_start().strip_prefix('{').map(str::trim_start);
        if inner.is_some_and(|rest| rest.starts_with("\"$")) {
            match json::parse(text) {
                Ok(JsonTemplate::Object(members)) if operator(&members).is_some() => {
                    let pattern = JsonTemplate::Object(members);
                    self.pattern(&pattern, span);
                    return XmlText::Pattern(pattern);
                }
                Ok(_) => {}
                Err(error) => {
                    self.file.error_help(place.clone(), error.message, error.help);
                    return XmlText::Literal(Template::default());
                }
            }
        }
        XmlText::Literal(self.inner_template(text, place, span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_keep_offsets() {
        assert_eq!(blank("<a>${x}</a>"), "<a>xxxx</a>");
        assert_eq!(blank("<a>${xml_each('}', y)}</a>").len(), "<a>${xml_each('}', y)}</a>".len());
        assert!(Document::parse(&blank("<a>${xml_each('b', take(x, 2))}<c/></a>")).is_ok());
    }
}

//! Captures and the paths that find their values.

use std::ops::Range;

use super::context::Reader;
use super::reader::Node;
use crate::model::spec::{Capture, CaptureFrom, Path};

impl<'a> Reader<'a> {
    pub(super) fn captures(&mut self, node: &Node<'a>) -> Vec<Capture> {
        let Some(table) = node.node("capture") else { return Vec::new() };
        let mut captures = Vec::new();
        for (name, key_span, value) in table.entries() {
            let Some(capture) = Node::of(value) else { continue };
            if name == "status" || name.contains('.') {
                self.file.error(key_span.clone(), format!("a capture cannot be called `{name}`"));
            }
            let given: Vec<_> = ["json", "path", "xpath", "header", "body"]
                .into_iter()
                .filter(|key| capture.get(key).is_some())
                .collect();
            let [key] = given.as_slice() else {
                self.file.error(key_span, format!("capture `{name}` needs one of json, path, xpath, header, body"));
                continue;
            };
            let text = capture.owned(key);
            let from = match *key {
                "header" => CaptureFrom::Header(text.to_ascii_lowercase()),
                "body" => CaptureFrom::WholeBody,
                key => CaptureFrom::Body(self.path(key, text, &capture.span_of(key))),
            };
            let regex = capture.text("regex").map(str::to_owned);
            if let Some(Err(message)) = regex.as_deref().map(|text| self.shared.check_regex(text)) {
                self.file.error(capture.span_of("regex"), message);
            }
            captures.push(Capture {
                name: name.to_owned(),
                from,
                list: capture.flag("list"),
                kind: capture.text("type").map(str::to_owned),
                regex,
                secret: capture.flag("secret"),
                optional: capture.flag("optional"),
            });
        }
        captures
    }

    /// A path of the language that the key names; its syntax is checked.
    pub(super) fn path(&self, key: &str, text: String, span: &Range<usize>) -> Path {
        match key {
            "json" => {
                if !text.is_empty() && !text.starts_with('/') {
                    self.file.error_help(
                        span.clone(),
                        format!("`{text}` is no JSON Pointer"),
                        Some("it begins with `/`; a JSONPath is written as `path`".to_owned()),
                    );
                }
                Path::Pointer(text)
            }
            "path" => {
                if let Err(error) = self.shared.check_path(&text) {
                    self.file.error(span.clone(), format!("`{text}` is no JSONPath: {error}"));
                }
                Path::JsonPath(text)
            }
            _ => {
                if !is_xpath(&text) {
                    self.file.error_help(
                        span.clone(),
                        format!("`{text}` is not of the XPath subset"),
                        Some("known are /a/b[2]/c, //b, *, @x and text()".to_owned()),
                    );
                }
                Path::XPath(text)
            }
        }
    }
}

/// Whether a text is of casebook's subset of XPath.
fn is_xpath(text: &str) -> bool {
    let name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
    };
    let step = |step: &str| {
        if step == "text()" || step.strip_prefix('@').is_some_and(|rest| rest == "*" || name(rest)) {
            return true;
        }
        let (base, index) = match step.split_once('[') {
            Some((base, index)) => {
                (base, index.strip_suffix(']').is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n > 0)))
            }
            None => (step, true),
        };
        index && (base == "*" || name(base))
    };
    let Some(rest) = text.strip_prefix("//").or_else(|| text.strip_prefix('/')) else { return false };
    !rest.is_empty() && rest.replace("//", "/").split('/').all(step)
}

#[cfg(test)]
mod tests {
    use super::is_xpath;

    #[test]
    fn xpath_subset() {
        for good in ["/a/b[2]/c", "//b", "/a//b", "/*/@x", "//a/text()", "/ns:a"] {
            assert!(is_xpath(good), "{good}");
        }
        for bad in ["", "a", "/", "/a[0]", "/a[b]", "/a[1", "//", "/a/b()", "/a | /b"] {
            assert!(!is_xpath(bad), "{bad}");
        }
    }
}

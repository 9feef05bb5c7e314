//! JSON text in a case file: [`parse`] makes a [`JsonTemplate`] of it.
//!
//! The numbers stay as written and every error has its offset. It is the only place that knows how the text is read,
//! so that another parser can take its place.

use std::borrow::Cow;

use super::template::{self, TemplateError};
use crate::model::template::{JsonTemplate, Template};

/// Deepest nesting that is read.
const DEEPEST: usize = 200;

/// What is wrong with a JSON text: an offset in it, what, and what was probably meant.
pub(super) type Problem = TemplateError;

/// Parses JSON (RFC 8259) whose strings are templates. Members keep their order; duplicates are kept.
///
/// # Errors
/// The first place that is not JSON, or the first template that does not parse.
pub(super) fn parse(text: &str) -> Result<JsonTemplate, Problem> {
    let mut parser = Parser { text, at: 0, depth: 0, items: Vec::new(), members: Vec::new() };
    let value = parser.value()?;
    parser.space();
    if parser.at < text.len() {
        return parser.error("expected the end of the JSON text");
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Elements of the arrays that are open, the innermost last: a list is made once its length is known.
    items: Vec<JsonTemplate>,
    /// Members of the objects that are open, the innermost last.
    members: Vec<(String, JsonTemplate)>,
}

impl<'a> Parser<'a> {
    fn error<T>(&self, message: &str) -> Result<T, Problem> {
        let found = match self.text[self.at..].chars().next() {
            Some(found) => format!("{message}, found `{}`", found.escape_debug()),
            None => format!("{message}, found the end of the text"),
        };
        Err(Problem { offset: self.at, message: format!("not JSON: {found}"), help: None })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<JsonTemplate, Problem> {
        self.space();
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(JsonTemplate::Text),
            Some(b't') => self.word("true", JsonTemplate::Bool(true)),
            Some(b'f') => self.word("false", JsonTemplate::Bool(false)),
            Some(b'n') => self.word("null", JsonTemplate::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.error("expected a value"),
        }
    }

    fn word(&mut self, word: &str, value: JsonTemplate) -> Result<JsonTemplate, Problem> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(value)
        } else {
            self.error("expected a value")
        }
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at > start
    }

    fn number(&mut self) -> Result<JsonTemplate, Problem> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else if !self.digits() {
            return self.error("expected a digit");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !self.digits() {
                return self.error("expected a digit");
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !self.digits() {
                return self.error("expected a digit");
            }
        }
        Ok(JsonTemplate::Number(self.text[start..self.at].to_owned()))
    }

    fn deeper(&mut self) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > DEEPEST { self.error("nested too deep") } else { Ok(()) }
    }

    fn array(&mut self) -> Result<JsonTemplate, Problem> {
        self.deeper()?;
        self.at += 1;
        let start = self.items.len();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            self.depth -= 1;
            return Ok(JsonTemplate::Array(Vec::new()));
        }
        loop {
            let item = self.value()?;
            self.items.push(item);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.error("expected `,` or `]`"),
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(JsonTemplate::Array(self.items.split_off(start)))
    }

    fn object(&mut self) -> Result<JsonTemplate, Problem> {
        self.deeper()?;
        self.at += 1;
        let start = self.members.len();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            self.depth -= 1;
            return Ok(JsonTemplate::Object(Vec::new()));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return self.error("expected a member name in double quotes");
            }
            let name = self.characters()?.into_owned();
            self.space();
            if self.peek() != Some(b':') {
                return self.error("expected `:`");
            }
            self.at += 1;
            let value = self.value()?;
            self.members.push((name, value));
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.error("expected `,` or `}`"),
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(JsonTemplate::Object(self.members.split_off(start)))
    }

    fn string(&mut self) -> Result<Template, Problem> {
        let start = self.at;
        let content = self.characters()?;
        template::parse(&content).map_err(|error| {
            // The offset holds as long as no escape stands before it.
            let shift = start + 1;
            let same = content.get(..error.offset) == self.text.get(shift..shift + error.offset);
            Problem { offset: if same { shift + error.offset } else { start }, ..error }
        })
    }

    fn characters(&mut self) -> Result<Cow<'a, str>, Problem> {
        self.at += 1;
        let text = self.text;
        // What stands before the last escape; most strings have none.
        let mut before: Option<String> = None;
        loop {
            let rest = &text[self.at..];
            let plain = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
            let run = &rest[..plain];
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(match before {
                        None => Cow::Borrowed(run),
                        Some(before) => Cow::Owned(before + run),
                    });
                }
                Some(b'\\') => {
                    let letter = self.escape()?;
                    let before = before.get_or_insert_default();
                    before.push_str(run);
                    before.push(letter);
                }
                Some(_) => return self.error("a control character must be escaped in a string"),
                None => return self.error("expected the closing `\"` of a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        self.at += 1;
        let letter = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return self.error("unknown escape"),
        };
        self.at += 1;
        Ok(letter)
    }

    fn unicode(&mut self) -> Result<char, Problem> {
        let start = self.at - 2;
        let mut unit = self.hex()?;
        if (0xd800..0xdc00).contains(&unit) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                unit = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            }
        }
        char::from_u32(unit).ok_or_else(|| Problem {
            offset: start,
            message: "not JSON: half of a surrogate pair".to_owned(),
            help: None,
        })
    }

    fn hex(&mut self) -> Result<u32, Problem> {
        let digits = self.text.get(self.at..self.at + 4).filter(|four| four.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|four| u32::from_str_radix(four, 16).ok()) {
            Some(unit) => {
                self.at += 4;
                Ok(unit)
            }
            None => self.error("expected four hexadecimal digits"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_numbers_order_and_duplicates() {
        let value = parse(r#" { "b": 1.0, "a": [-0, 1e5, true, null], "b": "x\u00e9\ud83d\ude00" } "#).unwrap();
        let text = |text: &str| JsonTemplate::Text(Template::literal(text));
        let number = |text: &str| JsonTemplate::Number(text.to_owned());
        assert_eq!(
            value,
            JsonTemplate::Object(vec![
                ("b".to_owned(), number("1.0")),
                (
                    "a".to_owned(),
                    JsonTemplate::Array(vec![
                        number("-0"),
                        number("1e5"),
                        JsonTemplate::Bool(true),
                        JsonTemplate::Null
                    ])
                ),
                ("b".to_owned(), text("xé😀")),
            ])
        );
    }

    #[test]
    fn errors_have_their_offset() {
        let error = |text: &str| {
            let error = parse(text).unwrap_err();
            (error.offset, error.message)
        };
        assert_eq!(error("{\"a\" 1}"), (5, "not JSON: expected `:`, found `1`".to_owned()));
        assert_eq!(error("[1,]"), (3, "not JSON: expected a value, found `]`".to_owned()));
        assert_eq!(error("[1"), (2, "not JSON: expected `,` or `]`, found the end of the text".to_owned()));
        assert_eq!(error("01"), (1, "not JSON: expected the end of the JSON text, found `1`".to_owned()));
        assert_eq!(error("[\"a ${x | uper}\"]").0, 10);
        assert_eq!(error("\"\\ud800\"").1, "not JSON: half of a surrogate pair");
        assert!(error(&"[".repeat(100_000)).1.contains("nested too deep"));
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_reads(text in "[\\[\\]{}:,\"a0-9eE.+\\-truefalsn\\\\u ]{0,30}") {
            let ours = parse(&text);
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            // A number out of the range of a double is fine here.
            let range = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert!(range || ours.is_ok() == theirs.is_ok(), "{text}: {ours:?} {theirs:?}");
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}

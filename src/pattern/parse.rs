//! Reads JSON text into a [`Json`] that keeps duplicate members, member order and the text of numbers.
//!
//! A parser of our own, because `serde_json` keeps only the last of several equal members and turns
//! numbers into floats. RFC 8259 to the letter: no comments, no trailing commas, no `NaN`, no byte
//! order mark. Strings borrow from the text unless an escape forces a copy.

use std::borrow::Cow;
use std::fmt;

use crate::model::json::{Json, MAX_DEPTH};

pub use super::write::{pretty, write_json};

/// Where and why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonSyntaxError {
    /// Offset in bytes, from 0.
    pub offset: usize,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, a lower-case fragment.
    pub message: String,
}

impl fmt::Display for JsonSyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for JsonSyntaxError {}

/// Reads one JSON text.
///
/// # Errors
/// When the text is not JSON, or is nested deeper than [`MAX_DEPTH`].
pub fn parse_json(text: &str) -> Result<Json<'_>, JsonSyntaxError> {
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0, items: Vec::new(), members: Vec::new() };
    parser.document().map_err(|error| *error)
}

/// Reads one JSON text from bytes, which must be UTF-8 (RFC 8259, section 8.1).
///
/// # Errors
/// As [`parse_json`], and when the bytes are not UTF-8.
pub fn parse_json_bytes(bytes: &[u8]) -> Result<Json<'_>, JsonSyntaxError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse_json(text),
        Err(cause) => {
            let offset = cause.valid_up_to();
            let message = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
                "begins with a byte order mark of UTF-16; JSON must be UTF-8 (RFC 8259, section 8.1)".to_owned()
            } else {
                let byte = bytes.get(offset).copied().unwrap_or_default();
                format!("byte 0x{byte:02x} at offset {offset} is not UTF-8")
            };
            let (line, column) = position(&String::from_utf8_lossy(&bytes[..offset]));
            Err(JsonSyntaxError { offset, line, column, message })
        }
    }
}

/// Line and column of the place right behind `before`.
fn position(before: &str) -> (u32, u32) {
    let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[start..].chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// What a part of the text reads as. The error is kept small, for every value passes through here.
type Read<T> = Result<T, Box<JsonSyntaxError>>;

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Elements of the arrays that are open. One that closes takes its own off the end, so that it is allocated once
    /// and at its size, however many there are.
    items: Vec<Json<'a>>,
    /// Members of the objects that are open, likewise.
    members: Vec<(Cow<'a, str>, Json<'a>)>,
}

/// Most bodies have fewer open elements and members at any time.
const OPEN: usize = 16;

impl<'a> Parser<'a> {
    #[cold]
    fn error(&self, message: impl Into<String>) -> Box<JsonSyntaxError> {
        self.error_at(self.at, message)
    }

    #[cold]
    fn error_at(&self, offset: usize, message: impl Into<String>) -> Box<JsonSyntaxError> {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let (line, column) = position(&self.text[..end]);
        Box::new(JsonSyntaxError { offset, line, column, message: message.into() })
    }

    /// Says what stands where `wanted` should.
    #[cold]
    fn unexpected(&self, wanted: &str) -> Box<JsonSyntaxError> {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            None => self.error(format!("the text ends where {wanted} should stand")),
            Some(found) => self.error(format!("expected {wanted}, found {found:?}")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn document(&mut self) -> Read<Json<'a>> {
        if self.text.starts_with('\u{feff}') {
            return Err(
                self.error("begins with a byte order mark (U+FEFF), which JSON does not allow (RFC 8259, section 8.1)")
            );
        }
        self.space();
        let value = self.value(0)?;
        self.space();
        if self.at < self.bytes.len() {
            return Err(self.error("text after the end of the JSON value"));
        }
        Ok(value)
    }

    /// Recursion is bounded by [`MAX_DEPTH`].
    fn value(&mut self, depth: usize) -> Read<Json<'a>> {
        match self.peek() {
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Read<Json<'a>> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.unexpected("a value"))
        }
    }

    fn deeper(&self, depth: usize) -> Read<()> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Read<Json<'a>> {
        self.deeper(depth)?;
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(Vec::new()));
        }
        let start = self.items.len();
        loop {
            let item = self.value(depth)?;
            if self.items.is_empty() {
                self.items.reserve(OPEN);
            }
            self.items.push(item);
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.space();
                }
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(self.items.split_off(start)));
                }
                _ => return Err(self.unexpected("`,` or `]`")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Read<Json<'a>> {
        self.deeper(depth)?;
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(Vec::new()));
        }
        let start = self.members.len();
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a member name in quotes"));
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("`:`"));
            }
            self.at += 1;
            self.space();
            let value = self.value(depth)?;
            if self.members.is_empty() {
                self.members.reserve(OPEN);
            }
            self.members.push((key, value));
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.space();
                }
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(self.members.split_off(start)));
                }
                _ => return Err(self.unexpected("`,` or `}`")),
            }
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Read<Json<'a>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if let Some(b'0'..=b'9') = self.peek() {
                return Err(self.error_at(start, "a number may not begin with 0 and another digit"));
            }
        } else if self.digits() == 0 {
            return Err(self.unexpected("a digit"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.unexpected("a digit behind the decimal point"));
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.unexpected("a digit of the exponent"));
            }
        }
        Ok(Json::Number(Cow::Borrowed(&self.text[start..self.at])))
    }

    /// Moves to the next quote, backslash or control character, eight bytes at a time.
    fn plain(&mut self) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = 0x8080_8080_8080_8080;
        while let Some(chunk) = self.bytes.get(self.at..self.at + 8) {
            let Ok(chunk) = <[u8; 8]>::try_from(chunk) else { break };
            let word = u64::from_le_bytes(chunk);
            let control = word.wrapping_sub(ONES * 0x20) & !word;
            let quote = word ^ (ONES * u64::from(b'"'));
            let quote = quote.wrapping_sub(ONES) & !quote;
            let slash = word ^ (ONES * u64::from(b'\\'));
            let slash = slash.wrapping_sub(ONES) & !slash;
            let found = (control | quote | slash) & HIGH;
            if found != 0 {
                // The lowest hit is exact: borrows only ever travel to higher bytes.
                self.at += found.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        while let Some(byte) = self.peek() {
            if byte == b'"' || byte == b'\\' || byte < 0x20 {
                return;
            }
            self.at += 1;
        }
    }

    fn string(&mut self) -> Read<Cow<'a, str>> {
        let open = self.at;
        self.at += 1;
        let mut start = self.at;
        let mut owned: Option<String> = None;
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    let rest = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(rest),
                        Some(mut text) => {
                            text.push_str(rest);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_default();
                    text.push_str(&self.text[start..self.at]);
                    let character = self.escape()?;
                    text.push(character);
                    start = self.at;
                }
                Some(control) => {
                    return Err(
                        self.error(format!("control character U+{control:04X} in a string; it must be escaped"))
                    );
                }
                None => return Err(self.error_at(open, "a string that never ends")),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        self.at += 1;
        let character = match self.peek() {
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
                return self.unicode(start);
            }
            None => return Err(self.unexpected("an escape")),
            Some(_) => return Err(self.error_at(start, "an escape that JSON does not know")),
        };
        self.at += 1;
        Ok(character)
    }

    fn hex(&mut self, start: usize) -> Read<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.error_at(start, "`\\u` needs four hexadecimal digits"));
            };
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }

    fn unicode(&mut self, start: usize) -> Read<char> {
        let first = self.hex(start)?;
        if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let second = self.hex(start)?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(code).ok_or_else(|| self.error_at(start, "an escape beyond Unicode"));
            }
        }
        char::from_u32(first)
            .ok_or_else(|| self.error_at(start, format!("\\u{first:04x} is half of a surrogate pair; no character")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_what_a_comparison_needs() {
        let value = parse_json(r#" {"a": 1.0, "a": -0e+10, "b\n": ["x\u00e9\ud83d\ude00", true, null]} "#).unwrap();
        let Json::Object(members) = &value else { panic!("no object") };
        assert_eq!(members.len(), 3);
        assert_eq!(members[0].1, Json::Number("1.0".into()));
        assert_eq!(members[1].1, Json::Number("-0e+10".into()));
        assert_eq!(members[2].0, "b\n");
        assert_eq!(members[2].1, Json::Array(vec![Json::String("xé😀".into()), Json::Bool(true), Json::Null]));
    }

    #[test]
    fn borrows_unescaped_strings() {
        let Json::String(Cow::Borrowed(text)) = parse_json(r#""plain text, long enough""#).unwrap() else {
            panic!("copied")
        };
        assert_eq!(text, "plain text, long enough");
    }

    #[test]
    fn says_where_and_why() {
        for (text, offset, line, column, part) in [
            ("", 0, 1, 1, "the text ends"),
            ("{\n  \"é\": nul}", 10, 2, 8, "a value"),
            ("[1,]", 3, 1, 4, "found ']'"),
            ("[01]", 1, 1, 2, "begin with 0"),
            ("1 2", 2, 1, 3, "after the end"),
            ("\"a\tb\"", 2, 1, 3, "U+0009"),
            ("\"\\ud800x\"", 1, 1, 2, "surrogate"),
            ("\"\\udc00\"", 1, 1, 2, "surrogate"),
            ("\"\\ud800\\u0041\"", 1, 1, 2, "surrogate"),
            ("\"abc", 0, 1, 1, "never ends"),
            ("\u{feff}{}", 0, 1, 1, "byte order mark"),
            ("{\"a\" 1}", 5, 1, 6, "`:`"),
            ("1.", 2, 1, 3, "decimal point"),
            ("-", 1, 1, 2, "a digit"),
        ] {
            let error = parse_json(text).unwrap_err();
            assert_eq!((error.offset, error.line, error.column), (offset, line, column), "{text:?}: {error}");
            assert!(error.message.contains(part), "{text:?}: {error}");
        }
        let error = parse_json_bytes(b"[\"\xff\"]").unwrap_err();
        assert_eq!((error.offset, error.column), (2, 3));
        assert!(parse_json_bytes(b"\xff\xfe{\0").unwrap_err().message.contains("UTF-16"));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_json(&nested(MAX_DEPTH)).is_ok());
        assert!(parse_json(&nested(MAX_DEPTH + 1)).unwrap_err().message.contains("deeper"));
        assert!(parse_json(&"[".repeat(5_000_000)).is_err());
    }

    /// JSON-like text that is often wrong.
    fn soup() -> impl Strategy<Value = String> {
        let token = prop_oneof![
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just(":"),
            Just("\""),
            Just("\\"),
            Just("\\u00e9"),
            Just("\\ud83d"),
            Just("\\ude00"),
            Just("a"),
            Just("é"),
            Just("0"),
            Just("1"),
            Just("-"),
            Just("."),
            Just("e"),
            Just("E+"),
            Just("true"),
            Just("false"),
            Just("null"),
            Just(" "),
            Just("\n"),
            Just("\t"),
            Just("\u{1}"),
            Just("\"a\""),
            Just("\"b\":"),
            Just("\\n"),
            Just("\u{feff}"),
            Just("/"),
        ];
        prop::collection::vec(token, 0..14).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn accepts_what_serde_json_accepts(text in soup()) {
            let ours = parse_json(&text);
            match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(theirs) => {
                    let ours = ours.map_err(|error| TestCaseError::fail(format!("{text:?}: {error}")))?;
                    let again: serde_json::Value = serde_json::from_str(&write_json(&ours)).unwrap();
                    prop_assert_eq!(&again, &theirs);
                    let again: serde_json::Value = serde_json::from_str(&pretty(&ours)).unwrap();
                    prop_assert_eq!(&again, &theirs);
                }
                // Numbers beyond a float are JSON all the same.
                Err(error) if error.to_string().contains("out of range") => {}
                Err(_) => prop_assert!(ours.is_err(), "{:?} accepted", text),
            }
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let ours = parse_json_bytes(&bytes).is_ok();
            let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
            if let Err(error) = &theirs && error.to_string().contains("out of range") {
                return Ok(());
            }
            prop_assert_eq!(ours, theirs.is_ok());
        }

        #[test]
        fn strings_survive(text in any::<String>()) {
            let value = Json::String(text.into());
            let written = write_json(&value);
            prop_assert_eq!(parse_json(&written).unwrap(), value);
        }
    }
}

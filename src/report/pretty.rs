//! JSON as people read it, from JSON on one line: [`Pretty`]. Laying text out costs a fraction of writing it anew, and a
//! case that stands in a record need not be understood to stand in a report.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use super::escape::is_hidden;

/// How much is gathered before it is written.
const CHUNK: usize = 64 << 10;

/// Writes compact JSON with an indent of two spaces, as `serde_json` does, and every character that is hidden or that a
/// terminal obeys in its `\u` form. Such characters stand only inside strings, where that form means the same.
pub(super) struct Pretty<'w> {
    out: &'w mut dyn Write,
    gathered: Vec<u8>,
    depth: usize,
}

impl<'w> Pretty<'w> {
    pub(super) fn new(out: &'w mut dyn Write) -> Self {
        Self { out, gathered: Vec::with_capacity(CHUNK + CHUNK / 4), depth: 0 }
    }

    /// Text as it is.
    pub(super) fn raw(&mut self, text: &str) {
        self.gathered.extend_from_slice(text.as_bytes());
    }

    /// A new line, so many levels deep.
    pub(super) fn line(&mut self, depth: usize) {
        const SPACES: [u8; 64] = [b' '; 64];
        self.depth = depth;
        self.gathered.push(b'\n');
        let mut left = depth * 2;
        while left > 0 {
            let now = left.min(SPACES.len());
            self.gathered.extend_from_slice(&SPACES[..now]);
            left -= now;
        }
    }

    /// A piece of valid JSON without white space between its tokens.
    pub(super) fn json(&mut self, text: &str) -> io::Result<()> {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            at += 1;
            match byte {
                b'"' => {
                    let end = string_end(bytes, at);
                    self.gathered.push(b'"');
                    self.string(&text[at..end]);
                    at = end;
                }
                b'{' | b'[' => {
                    self.gathered.push(byte);
                    match bytes.get(at) {
                        Some(end @ (b'}' | b']')) => {
                            self.gathered.push(*end);
                            at += 1;
                        }
                        _ => self.line(self.depth + 1),
                    }
                }
                b'}' | b']' => {
                    self.line(self.depth.saturating_sub(1));
                    self.gathered.push(byte);
                }
                b',' => {
                    self.gathered.push(b',');
                    self.line(self.depth);
                    if self.gathered.len() >= CHUNK {
                        self.flush()?;
                    }
                }
                b':' => self.gathered.extend_from_slice(b": "),
                other => self.gathered.push(other),
            }
        }
        Ok(())
    }

    /// A value; `open` leaves out the brace that closes it. It is laid out as it is written: the whole of it would
    /// be as long as the list of all cases.
    pub(super) fn value(&mut self, value: &impl Serialize, open: bool) -> Result<(), serde_json::Error> {
        let mut pieces = Pieces { pretty: self, piece: Vec::with_capacity(CHUNK + CHUNK / 4), enough: CHUNK };
        serde_json::to_writer(&mut pieces, value)?;
        let Pieces { pretty, piece, .. } = pieces;
        let whole = piece.as_slice();
        let end = if open { whole.strip_suffix(b"}").unwrap_or(whole) } else { whole };
        pretty.bytes(end).map_err(serde_json::Error::io)
    }

    fn bytes(&mut self, json: &[u8]) -> io::Result<()> {
        self.json(std::str::from_utf8(json).map_err(io::Error::other)?)
    }

    /// A string and the quotation mark behind it.
    fn string(&mut self, text: &str) {
        let plain = |byte: &u8| matches!(byte, 0x20..=0x7e);
        let mut rest = text;
        while let Some(at) = rest.as_bytes().iter().position(|byte| !plain(byte)) {
            let Some(c) = rest[at..].chars().next() else { break };
            let behind = at + c.len_utf8();
            if is_hidden(c) {
                self.gathered.extend_from_slice(&rest.as_bytes()[..at]);
                let mut escaped = String::with_capacity(12);
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
                self.raw(&escaped);
            } else {
                self.gathered.extend_from_slice(&rest.as_bytes()[..behind]);
            }
            rest = &rest[behind..];
        }
        self.gathered.extend_from_slice(rest.as_bytes());
    }

    /// Writes what is gathered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }
}

/// Takes compact JSON as it is written, and hands it on in pieces that end with a comma between tokens.
struct Pieces<'p, 'w> {
    pretty: &'p mut Pretty<'w>,
    piece: Vec<u8>,
    /// The length at which it is looked for a comma.
    enough: usize,
}

impl Write for Pieces<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= self.enough {
            let end = last_comma(&self.piece);
            self.pretty.bytes(&self.piece[..end])?;
            self.piece.drain(..end);
            // A string that is longer is not looked through at every piece of it.
            self.enough = self.piece.len() + CHUNK;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the last comma between tokens ends; 0 without one.
fn last_comma(json: &[u8]) -> usize {
    let (mut at, mut end) = (0, 0);
    while let Some(found) = memchr::memchr2(b'"', b',', json.get(at..).unwrap_or_default()) {
        at += found + 1;
        if json[at - 1] == b',' {
            end = at;
        } else {
            at = string_end(json, at);
        }
    }
    end
}

/// Where the string ends whose content begins here: behind its quotation mark, or at the end of the text.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pretty(text: &str) -> String {
        let mut out = Vec::new();
        let mut pretty = Pretty::new(&mut out);
        pretty.json(text).expect("written");
        pretty.flush().expect("written");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn it_is_laid_out_as_by_the_library() {
        let value = serde_json::json!({
            "a": [], "b": {}, "c": [1, [2, {"d": null}], "x,y:{}[]\"\\\n"], "e": {"f": {"g": [{}]}}, "é": -1.5e3
        });
        assert_eq!(pretty(&value.to_string()), serde_json::to_string_pretty(&value).expect("JSON"));
        let many: Vec<String> = (0..20_000).map(|n| format!("a,\"{n}\\,")).collect();
        let value = serde_json::json!({ "many": many, "b": {} });
        let mut out = Vec::new();
        let mut pieces = Pretty::new(&mut out);
        pieces.value(&value, false).expect("written");
        pieces.flush().expect("written");
        assert_eq!(String::from_utf8(out).expect("UTF-8"), serde_json::to_string_pretty(&value).expect("JSON"));
        assert_eq!(pretty("\"a\u{9b}\u{e0001}é\u{202e}\""), "\"a\\u009b\\udb40\\udc01é\\u202e\"");
        assert_eq!(pretty("\"\\"), "\"\\", "what is cut is no reason to panic");
    }
}

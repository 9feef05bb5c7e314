//! Finds syntax that only TOML 1.1 has: [`newer`]. The parser accepts it and editors reject it.

use std::ops::Range;

/// Places of TOML 1.1 syntax: a line break or a trailing comma in an inline table, `\e` and `\x` escapes.
///
/// Only for text that has parsed.
pub(super) fn newer(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut open: Vec<u8> = Vec::new();
    let mut comma = None;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'#' => at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n),
            b'"' | b'\'' => {
                comma = None;
                at = string(bytes, at, &mut found);
            }
            b'[' | b'{' => {
                comma = None;
                open.push(byte);
                at += 1;
            }
            b']' | b'}' => {
                if let (b'}', Some(comma)) = (byte, comma) {
                    found.push((comma..comma + 1, "a trailing comma in an inline table"));
                }
                comma = None;
                open.pop();
                at += 1;
            }
            b'\n' => {
                if open.last() == Some(&b'{') {
                    found.push((at..at + 1, "a line break in an inline table"));
                }
                at += 1;
            }
            b',' => {
                comma = Some(at);
                at += 1;
            }
            b' ' | b'\t' | b'\r' => at += 1,
            _ => {
                comma = None;
                at += bytes[at..].iter().position(|byte| !PLAIN[usize::from(*byte)]).unwrap_or(bytes.len() - at);
            }
        }
    }
    found
}

/// Bytes outside of strings that mean nothing here, and are no white space.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let other = b"#\"'[]{}\n, \t\r";
    let mut at = 0;
    while at < other.len() {
        plain[other[at] as usize] = false;
        at += 1;
    }
    plain
};

/// The end of the string that begins at `at`.
fn string(bytes: &[u8], at: usize, found: &mut Vec<(Range<usize>, &'static str)>) -> usize {
    let quote = bytes[at];
    let long = bytes[at..].starts_with(&[quote; 3]);
    let mut end = at + if long { 3 } else { 1 };
    loop {
        let rest = bytes.get(end..).unwrap_or_default();
        let next = match (quote, long) {
            (b'"', true) => memchr::memchr2(b'"', b'\\', rest),
            (b'"', false) => memchr::memchr3(b'"', b'\\', b'\n', rest),
            (_, true) => memchr::memchr(quote, rest),
            (_, false) => memchr::memchr2(quote, b'\n', rest),
        };
        let Some(next) = next else { return bytes.len() };
        end += next;
        match bytes[end] {
            b'\\' if quote == b'"' => {
                if matches!(bytes.get(end + 1), Some(b'e' | b'x')) {
                    found.push((end..end + 2, "the escapes `\\e` and `\\x`"));
                }
                end += 2;
            }
            byte if byte == quote && !long => return end + 1,
            byte if byte == quote && bytes[end..].starts_with(&[quote; 3]) => {
                // Up to two quotes may stand before the closing three.
                end += 3;
                for _ in 0..2 {
                    if bytes.get(end) == Some(&quote) {
                        end += 1;
                    }
                }
                return end;
            }
            b'\n' if !long => return end,
            // One or two quotes within a long string.
            _ => end += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_editors_reject() {
        let names = |text| newer(text).into_iter().map(|(span, _)| span.start).collect::<Vec<_>>();
        assert_eq!(names("a = { b = 1,\n c = 2 }"), [12]);
        assert_eq!(names("a = { b = 1, }"), [11]);
        assert_eq!(names("a = \"\\x41\""), [5]);
        assert!(names("[[a]]\nb = [\n 1,\n { c = '''\n}''' }, # {\n]\n'k' = \"\"\"a\"\"\"\"\"\n").is_empty());
    }
}

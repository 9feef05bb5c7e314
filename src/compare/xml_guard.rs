//! Refuses documents that the XML parser would need quadratic time or memory for: [`check`].
//!
//! The parser compares every attribute of an element with every other, and copies the namespaces in
//! scope for each element that declares one. Ten megabytes of `a1="" a2="" …` would take it hours.

use memchr::{memchr, memmem};

use crate::model::json::MAX_DEPTH;

/// Most attributes of one element; documents that people write have a few dozen.
const ATTRIBUTES: usize = 1_000;

/// Most entries of namespace lists, all elements together.
const NAMESPACES: usize = 5_000_000;

/// Looks once over the text. What is not well-formed is left to the parser to tell.
///
/// # Errors
/// What there is too much of.
pub(super) fn check(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    // Namespaces in scope of every open element.
    let mut open: Vec<usize> = Vec::new();
    let mut copied = 0_usize;
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr(b'<', rest)) {
        at += found;
        let rest = &bytes[at..];
        let skip = |end: &[u8], from: usize| memmem::find(&rest[from..], end).map(|found| from + found + end.len());
        let length = if rest.starts_with(b"<!--") {
            skip(b"-->", 4)
        } else if rest.starts_with(b"<![CDATA[") {
            skip(b"]]>", 9)
        } else if rest.starts_with(b"<?") {
            skip(b"?>", 2)
        } else if rest.starts_with(b"<!") {
            // A DTD, which the parser refuses, or nonsense.
            None
        } else if rest.starts_with(b"</") {
            open.pop();
            skip(b">", 2)
        } else {
            let outer = open.last().copied().unwrap_or(0);
            tag(rest)?.map(|tag| {
                if tag.namespaces > 0 {
                    copied += outer + tag.namespaces;
                }
                if !tag.closed {
                    open.push(outer + tag.namespaces);
                }
                tag.length
            })
        };
        if open.len() > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        if copied > NAMESPACES {
            return Err("too many namespace declarations".to_owned());
        }
        let Some(length) = length else { return Ok(()) };
        at += length;
    }
    Ok(())
}

struct Tag {
    length: usize,
    namespaces: usize,
    closed: bool,
}

/// A start tag up to its `>`; `None` when it has none.
fn tag(bytes: &[u8]) -> Result<Option<Tag>, String> {
    let (mut attributes, mut namespaces) = (0, 0);
    let mut at = 1;
    let mut before = b'<';
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => {
                let Some(end) = memchr(byte, &bytes[at + 1..]) else { return Ok(None) };
                at += end + 1;
            }
            b'=' => {
                attributes += 1;
                if attributes > ATTRIBUTES {
                    return Err(format!("an element has more than {ATTRIBUTES} attributes"));
                }
            }
            b'x' if before.is_ascii_whitespace() && bytes[at..].starts_with(b"xmlns") => namespaces += 1,
            b'>' => return Ok(Some(Tag { length: at + 1, namespaces, closed: before == b'/' })),
            // No tag holds one; the parser says so.
            b'<' => return Ok(None),
            _ => {}
        }
        before = byte;
        at += 1;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_documents_pass() {
        for text in [
            "",
            "<a/>",
            "<?xml version='1.0'?><!-- <x> --><a b='>' c=\"/>\"><![CDATA[<y>]]><b/></a>",
            "<a",
            "<a b='",
            "</a></a><b>",
            "<a<b",
            "<!DOCTYPE a><a/>",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        let wide = format!("<r>{}</r>", "<z></z><y/>".repeat(10_000));
        assert_eq!(check(&wide), Ok(()));
        let deep = format!("{}{}", "<a>".repeat(MAX_DEPTH), "</a>".repeat(MAX_DEPTH));
        assert_eq!(check(&deep), Ok(()));
    }

    #[test]
    fn refuses_bombs() {
        let attributes: String = (0..200_000).map(|index| format!(" a{index}=''")).collect();
        assert!(check(&format!("<r{attributes}/>")).unwrap_err().contains("attributes"));
        assert!(check(&"<a>".repeat(600)).unwrap_err().contains("deeper"));
        let spaces: String = (0..900).map(|index| format!(" xmlns:n{index}='u{index}'")).collect();
        let bomb = format!("<r{spaces}>{}</r>", "<z xmlns:q='u'/>".repeat(10_000));
        assert!(check(&bomb).unwrap_err().contains("namespace"));
    }
}

//! Writes a [`Json`] as text: [`write_json`] compact, [`pretty`] with one member or element a line.

use std::fmt::Write as _;

use crate::model::json::Json;

/// The value as compact JSON: no white space, members in order, numbers as written.
#[must_use]
pub fn write_json(value: &Json<'_>) -> String {
    let mut text = String::new();
    compact(value, &mut text, usize::MAX);
    text
}

/// The value as JSON of at most about `limit` bytes; what is left out is an ellipsis.
///
/// Stops writing at the limit, so that it costs the same for a value of any size.
#[must_use]
pub fn short_json(value: &Json<'_>, limit: usize) -> String {
    let mut text = String::new();
    if compact(value, &mut text, limit) { text } else { cut(&text, limit) }
}

/// Text of at most `limit` bytes and an ellipsis.
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// The value as JSON with two spaces of indent.
#[must_use]
pub fn pretty(value: &Json<'_>) -> String {
    let mut text = String::new();
    indented(value, 0, &mut text);
    text
}

/// Writes a string in quotes, escaped.
pub fn write_string(value: &str, text: &mut String) {
    text.push('"');
    let mut start = 0;
    for (at, byte) in value.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0x00..=0x1f => "",
            _ => continue,
        };
        text.push_str(&value[start..at]);
        if escape.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\u{byte:04x}");
        } else {
            text.push_str(escape);
        }
        start = at + 1;
    }
    text.push_str(&value[start..]);
    text.push('"');
}

/// Writes a value that holds no other. False for arrays and objects that hold something.
fn scalar(value: &Json<'_>, text: &mut String) -> bool {
    match value {
        Json::Null => text.push_str("null"),
        Json::Bool(true) => text.push_str("true"),
        Json::Bool(false) => text.push_str("false"),
        Json::Number(number) => text.push_str(number),
        Json::String(string) => write_string(string, text),
        Json::Array(items) if items.is_empty() => text.push_str("[]"),
        Json::Object(members) if members.is_empty() => text.push_str("{}"),
        Json::Array(_) | Json::Object(_) => return false,
    }
    true
}

/// False when it stopped at the limit. Depth is that of a parsed value, at most `MAX_DEPTH`.
fn compact(value: &Json<'_>, text: &mut String, limit: usize) -> bool {
    if text.len() > limit {
        return false;
    }
    if let Json::String(string) = value
        && string.len() > limit
    {
        write_string(&cut(string, limit), text);
        return false;
    }
    if scalar(value, text) {
        return text.len() <= limit;
    }
    match value {
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                text.push(if index == 0 { '[' } else { ',' });
                if !compact(item, text, limit) {
                    return false;
                }
            }
            text.push(']');
        }
        Json::Object(members) => {
            for (index, (key, item)) in members.iter().enumerate() {
                text.push(if index == 0 { '{' } else { ',' });
                write_string(key, text);
                text.push(':');
                if !compact(item, text, limit) {
                    return false;
                }
            }
            text.push('}');
        }
        _ => {}
    }
    text.len() <= limit
}

fn indent(depth: usize, text: &mut String) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

fn indented(value: &Json<'_>, depth: usize, text: &mut String) {
    if scalar(value, text) {
        return;
    }
    match value {
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                text.push(if index == 0 { '[' } else { ',' });
                indent(depth + 1, text);
                indented(item, depth + 1, text);
            }
            indent(depth, text);
            text.push(']');
        }
        Json::Object(members) => {
            for (index, (key, item)) in members.iter().enumerate() {
                text.push(if index == 0 { '{' } else { ',' });
                indent(depth + 1, text);
                write_string(key, text);
                text.push_str(": ");
                indented(item, depth + 1, text);
            }
            indent(depth, text);
            text.push('}');
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse_json;

    #[test]
    fn writes_compact_and_pretty() {
        let value = parse_json("{\"a\":[1.0,{}, []],\"b\\u0001\\\"\":\"\\u001b\\n\"}").unwrap();
        assert_eq!(write_json(&value), r#"{"a":[1.0,{},[]],"b\u0001\"":"\u001b\n"}"#);
        assert_eq!(
            pretty(&value),
            "{\n  \"a\": [\n    1.0,\n    {},\n    []\n  ],\n  \"b\\u0001\\\"\": \"\\u001b\\n\"\n}"
        );
    }

    #[test]
    fn shortens_on_a_character() {
        let value = Json::Array(vec![Json::string("é".repeat(50)); 3]);
        let text = short_json(&value, 20);
        assert!(text.ends_with('…') && text.len() < 30, "{text}");
        assert_eq!(short_json(&Json::Bool(true), 20), "true");
    }
}

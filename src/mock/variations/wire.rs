//! Variations of how an answer is written: nothing in its meaning changes.

use std::time::Duration;

use serde_json::Value;

use super::Variation;
use crate::mock::faults::edit::{json, xml};
use crate::mock::groove::xml_io::{INSTANCE, PLATFORM};
use crate::mock::http::{Framing, Response};
use crate::mock::media::accepts_gzip;
use crate::mock::service::{Departure, Moment, gzip};

/// What allows an answer to take its time.
pub(super) const NO_TIME: &str = "no document promises a time";

const fn wire(
    id: &'static str,
    allowed_by: &'static str,
    sentence: &'static str,
    response: fn(&mut Response, &Moment<'_>),
) -> Variation {
    Variation { id, allowed_by, sentence, lenient: false, departure: Departure { response, ..Departure::NONE } }
}

/// Rewrites a JSON body as text; any other body stays.
fn rewrite(response: &mut Response, write: impl FnOnce(&Value) -> Option<String>) {
    if response.header("content-type") != Some("application/json") {
        return;
    }
    if let Some(text) = serde_json::from_slice(&response.body).ok().as_ref().and_then(write) {
        response.body = text.into();
    }
}

/// The value with the members of every object in reverse order. As deep as this service's own
/// answers are, never as what a client sent.
fn reversed(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().rev().map(|(name, value)| (name, reversed(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(reversed).collect(),
        other => other,
    }
}

/// JSON text with every letter inside its strings as an escape.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 4);
    let mut inside = false;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                inside = !inside;
                out.push('"');
            }
            // An escape that is there already stays whole; the digits of \u are no letters here.
            '\\' if inside => {
                out.push('\\');
                if let Some(next) = characters.next() {
                    out.push(next);
                    if next == 'u' {
                        out.extend(characters.by_ref().take(4));
                    }
                }
            }
            '/' if inside => out.push_str("\\/"),
            letter if inside && letter.is_ascii_alphabetic() => {
                out.push_str(&format!("\\u{:04X}", u32::from(letter)));
            }
            other => out.push(other),
        }
    }
    out
}

/// The XML with a prefix on every element instead of the default namespace; unchanged without one.
fn prefixed(text: &str) -> String {
    if !text.contains(" xmlns=\"") {
        return text.to_owned();
    }
    text.replace("</", "\0").replace('<', "<svc:").replace('\0', "</svc:").replace(" xmlns=\"", " xmlns:svc=\"")
}

/// The XML with a line break before each start tag that does not follow a text.
fn indented(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(at) = rest.find("><") {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        if !rest.starts_with("</") {
            out.push_str("\r\n    ");
        }
    }
    out.push_str(rest);
    out
}

fn parameter(response: &mut Response, parameter: &str) {
    if let Some(kind) = response.header("content-type").map(str::to_owned) {
        response.set_header("content-type", &format!("{kind}{parameter}"));
    }
}

pub(super) const VARIATIONS: &[Variation] = &[
    wire("json-indented", "RFC 8259 section 2", "JSON is written over several lines with indents.", |response, _| {
        rewrite(response, |value| serde_json::to_string_pretty(value).ok());
    }),
    wire("json-wide", "RFC 8259 section 2", "JSON has white space of every kind around it.", |response, _| {
        rewrite(response, |value| Some(format!("\r\n\t {value}\r\n \n")));
    }),
    wire("json-members-reversed", "A-33", "The members of every JSON object come in reverse order.", |response, _| {
        json(response, |value| {
            let turned = reversed(std::mem::take(value));
            *value = turned;
        });
    }),
    wire("json-escaped", "RFC 8259 section 7", "JSON strings are written with escapes.", |response, _| {
        rewrite(response, |value| Some(escaped(&value.to_string())));
    }),
    wire("charset-parameter", "RFC 9110 section 8.3", "Content-Type has a charset parameter.", |response, _| {
        parameter(response, "; charset=utf-8");
    }),
    wire(
        "charset-parameter-quoted",
        "RFC 9110 section 8.3.1",
        "Content-Type has a quoted charset parameter and no space before it.",
        |response, _| parameter(response, ";Charset=\"UTF-8\""),
    ),
    wire(
        "media-type-capitals",
        "RFC 9110 section 8.3.1",
        "The media type is written with capital letters.",
        |response, _| {
            if let Some(kind) = response.header("content-type").map(str::to_owned) {
                let kind = kind.replace("application", "Application").replace("json", "JSON");
                response.set_header("content-type", &kind.replace("xml", "XML"));
            }
        },
    ),
    wire("chunked", "RFC 9112 section 7.1", "Bodies come in chunks without a length.", |response, _| {
        response.framing = Framing::Chunked;
    }),
    wire(
        "gzip-everywhere",
        "RFC 9110 section 12.5.3",
        "Bodies are compressed wherever Accept-Encoding does not forbid it.",
        |response, moment| {
            let allowed = moment.request.header_list("accept-encoding").is_none_or(|value| accepts_gzip(&value));
            if allowed && !response.body.is_empty() {
                response.body = gzip(&response.body);
                response.set_header("content-encoding", "gzip");
            }
        },
    ),
    wire("no-gzip", "RFC 9110 section 12.5.3", "Bodies are never compressed.", |response, _| {
        response.set_header("content-encoding", "identity");
    }),
    wire(
        "extra-headers",
        "RFC 9110 section 5.1",
        "Answers have header fields that no document mentions, one of them twice.",
        |response, _| {
            response.add_header("x-request-id", "4f2d1c");
            response.add_header("server", "Example/1.0 (unit; test)");
            response.add_header("cache-control", "no-cache");
            response.add_header("cache-control", "no-store");
            response.add_header("set-cookie", "affinity=1; HttpOnly");
            response.add_header("x-long", &"a".repeat(4_000));
        },
    ),
    wire("reason-one-word", "A-15", "Reason phrases are written in one word.", |response, _| {
        response.reason = Some(
            match response.status {
                200 => "Okay",
                400 => "BadRequest",
                401 => "NotAuthorized",
                _ => "Other",
            }
            .to_owned(),
        );
    }),
    wire("reason-empty", "RFC 9112 section 4", "Reason phrases are empty.", |response, _| {
        response.reason = Some(String::new());
    }),
    wire("slow", NO_TIME, "Every answer is held back for a tenth of a second.", |response, _| {
        response.delay = Some(Duration::from_millis(100));
    }),
    wire("uneven", NO_TIME, "Every seventh answer is held back for half a second.", |response, moment| {
        if moment.serial.is_multiple_of(7) {
            response.delay = Some(Duration::from_millis(500));
        }
    }),
    wire("connection-close", "RFC 9112 section 9.6", "The connection ends after every answer.", |response, _| {
        response.close = true;
    }),
    wire(
        "connection-close-third",
        "RFC 9112 section 9.6",
        "The connection ends after its third answer.",
        |response, moment| response.close = moment.request.sequence.is_multiple_of(3),
    ),
    wire(
        "xml-prefixed",
        "Namespaces in XML section 6",
        "XML elements have a prefix instead of the default namespace.",
        |response, _| xml(response, |text| prefixed(&text)),
    ),
    wire(
        "xml-declaration",
        "XML 1.0 section 2.8",
        "XML starts with a declaration and ends with a comment.",
        |response, _| {
            xml(response, |text| format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{text}\n<!-- end -->\n"));
        },
    ),
    wire("xml-indented", "XML 1.0 section 2.10", "XML elements stand on lines of their own.", |response, _| {
        xml(response, |text| indented(&text));
    }),
    wire("xml-references", "XML 1.0 section 4.1", "XML texts are written with character references.", |response, _| {
        xml(response, |text| text.replace(">music.", ">&#x6D;usic&#46;").replace("COLLECTION_", "COLLECTION&#95;"));
    }),
    wire("xml-cdata", "XML 1.0 section 2.7", "XML error codes are written as CDATA.", |response, _| {
        xml(response, |text| {
            text.replace("<ErrorCode>", "<ErrorCode><![CDATA[").replace("</ErrorCode>", "]]></ErrorCode>")
        });
    }),
    wire(
        "xml-instance-elsewhere",
        "Namespaces in XML section 6",
        "The root declares its namespaces in another order, with one more.",
        |response, _| {
            xml(response, |text| {
                text.replace(
                    &format!(" xmlns:i=\"{INSTANCE}\" xmlns=\"{PLATFORM}\""),
                    &format!(" xmlns=\"{PLATFORM}\" xmlns:z=\"urn:z\" xmlns:i='{INSTANCE}'"),
                )
            });
        },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_keep_the_value() {
        let value = serde_json::json!({ "a/\"\\n\u{1}é": ["x\ty", 1, true, null] });
        let text = escaped(&value.to_string());
        assert!(text.contains("\\u0061\\/"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn indents_spare_empty_texts() {
        assert_eq!(indented("<a><b></b><c>x</c></a>"), "<a>\r\n    <b></b>\r\n    <c>x</c></a>");
    }

    #[test]
    fn prefixes_keep_the_namespace() {
        let text = prefixed("<a xmlns=\"urn:x\"><b>1</b></a>");
        let document = roxmltree::Document::parse(&text).unwrap();
        assert!(document.descendants().any(|node| node.has_tag_name(("urn:x", "b"))));
    }
}

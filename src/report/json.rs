//! The record itself: as one document, and as lines again.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use crate::record::{Footer, Header, Line, RECORD_VERSION, Record, SummaryRecord, case_object, write_line};

use super::escape::is_hidden;
use super::pretty::Pretty;
use super::{CaseLines, ReportError};

#[derive(Serialize)]
struct Head<'a> {
    record_version: u32,
    header: &'a Header,
    summary: &'a SummaryRecord,
    footer: &'a Footer,
}

pub(super) fn document(record: &Record) -> Result<Vec<u8>, ReportError> {
    let mut bytes = Vec::new();
    let mut compact = Vec::new();
    stream(record, &mut bytes, &mut |take| {
        for case in &record.cases {
            compact.clear();
            case_object(case, &mut compact)?;
            take(&compact)?;
        }
        Ok(())
    })?;
    Ok(bytes)
}

/// The document with cases that somebody else holds: `cases` hands over each in turn, as JSON on one line.
pub(super) fn stream(record: &Record, out: &mut dyn Write, cases: &mut CaseLines<'_>) -> Result<(), ReportError> {
    let Record { header, summary, footer, .. } = record;
    let mut pretty = Pretty::new(out);
    pretty.value(&Head { record_version: RECORD_VERSION, header, summary, footer }, true)?;
    pretty.raw(",");
    pretty.line(1);
    pretty.raw("\"cases\": [");
    let mut any = false;
    cases(&mut |case| {
        if std::mem::replace(&mut any, true) {
            pretty.raw(",");
        }
        pretty.line(2);
        pretty.json(std::str::from_utf8(case).map_err(io::Error::other)?)
    })?;
    if any {
        pretty.line(1);
    }
    pretty.raw("]");
    pretty.line(0);
    pretty.raw("}\n");
    Ok(pretty.flush()?)
}

pub(super) fn lines(record: &Record) -> Result<Vec<u8>, ReportError> {
    let mut bytes = Vec::new();
    write_line(&Line::Header(Box::new(record.header.clone())), &mut bytes)?;
    for case in &record.cases {
        write_line(&Line::Case(Box::new(case.clone())), &mut bytes)?;
    }
    write_line(&Line::Summary(Box::new(record.summary.clone())), &mut bytes)?;
    write_line(&Line::Footer(Box::new(record.footer.clone())), &mut bytes)?;
    Ok(shown(bytes))
}

/// The same JSON with every character that is hidden or that a terminal obeys in its `\u` form. Such characters
/// stand only inside strings, where that form means the same.
fn shown(json: Vec<u8>) -> Vec<u8> {
    let plain = |byte: &u8| matches!(byte, b'\n' | 0x20..=0x7e);
    let Ok(text) = std::str::from_utf8(&json) else { return json };
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = json[at..].iter().position(|byte| !plain(byte)) {
        at += found;
        let Some(c) = text[at..].chars().next() else { break };
        if is_hidden(c) {
            out.push_str(&text[copied..at]);
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
            copied = at + c.len_utf8();
        }
        at += c.len_utf8();
    }
    if copied == 0 {
        return json;
    }
    out.push_str(&text[copied..]);
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_read_back() {
        let text = "\u{9b}2J\u{202e}\u{e0001}\u{fffe}é🎵\n\u{0}\u{7f}";
        let shown = String::from_utf8(shown(serde_json::to_vec(text).expect("JSON"))).expect("UTF-8");
        assert_eq!(shown, r#""\u009b2J\u202e\udb40\udc01\ufffeé🎵\n\u0000\u007f""#);
        assert_eq!(serde_json::from_str::<String>(&shown).expect("JSON"), text);
    }
}

//! A request as a line that can be pasted into a shell: [`curl`].

use std::fmt::Write as _;

use crate::record::ExchangeRecord;

use super::escape::is_hidden;

/// Longest body written into the line; a longer one would not fit many shells' argument limits or a page.
const MAX_BODY: usize = 16 * 1024;

/// The request as a curl command, every word quoted so that no shell obeys what is in it. Secrets are placeholders
/// such as `$VARIABLE` in the record already and stay unexpanded: a captured text that names a variable must not
/// send the reader's environment to the service. What the line cannot express is said in a comment after it.
#[must_use]
pub fn curl(exchange: &ExchangeRecord) -> String {
    let mut notes: Vec<&str> = Vec::new();
    let named = |wanted: &str| exchange.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let mut line = String::from("curl -sS -i");
    if exchange.method == "HEAD" {
        line.push_str(" --head");
    } else {
        line.push_str(" -X ");
        line.push_str(&word(&exchange.method, &mut notes));
    }
    // The URL is sent as written: curl shall resolve no dots and expand no braces or brackets.
    line.push_str(" --path-as-is --globoff");
    for (name, value) in &exchange.headers {
        // curl computes these itself, and a wrong length would break the request.
        if ["content-length", "host", "connection", "transfer-encoding"]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
        {
            continue;
        }
        // curl would take the rest for a file to read.
        if name.starts_with('@') {
            notes.push("a header whose name begins with @ is left out");
            continue;
        }
        // `Name;` is how curl is told to send a header with an empty value.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        line.push_str(" -H ");
        line.push_str(&word(&header, &mut notes));
    }
    // curl adds these where they are not taken from it.
    for own in ["Accept", "User-Agent"] {
        if !named(&own.to_ascii_lowercase()) {
            line.push_str(&format!(" -H {own}:"));
        }
    }
    if let Some(body) = &exchange.body {
        if !named("content-type") {
            line.push_str(" -H Content-Type:");
        }
        match &body.text {
            Some(text) if text.len() <= MAX_BODY => {
                line.push_str(" --data-raw ");
                line.push_str(&word(text, &mut notes));
                if body.cut {
                    notes.push("the record holds only the beginning of the body");
                }
            }
            Some(_) => {
                line.push_str(" --data-binary @body");
                notes.push("the body is long; take it from the record");
            }
            None if body.bytes == 0 => line.push_str(" --data-raw ''"),
            None => {
                line.push_str(" --data-binary @body");
                notes.push("the body is not text; take it from the record");
            }
        }
    }
    line.push_str(" --url ");
    line.push_str(&word(&exchange.url, &mut notes));
    if exchange.url.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#') {
        notes.push("curl may refuse or change this URL");
    }
    let secrets = placeholders(&line);
    let secrets = format!("put the secret in place of {}", secrets.join(", "));
    if secrets.contains('$') {
        notes.push(&secrets);
    }
    notes.dedup();
    if !notes.is_empty() {
        let _ = write!(line, "  # {}", notes.join("; "));
    }
    line
}

/// Names such as `$GROOVE_TOKEN` in the line, each once.
fn placeholders(line: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for rest in line.split('$').skip(1) {
        let end = rest.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_').unwrap_or(rest.len());
        let name = &rest[..end];
        if name.starts_with(|c: char| c.is_ascii_uppercase()) && name.len() > 1 {
            let name = format!("${name}");
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found.truncate(8);
    found
}

/// One word of the line. Hidden characters would be obeyed by the terminal that shows the line, so a word that has
/// any is written in the shell's `$'…'` form.
fn word(text: &str, notes: &mut Vec<&str>) -> String {
    let mut text = std::borrow::Cow::Borrowed(text);
    if text.contains('\0') {
        notes.push("a NUL byte, which no argument can hold, is left out");
        text = std::borrow::Cow::Owned(text.replace('\0', ""));
    }
    if text.chars().any(is_hidden) {
        return ansi_c(&text);
    }
    match shlex::try_quote(&text) {
        Ok(quoted) => quoted.into_owned(),
        Err(_) => ansi_c(&text),
    }
}

fn ansi_c(text: &str) -> String {
    let mut out = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => {
                let _ =
                    if c.is_ascii() { write!(out, "\\x{:02x}", c as u32) } else { write!(out, "\\U{:08x}", c as u32) };
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::spec::StepRole;
    use crate::record::BodyRecord;

    fn exchange(headers: &[(&str, &str)], body: Option<&str>) -> ExchangeRecord {
        ExchangeRecord {
            step: "main".to_owned(),
            role: StepRole::Main,
            method: "POST".to_owned(),
            url: "https://api.example.test/a/../b?x=[1]&y={2}".to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.map(|text| BodyRecord {
                bytes: text.len() as u64,
                text: Some(text.to_owned()),
                base64: None,
                cut: false,
            }),
            response: None,
            error: None,
            attempts: 1,
            redirects: Vec::new(),
            waits: Vec::new(),
            started_us: 0,
            elapsed_us: 0,
        }
    }

    #[test]
    fn every_word_survives_a_shell() {
        let body = "it's $(rm -rf /) `id` \"x\"";
        let line = curl(&exchange(&[("Authorization", "Bearer $GROOVE_TOKEN"), ("X-Empty", "")], Some(body)));
        let (line, note) = line.rsplit_once("  # ").expect("a note on the secret");
        assert_eq!(note, "put the secret in place of $GROOVE_TOKEN");
        let words = shlex::split(line).expect("a shell can split the line");
        assert!(words.contains(&"Authorization: Bearer $GROOVE_TOKEN".to_owned()));
        assert!(words.contains(&"X-Empty;".to_owned()));
        assert!(words.contains(&"Content-Type:".to_owned()));
        assert!(words.contains(&body.to_owned()));
        assert_eq!(words.last().map(String::as_str), Some("https://api.example.test/a/../b?x=[1]&y={2}"));
    }

    #[test]
    fn hidden_characters_do_not_reach_the_terminal() {
        let line = curl(&exchange(&[("Content-Type", "text/plain")], Some("a\u{1b}[2J'\u{202e}\nb\0c")));
        assert!(line.contains("--data-raw $'a\\x1b[2J\\'\\U0000202e\\nbc'"), "{line}");
        assert!(line.ends_with("# a NUL byte, which no argument can hold, is left out"), "{line}");
        assert!(!line.chars().any(is_hidden));
    }

    #[test]
    fn curl_adds_nothing_of_its_own_and_reads_no_file() {
        let line = curl(&exchange(&[("accept", "text/xml"), ("@/etc/passwd", "")], Some("@file")));
        assert!(line.contains(" -H 'accept: text/xml' -H User-Agent: -H Content-Type: --data-raw @file "), "{line}");
        assert!(!line.contains("passwd"));
    }

    #[test]
    fn a_body_that_is_not_text_is_named() {
        let mut sent = exchange(&[("Content-Type", "image/png"), ("Content-Length", "3")], None);
        sent.body = Some(BodyRecord { bytes: 3, text: None, base64: Some("AAEC".to_owned()), cut: false });
        let line = curl(&sent);
        assert!(line.contains("--data-binary @body"));
        assert!(!line.contains("Content-Length"));
        assert!(line.ends_with("# the body is not text; take it from the record"));
    }
}

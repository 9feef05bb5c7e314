//! Removes secrets from everything that leaves the runner: [`Redactor`].
//!
//! It works once, after comparison and before any event exists, so that no console, record or report can forget it.
//! A secret is found in every form in which a service or a client library may write it; what stands in its place is
//! `$NAME`, the name under which the target file knows it.

use std::borrow::Cow;
use std::collections::HashSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::judgement::Mismatch;
use crate::model::verdict::Verdict;
use crate::record::{BodyRecord, CaseRecord, ExchangeRecord};

/// Shorter secrets cannot be told from ordinary text: replacing them would damage reports and prove nothing.
pub const SHORTEST: usize = 6;

/// Header fields whose values are never shown, whether or not a known secret is in them.
const HIDDEN_HEADERS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];

/// What stands at the end of a text that was cut.
const ELLIPSIS: char = '…';

/// What stands for a hidden value that is no known secret.
const HIDDEN: &str = "$HIDDEN";

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why secrets cannot be redacted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    /// A secret that ordinary text could hold.
    #[error("the secret `{name}` has {length} bytes; with fewer than {SHORTEST} it cannot be told from ordinary text")]
    TooShort {
        /// Its name.
        name: String,
        /// Its length in bytes.
        length: usize,
    },
    /// The search automaton cannot be built.
    #[error("the secrets cannot be searched for: {0}")]
    Build(String),
}

/// Finds secrets in every form and puts their names in their place.
#[derive(Clone, Debug)]
pub struct Redactor {
    search: Option<AhoCorasick>,
    /// What is searched for, and what stands in its place.
    needles: Vec<String>,
    replacements: Vec<String>,
}

impl Redactor {
    /// A redactor for secrets given as name and value. An empty value is no secret.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RedactError> {
        let (mut needles, mut replacements) = (Vec::new(), Vec::new());
        // One secret is often a part of another; the shape that is given first names both.
        let mut seen = HashSet::new();
        for (name, value) in secrets {
            if value.is_empty() {
                continue;
            }
            if value.len() < SHORTEST {
                return Err(RedactError::TooShort { name: name.to_owned(), length: value.len() });
            }
            let shown = shown(name);
            let parts = parts(value);
            for form in forms(value).into_iter().chain(parts.iter().flat_map(|part| text_forms(part))) {
                if seen.insert(form.clone()) {
                    needles.push(form);
                    replacements.push(shown.clone());
                }
            }
        }
        if needles.is_empty() {
            return Ok(Self { search: None, needles, replacements });
        }
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            // Small answers are searched in no time whatever the automaton; building a faster one costs more than a run
            // of a few cases.
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .build(&needles)
            .map_err(|error| RedactError::Build(error.to_string()))?;
        Ok(Self { search: Some(search), needles, replacements })
    }

    /// The text without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(search) = &self.search else { return Cow::Borrowed(text) };
        let mut clean = Cow::Borrowed(text);
        if search.is_match(text) {
            clean = Cow::Owned(search.replace_all(text, &self.replacements));
        }
        if let Some(bytes) = self.unwrapped(search, clean.as_bytes()) {
            clean = Cow::Owned(String::from_utf8_lossy(&bytes).into_owned());
        }
        for (at, _) in clean.clone().rmatch_indices(ELLIPSIS) {
            if let Some((start, name)) = self.begun(&clean.as_bytes()[..at]) {
                clean.to_mut().replace_range(start..at, name);
            }
        }
        clean
    }

    /// The bytes without secrets.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(search) = &self.search else { return Cow::Borrowed(bytes) };
        let mut clean = Cow::Borrowed(bytes);
        if search.is_match(bytes) {
            clean = Cow::Owned(search.replace_all_bytes(bytes, &self.replacements));
        }
        match self.unwrapped(search, &clean) {
            Some(bytes) => Cow::Owned(bytes),
            None => clean,
        }
    }

    /// Secrets that line breaks, real or escaped, run through: encoders wrap lines at 64 or 76 columns.
    fn unwrapped(&self, search: &AhoCorasick, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut folded = Vec::new();
        // Where in the folded text something is left out, and how much up to there.
        let mut gaps: Vec<(usize, usize)> = Vec::new();
        let (mut from, mut gone) = (0, 0);
        for at in memchr::memchr3_iter(b'\n', b'\r', b'\\', bytes) {
            let length = match (bytes[at], bytes.get(at + 1)) {
                (b'\\', Some(b'n' | b'r')) => 2,
                (b'\\', _) => continue,
                _ => 1,
            };
            folded.extend_from_slice(&bytes[from..at]);
            from = at + length;
            gone += length;
            gaps.push((folded.len(), gone));
        }
        if gaps.is_empty() {
            return None;
        }
        folded.extend_from_slice(&bytes[from..]);
        let original = |at: usize| {
            let before = gaps.partition_point(|(gap, _)| *gap <= at);
            at + before.checked_sub(1).map_or(0, |last| gaps[last].1)
        };
        let mut out: Option<Vec<u8>> = None;
        let mut copied = 0;
        for found in search.find_iter(&folded) {
            let (start, end) = (original(found.start()), original(found.end() - 1) + 1);
            if end - start > found.len() {
                let out = out.get_or_insert_with(Vec::new);
                out.extend_from_slice(&bytes[copied..start]);
                out.extend_from_slice(self.replacements[found.pattern().as_usize()].as_bytes());
                copied = end;
            }
        }
        let mut out = out?;
        out.extend_from_slice(&bytes[copied..]);
        Some(out)
    }

    /// The beginning of a secret at the end of what was cut off: where it begins, and the secret's name.
    fn begun(&self, bytes: &[u8]) -> Option<(usize, &str)> {
        let longest = |needle: &str| {
            let most = needle.len().min(bytes.len() + 1);
            (SHORTEST..most).rev().find(|length| bytes.ends_with(&needle.as_bytes()[..*length]))
        };
        let found = self.needles.iter().zip(&self.replacements);
        found
            .filter_map(|(needle, name)| longest(needle).map(|length| (length, name)))
            .max_by_key(|(length, _)| *length)
            .map(|(length, name)| (bytes.len() - length, name.as_str()))
    }

    /// Whether the bytes hold a secret in any form.
    #[must_use]
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.search.as_ref().is_some_and(|search| search.is_match(bytes))
    }

    /// Removes secrets from everything in a case's record.
    pub fn case(&self, case: &mut CaseRecord) {
        for exchange in &mut case.exchanges {
            self.exchange(exchange);
        }
        let judgement = &mut case.judgement;
        for list in [&mut judgement.mismatches, &mut judgement.notes, &mut judgement.unmet] {
            list.iter_mut().for_each(|mismatch| self.mismatch(mismatch));
        }
        for diff in &mut case.diffs {
            self.string(&mut diff.expected);
            self.string(&mut diff.actual);
        }
        for reading in &mut judgement.readings {
            self.string(&mut reading.place);
        }
        match &mut case.outcome {
            Verdict::Errored { detail, .. }
            | Verdict::Skipped { detail, .. }
            | Verdict::Blocked { detail, .. }
            | Verdict::NotRun { detail } => self.string(detail),
            _ => {}
        }
        case.teardown_problems.iter_mut().for_each(|text| self.string(text));
        case.ledger.iter_mut().for_each(|entry| self.string(&mut entry.id));
    }

    fn string(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.text(text) {
            *text = clean;
        }
    }

    fn mismatch(&self, mismatch: &mut Mismatch) {
        self.string(&mut mismatch.place);
        self.string(&mut mismatch.expected);
        self.string(&mut mismatch.actual);
        if mismatch.check.starts_with("header") && HIDDEN_HEADERS.contains(&mismatch.place.as_str()) {
            HIDDEN.clone_into(&mut mismatch.actual);
        }
    }

    /// Removes secrets from an exchange that is of no case.
    pub fn exchange(&self, exchange: &mut ExchangeRecord) {
        self.string(&mut exchange.url);
        self.headers(&mut exchange.headers);
        if let Some(body) = &mut exchange.body {
            self.body(body);
        }
        if let Some(error) = &mut exchange.error {
            self.string(&mut error.detail);
        }
        if let Some(response) = &mut exchange.response {
            self.headers(&mut response.headers);
            self.body(&mut response.body);
            if let Some(reason) = &mut response.reason {
                self.string(reason);
            }
        }
    }

    fn headers(&self, headers: &mut [(String, String)]) {
        for (name, value) in headers {
            self.string(name);
            let clean = self.text(value);
            if HIDDEN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                *value = match clean {
                    Cow::Owned(clean) => hide_rest(&clean),
                    Cow::Borrowed(_) => HIDDEN.to_owned(),
                };
            } else if let Cow::Owned(clean) = clean {
                *value = clean;
            }
        }
    }

    fn body(&self, body: &mut BodyRecord) {
        if let Some(text) = &mut body.text {
            self.string(text);
            if body.cut
                && let Some((start, name)) = self.begun(text.as_bytes())
            {
                text.replace_range(start.., name);
            }
        }
        if let Some(encoded) = &mut body.base64
            && let Ok(bytes) = STANDARD.decode(encoded.as_bytes())
        {
            let mut clean = self.bytes(&bytes);
            if body.cut
                && let Some((start, name)) = self.begun(&clean)
            {
                let kept = clean.to_mut();
                kept.truncate(start);
                kept.extend_from_slice(name.as_bytes());
            }
            if let Cow::Owned(clean) = clean {
                *encoded = STANDARD.encode(clean);
            }
        }
    }
}

/// What stands in the place of a secret.
pub(crate) fn shown(name: &str) -> String {
    format!("${}", name.replace(['.', '-'], "_").to_ascii_uppercase())
}

/// Of a header that is never shown, only the scheme and the names of known secrets stay.
fn hide_rest(clean: &str) -> String {
    let (scheme, rest) = clean.split_once(' ').unwrap_or(("", clean));
    let known = rest.starts_with('$') && rest[1..].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match (scheme, known) {
        ("", true) => rest.to_owned(),
        (scheme, true) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => format!("{scheme} {rest}"),
        _ => HIDDEN.to_owned(),
    }
}

/// Shortest part of a secret that is a secret itself.
const PART: usize = 12;

/// The parts of a structured secret that would give it away by themselves: what stands behind a scheme or a `;`, and
/// every run of letters and digits that is long and mixed enough to be no word. Cases send such parts on purpose.
fn parts(value: &str) -> Vec<&str> {
    let tails = value.match_indices([' ', ';']).map(|(at, _)| &value[at + 1..]);
    let runs = value.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).filter(|run| {
        run.bytes().any(|byte| byte.is_ascii_digit()) && run.bytes().any(|byte| byte.is_ascii_alphabetic())
    });
    tails.chain(runs).filter(|part| part.len() >= PART && *part != value).collect()
}

/// Every form in which a value may be written.
fn forms(value: &str) -> Vec<String> {
    let mut all = text_forms(value);
    all.extend([
        STANDARD.encode(value),
        STANDARD_NO_PAD.encode(value),
        URL_SAFE.encode(value),
        URL_SAFE_NO_PAD.encode(value),
    ]);
    all.sort_unstable();
    all.dedup();
    all
}

/// Every form in which a value may be written as text.
fn text_forms(value: &str) -> Vec<String> {
    let once = utf8_percent_encode(value, UNRESERVED).to_string();
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let json = json(value);
    let pointer = value.replace('~', "~0").replace('/', "~1");
    let xml = quick_xml::escape::escape(value).into_owned();
    let mut all = vec![
        value.to_owned(),
        utf8_percent_encode(&once, UNRESERVED).to_string(),
        lower_hex(&once),
        lower_hex(&form),
        once.replace("%25", "%"),
        lower_hex(&once).replace("%25", "%"),
        once,
        form,
        json_string(&pointer),
        pointer,
        // Which characters pages and their frameworks write as which entity differs.
        xml.replace("&apos;", "&#39;"),
        xml.replace("&apos;", "&#x27;"),
        xml.replace("&apos;", "'"),
        xml.replace("&apos;", "&#39;").replace("&quot;", "&#34;"),
        xml.replace("&apos;", "&#x27;").replace("&quot;", "&#x22;"),
        xml,
        quick_xml::escape::partial_escape(value).into_owned(),
    ];
    all.extend(json);
    all.extend(inside_base64(value));
    all.sort_unstable();
    all.dedup();
    all
}

fn json_string(value: &str) -> String {
    let quoted = serde_json::to_string(value).unwrap_or_default();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// As JSON writers put it between quotation marks: they differ in what they escape beyond what they must.
fn json(value: &str) -> Vec<String> {
    let plain = json_string(value);
    let wide = |c: char| !c.is_ascii();
    let page = |c: char| matches!(c, '<' | '>' | '&');
    let careful = |c: char| wide(c) || page(c) || matches!(c, '"' | '\'' | '+' | '`');
    let mut all = vec![plain.replace('/', "\\/"), plain];
    for upper in [false, true] {
        let ascii = escaped(value, wide, upper);
        all.extend([escaped(value, page, upper), escaped(value, careful, upper), ascii.replace('/', "\\/"), ascii]);
    }
    all
}

/// A JSON text with these characters as `\uXXXX`.
fn escaped(value: &str, which: impl Fn(char) -> bool, upper: bool) -> String {
    let mut all = String::with_capacity(value.len());
    let mut buffer = [0; 4];
    for c in value.chars() {
        if which(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                all.push_str(&if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
            }
        } else {
            all.push_str(&json_string(c.encode_utf8(&mut buffer)));
        }
    }
    all
}

/// The part of a base64 text that stays the same whatever is encoded with the value, before and behind it.
fn inside_base64(value: &str) -> Vec<String> {
    let mut all = Vec::with_capacity(6);
    for (before, skip) in [(0, 0), (1, 2), (2, 3)] {
        let whole = [&[0; 2][..before], value.as_bytes()].concat();
        let end = whole.len() * 8 / 6;
        for text in [STANDARD_NO_PAD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
            all.extend(text.get(skip..end).filter(|part| part.len() >= SHORTEST).map(str::to_owned));
        }
    }
    all
}

/// `%3A` as `%3a`.
fn lower_hex(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for at in 0..bytes.len() {
        if bytes[at] == b'%' {
            let end = (at + 3).min(bytes.len());
            bytes[at + 1..end].make_ascii_lowercase();
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "Bearer http%3a%2f%2fa/b?c=\"d\"&e=<f>";

    fn redactor() -> Redactor {
        Redactor::new([("groove.access-token", SECRET)]).unwrap()
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        let redactor = redactor();
        for form in forms(SECRET) {
            let clean = redactor.text(&form).into_owned();
            assert_eq!(clean, "$GROOVE_ACCESS_TOKEN", "{form}");
        }
        assert_eq!(redactor.text("nothing here"), "nothing here");
    }

    #[test]
    fn a_secret_is_found_across_line_breaks_and_inside_other_encodings() {
        let redactor = redactor();
        let wrapped = |text: &str, end: &str| {
            let lines: Vec<&str> = text.as_bytes().chunks(9).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("a{end}b <{}>{end}", lines.join(end))
        };
        for end in ["\n", "\r\n", "\\r\\n"] {
            for form in [SECRET.to_owned(), STANDARD.encode(SECRET)] {
                let text = wrapped(&form, end);
                assert_eq!(redactor.text(&text), format!("a{end}b <$GROOVE_ACCESS_TOKEN>{end}"));
                assert_eq!(redactor.bytes(text.as_bytes()), redactor.text(&text).as_bytes());
            }
        }
        for around in [("", "x"), ("x", ""), ("xy", "z"), ("xyz", "zz")] {
            let text = STANDARD.encode(format!("{}{SECRET}{}", around.0, around.1));
            assert!(redactor.text(&text).contains("$GROOVE"), "{text}");
        }
        assert_eq!(redactor.text("a\nb\\nc\r\n"), "a\nb\\nc\r\n");
    }

    #[test]
    fn half_a_secret_before_an_ellipsis_is_not_left() {
        let redactor = redactor();
        assert_eq!(redactor.text("a Bearer http%3a…, b Bearer…"), "a $GROOVE_ACCESS_TOKEN…, b $GROOVE_ACCESS_TOKEN…");
        assert_eq!(redactor.text("a bear…"), "a bear…");
        let mut body = BodyRecord { bytes: 99, text: Some("x Bearer htt".to_owned()), base64: None, cut: true };
        redactor.body(&mut body);
        assert_eq!(body.text.as_deref(), Some("x $GROOVE_ACCESS_TOKEN"));
    }

    #[test]
    fn a_telling_part_of_a_secret_is_secret_too() {
        let redactor = Redactor::new([
            ("token", "Bearer http%3a%2f%2fa=b&Audience=608D61402FE6A2403E9E443B%2fq4%3d"),
            ("user", "XBL3.0 x=271828182;ada-Kq7Zt0yW3nUe5LrVb2Xh"),
        ])
        .unwrap();
        for text in [
            "accessToken=http%253a%252f%252fa%3Db%26Audience%3D608D61402FE6A2403E9E443B%252fq4%253d",
            "Bearer+http%3a%2f%2fa%3db%26Audience%3d608D61402FE6A2403E9E443B%2fq4%3d",
            "x=1;ada-Kq7Zt0yW3nUe5LrVb2Xh",
        ] {
            let clean = redactor.text(text);
            assert!(!clean.contains("608D61402FE6A2403E9E443B") && !clean.contains("Kq7Zt0yW3nUe5LrVb2Xh"), "{clean}");
        }
    }

    #[test]
    fn a_secret_that_ordinary_text_could_hold_is_refused() {
        for short in ["e", "\"", "true", "</"] {
            assert!(matches!(Redactor::new([("s", short)]), Err(RedactError::TooShort { .. })), "{short}");
        }
        assert!(!Redactor::new([("s", "")]).unwrap().finds(b"anything"));
    }

    #[test]
    fn of_a_hidden_header_only_scheme_and_name_stay() {
        assert_eq!(hide_rest("Bearer $TOKEN"), "Bearer $TOKEN");
        assert_eq!(hide_rest("$WHOLE"), "$WHOLE");
        assert_eq!(hide_rest("XBL3.0 x=1;$TOKEN"), HIDDEN);
        for name in HIDDEN_HEADERS {
            let mut headers =
                [(name.to_ascii_uppercase(), "Basic dXNlcjpwYXNz".to_owned()), ("accept".to_owned(), "a".to_owned())];
            redactor().headers(&mut headers);
            assert_eq!((headers[0].1.as_str(), headers[1].1.as_str()), (HIDDEN, "a"), "{name}");
        }
    }
}

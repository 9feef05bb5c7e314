//! Removes secrets from everything that leaves the runner: [`Redactor`].
//!
//! It works once, after comparison and before any event exists, so that no console, record or report can forget it.
//! A secret is found in every form in which a service or a client library may write it; what stands in its place is
//! `$NAME`, the name under which the target file knows it.

mod forms;
mod needles;
mod wide;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use needles::{Found, Needles};

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
}

/// Finds secrets in every form and puts their names in their place.
#[derive(Clone, Debug)]
pub struct Redactor {
    needles: Needles,
    /// What stands in the place of a needle, by its number.
    names: Vec<String>,
}

impl Redactor {
    /// A redactor for secrets given as name and value. An empty value is no secret.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RedactError> {
        Self::extended(Vec::new(), Vec::new(), secrets)
    }

    /// This one, and more secrets. One after the other would not do: what the first puts into a secret that holds one
    /// of its own hides it from the second.
    pub fn and<'a>(&self, secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RedactError> {
        Self::extended(self.needles.texts(), self.names.clone(), secrets)
    }

    fn extended<'a>(
        mut needles: Vec<(String, u32)>,
        mut names: Vec<String>,
        secrets: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, RedactError> {
        // One secret is often a part of another; the shape that is given first names both.
        for (name, value) in secrets {
            if value.is_empty() {
                continue;
            }
            if value.len() < SHORTEST {
                return Err(RedactError::TooShort { name: name.to_owned(), length: value.len() });
            }
            let number = names.len() as u32;
            names.push(shown(name));
            needles.extend(forms::all(value).into_iter().map(|form| (form, number)));
        }
        Ok(Self { needles: Needles::new(needles), names })
    }

    fn name(&self, found: Found) -> &str {
        &self.names[found.name as usize]
    }

    /// The text without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        };
        if self.needles.is_empty() || !clean.contains(ELLIPSIS) {
            return clean;
        }
        let mut end = clean.len();
        for (at, _) in clean.clone().rmatch_indices(ELLIPSIS) {
            // One that stood in what was replaced, as part of the secret, is gone.
            if at < end
                && let Some((start, name)) = self.begun(&clean.as_bytes()[..at])
            {
                clean.to_mut().replace_range(start..at, name);
                end = start;
            } else if at < end
                && let Some(bytes) = self.widely(&clean.as_bytes()[..at], true)
            {
                // Only the end has changed: whole secrets are gone already.
                end = clean.bytes().zip(&bytes).take_while(|(old, new)| old == *new).count();
                clean.to_mut().replace_range(..at, &String::from_utf8_lossy(&bytes));
            }
        }
        clean
    }

    /// The bytes without secrets.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.needles.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut clean = Cow::Borrowed(bytes);
        let mut copied = 0;
        for found in self.needles.find_all(bytes) {
            let out = match &mut clean {
                Cow::Owned(out) => out,
                Cow::Borrowed(_) => {
                    clean = Cow::Owned(Vec::with_capacity(bytes.len()));
                    clean.to_mut()
                }
            };
            out.extend_from_slice(&bytes[copied..found.start]);
            out.extend_from_slice(self.name(found).as_bytes());
            copied = found.end;
        }
        if let Cow::Owned(out) = &mut clean {
            out.extend_from_slice(&bytes[copied..]);
        }
        for indented in [false, true] {
            if let Some(bytes) = self.unwrapped(&clean, indented) {
                clean = Cow::Owned(bytes);
            }
        }
        self.widely(&clean, false).map_or(clean, Cow::Owned)
    }

    /// Secrets that line breaks, real or escaped, run through: encoders wrap lines at 64 or 76 columns, and some indent
    /// what follows.
    fn unwrapped(&self, bytes: &[u8], indented: bool) -> Option<Vec<u8>> {
        let mut folded = Vec::new();
        // Where in the folded text something is left out, and how much up to there.
        let mut gaps: Vec<(usize, usize)> = Vec::new();
        let (mut from, mut gone) = (0, 0);
        let mut blanks = 0;
        for at in memchr::memchr3_iter(b'\n', b'\r', b'\\', bytes) {
            let mut length = match (bytes[at], bytes.get(at + 1)) {
                (b'\\', Some(b'n' | b'r')) => 2,
                (b'\\', _) => continue,
                _ => 1,
            };
            if indented {
                let indent = bytes[at + length..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                length += indent;
                blanks += indent;
            }
            folded.extend_from_slice(&bytes[from..at]);
            from = at + length;
            gone += length;
            gaps.push((folded.len(), gone));
        }
        if gaps.is_empty() || indented && blanks == 0 {
            return None;
        }
        folded.extend_from_slice(&bytes[from..]);
        let original = |at: usize| {
            let before = gaps.partition_point(|(gap, _)| *gap <= at);
            at + before.checked_sub(1).map_or(0, |last| gaps[last].1)
        };
        let mut out: Option<Vec<u8>> = None;
        let mut copied = 0;
        for found in self.needles.find_all(&folded) {
            let (start, end) = (original(found.start), original(found.end - 1) + 1);
            if end - start > found.end - found.start {
                let out = out.get_or_insert_with(Vec::new);
                out.extend_from_slice(&bytes[copied..start]);
                out.extend_from_slice(self.name(found).as_bytes());
                copied = end;
            }
        }
        let mut out = out?;
        out.extend_from_slice(&bytes[copied..]);
        Some(out)
    }

    /// The beginning of a secret at the end of what was cut off: where it begins, and the secret's name.
    fn begun(&self, bytes: &[u8]) -> Option<(usize, &str)> {
        self.needles.begun(bytes).map(|found| (found.start, self.name(found)))
    }

    /// Whether the bytes hold a secret in any form.
    #[must_use]
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.needles.find(bytes, 0).is_some()
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
        self.string(&mut exchange.method);
        self.string(&mut exchange.url);
        self.headers(&mut exchange.headers);
        for hop in &mut exchange.redirects {
            self.string(&mut hop.method);
            self.string(&mut hop.url);
            hop.dropped.iter_mut().for_each(|name| self.string(name));
        }
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
            if HIDDEN_HEADERS.iter().any(|hidden| hidden.eq_ignore_ascii_case(name)) {
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
                && let Some(bytes) = self.widely(text.as_bytes(), true)
            {
                *text = String::from_utf8_lossy(&bytes).into_owned();
            } else if body.cut
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
                && let Some(bytes) = self.widely(&clean, true)
            {
                clean = Cow::Owned(bytes);
            } else if body.cut
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
        for form in forms::all(SECRET) {
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
        for end in ["\n", "\r\n", "\\r\\n", "\n    ", "\\n\t", "\r\n "] {
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
    fn a_secret_that_holds_another_is_hidden_whole() {
        let both = redactor().and([("first.token", &*format!("tenant-{SECRET}-suffix"))]).unwrap();
        assert_eq!(both.text(&format!("<tenant-{SECRET}-suffix> <{SECRET}>")), "<$FIRST_TOKEN> <$GROOVE_ACCESS_TOKEN>");
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
    fn a_secret_with_an_ellipsis_in_it_may_be_cut_as_well() {
        let redactor = Redactor::new([("t", "ab…cdef…gh")]).unwrap();
        assert_eq!(redactor.text("x ab…cdef…g… ab…cdef…gh"), "x $T… $T");
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

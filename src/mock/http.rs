//! The mock's own view of HTTP: a received [`Request`] and a [`Response`] to be written.
//!
//! Both are plain values, so that answering is a pure function and the socket stays in one file.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::percent_decode_str;

/// A request as the socket received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method token, in the letter case that was sent.
    pub method: String,
    /// Path and query exactly as received, never decoded or normalised.
    pub target: String,
    /// Header fields in order of arrival; names in lower case, values as bytes.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Bytes,
    /// Number of the connection since the service started, from 1.
    pub connection: u64,
    /// Number of this request on its connection, from 1.
    pub sequence: u64,
}

impl Request {
    /// A request without headers and body, the first on the first connection.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
            connection: 1,
            sequence: 1,
        }
    }

    /// The same request with one more header field.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_bytes().to_vec()));
        self
    }

    /// The same request with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The path part of the target, still percent-encoded.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query part of the target, still percent-encoded; empty when there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// Every value of one query parameter, decoded once, `+` read as a space.
    pub fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.query().split('&').filter_map(move |pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_form(key) == name).then(|| decode_form(value).into_owned())
        })
    }

    /// The first value of one query parameter, decoded as by [`Request::parameters`].
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters(name).next()
    }

    /// The values of every header field of this name, in order. `name` is in lower case.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// The first value of a header field as text; `None` when absent or not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The values of a list header joined by commas, as RFC 9110 section 5.3 allows.
    pub fn header_list(&self, name: &str) -> Option<String> {
        let mut joined: Option<String> = None;
        for value in self.header_values(name) {
            let value = String::from_utf8_lossy(value);
            match &mut joined {
                Some(text) => {
                    text.push(',');
                    text.push_str(&value);
                }
                None => joined = Some(value.into_owned()),
            }
        }
        joined
    }
}

/// Decodes one form-encoded name or value: `+` is a space, each escape is undone once.
fn decode_form(text: &str) -> Cow<'_, str> {
    if !text.contains(['+', '%']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// Decodes one path segment once; `+` stays a plus sign. Bytes that are not UTF-8 become U+FFFD.
pub fn decode_segment(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// How the length of a response body is told to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// A `Content-Length` header.
    #[default]
    ContentLength,
    /// `Transfer-Encoding: chunked`, in several chunks.
    Chunked,
}

/// A response before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase, when it is not the standard one of the status.
    pub reason: Option<String>,
    /// Header fields in the order they are written.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body as written, content coding applied.
    pub body: Bytes,
    /// How long the answer is held back before it is written.
    pub delay: Option<Duration>,
    /// How the body is framed.
    pub framing: Framing,
    /// Whether the connection ends after this answer.
    pub close: bool,
}

impl Response {
    /// An answer without body and headers.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            reason: None,
            headers: Vec::new(),
            body: Bytes::new(),
            delay: None,
            framing: Framing::ContentLength,
            close: false,
        }
    }

    /// An answer with a body of one media type.
    pub fn with_body(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut response = Self::empty(status);
        response.set_header("content-type", content_type);
        response.body = body.into();
        response
    }

    /// The first value of a header field as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// Replaces every header field of this name by one.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.add_header(name, value);
    }

    /// Adds a header field, keeping those of the same name.
    pub fn add_header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_decoded_exactly_once() {
        let request = Request::new("POST", "/p?accessToken=Bearer+http%253a%252f%252fx%26y&b");
        assert_eq!(request.parameter("accessToken").as_deref(), Some("Bearer http%3a%2f%2fx&y"));
        assert_eq!(request.parameter("b").as_deref(), Some(""));
        assert_eq!(request.parameter("c"), None);
        assert_eq!(request.path(), "/p");
    }

    #[test]
    fn repeated_headers_join_in_order() {
        let request = Request::new("GET", "/").with_header("Accept", "a/b").with_header("accept", "c/d");
        assert_eq!(request.header_list("accept").as_deref(), Some("a/b,c/d"));
        assert_eq!(request.header("accept"), Some("a/b"));
        assert_eq!(request.header_list("origin"), None);
    }

    #[test]
    fn a_segment_keeps_its_plus_sign() {
        assert_eq!(decode_segment("a+b%2Fc"), "a+b/c");
        assert_eq!(decode_segment("%zz%ff"), "%zz\u{fffd}");
    }
}

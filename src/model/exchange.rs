//! What went over the wire: [`PreparedRequest`], [`Response`], [`Exchange`].

use std::time::Duration;

use bytes::Bytes;

/// A request, ready to send: nothing in it is a template any more.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedRequest {
    /// The service of the target that it goes to (`groove`).
    pub service: String,
    /// HTTP method.
    pub method: String,
    /// Base URL of the service, without a trailing slash.
    pub base_url: String,
    /// Path and query exactly as they shall stand on the request line, after the base URL's own path.
    pub target: String,
    /// Header fields in order; repeats kept.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; `None` sends none at all.
    pub body: Option<Bytes>,
    /// Deadline from the first byte sent to the last byte received.
    pub timeout: Duration,
}

/// A response as received, its content coding removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// HTTP status code.
    pub status: u16,
    /// Reason phrase, where the protocol version has one. Never compared.
    pub reason: Option<String>,
    /// Protocol version, `HTTP/1.1`.
    pub version: &'static str,
    /// Header fields in the order received; repeats kept, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body after content decoding.
    pub body: Bytes,
    /// Length of the body on the wire, before decoding, in bytes.
    pub wire_bytes: u64,
}

impl Response {
    /// The values of a header, in order. `name` in lower case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_slice())
    }

    /// The first `Content-Type`, lossily as text.
    #[must_use]
    pub fn content_type(&self) -> Option<String> {
        self.header("content-type").next().map(|value| String::from_utf8_lossy(value).into_owned())
    }
}

/// A request as sent and what came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// Id of the step.
    pub step: String,
    /// As sent.
    pub request: PreparedRequest,
    /// As received; `None` when no response came.
    pub response: Option<Response>,
    /// When it began, from the start of the run.
    pub started: Duration,
    /// How long it took.
    pub elapsed: Duration,
}

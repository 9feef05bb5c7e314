//! An exchange on its way to the thread that judges it: [`Parcel`].
//!
//! Memory that one thread asks for and another gives back is cold for both, and an exchange is some twenty small pieces
//! of it. In one piece it costs a copy of a few hundred bytes.

use std::time::Duration;

use bytes::Bytes;

use crate::model::exchange::{PreparedRequest, Response};

/// A longer body stays where it is.
const LONG: usize = 4 << 10;

/// A request and its answer, all texts in one piece of memory.
pub(super) struct Parcel {
    /// Method, target, header fields, reason, header fields, body, each behind its length.
    packed: Vec<u8>,
    sent_headers: usize,
    sent_body: Option<Bytes>,
    status: u16,
    has_reason: bool,
    version: &'static str,
    headers: usize,
    /// The answer's body, if it is long.
    body: Option<Bytes>,
    wire_bytes: u64,
}

impl Parcel {
    /// Packs an exchange. Service, base URL and deadline are those of the step, and not kept.
    pub(super) fn pack(request: &PreparedRequest, response: &Response) -> Self {
        let fields = |headers: &[(String, Vec<u8>)]| headers.iter().map(|(n, v)| n.len() + v.len() + 16).sum::<usize>();
        let long = response.body.len() > LONG;
        let texts = request.method.len() + request.target.len() + response.reason.as_ref().map_or(0, String::len);
        let body = if long { 0 } else { response.body.len() };
        let room = texts + fields(&request.headers) + fields(&response.headers) + body + 4 * size_of::<usize>();
        let mut packed = Vec::with_capacity(room);
        let mut put = |bytes: &[u8]| {
            packed.extend_from_slice(&bytes.len().to_ne_bytes());
            packed.extend_from_slice(bytes);
        };
        put(request.method.as_bytes());
        put(request.target.as_bytes());
        for (name, value) in &request.headers {
            put(name.as_bytes());
            put(value);
        }
        put(response.reason.as_deref().unwrap_or_default().as_bytes());
        for (name, value) in &response.headers {
            put(name.as_bytes());
            put(value);
        }
        put(if long { &[] } else { &response.body });
        Self {
            packed,
            sent_headers: request.headers.len(),
            sent_body: request.body.clone(),
            status: response.status,
            has_reason: response.reason.is_some(),
            version: response.version,
            headers: response.headers.len(),
            body: long.then(|| response.body.clone()),
            wire_bytes: response.wire_bytes,
        }
    }

    /// The exchange, with what was not packed.
    pub(super) fn open(self, service: &str, base_url: &str, timeout: Duration) -> (PreparedRequest, Response) {
        let packed = Bytes::from(self.packed);
        let mut rest = Rest { packed: &packed, at: 0 };
        let (method, target) = (rest.text(), rest.text());
        let sent_headers = rest.fields(self.sent_headers);
        let reason = rest.text();
        let headers = rest.fields(self.headers);
        let body = rest.next();
        let request = PreparedRequest {
            service: service.to_owned(),
            method,
            base_url: base_url.to_owned(),
            target,
            headers: sent_headers,
            body: self.sent_body,
            timeout,
        };
        let response = Response {
            status: self.status,
            reason: self.has_reason.then_some(reason),
            version: self.version,
            headers,
            body: self.body.unwrap_or_else(|| packed.slice(body)),
            wire_bytes: self.wire_bytes,
        };
        (request, response)
    }
}

/// What is not read yet.
struct Rest<'p> {
    packed: &'p [u8],
    at: usize,
}

impl Rest<'_> {
    fn next(&mut self) -> std::ops::Range<usize> {
        const WORD: usize = size_of::<usize>();
        let length = self.packed[self.at..].first_chunk::<WORD>().map_or(0, |bytes| usize::from_ne_bytes(*bytes));
        let start = self.at + WORD;
        self.at = start + length;
        start..self.at
    }

    fn bytes(&mut self) -> Vec<u8> {
        let range = self.next();
        self.packed[range].to_vec()
    }

    fn text(&mut self) -> String {
        let range = self.next();
        // It was packed from text.
        String::from_utf8_lossy(&self.packed[range]).into_owned()
    }

    fn fields(&mut self, count: usize) -> Vec<(String, Vec<u8>)> {
        let mut fields = Vec::with_capacity(count);
        for _ in 0..count {
            fields.push((self.text(), self.bytes()));
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        for (body, reason, sent) in [(0, None, None), (LONG, Some(""), Some("x")), (LONG + 1, Some("Göod"), Some(""))]
        {
            let fields = vec![
                ("accept".to_owned(), b"*/*".to_vec()),
                ("x-a".to_owned(), vec![0xff, 0, b'\n']),
                (String::new(), Vec::new()),
            ];
            let request = PreparedRequest {
                service: "s".to_owned(),
                method: "POST".to_owned(),
                base_url: "http://a.test/v1".to_owned(),
                target: "/é?x".to_owned(),
                headers: if sent.is_none() { Vec::new() } else { fields.clone() },
                body: sent.map(|text: &str| Bytes::copy_from_slice(text.as_bytes())),
                timeout: Duration::from_secs(3),
            };
            let response = Response {
                status: 418,
                reason: reason.map(str::to_owned),
                version: "HTTP/1.1",
                headers: if body == 0 { Vec::new() } else { fields },
                body: vec![b'b'; body].into(),
                wire_bytes: 7,
            };
            let opened = Parcel::pack(&request, &response).open("s", "http://a.test/v1", Duration::from_secs(3));
            assert_eq!(opened, (request, response));
        }
    }
}

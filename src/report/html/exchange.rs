//! What went over the wire, for the page: [`Exchange`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::wide::decode;
use crate::record::{BodyRecord, ExchangeRecord};
use crate::report::curl::curl;
use crate::report::text::answer;
use crate::report::words;

use super::Text;

/// Longest body shown, in bytes.
const MAX_BODY: usize = 16 * 1024;
/// Longest header value and URL shown, in bytes.
const MAX_LINE: usize = 2000;
/// Most header fields shown.
const MAX_HEADERS: usize = 100;

/// An exchange in full.
pub(super) struct Exchange {
    pub(super) step: Text,
    pub(super) role: String,
    pub(super) line: Text,
    pub(super) answer: Text,
    pub(super) took: String,
    pub(super) curl: Text,
    pub(super) request: Text,
    pub(super) response: Text,
}

impl Exchange {
    pub(super) fn new(exchange: &ExchangeRecord) -> Self {
        let request =
            message(&format!("{} {}", exchange.method, exchange.url), &exchange.headers, exchange.body.as_ref());
        let response = exchange.response.as_ref().map(|response| {
            let reason = response.reason.as_deref().unwrap_or_default();
            let first = format!("{} {} {reason}", response.version, response.status);
            message(first.trim_end(), &response.headers, Some(&response.body))
        });
        Self {
            step: Text::short(&exchange.step, 200),
            role: words::name(&exchange.role),
            line: line(exchange),
            answer: Text::line(&answer(exchange)),
            took: words::duration(exchange.elapsed_us),
            curl: Text::short(&curl(exchange), MAX_BODY + MAX_LINE),
            request: Text(request),
            response: Text(response.unwrap_or_default()),
        }
    }

    /// Bytes of text.
    pub(super) fn size(&self) -> usize {
        self.curl.len() + self.request.len() + self.response.len() + 800
    }
}

/// Method and URL on one line.
pub(super) fn line(exchange: &ExchangeRecord) -> Text {
    Text::short(&format!("{} {}", exchange.method, exchange.url), 300)
}

/// A message as it is written on the wire, its lines visible.
fn message(first: &str, headers: &[(String, String)], body: Option<&BodyRecord>) -> String {
    let mut out = Text::short(first, MAX_LINE).0;
    for (name, value) in headers.iter().take(MAX_HEADERS) {
        out.push('\n');
        out.push_str(&Text::short(&format!("{name}: {value}"), MAX_LINE).0);
    }
    if headers.len() > MAX_HEADERS {
        out.push_str(&format!("\n… and {} more header fields", headers.len() - MAX_HEADERS));
    }
    if let Some(body) = body.filter(|body| body.bytes > 0) {
        out.push_str("\n\n");
        match (&body.text, &body.base64) {
            (Some(text), _) => out.push_str(&Text::lines(text, MAX_BODY).0),
            (None, Some(base64)) if let Some((text, _)) = STANDARD.decode(base64).ok().and_then(|all| decode(&all)) => {
                out.push_str(&format!("({} bytes of UTF-16)\n", body.bytes));
                out.push_str(&Text::lines(&text, MAX_BODY).0);
            }
            (None, Some(base64)) => {
                out.push_str(&format!("({} bytes that are no text, in base64)\n", body.bytes));
                out.push_str(&Text::short(base64, MAX_BODY).0);
            }
            (None, None) => out.push_str(&format!("({} bytes, not kept)", body.bytes)),
        }
        if body.cut {
            out.push_str(&format!("\n(only the beginning of {} bytes is kept)", body.bytes));
        }
    }
    out
}

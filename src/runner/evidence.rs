//! What is kept of an exchange: [`ExchangeRecord`]s with bodies up to a cap.

use std::time::Duration;

use base64::Engine as _;

use crate::model::exchange::{PreparedRequest, Response};
use crate::model::spec::StepRole;
use crate::record::{BodyRecord, ErrorRecord, ExchangeRecord, ResponseRecord};
use crate::transport::TransportError;

/// When an exchange was, and of which step.
pub(crate) struct Moment<'a> {
    pub(crate) step: &'a str,
    pub(crate) role: StepRole,
    pub(crate) attempts: u32,
    pub(crate) started: Duration,
    pub(crate) elapsed: Duration,
}

/// The record of an exchange. `cap` is in bytes and holds for each body.
pub(crate) fn record(
    moment: &Moment<'_>,
    request: PreparedRequest,
    answer: &Result<Response, TransportError>,
    cap: usize,
) -> ExchangeRecord {
    let PreparedRequest { method, base_url: mut url, target, headers: fields, .. } = request;
    url.push_str(&target);
    ExchangeRecord {
        step: moment.step.to_owned(),
        role: moment.role,
        method,
        url,
        headers: fields.into_iter().map(|(name, value)| (name, lossy(value))).collect(),
        body: request.body.as_ref().map(|bytes| body(bytes, cap)),
        response: answer.as_ref().ok().map(|response| ResponseRecord {
            status: response.status,
            reason: response.reason.clone(),
            version: response.version.to_owned(),
            headers: headers(&response.headers),
            body: body(&response.body, cap),
        }),
        error: answer.as_ref().err().map(|error| ErrorRecord { stage: error.stage, detail: error.detail.clone() }),
        attempts: moment.attempts,
        redirects: Vec::new(),
        waits: Vec::new(),
        started_us: micros(moment.started),
        elapsed_us: micros(moment.elapsed),
    }
}

/// Microseconds, as records count them.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn headers(headers: &[(String, Vec<u8>)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned())).collect()
}

/// Bytes that nearly always are text.
fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn body(bytes: &[u8], cap: usize) -> BodyRecord {
    let cut = bytes.len() > cap;
    let mut kept = &bytes[..bytes.len().min(cap)];
    let text = match std::str::from_utf8(kept) {
        Ok(text) => Some(text),
        // A character that the cap has cut in two does not make a text binary.
        Err(error) if cut && error.error_len().is_none() => {
            kept = &kept[..error.valid_up_to()];
            std::str::from_utf8(kept).ok()
        }
        Err(_) => None,
    };
    BodyRecord {
        bytes: bytes.len() as u64,
        text: text.map(str::to_owned),
        base64: text.is_none().then(|| base64::engine::general_purpose::STANDARD.encode(kept)),
        cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_by_the_cap_does_not_make_a_text_binary() {
        let kept = body("abé".as_bytes(), 3);
        assert_eq!((kept.text.as_deref(), kept.cut, kept.bytes), (Some("ab"), true, 4));
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_as_base64() {
        let kept = body(&[0xff, 0x00], 10);
        assert_eq!((kept.text, kept.base64.as_deref(), kept.cut), (None, Some("/wA="), false));
    }
}

//! Groove bodies in JSON: reading a batch, writing a [`Content`].

use serde::Deserialize;

use super::content::Content;
use super::error::{ErrorCode, GrooveError};

/// `TrackActionRequest`. Unknown members are skipped; a repeated one is an error.
#[derive(Debug, Deserialize)]
struct TrackActionRequest {
    #[serde(rename = "TrackIds")]
    track_ids: Option<Vec<String>>,
}

/// Reads the ids of a batch; `None` when `TrackIds` is missing or null.
///
/// # Errors
/// `MISSING_INPUT_PARAMETER` for an empty body, `INVALID_INPUT_PARAMETER` for one of another shape.
pub fn read(body: &[u8]) -> Result<Option<Vec<String>>, GrooveError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.is_empty() {
        return Err(GrooveError::with_message(
            ErrorCode::MissingInputParameter,
            "The request has no body",
        ));
    }
    // A derived reader would take an array for the object's members in order.
    let object = body
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .is_some_and(|byte| *byte == b'{');
    let invalid = || {
        GrooveError::with_message(
            ErrorCode::InvalidInputParameter,
            "The request body is not a TrackActionRequest",
        )
    };
    if !object {
        return Err(invalid());
    }
    serde_json::from_slice::<TrackActionRequest>(body)
        .map(|request| request.track_ids)
        .map_err(|_| invalid())
}

/// Writes an answer.
pub fn write(content: &Content) -> Vec<u8> {
    serde_json::to_vec(content).expect("a content has string keys and plain values")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> ErrorCode {
        read(body.as_bytes()).unwrap_err().error_code
    }

    #[test]
    fn ids_are_read_in_order() {
        let ids = read(b"\xef\xbb\xbf {\"x\":[{}],\"TrackIds\":[\"\\u006da\",\"b\"]}").unwrap();
        assert_eq!(ids.unwrap(), ["ma", "b"]);
        assert_eq!(read(b"{}").unwrap(), None);
        assert_eq!(read(b"{\"TrackIds\":null}").unwrap(), None);
        assert_eq!(read(b"{\"trackIds\":[\"a\"]}").unwrap(), None);
    }

    #[test]
    fn other_shapes_are_refused() {
        assert_eq!(code(""), ErrorCode::MissingInputParameter);
        for body in [
            "{\"TrackIds\":[\"music.",
            "{\"TrackIds\":\"music.a\"}",
            "{\"TrackIds\":[\"a\",1]}",
            "{\"TrackIds\":[\"a\",null]}",
            "{\"TrackIds\":[],\"TrackIds\":[]}",
            "[[\"a\"]]",
            "{} {}",
            "<a/>",
        ] {
            assert_eq!(code(body), ErrorCode::InvalidInputParameter, "{body}");
        }
        let deep = "{\"a\":".repeat(100_000);
        assert_eq!(code(&deep), ErrorCode::InvalidInputParameter);
    }
}

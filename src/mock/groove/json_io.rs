//! Groove bodies in JSON: reading a batch, writing a [`Content`].

use std::borrow::Cow;
use std::fmt::Formatter;

use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};

use super::content::Content;
use super::error::{ErrorCode, GrooveError};

/// Takes one member of an object as a list of texts. Other members are skipped; the same member
/// twice is an error.
struct OneList<'a> {
    member: &'a str,
}

impl<'de> Visitor<'de> for OneList<'_> {
    type Value = Option<Vec<String>>;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "an object with the member {}", self.member)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found: Option<Option<Vec<String>>> = None;
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            if name != self.member {
                map.next_value::<IgnoredAny>()?;
            } else if found.replace(map.next_value()?).is_some() {
                return Err(A::Error::custom("the member occurs twice"));
            }
        }
        Ok(found.flatten())
    }
}

/// Reads the ids of a batch from a member, which is `TrackIds` for an honest service; `None` when
/// it is missing or null.
///
/// # Errors
/// `MISSING_INPUT_PARAMETER` for an empty body, `INVALID_INPUT_PARAMETER` for one of another shape.
pub fn read(body: &[u8], member: &str) -> Result<Option<Vec<String>>, GrooveError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.is_empty() {
        return Err(GrooveError::with_message(ErrorCode::MissingInputParameter, "The request has no body"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    reader.deserialize_map(OneList { member }).and_then(|ids| reader.end().map(|()| ids)).map_err(|_| {
        GrooveError::with_message(ErrorCode::InvalidInputParameter, "The request body is not a TrackActionRequest")
    })
}

/// Writes an answer.
pub fn write(content: &Content) -> Vec<u8> {
    serde_json::to_vec(content).expect("a content has string keys and plain values")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> ErrorCode {
        read(body.as_bytes(), "TrackIds").unwrap_err().error_code
    }

    #[test]
    fn ids_are_read_in_order() {
        let ids = read(b"\xef\xbb\xbf {\"x\":[{}],\"TrackIds\":[\"\\u006da\",\"b\"]}", "TrackIds").unwrap();
        assert_eq!(ids.unwrap(), ["ma", "b"]);
        assert_eq!(read(b"{}", "TrackIds").unwrap(), None);
        assert_eq!(read(b"{\"TrackIds\":null}", "TrackIds").unwrap(), None);
        assert_eq!(read(b"{\"trackIds\":[\"a\"]}", "TrackIds").unwrap(), None);
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

//! Text in UTF-16, with and without its byte order mark.

use std::borrow::Cow;

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The lower one.
    Little,
    /// The upper one.
    Big,
}

impl Order {
    /// A unit of two bytes.
    #[must_use]
    pub fn unit(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    /// The text in this order, without a byte order mark.
    #[must_use]
    pub fn encode(self, text: &str) -> Vec<u8> {
        let bytes = |unit: u16| match self {
            Self::Little => unit.to_le_bytes(),
            Self::Big => unit.to_be_bytes(),
        };
        text.encode_utf16().flat_map(bytes).collect()
    }
}

/// The text of bytes that begin with a byte order mark of UTF-16, without the mark; `None` where there is none, and
/// where what follows is no UTF-16.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<(String, Order)> {
    let (order, rest) = match bytes {
        [0xff, 0xfe, rest @ ..] => (Order::Little, rest),
        [0xfe, 0xff, rest @ ..] => (Order::Big, rest),
        _ => return None,
    };
    let (units, []) = rest.as_chunks::<2>() else { return None };
    let text = char::decode_utf16(units.iter().map(|unit| order.unit(*unit))).collect::<Result<_, _>>().ok()?;
    Some((text, order))
}

/// A body as those read it that understand UTF-16 where its format does: every XML processor must (XML 1.0, section
/// 4.3.3; RFC 7303, section 3), no JSON parser may (RFC 8259, section 8.1). Markup begins with `<`, and JSON never does.
#[must_use]
pub fn markup(body: &[u8]) -> Cow<'_, [u8]> {
    match decode(body) {
        Some((text, _)) if text.trim_ascii_start().starts_with('<') => Cow::Owned(text.into_bytes()),
        _ => Cow::Borrowed(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_and_whole_utf_16_is_read() {
        for (order, mark) in [(Order::Little, [0xff, 0xfe]), (Order::Big, [0xfe, 0xff])] {
            let bytes = |text: &str| [&mark[..], &order.encode(text)].concat();
            assert_eq!(decode(&bytes("<é🔑/>")), Some(("<é🔑/>".to_owned(), order)));
            assert_eq!(*markup(&bytes(" <a/>")), *b" <a/>");
            assert_eq!(*markup(&bytes("{}")), *bytes("{}"));
            assert_eq!(decode(&bytes("<a/>")[..9]), None, "half a unit");
            assert_eq!(decode(&order.encode("<a/>")), None, "without a mark");
        }
        assert_eq!(decode(&[0xff, 0xfe, 0x00, 0xd8]), None, "half a pair");
    }
}

//! Secrets in UTF-16, wherever it begins and whichever byte comes first.

use super::Redactor;
use crate::model::wide::Order;

impl Redactor {
    /// The bytes without secrets that are written in two bytes a character; `None` where there are none. Of a text that
    /// was `cut`, the beginning of one at its end is a secret too. Text of one byte a character has no NUL.
    pub(super) fn widely(&self, bytes: &[u8], cut: bool) -> Option<Vec<u8>> {
        memchr::memchr(0, bytes)?;
        let mut clean: Option<Vec<u8>> = None;
        for order in [Order::Little, Order::Big] {
            for skip in [0, 1] {
                let seen = clean.as_deref().unwrap_or(bytes);
                if let Some(done) = self.in_order(seen, order, skip, cut) {
                    clean = Some(done);
                }
            }
        }
        clean
    }

    fn in_order(&self, bytes: &[u8], order: Order, skip: usize, cut: bool) -> Option<Vec<u8>> {
        let (units, _) = bytes.get(skip..)?.as_chunks::<2>();
        let mut text = String::with_capacity(units.len());
        // Where each character begins, in the text and in the bytes.
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(units.len() + 1);
        let mut at = skip;
        for c in char::decode_utf16(units.iter().map(|unit| order.unit(*unit))) {
            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            places.push((text.len(), at));
            text.push(c);
            at += 2 * c.len_utf16();
        }
        places.push((text.len(), at));
        let place = |end: usize| places[places.partition_point(|(text, _)| *text < end)].1;
        let mut out: Option<Vec<u8>> = None;
        let mut copied = 0;
        let mut replace = |start: usize, end: usize, name: &str| {
            let out = out.get_or_insert_with(Vec::new);
            out.extend_from_slice(&bytes[copied..start]);
            out.extend_from_slice(&order.encode(name));
            copied = end;
        };
        let mut last = 0;
        for found in self.needles.find_all(text.as_bytes()) {
            replace(place(found.start), place(found.end), self.name(found));
            last = found.end;
        }
        if cut && let Some((start, name)) = self.begun(&text.as_bytes()[last..]) {
            // To the very end: a byte that is left over is half a character of the secret.
            replace(place(last + start), bytes.len(), name);
        }
        let mut out = out?;
        out.extend_from_slice(&bytes[copied..]);
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cret/é\u{1F511}-value";

    #[test]
    fn a_secret_in_utf_16_is_found_wherever_it_begins() {
        let redactor = Redactor::new([("t", SECRET)]).unwrap();
        for order in [Order::Little, Order::Big] {
            for before in [&b""[..], b"x", b"\xff\xfe", b"\xfe\xffxyz"] {
                let around = |text: &str| [before, &order.encode(&format!("<a>{text}</a>"))].concat();
                assert_eq!(*redactor.bytes(&around(SECRET)), around("$T"), "{order:?} {before:?}");
                assert_eq!(redactor.widely(&around("nothing here"), true), None);
                let mut half = around(SECRET);
                half.truncate(before.len() + 2 * "<a>s3cret/é".encode_utf16().count() + 1);
                let clean = redactor.widely(&half, true).unwrap();
                assert!(clean.starts_with(&[before, &order.encode("<a>$T")].concat()), "{clean:?}");
            }
        }
        assert_eq!(redactor.widely(SECRET.as_bytes(), true), None, "has no NUL");
        let half = |text: &str| String::from_utf8(Order::Big.encode(text)).unwrap() + "…";
        let seen = |text: String| redactor.text(&text).replace('\0', "");
        assert_eq!(seen(half("<a>s3cret/")), "<a>$T…");
        assert_eq!(seen(half("<a>s3cret/") + " s3cret… " + &half("s3cret/")), "<a>$T… $T… $T…");
    }
}

//! Changes of a text, and mutants of a body that is neither JSON nor XML.

use bytes::Bytes;

use super::{Change, Mutant, Operator, Place};
use crate::model::judgement::Part;

/// Another character in the middle. Letters become letters and digits digits, so that a pattern of the right width still
/// matches; `None` for an empty text.
pub(super) fn changed(text: &str) -> Option<String> {
    let count = text.chars().count();
    let (at, old) = text.char_indices().nth(count / 2)?;
    let new = match old {
        '9' => '0',
        'z' => 'a',
        'Z' => 'A',
        '0'..='8' | 'a'..='y' | 'A'..='Y' => char::from_u32(u32::from(old) + 1).unwrap_or('x'),
        _ => 'x',
    };
    let mut text = text.to_owned();
    text.replace_range(at..at + old.len_utf8(), new.encode_utf8(&mut [0; 4]));
    Some(text)
}

/// Upper for lower case and lower for upper case; `None` for a text without letters that have case.
pub(super) fn swapped(text: &str) -> Option<String> {
    let mut other = String::with_capacity(text.len());
    for each in text.chars() {
        if each.is_uppercase() {
            other.extend(each.to_lowercase());
        } else {
            other.extend(each.to_uppercase());
        }
    }
    (other != text).then_some(other)
}

/// An empty text; `None` where it is blank already.
pub(super) fn emptied(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(String::new)
}

/// The first half of a body and no body; something in an empty one.
pub(super) fn whole(bytes: &[u8], same: impl Fn(&[u8]) -> bool, list: &mut Vec<Mutant>) {
    let place = Place::of(Part::Body, "");
    let mut add =
        |operator, body: Bytes| list.push(Mutant { place: place.clone(), operator, change: Change::Body(body) });
    if bytes.is_empty() {
        add(Operator::Added, Bytes::from_static(b"casebook"));
        return;
    }
    let half = &bytes[..bytes.len() / 2];
    if !half.is_empty() && !same(half) {
        add(Operator::Truncated, Bytes::copy_from_slice(half));
    }
    add(Operator::NoBody, Bytes::new());
}

/// Mutants of a body that is neither JSON nor XML.
pub(super) fn mutants(bytes: &[u8], list: &mut Vec<Mutant>) {
    whole(bytes, |_| false, list);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let place = Place::of(Part::Body, "");
    for (operator, other) in [(Operator::Character, changed(text)), (Operator::LetterCase, swapped(text))] {
        if let Some(other) = other {
            list.push(Mutant { place: place.clone(), operator, change: Change::Body(other.into()) });
        }
    }
}

//! Mutants of the status and of header fields.

use super::text::{changed, emptied};
use super::{Change, Headers, Mutant, Operator, Place};
use crate::model::exchange::Response;
use crate::model::judgement::Part;

/// Other statuses: near, far, and a server error.
pub(super) fn status(status: u16) -> Vec<Mutant> {
    let place = Place::of(Part::Status, "");
    let near: &[u16] = match status {
        200..=299 => &[200, 201, 202, 204],
        400..=499 => &[400, 401, 403, 404, 409],
        500..=599 => &[500, 502, 503],
        _ => &[],
    };
    let far: &[u16] = if (200..300).contains(&status) { &[400, 404] } else { &[200] };
    let error: &[u16] = if status < 500 { &[500, 503] } else { &[] };
    [(Operator::StatusNear, near), (Operator::StatusFar, far), (Operator::StatusError, error)]
        .into_iter()
        .flat_map(|(operator, others)| others.iter().map(move |other| (operator, *other)))
        .filter(|(_, other)| *other != status)
        .map(|(operator, other)| Mutant { place: place.clone(), operator, change: Change::Status(other) })
        .collect()
}

/// Every header field that is looked at.
pub(super) fn headers(response: &Response, looked_at: &Headers<'_>) -> Vec<Mutant> {
    let mut names: Vec<&str> = looked_at.names.iter().copied().chain(["content-type"]).collect();
    names.sort_unstable();
    names.dedup();
    let mut list = Vec::new();
    for name in names {
        let place = Place::of(Part::Header, name);
        let mut add = |operator, headers| {
            list.push(Mutant { place: place.clone(), operator, change: Change::Headers(headers) });
        };
        let Some(at) = response.headers.iter().position(|(key, _)| key == name) else {
            // A field that nobody forbids may be there.
            if looked_at.forbidden.contains(&name) {
                let mut headers = response.headers.clone();
                headers.push((name.to_owned(), b"casebook".to_vec()));
                add(Operator::Added, headers);
            }
            continue;
        };
        let value = &response.headers[at].1;
        let with = |value: Vec<u8>| {
            let mut headers = response.headers.clone();
            headers[at].1 = value;
            headers
        };
        let mut without = response.headers.clone();
        without.retain(|(key, _)| key != name);
        add(Operator::Removed, without);
        let mut twice = response.headers.clone();
        twice.insert(at + 1, (name.to_owned(), value.clone()));
        add(Operator::Duplicated, twice);
        if name == "content-type" {
            let lower = String::from_utf8_lossy(value).to_ascii_lowercase();
            let others = ["application/json", "application/xml", "text/plain", "text/html"];
            for other in others.iter().filter(|other| !lower.starts_with(*other)) {
                add(Operator::MediaType, with(other.as_bytes().to_vec()));
            }
        } else {
            let text = String::from_utf8_lossy(value);
            if let Some(text) = changed(&text) {
                add(Operator::Character, with(text.into_bytes()));
            }
            if let Some(text) = emptied(&text) {
                add(Operator::Emptied, with(text.into_bytes()));
            }
        }
    }
    list
}

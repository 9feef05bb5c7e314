//! The two sides of a body diff: [`show`].

use crate::model::exchange::Response;
use crate::model::expect::{BodyCheck, Expect};
use crate::model::wide::markup;
use crate::pattern::parse::parse_json_bytes;
use crate::pattern::write::pretty;
use crate::pattern::{illustrate, xml_illustrate};

/// An expected and an actual body, written alike, so that only true differences differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The expectation as the answer that it would have accepted: what a matcher accepted stands as it came.
    pub expected: String,
    /// The body that came.
    pub actual: String,
}

/// Both sides of the body, where the expectation says what the body is. `None` where they do not differ.
#[must_use]
pub fn show(expect: &Expect, response: &Response) -> Option<Shown> {
    let shown = side_by_side(expect, response)?;
    (shown.expected != shown.actual).then_some(shown)
}

fn side_by_side(expect: &Expect, response: &Response) -> Option<Shown> {
    let bytes = markup(&response.body);
    let plain = || String::from_utf8_lossy(&bytes).into_owned();
    match &expect.body {
        BodyCheck::Json(body) => match parse_json_bytes(&response.body) {
            Ok(json) => Some(Shown {
                expected: ended(pretty(&illustrate::illustrate(body.pattern(), Some(&json)))),
                actual: ended(pretty(&json)),
            }),
            Err(_) => Some(Shown {
                expected: ended(pretty(&illustrate::illustrate(body.pattern(), None))),
                actual: ended(plain()),
            }),
        },
        BodyCheck::Xml(pattern) => match super::xml::parse(&bytes) {
            Ok(document) => Some(Shown {
                expected: ended(xml_illustrate::illustrate(pattern, Some(&document))),
                actual: ended(xml_illustrate::pretty(&document)),
            }),
            Err(_) => {
                Some(Shown { expected: ended(xml_illustrate::illustrate(pattern, None)), actual: ended(plain()) })
            }
        },
        BodyCheck::Text(text) => Some(Shown { expected: text.clone(), actual: plain() }),
        BodyCheck::Unchecked => nearest(expect, response),
        BodyCheck::Empty | BodyCheck::WellFormed | BodyCheck::TextRegex(_) | BodyCheck::TextContains(_) => None,
    }
}

/// Where whole answers are allowed, the one that differs least.
fn nearest(expect: &Expect, response: &Response) -> Option<Shown> {
    let distance =
        |reading: &&crate::model::expect::AnswerReading| super::compare(&reading.expect, response, "").mismatches.len();
    let reading = expect.readings.iter().min_by_key(distance)?;
    side_by_side(&reading.expect, response)
}

fn ended(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

//! Compares a response with an expectation and lists every mismatch.
//!
//! [`compare`] looks at status, header fields and body, whatever the others say, and returns a
//! [`Judgement`]: every difference, and how often each check held. [`extract`] finds the values that a
//! case keeps. Pure; nothing here panics on any answer.

mod at;
mod body;
mod focus;
mod head;
mod json;
mod judge;
pub mod media;
mod plain;
mod route;
mod show;
mod uniform;
mod xml;
mod xml_guard;
pub mod xpath;

pub use at::{ExtractError, check_path, extract, extract_json};
pub use body::well_formed;
pub use focus::{Spot, positional};
pub use route::touches;
pub use show::{Shown, show};
pub use uniform::uniform;
pub use xml::{parse as parse_xml, place as xml_place};

use crate::model::exchange::Response;
use crate::model::expect::{AnswerReading, Expect};
use crate::model::id::ChoiceId;
use crate::model::json::Json;
use crate::model::judgement::{Judgement, Mismatch, Part, ReadingFollowed};
use crate::model::pattern::JsonPattern;
use crate::model::wide::markup;
use crate::pattern::matching::{Body, Matcher};
use focus::Focus;

/// Compares a response with an expectation. Every part is always compared; never stops at the first mismatch.
#[must_use]
pub fn compare(expect: &Expect, response: &Response, step: &str) -> Judgement {
    let bytes = markup(&response.body);
    let body = body::Parsed::new(&bytes);
    judge(expect, response, &body, step)
}

/// The mismatches that [`compare`] finds, without the tally of what held, for who asks very often. `body` is the JSON
/// value to compare instead of the response's body, which must then be any JSON; an expectation of text does not see it.
#[must_use]
pub fn mismatches(expect: &Expect, response: &Response, body: Option<&Json<'_>>, step: &str) -> Vec<Mismatch> {
    let bytes = markup(&response.body);
    judge(expect, response, &body::Parsed::brief(&bytes, body, Focus::Anything), step).mismatches
}

/// The mismatches of the body that [`mismatches`] finds, for an expectation that is [`positional`] and holds for an
/// answer whose body differs from this value at one place only. Whole answers that a choice allows are not looked at.
#[must_use]
pub fn mismatches_at(
    expect: &Expect,
    response: &Response,
    body: &Json<'_>,
    place: &[Spot<'_>],
    step: &str,
) -> Vec<Mismatch> {
    let body = body::Parsed::brief(&response.body, Some(body), Focus::Only(place));
    let mut found = body::compare(expect, response, &body, step);
    at::compare(expect, &body, step, &mut found);
    found.mismatches
}

/// Compares a value with a pattern.
#[must_use]
pub fn check_value(pattern: &JsonPattern, value: &Json<'_>, step: &str, part: Part) -> Judgement {
    let mut judge = judge::Judge::new(&pattern.checks, Matcher { body: Body::Json(value) }, step, part);
    judge.node(&pattern.root, Some(value));
    judge.finish()
}

fn judge(expect: &Expect, response: &Response, body: &body::Parsed<'_>, step: &str) -> Judgement {
    let mut found = Judgement::default();
    head::status(expect, response, step, &mut found);
    head::headers(expect, response, step, &mut found);
    found.absorb(body::compare(expect, response, body, step));
    at::compare(expect, body, step, &mut found);
    readings(expect, response, body, step, &mut found);
    found
}

/// Whole answers that a choice allows: which ones match, and how the nearest differs when none does.
fn readings(expect: &Expect, response: &Response, body: &body::Parsed<'_>, step: &str, found: &mut Judgement) {
    let mut choices: Vec<&ChoiceId> = expect.readings.iter().map(|reading| &reading.choice).collect();
    choices.dedup();
    let mut done: Vec<&ChoiceId> = Vec::new();
    for choice in choices {
        if done.contains(&choice) {
            continue;
        }
        done.push(choice);
        let tried: Vec<(&AnswerReading, Judgement)> = expect
            .readings
            .iter()
            .filter(|reading| reading.choice == *choice)
            .map(|reading| (reading, judge(&reading.expect, response, body, step)))
            .collect();
        let holds = |judgement: &Judgement| judgement.mismatches.is_empty();
        let matching = tried.iter().filter(|(_, judgement)| holds(judgement));
        found.readings.push(ReadingFollowed {
            choice: choice.clone(),
            readings: matching.map(|(reading, _)| reading.reading.clone()).collect(),
            step: step.to_owned(),
            place: String::new(),
        });
        // The first of those with the fewest mismatches: one that matches, if any does.
        let nearest = tried.into_iter().map(|(_, judgement)| judgement).min_by_key(|each| each.mismatches.len());
        if let Some(nearest) = nearest
            && (expect.reading_required || holds(&nearest))
        {
            found.absorb(nearest);
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod xml_tests;

//! Judges mutants: [`Jury`] hears what a case saw, changes its answers one thing at a time, and asks the case again.
//!
//! A mutant is noticed when the step's expectation has a mismatch. Where the change reaches a captured value, the case's
//! `[[check]]`s and the expectations of its later steps are asked too, with the value that would have been captured.
//! What nothing in memory can tell is what a later *request* with that value would have come to: such a mutant is
//! unnoticed with the reason [`Looseness::Captured`]. Answers of setup and teardown steps are not mutated: a failure
//! there is no verdict on the service.

use std::sync::Arc;

use bytes::Bytes;

use super::loose::{Looseness, Original, why};
use super::mutants::{Change, Headers, Mutant, Operator, Place, Segment, View, mutants};
use super::survivors::{AnswerTally, Group, MutantReport, Tally};
use crate::compare::{self, Spot};
use crate::model::exchange::Response;
use crate::model::expect::{AnswerReading, BodyCheck, Expect, HeaderTest};
use crate::model::json::Json;
use crate::model::judgement::{Mismatch, Part};
use crate::model::spec::{CaptureFrom, Case, Step, StepRole, TargetSpec};
use crate::model::suite::Suite;
use crate::model::template::{Part as Piece, Template};
use crate::model::verdict::Verdict;
use crate::pattern::parse::write_json;
use crate::runner::{Answer, Testimony, capture, capture_from};
use crate::template::expect::{self, Rules};
use crate::template::{Scope, resolve_json};

/// Judges the mutants of a run.
pub struct Jury<'s> {
    suite: &'s Suite,
    strict: bool,
    tally: Tally,
}

impl<'s> Jury<'s> {
    /// A jury for cases of a suite. `strict` as the run was.
    #[must_use]
    pub fn new(suite: &'s Suite, strict: bool) -> Self {
        Self { suite, strict, tally: Tally::default() }
    }

    /// Judges every mutant of the answers of a case, if the case passed or observed; gives their number.
    pub fn hear(&mut self, testimony: &Testimony) -> u64 {
        let Some(case) = self.suite.cases.get(testimony.case) else { return 0 };
        if !matches!(testimony.outcome, Verdict::Passed | Verdict::Observed) {
            return 0;
        }
        self.tally.case();
        let mut number = 0;
        for answer in &testimony.answers {
            let Some(step) = case.steps.get(answer.step) else { continue };
            let group = Group { operation: operation(self.suite, step, answer), status: answer.response.status };
            let rules = Rules { choices: &self.suite.choices, strict: self.strict };
            let (tally, count) = Hearing { rules, case, step, testimony, answer }.judge();
            number += count;
            self.tally.absorb(&group, &case.id, tally);
        }
        number
    }

    /// The result.
    #[must_use]
    pub fn finish(self) -> MutantReport {
        self.tally.finish()
    }
}

/// The operation that was called: the documented one, or method and path as the case has them.
fn operation(suite: &Suite, step: &Step, answer: &Answer) -> String {
    let literal = |wanted: &str| {
        let (wanted, actual): (Vec<&str>, Vec<&str>) = (wanted.split('/').collect(), answer.path.split('/').collect());
        let fits = |(wanted, actual): (&&str, &&str)| {
            if wanted.starts_with('{') && wanted.ends_with('}') { !actual.is_empty() } else { wanted == actual }
        };
        let all = wanted.len() == actual.len() && wanted.iter().zip(&actual).all(fits);
        all.then(|| wanted.iter().filter(|segment| !segment.starts_with('{')).count())
    };
    let documented = suite
        .operations
        .iter()
        .filter(|operation| operation.method == answer.method)
        .filter_map(|operation| literal(&operation.path).map(|count| (count, operation)))
        .max_by_key(|(count, _)| *count);
    if let Some((_, operation)) = documented {
        return operation.id.clone();
    }
    let text = |template: &Template| -> String {
        let piece = |part: &Piece| match part {
            Piece::Text(text) => text.clone(),
            Piece::Value(_) => "{}".to_owned(),
        };
        template.parts.iter().map(piece).collect()
    };
    let path = match &step.request.target {
        TargetSpec::Path { path, .. } => text(path),
        TargetSpec::Raw(target) => text(target),
    };
    format!("{} {}", answer.method, path.split(['?', '#']).next().unwrap_or_default())
}

/// One answer, and all that its case knows.
struct Hearing<'h> {
    rules: Rules<'h>,
    case: &'h Case,
    step: &'h Step,
    testimony: &'h Testimony,
    answer: &'h Answer,
}

/// The mutants of one answer at work.
struct Bench<'b, 'h> {
    hearing: &'b Hearing<'h>,
    original: Original<'b>,
    captured: Vec<Option<Json<'static>>>,
    /// The whole answer of a choice that the unchanged answer follows.
    followed: Option<&'b AnswerReading>,
    /// A JSON value is not enough: the expectation looks at the text.
    reads_text: bool,
    /// What did not change is known to match.
    positional: bool,
    /// The expectation without its body, where the rest of an answer is judged by itself.
    head: Option<Expect>,
    scratch: Response,
    tally: AnswerTally,
    number: u64,
}

impl Bench<'_, '_> {
    fn whole(&mut self, mut mutant: Mutant) {
        mutant.swap(&mut self.scratch);
        let whole = &*self.hearing.answer.expect;
        let expect = match mutant.change {
            Change::Body(_) => whole,
            // The body is the one that held.
            Change::Status(_) | Change::Headers(_) => self.head.as_ref().unwrap_or(whole),
        };
        let mismatches = compare::mismatches(expect, &self.scratch, None, &self.hearing.step.id);
        self.ruled(&mutant, &mismatches, None);
        mutant.swap(&mut self.scratch);
    }

    fn json(&mut self, place: &Arc<Place>, operator: Operator, value: &Json<'_>) {
        let spots = spots(place, operator);
        if !self.reads_text {
            let (expect, step) = (&*self.hearing.answer.expect, &self.hearing.step.id);
            let mismatches = if self.positional {
                let found = self.changed_only(value, &spots);
                debug_assert_eq!(
                    found.is_empty(),
                    compare::mismatches(expect, &self.scratch, Some(value), step).is_empty(),
                    "{spots:?}"
                );
                found
            } else {
                compare::mismatches(expect, &self.scratch, Some(value), step)
            };
            if !mismatches.is_empty() {
                self.noticed(place, operator, &mismatches);
                return;
            }
        }
        let step = self.hearing.step;
        let as_text = step.captures.iter().any(|each| matches!(each.from, CaptureFrom::WholeBody));
        let written = self.reads_text || as_text || self.followed.is_some() || step.wanted.is_some();
        let body = if written { Bytes::from(write_json(value)) } else { self.scratch.body.clone() };
        let mut mutant = Mutant { place: place.clone(), operator, change: Change::Body(body) };
        if self.reads_text {
            self.whole(mutant);
        } else {
            mutant.swap(&mut self.scratch);
            self.ruled(&mutant, &[], Some((value, &spots)));
            mutant.swap(&mut self.scratch);
        }
    }

    /// The mismatches of an answer that differs from the one that held at this place only. Of whole answers that a choice
    /// allows, the one that was followed is the nearest.
    fn changed_only(&self, value: &Json<'_>, spots: &[Spot<'_>]) -> Vec<Mismatch> {
        let (expect, step) = (&*self.hearing.answer.expect, &self.hearing.step.id);
        let mut found = compare::mismatches_at(expect, &self.scratch, value, spots, step);
        if let Some(reading) = self.followed
            && expect.reading_required
        {
            found.extend(compare::mismatches_at(&reading.expect, &self.scratch, value, spots, step));
        }
        found
    }

    /// `value` is the mutant's body where it is JSON, and the place of it that is another.
    fn ruled(&mut self, mutant: &Mutant, mismatches: &[Mismatch], value: Option<Changed<'_>>) {
        if !mismatches.is_empty() {
            self.noticed(&mutant.place, mutant.operator, mismatches);
            return;
        }
        self.number += 1;
        let survived = self.hearing.unnoticed(mutant, value, self);
        self.tally.add(mutant.place.part, &mutant.place.name, mutant.operator, survived);
    }

    fn noticed(&mut self, place: &Place, operator: Operator, mismatches: &[Mismatch]) {
        self.number += 1;
        let mut clauses: Vec<_> = mismatches.iter().flat_map(|each| &each.clauses).collect();
        clauses.sort_unstable();
        clauses.dedup();
        clauses.into_iter().for_each(|clause| self.tally.violated(clause));
        self.tally.add(place.part, &place.name, operator, None);
    }
}

impl Hearing<'_> {
    fn judge(&self) -> (AnswerTally, u64) {
        let mut tally = AnswerTally::default();
        let (expect, response) = (&*self.answer.expect, &self.answer.response);
        let mut headers = Headers::default();
        looked_at(expect, &mut headers);
        let original = Original::new(response);
        let captured: Vec<Option<Json<'static>>> =
            self.step.captures.iter().map(|each| capture(each, response).ok()).collect();
        let all = mutants(response, &headers);
        tally.left_out(all.left_out());
        let mut bench = Bench {
            hearing: self,
            original,
            captured,
            followed: expect.readings.iter().find(|reading| !violates(&reading.expect, response)),
            reads_text: reads_text(expect),
            positional: positional(expect, response),
            head: head(expect),
            scratch: response.clone(),
            tally,
            number: 0,
        };
        all.visit(|view| match view {
            View::Made(mutant) => bench.whole(mutant),
            View::Json(place, operator, value) => bench.json(place, operator, value),
        });
        (bench.tally, bench.number)
    }

    /// What the expectation did not notice: `None` when something else in the case would, or why nothing does.
    fn unnoticed(&self, mutant: &Mutant, value: Option<Changed<'_>>, bench: &Bench<'_, '_>) -> Option<Looseness> {
        let mutated = &bench.scratch;
        let mut later = None;
        match self.changed(mutant, mutated, value, &bench.captured) {
            Some(changed) if changed.is_empty() => {}
            Some(changed) => {
                if self.noticed_later(&changed) {
                    return None;
                }
                let used = self.case.steps.iter().skip(self.answer.step + 1).any(|step| step.role == StepRole::Main);
                let kept = used && mutant.place.part != Part::Status;
                later = changed.into_iter().next().filter(|_| kept).map(|(name, _)| Looseness::Captured(name));
            }
            // A capture that finds nothing fails the case.
            None => return None,
        }
        let mut reason = self.reason(mutant, bench);
        if reason <= Looseness::Unlisted {
            if let Some(later) = later {
                reason = later;
            } else if self.answer.wanted.as_ref().is_some_and(|wanted| violates(wanted, mutated)) {
                reason = Looseness::Wanted;
            } else if self.case.observe {
                reason = Looseness::Observe;
            }
        }
        Some(reason)
    }

    fn reason(&self, mutant: &Mutant, bench: &Bench<'_, '_>) -> Looseness {
        let main = why(&self.answer.expect, &bench.original, mutant);
        // The reading that the answer follows has its own words about the place.
        match bench.followed {
            Some(reading) if main <= Looseness::Unlisted => {
                if violates(&reading.expect, &bench.scratch) {
                    Looseness::Choice(reading.choice.clone())
                } else {
                    main.max(why(&reading.expect, &bench.original, mutant))
                }
            }
            _ => main,
        }
    }

    /// Captured values that the mutant changes, by full name; `None` when one would find nothing.
    fn changed(
        &self,
        mutant: &Mutant,
        mutated: &Response,
        value: Option<Changed<'_>>,
        captured: &[Option<Json<'static>>],
    ) -> Option<Vec<(String, Json<'static>)>> {
        let mut changed = Vec::new();
        if let Change::Status(_) = mutant.change {
            changed.push((format!("{}.status", self.step.id), Json::integer(i64::from(mutated.status))));
            return Some(changed);
        }
        for (spec, before) in self.step.captures.iter().zip(captured) {
            let elsewhere = match mutant.change {
                Change::Body(_) => matches!(spec.from, CaptureFrom::Header(_)),
                _ => !matches!(spec.from, CaptureFrom::Header(_)),
            };
            let untouched = match (&spec.from, value) {
                (CaptureFrom::Body(path), Some((_, place))) => !compare::touches(path, place),
                _ => false,
            };
            if elsewhere || untouched {
                continue;
            }
            let after = capture_from(spec, mutated, value.map(|(value, _)| value)).ok()?;
            if before.as_ref() != Some(&after) {
                changed.push((format!("{}.{}", self.step.id, spec.name), after));
            }
        }
        Some(changed)
    }

    /// Whether a check of the case, or the expectation of a later step, notices other captured values.
    fn noticed_later(&self, changed: &[(String, Json<'static>)]) -> bool {
        let later = self.testimony.answers.iter().any(|other| other.step > self.answer.step);
        if self.case.checks.is_empty() && !later {
            return false;
        }
        let mut scope = self.testimony.scope.clone();
        for (name, value) in changed {
            scope.set(name.clone(), value.clone());
        }
        let check = self.case.checks.iter().enumerate().filter(|(_, spec)| !spec.wanted).any(|(index, spec)| {
            let resolved = expect::check(spec, index, &self.case.clauses, &mut scope, self.rules);
            resolved.map_or(true, |(value, pattern)| {
                !compare::check_value(&pattern, &value, &spec.title, Part::Check).mismatches.is_empty()
            })
        });
        check
            || self.testimony.answers.iter().filter(|other| other.step > self.answer.step).any(|other| {
                let Some(step) = self.case.steps.get(other.step) else { return false };
                bind(step, &mut scope)
                    .and_then(|()| expect::resolve(&step.expect, &mut scope, self.rules).ok())
                    .is_none_or(|expect| violates(&expect, &other.response))
            })
    }
}

/// Whether only what has changed of a JSON body needs to be compared. Where a choice allows whole answers, there must be
/// one that status and header fields alone leave: a body cannot turn such an answer into another one.
fn positional(expect: &Expect, response: &Response) -> bool {
    let possible = |reading: &&AnswerReading| {
        let reading = &reading.expect;
        head(reading).is_none_or(|head| !violates(&head, response))
    };
    let left: Vec<&AnswerReading> = expect.readings.iter().filter(possible).collect();
    let readings = match (expect.readings.is_empty(), left.as_slice()) {
        (true, _) => true,
        (false, [one]) => {
            let same = |other: &AnswerReading| other.choice == one.choice && other.expect.readings.is_empty();
            expect.readings.iter().all(same) && compare::positional(&one.expect) && !violates(&one.expect, response)
        }
        (false, _) => false,
    };
    readings && compare::positional(expect)
}

/// A changed JSON body, and where it is another: nowhere but at this place and below.
type Changed<'v> = (&'v Json<'v>, &'v [Spot<'v>]);

/// Where a JSON body with this change is another: at the place, or, where an entry went, came or was renamed, at what
/// holds it.
fn spots(place: &Place, operator: Operator) -> Vec<Spot<'_>> {
    let entry = matches!(operator, Operator::Removed | Operator::Duplicated | Operator::Renamed | Operator::NameCase);
    let length = place.path.len().saturating_sub(usize::from(entry));
    fn spot(segment: &Segment) -> Spot<'_> {
        match segment {
            Segment::Index(at) => Spot::Index(*at),
            Segment::Key(name) | Segment::Child(name, ..) | Segment::Attribute(name) => Spot::Key(name),
        }
    }
    place.path.iter().take(length).map(spot).collect()
}

/// Gives a step's `with` its values.
fn bind(step: &Step, scope: &mut Scope) -> Option<()> {
    for (name, template) in &step.with {
        let value = resolve_json(template, scope, false).ok()?;
        scope.set(format!("with.{name}"), value);
    }
    Some(())
}

fn violates(expect: &Expect, response: &Response) -> bool {
    !compare::mismatches(expect, response, None, "").is_empty()
}

/// The expectation of status and header fields alone; `None` where the body is judged by them.
fn head(expect: &Expect) -> Option<Expect> {
    if !expect.readings.is_empty() || matches!(expect.body, BodyCheck::WellFormed) {
        return None;
    }
    Some(Expect {
        status: expect.status.clone(),
        headers: expect.headers.clone(),
        body: BodyCheck::Unchecked,
        at: Vec::new(),
        readings: Vec::new(),
        reading_required: false,
        fallback: expect.fallback.clone(),
    })
}

/// Whether an expectation looks at the text of a body, not at what it means.
fn reads_text(expect: &Expect) -> bool {
    matches!(expect.body, BodyCheck::Text(_) | BodyCheck::TextRegex(_) | BodyCheck::TextContains(_))
        || expect.readings.iter().any(|reading| reads_text(&reading.expect))
}

/// Names of the header fields that an expectation looks at.
fn looked_at<'e>(expect: &'e Expect, headers: &mut Headers<'e>) {
    for check in &expect.headers {
        headers.names.push(&check.name);
        if matches!(check.rule, HeaderTest::Absent) {
            headers.forbidden.push(&check.name);
        }
    }
    for reading in &expect.readings {
        looked_at(&reading.expect, headers);
    }
}

#[cfg(test)]
mod tests;

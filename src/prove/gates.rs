//! Mutants of the suite's own gates: takes checks, cases and clauses away and looks whether anything turns red. [`gates`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lock::{Lock, case_lines};
use crate::conclude::Conclusion;
use crate::known::{self, KnownFailures};
use crate::model::clause::Level;
use crate::model::spec::{Case, ExpectBody, ExpectSpec};
use crate::model::suite::Suite;
use crate::model::target::KnownFailure;
use crate::model::template::{JsonTemplate, XmlTemplate, XmlText};
use crate::model::verdict::{Exit, SkipCode, Verdict};
use crate::record::{SummaryRecord, sample};
use crate::select::{Selection, select};

/// Mutants of one kind that survived and are named.
const NAMED: usize = 20;

/// One kind of damage, done everywhere that it can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateProof {
    /// Stable name.
    pub id: String,
    /// What is done to the suite.
    pub sentence: String,
    /// How often it was done.
    pub tried: usize,
    /// Where nothing noticed it, the first of them.
    pub missed: Vec<String>,
    /// How often nothing noticed it.
    pub missed_count: usize,
}

impl GateProof {
    fn new(id: &str, sentence: &str) -> Self {
        Self { id: id.to_owned(), sentence: sentence.to_owned(), tried: 0, missed: Vec::new(), missed_count: 0 }
    }

    fn tried(&mut self, noticed: bool, place: impl FnOnce() -> String) {
        self.tried += 1;
        if !noticed {
            self.missed_count += 1;
            if self.missed.len() < NAMED {
                self.missed.push(place());
            }
        }
    }
}

/// Damages the suite in every way and tells what was noticed.
#[must_use]
pub fn gates(suite: &Suite) -> Vec<GateProof> {
    vec![cases(suite), clauses(suite), expectations(suite), blanks(suite), known_failures(suite), selections(suite)]
}

/// Every case dropped, made an observation, or made to run only strictly.
fn cases(suite: &Suite) -> GateProof {
    let mut gate = GateProof::new("case-dropped", "A case is deleted, or turned into an observation.");
    let stored = Lock::of(suite);
    let mut damaged = suite.clone();
    for index in 0..suite.cases.len() {
        let case = damaged.cases.remove(index);
        // Comparing the entries of one case costs nothing; the whole list is compared for the first only.
        let noticed =
            if index == 0 { !stored.compare(&Lock::of(&damaged)).is_empty() } else { stored.has(case.id.as_str()) };
        gate.tried(noticed, || case.id.to_string());
        let mut observing = case.clone();
        observing.observe = !observing.observe;
        gate.tried(case_lines(&observing) != case_lines(&case), || format!("{} observed", case.id));
        damaged.cases.insert(index, case);
    }
    gate
}

fn clauses(suite: &Suite) -> GateProof {
    let mut gate = GateProof::new("clause-excluded", "A clause is excluded, or taken off the list.");
    let stored = Lock::of(suite);
    let none = Suite { clauses: Vec::new(), ..suite.clone() };
    let gone = stored.compare(&Lock::of(&none)).gone;
    for clause in &suite.clauses {
        let name = format!("clause {}", clause.id);
        gate.tried(gone.iter().any(|(entry, _)| *entry == name), || clause.id.to_string());
    }
    gate
}

/// Every single expectation of every case deleted.
fn expectations(suite: &Suite) -> GateProof {
    let mut gate = GateProof::new("expectation-deleted", "One expectation of a case is deleted.");
    for case in &suite.cases {
        damage(case, &mut gate, Damage::Delete);
    }
    gate
}

/// Every single value of every pattern replaced by one that accepts anything.
fn blanks(suite: &Suite) -> GateProof {
    let mut gate = GateProof::new("expectation-blanked", "One expected value is replaced by anything at all.");
    for case in &suite.cases {
        damage(case, &mut gate, Damage::Blank);
    }
    gate
}

/// Known failures widened until they are about everything, while everything passes: the list must be called stale.
fn known_failures(suite: &Suite) -> GateProof {
    let mut gate = GateProof::new("known-failure-widened", "The pattern of a known failure is widened to everything.");
    let entry = |case: Option<&str>, clause: Option<&str>| KnownFailure {
        case: case.map(str::to_owned),
        clause: clause.map(str::to_owned),
        check: None,
        got: None,
        reason: "widened".to_owned(),
        issue: None,
        expires: None,
        flaky: false,
    };
    for (name, entry) in [("over cases", entry(Some("*"), None)), ("over clauses", entry(None, Some("*")))] {
        gate.tried(is_stale(suite, entry), || name.to_owned());
    }
    gate
}

/// Whether a run in which every case passes ends as one with a stale list, when the list has just this entry.
fn is_stale(suite: &Suite, entry: KnownFailure) -> bool {
    let known = known::entries(&[entry], suite).and_then(|entries| KnownFailures::new(&entries, "2000-01-01"));
    let Ok(mut known) = known else { return true };
    let mut conclusion = Conclusion::new(Level::Implied, &suite.clauses);
    for case in &suite.cases {
        let mut record = sample::case(case.id.as_str(), 1, &case.title, Verdict::Passed);
        record.clauses = case.cited();
        known.apply(&mut record);
        conclusion.add(&record);
    }
    conclusion.finish(&SummaryRecord::default(), None, known.problems(), 0).exit == Exit::StaleList
}

/// Selections that run nothing.
fn selections(suite: &Suite) -> GateProof {
    let mut gate = GateProof::new("selection-emptied", "A selection matches nothing, or everything is skipped.");
    let nothing = |pattern: &str| Selection { patterns: vec![pattern.to_owned()], ..Selection::default() };
    gate.tried(select(suite, &nothing("no-case-is-called-so")).is_err(), || "a filter without a match".to_owned());
    gate.tried(select(&Suite::default(), &Selection::default()).is_err(), || "a suite without cases".to_owned());
    let end = |conclusion: Conclusion| conclusion.finish(&SummaryRecord::default(), None, Vec::new(), 0).exit;
    let empty = Conclusion::new(Level::Implied, &suite.clauses);
    gate.tried(end(empty) == Exit::NothingProven, || "a run without cases".to_owned());
    let mut skipped = Conclusion::new(Level::Implied, &suite.clauses);
    for case in &suite.cases {
        let outcome = Verdict::Skipped { code: SkipCode::Disabled, detail: String::new() };
        skipped.add(&sample::case(case.id.as_str(), 1, &case.title, outcome));
    }
    gate.tried(end(skipped) == Exit::NothingProven, || "a run that skips every case".to_owned());
    gate
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Damage {
    Delete,
    Blank,
}

/// Does the damage at one place after the other until there is no place left.
fn damage(case: &Case, gate: &mut GateProof, how: Damage) {
    let honest = case_lines(case);
    for at in 0.. {
        let mut damaged = case.clone();
        let mut cut = Cut { at, how };
        if !cut.case(&mut damaged) {
            return;
        }
        gate.tried(case_lines(&damaged) != honest, || format!("{}, place {at}", case.id));
    }
}

/// Counts places down and does its damage at the last.
struct Cut {
    at: usize,
    how: Damage,
}

impl Cut {
    /// Whether this place is the one.
    fn here(&mut self) -> bool {
        let here = self.at == 0;
        self.at = self.at.wrapping_sub(1);
        here
    }

    fn remove<T>(&mut self, list: &mut Vec<T>) -> bool {
        if self.how == Damage::Delete {
            for index in 0..list.len() {
                if self.here() {
                    list.remove(index);
                    return true;
                }
            }
        }
        false
    }

    fn case(&mut self, case: &mut Case) -> bool {
        for step in Arc::make_mut(&mut case.steps) {
            if self.expect(&mut step.expect) {
                return true;
            }
            if let Some(wanted) = &mut step.wanted
                && self.expect(wanted)
            {
                return true;
            }
        }
        self.remove(&mut case.checks) || case.checks.iter_mut().any(|check| self.json(&mut check.is))
    }

    fn expect(&mut self, expect: &mut ExpectSpec) -> bool {
        if self.remove(&mut expect.status)
            || self.remove(&mut expect.headers)
            || self.remove(&mut expect.at)
            || self.remove(&mut expect.readings)
        {
            return true;
        }
        if self.how == Damage::Delete && expect.body != ExpectBody::Unchecked && self.here() {
            expect.body = ExpectBody::Unchecked;
            return true;
        }
        let found = match &mut expect.body {
            ExpectBody::Json(pattern) => self.json(Arc::make_mut(pattern)),
            ExpectBody::Xml(pattern) => self.xml(pattern),
            _ => false,
        };
        found
            || expect.at.iter_mut().filter_map(|at| at.is.as_mut()).any(|is| self.json(is))
            || expect.readings.iter_mut().any(|reading| self.expect(&mut reading.expect))
    }

    fn json(&mut self, pattern: &mut JsonTemplate) -> bool {
        match pattern {
            JsonTemplate::Array(items) => self.remove(items) || items.iter_mut().any(|item| self.json(item)),
            JsonTemplate::Object(members) if members.first().is_some_and(|(key, _)| is_operator(key)) => {
                self.operator(members)
            }
            JsonTemplate::Object(members) => {
                self.remove(members) || members.iter_mut().any(|(_, value)| self.json(value))
            }
            leaf => {
                let blank = self.how == Damage::Blank && self.here();
                if blank {
                    *leaf = JsonTemplate::Object(vec![("$any".to_owned(), JsonTemplate::Bool(true))]);
                }
                blank
            }
        }
    }

    /// Only operands that are patterns themselves: anything else is the value that the operator asks for.
    fn operator(&mut self, members: &mut [(String, JsonTemplate)]) -> bool {
        let patterns = ["$each", "$optional", "$not", "$open", "$closed", "$contains", "$is"];
        let lists = ["$unordered", "$concat", "$one_of", "$all"];
        members.iter_mut().any(|(key, value)| match value {
            JsonTemplate::Array(items) if lists.contains(&key.as_str()) => {
                // The last alternative cannot go without the operator.
                (items.len() > 1 && self.remove(items)) || items.iter_mut().any(|item| self.json(item))
            }
            JsonTemplate::Object(readings) if key == "$readings" => {
                (readings.len() > 1 && self.remove(readings)) || readings.iter_mut().any(|(_, value)| self.json(value))
            }
            value => patterns.contains(&key.as_str()) && self.json(value),
        })
    }

    fn xml(&mut self, element: &mut XmlTemplate) -> bool {
        if self.remove(&mut element.attributes)
            || self.remove(&mut element.children)
            || element.children.iter_mut().any(|child| self.xml(child))
        {
            return true;
        }
        match &mut element.text {
            XmlText::Pattern(pattern) => self.json(pattern),
            text => {
                let blank = self.how == Damage::Blank && element.children.is_empty() && self.here();
                if blank {
                    let any = JsonTemplate::Object(vec![("$any".to_owned(), JsonTemplate::Bool(true))]);
                    *text = XmlText::Pattern(any);
                }
                blank
            }
        }
    }
}

fn is_operator(key: &str) -> bool {
    key.starts_with('$') && !key.starts_with("$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_damage_to_the_suite_is_noticed() {
        let suite = crate::load::suite(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"))).unwrap();
        let gates = gates(&suite);
        for gate in &gates {
            assert!(gate.tried > 1, "{} was not tried", gate.id);
            assert_eq!(gate.missed, Vec::<String>::new(), "{}", gate.id);
        }
        let tried = |id: &str| gates.iter().find(|gate| gate.id == id).map_or(0, |gate| gate.tried);
        // More than one place in each case, or the damage does not reach into the patterns.
        assert!(tried("expectation-deleted") > 5 * suite.cases.len());
        assert!(tried("expectation-blanked") > suite.cases.len());
    }

    #[test]
    fn a_gate_that_notices_nothing_is_named() {
        let mut gate = GateProof::new("a", "b");
        for at in 0..NAMED + 5 {
            gate.tried(false, || at.to_string());
        }
        gate.tried(true, || unreachable!("only what is missed is named"));
        assert_eq!((gate.tried, gate.missed_count, gate.missed.len()), (NAMED + 6, NAMED + 5, NAMED));
    }
}

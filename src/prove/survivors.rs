//! What survived, over all cases: [`Tally`] counts, [`MutantReport`] is the result.
//!
//! A place counts as looked at when one case of the same operation and status notices a change of it; that another case
//! does not look there is no negligence.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::loose::Looseness;
use super::mutants::Operator;
use crate::model::id::{CaseId, ClauseId};
use crate::model::judgement::Part;

/// What became of all mutants. Everything in it is in a stable order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MutantReport {
    /// Cases whose answers were mutated.
    pub cases: u64,
    /// Their answers.
    pub answers: u64,
    /// Mutants judged.
    pub generated: u64,
    /// Mutants that a case noticed.
    pub killed: u64,
    /// Places that were not mutated because a body is very large, or a list long.
    pub left_out: u64,
    /// By operator.
    pub operators: Vec<OperatorCount>,
    /// How many mutants violated each clause.
    pub clauses: BTreeMap<ClauseId, u64>,
    /// What no case notices.
    pub survived: Vec<Survivor>,
    /// Cases that notice a change which no other case notices, sorted.
    pub alone: Vec<CaseId>,
    /// Cases that notice none of the changes of their answers, sorted.
    pub toothless: Vec<CaseId>,
}

impl std::fmt::Display for Survivor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = match (self.part, self.place.as_str()) {
            (Part::Status, _) => "the status".to_owned(),
            (Part::Header, name) => format!("header {name}"),
            (_, "") => "the whole body".to_owned(),
            (_, place) => place.to_owned(),
        };
        write!(f, "{} {}: {place}, {}", self.operation, self.status, self.operator.word())
    }
}

/// Mutants of one operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorCount {
    /// The operator.
    pub operator: Operator,
    /// Mutants judged.
    pub generated: u64,
    /// Mutants that a case noticed.
    pub killed: u64,
}

/// A change that no case notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survivor {
    /// Id of the operation, or method and path where no documented one is meant.
    pub operation: String,
    /// Status of the answers.
    pub status: u16,
    /// Part of the answer.
    pub part: Part,
    /// Place with positions as `*`; empty for the status and the whole body.
    pub place: String,
    /// What was changed.
    pub operator: Operator,
    /// How many mutants changed this.
    pub mutants: u64,
    /// Cases that saw such an answer and did not notice, sorted.
    pub cases: Vec<CaseId>,
    /// Why it may be meant so; `None` is negligence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliberate: Option<Looseness>,
}

impl MutantReport {
    /// What no case notices and nobody meant.
    pub fn negligent(&self) -> impl Iterator<Item = &Survivor> {
        self.survived.iter().filter(|survivor| survivor.deliberate.is_none())
    }
}

/// Answers that are judged together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// As [`Survivor::operation`].
    pub operation: String,
    /// Status.
    pub status: u16,
}

/// One change of one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    group: Group,
    part: Part,
    place: String,
    operator: Operator,
}

#[derive(Clone, Debug, Default)]
struct Count {
    mutants: u64,
    noticed: bool,
    /// The only case that noticed, so far.
    alone: Option<CaseId>,
    reason: Option<Looseness>,
    cases: BTreeSet<CaseId>,
}

/// Counts while the mutants are judged.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: BTreeMap<Key, Count>,
    operators: BTreeMap<Operator, (u64, u64)>,
    clauses: BTreeMap<ClauseId, u64>,
    cases: u64,
    answers: u64,
    left_out: u64,
    /// Cases whose answers were mutated, and whether they noticed any of it.
    teeth: BTreeMap<CaseId, bool>,
}

/// What became of one change of an answer.
#[derive(Clone, Debug, Default)]
struct Change {
    mutants: u64,
    noticed: bool,
    reason: Option<Looseness>,
}

/// The mutants of one answer, by place and operator.
#[derive(Clone, Debug, Default)]
pub struct AnswerTally {
    counts: std::collections::HashMap<(Part, String, Operator), Change>,
    generated: [u64; Operator::ALL.len()],
    killed: [u64; Operator::ALL.len()],
    clauses: std::collections::HashMap<ClauseId, u64>,
    left_out: u64,
}

impl AnswerTally {
    /// A mutant that was noticed, or why it was not.
    pub fn add(&mut self, part: Part, place: &str, operator: Operator, survived: Option<Looseness>) {
        self.generated[operator as usize] += 1;
        self.killed[operator as usize] += u64::from(survived.is_none());
        let count = self.counts.entry((part, place.to_owned(), operator)).or_default();
        count.mutants += 1;
        match survived {
            None => count.noticed = true,
            Some(reason) => count.reason = count.reason.take().max(Some(reason)),
        }
    }

    /// A clause that a mutant violated.
    pub fn violated(&mut self, clause: &ClauseId) {
        match self.clauses.get_mut(clause) {
            Some(count) => *count += 1,
            None => drop(self.clauses.insert(clause.clone(), 1)),
        }
    }

    /// Places that were not mutated.
    pub fn left_out(&mut self, places: usize) {
        self.left_out += places as u64;
    }
}

impl Tally {
    /// One more case.
    pub fn case(&mut self) {
        self.cases += 1;
    }

    /// Takes over an answer of a case.
    pub fn absorb(&mut self, group: &Group, case: &CaseId, answer: AnswerTally) {
        self.answers += 1;
        self.left_out += answer.left_out;
        *self.teeth.entry(case.clone()).or_default() |= answer.killed.iter().any(|killed| *killed > 0);
        for (at, operator) in Operator::ALL.iter().enumerate() {
            if answer.generated[at] > 0 {
                let count = self.operators.entry(*operator).or_default();
                count.0 += answer.generated[at];
                count.1 += answer.killed[at];
            }
        }
        for (clause, count) in answer.clauses {
            *self.clauses.entry(clause).or_default() += count;
        }
        for ((part, place, operator), Change { mutants, noticed, reason }) in answer.counts {
            let count = self.counts.entry(Key { group: group.clone(), part, place, operator }).or_default();
            count.mutants += mutants;
            if noticed {
                let alone = !count.noticed || count.alone.as_ref() == Some(case);
                count.alone = alone.then(|| case.clone());
            }
            if noticed || count.noticed {
                count.noticed = true;
                count.reason = None;
                count.cases.clear();
            } else {
                count.reason = count.reason.take().max(reason);
                count.cases.insert(case.clone());
            }
        }
    }

    /// The result.
    #[must_use]
    pub fn finish(self) -> MutantReport {
        let operators: Vec<OperatorCount> = self
            .operators
            .into_iter()
            .map(|(operator, (generated, killed))| OperatorCount { operator, generated, killed })
            .collect();
        let alone: BTreeSet<&CaseId> = self.counts.values().filter_map(|count| count.alone.as_ref()).collect();
        let alone = alone.into_iter().cloned().collect();
        let toothless = self.teeth.into_iter().filter(|(_, bites)| !bites).map(|(case, _)| case).collect();
        let survived = self.counts.into_iter().filter(|(_, count)| !count.noticed).map(|(key, count)| Survivor {
            operation: key.group.operation,
            status: key.group.status,
            part: key.part,
            place: key.place,
            operator: key.operator,
            mutants: count.mutants,
            cases: count.cases.into_iter().collect(),
            deliberate: count.reason.filter(|reason| !reason.is_negligent()),
        });
        MutantReport {
            cases: self.cases,
            answers: self.answers,
            generated: operators.iter().map(|each| each.generated).sum(),
            killed: operators.iter().map(|each| each.killed).sum(),
            left_out: self.left_out,
            survived: survived.collect(),
            alone,
            toothless,
            operators,
            clauses: self.clauses,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(reason: Option<Looseness>) -> AnswerTally {
        let mut tally = AnswerTally::default();
        tally.add(Part::Body, "/a", Operator::Null, reason);
        tally
    }

    fn report(answers: &[(&str, u16, Option<Looseness>)]) -> MutantReport {
        let mut tally = Tally::default();
        for (case, status, reason) in answers {
            let group = Group { operation: "op".to_owned(), status: *status };
            tally.absorb(&group, &CaseId::new(case), answer(reason.clone()));
        }
        tally.finish()
    }

    fn typed() -> Looseness {
        Looseness::Operator("$type".to_owned())
    }

    #[test]
    fn one_case_that_notices_is_enough() {
        for answers in [[None, Some(Looseness::Unlisted)], [Some(Looseness::Unlisted), None]] {
            let [first, second] = answers;
            let report = report(&[("b", 200, first), ("a", 200, second)]);
            assert_eq!((report.generated, report.killed), (2, 1));
            assert_eq!(report.survived, []);
        }
        // A case of another status does not help.
        let report = report(&[("b", 200, Some(Looseness::Unlisted)), ("a", 400, None)]);
        assert_eq!(report.negligent().map(|each| each.status).collect::<Vec<_>>(), [200]);
    }

    #[test]
    fn what_one_case_means_excuses_the_others_and_what_says_nothing_does_not() {
        let survivor = |answers: &[(&str, u16, Option<Looseness>)]| report(answers).survived.remove(0);
        let meant = survivor(&[("b", 200, Some(Looseness::Unlisted)), ("a", 200, Some(typed()))]);
        assert_eq!(meant.deliberate, Some(typed()));
        assert_eq!(meant.cases, [CaseId::new("a"), CaseId::new("b")]);
        let body = Looseness::Body("body = \"unchecked\"".to_owned());
        let negligent = survivor(&[("b", 200, Some(body.clone())), ("a", 200, Some(Looseness::Unlisted))]);
        assert_eq!(negligent.deliberate, None);
        assert_eq!(survivor(&[("a", 200, Some(body.clone()))]).deliberate, Some(body));
    }

    #[test]
    fn the_order_in_which_cases_end_does_not_matter() {
        let one = ("a", 200, Some(typed()));
        let two = ("b", 200, Some(Looseness::Wanted));
        let three = ("c", 404, Some(Looseness::Unlisted));
        let forth = report(&[one.clone(), two.clone(), three.clone()]);
        assert_eq!(forth, report(&[three, two, one]));
        assert_eq!(forth.survived.len(), 2);
    }
}

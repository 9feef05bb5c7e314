//! What a proof found: [`Proof`], plain data that is rendered and stored.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::bench::{Broken, Outcome};
use super::gates::GateProof;
use super::survivors::MutantReport;
use crate::model::clause::Level;
use crate::model::id::{CaseId, ClauseId};

/// Everything that a proof found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// SHA-256 of the suite.
    pub suite: String,
    /// Number of cases in it.
    pub cases: usize,
    /// Whether every fault and variation was tried.
    pub whole: bool,
    /// The honest service, lenient and strict.
    pub honest: Vec<Honest>,
    /// Every fault, by clause.
    pub faults: Vec<FaultProof>,
    /// Every variation, once for each way of reading in which it is legal.
    pub variations: Vec<VariationProof>,
    /// Answers with one thing wrong, judged again; `None` when that was not tried.
    pub mutants: Option<MutantProof>,
    /// Damage to the suite itself.
    pub gates: Vec<GateProof>,
    /// What differs between the suite and its stored list of checks, in sentences; empty when nothing does.
    pub lock: Vec<String>,
    /// Every clause, in the order of the documents.
    pub clauses: Vec<ClauseProof>,
    /// Cases that notice nothing which no other case notices: without one of them the same faults would be killed, and
    /// the same wrong answers noticed.
    pub idle: Vec<CaseId>,
    /// Those of them that notice nothing at all.
    pub toothless: Vec<CaseId>,
}

/// A run against the honest service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Honest {
    /// Whether only literal readings were accepted.
    pub strict: bool,
    /// Cases that ran.
    pub ran: usize,
    /// Cases that were skipped.
    pub skipped: usize,
    /// Cases that accuse it.
    pub accused: Vec<Accused>,
}

/// A case that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accused {
    /// The case.
    pub case: CaseId,
    /// Clauses that its failed checks cite; empty when it could not be judged.
    pub clauses: Vec<ClauseId>,
    /// What was seen, in one sentence each.
    pub seen: Vec<String>,
}

/// What became of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A check that cites the broken clause failed.
    Killed,
    /// No check of the clause failed in a case, and the run fails by the clause: answers to several cases follow two
    /// readings of a choice that must be followed one way throughout.
    Run,
    /// A check that cites the broken clause failed, but only with `--strict`: a lenient run follows a reading of the documents that allows it.
    Strict,
    /// Only checks of other clauses failed, or cases could not be judged.
    Elsewhere,
    /// Nothing noticed it.
    Survived,
}

impl Standing {
    /// Whether a check that cites the broken clause failed.
    #[must_use]
    pub fn is_killed(self) -> bool {
        matches!(self, Standing::Killed | Standing::Run | Standing::Strict)
    }

    /// Whether a run without `--strict` tells of it.
    #[must_use]
    pub fn is_lenient(self) -> bool {
        matches!(self, Standing::Killed | Standing::Run)
    }
}

/// A fault and who noticed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultProof {
    /// The fault.
    pub id: String,
    /// The clause that it breaks.
    pub clause: ClauseId,
    /// What the service does wrong.
    pub sentence: String,
    /// What became of it.
    pub standing: Standing,
    /// Cases in which a check that cites the clause failed.
    pub killed_by: Vec<CaseId>,
    /// Cases that failed without such a check, or could not be judged.
    pub elsewhere: Vec<CaseId>,
    /// A row of the kill matrix: every clause whose checks failed, and in how many cases.
    pub clauses: BTreeMap<ClauseId, usize>,
}

/// What became of answers with one thing wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MutantProof {
    /// How many there were.
    pub tried: u64,
    /// How many change what some case notices of answers of that operation and status.
    pub noticed: u64,
    /// How many change what no case looks at, and some case says that this is meant.
    pub tolerated: u64,
    /// Places of long lists and large bodies that were left as they are.
    pub left_out: u64,
    /// Those that went unnoticed and that nothing explains, in one sentence each.
    pub missed: Vec<String>,
}

/// A legal variation and who accused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariationProof {
    /// The variation.
    pub id: String,
    /// What allows it.
    pub allowed_by: String,
    /// What the service does otherwise.
    pub sentence: String,
    /// Whether only literal readings were accepted.
    pub strict: bool,
    /// Cases that accuse it.
    pub accused: Vec<Accused>,
}

/// What is proven of a clause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClauseProof {
    /// The clause.
    pub id: ClauseId,
    /// Its level.
    pub level: Level,
    /// What it says.
    pub text: String,
    /// Whether every fault of it was killed, and there is one; `None` for an excluded clause, and for one that this proof
    /// does not cover.
    pub proven: Option<bool>,
    /// Whether at least one of its faults was killed without `--strict`: what a lenient run says of it is worth something.
    pub lenient: bool,
    /// Cases that noticed a fault of it by a check that cites it, in a run without `--strict`.
    pub killed_by: Vec<CaseId>,
    /// Cases that did so with `--strict` only.
    pub strictly_by: Vec<CaseId>,
}

impl From<&Broken> for Accused {
    fn from(broken: &Broken) -> Self {
        Self { case: broken.case.clone(), clauses: broken.clauses.iter().cloned().collect(), seen: broken.seen.clone() }
    }
}

impl Accused {
    /// What only the run as a whole shows.
    pub(super) fn mixed(outcome: &Outcome) -> Option<Self> {
        let case = outcome.mixed.values().flatten().next()?.clone();
        let cases: BTreeSet<&str> = outcome.mixed.values().flatten().map(CaseId::as_str).collect();
        let cases: Vec<&str> = cases.into_iter().collect();
        let seen = vec![format!("a choice is answered two ways in {}", cases.join(" and "))];
        Some(Self { case, clauses: outcome.mixed.keys().cloned().collect(), seen })
    }

    /// Everything that a run says against a service.
    pub(super) fn all(outcome: &Outcome) -> Vec<Self> {
        outcome.broken.iter().map(Accused::from).chain(Self::mixed(outcome)).collect()
    }
}

impl From<MutantReport> for MutantProof {
    fn from(report: MutantReport) -> Self {
        let (mut noticed, mut tolerated, mut missed) = (report.generated, 0, Vec::new());
        for survivor in &report.survived {
            noticed -= survivor.mutants;
            if survivor.deliberate.is_some() {
                tolerated += survivor.mutants;
            } else {
                missed.push(survivor.to_string());
            }
        }
        Self { tried: report.generated, noticed, tolerated, left_out: report.left_out, missed }
    }
}

impl Proof {
    /// Faults that no check noticed.
    pub fn survivors(&self) -> impl Iterator<Item = &FaultProof> {
        self.faults.iter().filter(|fault| fault.standing == Standing::Survived)
    }

    /// Faults that only checks of other clauses noticed.
    pub fn misplaced(&self) -> impl Iterator<Item = &FaultProof> {
        self.faults.iter().filter(|fault| fault.standing == Standing::Elsewhere)
    }

    /// Variations that some case accuses.
    pub fn false_alarms(&self) -> impl Iterator<Item = &VariationProof> {
        self.variations.iter().filter(|variation| !variation.accused.is_empty())
    }

    /// Everything for which the proof is red, in sentences; empty when it is green.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut say = |count: usize, one: &str, many: &str| match count {
            0 => {}
            1 => found.push(format!("1 {one}")),
            count => found.push(format!("{count} {many}")),
        };
        let accused =
            |strict| self.honest.iter().filter(move |run| run.strict == strict).map(|run| run.accused.len()).sum();
        say(accused(false), "case fails against the honest service", "cases fail against the honest service");
        say(
            accused(true),
            "case fails against the honest service with --strict",
            "cases fail against the honest service with --strict",
        );
        say(self.survivors().count(), "fault survives", "faults survive");
        say(
            self.misplaced().count(),
            "fault is noticed, but by no check of the clause that it breaks",
            "faults are noticed, but by no check of the clause that they break",
        );
        say(self.false_alarms().count(), "legal variation is accused", "legal variations are accused");
        say(
            self.mutants.as_ref().map_or(0, |mutants| mutants.missed.len()),
            "wrong answer goes unnoticed",
            "wrong answers go unnoticed",
        );
        say(
            self.gates.iter().map(|gate| gate.missed_count).sum(),
            "damage to the suite goes unnoticed",
            "damages to the suite go unnoticed",
        );
        say(self.unproven().count(), "clause is not proven", "clauses are not proven");
        say(self.lock.len(), "difference to the stored list of checks", "differences to the stored list of checks");
        found
    }

    /// Clauses that are covered and not proven.
    pub fn unproven(&self) -> impl Iterator<Item = &ClauseProof> {
        self.clauses.iter().filter(|clause| clause.proven == Some(false))
    }
}

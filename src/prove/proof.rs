//! What a proof found: [`Proof`], plain data that is rendered and stored.

use serde::{Deserialize, Serialize};

use super::bench::Broken;
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
    /// Every clause, in the order of the documents.
    pub clauses: Vec<ClauseProof>,
    /// Cases that notice no fault which no other case notices.
    pub idle: Vec<CaseId>,
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
    /// Only checks of other clauses failed, or cases could not be judged.
    Elsewhere,
    /// Nothing noticed it.
    Survived,
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
    /// Other clauses whose checks failed.
    pub others: Vec<ClauseId>,
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
    /// Whether every fault of it was noticed by its own checks, and there is one; `None` for an excluded clause, and
    /// for one that this proof does not cover.
    pub proven: Option<bool>,
    /// Cases that noticed a fault of it by a check that cites it.
    pub killed_by: Vec<CaseId>,
}

impl From<&Broken> for Accused {
    fn from(broken: &Broken) -> Self {
        Self {
            case: broken.case.clone(),
            clauses: broken.clauses.iter().cloned().collect(),
            seen: broken.seen.clone(),
        }
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

    /// Clauses that are covered and not proven.
    pub fn unproven(&self) -> impl Iterator<Item = &ClauseProof> {
        self.clauses.iter().filter(|clause| clause.proven == Some(false))
    }
}

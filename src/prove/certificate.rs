//! The result of a proof in short, as it is stored beside the cases: [`Certificate`]. A run of the same suite reads it and
//! says of every clause that held whether a violation would have been noticed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::proof::Proof;
use crate::model::id::{CaseId, ClauseId};
use crate::record::SummaryRecord;

/// File name of the certificate, in the directory of the cases.
pub const CERTIFICATE_FILE: &str = "proof.json";
/// Version of its form.
const VERSION: u32 = 1;

/// What is proven of a suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Version of this form.
    pub proof_version: u32,
    /// SHA-256 of the suite that it is about.
    pub suite: String,
    /// Clauses by id; those that no case can test are left out.
    pub clauses: BTreeMap<ClauseId, Certified>,
}

/// What is proven of a clause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certified {
    /// Whether a violation is noticed.
    pub proven: bool,
    /// Whether one is noticed without `--strict`.
    pub lenient: bool,
    /// Cases that noticed one.
    pub killed_by: Vec<CaseId>,
}

impl Certificate {
    /// The certificate of a proof.
    #[must_use]
    pub fn of(proof: &Proof) -> Self {
        let clauses = proof.clauses.iter().filter_map(|clause| {
            let proven = clause.proven?;
            let certified = Certified { proven, lenient: clause.lenient, killed_by: clause.killed_by.clone() };
            Some((clause.id.clone(), certified))
        });
        Self { proof_version: VERSION, suite: proof.suite.clone(), clauses: clauses.collect() }
    }

    /// Reads a certificate; `None` for a text that is none, or of another version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|certificate: &Self| certificate.proof_version == VERSION)
    }

    /// The certificate as a file.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string_pretty(self).map_or_else(|_| String::new(), |text| text + "\n")
    }

    /// Marks the clauses of a run of the suite with this hash; a certificate of another suite says nothing.
    pub fn mark(&self, suite: &str, strict: bool, summary: &mut SummaryRecord) {
        if self.suite != suite {
            return;
        }
        for clause in &mut summary.clauses {
            let certified = self.clauses.get(&clause.id);
            clause.proven = certified.map(|certified| certified.proven && (strict || certified.lenient));
        }
    }
}

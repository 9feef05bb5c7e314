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
    /// Cases that noticed one without `--strict`.
    pub killed_by: Vec<CaseId>,
    /// Cases that noticed one with `--strict` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strictly_by: Vec<CaseId>,
}

impl Certificate {
    /// The certificate of a proof.
    #[must_use]
    pub fn of(proof: &Proof) -> Self {
        let clauses = proof.clauses.iter().filter_map(|clause| {
            let proven = clause.proven?;
            let certified = Certified {
                proven,
                lenient: clause.lenient,
                killed_by: clause.killed_by.clone(),
                strictly_by: clause.strictly_by.clone(),
            };
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

    /// Marks the clauses that a run of the suite with this hash has tested; a certificate of another suite says nothing.
    /// What a case says that noticed no violation of a clause is worth nothing for it: a clause is proven in this run
    /// only when a case that did notice one was run.
    pub fn mark(&self, suite: &str, strict: bool, summary: &mut SummaryRecord) {
        if self.suite != suite {
            return;
        }
        for clause in &mut summary.clauses {
            let certified = self.clauses.get(&clause.id);
            clause.proven = certified.filter(|_| !clause.cases.is_empty()).map(|certified| {
                let strictly = if strict { certified.strictly_by.as_slice() } else { &[] };
                let mut bites = certified.killed_by.iter().chain(strictly);
                certified.proven && (strict || certified.lenient) && bites.any(|case| clause.cases.contains(case))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    fn certificate(suite: &str, proven: bool, lenient: bool) -> (Certificate, SummaryRecord) {
        let mut summary = crate::record::Summary::new(&sample::clauses(), &[], &[]).finish();
        summary.clauses[0].cases = vec![CaseId::new("a/a"), CaseId::new("a/b")];
        let certified =
            Certified { proven, lenient, killed_by: vec![CaseId::new("a/b")], strictly_by: vec![CaseId::new("a/c")] };
        let clauses = BTreeMap::from([(summary.clauses[0].id.clone(), certified)]);
        (Certificate { proof_version: VERSION, suite: suite.to_owned(), clauses }, summary)
    }

    #[test]
    fn only_the_same_suite_is_marked() {
        let (certificate, mut summary) = certificate("one", true, true);
        certificate.mark("other", false, &mut summary);
        assert!(summary.clauses.iter().all(|clause| clause.proven.is_none()));
        certificate.mark("one", false, &mut summary);
        assert_eq!(summary.clauses[0].proven, Some(true));
        assert!(summary.clauses[1..].iter().all(|clause| clause.proven.is_none()));
    }

    #[test]
    fn what_only_a_strict_run_notices_is_not_proven_in_a_lenient_one() {
        for (proven, lenient, strict, expected) in [
            (true, false, false, false),
            (true, false, true, true),
            (false, true, true, false),
            (true, true, false, true),
        ] {
            let (certificate, mut summary) = certificate("one", proven, lenient);
            certificate.mark("one", strict, &mut summary);
            assert_eq!(summary.clauses[0].proven, Some(expected), "{proven} {lenient} {strict}");
        }
    }

    #[test]
    fn a_pass_of_a_case_that_never_noticed_a_violation_is_not_proven() {
        for (ran, strict, expected) in [
            (&["a/a"][..], false, Some(false)),
            (&["a/a", "a/b"], false, Some(true)),
            (&["a/c"], false, Some(false)),
            (&["a/c"], true, Some(true)),
            (&[], false, None),
        ] {
            let (certificate, mut summary) = certificate("one", true, true);
            summary.clauses[0].cases = ran.iter().map(|id| CaseId::new(id)).collect();
            certificate.mark("one", strict, &mut summary);
            assert_eq!(summary.clauses[0].proven, expected, "{ran:?} {strict}");
        }
    }

    #[test]
    fn it_is_read_as_it_is_written_and_another_version_is_refused() {
        let (certificate, _) = certificate("one", true, false);
        assert_eq!(Certificate::parse(&certificate.write()), Some(certificate.clone()));
        let newer = Certificate { proof_version: VERSION + 1, ..certificate };
        assert_eq!(Certificate::parse(&newer.write()), None);
        assert_eq!(Certificate::parse("{"), None);
    }
}

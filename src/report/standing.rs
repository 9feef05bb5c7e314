//! What a reader's tool shall make of a case: [`standing`], the one place that keeps reports in agreement with the
//! run's exit code.

use std::collections::HashMap;

use crate::model::clause::Level;
use crate::model::id::ClauseId;
use crate::model::verdict::{Exit, Verdict};
use crate::record::{CaseRecord, Record};

use super::words;

/// How a case counts in formats that know fewer verdicts. In the order in which reports show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// The service is wrong, or a known-failure list is.
    Failed,
    /// No verdict was possible.
    Errored,
    /// Failed, and does not fail the run: known, or below the level that was asked for.
    Tolerated,
    /// Did not run.
    Skipped,
    /// Passed, or only observed.
    Passed,
}

/// Decides standings for one record.
#[derive(Debug)]
pub struct Standings<'a> {
    record: &'a Record,
    levels: HashMap<&'a ClauseId, Level>,
}

impl<'a> Standings<'a> {
    /// Prepares the clause levels.
    #[must_use]
    pub fn new(record: &'a Record) -> Self {
        let levels = record.summary.clauses.iter().map(|clause| (&clause.id, clause.level)).collect();
        Self { record, levels }
    }

    /// How the case counts. In a run that ends with 0 nothing is red, whatever the cases say.
    #[must_use]
    pub fn of(&self, case: &CaseRecord) -> Standing {
        let standing = match case.outcome {
            Verdict::Passed | Verdict::Observed => Standing::Passed,
            Verdict::Failed if self.required(case) => Standing::Failed,
            Verdict::Failed | Verdict::KnownFailure { .. } => Standing::Tolerated,
            Verdict::UnexpectedPass { .. } | Verdict::Flaky { .. } => Standing::Failed,
            Verdict::Errored { .. } | Verdict::Blocked { .. } => Standing::Errored,
            Verdict::Skipped { .. } | Verdict::NotRun { .. } => Standing::Skipped,
        };
        match (standing, self.record.footer.exit) {
            (Standing::Failed | Standing::Errored, Exit::Conformant) => Standing::Tolerated,
            (standing, _) => standing,
        }
    }

    /// Whether a mismatch is of a clause of the level that was asked for; one that cites nothing known is.
    fn required(&self, case: &CaseRecord) -> bool {
        let least = self.record.header.level;
        let mismatches = &case.judgement.mismatches;
        mismatches.is_empty()
            || mismatches.iter().any(|mismatch| {
                mismatch.clauses.is_empty()
                    || mismatch.clauses.iter().any(|id| self.levels.get(id).is_none_or(|level| *level <= least))
            })
    }

    /// What is wrong with the run as a whole and would not be seen from its cases. A report that lists cases only
    /// shows it as one more entry, or a broken run could look green.
    #[must_use]
    pub fn run_problem(&self) -> Option<String> {
        let footer = &self.record.footer;
        let red = |case: &CaseRecord| matches!(self.of(case), Standing::Failed | Standing::Errored);
        match footer.exit {
            Exit::Conformant => return None,
            Exit::Nonconformant | Exit::StaleList if self.record.cases.iter().any(red) => return None,
            _ => {}
        }
        let exit = footer.exit;
        let mut text = format!("{} (exit {}): {}", words::name(&exit), exit.code(), exit.meaning());
        if !footer.reasons.is_empty() {
            text.push_str(": ");
            text.push_str(&footer.reasons.join("; "));
        }
        Some(text)
    }
}

/// How one case counts. For many cases make one [`Standings`].
#[must_use]
pub fn standing(case: &CaseRecord, record: &Record) -> Standing {
    Standings::new(record).of(case)
}

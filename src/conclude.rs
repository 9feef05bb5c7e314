//! From verdicts to the end of a run: [`Conclusion`] counts, keeps the ledger, and decides the exit code and says why.

use std::collections::BTreeMap;

use crate::credible::Credibility;
use crate::model::clause::{Clause, Level};
use crate::model::id::ClauseId;
use crate::model::verdict::{ClauseVerdict, Exit, Stage, Verdict};
use crate::record::{CaseRecord, Change, Counts, Footer, LedgerEntry, ProbeRecord, SummaryRecord};

/// What a run amounts to, case by case. Needs memory for what is created and not yet removed, not for cases.
#[derive(Debug)]
pub struct Conclusion {
    level: Level,
    levels: BTreeMap<ClauseId, Level>,
    counts: Counts,
    /// Failed cases that violate a clause of the required level.
    required: u64,
    silent: u64,
    unreachable: u64,
    templates: u64,
    internal: u64,
    no_verdict: u64,
    created: u64,
    removed: u64,
    open: BTreeMap<(String, String), LedgerEntry>,
    credibility: Credibility,
}

impl Conclusion {
    /// Nothing has run yet. `level` is the lowest level of a clause whose violation fails the run.
    #[must_use]
    pub fn new(level: Level, clauses: &[Clause]) -> Self {
        Self {
            level,
            levels: clauses.iter().map(|clause| (clause.id.clone(), clause.level)).collect(),
            counts: Counts::default(),
            required: 0,
            silent: 0,
            unreachable: 0,
            templates: 0,
            internal: 0,
            no_verdict: 0,
            created: 0,
            removed: 0,
            open: BTreeMap::new(),
            credibility: Credibility::default(),
        }
    }

    /// Says that the target is being probed, and what it answers to the cases is to be compared with that.
    pub fn watch(&mut self) {
        self.credibility.watch();
    }

    /// What the target answered to nonsense.
    pub fn probed(&mut self, probes: Vec<ProbeRecord>) {
        self.credibility.probed(probes);
    }

    /// Numbers so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a case into account.
    pub fn add(&mut self, case: &CaseRecord) {
        self.counts.add(&case.outcome);
        self.credibility.add(case);
        match &case.outcome {
            Verdict::Failed => {
                let clauses = case.judgement.mismatches.iter().flat_map(|mismatch| &mismatch.clauses);
                let mut levels = clauses.filter_map(|clause| self.levels.get(clause)).peekable();
                // A mismatch that cites no known clause is never waved through.
                let required = levels.peek().is_none() || levels.any(|level| *level <= self.level);
                if required { self.required += 1 } else { self.silent += 1 }
            }
            Verdict::Errored { stage, .. } => match stage {
                Stage::Resolve | Stage::Connect | Stage::Tls => self.unreachable += 1,
                Stage::Template => self.templates += 1,
                Stage::Internal => self.internal += 1,
                _ => self.no_verdict += 1,
            },
            _ => {}
        }
        for entry in &case.ledger {
            let key = (entry.kind.clone(), entry.id.clone());
            match entry.change {
                Change::Created => {
                    self.created += 1;
                    self.open.insert(key, entry.clone());
                }
                Change::Removed => self.removed += u64::from(self.open.remove(&key).is_some()),
            }
        }
    }

    /// The footer. `others` are exit codes that something outside the cases asks for, each with its reason.
    #[must_use]
    pub fn finish(
        self,
        summary: &SummaryRecord,
        interrupted: Option<Exit>,
        others: Vec<(Exit, String)>,
        elapsed_us: u64,
    ) -> Footer {
        let mut found: Vec<(Exit, String)> = others;
        let (probes, accused) = self.credibility.finish();
        found.extend(accused.into_iter().map(|text| (Exit::TargetUnusable, text)));
        let cases = |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        if let Some(exit) = interrupted {
            found.push((exit, "the run was interrupted".to_owned()));
        }
        let ran = self.counts.total() - self.counts.skipped - self.counts.not_run;
        if self.counts.total() == 0 {
            found.push((Exit::NothingProven, "no case was selected".to_owned()));
        } else if ran == 0 && interrupted.is_none() {
            let text =
                if self.counts.not_run > 0 { "no selected case was run" } else { "every selected case was skipped" };
            found.push((Exit::NothingProven, text.to_owned()));
        }
        let mut say = |count: u64, exit: Exit, text: String| {
            if count > 0 {
                found.push((exit, text));
            }
        };
        say(self.required, Exit::Nonconformant, cases(self.required, "case failed", "cases failed"));
        say(
            self.no_verdict,
            Exit::Nonconformant,
            cases(self.no_verdict, "case got no usable answer", "cases got no usable answer"),
        );
        say(
            self.counts.blocked,
            Exit::Nonconformant,
            cases(self.counts.blocked, "case was blocked", "cases were blocked"),
        );
        say(self.counts.flaky, Exit::Nonconformant, cases(self.counts.flaky, "case is flaky", "cases are flaky"));
        say(
            self.counts.unexpected_pass,
            Exit::StaleList,
            cases(self.counts.unexpected_pass, "known failure passes", "known failures pass"),
        );
        say(
            self.unreachable,
            Exit::TargetUnusable,
            cases(self.unreachable, "case could not reach the target", "cases could not reach the target"),
        );
        say(
            self.templates,
            Exit::Usage,
            cases(
                self.templates,
                "case cannot be resolved with this target",
                "cases cannot be resolved with this target",
            ),
        );
        say(
            self.internal,
            Exit::Harness,
            cases(self.internal, "case could not be judged", "cases could not be judged"),
        );
        let violated = summary
            .clauses
            .iter()
            .filter(|clause| clause.verdict == ClauseVerdict::Violated && clause.level <= self.level)
            .count() as u64;
        // A clause may be violated in a case that is itself a known failure; that is not this run's news.
        if violated > 0 && self.required > 0 {
            found.push((Exit::Nonconformant, cases(violated, "clause is violated", "clauses are violated")));
        }
        for choice in summary.choices.iter().filter(|choice| !choice.mixed.is_empty()) {
            let ways: Vec<String> = choice.mixed.iter().map(|(reading, case)| format!("{reading} in {case}")).collect();
            found.push((
                Exit::Nonconformant,
                format!("choice {} is answered both ways: {}", choice.id, ways.join(", ")),
            ));
        }
        let exit = Exit::worst(found.iter().map(|(exit, _)| *exit));
        Footer {
            counts: self.counts,
            exit,
            reasons: found.into_iter().map(|(_, reason)| reason).collect(),
            left_behind: self.open.into_values().collect(),
            created: self.created,
            removed: self.removed,
            interrupted: interrupted.is_some(),
            probes,
            elapsed_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(conclusion: Conclusion) -> Footer {
        conclusion.finish(&SummaryRecord::default(), None, Vec::new(), 0)
    }

    fn case(outcome: Verdict) -> CaseRecord {
        crate::record::sample::case("a/b/c", 1, "t", outcome)
    }

    #[test]
    fn nothing_run_is_never_green() {
        assert_eq!(end(Conclusion::new(Level::Implied, &[])).exit, Exit::NothingProven);
        let mut skipped = Conclusion::new(Level::Implied, &[]);
        skipped.add(&case(Verdict::Skipped {
            code: crate::model::verdict::SkipCode::MissingFixture,
            detail: String::new(),
        }));
        assert_eq!(end(skipped).exit, Exit::NothingProven);
    }

    #[test]
    fn a_broken_run_never_looks_like_a_verdict() {
        let mut conclusion = Conclusion::new(Level::Implied, &[]);
        conclusion.add(&case(Verdict::Failed));
        conclusion.add(&case(Verdict::Errored { stage: Stage::Connect, detail: String::new() }));
        let footer = end(conclusion);
        assert_eq!(footer.exit, Exit::TargetUnusable);
        assert_eq!(footer.reasons.len(), 2);
    }

    #[test]
    fn no_outcome_but_pass_and_observation_is_green() {
        let green = |outcome| {
            let mut conclusion = Conclusion::new(Level::Implied, &[]);
            conclusion.add(&case(Verdict::Passed));
            conclusion.add(&case(outcome));
            end(conclusion).exit == Exit::Conformant
        };
        assert!(green(Verdict::Observed));
        assert!(green(Verdict::KnownFailure { reason: String::new() }));
        for red in [
            Verdict::Failed,
            Verdict::Errored { stage: Stage::Timeout, detail: String::new() },
            Verdict::UnexpectedPass { reason: String::new() },
            Verdict::Blocked { step: String::new(), detail: String::new() },
            Verdict::Flaky { passed: 1, runs: 2 },
        ] {
            assert!(!green(red.clone()), "{red:?}");
        }
    }
}

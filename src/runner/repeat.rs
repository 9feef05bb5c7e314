//! The same case several times: [`repeated`] makes one record of all its runs.

use super::case::{Env, run_case};
use super::dispatch::Stop;
use super::findings::Subject;
use crate::event::Finished;
use crate::model::spec::Case;
use crate::model::verdict::Verdict;
use crate::record::CaseRecord;
use crate::transport::Transport;

/// Runs a case as often as the options ask, or until the run is asked to stop. A case that is run once may be judged
/// later, if it is given as a `subject`.
pub(super) async fn repeated<T: Transport>(
    env: &Env<T>,
    case: &Case,
    subject: Option<Subject>,
    stop: &Stop,
) -> Finished {
    if env.options.repeat <= 1 {
        return run_case(env, case, subject).await;
    }
    let mut runs = Runs::default();
    loop {
        runs.add(*Box::pin(run_case(env, case, None)).await.record());
        if runs.count >= env.options.repeat || stop.requested() {
            return Finished::new(runs.finish().unwrap_or_else(|| {
                let detail = "the case was never run".to_owned();
                env.unrun(case, Verdict::NotRun { detail })
            }));
        }
    }
}

/// Runs of one case. The evidence of the first that did not pass is kept; what all of them left behind is.
#[derive(Default)]
struct Runs {
    count: u32,
    passed: u32,
    kept: Option<CaseRecord>,
}

impl Runs {
    fn add(&mut self, mut record: CaseRecord) {
        let passed = matches!(record.outcome, Verdict::Passed | Verdict::Observed);
        self.count += 1;
        self.passed += u32::from(passed);
        let Some(kept) = &mut self.kept else {
            self.kept = Some(record);
            return;
        };
        let first_failure = !passed && matches!(kept.outcome, Verdict::Passed | Verdict::Observed);
        let started = kept.started_us;
        let ended = record.started_us + record.elapsed_us;
        if first_failure {
            std::mem::swap(kept, &mut record);
            // The other way around, so that the entries stay in the order in which they were made.
            std::mem::swap(&mut kept.ledger, &mut record.ledger);
            std::mem::swap(&mut kept.teardown_problems, &mut record.teardown_problems);
        }
        kept.ledger.append(&mut record.ledger);
        kept.teardown_problems.append(&mut record.teardown_problems);
        kept.started_us = started;
        kept.elapsed_us = ended.saturating_sub(started);
    }

    /// Runs that disagree are flaky, never a pass.
    fn finish(self) -> Option<CaseRecord> {
        let mut record = self.kept?;
        if self.passed > 0 && self.passed < self.count {
            record.outcome = Verdict::Flaky { passed: self.passed, runs: self.count };
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::Stage;
    use crate::record::{Change, LedgerEntry, sample};

    fn run(outcome: Verdict, id: &str) -> CaseRecord {
        let mut record = sample::case("a/b/c", 1, "t", outcome);
        let (step, kind) = ("s".to_owned(), "thing".to_owned());
        record.ledger = vec![LedgerEntry { step, kind, id: id.to_owned(), change: Change::Created }];
        record
    }

    fn runs(outcomes: &[Verdict]) -> CaseRecord {
        let mut runs = Runs::default();
        for (at, outcome) in outcomes.iter().enumerate() {
            runs.add(run(outcome.clone(), &at.to_string()));
        }
        runs.finish().unwrap()
    }

    #[test]
    fn runs_that_disagree_are_flaky_and_show_the_one_that_did_not_pass() {
        let errored = Verdict::Errored { stage: Stage::Timeout, detail: "late".to_owned() };
        let record = runs(&[Verdict::Passed, errored.clone(), Verdict::Passed]);
        assert_eq!(record.outcome, Verdict::Flaky { passed: 2, runs: 3 });
        let ids: Vec<&str> = record.ledger.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids, ["0", "1", "2"], "what every run left behind is told, in order");
        assert_eq!(runs(&[Verdict::Passed, Verdict::Passed]).outcome, Verdict::Passed);
        assert_eq!(runs(&[Verdict::Failed, errored]).outcome, Verdict::Failed, "runs that agree in failing failed");
    }
}

//! Recomputes every verdict of a record from the evidence in it: [`recompute`] from the recorded judgements, and
//! [`again`] by judging the recorded exchanges anew.

mod replay;

pub use replay::{Again, again};

use crate::known::KnownFailures;
use crate::merge::conclude;
use crate::model::id::CaseId;
use crate::model::verdict::{Exit, Verdict};
use crate::record::{CaseRecord, Record};

/// One place where a record differs from what its evidence says, or where the evidence says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The case; `None` for the run as a whole.
    pub case: Option<CaseId>,
    /// What it is, in one sentence.
    pub text: String,
}

impl Finding {
    fn of(case: &CaseRecord, text: impl Into<String>) -> Self {
        Self { case: Some(case.id.clone()), text: text.into() }
    }

    fn run(text: impl Into<String>) -> Self {
        Self { case: None, text: text.into() }
    }
}

/// Recomputes outcomes from judgements, and clause verdicts, counts, ledger, reasons and exit code from outcomes.
/// Empty when the record agrees with itself.
#[must_use]
pub fn recompute(record: &Record) -> Vec<Finding> {
    let mut found = Vec::new();
    match KnownFailures::new(&record.header.known, &record.header.started) {
        Ok(known) => {
            for case in &record.cases {
                if let Some(text) = outcome(case, &known, record.header.repeat) {
                    found.push(Finding::of(case, text));
                }
            }
        }
        Err(error) => found.push(Finding::run(format!("the list of known failures cannot be read: {error}"))),
    }
    let recorded = &record.footer;
    let interrupted = recorded.interrupted.then_some(match recorded.exit {
        Exit::Terminated => Exit::Terminated,
        _ => Exit::Interrupted,
    });
    let probes = recorded.probes.clone();
    let (summary, footer) =
        conclude(&record.header, &record.summary, &record.cases, probes, interrupted, recorded.elapsed_us);
    for (ours, theirs) in summary.clauses.iter().zip(&record.summary.clauses) {
        if ours.verdict != theirs.verdict {
            let (id, ours, theirs) = (&theirs.id, plain(&ours.verdict), plain(&theirs.verdict));
            found.push(Finding::run(format!("the clause {id} is recorded as {theirs}, and its checks say {ours}")));
        } else if ours != theirs {
            found.push(Finding::run(format!("the numbers of the clause {} are not those of its checks", theirs.id)));
        }
    }
    if summary.choices != record.summary.choices {
        found.push(Finding::run("the readings of the choices are not those that its answers follow"));
    }
    if summary.coverage != record.summary.coverage {
        found.push(Finding::run("the coverage is not that of its exchanges"));
    }
    let mut differs = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(Finding::run(format!("{what}: recorded {theirs}, recomputed {ours}")));
        }
    };
    differs("counts", format!("{:?}", footer.counts.named()), format!("{:?}", recorded.counts.named()));
    differs("exit code", footer.exit.code().to_string(), recorded.exit.code().to_string());
    differs("reasons", footer.reasons.join("; "), recorded.reasons.join("; "));
    differs("things created", footer.created.to_string(), recorded.created.to_string());
    differs("things removed", footer.removed.to_string(), recorded.removed.to_string());
    differs("things left behind", footer.left_behind.len().to_string(), recorded.left_behind.len().to_string());
    found
}

/// Why the outcome of a case is not the one that its judgement leads to.
fn outcome(case: &CaseRecord, known: &KnownFailures, repeat: u32) -> Option<String> {
    let judgement = &case.judgement;
    let failed = !judgement.mismatches.is_empty();
    let violated = judgement.checks.iter().map(|check| check.violated).sum::<u32>();
    let held = judgement.checks.iter().any(|check| check.held > 0);
    let name = word(&case.outcome);
    if violated > 0 && !failed {
        return Some(format!("{violated} checks were violated, and no mismatch says how"));
    }
    let plain = |outcome: Verdict| {
        let mut again = CaseRecord { outcome, ..case.clone() };
        known.clone().apply(&mut again);
        again.outcome == case.outcome
    };
    let errors = || {
        case.exchanges
            .iter()
            .filter_map(|exchange| exchange.error.as_ref())
            .map(|error| Verdict::Errored { stage: error.stage, detail: error.detail.clone() })
    };
    let fits = match &case.outcome {
        Verdict::Skipped { .. } | Verdict::NotRun { .. } => {
            return (!case.exchanges.is_empty() || !judgement.checks.is_empty())
                .then(|| format!("recorded as {name}, and it has evidence of a run"));
        }
        Verdict::Flaky { passed, runs } => *passed > 0 && passed < runs && *runs <= repeat,
        Verdict::Failed => failed && plain(Verdict::Failed),
        Verdict::Passed => !failed && held && !case.observe && plain(Verdict::Passed),
        Verdict::Observed => !failed && case.observe,
        Verdict::Errored { .. } | Verdict::Blocked { .. } => !failed && plain(case.outcome.clone()),
        Verdict::UnexpectedPass { .. } => !failed && held && plain(Verdict::Passed),
        Verdict::KnownFailure { .. } if failed => {
            plain(Verdict::Failed) || repeat > 1 && plain(Verdict::Flaky { passed: 1, runs: repeat })
        }
        // What an entry names by `check = "blocked:…"` leaves no other trace than the outcome that it turned.
        Verdict::KnownFailure { .. } => errors().any(plain) || errors().next().is_none() && !known.is_empty(),
    };
    (!fits).then(|| {
        let mismatches = judgement.mismatches.len();
        format!("recorded as {name}, which does not follow from its {mismatches} mismatches and the known failures")
    })
}

/// The name that a value without fields has in a record.
fn plain(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn word(outcome: &Verdict) -> String {
    let value = serde_json::to_value(outcome).unwrap_or_default();
    value.get("verdict").and_then(|name| name.as_str()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::ClauseVerdict;
    use crate::record::sample;

    /// The sample, concluded by the rules: its own footer is written by hand.
    fn record() -> Record {
        let mut record = sample::record();
        record.cases.retain(|case| !matches!(case.outcome, Verdict::UnexpectedPass { .. }));
        for case in &mut record.cases {
            // The known failure of the sample, in the words of the list.
            if let Verdict::KnownFailure { reason } = &mut case.outcome {
                "ticket 12 (https://issues.example.test/12)".clone_into(reason);
            }
        }
        record.header.selected = record.cases.iter().map(|case| case.id.clone()).collect();
        let (summary, footer) = conclude(&record.header, &record.summary, &record.cases, Vec::new(), None, 1);
        Record { summary, footer, ..record }
    }

    fn texts(record: &Record) -> Vec<String> {
        recompute(record).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn a_record_that_was_not_touched_agrees_with_itself() {
        assert_eq!(texts(&record()), Vec::<String>::new());
    }

    #[test]
    fn a_verdict_that_was_changed_is_found() {
        let at = |record: &Record, outcome: &Verdict| record.cases.iter().position(|case| case.outcome == *outcome);
        let mut forged = record();
        let failed = at(&forged, &Verdict::Failed).expect("a failed case");
        forged.cases[failed].outcome = Verdict::Passed;
        let found = recompute(&forged);
        assert_eq!(found[0].case.as_ref(), Some(&forged.cases[failed].id));
        assert!(found.iter().any(|finding| finding.text.starts_with("counts")));
        let mut forged = record();
        let failed = at(&forged, &Verdict::Failed).expect("a failed case");
        forged.cases[failed].outcome = Verdict::KnownFailure { reason: "never agreed".to_owned() };
        assert!(recompute(&forged)[0].text.contains("does not follow"));
        let mut forged = record();
        forged.cases[failed].judgement.mismatches.clear();
        assert!(
            texts(&forged).iter().any(|text| text.contains("no mismatch says how") || text.contains("does not follow"))
        );
    }

    #[test]
    fn a_clause_verdict_or_exit_code_that_was_changed_is_found() {
        let mut forged = record();
        let clause = forged.summary.clauses.iter_mut().find(|clause| clause.verdict == ClauseVerdict::Violated);
        clause.expect("a violated clause").verdict = ClauseVerdict::Held;
        assert!(texts(&forged).iter().any(|text| text.contains("clause")), "{:?}", texts(&forged));
        let mut forged = record();
        forged.footer.exit = Exit::Conformant;
        assert!(texts(&forged).iter().any(|text| text.starts_with("exit code: recorded 0")), "{:?}", texts(&forged));
    }
}

//! From events to the end of a run: [`Tally`] takes every case that ends, and gives the verdicts over all of them.

use std::time::Duration;

use crate::conclude::Conclusion;
use crate::known::KnownFailures;
use crate::model::suite::Suite;
use crate::model::verdict::{Exit, Verdict};
use crate::prove::Certificate;
use crate::record::{CaseRecord, Footer, Header, ProbeRecord, Summary, SummaryRecord};
use crate::runner::Stop;

/// Verdicts over a run while its cases end. Its memory does not grow with the number of cases.
pub struct Tally {
    known: KnownFailures,
    summary: Summary,
    conclusion: Conclusion,
    /// Stop after so many failures that are not known.
    fail_fast: Option<(usize, Stop)>,
    /// What is proven of the suite, its hash, and whether the run is strict.
    proven: Option<(Certificate, String, bool)>,
    bad: usize,
    retried: u64,
    waited: u64,
}

impl Tally {
    /// Nothing has ended yet.
    #[must_use]
    pub fn new(suite: &Suite, header: &Header, known: KnownFailures) -> Self {
        Self {
            known,
            summary: Summary::new(&suite.clauses, &suite.choices, &suite.operations).with_base_urls(&header.base_urls),
            conclusion: Conclusion::new(header.level, &suite.clauses),
            fail_fast: None,
            proven: None,
            bad: 0,
            retried: 0,
            waited: 0,
        }
    }

    /// Asks the run to stop after so many failures that are not known.
    #[must_use]
    pub fn stop_after(mut self, most: Option<usize>, stop: Stop) -> Self {
        self.fail_fast = most.map(|most| (most.max(1), stop));
        self
    }

    /// Compares what the cases are answered with what the probes will be.
    #[must_use]
    pub fn watch(mut self, probing: bool) -> Self {
        if probing {
            self.conclusion.watch();
        }
        self
    }

    /// What the target answered to nonsense.
    pub fn probed(&mut self, probes: Vec<ProbeRecord>) {
        self.conclusion.probed(probes);
    }

    /// Says of the clauses whether a violation would have been noticed.
    #[must_use]
    pub fn certify(mut self, certificate: Option<Certificate>, suite: &str, strict: bool) -> Self {
        self.proven = certificate.map(|certificate| (certificate, suite.to_owned(), strict));
        self
    }

    /// Takes a case that has ended into account, and turns its outcome where it is a known failure.
    pub fn take(&mut self, case: &mut CaseRecord) {
        self.known.apply(case);
        self.bad += usize::from(is_bad(&case.outcome));
        if let Some((most, stop)) = &self.fail_fast
            && self.bad >= *most
        {
            stop.request();
        }
        for exchange in &case.exchanges {
            self.retried += u64::from(exchange.attempts as usize > 1 + exchange.waits.len());
            self.waited += u64::from(!exchange.waits.is_empty());
        }
        self.summary.add(case);
        self.conclusion.add(case);
    }

    /// Exchanges so far that got no answer at first and were sent again.
    #[must_use]
    pub fn retried(&self) -> u64 {
        self.retried
    }

    /// Exchanges so far that the service put off and that were sent again.
    #[must_use]
    pub fn waited(&self) -> u64 {
        self.waited
    }

    /// The verdicts over the whole run.
    #[must_use]
    pub fn finish(self, interrupted: Option<Exit>, elapsed: Duration) -> (SummaryRecord, Footer) {
        let mut summary = self.summary.finish();
        if let Some((certificate, suite, strict)) = &self.proven {
            certificate.mark(suite, *strict, &mut summary);
        }
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let footer = self.conclusion.finish(&summary, interrupted, self.known.problems(), micros);
        (summary, footer)
    }
}

/// Whether a case counts for `--fail-fast`.
fn is_bad(outcome: &Verdict) -> bool {
    matches!(
        outcome,
        Verdict::Failed | Verdict::Errored { .. } | Verdict::UnexpectedPass { .. } | Verdict::Flaky { .. }
    )
}

//! What becomes of the events of a run: [`Writer`] turns known failures, writes the record as the run goes, and feeds
//! the console and the verdicts over the whole run.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::conclude::Conclusion;
use crate::console::Console;
use crate::event::RunEvent;
use crate::known::KnownFailures;
use crate::model::suite::Suite;
use crate::model::verdict::{Exit, Verdict};
use crate::prove::Certificate;
use crate::record::summary::Summary;
use crate::record::{CaseRecord, Footer, Header, Line, Record, write_line};
use crate::runner::Stop;

/// Most bytes of lines whose cases are kept in memory too, so that reports of a short run need not read them back.
const KEPT: usize = 2 << 20;

/// The consumer of a run's events.
pub(super) struct Writer {
    header: Box<Header>,
    /// All cases so far, as long as they are few.
    kept: Option<Vec<CaseRecord>>,
    kept_bytes: usize,
    file: BufWriter<fs::File>,
    console: Console,
    known: KnownFailures,
    summary: Summary,
    conclusion: Conclusion,
    /// Stop after so many failures that are not known.
    fail_fast: Option<(usize, Stop)>,
    /// Reads what is proven of the suite; the suite's hash, and whether the run is strict.
    proven: Option<(ReadProof, String, bool)>,
    certificate: Option<(Certificate, String, bool)>,
    bad: usize,
    retried: u64,
    error: Option<io::Error>,
}

/// Reads what is proven, if anything is. Called while the first answer is waited for.
pub(super) type ReadProof = Box<dyn FnOnce() -> Option<Certificate> + Send>;

/// What a run came to.
pub(super) struct Ended {
    /// Its exit code.
    pub(super) exit: Exit,
    /// The console, for what is left to say.
    pub(super) console: Console,
    /// The whole record, if it is short; otherwise only the file has it.
    pub(super) record: Option<Record>,
}

impl Writer {
    /// Writes the header, so that even a run that is killed at once leaves a record.
    pub(super) fn create(
        path: &Path,
        suite: &Suite,
        header: Header,
        known: KnownFailures,
        mut console: Console,
    ) -> io::Result<Self> {
        let mut file = BufWriter::new(fs::File::create(path)?);
        console.started(&header);
        let summary = Summary::new(&suite.clauses, &suite.choices, &suite.operations).with_base_urls(&header.base_urls);
        let conclusion = Conclusion::new(header.level, &suite.clauses);
        let line = Line::Header(Box::new(header));
        write_line(&line, &mut file)?;
        file.flush()?;
        let Line::Header(header) = line else { unreachable!("the line is a header") };
        Ok(Self {
            header,
            kept: Some(Vec::new()),
            kept_bytes: 0,
            file,
            console,
            known,
            summary,
            conclusion,
            fail_fast: None,
            proven: None,
            certificate: None,
            bad: 0,
            retried: 0,
            error: None,
        })
    }

    /// Asks the run to stop after so many failures that are not known.
    pub(super) fn stop_after(mut self, most: Option<usize>, stop: Stop) -> Self {
        self.fail_fast = most.map(|most| (most.max(1), stop));
        self
    }

    /// Says of the clauses whether a violation would have been noticed.
    pub(super) fn certify(mut self, proven: ReadProof, suite: &str, strict: bool) -> Self {
        self.proven = Some((proven, suite.to_owned(), strict));
        self
    }

    pub(super) fn consume(mut self, mut events: mpsc::Receiver<RunEvent>) -> Self {
        let proven = self.proven.take().and_then(|(read, suite, strict)| Some((read()?, suite, strict)));
        while let Some(event) = events.blocking_recv() {
            self.take(event);
            // What has finished is on disk before the writer waits: a run that is killed loses nothing of it.
            if events.is_empty() {
                self.flush();
            }
        }
        self.certificate = proven;
        self
    }

    fn take(&mut self, event: RunEvent) {
        match event {
            RunEvent::CaseFinished(case) => self.case(case),
            RunEvent::Notice(text) => self.console.hint(&text),
            RunEvent::Started(_) | RunEvent::CaseStarted { .. } | RunEvent::Finished { .. } => {}
        }
    }

    fn case(&mut self, mut case: Box<CaseRecord>) {
        self.known.apply(&mut case);
        self.bad += usize::from(is_bad(&case.outcome));
        if let Some((most, stop)) = &self.fail_fast
            && self.bad >= *most
        {
            stop.request();
        }
        self.retried += case.exchanges.iter().filter(|exchange| exchange.attempts > 1).count() as u64;
        self.console.finished(&case);
        self.summary.add(&case);
        self.conclusion.add(&case);
        let line = Line::Case(case);
        match write_line(&line, &mut self.file) {
            Ok(bytes) => self.kept_bytes += bytes,
            Err(error) => self.error = self.error.take().or(Some(error)),
        }
        if self.kept_bytes > KEPT {
            self.kept = None;
        }
        if let (Some(kept), Line::Case(case)) = (&mut self.kept, line) {
            kept.push(*case);
        }
    }

    fn flush(&mut self) {
        let flushed = self.file.flush();
        self.error = self.error.take().or(flushed.err());
    }

    /// Writes the verdicts over the whole run, and gives the exit code.
    pub(super) fn finish(mut self, interrupted: Option<Exit>, elapsed: Duration) -> io::Result<Ended> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let mut summary = self.summary.finish();
        if let Some((certificate, suite, strict)) = &self.certificate {
            certificate.mark(suite, *strict, &mut summary);
        }
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let footer: Footer = self.conclusion.finish(&summary, interrupted, self.known.problems(), micros);
        self.console.ended(&summary, &footer);
        if self.retried > 0 {
            let text =
                format!("{} exchanges got no answer at first and were sent again (--transport-retries)", self.retried);
            self.console.hint(&text);
        }
        let (summary, footer) = (Line::Summary(Box::new(summary)), Line::Footer(Box::new(footer)));
        write_line(&summary, &mut self.file)?;
        write_line(&footer, &mut self.file)?;
        self.file.flush()?;
        let (Line::Summary(summary), Line::Footer(footer)) = (summary, footer) else {
            unreachable!("they are these lines")
        };
        let exit = footer.exit;
        // What contradicts itself is for the reader of the file to tell.
        let record = self.kept.and_then(|kept| Record::of(*self.header, kept, *summary, *footer).ok());
        Ok(Ended { exit, console: self.console, record })
    }
}

/// Whether a case counts for `--fail-fast`.
fn is_bad(outcome: &Verdict) -> bool {
    matches!(
        outcome,
        Verdict::Failed | Verdict::Errored { .. } | Verdict::UnexpectedPass { .. } | Verdict::Flaky { .. }
    )
}

//! What becomes of the events of a run: [`Writer`] writes the record as the run goes, and feeds the console and the
//! tally.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::console::Console;
use crate::engine::Tally;
use crate::event::RunEvent;
use crate::model::verdict::Exit;
use crate::record::{Header, Line, write_line};

/// The consumer of a run's events.
pub(super) struct Writer {
    file: BufWriter<fs::File>,
    console: Console,
    tally: Tally,
    error: Option<io::Error>,
}

impl Writer {
    /// Writes the header, so that even a run that is killed at once leaves a record.
    pub(super) fn create(path: &Path, header: Header, tally: Tally, mut console: Console) -> io::Result<Self> {
        let mut file = BufWriter::new(fs::File::create(path)?);
        console.started(&header);
        write_line(&Line::Header(Box::new(header)), &mut file)?;
        file.flush()?;
        Ok(Self { file, console, tally, error: None })
    }

    pub(super) fn consume(mut self, mut events: mpsc::Receiver<RunEvent>) -> Self {
        while let Some(event) = events.blocking_recv() {
            self.take(event);
            // What has finished is on disk before the writer waits: a run that is killed loses nothing of it.
            if events.is_empty() {
                self.flush();
            }
        }
        self
    }

    fn take(&mut self, event: RunEvent) {
        match event {
            RunEvent::CaseFinished(mut case) => {
                self.tally.take(&mut case);
                self.console.finished(&case);
                let written = write_line(&Line::Case(case), &mut self.file);
                self.error = self.error.take().or(written.err());
            }
            RunEvent::Probed(probes) => self.tally.probed(probes),
            RunEvent::CaseStarted { .. } => {}
        }
    }

    fn flush(&mut self) {
        let flushed = self.file.flush();
        self.error = self.error.take().or(flushed.err());
    }

    /// Writes the verdicts over the whole run, and gives the exit code.
    pub(super) fn finish(mut self, interrupted: Option<Exit>, elapsed: Duration) -> io::Result<(Exit, Console)> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let retried = self.tally.retried();
        let (summary, footer) = self.tally.finish(interrupted, elapsed);
        self.console.ended(&summary, &footer);
        if retried > 0 {
            let text = format!("{retried} exchanges got no answer at first and were sent again (--transport-retries)");
            self.console.hint(&text);
        }
        let exit = footer.exit;
        write_line(&Line::Summary(Box::new(summary)), &mut self.file)?;
        write_line(&Line::Footer(Box::new(footer)), &mut self.file)?;
        self.file.flush()?;
        Ok((exit, self.console))
    }
}

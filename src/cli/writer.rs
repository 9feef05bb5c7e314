//! What becomes of the events of a run: [`Writer`] writes the record as the run goes, and feeds the console and the
//! tally.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::console::Console;
use crate::engine::{self, Tally};
use crate::event::RunEvent;
use crate::model::verdict::Exit;
use crate::record::{CaseRecord, Header, Line, Places, Record, Stored, write_line};
use crate::runner::Stop;

/// Most bytes of lines whose cases are kept in memory too, so that reports of a short run need not read them back.
const KEPT: u64 = 2 << 20;

/// How long the writer lets cases come together, at most, before it looks at them.
const TOGETHER: Duration = Duration::from_micros(500);

/// So many cases are written each at once: a run of a few is over before there is anything to gain.
const UNHURRIED: u64 = 64;

/// The consumer of a run's events.
pub(super) struct Writer {
    file: BufWriter<fs::File>,
    console: Console,
    tally: Tally,
    header: Box<Header>,
    /// All cases so far, as long as they are few.
    kept: Option<Vec<CaseRecord>>,
    places: Places,
    /// How a run is stopped of which nothing more can be kept.
    stop: Stop,
    error: Option<io::Error>,
}

/// What a run came to.
pub(super) struct Ended {
    /// Its exit code.
    pub(super) exit: Exit,
    /// The console, for what is left to say.
    pub(super) console: Console,
    /// What reports are made of.
    pub(super) evidence: Evidence,
}

/// What reports are made of.
pub(super) enum Evidence {
    /// A short record.
    Whole(Box<Record>),
    /// A long one, of which most cases passed.
    Stored(Box<Stored<fs::File>>),
    /// What has to be read from the file.
    File,
}

impl Writer {
    /// Writes the header, so that even a run that is killed at once leaves a record.
    ///
    /// `stop` is asked when the record cannot be written: what a run would still do to its target nobody would know.
    /// `readers` are those of the record that was there before.
    pub(super) fn create(
        path: &Path,
        readers: Option<fs::Permissions>,
        header: Header,
        tally: Tally,
        stop: Stop,
        mut console: Console,
    ) -> io::Result<Self> {
        let created = fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        // A pipe would wait for this very process to read it.
        let metadata = created.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("the record is read back for the reports, and must be a regular file"));
        }
        // A file that could not be removed has them, and may be somebody else's to change.
        if let Some(readers) = readers.filter(|readers| *readers != metadata.permissions()) {
            created.set_permissions(readers)?;
        }
        let mut file = BufWriter::with_capacity(64 << 10, created);
        console.started(&header);
        let line = Line::Header(Box::new(header));
        let mut places = Places::default();
        places.skip(write_line(&line, &mut file)?);
        file.flush()?;
        let Line::Header(header) = line else { unreachable!("the line is a header") };
        Ok(Self { file, console, tally, header, kept: Some(Vec::new()), places, stop, error: None })
    }

    /// Says of the clauses whether a violation would have been noticed, if the directory of the cases knows.
    pub(super) fn certify(mut self, cases: &Path, suite: &str, strict: bool) -> Self {
        self.tally = self.tally.certify(engine::certificate(cases), suite, strict);
        self
    }

    pub(super) fn consume(mut self, mut events: mpsc::Receiver<RunEvent>) -> Self {
        let mut taken = 0_u64;
        let mut woken = Instant::now();
        while let Some(event) = events.blocking_recv() {
            self.take(event);
            taken += 1;
            while let Ok(event) = events.try_recv() {
                // Where processors are few, whoever sends and whoever answers waits for this thread to stand back, and
                // the system lets it go on for much longer than a case takes.
                std::thread::yield_now();
                self.take(event);
                taken += 1;
            }
            // What has finished is on disk before the writer waits: a run that is killed loses nothing of it.
            self.flush();
            // Every time that the writer is woken costs the thread that sends requests: where cases end in quick
            // succession, several are waited for at once.
            if taken > UNHURRIED && woken.elapsed() < 2 * TOGETHER {
                std::thread::sleep(TOGETHER);
            }
            woken = Instant::now();
        }
        self
    }

    /// As [`Writer::consume`], on the thread of the run itself.
    pub(super) async fn consume_here(mut self, mut events: mpsc::Receiver<RunEvent>) -> Self {
        while let Some(event) = events.recv().await {
            self.take(event);
            self.flush();
        }
        self
    }

    fn take(&mut self, event: RunEvent) {
        match event {
            RunEvent::CaseFinished(case) => {
                let mut case = case.record();
                self.tally.take(&mut case);
                self.console.finished(&case);
                self.write(case);
            }
            RunEvent::Probed(probes) => self.tally.probed(probes),
        }
    }

    fn write(&mut self, case: Box<CaseRecord>) {
        let line = Line::Case(case);
        let written = write_line(&line, &mut self.file);
        let Line::Case(case) = line else { unreachable!("the line is a case") };
        match written {
            Ok(bytes) => self.places.add(&case.id, &case.outcome, bytes),
            Err(error) => self.fail(error),
        }
        if self.places.bytes() > KEPT {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(*case);
        }
    }

    fn flush(&mut self) {
        if let Err(error) = self.file.flush() {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.error.get_or_insert(error);
        self.stop.request();
    }

    /// Writes the verdicts over the whole run, and gives the exit code.
    pub(super) fn finish(mut self, interrupted: Option<Exit>, elapsed: Duration) -> io::Result<Ended> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let (retried, waited) = (self.tally.retried(), self.tally.waited());
        let (summary, footer) = self.tally.finish(interrupted, elapsed);
        self.console.ended(&summary, &footer);
        if retried > 0 {
            let text = format!("{retried} exchanges got no answer at first and were sent again (--transport-retries)");
            self.console.hint(&text);
        }
        if waited > 0 {
            let text = format!("{waited} exchanges were put off by the service and sent again (retry_after)");
            self.console.hint(&text);
        }
        let exit = footer.exit;
        let (summary, footer) = (Line::Summary(Box::new(summary)), Line::Footer(Box::new(footer)));
        write_line(&summary, &mut self.file)?;
        write_line(&footer, &mut self.file)?;
        self.file.flush()?;
        let (Line::Summary(summary), Line::Footer(footer)) = (summary, footer) else {
            unreachable!("they are these lines")
        };
        // What contradicts itself is for the reader of the file to tell.
        let evidence = match self.kept {
            Some(kept) => Record::of(*self.header, kept, *summary, *footer)
                .map_or(Evidence::File, |record| Evidence::Whole(Box::new(record))),
            None => {
                let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
                let stored = Stored::open(file, self.places, *self.header, *summary, *footer)?;
                stored.map_or(Evidence::File, |stored| Evidence::Stored(Box::new(stored)))
            }
        };
        Ok(Ended { exit, console: self.console, evidence })
    }
}

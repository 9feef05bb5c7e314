//! `casebook run`: from arguments to a plan, from events to the record, the console and the reports.

use std::fs;
use std::io::{BufWriter, IsTerminal, Write};
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anstream::ColorChoice;
use tokio::sync::mpsc;

use super::Failure;
use super::args::RunArgs;
use super::files;
use crate::conclude::Conclusion;
use crate::console::{Console, Verbosity};
use crate::event::RunEvent;
use crate::mock::server::{Mock, MockOptions};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::Exit;
use crate::plan;
use crate::record::summary::Summary;
use crate::record::{Footer, Header, Line, RECORD_VERSION, SuiteRecord, write_line};
use crate::redact::Redactor;
use crate::report::Format;
use crate::report::text::ClauseTexts;
use crate::runner::{self, Plan, PlannedCase, RunOptions, Stop};
use crate::select::{SelectError, select};
use crate::sink::{Destination, Sink};
use crate::transport::{Caps, HttpOptions, HttpTransport};

/// Events that may wait for the record's writer before a worker waits.
const EVENTS: usize = 1024;

/// Reports that every run writes.
const DEFAULT_REPORTS: [(Format, &str); 2] = [(Format::Json, "report.json"), (Format::Markdown, "report.md")];

pub(super) fn run(args: &RunArgs, colour: ColorChoice) -> Result<Exit, Failure> {
    let suite = Arc::new(files::load_suite(&args.suite)?);
    let target = files::load_target(args.target.as_deref(), &suite)?;
    let cases = select(&suite, &files::selection(&args.select)).map_err(select_failure)?;
    let sink = Sink::prepare(&outputs(args)?).map_err(|error| Failure::new(Exit::Harness, files::chain(&error)))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Harness, format!("the runtime cannot be built: {error}")))?;
    runtime.block_on(go(args, colour, suite, target, cases, sink))
}

async fn go(
    args: &RunArgs,
    colour: ColorChoice,
    suite: Arc<Suite>,
    mut target: Target,
    cases: Vec<usize>,
    sink: Sink,
) -> Result<Exit, Failure> {
    plan::set_base_urls(&mut target, &args.base_url, &suite)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let embedded = if target.services.is_empty() && args.target.is_none() { Some(start_mock().await?) } else { None };
    if let Some(mock) = &embedded {
        for service in suite.services.keys() {
            target.services.insert(service.clone(), mock.base_url());
        }
    }
    let planned = plan::cases(&suite, &target, &cases, args.strict);
    plan::guard(&suite, &target, &planned).map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    reachable(&suite, &target, &planned)?;
    let started = Instant::now();
    let seed = args.seed.unwrap_or_else(random_seed);
    let run_id = args.run_id.clone().unwrap_or_else(|| format!("{seed:016x}")[..8].to_owned());
    let redactor = Arc::new(plan::redactor(&target).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?);
    let header = header(args, &suite, &target, &planned, seed, &run_id, &redactor);
    let options = RunOptions {
        jobs: args.jobs.or(target.limits.jobs).unwrap_or(RunOptions::default().jobs),
        case_timeout: Duration::from_secs(args.case_timeout),
        seed,
        strict: args.strict,
        fail_fast: args.fail_fast,
        ..RunOptions::default()
    };
    let transport = Arc::new(HttpTransport::new(HttpOptions {
        insecure: args.insecure,
        caps: Caps { body: args.max_body, ..Caps::default() },
        ..HttpOptions::default()
    }));
    let verbosity = match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, 1) if cases.len() > 1 => Verbosity::Cases,
        (false, _) => Verbosity::Exchanges,
    };
    let progress = std::env::var_os("CI").is_none() && std::io::stderr().is_terminal();
    let console = Console::new(colour, verbosity, progress, ClauseTexts::from_clauses(&suite.clauses));
    let path = args.out.join("record.jsonl");
    let writer = Writer::create(&path, &suite, header, console, args)
        .map_err(|error| Failure::new(Exit::Harness, format!("{}: {error}", path.display())))?;
    let (sender, receiver) = mpsc::channel(EVENTS);
    let stop = Stop::default();
    let signals = tokio::spawn(watch_signals(stop.clone()));
    let consumer = std::thread::spawn(move || writer.consume(receiver));
    let plan = Plan { suite, target: Arc::new(target), cases: planned, options };
    runner::run(plan, transport, redactor, &run_id, stop.clone(), sender).await;
    let interrupted = if signals.is_finished() { signals.await.ok().flatten() } else { None };
    let writer = consumer.join().map_err(|_| Failure::new(Exit::Harness, "the record's writer panicked"))?;
    let (exit, mut console) = writer
        .finish(interrupted, started.elapsed())
        .map_err(|error| Failure::new(Exit::Harness, format!("{}: {error}", path.display())))?;
    if let Some(mock) = embedded {
        mock.stop().await;
    }
    write_reports(&path, &sink, &mut console, args, exit)
}

/// Renders the reports from the record, the one source of all of them.
fn write_reports(path: &Path, sink: &Sink, console: &mut Console, args: &RunArgs, exit: Exit) -> Result<Exit, Failure> {
    let record = files::read_record(path, false)?;
    if let Err(errors) = sink.write(&record) {
        let texts: Vec<String> = errors.iter().map(|error| files::chain(error)).collect();
        return Err(Failure::new(Exit::worst([Exit::Harness, exit]), texts.join("\n")));
    }
    if !args.quiet {
        let names: Vec<String> = sink
            .outputs()
            .iter()
            .filter_map(|(_, destination)| match destination {
                Destination::File(path) => Some(path.display().to_string()),
                Destination::Stdout => None,
            })
            .collect();
        console.hint(&format!("reports: {}, {}", path.display(), names.join(", ")));
    }
    Ok(exit)
}

fn outputs(args: &RunArgs) -> Result<Vec<(Format, Destination)>, Failure> {
    let mut outputs = vec![(Format::Jsonl, Destination::File(args.out.join("record.jsonl")))];
    for (format, name) in DEFAULT_REPORTS {
        outputs.push((format, Destination::File(args.out.join(name))));
    }
    // The record is written as the run goes; preparing it proves its path like the others'.
    let prepared = outputs.remove(0);
    Sink::prepare(&[prepared]).map_err(|error| Failure::new(Exit::Harness, files::chain(&error)))?;
    for text in &args.report {
        outputs.push(files::parse_output(text)?);
    }
    Ok(outputs)
}

pub(super) fn select_failure(error: SelectError) -> Failure {
    let exit = match error {
        SelectError::Malformed { .. } => Exit::Usage,
        _ => Exit::NothingProven,
    };
    Failure::new(exit, error.to_string())
}

pub(super) async fn start_mock() -> Result<Mock, Failure> {
    let failed = |error: String| Failure::new(Exit::Harness, format!("the embedded mock cannot be started: {error}"));
    let seed = crate::mock::seed::Seed::embedded().map_err(|error| failed(error.to_string()))?;
    Mock::start(MockOptions::loopback(seed)).await.map_err(|error| failed(error.to_string()))
}

/// One clear sentence instead of a failure for every case.
pub(super) fn reachable(suite: &Suite, target: &Target, planned: &[PlannedCase]) -> Result<(), Failure> {
    let mut seen: Vec<&String> = Vec::new();
    for case in planned.iter().filter(|each| each.skip.is_none()).map(|each| &suite.cases[each.index]) {
        let Some(url) = target.services.get(&case.service) else { continue };
        if seen.contains(&url) {
            continue;
        }
        seen.push(url);
        probe(url).map_err(|reason| {
            Failure::new(Exit::TargetUnusable, format!("the target {url} cannot be reached: {reason}"))
        })?;
    }
    Ok(())
}

fn probe(base_url: &str) -> Result<(), String> {
    let url = url::Url::parse(base_url).map_err(|error| error.to_string())?;
    let host = url.host_str().ok_or("it names no host")?;
    let port = url.port_or_known_default().ok_or("it names no port")?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<_> =
        (bare, port).to_socket_addrs().map_err(|error| format!("the host name cannot be resolved: {error}"))?.collect();
    let mut last = "the host name has no address".to_owned();
    for address in addresses {
        match std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5)) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                last = format!("connection refused ({address})");
            }
            Err(error) => last = format!("{error} ({address})"),
        }
    }
    Err(last)
}

fn header(
    args: &RunArgs,
    suite: &Suite,
    target: &Target,
    planned: &[PlannedCase],
    seed: u64,
    run_id: &str,
    redactor: &Redactor,
) -> Header {
    let mut selected: Vec<_> = planned.iter().map(|each| suite.cases[each.index].id.clone()).collect();
    selected.sort_unstable();
    let mut warnings = Vec::new();
    if args.insecure {
        warnings.push("TLS certificates were not checked (--insecure)".to_owned());
    }
    Header {
        record_version: RECORD_VERSION,
        casebook_version: env!("CARGO_PKG_VERSION").to_owned(),
        run_id: run_id.to_owned(),
        started: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        seed,
        strict: args.strict,
        level: args.level.into(),
        suite: SuiteRecord {
            hash: suite.hash.clone(),
            cases: suite.cases.len(),
            documents: suite.documents.values().cloned().collect(),
            operations: suite.operations.clone(),
        },
        target: target.identity.clone(),
        base_urls: target
            .services
            .iter()
            .map(|(service, url)| (service.clone(), redactor.text(url).into_owned()))
            .collect(),
        config_hash: plan::config_hash(target),
        selected,
        shard: args.select.shard,
        warnings,
    }
}

pub(super) fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish() >> 1
}

/// First signal: stop and report. A second one ends the process at once.
pub(super) async fn watch_signals(stop: Stop) -> Option<Exit> {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return None;
    };
    let exit = tokio::select! {
        _ = interrupt.recv() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    };
    stop.request();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(i32::from(exit.code()));
    });
    Some(exit)
}

/// Writes the record as the run goes, and feeds the console and the verdicts over the whole run.
struct Writer {
    file: BufWriter<fs::File>,
    console: Console,
    summary: Summary,
    conclusion: Conclusion,
    error: Option<std::io::Error>,
}

impl Writer {
    fn create(
        path: &PathBuf,
        suite: &Suite,
        header: Header,
        mut console: Console,
        args: &RunArgs,
    ) -> std::io::Result<Self> {
        let mut file = BufWriter::new(fs::File::create(path)?);
        console.started(&header);
        let summary = Summary::new(&suite.clauses, &suite.choices, &suite.operations).with_base_urls(&header.base_urls);
        write_line(&Line::Header(Box::new(header)), &mut file)?;
        let conclusion = Conclusion::new(args.level.into(), &suite.clauses);
        Ok(Self { file, console, summary, conclusion, error: None })
    }

    fn consume(mut self, mut events: mpsc::Receiver<RunEvent>) -> Self {
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
            RunEvent::CaseFinished(case) => {
                self.console.finished(&case);
                self.summary.add(&case);
                self.conclusion.add(&case);
                let written = write_line(&Line::Case(case), &mut self.file);
                self.error = self.error.take().or(written.err());
            }
            RunEvent::Notice(text) => self.console.hint(&text),
            RunEvent::Started(_) | RunEvent::CaseStarted { .. } | RunEvent::Finished { .. } => {}
        }
    }

    fn flush(&mut self) {
        let flushed = self.file.flush();
        self.error = self.error.take().or(flushed.err());
    }

    fn finish(mut self, interrupted: Option<Exit>, elapsed: Duration) -> std::io::Result<(Exit, Console)> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let summary = self.summary.finish();
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let footer: Footer = self.conclusion.finish(&summary, interrupted, Vec::new(), micros);
        self.console.ended(&summary, &footer);
        let exit = footer.exit;
        write_line(&Line::Summary(Box::new(summary)), &mut self.file)?;
        write_line(&Line::Footer(Box::new(footer)), &mut self.file)?;
        self.file.flush()?;
        Ok((exit, self.console))
    }
}

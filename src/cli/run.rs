//! `casebook run`: from arguments to a plan, from events to the record, the console and the reports.

use std::io::IsTerminal;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anstream::ColorChoice;
use tokio::sync::mpsc;

use super::args::RunArgs;
use super::files;
use super::writer::{Ended, ReadProof, Writer};
use super::{Failure, dry};
use crate::console::{Console, Verbosity};
use crate::known::{self, KnownFailures};
use crate::mock::server::{Mock, MockOptions};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::Exit;
use crate::plan;
use crate::record::{Header, KnownEntry, RECORD_VERSION, Record, SuiteRecord};
use crate::redact::Redactor;
use crate::report::Format;
use crate::report::text::ClauseTexts;
use crate::runner::{self, Plan, PlannedCase, RunOptions, Stop};
use crate::select::select;
use crate::sink::{Destination, Sink, SinkError};
use crate::transport::{Caps, HttpOptions, HttpTransport};

/// Events that may wait for the record's writer before a worker waits.
const EVENTS: usize = 1024;

/// Reports that every run writes.
const DEFAULT_REPORTS: [(Format, &str); 2] = [(Format::Json, "report.json"), (Format::Markdown, "report.md")];

pub(super) fn run(args: &RunArgs, colour: ColorChoice) -> Result<Exit, Failure> {
    let suite = files::load_selected(&args.suite, &args.select)?;
    let target = files::load_target(args.target.as_deref(), &suite)?;
    let (selection, notes) = files::selection(&args.select, &suite)?;
    let cases = select(&suite, &selection).map_err(files::select_failure)?;
    if args.dry_run {
        return dry::run(args, &suite, target, &cases, &notes);
    }
    let sink = outputs(&args.out, &args.report)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Harness, format!("the runtime cannot be built: {error}")))?;
    let request = Request { args, colour, shard: selection.shard, notes };
    runtime.block_on(go(request, suite, target, cases, sink))
}

/// What a run was asked for.
struct Request<'a> {
    args: &'a RunArgs,
    colour: ColorChoice,
    shard: Option<(u32, u32)>,
    /// What people should know about the selection.
    notes: Vec<String>,
}

async fn go(
    request: Request<'_>,
    suite: Arc<Suite>,
    mut target: Target,
    cases: Vec<usize>,
    sink: Sink,
) -> Result<Exit, Failure> {
    let args = request.args;
    let embedded = if files::set_base_urls(&args.base_url, args.target.as_deref(), &suite, &mut target)? {
        Some(start_mock().await?)
    } else {
        None
    };
    if let Some(mock) = &embedded {
        for service in suite.services.keys() {
            target.services.insert(service.clone(), mock.base_url());
        }
    }
    let planned = plan::cases(&suite, &target, &cases, args.strict);
    plan::guard(&suite, &target, &planned).map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    reachable(&suite, &target, &planned)?;
    let started = Instant::now();
    let seed = seed(args);
    let run_id = args.run_id.clone().unwrap_or_else(|| format!("{seed:016x}")[..8].to_owned());
    let redactor = Arc::new(plan::redactor(&target).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?);
    let entries = known::entries(&target.known, &suite).map_err(files::select_failure)?;
    let header = header(&request, &suite, &target, &planned, seed, &run_id, &redactor, entries);
    let known = KnownFailures::new(&header.known, &header.started).map_err(files::select_failure)?;
    let options = RunOptions {
        jobs: args.jobs.or(target.limits.jobs).unwrap_or(RunOptions::default().jobs),
        case_timeout: Duration::from_secs(args.case_timeout),
        seed,
        strict: args.strict,
        // A known failure stops nothing, and only the writer knows of it.
        fail_fast: args.fail_fast.filter(|_| known.is_empty()),
        repeat: args.repeat,
        transport_retries: args.transport_retries,
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
    let mut console = Console::new(request.colour, verbosity, progress, ClauseTexts::from_clauses(&suite.clauses));
    request.notes.iter().for_each(|note| console.hint(note));
    let path = args.out.join("record.jsonl");
    let stop = Stop::default();
    let writer = Writer::create(&path, &suite, header, known, console)
        .map_err(|error| Failure::new(Exit::Harness, format!("{}: {error}", path.display())))?
        .stop_after(args.fail_fast, stop.clone())
        .certify(read_proof(&args.suite.cases), &suite.hash, args.strict);
    let (sender, receiver) = mpsc::channel(EVENTS);
    let signals = tokio::spawn(watch_signals(stop.clone()));
    let consumer = std::thread::spawn(move || writer.consume(receiver));
    let plan = Plan { suite, target: Arc::new(target), cases: planned, options };
    runner::run(plan, transport, redactor, &run_id, stop.clone(), sender).await;
    let interrupted = if signals.is_finished() { signals.await.ok().flatten() } else { None };
    let writer = consumer.join().map_err(|_| Failure::new(Exit::Harness, "the record's writer panicked"))?;
    let Ended { exit, mut console, record } = writer
        .finish(interrupted, started.elapsed())
        .map_err(|error| Failure::new(Exit::Harness, format!("{}: {error}", path.display())))?;
    if let Some(mock) = embedded {
        mock.stop().await;
    }
    let record = match record {
        Some(record) => record,
        None => files::read_record(&path, false)?,
    };
    write_reports(&path, &record, &sink, &mut console, args.quiet, exit)
}

fn read_proof(cases: &Path) -> ReadProof {
    let cases = cases.to_owned();
    Box::new(move || files::read_certificate(&cases))
}

/// Renders the reports from the record, the one source of all of them.
pub(super) fn write_reports(
    path: &Path,
    record: &Record,
    sink: &Sink,
    console: &mut Console,
    quiet: bool,
    exit: Exit,
) -> Result<Exit, Failure> {
    if let Err(errors) = sink.write(record) {
        let texts: Vec<String> = errors.iter().map(|error| files::chain(error)).collect();
        return Err(Failure::new(Exit::worst([Exit::Harness, exit]), texts.join("\n")));
    }
    if !quiet {
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

/// The default reports of a directory, and those that were asked for. The record's own path is proven like theirs.
pub(super) fn outputs(out: &Path, asked: &[String]) -> Result<Sink, Failure> {
    let mut outputs: Vec<_> =
        DEFAULT_REPORTS.iter().map(|(format, name)| (*format, Destination::File(out.join(name)))).collect();
    for text in asked {
        outputs.push(files::parse_output(text)?);
    }
    let failed = |error: SinkError| Failure::new(Exit::Harness, files::chain(&error));
    // The record is written as the run goes, and not by the sink.
    Sink::prepare(&[(Format::Jsonl, Destination::File(out.join("record.jsonl")))]).map_err(failed)?;
    Sink::prepare(&outputs).map_err(failed)
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

#[expect(clippy::too_many_arguments, reason = "a header states everything about a run")]
fn header(
    request: &Request<'_>,
    suite: &Suite,
    target: &Target,
    planned: &[PlannedCase],
    seed: u64,
    run_id: &str,
    redactor: &Redactor,
    known: Vec<KnownEntry>,
) -> Header {
    let args = request.args;
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
            cases: suite.total,
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
        shard: request.shard,
        repeat: args.repeat,
        transport_retries: args.transport_retries,
        known,
        warnings,
    }
}

/// The seed that was asked for; or one made from the run id that was, so that all shards of a run share it.
pub(super) fn seed(args: &RunArgs) -> u64 {
    use sha2::Digest as _;
    match (args.seed, &args.run_id) {
        (Some(seed), _) => seed,
        (None, Some(id)) => {
            let digest: [u8; 32] = sha2::Sha256::digest(id.as_bytes()).into();
            u64::from_be_bytes(std::array::from_fn(|at| digest[at])) >> 1
        }
        (None, None) => random_seed(),
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

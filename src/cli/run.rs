//! `casebook run`: from arguments to a plan, from events to the record, the console and the reports.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, IsTerminal, Write};
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anstream::ColorChoice;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::Failure;
use super::args::RunArgs;
use super::files;
use crate::conclude::Conclusion;
use crate::console::{Console, Verbosity};
use crate::event::RunEvent;
use crate::mock::server::{Mock, MockOptions};
use crate::model::json::Json;
use crate::model::spec::{Case, Effect, Need};
use crate::model::suite::Suite;
use crate::model::target::{Safety, Target};
use crate::model::verdict::{Exit, SkipCode};
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
    set_base_urls(&mut target, &args.base_url, &suite)?;
    let embedded = if target.services.is_empty() && args.target.is_none() { Some(start_mock().await?) } else { None };
    if let Some(mock) = &embedded {
        for service in suite.services.keys() {
            target.services.insert(service.clone(), mock.base_url());
        }
    }
    let planned = plan_cases(&suite, &target, &cases, args.strict);
    guard(&suite, &target, &planned)?;
    reachable(&suite, &target, &planned)?;
    let started = Instant::now();
    let seed = args.seed.unwrap_or_else(random_seed);
    let run_id = args.run_id.clone().unwrap_or_else(|| format!("{seed:016x}")[..8].to_owned());
    let redactor = Arc::new(redactor(&target)?);
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
fn write_reports(
    path: &Path,
    sink: &Sink,
    console: &mut Console,
    args: &RunArgs,
    exit: Exit,
) -> Result<Exit, Failure> {
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

fn select_failure(error: SelectError) -> Failure {
    let exit = match error {
        SelectError::Malformed { .. } => Exit::Usage,
        _ => Exit::NothingProven,
    };
    Failure::new(exit, error.to_string())
}

fn set_base_urls(target: &mut Target, given: &[String], suite: &Suite) -> Result<(), Failure> {
    for text in given {
        let (services, url) = match text.split_once('=') {
            Some((service, url)) if !service.contains(['/', ':']) => {
                if !suite.services.contains_key(service) {
                    let known: Vec<&str> = suite.services.keys().map(String::as_str).collect();
                    let text = format!("there is no service `{service}`; the suite has {}", known.join(", "));
                    return Err(Failure::new(Exit::Usage, text));
                }
                (vec![service.to_owned()], url)
            }
            _ => (suite.services.keys().cloned().collect(), text.as_str()),
        };
        let parsed = url::Url::parse(url)
            .map_err(|error| Failure::new(Exit::Usage, format!("`{url}` is no base URL: {error}")))?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.query().is_some() || parsed.fragment().is_some() {
            let text = format!("`{url}` is no base URL: write http://host[:port][/path]");
            return Err(Failure::new(Exit::Usage, text));
        }
        if parsed.password().is_some() {
            let text = "credentials in a base URL would be shown; put them into the target file".to_owned();
            return Err(Failure::new(Exit::Usage, text));
        }
        for service in services {
            target.services.insert(service, url.trim_end_matches('/').to_owned());
        }
    }
    Ok(())
}

async fn start_mock() -> Result<Mock, Failure> {
    let failed = |error: String| Failure::new(Exit::Harness, format!("the embedded mock cannot be started: {error}"));
    let seed = crate::mock::seed::Seed::embedded().map_err(|error| failed(error.to_string()))?;
    Mock::start(MockOptions::loopback(seed)).await.map_err(|error| failed(error.to_string()))
}

fn plan_cases(suite: &Suite, target: &Target, cases: &[usize], strict: bool) -> Vec<PlannedCase> {
    let skip = |case: &Case| {
        if case.strict && !strict {
            return Some((SkipCode::StrictOnly, "runs only with --strict".to_owned()));
        }
        let services = case.steps.iter().map(|step| &step.service);
        if let Some(service) = services.into_iter().find(|service| !target.services.contains_key(*service)) {
            return Some((SkipCode::MissingService, format!("the target has no base URL for {service}")));
        }
        let missing = case.needs.iter().find(|need| !provides(target, need))?;
        Some((SkipCode::MissingFixture, lack(target, missing)))
    };
    cases.iter().map(|&index| PlannedCase { index, skip: skip(&suite.cases[index]) }).collect()
}

/// Whether a target has what a case needs.
pub(super) fn provides(target: &Target, need: &Need) -> bool {
    match target.values.get(&need.name) {
        Some(Json::Array(items)) => items.len() >= need.least,
        Some(Json::Bool(value)) => *value,
        Some(Json::String(text)) => !text.is_empty(),
        Some(Json::Null) => false,
        Some(_) => true,
        None => target.auth.contains_key(&need.name),
    }
}

fn lack(target: &Target, need: &Need) -> String {
    match target.values.get(&need.name) {
        Some(Json::Array(items)) => {
            format!("the target has {} of {}, {} are needed", items.len(), need.name, need.least)
        }
        _ => format!("the target has no {}", need.name),
    }
}

/// Writes and deletions go to loopback addresses only, unless the target file names the effect and the host.
fn guard(suite: &Suite, target: &Target, planned: &[PlannedCase]) -> Result<(), Failure> {
    let mut refused: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    for case in planned.iter().filter(|each| each.skip.is_none()).map(|each| &suite.cases[each.index]) {
        if case.effect == Effect::Read {
            continue;
        }
        for step in &case.steps {
            let Some(url) = target.services.get(&step.service) else { continue };
            if !allowed(url, case.effect, &target.safety) {
                let entry = refused.entry(url.clone()).or_default();
                if entry.1.last().is_none_or(|last| last != case.id.as_str()) {
                    entry.0 += 1;
                    entry.1.push(case.id.to_string());
                }
                break;
            }
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    let mut text = String::from("error: refused for safety: these cases change what they are fired at\n");
    for (url, (count, ids)) in &refused {
        text.push_str(&format!("  {count} cases at {url}\n"));
        for id in ids.iter().take(5) {
            text.push_str(&format!("    {id}\n"));
        }
        if ids.len() > 5 {
            text.push_str(&format!("    … and {} more\n", ids.len() - 5));
        }
    }
    text.push_str(
        "help: if this host may be changed, say so in the target file:\n      [safety]\n      allow = [\"write\", \
         \"destructive\"]\n      hosts = [\"the.host\"]",
    );
    Err(Failure::new(Exit::Refused, text))
}

fn allowed(base_url: &str, effect: Effect, safety: &Safety) -> bool {
    let Ok(url) = url::Url::parse(base_url) else { return false };
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()) {
        return true;
    }
    let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or(0));
    safety.allow.contains(&effect) && safety.hosts.iter().any(|named| named == host || *named == with_port)
}

/// One clear sentence instead of a failure for every case.
fn reachable(suite: &Suite, target: &Target, planned: &[PlannedCase]) -> Result<(), Failure> {
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

fn redactor(target: &Target) -> Result<Redactor, Failure> {
    let mut secrets: Vec<(String, String)> = Vec::new();
    for name in &target.secrets {
        if let Some(value) = target.values.get(name).and_then(Json::as_str) {
            secrets.push((name.clone(), value.to_owned()));
        }
    }
    secrets.extend(files::credentials(target));
    Redactor::new(secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))
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
        config_hash: config_hash(target),
        selected,
        shard: args.select.shard,
        warnings,
    }
}

/// Two runs with the same hash were configured alike; secrets do not enter it.
fn config_hash(target: &Target) -> String {
    let mut hash = Sha256::new();
    for (name, value) in &target.values {
        if !target.secrets.contains(name) {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(crate::pattern::parse::write_json(value).as_bytes());
            hash.update([0]);
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish() >> 1
}

/// First signal: stop and report. A second one ends the process at once.
async fn watch_signals(stop: Stop) -> Option<Exit> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_may_be_changed_without_permission() {
        let none = Safety::default();
        for free in ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:80", "http://localhost/x"] {
            assert!(allowed(free, Effect::Destructive, &none), "{free}");
        }
        for guarded in
            ["http://127.0.0.1.evil.test", "http://localhost.evil.test", "http://10.0.0.1", "https://api.test", "x"]
        {
            assert!(!allowed(guarded, Effect::Write, &none), "{guarded}");
        }
        let named = Safety { allow: vec![Effect::Write], hosts: vec!["api.test".to_owned(), "b.test:8080".to_owned()] };
        assert!(allowed("https://api.test/v1", Effect::Write, &named));
        assert!(!allowed("https://api.test/v1", Effect::Destructive, &named));
        assert!(allowed("http://b.test:8080", Effect::Write, &named));
        assert!(!allowed("http://b.test:8081", Effect::Write, &named));
    }
}

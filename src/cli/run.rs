//! `casebook run`: from arguments to a plan, from events to the record, the console and the reports.

use std::io::IsTerminal;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anstream::ColorChoice;
use futures_util::FutureExt as _;
use tokio::sync::mpsc;

use super::args::RunArgs;
use super::files;
use super::writer::{Ended, Evidence, Writer};
use super::{Failure, dry, wire};
use crate::console::{Console, Verbosity};
use crate::engine::{self, Facts, Tally};
use crate::known::KnownFailures;
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::Exit;
use crate::plan;
use crate::report::Format;
use crate::report::text::RunTexts;
use crate::runner::{self, Plan, RunOptions, Stop};
use crate::select::select;
use crate::sink::{Destination, Sink, SinkError};
use crate::transport::HttpTransport;

/// Events that may wait for the record's writer before a worker waits.
const EVENTS: usize = 256;

/// So many cases are judged on the thread that sends.
const FEW: usize = 4;

/// Reports that every run writes.
const DEFAULT_REPORTS: [(Format, &str); 2] = [(Format::Json, "report.json"), (Format::Markdown, "report.md")];

/// `rerun` is what of the command line a single case needs to be run again.
pub(super) fn run(args: &RunArgs, rerun: Vec<String>, colour: ColorChoice) -> Result<Exit, Failure> {
    // A shuffled order would read every file again and again, and a dry run looks at everything at once.
    let in_order = !args.dry_run && args.select.shuffle.is_none();
    let suite = files::load_selected(&args.suite, &args.select, in_order)?;
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
    let request = Request { args, rerun, colour, shard: selection.shard, notes };
    // Behind a pointer it is not moved from one part of the stack to the next, each of which is touched for the first time.
    let result = runtime.block_on(Box::pin(go(request, suite, target, cases, sink)));
    // A name lookup that hangs must not hold up the end of a run.
    runtime.shutdown_background();
    result
}

/// What a run was asked for.
struct Request<'a> {
    args: &'a RunArgs,
    rerun: Vec<String>,
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
    let mocked = files::set_base_urls(&args.base_url, args.target.as_deref(), &suite, &mut target)?;
    wire::connect(&args.connection, &mut target, mocked)?;
    let http = wire::options(&args.connection, &target, args.max_body)?;
    let embedded =
        if mocked { Some(engine::start_mock(&suite, &mut target).await.map_err(files::engine_failure)?) } else { None };
    let planned = plan::cases(&suite, &target, &cases, args.strict);
    plan::guard(&suite, &target, &planned).map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    wire::reachable(&suite, &target, &planned, &http).await?;
    wire::announce(&suite, &target, &planned);
    let started = Instant::now();
    let seed = seed(args);
    let run_id = args.run_id.clone().unwrap_or_else(|| engine::run_id(seed));
    let redactor = Arc::new(plan::redactor(&target).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?);
    let (jobs, lowered) = wire::jobs(args.jobs, &target, embedded.is_some());
    let options = RunOptions {
        jobs,
        case_timeout: Duration::from_secs(args.case_timeout),
        seed,
        strict: args.strict,
        // A known failure stops nothing, and only the tally knows of it.
        fail_fast: args.fail_fast.filter(|_| target.known.is_empty()),
        repeat: args.repeat,
        transport_retries: args.transport_retries,
        ..RunOptions::default()
    };
    let probing = embedded.is_none() && !args.no_probe && !target.safety.unprobed;
    let mut warnings = engine::warnings(&http, &target);
    if embedded.is_none() && !probing {
        warnings.push(engine::unprobed(if args.no_probe { "--no-probe" } else { "probe = false" }));
    }
    let facts = Facts {
        suite: &suite,
        target: &target,
        planned: &planned,
        options: &options,
        run_id: &run_id,
        level: args.level.into(),
        shard: request.shard,
        warnings,
        rerun: request.rerun,
    };
    let header = engine::header(facts, &redactor).map_err(files::select_failure)?;
    let known = KnownFailures::new(&header.known, &header.started).map_err(files::select_failure)?;
    let transport = Arc::new(HttpTransport::new(http));
    let verbosity = match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, 1) if cases.len() > 1 => Verbosity::Cases,
        (false, _) => Verbosity::Exchanges,
    };
    let progress = std::env::var_os("CI").is_none() && std::io::stderr().is_terminal();
    let mut console = Console::new(request.colour, verbosity, progress, RunTexts::new(&suite.clauses, &header.rerun));
    if sink.takes_stdout() {
        console = console.beside_a_report();
    }
    request.notes.iter().chain(&lowered).for_each(|note| console.hint(note));
    let path = args.out.join("record.jsonl");
    let stop = Stop::default();
    let tally = Tally::new(&suite, &header, known).stop_after(args.fail_fast, stop.clone()).watch(probing);
    let readers = Sink::make_way(&path).map_err(|error| Failure::new(Exit::Harness, files::chain(&error)))?;
    let writer = Writer::create(&path, readers, header, tally, stop.clone(), console)
        .map_err(|error| Failure::new(Exit::Harness, format!("{}: {error}", path.display())))?;
    // Not before there is a record: nothing is removed for a run that cannot begin.
    sink.clear();
    let (sender, receiver) = mpsc::channel(EVENTS);
    let signals = tokio::spawn(watch_signals(stop.clone()));
    let (directory, hash, strict) = (args.suite.cases.clone(), suite.hash.clone(), args.strict);
    // A thread costs more than it can take off this one when there is next to nothing to judge, and no proof to read.
    let alone = planned.len() <= FEW && !engine::has_certificate(&directory);
    let plan = Plan { suite, target: Arc::new(target), cases: planned, options };
    let running = async {
        if probing {
            engine::fire(plan, transport, redactor, &run_id, stop.clone(), sender).await;
        } else {
            runner::run(plan, transport, redactor, &run_id, stop.clone(), sender).await;
        }
    };
    let written = if alone {
        // As on a thread of its own, a panic lets the cases that run come to their end.
        tokio::join!(AssertUnwindSafe(writer.consume_here(receiver)).catch_unwind(), running).0
    } else {
        // What is proven is read while the first answers are waited for.
        let consumer = std::thread::spawn(move || writer.certify(&directory, &hash, strict).consume(receiver));
        running.await;
        consumer.join()
    };
    let writer = written.map_err(|_| Failure::new(Exit::Harness, "the record's writer panicked"))?;
    let interrupted = if signals.is_finished() { signals.await.ok().flatten() } else { None };
    let Ended { exit, mut console, evidence } = writer
        .finish(interrupted, started.elapsed())
        .map_err(|error| Failure::new(Exit::Harness, format!("{}: {error}", path.display())))?;
    if let Some(mock) = embedded {
        mock.stop().await;
    }
    write_reports((&path, &run_id), evidence, &sink, &mut console, args.quiet, exit)
}

/// Renders the reports from the record, the one source of all of them: where it is, and whose it must be.
pub(super) fn write_reports(
    (path, run_id): (&Path, &str),
    evidence: Evidence,
    sink: &Sink,
    console: &mut Console,
    quiet: bool,
    exit: Exit,
) -> Result<Exit, Failure> {
    let read_back = || {
        let record = files::read_record(path, false)?;
        if record.header.run_id == run_id {
            return Ok(record);
        }
        let text = format!("{}: this is the record of another run that went on in the same directory", path.display());
        Err(Failure::new(Exit::worst([Exit::Harness, exit]), text))
    };
    let written = match evidence {
        Evidence::Whole(record) => sink.write(&record),
        Evidence::File => sink.write(&read_back()?),
        Evidence::Stored(mut stored) => {
            let mut errors = sink.write_stored(&mut stored).err().unwrap_or_default();
            drop(stored);
            if sink.has_rest() {
                errors.extend(sink.write_rest(&read_back()?).err().unwrap_or_default());
            }
            if errors.is_empty() { Ok(()) } else { Err(errors) }
        }
    };
    if let Err(errors) = written {
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
    Sink::prepare_beside(&out.join("record.jsonl"), &outputs).map_err(failed)
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
        (None, None) => engine::random_seed(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;
    use crate::report::render;

    #[test]
    fn the_record_of_another_run_is_no_source_of_this_one_s_reports() {
        let dir = tempfile::tempdir().unwrap();
        let (path, report) = (dir.path().join("record.jsonl"), dir.path().join("report.html"));
        let record = sample::record();
        std::fs::write(&path, render(Format::Jsonl, &record).unwrap()).unwrap();
        let sink = Sink::prepare(&[(Format::Html, Destination::File(report.clone()))]).unwrap();
        let write = |run_id: &str| {
            let mut console = Console::new(ColorChoice::Never, Verbosity::Quiet, false, RunTexts::of_record(&record));
            write_reports((&path, run_id), Evidence::File, &sink, &mut console, true, Exit::Conformant)
        };
        let refused = write("another").unwrap_err();
        assert!(refused.exit == Exit::Harness && refused.text.contains("another run"), "{}", refused.text);
        assert!(!report.exists());
        assert_eq!(write(&record.header.run_id).unwrap(), Exit::Conformant);
        assert!(report.exists());
    }
}

//! `casebook mutate`: runs the selected cases, changes their answers one thing at a time, and lists what no case notices.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::args::{ListFormat, MutateArgs};
use super::{Failure, files, run, wire};
use crate::engine;
use crate::event::RunEvent;
use crate::model::judgement::Part;
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::{Exit, Verdict};
use crate::plan;
use crate::prove::kill::Jury;
use crate::prove::loose::Looseness;
use crate::prove::mutants::Operator;
use crate::prove::survivors::{MutantReport, Survivor};
use crate::runner::{self, Plan, RunOptions, Stop, Testimony};
use crate::select::select;
use crate::transport::HttpTransport;

/// Cases that may wait to be judged before the run waits.
const HEARD: usize = 64;

/// Most cases named for one place.
const NAMED: usize = 3;

pub(super) fn mutate(args: &MutateArgs) -> Result<Exit, Failure> {
    let suite = files::load_suite(&args.suite)?;
    let target = files::load_target(args.target.as_deref(), &suite)?;
    let (selection, _) = files::selection(&args.select, &suite)?;
    let cases = select(&suite, &selection).map_err(files::select_failure)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Harness, format!("the runtime cannot be built: {error}")))?;
    let heard = runtime.block_on(hear(args, &suite, target, &cases));
    // A name lookup that hangs must not hold up the end of a run.
    runtime.shutdown_background();
    let heard = heard?;
    match args.format {
        ListFormat::Text => files::print(&text(&heard))?,
        ListFormat::Json => {
            let json = serde_json::to_string_pretty(&heard.report)
                .map_err(|error| Failure::new(Exit::Harness, error.to_string()))?;
            files::print(&format!("{json}\n"))?
        }
    };
    if let Some(exit) = heard.interrupted {
        return Ok(exit);
    }
    if heard.report.generated == 0 {
        return Err(Failure::new(Exit::NothingProven, "no selected case passed, so there is no answer to change"));
    }
    let negligent = heard.report.negligent().next().is_some();
    Ok(if negligent && !args.allow_survivors { Exit::Nonconformant } else { Exit::Conformant })
}

/// What came of it.
struct Heard {
    report: MutantReport,
    /// Time spent judging, on one core.
    judging: Duration,
    /// Cases that neither passed nor observed nor were skipped.
    bad: Vec<String>,
    skipped: usize,
    interrupted: Option<Exit>,
}

async fn hear(args: &MutateArgs, suite: &Arc<Suite>, mut target: Target, cases: &[usize]) -> Result<Heard, Failure> {
    let usage = |error: &dyn std::error::Error| Failure::new(Exit::Usage, error.to_string());
    let mocked = files::set_base_urls(&args.base_url, args.target.as_deref(), suite, &mut target)?;
    wire::connect(&args.connection, &mut target, mocked)?;
    let http = wire::options(&args.connection, &target, args.max_body)?;
    let embedded =
        if mocked { Some(engine::start_mock(suite, &mut target).await.map_err(files::engine_failure)?) } else { None };
    let planned = plan::cases(suite, &target, cases, args.strict);
    plan::guard(suite, &target, &planned).map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    wire::reachable(suite, &target, &planned, &http).await?;
    wire::announce(suite, &target, &planned);
    let redactor = Arc::new(plan::redactor(&target).map_err(|error| usage(&error))?);
    let options = RunOptions {
        jobs: wire::jobs(args.jobs, &target, embedded.is_some()).0,
        case_timeout: Duration::from_secs(args.case_timeout),
        seed: args.seed,
        strict: args.strict,
        ..RunOptions::default()
    };
    let transport = Arc::new(HttpTransport::new(http));
    let run_id = engine::run_id(engine::random_seed());
    let (events, finished) = mpsc::channel(HEARD);
    let (listener, testimonies) = mpsc::channel(HEARD);
    let stop = Stop::default();
    let signals = tokio::spawn(run::watch_signals(stop.clone()));
    let (jurors, strict) = (suite.clone(), args.strict);
    let jury = std::thread::spawn(move || judge(&jurors, strict, testimonies));
    let verdicts = std::thread::spawn(move || collect(finished));
    let plan = Plan { suite: suite.clone(), target: Arc::new(target), cases: planned, options };
    runner::run_heard(plan, transport, redactor, &run_id, stop, events, Some(listener)).await;
    let interrupted = if signals.is_finished() { signals.await.ok().flatten() } else { None };
    let panicked = |_| Failure::new(Exit::Harness, "the judging of mutants panicked");
    let (report, judging) = jury.join().map_err(panicked)?;
    let (bad, skipped) = verdicts.join().map_err(panicked)?;
    if let Some(mock) = embedded {
        mock.stop().await;
    }
    Ok(Heard { report, judging, bad, skipped, interrupted })
}

fn judge(suite: &Suite, strict: bool, mut testimonies: mpsc::Receiver<Testimony>) -> (MutantReport, Duration) {
    let mut jury = Jury::new(suite, strict);
    let mut judging = Duration::ZERO;
    while let Some(testimony) = testimonies.blocking_recv() {
        let began = Instant::now();
        jury.hear(&testimony);
        judging += began.elapsed();
    }
    (jury.finish(), judging)
}

fn collect(mut events: mpsc::Receiver<RunEvent>) -> (Vec<String>, usize) {
    let (mut bad, mut skipped) = (Vec::new(), 0);
    while let Some(event) = events.blocking_recv() {
        if let RunEvent::CaseFinished(case) = event {
            let case = case.record();
            match case.outcome {
                Verdict::Passed | Verdict::Observed => {}
                Verdict::Skipped { .. } => skipped += 1,
                _ => bad.push(case.id.to_string()),
            }
        }
    }
    bad.sort_unstable();
    (bad, skipped)
}

/// Writing to a string cannot fail: every result of `writeln!` below is of that kind.
fn text(heard: &Heard) -> String {
    let report = &heard.report;
    let mut out = String::new();
    let seconds = heard.judging.as_secs_f64();
    let rate = if seconds > 0.0 { report.generated as f64 / seconds } else { 0.0 };
    let _ = writeln!(
        out,
        "{} mutants of {} answers of {} cases, judged in {seconds:.2} s ({rate:.0} a second): {} noticed, {} not by \
         the case itself",
        report.generated,
        report.answers,
        report.cases,
        report.killed,
        report.generated - report.killed
    );
    if report.left_out > 0 {
        let _ = writeln!(out, "{} places of long lists and large bodies left as they are", report.left_out);
    }
    if heard.skipped > 0 {
        let _ = writeln!(out, "{} cases skipped", heard.skipped);
    }
    if !heard.bad.is_empty() {
        let _ = writeln!(out, "{} cases did not pass and prove nothing here: {}", heard.bad.len(), few(&heard.bad));
    }
    let _ = writeln!(out, "\n{:<14} {:>9} {:>9} {:>9}", "operator", "mutants", "noticed", "not");
    for each in &report.operators {
        let (word, not) = (each.operator.word(), each.generated - each.killed);
        let _ = writeln!(out, "{word:<14} {:>9} {:>9} {not:>9}", each.generated, each.killed);
    }
    let negligent: Vec<&Survivor> = report.negligent().collect();
    let deliberate: Vec<&Survivor> = report.survived.iter().filter(|each| each.deliberate.is_some()).collect();
    if negligent.is_empty() {
        out.push_str("\nEvery change of a place is noticed by some case, or is let through on purpose.\n");
    } else {
        let _ = writeln!(out, "\nNo case notices ({}):", amount(&negligent));
        list(&negligent, true, &mut out);
    }
    if !deliberate.is_empty() {
        let _ = writeln!(out, "\nLet through on purpose ({}):", amount(&deliberate));
        list(&deliberate, false, &mut out);
    }
    out
}

/// How many changes, and at how many places.
fn amount(survivors: &[&Survivor]) -> String {
    let place = |each: &&Survivor| (each.operation.clone(), each.status, each.part, each.place.clone());
    let places = survivors.iter().map(place).collect::<BTreeSet<_>>().len();
    let plural = |number: usize| if number == 1 { "" } else { "s" };
    let changes = survivors.len();
    format!("{changes} change{} at {places} place{}", plural(changes), plural(places))
}

/// Survivors by operation and place; changes of a place that have one reason share a line.
fn list(survivors: &[&Survivor], cases: bool, out: &mut String) {
    for group in survivors.chunk_by(|left, right| (&left.operation, left.status) == (&right.operation, right.status)) {
        let Some(first) = group.first() else { continue };
        let _ = writeln!(out, "\n  {} {}", first.operation, first.status);
        // What is let through as a whole is one line, not one for each of its places.
        let whole =
            |reason: &Looseness| matches!(reason, Looseness::Body(_) | Looseness::Observe | Looseness::Extra(_));
        let (folded, group): (Vec<&Survivor>, Vec<&Survivor>) =
            group.iter().copied().partition(|each| each.deliberate.as_ref().is_some_and(whole));
        let reasons: BTreeSet<&Looseness> = folded.iter().filter_map(|each| each.deliberate.as_ref()).collect();
        for reason in reasons {
            let same: Vec<&Survivor> =
                folded.iter().copied().filter(|each| each.deliberate.as_ref() == Some(reason)).collect();
            let _ = writeln!(out, "    {}  ({reason})", amount(&same));
        }
        for place in group.chunk_by(|left, right| (left.part, &left.place) == (right.part, &right.place)) {
            let mut reasons: Vec<Option<&Looseness>> = place.iter().map(|each| each.deliberate.as_ref()).collect();
            reasons.sort_unstable();
            reasons.dedup();
            for reason in reasons {
                let same: Vec<&Survivor> =
                    place.iter().copied().filter(|each| each.deliberate.as_ref() == reason).collect();
                let Some(first) = same.first() else { continue };
                let reason = reason.map_or_else(String::new, |reason| format!("  ({reason})"));
                let _ = writeln!(out, "    {}: {}{reason}", name(first), changes(&same, cases));
                if cases {
                    let names: BTreeSet<String> =
                        same.iter().flat_map(|each| each.cases.iter().map(ToString::to_string)).collect();
                    let names: Vec<String> = names.into_iter().collect();
                    let _ = writeln!(out, "        seen by {}", few(&names));
                }
            }
        }
    }
}

fn name(survivor: &Survivor) -> String {
    match (survivor.part, survivor.place.as_str()) {
        (Part::Status, _) => "status".to_owned(),
        (Part::Header, name) => format!("header {name}"),
        (_, "") => "the whole body".to_owned(),
        (_, place) => place.to_owned(),
    }
}

/// The operators of a place, in a phrase where there is one.
fn changes(survivors: &[&Survivor], phrased: bool) -> String {
    let operators: Vec<Operator> = survivors.iter().map(|each| each.operator).collect();
    let words: Vec<&str> = operators.iter().map(|operator| operator.word()).collect();
    let anything = [Operator::Type, Operator::Null].iter().all(|each| operators.contains(each));
    let phrase = match (phrased && anything, operators.contains(&Operator::Removed)) {
        (true, true) => "can be anything or missing: ",
        (true, false) => "can be anything: ",
        (false, _) => "",
    };
    format!("{phrase}{}", words.join(", "))
}

fn few(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{shown} and {} more", names.len() - NAMED) } else { shown }
}

//! Commands that only read and write files: `check`, `list`, `report`, `schema`; and what other commands load.

use std::collections::BTreeSet;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::Failure;
use super::args::{CoverageArgs, ListArgs, ListFormat, ReportArgs, SchemaArgs, SchemaKind, SelectArgs, SuiteArgs};
use crate::load;
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::{Exit, Verdict};
use crate::prove::LOCK_FILE;
use crate::record::{ReadMode, Record, read};
use crate::report::Format;
use crate::select::{SelectError, Selection, select, shard_sizes};
use crate::sink::{Destination, Sink};

/// The suite. It is never dropped: the process ends with it, and taking a large one apart piece by piece takes as long
/// as a run of a few cases.
pub(super) fn load_suite(args: &SuiteArgs) -> Result<Arc<Suite>, Failure> {
    load_part(args, &[], load::part)
}

/// As [`load_suite`]; of a large suite only outlines.
pub(super) fn load_outlines(args: &SuiteArgs) -> Result<Arc<Suite>, Failure> {
    load_part(args, &[], load::for_check)
}

/// The cases that a selection can select: files that were checked before, byte for byte, and hold none of them are
/// not read again.
/// `for_run`: of a large suite only outlines of the cases are kept in memory.
pub(super) fn load_selected(args: &SuiteArgs, select: &SelectArgs, for_run: bool) -> Result<Arc<Suite>, Failure> {
    let whole =
        select.tag.is_some() || !select.clause.is_empty() || !select.file.is_empty() || select.rerun_failed.is_some();
    let load = if for_run { load::for_run } else { load::part };
    let suite = load_part(args, if whole { &[] } else { &select.filters }, load)?;
    // What selects nothing is looked for everywhere, so that the error can name what is there.
    if suite.cases.len() < suite.total && crate::select::select(&suite, &bare(select)).is_err() {
        return load_part(args, &[], load);
    }
    Ok(suite)
}

fn bare(select: &SelectArgs) -> Selection {
    Selection { patterns: select.filters.clone(), ..Selection::default() }
}

type Load = fn(&Path, &[String], Option<&load::Checked>) -> Result<Suite, load::LoadError>;

fn load_part(args: &SuiteArgs, patterns: &[String], load: Load) -> Result<Arc<Suite>, Failure> {
    if !args.cases.is_dir() {
        let text = format!(
            "there is no directory of cases at {}; run casebook where `cases/` is, or name it with --cases DIR",
            args.cases.display()
        );
        return Err(Failure::new(Exit::Usage, text));
    }
    let checked = if patterns.is_empty() { None } else { read_checked(&args.cases.join(LOCK_FILE)) };
    let suite = load(&args.cases, patterns, checked.as_ref())
        .map_err(|error| Failure::new(Exit::Usage, error.render(coloured())))?;
    let suite = Arc::new(suite);
    std::mem::forget(Arc::clone(&suite));
    Ok(suite)
}

/// Whether errors are shown in colour.
fn coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// The profile of a file; without one that of the embedded mock, or for services that the mock does not have, an
/// empty one.
pub(super) fn load_target(path: Option<&Path>, suite: &Suite) -> Result<Target, Failure> {
    let env = |name: &str| std::env::var(name).ok();
    let loaded = match path {
        Some(path) => load::target(path, suite, &env),
        None if crate::engine::is_mocked(suite) => load::mock_target(suite, &env),
        None => return Ok(Target::unnamed()),
    };
    loaded.map_err(|error| Failure::new(Exit::Usage, error.render(coloured())))
}

/// Sets the base URLs that were given, and says whether the embedded mock is what is left to be tested.
pub(super) fn set_base_urls(
    urls: &[String],
    profile: Option<&Path>,
    suite: &Suite,
    target: &mut Target,
) -> Result<bool, Failure> {
    crate::plan::set_base_urls(target, urls, suite).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    if profile.is_some() {
        return Ok(false);
    }
    if !target.services.is_empty() {
        // What answers there may be anything: nobody has said that it is a mock.
        target.identity = Target::unnamed().identity;
        return Ok(false);
    }
    if crate::engine::is_mocked(suite) {
        return Ok(true);
    }
    Err(Failure::new(
        Exit::Usage,
        "there is no target: the embedded mock does not have these services; name one with --base-url or --target",
    ))
}

/// What is selected, and what people should know about it.
pub(super) fn selection(args: &SelectArgs, suite: &Suite) -> Result<(Selection, Vec<String>), Failure> {
    let mut notes = Vec::new();
    let ids = args.rerun_failed.as_ref().map(|path| failed_in(path, suite, &mut notes)).transpose()?;
    let selection = Selection {
        patterns: args.filters.clone(),
        tags: args.tag.clone(),
        clauses: args.clause.clone(),
        files: args.file.clone(),
        ids,
        shard: shard(args)?,
        shuffle: args.shuffle,
    };
    if let Some((index, count)) = selection.shard {
        let sizes = shard_sizes(suite, &selection, count).map_err(select_failure)?;
        let all: usize = sizes.iter().sum();
        let listed: Vec<String> = sizes.iter().map(usize::to_string).collect();
        let own = sizes.get(index as usize - 1).copied().unwrap_or(0);
        notes.push(format!(
            "shard {index} of {count}: {own} of {all} selected cases (all shards: {})",
            listed.join(", ")
        ));
    }
    Ok((selection, notes))
}

/// The shard, counted from 1.
fn shard(args: &SelectArgs) -> Result<Option<(u32, u32)>, Failure> {
    let Some(count) = args.shard_count else { return Ok(args.shard) };
    let wrong = |text: String| Failure::new(Exit::Usage, text);
    let index = match args.shard_index {
        Some(index) => index,
        None => match std::env::var("JOB_COMPLETION_INDEX") {
            Ok(text) => text
                .parse()
                .map_err(|_| wrong(format!("JOB_COMPLETION_INDEX is {text:?}, and must be a number from 0")))?,
            Err(_) => return Err(wrong("--shard-count needs --shard-index or JOB_COMPLETION_INDEX".to_owned())),
        },
    };
    if index >= count {
        return Err(wrong(format!("shard index {index} of {count} does not exist; they are numbered from 0")));
    }
    Ok(Some((index + 1, count)))
}

/// The cases that did not pass in a record.
fn failed_in(path: &Path, suite: &Suite, notes: &mut Vec<String>) -> Result<BTreeSet<String>, Failure> {
    let record = read_record(path, true)?;
    let mut ids = BTreeSet::new();
    let mut gone = 0;
    for case in &record.cases {
        let again = matches!(
            case.outcome,
            Verdict::Failed
                | Verdict::Errored { .. }
                | Verdict::UnexpectedPass { .. }
                | Verdict::Blocked { .. }
                | Verdict::Flaky { .. }
        );
        if !again {
            continue;
        }
        match suite
            .cases
            .iter()
            .find(|each| each.id == case.id || each.aliases.iter().any(|old| old == case.id.as_str()))
        {
            Some(found) => {
                ids.insert(found.id.to_string());
            }
            None => gone += 1,
        }
    }
    let path = path.display();
    if gone > 0 {
        notes.push(format!("{gone} cases that failed in {path} are no longer in the suite"));
    }
    if ids.is_empty() {
        return Err(Failure::new(
            Exit::NothingProven,
            format!("no case failed in {path}: there is nothing to run again"),
        ));
    }
    Ok(ids)
}

/// Why a run cannot begin.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(super) fn engine_failure(error: crate::engine::EngineError) -> Failure {
    use crate::engine::EngineError;
    let exit = match &error {
        EngineError::Select(_) => Exit::NothingProven,
        EngineError::Plan(crate::plan::PlanError::Refused(_)) => Exit::Refused,
        EngineError::Mock(_) => Exit::Harness,
        _ => Exit::Usage,
    };
    Failure::new(exit, error.to_string())
}

/// Why a selection is none.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(super) fn select_failure(error: SelectError) -> Failure {
    let exit = match error {
        SelectError::Malformed { .. } => Exit::Usage,
        _ => Exit::NothingProven,
    };
    Failure::new(exit, error.to_string())
}

/// A record, or the one in a directory.
pub(super) fn record_path(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("record.jsonl") } else { path.to_owned() }
}

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

pub(super) fn read_record(path: &Path, partial: bool) -> Result<Record, Failure> {
    let failed = |text: String| Failure::new(Exit::Usage, format!("{}: {text}", path.display()));
    let file = fs::File::open(record_path(path)).map_err(|error| failed(error.to_string()))?;
    let mode = if partial { ReadMode::Partial } else { ReadMode::Complete };
    read(BufReader::new(file), mode).map_err(|error| failed(chain(&error)))
}

/// `KIND=PATH`, or `KIND` for standard output.
pub(super) fn parse_output(text: &str) -> Result<(Format, Destination), Failure> {
    let (kind, path) = text.split_once('=').unwrap_or((text, "-"));
    let format: Format =
        kind.parse().map_err(|error: crate::report::UnknownFormat| Failure::new(Exit::Usage, error.to_string()))?;
    let destination = if path == "-" { Destination::Stdout } else { Destination::File(path.into()) };
    Ok((format, destination))
}

/// Which files a stored list of checks was written from.
fn read_checked(path: &Path) -> Option<load::Checked> {
    use std::io::Read as _;
    let mut head = [0; 512];
    let mut file = fs::File::open(path).ok()?;
    let length = file.read(&mut head).ok()?;
    load::Checked::find(&String::from_utf8_lossy(&head[..length]))
}

pub(super) fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let suite = load_selected(&args.suite, &args.select, false)?;
    let (selection, notes) = selection(&args.select, &suite)?;
    let cases = select(&suite, &selection).map_err(select_failure)?;
    notes.iter().for_each(|note| hint(note));
    if cases.is_empty() {
        return Err(Failure::new(Exit::NothingProven, "no case falls into this shard"));
    }
    let cases = cases.iter().map(|&index| &suite.cases[index]);
    match args.format {
        ListFormat::Text => {
            let lines: Vec<String> = cases.map(|case| format!("{}  {}\n", case.id, case.title)).collect();
            print(&lines.concat())
        }
        ListFormat::Json => {
            let cases: Vec<_> = cases
                .map(|case| {
                    json!({
                        "id": case.id, "title": case.title, "service": case.service, "clauses": case.cited(),
                        "tags": case.tags, "effect": case.effect, "observe": case.observe, "locks": case.locks,
                        "needs": case.needs, "file": case.source.file, "line": case.source.line,
                    })
                })
                .collect();
            let document = json!({ "suite": suite.hash, "cases": cases });
            print(&format!("{document:#}\n"))
        }
    }
}

pub(super) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let record = read_record(&args.record, args.partial)?;
    let outputs: Vec<_> = args.formats.iter().map(|text| parse_output(text)).collect::<Result<_, _>>()?;
    let failed = |error: &dyn std::error::Error| Failure::new(Exit::Harness, chain(error));
    let sink = Sink::prepare(&outputs).map_err(|error| failed(&error))?;
    sink.write(&record).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(|error| chain(error)).collect();
        Failure::new(Exit::Harness, texts.join("\n"))
    })?;
    Ok(Exit::Conformant)
}

pub(super) fn coverage(args: &CoverageArgs) -> Result<Exit, Failure> {
    let record = read_record(&args.record, true)?;
    match args.format {
        ListFormat::Text => print(&crate::report::coverage::text(&record)),
        ListFormat::Json => {
            let document = json!({ "operations": record.header.suite.operations, "summary": record.summary });
            print(&format!("{document:#}\n"))
        }
    }
}

pub(super) fn schema(args: &SchemaArgs) -> Result<Exit, Failure> {
    let schema = match args.what {
        SchemaKind::Case => crate::case::schema::case_schema(),
        SchemaKind::Service => crate::case::schema::service_schema(),
        SchemaKind::Clauses => crate::case::schema::clauses_schema(),
        SchemaKind::Target => crate::case::schema::target_schema(),
        SchemaKind::Record => crate::record::schema::schema(),
        SchemaKind::Reference => return print(&crate::case::reference()),
    };
    print(&format!("{schema:#}\n"))
}

/// Writes to standard output; a reader that went away is no error.
pub(super) fn print(text: &str) -> Result<Exit, Failure> {
    use std::io::Write as _;
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Harness, format!("standard output: {error}")))
        }
        _ => Ok(Exit::Conformant),
    }
}

/// Tells people something that is no result.
pub(super) fn hint(text: &str) {
    use std::io::Write as _;
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// The name that a value without fields has in a record.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

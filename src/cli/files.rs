//! Commands that only read and write files: `check`, `list`, `report`, `schema`; and what other commands load.

use std::fs;
use std::io::BufReader;
use std::path::Path;

use serde_json::json;

use super::Failure;
use super::args::{CheckArgs, ListArgs, ListFormat, ReportArgs, SchemaArgs, SchemaKind, SelectArgs, SuiteArgs};
use crate::load;
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::Exit;
use crate::record::{ReadMode, Record, read};
use crate::report::Format;
use crate::select::{Selection, select};
use crate::sink::{Destination, Sink};

pub(super) fn load_suite(args: &SuiteArgs) -> Result<Suite, Failure> {
    if !args.cases.is_dir() {
        let text = format!(
            "there is no directory of cases at {}; run casebook where `cases/` is, or name it with --cases DIR",
            args.cases.display()
        );
        return Err(Failure::new(Exit::Usage, text));
    }
    load::suite(&args.cases).map_err(|error| Failure::new(Exit::Usage, error.render(coloured())))
}

/// Whether errors are shown in colour.
fn coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

pub(super) fn load_target(path: Option<&Path>, suite: &Suite) -> Result<Target, Failure> {
    let env = |name: &str| std::env::var(name).ok();
    let loaded = match path {
        Some(path) => load::target(path, suite, &env),
        None => load::mock_target(suite, &env),
    };
    loaded.map_err(|error| Failure::new(Exit::Usage, error.render(coloured())))
}

pub(super) fn selection(args: &SelectArgs) -> Selection {
    Selection {
        patterns: args.filters.clone(),
        tags: args.tag.clone(),
        clauses: args.clause.clone(),
        files: args.file.clone(),
        ids: None,
        shard: args.shard,
        shuffle: args.shuffle,
    }
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
    let file = fs::File::open(path).map_err(|error| failed(error.to_string()))?;
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

pub(super) fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let suite = load_suite(&args.suite)?;
    if let Some(path) = &args.target {
        load_target(Some(path), &suite)?;
    }
    let excluded = suite.clauses.iter().filter(|clause| clause.excluded.is_some()).count();
    print(&format!(
        "{} cases, {} clauses ({excluded} excluded), {} choices, {} documents: no errors\n",
        suite.cases.len(),
        suite.clauses.len(),
        suite.choices.len(),
        suite.documents.len()
    ))
}

pub(super) fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let suite = load_suite(&args.suite)?;
    let cases = select(&suite, &selection(&args.select))
        .map_err(|error| Failure::new(Exit::NothingProven, error.to_string()))?;
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

pub(super) fn schema(args: &SchemaArgs) -> Result<Exit, Failure> {
    let schema = match args.what {
        SchemaKind::Case => crate::case::schema::case_schema(),
        SchemaKind::Service => crate::case::schema::service_schema(),
        SchemaKind::Clauses => crate::case::schema::clauses_schema(),
        SchemaKind::Target => crate::case::schema::target_schema(),
        SchemaKind::Record => crate::record::schema::schema(),
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

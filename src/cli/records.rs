//! `casebook merge` and `casebook verify`: records as input.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde_json::json;

use super::args::{ListFormat, MergeArgs, VerifyArgs};
use super::writer::Evidence;
use super::{Failure, files, run};
use crate::console::{Console, Verbosity};
use crate::load;
use crate::merge;
use crate::model::verdict::Exit;
use crate::plan;
use crate::record::{Line, Record, write_line};
use crate::report::escape::visible;
use crate::report::text::RunTexts;
use crate::verify::{self, Again, Finding};

pub(super) fn merge(args: &MergeArgs, colour: anstream::ColorChoice) -> Result<Exit, Failure> {
    let shards: Vec<Record> =
        args.records.iter().map(|path| files::read_record(path, false)).collect::<Result<_, _>>()?;
    let record = merge::merge(shards).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let sink = run::outputs(&args.out, &args.report)?;
    let path = args.out.join("record.jsonl");
    write(&path, &record).map_err(|error| Failure::new(Exit::Harness, format!("{}: {error}", path.display())))?;
    let mut console = Console::new(colour, Verbosity::Normal, false, RunTexts::of_record(&record));
    if sink.takes_stdout() {
        console = console.beside_a_report();
    }
    console.started(&record.header);
    record.cases.iter().for_each(|case| console.finished(case));
    console.ended(&record.summary, &record.footer);
    let exit = record.footer.exit;
    let run_id = record.header.run_id.clone();
    run::write_reports((&path, &run_id), Evidence::Whole(Box::new(record)), &sink, &mut console, false, exit)
}

/// Writes a whole record, in one step.
fn write(path: &Path, record: &Record) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".casebook-").suffix(".tmp").tempfile_in(directory)?;
    {
        let mut out = BufWriter::new(file.as_file_mut());
        write_line(&Line::Header(Box::new(record.header.clone())), &mut out)?;
        for case in &record.cases {
            write_line(&Line::Case(Box::new(case.clone())), &mut out)?;
        }
        write_line(&Line::Summary(Box::new(record.summary.clone())), &mut out)?;
        write_line(&Line::Footer(Box::new(record.footer.clone())), &mut out)?;
        out.flush()?;
    }
    file.as_file().sync_all()?;
    let readable = fs::metadata(path).map(|metadata| metadata.permissions()).ok();
    file.persist(path).map_err(|error| error.error)?;
    match readable {
        Some(permissions) => fs::set_permissions(path, permissions),
        None => open_up(path),
    }
}

/// Temporary files are their owner's alone; a record is read by others.
#[cfg(unix)]
fn open_up(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_up(_: &Path) -> std::io::Result<()> {
    Ok(())
}

pub(super) fn verify(args: &VerifyArgs) -> Result<Exit, Failure> {
    let record = files::read_record(&args.record, true)?;
    let partial = files::read_record(&args.record, false).is_err();
    // What a killed run did not conclude is made up while reading, and agrees with itself.
    let differs = if partial { Vec::new() } else { verify::recompute(&record) };
    let (again, why_not) = match judge_again(args, &record)? {
        Ok(again) => (again, None),
        Err(why) => (Again::default(), Some(why)),
    };
    let all: Vec<&Finding> = differs.iter().chain(&again.differs).collect();
    match args.format {
        ListFormat::Json => {
            let list = |findings: &[&Finding]| -> Vec<_> {
                findings.iter().map(|each| json!({ "case": each.case, "text": each.text })).collect()
            };
            let unverifiable: Vec<&Finding> = again.unverifiable.iter().collect();
            let document = json!({
                "cases": record.cases.len(), "judged_again": again.judged, "not_judged_again": why_not,
                "differs": list(&all), "not_verifiable": list(&unverifiable), "complete": !partial,
            });
            files::print(&format!("{document:#}\n"))?;
        }
        ListFormat::Text => {
            let mut text = String::new();
            let mut section = |title: &str, findings: &[&Finding]| {
                if !findings.is_empty() {
                    text.push_str(&format!("{title} ({})\n", findings.len()));
                }
                for each in findings {
                    let case = each.case.as_ref().map_or("the run", |case| case.as_str());
                    text.push_str(&format!("  {}  {}\n", visible(case), visible(&each.text)));
                }
            };
            section("Not verifiable", &again.unverifiable.iter().collect::<Vec<_>>());
            section("The record differs from its evidence", &all);
            let cases = record.cases.len();
            text.push_str(&match (&why_not, partial) {
                (_, true) => format!("{cases} cases; the run did not end, so that its conclusion was not recomputed\n"),
                (Some(_), false) => format!("{cases} cases: verdicts, counts and exit code recomputed\n"),
                (None, false) => {
                    let judged = again.judged;
                    format!("{cases} cases: verdicts, counts and exit code recomputed; {judged} judged again from their exchanges\n")
                }
            });
            if let Some(why) = &why_not {
                text.push_str(&format!("exchanges were not judged again: {why}\n"));
            }
            text.push_str(if all.is_empty() { "no difference\n" } else { "the record is not to be trusted\n" });
            files::print(&text)?;
        }
    }
    Ok(if all.is_empty() { Exit::Conformant } else { Exit::Nonconformant })
}

/// Judges exchanges again, or says why that cannot be done.
fn judge_again(args: &VerifyArgs, record: &Record) -> Result<Result<Again, String>, Failure> {
    let dir = &args.suite.cases;
    if !dir.is_dir() {
        return Ok(Err(format!("there is no suite at {}", dir.display())));
    }
    let suite = files::load_suite(&args.suite)?;
    if suite.hash != record.header.suite.hash {
        return Ok(Err(format!("the suite at {} is not the recorded one", dir.display())));
    }
    // The record does not hold secrets: they need not be there, and anything will stand in for them.
    let env = |name: &str| Some(format!("stand-in for {name}"));
    let loaded = match &args.target {
        Some(path) => load::target(path, &suite, &env),
        None if crate::engine::is_mocked(&suite) => load::mock_target(&suite, &env),
        None => Ok(crate::model::target::Target::unnamed()),
    };
    let target = loaded.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    if plan::config_hash(&target) != record.header.config_hash {
        let why = if args.target.is_some() { "is not the recorded one" } else { "was not given (--target FILE)" };
        return Ok(Err(format!("the target's profile {why}")));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Harness, format!("the runtime cannot be built: {error}")))?;
    Ok(runtime.block_on(verify::again(record, &suite, &target)))
}

//! `casebook check`: everything that is wrong with the files, and whether a check is gone since they were last listed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Failure;
use super::args::{CheckArgs, ListFormat};
use super::files;
use crate::case::Diagnostic;
use crate::load::{self, LoadError};
use crate::model::suite::Suite;
use crate::model::verdict::Exit;
use crate::prove::{LOCK_FILE, Lock};

pub(super) fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    if args.format == ListFormat::Json {
        return as_json(args);
    }
    let path = args.suite.cases.join(LOCK_FILE);
    let load = if is_listed(args, &path) { files::load_suite } else { files::load_outlines };
    let suite = load(&args.suite)?;
    if let Some(path) = &args.target {
        files::load_target(Some(path), &suite)?;
    }
    if args.update {
        update(&suite, &path)?;
    } else if let Some(stored) = read_lock(&path)? {
        let difference = stored.compare(&Lock::of(&suite));
        if !difference.is_empty() {
            return Err(Failure::new(Exit::Usage, difference.tell(&path.display().to_string())));
        }
    }
    let excluded = suite.clauses.iter().filter(|clause| clause.excluded.is_some()).count();
    files::print(&format!(
        "{} cases, {} clauses ({excluded} excluded), {} choices, {} documents: no errors\n",
        suite.cases.len(),
        suite.clauses.len(),
        suite.choices.len(),
        suite.documents.len()
    ))
}

/// Whether the checks of all cases are looked at, and not only what is wrong with them.
fn is_listed(args: &CheckArgs, lock: &Path) -> bool {
    args.update || lock.exists()
}

/// The same for editors and bots: one document, whatever is wrong.
fn as_json(args: &CheckArgs) -> Result<Exit, Failure> {
    let env = |name: &str| std::env::var(name).ok();
    let path = args.suite.cases.join(LOCK_FILE);
    let read = if is_listed(args, &path) { load::part } else { load::for_check };
    let loaded: Result<Suite, LoadError> = read(&args.suite.cases, &[], None).and_then(|suite| {
        args.target.as_ref().map_or(Ok(()), |path| load::target(path, &suite, &env).map(drop))?;
        Ok(suite)
    });
    let suite = match loaded {
        Ok(suite) => suite,
        Err(error) => {
            let errors: Vec<Value> = error.diagnostics.iter().map(diagnostic).collect();
            files::print(&format!("{:#}\n", json!({ "errors": errors })))?;
            return Ok(Exit::Usage);
        }
    };
    let mut document = json!({
        "suite": suite.hash,
        "cases": suite.cases.len(),
        "clauses": suite.clauses.len(),
        "excluded": suite.clauses.iter().filter(|clause| clause.excluded.is_some()).count(),
        "choices": suite.choices.len(),
        "documents": suite.documents.len(),
        "errors": [],
    });
    let mut exit = Exit::Conformant;
    if args.update {
        update(&suite, &path)?;
    } else if let Some(stored) = read_lock(&path)? {
        let difference = stored.compare(&Lock::of(&suite));
        let lines = |list: &[(String, String)]| -> Vec<Value> {
            list.iter().map(|(entry, check)| json!({ "entry": entry, "check": check })).collect()
        };
        document["lock"] = json!({ "gone": lines(&difference.gone), "added": lines(&difference.added) });
        if !difference.is_empty() {
            exit = Exit::Usage;
        }
    }
    files::print(&format!("{document:#}\n"))?;
    Ok(exit)
}

fn diagnostic(error: &Diagnostic) -> Value {
    json!({
        "file": &*error.file, "line": error.line, "column": error.column,
        "start": error.span.start, "end": error.span.end,
        "message": error.message, "help": error.help,
    })
}

fn update(suite: &Suite, path: &Path) -> Result<(), Failure> {
    fs::write(path, format!("{}{}", load::Checked::of(suite), Lock::of(suite).write()))
        .map_err(|error| Failure::new(Exit::Harness, format!("{}: {error}", path.display())))
}

/// The stored list of checks, if there is one.
pub(super) fn read_lock(path: &Path) -> Result<Option<Lock>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Lock::parse(&text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(Exit::Usage, format!("{}: {error}", path.display()))),
    }
}

//! `casebook prove`: what would the suite catch, and what would it accuse wrongly?

use std::fs;
use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::args::{ProveArgs, ProveFormat};
use super::{Failure, files};
use crate::mock::seed::Seed;
use crate::model::verdict::Exit;
use crate::prove::{self, Bench, CERTIFICATE_FILE, Certificate, LOCK_FILE, Lock, Proof, Scope};

pub(super) fn prove(args: &ProveArgs) -> Result<Exit, Failure> {
    let suite = files::load_suite(&args.suite)?;
    let target = Arc::new(files::load_target(None, &suite)?);
    let seed = Seed::embedded().map_err(|error| Failure::new(Exit::Harness, files::chain(&error)))?;
    let mut scope = Scope::default();
    for pattern in &args.only {
        scope.only.push(crate::select::glob(pattern).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?);
    }
    let failed = |error: prove::BenchError| Failure::new(Exit::Harness, files::chain(&error));
    let bench = Bench::new(Arc::clone(&suite), target, seed, args.seed).map_err(failed)?;
    let shown = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
    let progress = |done: usize, total: usize| {
        if shown {
            // Nobody is left to be told that standard error is closed.
            let _ = write!(
                std::io::stderr(),
                "\r{done}/{total} services\x1b[K{}",
                if done == total { "\r\x1b[K" } else { "" }
            );
        }
    };
    let mut proof = prove::prove(&bench, &scope, &progress).map_err(failed)?;
    if !scope.is_whole() && proof.faults.is_empty() && proof.variations.is_empty() {
        let known = crate::mock::faults::faults().iter().map(|fault| fault.id);
        let known = known.chain(crate::mock::variations::variations().iter().map(|variation| variation.id));
        let help = args.only.first().map(|given| super::mock::nearest(given, known)).unwrap_or_default();
        return Err(Failure::new(Exit::NothingProven, format!("no fault and no variation matches{help}")));
    }
    proof.lock = lock(&args.suite.cases, &Lock::of(&suite))?;
    write(args, &proof)?;
    let rendered = match args.format {
        ProveFormat::Text => prove::text(&proof),
        ProveFormat::Markdown => prove::markdown(&proof),
        ProveFormat::Html => prove::html(&proof),
        ProveFormat::Json => {
            let text = serde_json::to_string_pretty(&proof);
            text.map_err(|error| Failure::new(Exit::Harness, error.to_string()))? + "\n"
        }
    };
    files::print(&rendered)?;
    Ok(if proof.problems().is_empty() { Exit::Conformant } else { Exit::Nonconformant })
}

/// What differs from the stored list of checks, in sentences.
fn lock(cases: &Path, suite: &Lock) -> Result<Vec<String>, Failure> {
    let path = cases.join(LOCK_FILE);
    let difference = match super::check::read_lock(&path)? {
        Some(stored) => stored.compare(suite),
        None => {
            let text =
                format!("there is no list of checks at {}; `casebook check --update` writes one", path.display());
            return Ok(vec![text]);
        }
    };
    let say = |what: &str, (entry, line): &(String, String)| {
        if line.is_empty() { format!("{what}: {entry}") } else { format!("{what}: {entry}: {line}") }
    };
    let gone = difference.gone.iter().map(|each| say("a check that the stored list has is gone", each));
    let added = difference.added.iter().map(|each| say("a check is not in the stored list", each));
    Ok(gone.chain(added).collect())
}

/// Writes the proof's files. A proof of a part is shown and not kept.
fn write(args: &ProveArgs, proof: &Proof) -> Result<(), Failure> {
    if !proof.whole {
        return Ok(());
    }
    let certificate = Certificate::of(proof).write();
    let mut outputs = vec![
        (args.out.join("proof.json"), certificate.clone()),
        (args.out.join("proof.md"), prove::markdown(proof)),
        (args.out.join("proof.html"), prove::html(proof)),
    ];
    if args.update {
        outputs.push((args.suite.cases.join(CERTIFICATE_FILE), certificate));
    }
    let failed =
        |path: &Path, error: std::io::Error| Failure::new(Exit::Harness, format!("{}: {error}", path.display()));
    fs::create_dir_all(&args.out).map_err(|error| failed(&args.out, error))?;
    outputs.iter().try_for_each(|(path, text)| fs::write(path, text).map_err(|error| failed(path, error)))
}

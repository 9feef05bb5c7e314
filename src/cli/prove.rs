//! `casebook prove`: what would the suite catch, and what would it accuse wrongly?

use std::sync::Arc;
use std::time::Instant;

use super::args::ProveArgs;
use super::{Failure, files};
use crate::mock::seed::Seed;
use crate::model::verdict::Exit;
use crate::prove::{self, Bench, Scope};

pub(super) fn prove(args: &ProveArgs) -> Result<Exit, Failure> {
    let suite = Arc::new(files::load_suite(&args.suite)?);
    let target = Arc::new(files::load_target(None, &suite)?);
    let seed = Seed::embedded().map_err(|error| Failure::new(Exit::Harness, files::chain(&error)))?;
    let mut scope = Scope::default();
    for pattern in &args.only {
        scope.only.push(crate::select::glob(pattern).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?);
    }
    let started = Instant::now();
    let failed = |error: prove::BenchError| Failure::new(Exit::Harness, files::chain(&error));
    let bench = Bench::new(suite, target, seed, args.seed).map_err(failed)?;
    let proof = prove::prove(&bench, &scope, &|_, _| {}).map_err(failed)?;
    let mut text = serde_json::to_string_pretty(&proof).unwrap();
    text.push('\n');
    files::print(&text)?;
    eprintln!("{:?}", started.elapsed());
    Ok(Exit::Conformant)
}

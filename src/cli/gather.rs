//! Runs selected cases and keeps what they saw: for commands that compare runs instead of writing a record.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::args::RepeatArgs;
use super::run::watch_signals;
use super::{Failure, files, wire};
use crate::engine;
use crate::event::RunEvent;
use crate::mock::server::Mock;
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::Exit;
use crate::plan;
use crate::record::CaseRecord;
use crate::runner::{self, Plan, PlannedCase, RunOptions, Stop};
use crate::transport::{HttpOptions, HttpTransport};

/// Cases that may wait to be kept before the run waits.
const EVENTS: usize = 256;

/// A target that can be fired at, and the cases that will be.
pub(super) struct Aim {
    target: Arc<Target>,
    planned: Vec<PlannedCase>,
    http: HttpOptions,
    mock: Option<Mock>,
}

/// Makes sure that a target may be fired at and can be reached. `mocked` starts an embedded mock.
pub(super) async fn aim(
    suite: &Suite,
    mut target: Target,
    mocked: bool,
    cases: &[usize],
    args: &RepeatArgs,
) -> Result<Aim, Failure> {
    wire::connect(&args.connection, &mut target, mocked)?;
    let http = wire::options(&args.connection, &target, args.max_body)?;
    let mock = match mocked {
        true => Some(engine::start_mock(suite, &mut target).await.map_err(files::engine_failure)?),
        false => None,
    };
    let planned = plan::cases(suite, &target, cases, args.strict);
    plan::guard(suite, &target, &planned).map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    wire::reachable(suite, &target, &planned, &http).await?;
    wire::announce(suite, &target, &planned);
    Ok(Aim { target: Arc::new(target), planned, http, mock })
}

impl Aim {
    /// Ends the embedded mock, if there is one.
    pub(super) async fn end(self) {
        if let Some(mock) = self.mock {
            mock.stop().await;
        }
    }

    /// Fires the cases once and gives their records, without secrets, sorted by id. Bodies are kept whole.
    pub(super) async fn fire(
        &self,
        suite: &Arc<Suite>,
        args: &RepeatArgs,
        seed: u64,
        stop: Stop,
    ) -> Result<Vec<CaseRecord>, Failure> {
        let redactor = plan::redactor(&self.target).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        let options = RunOptions {
            jobs: wire::jobs(args.jobs, &self.target, self.mock.is_some()).0,
            case_timeout: Duration::from_secs(args.case_timeout),
            seed,
            strict: args.strict,
            evidence: usize::try_from(args.max_body).unwrap_or(usize::MAX),
            ..RunOptions::default()
        };
        let transport = HttpTransport::new(self.http.clone());
        let plan =
            Plan { suite: Arc::clone(suite), target: Arc::clone(&self.target), cases: self.planned.clone(), options };
        let (sender, mut receiver) = mpsc::channel(EVENTS);
        let mut kept = Vec::with_capacity(self.planned.len());
        // The same id in every run: what is sent must not differ.
        let run_id = engine::run_id(seed);
        let running = runner::run(plan, Arc::new(transport), Arc::new(redactor), &run_id, stop, sender);
        let keeping = async {
            while let Some(event) = receiver.recv().await {
                if let RunEvent::CaseFinished(case) = event {
                    kept.push(*case.record());
                }
            }
        };
        tokio::join!(running, keeping);
        kept.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(kept)
    }
}

/// Runs something until it ends, or until a signal asks to stop; then gives the exit code of the signal too.
pub(super) fn until_stopped<T>(
    work: impl AsyncFnOnce(Stop) -> Result<T, Failure>,
) -> Result<(T, Option<Exit>), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Harness, format!("the runtime cannot be built: {error}")))?;
    runtime.block_on(async {
        let stop = Stop::default();
        let signals = tokio::spawn(watch_signals(stop.clone()));
        let done = work(stop).await?;
        let interrupted = if signals.is_finished() { signals.await.ok().flatten() } else { None };
        Ok((done, interrupted))
    })
}

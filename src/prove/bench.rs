//! Runs the suite against many departing mocks at once: [`Bench`].
//!
//! Every service is a real one on a socket of its own. Each thread has a runtime of its own, so that a client and the
//! mock that it talks to never wait for another thread.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::event::RunEvent;
use crate::mock::seed::Seed;
use crate::mock::server::{Mock, MockOptions};
use crate::mock::service::Departure;
use crate::model::id::{CaseId, ClauseId};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::Verdict;
use crate::plan;
use crate::record::CaseRecord;
use crate::redact::{RedactError, Redactor};
use crate::runner::{self, Plan, RunOptions, Stop};
use crate::transport::{HttpOptions, HttpTransport};

/// Services that one thread keeps running at a time: while one delays its answers, the others go on.
const TOGETHER: usize = 4;
/// Cases in flight at one service.
const JOBS: usize = 8;
/// Deadline of a case: a fault may well be an answer that never comes.
const CASE_TIME: Duration = Duration::from_secs(20);
/// Mismatches of a case that are told.
const SEEN: usize = 3;
/// Events that may wait for the one who counts them.
const EVENTS: usize = 64;

/// Why nothing could be proven.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A mock, a thread or a runtime could not be started.
    #[error("a service cannot be started: {0}")]
    Start(#[from] std::io::Error),
    /// The target's secrets cannot be redacted.
    #[error(transparent)]
    Redact(#[from] RedactError),
    /// A worker panicked, which is a bug of casebook.
    #[error("a worker of the proof panicked")]
    Panicked,
}

/// One service to run cases against.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How it departs from the honest one; empty: not at all.
    pub departures: Vec<Departure>,
    /// Cases to run, as places in [`Suite::cases`].
    pub cases: Arc<[usize]>,
    /// Whether only literal readings are accepted.
    pub strict: bool,
}

/// What became of a trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Cases that ran.
    pub ran: usize,
    /// Cases that were skipped.
    pub skipped: usize,
    /// Cases that did not end well, sorted by id.
    pub broken: Vec<Broken>,
}

/// A case that failed, errored or was blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The case.
    pub case: CaseId,
    /// Whether a check failed; otherwise the case could not be judged.
    pub failed: bool,
    /// Clauses that its failed checks cite.
    pub clauses: BTreeSet<ClauseId>,
    /// What was seen, in one sentence each.
    pub seen: Vec<String>,
}

/// A suite, its target without services, and the state that every mock starts with.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The suite.
    pub suite: Arc<Suite>,
    /// The embedded mock's profile.
    pub target: Arc<Target>,
    /// The mock's starting state.
    pub seed: Seed,
    /// Seed of random ids.
    pub random: u64,
    redactor: Arc<Redactor>,
}

impl Bench {
    /// A bench.
    ///
    /// # Errors
    /// [`BenchError::Redact`] for a target whose secrets are too short.
    pub fn new(suite: Arc<Suite>, target: Arc<Target>, seed: Seed, random: u64) -> Result<Self, BenchError> {
        let redactor = Arc::new(plan::redactor(&target)?);
        Ok(Self { suite, target, seed, random, redactor })
    }

    /// Runs all trials, several at a time, and gives their outcomes in the same order. `ended` is told of each.
    ///
    /// # Errors
    /// When a service, a thread or a runtime cannot be started, or a worker panicked.
    pub fn run(&self, trials: &[Trial], ended: &(dyn Fn() + Sync)) -> Result<Vec<Outcome>, BenchError> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<Option<Outcome>>> = Mutex::new(vec![None; trials.len()]);
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(trials.len()).max(1);
        let work = || -> Result<(), BenchError> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let worker = || async {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(trial) = trials.get(index) else { return Ok::<(), BenchError>(()) };
                    let outcome = self.trial(trial).await?;
                    done.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(outcome);
                    ended();
                }
            };
            let workers: Vec<_> = (0..TOGETHER).map(|_| worker()).collect();
            runtime.block_on(futures_util::future::try_join_all(workers)).map(|_| ())
        };
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            handles.into_iter().try_for_each(|handle| handle.join().map_err(|_| BenchError::Panicked)?)
        })?;
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.into_iter().collect::<Option<Vec<_>>>().ok_or(BenchError::Panicked)
    }

    async fn trial(&self, trial: &Trial) -> Result<Outcome, BenchError> {
        let mut options = MockOptions::loopback(self.seed.clone());
        for departure in &trial.departures {
            options = options.departing(*departure);
        }
        let mock = Mock::start(options).await?;
        let mut target = (*self.target).clone();
        for service in self.suite.services.keys() {
            target.services.insert(service.clone(), mock.base_url());
        }
        let cases = plan::cases(&self.suite, &target, &trial.cases, trial.strict);
        let options = RunOptions {
            jobs: JOBS,
            case_timeout: CASE_TIME,
            seed: self.random,
            strict: trial.strict,
            evidence: 0,
            ..RunOptions::default()
        };
        let plan = Plan { suite: Arc::clone(&self.suite), target: Arc::new(target), cases, options };
        let transport = Arc::new(HttpTransport::new(HttpOptions::default()));
        let (sender, mut receiver) = mpsc::channel(EVENTS);
        let running = runner::run(plan, transport, Arc::clone(&self.redactor), "prove", Stop::default(), sender);
        let counting = async {
            let mut outcome = Outcome::default();
            while let Some(event) = receiver.recv().await {
                if let RunEvent::CaseFinished(record) = event {
                    outcome.add(&record);
                }
            }
            outcome.broken.sort_by(|one, two| one.case.cmp(&two.case));
            outcome
        };
        let ((), outcome) = tokio::join!(running, counting);
        Ok(outcome)
    }
}

impl Outcome {
    fn add(&mut self, record: &CaseRecord) {
        match &record.outcome {
            Verdict::Passed | Verdict::Observed | Verdict::KnownFailure { .. } => self.ran += 1,
            Verdict::Skipped { .. } => self.skipped += 1,
            Verdict::Failed => {
                self.ran += 1;
                let mismatches = &record.judgement.mismatches;
                self.broken.push(Broken {
                    case: record.id.clone(),
                    failed: true,
                    clauses: mismatches.iter().flat_map(|mismatch| mismatch.clauses.iter().cloned()).collect(),
                    seen: mismatches.iter().take(SEEN).map(crate::report::text::mismatch).collect(),
                });
            }
            other => {
                self.ran += 1;
                let seen = match other {
                    Verdict::Errored { detail, .. } | Verdict::Blocked { detail, .. } | Verdict::NotRun { detail } => {
                        detail.clone()
                    }
                    other => format!("{other:?}"),
                };
                self.broken.push(Broken {
                    case: record.id.clone(),
                    failed: false,
                    clauses: BTreeSet::new(),
                    seen: vec![seen],
                });
            }
        }
    }
}

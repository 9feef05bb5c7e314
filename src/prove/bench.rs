//! Runs the suite against many departing mocks at once: [`Bench`].
//!
//! Every service is a real one on a socket of its own. Each thread has a runtime and a client of its own, so that a
//! client and the mock that it talks to never wait for another thread. A service that holds its answers back is run as
//! many small ones that each get some of the cases, beside those that keep the thread busy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
use crate::record::{CaseRecord, Summary};
use crate::redact::{RedactError, Redactor};
use crate::runner::{self, Plan, RunOptions, Stop, Testimony};
use crate::transport::{HttpOptions, HttpTransport};

/// Services that one thread keeps busy with at a time.
const TOGETHER: usize = 3;
/// Services that hold their answers back, at a time, beside the others of a thread.
const WAITING: usize = 16;
/// Services that a trial which waits is run as.
const SHARES: usize = 24;
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
    /// Whether it holds its answers back.
    pub waits: bool,
    /// Who hears what each case saw.
    pub listener: Option<mpsc::Sender<Testimony>>,
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
    /// What only the run as a whole shows: clauses of a choice that was followed two ways by answers of several cases,
    /// with the first case of the rarer way.
    pub mixed: BTreeMap<ClauseId, BTreeSet<CaseId>>,
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

/// A trial while its shares end.
struct Progress {
    outcome: Outcome,
    /// Verdicts over the whole run.
    summary: Summary,
    /// Shares that have not ended.
    left: usize,
}

/// Some cases of a trial.
struct Share {
    trial: usize,
    cases: Arc<[usize]>,
}

/// Shares that are taken one by one.
#[derive(Default)]
struct Queue {
    shares: Vec<Share>,
    next: AtomicUsize,
}

impl Queue {
    fn take(&self) -> Option<&Share> {
        self.shares.get(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

fn locked(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    // A worker that panicked ends the proof anyway.
    progress.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub fn run(&self, trials: Vec<Trial>, ended: &(dyn Fn() + Sync)) -> Result<Vec<Outcome>, BenchError> {
        let (mut busy, mut waiting) = (Queue::default(), Queue::default());
        let mut progress = Vec::with_capacity(trials.len());
        for (trial, each) in trials.iter().enumerate() {
            let shares = if each.waits { SHARES.min(each.cases.len()).max(1) } else { 1 };
            let queue = if each.waits { &mut waiting } else { &mut busy };
            queue.shares.extend(
                (0..shares).map(|share| Share {
                    trial,
                    cases: each.cases.iter().copied().skip(share).step_by(shares).collect(),
                }),
            );
            let summary = Summary::new(&self.suite.clauses, &self.suite.choices, &[]);
            progress.push(Mutex::new(Progress { outcome: Outcome::default(), summary, left: shares }));
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(trials.len()).max(1);
        let work = || -> Result<(), BenchError> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            // The mock is this process's own and answers in step, so that its connections may be kept.
            let mut options = HttpOptions::default();
            options.network.reuse = true;
            let transport = Arc::new(HttpTransport::new(options));
            let worker = async |queue: &Queue| {
                while let Some(share) = queue.take() {
                    self.share(&trials[share.trial], &share.cases, &transport, &progress[share.trial]).await?;
                    let mut progress = locked(&progress[share.trial]);
                    progress.left -= 1;
                    if progress.left == 0 {
                        ended();
                    }
                }
                Ok::<(), BenchError>(())
            };
            let busy = futures_util::future::try_join_all((0..TOGETHER).map(|_| worker(&busy)));
            let waiting = futures_util::future::try_join_all((0..WAITING).map(|_| worker(&waiting)));
            runtime.block_on(async { tokio::try_join!(busy, waiting) }).map(|_| ())
        };
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            handles.into_iter().try_for_each(|handle| handle.join().map_err(|_| BenchError::Panicked)?)
        })?;
        // Whoever hears what cases saw learns that there is no more.
        drop(trials);
        let ended = |progress: Mutex<Progress>| {
            let Progress { mut outcome, summary, .. } = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
            outcome.broken.sort_by(|one, two| one.case.cmp(&two.case));
            outcome.mix(&self.suite, summary);
            outcome
        };
        Ok(progress.into_iter().map(ended).collect())
    }

    async fn share(
        &self,
        trial: &Trial,
        cases: &[usize],
        transport: &Arc<HttpTransport>,
        progress: &Mutex<Progress>,
    ) -> Result<(), BenchError> {
        let mut options = MockOptions::loopback(self.seed.clone());
        for departure in &trial.departures {
            options = options.departing(*departure);
        }
        let mock = Mock::start(options).await?;
        let mut target = (*self.target).clone();
        for service in self.suite.services.keys() {
            target.services.insert(service.clone(), mock.base_url());
        }
        let cases = plan::cases(&self.suite, &target, cases, trial.strict);
        let options = RunOptions {
            jobs: JOBS,
            case_timeout: CASE_TIME,
            seed: self.random,
            strict: trial.strict,
            evidence: 0,
            ..RunOptions::default()
        };
        let plan = Plan { suite: Arc::clone(&self.suite), target: Arc::new(target), cases, options };
        let (sender, mut receiver) = mpsc::channel(EVENTS);
        let (transport, redactor) = (Arc::clone(transport), Arc::clone(&self.redactor));
        let listener = trial.listener.clone();
        let running = runner::run_heard(plan, transport, redactor, "prove", Stop::default(), sender, listener);
        let counting = async {
            while let Some(event) = receiver.recv().await {
                if let RunEvent::CaseFinished(case) = event {
                    let record = case.record();
                    let mut progress = locked(progress);
                    progress.outcome.add(&record);
                    progress.summary.add(&record);
                }
            }
        };
        tokio::join!(running, counting);
        Ok(())
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

    /// Takes over what the run as a whole shows.
    fn mix(&mut self, suite: &Suite, summary: Summary) {
        for mixed in summary.finish().choices.into_iter().filter(|choice| !choice.mixed.is_empty()) {
            let Some(choice) = suite.choice(&mixed.id) else { continue };
            for clause in &choice.clauses {
                let cases = mixed.mixed.iter().map(|(_, case)| case.clone());
                self.mixed.entry(clause.clone()).or_default().extend(cases);
            }
        }
    }
}

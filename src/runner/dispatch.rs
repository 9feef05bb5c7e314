//! Which case runs when: [`run`] keeps a fixed number of cases in flight and never lets two overlap that share a lock.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::case::Env;
use super::findings::{Setting, Subject};
use super::pace::{Hold, Pace};
use super::repeat::repeated;
use super::testimony::Testimony;
use crate::event::{Finished, RunEvent};
use crate::model::spec::Case;
use crate::model::suite::{Suite, Whole};
use crate::model::target::Target;
use crate::model::verdict::{SkipCode, Stage, Verdict};
use crate::redact::Redactor;
use crate::transport::Transport;

/// What is to be run, and against what.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The suite that the cases come from.
    pub suite: Arc<Suite>,
    /// The target.
    pub target: Arc<Target>,
    /// The selected cases in the order in which they begin.
    pub cases: Vec<PlannedCase>,
    /// How.
    pub options: RunOptions,
}

/// A selected case.
#[derive(Clone, Debug)]
pub struct PlannedCase {
    /// Its place in [`Suite::cases`].
    pub index: usize,
    /// Why it will not be run, if that is known beforehand.
    pub skip: Option<(SkipCode, String)>,
}

/// How a plan is run.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Most cases in flight. Does not depend on the number of cores: cases wait, they do not compute.
    pub jobs: usize,
    /// Deadline of a case that has none of its own.
    pub case_timeout: Duration,
    /// Seed of random ids.
    pub seed: u64,
    /// Only literal readings are accepted, and notes fail.
    pub strict: bool,
    /// Stop after so many cases that failed or errored.
    pub fail_fast: Option<usize>,
    /// Most bytes of a body that are kept as evidence.
    pub evidence: usize,
    /// How often each case is run.
    pub repeat: u32,
    /// How often an exchange that got no answer is sent again.
    pub transport_retries: u32,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            jobs: 32,
            case_timeout: Duration::from_secs(60),
            seed: 0,
            strict: false,
            fail_fast: None,
            evidence: 64 << 10,
            repeat: 1,
            transport_retries: 0,
        }
    }
}

/// How often a worker may go on before the next one begins: about as often as it takes to send a request. Workers that
/// begin together stay together, and each of them waits in every round until all have taken the same step.
const AHEAD: usize = 4;

/// Asks a run to stop: nothing new begins, what runs is finished and torn down.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was asked.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Runs every case of the plan and sends an event for each, in the order in which they end. Every selected case gets
/// exactly one [`RunEvent::CaseFinished`], whatever happens. A receiver that goes away stops the run.
pub async fn run<T: Transport + 'static>(
    plan: Plan,
    transport: Arc<T>,
    redactor: Arc<Redactor>,
    run_id: &str,
    stop: Stop,
    events: mpsc::Sender<RunEvent>,
) {
    run_heard(plan, transport, redactor, run_id, stop, events, None).await;
}

/// As [`run`], and sends what every case saw to a listener, before the case's event. A listener that is slower than the
/// run holds it up, so that memory does not grow.
pub async fn run_heard<T: Transport + 'static>(
    plan: Plan,
    transport: Arc<T>,
    redactor: Arc<Redactor>,
    run_id: &str,
    stop: Stop,
    events: mpsc::Sender<RunEvent>,
    listener: Option<mpsc::Sender<Testimony>>,
) {
    let pace = plan.target.limits.per_second;
    // A case that waits for its turn uses up its deadline: no more are begun than have their turn within a second.
    let most = pace.map_or(usize::MAX, |rate| rate.ceil().max(1.0) as usize);
    let pace = pace.map(Pace::new);
    let hold = plan.target.limits.retry_after.map(Hold::new);
    // For the same reason no more are begun than hosts take at a time.
    let hosts = plan.target.services.values().collect::<BTreeSet<_>>().len().max(1);
    let admitted = plan.target.limits.connections.map_or(usize::MAX, |each| each.saturating_mul(hosts));
    let jobs = plan.options.jobs.clamp(1, plan.cases.len().max(1)).min(most).min(admitted);
    let fail_fast = plan.options.fail_fast;
    let setting = Arc::new(Setting::new(&plan, redactor, run_id, listener.is_some()));
    let shared = Arc::new(Shared {
        queue: Mutex::new(Queue::new(plan.cases)),
        changed: Notify::new(),
        stop,
        fail_fast,
        env: Env { setting, transport, pace, hold, listener },
        events,
    });
    let mut workers = tokio::task::JoinSet::new();
    for _ in 1..jobs {
        workers.spawn(work(shared.clone()));
        for _ in 0..AHEAD {
            tokio::task::yield_now().await;
        }
    }
    // The first worker runs here: a run of a single case pays for no task at all.
    work(shared.clone()).await;
    while workers.join_next().await.is_some() {}
    let left: Vec<PlannedCase> = shared.lock().drain();
    for planned in left {
        let suite = &shared.env.suite;
        let whole = suite.whole(planned.index).unwrap_or(Whole::Held(&suite.cases[planned.index]));
        let detail = "the run was stopped before this case began".to_owned();
        let ended = Finished::new(shared.env.unrun(&whole, Verdict::NotRun { detail }));
        if shared.events.send(RunEvent::CaseFinished(ended)).await.is_err() {
            return;
        }
    }
}

struct Shared<T> {
    queue: Mutex<Queue>,
    changed: Notify,
    stop: Stop,
    fail_fast: Option<usize>,
    env: Env<T>,
    events: mpsc::Sender<RunEvent>,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic while holding the lock would be a bug in the queue; the cases that are left are still accounted for.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn work<T: Transport + 'static>(shared: Arc<Shared<T>>) {
    loop {
        if shared.stop.requested() {
            return;
        }
        let waiting = shared.changed.notified();
        let next = shared.lock().take(&shared.env.suite.cases);
        let planned = match next {
            Next::Case(planned) => planned,
            Next::Wait => {
                waiting.await;
                continue;
            }
            Next::Done => {
                shared.changed.notify_waiters();
                return;
            }
        };
        let case = &shared.env.suite.cases[planned.index];
        let ended = match shared.env.suite.whole(planned.index) {
            Ok(whole) => run_one(&shared, &whole, &planned).await,
            Err(detail) => Finished::new(shared.env.unrun(case, Verdict::Errored { stage: Stage::Internal, detail })),
        };
        let bad =
            matches!(ended.outcome(), Some(Verdict::Failed | Verdict::Errored { .. } | Verdict::UnexpectedPass { .. }));
        {
            let mut queue = shared.lock();
            if planned.skip.is_none() {
                queue.release(case);
            }
            queue.bad += usize::from(bad);
            if shared.fail_fast.is_some_and(|most| queue.bad >= most.max(1)) {
                shared.stop.request();
            }
        }
        shared.changed.notify_waiters();
        if shared.events.send(RunEvent::CaseFinished(ended)).await.is_err() {
            shared.stop.request();
        }
    }
}

async fn run_one<T: Transport + 'static>(shared: &Arc<Shared<T>>, case: &Whole<'_>, planned: &PlannedCase) -> Finished {
    if let Some((code, detail)) = &planned.skip {
        return Finished::new(shared.env.unrun(case, Verdict::Skipped { code: *code, detail: detail.clone() }));
    }
    // Whether the run goes on, or somebody's testimony, may hang on the verdict.
    let now = shared.fail_fast.is_some() || shared.env.heard;
    let subject = (!now).then(|| Subject { setting: Arc::clone(&shared.env.setting), index: planned.index });
    repeated(&shared.env, case, subject, &shared.stop).await
}

enum Next {
    Case(PlannedCase),
    /// Everything left waits for a lock.
    Wait,
    Done,
}

/// Cases that have not begun. Taking one costs the same however many there are: a case whose lock is busy waits at
/// that lock, and only the first that waits comes back when the lock is free.
struct Queue {
    ready: VecDeque<PlannedCase>,
    locks: HashMap<String, Lock>,
    waiting: usize,
    bad: usize,
}

#[derive(Default)]
struct Lock {
    busy: bool,
    waiting: VecDeque<PlannedCase>,
}

impl Queue {
    fn new(cases: Vec<PlannedCase>) -> Self {
        Self { ready: cases.into(), locks: HashMap::new(), waiting: 0, bad: 0 }
    }

    fn take(&mut self, cases: &[Case]) -> Next {
        while let Some(planned) = self.ready.pop_front() {
            let case = &cases[planned.index];
            if planned.skip.is_some() || case.locks.is_empty() {
                return Next::Case(planned);
            }
            match case.locks.iter().find(|lock| self.locks.get(*lock).is_some_and(|lock| lock.busy)) {
                Some(busy) => {
                    self.locks.entry(busy.clone()).or_default().waiting.push_back(planned);
                    self.waiting += 1;
                    // This case had been called for its other locks, which stay free: their next ones are called.
                    for lock in case.locks.iter().filter(|lock| *lock != busy) {
                        self.call_next(lock);
                    }
                }
                None => {
                    for lock in &case.locks {
                        self.locks.entry(lock.clone()).or_default().busy = true;
                    }
                    return Next::Case(planned);
                }
            }
        }
        if self.waiting > 0 { Next::Wait } else { Next::Done }
    }

    fn release(&mut self, case: &Case) {
        for lock in &case.locks {
            if let Some(held) = self.locks.get_mut(lock) {
                held.busy = false;
            }
        }
        for lock in &case.locks {
            self.call_next(lock);
        }
    }

    /// Makes the first case that waits at a free lock ready.
    fn call_next(&mut self, lock: &str) {
        if let Some(lock) = self.locks.get_mut(lock)
            && !lock.busy
            && let Some(planned) = lock.waiting.pop_front()
        {
            self.waiting -= 1;
            self.ready.push_front(planned);
        }
    }

    fn drain(&mut self) -> Vec<PlannedCase> {
        let mut left: Vec<_> = self.ready.drain(..).collect();
        for lock in self.locks.values_mut() {
            left.extend(lock.waiting.drain(..));
        }
        self.waiting = 0;
        left.sort_by_key(|planned| planned.index);
        left
    }
}

//! One case from its first step to its teardown: [`run_case`] sends, and [`Findings`] judges what comes back.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use futures_util::future::join_all;

use super::deliver::{Order, Sent, deliver, put_off};
use super::evidence::micros;
use super::findings::{Findings, Halt, Judged, Kept, Last, Setting, Span, Subject, sentence, template_halt};
use super::jar::Jar;
use super::pace::{Hold, Pace};
use super::parcel::Parcel;
use super::step;
use super::testimony::Testimony;
use crate::event::Finished;
use crate::model::exchange::PreparedRequest;
use crate::model::spec::{Case, LedgerSpec, Step, StepRole};
use crate::model::verdict::Stage;
use crate::record::{Change, WaitRecord};
use crate::template::{TemplateError, request, resolve_json};
use crate::transport::Transport;

/// Longest body that is judged only when the case's record is asked for. Records that wait for their reader hold as
/// much, and so the memory of a run does not depend on when it is.
const LATER: usize = 64 << 10;

/// What all cases of a run share.
pub(super) struct Env<T> {
    pub(super) setting: Arc<Setting>,
    pub(super) transport: Arc<T>,
    /// How fast requests may follow each other, if the target limits it.
    pub(super) pace: Option<Pace>,
    /// How long requests wait that a service has put off, if the target allows it.
    pub(super) hold: Option<Hold>,
    /// Who hears what each case saw; usually nobody.
    pub(super) listener: Option<tokio::sync::mpsc::Sender<Testimony>>,
}

impl<T> Deref for Env<T> {
    type Target = Setting;

    fn deref(&self) -> &Setting {
        &self.setting
    }
}

/// Runs a case and gives its record, redacted. With a `subject`, which is the case itself, the last answer may be left
/// for whoever asks for the record: nothing that is sent depends on it.
pub(super) async fn run_case<T: Transport>(env: &Env<T>, case: &Case, subject: Option<Subject>) -> Finished {
    let begun = env.started.elapsed();
    let mut attempt = Attempt::new(env, case, subject.is_some());
    let deadline = case.timeout.unwrap_or(env.options.case_timeout);
    let (halt, last) = match tokio::time::timeout(deadline, attempt.run()).await {
        Ok(Ok(last)) => (None, last),
        Ok(Err(halt)) => (Some(halt), None),
        Err(_) => {
            let detail = format!("the case took longer than {} ms", deadline.as_millis());
            (Some(Halt::Errored { stage: Stage::CaseTimeout, detail }), None)
        }
    };
    attempt.tear_down().await;
    let span = Span { begun, ended: env.started.elapsed() };
    let mut found = attempt.found;
    if let (Some(last), Some(subject)) = (last, subject) {
        // Of a case with one answer only that is handed over: the rest can be had again.
        let kept = (last.step > 0).then(|| Box::new(found.kept));
        return Finished::later(move || subject.judge(kept, last, span));
    }
    if let Some(listener) = &env.listener
        && let Ok(index) = env.suite.cases.binary_search_by(|each| each.id.cmp(&case.id))
    {
        let Kept { answers, scope, .. } = &mut found.kept;
        let (answers, scope) = (std::mem::take(answers), scope.clone());
        let testimony = Testimony { case: index, outcome: found.outcome(halt.as_ref()), scope, answers };
        // A listener that went away wants to hear no more.
        let _ = listener.send(testimony).await;
    }
    Finished::new(found.conclude(halt.as_ref(), span))
}

struct Attempt<'a, T> {
    env: &'a Env<T>,
    case: &'a Case,
    found: Findings<'a>,
    /// Cookies, of a case that keeps them.
    jar: Option<Mutex<Jar>>,
    /// Whether the last answer may be judged later.
    later: bool,
}

impl<'a, T: Transport> Attempt<'a, T> {
    fn new(env: &'a Env<T>, case: &'a Case, later: bool) -> Self {
        // A poll, a wait and a teardown depend on what the answer is.
        let last = |step: &Step| step.role == StepRole::Main && step.poll.is_none() && !step.together;
        let later = later && env.hold.is_none() && case.steps.last().is_some_and(last);
        Self { env, case, found: Findings::new(&env.setting, case), jar: case.cookies.then(Mutex::default), later }
    }

    /// Sends every step but those of the teardown. Gives the last exchange where it is to be judged later.
    async fn run(&mut self) -> Result<Option<Last>, Halt> {
        self.found.bind().map_err(|error| template_halt(&error))?;
        let case = self.case;
        let steps: Vec<&Step> = case.steps.iter().filter(|step| step.role != StepRole::Teardown).collect();
        let mut at = 0;
        while at < steps.len() {
            if self.later && steps.len() == case.steps.len() && at + 1 == steps.len() {
                return self.last(at).await;
            }
            let together = steps[at..].iter().take_while(|step| step.together).count().max(1);
            // What few cases need would make the future of every case large, and futures are moved about.
            Box::pin(self.group(&steps[at..at + together])).await?;
            at += together;
        }
        self.found.whole()?;
        Ok(None)
    }

    /// The last step, whose answer is only received, unless it is a large one.
    async fn last(&mut self, at: usize) -> Result<Option<Last>, Halt> {
        let step = &self.case.steps[at];
        let request = self.prepare(step).map_err(|error| self.found.halt(step, &error))?;
        let order = order(self.case, self.jar.as_ref(), &self.found.kept.secrets, step);
        let sent = deliver(self.env, &order, &request).await;
        if let Ok(response) = &sent.answer
            && response.body.len() <= LATER
        {
            let exchange = Parcel::pack(&request, response);
            let Sent { attempts, started, elapsed, hops, .. } = sent;
            return Ok(Some(Last { step: at, exchange, attempts, started, elapsed, hops }));
        }
        let judged = self.found.receive(step, request, sent)?;
        self.found.settle(step, judged)?;
        self.found.whole()?;
        Ok(None)
    }

    /// Steps that are sent at the same moment; mostly just one.
    async fn group(&mut self, steps: &[&'a Step]) -> Result<(), Halt> {
        let mut prepared = Vec::with_capacity(steps.len());
        for step in steps {
            prepared.push(self.prepare(step).map_err(|error| self.found.halt(step, &error))?);
        }
        if let ([step], [request]) = (steps, prepared.as_slice()) {
            return self.single(step, request).await;
        }
        let env = self.env;
        let sending = steps.iter().zip(&prepared).map(async |(step, request)| {
            let order = order(self.case, self.jar.as_ref(), &self.found.kept.secrets, step);
            deliver(env, &order, request).await
        });
        let answers = join_all(sending).await;
        for ((step, request), sent) in steps.iter().zip(prepared).zip(answers) {
            let judged = self.found.receive(step, request, sent)?;
            self.found.settle(step, judged)?;
        }
        Ok(())
    }

    async fn single(&mut self, step: &'a Step, request: &PreparedRequest) -> Result<(), Halt> {
        let began = Instant::now();
        loop {
            let kept = self.found.kept.exchanges.len();
            let judged = self.patiently(step, request).await?;
            let Some(poll) = step.poll.filter(|_| !judged.judgement.mismatches.is_empty()) else {
                return self.found.settle(step, judged);
            };
            if began.elapsed() + poll.every > poll.within {
                return self.found.settle(step, judged);
            }
            // Only the last answer is evidence: polling waits for a state, it does not retry a check.
            self.found.kept.exchanges.truncate(kept);
            tokio::time::sleep(poll.every).await;
        }
    }

    fn prepare(&mut self, step: &Step) -> Result<PreparedRequest, TemplateError> {
        let scope = &mut self.found.kept.scope;
        for (name, template) in &step.with {
            let value = resolve_json(template, scope, false)?;
            scope.set(format!("with.{name}"), value);
        }
        let mut request = request::prepare(&step.request, &step.service, scope)?;
        if let Some(jar) = &self.jar {
            jar.lock().unwrap_or_else(PoisonError::into_inner).add(&mut request, SystemTime::now());
        }
        Ok(request)
    }

    /// Sends a request and judges the answer. An answer that puts the request off, and that the case does not expect,
    /// is waited out as far as the target allows it.
    async fn patiently(&mut self, step: &'a Step, request: &PreparedRequest) -> Result<Judged, Halt> {
        let kept = self.found.kept.exchanges.len();
        let mut waits: Vec<WaitRecord> = Vec::new();
        loop {
            let order = order(self.case, self.jar.as_ref(), &self.found.kept.secrets, step);
            let sent = deliver(self.env, &order, request).await;
            let judged = self.found.receive(step, request.clone(), sent);
            if let (Ok(judged), Some(hold)) = (&judged, &self.env.hold)
                && !judged.judgement.mismatches.is_empty()
                && waits.len() < MOST_WAITS
                && let Some(wait) = put_off(&judged.response, hold.longest(), SystemTime::now())
            {
                waits.push(WaitRecord { status: judged.response.status, wait_us: micros(wait) });
                self.found.kept.exchanges.truncate(kept);
                hold.until(&request.base_url, wait);
                continue;
            }
            if let Some(exchange) = self.found.kept.exchanges.last_mut().filter(|_| !waits.is_empty()) {
                exchange.attempts += u32::try_from(waits.len()).unwrap_or(u32::MAX);
                exchange.waits = waits;
            }
            return judged;
        }
    }

    async fn tear_down(&mut self) {
        let case = self.case;
        for step in case.steps.iter().filter(|step| step.role == StepRole::Teardown) {
            // What was never made needs no removing.
            if step.removes.as_ref().is_some_and(|spec| self.is_empty(step, spec)) {
                continue;
            }
            let request = match self.prepare(step) {
                Ok(request) => request,
                Err(TemplateError::NoValue(_)) => continue,
                Err(error) => {
                    self.found.kept.problems.push(format!("{}: {error}", step.id));
                    continue;
                }
            };
            let judged = match Box::pin(self.patiently(step, &request)).await {
                Ok(judged) => judged,
                Err(Halt::Errored { detail, .. } | Halt::Blocked { detail, .. }) => {
                    self.found.kept.problems.push(format!("{}: {detail}", step.id));
                    continue;
                }
            };
            let failed: Vec<String> = judged.judgement.mismatches.iter().map(sentence).collect();
            if failed.is_empty() {
                // A teardown step cannot halt: only setup and main steps do.
                let _ = self.found.settle(step, judged);
            } else {
                self.found.kept.problems.push(format!("{}: {}", step.id, failed.join("; ")));
            }
        }
    }

    /// Whether a step would remove nothing.
    fn is_empty(&mut self, step: &Step, spec: &LedgerSpec) -> bool {
        for (name, template) in &step.with {
            match resolve_json(template, &mut self.found.kept.scope, false) {
                Ok(value) => self.found.kept.scope.set(format!("with.{name}"), value),
                Err(_) => return true,
            }
        }
        step::ledger(spec, Change::Removed, &step.id, &self.found.kept.scope).is_ok_and(|entries| entries.is_empty())
    }
}

/// How often a request is sent again that the service has put off.
const MOST_WAITS: usize = 3;

fn order<'a>(case: &Case, jar: Option<&'a Mutex<Jar>>, captured: &'a [(String, String)], step: &Step) -> Order<'a> {
    Order { redirects: step.request.redirects, effect: case.effect, jar, captured }
}

//! One case from its first step to its teardown: [`run_case`].

mod judge;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use futures_util::future::join_all;

use super::deliver::{Order, deliver, put_off};
use super::dispatch::RunOptions;
use super::evidence::micros;
use super::jar::Jar;
use super::pace::{Hold, Pace};
use super::step;
use super::testimony::{Answer, Testimony};
use crate::compare;
use crate::model::exchange::{PreparedRequest, Response};
use crate::model::json::Json;
use crate::model::judgement::{Judgement, Mismatch};
use crate::model::spec::{Case, LedgerSpec, Step, StepRole};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::{Stage, Verdict};
use crate::record::{BodyDiff, CaseRecord, Change, ExchangeRecord, LedgerEntry, WaitRecord};
use crate::redact::Redactor;
use crate::template::expect::Rules;
use crate::template::{Scope, TemplateError, request, resolve_json};
use crate::transport::Transport;

/// What all cases of a run share.
pub(super) struct Env<T> {
    pub(super) suite: Arc<Suite>,
    pub(super) target: Arc<Target>,
    pub(super) options: RunOptions,
    pub(super) redactor: Arc<Redactor>,
    pub(super) run_id: Arc<str>,
    pub(super) transport: Arc<T>,
    pub(super) started: Instant,
    /// How fast requests may follow each other, if the target limits it.
    pub(super) pace: Option<Pace>,
    /// How long requests wait that a service has put off, if the target allows it.
    pub(super) hold: Option<Hold>,
    /// Who hears what each case saw; usually nobody.
    pub(super) listener: Option<tokio::sync::mpsc::Sender<Testimony>>,
}

impl<T> Env<T> {
    /// The record of a case that was not run.
    pub(super) fn unrun(&self, case: &Case, outcome: Verdict) -> CaseRecord {
        let now = micros(self.started.elapsed());
        CaseRecord {
            id: case.id.clone(),
            title: case.title.clone(),
            service: case.service.clone(),
            clauses: case.cited(),
            tags: case.tags.clone(),
            effect: case.effect,
            source: case.source.clone(),
            outcome,
            observe: case.observe,
            judgement: Judgement::default(),
            exchanges: Vec::new(),
            diffs: Vec::new(),
            teardown_problems: Vec::new(),
            ledger: Vec::new(),
            started_us: now,
            elapsed_us: 0,
        }
    }

    fn rules(&self) -> Rules<'_> {
        Rules { choices: &self.suite.choices, strict: self.options.strict }
    }
}

/// Runs a case and gives its record, redacted.
pub(super) async fn run_case<T: Transport>(env: &Env<T>, case: &Case) -> CaseRecord {
    let begun = env.started.elapsed();
    let mut attempt = Attempt::new(env, case);
    let deadline = case.timeout.unwrap_or(env.options.case_timeout);
    let halt = match tokio::time::timeout(deadline, attempt.run()).await {
        Ok(Ok(())) => None,
        Ok(Err(halt)) => Some(halt),
        Err(_) => Some(Halt::Errored {
            stage: Stage::CaseTimeout,
            detail: format!("the case took longer than {} ms", deadline.as_millis()),
        }),
    };
    attempt.tear_down().await;
    let outcome = attempt.outcome(halt);
    if let Some(listener) = &env.listener
        && let Ok(index) = env.suite.cases.binary_search_by(|each| each.id.cmp(&case.id))
    {
        let answers = std::mem::take(&mut attempt.answers);
        let testimony = Testimony { case: index, outcome: outcome.clone(), scope: attempt.scope.clone(), answers };
        // A listener that went away wants to hear no more.
        let _ = listener.send(testimony).await;
    }
    let Attempt { judgement, exchanges, diffs, problems, ledger, secrets, .. } = attempt;
    let mut record = env.unrun(case, outcome);
    record.judgement = judgement;
    record.exchanges = exchanges;
    record.diffs = diffs;
    record.teardown_problems = problems;
    record.ledger = ledger;
    record.started_us = micros(begun);
    record.elapsed_us = micros(env.started.elapsed().saturating_sub(begun));
    let own = secrets.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    // What is too short to be kept secret is not among them.
    let all = if secrets.is_empty() { None } else { env.redactor.and(own).ok() };
    all.as_ref().unwrap_or(&env.redactor).case(&mut record);
    record
}

/// Why a case cannot go on.
enum Halt {
    Errored { stage: Stage, detail: String },
    Blocked { step: String, detail: String },
}

struct Attempt<'a, T> {
    env: &'a Env<T>,
    case: &'a Case,
    scope: Scope,
    judgement: Judgement,
    exchanges: Vec<ExchangeRecord>,
    diffs: Vec<BodyDiff>,
    ledger: Vec<LedgerEntry>,
    problems: Vec<String>,
    /// Captures that found nothing: full name, the step, how.
    missing: BTreeMap<String, String>,
    secrets: Vec<(String, String)>,
    /// Cookies, of a case that keeps them.
    jar: Option<Mutex<Jar>>,
    /// What main steps saw; empty when nobody listens.
    answers: Vec<Answer>,
}

impl<'a, T: Transport> Attempt<'a, T> {
    fn new(env: &'a Env<T>, case: &'a Case) -> Self {
        let mut scope = Scope::new(env.target.clone(), env.options.seed, case.id.as_str());
        let id = &*env.run_id;
        scope.set("run.id", Json::string(id.to_owned()));
        scope.set("run.marker", Json::string(format!("casebook-{id}")));
        scope.set("run.seed", Json::string(env.options.seed.to_string()));
        Self {
            env,
            case,
            scope,
            judgement: Judgement::default(),
            exchanges: Vec::new(),
            diffs: Vec::new(),
            ledger: Vec::new(),
            problems: Vec::new(),
            missing: BTreeMap::new(),
            secrets: Vec::new(),
            jar: case.cookies.then(Mutex::default),
            answers: Vec::new(),
        }
    }

    async fn run(&mut self) -> Result<(), Halt> {
        self.bind().map_err(|error| template_halt(&error))?;
        let case = self.case;
        let steps: Vec<&Step> = case.steps.iter().filter(|step| step.role != StepRole::Teardown).collect();
        let mut at = 0;
        while at < steps.len() {
            let together = steps[at..].iter().take_while(|step| step.together).count().max(1);
            self.group(&steps[at..at + together]).await?;
            at += together;
        }
        compare::uniform(&mut self.judgement, &self.env.suite.choices, &case.cited());
        self.checks()
    }

    /// Values of the row and of `let`.
    fn bind(&mut self) -> Result<(), TemplateError> {
        let case = self.case;
        for (name, template) in &case.row {
            let value = resolve_json(template, &mut self.scope, false)?;
            self.scope.set(format!("row.{name}"), value);
        }
        for (name, template) in &case.lets {
            let value = resolve_json(template, &mut self.scope, false)?;
            self.scope.set(name.clone(), value);
        }
        Ok(())
    }

    /// Steps that are sent at the same moment; mostly just one.
    async fn group(&mut self, steps: &[&'a Step]) -> Result<(), Halt> {
        let mut prepared = Vec::with_capacity(steps.len());
        for step in steps {
            prepared.push(self.prepare(step).map_err(|error| self.halt(step, &error))?);
        }
        if let ([step], [request]) = (steps, prepared.as_slice()) {
            return self.single(step, request).await;
        }
        let env = self.env;
        let sending = steps.iter().zip(&prepared).map(async |(step, request)| {
            let order = order(self.case, self.jar.as_ref(), &self.secrets, step);
            deliver(env, &order, request).await
        });
        let answers = join_all(sending).await;
        for ((step, request), sent) in steps.iter().zip(&prepared).zip(answers) {
            let judged = self.receive(step, request, sent)?;
            self.settle(step, judged)?;
        }
        Ok(())
    }

    async fn single(&mut self, step: &'a Step, request: &PreparedRequest) -> Result<(), Halt> {
        let began = Instant::now();
        loop {
            let kept = self.exchanges.len();
            let judged = self.patiently(step, request).await?;
            let Some(poll) = step.poll.filter(|_| !judged.judgement.mismatches.is_empty()) else {
                return self.settle(step, judged);
            };
            if began.elapsed() + poll.every > poll.within {
                return self.settle(step, judged);
            }
            // Only the last answer is evidence: polling waits for a state, it does not retry a check.
            self.exchanges.truncate(kept);
            tokio::time::sleep(poll.every).await;
        }
    }

    fn prepare(&mut self, step: &Step) -> Result<PreparedRequest, TemplateError> {
        for (name, template) in &step.with {
            let value = resolve_json(template, &mut self.scope, false)?;
            self.scope.set(format!("with.{name}"), value);
        }
        let mut request = request::prepare(&step.request, &step.service, &mut self.scope)?;
        if let Some(jar) = &self.jar {
            jar.lock().unwrap_or_else(PoisonError::into_inner).add(&mut request, SystemTime::now());
        }
        Ok(request)
    }

    /// Sends a request and judges the answer. An answer that puts the request off, and that the case does not expect,
    /// is waited out as far as the target allows it.
    async fn patiently(&mut self, step: &'a Step, request: &PreparedRequest) -> Result<Judged, Halt> {
        let kept = self.exchanges.len();
        let mut waits: Vec<WaitRecord> = Vec::new();
        loop {
            let order = order(self.case, self.jar.as_ref(), &self.secrets, step);
            let sent = deliver(self.env, &order, request).await;
            let judged = self.receive(step, request, sent);
            if let (Ok(judged), Some(hold)) = (&judged, &self.env.hold)
                && !judged.judgement.mismatches.is_empty()
                && waits.len() < MOST_WAITS
                && let Some(wait) = put_off(&judged.response, hold.longest(), SystemTime::now())
            {
                waits.push(WaitRecord { status: judged.response.status, wait_us: micros(wait) });
                self.exchanges.truncate(kept);
                hold.until(&request.base_url, wait);
                continue;
            }
            if let Some(exchange) = self.exchanges.last_mut().filter(|_| !waits.is_empty()) {
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
                    self.problems.push(format!("{}: {error}", step.id));
                    continue;
                }
            };
            let judged = match self.patiently(step, &request).await {
                Ok(judged) => judged,
                Err(Halt::Errored { detail, .. } | Halt::Blocked { detail, .. }) => {
                    self.problems.push(format!("{}: {detail}", step.id));
                    continue;
                }
            };
            let failed: Vec<String> = judged.judgement.mismatches.iter().map(sentence).collect();
            if failed.is_empty() {
                // A teardown step cannot halt: only setup and main steps do.
                let _ = self.settle(step, judged);
            } else {
                self.problems.push(format!("{}: {}", step.id, failed.join("; ")));
            }
        }
    }

    /// Whether a step would remove nothing.
    fn is_empty(&mut self, step: &Step, spec: &LedgerSpec) -> bool {
        for (name, template) in &step.with {
            match resolve_json(template, &mut self.scope, false) {
                Ok(value) => self.scope.set(format!("with.{name}"), value),
                Err(_) => return true,
            }
        }
        step::ledger(spec, Change::Removed, &step.id, &self.scope).is_ok_and(|entries| entries.is_empty())
    }

    fn halt(&self, step: &Step, error: &TemplateError) -> Halt {
        match error {
            TemplateError::NoValue(name) if self.missing.contains_key(name) => self.blocked_by(name),
            error => self.unresolved(format!("step {}: {error}", step.id)),
        }
    }

    /// A value that cannot be inserted. Once answers have given values it is most likely one of theirs, and a service
    /// that answers nonsense is no error of the case files.
    fn unresolved(&self, detail: String) -> Halt {
        let captures = |id: &str| self.case.steps.iter().any(|step| step.id == id && !step.captures.is_empty());
        match self.exchanges.iter().rev().find(|exchange| captures(&exchange.step)) {
            Some(exchange) => {
                let step = exchange.step.clone();
                Halt::Blocked { detail: format!("what step {step} captured cannot be used: {detail}"), step }
            }
            None => Halt::Errored { stage: Stage::Template, detail },
        }
    }

    fn blocked_by(&self, name: &str) -> Halt {
        let step = self.missing.get(name).cloned().unwrap_or_default();
        Halt::Blocked { detail: format!("step {step} captured nothing as `{name}`"), step }
    }

    fn outcome(&self, halt: Option<Halt>) -> Verdict {
        if !self.judgement.mismatches.is_empty() {
            return Verdict::Failed;
        }
        match halt {
            Some(Halt::Errored { stage, detail }) => Verdict::Errored { stage, detail },
            Some(Halt::Blocked { step, detail }) => Verdict::Blocked { step, detail },
            None if self.case.observe => Verdict::Observed,
            // A pass that nothing could have failed is none.
            None if self.judgement.checks.iter().all(|check| check.held == 0) => Verdict::Errored {
                stage: Stage::Internal,
                detail: "no check of this case applied to the answer".to_owned(),
            },
            None => Verdict::Passed,
        }
    }
}

struct Judged {
    response: Response,
    judgement: Judgement,
    wanted: Option<Judgement>,
}

/// How often a request is sent again that the service has put off.
const MOST_WAITS: usize = 3;

fn order<'a>(case: &Case, jar: Option<&'a Mutex<Jar>>, captured: &'a [(String, String)], step: &Step) -> Order<'a> {
    Order { redirects: step.request.redirects, effect: case.effect, jar, captured }
}

fn template_halt(error: &TemplateError) -> Halt {
    Halt::Errored { stage: Stage::Template, detail: error.to_string() }
}

fn sentence(mismatch: &Mismatch) -> String {
    let place = if mismatch.place.is_empty() { &mismatch.check } else { &mismatch.place };
    format!("{place}: expected {}, got {}", mismatch.expected, mismatch.actual)
}

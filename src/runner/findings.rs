//! What is made of the answers of one case: [`Findings`] judges them, and concludes with the case's record.

mod judge;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::deliver::Sent;
use super::dispatch::{Plan, RunOptions};
use super::evidence::micros;
use super::parcel::Parcel;
use super::testimony::Answer;
use crate::compare;
use crate::model::exchange::Response;
use crate::model::judgement::{Judgement, Mismatch};
use crate::model::spec::{Case, Step};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::{Stage, Verdict};
use crate::record::{BodyDiff, CaseRecord, ExchangeRecord, HopRecord, LedgerEntry};
use crate::redact::Redactor;
use crate::template::expect::Rules;
use crate::template::{RunValues, Scope, TemplateError, resolve_json};

/// What all cases of a run are judged by.
pub(super) struct Setting {
    pub(super) suite: Arc<Suite>,
    pub(super) target: Arc<Target>,
    pub(super) options: RunOptions,
    pub(super) redactor: Arc<Redactor>,
    pub(super) run: RunValues,
    /// Target and values once more, for the thread that judges: two threads that count references to the same thing all
    /// the time hold each other up.
    aside: (Arc<Target>, RunValues),
    pub(super) started: Instant,
    /// Whether somebody hears what each case saw.
    pub(super) heard: bool,
}

impl Setting {
    /// The setting of a run that begins now.
    pub(super) fn new(plan: &Plan, redactor: Arc<Redactor>, run_id: &str, heard: bool) -> Self {
        let run = || RunValues::new(run_id, plan.options.seed);
        Self {
            suite: plan.suite.clone(),
            target: plan.target.clone(),
            options: plan.options,
            redactor,
            run: run(),
            aside: (Arc::new(Target::clone(&plan.target)), run()),
            started: Instant::now(),
            heard,
        }
    }

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

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { choices: &self.suite.choices, strict: self.options.strict }
    }
}

/// A case that may outlive the moment in which it is run.
pub(super) struct Subject {
    pub(super) setting: Arc<Setting>,
    /// Its place in the suite.
    pub(super) index: usize,
}

impl Subject {
    /// Judges the last answer of a case, and concludes. Without what was found before, it is the only answer.
    pub(super) fn judge(&self, kept: Option<Box<Kept>>, last: Last, span: Span) -> CaseRecord {
        let setting = &*self.setting;
        // What was set aside is read by this thread for itself: memory that one thread asks for and another gives back
        // costs both more than reading.
        let whole = match setting.suite.whole(self.index) {
            Ok(whole) => whole,
            Err(detail) => {
                let case = &setting.suite.cases[self.index];
                let mut findings = Findings::new(setting, case);
                if let Some(kept) = kept {
                    findings.kept = *kept;
                }
                let detail = format!("{detail}; its last answer is not in the record");
                return findings.conclude(Some(&Halt::Errored { stage: Stage::Internal, detail }), span);
            }
        };
        let case = &*whole;
        let (mut findings, begun) = match kept {
            Some(kept) => (Findings { setting, case, kept: *kept }, Ok(())),
            None => {
                let (target, run) = &setting.aside;
                let mut findings = Findings::in_scope(setting, case, Scope::in_run(target.clone(), run, &case.id));
                // It could be resolved before the request was sent, and gives the same again.
                let bound = findings.bind().map_err(|error| template_halt(&error));
                (findings, bound)
            }
        };
        let halt = begun.and_then(|()| findings.last(last)).err();
        findings.conclude(halt.as_ref(), span)
    }
}

/// Why a case cannot go on.
pub(super) enum Halt {
    Errored { stage: Stage, detail: String },
    Blocked { step: String, detail: String },
}

/// When a case began and ended, from the start of the run.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) begun: Duration,
    pub(super) ended: Duration,
}

/// The last exchange of a case, not judged yet.
pub(super) struct Last {
    /// Place of its step in the case.
    pub(super) step: usize,
    pub(super) exchange: Parcel,
    pub(super) attempts: u32,
    pub(super) started: Duration,
    pub(super) elapsed: Duration,
    pub(super) hops: Vec<HopRecord>,
}

/// What was found so far.
pub(super) struct Kept {
    pub(super) scope: Scope,
    pub(super) judgement: Judgement,
    pub(super) exchanges: Vec<ExchangeRecord>,
    pub(super) diffs: Vec<BodyDiff>,
    pub(super) ledger: Vec<LedgerEntry>,
    pub(super) problems: Vec<String>,
    /// Captures that found nothing: full name, the step, how.
    pub(super) missing: BTreeMap<String, String>,
    pub(super) secrets: Vec<(String, String)>,
    /// What main steps saw; empty when nobody listens.
    pub(super) answers: Vec<Answer>,
}

/// A case, and what its answers come to.
pub(super) struct Findings<'a> {
    pub(super) setting: &'a Setting,
    pub(super) case: &'a Case,
    pub(super) kept: Kept,
}

pub(super) struct Judged {
    pub(super) response: Response,
    pub(super) judgement: Judgement,
    pub(super) wanted: Option<Judgement>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(setting: &'a Setting, case: &'a Case) -> Self {
        Self::in_scope(setting, case, Scope::in_run(setting.target.clone(), &setting.run, &case.id))
    }

    fn in_scope(setting: &'a Setting, case: &'a Case, scope: Scope) -> Self {
        let kept = Kept {
            scope,
            judgement: Judgement::default(),
            exchanges: Vec::new(),
            diffs: Vec::new(),
            ledger: Vec::new(),
            problems: Vec::new(),
            missing: BTreeMap::new(),
            secrets: Vec::new(),
            answers: Vec::new(),
        };
        Self { setting, case, kept }
    }

    /// Values of the row and of `let`.
    pub(super) fn bind(&mut self) -> Result<(), TemplateError> {
        let (case, scope) = (self.case, &mut self.kept.scope);
        for (name, template) in &case.row {
            let value = resolve_json(template, scope, false)?;
            scope.set(format!("row.{name}"), value);
        }
        for (name, template) in &case.lets {
            let value = resolve_json(template, scope, false)?;
            scope.set(name.clone(), value);
        }
        Ok(())
    }

    /// Judges the last answer, and what stands over all of them.
    fn last(&mut self, last: Last) -> Result<(), Halt> {
        let Last { step, exchange, attempts, started, elapsed, hops } = last;
        let step = &self.case.steps[step];
        let base_url = self.setting.target.services.get(&step.service).map_or("", String::as_str);
        let (request, response) = exchange.open(&step.service, base_url, step.request.timeout);
        let judged = self.receive(step, request, Sent { answer: Ok(response), attempts, started, elapsed, hops })?;
        self.settle(step, judged)?;
        self.whole()
    }

    /// What stands over all answers of a case.
    pub(super) fn whole(&mut self) -> Result<(), Halt> {
        if !self.kept.judgement.readings.is_empty() {
            compare::uniform(&mut self.kept.judgement, &self.setting.suite.choices, &self.case.cited());
        }
        self.checks()
    }

    pub(super) fn halt(&self, step: &Step, error: &TemplateError) -> Halt {
        match error {
            TemplateError::NoValue(name) if self.kept.missing.contains_key(name) => self.blocked_by(name),
            error => self.unresolved(format!("step {}: {error}", step.id)),
        }
    }

    /// A value that cannot be inserted. Once answers have given values it is most likely one of theirs, and a service
    /// that answers nonsense is no error of the case files.
    pub(super) fn unresolved(&self, detail: String) -> Halt {
        let captures = |id: &str| self.case.steps.iter().any(|step| step.id == id && !step.captures.is_empty());
        match self.kept.exchanges.iter().rev().find(|exchange| captures(&exchange.step)) {
            Some(exchange) => {
                let step = exchange.step.clone();
                Halt::Blocked { detail: format!("what step {step} captured cannot be used: {detail}"), step }
            }
            None => Halt::Errored { stage: Stage::Template, detail },
        }
    }

    pub(super) fn blocked_by(&self, name: &str) -> Halt {
        let step = self.kept.missing.get(name).cloned().unwrap_or_default();
        Halt::Blocked { detail: format!("step {step} captured nothing as `{name}`"), step }
    }

    pub(super) fn outcome(&self, halt: Option<&Halt>) -> Verdict {
        if !self.kept.judgement.mismatches.is_empty() {
            return Verdict::Failed;
        }
        match halt {
            Some(Halt::Errored { stage, detail }) => Verdict::Errored { stage: *stage, detail: detail.clone() },
            Some(Halt::Blocked { step, detail }) => Verdict::Blocked { step: step.clone(), detail: detail.clone() },
            None if self.case.observe => Verdict::Observed,
            // A pass that nothing could have failed is none.
            None if self.kept.judgement.checks.iter().all(|check| check.held == 0) => Verdict::Errored {
                stage: Stage::Internal,
                detail: "no check of this case applied to the answer".to_owned(),
            },
            None => Verdict::Passed,
        }
    }

    /// The record of the case, redacted.
    pub(super) fn conclude(self, halt: Option<&Halt>, span: Span) -> CaseRecord {
        let outcome = self.outcome(halt);
        let Self { setting, case, kept } = self;
        let mut record = setting.unrun(case, outcome);
        record.judgement = kept.judgement;
        record.exchanges = kept.exchanges;
        record.diffs = kept.diffs;
        record.teardown_problems = kept.problems;
        record.ledger = kept.ledger;
        record.started_us = micros(span.begun);
        record.elapsed_us = micros(span.ended.saturating_sub(span.begun));
        let own = kept.secrets.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // What is too short to be kept secret is not among them.
        let all = if kept.secrets.is_empty() { None } else { setting.redactor.and(own).ok() };
        all.as_ref().unwrap_or(&setting.redactor).case(&mut record);
        record
    }
}

pub(super) fn template_halt(error: &TemplateError) -> Halt {
    Halt::Errored { stage: Stage::Template, detail: error.to_string() }
}

pub(super) fn sentence(mismatch: &Mismatch) -> String {
    let place = if mismatch.place.is_empty() { &mismatch.check } else { &mismatch.place };
    format!("{place}: expected {}, got {}", mismatch.expected, mismatch.actual)
}

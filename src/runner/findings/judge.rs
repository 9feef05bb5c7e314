//! What is made of an answer: evidence, judgement, captures, ledger.

use std::sync::Arc;

use super::super::deliver::Sent;
use super::super::evidence::{Moment, record};
use super::super::step::{self, CaptureFailure};
use super::super::testimony::Answer;
use super::{Findings, Halt, Judged, sentence};
use crate::compare;
use crate::model::exchange::{PreparedRequest, Response};
use crate::model::expect::Expect;
use crate::model::json::Json;
use crate::model::judgement::{Mismatch, MismatchKind, Part};
use crate::model::spec::{Step, StepRole};
use crate::record::{BodyDiff, Change};
use crate::template::expect;
use crate::template::{TemplateError, resolve_json};

/// What of a request a listener is told.
struct Asked {
    method: String,
    path: String,
}

impl Asked {
    fn of(request: &PreparedRequest) -> Self {
        let path = request.target.split(['?', '#']).next().unwrap_or_default().to_owned();
        Self { method: request.method.clone(), path }
    }
}

impl<'a> Findings<'a> {
    /// Keeps the exchange and compares the answer.
    pub(in crate::runner) fn receive(
        &mut self,
        step: &Step,
        request: PreparedRequest,
        sent: Sent,
    ) -> Result<Judged, Halt> {
        let Sent { answer, attempts, started, elapsed, hops } = sent;
        let moment = Moment { step: &step.id, role: step.role, attempts, started, elapsed };
        let asked = (self.setting.heard && step.role == StepRole::Main).then(|| Asked::of(&request));
        let mut exchange = record(&moment, request, &answer, self.setting.options.evidence);
        exchange.redirects = hops;
        self.kept.exchanges.push(exchange);
        let response = match answer {
            Ok(response) => response,
            Err(error) if step.role == StepRole::Setup => {
                return Err(Halt::Blocked { step: step.id.clone(), detail: error.detail });
            }
            Err(error) => return Err(Halt::Errored { stage: error.stage, detail: error.detail }),
        };
        self.kept.scope.set(format!("{}.status", step.id), Json::integer(i64::from(response.status)));
        let rules = self.setting.rules();
        for (name, template) in &step.with {
            let value = resolve_json(template, &mut self.kept.scope, false).map_err(|error| self.halt(step, &error))?;
            self.kept.scope.set(format!("with.{name}"), value);
        }
        let expect =
            expect::resolve(&step.expect, &mut self.kept.scope, rules).map_err(|error| self.halt(step, &error))?;
        let judgement = compare::compare(&expect, &response, &step.id);
        if !judgement.mismatches.is_empty() && step.role != StepRole::Teardown {
            self.kept.diffs.retain(|diff| diff.step != step.id);
            self.kept.diffs.extend(diff(&step.id, &expect, &response));
        }
        let wanted_expect = match &step.wanted {
            None => None,
            Some(spec) => {
                Some(expect::resolve(spec, &mut self.kept.scope, rules).map_err(|error| self.halt(step, &error))?)
            }
        };
        let wanted = wanted_expect.as_ref().map(|wanted| compare::compare(wanted, &response, &step.id));
        if let Some(asked) = asked {
            self.remember(step, asked, expect, wanted_expect, &response);
        }
        Ok(Judged { response, judgement, wanted })
    }

    /// Keeps an answer for the listener. Of a step that polls only the last one counts.
    fn remember(&mut self, step: &Step, asked: Asked, expect: Expect, wanted: Option<Expect>, response: &Response) {
        let Some(index) = self.case.steps.iter().position(|each| std::ptr::eq(each, step)) else { return };
        self.kept.answers.retain(|answer| answer.step != index);
        self.kept.answers.push(Answer {
            step: index,
            method: asked.method,
            path: asked.path,
            expect: Arc::new(expect),
            wanted: wanted.map(Arc::new),
            response: response.clone(),
        });
    }

    /// Takes over what was found, and captures.
    pub(in crate::runner) fn settle(&mut self, step: &Step, judged: Judged) -> Result<(), Halt> {
        let Judged { response, judgement, wanted } = judged;
        let clean = judgement.mismatches.is_empty();
        if step.role == StepRole::Setup && !clean {
            let detail = judgement.mismatches.iter().map(sentence).collect::<Vec<_>>().join("; ");
            self.kept.judgement.notes.extend(judgement.mismatches);
            return Err(Halt::Blocked { step: step.id.clone(), detail });
        }
        if step.role == StepRole::Main {
            self.kept.judgement.absorb(judgement);
            if let Some(wanted) = wanted {
                self.kept.judgement.unmet.extend(wanted.mismatches);
                self.kept.judgement.readings.extend(wanted.readings);
            }
        }
        for capture in &step.captures {
            match step::capture(capture, &response) {
                Ok(value) => {
                    if capture.secret {
                        let name = format!("{}.{}", step.id, capture.name);
                        self.kept.secrets.extend(step::secrets(&value).map(|text| (name.clone(), text.to_owned())));
                    }
                    if step.creates.is_some() || step.removes.is_some() {
                        self.kept.scope.set(format!("self.{}", capture.name), value.clone());
                    }
                    self.kept.scope.set(format!("{}.{}", step.id, capture.name), value);
                }
                Err(failure) => self.lost(step, &capture.name, failure, clean)?,
            }
        }
        for (spec, change) in [(&step.creates, Change::Created), (&step.removes, Change::Removed)] {
            // An answer without the captures has created nothing that could be named. A teardown step that went as
            // expected leaves nothing behind, also where the thing had gone before.
            let gone = step.role == StepRole::Teardown && change == Change::Removed;
            if let Some(spec) = spec
                && (gone || (200..300).contains(&response.status))
                && let Ok(entries) = step::ledger(spec, change, &step.id, &self.kept.scope)
            {
                self.kept.ledger.extend(entries);
            }
        }
        for capture in &step.captures {
            self.kept.scope.unset(&format!("self.{}", capture.name));
        }
        Ok(())
    }

    /// A capture that found nothing fails here, not where its value is used.
    fn lost(&mut self, step: &Step, name: &str, failure: CaptureFailure, clean: bool) -> Result<(), Halt> {
        let detail = format!("nothing captured as `{name}` at `{}`: {}", failure.place, failure.actual);
        match step.role {
            StepRole::Setup => return Err(Halt::Blocked { step: step.id.clone(), detail }),
            StepRole::Main if clean => self.kept.judgement.mismatches.push(Mismatch {
                step: step.id.clone(),
                part: Part::Body,
                place: failure.place,
                check: format!("capture:{name}"),
                kind: MismatchKind::Missing,
                expected: failure.expected,
                actual: failure.actual,
                types: None,
                clauses: step.expect.fallback.clone(),
            }),
            // The mismatches of the same answer already say why.
            StepRole::Main | StepRole::Teardown => {}
        }
        self.kept.missing.insert(format!("{}.{name}", step.id), step.id.clone());
        Ok(())
    }

    pub(super) fn checks(&mut self) -> Result<(), Halt> {
        let (case, rules) = (self.case, self.setting.rules());
        for (index, spec) in case.checks.iter().enumerate() {
            match expect::check(spec, index, &case.clauses, &mut self.kept.scope, rules) {
                Ok((value, pattern)) => {
                    let mut judgement = compare::check_value(&pattern, &value, &spec.title, Part::Check);
                    if spec.wanted {
                        self.kept.judgement.unmet.append(&mut judgement.mismatches);
                        judgement.checks.clear();
                    }
                    self.kept.judgement.absorb(judgement);
                }
                Err(TemplateError::NoValue(name)) if self.kept.missing.contains_key(&name) => {
                    if self.kept.judgement.mismatches.is_empty() {
                        return Err(self.blocked_by(&name));
                    }
                }
                Err(error) => return Err(self.unresolved(format!("check `{}`: {error}", spec.title))),
            }
        }
        Ok(())
    }
}

/// Longer bodies are not kept side by side; the exchange has them, and the mismatches say where they differ.
const LONGEST_DIFF: usize = 256 << 10;

fn diff(step: &str, expect: &Expect, response: &Response) -> Option<BodyDiff> {
    if response.body.len() > LONGEST_DIFF {
        return None;
    }
    let shown = compare::show(expect, response)?;
    Some(BodyDiff { step: step.to_owned(), expected: shown.expected, actual: shown.actual })
}

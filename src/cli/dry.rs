//! `casebook run --dry-run`: what would be sent, where to, and what it would change. Nothing is sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::json;

use super::args::{ListFormat, RunArgs};
use super::run::seed;
use super::{Failure, files, wire};
use crate::model::spec::{Case, Effect, StepRole};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::Exit;
use crate::plan::{self, Preview};
use crate::redact::Redactor;
use crate::report::escape::visible;
use crate::runner::PlannedCase;

/// Where the embedded mock would be, which is not started.
const MOCK_URL: &str = "http://localhost";

pub(super) fn run(
    args: &RunArgs,
    suite: &Suite,
    mut target: Target,
    cases: &[usize],
    notes: &[String],
) -> Result<Exit, Failure> {
    let embedded = files::set_base_urls(&args.base_url, args.target.as_deref(), suite, &mut target)?;
    wire::connect(&args.connection, &mut target, embedded)?;
    if embedded {
        for service in suite.services.keys() {
            target.services.insert(service.clone(), MOCK_URL.to_owned());
        }
    }
    let planned = plan::cases(suite, &target, cases, args.strict);
    let refused = plan::guard(suite, &target, &planned).err();
    let redactor = plan::redactor(&target).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let dry = Dry { args, suite, target: Arc::new(target), planned, redactor, embedded };
    notes.iter().for_each(|note| files::hint(note));
    match args.format {
        ListFormat::Text => files::print(&dry.text())?,
        ListFormat::Json => files::print(&format!("{:#}\n", dry.json()))?,
    };
    match refused {
        Some(error) => Err(Failure::new(Exit::Refused, error.to_string())),
        None if dry.planned.iter().all(|each| each.skip.is_some()) => {
            let text = if dry.planned.is_empty() {
                "no case falls into this shard"
            } else {
                "every selected case would be skipped"
            };
            Err(Failure::new(Exit::NothingProven, text))
        }
        None => Ok(Exit::Conformant),
    }
}

struct Dry<'a> {
    args: &'a RunArgs,
    suite: &'a Suite,
    target: Arc<Target>,
    planned: Vec<PlannedCase>,
    redactor: Redactor,
    embedded: bool,
}

impl Dry<'_> {
    fn case(&self, planned: &PlannedCase) -> &Case {
        &self.suite.cases[planned.index]
    }

    /// What a case would send, without secrets.
    fn requests(&self, case: &Case) -> Vec<Preview> {
        let run_id = self.args.run_id.as_deref().unwrap_or("dry-run");
        let mut all = plan::preview(case, &self.target, seed(self.args), run_id);
        for request in &mut all {
            request.url = self.redactor.text(&request.url).into_owned();
            request.method = self.redactor.text(&request.method).into_owned();
            for text in &mut request.unknown {
                *text = self.redactor.text(text).into_owned();
            }
        }
        all
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut totals = Totals::default();
        for planned in &self.planned {
            let case = self.case(planned);
            if let Some((code, detail)) = &planned.skip {
                totals.skip(&files::word(code), detail);
                let _ = writeln!(text, "{}  skipped: {}", case.id, visible(detail));
                continue;
            }
            let requests = self.requests(case);
            totals.add(case, &requests, self.args.repeat);
            let _ = writeln!(text, "{}  {}", case.id, effect(case.effect));
            for request in &requests {
                let _ = writeln!(text, "    {}", visible(&line(request)));
            }
        }
        let target = if self.embedded {
            "the embedded mock (not started)".to_owned()
        } else {
            self.target.identity.name.clone()
        };
        let _ = writeln!(text, "\ntarget     {}", visible(&target));
        for (service, url) in self.target.services.iter().filter(|_| !self.embedded) {
            let _ = writeln!(text, "           {service} {}", visible(&self.redactor.text(url)));
        }
        for note in self.target.connection.notes() {
            let _ = writeln!(text, "           {}", visible(&note));
        }
        let effects: Vec<String> = totals.effects.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let _ = writeln!(text, "cases      {} selected: {}", self.planned.len(), effects.join(", "));
        for ((code, detail), count) in &totals.skipped {
            let _ = writeln!(text, "skipped    {count} {code}: {}", visible(detail));
        }
        let _ = writeln!(text, "requests   {} at the least", totals.requests);
        for (kind, (created, removed)) in &totals.changes {
            let _ = writeln!(text, "changes    {}: {created} steps create, {removed} remove", visible(kind));
        }
        text.push_str("nothing was sent\n");
        text
    }

    fn json(&self) -> serde_json::Value {
        let mut totals = Totals::default();
        let mut cases = Vec::with_capacity(self.planned.len());
        for planned in &self.planned {
            let case = self.case(planned);
            if let Some((code, detail)) = &planned.skip {
                totals.skip(&files::word(code), detail);
                cases.push(
                    json!({ "id": case.id, "effect": case.effect, "skipped": { "code": code, "detail": detail } }),
                );
                continue;
            }
            let requests = self.requests(case);
            totals.add(case, &requests, self.args.repeat);
            let steps: Vec<_> = requests
                .iter()
                .map(|request| {
                    json!({
                        "step": request.step, "role": request.role, "method": request.method, "url": request.url,
                        "body_bytes": request.body, "unknown": request.unknown, "creates": request.creates,
                        "removes": request.removes,
                    })
                })
                .collect();
            cases.push(json!({ "id": case.id, "effect": case.effect, "locks": case.locks, "requests": steps }));
        }
        let skipped: Vec<_> = totals
            .skipped
            .iter()
            .map(|((code, detail), count)| json!({ "code": code, "detail": detail, "cases": count }))
            .collect();
        json!({
            "target": self.target.identity, "embedded_mock": self.embedded, "suite": self.suite.hash,
            "selected": self.planned.len(), "effects": totals.effects, "skipped": skipped,
            "requests": totals.requests, "cases": cases,
        })
    }
}

#[derive(Default)]
struct Totals {
    effects: BTreeMap<&'static str, usize>,
    skipped: BTreeMap<(String, String), usize>,
    requests: u64,
    changes: BTreeMap<String, (u64, u64)>,
}

impl Totals {
    fn skip(&mut self, code: &str, detail: &str) {
        *self.effects.entry("skipped").or_default() += 1;
        *self.skipped.entry((code.to_owned(), detail.to_owned())).or_default() += 1;
    }

    fn add(&mut self, case: &Case, requests: &[Preview], repeat: u32) {
        *self.effects.entry(effect(case.effect)).or_default() += 1;
        for request in requests {
            self.requests += u64::from(repeat);
            if let Some(kind) = &request.creates {
                self.changes.entry(kind.clone()).or_default().0 += 1;
            }
            if let Some(kind) = &request.removes {
                self.changes.entry(kind.clone()).or_default().1 += 1;
            }
        }
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Write => "write",
        Effect::Destructive => "destructive",
    }
}

fn line(request: &Preview) -> String {
    let role = match request.role {
        StepRole::Setup => "setup    ",
        StepRole::Main => "main     ",
        StepRole::Teardown => "teardown ",
    };
    let body = request.body.map(|bytes| format!("  {bytes} bytes")).unwrap_or_default();
    let creates = request.creates.as_ref().map(|kind| format!("  creates {kind}")).unwrap_or_default();
    let removes = request.removes.as_ref().map(|kind| format!("  removes {kind}")).unwrap_or_default();
    let unknown = match request.unknown.as_slice() {
        [] => String::new(),
        names => format!("  (known once an answer tells {})", names.join(", ")),
    };
    format!("{role}{} {}{body}{creates}{removes}{unknown}", request.method, request.url)
}

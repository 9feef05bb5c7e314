//! Requests that no service can have a right answer to: [`plan`] makes them of the cases of a run, [`send`] asks.
//!
//! What the answers mean is for [`crate::credible`] to say. Nothing is written where it may not be: paths and ids are
//! made of the run's marker, the methods are safe ones (RFC 9110, section 9.2.1), and only a host that may be changed
//! is asked for an operation by the operation's own method.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::model::exchange::PreparedRequest;
use crate::model::spec::{Case, Effect, Step, StepRole, TargetSpec};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::template::Part;
use crate::plan::may_change;
use crate::record::{ProbeKind, ProbeRecord};
use crate::redact::Redactor;
use crate::runner::evidence::{Moment, record};
use crate::template::{RunValues, Scope, request, resolve_json};
use crate::transport::Transport;

/// Longest wait for the answer to a probe.
const PATIENCE: Duration = Duration::from_secs(5);
/// Cases of a service that are tried until one has a request that can be made without an earlier answer.
const TRIED: usize = 50;
/// Documented requests that a service is asked when it says yes to nonsense and nothing may be written yet.
const SENSE: usize = 3;

/// A request to ask, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// What it asks.
    pub kind: ProbeKind,
    /// What is sent.
    pub request: PreparedRequest,
}

/// What this run is called, so that nobody else has a path or an id of that name.
#[derive(Clone, Copy, Debug)]
pub struct Marker<'a> {
    /// Seed of random values.
    pub seed: u64,
    /// Id of the run.
    pub run: &'a str,
}

/// Nonsense for every service that one of the cases, places in [`Suite::cases`], is for: two or three requests each.
#[must_use]
pub fn plan(suite: &Suite, target: &Arc<Target>, cases: &[usize], marker: Marker<'_>) -> Vec<Probe> {
    let mut probes = Vec::new();
    for service in suite.services.keys() {
        let own = || cases.iter().copied().filter(|index| suite.cases[*index].service == *service);
        // The request of a success is the one whose place nonsense must not take. Of a case that is not in memory nobody
        // knows what it expects before it is read.
        let succeeding = own().filter(|index| main(&suite.cases[*index]).is_some_and(succeeds));
        let mut made = None;
        for index in succeeding.take(TRIED).chain(own().take(TRIED)) {
            let Ok(case) = suite.whole(index) else { continue };
            let Some(request) = prepare(&case, target, marker) else { continue };
            let success = main(&case).is_some_and(succeeds);
            if success || made.is_none() {
                made = Some((case, request));
            }
            if success {
                break;
            }
        }
        if let Some((case, request)) = made
            && let Some(step) = main(&case)
        {
            nonsense(suite, target, &case, step, &request, marker, &mut probes);
        }
    }
    probes
}

/// Documented requests that change nothing, for the services that are named; each another one.
#[must_use]
pub fn sense(
    suite: &Suite,
    target: &Arc<Target>,
    cases: &[usize],
    services: &BTreeSet<String>,
    marker: Marker<'_>,
) -> Vec<Probe> {
    let mut probes = Vec::new();
    for service in services {
        let own = cases.iter().copied().filter(|index| {
            let case = &suite.cases[*index];
            case.service == *service && case.effect == Effect::Read
        });
        let mut kept: Vec<Probe> = Vec::new();
        for index in own.take(TRIED) {
            let Ok(case) = suite.whole(index) else { continue };
            let Some(request) = prepare(&case, target, marker) else { continue };
            // Requests that differ in more than a value get answers that differ, of who answers at all.
            let same = |other: &Probe| {
                (&other.request.method, path(&other.request), &other.request.headers)
                    == (&request.method, path(&request), &request.headers)
            };
            if !kept.iter().any(same) {
                kept.push(Probe { kind: ProbeKind::Sense, request });
            }
            if kept.len() == SENSE {
                break;
            }
        }
        probes.append(&mut kept);
    }
    probes
}

fn main(case: &Case) -> Option<&Step> {
    case.steps.iter().find(|step| step.role == StepRole::Main)
}

/// Whether a step expects nothing but a success.
fn succeeds(step: &Step) -> bool {
    let mut words = step.expect.status.iter().flat_map(|status| &status.is).peekable();
    words.peek().is_some()
        && words.all(|word| matches!(word.parts.as_slice(), [Part::Text(text)] if text.starts_with('2')))
}

/// The request of the first main step, if it needs nothing of an earlier answer.
fn prepare(case: &Case, target: &Arc<Target>, marker: Marker<'_>) -> Option<PreparedRequest> {
    let step = main(case)?;
    let mut scope = Scope::in_run(target.clone(), &RunValues::new(marker.run, marker.seed), &case.id);
    let rows = case.row.iter().map(|(name, value)| (format!("row.{name}"), value));
    let lets = case.lets.iter().map(|(name, value)| (name.clone(), value));
    let own = step.with.iter().map(|(name, value)| (format!("with.{name}"), value));
    for (name, template) in rows.chain(lets).chain(own) {
        if let Ok(value) = resolve_json(template, &mut scope, false) {
            scope.set(name, value);
        }
    }
    let mut request = request::prepare(&step.request, &step.service, &mut scope).ok()?;
    request.timeout = request.timeout.min(PATIENCE);
    Some(request)
}

fn path(request: &PreparedRequest) -> &str {
    request.target.split(['?', '#']).next().unwrap_or_default()
}

fn nonsense(
    suite: &Suite,
    target: &Target,
    case: &Case,
    step: &Step,
    real: &PreparedRequest,
    marker: Marker<'_>,
    probes: &mut Vec<Probe>,
) {
    let (own, query) = (path(real), &real.target[path(real).len()..]);
    let nobody = format!("casebook-{}-{:08x}", marker.run, marker.seed as u32);
    let above = own.rsplit_once('/').map_or("", |(above, _)| above);
    let elsewhere = format!("{above}/{nobody}");
    let read = |target: String| {
        let about_body = |name: &str| name.to_ascii_lowercase().starts_with("content-");
        PreparedRequest {
            method: "GET".to_owned(),
            target: format!("{target}{query}"),
            headers: real.headers.iter().filter(|(name, _)| !about_body(name)).cloned().collect(),
            body: None,
            ..real.clone()
        }
    };
    probes.push(Probe { kind: ProbeKind::Path, request: read(elsewhere.clone()) });
    // Where an operation is documented for another method only, reading it is as wrong; unless its path is an id's.
    let reads = |template: &str| {
        let (wanted, actual): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), own.split('/').collect());
        wanted.len() == actual.len()
            && wanted.iter().zip(&actual).all(|(one, other)| one == other || one.starts_with('{'))
    };
    let documented = suite.operations.iter().any(|operation| operation.method == "GET" && reads(&operation.path));
    if real.method != "GET" && !documented && names_operation(step) {
        probes.push(Probe { kind: ProbeKind::Method, request: read(own.to_owned()) });
    } else {
        probes.push(Probe { kind: ProbeKind::Path, request: read(format!("{elsewhere}/{nobody}")) });
    }
    let safe = matches!(real.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    if !safe && may_change(&real.base_url, case.effect.max(Effect::Write), target) {
        let request = PreparedRequest { target: format!("{elsewhere}{query}"), ..real.clone() };
        probes.push(Probe { kind: ProbeKind::Operation, request });
    }
}

/// Whether the last segment of a step's path is a word of the documents and no value.
fn names_operation(step: &Step) -> bool {
    let TargetSpec::Path { path, .. } = &step.request.target else { return false };
    matches!(path.parts.last(), Some(Part::Text(text)) if text.contains('/') && !text.ends_with('/'))
}

/// Sends probes, all at the same time or so many a second, and gives what came back without secrets. `evidence` is the
/// most bytes of a body that are kept, the same as for the cases.
pub async fn send<T: Transport>(
    probes: &[Probe],
    transport: &T,
    redactor: &Redactor,
    per_second: Option<f64>,
    evidence: usize,
) -> Vec<ProbeRecord> {
    let began = Instant::now();
    let one = async |probe: &Probe| {
        let started = began.elapsed();
        let answer = transport.send(&probe.request).await;
        let elapsed = began.elapsed().saturating_sub(started);
        let moment = Moment { step: "probe", role: StepRole::Main, attempts: 1, started, elapsed };
        let mut exchange = record(&moment, probe.request.clone(), &answer, evidence);
        redactor.exchange(&mut exchange);
        ProbeRecord { service: probe.request.service.clone(), kind: probe.kind, exchange }
    };
    let Some(rate) = per_second else { return join_all(probes.iter().map(one)).await };
    let gap = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(PATIENCE).min(PATIENCE);
    let mut found = Vec::with_capacity(probes.len());
    for probe in probes {
        found.push(one(probe).await);
        tokio::time::sleep(gap).await;
    }
    found
}

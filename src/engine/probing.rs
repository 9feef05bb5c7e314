//! A run against a target that may be anything: [`fire`] asks it what no service can have a right answer to, and runs
//! the plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::credible::Credibility;
use crate::event::RunEvent;
use crate::model::spec::Effect;
use crate::plan;
use crate::probe::{self, Marker, Probe};
use crate::record::ProbeRecord;
use crate::redact::Redactor;
use crate::runner::{self, Plan, PlannedCase, Stop};
use crate::transport::HttpTransport;

/// Runs a plan, and probes its target at the same time; before it, where something would be written elsewhere.
pub(crate) async fn fire(
    plan: Plan,
    transport: Arc<HttpTransport>,
    redactor: Arc<Redactor>,
    run_id: &str,
    stop: Stop,
    sender: mpsc::Sender<RunEvent>,
) {
    let marker = Marker { seed: plan.options.seed, run: run_id };
    let cases = run(&plan.cases);
    let probing = Probing {
        probes: probe::plan(&plan.suite, &plan.target, &cases, marker),
        transport: Arc::clone(&transport),
        redactor: Arc::clone(&redactor),
        per_second: plan.target.limits.per_second,
        evidence: plan.options.evidence,
    };
    if !probing.must_come_first(&plan) {
        let told = sender.clone();
        let asking = async move {
            // Whoever listens outlives the run.
            let _ = told.send(RunEvent::Probed(probing.ask().await)).await;
        };
        tokio::join!(runner::run(plan, transport, redactor, run_id, stop, sender), asking);
        return;
    }
    let probes = probing.ask_and_compare(&plan, marker).await;
    if accused(probes.clone()) {
        // Every case is told of as not run, and the record says why.
        stop.request();
    }
    let _ = sender.send(RunEvent::Probed(probes)).await;
    runner::run(plan, transport, redactor, run_id, stop, sender).await;
}

/// Places of the cases that are not skipped.
fn run(planned: &[PlannedCase]) -> Vec<usize> {
    planned.iter().filter(|each| each.skip.is_none()).map(|each| each.index).collect()
}

/// Whether answers to probes alone show that somebody is not credible.
fn accused(probes: Vec<ProbeRecord>) -> bool {
    let mut credibility = Credibility::default();
    credibility.probed(probes);
    !credibility.finish().1.is_empty()
}

/// The probes of a run, ready to be sent.
struct Probing {
    probes: Vec<Probe>,
    transport: Arc<HttpTransport>,
    redactor: Arc<Redactor>,
    per_second: Option<f64>,
    evidence: usize,
}

impl Probing {
    /// Nothing is written to another machine before it has shown that it tells sense from nonsense; and a target that
    /// counts requests gets these before all others.
    fn must_come_first(&self, plan: &Plan) -> bool {
        let writes = |each: &PlannedCase| {
            let case = &plan.suite.cases[each.index];
            let url = plan.target.services.get(&case.service);
            each.skip.is_none()
                && case.effect != Effect::Read
                && url.is_some_and(|url| !plan::is_local(url, &plan.target))
        };
        self.per_second.is_some() || plan.cases.iter().any(writes)
    }

    async fn ask(&self) -> Vec<ProbeRecord> {
        self.send(&self.probes).await
    }

    async fn send(&self, probes: &[Probe]) -> Vec<ProbeRecord> {
        probe::send(probes, &*self.transport, &self.redactor, self.per_second, self.evidence).await
    }

    /// Asks, and whoever says yes to nonsense is asked something that changes nothing, to compare.
    async fn ask_and_compare(&self, plan: &Plan, marker: Marker<'_>) -> Vec<ProbeRecord> {
        let mut found = self.ask().await;
        let mut doubted: BTreeSet<String> = found.iter().map(|probe| probe.service.clone()).collect();
        doubted.retain(|service| accused(found.iter().filter(|probe| probe.service == *service).cloned().collect()));
        if !doubted.is_empty() {
            let all: Vec<usize> = (0..plan.suite.cases.len()).collect();
            let cases = plan::cases(&plan.suite, &plan.target, &all, true);
            let sense = probe::sense(&plan.suite, &plan.target, &run(&cases), &doubted, marker);
            found.extend(self.send(&sense).await);
        }
        found
    }
}

//! The runs of a proof and what they amount to: [`prove`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bench::{Bench, BenchError, Broken, Outcome, Trial};
use super::gates::gates;
use super::proof::{Accused, ClauseProof, FaultProof, Honest, Proof, Standing, VariationProof};
use super::{Scope, all_cases};
use crate::mock::faults::{Fault, faults};
use crate::mock::variations::{Variation, variations};
use crate::model::id::{CaseId, ClauseId};
use crate::model::suite::Suite;

/// Runs the suite against the honest mock, every fault and every variation. `ended` is told how many runs have ended, of
/// how many.
///
/// # Errors
/// When a service cannot be started.
pub fn prove(bench: &Bench, scope: &Scope, ended: &(dyn Fn(usize, usize) + Sync)) -> Result<Proof, BenchError> {
    let suite = &*bench.suite;
    let all = all_cases(suite);
    let faults: Vec<&Fault> = faults().iter().filter(|fault| scope.covers(&[fault.id, fault.clause])).collect();
    let ways: Vec<(&Variation, bool)> = variations()
        .iter()
        .filter(|variation| scope.covers(&[variation.id, variation.allowed_by]))
        .flat_map(|variation| [(variation, false), (variation, true)])
        .filter(|(variation, strict)| !(*strict && variation.lenient))
        .collect();
    let mut near = Neighbours::new(suite);
    let honest = [false, true].map(|strict| Trial { departures: Vec::new(), cases: Arc::clone(&all), strict });
    let mut trials = honest.to_vec();
    trials.extend(faults.iter().map(|fault| Trial {
        departures: vec![fault.departure],
        cases: near.of(fault.clause),
        strict: false,
    }));
    trials.extend(ways.iter().map(|(variation, strict)| Trial {
        departures: vec![variation.departure],
        cases: Arc::clone(&all),
        strict: *strict,
    }));
    let count = std::sync::atomic::AtomicUsize::new(0);
    let total = trials.len();
    let mut outcomes =
        bench.run(&trials, &|| ended(count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1, total))?.into_iter();
    let honest: Vec<Honest> = [false, true]
        .into_iter()
        .zip(outcomes.by_ref())
        .map(|(strict, outcome)| Honest {
            strict,
            ran: outcome.ran,
            skipped: outcome.skipped,
            accused: outcome.broken.iter().map(Accused::from).collect(),
        })
        .collect();
    // A case that accuses the honest service notices nothing.
    let unfit: BTreeSet<&CaseId> = honest[0].accused.iter().map(|accused| &accused.case).collect();
    let mut judged: Vec<FaultProof> =
        faults.iter().zip(outcomes.by_ref()).map(|(fault, outcome)| judge(fault, &outcome, &unfit)).collect();
    let variations = ways
        .iter()
        .zip(outcomes)
        .map(|((variation, strict), outcome)| VariationProof {
            id: variation.id.to_owned(),
            allowed_by: variation.allowed_by.to_owned(),
            sentence: variation.sentence.to_owned(),
            strict: *strict,
            accused: outcome.broken.iter().map(Accused::from).collect(),
        })
        .collect();
    let unfit: BTreeSet<&CaseId> = honest[1].accused.iter().map(|accused| &accused.case).collect();
    strictly(bench, &faults, &mut judged, &mut near, &unfit)?;
    let faults = judged;
    Ok(Proof {
        suite: suite.hash.clone(),
        cases: suite.cases.len(),
        whole: scope.is_whole(),
        honest,
        mutants: None,
        gates: gates(suite),
        lock: Vec::new(),
        clauses: clauses(suite, &faults, scope),
        idle: idle(suite, &faults),
        faults,
        variations,
    })
}

/// Tries once more, with literal readings only, what a lenient run did not kill: some faults are an open reading of the
/// documents that the broken clause's example decides.
fn strictly(
    bench: &Bench,
    faults: &[&Fault],
    judged: &mut [FaultProof],
    near: &mut Neighbours<'_>,
    unfit: &BTreeSet<&CaseId>,
) -> Result<(), BenchError> {
    let left: Vec<usize> = (0..judged.len()).filter(|&at| judged[at].standing != Standing::Killed).collect();
    let trials: Vec<Trial> = left
        .iter()
        .map(|&at| Trial { departures: vec![faults[at].departure], cases: near.of(faults[at].clause), strict: true })
        .collect();
    for (at, outcome) in left.into_iter().zip(bench.run(&trials, &|| {})?) {
        let strict = judge(faults[at], &outcome, unfit);
        if strict.standing == Standing::Killed {
            judged[at] = FaultProof { standing: Standing::Strict, ..strict };
        }
    }
    Ok(())
}

/// Cases that a fault of a clause can touch: all of the services that some case tests the clause at. The two APIs share
/// no state, which a test of the mock holds them to.
struct Neighbours<'a> {
    suite: &'a Suite,
    services: BTreeMap<ClauseId, BTreeSet<&'a str>>,
    cases: BTreeMap<BTreeSet<&'a str>, Arc<[usize]>>,
}

impl<'a> Neighbours<'a> {
    fn new(suite: &'a Suite) -> Self {
        let mut services: BTreeMap<ClauseId, BTreeSet<&str>> = BTreeMap::new();
        for case in &suite.cases {
            for clause in case.cited() {
                services.entry(clause).or_default().extend(case.steps.iter().map(|step| step.service.as_str()));
            }
        }
        Self { suite, services, cases: BTreeMap::new() }
    }

    fn of(&mut self, clause: &str) -> Arc<[usize]> {
        let Some(services) = self.services.get(&ClauseId::new(clause)) else { return all_cases(self.suite) };
        let suite = self.suite;
        let cases = self.cases.entry(services.clone()).or_insert_with(|| {
            let touches =
                |index: &usize| suite.cases[*index].steps.iter().any(|step| services.contains(step.service.as_str()));
            (0..suite.cases.len()).filter(touches).collect()
        });
        Arc::clone(cases)
    }
}

fn judge(fault: &Fault, outcome: &Outcome, unfit: &BTreeSet<&CaseId>) -> FaultProof {
    let clause = ClauseId::new(fault.clause);
    let broken = outcome.broken.iter().filter(|broken| !unfit.contains(&broken.case));
    let (own, elsewhere): (Vec<&Broken>, Vec<&Broken>) =
        broken.partition(|broken| broken.failed && broken.clauses.contains(&clause));
    let standing = match (own.is_empty(), elsewhere.is_empty()) {
        (false, _) => Standing::Killed,
        (true, false) => Standing::Elsewhere,
        (true, true) => Standing::Survived,
    };
    let others: BTreeSet<ClauseId> = own
        .iter()
        .chain(&elsewhere)
        .flat_map(|broken| broken.clauses.iter().cloned())
        .filter(|id| *id != clause)
        .collect();
    let ids = |list: &[&Broken]| list.iter().map(|broken| broken.case.clone()).collect();
    FaultProof {
        id: fault.id.to_owned(),
        sentence: fault.sentence.to_owned(),
        standing,
        killed_by: ids(&own),
        elsewhere: ids(&elsewhere),
        others: others.into_iter().collect(),
        clause,
    }
}

fn clauses(suite: &Suite, faults: &[FaultProof], scope: &Scope) -> Vec<ClauseProof> {
    suite
        .clauses
        .iter()
        .map(|clause| {
            let own: Vec<&FaultProof> = faults.iter().filter(|fault| fault.clause == clause.id).collect();
            let covered = clause.excluded.is_none() && (scope.is_whole() || !own.is_empty());
            let killed_by: BTreeSet<&CaseId> = own.iter().flat_map(|fault| &fault.killed_by).collect();
            ClauseProof {
                id: clause.id.clone(),
                level: clause.level,
                text: clause.text.clone(),
                proven: covered.then(|| !own.is_empty() && own.iter().all(|fault| fault.standing.is_killed())),
                lenient: own.iter().any(|fault| fault.standing == Standing::Killed),
                killed_by: killed_by.into_iter().cloned().collect(),
            }
        })
        .collect()
}

/// Cases without which the same faults would be killed.
fn idle(suite: &Suite, faults: &[FaultProof]) -> Vec<CaseId> {
    let alone: BTreeSet<&CaseId> = faults
        .iter()
        .filter_map(|fault| match fault.killed_by.as_slice() {
            [only] => Some(only),
            _ => None,
        })
        .collect();
    suite.cases.iter().map(|case| &case.id).filter(|id| !alone.contains(id)).cloned().collect()
}

//! The runs of a proof and what they amount to: [`prove`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::bench::{Bench, BenchError, Broken, Outcome, Trial};
use super::gates::gates;
use super::kill::Jury;
use super::proof::{Accused, ClauseProof, FaultProof, Honest, Proof, Standing, VariationProof};
use super::survivors::MutantReport;
use super::{Scope, all_cases};
use crate::mock::faults::{Fault, faults};
use crate::mock::service::Departure;
use crate::mock::variations::{Variation, variations};
use crate::model::id::{CaseId, ClauseId};
use crate::model::suite::Suite;
use crate::runner::Testimony;

/// Cases that may wait to be judged before the run waits.
const HEARD: usize = 64;

/// Runs the suite against the honest mock, every fault and every variation, judges the honest answers once more with one
/// thing wrong in each, and damages the suite. `ended` is told how many runs have ended, of how many.
///
/// # Errors
/// When a service cannot be started.
pub fn prove(bench: &Bench, scope: &Scope, ended: &(dyn Fn(usize, usize) + Sync)) -> Result<Proof, BenchError> {
    let suite = &*bench.suite;
    let faults: Vec<&Fault> = faults().iter().filter(|fault| scope.covers(&[fault.id, fault.clause])).collect();
    let ways: Vec<(&Variation, bool)> = variations()
        .iter()
        .filter(|variation| scope.covers(&[variation.id, variation.allowed_by]))
        .flat_map(|variation| [(variation, false), (variation, true)])
        .filter(|(variation, strict)| !(*strict && variation.lenient))
        .collect();
    let mut near = Neighbours::new(suite);
    let trial = |departures: Vec<Departure>, cases: Arc<[usize]>, strict: bool| Trial {
        departures,
        cases,
        strict,
        waits: false,
        listener: None,
    };
    // What is not whole is about the cases that it can touch, and not about the suite.
    let touched = if scope.is_whole() { all_cases(suite) } else { near.touched(&faults, &ways) };
    let mut trials: Vec<Trial> =
        [false, true].into_iter().map(|strict| trial(Vec::new(), Arc::clone(&touched), strict)).collect();
    trials.extend(faults.iter().map(|fault| trial(vec![fault.departure], near.of(fault.clause), false)));
    trials.extend(ways.iter().map(|(variation, strict)| {
        let cases = near.of_service(variation.service());
        Trial { waits: variation.waits(), ..trial(vec![variation.departure], cases, *strict) }
    }));
    let count = AtomicUsize::new(0);
    let total = trials.len();
    let (listener, testimonies) = mpsc::channel(HEARD);
    trials[0].listener = Some(listener);
    // Judging answers and damaging the suite need no service, and wait for none.
    let (outcomes, mutants, gates) = std::thread::scope(|threads| {
        let mutants = threads.spawn(|| judge_mutants(suite, testimonies));
        let gates = threads.spawn(|| if scope.is_whole() { gates(suite) } else { Vec::new() });
        let outcomes = bench.run(trials, &|| ended(count.fetch_add(1, Ordering::Relaxed) + 1, total));
        (outcomes, mutants.join(), gates.join())
    });
    let (outcomes, mutants) = (outcomes?, mutants.map_err(|_| BenchError::Panicked)?);
    let gates = gates.map_err(|_| BenchError::Panicked)?;
    let mut outcomes = outcomes.into_iter();
    let honest: Vec<Honest> = [false, true]
        .into_iter()
        .zip(outcomes.by_ref())
        .map(|(strict, outcome)| Honest {
            strict,
            ran: outcome.ran,
            skipped: outcome.skipped,
            accused: Accused::all(&outcome),
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
            accused: Accused::all(&outcome),
        })
        .collect();
    let unfit: BTreeSet<&CaseId> = honest[1].accused.iter().map(|accused| &accused.case).collect();
    strictly(bench, &faults, &mut judged, &mut near, &unfit)?;
    let faults = judged;
    let (idle, toothless) = idle(suite, &faults, &mutants);
    Ok(Proof {
        suite: suite.hash.clone(),
        cases: suite.cases.len(),
        whole: scope.is_whole(),
        honest,
        mutants: Some(mutants.into()),
        gates,
        lock: Vec::new(),
        clauses: clauses(suite, &faults, scope),
        idle,
        toothless,
        faults,
        variations,
    })
}

fn judge_mutants(suite: &Suite, mut testimonies: mpsc::Receiver<Testimony>) -> MutantReport {
    let mut jury = Jury::new(suite, false);
    while let Some(testimony) = testimonies.blocking_recv() {
        jury.hear(&testimony);
    }
    jury.finish()
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
    let left: Vec<usize> = (0..judged.len()).filter(|&at| !judged[at].standing.is_killed()).collect();
    let trial = |at: &usize| Trial {
        departures: vec![faults[*at].departure],
        cases: near.of(faults[*at].clause),
        strict: true,
        waits: false,
        listener: None,
    };
    let trials: Vec<Trial> = left.iter().map(trial).collect();
    for (at, outcome) in left.into_iter().zip(bench.run(trials, &|| {})?) {
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

    /// Cases that any of these can touch.
    fn touched(&mut self, faults: &[&Fault], ways: &[(&Variation, bool)]) -> Arc<[usize]> {
        let faults = faults.iter().map(|fault| self.of(fault.clause)).collect::<Vec<_>>();
        let ways = ways.iter().map(|(variation, _)| self.of_service(variation.service())).collect::<Vec<_>>();
        let all: BTreeSet<usize> = faults.iter().chain(&ways).flat_map(|cases| cases.iter().copied()).collect();
        all.into_iter().collect()
    }

    /// Cases that a departure of one API can touch; `None` is both.
    fn of_service(&mut self, service: Option<&'static str>) -> Arc<[usize]> {
        match service.and_then(|name| self.suite.services.get_key_value(name)) {
            Some((name, _)) => self.at(&BTreeSet::from([name.as_str()])),
            None => all_cases(self.suite),
        }
    }

    fn of(&mut self, clause: &str) -> Arc<[usize]> {
        match self.services.get(&ClauseId::new(clause)).cloned() {
            Some(services) => self.at(&services),
            None => all_cases(self.suite),
        }
    }

    /// Cases that send something to one of these services.
    fn at(&mut self, services: &BTreeSet<&'a str>) -> Arc<[usize]> {
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
    let mixed = outcome.mixed.get(&clause).filter(|_| own.is_empty());
    let standing = match (own.is_empty(), mixed, elsewhere.is_empty()) {
        (false, ..) => Standing::Killed,
        (true, Some(_), _) => Standing::Run,
        (true, None, false) => Standing::Elsewhere,
        (true, None, true) => Standing::Survived,
    };
    let mut clauses: BTreeMap<ClauseId, usize> = BTreeMap::new();
    for id in own.iter().chain(&elsewhere).flat_map(|broken| &broken.clauses) {
        *clauses.entry(id.clone()).or_default() += 1;
    }
    for (id, cases) in &outcome.mixed {
        clauses.entry(id.clone()).or_insert(cases.len());
    }
    let ids = |list: &[&Broken]| list.iter().map(|broken| broken.case.clone()).collect();
    FaultProof {
        id: fault.id.to_owned(),
        sentence: fault.sentence.to_owned(),
        standing,
        killed_by: mixed.map_or_else(|| ids(&own), |cases| cases.iter().cloned().collect()),
        elsewhere: ids(&elsewhere),
        clauses,
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
            let killers = |lenient: bool| -> BTreeSet<&CaseId> {
                own.iter()
                    .filter(|fault| fault.standing.is_lenient() == lenient)
                    .flat_map(|fault| &fault.killed_by)
                    .collect()
            };
            let (killed_by, strictly) = (killers(true), killers(false));
            ClauseProof {
                id: clause.id.clone(),
                level: clause.level,
                text: clause.text.clone(),
                proven: covered.then(|| !own.is_empty() && own.iter().all(|fault| fault.standing.is_killed())),
                lenient: own.iter().any(|fault| fault.standing.is_lenient()),
                strictly_by: strictly.difference(&killed_by).map(|case| (*case).clone()).collect(),
                killed_by: killed_by.into_iter().cloned().collect(),
            }
        })
        .collect()
}

/// Cases without which the same faults would be killed and the same wrong answers noticed; and those of them that notice
/// nothing at all.
fn idle(suite: &Suite, faults: &[FaultProof], mutants: &MutantReport) -> (Vec<CaseId>, Vec<CaseId>) {
    let alone: BTreeSet<&CaseId> = faults
        .iter()
        .filter_map(|fault| match fault.killed_by.as_slice() {
            [only] => Some(only),
            _ => None,
        })
        .chain(&mutants.alone)
        .collect();
    let bites: BTreeSet<&CaseId> =
        faults.iter().flat_map(|fault| fault.killed_by.iter().chain(&fault.elsewhere)).collect();
    let idle: Vec<CaseId> = suite.cases.iter().map(|case| &case.id).filter(|id| !alone.contains(id)).cloned().collect();
    let toothless = mutants.toothless.iter().filter(|id| !bites.contains(id)).cloned().collect();
    (idle, toothless)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::seed::Seed;

    fn proof(keep: impl Fn(&str) -> bool, only: &[&str]) -> Proof {
        let cases = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"));
        let mut suite = crate::load::suite(cases).unwrap();
        suite.cases.retain(|case| keep(case.id.as_str()));
        let target = crate::load::mock_target(&suite, &|_| None).unwrap();
        let bench = Bench::new(Arc::new(suite), Arc::new(target), Seed::embedded().unwrap(), 1).unwrap();
        let only = only.iter().map(|glob| crate::select::glob(glob).unwrap()).collect();
        prove(&bench, &Scope { only }, &|_, _| {}).unwrap()
    }

    #[test]
    fn a_fault_is_killed_by_the_checks_of_its_clause_and_a_variation_passes() {
        let proof = proof(|id| id.starts_with("groove/add/accept"), &["groove-add-single-not-a-list", "json-escaped"]);
        assert_eq!(proof.faults.len(), 1);
        assert_eq!(proof.faults[0].standing, Standing::Killed);
        assert!(!proof.faults[0].killed_by.is_empty());
        assert_eq!(proof.false_alarms().count(), 0);
        assert_eq!(proof.variations.len(), 2, "lenient and strict");
        let proven: Vec<_> = proof.clauses.iter().filter(|clause| clause.proven.is_some()).collect();
        assert_eq!(proven.len(), 1);
        assert_eq!((proven[0].id.as_str(), proven[0].proven), ("GRV-ADD-13", Some(true)));
        assert_eq!(proof.problems(), Vec::<String>::new());
    }

    #[test]
    fn a_fault_that_nothing_looks_for_survives_and_is_told() {
        let proof = proof(|id| id.starts_with("groove/add/other-method"), &["groove-add-single-not-a-list"]);
        assert_eq!(proof.faults[0].standing, Standing::Survived);
        assert_eq!(proof.problems(), ["1 fault survives", "1 clause is not proven"]);
        for told in [super::super::text(&proof), super::super::markdown(&proof), super::super::html(&proof)] {
            assert!(told.contains("groove-add-single-not-a-list survives (GRV-ADD-13)"), "{told}");
        }
    }
}

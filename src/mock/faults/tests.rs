//! What holds for every fault.

use std::collections::{BTreeSet, HashSet};

use super::faults;
use crate::mock::seed::Seed;
use crate::mock::service::Service;
use crate::mock::testing::transcript;

/// Every clause of the three documents, but the two about reason phrases, which nobody may test
///
fn testable() -> BTreeSet<String> {
    let range = |prefix: &str, last: u32| {
        let prefix = prefix.to_owned();
        (1..=last).map(move |number| format!("{prefix}-{number:02}"))
    };
    range("GRV-ADD", 65)
        .chain(range("GRV-DEL", 30))
        .chain(range("OCM-DEL", 44))
        .filter(|clause| clause != "GRV-ADD-37" && clause != "GRV-ADD-57")
        .collect()
}

#[test]
fn ids_are_unique_kebab_case_and_explained() {
    let mut seen = HashSet::new();
    for fault in faults() {
        assert!(seen.insert(fault.id), "{} twice", fault.id);
        assert!(fault.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        assert!(fault.sentence.ends_with('.'), "{}", fault.id);
        assert!(super::find(fault.id).is_some());
    }
    assert!(super::find("no-such-fault").is_none());
}

#[test]
fn every_testable_clause_has_a_fault() {
    let broken: BTreeSet<_> = faults().iter().map(|fault| fault.clause.to_owned()).collect();
    assert_eq!(broken, testable());
}

#[test]
fn every_fault_shows_in_its_own_api_only() {
    let seed = Seed::embedded().unwrap();
    let honest = transcript(&mut Service::new(&seed), &seed);
    assert_eq!(honest, transcript(&mut Service::new(&seed), &seed));
    assert!(honest.iter().all(|(_, response)| response.status < 500));
    for fault in faults() {
        let mut service = Service::departing(&seed, vec![fault.departure]);
        let faulty = transcript(&mut service, &seed);
        assert!(faulty != honest, "{} cannot be seen", fault.id);
        let about_oracle = fault.clause.starts_with("OCM");
        for ((request, response), (_, expected)) in faulty.iter().zip(&honest) {
            if request.target.starts_with("/documents/") != about_oracle {
                // Ids of both APIs come from one source, so bodies may differ in them.
                assert_eq!(
                    (response.status, response.headers.len()),
                    (expected.status, expected.headers.len()),
                    "{} changes {}",
                    fault.id,
                    request.target
                );
            }
        }
    }
}

//! What would the suite catch, and what would it accuse wrongly? [`prove`] finds out and gives a [`Proof`].
//!
//! The suite is run against the honest mock (everything must pass), against every known fault (the checks of the broken
//! clause must fail), against every legal variation (nothing may fail), and its own gates are tried by taking
//! expectations away. A clause is proven when every fault that breaks it is noticed by a check that cites it.
//!
//! Without a mock, for any target: [`mutants`] makes answers with one thing wrong, [`kill`] judges them again by the
//! same comparison, [`loose`] says whether what went unnoticed was meant to, and [`survivors`] sums up over all cases.

pub mod bench;
mod certificate;
pub mod gates;
pub mod kill;
pub mod lock;
pub mod loose;
mod matrix;
pub mod mutants;
mod proof;
mod render;
pub mod survivors;
mod table;
mod walk;

use std::sync::Arc;

pub use bench::{Bench, BenchError};
pub use certificate::{CERTIFICATE_FILE, Certificate};
pub use gates::GateProof;
pub use lock::{LOCK_FILE, Lock};
pub use matrix::prove;
pub use proof::{Accused, ClauseProof, FaultProof, Honest, MutantProof, Proof, Standing, VariationProof};
pub use render::{html, markdown, text};

use crate::model::suite::Suite;

/// What a proof covers.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Only faults and variations whose id, clause or choice matches one of these; empty: all of them. Such a proof says
    /// nothing about clauses that it does not touch, and does not damage the suite.
    pub only: Vec<globset::GlobMatcher>,
}

impl Scope {
    /// Whether something with these names is covered.
    #[must_use]
    pub fn covers(&self, names: &[&str]) -> bool {
        self.only.is_empty() || self.only.iter().any(|glob| names.iter().any(|name| glob.is_match(name)))
    }

    /// Whether everything is covered.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.only.is_empty()
    }
}

/// Places of all cases of a suite.
fn all_cases(suite: &Suite) -> Arc<[usize]> {
    (0..suite.cases.len()).collect()
}

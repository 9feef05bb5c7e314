//! Known faults: services that break exactly one clause each, to find out what a suite would catch.
//!
//! A [`Fault`] departs from the honest service by its policy or by a transform of the response;
//! the honest code knows nothing of it. [`faults`] is the whole list.

mod add;
mod add_refusals;
mod add_results;
mod add_xml;
mod delete;
pub(in crate::mock) mod edit;
mod oracle;
mod oracle_errors;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use super::http::Response;
use super::policy::Policy;
use super::service::{Departure, Moment};

/// One way in which a service breaks a clause.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The name, in kebab case; it never changes.
    pub id: &'static str,
    /// The clause that is broken.
    pub clause: &'static str,
    /// What the service does wrong.
    pub sentence: &'static str,
    /// How it does so.
    pub departure: Departure,
}

impl Fault {
    /// A fault in what the service decides.
    const fn policy(
        id: &'static str,
        clause: &'static str,
        sentence: &'static str,
        policy: fn(&mut Policy, &Moment<'_>),
    ) -> Self {
        Self { id, clause, sentence, departure: Departure { policy, ..Departure::NONE } }
    }

    /// A fault in what the service answers.
    const fn response(
        id: &'static str,
        clause: &'static str,
        sentence: &'static str,
        response: fn(&mut Response, &Moment<'_>),
    ) -> Self {
        Self { id, clause, sentence, departure: Departure { response, ..Departure::NONE } }
    }
}

/// Every fault, in the order of the clauses.
pub fn faults() -> &'static [Fault] {
    static ALL: LazyLock<Vec<Fault>> = LazyLock::new(|| {
        let mut all = [
            add::FAULTS,
            add_results::FAULTS,
            add_refusals::FAULTS,
            add_xml::FAULTS,
            delete::FAULTS,
            oracle::FAULTS,
            oracle_errors::FAULTS,
        ]
        .concat();
        // The sort keeps the order of the lists inside one clause.
        all.sort_by_key(|fault| fault.clause);
        all
    });
    &ALL
}

/// The fault of this name.
pub fn find(id: &str) -> Option<&'static Fault> {
    faults().iter().find(|fault| fault.id == id)
}

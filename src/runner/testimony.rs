//! What a case that ended saw, for whoever judges its answers again: [`Testimony`].

use std::sync::Arc;

use crate::model::exchange::Response;
use crate::model::expect::Expect;
use crate::model::verdict::Verdict;
use crate::template::Scope;

/// The answers of one case, not redacted. Only made when somebody listens (see [`run_heard`](super::run_heard)).
#[derive(Clone, Debug)]
pub struct Testimony {
    /// Place of the case in [`Suite::cases`](crate::model::suite::Suite::cases).
    pub case: usize,
    /// What became of it.
    pub outcome: Verdict,
    /// Every value of the case at its end, captures included.
    pub scope: Scope,
    /// The answers of its main steps, in order.
    pub answers: Vec<Answer>,
}

/// What came back in one main step, and what it was compared with.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Place of the step in [`Case::steps`](crate::model::spec::Contents::steps).
    pub step: usize,
    /// Method as sent.
    pub method: String,
    /// Path as sent, after the base URL and without the query.
    pub path: String,
    /// The expectation as it was resolved.
    pub expect: Arc<Expect>,
    /// What was only wanted.
    pub wanted: Option<Arc<Expect>>,
    /// The answer.
    pub response: Response,
}

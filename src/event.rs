//! The seam between running and reporting: [`RunEvent`]. Everything that comes out of an event is redacted.

use std::fmt;

use crate::model::verdict::Verdict;
use crate::record::{CaseRecord, ProbeRecord};

/// What happens in a run, in the order in which it happens.
#[derive(Debug)]
pub enum RunEvent {
    /// A case has ended.
    CaseFinished(Finished),
    /// The target was asked what no service can have a right answer to.
    Probed(Vec<ProbeRecord>),
}

/// A case that has ended. Its last answer may not have been judged yet: whoever asks for the record does it, and the
/// thread that sends requests need not.
pub struct Finished(State);

enum State {
    Judged(Box<CaseRecord>),
    Answered(Box<dyn FnOnce() -> CaseRecord + Send>),
}

impl Finished {
    /// A case that is judged.
    #[must_use]
    pub fn new(record: CaseRecord) -> Self {
        Self(State::Judged(Box::new(record)))
    }

    /// A case whose record is made when it is asked for.
    pub(crate) fn later(judge: impl FnOnce() -> CaseRecord + Send + 'static) -> Self {
        Self(State::Answered(Box::new(judge)))
    }

    /// What became of the case, if that is known yet.
    #[must_use]
    pub fn outcome(&self) -> Option<&Verdict> {
        match &self.0 {
            State::Judged(record) => Some(&record.outcome),
            State::Answered(_) => None,
        }
    }

    /// The case's record.
    #[must_use]
    pub fn record(self) -> Box<CaseRecord> {
        match self.0 {
            State::Judged(record) => record,
            State::Answered(judge) => Box::new(judge()),
        }
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Judged(record) => f.debug_tuple("Judged").field(record).finish(),
            State::Answered(_) => f.write_str("Answered"),
        }
    }
}

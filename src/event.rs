//! The seam between running and reporting: [`RunEvent`]. Everything in an event is already redacted.

use crate::record::{CaseRecord, ProbeRecord};

/// What happens in a run, in the order in which it happens.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// A case begins.
    CaseStarted {
        /// Its id.
        id: String,
    },
    /// A case has ended.
    CaseFinished(Box<CaseRecord>),
    /// The target was asked what no service can have a right answer to.
    Probed(Vec<ProbeRecord>),
}

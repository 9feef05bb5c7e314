//! The seam between running and reporting: [`RunEvent`]. Everything in an event is already redacted.

use crate::record::{CaseRecord, Footer, Header, ProbeRecord, SummaryRecord};

/// What happens in a run, in the order in which it happens.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// The run begins.
    Started(Box<Header>),
    /// A case begins.
    CaseStarted {
        /// Its id.
        id: String,
    },
    /// A case has ended.
    CaseFinished(Box<CaseRecord>),
    /// The target was asked what no service can have a right answer to.
    Probed(Vec<ProbeRecord>),
    /// Something that people should know, in one sentence.
    Notice(String),
    /// The run has ended: clause and choice verdicts, and the footer.
    Finished {
        /// Verdicts over the whole run.
        summary: Box<SummaryRecord>,
        /// The footer.
        footer: Box<Footer>,
    },
}

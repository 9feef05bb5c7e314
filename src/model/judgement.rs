//! What a comparison found: [`Judgement`], made of [`Mismatch`]es and of the tally of every check that ran.

use serde::{Deserialize, Serialize};

use super::id::{ChoiceId, ClauseId};
use super::tally::Tallies;

/// Which part of an exchange a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The status code.
    Status,
    /// A header field.
    Header,
    /// The body.
    Body,
    /// A value computed from several steps.
    Check,
}

/// How an actual value differs from the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MismatchKind {
    /// Another value of the right type.
    Value,
    /// Another type.
    Type,
    /// Not there.
    Missing,
    /// There, and should not be.
    Unexpected,
    /// There more than once.
    Duplicate,
    /// In another place of the order.
    Order,
    /// Too many or too few.
    Length,
    /// Not in the form that was asked for (not JSON, not XML, other media type, bad encoding).
    Malformed,
    /// Matches what it must not match.
    Forbidden,
}

/// One difference between expected and actual. Data only; sentences come from `diff`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mismatch {
    /// Id of the step whose answer it is about.
    pub step: String,
    /// Part of the exchange.
    pub part: Part,
    /// Place in the part: header name, JSON Pointer (RFC 6901), XML path; empty for the status or the whole body.
    pub place: String,
    /// The check's stable name: part and place with indices as `*` (`json:/Results/*/Id`).
    pub check: String,
    /// How it differs.
    pub kind: MismatchKind,
    /// What was expected, as people would write it (JSON text, header value, operator).
    pub expected: String,
    /// What was there, in the same writing, shortened when very long.
    pub actual: String,
    /// Expected and actual type, where they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<(String, String)>,
    /// The clauses that demand it.
    pub clauses: Vec<ClauseId>,
}

/// Which reading of a choice an answer follows at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingFollowed {
    /// The choice.
    pub choice: ChoiceId,
    /// The readings that match; one when the answer tells them apart, none when it follows no reading.
    pub readings: Vec<String>,
    /// Id of the step.
    pub step: String,
    /// Place in the body, or empty for a whole answer.
    pub place: String,
}

/// Everything that one comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Differences that fail the case.
    pub mismatches: Vec<Mismatch>,
    /// Differences that are told and never fail: unlisted members where they are only noted.
    pub notes: Vec<Mismatch>,
    /// Differences from what was only wanted.
    pub unmet: Vec<Mismatch>,
    /// Every check that ran.
    pub checks: Tallies,
    /// Readings of choices.
    pub readings: Vec<ReadingFollowed>,
}

impl Judgement {
    /// Adds what another comparison found.
    pub fn absorb(&mut self, other: Judgement) {
        self.mismatches.extend(other.mismatches);
        self.notes.extend(other.notes);
        self.unmet.extend(other.unmet);
        self.checks.append(other.checks);
        self.readings.extend(other.readings);
    }
}

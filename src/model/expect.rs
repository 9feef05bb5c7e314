//! What must come back, resolved: [`Expect`]. Only `compare` reads it.

use std::sync::Arc;

use regex::Regex;

use super::id::{ChoiceId, ClauseId};
use super::pattern::{JsonBody, JsonPattern, XmlPattern};
use super::spec::Path;

/// An expectation, resolved and compiled.
#[derive(Clone, Debug)]
pub struct Expect {
    /// Alternatives; the first that allows the status wins. Empty: not checked.
    pub status: Vec<StatusCheck>,
    /// Checks of header fields.
    pub headers: Vec<HeaderCheck>,
    /// The body.
    pub body: BodyCheck,
    /// Checks of places that a path finds.
    pub at: Vec<AtCheck>,
    /// Whole answers that a choice allows.
    pub readings: Vec<AnswerReading>,
    /// Whether an answer that follows none of `readings` is a mismatch (lenient) or only told (report).
    pub reading_required: bool,
    /// Clauses of a check that cites nothing (for a body that cannot be parsed, and for `readings`).
    pub fallback: Arc<[ClauseId]>,
}

/// A set of statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusCheck {
    /// Allowed; empty: any that `not` does not name.
    pub is: Vec<StatusRange>,
    /// Refused.
    pub not: Vec<StatusRange>,
    /// Clauses.
    pub clauses: Arc<[ClauseId]>,
}

/// Statuses from `first` to `last`, both included: 200–200, 400–499.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    /// Lowest.
    pub first: u16,
    /// Highest.
    pub last: u16,
}

/// A check of a header field.
#[derive(Clone, Debug)]
pub struct HeaderCheck {
    /// Name in lower case.
    pub name: String,
    /// What is asked of it.
    pub rule: HeaderTest,
    /// Clauses.
    pub clauses: Arc<[ClauseId]>,
}

/// What is asked of a header field.
#[derive(Clone, Debug)]
pub enum HeaderTest {
    /// Exactly this value, and once.
    Is(String),
    /// The expression is found in the first value.
    Regex(Regex),
    /// The text is found in one of the values.
    Contains(String),
    /// One of these media types.
    Media(Vec<String>),
    /// Exactly these values, in order.
    All(Vec<String>),
    /// Not there.
    Absent,
    /// There.
    Present,
}

/// What is asked of a body.
#[derive(Clone, Debug)]
pub enum BodyCheck {
    /// Nothing.
    Unchecked,
    /// No byte.
    Empty,
    /// Parses as its media type says.
    WellFormed,
    /// A JSON pattern.
    Json(JsonBody),
    /// An XML pattern.
    Xml(Arc<XmlPattern>),
    /// Exactly this text.
    Text(String),
    /// The expression is found in the text.
    TextRegex(Regex),
    /// The text is found in it.
    TextContains(String),
}

/// A check of every place that a path finds.
#[derive(Clone, Debug)]
pub struct AtCheck {
    /// Where to look.
    pub path: Path,
    /// What each value must match.
    pub is: Option<Arc<JsonPattern>>,
    /// Least and most places.
    pub count: Option<(usize, usize)>,
    /// Clauses.
    pub clauses: Arc<[ClauseId]>,
}

/// One whole answer that a choice allows.
#[derive(Clone, Debug)]
pub struct AnswerReading {
    /// The choice.
    pub choice: ChoiceId,
    /// The reading.
    pub reading: String,
    /// Whether it is the literal one.
    pub literal: bool,
    /// The answer.
    pub expect: Expect,
}

//! What a document demands: [`Document`], [`Clause`], [`Choice`], [`Operation`].

use serde::{Deserialize, Serialize};

use super::id::{ChoiceId, ClauseId};
use super::source::SourceRef;

/// A page of documentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Stable id, `groove-collection-add`.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// Who published it, as printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Its version, as printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of the page's bytes, lower-case hex.
    pub sha256: String,
    /// Length of the page in bytes.
    pub bytes: u64,
}

/// How firmly a document says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Said in words.
    Stated,
    /// Shown by a documented example only.
    Example,
    /// Follows from words or examples without being said.
    Implied,
}

/// One testable statement of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// Stable id.
    pub id: ClauseId,
    /// Id of the document.
    pub document: String,
    /// The document's own section.
    pub section: String,
    /// How firmly it is said.
    pub level: Level,
    /// A paraphrase in plain words.
    pub text: String,
    /// Why no case can test it, if none can.
    pub excluded: Option<String>,
    /// Where it is written.
    pub source: SourceRef,
}

/// What becomes of an answer that follows none of a choice's readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChoicePolicy {
    /// One of the readings must match, or the clause is violated.
    Lenient,
    /// Anything is recorded and nothing fails.
    Report,
    /// No freedom is left: the entry says what casebook does and why.
    Settled,
}

/// One way to read an open place of the documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Id, unique in its choice.
    pub id: String,
    /// The reading in plain words.
    pub text: String,
    /// Whether it is the documented example's literal form, the only one that `--strict` accepts.
    #[serde(default)]
    pub literal: bool,
}

/// A place where the documents contradict themselves or leave several answers open.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Stable id.
    pub id: ChoiceId,
    /// Id of the document that it was found in first.
    pub document: String,
    /// What is open, as a question.
    pub question: String,
    /// Clauses that it touches.
    pub clauses: Vec<ClauseId>,
    /// What an answer outside the readings means.
    pub policy: ChoicePolicy,
    /// Whether a service must follow one reading throughout. One that follows both follows neither.
    pub uniform: bool,
    /// For a settled choice: what casebook does and why.
    pub settled: Option<String>,
    /// The readings; empty only for a settled choice.
    pub readings: Vec<Reading>,
    /// Where it is written.
    pub source: SourceRef,
}

/// Where a documented status or error code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Said in the document's words.
    Stated,
    /// Shown by its examples.
    Example,
    /// Implied by it.
    Implied,
    /// On a page that the document refers to.
    Referenced,
}

/// A status documented for an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentedStatus {
    /// HTTP status code.
    pub status: u16,
    /// Where it comes from.
    pub source: Origin,
    /// Clauses that demand it.
    #[serde(default)]
    pub clauses: Vec<ClauseId>,
}

/// An error code documented for an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentedCode {
    /// The code as it stands in a body.
    pub code: String,
    /// The status it comes with.
    pub status: u16,
    /// Where it comes from.
    pub source: Origin,
    /// Clauses that demand it.
    #[serde(default)]
    pub clauses: Vec<ClauseId>,
}

/// A documented operation, for the coverage tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Stable id, `groove-add`.
    pub id: String,
    /// HTTP method.
    pub method: String,
    /// Path with `{name}` for a variable segment.
    pub path: String,
    /// Media types that a request may have.
    pub request_media: Vec<String>,
    /// Media types that an answer may have.
    pub response_media: Vec<String>,
    /// Documented statuses.
    pub statuses: Vec<DocumentedStatus>,
    /// Documented error codes.
    pub codes: Vec<DocumentedCode>,
}

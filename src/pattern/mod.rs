//! Patterns: JSON text to values, and values to compiled patterns.
//!
//! [`compile_template`] and [`xml::compile`] turn what a case expects, and [`json::compile`] a value, into the types of
//! [`crate::model::pattern`]; every error that an author can make is told here, before anything is sent.
//! Matching, illustrating and exact numbers stand beside them, for `compare` and `diff`.

pub mod align;
mod arguments;
pub mod checks;
pub mod decimal;
mod direct;
pub mod illustrate;
pub mod json;
mod key;
mod known;
pub mod matching;
pub mod memo;
pub mod operators;
pub mod parse;
pub mod write;
pub mod xml;
pub mod xml_illustrate;
pub mod xml_matching;

pub use direct::{compile_body, compile_template};

use crate::model::clause::Choice;
use crate::model::id::ClauseId;
use crate::model::spec::{Cite, Extra};

/// What a pattern is compiled with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// First part of every check's name, `json:`.
    pub prefix: &'a str,
    /// Which clause a place proves; the longest matching pointer wins.
    pub cite: &'a [Cite],
    /// Clauses of a check that nothing else gives one.
    pub fallback: &'a [ClauseId],
    /// What an unlisted member or element means.
    pub extra: Extra,
    /// Keeps only the literal reading of a choice, and makes what is only noted fail.
    pub strict: bool,
    /// Every choice of the documents.
    pub choices: &'a [Choice],
}

/// A pattern that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", if pointer.is_empty() { "the whole pattern" } else { pointer })]
pub struct PatternError {
    /// Place in the pattern as written: JSON Pointer or XML path.
    pub pointer: String,
    /// What is wrong, a lower-case fragment.
    pub message: String,
}

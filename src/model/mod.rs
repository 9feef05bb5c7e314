//! Domain types: what a suite is made of, what is sent, what came back, what was found.
//!
//! Pure data. Nothing here reads a file, a clock or the network, and nothing here decides a comparison.

pub mod clause;
pub mod connection;
pub mod exchange;
pub mod expect;
pub mod id;
pub mod json;
pub mod judgement;
pub mod pattern;
pub mod source;
pub mod spec;
pub mod suite;
pub mod tally;
pub mod target;
pub mod template;
pub mod verdict;
pub mod wide;

//! casebook tells, for any HTTP base URL, whether the service behaves as its documentation says,
//! clause by clause, and proves what that answer is worth.
//!
//! Data flows one way: case files are loaded into a [`model::suite::Suite`], a selection of it is
//! resolved against a target, sent, compared, judged and redacted; run events carry the result to
//! the console and to the record, and every report is rendered from the record alone.

pub mod calibration;
pub mod case;
pub mod cli;
pub mod compare;
pub mod comparison;
pub mod conclude;
pub mod console;
pub mod credible;
pub mod diff;
pub mod difference;
pub mod engine;
pub mod event;
pub mod fixtures;
pub mod harness;
pub mod known;
pub mod load;
pub mod merge;
pub mod mock;
pub mod model;
pub mod pattern;
pub mod plan;
pub mod probe;
pub mod prove;
pub mod record;
pub mod redact;
pub mod report;
pub mod runner;
pub mod select;
pub mod sides;
pub mod sink;
pub mod target;
pub mod template;
pub mod transport;
pub mod verify;

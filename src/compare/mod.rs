//! Compares a response with an expectation and lists every mismatch.

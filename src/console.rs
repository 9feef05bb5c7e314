//! Live view of run events for people at a terminal.

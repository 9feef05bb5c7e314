//! The versioned record of a run, the one source of every report.

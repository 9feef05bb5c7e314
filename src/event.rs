//! The seam between running and reporting.

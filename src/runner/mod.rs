//! Runs a plan: order, locks, steps, deadlines, teardown.

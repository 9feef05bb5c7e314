//! Removes secrets from everything that leaves the runner.

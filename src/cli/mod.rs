//! Composition root: arguments to a plan, the plan to a run, the result to an exit code.

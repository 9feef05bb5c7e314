//! Chooses the cases of a run; a pattern that matches nothing is an error.

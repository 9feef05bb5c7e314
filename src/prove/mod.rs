//! What would the suite catch, and what would it accuse wrongly?
//!
//! [`mutants`] makes answers with one thing wrong, [`kill`] judges them again by the same comparison, [`loose`] says
//! whether what went unnoticed was meant to, and [`survivors`] sums up over all cases.

pub mod kill;
pub mod loose;
pub mod mutants;
pub mod survivors;

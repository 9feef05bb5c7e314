//! What would the suite catch, and what would it accuse wrongly?

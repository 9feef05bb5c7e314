//! TOML text of case, clause and service files to the validated model.

//! Reads case and target files from disk.

//! Proves report paths writable before a run and replaces files atomically after it.

//! Cases as `cargo test` tests.

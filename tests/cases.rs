//! Every case of `cases/` as a test of its own, against the embedded mock or what `CASEBOOK_TARGET` and
//! `CASEBOOK_BASE_URL` name.

use std::process::ExitCode;

use casebook::harness::Harness;

fn main() -> ExitCode {
    Harness::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases")).from_env().main()
}

//! What every test of the built command needs.

use std::fs;
use std::path::Path;
use std::process::Command;

use casebook::record::{ReadMode, Record, read};

/// A document with one clause.
pub(crate) const CLAUSES: &str = r#"
[document]
id = "demo"
title = "Demo"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
bytes = 1

[[clause]]
id = "DEM-01"
section = "One"
level = "stated"
text = "It answers as it should."
"#;

/// The command in a directory, without what the environment of the tests may say to it.
pub(crate) fn casebook(here: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casebook"));
    command.current_dir(here);
    for name in ["CASEBOOK_CASES", "CASEBOOK_BASE_URL", "CASEBOOK_TARGET", "JOB_COMPLETION_INDEX", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

/// The whole record of a run that wrote to a directory.
#[track_caller]
pub(crate) fn record(out: &Path) -> Record {
    let text = fs::read(out.join("record.jsonl")).expect("a record");
    read(text.as_slice(), ReadMode::Complete).expect("a whole record")
}

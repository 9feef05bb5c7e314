//! What a command said, and how it ended.

use std::process::Output;

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
pub(crate) fn ends(output: &Output, exit: i32) {
    assert_eq!(output.status.code(), Some(exit), "stdout:\n{}\nstderr:\n{}", out(output), err(output));
}

//! Composition root: arguments to a plan, the plan to a run, the result to an exit code. [`main`] is the command.

pub mod args;
mod files;
mod mock;
mod mutate;
mod run;

use std::process::ExitCode;

use anstream::ColorChoice;
use clap::Parser;

use crate::model::verdict::Exit;
use args::{Cli, Colour, Command};

/// Runs the command of this process and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; a closed standard output is not ours to report.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage.code() } else { 0 });
        }
    };
    let colour = match cli.color {
        Colour::Auto => ColorChoice::Auto,
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    };
    colour.write_global();
    let result = match cli.command {
        Command::Run(args) => run::run(&args, colour),
        Command::Mutate(args) => mutate::mutate(&args),
        Command::Check(args) => files::check(&args),
        Command::List(args) => files::list(&args),
        Command::Report(args) => files::report(&args),
        Command::Schema(args) => files::schema(&args),
        Command::Mock(args) => mock::mock(&args),
    };
    match result {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            failure.tell();
            ExitCode::from(failure.exit.code())
        }
    }
}

/// Why a command ends early: an exit code and what to tell.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    text: String,
}

impl Failure {
    fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }

    fn tell(&self) {
        use std::io::Write as _;
        let text = self.text.trim_end();
        let lead = if text.contains("error") { "" } else { "error: " };
        // Nobody is left to be told that standard error is closed.
        let _ = writeln!(anstream::stderr(), "{lead}{text}");
    }
}

//! Composition root: arguments to a plan, the plan to a run, the result to an exit code. [`main`] is the command.

mod again;
pub mod args;
mod calibrate;
mod check;
mod compare;
mod config;
mod diff_targets;
mod dry;
mod files;
mod gather;
mod mock;
mod mutate;
mod prove;
mod records;
mod room;
mod run;
mod shell;
mod target;
mod wire;
mod writer;

use std::process::ExitCode;

use anstream::ColorChoice;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::model::verdict::Exit;
use args::{Cli, Colour, Command};

/// Runs the command of this process and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let project = config::find();
    let defaults = |command| match &project {
        Ok(Some(project)) => project.defaults(command),
        _ => command,
    };
    let name = std::env::args_os().nth(1);
    let alone = name.as_ref().and_then(|name| Cli::alone(name.to_str()?));
    let matches = match alone.and_then(|command| defaults(command).try_get_matches().ok()) {
        Some(matches) => Ok(matches),
        // What is wrong, or asked about, is told by who knows all commands.
        None => defaults(Cli::command()).try_get_matches(),
    };
    let parsed = matches.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are no errors; a closed standard output is not ours to report.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage.code() } else { 0 });
        }
    };
    let colour = match cli.common.color {
        Colour::Auto => ColorChoice::Auto,
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    };
    colour.write_global();
    // `--help`, and what has no settings, work whatever the file says.
    let project = match project {
        Err(failure) if config::applies(&cli.command) => return finish(Err(failure)),
        project => project.ok().flatten(),
    };
    finish(match cli.command {
        Command::Run(args) if args.show_config => config::show(&matches, project.as_ref(), args.format),
        Command::Run(args) => run::run(&args, again::arguments(&matches), colour),
        Command::Mutate(args) => mutate::mutate(&args),
        Command::Calibrate(args) => calibrate::calibrate(&args),
        Command::DiffTargets(args) => diff_targets::diff_targets(&args),
        Command::Prove(args) => prove::prove(&args),
        Command::Check(args) => check::check(&args),
        Command::List(args) => files::list(&args),
        Command::Report(args) => files::report(&args),
        Command::Merge(args) => records::merge(&args, colour),
        Command::Verify(args) => records::verify(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Matrix(args) => compare::matrix(&args),
        Command::Schema(args) => files::schema(&args),
        Command::Target(args) => target::target(&args),
        Command::Coverage(args) => files::coverage(&args),
        Command::Mock(args) => mock::mock(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    })
}

fn finish(result: Result<Exit, Failure>) -> ExitCode {
    match result {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            failure.tell();
            ExitCode::from(failure.exit.code())
        }
    }
}

/// The table of exit codes in Markdown, for the README.
#[must_use]
pub fn exit_table_markdown() -> String {
    let mut text = String::from("| exit | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        text.push_str(&format!("| {} | {} |\n", exit.code(), exit.meaning()));
    }
    let rank: Vec<String> =
        Exit::RANK.iter().filter(|exit| **exit != Exit::Conformant).map(|exit| exit.code().to_string()).collect();
    text.push_str(&format!("\nWhen several apply, the first of these wins: {}.\n", rank.join(", ")));
    text
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

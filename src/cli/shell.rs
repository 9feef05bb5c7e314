//! `casebook completions` and `casebook man`: what shells and manual readers take.

use std::fs;

use clap::{Command, CommandFactory as _};

use super::args::{Cli, CompletionsArgs, ManArgs};
use super::{Failure, files};
use crate::model::verdict::Exit;

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "casebook", &mut script);
    files::print(&String::from_utf8_lossy(&script))
}

pub(super) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let mut root = Cli::command();
    root.build();
    if let Some(out) = &args.out {
        let failed = |error: std::io::Error| Failure::new(Exit::Harness, format!("{}: {error}", out.display()));
        fs::create_dir_all(out).map_err(failed)?;
        clap_mangen::generate_to(root, out).map_err(failed)?;
        return Ok(Exit::Conformant);
    }
    let command = match &args.page {
        None => root,
        Some(name) => page(&root, name)?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut text)
        .map_err(|error| Failure::new(Exit::Harness, format!("the page cannot be written: {error}")))?;
    files::print(&String::from_utf8_lossy(&text))
}

fn page(root: &Command, name: &str) -> Result<Command, Failure> {
    let found = root.get_subcommands().find(|command| command.get_name() == name);
    found.cloned().map(|command| command.name(format!("casebook-{name}"))).ok_or_else(|| {
        let names: Vec<&str> = root.get_subcommands().map(Command::get_name).collect();
        Failure::new(Exit::Usage, format!("there is no command `{name}` (there are: {})", names.join(", ")))
    })
}

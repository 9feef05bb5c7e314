//! `casebook.toml`, the settings of a project: [`find`] walks up from the working directory. Its keys are the long
//! flags of `run`; a flag wins over the environment, that over the file, that over the default.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, CommandFactory as _};
use serde_json::json;
use toml::de::{DeTable, DeValue};

use super::args::{self, Cli, ListFormat, RunArgs};
use super::{Failure, files};
use crate::model::connection::without_credentials;
use crate::model::verdict::Exit;

/// Name of the file.
const NAME: &str = "casebook.toml";

/// Settings that are for one run only; who accepts any certificate says so each time.
const NOT_IN_FILE: [&str; 6] = ["help", "version", "show-config", "dry-run", "rerun-failed", "insecure"];

/// Settings that name a path; in the file it is relative to the file.
const PATHS: [&str; 7] = ["cases", "target", "out", "ca", "client-cert", "client-key", "unix-socket"];

/// Settings of `run` that other commands take over too: they say which project it is.
const SHARED: [&str; 3] = ["cases", "target", "color"];

/// The settings of a project.
#[derive(Debug)]
pub(super) struct Project {
    path: PathBuf,
    /// By long flag.
    values: BTreeMap<String, Vec<OsString>>,
}

/// Whether the settings matter to a command.
pub(super) fn applies(command: &args::Command) -> bool {
    !matches!(
        command,
        args::Command::Mock(_) | args::Command::Schema(_) | args::Command::Completions(_) | args::Command::Man(_)
    )
}

/// The file of the working directory, or of the nearest directory above it that has one.
pub(super) fn find() -> Result<Option<Project>, Failure> {
    let Ok(here) = std::env::current_dir() else { return Ok(None) };
    let Some(directory) = here.ancestors().find(|directory| directory.join(NAME).is_file()) else { return Ok(None) };
    // Paths stay short and the same on every machine where the file is in the working directory.
    let path = if directory == here { PathBuf::from(NAME) } else { directory.join(NAME) };
    let text =
        fs::read_to_string(&path).map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))?;
    Project::read(path, &text).map(Some)
}

impl Project {
    fn read(path: PathBuf, text: &str) -> Result<Self, Failure> {
        let fail = |at: usize, message: String| {
            let line = text[..at.min(text.len())].matches('\n').count() + 1;
            Failure::new(Exit::Usage, format!("{}:{line}: {message}", path.display()))
        };
        let table = DeTable::parse(text)
            .map_err(|error| fail(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        let settings = settings();
        let mut values = BTreeMap::new();
        for (key, value) in table.get_ref() {
            let flag = key.get_ref().replace('_', "-");
            let Some(arg) = settings.iter().find(|arg| arg.get_long() == Some(flag.as_str())) else {
                let known = settings.iter().filter_map(Arg::get_long);
                let help = nearest(&flag, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
                return Err(fail(key.span().start, format!("unknown key `{}`{help}", key.get_ref())));
            };
            let wrong = |message: String| fail(value.span().start, format!("`{}` {message}", key.get_ref()));
            let mut given = texts(arg, value.get_ref()).map_err(wrong)?;
            if PATHS.contains(&flag.as_str()) {
                let directory = path.parent().unwrap_or(Path::new(""));
                given.iter_mut().for_each(|text| *text = directory.join(&*text).into_os_string());
            }
            values.insert(flag, given);
        }
        Ok(Self { path, values })
    }

    /// The command with the file's settings as its defaults.
    pub(super) fn defaults(&self, command: Command) -> Command {
        let set = |arg: Arg| match arg.get_long().and_then(|long| self.values.get(long)) {
            Some(values) => arg.default_values(values.clone()),
            None => arg,
        };
        let shared = |arg: Arg| if arg.get_long().is_some_and(|long| SHARED.contains(&long)) { set(arg) } else { arg };
        // What holds for all commands goes to them when they are built; until then they have no arguments to be set.
        let mut command = command.mut_args(shared);
        command.build();
        names(&command).into_iter().fold(command, |command, name| match name.as_str() {
            "mock" | "schema" | "completions" | "man" => command,
            "run" => command.mut_subcommand(name, |run| run.mut_args(set)),
            _ => command.mut_subcommand(name, |other| everywhere(other, &shared)),
        })
    }
}

fn names(command: &Command) -> Vec<String> {
    command.get_subcommands().map(|each| each.get_name().to_owned()).collect()
}

/// Sets the arguments of a command and of those below it.
fn everywhere(command: Command, set: &impl Fn(Arg) -> Arg) -> Command {
    let below = names(&command);
    below
        .into_iter()
        .fold(command.mut_args(set), |command, name| command.mut_subcommand(name, |each| everywhere(each, set)))
}

/// Every setting that a file may have.
fn settings() -> Vec<Arg> {
    let (root, run) = (Cli::command(), RunArgs::augment_args(Command::new("run")));
    let own = root.get_arguments().filter(|arg| arg.get_long() == Some("color"));
    let all = run.get_arguments().chain(own);
    all.filter(|arg| arg.get_long().is_some_and(|long| !NOT_IN_FILE.contains(&long))).cloned().collect()
}

fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|each| (strsim::jaro_winkler(wrong, each), each));
    scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > 0.75).map(|(_, each)| each)
}

/// A value of the file as the texts that the flag would be given.
fn texts(arg: &Arg, value: &DeValue<'_>) -> Result<Vec<OsString>, String> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Float(number) => Ok(number.to_string()),
        DeValue::Boolean(flag) => Ok(flag.to_string()),
        _ => Err("must be a string, a number, true or false".to_owned()),
    };
    let flag = matches!(arg.get_action(), ArgAction::SetTrue);
    match value {
        DeValue::Boolean(_) if !flag => Err("takes a value, not true or false".to_owned()),
        DeValue::Boolean(_) => one(value).map(|text| vec![text.into()]),
        _ if flag => Err("must be true or false".to_owned()),
        DeValue::Array(items) if matches!(arg.get_action(), ArgAction::Append) => {
            items.iter().map(|item| one(item.get_ref()).map(OsString::from)).collect()
        }
        DeValue::Array(_) => Err("takes one value, not a list".to_owned()),
        value => one(value).map(|text| vec![text.into()]),
    }
}

/// Every setting of `run`, its value and where it comes from.
pub(super) fn show(matches: &ArgMatches, project: Option<&Project>, format: ListFormat) -> Result<Exit, Failure> {
    let Some(run) = matches.subcommand_matches("run") else { return Ok(Exit::Conformant) };
    let mut rows = Vec::new();
    for arg in settings() {
        let (id, long) = (arg.get_id().as_str(), arg.get_long().unwrap_or_default());
        let values: Vec<String> = match arg.get_action() {
            ArgAction::SetTrue => vec![run.get_flag(id).to_string()],
            ArgAction::Count => vec![run.get_count(id).to_string()],
            _ => run
                .get_raw(id)
                .map(|raw| raw.map(|value| shown(long, &value.to_string_lossy())).collect())
                .unwrap_or_default(),
        };
        let in_file = project.is_some_and(|project| project.values.contains_key(long));
        let origin = match (run.value_source(id), project) {
            (Some(ValueSource::CommandLine), _) => format!("--{long}"),
            (Some(ValueSource::EnvVariable), _) => {
                arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
            }
            (Some(_), Some(project)) if in_file => project.path.display().to_string(),
            _ => "default".to_owned(),
        };
        rows.push((long.to_owned(), values, origin));
    }
    match format {
        ListFormat::Json => {
            let rows: Vec<_> = rows
                .iter()
                .map(|(name, values, origin)| json!({ "name": name, "values": values, "origin": origin }))
                .collect();
            let file = project.map(|project| project.path.display().to_string());
            files::print(&format!("{:#}\n", json!({ "file": file, "settings": rows })))
        }
        ListFormat::Text => {
            let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
            let shown = |values: &[String]| if values.is_empty() { "-".to_owned() } else { values.join(", ") };
            let lines = rows.iter().map(|(name, values, origin)| {
                format!("{name:<width$}  {}  ({origin})\n", crate::report::escape::visible(&shown(values)))
            });
            files::print(&lines.collect::<String>())
        }
    }
}

/// A setting's value without credentials, where it is a URL.
fn shown(long: &str, value: &str) -> String {
    if matches!(long, "base-url" | "proxy") { without_credentials(value) } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;

    fn read(text: &str) -> Result<Project, String> {
        Project::read(PathBuf::from("sub/casebook.toml"), text).map_err(|failure| failure.text)
    }

    #[test]
    fn keys_are_the_long_flags_of_run() {
        let project =
            read("jobs = 4\nbase_url = [\"http://a\", \"groove=http://b\"]\ncases = \"c\"\nstrict = true").unwrap();
        assert_eq!(project.values["base-url"], ["http://a", "groove=http://b"]);
        assert_eq!(project.values["cases"], ["sub/c"], "relative to the file");
        assert_eq!(read("ca = \"root.pem\"").unwrap().values["ca"], ["sub/root.pem"]);
        let matches =
            project.defaults(Cli::command()).try_get_matches_from(["casebook", "run", "--jobs", "9"]).unwrap();
        let run = matches.subcommand_matches("run").unwrap();
        assert_eq!(run.get_one::<usize>("jobs"), Some(&9), "a flag wins");
        assert!(run.get_flag("strict"));
        let matches = project.defaults(Cli::command()).try_get_matches_from(["casebook", "list"]).unwrap();
        assert_eq!(
            matches.subcommand_matches("list").unwrap().get_one::<PathBuf>("cases"),
            Some(&PathBuf::from("sub/c"))
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(
            read("\ntagret = \"x\"").unwrap_err(),
            "sub/casebook.toml:2: unknown key `tagret`; did you mean `target`?"
        );
        assert!(read("strict = \"yes\"").unwrap_err().contains("true or false"));
        assert!(read("jobs = [1]").unwrap_err().contains("takes one value"));
        assert!(read("jobs = {}").unwrap_err().contains("must be a string"));
        assert!(read("dry_run = true").unwrap_err().contains("unknown key"));
        assert!(read("insecure = true").unwrap_err().contains("unknown key"));
        assert!(read("jobs = ").unwrap_err().starts_with("sub/casebook.toml:1: "));
    }

    #[test]
    fn every_command_line_that_clap_makes_is_sound() {
        Cli::command().debug_assert();
        let project = read("fail_fast = 2\nverbose = 1\nshard = \"1/2\"").unwrap();
        let matches = project.defaults(Cli::command()).try_get_matches_from(["casebook", "run"]).unwrap();
        let run = matches.subcommand_matches("run").unwrap();
        assert_eq!((run.get_one::<usize>("fail_fast"), run.get_count("verbose")), (Some(&2), 1));
        assert_eq!(run.get_one::<(u32, u32)>("shard"), Some(&(1, 2)));
    }

    #[test]
    fn what_all_commands_share_reaches_those_below_others() {
        let project = read("color = \"never\"\ncases = \"c\"\njobs = 3").unwrap();
        for line in [&["casebook", "target", "check"][..], &["casebook", "mock"], &["casebook", "run"]] {
            let matches = project.defaults(Cli::command()).try_get_matches_from(line).unwrap();
            let cli = Cli::from_arg_matches(&matches).unwrap();
            assert_eq!(cli.common.color, args::Colour::Never, "{line:?}");
        }
        let matches = project.defaults(Cli::command()).try_get_matches_from(["casebook", "target", "check"]).unwrap();
        let check = matches.subcommand_matches("target").and_then(|target| target.subcommand_matches("check")).unwrap();
        assert_eq!(check.get_one::<PathBuf>("cases"), Some(&PathBuf::from("sub/c")));
    }
}

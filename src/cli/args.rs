//! The command line, as data: [`Cli`]. Nothing here acts.
#![expect(missing_docs, reason = "the doc of a struct of arguments would become its command's help")]

mod connection;
mod records;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use connection::ConnectionArgs;
pub use records::{CompareArgs, CoverageArgs, MatrixArgs, MergeArgs, ReportArgs, TableFormat, VerifyArgs};

use crate::model::verdict::Exit;

/// Tells whether an HTTP service behaves as its documentation says, clause by clause.
#[derive(Debug, Parser)]
#[command(name = "casebook", version, max_term_width = 110, after_help = EXAMPLES.as_str(), disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    #[command(flatten)]
    pub common: CommonArgs,
}

impl Cli {
    /// The command line of a command that is run again and again, as if there were no others: describing those is a tenth
    /// of a short run's instructions. What it accepts [`Cli`] accepts too, and means the same; errors and help are for
    /// [`Cli`].
    pub(super) fn alone(name: &str) -> Option<clap::Command> {
        let own = match name {
            "run" => clap::Command::new("run").defer(RunArgs::augment_args),
            "check" => clap::Command::new("check").defer(CheckArgs::augment_args),
            _ => return None,
        };
        Some(CommonArgs::augment_args(clap::Command::new("casebook")).subcommand_required(true).subcommand(own))
    }
}

// What every command takes.
#[derive(Clone, Copy, Debug, Args)]
pub struct CommonArgs {
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// At a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

static EXAMPLES: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    let mut text =
        "Examples:\n  casebook run                                      all cases against the embedded mock\n  \
        casebook run --base-url https://api.example.test --target targets/staging.toml groove/add\n  \
        casebook run groove/add/partial-failure -v        one case, the exchange shown\n  \
        casebook mock --port 8080                         the mock service by itself\n  \
        casebook check                                    the case files only, no network\n  \
        casebook prove                                    what the suite would catch\n\nExit codes:\n"
            .to_owned();
    for exit in Exit::ALL {
        text.push_str(&format!("  {:>3}  {}\n", exit.code(), exit.meaning()));
    }
    text
});

/// What to do.
#[derive(Debug, Subcommand)]
// Only the arguments of the command that is asked for are made: of a short run's time those of all are a tenth.
#[command(defer = true)]
pub enum Command {
    /// Fire the cases at a target and judge the answers.
    Run(Box<RunArgs>),
    /// Find out what the suite would catch: run it against services with known faults and legal variations.
    Prove(ProveArgs),
    /// Change the answers of the cases that pass, one thing at a time, and list what no case notices.
    Mutate(Box<MutateArgs>),
    /// Run the cases that change nothing twice, list what differs, and propose what to ask for instead of a value.
    #[command(after_help = CALIBRATE)]
    Calibrate(Box<CalibrateArgs>),
    /// Fire the same cases at two targets, and say of every difference who breaks which clause, or that both are legal.
    #[command(after_help = DIFF_TARGETS)]
    DiffTargets(Box<DiffTargetsArgs>),
    /// Read every case, clause and service file and report every error; nothing is sent.
    Check(CheckArgs),
    /// List the cases that a run would select.
    List(ListArgs),
    /// Write a target profile to fill in, or say what one lacks; nothing is sent.
    Target(TargetArgs),
    /// Show every clause with its verdict and cases, and what was attempted and seen of every operation.
    Coverage(CoverageArgs),
    /// Serve both documented APIs on a port.
    Mock(MockArgs),
    /// Render reports from a record.
    Report(ReportArgs),
    /// Put the records of all shards of a run together, and decide its verdict and exit code.
    Merge(MergeArgs),
    /// Recompute every verdict of a record from the evidence in it.
    Verify(VerifyArgs),
    /// Tell what changed from one run to another; exit 1 only for what got worse.
    Compare(CompareArgs),
    /// Show the clauses of several runs side by side.
    Matrix(MatrixArgs),
    /// Print a generated JSON Schema.
    Schema(SchemaArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands.
    Man(ManArgs),
}

// Where the suite is.
#[derive(Clone, Debug, Args)]
pub struct SuiteArgs {
    /// Directory of the case files.
    #[arg(long, value_name = "DIR", default_value = "cases", env = "CASEBOOK_CASES")]
    pub cases: PathBuf,
}

/// The record that a run writes unless told otherwise.
pub const LATEST: &str = "reports/latest/record.jsonl";

// Which cases.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// Parts of case ids, or globs over whole ids (`groove/*/state-*`).
    #[arg(value_name = "FILTER")]
    pub filters: Vec<String>,
    /// A tag expression: `smoke and not (slow or write)`.
    #[arg(long, value_name = "EXPR")]
    pub tag: Option<String>,
    /// Clause ids or globs over them (`GRV-ADD-*`).
    #[arg(long, value_name = "ID")]
    pub clause: Vec<String>,
    /// Cases of a file, or the one at a line (`cases/groove/add/ids.toml:40`).
    #[arg(long, value_name = "PATH[:LINE]")]
    pub file: Vec<String>,
    /// Only one part of the selection: its number from 1, and how many parts.
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    pub shard: Option<(u32, u32)>,
    /// The same with a number from 0, as Kubernetes counts the pods of an Indexed Job; without it, the variable
    /// JOB_COMPLETION_INDEX is taken.
    #[arg(long, value_name = "K", requires = "shard_count", conflicts_with = "shard")]
    pub shard_index: Option<u32>,
    /// How many parts, for --shard-index.
    #[arg(long, value_name = "N", conflicts_with = "shard", value_parser = clap::value_parser!(u32).range(1..=MOST_SHARDS))]
    pub shard_count: Option<u32>,
    /// Only the cases that failed in a record; without a path, in that of the run before.
    #[arg(long, value_name = "RECORD", num_args = 0..=1, require_equals = true, default_missing_value = LATEST)]
    pub rerun_failed: Option<PathBuf>,
    /// Begin the cases in an order made from this number.
    #[arg(long, value_name = "SEED")]
    pub shuffle: Option<u64>,
}

#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub suite: SuiteArgs,
    /// Base URL of the target, for all services or for one (`groove=http://…`). Without it and without a target
    /// file that names one, an embedded mock is started.
    #[arg(long, value_name = "[SERVICE=]URL", env = "CASEBOOK_BASE_URL", help_heading = "Target")]
    pub base_url: Vec<String>,
    /// Profile of the target.
    #[arg(long, value_name = "FILE", env = "CASEBOOK_TARGET", help_heading = "Target")]
    pub target: Option<PathBuf>,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Accept only the literal form of the documented examples, and no unlisted members.
    #[arg(long)]
    pub strict: bool,
    /// Lowest level of a clause whose violation fails the run.
    #[arg(long, value_enum, default_value_t = LevelArg::Implied, value_name = "LEVEL")]
    pub level: LevelArg,
    /// Most cases in flight; does not depend on the number of cores.
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<usize>,
    /// Deadline of one case, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub case_timeout: u64,
    /// Most bytes of a response body.
    #[arg(long, value_name = "BYTES", default_value_t = 10 << 20)]
    pub max_body: u64,
    /// Seed of random ids.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Stop after so many failures (1 without a number).
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1", require_equals = true)]
    pub fail_fast: Option<usize>,
    /// Run each case so often; one that passes only sometimes is flaky, never passed.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// Send an exchange that got no answer again, at most so often. It is recorded and shown. What may have been
    /// carried out is sent again only where the method allows it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub transport_retries: u32,
    /// Do not ask the target for paths that nobody has. Without this a target that answers nonsense as it answers the
    /// real thing (one page for every path, yes to everything) ends the run with 5.
    #[arg(long, help_heading = "Target")]
    pub no_probe: bool,
    /// Show what would be sent and what it would change; send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Show every setting, its value and where it comes from; send nothing.
    #[arg(long)]
    pub show_config: bool,
    /// How --dry-run and --show-config are written.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub format: ListFormat,
    /// Name of this run; the same for all of its shards.
    #[arg(long, value_name = "ID")]
    pub run_id: Option<String>,
    /// Directory of the record and the default reports.
    #[arg(long, value_name = "DIR", default_value = "reports/latest", help_heading = "Output")]
    pub out: PathBuf,
    /// A further report, `KIND=PATH`; `-` for standard output.
    #[arg(long, value_name = "KIND=PATH", help_heading = "Output")]
    pub report: Vec<String>,
    /// Show every case; twice: with its exchanges.
    #[arg(long, short, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
    /// Show only what failed.
    #[arg(long, short, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
}

#[derive(Clone, Debug, Args)]
pub struct MutateArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub suite: SuiteArgs,
    /// Base URL of the target, for all services or for one (`groove=http://…`). Without it and without a target
    /// file that names one, an embedded mock is started.
    #[arg(long, value_name = "[SERVICE=]URL", env = "CASEBOOK_BASE_URL", help_heading = "Target")]
    pub base_url: Vec<String>,
    /// Profile of the target.
    #[arg(long, value_name = "FILE", env = "CASEBOOK_TARGET", help_heading = "Target")]
    pub target: Option<PathBuf>,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Judge as `run --strict` does.
    #[arg(long)]
    pub strict: bool,
    /// Most cases in flight; does not depend on the number of cores.
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<usize>,
    /// Deadline of one case, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub case_timeout: u64,
    /// Most bytes of a response body.
    #[arg(long, value_name = "BYTES", default_value_t = 10 << 20)]
    pub max_body: u64,
    /// Seed of random ids.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub format: ListFormat,
    /// End with 0 even when changes go unnoticed that nobody meant to.
    #[arg(long, help_heading = "Output")]
    pub allow_survivors: bool,
}

const CALIBRATE: &str = "Examples:\n  casebook calibrate --target targets/staging.toml\n  \
    casebook calibrate --base-url http://127.0.0.1:8080 groove/add --format json\n\n\
    Ends with 1 when a case does not allow something that differs, and with 4 when no case could be run.";

const DIFF_TARGETS: &str = "Examples:\n  casebook diff-targets targets/v1.toml targets/v2.toml\n  \
    casebook diff-targets mock http://127.0.0.1:8080 groove/add --format markdown\n\n\
    Ends with 1 only when one of the two is wrong.";

// How cases are run that are run more than once.
#[derive(Clone, Debug, Args)]
pub struct RepeatArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Judge as `run --strict` does.
    #[arg(long)]
    pub strict: bool,
    /// Most cases in flight; does not depend on the number of cores.
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<usize>,
    /// Deadline of one case, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub case_timeout: u64,
    /// Most bytes of a response body.
    #[arg(long, value_name = "BYTES", default_value_t = 10 << 20)]
    pub max_body: u64,
    /// Seed of random ids, the same for both runs.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

#[derive(Clone, Debug, Args)]
pub struct CalibrateArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub suite: SuiteArgs,
    /// Base URL of the target, for all services or for one (`groove=http://…`). Without it and without a target
    /// file that names one, an embedded mock is started.
    #[arg(long, value_name = "[SERVICE=]URL", env = "CASEBOOK_BASE_URL", help_heading = "Target")]
    pub base_url: Vec<String>,
    /// Profile of the target.
    #[arg(long, value_name = "FILE", env = "CASEBOOK_TARGET", help_heading = "Target")]
    pub target: Option<PathBuf>,
    /// Also run cases that write or remove, where the target allows it. What they leave behind differs too.
    #[arg(long)]
    pub writes: bool,
    #[command(flatten)]
    pub run: RepeatArgs,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub format: ListFormat,
}

#[derive(Clone, Debug, Args)]
pub struct DiffTargetsArgs {
    /// A base URL, a target profile that names one, or `mock` for the embedded one.
    #[arg(value_name = "A")]
    pub a: String,
    /// The other.
    #[arg(value_name = "B")]
    pub b: String,
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub suite: SuiteArgs,
    /// Profile for targets that are given as a base URL.
    #[arg(long, value_name = "FILE", env = "CASEBOOK_TARGET", help_heading = "Target")]
    pub target: Option<PathBuf>,
    #[command(flatten)]
    pub run: RepeatArgs,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = TableFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub format: TableFormat,
}

/// A level, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LevelArg {
    /// Only what the documents say in words.
    Stated,
    /// And what their examples show.
    Example,
    /// And what follows from either.
    Implied,
}

impl From<LevelArg> for crate::model::clause::Level {
    fn from(level: LevelArg) -> Self {
        match level {
            LevelArg::Stated => Self::Stated,
            LevelArg::Example => Self::Example,
            LevelArg::Implied => Self::Implied,
        }
    }
}

#[derive(Clone, Debug, Args)]
pub struct ProveArgs {
    /// Only faults and variations whose id, clause or choice is this, or matches this glob (`GRV-ADD-1*`).
    #[arg(value_name = "ID")]
    pub only: Vec<String>,
    #[command(flatten)]
    pub suite: SuiteArgs,
    /// Seed of random ids.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How the proof is printed.
    #[arg(long, value_enum, default_value_t = ProveFormat::Text, value_name = "FORMAT")]
    pub format: ProveFormat,
    /// Directory of `proof.json`, `proof.md` and `proof.html`.
    #[arg(long, value_name = "DIR", default_value = "reports/latest")]
    pub out: PathBuf,
    /// Also store the proof beside the cases, where `run` finds it.
    #[arg(long)]
    pub update: bool,
}

/// How a proof is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProveFormat {
    /// For people at a terminal.
    Text,
    /// One JSON document with everything.
    Json,
    /// A section of a Markdown page.
    Markdown,
    /// A page.
    Html,
}

#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub suite: SuiteArgs,
    /// Also check this target profile.
    #[arg(long, value_name = "FILE")]
    pub target: Option<PathBuf>,
    /// Write the list of every check, `checks.lock`, anew. Without it a check that went missing is an error.
    #[arg(long)]
    pub update: bool,
    /// How the result is written; as JSON, errors too are on standard output.
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A line each.
    Text,
    /// One JSON document.
    Json,
}

#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub suite: SuiteArgs,
    /// How the list is written.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
    pub format: ListFormat,
}

#[derive(Clone, Debug, Args)]
pub struct MockArgs {
    /// Port; 0 takes any free one.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub host: std::net::IpAddr,
    /// Starting state instead of the embedded one.
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// Break one clause (see `--list-faults`). May be given several times.
    #[arg(long, value_name = "ID")]
    pub fault: Vec<String>,
    /// Use a freedom that the documents leave (see `--list-variations`). May be given several times.
    #[arg(long, value_name = "ID")]
    pub variation: Vec<String>,
    /// List the faults and end.
    #[arg(long)]
    pub list_faults: bool,
    /// List the variations and end.
    #[arg(long)]
    pub list_variations: bool,
    /// How a list is written.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
    pub format: ListFormat,
}

#[derive(Clone, Debug, Args)]
pub struct SchemaArgs {
    /// Which one.
    #[arg(value_enum)]
    pub what: SchemaKind,
}

/// A generated file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// Case files.
    Case,
    /// service.toml.
    Service,
    /// clauses.toml.
    Clauses,
    /// Target profiles.
    Target,
    /// Records.
    Record,
    /// Every key of case, service, clause and target files, as Markdown.
    Reference,
}

#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The command, `run`; without one the page of casebook itself.
    pub page: Option<String>,
    /// Write the pages of all commands into this directory.
    #[arg(long, value_name = "DIR", conflicts_with = "page")]
    pub out: Option<PathBuf>,
}

/// Most parts of a selection.
const MOST_SHARDS: i64 = 10_000;

fn parse_shard(text: &str) -> Result<(u32, u32), String> {
    let parsed = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
    match parsed {
        Some((_, count)) if i64::from(count) > MOST_SHARDS => {
            Err(format!("{count} shards are too many; at most {MOST_SHARDS}"))
        }
        Some((index, count)) if (1..=count).contains(&index) => Ok((index, count)),
        Some((index, count)) => Err(format!("shard {index} of {count} does not exist; they are numbered from 1")),
        None => Err("write I/N, for example 1/4".to_owned()),
    }
}

#[derive(Clone, Debug, Args)]
pub struct TargetArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: TargetCommand,
}

// What to do with a target profile.
#[derive(Clone, Debug, Subcommand)]
pub enum TargetCommand {
    /// Print a commented profile: every fixture, what it must be, and which cases need it.
    Init(TargetInitArgs),
    /// Say what a profile lacks and which cases and clauses that costs.
    Check(TargetCheckArgs),
}

#[derive(Clone, Debug, Args)]
pub struct TargetInitArgs {
    #[command(flatten)]
    pub suite: SuiteArgs,
}

#[derive(Clone, Debug, Args)]
pub struct TargetCheckArgs {
    #[command(flatten)]
    pub suite: SuiteArgs,
    /// The profile; the embedded mock's without it.
    #[arg(value_name = "FILE", env = "CASEBOOK_TARGET")]
    pub target: Option<PathBuf>,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
    pub format: ListFormat,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn a_command_alone_takes_what_it_takes_among_others() {
        let arguments = |root: &clap::Command, name: &str| -> Vec<String> {
            let command = root.find_subcommand(name).expect("the command");
            let all = command.get_arguments().chain(root.get_arguments());
            // Where help shows them is no matter here.
            all.map(|arg| format!("{:?}", arg.clone().display_order(0))).collect()
        };
        let mut all = Cli::command();
        all.build();
        let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
        let mut quick = 0;
        for name in names {
            let Some(mut alone) = Cli::alone(name) else { continue };
            alone.build();
            let own = arguments(&alone, name);
            // The version is the program's, and told by who knows all commands.
            let mut among = arguments(&all, name);
            among.retain(|argument| !argument.contains("id: \"version\""));
            assert!(own.len() > 3 && own == among, "{name}: {own:#?} {among:#?}");
            quick += 1;
        }
        assert_eq!(quick, 2);
        assert!(Cli::alone("--help").is_none());
    }
}

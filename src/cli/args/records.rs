//! Arguments of the commands that read records.
#![expect(missing_docs, reason = "the doc of a struct of arguments would become its command's help")]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{LATEST, ListFormat, SuiteArgs};

#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The record, `record.jsonl`.
    pub record: PathBuf,
    /// What to render, `KIND=PATH` or `KIND` for standard output.
    #[arg(long = "format", short, value_name = "KIND[=PATH]", required = true)]
    pub formats: Vec<String>,
    /// Accept the record of a run that did not end.
    #[arg(long)]
    pub partial: bool,
}

#[derive(Clone, Debug, Args)]
pub struct MergeArgs {
    /// The records of all shards, or directories with a record.jsonl in them.
    #[arg(value_name = "RECORD", required = true)]
    pub records: Vec<PathBuf>,
    /// Directory of the merged record and its reports.
    #[arg(long, value_name = "DIR", default_value = "reports/merged")]
    pub out: PathBuf,
    /// A further report, `KIND=PATH`; `-` for standard output.
    #[arg(long, value_name = "KIND=PATH")]
    pub report: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// The record, or a directory with a record.jsonl in it.
    pub record: PathBuf,
    #[command(flatten)]
    pub suite: SuiteArgs,
    /// Profile of the target that was tested; its secrets are not needed.
    #[arg(long, value_name = "FILE", env = "CASEBOOK_TARGET")]
    pub target: Option<PathBuf>,
    /// How the findings are written.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
    pub format: ListFormat,
}

/// How a comparison is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For a terminal.
    Text,
    /// For a job summary or a pull request.
    Markdown,
    /// One JSON document.
    Json,
}

#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    /// The record of the run before.
    pub before: PathBuf,
    /// The record of the run after.
    pub after: PathBuf,
    /// Tell of cases that took so many times as long.
    #[arg(long, value_name = "FACTOR", default_value_t = 2.0)]
    pub slower: f64,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = TableFormat::Text, value_name = "FORMAT")]
    pub format: TableFormat,
}

#[derive(Clone, Debug, Args)]
pub struct MatrixArgs {
    /// Records, one for each column.
    #[arg(value_name = "RECORD", required = true)]
    pub records: Vec<PathBuf>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = TableFormat::Text, value_name = "FORMAT")]
    pub format: TableFormat,
    /// Only clauses on which the columns differ.
    #[arg(long)]
    pub differing: bool,
}

#[derive(Clone, Debug, Args)]
pub struct CoverageArgs {
    /// The record of a run.
    #[arg(default_value = LATEST)]
    pub record: PathBuf,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
    pub format: ListFormat,
}

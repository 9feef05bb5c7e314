//! `casebook compare` and `casebook matrix`: runs side by side, as text, Markdown or JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::args::{CompareArgs, MatrixArgs, TableFormat};
use super::{Failure, files};
use crate::comparison::{CaseChange, ClauseChange, Comparison, Matrix, RunName, compare as compared, matrix as tabled};
use crate::model::verdict::{ClauseVerdict, Exit, Verdict};
use crate::record::Record;
use crate::report::escape::{markdown, shorten, visible};

/// Most entries of one list on a screen; JSON has them all.
const MOST: usize = 50;

/// Longest text of an entry, in bytes.
const LONGEST: usize = 300;

pub(super) fn compare(args: &CompareArgs) -> Result<Exit, Failure> {
    if !(args.slower.is_finite() && args.slower >= 1.0) {
        return Err(Failure::new(Exit::Usage, "--slower must be 1 or more"));
    }
    let (before, after) = (files::read_record(&args.before, true)?, files::read_record(&args.after, true)?);
    let found = compared(&before, &after, args.slower);
    match args.format {
        TableFormat::Json => print_json(&found)?,
        TableFormat::Text => files::print(&text(&found, args.slower, &Plain))?,
        TableFormat::Markdown => files::print(&text(&found, args.slower, &Markdown))?,
    };
    Ok(match found {
        Comparison { regressions: 1.., .. } => Exit::Nonconformant,
        Comparison { common: 0, .. } => Exit::NothingProven,
        _ => Exit::Conformant,
    })
}

pub(super) fn matrix(args: &MatrixArgs) -> Result<Exit, Failure> {
    let records: Vec<Record> =
        args.records.iter().map(|path| files::read_record(path, true)).collect::<Result<_, _>>()?;
    let table = tabled(&records, args.differing);
    match args.format {
        TableFormat::Json => print_json(&table),
        TableFormat::Text => files::print(&matrix_text(&table)),
        TableFormat::Markdown => files::print(&matrix_markdown(&table)),
    }
}

fn print_json(value: &impl Serialize) -> Result<Exit, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(Exit::Harness, error.to_string()))?;
    files::print(&format!("{text}\n"))
}

/// How one of the two written forms marks its parts.
trait Form {
    fn title(&self, text: &str) -> String;
    fn item(&self, lead: &str, rest: &str) -> String;
}

struct Plain;

impl Form for Plain {
    fn title(&self, text: &str) -> String {
        format!("{text}\n")
    }

    fn item(&self, lead: &str, rest: &str) -> String {
        format!("  {}  {}\n", visible(lead), visible(&shorten(rest, LONGEST)))
    }
}

struct Markdown;

impl Form for Markdown {
    fn title(&self, text: &str) -> String {
        format!("\n### {}\n\n", markdown(text))
    }

    fn item(&self, lead: &str, rest: &str) -> String {
        format!("- **{}** {}\n", markdown(lead), markdown(&shorten(rest, LONGEST)))
    }
}

fn text(found: &Comparison, factor: f64, form: &dyn Form) -> String {
    let mut text = String::new();
    text.push_str(&form.item("before", &run(&found.before)));
    text.push_str(&form.item("after", &run(&found.after)));
    let mut section = |title: &str, items: Vec<(String, String)>| {
        if items.is_empty() {
            return;
        }
        text.push_str(&form.title(&format!("{title} ({})", items.len())));
        for (lead, rest) in items.iter().take(MOST) {
            text.push_str(&form.item(lead, rest));
        }
        if items.len() > MOST {
            text.push_str(&form.item("…", &format!("and {} more", items.len() - MOST)));
        }
    };
    section(
        "Not comparable in every way",
        found.not_comparable.iter().map(|why| ("because".to_owned(), why.clone())).collect(),
    );
    section("Newly violated clauses", clauses(&found.newly_violated));
    section("Newly failing cases", cases(&found.newly_failing));
    let lost = found.lost.iter().map(|lost| {
        let (count, first) = (lost.checks.len(), lost.checks.first().map_or("", String::as_str));
        (lost.case.to_string(), format!("{} ({count} checks, such as {first})", lost.why))
    });
    section("Checks that ran before and no longer run", lost.collect());
    section("Fixed clauses", clauses(&found.fixed));
    section("Cases that pass now", cases(&found.now_passing));
    section("Still violated clauses", clauses(&found.still_violated));
    section("Still failing cases", cases(&found.still_failing));
    section("Violated before, and without a verdict now", clauses(&found.no_longer_told));
    let milliseconds = |micros: u64| micros as f64 / 1000.0;
    let slower = found.slower.iter().map(|slower| {
        let (before, after) = (milliseconds(slower.before_us), milliseconds(slower.after_us));
        (slower.id.to_string(), format!("{before:.1} ms before, {after:.1} ms after"))
    });
    section(&format!("Slower by a factor of {factor} or more"), slower.collect());
    let Comparison { common, added, removed, regressions, .. } = found;
    text.push_str(&form.title(&format!(
        "{regressions} regressions; {common} cases in both runs, {added} only after, {removed} only before"
    )));
    text
}

fn run(name: &RunName) -> String {
    format!(
        "{}  run {} of {}  {} cases, exit {}",
        name.target,
        name.run_id,
        name.started,
        name.selected,
        name.exit.code()
    )
}

fn clauses(list: &[ClauseChange]) -> Vec<(String, String)> {
    let item = |change: &ClauseChange| {
        let (before, after) = (clause_word(change.before), clause_word(change.after));
        let by = match change.violated_by.as_slice() {
            [] => String::new(),
            [one] => format!(" [{one}]"),
            [first, rest @ ..] => format!(" [{first} and {} more]", rest.len()),
        };
        (change.id.to_string(), format!("{before} → {after}: {}{by}", change.text))
    };
    list.iter().map(item).collect()
}

fn cases(list: &[CaseChange]) -> Vec<(String, String)> {
    let item = |change: &CaseChange| {
        let (before, after) = (case_word(change.before.as_ref()), case_word(change.after.as_ref()));
        let how = change.mismatch.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        (change.id.to_string(), format!("{before} → {after}{how}"))
    };
    list.iter().map(item).collect()
}

fn case_word(verdict: Option<&Verdict>) -> String {
    let value = verdict.and_then(|verdict| serde_json::to_value(verdict).ok());
    let name = value.as_ref().and_then(|value| value.get("verdict")).and_then(|name| name.as_str());
    name.unwrap_or("not selected").to_owned()
}

fn clause_word(verdict: Option<ClauseVerdict>) -> &'static str {
    match verdict {
        Some(ClauseVerdict::Violated) => "violated",
        Some(ClauseVerdict::Inconclusive) => "inconclusive",
        Some(ClauseVerdict::Held) => "held",
        Some(ClauseVerdict::NotTested) => "not tested",
        Some(ClauseVerdict::Excluded) => "excluded",
        None => "unknown",
    }
}

/// A name for each column: the target's, and the run's where two have the same.
fn columns(table: &Matrix) -> Vec<String> {
    let twice = |name: &str| table.runs.iter().filter(|run| run.target == name).count() > 1;
    let name = |run: &RunName| {
        if twice(&run.target) { format!("{} {}", run.target, run.run_id) } else { run.target.clone() }
    };
    table.runs.iter().map(name).collect()
}

fn suites_note(table: &Matrix) -> Option<&'static str> {
    let differ = table.suites.windows(2).any(|pair| pair[0] != pair[1]);
    differ.then_some("The runs are of different suites: a clause may have been tested by different cases.")
}

fn matrix_text(table: &Matrix) -> String {
    let columns: Vec<String> = columns(table).iter().map(|name| visible(name).into_owned()).collect();
    let first = table.rows.iter().map(|row| row.id.as_str().len()).max().unwrap_or(0).max("clause".len());
    let widths: Vec<usize> = columns.iter().map(|name| name.chars().count().max("inconclusive".len())).collect();
    let mut text = format!("{:<first$}", "clause");
    for (name, width) in columns.iter().zip(&widths) {
        let _ = write!(text, "  {name:<width$}");
    }
    text.push('\n');
    for row in &table.rows {
        let _ = write!(text, "{:<first$}", visible(row.id.as_str()));
        for (verdict, width) in row.verdicts.iter().zip(&widths) {
            let _ = write!(text, "  {:<width$}", clause_word(*verdict));
        }
        while text.ends_with(' ') {
            text.pop();
        }
        text.push('\n');
    }
    if let Some(note) = suites_note(table) {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

fn matrix_markdown(table: &Matrix) -> String {
    let mut text = String::from("| clause |");
    for name in columns(table) {
        let _ = write!(text, " {} |", markdown(&name));
    }
    text.push_str(" says |\n|---|");
    text.push_str(&"---|".repeat(table.runs.len() + 1));
    text.push('\n');
    for row in &table.rows {
        let _ = write!(text, "| {} |", markdown(row.id.as_str()));
        for verdict in &row.verdicts {
            let word = clause_word(*verdict);
            let _ = if *verdict == Some(ClauseVerdict::Violated) {
                write!(text, " **{word}** |")
            } else {
                write!(text, " {word} |")
            };
        }
        let _ = writeln!(text, " {} |", markdown(&shorten(&row.text, LONGEST)));
    }
    if let Some(note) = suites_note(table) {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

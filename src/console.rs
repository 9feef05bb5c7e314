//! What people see at a terminal: [`Console`] writes results to standard output, progress and hints to standard error.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::diff::Palette;
use crate::model::clause::{ChoicePolicy, Level};
use crate::model::target::TargetClass;
use crate::model::verdict::{ClauseVerdict, Exit, Verdict};
use crate::record::{CaseRecord, Counts, Footer, Header, SummaryRecord};
use crate::report::curl::curl;
use crate::report::escape::visible;
use crate::report::group::{likeness, simplest_first};
use crate::report::text::{RunTexts, block, mixed};

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Failures and the last line.
    Quiet,
    /// Failures and the summary.
    Normal,
    /// A line for every case.
    Cases,
    /// And its exchanges.
    Exchanges,
}

/// Most failure blocks on screen; the reports have them all.
const MOST_BLOCKS: usize = 25;

/// Where results go.
enum Out {
    Stdout(AutoStream<io::Stdout>),
    Stderr(AutoStream<io::Stderr>),
}

impl Out {
    fn colour(&self) -> ColorChoice {
        match self {
            Self::Stdout(stream) => stream.current_choice(),
            Self::Stderr(stream) => stream.current_choice(),
        }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        let write = |stream: &mut dyn Write| stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        match self {
            Self::Stdout(stream) => write(stream),
            Self::Stderr(stream) => write(stream),
        }
    }
}

/// The terminal.
pub struct Console {
    out: Out,
    err: AutoStream<io::Stderr>,
    verbosity: Verbosity,
    texts: RunTexts,
    /// Only where it is shown.
    progress: Option<ProgressBar>,
    suites: BTreeMap<String, Counts>,
    bad: Vec<CaseRecord>,
    more_bad: usize,
    closed: bool,
}

/// Writes while the progress bar, if there is one, is out of the way.
fn aside<T>(progress: Option<&ProgressBar>, write: impl FnOnce() -> T) -> T {
    match progress {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

impl Console {
    /// A console. `progress` asks for a bar; it is shown only at a terminal.
    #[must_use]
    pub fn new(colour: ColorChoice, verbosity: Verbosity, progress: bool, texts: RunTexts) -> Self {
        let shown = progress && io::stderr().is_terminal() && verbosity > Verbosity::Quiet;
        let bar = || {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} cases  {msg}  {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10)).with_style(style)
        };
        Self {
            out: Out::Stdout(AutoStream::new(io::stdout(), colour)),
            err: AutoStream::new(io::stderr(), colour),
            verbosity,
            texts,
            progress: shown.then(bar),
            suites: BTreeMap::new(),
            bad: Vec::new(),
            more_bad: 0,
            closed: false,
        }
    }

    /// Leaves standard output to a report: what people read goes to standard error.
    #[must_use]
    pub fn beside_a_report(mut self) -> Self {
        self.out = Out::Stderr(AutoStream::new(io::stderr(), self.err.current_choice()));
        self
    }

    /// Writes results. A reader that went away is no error: what it did not want is not written.
    pub fn print(&mut self, text: &str) {
        if self.closed {
            return;
        }
        let out = &mut self.out;
        let written = aside(self.progress.as_ref(), || out.write(text));
        self.closed = written.is_err();
    }

    /// Writes to standard error.
    pub fn hint(&mut self, text: &str) {
        let err = &mut self.err;
        // Nobody is left to be told that standard error is closed.
        let _ = aside(self.progress.as_ref(), || writeln!(err, "{text}"));
    }

    /// The run begins.
    pub fn started(&mut self, header: &Header) {
        if let Some(progress) = &self.progress {
            progress.set_length(header.selected.len() as u64);
        }
        if self.verbosity < Verbosity::Normal {
            return;
        }
        let urls: Vec<String> = header.base_urls.iter().map(|(service, url)| format!("{service} {url}")).collect();
        let shard = header.shard.map(|(index, count)| format!(", shard {index} of {count}")).unwrap_or_default();
        let strict = if header.strict { ", strict" } else { "" };
        let text = format!(
            "casebook {}  {} of {} cases{shard}{strict}  suite {}  seed {}\ntarget {} ({})  {}\n\n",
            header.casebook_version,
            header.selected.len(),
            header.suite.cases,
            &header.suite.hash[..header.suite.hash.len().min(12)],
            header.seed,
            visible(&header.target.name),
            class_word(header.target.class),
            visible(&urls.join("  ")),
        );
        self.print(&text);
        for warning in &header.warnings {
            self.hint(&format!("warning: {}", visible(warning)));
        }
    }

    /// A case has ended.
    pub fn finished(&mut self, case: &CaseRecord) {
        if let Some(progress) = &self.progress {
            progress.inc(1);
        }
        let suite = case.id.as_str().rsplit_once('/').map_or("", |(suite, _)| suite);
        match self.suites.get_mut(suite) {
            Some(counts) => counts.add(&case.outcome),
            None => self.suites.entry(suite.to_owned()).or_default().add(&case.outcome),
        }
        if self.verbosity >= Verbosity::Cases {
            let mut text = format!(
                "{:<15} {}  {:.1} ms\n",
                verdict_word(&case.outcome),
                visible(case.id.as_str()),
                case.elapsed_us as f64 / 1000.0
            );
            if self.verbosity >= Verbosity::Exchanges {
                text.push_str(&exchanges(case));
            }
            self.print(&text);
        }
        if is_bad(&case.outcome) {
            if self.bad.len() < MOST_BLOCKS * 4 {
                self.bad.push(case.clone());
            } else {
                self.more_bad += 1;
            }
            if let Some(progress) = &self.progress {
                progress.set_message(format!("{} not passed", self.bad.len() + self.more_bad));
            }
        }
    }

    /// The run has ended.
    pub fn ended(&mut self, summary: &SummaryRecord, footer: &Footer) {
        if let Some(progress) = &self.progress {
            progress.finish_and_clear();
        }
        let mut bad = std::mem::take(&mut self.bad);
        bad.sort_by(|a, b| a.id.cmp(&b.id));
        let mut alike: BTreeMap<_, Vec<&CaseRecord>> = BTreeMap::new();
        for case in &bad {
            alike.entry(likeness(case)).or_default().push(case);
        }
        let mut groups: Vec<_> = alike.into_values().collect();
        groups.iter_mut().for_each(|group| simplest_first(group));
        groups.sort_by(|a, b| a[0].id.cmp(&b[0].id));
        let coloured = self.out.colour() != ColorChoice::Never;
        let palette = if coloured { Palette::colour() } else { Palette::plain() };
        for group in groups.iter().take(MOST_BLOCKS) {
            let text = block(group, &self.texts, &palette);
            self.print(&format!("{text}\n"));
        }
        let hidden = self.more_bad + groups.iter().skip(MOST_BLOCKS).map(Vec::len).sum::<usize>();
        if hidden > 0 {
            self.print(&format!("… and {hidden} more; the reports have them all\n\n"));
        }
        for choice in summary.choices.iter().filter(|choice| !choice.mixed.is_empty()) {
            let text = mixed(choice, &self.texts);
            self.print(&format!("{text}\n"));
        }
        if self.verbosity >= Verbosity::Normal {
            let text = summary_text(&self.suites, summary, footer);
            self.print(&text);
        }
        let text = last_lines(summary, footer);
        self.print(&text);
    }
}

fn is_bad(outcome: &Verdict) -> bool {
    !matches!(
        outcome,
        Verdict::Passed
            | Verdict::Observed
            | Verdict::Skipped { .. }
            | Verdict::KnownFailure { .. }
            | Verdict::NotRun { .. }
    )
}

fn verdict_word(outcome: &Verdict) -> &'static str {
    match outcome {
        Verdict::Passed => "passed",
        Verdict::Failed => "FAILED",
        Verdict::Errored { .. } => "ERRORED",
        Verdict::KnownFailure { .. } => "known-failure",
        Verdict::UnexpectedPass { .. } => "UNEXPECTED-PASS",
        Verdict::Observed => "observed",
        Verdict::Skipped { .. } => "skipped",
        Verdict::Blocked { .. } => "BLOCKED",
        Verdict::Flaky { .. } => "FLAKY",
        Verdict::NotRun { .. } => "not-run",
    }
}

fn exchanges(case: &CaseRecord) -> String {
    let mut text = String::new();
    for exchange in &case.exchanges {
        let _ = writeln!(text, "    {}: {}", visible(&exchange.step), visible(&curl(exchange)));
        let _ = writeln!(text, "      {}", crate::report::text::answer(exchange));
        if let Some(body) = exchange.response.as_ref().and_then(|response| response.body.text.as_ref()) {
            for line in body.lines().take(60) {
                let shown: String = line.chars().take(400).collect();
                let _ = writeln!(text, "      | {}", visible(&shown));
            }
        }
    }
    text
}

fn numbers(counts: &Counts) -> String {
    let shown: Vec<String> =
        counts.named().iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
}

/// Counts by suite, by clause level, and what is open.
fn summary_text(suites: &BTreeMap<String, Counts>, summary: &SummaryRecord, footer: &Footer) -> String {
    let mut text = String::new();
    let width = suites.keys().map(String::len).max().unwrap_or(0).max(8);
    for (suite, counts) in suites {
        let _ = writeln!(text, "{:<width$}  {}", visible(suite), numbers(counts));
    }
    text.push('\n');
    for level in [Level::Stated, Level::Example, Level::Implied] {
        let of = |verdict| {
            summary.clauses.iter().filter(|clause| clause.level == level && clause.verdict == verdict).count()
        };
        let shown: Vec<String> = [
            ("held", of(ClauseVerdict::Held)),
            ("violated", of(ClauseVerdict::Violated)),
            ("inconclusive", of(ClauseVerdict::Inconclusive)),
            ("not tested", of(ClauseVerdict::NotTested)),
            ("excluded", of(ClauseVerdict::Excluded)),
        ]
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
        if !shown.is_empty() {
            let _ = writeln!(text, "{:<width$}  {}", format!("{} clauses", level_word(level)), shown.join(", "));
        }
    }
    let told = choices(summary);
    if !told.is_empty() {
        let lines = lines_of(&told, 98 - width.min(60));
        let _ = writeln!(text, "{:<width$}  {}", "choices", lines.join(&format!("\n{:<width$}  ", "")));
    }
    if !footer.left_behind.is_empty() {
        let _ =
            writeln!(text, "{:<width$}  {} of {} created:", "left behind", footer.left_behind.len(), footer.created);
        for entry in footer.left_behind.iter().take(10) {
            let _ = writeln!(text, "{:<width$}    {} {}", "", visible(&entry.kind), visible(&entry.id));
        }
    }
    text
}

/// The reading that was followed of each choice; those that follow the letter of the documents are only counted.
fn choices(summary: &SummaryRecord) -> Vec<String> {
    let (mut literal, mut told) = (0_usize, Vec::new());
    for choice in summary.choices.iter().filter(|choice| choice.policy != ChoicePolicy::Settled) {
        let seen = choice.readings.iter().zip(&choice.followed).filter(|(_, count)| **count > 0);
        let seen: Vec<_> = seen.map(|(reading, _)| reading).collect();
        if let ([reading], 0) = (&*seen, choice.other)
            && reading.literal
        {
            literal += 1;
            continue;
        }
        let mut followed: Vec<&str> = seen.iter().map(|reading| reading.id.as_str()).collect();
        if choice.other > 0 {
            followed.push("another answer");
        }
        if !followed.is_empty() {
            told.push(format!("{} {}", choice.id, followed.join(" and ")));
        }
    }
    if literal > 0 {
        told.insert(0, format!("{literal} to the letter"));
    }
    told
}

/// Items with commas between them, on lines of at most so many characters where that is possible.
fn lines_of(items: &[String], most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (at, item) in items.iter().enumerate() {
        let comma = if at + 1 < items.len() { "," } else { "" };
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.len() + item.len() + comma.len() + 1 > most {
            lines.push(format!("{item}{comma}"));
        } else {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(&format!("{space}{item}{comma}"));
        }
    }
    lines
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Stated => "stated",
        Level::Example => "example",
        Level::Implied => "implied",
    }
}

fn class_word(class: TargetClass) -> &'static str {
    match class {
        TargetClass::Mock => "mock",
        TargetClass::Real => "real",
    }
}

/// The verdict in words, and the counts that add up to the number selected.
fn last_lines(summary: &SummaryRecord, footer: &Footer) -> String {
    let open = summary
        .clauses
        .iter()
        .filter(|clause| matches!(clause.verdict, ClauseVerdict::NotTested | ClauseVerdict::Inconclusive))
        .count();
    let said = match footer.exit {
        Exit::Conformant if open == 0 => "conformant: every clause held or is excluded".to_owned(),
        Exit::Conformant => format!("held so far: {open} clauses have no verdict"),
        exit => format!("{}: {}", exit.meaning(), footer.reasons.join("; ")),
    };
    let counts = &footer.counts;
    let others: Vec<String> = counts
        .named()
        .iter()
        .filter(|(name, count)| *count > 0 && !matches!(*name, "passed" | "failed" | "skipped"))
        .map(|(name, count)| format!(", {count} {name}"))
        .collect();
    format!(
        "\n{said}  (exit {}, {:.2} s)\n{} passed, {} failed, {} skipped{}\n",
        footer.exit.code(),
        footer.elapsed_us as f64 / 1e6,
        counts.passed,
        counts.failed,
        counts.skipped,
        others.concat()
    )
}

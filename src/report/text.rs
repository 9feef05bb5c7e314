//! A failure as plain text, for the console and for every report that quotes it: [`block`].

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use crate::diff::{self, Palette};
use crate::model::clause::{Clause, Level};
use crate::model::id::ClauseId;
use crate::model::judgement::{Mismatch, Part};
use crate::model::spec::StepRole;
use crate::record::{CaseRecord, ChoiceRecord, ExchangeRecord, Record};

use super::curl::curl;
use super::escape::{log_line, shorten};
use super::words;

/// Most mismatches written for one case; a page of thousands helps nobody, and the record has them all.
const MAX_MISMATCHES: usize = 30;
/// Most cases named in one block.
const MAX_NAMES: usize = 50;
/// Longest expected or actual value, in bytes.
const MAX_VALUE: usize = 600;
/// Lines of body diffs in one block.
const MAX_DIFF: usize = 60;
/// Longest line of a body diff, in bytes of the whole diff.
const MAX_DIFF_BYTES: usize = 24 << 10;

/// What a block says of a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    document: String,
    section: String,
    level: Level,
    text: String,
}

/// What is said of every case of a run alike: the sentences of the clauses, and how a case is run again.
#[derive(Clone, Debug)]
pub struct RunTexts {
    clauses: HashMap<ClauseId, Said>,
    /// The command, up to the case's id.
    rerun: String,
}

impl RunTexts {
    /// While it goes, from the suite, and the arguments that its header names for a rerun.
    #[must_use]
    pub fn new(clauses: &[Clause], rerun: &[String]) -> Self {
        let said = |clause: &Clause| Said {
            document: clause.document.clone(),
            section: clause.section.clone(),
            level: clause.level,
            text: clause.text.clone(),
        };
        Self {
            clauses: clauses.iter().map(|clause| (clause.id.clone(), said(clause))).collect(),
            rerun: command(rerun),
        }
    }

    /// After it, from its record.
    #[must_use]
    pub fn of_record(record: &Record) -> Self {
        let said = |clause: &crate::record::ClauseRecord| Said {
            document: clause.document.clone(),
            section: clause.section.clone(),
            level: clause.level,
            text: clause.text.clone(),
        };
        Self {
            clauses: record.summary.clauses.iter().map(|clause| (clause.id.clone(), said(clause))).collect(),
            rerun: command(&record.header.rerun),
        }
    }

    /// The command that runs just these cases, against the same target.
    #[must_use]
    pub fn rerun(&self, id: &str) -> String {
        // Ids have brackets, which a shell would expand and casebook takes literally.
        format!("{} {}", self.rerun, quoted(id))
    }

    /// Document, section and level of a clause, then what it says.
    fn parts(&self, id: &ClauseId) -> Option<(String, &str)> {
        let said = self.clauses.get(id)?;
        let level = words::name(&said.level);
        let place = match said.document.as_str() {
            "" => format!("({level})"),
            document => format!("({level})  {document} \u{a7} {}", said.section),
        };
        Some((place, &said.text))
    }

    /// The clause on one line: id, level, where it is written, what it says.
    #[must_use]
    pub fn line(&self, id: &ClauseId) -> String {
        match self.clauses.get(id) {
            Some(said) => {
                let place = if said.document.is_empty() {
                    String::new()
                } else {
                    format!(", {} \u{a7} {}", said.document, said.section)
                };
                format!("{id} ({}{place}): {}", words::name(&said.level), said.text)
            }
            None => id.to_string(),
        }
    }
}

/// A choice that a service must decide one way and does not, as text: a case for each way, and how to see them.
#[must_use]
pub fn mixed(choice: &ChoiceRecord, texts: &RunTexts) -> String {
    let mut text = format!("MIXED  {}  {}\n", log_line(choice.id.as_str()), log_line(&choice.question));
    let width = choice.mixed.iter().map(|(reading, _)| reading.len()).max().unwrap_or(0);
    text.push_str("  a service follows one reading throughout; this one follows several:\n");
    for (reading, case) in &choice.mixed {
        let said = choice.readings.iter().find(|each| each.id == *reading).map_or("", |each| each.text.as_str());
        let _ = writeln!(text, "  {:<width$}  {}", log_line(reading), log_line(said));
        let _ = writeln!(text, "  {:<width$}  {}", "", log_line(&texts.rerun(case.as_str())));
    }
    if !choice.clauses.is_empty() {
        let clauses: Vec<&str> = choice.clauses.iter().map(ClauseId::as_str).collect();
        let _ = writeln!(text, "  touches {}", log_line(&clauses.join(", ")));
    }
    text
}

/// The clauses that a failed case violates, sorted, each once; those it cites when nothing is known of a mismatch.
#[must_use]
pub fn clauses_of(case: &CaseRecord) -> Vec<ClauseId> {
    let mut ids: Vec<ClauseId> =
        case.judgement.mismatches.iter().flat_map(|mismatch| mismatch.clauses.iter().cloned()).collect();
    if ids.is_empty() {
        ids.clone_from(&case.clauses);
    }
    ids.sort();
    ids.dedup();
    ids
}

/// A mismatch on one line, safe for any terminal or log: `place  expected …  actual …  (types)  clauses`.
#[must_use]
pub fn mismatch(mismatch: &Mismatch) -> String {
    let mut line = format!(
        "{}  {}  expected {}  actual {}",
        log_line(&words::place(mismatch)),
        words::name(&mismatch.kind),
        or_nothing(&mismatch.expected),
        or_nothing(&mismatch.actual)
    );
    if let Some((expected, actual)) = &mismatch.types {
        let _ = write!(line, "  ({expected}, not {actual})");
    }
    for clause in &mismatch.clauses {
        let _ = write!(line, "  {clause}");
    }
    line
}

fn or_nothing(value: &str) -> String {
    if value.is_empty() { "(nothing)".to_owned() } else { log_line(&shorten(value, MAX_VALUE)) }
}

/// The exchange that a failure is about: of the first mismatch's step, or the one without an answer, or the last
/// one of the test itself.
#[must_use]
pub fn exchange_of(case: &CaseRecord) -> Option<&ExchangeRecord> {
    let step = case.judgement.mismatches.first().map(|mismatch| mismatch.step.as_str());
    let exchanges = &case.exchanges;
    exchanges
        .iter()
        .rev()
        .find(|exchange| Some(exchange.step.as_str()) == step)
        .or_else(|| exchanges.iter().find(|exchange| exchange.error.is_some()))
        .or_else(|| exchanges.iter().rev().find(|exchange| exchange.role == StepRole::Main))
        .or_else(|| exchanges.last())
}

/// What a user can do about a failure that is the run's own doing: it asks faster than the service lets it.
#[must_use]
pub fn hint(case: &CaseRecord) -> Option<&'static str> {
    let first = case.judgement.mismatches.iter().find(|mismatch| mismatch.part == Part::Status)?;
    let of_step = |exchange: &&ExchangeRecord| exchange.step == first.step;
    let response = case.exchanges.iter().rev().find(of_step)?.response.as_ref()?;
    let asks_to_wait = response.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    match (response.status, asks_to_wait) {
        (429 | 503, true) => Some(
            "the service asks to wait: `retry_after` under [limits] of the target file waits, `per_second` asks less often",
        ),
        (429, false) => {
            Some("the service is asked too often: `per_second` under [limits] of the target file asks less often")
        }
        _ => None,
    }
}

fn command(arguments: &[String]) -> String {
    arguments.iter().fold("casebook run".to_owned(), |command, argument| format!("{command} {}", quoted(argument)))
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

/// The answer on one line: `200 OK, application/json, 83 bytes`, or why there is none.
#[must_use]
pub fn answer(exchange: &ExchangeRecord) -> String {
    let mut again = match exchange.attempts {
        0 | 1 => String::new(),
        attempts => format!(" (sent {attempts} times)"),
    };
    for wait in &exchange.waits {
        let _ = write!(again, " (waited {} after {})", words::duration(wait.wait_us), wait.status);
    }
    for hop in &exchange.redirects {
        let left = if hop.dropped.is_empty() { String::new() } else { format!(" without {}", hop.dropped.join(", ")) };
        again.push_str(&log_line(&shorten(&format!(" ({} led to {} {}{left})", hop.status, hop.method, hop.url), 300)));
    }
    let answer = match (&exchange.response, &exchange.error) {
        (Some(response), _) => {
            let mut line = response.status.to_string();
            if let Some(reason) = response.reason.as_deref().filter(|reason| !reason.is_empty()) {
                line.push(' ');
                line.push_str(&shorten(reason, 80));
            }
            let media = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            if let Some((_, media)) = media {
                line.push_str(", ");
                line.push_str(&shorten(media, 120));
            }
            let _ = write!(line, ", {} bytes", response.body.bytes);
            log_line(&line)
        }
        (None, Some(error)) => log_line(&format!("no answer ({}): {}", words::name(&error.stage), error.detail)),
        (None, None) => "no answer".to_owned(),
    };
    answer + &again
}

/// Expected and actual bodies as unified diffs, in all at most `lines` lines; empty where there are none. Where
/// several steps have one, each is named.
#[must_use]
pub fn bodies(case: &CaseRecord, palette: &Palette, lines: usize) -> String {
    let mut out = String::new();
    let mut left = lines;
    let dim = palette.dim;
    for each in &case.diffs {
        // One short line on both sides says no more than its mismatch does.
        let short = |text: &str| text.len() < 100 && text.lines().count() <= 1;
        if short(&each.expected) && short(&each.actual) {
            continue;
        }
        if left == 0 {
            let _ = writeln!(out, "{dim}… and another in step {}{dim:#}", log_line(&each.step));
            continue;
        }
        let step = if case.diffs.len() > 1 { format!(" of step {}", log_line(&each.step)) } else { String::new() };
        let _ = writeln!(
            out,
            "{dim}body{step}, {dim:#}{expected}- expected{expected:#}{dim}, {dim:#}{actual}+ actual{actual:#}",
            expected = palette.expected,
            actual = palette.actual,
        );
        let budget = diff::Budget { lines: left, bytes: MAX_DIFF_BYTES, ..diff::Budget::default() };
        let start = out.len();
        // Writing to a String cannot fail.
        let _ = diff::bodies(&mut out, &each.expected, &each.actual, palette, &budget);
        left = left.saturating_sub(out[start..].lines().count());
    }
    out
}

/// The mismatch with its values cut to what can be read, around the place where two long ones part.
fn readable(each: &Mismatch) -> Mismatch {
    let (expected, actual) = (&each.expected, &each.actual);
    let same = expected.char_indices().zip(actual.chars()).take_while(|((_, a), b)| a == b);
    let same = same.last().map_or(0, |((at, c), _)| at + c.len_utf8());
    let skip = if expected.len().max(actual.len()) > MAX_VALUE && same > MAX_VALUE / 2 {
        // A little of what is equal shows where one is.
        expected[..same].char_indices().rev().nth(39).map_or(0, |(at, _)| at)
    } else {
        0
    };
    let cut = |value: &str| {
        let lead = if skip > 0 { format!("({skip} equal bytes) …") } else { String::new() };
        format!("{lead}{}", shorten(&value[skip..], MAX_VALUE).replace('\n', "\\n").replace('\r', "\\r"))
    };
    Mismatch {
        step: String::new(),
        place: shorten(&each.place, MAX_VALUE).into_owned(),
        check: String::new(),
        expected: cut(expected),
        actual: cut(actual),
        clauses: Vec::new(),
        ..each.clone()
    }
}

/// Lines of a block.
struct Block<'a> {
    out: String,
    palette: &'a Palette,
    texts: &'a RunTexts,
    /// Clauses whose sentence was written.
    said: HashSet<ClauseId>,
}

impl Block<'_> {
    /// A line that is safe already.
    fn put(&mut self, indent: usize, text: &str) {
        let text = text.trim_end();
        if !text.is_empty() {
            self.out.extend(std::iter::repeat_n(' ', indent));
            self.out.push_str(text);
        }
        self.out.push('\n');
    }

    /// A word, and what it is of.
    fn entry(&mut self, indent: usize, word: &str, text: &str) {
        let dim = self.palette.dim;
        self.put(indent, &format!("{dim}{word:<8}{dim:#}  {text}"));
    }

    /// A clause: its sentence once, then only its id.
    fn clause(&mut self, indent: usize, id: &ClauseId) {
        let name = log_line(id.as_str());
        match self.texts.parts(id) {
            Some((place, text)) if self.said.insert(id.clone()) => {
                let (place, text) = (log_line(&place), log_line(text));
                self.entry(indent, "clause", &format!("{name} {place}"));
                self.entry(indent, "", &text);
            }
            _ => self.entry(indent, "clause", &name),
        }
    }

    fn mismatch(&mut self, each: &Mismatch) {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = diff::mismatch(&mut text, &readable(each), self.palette);
        for line in text.lines() {
            self.put(2, line);
        }
        for id in &each.clauses {
            self.clause(4, id);
        }
    }
}

/// One block for cases that fail alike: the first in full, the others by name. Empty for no cases. Every line is
/// safe for a terminal and for a CI log; ends with a line feed.
#[must_use]
pub fn block(cases: &[&CaseRecord], texts: &RunTexts, palette: &Palette) -> String {
    let Some(case) = cases.first() else { return String::new() };
    let mut block = Block { out: String::new(), palette, texts, said: HashSet::new() };
    let strong = if *palette == Palette::plain() { palette.actual } else { palette.actual.bold() };
    let verdict = words::verdict(&case.outcome).to_uppercase();
    let place = palette.place;
    block.put(
        0,
        &format!(
            "{strong}{verdict}{strong:#}  {place}{}{place:#}  {}",
            log_line(case.id.as_str()),
            log_line(&case.title)
        ),
    );
    if !case.source.file.is_empty() {
        let dim = palette.dim;
        block.put(2, &format!("{dim}{}{dim:#}", log_line(&format!("{}:{}", case.source.file, case.source.line))));
    }
    if let Some(cause) = words::cause(&case.outcome) {
        block.put(2, &log_line(&shorten(&cause, MAX_VALUE)));
    }
    let mismatches = &case.judgement.mismatches;
    if mismatches.is_empty() {
        for id in clauses_of(case) {
            block.clause(2, &id);
        }
    }
    let several = mismatches.iter().any(|other| Some(&other.step) != mismatches.first().map(|first| &first.step));
    let mut step = None;
    for each in mismatches.iter().take(MAX_MISMATCHES) {
        block.put(0, "");
        if several && step != Some(&each.step) {
            block.put(2, &log_line(&format!("step {}", each.step)));
            step = Some(&each.step);
        }
        block.mismatch(each);
    }
    if mismatches.len() > MAX_MISMATCHES {
        let more = words::count(mismatches.len() - MAX_MISMATCHES, "more mismatch", "more mismatches");
        block.put(0, "");
        block.put(2, &format!("… and {more}"));
    }
    let bodies = bodies(case, palette, MAX_DIFF);
    if !bodies.is_empty() {
        block.put(0, "");
        for line in bodies.lines() {
            block.put(2, line);
        }
    }
    block.put(0, "");
    for problem in &case.teardown_problems {
        block.entry(2, "teardown", &log_line(&shorten(problem, MAX_VALUE)));
    }
    if let Some(exchange) = exchange_of(case) {
        block.entry(2, "request", &log_line(&curl(exchange)));
        block.entry(2, "answer", &answer(exchange));
    }
    if let Some(hint) = hint(case) {
        block.entry(2, "hint", hint);
    }
    block.entry(2, "rerun", &log_line(&texts.rerun(case.id.as_str())));
    if cases.len() > 1 {
        let more = words::count(cases.len() - 1, "more case fails", "more cases fail");
        block.put(2, &format!("{more} the same way:"));
        for other in cases.iter().skip(1).take(MAX_NAMES) {
            block.put(4, &log_line(other.id.as_str()));
        }
        if cases.len() > MAX_NAMES + 1 {
            block.put(4, &format!("… and {} more", cases.len() - MAX_NAMES - 1));
        }
    }
    block.out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;

    #[test]
    fn every_failure_of_the_sample_as_text() {
        let record = crate::record::sample::record();
        let texts = RunTexts::of_record(&record);
        let blocks: Vec<String> =
            groups(&record).iter().map(|group| block(&group.cases, &texts, &Palette::plain())).collect();
        let text = blocks.join("\n");
        assert!(text.lines().all(|line| !line.chars().any(super::super::escape::is_hidden)));
        insta::assert_snapshot!("text", text);
    }

    #[test]
    fn who_is_asked_too_often_is_told_what_to_set() {
        let record = crate::record::sample::record();
        let status = |case: &&CaseRecord| case.judgement.mismatches.iter().any(|each| each.part == Part::Status);
        let mut case = record.cases.iter().find(status).expect("a wrong status").clone();
        let step = case.judgement.mismatches.iter().find(|each| each.part == Part::Status).expect("found").step.clone();
        let exchange = case.exchanges.iter().position(|each| each.step == step).expect("its exchange");
        let mut hinted = |status: u16, header: Option<&str>| {
            let response = case.exchanges[exchange].response.as_mut().expect("an answer");
            response.status = status;
            response.headers = header.map(|name| (name.to_owned(), "7".to_owned())).into_iter().collect();
            let text = block(&[&case], &RunTexts::new(&[], &[]), &Palette::plain());
            (text.contains("`retry_after` under [limits]"), text.contains("`per_second`"))
        };
        assert_eq!(hinted(429, Some("Retry-After")), (true, true));
        assert_eq!(hinted(429, None), (false, true));
        assert_eq!(hinted(503, Some("retry-after")), (true, true));
        assert_eq!(hinted(503, None), (false, false));
        assert_eq!(hinted(500, Some("retry-after")), (false, false));
    }

    #[test]
    fn a_long_list_is_cut() {
        let record = crate::record::sample::record();
        let case = record.cases.iter().find(|case| !case.judgement.mismatches.is_empty()).expect("a failed case");
        let mut case = case.clone();
        let one = case.judgement.mismatches[0].clone();
        case.judgement.mismatches = vec![one; 100];
        let cases = vec![&case; 60];
        let text = block(&cases, &RunTexts::new(&[], &[]), &Palette::plain());
        assert!(text.contains("… and 70 more mismatches"));
        assert!(text.contains("59 more cases fail the same way:"));
        assert!(text.contains("    … and 9 more\n"));
    }
}

//! A failure as plain text, for the console and for every report that quotes it: [`block`].

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::model::clause::{Clause, Level};
use crate::model::id::ClauseId;
use crate::model::judgement::Mismatch;
use crate::model::spec::StepRole;
use crate::record::{CaseRecord, ExchangeRecord, SummaryRecord};

use super::curl::curl;
use super::escape::{log_line, shorten};
use super::words;

/// Most mismatches written for one case; a page of thousands helps nobody, and the record has them all.
const MAX_MISMATCHES: usize = 30;
/// Most cases named in one block.
const MAX_NAMES: usize = 50;
/// Longest expected or actual value, in bytes.
const MAX_VALUE: usize = 600;

/// What a block says of a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    document: String,
    section: String,
    level: Level,
    text: String,
}

/// The sentences of clauses, from the suite during a run or from the record after it.
#[derive(Clone, Debug, Default)]
pub struct ClauseTexts(HashMap<ClauseId, Said>);

impl ClauseTexts {
    /// From a loaded suite.
    #[must_use]
    pub fn from_clauses(clauses: &[Clause]) -> Self {
        let said = |clause: &Clause| Said {
            document: clause.document.clone(),
            section: clause.section.clone(),
            level: clause.level,
            text: clause.text.clone(),
        };
        Self(clauses.iter().map(|clause| (clause.id.clone(), said(clause))).collect())
    }

    /// From a record.
    #[must_use]
    pub fn from_summary(summary: &SummaryRecord) -> Self {
        let said = |clause: &crate::record::ClauseRecord| Said {
            document: clause.document.clone(),
            section: clause.section.clone(),
            level: clause.level,
            text: clause.text.clone(),
        };
        Self(summary.clauses.iter().map(|clause| (clause.id.clone(), said(clause))).collect())
    }

    /// The clause on one line: id, level, where it is written, what it says.
    #[must_use]
    pub fn line(&self, id: &ClauseId) -> String {
        match self.0.get(id) {
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

/// The command that runs just these cases.
#[must_use]
pub fn rerun(id: &str) -> String {
    // Ids have brackets, which a shell would expand and casebook takes literally.
    let quoted = shlex::try_quote(id).map_or_else(|_| id.to_owned(), std::borrow::Cow::into_owned);
    format!("casebook run {quoted}")
}

/// The answer on one line: `200 OK, application/json, 83 bytes`, or why there is none.
#[must_use]
pub fn answer(exchange: &ExchangeRecord) -> String {
    match (&exchange.response, &exchange.error) {
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
    }
}

/// One block for cases that fail alike: the first in full, the others by name. Empty for no cases. Every line is
/// safe for a terminal and for a CI log; ends with a line feed.
#[must_use]
pub fn block(cases: &[&CaseRecord], clauses: &ClauseTexts) -> String {
    let Some(case) = cases.first() else { return String::new() };
    let mut out = String::new();
    let mut put = |indent: usize, text: &str| {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(text.trim_end());
        out.push('\n');
    };
    put(0, &log_line(&format!("{}  {}  {}", words::verdict(&case.outcome).to_uppercase(), case.id, case.title)));
    if !case.source.file.is_empty() {
        put(2, &log_line(&format!("{}:{}", case.source.file, case.source.line)));
    }
    if let Some(cause) = words::cause(&case.outcome) {
        put(2, &log_line(&shorten(&cause, MAX_VALUE)));
    }
    for id in clauses_of(case) {
        put(2, &format!("clause {}", log_line(&clauses.line(&id))));
    }
    let mismatches = &case.judgement.mismatches;
    let several = mismatches.iter().any(|other| Some(&other.step) != mismatches.first().map(|first| &first.step));
    let mut step = None;
    for each in mismatches.iter().take(MAX_MISMATCHES) {
        if several && step != Some(&each.step) {
            put(2, &log_line(&format!("step {}", each.step)));
            step = Some(&each.step);
        }
        put(4, &mismatch(each));
    }
    if mismatches.len() > MAX_MISMATCHES {
        put(4, &format!("… and {} more mismatches", mismatches.len() - MAX_MISMATCHES));
    }
    for problem in &case.teardown_problems {
        put(2, &format!("teardown: {}", log_line(&shorten(problem, MAX_VALUE))));
    }
    if let Some(exchange) = exchange_of(case) {
        put(2, &format!("answer   {}", answer(exchange)));
        put(2, &format!("request  {}", log_line(&curl(exchange))));
    }
    put(2, &format!("rerun    {}", log_line(&rerun(case.id.as_str()))));
    if cases.len() > 1 {
        put(2, &format!("{} the same way:", words::count(cases.len() - 1, "more case fails", "more cases fail")));
        for other in cases.iter().skip(1).take(MAX_NAMES) {
            put(4, &log_line(other.id.as_str()));
        }
        if cases.len() > MAX_NAMES + 1 {
            put(4, &format!("… and {} more", cases.len() - MAX_NAMES - 1));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;

    #[test]
    fn every_failure_of_the_sample_as_text() {
        let record = crate::record::sample::record();
        let clauses = ClauseTexts::from_summary(&record.summary);
        let blocks: Vec<String> = groups(&record).iter().map(|group| block(&group.cases, &clauses)).collect();
        let text = blocks.join("\n");
        assert!(text.lines().all(|line| !line.chars().any(super::super::escape::is_hidden)));
        insta::assert_snapshot!("text", text);
    }

    #[test]
    fn a_long_list_is_cut() {
        let record = crate::record::sample::record();
        let case = record.cases.iter().find(|case| !case.judgement.mismatches.is_empty()).expect("a failed case");
        let mut case = case.clone();
        let one = case.judgement.mismatches[0].clone();
        case.judgement.mismatches = vec![one; 100];
        let cases = vec![&case; 60];
        let text = block(&cases, &ClauseTexts::default());
        assert!(text.contains("… and 70 more mismatches"));
        assert!(text.contains("59 more cases fail the same way:"));
        assert!(text.contains("    … and 9 more\n"));
    }
}

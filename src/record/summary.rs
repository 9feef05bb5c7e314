//! Verdicts over a whole run, case by case as they end: [`Summary`]. Keeps ids and numbers, never a case.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use regex::Regex;

use crate::model::clause::{Choice, Clause, Level, Operation};
use crate::model::id::{CaseId, ChoiceId, ClauseId};
use crate::model::source::SourceRef;
use crate::model::tally::CheckTally;
use crate::model::verdict::{ClauseVerdict, Verdict};

use super::{CaseRecord, ChoiceRecord, ClauseRecord, ExchangeRecord, OperationCoverage, Record, Seen, SummaryRecord};

/// Most kinds of answer kept for one operation; a service that invents a new code in each answer fills no memory.
const MAX_SEEN: usize = 1000;
/// Most error codes kept of one answer.
const MAX_CODES: usize = 16;
/// Longest error code kept, in characters.
const MAX_CODE: usize = 120;
/// Text of a clause that a record of a killed run names without describing it.
pub const UNKNOWN_TEXT: &str = "(the record of this interrupted run does not hold the clause's text)";

/// Accumulates the summary of a run.
#[derive(Debug)]
pub struct Summary {
    clauses: Vec<ClauseState>,
    index: HashMap<ClauseId, usize>,
    choices: Vec<ChoiceRecord>,
    operations: Vec<OperationState>,
    /// For choices that must be followed one way throughout, by choice and suite: what every answer so far allows,
    /// and the first case of each reading that was told apart.
    uniform: BTreeMap<(ChoiceId, String), Followed>,
    uniform_clauses: BTreeMap<ChoiceId, Vec<ClauseId>>,
    base_paths: Vec<(String, String)>,
    keep_unknown: bool,
}

#[derive(Debug, Default)]
struct Followed {
    first: BTreeMap<String, CaseId>,
    count: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct ClauseState {
    record: ClauseRecord,
    /// A case with a violated check counted.
    violated: bool,
    /// A case that cites it could not be judged.
    stuck: bool,
}

#[derive(Debug)]
struct OperationState {
    id: String,
    method: String,
    segments: Vec<String>,
    requests: u64,
    seen: BTreeMap<(u16, String, Vec<String>), u64>,
    request_media: BTreeMap<String, u64>,
}

impl Summary {
    /// Starts with every clause not tested (or excluded), no choice followed, and no operation attempted.
    #[must_use]
    pub fn new(clauses: &[Clause], choices: &[Choice], operations: &[Operation]) -> Self {
        let clauses: Vec<ClauseState> = clauses.iter().map(ClauseState::new).collect();
        let index = clauses.iter().enumerate().map(|(at, state)| (state.record.id.clone(), at)).collect();
        let uniform_clauses = choices
            .iter()
            .filter(|choice| choice.uniform)
            .map(|choice| (choice.id.clone(), choice.clauses.clone()))
            .collect();
        let choices = choices
            .iter()
            .map(|choice| ChoiceRecord {
                id: choice.id.clone(),
                question: choice.question.clone(),
                policy: choice.policy,
                clauses: choice.clauses.clone(),
                uniform: choice.uniform,
                settled: choice.settled.clone(),
                readings: choice.readings.clone(),
                followed: vec![0; choice.readings.len()],
                other: 0,
                mixed: Vec::new(),
                cases: Vec::new(),
            })
            .collect();
        let operations = operations
            .iter()
            .map(|operation| OperationState {
                id: operation.id.clone(),
                method: operation.method.clone(),
                segments: operation.path.split('/').map(str::to_owned).collect(),
                requests: 0,
                seen: BTreeMap::new(),
                request_media: BTreeMap::new(),
            })
            .collect();
        Self {
            clauses,
            index,
            choices,
            operations,
            uniform: BTreeMap::new(),
            uniform_clauses,
            base_paths: Vec::new(),
            keep_unknown: false,
        }
    }

    /// Removes these base URLs (service, URL) before a request's path is matched with an operation's.
    #[must_use]
    pub fn with_base_urls(mut self, base_urls: &[(String, String)]) -> Self {
        self.base_paths = base_urls
            .iter()
            .map(|(service, url)| (service.clone(), path_of(url).trim_end_matches('/').to_owned()))
            .filter(|(_, path)| !path.is_empty())
            .collect();
        self
    }

    /// Adds clauses that a check cites and the list did not name, instead of leaving them out: for a record without
    /// a clause list.
    #[must_use]
    pub(crate) fn with_unknown(mut self) -> Self {
        self.keep_unknown = true;
        self
    }

    /// Counts a case that has ended.
    pub fn add(&mut self, case: &CaseRecord) {
        self.add_checks(case);
        self.add_readings(case);
        for exchange in &case.exchanges {
            self.add_exchange(&case.service, exchange);
        }
    }

    /// The verdicts.
    #[must_use]
    pub fn finish(mut self) -> SummaryRecord {
        self.find_mixed();
        SummaryRecord {
            clauses: self.clauses.into_iter().map(ClauseState::finish).collect(),
            choices: self
                .choices
                .into_iter()
                .map(|mut choice| {
                    choice.cases.sort();
                    choice
                })
                .collect(),
            coverage: self.operations.into_iter().map(OperationState::finish).collect(),
        }
    }

    /// Where the clause stands among the clauses.
    fn place(&mut self, id: &ClauseId) -> Option<usize> {
        let place = self.index.get(id).copied();
        if place.is_none() && self.keep_unknown {
            self.index.insert(id.clone(), self.clauses.len());
            self.clauses.push(ClauseState::unknown(id));
            return Some(self.clauses.len() - 1);
        }
        place
    }

    fn clause(&mut self, id: &ClauseId) -> Option<&mut ClauseState> {
        self.place(id).map(|at| &mut self.clauses[at])
    }

    /// A violation counts only in a case whose outcome is a verdict on the service. Checks that held before a case
    /// got stuck did hold.
    fn add_checks(&mut self, case: &CaseRecord) {
        let (counts, stuck) = match case.outcome {
            Verdict::Failed | Verdict::KnownFailure { .. } | Verdict::Flaky { .. } => (true, false),
            Verdict::Errored { .. } | Verdict::Blocked { .. } => (false, true),
            Verdict::Skipped { .. } | Verdict::NotRun { .. } => return,
            Verdict::Passed | Verdict::UnexpectedPass { .. } | Verdict::Observed => (false, false),
        };
        for group in case.judgement.checks.groups() {
            match group.held_again() {
                Some(checks) => {
                    checks.proven().for_each(|(clauses, held)| self.add_run(case, clauses, u64::from(held), 0));
                }
                None => self.add_group(case, group.iter(), counts),
            }
        }
        if stuck {
            for id in &case.clauses {
                if let Some(state) = self.clause(id) {
                    state.stuck = true;
                }
            }
        }
    }

    /// Most checks share their clauses with the one before: they are counted together.
    fn add_group<'a>(&mut self, case: &CaseRecord, checks: impl Iterator<Item = CheckTally<'a>>, counts: bool) {
        let mut run: Option<(&Arc<[ClauseId]>, u64, u64)> = None;
        for tally in checks.filter(|tally| tally.held > 0 || tally.violated > 0) {
            match &mut run {
                Some((clauses, held, violated)) if Arc::ptr_eq(clauses, tally.clauses) => {
                    *held += u64::from(tally.held);
                    *violated += u64::from(tally.violated);
                }
                _ => {
                    if let Some((clauses, held, violated)) = run.take() {
                        self.add_run(case, clauses, held, if counts { violated } else { 0 });
                    }
                    run = Some((tally.clauses, u64::from(tally.held), u64::from(tally.violated)));
                }
            }
        }
        if let Some((clauses, held, violated)) = run {
            self.add_run(case, clauses, held, if counts { violated } else { 0 });
        }
    }

    /// Checks of the same clauses.
    fn add_run(&mut self, case: &CaseRecord, clauses: &[ClauseId], held: u64, violated: u64) {
        for id in clauses {
            let Some(state) = self.clause(id) else { continue };
            state.record.held += held;
            push(&mut state.record.cases, &case.id);
            if violated > 0 {
                state.record.violated += violated;
                state.violated = true;
                push(&mut state.record.violated_by, &case.id);
            }
        }
    }

    fn add_readings(&mut self, case: &CaseRecord) {
        for followed in &case.judgement.readings {
            let Some(choice) = self.choices.iter_mut().find(|choice| choice.id == followed.choice) else { continue };
            if let [one] = followed.readings.as_slice()
                && self.uniform_clauses.contains_key(&followed.choice)
            {
                let suite = case.id.as_str().rsplit_once('/').map_or("", |(suite, _)| suite).to_owned();
                let state = self.uniform.entry((followed.choice.clone(), suite)).or_default();
                // The smallest id, so that it does not matter which case ends first.
                let first = state.first.entry(one.clone()).or_insert_with(|| case.id.clone());
                if case.id < *first {
                    first.clone_from(&case.id);
                }
                *state.count.entry(one.clone()).or_default() += 1;
            }
            match followed.readings.as_slice() {
                [] => choice.other += 1,
                [one] => match choice.readings.iter().position(|reading| reading.id == *one) {
                    Some(at) => choice.followed[at] += 1,
                    None => choice.other += 1,
                },
                // Several readings match: the answer does not tell them apart.
                _ => continue,
            }
            push(&mut choice.cases, &case.id);
        }
    }

    /// A service that follows two readings of a uniform choice follows neither: the choice's clauses are violated by
    /// the cases that saw the rarer one.
    fn find_mixed(&mut self) {
        for ((id, _), followed) in std::mem::take(&mut self.uniform) {
            if followed.first.len() < 2 {
                continue;
            }
            let rarest = followed.count.iter().min_by_key(|(_, count)| **count).map(|(reading, _)| reading.clone());
            for clause in self.uniform_clauses.get(&id).cloned().unwrap_or_default() {
                let Some(state) = self.clause(&clause) else { continue };
                if let Some(case) = rarest.as_ref().and_then(|reading| followed.first.get(reading)) {
                    state.violated = true;
                    state.record.violated += 1;
                    push(&mut state.record.violated_by, case);
                }
            }
            if let Some(choice) = self.choices.iter_mut().find(|choice| choice.id == id) {
                choice.mixed.extend(followed.first);
            }
        }
    }

    fn add_exchange(&mut self, service: &str, exchange: &ExchangeRecord) {
        let path = path_of(&exchange.url);
        let base = self.base_paths.iter().find(|(id, base)| id == service && under(path, base));
        let base = base.or_else(|| self.base_paths.iter().find(|(_, base)| under(path, base)));
        let path = base.map_or(path, |(_, base)| &path[base.len()..]);
        let best = self
            .operations
            .iter_mut()
            .filter_map(|operation| operation.fits(&exchange.method, path).map(|literal| (literal, operation)))
            .max_by_key(|(literal, _)| *literal);
        if let Some((_, operation)) = best {
            operation.add(exchange);
        }
    }
}

impl Record {
    /// Judges the clauses and choices again from the cases. For the record of a killed run, whose own lines describe
    /// no clause, when the suite that it was made with is at hand.
    pub fn summarize(&mut self, clauses: &[Clause], choices: &[Choice]) {
        let mut summary =
            Summary::new(clauses, choices, &self.header.suite.operations).with_base_urls(&self.header.base_urls);
        self.cases.iter().for_each(|case| summary.add(case));
        self.summary = summary.finish();
    }
}

/// Cases arrive one at a time, so that an id can only repeat at the end.
fn push(ids: &mut Vec<CaseId>, id: &CaseId) {
    if ids.last() != Some(id) {
        ids.push(id.clone());
    }
}

fn under(path: &str, base: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path of a URL as written: no query, no fragment, nothing decoded.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    path.split(['?', '#']).next().unwrap_or("")
}

/// The media type of a header list, without parameters and in lower case; empty when absent.
fn media_type(headers: &[(String, String)]) -> String {
    let value = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    value
        .and_then(|(_, value)| value.split(';').next())
        .map(|media| media.trim().to_ascii_lowercase())
        .unwrap_or_default()
}

/// Error codes in a body: values of `ErrorCode` or `errorCode`, as JSON members or XML elements. Found by pattern and
/// not by parsing, so that a cut, broken or very deep body still tells its codes.
#[must_use]
pub fn error_codes(body: &str) -> Vec<String> {
    static CODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        // White space of JSON and XML is ASCII; classes of Unicode would take longer to compile than a case to run.
        Regex::new(concat!(
            r#""[eE]rrorCode"[ \t\r\n]*:[ \t\r\n]*("(?:[^"\\]|\\.)*")"#,
            r"|<(?:[^ \t\r\n<>/:=]+:)?[eE]rrorCode(?:[ \t\r\n][^<>]*)?>[ \t\r\n]*([^<>]*?)[ \t\r\n]*</",
        ))
        .ok()
    });
    if memchr::memmem::find(body.as_bytes(), b"rrorCode").is_none() {
        return Vec::new();
    }
    let Some(pattern) = CODE.as_ref() else { return Vec::new() };
    let codes: BTreeSet<String> = pattern
        .captures_iter(body)
        .filter_map(|found| match (found.get(1), found.get(2)) {
            (Some(json), _) => serde_json::from_str::<String>(json.as_str()).ok(),
            (_, Some(xml)) => quick_xml::escape::unescape(xml.as_str()).ok().map(std::borrow::Cow::into_owned),
            _ => None,
        })
        .filter(|code| !code.is_empty())
        .map(|code| code.chars().take(MAX_CODE).collect())
        .take(MAX_CODES)
        .collect();
    codes.into_iter().collect()
}

impl ClauseState {
    fn new(clause: &Clause) -> Self {
        let record = ClauseRecord {
            id: clause.id.clone(),
            document: clause.document.clone(),
            section: clause.section.clone(),
            level: clause.level,
            text: clause.text.clone(),
            verdict: ClauseVerdict::NotTested,
            excluded: clause.excluded.clone(),
            held: 0,
            violated: 0,
            cases: Vec::new(),
            violated_by: Vec::new(),
            proven: None,
        };
        Self { record, violated: false, stuck: false }
    }

    fn unknown(id: &ClauseId) -> Self {
        Self::new(&Clause {
            id: id.clone(),
            document: String::new(),
            section: String::new(),
            level: Level::Stated,
            text: UNKNOWN_TEXT.to_owned(),
            excluded: None,
            source: SourceRef { file: "".into(), line: 0 },
        })
    }

    fn finish(self) -> ClauseRecord {
        let mut record = self.record;
        record.cases.sort();
        record.violated_by.sort();
        // A violation that a check saw is told, even of a clause that was held to be untestable.
        record.verdict = match (self.violated, record.held > 0, self.stuck, record.excluded.is_some()) {
            (true, ..) => ClauseVerdict::Violated,
            (_, _, _, true) => ClauseVerdict::Excluded,
            (_, true, ..) => ClauseVerdict::Held,
            (_, _, true, _) => ClauseVerdict::Inconclusive,
            _ => ClauseVerdict::NotTested,
        };
        record
    }
}

impl OperationState {
    /// How many literal segments agree, if the operation is meant.
    fn fits(&self, method: &str, path: &str) -> Option<usize> {
        if self.method != method {
            return None;
        }
        let mut literal = 0;
        let mut segments = path.split('/');
        for wanted in &self.segments {
            let segment = segments.next()?;
            if wanted.starts_with('{') && wanted.ends_with('}') {
                if segment.is_empty() {
                    return None;
                }
            } else if wanted == segment {
                literal += 1;
            } else {
                return None;
            }
        }
        segments.next().is_none().then_some(literal)
    }

    fn add(&mut self, exchange: &ExchangeRecord) {
        self.requests += 1;
        *self.request_media.entry(media_type(&exchange.headers)).or_default() += 1;
        let Some(response) = &exchange.response else { return };
        let codes = response.body.text.as_deref().map(error_codes).unwrap_or_default();
        let mut key = (response.status, media_type(&response.headers), codes);
        if self.seen.len() >= MAX_SEEN && !self.seen.contains_key(&key) {
            key.1 = String::new();
            key.2 = vec!["(more)".to_owned()];
        }
        *self.seen.entry(key).or_default() += 1;
    }

    fn finish(self) -> OperationCoverage {
        OperationCoverage {
            operation: self.id,
            requests: self.requests,
            seen: self
                .seen
                .into_iter()
                .map(|((status, media, codes), count)| Seen { status, media, codes, count })
                .collect(),
            request_media: self.request_media.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::judgement::ReadingFollowed;
    use crate::model::tally::CheckDefs;
    use crate::model::verdict::Stage;
    use crate::record::sample;

    fn verdict_of(summary: &SummaryRecord, id: &str) -> ClauseVerdict {
        summary.clauses.iter().find(|clause| clause.id.as_str() == id).map(|clause| clause.verdict).expect("the clause")
    }

    #[test]
    fn clauses_are_judged_by_checks_that_ran() {
        let summary = sample::record().summary;
        assert_eq!(verdict_of(&summary, "GRV-ADD-01"), ClauseVerdict::NotTested);
        assert_eq!(verdict_of(&summary, "GRV-ADD-05"), ClauseVerdict::Held);
        assert_eq!(verdict_of(&summary, "GRV-ADD-21"), ClauseVerdict::Violated);
        assert_eq!(verdict_of(&summary, "GRV-ADD-22"), ClauseVerdict::Inconclusive, "only an errored case cites it");
        assert_eq!(verdict_of(&summary, "GRV-ADD-30"), ClauseVerdict::Violated, "a known failure violates");
        assert_eq!(verdict_of(&summary, "GRV-ADD-90"), ClauseVerdict::Excluded);
        let violated = &summary.clauses[5];
        assert_eq!(violated.violated, 2);
        assert_eq!(violated.violated_by.len(), 2);
    }

    #[test]
    fn a_record_is_judged_again_as_it_was_judged_first() {
        let record = sample::record();
        let mut again = record.clone();
        again.summary = SummaryRecord::default();
        again.summarize(&sample::clauses(), &sample::choices());
        assert_eq!(again, record);
    }

    #[test]
    fn a_citation_without_a_check_proves_nothing() {
        let mut case = sample::case("a/b", 1, "t", Verdict::Passed);
        case.judgement.checks.clear();
        let mut summary = Summary::new(&sample::clauses(), &[], &[]);
        summary.add(&case);
        assert_eq!(verdict_of(&summary.finish(), "GRV-ADD-05"), ClauseVerdict::NotTested);
    }

    #[test]
    fn checks_that_come_again_count_as_others_do() {
        let clauses = |ids: &[&str]| ids.iter().map(|id| ClauseId::new(id)).collect::<Arc<[ClauseId]>>();
        let mut defs = CheckDefs::with_capacity(4);
        let (one, two) = (defs.cite(clauses(&["GRV-ADD-05"])), defs.cite(clauses(&["GRV-ADD-05", "GRV-ADD-21"])));
        for (name, cited) in [("a", one), ("b", two), ("c", one), ("d", one)] {
            defs.push(|text| text.push_str(name), cited, false);
        }
        let counted = |defs: CheckDefs, counts: &[(u32, u32)]| {
            let mut case = sample::case("a/b", 1, "t", Verdict::Failed);
            case.judgement.checks.clear();
            case.judgement.checks.count("main", &Arc::new(defs), counts.to_vec());
            let mut summary = Summary::new(&sample::clauses(), &[], &[]);
            summary.add(&case);
            summary.finish()
        };
        let again = defs.clone();
        again.come_again();
        for counts in [[(1, 0); 4], [(1, 0), (0, 1), (0, 0), (1, 0)], [(2, 0); 4]] {
            assert_eq!(counted(again.clone(), &counts), counted(defs.clone(), &counts), "{counts:?}");
        }
        let held = |id: &str| {
            counted(again.clone(), &[(1, 0); 4]).clauses.iter().find(|c| c.id.as_str() == id).map(|c| c.held)
        };
        assert_eq!((held("GRV-ADD-05"), held("GRV-ADD-21")), (Some(4), Some(1)));
    }

    #[test]
    fn an_error_does_not_undo_a_check_that_held_nor_count_a_violation() {
        let mut case = sample::case("a/b", 1, "t", Verdict::Errored { stage: Stage::Connect, detail: String::new() });
        let mut summary = Summary::new(&sample::clauses(), &[], &[]);
        summary.add(&case);
        assert_eq!(verdict_of(&summary.finish(), "GRV-ADD-05"), ClauseVerdict::Held);
        let violated = case.judgement.checks.iter().map(|tally| CheckTally { held: 0, violated: 1, ..tally }).collect();
        case.judgement.checks = violated;
        let mut summary = Summary::new(&sample::clauses(), &[], &[]);
        summary.add(&case);
        assert_eq!(verdict_of(&summary.finish(), "GRV-ADD-05"), ClauseVerdict::Inconclusive);
    }

    #[test]
    fn a_reading_counts_only_when_the_answer_tells_it_apart() {
        let mut case = sample::case("a/b", 1, "t", Verdict::Observed);
        let followed = |readings: &[&str]| ReadingFollowed {
            choice: ChoiceId::new("A-05"),
            readings: readings.iter().map(|id| (*id).to_owned()).collect(),
            step: "main".to_owned(),
            place: String::new(),
        };
        case.judgement.readings =
            vec![followed(&["upper"]), followed(&["upper"]), followed(&["upper", "as-sent"]), followed(&[])];
        let mut summary = Summary::new(&[], &sample::choices(), &[]);
        summary.add(&case);
        let choice = &summary.finish().choices[0];
        assert_eq!(choice.followed, [2, 0]);
        assert_eq!(choice.other, 1);
        assert_eq!(choice.cases.len(), 1);
    }

    #[test]
    fn operations_are_found_by_method_and_whole_path() {
        let mut summary = Summary::new(&[], &[], &sample::operations())
            .with_base_urls(&[("groove".to_owned(), "https://h/base/".to_owned())]);
        let mut case = sample::case("a/b", 1, "t", Verdict::Passed);
        let base = case.exchanges[0].clone();
        for (method, url) in [
            ("POST", "https://h/base/1/content/music/collection/add?x=/a"),
            ("POST", "https://h/1/content/music/collection/add"),
            ("GET", "https://h/base/1/content/music/collection/add"),
            ("POST", "https://h/base/1/content//collection/add"),
            ("POST", "https://h/base/1/content/music/collection/add/"),
            ("POST", "https://h/baseball/1/content/music/collection/add"),
        ] {
            let mut exchange = base.clone();
            exchange.method = method.to_owned();
            exchange.url = url.to_owned();
            case.exchanges.push(exchange);
        }
        summary.add(&case);
        let coverage = summary.finish().coverage;
        // The sample's own exchange, and the two whose path is the operation's.
        assert_eq!(coverage[0].requests, 3);
        assert_eq!(coverage[0].request_media, [("application/json".to_owned(), 3)]);
        assert_eq!(coverage[0].seen[0].media, "application/json");
        assert_eq!(coverage[1].requests, 0);
    }

    #[test]
    fn error_codes_are_found_in_json_and_xml_whole_or_broken() {
        assert_eq!(error_codes(r#"{"Error":{"ErrorCode":"B"},"r":[{"errorCode" : "A\u0041"}]}"#), ["AA", "B"]);
        assert_eq!(error_codes(r#"{"Error":{"ErrorCode":"CUT"},"x":"#), ["CUT"]);
        assert_eq!(error_codes("<e xmlns:i='u'><i:ErrorCode a='b'> X&amp;Y </i:ErrorCode></e>"), ["X&Y"]);
        assert_eq!(error_codes(r#"{"text":"\"ErrorCode\": \"no\"","ErrorCode":5}"#), [] as [&str; 0]);
        assert_eq!(error_codes(&"[".repeat(1_000_000)), [] as [&str; 0]);
    }

    #[test]
    fn a_service_that_invents_codes_fills_no_memory() {
        let mut summary = Summary::new(&[], &[], &sample::operations());
        let mut case = sample::case("a/b", 1, "t", Verdict::Passed);
        case.exchanges[0].url = "http://h/1/content/music/collection/add".to_owned();
        for n in 0..2000 {
            if let Some(response) = &mut case.exchanges[0].response {
                response.body.text = Some(format!("{{\"ErrorCode\":\"C{n}\"}}"));
            }
            summary.add(&case);
        }
        let coverage = summary.finish().coverage;
        assert_eq!(coverage[0].seen.len(), MAX_SEEN + 1);
        assert_eq!(coverage[0].seen.iter().map(|seen| seen.count).sum::<u64>(), 2000);
    }
}

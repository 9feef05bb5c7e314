//! Reads a record back: [`read`], strictly or as far as a killed run got.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::Deserialize;
use thiserror::Error;

use crate::model::id::CaseId;
use crate::model::judgement::Judgement;
use crate::model::source::SourceRef;
use crate::model::spec::Effect;
use crate::model::verdict::{Exit, Verdict};

use super::{
    CaseRecord, Change, Counts, Footer, Header, LedgerEntry, Line, RECORD_VERSION, Record, Summary, SummaryRecord,
};

/// How much a record must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadMode {
    /// Everything, footer included.
    Complete,
    /// What a killed run finished. A half last line is dropped, a missing footer is made up and marked interrupted,
    /// and selected cases without a line are [`Verdict::NotRun`].
    Partial,
}

/// Why a record cannot be read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// No line at all.
    #[error("the record is empty")]
    Empty,
    /// The first line is nothing that casebook wrote.
    #[error("this is not a record: line 1 is not a record's header ({reason})")]
    NotARecord {
        /// What the parser says.
        reason: String,
    },
    /// Written by another major version.
    #[error("the record has version {found}, and this casebook reads version {RECORD_VERSION}")]
    UnknownVersion {
        /// The version that it states.
        found: u64,
    },
    /// The first line is another of a record's lines.
    #[error("the record has no header: it begins with a {found} line")]
    MissingHeader {
        /// Name of the line.
        found: String,
    },
    /// The record ends before its summary and footer.
    #[error("the record has no footer: its run did not end (render it as a partial record to see what finished)")]
    MissingFooter,
    /// A footer with no summary before it.
    #[error("the record has a footer and no summary")]
    MissingSummary,
    /// The last line is cut.
    #[error("line {line} is cut short: the run was killed while writing it")]
    Truncated {
        /// Line, from 1.
        line: usize,
    },
    /// A line that is not one of the record's form.
    #[error("line {line} is no line of a record: {reason}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// A case has two lines.
    #[error("line {line} is a second line for the case {id}")]
    DuplicateCase {
        /// Line, from 1.
        line: usize,
        /// The case.
        id: CaseId,
    },
    /// Lines that contradict each other.
    #[error("the record contradicts itself: {what}")]
    Inconsistent {
        /// How.
        what: String,
    },
    /// The source cannot be read.
    #[error("cannot read the record")]
    Io(#[from] std::io::Error),
}

/// The least that tells a header of any version from anything else.
#[derive(Deserialize)]
struct Probe {
    line: String,
    #[serde(default)]
    record_version: Option<u64>,
}

/// Reads a record; its cases are sorted by id.
///
/// # Errors
/// See [`RecordError`]. A record that was read never contradicts itself: its counts are those of its cases, and its
/// cases are those that were selected.
pub fn read(mut input: impl BufRead, mode: ReadMode) -> Result<Record, RecordError> {
    let mut parts = Parts::default();
    let mut header: Option<Header> = None;
    let mut buffer = Vec::new();
    let mut number = 0;
    loop {
        buffer.clear();
        if input.read_until(b'\n', &mut buffer)? == 0 {
            break;
        }
        number += 1;
        let ended = buffer.last() == Some(&b'\n');
        let text = buffer.trim_ascii();
        if header.is_none() {
            header = Some(first_line(text, ended)?);
            continue;
        }
        match serde_json::from_slice::<Line>(text) {
            Ok(line) => parts.take(line, number)?,
            Err(_) if !ended && mode == ReadMode::Partial => break,
            Err(_) if !ended => return Err(RecordError::Truncated { line: number }),
            Err(error) => return Err(RecordError::Malformed { line: number, reason: error.to_string() }),
        }
    }
    let header = header.ok_or(RecordError::Empty)?;
    match (mode, parts.footer.is_some()) {
        (ReadMode::Complete, false) => Err(RecordError::MissingFooter),
        (_, true) => parts.complete(header),
        (ReadMode::Partial, false) => parts.partial(header),
    }
}

impl Record {
    /// A record of a run that ended, as [`read`] would read it.
    ///
    /// # Errors
    /// What contradicts itself.
    pub fn of(
        header: Header,
        cases: Vec<CaseRecord>,
        summary: SummaryRecord,
        footer: Footer,
    ) -> Result<Self, RecordError> {
        let mut parts = Parts::default();
        for (line, case) in cases.into_iter().enumerate() {
            parts.take(Line::Case(Box::new(case)), line + 2)?;
        }
        parts.summary = Some(summary);
        parts.footer = Some(footer);
        parts.complete(header)
    }
}

fn first_line(text: &[u8], ended: bool) -> Result<Header, RecordError> {
    let not = |reason: String| RecordError::NotARecord { reason };
    let probe: Probe = serde_json::from_slice(text).map_err(|error| {
        if !ended && error.is_eof() && text.starts_with(b"{\"line\":") {
            RecordError::Truncated { line: 1 }
        } else {
            not(error.to_string())
        }
    })?;
    match (probe.line.as_str(), probe.record_version) {
        ("header", Some(version)) if version == u64::from(RECORD_VERSION) => {}
        ("header", Some(found)) => return Err(RecordError::UnknownVersion { found }),
        ("header", None) => return Err(not("it states no record_version".to_owned())),
        ("case" | "summary" | "footer", _) => return Err(RecordError::MissingHeader { found: probe.line }),
        _ => return Err(not(format!("it is a {:?} line", probe.line))),
    }
    match serde_json::from_slice(text) {
        Ok(Line::Header(header)) => Ok(*header),
        Ok(_) => Err(not("it is no header".to_owned())),
        Err(error) => Err(RecordError::Malformed { line: 1, reason: error.to_string() }),
    }
}

#[derive(Default)]
struct Parts {
    cases: BTreeMap<CaseId, CaseRecord>,
    summary: Option<SummaryRecord>,
    footer: Option<Footer>,
}

impl Parts {
    fn take(&mut self, line: Line, number: usize) -> Result<(), RecordError> {
        let wrong = |what: &str| Err(RecordError::Inconsistent { what: format!("line {number} is {what}") });
        if self.footer.is_some() {
            return wrong("after the footer");
        }
        match line {
            Line::Header(_) => wrong("a second header"),
            Line::Case(_) if self.summary.is_some() => wrong("a case after the summary"),
            Line::Case(case) => {
                let id = case.id.clone();
                match self.cases.insert(id.clone(), *case) {
                    Some(_) => Err(RecordError::DuplicateCase { line: number, id }),
                    None => Ok(()),
                }
            }
            Line::Summary(_) if self.summary.is_some() => wrong("a second summary"),
            Line::Summary(summary) => {
                self.summary = Some(*summary);
                Ok(())
            }
            Line::Footer(footer) => {
                self.footer = Some(*footer);
                Ok(())
            }
        }
    }

    fn complete(mut self, header: Header) -> Result<Record, RecordError> {
        let footer = self.footer.take().ok_or(RecordError::MissingFooter)?;
        let summary = self.summary.take().ok_or(RecordError::MissingSummary)?;
        let why = if footer.interrupted { "the run was interrupted" } else { "the run was stopped before this case" };
        self.fill(&header, why)?;
        let counts = self.counts();
        if counts != footer.counts {
            let differing = counts.named().into_iter().zip(footer.counts.named()).find(|(ours, theirs)| ours != theirs);
            let what = differing.map_or_else(String::new, |((name, ours), (_, theirs))| {
                format!("its cases count {ours} {name}, and its footer {theirs}")
            });
            return Err(RecordError::Inconsistent { what });
        }
        if footer.exit == Exit::Conformant && footer.interrupted {
            return Err(RecordError::Inconsistent { what: "an interrupted run ends as conformant".to_owned() });
        }
        Ok(Record { header, cases: self.cases.into_values().collect(), summary, footer })
    }

    fn partial(mut self, header: Header) -> Result<Record, RecordError> {
        let finished = self.cases.len();
        self.fill(&header, "the run was killed before this case ended")?;
        let summary = self.summary.take().unwrap_or_else(|| {
            let mut summary =
                Summary::new(&[], &[], &header.suite.operations).with_base_urls(&header.base_urls).with_unknown();
            self.cases.values().for_each(|case| summary.add(case));
            summary.finish()
        });
        let (left_behind, created, removed) = ledger(self.cases.values());
        let selected = header.selected.len();
        let footer = Footer {
            counts: self.counts(),
            exit: Exit::Interrupted,
            reasons: vec![format!("the run was killed: {finished} of {selected} selected cases had ended")],
            left_behind,
            created,
            removed,
            interrupted: true,
            probes: Vec::new(),
            elapsed_us: self.cases.values().map(|case| case.started_us + case.elapsed_us).max().unwrap_or(0),
        };
        Ok(Record { header, cases: self.cases.into_values().collect(), summary, footer })
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.cases.values().for_each(|case| counts.add(&case.outcome));
        counts
    }

    /// Adds the selected cases that have no line, so that the counts add up to the number selected.
    fn fill(&mut self, header: &Header, why: &str) -> Result<(), RecordError> {
        for id in &header.selected {
            self.cases.entry(id.clone()).or_insert_with(|| not_run(id, why));
        }
        if self.cases.len() == header.selected.len() {
            return Ok(());
        }
        let stranger = self.cases.keys().find(|id| !header.selected.contains(id));
        let what = stranger.map_or_else(
            || "a case is selected twice".to_owned(),
            |id| format!("the case {id} ended and was not selected"),
        );
        Err(RecordError::Inconsistent { what })
    }
}

fn not_run(id: &CaseId, why: &str) -> CaseRecord {
    CaseRecord {
        id: id.clone(),
        title: String::new(),
        service: id.as_str().split('/').next().unwrap_or_default().to_owned(),
        clauses: Vec::new(),
        tags: Vec::new(),
        effect: Effect::Read,
        source: SourceRef { file: "".into(), line: 0 },
        outcome: Verdict::NotRun { detail: why.to_owned() },
        observe: false,
        judgement: Judgement::default(),
        exchanges: Vec::new(),
        diffs: Vec::new(),
        teardown_problems: Vec::new(),
        ledger: Vec::new(),
        started_us: 0,
        elapsed_us: 0,
    }
}

/// What was created and not removed, and how many things were created and removed. An entry is matched by kind and
/// id, in the order of the cases' start, since another case of the same run may remove it.
pub(crate) fn ledger<'a>(cases: impl Iterator<Item = &'a CaseRecord>) -> (Vec<LedgerEntry>, u64, u64) {
    let mut ordered: Vec<&CaseRecord> = cases.filter(|case| !case.ledger.is_empty()).collect();
    ordered.sort_by(|a, b| (a.started_us, &a.id).cmp(&(b.started_us, &b.id)));
    let (mut created, mut removed) = (0, 0);
    let mut open: BTreeMap<(&str, &str), &LedgerEntry> = BTreeMap::new();
    for entry in ordered.into_iter().flat_map(|case| &case.ledger) {
        let key = (entry.kind.as_str(), entry.id.as_str());
        match entry.change {
            Change::Created => {
                created += 1;
                open.insert(key, entry);
            }
            Change::Removed => {
                removed += 1;
                open.remove(&key);
            }
        }
    }
    (open.into_values().cloned().collect(), created, removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{sample, write_line};
    use crate::report::{Format, render};

    fn lines() -> Vec<String> {
        let bytes = render(Format::Jsonl, &sample::record()).expect("rendered");
        String::from_utf8(bytes).expect("UTF-8").lines().map(str::to_owned).collect()
    }

    fn text(lines: &[String]) -> String {
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn complete(text: &str) -> Result<Record, RecordError> {
        read(text.as_bytes(), ReadMode::Complete)
    }

    fn partial(text: &str) -> Result<Record, RecordError> {
        read(text.as_bytes(), ReadMode::Partial)
    }

    #[test]
    fn what_was_written_is_read_whatever_the_order_of_the_cases() {
        let record = sample::record();
        let mut lines = lines();
        assert_eq!(complete(&text(&lines)).expect("a record"), record);
        let last = lines.len() - 2;
        lines[1..last].reverse();
        assert_eq!(complete(&text(&lines)).expect("a record"), record);
        assert_eq!(partial(&text(&lines)).expect("a record"), record);
    }

    #[test]
    fn nothing_else_is_a_record() {
        assert!(matches!(complete(""), Err(RecordError::Empty)));
        for other in ["hello\n", "{}\n", "[1]\n", "{\"line\":\"x\"}\n", "\u{0}\n", "\n"] {
            assert!(matches!(complete(other), Err(RecordError::NotARecord { .. })), "{other:?}");
        }
        let lines = lines();
        assert!(matches!(complete(&text(&lines[1..])), Err(RecordError::MissingHeader { found }) if found == "case"));
    }

    #[test]
    fn another_version_is_refused_even_with_other_fields() {
        let other = "{\"line\":\"header\",\"record_version\":2,\"new\":true}\n";
        assert!(matches!(complete(other), Err(RecordError::UnknownVersion { found: 2 })));
    }

    #[test]
    fn a_run_that_did_not_end_is_no_complete_record() {
        let lines = lines();
        let open = text(&lines[..lines.len() - 1]);
        assert!(matches!(complete(&open), Err(RecordError::MissingFooter)));
        let cut = &open[..open.len() - 5];
        let number = lines.len() - 1;
        assert!(matches!(complete(cut), Err(RecordError::Truncated { line }) if line == number));
        let mut without = lines.clone();
        without.remove(lines.len() - 2);
        assert!(matches!(complete(&text(&without)), Err(RecordError::MissingSummary)));
        assert!(matches!(complete(&lines[0][..50]), Err(RecordError::Truncated { line: 1 })));
    }

    #[test]
    fn a_killed_run_shows_what_finished() {
        let lines = lines();
        let whole = text(&lines[..5]);
        let half = format!("{whole}{}", &lines[5][..40]);
        let record = partial(&half).expect("a partial record");
        assert_eq!(record, partial(&whole).expect("a partial record"));
        assert_eq!(record.cases.len(), 14);
        assert_eq!(record.footer.counts.total(), 14);
        assert_eq!(record.footer.counts.not_run, 10);
        assert_eq!(record.footer.exit, Exit::Interrupted);
        assert!(record.footer.interrupted);
        assert_eq!(record.footer.reasons, ["the run was killed: 4 of 14 selected cases had ended"]);
        assert!(record.summary.clauses.iter().any(|clause| clause.held + clause.violated > 0));
        for format in Format::ALL {
            render(format, &record).expect("every report can be made of it");
        }
        let only_header = partial(&text(&lines[..1])).expect("a partial record");
        assert_eq!(only_header.footer.counts.not_run, 14);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]

        /// A run can be killed at any byte.
        #[test]
        fn a_record_cut_anywhere_after_its_header_is_read_in_part(cut in 0.0_f64..1.0) {
            let text = text(&lines());
            let first = text.find('\n').expect("a header") + 1;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "any byte will do")]
            let at = first + ((text.len() - first) as f64 * cut) as usize;
            let record = read(&text.as_bytes()[..at], ReadMode::Partial).expect("what finished");
            assert_eq!(record.footer.counts.total(), 14);
            assert!(read(&text.as_bytes()[..at], ReadMode::Complete).is_err());
        }

        #[test]
        fn a_record_with_a_wrong_byte_does_no_harm(place in 0_usize..20_000, byte in 0_u8..) {
            let mut bytes = text(&lines()).into_bytes();
            let place = place % bytes.len();
            bytes[place] = byte;
            for mode in [ReadMode::Complete, ReadMode::Partial] {
                let _ = read(bytes.as_slice(), mode);
            }
        }
    }

    #[test]
    fn a_broken_line_in_the_middle_is_never_skipped() {
        let mut lines = lines();
        lines[3] = "{\"line\":\"case\",".to_owned();
        for mode in [ReadMode::Complete, ReadMode::Partial] {
            let result = read(text(&lines).as_bytes(), mode);
            assert!(matches!(result, Err(RecordError::Malformed { line: 4, .. })));
        }
    }

    #[test]
    fn contradictions_are_told() {
        let lines = lines();
        let mut twice = lines.clone();
        twice.insert(2, lines[1].clone());
        assert!(matches!(complete(&text(&twice)), Err(RecordError::DuplicateCase { line: 3, .. })));
        let inconsistent = |lines: &[String], part: &str| match complete(&text(lines)) {
            Err(RecordError::Inconsistent { what }) => assert!(what.contains(part), "{what}"),
            other => panic!("expected a contradiction, got {other:?}"),
        };
        let mut after = lines.clone();
        after.push(lines[1].clone());
        inconsistent(&after, "after the footer");
        let mut late = lines.clone();
        let case = late.remove(1);
        late.insert(late.len() - 1, case);
        inconsistent(&late, "a case after the summary");
        let mut two = lines.clone();
        two.insert(1, lines[0].clone());
        inconsistent(&two, "a second header");
        // A case that the footer counted is gone: it would be not run, and the counts say otherwise.
        let mut lost = lines.clone();
        lost.remove(1);
        inconsistent(&lost, "its footer");
        let mut header = sample::record().header;
        header.selected.pop();
        let mut bytes = Vec::new();
        write_line(&Line::Header(Box::new(header)), &mut bytes).expect("written");
        let mut strange = lines.clone();
        strange[0] = String::from_utf8(bytes).expect("UTF-8").trim_end().to_owned();
        inconsistent(&strange, "was not selected");
    }
}

//! The whole page as data: [`Page`].

use std::collections::{BTreeMap, HashMap};

use askama::Template;

use crate::model::clause::Level;
use crate::model::id::{CaseId, ClauseId};
use crate::model::verdict::{ClauseVerdict, Verdict};
use crate::record::{CaseRecord, Change, Record};
use crate::report::coverage;
use crate::report::known;
use crate::report::standing::{Standing, Standings};
use crate::report::text::{RunTexts, answer};
use crate::report::words;

use super::exchange::line;
use super::failure::{CaseLink, Section, sections};
use super::{Budget, Text};

/// Bytes of detail on one page.
const DETAILS: usize = 6_000_000;
/// Most violating cases linked from a clause.
const MAX_LINKS: usize = 10;
/// Most ledger entries listed.
const MAX_LEDGER: usize = 1000;
/// Most exchanges named in a case's row.
const MAX_LINES: usize = 10;

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page<'a> {
    style: &'a str,
    script: &'a str,
    style_hash: String,
    script_hash: String,
    target: Text,
    conclusion: Text,
    /// Style of the conclusion: `good`, `bad` or `open`.
    mood: &'static str,
    total: Text,
    took: String,
    exit_code: u8,
    exit_meaning: &'static str,
    interrupted: bool,
    reasons: Vec<Text>,
    warnings: Vec<Text>,
    counts: Vec<(&'static str, u64)>,
    levels: Vec<(String, Vec<usize>)>,
    sections: Vec<Section>,
    documents: Vec<DocumentView>,
    choices: Vec<ChoiceView>,
    operations: Vec<OperationView>,
    known: Vec<[Text; 5]>,
    not_run: Vec<ReasonView>,
    ledger: Vec<LedgerView>,
    more_ledger: usize,
    created: u64,
    removed: u64,
    left_behind: usize,
    cases: Vec<CaseView>,
    identity: Vec<(&'static str, Text)>,
}

/// Clauses of one document.
struct DocumentView {
    title: Text,
    violated: usize,
    sections: Vec<SectionView>,
}

/// Neighbouring clauses of one section.
struct SectionView {
    name: Text,
    clauses: Vec<ClauseView>,
}

struct ClauseView {
    id: Text,
    level: String,
    verdict: String,
    excluded: Text,
    held: u64,
    violated: u64,
    text: Text,
    violated_by: Vec<CaseLink>,
    more: usize,
    proven: &'static str,
}

struct ChoiceView {
    id: Text,
    question: Text,
    policy: String,
    settled: Text,
    readings: Vec<ReadingView>,
    other: u64,
    cases: usize,
}

struct ReadingView {
    text: Text,
    literal: bool,
    followed: u64,
}

struct OperationView {
    id: Text,
    call: Text,
    requests: u64,
    sent: Vec<(Text, u64, bool)>,
    rows: Vec<AnswerView>,
    never: Vec<Text>,
}

struct AnswerView {
    status: u16,
    media: Text,
    codes: Text,
    count: u64,
    undocumented: Text,
}

struct ReasonView {
    reason: Text,
    cases: usize,
    names: Vec<CaseLink>,
    more: usize,
}

struct LedgerView {
    case: CaseLink,
    step: Text,
    change: &'static str,
    kind: Text,
    id: Text,
    left: bool,
}

/// One row of the list of all cases.
struct CaseView {
    number: usize,
    id: Text,
    title: Text,
    verdict: &'static str,
    took: String,
    place: Text,
    why: Text,
    clauses: Text,
    exchanges: Vec<Text>,
    more: usize,
    notes: Vec<Text>,
    readings: Vec<Text>,
}

pub(super) fn page<'a>(
    record: &Record,
    style: &'a str,
    script: &'a str,
    style_hash: String,
    script_hash: String,
) -> Page<'a> {
    let numbers: HashMap<&CaseId, usize> =
        record.cases.iter().enumerate().map(|(number, case)| (&case.id, number)).collect();
    let texts = RunTexts::of_record(record);
    let standings = Standings::new(record);
    let mut budget = Budget { left: DETAILS };
    let footer = &record.footer;
    let conclusion = words::conclusion(record);
    let mood = match footer.exit.code() {
        0 if conclusion.starts_with("conformant") => "good",
        0 => "open",
        _ => "bad",
    };
    let (ledger, more_ledger) = ledger(record, &numbers);
    Page {
        style,
        script,
        style_hash,
        script_hash,
        target: Text::line(&record.header.target.name),
        conclusion: Text::line(&conclusion),
        mood,
        total: Text::line(&words::total_line(record)),
        took: words::duration(footer.elapsed_us),
        exit_code: footer.exit.code(),
        exit_meaning: footer.exit.meaning(),
        interrupted: footer.interrupted,
        reasons: footer.reasons.iter().map(|reason| Text::line(reason)).collect(),
        warnings: record.header.warnings.iter().map(|warning| Text::line(warning)).collect(),
        counts: footer.counts.named().into_iter().filter(|(_, count)| *count > 0).collect(),
        levels: levels(record),
        sections: sections(record, &numbers, &texts, &mut budget),
        documents: documents(record, &numbers),
        choices: choices(record),
        operations: operations(record),
        known: known::rows(&record.header).into_iter().map(|row| row.map(|text| Text::line(&text))).collect(),
        not_run: not_run(record, &numbers),
        ledger,
        more_ledger,
        created: footer.created,
        removed: footer.removed,
        left_behind: footer.left_behind.len(),
        cases: record.cases.iter().enumerate().map(|(number, case)| row(number, case, &standings)).collect(),
        identity: words::identity(&record.header).into_iter().map(|(name, value)| (name, Text::line(&value))).collect(),
    }
}

fn links<'a>(
    ids: impl IntoIterator<Item = &'a CaseId>,
    numbers: &HashMap<&CaseId, usize>,
    limit: usize,
) -> (Vec<CaseLink>, usize) {
    let mut known: Vec<CaseLink> = ids
        .into_iter()
        .filter_map(|id| numbers.get(id).map(|number| CaseLink { id: Text::line(id.as_str()), number: *number }))
        .collect();
    let more = known.len().saturating_sub(limit);
    known.truncate(limit);
    (known, more)
}

fn levels(record: &Record) -> Vec<(String, Vec<usize>)> {
    let clauses = &record.summary.clauses;
    let verdicts = [
        ClauseVerdict::Violated,
        ClauseVerdict::Inconclusive,
        ClauseVerdict::Held,
        ClauseVerdict::NotTested,
        ClauseVerdict::Excluded,
    ];
    let count = |level, verdict| clauses.iter().filter(|each| each.level == level && each.verdict == verdict).count();
    [Level::Stated, Level::Example, Level::Implied]
        .into_iter()
        .map(|level| (words::name(&level), verdicts.iter().map(|verdict| count(level, *verdict)).collect::<Vec<_>>()))
        .filter(|(_, counts)| counts.iter().any(|count| *count > 0))
        .collect()
}

fn documents(record: &Record, numbers: &HashMap<&CaseId, usize>) -> Vec<DocumentView> {
    let titles: HashMap<&str, &str> =
        record.header.suite.documents.iter().map(|each| (each.id.as_str(), each.title.as_str())).collect();
    let mut order: Vec<&str> = Vec::new();
    let mut found: HashMap<&str, DocumentView> = HashMap::new();
    for clause in &record.summary.clauses {
        let id = clause.document.as_str();
        let document = found.entry(id).or_insert_with(|| {
            order.push(id);
            let title = titles.get(id).copied().unwrap_or(if id.is_empty() { "Unknown document" } else { id });
            DocumentView { title: Text::line(title), violated: 0, sections: Vec::new() }
        });
        document.violated += usize::from(clause.verdict == ClauseVerdict::Violated);
        let name = Text::line(&clause.section);
        let (violated_by, more) = links(&clause.violated_by, numbers, MAX_LINKS);
        let view = ClauseView {
            id: Text::line(clause.id.as_str()),
            level: words::name(&clause.level),
            verdict: words::name(&clause.verdict),
            excluded: Text::line(clause.excluded.as_deref().unwrap_or_default()),
            held: clause.held,
            violated: clause.violated,
            text: Text::line(&clause.text),
            violated_by,
            more,
            proven: match clause.proven {
                Some(true) => "proven: a violation is noticed",
                Some(false) => "unproven: a violation is not noticed",
                None => "",
            },
        };
        match document.sections.last_mut() {
            Some(section) if section.name == name => section.clauses.push(view),
            _ => document.sections.push(SectionView { name, clauses: vec![view] }),
        }
    }
    order.into_iter().filter_map(|id| found.remove(id)).collect()
}

fn choices(record: &Record) -> Vec<ChoiceView> {
    let view = |choice: &crate::record::ChoiceRecord| ChoiceView {
        id: Text::line(choice.id.as_str()),
        question: Text::line(&choice.question),
        policy: words::name(&choice.policy),
        settled: Text::line(choice.settled.as_deref().unwrap_or_default()),
        readings: choice
            .readings
            .iter()
            .enumerate()
            .map(|(at, reading)| ReadingView {
                text: Text::line(&reading.text),
                literal: reading.literal,
                followed: choice.followed.get(at).copied().unwrap_or(0),
            })
            .collect(),
        other: choice.other,
        cases: choice.cases.len(),
    };
    record.summary.choices.iter().map(view).collect()
}

fn operations(record: &Record) -> Vec<OperationView> {
    coverage::views(record)
        .into_iter()
        .map(|view| OperationView {
            id: Text::line(view.id),
            call: Text::line(&format!("{} {}", view.method, view.path)),
            requests: view.requests,
            sent: view.sent.iter().map(|sent| (Text::line(&sent.media), sent.count, sent.documented)).collect(),
            rows: view
                .rows
                .iter()
                .map(|row| AnswerView {
                    status: row.status,
                    media: Text::short(&row.media, 200),
                    codes: Text::short(&row.codes, 400),
                    count: row.count,
                    undocumented: Text::line(&row.undocumented),
                })
                .collect(),
            never: view.never.iter().map(|never| Text::line(never)).collect(),
        })
        .collect()
}

fn not_run(record: &Record, numbers: &HashMap<&CaseId, usize>) -> Vec<ReasonView> {
    let mut reasons: BTreeMap<String, Vec<&CaseId>> = BTreeMap::new();
    for case in &record.cases {
        let reason = match &case.outcome {
            Verdict::Skipped { .. } => words::cause(&case.outcome).unwrap_or_default(),
            Verdict::NotRun { detail } => format!("not-run: {detail}"),
            _ => continue,
        };
        reasons.entry(reason).or_default().push(&case.id);
    }
    reasons
        .into_iter()
        .map(|(reason, ids)| {
            let cases = ids.len();
            let (names, more) = links(ids, numbers, 50);
            ReasonView { reason: Text::short(&reason, 500), cases, names, more }
        })
        .collect()
}

fn ledger(record: &Record, numbers: &HashMap<&CaseId, usize>) -> (Vec<LedgerView>, usize) {
    let left = &record.footer.left_behind;
    let entries = record.cases.iter().flat_map(|case| case.ledger.iter().map(move |entry| (case, entry)));
    let mut views: Vec<LedgerView> = entries
        .clone()
        .take(MAX_LEDGER)
        .map(|(case, entry)| LedgerView {
            case: CaseLink {
                id: Text::line(case.id.as_str()),
                number: numbers.get(&case.id).copied().unwrap_or_default(),
            },
            step: Text::line(&entry.step),
            change: match entry.change {
                Change::Created => "created",
                Change::Removed => "removed",
            },
            kind: Text::line(&entry.kind),
            id: Text::short(&entry.id, 300),
            left: entry.change == Change::Created && left.contains(entry),
        })
        .collect();
    views.sort_by_key(|view| !view.left);
    (views, entries.count().saturating_sub(MAX_LEDGER))
}

fn row(number: usize, case: &CaseRecord, standings: &Standings<'_>) -> CaseView {
    let passed = standings.of(case) == Standing::Passed;
    let noted = |kind: &str, each: &crate::model::judgement::Mismatch| {
        let place = words::place(each);
        Text::short(&format!("{kind} {place}: expected {}, actual {}", each.expected, each.actual), 300)
    };
    let judgement = &case.judgement;
    let notes = judgement.unmet.iter().map(|each| noted("wanted", each));
    let notes = notes.chain(judgement.notes.iter().map(|each| noted("noted", each)));
    let ids: Vec<&str> = case.clauses.iter().map(ClauseId::as_str).collect();
    CaseView {
        number,
        id: Text::line(case.id.as_str()),
        title: Text::line(&case.title),
        verdict: words::verdict(&case.outcome),
        took: words::duration(case.elapsed_us),
        place: if case.source.file.is_empty() {
            Text::default()
        } else {
            Text::line(&format!("{}:{}", case.source.file, case.source.line))
        },
        why: if passed { Text::default() } else { Text::short(&words::in_one_line(case), 300) },
        clauses: Text::short(&ids.join(", "), 300),
        exchanges: case
            .exchanges
            .iter()
            .take(MAX_LINES)
            .map(|exchange| {
                let took = words::duration(exchange.elapsed_us);
                Text(format!("{} → {} in {took}", line(exchange), answer(exchange)))
            })
            .collect(),
        more: case.exchanges.len().saturating_sub(MAX_LINES),
        notes: notes.take(10).collect(),
        readings: judgement
            .readings
            .iter()
            .filter(|followed| followed.readings.len() < 2)
            .take(10)
            .map(|followed| {
                let reading = followed.readings.first().map_or("none of its readings", String::as_str);
                Text::short(&format!("{} follows {reading}", followed.choice), 200)
            })
            .collect(),
    }
}

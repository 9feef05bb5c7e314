//! A record with every verdict and with text of a hostile service in it, for tests of everything that reads records.

use std::sync::Arc;

use crate::model::clause::{
    Choice, ChoicePolicy, Clause, Document, DocumentedCode, DocumentedStatus, Level, Operation, Origin, Reading,
};
use crate::model::id::{CaseId, ChoiceId, ClauseId};
use crate::model::judgement::{Judgement, Mismatch, MismatchKind, Part, ReadingFollowed};
use crate::model::source::SourceRef;
use crate::model::spec::{Effect, StepRole};
use crate::model::tally::{CheckTally, Tallies};
use crate::model::target::{Identity, KnownFailure, TargetClass};
use crate::model::verdict::{Exit, SkipCode, Stage, Verdict};

use super::{
    BodyDiff, BodyRecord, CaseRecord, Change, Counts, ErrorRecord, ExchangeRecord, Footer, Header, KnownEntry,
    LedgerEntry, RECORD_VERSION, Record, ResponseRecord, SuiteRecord, Summary,
};

/// Text that breaks every format that does not escape it.
pub const HOSTILE: &str = "]]> </script><script>alert(1)</script> -->\n::error::x ##[error]y ##vso[z]\n\u{1b}[2J \u{fffe} \u{202e}abc \u{9b}31m \0 | `ticks` ```` <b> @me [l](http://h) 100% {{ x }} \\ \u{feff}é🎵\r\n";

/// The record.
#[must_use]
pub fn record() -> Record {
    let cases = cases();
    let clauses = clauses();
    let operations = operations();
    let base_urls = vec![("groove".to_owned(), "https://api.example.test/base".to_owned())];
    let mut summary = Summary::new(&clauses, &choices(), &operations).with_base_urls(&base_urls);
    cases.iter().for_each(|case| summary.add(case));
    let mut counts = Counts::default();
    cases.iter().for_each(|case| counts.add(&case.outcome));
    let (left_behind, created, removed) = super::read::ledger(cases.iter());
    let header = Header {
        record_version: RECORD_VERSION,
        casebook_version: "0.1.0".to_owned(),
        run_id: "20260102T030405Z-7f3a".to_owned(),
        started: "2026-01-02T03:04:05.678Z".to_owned(),
        seed: 42,
        strict: false,
        level: Level::Implied,
        suite: SuiteRecord {
            hash: "5e".repeat(32),
            cases: 20,
            documents: vec![Document {
                id: "groove-collection-add".to_owned(),
                title: "Add to collection".to_owned(),
                publisher: Some("Example Press".to_owned()),
                version: None,
                sha256: "d0".repeat(32),
                bytes: 12_345,
            }],
            operations,
        },
        target: Identity {
            name: "staging".to_owned(),
            product: "Example Music".to_owned(),
            version: "1.2 <beta>".to_owned(),
            operator: "Example Ops".to_owned(),
            class: TargetClass::Real,
        },
        base_urls,
        config_hash: "c0".repeat(32),
        selected: cases.iter().map(|case| case.id.clone()).collect(),
        shard: None,
        repeat: 3,
        transport_retries: 0,
        known: vec![KnownEntry {
            entry: KnownFailure {
                case: Some("groove/add/known".to_owned()),
                clause: None,
                check: None,
                got: None,
                reason: "ticket 12".to_owned(),
                issue: Some("https://issues.example.test/12".to_owned()),
                expires: Some("2026-12-31".to_owned()),
                flaky: false,
            },
            cases: 1,
        }],
        warnings: vec!["certificates are not checked (--insecure)".to_owned()],
        rerun: ["--target", "targets/the staging.toml", "--insecure"].map(str::to_owned).to_vec(),
    };
    let footer = Footer {
        counts,
        exit: Exit::Nonconformant,
        reasons: vec!["2 clauses are violated".to_owned()],
        left_behind,
        created,
        removed,
        interrupted: false,
        probes: Vec::new(),
        elapsed_us: 2_345_678,
    };
    Record { header, cases, summary: summary.finish(), footer }
}

/// Clauses of the sample.
#[must_use]
pub fn clauses() -> Vec<Clause> {
    let clause = |id: &str, section: &str, level, text: &str, excluded: Option<&str>| Clause {
        id: ClauseId::new(id),
        document: "groove-collection-add".to_owned(),
        section: section.to_owned(),
        level,
        text: text.to_owned(),
        excluded: excluded.map(str::to_owned),
        source: source(1),
    };
    vec![
        clause("GRV-ADD-01", "Request", Level::Stated, "The tracks are named by id.", None),
        clause("GRV-ADD-05", "Response", Level::Stated, "A batch that could be read answers 200.", None),
        clause("GRV-ADD-21", "Response", Level::Example, "Each result names its | input.", None),
        clause("GRV-ADD-22", "Response", Level::Implied, "Results are in the order of the inputs.", None),
        clause("GRV-ADD-30", "Errors", Level::Stated, "An unknown id is told by its error code.", None),
        clause("GRV-ADD-31", "Errors", Level::Stated, "Too many ids are refused.", None),
        clause("GRV-ADD-90", "Remarks", Level::Stated, "The service may be slow.", Some("nothing can prove a may")),
    ]
}

/// Choices of the sample.
#[must_use]
pub fn choices() -> Vec<Choice> {
    let reading = |id: &str, text: &str, literal| Reading { id: id.to_owned(), text: text.to_owned(), literal };
    vec![
        Choice {
            id: ChoiceId::new("A-05"),
            document: "groove-collection-add".to_owned(),
            question: "Are ids echoed in upper case?".to_owned(),
            clauses: vec![ClauseId::new("GRV-ADD-21")],
            policy: ChoicePolicy::Lenient,
            uniform: false,
            settled: None,
            readings: vec![
                reading("upper", "In upper case, as in the example.", true),
                reading("as-sent", "As sent.", false),
            ],
            source: source(2),
        },
        Choice {
            id: ChoiceId::new("A-06"),
            document: "groove-collection-add".to_owned(),
            question: "Which is the limit?".to_owned(),
            clauses: Vec::new(),
            policy: ChoicePolicy::Settled,
            uniform: false,
            settled: Some("100, since the remarks say so.".to_owned()),
            readings: Vec::new(),
            source: source(3),
        },
    ]
}

/// Operations of the sample.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let status = |status, source| DocumentedStatus { status, source, clauses: Vec::new() };
    let code =
        |code: &str, status, source| DocumentedCode { code: code.to_owned(), status, source, clauses: Vec::new() };
    vec![
        Operation {
            id: "groove-add".to_owned(),
            method: "POST".to_owned(),
            path: "/1/content/{namespace}/collection/add".to_owned(),
            request_media: vec!["application/json".to_owned(), "application/xml".to_owned()],
            response_media: vec!["application/json".to_owned()],
            statuses: vec![status(200, Origin::Stated), status(401, Origin::Implied)],
            codes: vec![
                code("COLLECTION_INVALID_ID", 200, Origin::Example),
                code("ACCESS_TOKEN_EXPIRED", 401, Origin::Referenced),
            ],
        },
        Operation {
            id: "groove-read".to_owned(),
            method: "GET".to_owned(),
            path: "/1/content/{namespace}/collection/tracks".to_owned(),
            request_media: Vec::new(),
            response_media: vec!["application/json".to_owned()],
            statuses: vec![status(200, Origin::Referenced)],
            codes: Vec::new(),
        },
    ]
}

fn source(line: u32) -> SourceRef {
    SourceRef { file: Arc::from("cases/groove/add.toml"), line }
}

/// A case that passed, with one exchange.
#[must_use]
pub fn case(id: &str, line: u32, title: &str, outcome: Verdict) -> CaseRecord {
    CaseRecord {
        id: CaseId::new(id),
        title: title.to_owned(),
        service: "groove".to_owned(),
        clauses: vec![ClauseId::new("GRV-ADD-05")],
        tags: vec!["documented-example".to_owned()],
        effect: Effect::Write,
        source: source(line),
        outcome,
        observe: false,
        judgement: Judgement { checks: tally(&["GRV-ADD-05"], "status", 1, 0), ..Judgement::default() },
        exchanges: vec![exchange(200, "{\"TrackActionResults\":[]}")],
        diffs: Vec::new(),
        teardown_problems: Vec::new(),
        ledger: Vec::new(),
        started_us: u64::from(line) * 1000,
        elapsed_us: 12_345,
    }
}

/// One check of the main step.
fn tally(clauses: &[&str], check: &str, held: u32, violated: u32) -> Tallies {
    let clauses = &clauses.iter().map(|id| ClauseId::new(id)).collect();
    [CheckTally { step: "main", check, clauses, held, violated, loose: false }].into_iter().collect()
}

fn body(text: &str) -> BodyRecord {
    BodyRecord { bytes: text.len() as u64, text: Some(text.to_owned()), base64: None, cut: false }
}

fn exchange(status: u16, answer: &str) -> ExchangeRecord {
    ExchangeRecord {
        step: "main".to_owned(),
        role: StepRole::Main,
        method: "POST".to_owned(),
        url: "https://api.example.test/base/1/content/music/collection/add?accessToken=$GROOVE_ACCESS_TOKEN".to_owned(),
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("authorization".to_owned(), "Bearer $GROOVE_USER_TOKEN".to_owned()),
        ],
        body: Some(body("{\"TrackIds\":[\"it's\"]}")),
        response: Some(ResponseRecord {
            status,
            reason: Some("OK".to_owned()),
            version: "HTTP/1.1".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())],
            body: body(answer),
        }),
        error: None,
        attempts: 1,
        redirects: Vec::new(),
        waits: Vec::new(),
        started_us: 1000,
        elapsed_us: 10_000,
    }
}

/// A mismatch.
#[must_use]
pub fn mismatch(clause: &str, part: Part, place: &str, kind: MismatchKind, expected: &str, actual: &str) -> Mismatch {
    Mismatch {
        step: "main".to_owned(),
        part,
        place: place.to_owned(),
        check: if part == Part::Status { "status".to_owned() } else { format!("json:{place}") },
        kind,
        expected: expected.to_owned(),
        actual: actual.to_owned(),
        types: None,
        clauses: vec![ClauseId::new(clause)],
    }
}

/// A case that failed with these mismatches.
#[must_use]
pub fn failed(id: &str, line: u32, title: &str, mismatches: Vec<Mismatch>) -> CaseRecord {
    let mut failed = case(id, line, title, Verdict::Failed);
    failed.clauses = mismatches.iter().flat_map(|each| each.clauses.iter().cloned()).collect();
    failed.judgement.checks.clear();
    for each in &mismatches {
        let clauses: Vec<&str> = each.clauses.iter().map(ClauseId::as_str).collect();
        failed.judgement.checks.append(tally(&clauses, &each.check, 0, 1));
    }
    failed.judgement.mismatches = mismatches;
    failed
}

/// Cases of the sample, sorted by id.
#[must_use]
pub fn cases() -> Vec<CaseRecord> {
    let mut cases = vec![
        case("groove/add/one-track", 10, "One known track is added", Verdict::Passed),
        hostile(),
        batch(100),
        batch(101),
        typed(),
        errored(),
        case(
            "groove/add/late",
            70,
            "A late answer",
            Verdict::Blocked { step: "make".to_owned(), detail: "the capture id found nothing".to_owned() },
        ),
        case("groove/add/flaky", 80, "Now and then", Verdict::Flaky { passed: 2, runs: 3 }),
        case(
            "groove/add/no-fixture",
            90,
            "Needs a second user",
            Verdict::Skipped {
                code: SkipCode::MissingFixture,
                detail: "the target has no groove.other_user".to_owned(),
            },
        ),
        case(
            "groove/add/strict",
            91,
            "Only with --strict",
            Verdict::Skipped { code: SkipCode::StrictOnly, detail: "runs only with --strict".to_owned() },
        ),
        case("groove/add/stopped", 95, "Not reached", Verdict::NotRun { detail: "stopped after a failure".to_owned() }),
        case("groove/add/mended", 97, "Mended", Verdict::UnexpectedPass { reason: "was broken".to_owned() }),
    ];
    cases.push(known());
    cases.push(observed());
    for case in &mut cases {
        if matches!(case.outcome, Verdict::Skipped { .. } | Verdict::NotRun { .. } | Verdict::Blocked { .. }) {
            case.exchanges.clear();
            case.judgement = Judgement::default();
        }
    }
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    cases
}

fn hostile() -> CaseRecord {
    let long = "x".repeat(5000);
    let mut hostile = failed(
        "groove/add/hostile",
        20,
        "An answer with | and `ticks` is only quoted",
        vec![
            mismatch("GRV-ADD-21", Part::Body, "/Error/Description", MismatchKind::Value, "\"ok\"", HOSTILE),
            mismatch("GRV-ADD-21", Part::Body, "/Long", MismatchKind::Value, "\"y\"", &long),
        ],
    );
    hostile.exchanges = vec![exchange(200, HOSTILE)];
    hostile.diffs = vec![BodyDiff {
        step: "main".to_owned(),
        expected: "first\n```\nlast\n".to_owned(),
        actual: format!("first\n::error::x\n{HOSTILE}{long}\n"),
    }];
    hostile.teardown_problems = vec![format!("remove: expected 204, actual 500 {HOSTILE}")];
    hostile.ledger = vec![LedgerEntry {
        step: "main".to_owned(),
        kind: "track".to_owned(),
        id: "music.1".to_owned(),
        change: Change::Created,
    }];
    hostile
}

fn batch(size: u32) -> CaseRecord {
    failed(
        &format!("groove/add/batch-size[{size}]"),
        30,
        &format!("{size} ids"),
        vec![mismatch("GRV-ADD-31", Part::Status, "", MismatchKind::Value, "400", "500")],
    )
}

fn typed() -> CaseRecord {
    let mut wrong = mismatch("GRV-ADD-21", Part::Body, "/Count", MismatchKind::Type, "2", "\"2\"");
    wrong.types = Some(("number".to_owned(), "string".to_owned()));
    let missing = mismatch("GRV-ADD-30", Part::Body, "/Error", MismatchKind::Missing, "{\n  \"a\": 1\n}", "");
    let mut typed = failed("groove/add/typed", 50, "A number is no string", vec![wrong, missing]);
    let tail: String = (0..20).map(|n| format!("  \"Same{n}\": null,\n")).collect();
    typed.diffs = vec![BodyDiff {
        step: "main".to_owned(),
        expected: format!("{{\n  \"Count\": 2,\n{tail}  \"Error\": {{\n    \"a\": 1\n  }}\n}}\n"),
        actual: format!("{{\n  \"Count\": \"2\",\n{tail}  \"Last\": true\n}}\n"),
    }];
    typed
}

fn errored() -> CaseRecord {
    let detail = "no answer within 10 s";
    let mut errored = case(
        "groove/add/slow",
        60,
        "A slow answer",
        Verdict::Errored { stage: Stage::Timeout, detail: detail.to_owned() },
    );
    errored.clauses = vec![ClauseId::new("GRV-ADD-22")];
    errored.judgement.checks.clear();
    for exchange in &mut errored.exchanges {
        exchange.response = None;
        exchange.error = Some(ErrorRecord { stage: Stage::Timeout, detail: detail.to_owned() });
    }
    errored
}

fn known() -> CaseRecord {
    let mut known = failed(
        "groove/add/known",
        98,
        "Known to fail",
        vec![mismatch("GRV-ADD-30", Part::Status, "", MismatchKind::Value, "401", "403")],
    );
    known.outcome = Verdict::KnownFailure { reason: "ticket 12".to_owned() };
    known.exchanges = vec![exchange(403, "{\"Error\":{\"ErrorCode\":\"COLLECTION_INVALID_ID\"}}")];
    known
}

fn observed() -> CaseRecord {
    let mut observed = case("groove/add/observed", 99, "Which case do ids have?", Verdict::Observed);
    observed.observe = true;
    observed.judgement.readings = vec![ReadingFollowed {
        choice: ChoiceId::new("A-05"),
        readings: vec!["upper".to_owned()],
        step: "main".to_owned(),
        place: "/TrackActionResults/0/InputId".to_owned(),
    }];
    observed.judgement.unmet = vec![mismatch("GRV-ADD-22", Part::Header, "etag", MismatchKind::Missing, "present", "")];
    observed.judgement.notes =
        vec![mismatch("GRV-ADD-21", Part::Body, "/Extra", MismatchKind::Unexpected, "absent", "1")];
    observed
}

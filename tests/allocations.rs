//! Guards speed by counting, which a busy machine does not disturb: how often memory is asked for on the path of one
//! more case, and that what is held does not grow with cases. Each bound is some way above what was counted when it was
//! set; a change that goes over it has put work on the path of every case.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use casebook::event::RunEvent;
use casebook::load;
use casebook::model::exchange::{PreparedRequest, Response};
use casebook::model::target::Target;
use casebook::plan;
use casebook::record::{CaseRecord, Line, Places, Stored, sample, write_line};
use casebook::redact::Redactor;
use casebook::report::{Format, render_stored};
use casebook::runner::{self, Plan, RunOptions, Stop};
use casebook::transport::{Transport, TransportError};

const BODY: &str = r#"{"Id":"6f9619ff-8b86-d011-b42d-00cf4fc964ff","Name":"Harbor lights","Count":3,"Rating":4.5,"Public":true,"Owner":{"Login":"ada.harbor","Name":"Ada Harbor"},"Tags":["sea","night","slow"],"Tracks":[{"Id":"A1","Seconds":213},{"Id":"B2","Seconds":187},{"Id":"C3","Seconds":240}],"Next":null}"#;

/// Answers everything at once.
struct Instant;

impl Transport for Instant {
    async fn send(&self, _: &PreparedRequest) -> Result<Response, TransportError> {
        Ok(Response {
            status: 200,
            reason: None,
            version: "HTTP/1.1",
            headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
            body: Bytes::from_static(BODY.as_bytes()),
            wire_bytes: BODY.len() as u64,
        })
    }
}

fn write_suite(dir: &Path, cases: usize) {
    let clauses = "[document]\nid = \"d\"\ntitle = \"D\"\nsha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\nbytes = 1\n[[clause]]\nid = \"X-01\"\nsection = \"S\"\nlevel = \"stated\"\ntext = \"One.\"\n";
    std::fs::write(dir.join("clauses.toml"), clauses).expect("written");
    std::fs::write(dir.join("service.toml"), "[service]\nid = \"g\"\ntitle = \"G\"\n").expect("written");
    let mut text = "suite = \"a\"\nservice = \"g\"\n".to_owned();
    for case in 0..cases {
        let _ = write!(
            text,
            "[[case]]\nid = \"c{case:05}\"\ntitle = \"One\"\nclauses = [\"X-01\"]\n[case.request]\nmethod = \"GET\"\npath = \"/item/{case}\"\n[case.expect]\nstatus = 200\njson = '''\n{BODY}'''\n"
        );
    }
    std::fs::write(dir.join("a.toml"), text).expect("written");
}

/// What a run of so many cases asks for, the lines of its record included.
fn run(cases: usize) -> AllocationInfo {
    let dir = tempfile::tempdir().expect("a directory");
    write_suite(dir.path(), cases);
    let suite = Arc::new(load::suite(dir.path()).expect("a suite"));
    let mut target = Target::unnamed();
    plan::set_base_urls(&mut target, &["http://127.0.0.1:1".to_owned()], &suite).expect("no error");
    let all: Vec<usize> = (0..suite.cases.len()).collect();
    let planned = plan::cases(&suite, &target, &all, false);
    let plan = Plan { suite, target: Arc::new(target), cases: planned, options: RunOptions::default() };
    let redactor = Arc::new(Redactor::new([("token", "Bearer 6a0c41f2-kq7zt0yw3nue5lrv")]).expect("no error"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut passed = 0;
    let counted = measure(|| {
        runtime.block_on(async {
            let (sender, mut events) = tokio::sync::mpsc::channel(64);
            let written = async {
                while let Some(event) = events.recv().await {
                    if let RunEvent::CaseFinished(case) = event {
                        let case = case.record();
                        passed += usize::from(case.outcome == casebook::model::verdict::Verdict::Passed);
                        write_line(&Line::Case(case), &mut std::io::sink()).expect("no error");
                    }
                }
            };
            tokio::join!(runner::run(plan, Arc::new(Instant), redactor, "1", Stop::default(), sender), written);
        });
    });
    assert_eq!(passed, cases);
    counted
}

#[test]
fn a_case_asks_for_memory_as_often_as_it_did() {
    // What is kept of cases for those like them is there after the first.
    run(10);
    let (few, many) = (run(300), run(800));
    let each = (many.count_total - few.count_total) / 500;
    assert!(each <= 80, "{each} requests for memory for one more case");
    let bytes = (many.bytes_total - few.bytes_total) / 500;
    assert!(bytes <= 14_500, "{bytes} bytes for one more case");
    let held = (many.bytes_max - few.bytes_max) / 500;
    assert!(held <= 64, "{held} bytes are held for one more case while the run goes on");
}

/// Memory that the JSON report of so many cases takes while it is written.
fn report(cases: usize) -> u64 {
    let record = sample::record();
    let passed = |case: &&CaseRecord| case.outcome == casebook::model::verdict::Verdict::Passed;
    let one = record.cases.iter().find(passed).expect("no error");
    let (mut file, mut places) = (Vec::new(), Places::default());
    for case in 0..cases {
        let mut case = CaseRecord { id: casebook::model::id::CaseId::new(&format!("a/{case:06}")), ..one.clone() };
        case.title = "x".repeat(500);
        let (id, outcome) = (case.id.clone(), case.outcome.clone());
        let bytes = write_line(&Line::Case(Box::new(case)), &mut file).expect("no error");
        places.add(&id, &outcome, bytes);
    }
    let (header, summary, mut footer) = (record.header, record.summary, record.footer);
    footer.counts = Default::default();
    footer.counts.passed = cases as u64;
    let stored = Stored::open(std::io::Cursor::new(file), places, header, summary, footer).expect("no error");
    let mut stored = stored.expect("all passed");
    let counted = measure(|| {
        let (head, mut lines) = stored.split();
        render_stored(Format::Json, head, &mut lines, &mut std::io::sink()).expect("no error");
    });
    counted.bytes_max
}

#[test]
fn a_report_takes_no_more_memory_for_more_cases() {
    let (few, many) = (report(100), report(2_000));
    assert!(many <= few + 4096, "{few} bytes for 100 cases, {many} for 2,000");
}

#[test]
fn looking_for_secrets_is_made_ready_as_cheaply_as_it_was() {
    let secrets: Vec<String> =
        (0..10).map(|n| format!("Bearer http%3a%2f%2fa.test%2f{n}&Key=c2VjcmV0{n}aGVyZQ%3d")).collect();
    let counted = measure(|| {
        drop(Redactor::new(secrets.iter().map(|value| ("token", value.as_str()))).expect("no error"));
    });
    let each = counted.count_total / 10;
    assert!(each <= 220, "{each} requests for memory for one secret");
}

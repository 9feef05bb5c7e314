use std::collections::BTreeMap;

use super::*;
use crate::case::{self, SourceFile};
use crate::event::RunEvent;
use crate::model::exchange::PreparedRequest;
use crate::model::target::{Identity, Target, TargetClass};
use crate::prove::mutants::Operator;
use crate::prove::survivors::Survivor;
use crate::redact::Redactor;
use crate::runner::{Plan, PlannedCase, RunOptions, Stop, run_heard};
use crate::transport::{Transport, TransportError};

const CLAUSES: &str = r#"
[document]
id = "doc"
title = "Doc"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
bytes = 1
[[clause]]
id = "X-01"
section = "S"
level = "stated"
text = "One."
[[operation]]
id = "get-thing"
method = "GET"
path = "/things/{id}"
request_media = []
response_media = ["application/json"]
"#;

const SERVICE: &str = r#"
[service]
id = "g"
title = "G"
extra = "note"
query_style = "percent"
timeout_ms = 1500
"#;

fn suite(cases: &str) -> Suite {
    let file = |path: &str, text: String| SourceFile { path: Arc::from(path), text };
    let cases = format!("suite = \"g/a\"\nservice = \"g\"\n{cases}");
    let files =
        [file("clauses.toml", CLAUSES.to_owned()), file("service.toml", SERVICE.to_owned()), file("a.toml", cases)];
    case::read(&files, &|_| Err("no such file".to_owned()))
        .unwrap_or_else(|found| panic!("{}", case::render(&found, &files, false)))
}

/// Answers each path with a JSON body.
struct Canned(BTreeMap<&'static str, &'static str>);

impl Transport for Canned {
    async fn send(&self, request: &PreparedRequest) -> Result<Response, TransportError> {
        let body = self.0.get(request.target.as_str()).copied().unwrap_or("{}");
        Ok(Response {
            status: 200,
            reason: None,
            version: "HTTP/1.1",
            headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
            body: Bytes::from_static(body.as_bytes()),
            wire_bytes: 0,
        })
    }
}

fn report(cases: &str, answers: &[(&'static str, &'static str)]) -> MutantReport {
    let suite = Arc::new(suite(cases));
    let identity = Identity {
        name: "t".to_owned(),
        product: String::new(),
        version: String::new(),
        operator: String::new(),
        class: TargetClass::Mock,
    };
    let target = Target {
        identity,
        services: BTreeMap::from([("g".to_owned(), "http://127.0.0.1:1".to_owned())]),
        values: BTreeMap::new(),
        secrets: Vec::new(),
        auth: BTreeMap::new(),
        headers: Vec::new(),
        connection: Default::default(),
        safety: crate::model::target::Safety::default(),
        limits: crate::model::target::Limits::default(),
        known: Vec::new(),
    };
    let planned = (0..suite.cases.len()).map(|index| PlannedCase { index, skip: None }).collect();
    let plan = Plan { suite: suite.clone(), target: Arc::new(target), cases: planned, options: RunOptions::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let testimonies = runtime.block_on(async {
        let (events, mut finished) = tokio::sync::mpsc::channel(100);
        let (listener, mut heard) = tokio::sync::mpsc::channel(100);
        let transport = Arc::new(Canned(answers.iter().copied().collect()));
        let redactor = Arc::new(Redactor::new(std::iter::empty()).unwrap());
        run_heard(plan, transport, redactor, "r", Stop::default(), events, Some(listener)).await;
        while let Some(event) = finished.recv().await {
            if let RunEvent::CaseFinished(case) = event {
                let case = case.record();
                assert!(matches!(case.outcome, Verdict::Passed | Verdict::Observed | Verdict::Failed), "{case:?}");
            }
        }
        let mut all = Vec::new();
        while let Some(testimony) = heard.recv().await {
            all.push(testimony);
        }
        all
    });
    let mut jury = Jury::new(&suite, false);
    let number: u64 = testimonies.iter().map(|testimony| jury.hear(testimony)).sum();
    let report = jury.finish();
    assert_eq!(report.generated, number);
    assert_eq!(report.operators.iter().map(|each| each.killed).sum::<u64>(), report.killed);
    report
}

fn case_of(id: &str, body: &str, rest: &str) -> String {
    format!(
        "[[case]]\nid = \"{id}\"\ntitle = \"T\"\nclauses = [\"X-01\"]\nrequest = {{ method = \"GET\", path = \"/things/1\" }}\n\
         {rest}\n[case.expect]\nstatus = 200\nheaders.content-type = {{ media = \"application/json\" }}\n{body}\n"
    )
}

fn at(report: &MutantReport, place: &str) -> Vec<(Operator, Option<String>)> {
    let here = |each: &&Survivor| each.place == place && each.part == Part::Body;
    let reason = |each: &Survivor| each.deliberate.as_ref().map(ToString::to_string);
    report.survived.iter().filter(here).map(|each| (each.operator, reason(each))).collect()
}

#[test]
fn what_one_case_checks_another_need_not() {
    let answers = [("/things/1", r#"{"a":1,"b":2}"#)];
    let loose = case_of("loose", r#"json = '{"a": 1}'"#, "");
    let alone = report(&loose, &answers);
    assert!(at(&alone, "/b").contains(&(Operator::PlusOne, None)));
    assert_eq!(at(&alone, "/a"), []);
    assert_eq!(at(&alone, ""), [(Operator::Added, Some("extra = \"note\"".to_owned()))]);
    let survivor = alone.negligent().next().unwrap();
    assert_eq!((survivor.operation.as_str(), survivor.status), ("get-thing", 200));
    assert_eq!(survivor.cases, [crate::model::id::CaseId::new("g/a/loose")]);
    let both = report(&(loose + &case_of("tight", r#"json = '{"a": 1, "b": {"$range": {"min": 2}}}'"#, "")), &answers);
    assert_eq!(both.negligent().count(), 0, "{:#?}", both.survived);
    assert_eq!(at(&both, "/b"), [(Operator::PlusOne, Some("$range".to_owned()))]);
    assert_eq!((both.cases, both.answers), (2, 2));
    assert!(both.clauses[&crate::model::id::ClauseId::new("X-01")] > 10);
}

#[test]
fn a_case_that_failed_proves_nothing() {
    let report = report(&case_of("wrong", r#"json = '{"a": 2}'"#, ""), &[("/things/1", r#"{"a":1}"#)]);
    assert_eq!((report.cases, report.generated), (0, 0));
}

#[test]
fn observing_is_no_negligence() {
    let observed = case_of("seen", r#"json = '{"a": 1}'"#, "observe = true");
    let report = report(&observed, &[("/things/1", r#"{"a":1,"b":2}"#)]);
    assert!(at(&report, "/b").contains(&(Operator::PlusOne, Some("observe".to_owned()))));
    assert_eq!(report.negligent().count(), 0);
}

#[test]
fn captured_values_are_followed_to_the_checks() {
    let check = "[[case.check]]\ntitle = \"B\"\nvalue = \"${main.b}\"\nis = '2'\n";
    let case = case_of("kept", r#"json = '{"a": 1}'"#, "capture.b = { json = \"/b\" }") + check;
    let report = report(&case, &[("/things/1", r#"{"a":1,"b":2}"#)]);
    assert_eq!(at(&report, "/b"), [], "{:#?}", report.survived);
}

#[test]
fn captured_values_are_followed_to_later_steps() {
    let step = |id: &str, path: &str, capture: &str, json: &str| {
        format!(
            "[[case.step]]\nid = \"{id}\"\n{capture}\nrequest = {{ method = \"GET\", path = \"{path}\" }}\n\
             [case.step.expect]\nstatus = 200\njson = '{json}'\n"
        )
    };
    let head = "[[case]]\nid = \"two\"\ntitle = \"T\"\nclauses = [\"X-01\"]\n";
    let first = step("first", "/things/1", "capture = { b = { json = \"/b\" }, c = { json = \"/c\" } }", r#"{"a": 1}"#);
    let second = step("second", "/things/${first.c}", "", r#"{"b": "${first.b}"}"#);
    let answers = [("/things/1", r#"{"a":1,"b":2,"c":"3"}"#), ("/things/3", r#"{"b":2}"#)];
    let report = report(&format!("{head}{first}{second}"), &answers);
    assert_eq!(at(&report, "/b"), [], "the second answer would not match");
    let later = Some("captured as `first.c` for later steps".to_owned());
    assert!(at(&report, "/c").contains(&(Operator::Character, later)), "{:#?}", at(&report, "/c"));
    assert!(
        !at(&report, "/c").iter().any(|(operator, _)| *operator == Operator::Removed),
        "a capture would find nothing"
    );
}

#[test]
fn an_undocumented_call_is_named_by_its_path() {
    let other = case_of("x", r#"body = "unchecked""#, "").replace("/things/1", "/others/${run.marker}/x");
    let report = report(&other, &[]);
    assert!(report.survived.iter().all(|each| each.operation == "GET /others/{}/x"), "{:#?}", report.survived);
    assert_eq!(report.negligent().count(), 0);
}

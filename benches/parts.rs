//! The parts of a run by themselves: loading, comparing, mutating, rendering. `cargo bench --bench parts`, with
//! `-- --quick` for a short look.

mod support;

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use casebook::compare::compare;
use casebook::load;
use casebook::model::exchange::Response;
use casebook::model::expect::{BodyCheck, Expect};
use casebook::model::id::{CaseId, ClauseId};
use casebook::model::spec::Extra;
use casebook::model::target::Target;
use casebook::model::verdict::Verdict;
use casebook::pattern::parse::parse_json_bytes;
use casebook::pattern::{Context, json};
use casebook::prove::mutants::{Headers, mutants};
use casebook::record::{CaseRecord, sample};
use casebook::report::{Format, render};
use casebook::template::Scope;
use casebook::template::expect::{Rules, resolve};
use criterion::{Criterion, Throughput};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    loading(&mut criterion);
    comparing(&mut criterion);
    comparing_xml(&mut criterion);
    mutating(&mut criterion);
    rendering(&mut criterion);
    criterion.final_summary();
}

fn loading(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    support::write_suite(dir.path(), 10_000);
    criterion.bench_function("load 10,000 cases", |bench| bench.iter(|| load::suite(dir.path()).expect("a suite")));
}

/// An array of some ten megabytes of records like [`support::BODY`].
fn large() -> String {
    let many = vec![support::BODY; (10 << 20) / support::BODY.len()];
    format!("[{}]", many.join(","))
}

fn deep() -> String {
    let depth = 100;
    format!("{}1{}", "{\"a\":[".repeat(depth), "]}".repeat(depth))
}

fn expectation(body: &str) -> Expect {
    let context = Context {
        prefix: "json:",
        cite: &[],
        fallback: &[ClauseId::new("B-01")],
        extra: Extra::Fail,
        strict: false,
        choices: &[],
    };
    let value = parse_json_bytes(body.as_bytes()).expect("JSON").into_owned();
    Expect {
        status: Vec::new(),
        headers: Vec::new(),
        body: BodyCheck::Json(Arc::new(json::compile(&value, &context).expect("a pattern"))),
        at: Vec::new(),
        readings: Vec::new(),
        reading_required: true,
        fallback: Arc::from([ClauseId::new("B-01")]),
    }
}

fn answer(media: &str, body: &str) -> Response {
    Response {
        status: 200,
        reason: None,
        version: "HTTP/1.1",
        headers: vec![("content-type".to_owned(), media.as_bytes().to_vec())],
        body: Bytes::copy_from_slice(body.as_bytes()),
        wire_bytes: body.len() as u64,
    }
}

fn comparing(criterion: &mut Criterion) {
    let disjoint = support::BODY.replace("Harbor", "Valley").replace("\"Tags\"", "\"Labels\"").replace("213", "\"x\"");
    let large = large();
    let bodies = [
        ("small", support::BODY, support::BODY, true),
        ("disjoint", support::BODY, disjoint.as_str(), false),
        ("deep", &deep(), &deep(), true),
        ("10 MB", &large, &large, true),
    ];
    let mut group = criterion.benchmark_group("compare JSON");
    for (name, expected, actual, holds) in bodies {
        let (expect, response) = (expectation(expected), answer("application/json", actual));
        assert_eq!(compare(&expect, &response, "main").mismatches.is_empty(), holds, "{name}");
        group.throughput(Throughput::Bytes(actual.len() as u64));
        group.bench_function(name, |bench| bench.iter(|| compare(black_box(&expect), black_box(&response), "main")));
        // The yardstick: the same bytes, parsed and nothing more.
        group.bench_function(format!("{name}, serde_json alone"), |bench| {
            bench.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(actual.as_bytes())).expect("JSON"));
        });
    }
    group.finish();
}

fn xml(items: usize) -> String {
    let mut text = "<List xmlns=\"urn:b\">".to_owned();
    for item in 0..items {
        let _ = write!(text, "<Item id=\"{item}\"><Name>Harbor lights</Name><Count>3</Count></Item>");
    }
    text + "</List>"
}

fn comparing_xml(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compare XML");
    for (name, items) in [("small", 4), ("1 MB", 14_000)] {
        let body = xml(items);
        let expect = expectation_xml(&body);
        let response = answer("application/xml", &body);
        let found = compare(&expect, &response, "main");
        assert!(found.mismatches.is_empty(), "{:?}", found.mismatches.first());
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bench| bench.iter(|| compare(black_box(&expect), black_box(&response), "main")));
    }
    group.finish();
}

/// XML is expected in a case's own words, so a case is loaded and resolved.
fn expectation_xml(body: &str) -> Expect {
    let dir = tempfile::tempdir().expect("a directory");
    support::write_suite(dir.path(), 1);
    let case = format!(
        "suite = \"b/x\"\nservice = \"b\"\n[[case]]\nid = \"x\"\ntitle = \"X\"\nclauses = [\"B-01\"]\n[case.request]\nmethod = \"GET\"\npath = \"/\"\n[case.expect]\nstatus = 200\nxml = '''\n{body}'''\n"
    );
    std::fs::write(Path::new(dir.path()).join("b/x.toml"), case).expect("written");
    let suite = load::suite(dir.path()).expect("a suite");
    let case = suite.case(&CaseId::new("b/x/x")).expect("the case");
    let mut scope = Scope::new(Arc::new(Target::unnamed()), 0, case.id.as_str());
    let rules = Rules { choices: &suite.choices, strict: false };
    resolve(&case.steps[0].expect, &mut scope, rules).expect("resolved")
}

fn mutating(criterion: &mut Criterion) {
    let response = answer("application/json", support::BODY);
    let headers = Headers { names: vec!["content-type"], forbidden: Vec::new() };
    criterion.bench_function("mutants of an answer", |bench| {
        bench.iter(|| mutants(black_box(&response), &headers).for_each(|mutant| drop(mutant.response(&response))));
    });
}

fn rendering(criterion: &mut Criterion) {
    let mut record = sample::record();
    let passed = |case: &&CaseRecord| case.outcome == Verdict::Passed;
    let one = record.cases.iter().find(passed).expect("a case that passed").clone();
    for number in record.cases.len()..10_000 {
        let id = CaseId::new(&format!("groove/add/many[{number:05}]"));
        record.header.selected.push(id.clone());
        record.cases.push(CaseRecord { id, ..one.clone() });
        record.footer.counts.passed += 1;
    }
    record.cases.sort_by(|a, b| a.id.cmp(&b.id));
    let mut group = criterion.benchmark_group("render 10,000 cases");
    for format in Format::ALL {
        let bytes = render(format, &record).expect("rendered").len();
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format.name(), |bench| bench.iter(|| render(format, black_box(&record))));
    }
    group.finish();
}

//! The parts of a run by themselves: loading, comparing, mutating, rendering. `cargo bench --bench parts`, with
//! `-- --quick` for a short look.

mod support;

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use casebook::compare::compare;
use casebook::load;
use casebook::model::exchange::Response;
use casebook::model::expect::{BodyCheck, Expect};
use casebook::model::id::{CaseId, ClauseId};
use casebook::model::pattern::{XmlResolved, XmlResolvedText};
use casebook::model::spec::Extra;
use casebook::model::verdict::Verdict;
use casebook::pattern::parse::parse_json_bytes;
use casebook::pattern::{Context, json};
use casebook::prove::mutants::{Headers, mutants};
use casebook::record::{CaseRecord, sample};
use casebook::report::{Format, render};
use criterion::{Criterion, Throughput};

/// The allocator of the program, so that both sides of a comparison have what a run has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    // What `serde_json` still reads.
    let depth = 60;
    format!("{}1{}", "{\"a\":[".repeat(depth), "]}".repeat(depth))
}

fn context(clauses: &[ClauseId]) -> Context<'_> {
    Context { prefix: "json:", cite: &[], fallback: clauses, extra: Extra::Fail, strict: false, choices: &[] }
}

fn expect(body: BodyCheck) -> Expect {
    Expect {
        status: Vec::new(),
        headers: Vec::new(),
        body,
        at: Vec::new(),
        readings: Vec::new(),
        reading_required: true,
        fallback: Arc::from([ClauseId::new("B-01")]),
    }
}

fn expectation(body: &str) -> Expect {
    let value = parse_json_bytes(body.as_bytes()).expect("JSON").into_owned();
    let pattern = json::compile(&value, &context(&[ClauseId::new("B-01")])).expect("a pattern");
    expect(BodyCheck::Json(pattern.into()))
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
    let disjoint = |body: &str| {
        let other = body.replace("Harbor", "Valley").replace("\"Tags\"", "\"Labels\"").replace("213", "\"x\"");
        other.replace(":3,", ":4,").replace("4.5", "-1e3").replace("true", "null").replace("sea", "lake")
    };
    let (small, deep, large) = (support::BODY, deep(), large());
    let (small_other, large_other) = (disjoint(small), disjoint(&large));
    let count = large.len() / (small.len() + 1);
    let shorter = format!("[{}]", vec![small_other.as_str(); count - 1_000].join(","));
    let members = |word: &str| {
        let all: Vec<String> = (0..400_000).map(|number| format!("\"{word}-{number}\":{number}")).collect();
        format!("{{{}}}", all.join(","))
    };
    let (members, members_other) = (members("member"), members("number"));
    let each = r#"{"$open": {"$each": {"Id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "Count": 3}}}"#;
    let page = format!("{{\"Total\":36531,\"Items\":{large},\"Next\":null}}");
    let glance = r#"{"Total": 36531, "Items": {"$any": true}, "Next": null}"#;
    let contains = r#"{"$open": {"$contains": {"Id": "nobody has it"}}}"#;
    let bodies = [
        ("small", small, small, true),
        ("small, disjoint", small, &small_other, false),
        ("deep", &deep, &deep, true),
        ("10 MB", &large, &large, true),
        ("10 MB, disjoint", &large, &large_other, false),
        ("10 MB, other length", &large, &shorter, false),
        ("10 MB, each of two members", each, &large, true),
        ("10 MB, three places", glance, &page, true),
        ("10 MB, contains what is not there", contains, &large, false),
        ("400,000 members", &members, &members, true),
        ("400,000 members, disjoint", &members, &members_other, false),
    ];
    let mut group = criterion.benchmark_group("JSON");
    for (name, expected, actual, holds) in bodies {
        group.throughput(Throughput::Bytes(actual.len() as u64));
        group.bench_function(format!("{name}: compared"), |bench| {
            let (expect, response) = (expectation(expected), answer("application/json", actual));
            assert_eq!(compare(&expect, &response, "main").mismatches.is_empty(), holds, "{name}");
            bench.iter(|| compare(black_box(&expect), black_box(&response), "main"));
        });
        group.bench_function(format!("{name}: parsed"), |bench| {
            bench.iter(|| parse_json_bytes(black_box(actual.as_bytes())).is_ok());
        });
        // The yardstick: the same bytes, parsed and nothing more.
        group.bench_function(format!("{name}: serde_json alone"), |bench| {
            bench.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(actual.as_bytes())).expect("JSON"));
        });
    }
    group.finish();
}

fn xml(items: usize, name: &str) -> String {
    let mut text = "<List xmlns=\"urn:b\">".to_owned();
    for item in 0..items {
        let _ = write!(text, "<Item id=\"{item}\"><Name>{name} {item}</Name><Count>3</Count></Item>");
    }
    text + "</List>"
}

fn comparing_xml(criterion: &mut Criterion) {
    let (small, large) = (xml(4, "Harbor lights"), xml(140_000, "Harbor lights"));
    let bodies = [
        ("small", &small, &small, true),
        ("10 MB", &large, &large, true),
        ("10 MB, disjoint", &large, &xml(140_000, "Valley"), false),
        ("10 MB, other namespace", &large, &large.replace("<Item", "<Item xmlns=\"urn:c\""), false),
        ("10 MB, other length", &large, &xml(139_000, "Valley"), false),
    ];
    let mut group = criterion.benchmark_group("XML");
    for (name, expected, actual, holds) in bodies {
        group.throughput(Throughput::Bytes(actual.len() as u64));
        group.bench_function(format!("{name}: compared"), |bench| {
            let (expect, response) = (expectation_xml(expected), answer("application/xml", actual));
            assert_eq!(compare(&expect, &response, "main").mismatches.is_empty(), holds, "{name}");
            bench.iter(|| compare(black_box(&expect), black_box(&response), "main"));
        });
        group.bench_function(format!("{name}: parsed"), |bench| {
            bench.iter(|| casebook::compare::parse_xml(black_box(actual.as_bytes())).is_ok());
        });
        group.bench_function(format!("{name}: roxmltree alone"), |bench| {
            bench.iter(|| roxmltree::Document::parse(black_box(actual)).is_ok());
        });
    }
    group.finish();
}

/// The pattern that only this document matches.
fn expectation_xml(body: &str) -> Expect {
    let document = roxmltree::Document::parse(body).expect("XML");
    let clauses = [ClauseId::new("B-01")];
    let context = Context { prefix: "xml:", ..context(&clauses) };
    let pattern = casebook::pattern::xml::compile(&resolved(document.root_element()), &context).expect("a pattern");
    expect(BodyCheck::Xml(Arc::new(pattern)))
}

fn resolved(element: roxmltree::Node<'_, '_>) -> XmlResolved {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let literal = |text: &str| XmlResolvedText::Literal(text.to_owned());
    let attribute =
        |each: roxmltree::Attribute<'_, '_>| (owned(each.namespace()), each.name().to_owned(), literal(each.value()));
    XmlResolved {
        namespace: owned(element.tag_name().namespace()),
        name: element.tag_name().name().to_owned(),
        attributes: element.attributes().map(attribute).collect(),
        steering: Vec::new(),
        children: element.children().filter(roxmltree::Node::is_element).map(resolved).collect(),
        text: literal(element.text().unwrap_or_default()),
    }
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

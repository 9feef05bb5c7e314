//! What every fuzz target does with its input, whoever invents it: cargo-fuzz (`fuzz_targets/`) or, on a stable
//! compiler, `tests/fuzz.rs` of casebook itself.
//!
//! An input with several parts has them separated by a line `%%`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use casebook::case::{self, SourceFile};
use casebook::compare;
use casebook::model::exchange::Response;
use casebook::model::json::Json;
use casebook::model::suite::Suite;
use casebook::model::target::{Identity, Limits, Safety, Target, TargetClass};
use casebook::record::{Line, ReadMode, Record, read, write_line};
use casebook::redact::Redactor;
use casebook::report::{Format, render};
use casebook::template::expect::{Rules, resolve};
use casebook::template::{Mode, Scope, resolve_text};

/// What a target does with an input; whether the input was good for anything.
pub type Body = fn(&[u8]) -> bool;

/// Every target by name.
pub const TARGETS: [(&str, Body); 6] =
    [("loader", loader), ("template", template), ("json", json), ("xml", xml), ("record", record), ("redact", redact)];

const CLAUSES: &str = "[document]\nid = \"d\"\ntitle = \"D\"\nsha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\nbytes = 1\n[[clause]]\nid = \"X-01\"\nsection = \"S\"\nlevel = \"stated\"\ntext = \"One.\"\n";

const SERVICE: &str = "[service]\nid = \"g\"\ntitle = \"G\"\n[[fixture]]\nname = \"g.list\"\nkind = \"list\"\ntext = \"T\"\n[[fixture]]\nname = \"g.token\"\nkind = \"secret\"\ntext = \"T\"\n[[fixture]]\nname = \"g.user\"\nkind = \"auth\"\ntext = \"T\"\n";

const CASES: &str = "suite = \"s\"\nservice = \"g\"\n[[case]]\nid = \"one\"\ntitle = \"One\"\nclauses = [\"X-01\"]\nrequest = { method = \"GET\", path = \"/\" }\n";

const TARGET: &str = "[target]\nname = \"t\"\nclass = \"mock\"\n[services]\ng = \"http://127.0.0.1:9\"\n";

fn source(path: &str, text: impl Into<String>) -> SourceFile {
    SourceFile { path: Arc::from(path), text: text.into() }
}

fn load(clauses: &str, service: &str, cases: &str) -> Option<Suite> {
    let files = [source("clauses.toml", clauses), source("service.toml", service), source("cases.toml", cases)];
    match case::read(&files, &|_| Err("there are no files".to_owned())) {
        Ok(suite) => Some(suite),
        Err(mut found) => {
            assert!(!found.is_empty(), "a suite that is refused has an error");
            case::sort(&mut found);
            // What is shown to people must point into the text.
            let shown = case::render(&found, &files, false);
            assert!(!shown.is_empty());
            None
        }
    }
}

fn scope() -> Scope {
    let list = Json::Array(["a", "b&<\"", "ä"].into_iter().map(Json::string).collect());
    let target = Target {
        identity: Identity {
            name: "t".to_owned(),
            product: String::new(),
            version: String::new(),
            operator: String::new(),
            class: TargetClass::Mock,
        },
        services: BTreeMap::from([("g".to_owned(), "http://127.0.0.1:9".to_owned())]),
        values: BTreeMap::from([("g.list".to_owned(), list), ("g.token".to_owned(), Json::string("t0ken-value"))]),
        secrets: vec!["g.token".to_owned()],
        auth: BTreeMap::new(),
        headers: Vec::new(),
        connection: Default::default(),
        safety: Safety::default(),
        limits: Limits::default(),
        known: Vec::new(),
    };
    let mut scope = Scope::new(Arc::new(target), 7, "s/one");
    scope.set("run.id", Json::string("r"));
    scope.set("run.marker", Json::string("casebook-r"));
    scope
}

/// Files of cases, clauses, a service and a target: `cases %% clauses %% service %% target`; what is missing is sound.
pub fn loader(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let mut parts = text.split("\n%%\n");
    let mut part = |sound: &'static str| parts.next().filter(|part| !part.trim().is_empty()).unwrap_or(sound);
    let cases = part(CASES).to_owned();
    let (clauses, service) = (part(CLAUSES).to_owned(), part(SERVICE).to_owned());
    let target = part(TARGET).to_owned();
    let loaded = load(&clauses, &service, &cases);
    if let Some(suite) = &loaded {
        let preview = |case| casebook::plan::preview(case, &Arc::new(scope().target().clone()), 7, "r");
        suite.cases.iter().for_each(|case| drop(preview(case)));
        let _ = casebook::prove::Lock::of(suite);
    }
    let Some(sound) = load(CLAUSES, SERVICE, &(CASES.to_owned() + "expect = { status = 200, body = \"unchecked\" }\n"))
    else {
        panic!("the sound suite is sound");
    };
    let read = casebook::target::read("target.toml", &target, &sound);
    if let Err(found) = &read {
        assert!(!case::render(found, &[source("target.toml", target)], true).is_empty());
    }
    loaded.is_some() && read.is_ok()
}

/// A template, resolved for each place that it may stand in.
pub fn template(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(template) = case::template::parse(text) else { return false };
    let mut names = Vec::new();
    template.names(&mut names);
    let scope = scope();
    let mut resolved = 0;
    for mode in [Mode::Plain, Mode::Segment, Mode::Xml] {
        if let Ok(text) = resolve_text(&template, &scope, mode) {
            assert!(text.len() < 64 << 20, "a short template gives {} bytes", text.len());
            resolved += 1;
        }
    }
    resolved > 0
}

/// A pattern and an answer, in the notation of `key`, compared in every way there is.
fn compared(key: &str, media: &str, data: &[u8]) -> Option<()> {
    let at = data.windows(4).position(|window| window == SEPARATOR);
    let (pattern, body) = at.map_or((data, data), |at| (&data[..at], &data[at + 4..]));
    let pattern = std::str::from_utf8(pattern).ok()?;
    let quoted = serde_json::to_string(pattern).ok()?;
    let suite = load(CLAUSES, SERVICE, &format!("{CASES}[case.expect]\nstatus = 200\n{key} = {quoted}\n"))?;
    let step = suite.cases.first()?.steps.first()?;
    let answer = |body: &[u8]| Response {
        status: 200,
        reason: None,
        version: "HTTP/1.1",
        headers: vec![("content-type".to_owned(), media.as_bytes().to_vec())],
        body: Bytes::copy_from_slice(body),
        wire_bytes: body.len() as u64,
    };
    for strict in [false, true] {
        let expect = resolve(&step.expect, &mut scope(), Rules { choices: &suite.choices, strict }).ok()?;
        let response = answer(body);
        let judged = compare::compare(&expect, &response, "main");
        let brief = compare::mismatches(&expect, &response, None, "main");
        assert_eq!(judged.mismatches, brief, "whoever counts what held finds the same");
        let shown = compare::show(&expect, &response);
        assert!(shown.is_none_or(|shown| shown.expected.len() < 64 << 20 && shown.actual.len() < 64 << 20));
        // What holds no operator expects just itself.
        let plain = !pattern.contains(['$', '{']) || key == "json" && !pattern.contains('$');
        if plain && !pattern.contains("urn:casebook") {
            let own = compare::compare(&expect, &answer(pattern.as_bytes()), "main");
            assert!(own.mismatches.is_empty(), "it differs from itself: {:#?}", own.mismatches);
        }
    }
    Some(())
}

/// A JSON pattern and an answer.
pub fn json(data: &[u8]) -> bool {
    compared("json", "application/json", data).is_some()
}

/// An XML pattern and an answer.
pub fn xml(data: &[u8]) -> bool {
    compared("xml", "application/xml", data).is_some()
}

/// A record: read, rendered in every format, written and read again.
pub fn record(data: &[u8]) -> bool {
    // Errors are the point; only their texts must be there.
    let told = |error: casebook::record::RecordError| assert!(!error.to_string().is_empty());
    let partial = read(data, ReadMode::Partial).map_err(told);
    let Ok(record) = read(data, ReadMode::Complete).map_err(told) else { return partial.is_ok() };
    for format in Format::ALL {
        assert!(render(format, &record).is_ok(), "{format} cannot be rendered");
    }
    let mut again = Vec::new();
    let Record { header, cases, summary, footer } = record.clone();
    let lines = std::iter::once(Line::Header(Box::new(header)))
        .chain(cases.into_iter().map(|case| Line::Case(Box::new(case))))
        .chain([Line::Summary(Box::new(summary)), Line::Footer(Box::new(footer))]);
    for line in lines {
        write_line(&line, &mut again).expect("memory takes everything");
    }
    let again = read(again.as_slice(), ReadMode::Complete).expect("what was written can be read");
    assert_eq!(again, record);
    true
}

/// A secret and a text that may hold it in any form.
pub fn redact(data: &[u8]) -> bool {
    let at = data.windows(4).position(|window| window == SEPARATOR);
    let Some(at) = at else { return false };
    let Ok(secret) = std::str::from_utf8(&data[..at]) else { return false };
    let text = &data[at + 4..];
    // The name that stands in the place of a secret must not be mistaken for one.
    if secret.contains('$') || "$TOKEN".contains(secret) {
        return false;
    }
    let Ok(redactor) = Redactor::new([("token", secret)]) else { return false };
    let clean = redactor.bytes(text);
    assert!(!redactor.finds(&clean), "{:?} is left in {:?}", secret, String::from_utf8_lossy(&clean));
    if let Ok(text) = std::str::from_utf8(text) {
        let clean = redactor.text(text);
        assert!(!redactor.finds(clean.as_bytes()), "{secret:?} is left in {clean:?}");
        assert_eq!(redactor.text(&clean), clean, "what is clean stays as it is");
    }
    true
}

/// What stands between the parts of an input.
const SEPARATOR: &[u8] = b"\n%%\n";

/// Longest that one input may take before it counts as a hang.
pub const LONGEST: Duration = Duration::from_secs(10);

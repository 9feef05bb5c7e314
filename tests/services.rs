//! Services that say yes to everything, services that answer differently each time, and two services side by side, over
//! real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

#[path = "support/output.rs"]
mod output;
mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};

use casebook::record::{ProbeKind, Record};
use output::{ends, err, out};
use support::{CLAUSES, casebook};

const CASES: &str = r#"
service = "demo"
suite = "demo"

[[case]]
id = "made"
title = "A thing is made"
clauses = ["DEM-01"]
effect = "write"
[case.request]
method = "POST"
path = "/v1/things/add"
json = '{ "name": "x" }'
[case.expect]
status = 200
json = '{ "id": { "$type": "string" } }'

[[case]]
id = "refused"
title = "A thing without a name is not"
clauses = ["DEM-01"]
effect = "read"
[case.request]
method = "POST"
path = "/v1/things/add"
json = '{}'
[case.expect]
status = 400
body = "unchecked"
"#;

const SERVICE: &str = "[service]\nid = \"demo\"\ntitle = \"Demo\"\n";

struct Asked {
    method: String,
    path: String,
    body: String,
}

/// Status, header lines, body.
type Answer = (u16, String, String);

struct Service {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answer, asked) = (Arc::new(answer), Arc::<Mutex<Vec<String>>>::default());
        let log = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (answer.clone(), log.clone());
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Some(asked) = receive(&mut reader) {
                        log.lock().unwrap().push(format!("{} {}", asked.method, asked.path));
                        let (status, head, body) = answer(&asked);
                        let text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{head}\r\n{body}", body.len());
                        if reader.get_mut().write_all(text.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn receive(reader: &mut BufReader<std::net::TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).ok()?;
        let field = field.trim().to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, body: String::from_utf8_lossy(&body).into_owned() })
}

struct Ran {
    output: Output,
    dir: tempfile::TempDir,
}

impl Ran {
    fn record(&self) -> Record {
        support::record(&self.dir.path().join("o"))
    }

    fn said(&self) -> String {
        out(&self.output) + &err(&self.output)
    }

    #[track_caller]
    fn ends(&self, exit: i32) {
        ends(&self.output, exit);
    }

    fn again(&self, arguments: &[&str]) -> Output {
        casebook(self.dir.path()).args(arguments).output().unwrap()
    }
}

fn run(base: &str, target: Option<&str>, more: &[&str]) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let suite = dir.path().join("cases/demo");
    fs::create_dir_all(&suite).unwrap();
    for (name, text) in [("service.toml", SERVICE), ("clauses.toml", CLAUSES), ("cases.toml", CASES)] {
        fs::write(suite.join(name), text).unwrap();
    }
    let mut command = casebook(dir.path());
    command.args(["run", "--base-url", base, "--out", "o"]).args(more);
    if let Some(text) = target {
        fs::write(dir.path().join("target.toml"), text).unwrap();
        command.args(["--target", "target.toml"]);
    }
    let output = command.output().unwrap();
    Ran { output, dir }
}

fn local(service: &Service, more: &[&str]) -> Ran {
    run(&format!("http://127.0.0.1:{}", service.port), None, more)
}

fn json(status: u16, body: &str) -> Answer {
    (status, "content-type: application/json\r\n".to_owned(), body.to_owned())
}

fn page(nonce: usize) -> Answer {
    let body = format!("<!doctype html><html><body data-nonce=\"{nonce}\"><div id=\"app\"></div></body></html>");
    (200, "content-type: text/html\r\n".to_owned(), body)
}

/// The documented service.
fn honest(asked: &Asked) -> Answer {
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/v1/things/add") if asked.body.contains("name") => json(200, r#"{"id":"1"}"#),
        ("POST", "/v1/things/add") => json(400, r#"{"error":"no name"}"#),
        (_, "/v1/things/add") => json(405, r#"{"error":"method"}"#),
        _ => json(404, r#"{"error":"path"}"#),
    }
}

#[track_caller]
fn is_a_liar(ran: &Ran) {
    ran.ends(5);
    let record = ran.record();
    assert!(record.footer.reasons.iter().any(|reason| reason.contains("not credible")), "{:?}", record.footer.reasons);
    assert!(record.footer.probes.len() > 1);
    let page = fs::read_to_string(ran.dir.path().join("o/report.md")).unwrap();
    assert!(page.contains("not credible") && page.contains("casebook"), "{page}");
    // Judged again from the record alone, it is the same.
    let verified = ran.again(&["verify", "o/record.jsonl"]);
    ends(&verified, 0);
}

#[test]
fn yes_to_everything_is_not_credible_although_a_case_passes() {
    let service = Service::start(|_| json(200, r#"{"id":"1"}"#));
    let ran = local(&service, &[]);
    is_a_liar(&ran);
    assert!(ran.said().contains("the case demo/made passes with the same answer"), "{}", ran.said());
    is_a_liar(&local(&service, &["demo/made"]));
}

#[test]
fn a_page_for_every_path_an_echo_and_a_login_for_everybody_are_not_credible() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    is_a_liar(&local(&Service::start(move |_| page(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst))), &[]));
    is_a_liar(&local(&Service::start(|asked| (200, String::new(), asked.body.clone())), &[]));
    is_a_liar(&local(
        &Service::start(|asked| (302, format!("location: https://login.test/?next={}\r\n", asked.path), String::new())),
        &[],
    ));
}

#[test]
fn who_looks_at_the_method_alone_is_not_credible() {
    let service = Service::start(|asked| match asked.method.as_str() {
        "POST" => json(200, r#"{"id":"1"}"#),
        _ => json(405, "{}"),
    });
    is_a_liar(&local(&service, &[]));
}

#[test]
fn an_honest_service_is_asked_and_not_accused() {
    let service = Service::start(honest);
    let ran = local(&service, &[]);
    ran.ends(0);
    let kinds: Vec<ProbeKind> = ran.record().footer.probes.iter().map(|probe| probe.kind).collect();
    assert_eq!(kinds, [ProbeKind::Path, ProbeKind::Method, ProbeKind::Operation]);
    assert_eq!(service.asked().len(), 5, "{:?}", service.asked());
    // A page for what nobody has, beside operations that work.
    let beside = Service::start(|asked| match honest(asked) {
        (404 | 405, ..) => page(1),
        answer => answer,
    });
    local(&beside, &[]).ends(0);
}

#[test]
fn who_refuses_everything_fails_and_does_not_lie() {
    for status in [401, 403, 404, 503] {
        let ran = local(&Service::start(move |_| json(status, "{}")), &[]);
        ran.ends(1);
        assert!(!ran.said().contains("credible"), "{}", ran.said());
    }
}

#[test]
fn whoever_does_not_want_to_be_asked_is_not_and_every_report_says_so() {
    let service = Service::start(|_| json(200, r#"{"id":"1"}"#));
    let target = "[target]\nname = \"demo\"\nclass = \"real\"\n[safety]\nprobe = false\n";
    let base = format!("http://127.0.0.1:{}", service.port);
    for ran in [local(&service, &["--no-probe"]), run(&base, Some(target), &[])] {
        ran.ends(1);
        assert!(ran.record().footer.probes.is_empty());
        let page = fs::read_to_string(ran.dir.path().join("o/report.md")).unwrap();
        assert!(page.contains("nobody asked whether the target says yes to everything"), "{page}");
    }
    assert!(service.asked().iter().all(|asked| asked == "POST /v1/things/add"), "{:?}", service.asked());
}

/// Not a loopback address by name, and still this machine.
const ELSEWHERE: &str = "0.0.0.0";

fn elsewhere(service: &Service, allow: &str, more: &[&str]) -> Ran {
    let target = format!(
        "[target]\nname = \"demo\"\nclass = \"real\"\n[safety]\nallow = [{allow}]\nhosts = [\"{ELSEWHERE}\"]\n"
    );
    run(&format!("http://{ELSEWHERE}:{}", service.port), Some(&target), more)
}

#[test]
fn nothing_is_written_elsewhere_to_who_cannot_tell_sense_from_nonsense() {
    let service = Service::start(|_| page(1));
    let ran = elsewhere(&service, "\"write\"", &[]);
    is_a_liar(&ran);
    assert_eq!(ran.record().footer.counts.not_run, 2);
    // The read-safe case was asked, to compare; the one that makes a thing was not.
    assert_eq!(
        service.asked().iter().filter(|asked| *asked == "POST /v1/things/add").count(),
        1,
        "{:?}",
        service.asked()
    );
    let beside = Service::start(|asked| match honest(asked) {
        (404 | 405, ..) => page(1),
        answer => answer,
    });
    elsewhere(&beside, "\"write\"", &[]).ends(0);
}

#[test]
fn where_nothing_may_be_written_nothing_but_reading_is_asked() {
    let service = Service::start(honest);
    elsewhere(&service, "", &["demo/refused"]).ends(0);
    let asked = service.asked();
    let odd: Vec<&String> = asked.iter().filter(|asked| asked.contains("casebook-")).collect();
    assert!(!odd.is_empty() && odd.iter().all(|asked| asked.starts_with("GET ")), "{asked:?}");
}

const NOISY: &str = r#"
service = "demo"
suite = "demo"

[[case]]
id = "open"
title = "A thing is told, whatever it is called"
clauses = ["DEM-01"]
effect = "read"
[case.request]
method = "GET"
path = "/v1/things/open"
[case.expect]
status = 200
json = '{ "id": { "$type": "string" }, "at": { "$type": "string" }, "count": { "$type": "integer" }, "tags": { "$each": { "$type": "string" } } }'

[[case]]
id = "closed"
title = "A thing has its name"
clauses = ["DEM-01"]
effect = "read"
[case.request]
method = "GET"
path = "/v1/things/closed"
[case.expect]
status = 200
json = '{ "id": "thing-1", "at": { "$type": "string" }, "count": { "$type": "integer" }, "tags": { "$each": { "$type": "string" } } }'

[[case]]
id = "made"
title = "A thing is made"
clauses = ["DEM-01"]
effect = "write"
[case.request]
method = "POST"
path = "/v1/things/add"
json = '{}'
[case.expect]
status = 200
body = "unchecked"
"#;

fn suite(cases: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let suite = dir.path().join("cases/demo");
    fs::create_dir_all(&suite).unwrap();
    for (name, text) in [("service.toml", SERVICE), ("clauses.toml", CLAUSES), ("cases.toml", cases)] {
        fs::write(suite.join(name), text).unwrap();
    }
    dir
}

fn noisy() -> Service {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Service::start(move |_| {
        let at = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        let tags = if at.is_multiple_of(2) { r#"["a","b"]"# } else { r#"["b","a"]"# };
        json(200, &format!(r#"{{"id":"thing-{at}","at":"2024-01-01T00:00:{at:02}Z","count":{at},"tags":{tags}}}"#))
    })
}

#[test]
fn what_differs_each_time_is_listed_with_what_to_ask_for_instead() {
    let (service, dir) = (noisy(), suite(NOISY));
    let base = format!("http://127.0.0.1:{}", service.port);
    let calibrate = |more: &[&str]| {
        casebook(dir.path()).args(["calibrate", "--base-url", &base, "--jobs", "1"]).args(more).output().unwrap()
    };
    let open = calibrate(&["demo/open", "--format", "json"]);
    let said = out(&open);
    assert_eq!(open.status.code(), Some(0), "{said}");
    let value: serde_json::Value = serde_json::from_str(&said).unwrap();
    let places: Vec<(&str, &str)> = value["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| (place["place"].as_str().unwrap(), place["proposal"].as_str().unwrap()))
        .collect();
    assert_eq!(
        places,
        [
            (
                "/at",
                r#"{ "$regex": "^\\d{4}-\\d{2}-\\d{2}[Tt ]\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?([Zz]|[+-]\\d{2}:\\d{2})?$" }"#
            ),
            ("/count", r#"{ "$type": "integer" }"#),
            ("/id", r#"{ "$regex": "^thing\\-[A-Za-z0-9_-]{1}$" }"#),
            ("/tags", r#"{ "$unordered": […] }"#),
        ]
    );
    assert_eq!(value["places"][2]["evidence"][0]["case"], "demo/open");
    assert_eq!(service.asked(), ["GET /v1/things/open", "GET /v1/things/open"]);
    // A case that asks for a value that does not last; the one that writes is left out.
    let closed = calibrate(&[]);
    let said = out(&closed);
    assert_eq!(closed.status.code(), Some(1), "{said}");
    assert!(said.contains("What differs and makes a case fail:") && said.contains("demo/closed"), "{said}");
    assert!(service.asked().iter().all(|asked| asked.starts_with("GET ")), "{:?}", service.asked());
    let none = calibrate(&["demo/made"]);
    ends(&none, 4);
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// `casebook mock` as a process of its own.
struct Mock {
    child: std::process::Child,
    url: String,
}

impl Mock {
    fn start(departure: &[&str]) -> Self {
        let mut command = casebook(Path::new(ROOT));
        let mut child = command.arg("mock").args(departure).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn differ(arguments: &[&str]) -> (Option<i32>, String) {
    let output = casebook(Path::new(ROOT)).arg("diff-targets").args(arguments).output().unwrap();
    let said = out(&output) + &err(&output);
    (output.status.code(), said)
}

#[test]
fn who_breaks_a_clause_is_named_whichever_side_it_is() {
    let wrong = Mock::start(&["--fault", "oracle-delete-missing-410"]);
    let filter = "oracle/collections-delete/missing";
    let (exit, said) = differ(&["mock", &wrong.url, filter]);
    assert_eq!(exit, Some(1), "{said}");
    assert!(said.contains("B breaks OCM-DEL-29") && said.contains("410") && said.contains("404"), "{said}");
    assert!(!said.contains("A breaks OCM"), "{said}");
    let (exit, said) = differ(&[&wrong.url, "mock", filter, "--format", "markdown"]);
    assert_eq!(exit, Some(1), "{said}");
    assert!(said.contains("### A breaks OCM-DEL-29"), "{said}");
    let (exit, said) = differ(&[&wrong.url, &wrong.url, filter, "--format", "json"]);
    assert_eq!(exit, Some(1), "{said}");
    let value: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(value["findings"][0]["label"]["side"], "both");
}

#[test]
fn a_legal_difference_is_a_choice_or_silence_and_no_failure() {
    let other = Mock::start(&["--variation", "groove-echo-untouched"]);
    let (exit, said) = differ(&["mock", &other.url, "groove/add/"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("choice A-06") && said.contains("A breaks 0 clauses, B breaks 0 clauses"), "{said}");
    // Random ids agree, and nothing else differs.
    let (exit, said) = differ(&["mock", "mock", "oracle"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("0 differences by choice"), "{said}");
    let (exit, said) = differ(&["mock", "http://127.0.0.1:9", "oracle"]);
    assert_eq!(exit, Some(5), "{said}");
    let (exit, said) = differ(&["mock", "https://api.example.test", "groove/add/accepted"]);
    assert_eq!(exit, Some(7), "{said}");
}

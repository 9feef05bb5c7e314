//! The built command: exit codes, what it writes, and what it tells, over real sockets.

#[path = "support/output.rs"]
mod output;
mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use casebook::model::verdict::Verdict;
use casebook::record::Record;
use output::{ends, err, out};
use support::{CLAUSES, casebook};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn run(here: &Path, arguments: &[&str]) -> Output {
    casebook(here).args(arguments).output().expect("the command runs")
}

/// A suite of its own: two clauses, and cases that each send one GET to a path that names them.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(cases: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let suite = dir.path().join("cases/demo");
        fs::create_dir_all(&suite).expect("a directory");
        fs::write(suite.join("service.toml"), SERVICE).expect("written");
        // Every clause needs a case, or it is an error.
        let other = if cases.iter().any(|name| name.starts_with("other")) { OTHER_CLAUSE } else { "" };
        fs::write(suite.join("clauses.toml"), format!("{CLAUSES}{other}")).expect("written");
        let case = |name: &&str| {
            let clause = if name.starts_with("other") { "DEM-02" } else { "DEM-01" };
            format!(
                "[[case]]\nid = \"{name}\"\ntitle = \"{name} is answered\"\nclauses = [\"{clause}\"]\ntags = [\"{}\"]\n\
                 effect = \"read\"\n[case.request]\nmethod = \"GET\"\npath = \"/{name}\"\n[case.expect]\nstatus = 200\n\
                 body = \"unchecked\"\n\n",
                name.split('-').next().unwrap_or_default()
            )
        };
        let text: String =
            "service = \"demo\"\nsuite = \"demo\"\n\n".to_owned() + &cases.iter().map(case).collect::<String>();
        fs::write(suite.join("cases.toml"), text).expect("written");
        Self { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn target(&self, service: &Service, more: &str) -> PathBuf {
        let path = self.path().join("target.toml");
        let text =
            format!("[target]\nname = \"demo\"\nclass = \"real\"\n[services]\ndemo = \"{}\"\n{more}", service.url);
        fs::write(&path, text).expect("written");
        path
    }

    fn record(&self, out: &str) -> Record {
        support::record(&self.path().join(out))
    }
}

const SERVICE: &str = r#"
[service]
id = "demo"
title = "Demo"
"#;

const OTHER_CLAUSE: &str = r#"
[[clause]]
id = "DEM-02"
section = "Two"
level = "stated"
text = "The other answers 200 too."
"#;

/// A service that answers by path: `/casebook-…`, which nobody has, with 404, `…-500` with 500, `…-slow` after a while, `…-turn` with 200 and 500 by turns,
/// `…-drop` with nothing the first time, everything else with 200.
struct Service {
    url: String,
}

impl Service {
    fn start(slow: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let turns = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(mut stream), turns) = (stream, turns.clone()) else { continue };
                std::thread::spawn(move || {
                    let mut request = Vec::new();
                    let mut buffer = [0; 4096];
                    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                        match stream.read(&mut buffer) {
                            Ok(0) | Err(_) => return,
                            Ok(count) => request.extend_from_slice(&buffer[..count]),
                        }
                    }
                    let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
                    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                    let mut status = if path.ends_with("-500") { 500 } else { 200 };
                    if path.starts_with("/casebook-") {
                        status = 404;
                    }
                    if path.ends_with("-slow") {
                        std::thread::sleep(slow);
                    }
                    if path.ends_with("-turn") && turns.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 2 == 1 {
                        status = 500;
                    }
                    if path.ends_with("-drop") && turns.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
                        return;
                    }
                    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
                    let _ = stream.write_all(answer.as_bytes());
                });
            }
        });
        Self { url }
    }
}

fn service() -> Service {
    Service::start(Duration::from_millis(300))
}

#[test]
fn a_pass_and_a_failure_have_their_exit_codes() {
    let (place, service) = (Place::new(&["one", "other-500"]), service());
    let base = ["run", "--base-url", &service.url, "--out", "o"];
    ends(&run(place.path(), &[&base[..], &["one"]].concat()), 0);
    let both = run(place.path(), &base);
    ends(&both, 1);
    assert!(out(&both).contains("DEM-02"), "{}", out(&both));
    assert_eq!(place.record("o").footer.counts.failed, 1);
    let nothing = run(place.path(), &[&base[..], &["onw"]].concat());
    ends(&nothing, 4);
    assert!(
        err(&nothing).contains("did you mean `demo/one`?") || err(&nothing).contains("matches no case"),
        "{}",
        err(&nothing)
    );
}

#[cfg(unix)]
#[test]
fn who_may_read_a_record_stays_as_it_was() {
    use std::os::unix::fs::PermissionsExt as _;
    let (place, service) = (Place::new(&["one"]), service());
    let path = place.path().join("o/record.jsonl");
    let arguments = ["run", "--base-url", &service.url, "--out", "o"];
    ends(&run(place.path(), &arguments), 0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a narrower mode");
    ends(&run(place.path(), &arguments), 0);
    assert_eq!(fs::metadata(&path).expect("a record").permissions().mode() & 0o777, 0o600);
    assert_eq!(place.record("o").footer.counts.passed, 1);
}

#[cfg(unix)]
#[test]
fn the_rerun_of_a_failure_meets_the_same_target() {
    let (place, service) = (Place::new(&["one", "other-500"]), service());
    place.target(&service, "");
    fs::rename(place.path().join("target.toml"), place.path().join("the target.toml")).expect("renamed");
    for target in [["--base-url", &service.url], ["--target", "the target.toml"]] {
        let first = run(place.path(), &[&["run", "--out", "o"], &target[..]].concat());
        ends(&first, 1);
        let text = out(&first);
        let line = text.lines().find_map(|line| line.trim().strip_prefix("rerun")).expect("how to run it again").trim();
        let command = line.strip_prefix("casebook ").expect("a command of casebook");
        let again = casebook(place.path()).get_program().to_owned();
        let again = format!("{} {command} --out again", again.display());
        let second = Command::new("sh").args(["-c", &again]).current_dir(place.path()).output().expect("a shell");
        ends(&second, 1);
        let counts = place.record("again").footer.counts;
        assert_eq!((counts.failed, counts.passed), (1, 0), "{line}");
    }
}

#[test]
fn what_is_wrong_with_the_files_is_told_to_machines_too() {
    let place = Place::new(&["one"]);
    let check = |exit| -> serde_json::Value {
        let output = run(place.path(), &["check", "--format", "json"]);
        ends(&output, exit);
        serde_json::from_slice(&output.stdout).expect("a document")
    };
    ends(&run(place.path(), &["check", "--update"]), 0);
    let fine = check(0);
    assert_eq!(
        (&fine["cases"], &fine["errors"], &fine["lock"]["gone"]),
        (&1.into(), &serde_json::json!([]), &serde_json::json!([]))
    );
    let path = place.path().join("cases/demo/cases.toml");
    let text = fs::read_to_string(&path).expect("read");
    fs::write(&path, text.replace("body = \"unchecked\"", "body = \"empty\"")).expect("written");
    let changed = check(2);
    assert_eq!(changed["lock"]["added"][0]["entry"], "demo/one", "{changed}");
    fs::write(&path, text.replace("method =", "methd =")).expect("written");
    let wrong = check(2);
    let errors = wrong["errors"].as_array().expect("a list");
    let typo = errors.iter().find(|error| error["help"] == "did you mean `method`?").expect("it is there");
    assert_eq!((&typo["line"], &typo["column"]), (&11.into(), &1.into()), "{typo}");
}

#[test]
fn a_report_has_standard_output_for_itself() {
    let (place, service) = (Place::new(&["one"]), service());
    let target = place.target(&service, "");
    let arguments = ["run", "--target", target.to_str().expect("UTF-8"), "--report", "tap=-", "-v"];
    let output = run(place.path(), &arguments);
    ends(&output, 0);
    assert!(out(&output).starts_with("TAP version 13\n1..1\nok 1 - demo/one"), "{}", out(&output));
    assert!(err(&output).contains("1 passed"), "{}", err(&output));
    // A reader that has seen enough is no error.
    let mut child =
        casebook(place.path()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_known_failure_is_green_only_in_the_way_that_is_listed() {
    let (place, service) = (Place::new(&["one", "other-500"]), service());
    let known = |how: &str| {
        let target = place.target(&service, &format!("[[known_failure]]\nreason = \"ticket 7\"\n{how}"));
        run(place.path(), &["run", "--target", target.to_str().expect("UTF-8"), "--out", "o"])
    };
    ends(&known("case = \"demo/other-*\"\ncheck = \"status\"\ngot = \"500\""), 0);
    let record = place.record("o");
    assert!(record.cases.iter().any(|case| matches!(case.outcome, Verdict::KnownFailure { .. })));
    assert_eq!(record.header.known[0].cases, 1);
    ends(&known("clause = \"DEM-02\""), 0);
    ends(&known("case = \"demo/other-*\"\ngot = \"404\""), 1);
    let passing = known("case = \"demo/*\"");
    ends(&passing, 3);
    assert!(
        out(&passing).contains("UNEXPECTED-PASS") || out(&passing).contains("known failure passes"),
        "{}",
        out(&passing)
    );
    let expired = known("case = \"demo/other-500\"\nexpires = \"2020-01-01\"");
    ends(&expired, 3);
    assert!(out(&expired).contains("expired on 2020-01-01"), "{}", out(&expired));
    let unmatched = known("case = \"demo/gone\"");
    ends(&unmatched, 3);
    assert!(out(&unmatched).contains("matches no case of the suite"), "{}", out(&unmatched));
    ends(&known("case = \"demo/*\"\nflaky = true"), 0);
}

#[test]
fn repetitions_that_disagree_are_flaky_and_nothing_is_sent_again_unasked() {
    let (place, turning) = (Place::new(&["one-turn"]), service());
    let args = ["run", "--base-url", &turning.url, "--out", "o", "--repeat", "4"];
    ends(&run(place.path(), &args), 1);
    assert_eq!(place.record("o").cases[0].outcome, Verdict::Flaky { passed: 2, runs: 4 });
    ends(&run(place.path(), &["verify", "o"]), 0);

    let place = Place::new(&["one-drop"]);
    let unasked = service();
    ends(&run(place.path(), &["run", "--base-url", &unasked.url, "--out", "o"]), 1);
    assert_eq!(place.record("o").cases[0].exchanges[0].attempts, 1);
    let asked = service();
    let retried = run(place.path(), &["run", "--base-url", &asked.url, "--out", "o", "--transport-retries", "2"]);
    ends(&retried, 0);
    assert_eq!(place.record("o").cases[0].exchanges[0].attempts, 2);
    assert!(err(&retried).contains("sent again"), "{}", err(&retried));
}

#[test]
fn what_failed_before_is_run_again_and_nothing_else() {
    let (place, service) = (Place::new(&["one", "two-500", "other-500"]), service());
    ends(&run(place.path(), &["run", "--base-url", &service.url]), 1);
    let again = run(place.path(), &["run", "--base-url", &service.url, "--rerun-failed", "--out", "again"]);
    ends(&again, 1);
    let ids: Vec<String> = place.record("again").header.selected.iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["demo/other-500", "demo/two-500"]);
    let listed = run(place.path(), &["list", "--rerun-failed=again", "two"]);
    assert_eq!(out(&listed).lines().count(), 1, "{}", out(&listed));
    ends(&run(place.path(), &["run", "--base-url", &service.url, "--out", "ok", "one"]), 0);
    ends(&run(place.path(), &["list", "--rerun-failed=ok"]), 4);
}

#[test]
fn a_dry_run_sends_nothing_and_says_what_would_be_sent() {
    let place = Place::new(&["one", "other"]);
    // Nobody listens: whatever is sent would fail.
    let args = ["run", "--dry-run", "--base-url", "http://127.0.0.1:9"];
    let dry = run(place.path(), &args);
    ends(&dry, 0);
    let text = out(&dry);
    assert!(text.contains("GET http://127.0.0.1:9/one") && text.contains("2 selected: 2 read"), "{text}");
    assert!(text.ends_with("nothing was sent\n"));
    assert!(!place.path().join("reports").exists());
    let json = run(place.path(), &[&args[..], &["--format", "json"]].concat());
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(document["cases"][0]["requests"][0]["method"], "GET");
    assert_eq!(document["requests"], 2);
}

#[test]
fn a_dry_run_refuses_what_a_run_would_refuse() {
    let dry =
        run(Path::new(ROOT), &["run", "--dry-run", "--base-url", "https://api.example.test", "groove/add/examples"]);
    assert!(matches!(dry.status.code(), Some(7 | 4)), "{}{}", out(&dry), err(&dry));
    let dry = run(Path::new(ROOT), &["run", "--dry-run", "--base-url", "https://api.example.test"]);
    ends(&dry, 7);
    assert!(!out(&dry).contains("HMACSHA256"), "a dry run shows no secret");
}

#[test]
fn shards_add_up_and_merge_decides() {
    let names: Vec<String> = (0..20).map(|at| format!("case{at}")).chain(["other-500".to_owned()]).collect();
    let place = Place::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let service = service();
    let mut listed = 0;
    for index in 0..3 {
        let index = index.to_string();
        let shard = casebook(place.path())
            .args(["run", "--base-url", &service.url, "--run-id", "r1", "--shard-count", "3", "--out"])
            .arg(format!("s{index}"))
            .env("JOB_COMPLETION_INDEX", &index)
            .output()
            .expect("the command runs");
        assert!(matches!(shard.status.code(), Some(0 | 1)), "{}", err(&shard));
        assert!(err(&shard).contains("of 21 selected cases"), "{}", err(&shard));
        let same = run(place.path(), &["list", "--shard-index", &index, "--shard-count", "3"]);
        assert_eq!(out(&same).lines().count(), place.record(&format!("s{index}")).header.selected.len());
        listed += out(&same).lines().count();
    }
    assert_eq!(listed, 21);
    let missing = run(place.path(), &["merge", "s0", "s2", "--out", "m"]);
    ends(&missing, 2);
    assert!(err(&missing).contains("shards 2 of 3 are missing"), "{}", err(&missing));
    ends(&run(place.path(), &["merge", "s0", "s1", "s2", "s1", "--out", "m"]), 2);
    let merged = run(place.path(), &["merge", "s2", "s0", "s1", "--out", "m", "--report", "junit=m/junit.xml"]);
    ends(&merged, 1);
    let record = place.record("m");
    assert_eq!((record.header.selected.len(), record.footer.counts.failed), (21, 1));
    assert!(place.path().join("m/junit.xml").exists());
    ends(&run(place.path(), &["verify", "m"]), 0);
    ends(&run(place.path(), &["list", "--shard-index", "3", "--shard-count", "3"]), 2);
}

#[test]
fn verify_judges_again_and_finds_what_was_changed() {
    let (place, service) = (Place::new(&["one", "other-500"]), service());
    let target = place.target(&service, "");
    let target = target.to_str().expect("UTF-8");
    ends(&run(place.path(), &["run", "--target", target, "--out", "o"]), 1);
    let clean = run(place.path(), &["verify", "o", "--target", target]);
    ends(&clean, 0);
    assert!(out(&clean).contains("2 judged again"), "{}", out(&clean));
    let path = place.path().join("o/record.jsonl");
    let text = fs::read_to_string(&path).expect("a record");
    // The answer of the case that failed, made to look as it should have: its verdict no longer follows.
    fs::write(&path, text.replace("\"status\":500", "\"status\":200")).expect("written");
    let forged = run(place.path(), &["verify", "o", "--target", target]);
    ends(&forged, 1);
    assert!(out(&forged).contains("demo/other-500"), "{}", out(&forged));
    let json = run(place.path(), &["verify", "o", "--target", target, "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_ne!(document["differs"].as_array().map(Vec::len), Some(0));
}

/// Without its values a case would send something else, and a record that says the truth would be called a lie.
#[test]
fn verify_asks_for_the_profile_that_cases_need() {
    let (place, service) = (Place::new(&["one"]), service());
    let suite = place.path().join("cases/demo");
    let fixture = "[[fixture]]\nname = \"demo.token\"\nkind = \"secret\"\ntext = \"A token.\"\n";
    fs::write(suite.join("service.toml"), format!("{SERVICE}{fixture}")).expect("written");
    let cases = fs::read_to_string(suite.join("cases.toml")).expect("the cases");
    let with = cases.replace("[case.expect]", "headers.x-token = \"${demo.token}\"\n[case.expect]");
    fs::write(suite.join("cases.toml"), with).expect("written");
    let target = place.target(&service, "[secrets]\n\"demo.token\" = { env = \"DEMO_TOKEN\" }\n");
    let target = target.to_str().expect("UTF-8");
    let ran = casebook(place.path())
        .args(["run", "--target", target, "--out", "o"])
        .env("DEMO_TOKEN", "a-token-of-some-length")
        .output()
        .expect("the command runs");
    ends(&ran, 0);
    let without = run(place.path(), &["verify", "o"]);
    ends(&without, 0);
    assert!(out(&without).contains("the profile provides no demo.token"), "{}", out(&without));
    let with = run(place.path(), &["verify", "o", "--target", target]);
    ends(&with, 0);
    assert!(out(&with).contains("1 judged again"), "{}", out(&with));
}

#[test]
fn a_record_holds_no_secret_and_can_be_judged_without_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let out_dir = dir.path().to_str().expect("UTF-8");
    let filters =
        ["groove/add/access-token", "groove/delete/more-than-hundred[1000]", "oracle/collections-delete/bad-cred"];
    let done = run(Path::new(ROOT), &[&["run", "--out", out_dir][..], &filters].concat());
    ends(&done, 0);
    for entry in fs::read_dir(dir.path()).expect("a directory") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("text");
        // Parts of the mock's secrets in any spelling; none is ever needed to read a record.
        for secret in ["608D61402FE6A2403E9E443B", "24385DF2327B491150554BC7", "tide-7-lantern", "Kq7Zt0yW3nUe5LrVb2Xh"]
        {
            assert!(!text.contains(secret), "{secret}");
        }
    }
    let verified = run(Path::new(ROOT), &["verify", out_dir]);
    ends(&verified, 0);
    assert!(out(&verified).contains("was cut: 65536 of"), "what was cut is said to be: {}", out(&verified));
    assert!(out(&verified).contains("judged again") && out(&verified).ends_with("no difference\n"));
}

#[test]
fn paths_that_cannot_be_written_are_told_before_anything_is_sent() {
    let place = Place::new(&["one"]);
    fs::write(place.path().join("file"), "x").expect("written");
    // Nobody listens: had it been tried, the target would be what is wrong.
    let args = ["run", "--base-url", "http://127.0.0.1:9"];
    ends(&run(place.path(), &[&args[..], &["--out", "file/below"]].concat()), 6);
    ends(&run(place.path(), &[&args[..], &["--report", "html=file/x.html"]].concat()), 6);
    ends(&run(place.path(), &[&args[..], &["--report", "htlm=x"]].concat()), 2);
    let unreachable = run(place.path(), &args);
    ends(&unreachable, 5);
    assert!(err(&unreachable).contains("cannot be reached"), "{}", err(&unreachable));
}

#[test]
fn a_known_failure_does_not_stop_a_run_that_stops_at_failures() {
    let (place, service) = (Place::new(&["a-500", "b-500", "c", "other"]), service());
    let known = "[[known_failure]]\ncase = \"demo/a-*\"\nreason = \"ticket 7\"\n";
    let target = place.target(&service, known);
    let target = target.to_str().expect("UTF-8");
    let stopped = run(place.path(), &["run", "--target", target, "--out", "o", "--jobs", "1", "--fail-fast=1"]);
    ends(&stopped, 1);
    let counts = place.record("o").footer.counts;
    assert_eq!((counts.known_failure, counts.failed), (1, 1), "{counts:?}");
    assert_eq!(counts.total(), 4);
}

#[test]
fn compare_is_red_only_for_what_got_worse() {
    let (place, service) = (Place::new(&["one", "other-turn"]), service());
    let go = |out: &str| run(place.path(), &["run", "--base-url", &service.url, "--out", out]).status.code();
    assert_eq!((go("a"), go("b")), (Some(0), Some(1)), "the service answers by turns");
    let worse = run(place.path(), &["compare", "a", "b"]);
    ends(&worse, 1);
    assert!(out(&worse).contains("Newly violated clauses (1)") && out(&worse).contains("DEM-02"), "{}", out(&worse));
    let better = run(place.path(), &["compare", "b", "a", "--format", "markdown"]);
    ends(&better, 0);
    assert!(out(&better).contains("### Fixed clauses (1)"), "{}", out(&better));
    let json = run(place.path(), &["compare", "a", "b", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(document["newly_violated"][0]["id"], "DEM-02");
    let matrix = run(place.path(), &["matrix", "a", "b", "--differing"]);
    ends(&matrix, 0);
    assert_eq!(out(&matrix).lines().count(), 2, "{}", out(&matrix));
    assert!(out(&run(place.path(), &["matrix", "a", "b", "--format", "markdown"])).contains("**violated**"));
}

/// Cases that take a while, one after the other, against a service that answers slowly.
fn begin_slow_run(place: &Place, service: &Service) -> Child {
    casebook(place.path())
        .args(["run", "--base-url", &service.url, "--out", "o", "--jobs", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command runs")
}

fn slow_place() -> Place {
    let names: Vec<String> = (0..40).map(|at| format!("case{at}-slow")).collect();
    Place::new(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn wait_for_cases(place: &Place, least: usize) {
    let path = place.path().join("o/record.jsonl");
    let begun = Instant::now();
    loop {
        let text = fs::read_to_string(&path).unwrap_or_default();
        if text.lines().filter(|line| line.starts_with("{\"line\":\"case\"")).count() >= least {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "no case ended");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_writes_its_reports_marked_interrupted() {
    for (name, exit) in [("-INT", 130), ("-TERM", 143)] {
        let (place, service) = (slow_place(), Service::start(Duration::from_millis(100)));
        let mut child = begin_slow_run(&place, &service);
        wait_for_cases(&place, 2);
        signal(&child, name);
        assert_eq!(child.wait().expect("it ends").code(), Some(exit), "{name}");
        let record = place.record("o");
        assert!(record.footer.interrupted && record.footer.counts.passed >= 2);
        assert!(record.footer.counts.not_run > 0, "{:?}", record.footer.counts);
        assert!(fs::read_to_string(place.path().join("o/report.md")).expect("a report").contains("interrupted"));
        ends(&run(place.path(), &["verify", "o"]), 0);
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_stops_at_once() {
    let (place, service) = (slow_place(), Service::start(Duration::from_secs(20)));
    let mut child = begin_slow_run(&place, &service);
    let begun = Instant::now();
    while !place.path().join("o/record.jsonl").exists() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().expect("its state").is_none(), "one signal lets the case in flight end");
    signal(&child, "-INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_what_finished() {
    let (place, service) = (slow_place(), Service::start(Duration::from_millis(60)));
    let reports = ["o/report.json", "o/report.md"].map(|name| place.path().join(name));
    fs::create_dir(place.path().join("o")).expect("a directory");
    reports.iter().for_each(|path| fs::write(path, "of an earlier run").expect("written"));
    let mut child = begin_slow_run(&place, &service);
    wait_for_cases(&place, 3);
    child.kill().expect("killed");
    child.wait().expect("it ends");
    assert!(reports.iter().all(|path| !path.exists()), "an earlier run's reports would pass for those of this one");
    let refused = run(place.path(), &["report", "o/record.jsonl", "--format", "markdown"]);
    ends(&refused, 2);
    let partial = run(place.path(), &["report", "o/record.jsonl", "--partial", "--format", "json"]);
    ends(&partial, 0);
    let document: serde_json::Value = serde_json::from_slice(&partial.stdout).expect("JSON");
    assert!(document["footer"]["counts"]["passed"].as_u64() >= Some(3), "{}", document["footer"]);
    assert_eq!(document["footer"]["interrupted"], true);
}

#[test]
fn settings_come_from_the_nearest_file_and_say_so() {
    let (place, service) = (Place::new(&["one"]), service());
    let below = place.path().join("deep/er");
    fs::create_dir_all(&below).expect("a directory");
    let text = format!("cases = \"cases\"\nbase_url = [\"{}\"]\nout = \"fromfile\"\n", service.url);
    fs::write(place.path().join("casebook.toml"), text).expect("written");
    ends(&run(&below, &["run"]), 0);
    assert!(place.path().join("fromfile/record.jsonl").exists(), "paths are relative to the file");
    ends(&run(&below, &["list"]), 0);
    let shown = run(place.path(), &["run", "--show-config", "--jobs", "3", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let origin = |name: &str| {
        let all = document["settings"].as_array().expect("a list");
        let found = all.iter().find(|setting| setting["name"] == name);
        found.expect("the setting")["origin"].as_str().expect("text").to_owned()
    };
    assert_eq!((&*origin("jobs"), &*origin("out"), &*origin("level")), ("--jobs", "casebook.toml", "default"));
    let from_env = casebook(place.path())
        .args(["run", "--show-config"])
        .env("CASEBOOK_BASE_URL", "http://x")
        .output()
        .expect("runs");
    assert!(out(&from_env).contains("http://x  (CASEBOOK_BASE_URL)"), "{}", out(&from_env));
    fs::write(place.path().join("casebook.toml"), "jbos = 3\n").expect("written");
    let wrong = run(place.path(), &["list"]);
    ends(&wrong, 2);
    assert!(err(&wrong).contains("casebook.toml:1: unknown key `jbos`; did you mean `jobs`?"), "{}", err(&wrong));
    ends(&run(place.path(), &["--help"]), 0);
}

#[test]
fn shells_and_manual_readers_get_theirs() {
    let dir = tempfile::tempdir().expect("a directory");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(dir.path(), &["completions", shell]);
        ends(&script, 0);
        assert!(out(&script).contains("rerun-failed"), "{shell}");
    }
    let page = run(dir.path(), &["man", "run"]);
    ends(&page, 0);
    assert!(out(&page).starts_with(".ie") && out(&page).contains("transport"), "{}", out(&page));
    ends(&run(dir.path(), &["man", "nothing"]), 2);
    ends(&run(dir.path(), &["man", "--out", "pages"]), 0);
    assert!(dir.path().join("pages/casebook-run.1").exists());
}

#[test]
fn what_the_suite_makes_has_the_run_s_marker_in_its_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("o");
    let arguments = ["run", "oracle/", "-q", "--run-id", "r4n", "--out", out.to_str().expect("UTF-8")];
    ends(&run(Path::new(ROOT), &arguments), 0);
    let record = support::record(&out);
    let mut made = 0;
    for case in &record.cases {
        let makes = case.ledger.iter().filter(|entry| entry.change == casebook::record::Change::Created);
        for entry in makes {
            let exchange = case.exchanges.iter().find(|each| each.step == entry.step).expect("its exchange");
            let body = exchange.body.as_ref().and_then(|body| body.text.as_deref()).unwrap_or_default();
            assert!(body.contains("casebook-r4n"), "{}: {} makes {body}", case.id, entry.step);
            made += 1;
        }
    }
    assert!(made > 50, "{made}");
}

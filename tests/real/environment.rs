//! An environment that fails: full disks, read-only directories, closed pipes, few file descriptors, a target that dies
//! in mid-run, names that nobody knows. Each has a clear cause and the right exit code, and what was recorded stays.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use casebook::model::verdict::Verdict;
use casebook::record::{ReadMode, read};

use crate::place::{Place, case, ends, err, of, out};
use crate::server::{Answer, Server};

fn many(count: usize) -> String {
    (0..count).map(|at| case(&format!("c{at:03}"), &format!("path = \"/{at}\""), "")).collect()
}

#[test]
fn a_full_disk_under_one_report_costs_that_report_only() {
    let server = Server::start(|_| Answer::ok());
    let place = Place::plain();
    place.target(&server.http(), "");
    let output = place.run(&["--target", "target.toml", "--report", "junit=/dev/full", "--report", "tap=r.tap"]);
    ends(&output, 6);
    assert!(err(&output).contains("the junit report cannot be written to /dev/full"), "{}", err(&output));
    assert!(err(&output).contains("No space left"), "{}", err(&output));
    assert!(place.path().join("r.tap").exists() && place.path().join("out/report.md").exists());
    assert_eq!(place.record().cases[0].outcome, Verdict::Passed);
}

/// Runs with a limit on how large a file may grow, in kilobytes: what a disk is like that fills up.
fn cramped(place: &Place, kilobytes: u32) -> Output {
    let script =
        format!("trap '' XFSZ; ulimit -f {kilobytes} && exec \"$0\" run --no-probe --out out --target target.toml");
    let mut command = Command::new("bash");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_casebook")]).current_dir(place.path());
    command.output().expect("a shell")
}

#[test]
fn a_record_that_cannot_be_written_any_more_stops_the_run() {
    let server = Server::start(|_| Answer::ok().after(Duration::from_millis(5)));
    let place = Place::new(&many(400));
    place.target(&server.http(), "[limits]\njobs = 1\n");
    let output = cramped(&place, 40);
    ends(&output, 6);
    assert!(err(&output).contains("record.jsonl") && err(&output).contains("File too large"), "{}", err(&output));
    assert!(!out(&output).contains("conformant:"), "{}", out(&output));
    assert!(server.lines().len() < 400, "it goes on although nothing is kept");
    // What had been kept by then is there, and can be read.
    let text = fs::read(place.path().join("out/record.jsonl")).expect("a record");
    let record = read(text.as_slice(), ReadMode::Partial).expect("its beginning");
    assert!(record.cases.len() > 10, "{}", record.cases.len());
    // With no room at all nothing is sent, and nothing but the record is removed for a run that cannot begin.
    let asked = server.lines().len();
    place.write("out/report.md", "of an earlier run");
    let output = cramped(&place, 1);
    ends(&output, 6);
    assert_eq!(server.lines().len(), asked);
    assert_eq!(fs::read_to_string(place.path().join("out/report.md")).expect("it stays"), "of an earlier run");
}

#[test]
fn a_record_that_could_not_be_read_back_is_refused() {
    let server = Server::start(|_| Answer::ok());
    let place = Place::plain();
    place.target(&server.http(), "");
    fs::create_dir(place.path().join("out")).expect("a directory");
    let record = place.path().join("out/record.jsonl");
    assert!(Command::new("mkfifo").arg(&record).status().expect("it runs").success());
    for device in [None, Some("/dev/full"), Some("/dev/null")] {
        if let Some(device) = device {
            fs::remove_file(&record).expect("removed");
            symlink(device, &record).expect("a link");
        }
        let output = place.run(&["--target", "target.toml"]);
        ends(&output, 6);
        assert!(err(&output).contains("must be a regular file"), "{}", err(&output));
    }
    assert!(server.asked().is_empty());
}

#[test]
fn a_directory_that_cannot_be_written_is_told_before_anything_is_sent() {
    let server = Server::start(|_| Answer::ok());
    let place = Place::plain();
    place.target(&server.http(), "");
    // A file in the way stops everybody; permissions do not stop a superuser.
    place.write("blocked", "x");
    let output =
        place.command().args(["run", "--no-probe", "--target", "target.toml", "--out", "blocked/out"]).output();
    let output = output.expect("the command runs");
    ends(&output, 6);
    assert!(err(&output).contains("blocked"), "{}", err(&output));
    let locked = place.path().join("locked");
    fs::create_dir(&locked).expect("a directory");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).expect("permissions");
    if fs::write(locked.join("probe"), "x").is_err() {
        let output =
            place.command().args(["run", "--no-probe", "--target", "target.toml", "--out", "locked/out"]).output();
        ends(&output.expect("the command runs"), 6);
    }
    let read_only = "/proc/casebook";
    let output = place.command().args(["run", "--no-probe", "--target", "target.toml", "--out", read_only]).output();
    ends(&output.expect("the command runs"), 6);
    assert!(server.asked().is_empty());
}

#[test]
fn a_reader_that_goes_away_changes_no_verdict_and_costs_no_report() {
    let server = Server::start(|_| Answer::status(500));
    let place = Place::new(&many(50));
    place.target(&server.http(), "");
    for (streams, arguments) in [
        ("| head -n 1", &["--target", "target.toml", "-vv"][..]),
        ("| true", &["--target", "target.toml", "-vv", "--report", "json"]),
        ("2>&1 | true", &["--target", "target.toml", "-vv"]),
    ] {
        let script = format!("set -o pipefail; \"$0\" run --no-probe --out out {} {streams}", arguments.join(" "));
        let output = Command::new("bash")
            .args([
                "-c",
                &format!("{script}; echo \"exit ${{PIPESTATUS[0]}}\" >status"),
                env!("CARGO_BIN_EXE_casebook"),
            ])
            .current_dir(place.path())
            .output()
            .expect("a shell");
        let status = fs::read_to_string(place.path().join("status")).expect("a status");
        // A report that was asked for on a closed standard output could not be written.
        let wanted = if arguments.contains(&"--report") { ["exit 6", "exit 1"] } else { ["exit 1", "exit 1"] };
        assert!(wanted.contains(&status.trim()), "{streams}: {status} {}", err(&output));
        assert_eq!(place.record().cases.len(), 50);
        assert!(place.path().join("out/report.md").exists());
        assert!(!err(&output).contains("panicked"), "{}", err(&output));
    }
}

/// Runs with few file descriptors.
fn limited(place: &Place, files: u32, arguments: &str) -> Output {
    Command::new("bash")
        .args([
            "-c",
            &format!("ulimit -n {files} && exec \"$0\" run --no-probe --out out {arguments}"),
            env!("CARGO_BIN_EXE_casebook"),
        ])
        .current_dir(place.path())
        .output()
        .expect("a shell")
}

#[test]
fn few_file_descriptors_lower_the_concurrency_and_lose_nothing() {
    let server = Server::start(|_| Answer::ok().after(Duration::from_millis(10)));
    let place = Place::new(&many(300));
    place.target(&server.http(), "");
    let output = limited(&place, 64, "--target target.toml --jobs 200");
    ends(&output, 0);
    let record = place.record();
    assert_eq!(record.footer.counts.passed, 300);
    assert!(err(&output).contains("64 files") && err(&output).contains("--jobs 200"), "{}", err(&output));
    assert!(place.path().join("out/report.json").exists());
    // Where there is room nothing is lowered, and nothing is said.
    let output = limited(&place, 1024, "--target target.toml --jobs 200");
    ends(&output, 0);
    assert!(!err(&output).contains("files"), "{}", err(&output));
}

#[test]
fn the_embedded_mock_shares_the_file_descriptors() {
    let root = env!("CARGO_MANIFEST_DIR");
    let dir = tempfile::tempdir().expect("a directory");
    let script = format!(
        "ulimit -n 64 && exec \"$0\" run --no-probe --cases {root}/cases --out out --jobs 200 --quiet groove/add"
    );
    let output =
        Command::new("bash").args(["-c", &script, env!("CARGO_BIN_EXE_casebook")]).current_dir(dir.path()).output();
    let output = output.expect("a shell");
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    let record = crate::support::record(&dir.path().join("out"));
    assert_eq!(record.footer.counts.errored, 0);
}

#[test]
fn a_target_that_dies_and_comes_back_loses_only_what_was_asked_meanwhile() {
    let place = Place::new(&many(200).replace("status = 200", "status = \"4xx\""));
    let (mut service, port) = mock(0);
    place.target(&format!("http://127.0.0.1:{port}"), "[limits]\njobs = 4\nper_second = 100\n");
    let mut command = place.command();
    command
        .args(["run", "--no-probe", "--out", "out", "--target", "target.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("the command runs");
    let lines =
        || fs::read(place.path().join("out/record.jsonl")).map_or(0, |text| text.split(|byte| *byte == b'\n').count());
    while lines() < 30 {
        std::thread::sleep(Duration::from_millis(5));
    }
    service.kill().expect("killed");
    service.wait().expect("gone");
    let died = lines();
    while lines() < died + 20 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let (mut again, _) = mock(port);
    let output = child.wait_with_output().expect("it ends");
    again.kill().expect("killed");
    again.wait().expect("gone");
    let record = place.record();
    let counts = &record.footer.counts;
    assert_eq!(counts.passed + counts.errored, 200, "all are accounted for: {counts:?}");
    assert!(counts.passed > 28 && counts.errored >= 10, "{counts:?}");
    assert_eq!(of(&record, "c000").outcome, Verdict::Passed, "what was recorded before stays");
    assert_eq!(of(&record, "c199").outcome, Verdict::Passed, "it came back");
    ends(&output, 5);
    assert!(out(&output).contains("could not reach the target"), "{}", out(&output));
}

/// The mock of the command in a process of its own, which can be killed; it answers what it does not know with 404.
fn mock(port: u16) -> (Child, u16) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_casebook"))
        .args(["mock", "--port", &port.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the mock");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut line).expect("a line");
    let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    (child, port)
}

#[test]
fn a_name_that_nobody_knows_is_told_once_and_before_anything_runs() {
    let place = Place::new(&many(20));
    place.target("http://no-such-host.invalid", "");
    let output = place.run(&["--target", "target.toml"]);
    ends(&output, 5);
    let text = err(&output);
    assert!(text.contains("the host name cannot be resolved"), "{text}");
    assert_eq!(text.matches("no-such-host").count(), 1, "{text}");
}

/// Expiry asks for the date; every duration comes from a clock that cannot jump.
#[test]
fn the_wall_clock_is_asked_where_a_date_is_wanted_and_nowhere_else() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut asking = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("sources").map(|entry| entry.expect("a file").path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("text");
                if ["SystemTime::now", "Timestamp::now", "Zoned::now"].iter().any(|name| text.contains(name)) {
                    asking.push(path.strip_prefix(&root).expect("below").display().to_string());
                }
            }
        }
    }
    asking.sort();
    // When the run began and what that makes of known failures; cookies that expire, and `Retry-After` as a date.
    let wanted = ["engine/mod.rs", "harness.rs", "runner/case.rs", "runner/deliver.rs"];
    assert_eq!(asking.iter().filter(|path| !path.starts_with("mock/")).collect::<Vec<_>>(), wanted);
}

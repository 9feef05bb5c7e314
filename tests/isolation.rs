//! The suite belongs to no target: it passes in any order, twice in a row, and where every value differs; and what a
//! target lacks skips exactly the cases that need it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use casebook::load;
use casebook::model::verdict::SkipCode;
use casebook::plan;

/// A mock in a process of its own; ends with the test.
struct Mock {
    process: Child,
    url: String,
}

impl Mock {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_casebook"))
            .args(["mock", "--port", "0"])
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, url }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the suite and gives its exit code and what it printed.
fn run(out: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_casebook"))
        .args(["run", "--out"])
        .arg(out)
        .args(arguments)
        .env_remove("CASEBOOK_BASE_URL")
        .env_remove("CASEBOOK_TARGET")
        .env_remove("CASEBOOK_CASES")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn twice_in_a_row_and_shuffled_against_one_mock() {
    let mock = Mock::start(&[]);
    let out = tempfile::tempdir().unwrap();
    for order in [&["--shuffle", "1"][..], &["--shuffle", "2", "--jobs", "3"]] {
        let mut arguments = vec!["--base-url", mock.url.as_str()];
        arguments.extend(order);
        let (code, said) = run(out.path(), &arguments);
        assert_eq!(code, Some(0), "{order:?}\n{said}");
        assert!(!said.contains("left behind"), "{said}");
    }
}

#[test]
fn a_target_in_which_every_value_differs() {
    let mock = Mock::start(&["--seed", "src/mock/seed_other.toml"]);
    let out = tempfile::tempdir().unwrap();
    let (code, said) = run(out.path(), &["--base-url", &mock.url, "--target", "tests/targets/other.toml"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_a_target_lacks_skips_exactly_the_cases_that_need_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let suite = load::suite(&root.join("cases")).unwrap();
    let whole = load::mock_target(&suite, &|_| None).unwrap();
    let all: Vec<usize> = (0..suite.cases.len()).collect();
    let services = suite.services.keys().map(|service| (service.clone(), "http://127.0.0.1:9".to_owned()));
    let mut whole = whole;
    whole.services = services.collect();
    let before = plan::cases(&suite, &whole, &all, true);
    let mut tried = 0;
    for fixture in &suite.fixtures {
        let name = &fixture.name;
        let mut target = whole.clone();
        if target.values.remove(name).is_none() && target.auth.remove(name).is_none() {
            continue;
        }
        tried += 1;
        let mut skipped = 0;
        for (planned, full) in plan::cases(&suite, &target, &all, true).iter().zip(&before) {
            let case = &suite.cases[planned.index];
            let needs = case.needs.iter().any(|need| &need.name == name);
            match &planned.skip {
                Some((SkipCode::MissingFixture, detail)) if full.skip.is_none() => {
                    assert!(needs, "{} is skipped without {name}, which it does not need", case.id);
                    assert_eq!(detail, &format!("the target has no {name}"), "{}", case.id);
                    skipped += 1;
                }
                _ => assert!(!needs || full.skip.is_some(), "{} needs {name} and is not skipped", case.id),
            }
        }
        assert!(skipped > 0, "{name} is declared and no case needs it");
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn a_run_without_a_fixture_still_resolves_every_case_that_it_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("targets/mock.toml")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let mock = Mock::start(&[]);
    let less: String =
        text.lines().filter(|line| !line.starts_with("oracle.create")).map(|line| format!("{line}\n")).collect();
    assert_ne!(less, text);
    let path = out.path().join("less.toml");
    std::fs::write(&path, less).unwrap();
    let (code, said) = run(out.path(), &["--base-url", &mock.url, "--target", path.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("held so far") || said.contains("not tested"), "{said}");
}

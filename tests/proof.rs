//! `casebook prove` and the departures of `casebook mock`, through the built command.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn casebook(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casebook"));
    command.current_dir(ROOT).args(arguments);
    for name in ["CASEBOOK_CASES", "CASEBOOK_BASE_URL", "CASEBOOK_TARGET"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A copy of the suite.
fn suite() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(&Path::new(ROOT).join("cases"), dir.path());
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

#[test]
fn a_fault_that_is_noticed_and_a_variation_that_is_not_are_proven() {
    let arguments = ["prove", "oracle-delete-missing-410", "oracle-malformed-404", "--format", "json"];
    let output = casebook(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let proof: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let fault = &proof["faults"][0];
    assert_eq!((&fault["standing"], &fault["clause"]), (&"killed".into(), &"OCM-DEL-29".into()));
    // A row of the kill matrix: the broken clause is one of those whose checks fail.
    assert_eq!(fault["clauses"]["OCM-DEL-29"].as_u64(), fault["killed_by"].as_array().map(|cases| cases.len() as u64));
    assert!(proof["variations"].as_array().unwrap().iter().all(|one| one["accused"].as_array().unwrap().is_empty()));
    let mutants = &proof["mutants"];
    let number = |name: &str| mutants[name].as_u64().unwrap();
    assert!(number("tried") > 5_000, "{mutants}");
    assert_eq!(number("tried"), number("noticed") + number("tolerated"));
    assert_eq!(mutants["missed"], serde_json::json!([]));
}

#[test]
fn everybody_gets_the_matrix() {
    for (format, lead) in
        [("text", "OCM-DEL-29"), ("markdown", "## What this suite would catch"), ("html", "<!doctype html>")]
    {
        let output = casebook(&["prove", "oracle-delete-missing-410", "--format", format]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(0), "{text}");
        for part in [lead, "oracle-delete-missing-410", "Cases that catch nothing that no other case catches", " rows"]
        {
            assert!(text.contains(part), "{format} lacks {part}:\n{text}");
        }
    }
}

#[test]
fn an_expectation_that_goes_turns_the_proof_red() {
    let cases = suite();
    let file = cases.path().join("oracle/collections-delete");
    let mut damaged = false;
    for entry in fs::read_dir(&file).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let line = text.lines().find(|line| line.starts_with("headers.content-type"));
        if let Some(line) = line.filter(|_| !damaged) {
            fs::write(&path, text.replacen(&format!("{line}\n"), "", 1)).unwrap();
            damaged = true;
        }
    }
    assert!(damaged);
    let at = cases.path().to_str().unwrap();
    let output = casebook(&["prove", "oracle-delete-missing-410", "--cases", at]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("a check that the stored list has is gone: oracle/collections-delete"), "{text}");
}

#[test]
fn a_wrong_answer_that_no_case_looks_at_turns_the_proof_red() {
    let cases = suite();
    for entry in fs::read_dir(cases.path().join("oracle/collections-delete")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name != "clauses.toml") {
            fs::remove_file(path).unwrap();
        }
    }
    let clauses = fs::read_to_string(cases.path().join("oracle/collections-delete/clauses.toml")).unwrap();
    let excluded: Vec<&str> = clauses.split("[[clause]]").skip(1).filter(|each| !each.contains("\nexcluded")).collect();
    let ids: Vec<&str> = excluded.iter().filter_map(|each| each.split('"').nth(1)).collect();
    // One case for all clauses: it asks for a member of the answer, and of the others that they may be there.
    let text = format!(
        "service = \"oracle\"\nsuite = \"oracle/collections-delete\"\n[[case]]\nid = \"blunt\"\ntitle = \"Nearly blind\"\n\
         clauses = {ids:?}\neffect = \"destructive\"\n[case.request]\nmethod = \"DELETE\"\n\
         path = \"/documents/api/1.1/collections/${{oracle.missing_id}}\"\nauth = \"oracle.user\"\n[case.expect]\n\
         status = 404\nextra = \"note\"\njson = '{{ \"errorCode\": \"-16\" }}'\n"
    );
    fs::write(cases.path().join("oracle/collections-delete/blunt.toml"), text).unwrap();
    let at = cases.path().to_str().unwrap();
    let output = casebook(&["prove", "oracle-delete-missing-410", "--cases", at]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for place in ["/errorMessage, emptied", "/title, removed"] {
        assert!(
            text.contains(&format!("a wrong answer goes unnoticed: oracle-collection-delete 404: {place}")),
            "{place}: {text}"
        );
    }
    assert!(!text.contains("404: /errorCode"), "{text}");
}

#[test]
fn what_is_proven_is_named_or_nothing_is_proven() {
    let output = casebook(&["prove", "oracle-delete-missing-41"]);
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(said(&output).contains("did you mean `oracle-delete-missing-410`?"), "{}", said(&output));
}

#[test]
fn faults_and_variations_are_listed_and_each_has_its_clause() {
    let output = casebook(&["mock", "--list-faults", "--list-variations", "--format", "json"]);
    let lists: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let (faults, variations) = (lists["faults"].as_array().unwrap(), lists["variations"].as_array().unwrap());
    assert!(faults.len() >= 235 && variations.len() >= 55, "{} {}", faults.len(), variations.len());
    assert!(faults.iter().all(|fault| fault["clause"].as_str().is_some_and(|clause| clause.contains('-'))));
    let text = said(&casebook(&["mock", "--list-faults"]));
    assert!(text.contains("oracle-delete-missing-410  OCM-DEL-29  "), "{text}");
    let wrong = casebook(&["mock", "--fault", "oracle-delete-missing-411"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(said(&wrong).contains("did you mean"), "{}", said(&wrong));
    let wrong = casebook(&["mock", "--variation", "json-wid"]);
    assert!(said(&wrong).contains("did you mean `json-wide`?"), "{}", said(&wrong));
}

#[test]
fn a_departing_mock_departs_on_its_socket() {
    let status = |departure: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_casebook"))
            .arg("mock")
            .args(departure)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(
            stream,
            "DELETE /documents/api/1.1/collections/{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "0".repeat(33)
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    let honest = status(&[]);
    let redirecting = status(&["--variation", "oracle-login-redirect"]);
    assert_ne!(honest, redirecting);
    assert!(redirecting.starts_with('3'), "{honest} {redirecting}");
}

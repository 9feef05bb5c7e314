//! Common Test Report Format: strict JSON in which durations are whole milliseconds and free data lives in `extra`.

use serde_json::{Map, Value, json};

use crate::diff::Palette;
use crate::record::{CaseRecord, Record};

use super::escape::{log_line, log_lines, shorten};
use super::standing::{Standing, Standings};
use super::text::{RunTexts, block};
use super::{ReportError, words};

/// Longest message, in bytes.
const MAX_MESSAGE: usize = 1000;
/// Longest trace, in bytes.
const MAX_TRACE: usize = 20_000;

pub(super) fn render(record: &Record) -> Result<Vec<u8>, ReportError> {
    let standings = Standings::new(record);
    let texts = RunTexts::of_record(record);
    let start = words::started(record).as_millisecond();
    let stop = start.saturating_add_unsigned(record.footer.elapsed_us / 1000);
    let mut tests: Vec<Value> = record.cases.iter().map(|case| test(case, standings.of(case), start, &texts)).collect();
    if let Some(problem) = standings.run_problem() {
        tests.push(json!({
            "name": "the run itself",
            "status": "failed",
            "duration": 0,
            "suite": ["casebook"],
            "message": log_line(&shorten(&problem, MAX_MESSAGE)),
            "rawStatus": words::name(&record.footer.exit),
        }));
    }
    let of = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
    let target = &record.header.target;
    let document = json!({
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "generatedBy": "casebook",
        "results": {
            "tool": { "name": "casebook", "version": record.header.casebook_version },
            "summary": {
                "tests": tests.len(),
                "passed": of("passed"),
                "failed": of("failed"),
                "skipped": of("skipped"),
                "pending": of("pending"),
                "other": of("other"),
                "start": start,
                "stop": stop,
                "extra": {
                    "exit": record.footer.exit.code(),
                    "conclusion": log_line(&words::conclusion(record)),
                    "counts": record.footer.counts,
                },
            },
            "environment": {
                "appName": log_line(&target.product),
                "appVersion": log_line(&target.version),
                "testEnvironment": log_line(&target.name),
                "extra": {
                    "class": target.class,
                    "suite": record.header.suite.hash,
                    "seed": record.header.seed,
                    "warnings": record.header.warnings.iter().map(|text| log_line(text)).collect::<Vec<_>>(),
                },
            },
            "tests": tests,
        },
    });
    let mut bytes = serde_json::to_vec_pretty(&document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn test(case: &CaseRecord, standing: Standing, start: i64, texts: &RunTexts) -> Value {
    let status = match (standing, &case.outcome) {
        (Standing::Passed, _) => "passed",
        (Standing::Failed | Standing::Errored, _) => "failed",
        (Standing::Tolerated, _) => "other",
        (Standing::Skipped, crate::model::verdict::Verdict::NotRun { .. }) => "pending",
        (Standing::Skipped, _) => "skipped",
    };
    let began = start.saturating_add_unsigned(case.started_us / 1000);
    let mut test = Map::new();
    let mut put = |name: &str, value: Value| test.insert(name.to_owned(), value);
    put("name", json!(log_line(case.id.as_str())));
    put("status", json!(status));
    put("duration", json!(case.elapsed_us / 1000));
    if standing != Standing::Skipped {
        put("start", json!(began));
        put("stop", json!(began.saturating_add_unsigned(case.elapsed_us / 1000)));
    }
    let path = case.id.as_str().split('[').next().unwrap_or_default();
    let suite: Vec<&str> = path.rsplit_once('/').map_or(path, |(suite, _)| suite).split('/').collect();
    put("suite", json!(suite));
    put("rawStatus", json!(words::verdict(&case.outcome)));
    if !case.tags.is_empty() {
        put("tags", json!(case.tags));
    }
    if !case.source.file.is_empty() {
        put("filePath", json!(case.source.file));
        put("line", json!(case.source.line));
    }
    if matches!(case.outcome, crate::model::verdict::Verdict::Flaky { .. }) {
        put("flaky", json!(true));
    }
    if standing != Standing::Passed {
        put("message", json!(log_line(&shorten(&words::in_one_line(case), MAX_MESSAGE))));
    }
    if standing <= Standing::Tolerated {
        put("trace", json!(log_lines(&shorten(&block(&[case], texts, &Palette::plain()), MAX_TRACE))));
    }
    put("extra", json!({ "title": log_line(&case.title), "clauses": case.clauses }));
    Value::Object(test)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    #[test]
    fn numbers_are_whole_and_add_up() {
        let bytes = render(&sample::record()).expect("rendered");
        let document: Value = serde_json::from_slice(&bytes).expect("JSON");
        let summary = &document["results"]["summary"];
        let sum: u64 = ["passed", "failed", "skipped", "pending", "other"]
            .iter()
            .map(|name| summary[*name].as_u64().expect("a whole number"))
            .sum();
        assert_eq!(summary["tests"].as_u64(), Some(sum));
        assert_eq!(summary["start"].as_u64(), Some(1_767_323_045_678));
        for test in document["results"]["tests"].as_array().expect("tests") {
            assert!(test["suite"].is_array());
            assert!(test["duration"].is_u64());
        }
        assert_eq!(summary["other"], 1, "a known failure is neither passed nor failed");
    }
}

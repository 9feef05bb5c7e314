//! SARIF 2.1.0: each clause a rule, each mismatch a result at the line of its case. Passes have no place in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::model::clause::Level;
use crate::model::id::ClauseId;
use crate::model::judgement::Mismatch;
use crate::model::verdict::{Exit, Verdict};
use crate::record::{CaseRecord, ClauseRecord, Record};

use super::escape::{log_line, shorten};
use super::standing::{Standing, Standings};
use super::text::mismatch as mismatch_line;
use super::{ReportError, words};

/// GitHub takes 25,000 results of a run and shows 5,000.
const MAX_RESULTS: usize = 5000;
/// Rule of a mismatch whose check cites no clause.
const NO_CLAUSE: &str = "casebook/no-clause";
/// Rule of a listed failure that did not happen.
const UNEXPECTED_PASS: &str = "casebook/unexpected-pass";
/// Rule of repetitions that disagree.
const FLAKY: &str = "casebook/flaky";
/// Longest message, in bytes.
const MAX_MESSAGE: usize = 2000;

struct Finding<'a> {
    case: &'a CaseRecord,
    standing: Standing,
    rule: String,
    message: String,
    /// What stays the same when lines move.
    identity: String,
}

pub(super) fn render(record: &Record) -> Result<Vec<u8>, ReportError> {
    let standings = Standings::new(record);
    let mut findings = Vec::new();
    for case in &record.cases {
        find(case, standings.of(case), &mut findings);
    }
    let left_out = findings.len().saturating_sub(MAX_RESULTS);
    findings.truncate(MAX_RESULTS);

    let used: BTreeSet<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    let clauses: BTreeMap<&str, &ClauseRecord> =
        record.summary.clauses.iter().map(|clause| (clause.id.as_str(), clause)).collect();
    let rules: Vec<Value> = used.iter().map(|id| rule(id, clauses.get(id).copied())).collect();
    let index: BTreeMap<&str, usize> = used.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            // Two equal findings of one case are told apart by their number.
            let number = seen.entry(finding.identity.clone()).or_default();
            *number += 1;
            result(finding, index.get(finding.rule.as_str()).copied().unwrap_or(0), *number)
        })
        .collect();

    let mut notes: Vec<Value> = record
        .cases
        .iter()
        .filter(|case| matches!(case.outcome, Verdict::Errored { .. } | Verdict::Blocked { .. }))
        .take(MAX_RESULTS)
        .map(|case| note("error", &format!("{}: {}", case.id, words::in_one_line(case))))
        .collect();
    notes.extend(record.header.warnings.iter().map(|warning| note("warning", warning)));
    notes.extend(standings.run_problem().map(|problem| note("error", &problem)));
    if left_out > 0 {
        notes.push(note("warning", &format!("{left_out} more results are left out; the record has them")));
    }
    let exit = record.footer.exit;
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "casebook",
                "semanticVersion": record.header.casebook_version,
                "rules": rules,
            } },
            "automationDetails": { "id": automation_id(record) },
            "invocations": [{
                "executionSuccessful": matches!(exit, Exit::Conformant | Exit::Nonconformant | Exit::StaleList),
                "exitCode": exit.code(),
                "exitCodeDescription": exit.meaning(),
                "toolExecutionNotifications": notes,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut bytes = serde_json::to_vec_pretty(&document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn find<'a>(case: &'a CaseRecord, standing: Standing, findings: &mut Vec<Finding<'a>>) {
    let mut push = |rule: &str, message: String, identity: String| {
        findings.push(Finding { case, standing, rule: rule.to_owned(), message, identity });
    };
    let whole = |kind: &str| format!("{}\n{kind}", case.id);
    match case.outcome {
        Verdict::UnexpectedPass { .. } => {
            push(UNEXPECTED_PASS, format!("{}: {}", case.id, words::in_one_line(case)), whole(UNEXPECTED_PASS));
        }
        Verdict::Flaky { .. } => {
            push(FLAKY, format!("{}: {}", case.id, words::in_one_line(case)), whole(FLAKY));
        }
        Verdict::Failed | Verdict::KnownFailure { .. } => {
            for each in &case.judgement.mismatches {
                let rules: Vec<&str> = match each.clauses.as_slice() {
                    [] => vec![NO_CLAUSE],
                    ids => ids.iter().map(ClauseId::as_str).collect(),
                };
                for rule in rules {
                    push(rule, message(case, each), identity(case, each, rule));
                }
            }
        }
        _ => {}
    }
}

fn message(case: &CaseRecord, each: &Mismatch) -> String {
    format!("{} ({}): {}", case.title, case.id, mismatch_line(each))
}

fn identity(case: &CaseRecord, each: &Mismatch, rule: &str) -> String {
    format!("{}\n{}\n{}\n{}\n{rule}", case.id, each.step, each.check, words::name(&each.kind))
}

fn rule(id: &str, clause: Option<&ClauseRecord>) -> Value {
    let Some(clause) = clause else {
        let text = match id {
            UNEXPECTED_PASS => "A failure that is listed as known did not happen.",
            FLAKY => "Repetitions of a case disagree.",
            NO_CLAUSE => "A check that cites no clause failed.",
            _ => "A clause that the record does not describe is violated.",
        };
        return json!({
            "id": id,
            "shortDescription": { "text": text },
            "fullDescription": { "text": text },
            "help": { "text": text },
            "defaultConfiguration": { "level": "error" },
        });
    };
    let text = log_line(&clause.text);
    let place = format!("{}, section {}, {}", clause.document, clause.section, words::name(&clause.level));
    json!({
        "id": id,
        "shortDescription": { "text": text },
        "fullDescription": { "text": text },
        "help": { "text": log_line(&format!("{place}: {}", clause.text)) },
        "defaultConfiguration": { "level": if clause.level == Level::Stated { "error" } else { "warning" } },
        "properties": { "document": log_line(&clause.document), "section": log_line(&clause.section) },
    })
}

fn result(finding: &Finding<'_>, index: usize, number: usize) -> Value {
    let case = finding.case;
    let mut hash = Sha256::new();
    hash.update(finding.identity.as_bytes());
    hash.update(number.to_string().as_bytes());
    let fingerprint: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "kind": "fail",
        "level": if finding.standing == Standing::Failed { "error" } else { "note" },
        "message": { "text": log_line(&shorten(&finding.message, MAX_MESSAGE)) },
        "partialFingerprints": { "casebook/v1": fingerprint },
    });
    if !case.source.file.is_empty() {
        result["locations"] = json!([{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&case.source.file) },
                "region": { "startLine": case.source.line.max(1) },
            },
            "logicalLocations": [{ "fullyQualifiedName": log_line(case.id.as_str()) }],
        }]);
    }
    if let Verdict::KnownFailure { reason } = &case.outcome {
        result["suppressions"] =
            json!([{ "kind": "external", "justification": log_line(&shorten(reason, MAX_MESSAGE)) }]);
    }
    result
}

fn note(level: &str, text: &str) -> Value {
    json!({ "level": level, "message": { "text": log_line(&shorten(text, MAX_MESSAGE)) } })
}

/// Tells uploads of different targets and shards apart; ends with a slash as GitHub's category wants.
fn automation_id(record: &Record) -> String {
    let shard = record.header.shard.map_or_else(String::new, |(index, of)| format!("{index}-of-{of}/"));
    format!("casebook/{}/{shard}", log_line(&record.header.target.name))
}

/// A relative path as a URI reference.
fn uri(path: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const OUTSIDE: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'%')
        .add(b'<')
        .add(b'>')
        .add(b'?')
        .add(b'[')
        .add(b']')
        .add(b'\\')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}')
        .add(b':');
    utf8_percent_encode(path.strip_prefix("./").unwrap_or(path), OUTSIDE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    fn run(record: &Record) -> Value {
        let document: Value = serde_json::from_slice(&render(record).expect("rendered")).expect("JSON");
        document["runs"][0].clone()
    }

    #[test]
    fn results_name_their_rule_and_line() {
        let run = run(&sample::record());
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        let results = run["results"].as_array().expect("results");
        assert_eq!(results.len(), 9);
        let mut fingerprints = BTreeSet::new();
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"]["uri"], "cases/groove/add.toml");
            assert!(place["region"]["startLine"].as_u64() >= Some(1));
            assert!(fingerprints.insert(result["partialFingerprints"]["casebook/v1"].to_string()));
        }
        let suppressed = results.iter().filter(|result| result.get("suppressions").is_some()).count();
        assert_eq!(suppressed, 1);
        assert_eq!(run["invocations"][0]["exitCode"], 1);
        assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    }

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("./a b/[c]%.toml"), "a%20b/%5Bc%5D%25.toml");
    }
}

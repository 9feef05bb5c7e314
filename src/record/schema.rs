//! The JSON Schema of a record: [`schema`]. Committed as `reports/schema/record.v1.json`; a test compares them.

use serde_json::{Map, Value, json};

/// The schema (draft 2020-12). It accepts each line of a record, and the document that the `json` report makes of it.
#[must_use]
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:casebook:record:1",
        "title": "casebook record, version 1",
        "description": "A record is JSON Lines: a header, a line for each case in the order in which they ended, a summary, a footer. The json report is the same as one document, cases sorted by id.",
        "oneOf": [
            reference("document"), reference("headerLine"), reference("caseLine"), reference("summaryLine"),
            reference("footerLine")
        ],
        "$defs": defs(),
    })
}

fn defs() -> Value {
    let mut defs = Map::new();
    for (name, value) in
        lines().into_iter().chain(parts()).chain(findings()).chain(wire()).chain(totals()).chain(names())
    {
        defs.insert(name.to_owned(), value);
    }
    Value::Object(defs)
}

type Defs = Vec<(&'static str, Value)>;

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn one_of(names: &[&str]) -> Value {
    json!({ "enum": names })
}

fn pair(first: &Value, second: &Value) -> Value {
    json!({ "type": "array", "prefixItems": [first, second], "minItems": 2, "maxItems": 2 })
}

/// A closed object: every required member, the optional ones, and nothing else.
fn object(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = required.iter().map(|(name, _)| *name).collect();
    let members: Map<String, Value> =
        required.iter().chain(optional).map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    json!({ "type": "object", "required": names, "properties": members, "additionalProperties": false })
}

/// An object that says which of several it is by the member `tag`.
fn tagged(tag: &str, name: &str, mut value: Value) -> Value {
    value["properties"][tag] = json!({ "const": name });
    if let Some(required) = value["required"].as_array_mut() {
        required.insert(0, json!(tag));
    }
    value
}

fn header() -> Value {
    object(
        &[
            ("record_version", json!({ "const": super::RECORD_VERSION })),
            ("casebook_version", text()),
            ("run_id", text()),
            ("started", json!({ "type": "string", "description": "RFC 3339, UTC" })),
            ("seed", whole()),
            ("strict", flag()),
            ("level", reference("level")),
            ("suite", reference("suite")),
            ("target", reference("identity")),
            ("base_urls", list(&pair(&text(), &text()))),
            ("config_hash", text()),
            ("selected", list(&text())),
        ],
        &[
            ("shard", json!({ "anyOf": [pair(&whole(), &whole()), { "type": "null" }] })),
            ("repeat", whole()),
            ("transport_retries", whole()),
            ("known", list(&object(&[("entry", reference("knownFailure")), ("cases", whole())], &[]))),
            ("warnings", list(&text())),
            ("rerun", list(&text())),
        ],
    )
}

fn case() -> Value {
    object(
        &[
            ("id", text()),
            ("title", text()),
            ("service", text()),
            ("clauses", list(&text())),
            ("tags", list(&text())),
            ("effect", one_of(&["read", "write", "destructive"])),
            ("source", object(&[("file", text()), ("line", whole())], &[])),
            ("outcome", reference("verdict")),
            ("observe", flag()),
            ("judgement", reference("judgement")),
            ("exchanges", list(&reference("exchange"))),
            ("started_us", whole()),
            ("elapsed_us", whole()),
        ],
        &[
            ("diffs", list(&reference("bodyDiff"))),
            ("teardown_problems", list(&text())),
            ("ledger", list(&reference("ledgerEntry"))),
        ],
    )
}

fn summary() -> Value {
    object(
        &[
            ("clauses", list(&reference("clause"))),
            ("choices", list(&reference("choice"))),
            ("coverage", list(&reference("coverage"))),
        ],
        &[],
    )
}

fn footer() -> Value {
    object(
        &[
            ("counts", reference("counts")),
            ("exit", reference("exit")),
            ("reasons", list(&text())),
            ("left_behind", list(&reference("ledgerEntry"))),
            ("created", whole()),
            ("removed", whole()),
            ("interrupted", flag()),
            ("elapsed_us", whole()),
        ],
        &[("probes", list(&reference("probe")))],
    )
}

fn probe() -> Value {
    let kind = one_of(&["path", "method", "operation", "sense"]);
    object(&[("service", text()), ("kind", kind), ("exchange", reference("exchange"))], &[])
}

fn lines() -> Defs {
    vec![
        (
            "document",
            object(
                &[
                    ("record_version", json!({ "const": super::RECORD_VERSION })),
                    ("header", header()),
                    ("summary", summary()),
                    ("footer", footer()),
                    ("cases", list(&case())),
                ],
                &[],
            ),
        ),
        ("headerLine", tagged("line", "header", header())),
        ("caseLine", tagged("line", "case", case())),
        ("summaryLine", tagged("line", "summary", summary())),
        ("footerLine", tagged("line", "footer", footer())),
    ]
}

fn parts() -> Defs {
    let origin = one_of(&["stated", "example", "implied", "referenced"]);
    let status = object(&[("status", whole()), ("source", origin.clone())], &[("clauses", list(&text()))]);
    let code = object(&[("code", text()), ("status", whole()), ("source", origin)], &[("clauses", list(&text()))]);
    vec![
        (
            "suite",
            object(
                &[
                    ("hash", text()),
                    ("cases", whole()),
                    ("documents", list(&reference("documented"))),
                    ("operations", list(&reference("operation"))),
                ],
                &[],
            ),
        ),
        (
            "knownFailure",
            object(
                &[("reason", text())],
                &[
                    ("case", text()),
                    ("clause", text()),
                    ("check", text()),
                    ("got", text()),
                    ("issue", text()),
                    ("expires", text()),
                    ("flaky", flag()),
                ],
            ),
        ),
        (
            "documented",
            object(
                &[("id", text()), ("title", text()), ("sha256", text()), ("bytes", whole())],
                &[("publisher", text()), ("version", text())],
            ),
        ),
        (
            "operation",
            object(
                &[
                    ("id", text()),
                    ("method", text()),
                    ("path", text()),
                    ("request_media", list(&text())),
                    ("response_media", list(&text())),
                    ("statuses", list(&status)),
                    ("codes", list(&code)),
                ],
                &[],
            ),
        ),
        (
            "identity",
            object(
                &[
                    ("name", text()),
                    ("product", text()),
                    ("version", text()),
                    ("operator", text()),
                    ("class", one_of(&["mock", "real"])),
                ],
                &[],
            ),
        ),
        ("bodyDiff", object(&[("step", text()), ("expected", text()), ("actual", text())], &[])),
        (
            "ledgerEntry",
            object(
                &[("step", text()), ("kind", text()), ("id", text()), ("change", one_of(&["created", "removed"]))],
                &[],
            ),
        ),
    ]
}

fn findings() -> Defs {
    let variant = |name: &str, members: &[(&str, Value)]| tagged("verdict", name, object(members, &[]));
    let verdict = json!({ "oneOf": [
        variant("passed", &[]),
        variant("failed", &[]),
        variant("errored", &[("stage", reference("stage")), ("detail", text())]),
        variant("known-failure", &[("reason", text())]),
        variant("unexpected-pass", &[("reason", text())]),
        variant("observed", &[]),
        variant("skipped", &[("code", reference("skipCode")), ("detail", text())]),
        variant("blocked", &[("step", text()), ("detail", text())]),
        variant("flaky", &[("passed", whole()), ("runs", whole())]),
        variant("not-run", &[("detail", text())]),
    ] });
    let mismatches = list(&reference("mismatch"));
    vec![
        ("verdict", verdict),
        (
            "judgement",
            object(
                &[
                    ("mismatches", mismatches.clone()),
                    ("notes", mismatches.clone()),
                    ("unmet", mismatches),
                    ("checks", list(&reference("check"))),
                    ("readings", list(&reference("followed"))),
                ],
                &[],
            ),
        ),
        (
            "mismatch",
            object(
                &[
                    ("step", text()),
                    ("part", one_of(&["status", "header", "body", "check"])),
                    ("place", text()),
                    ("check", text()),
                    ("kind", reference("mismatchKind")),
                    ("expected", text()),
                    ("actual", text()),
                    ("clauses", list(&text())),
                ],
                &[("types", json!({ "anyOf": [pair(&text(), &text()), { "type": "null" }] }))],
            ),
        ),
        (
            "check",
            object(
                &[
                    ("step", text()),
                    ("check", text()),
                    ("clauses", list(&text())),
                    ("held", whole()),
                    ("violated", whole()),
                ],
                &[("loose", flag())],
            ),
        ),
        (
            "followed",
            object(&[("choice", text()), ("readings", list(&text())), ("step", text()), ("place", text())], &[]),
        ),
    ]
}

fn wire() -> Defs {
    let headers = list(&pair(&text(), &text()));
    vec![
        ("probe", probe()),
        (
            "exchange",
            object(
                &[
                    ("step", text()),
                    ("role", one_of(&["setup", "main", "teardown"])),
                    ("method", text()),
                    ("url", text()),
                    ("headers", headers.clone()),
                    ("started_us", whole()),
                    ("elapsed_us", whole()),
                ],
                &[
                    ("body", reference("body")),
                    ("response", reference("response")),
                    ("error", object(&[("stage", reference("stage")), ("detail", text())], &[])),
                    ("attempts", whole()),
                    (
                        "redirects",
                        list(&object(
                            &[("status", whole()), ("method", text()), ("url", text())],
                            &[("dropped", list(&text()))],
                        )),
                    ),
                    ("waits", list(&object(&[("status", whole()), ("wait_us", whole())], &[]))),
                ],
            ),
        ),
        (
            "response",
            object(
                &[
                    ("status", json!({ "type": "integer", "minimum": 0, "maximum": 65535 })),
                    ("version", text()),
                    ("headers", headers),
                    ("body", reference("body")),
                ],
                &[("reason", text())],
            ),
        ),
        ("body", object(&[("bytes", whole())], &[("text", text()), ("base64", text()), ("cut", flag())])),
    ]
}

fn totals() -> Defs {
    let reading = object(&[("id", text()), ("text", text())], &[("literal", flag())]);
    let seen = object(&[("status", whole()), ("media", text()), ("codes", list(&text())), ("count", whole())], &[]);
    let counts: Vec<(&str, Value)> =
        super::Counts::default().named().into_iter().map(|(name, _)| (name, whole())).collect();
    vec![
        (
            "clause",
            object(
                &[
                    ("id", text()),
                    ("document", text()),
                    ("section", text()),
                    ("level", reference("level")),
                    ("text", text()),
                    ("verdict", reference("clauseVerdict")),
                    ("held", whole()),
                    ("violated", whole()),
                    ("cases", list(&text())),
                    ("violated_by", list(&text())),
                ],
                &[("excluded", text()), ("proven", flag())],
            ),
        ),
        (
            "choice",
            object(
                &[
                    ("id", text()),
                    ("question", text()),
                    ("policy", one_of(&["lenient", "report", "settled"])),
                    ("readings", list(&reading)),
                    ("followed", list(&whole())),
                    ("other", whole()),
                    ("cases", list(&text())),
                ],
                &[
                    ("clauses", list(&text())),
                    ("uniform", flag()),
                    ("settled", text()),
                    (
                        "mixed",
                        json!({ "type": "array", "items": { "type": "array", "items": text(), "minItems": 2, "maxItems": 2 } }),
                    ),
                ],
            ),
        ),
        (
            "coverage",
            object(
                &[
                    ("operation", text()),
                    ("requests", whole()),
                    ("seen", list(&seen)),
                    ("request_media", list(&pair(&text(), &whole()))),
                ],
                &[],
            ),
        ),
        ("counts", object(&counts, &[])),
    ]
}

fn names() -> Defs {
    vec![
        ("level", one_of(&["stated", "example", "implied"])),
        (
            "stage",
            one_of(&[
                "template",
                "resolve",
                "connect",
                "tls",
                "send",
                "timeout",
                "protocol",
                "truncated",
                "body-too-large",
                "decode",
                "redirect",
                "case-timeout",
                "internal",
            ]),
        ),
        ("skipCode", one_of(&["missing-fixture", "missing-service", "strict-only", "disabled"])),
        (
            "mismatchKind",
            one_of(&[
                "value",
                "type",
                "missing",
                "unexpected",
                "duplicate",
                "order",
                "length",
                "malformed",
                "forbidden",
            ]),
        ),
        ("clauseVerdict", one_of(&["violated", "inconclusive", "held", "not-tested", "excluded"])),
        (
            "exit",
            one_of(&[
                "conformant",
                "nonconformant",
                "usage",
                "stale-list",
                "nothing-proven",
                "target-unusable",
                "harness",
                "refused",
                "interrupted",
                "terminated",
            ]),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::Exit;
    use crate::record::sample;
    use crate::report::{Format, render};

    #[test]
    fn every_line_and_the_document_of_the_sample_are_valid() {
        let validator = jsonschema::validator_for(&schema()).expect("a valid schema");
        let mut record = sample::record();
        record.header.shard = Some((1, 2));
        let document: Value = serde_json::from_slice(&render(Format::Json, &record).expect("rendered")).expect("JSON");
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(errors, [] as [String; 0]);
        let lines = String::from_utf8(render(Format::Jsonl, &record).expect("rendered")).expect("UTF-8");
        for line in lines.lines() {
            let value: Value = serde_json::from_str(line).expect("JSON");
            assert!(validator.is_valid(&value), "{line}");
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let validator = jsonschema::validator_for(&schema()).expect("a valid schema");
        let footer = serde_json::to_value(crate::record::Line::Footer(Box::new(sample::record().footer)));
        let mut footer = footer.expect("JSON");
        assert!(validator.is_valid(&footer));
        footer["more"] = json!(1);
        assert!(!validator.is_valid(&footer));
        assert!(!validator.is_valid(&json!({})));
    }

    #[test]
    fn every_exit_is_known() {
        let schema = schema();
        let known = schema["$defs"]["exit"]["enum"].as_array().expect("a list");
        let all: Vec<Value> = Exit::ALL.iter().map(|exit| serde_json::to_value(exit).expect("a name")).collect();
        assert_eq!(*known, all);
    }

    /// `SNAPSHOTS=overwrite cargo test the_committed_schema` writes it again.
    #[test]
    fn the_committed_schema_is_this_one() {
        let text = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
        snapbox::assert_data_eq!(text, snapbox::file!["../../reports/schema/record.v1.json"].raw());
    }
}

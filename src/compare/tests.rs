//! One test per operator and per part of an answer.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::model::clause::{Choice, ChoicePolicy, Reading};
use crate::model::expect::{AtCheck, BodyCheck, HeaderCheck, HeaderTest, StatusCheck, StatusRange};
use crate::model::id::ClauseId;
use crate::model::judgement::MismatchKind;
use crate::model::source::SourceRef;
use crate::model::spec::{Cite, Extra, Path};
use crate::pattern::Context;
use crate::pattern::json::compile;
use crate::pattern::parse::{parse_json, write_json};

fn choices() -> Vec<Choice> {
    let reading = |id: &str, literal| Reading { id: id.to_owned(), text: id.to_owned(), literal };
    let choice = |id: &str, policy| Choice {
        id: ChoiceId::new(id),
        document: "d".to_owned(),
        question: "?".to_owned(),
        clauses: Vec::new(),
        policy,
        settled: None,
        readings: vec![reading("one", true), reading("two", false), reading("gone", false)],
        source: SourceRef { file: Arc::from("f"), line: 1 },
    };
    vec![choice("A-01", ChoicePolicy::Lenient), choice("A-02", ChoicePolicy::Report)]
}

fn clause(id: &str) -> ClauseId {
    ClauseId::new(id)
}

struct Setup {
    cite: Vec<Cite>,
    extra: Extra,
    strict: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { cite: Vec::new(), extra: Extra::Fail, strict: false }
    }
}

impl Setup {
    fn compile(&self, pattern: &str) -> Result<JsonPattern, crate::pattern::PatternError> {
        let source = parse_json(pattern).expect("the test's pattern is JSON").into_owned();
        self.compile_value(&source)
    }

    fn compile_value(&self, source: &Json<'static>) -> Result<JsonPattern, crate::pattern::PatternError> {
        let choices = choices();
        let fallback = [clause("F")];
        compile(
            source,
            &Context {
                prefix: "json:",
                cite: &self.cite,
                fallback: &fallback,
                extra: self.extra,
                strict: self.strict,
                choices: &choices,
            },
        )
    }

    fn judge(&self, pattern: &str, value: &str) -> Judgement {
        let pattern = self.compile(pattern).unwrap_or_else(|error| panic!("{error}"));
        check_value(&pattern, &parse_json(value).expect("the test's value is JSON"), "main", Part::Body)
    }
}

fn judge(pattern: &str, value: &str) -> Judgement {
    Setup::default().judge(pattern, value)
}

/// Every mismatch as `kind place`.
fn told(judgement: &Judgement) -> Vec<String> {
    judgement.mismatches.iter().map(|each| format!("{:?} {}", each.kind, each.place)).collect()
}

fn holds(pattern: &str, values: &[&str]) {
    for value in values {
        let found = judge(pattern, value);
        assert!(found.mismatches.is_empty(), "{pattern} should match {value}: {:?}", found.mismatches);
        assert!(found.checks.iter().all(|check| check.violated == 0));
    }
}

fn fails(pattern: &str, cases: &[(&str, &str)]) {
    for (value, expected) in cases {
        let found = judge(pattern, value);
        assert_eq!(told(&found).join(", "), *expected, "{pattern} against {value}: {:?}", found.mismatches);
        assert!(found.checks.iter().any(|check| check.violated > 0));
    }
}

#[test]
fn literals_by_value() {
    holds("1", &["1", "1.0", "10e-1"]);
    fails("1", &[("\"1\"", "Type "), ("2", "Value "), ("true", "Type ")]);
    holds("\"a\\u00e9\"", &["\"aé\""]);
    fails("\"a\"", &[("\"b\"", "Value "), ("null", "Type ")]);
    holds("{\"a\": null, \"b\": [true]}", &["{\"b\": [true], \"a\": null}"]);
    fails(
        "{\"a\": null, \"b\": [true]}",
        &[
            ("{\"b\": [false]}", "Value /b/0, Missing /a"),
            ("{\"a\": null, \"b\": [true], \"c/d\": 1}", "Unexpected /c~1d"),
            ("{\"a\": null, \"b\": [true], \"a\": null}", "Duplicate /a"),
            ("[]", "Type "),
            ("{\"a\": null, \"b\": {}}", "Type /b"),
        ],
    );
    let found = judge("\"1\"", "1");
    assert_eq!(found.mismatches[0].types, Some(("string".to_owned(), "number".to_owned())));
    assert_eq!((found.mismatches[0].expected.as_str(), found.mismatches[0].actual.as_str()), ("\"1\"", "1"));
}

#[test]
fn arrays_name_what_is_missing() {
    fails("[1, 2, 3]", &[("[1, 3]", "Length "), ("[1, 2, 2, 3]", "Length "), ("[3, 2, 1]", "Value /0, Value /2")]);
    let found = judge("[{\"a\": 1}, {\"a\": 2}, {\"a\": 3}]", "[{\"a\": 1}, {\"a\": 4}]");
    assert_eq!(told(&found), ["Length ", "Value /1/a"]);
    let found = judge("[1, 2, 3]", "[1, 3]");
    assert_eq!(found.mismatches[0].actual, "2 elements; missing [1] 2");
}

#[test]
fn scalar_operators() {
    holds("{\"$any\": true}", &["null", "{\"a\": 1, \"a\": 2}"]);
    holds("{\"$unchecked\": \"why\"}", &["1"]);
    holds("{\"$type\": \"integer\"}", &["1", "1.0", "-1e3"]);
    fails("{\"$type\": \"integer\"}", &[("1.5", "Value "), ("\"1\"", "Type ")]);
    holds("{\"$type\": [\"string\", \"null\"]}", &["\"\"", "null"]);
    fails("{\"$type\": [\"string\", \"null\"]}", &[("1", "Value ")]);
    holds("{\"$regex\": \"^a\"}", &["\"ab\""]);
    fails("{\"$regex\": \"^a\"}", &[("\"ba\"", "Value "), ("1", "Type ")]);
    holds("{\"$ignore_case\": \"aBç\"}", &["\"AbÇ\""]);
    fails("{\"$ignore_case\": \"ab\"}", &[("\"abc\"", "Value ")]);
    holds("{\"$contains\": \"b\"}", &["\"abc\"", "[\"a\", \"b\"]"]);
    fails("{\"$contains\": \"b\"}", &[("\"acc\"", "Value "), ("[\"abc\"]", "Missing "), ("1", "Value ")]);
    holds("{\"$contains\": {\"a\": 1}}", &["[2, {\"a\": 1}]"]);
    holds("{\"$length\": 2}", &["\"éa\"", "[1, 2]", "{\"a\": 1, \"b\": 1}"]);
    fails("{\"$length\": 2}", &[("\"a\"", "Length "), ("3", "Length ")]);
    holds("{\"$length\": {\"min\": 1}}", &["\"abc\""]);
    fails("{\"$length\": {\"min\": 1, \"max\": 2}}", &[("\"\"", "Length "), ("[1,2,3]", "Length ")]);
    holds("{\"$range\": {\"min\": 0, \"max\": 9}}", &["0", "9.0", "0.9e1"]);
    fails(
        "{\"$range\": {\"min\": 0, \"max\": 9}}",
        &[("-0.1", "Value "), ("1e99999999", "Value "), ("\"1\"", "Type ")],
    );
    holds("{\"$near\": 1.5, \"$tolerance\": 0.1}", &["1.4", "1.6", "1.50"]);
    fails("{\"$near\": 1.5, \"$tolerance\": 0.1}", &[("1.39999999999999999999", "Value "), ("1.7", "Value ")]);
    holds("{\"$lexical\": \"1.0\"}", &["1.0"]);
    fails("{\"$lexical\": \"1.0\"}", &[("1", "Value "), ("\"1.0\"", "Type ")]);
}

#[test]
fn presence_operators() {
    let optional = "{\"a\": {\"$optional\": 1}}";
    holds(optional, &["{}", "{\"a\": 1}"]);
    fails(optional, &[("{\"a\": 2}", "Value /a")]);
    holds("{\"a\": {\"$absent\": true}}", &["{}"]);
    fails("{\"a\": {\"$absent\": true}}", &[("{\"a\": null}", "Unexpected /a")]);
    holds("{\"a\": {\"$unchecked\": \"why\"}}", &["{}", "{\"a\": 1}"]);
    fails("{\"a\": {\"$any\": true}}", &[("{}", "Missing /a")]);
    let either = "{\"a\": {\"$one_of\": [{\"$absent\": true}, null]}}";
    holds(either, &["{}", "{\"a\": null}"]);
    fails(either, &[("{\"a\": 1}", "Value /a")]);
    holds("{\"a\": {\"$clause\": \"X\", \"$is\": {\"$optional\": 1}}}", &["{}"]);
}

#[test]
fn array_operators() {
    holds("{\"$each\": {\"$type\": \"string\"}}", &["[]", "[\"a\"]"]);
    fails("{\"$each\": {\"$type\": \"string\"}}", &[("[\"a\", 1, 2]", "Type /1, Type /2"), ("{}", "Type ")]);
    let any_order = "{\"$unordered\": [1, {\"$type\": \"number\"}, \"a\", {\"k\": 1, \"v\": 2}]}";
    holds(any_order, &["[{\"v\": 2, \"k\": 1}, \"a\", 1, 7]", "[7, 1, \"a\", {\"v\": 2, \"k\": 1}]"]);
    fails(
        any_order,
        &[
            ("[{\"v\": 3, \"k\": 1}, \"a\", 1, 7]", "Value /0/v"),
            ("[{\"v\": 2, \"k\": 1}, 1, 7]", "Missing /*"),
            ("[{\"v\": 2, \"k\": 1}, 1, 7, \"a\", \"b\"]", "Unexpected /4"),
        ],
    );
    holds("{\"$concat\": [[1], {\"$sequence\": [2, 3]}, []]}", &["[1, 2, 3]"]);
    fails("{\"$concat\": [[1], {\"$sequence\": [2, 3]}]}", &[("[1, 2]", "Length ")]);
    let found = judge("{\"r\": {\"$sequence\": [{\"id\": 1}, {\"id\": 2}]}}", "{\"r\": [{\"id\": 1}, {\"id\": 3}]}");
    assert_eq!(told(&found), ["Value /r/1/id"]);
    assert_eq!(found.mismatches[0].check, "json:/r/*/id");
    let tally = found.checks.iter().find(|check| check.check == "json:/r/*/id").unwrap();
    assert_eq!((tally.held, tally.violated), (1, 1));
}

#[test]
fn logic_operators() {
    let one_of = "{\"$one_of\": [\"a\", {\"x\": 1, \"y\": 2}]}";
    holds(one_of, &["\"a\"", "{\"x\": 1, \"y\": 2}"]);
    fails(one_of, &[("\"b\"", "Value ")]);
    let found = judge(one_of, "{\"x\": 1, \"y\": 3}");
    assert!(found.mismatches[0].expected.contains("nearest is number"), "{:?}", found.mismatches);
    holds("{\"$all\": [{\"$type\": \"string\"}, {\"$length\": 1}]}", &["\"a\""]);
    fails("{\"$all\": [{\"$type\": \"string\"}, {\"$length\": 1}]}", &[("\"ab\"", "Length "), ("[1]", "Type ")]);
    fails("{\"a\": {\"$all\": [{\"$any\": true}, 1]}}", &[("{}", "Missing /a")]);
    holds("{\"$not\": \"a\"}", &["\"b\"", "1"]);
    fails("{\"$not\": \"a\"}", &[("\"a\"", "Forbidden ")]);
    holds("{\"a\": {\"$any\": true}, \"b\": {\"$same_as\": \"/a\"}}", &["{\"a\": {\"x\": 1}, \"b\": {\"x\": 1.0}}"]);
    fails("{\"a\": {\"$any\": true}, \"b\": {\"$same_as\": \"/a\"}}", &[("{\"a\": 1, \"b\": 2}", "Value /b")]);
    fails("{\"b\": {\"$same_as\": \"/a\"}}", &[("{\"b\": 2}", "Value /b")]);
}

#[test]
fn exactness() {
    let note = Setup { extra: Extra::Note, ..Setup::default() };
    let found = note.judge("{\"a\": 1}", "{\"a\": 1, \"b\": 2}");
    assert!(found.mismatches.is_empty());
    assert_eq!((found.notes.len(), found.notes[0].place.as_str()), (1, "/b"));
    let strict = Setup { extra: Extra::Note, strict: true, ..Setup::default() };
    assert_eq!(told(&strict.judge("{\"a\": 1}", "{\"a\": 1, \"b\": 2}")), ["Unexpected /b"]);
    holds("{\"$open\": {\"a\": {\"b\": 1}}}", &["{\"x\": 1, \"a\": {\"b\": 1, \"y\": 2}}"]);
    fails(
        "{\"$open\": {\"a\": {\"$closed\": {\"b\": 1}}}}",
        &[("{\"x\": 1, \"a\": {\"b\": 1, \"y\": 2}}", "Unexpected /a/y")],
    );
    fails("{\"$open\": {}}", &[("{\"x\": 1, \"x\": 2}", "Duplicate /x")]);
    holds("{\"$literal\": {\"$any\": true, \"$$x\": 1}}", &["{\"$any\": true, \"$$x\": 1}"]);
    fails("{\"$literal\": {\"$any\": true}}", &[("1", "Type ")]);
    holds("{\"$$any\": true}", &["{\"$any\": true}"]);
}

#[test]
fn choices_are_recorded() {
    let pattern = "{\"a\": {\"$choice\": \"A-01\", \"$readings\": {\"one\": \"x\", \"two\": {\"$regex\": \"x|y\"}, \"gone\": {\"$absent\": true}}}}";
    let readings = |found: &Judgement| found.readings.iter().map(|each| each.readings.join("+")).collect::<Vec<_>>();
    let found = judge(pattern, "{\"a\": \"x\"}");
    assert_eq!((readings(&found), told(&found).len()), (vec!["one+two".to_owned()], 0));
    assert_eq!(found.readings[0].place, "/a");
    assert_eq!(readings(&judge(pattern, "{}")), ["gone"]);
    let found = judge(pattern, "{\"a\": \"z\"}");
    assert_eq!((readings(&found), told(&found)), (vec![String::new()], vec!["Value /a".to_owned()]));
    let report = pattern.replace("A-01", "A-02");
    let found = judge(&report, "{\"a\": \"z\"}");
    assert_eq!((readings(&found), told(&found).len()), (vec![String::new()], 0));
    let strict = Setup { strict: true, ..Setup::default() };
    assert_eq!(told(&strict.judge(pattern, "{\"a\": \"y\"}")), ["Value /a"]);
    assert_eq!(told(&strict.judge(pattern, "{\"a\": \"x\"}")).len(), 0);
}

#[test]
fn clauses_by_place() {
    let cite = |pointer: &str, id: &str| Cite { pointer: pointer.to_owned(), clauses: vec![clause(id)] };
    let setup = Setup {
        cite: vec![cite("/r", "R"), cite("/r/*/id", "ID"), cite("/r/0/id", "FIRST"), cite("/e", "E")],
        ..Setup::default()
    };
    let found = setup.judge(
        "{\"r\": [{\"id\": 1, \"v\": 1}, {\"id\": 1}], \"e\": {\"c\": {\"$clause\": [\"C\", \"D\"], \"$is\": 1}}, \"z\": 1}",
        "{\"r\": [{\"id\": 2, \"v\": 2}, {\"id\": 2}], \"e\": {\"c\": 2}, \"z\": 2}",
    );
    let cited: Vec<String> = found
        .mismatches
        .iter()
        .map(|each| {
            format!("{} {}", each.place, each.clauses.iter().map(ClauseId::as_str).collect::<Vec<_>>().join("+"))
        })
        .collect();
    assert_eq!(cited, ["/r/0/id FIRST", "/r/0/v R", "/r/1/id ID", "/e/c C+D", "/z F"]);
}

#[test]
fn mistakes_are_told() {
    for (pattern, pointer, part) in [
        ("{\"a\": {\"$regx\": \"x\"}}", "/a", "did you mean `$regex`"),
        ("{\"$type\": \"strin\"}", "/$type", "did you mean `string`"),
        ("[{\"$regex\": \"(\"}]", "/0/$regex", "regular expression"),
        ("{\"$choice\": \"A-99\", \"$readings\": {\"a\": 1}}", "/$choice", "did you mean `A-0"),
        ("{\"$choice\": \"A-01\", \"$readings\": {\"tow\": 1}}", "/$choice", "did you mean `two`"),
        ("{\"$choice\": \"A-01\"}", "", "needs `$readings`"),
        ("{\"$any\": true, \"x\": 1}", "", "cannot stand beside"),
        ("{\"x\": 1, \"$any\": true}", "/$any", "first key"),
        ("{\"a\": 1, \"a\": 2}", "/a", "twice"),
        ("[{\"$optional\": 1}]", "/0/$optional", "nothing can be absent"),
        ("{\"$absent\": true}", "/$absent", "nothing can be absent"),
        ("{\"$unchecked\": \" \"}", "/$unchecked", "reason"),
        ("{\"$length\": 1.5}", "/$length", "whole numbers"),
        ("{\"$range\": {\"min\": 2, \"max\": 1}}", "/$range", "more than"),
        ("{\"$range\": {\"mni\": 2}}", "/$range", "`min` and `max`"),
        ("{\"$per\": \"x\", \"$is\": 1}", "/$per", "expanded"),
        ("{\"$one_of\": []}", "/$one_of", "at least one"),
        ("{\"$near\": 1, \"$tolerance\": -1}", "/$near", "negative"),
        ("{\"$lexical\": \"01\"}", "/$lexical", "no number"),
        ("{\"$oneOf\": [1]}", "", "did you mean `$one_of`"),
    ] {
        let error = Setup::default().compile(pattern).expect_err(pattern);
        assert_eq!(error.pointer, pointer, "{pattern}: {error}");
        assert!(error.message.contains(part), "{pattern}: {error}");
    }
}

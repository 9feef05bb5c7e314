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
        uniform: false,
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

/// A response with one `Content-Type` and a body.
fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    Response {
        status,
        reason: None,
        version: "HTTP/1.1",
        headers: headers.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect(),
        wire_bytes: body.len() as u64,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn expect(body: BodyCheck) -> Expect {
    Expect {
        status: Vec::new(),
        headers: Vec::new(),
        body,
        at: Vec::new(),
        readings: Vec::new(),
        reading_required: true,
        fallback: Arc::from([clause("F")]),
    }
}

fn json_body(pattern: &str) -> BodyCheck {
    BodyCheck::Json(Setup::default().compile(pattern).unwrap().into())
}

fn range(first: u16, last: u16) -> StatusRange {
    StatusRange { first, last }
}

#[test]
fn status_alternatives() {
    let check = |is: &[StatusRange], not: &[StatusRange], id: &str| StatusCheck {
        is: is.to_vec(),
        not: not.to_vec(),
        clauses: Arc::from([clause(id)]),
    };
    let mut wanted = expect(BodyCheck::Unchecked);
    wanted.status = vec![check(&[range(200, 200)], &[], "A"), check(&[range(400, 499)], &[range(404, 404)], "B")];
    let found = compare(&wanted, &answer(409, &[], ""), "main");
    assert!(found.mismatches.is_empty());
    assert_eq!(**found.checks.iter().next().unwrap().clauses, [clause("B")]);
    let found = compare(&wanted, &answer(404, &[], ""), "main");
    assert_eq!(found.mismatches[0].expected, "200 or 4xx but not 404");
    assert_eq!(found.mismatches[0].actual, "404");
    assert_eq!(found.mismatches[0].clauses, [clause("A"), clause("B")]);
    wanted.status = vec![check(&[], &[range(500, 599)], "A")];
    assert_eq!(compare(&wanted, &answer(503, &[], ""), "main").mismatches[0].kind, MismatchKind::Forbidden);
}

#[test]
fn header_rules() {
    let judge = |rule: HeaderTest, values: &[&str]| {
        let mut wanted = expect(BodyCheck::Unchecked);
        wanted.headers = vec![HeaderCheck { name: "x-a".to_owned(), rule, clauses: Arc::from([clause("H")]) }];
        let headers: Vec<(&str, &str)> = values.iter().map(|value| ("x-a", *value)).collect();
        let found = compare(&wanted, &answer(200, &headers, ""), "main");
        assert_eq!(found.checks.iter().count(), 1);
        found.mismatches.first().map(|each| each.kind)
    };
    let text = |text: &str| text.to_owned();
    use MismatchKind::*;
    assert_eq!(judge(HeaderTest::Is(text("a")), &["a"]), None);
    assert_eq!(judge(HeaderTest::Is(text("a")), &["A"]), Some(Value));
    assert_eq!(judge(HeaderTest::Is(text("a")), &["a", "a"]), Some(Duplicate));
    assert_eq!(judge(HeaderTest::Is(text("a")), &[]), Some(Missing));
    assert_eq!(judge(HeaderTest::Absent, &[]), None);
    assert_eq!(judge(HeaderTest::Absent, &[""]), Some(Unexpected));
    assert_eq!(judge(HeaderTest::Present, &[""]), None);
    assert_eq!(judge(HeaderTest::Present, &[]), Some(Missing));
    assert_eq!(judge(HeaderTest::Contains(text("b")), &["a", "abc"]), None);
    assert_eq!(judge(HeaderTest::Contains(text("b")), &["a"]), Some(Value));
    assert_eq!(judge(HeaderTest::Regex(regex::Regex::new("^a").unwrap()), &["ab"]), None);
    assert_eq!(judge(HeaderTest::Regex(regex::Regex::new("^a").unwrap()), &["b"]), Some(Value));
    let all = || HeaderTest::All(vec![text("a"), text("b")]);
    assert_eq!(judge(all(), &["a", "b"]), None);
    assert_eq!(judge(all(), &["b", "a"]), Some(Order));
    assert_eq!(judge(all(), &["a"]), Some(Length));
    assert_eq!(judge(all(), &["a", "c"]), Some(Value));
    let media = || HeaderTest::Media(vec![text("application/json; charset=utf-8")]);
    assert_eq!(judge(media(), &["application/json;charset=UTF-8"]), None);
    assert_eq!(judge(media(), &["application/json"]), Some(Value));
    assert_eq!(judge(media(), &["json"]), Some(Malformed));
    assert_eq!(judge(media(), &["application/json;charset=UTF-8", "x/y"]), Some(Duplicate));
}

#[test]
fn body_kinds() {
    let kind = |body: BodyCheck, content_type: &str, text: &str| {
        let headers = [("content-type", content_type)];
        let headers = if content_type.is_empty() { &headers[..0] } else { &headers[..] };
        let found = compare(&expect(body), &answer(200, headers, text), "main");
        assert!(found.checks.iter().count() <= 1 || found.mismatches.is_empty(), "{found:?}");
        found.mismatches.first().map(|each| each.kind)
    };
    use MismatchKind::*;
    assert_eq!(kind(BodyCheck::Unchecked, "", "\u{1}"), None);
    assert_eq!(kind(BodyCheck::Empty, "", ""), None);
    assert_eq!(kind(BodyCheck::Empty, "", " "), Some(Unexpected));
    assert_eq!(kind(BodyCheck::Text("a".to_owned()), "", "a"), None);
    assert_eq!(kind(BodyCheck::Text("a".to_owned()), "", "a\n"), Some(Value));
    assert_eq!(kind(BodyCheck::TextContains("b".to_owned()), "", "abc"), None);
    assert_eq!(kind(BodyCheck::TextRegex(regex::Regex::new("^b").unwrap()), "", "abc"), Some(Value));
    assert_eq!(kind(BodyCheck::WellFormed, "application/problem+json", "{}"), None);
    assert_eq!(kind(BodyCheck::WellFormed, "application/json", ""), Some(Malformed));
    assert_eq!(kind(BodyCheck::WellFormed, "text/xml", "<a></b>"), Some(Malformed));
    assert_eq!(kind(BodyCheck::WellFormed, "text/plain", "{"), None);
    assert_eq!(kind(BodyCheck::WellFormed, "", ""), None);
    assert_eq!(kind(BodyCheck::WellFormed, "", "{"), Some(Malformed));
    assert_eq!(kind(json_body("{\"a\": 1}"), "text/html", "{\"a\": 1}"), None);
    assert_eq!(kind(json_body("{\"a\": 1}"), "application/json", "{\"a\": 1"), Some(Malformed));
}

#[test]
fn an_unreadable_body_violates_every_clause() {
    let setup = Setup { cite: vec![Cite { pointer: "/a".to_owned(), clauses: vec![clause("A")] }], ..Setup::default() };
    let body = BodyCheck::Json(setup.compile("{\"a\": 1, \"b\": 2}").unwrap().into());
    let found = compare(&expect(body), &answer(500, &[], "<html>"), "main");
    assert_eq!(found.mismatches.len(), 1);
    let mut clauses = found.mismatches[0].clauses.clone();
    clauses.sort();
    assert_eq!(clauses, [clause("A"), clause("F")]);
    assert_eq!(found.checks.iter().next().unwrap().violated, 1);
}

#[test]
fn whole_answers() {
    let reading = |id: &str, pattern: &str| AnswerReading {
        choice: ChoiceId::new("A-01"),
        reading: id.to_owned(),
        literal: false,
        expect: expect(json_body(pattern)),
    };
    let mut wanted = expect(BodyCheck::Unchecked);
    wanted.readings = vec![reading("one", "{\"a\": 1, \"b\": 1}"), reading("two", "{\"a\": 2, \"b\": 2, \"c\": 2}")];
    let found = compare(&wanted, &answer(200, &[], "{\"a\": 2, \"b\": 2, \"c\": 2}"), "main");
    assert!(found.mismatches.is_empty());
    assert_eq!(found.readings[0].readings, ["two"]);
    let found = compare(&wanted, &answer(200, &[], "{\"a\": 1, \"b\": 2}"), "main");
    assert_eq!(told(&found), ["Value /b"]);
    assert!(found.readings[0].readings.is_empty());
    wanted.reading_required = false;
    let found = compare(&wanted, &answer(200, &[], "{}"), "main");
    assert!(found.mismatches.is_empty() && found.readings.len() == 1);
}

fn at(path: Path, is: Option<&str>, count: Option<(usize, usize)>) -> AtCheck {
    let is = is.map(|pattern| Arc::new(Setup::default().compile(pattern).unwrap()));
    AtCheck { path, is, count, clauses: Arc::from([clause("P")]) }
}

#[test]
fn places_by_path() {
    let run = |check: AtCheck, body: &str| {
        let mut wanted = expect(BodyCheck::Unchecked);
        wanted.at = vec![check];
        compare(&wanted, &answer(200, &[], body), "main")
    };
    let path = || Path::JsonPath("$..id".to_owned());
    let body = "{\"a\": [{\"id\": 1}, {\"id\": 1.00000000000000000001}]}";
    assert!(run(at(path(), Some("{\"$type\": \"number\"}"), Some((2, 2))), body).mismatches.is_empty());
    assert_eq!(told(&run(at(path(), Some("1"), None), body)), ["Value /a/1/id"]);
    let found = run(at(path(), None, Some((3, usize::MAX))), body);
    assert_eq!((found.mismatches[0].kind, found.mismatches[0].place.as_str()), (MismatchKind::Length, "$..id"));
    assert_eq!(told(&run(at(path(), None, Some((1, 1))), "<a/>")).len(), 0);
    assert!(run(at(path(), None, Some((1, 1))), "<a/>").checks.is_empty());
    assert_eq!(told(&run(at(path(), Some("1"), None), "{")), ["Malformed $..id"]);
    let xpath = || Path::XPath("//id".to_owned());
    let body = "<a><id>7</id><b><id>8</id></b></a>";
    assert!(run(at(xpath(), Some("{\"$range\": {\"min\": 7, \"max\": 8}}"), Some((2, 2))), body).mismatches.is_empty());
    assert_eq!(told(&run(at(xpath(), Some("\"7\""), None), body)), ["Value /a/b/id"]);
    assert!(run(at(xpath(), Some("\"7\""), Some((1, 1))), "{}").checks.is_empty());
    let pointer = Path::Pointer("/a/0".to_owned());
    assert_eq!(told(&run(at(pointer, None, Some((1, 1))), "{\"a\": []}")), ["Missing /a/0"]);
}

#[test]
fn captures() {
    let take = |path: Path, body: &str| {
        extract(&path, body.as_bytes(), Some("x/y")).map(|values| values.iter().map(write_json).collect::<Vec<_>>())
    };
    let body = "{\"a\": [{\"id\": 12345678901234567890.10}, {\"id\": \"b\"}], \"a/b\": 1}";
    assert_eq!(take(Path::JsonPath("$.a[*].id".to_owned()), body).unwrap(), ["12345678901234567890.10", "\"b\""]);
    assert_eq!(take(Path::Pointer("/a~1b".to_owned()), body).unwrap(), ["1"]);
    assert_eq!(take(Path::Pointer("/a/00".to_owned()), body).unwrap(), Vec::<String>::new());
    assert_eq!(take(Path::XPath("/a/b".to_owned()), "<a><b>1</b><b/></a>").unwrap(), ["\"1\"", "\"\""]);
    assert!(matches!(take(Path::XPath("/a".to_owned()), "{}"), Err(ExtractError::NotXml { .. })));
    assert!(matches!(take(Path::Pointer("/a".to_owned()), "<a/>"), Err(ExtractError::NotJson { .. })));
    assert!(matches!(take(Path::JsonPath("$[".to_owned()), "{}"), Err(ExtractError::Path(_))));
    assert!(check_path(&Path::Pointer("a".to_owned())).is_err());
}

/// Arbitrary JSON, some keys beginning with `$`.
fn json() -> impl Strategy<Value = Json<'static>> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::integer),
        (-1000..1000_i32, -3..3_i32).prop_map(|(mantissa, power)| Json::Number(format!("{mantissa}.5e{power}").into())),
        "\\PC{0,6}".prop_map(Json::string),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            prop::collection::btree_map("\\$?[a-d/~]{1,3}", inner, 0..5)
                .prop_map(|map| Json::Object(map.into_iter().map(|(key, value)| (key.into(), value)).collect())),
        ]
    })
}

/// How many places a value has.
fn places(value: &Json<'_>) -> usize {
    1 + match value {
        Json::Array(items) => items.iter().map(places).sum(),
        Json::Object(members) => members.iter().map(|(_, value)| places(value)).sum(),
        _ => 0,
    }
}

/// Changes the place of that number in one way. False when nothing of that kind can be changed there.
fn change(value: &mut Json<'static>, place: &mut usize, how: u8) -> bool {
    if *place == 0 {
        *place = usize::MAX;
        match (value, how) {
            (Json::Array(items), 0) => items.push(Json::Null),
            (Json::Array(items), 1) if !items.is_empty() => {
                items.remove(0);
            }
            (Json::Array(items), 2) => {
                let before = items.clone();
                items.reverse();
                return before != *items;
            }
            (Json::Object(members), 0) => members.push(("new".into(), Json::Null)),
            (Json::Object(members), 1) if !members.is_empty() => {
                members.remove(0);
            }
            (Json::Object(members), 2) if !members.is_empty() => members.push(members[0].clone()),
            (Json::Bool(value), 3) => *value = !*value,
            (Json::String(text), 3) => text.to_mut().push('x'),
            (Json::Number(text), 3) => *text = format!("{text}1").into(),
            (value @ (Json::Number(_) | Json::Bool(_)), 4) => *value = Json::string(write_json(value)),
            (value, 5) if *value != Json::Null => *value = Json::Null,
            _ => return false,
        }
        return true;
    }
    *place -= 1;
    let parts: Vec<&mut Json<'static>> = match value {
        Json::Array(items) => items.iter_mut().collect(),
        Json::Object(members) => members.iter_mut().map(|(_, value)| value).collect(),
        _ => return false,
    };
    for part in parts {
        if *place == usize::MAX {
            return false;
        }
        if change(part, place, how) {
            return true;
        }
    }
    false
}

fn literal(value: &Json<'static>) -> JsonPattern {
    let source = Json::Object(vec![("$literal".into(), value.clone())]);
    Setup::default().compile_value(&source).expect("a literal always compiles")
}

proptest! {
    #[test]
    fn a_value_matches_itself(value in json()) {
        let pattern = literal(&value);
        let found = check_value(&pattern, &value, "main", Part::Body);
        prop_assert!(found.mismatches.is_empty(), "{:?}", found.mismatches);
        let shown = crate::pattern::json::illustrate(&pattern, Some(&value));
        prop_assert_eq!(shown, value);
    }

    #[test]
    fn any_change_is_found(value in json(), seed in any::<prop::sample::Index>(), how in 0_u8..6) {
        let mut changed = value.clone();
        let mut place = seed.index(places(&value));
        if change(&mut changed, &mut place, how) && !crate::pattern::matching::same_value(&value, &changed) {
            let pattern = literal(&value);
            let found = check_value(&pattern, &changed, "main", Part::Body);
            prop_assert!(!found.mismatches.is_empty(), "{:?} against {:?}", value, changed);
            let shown = crate::pattern::json::illustrate(&pattern, Some(&changed));
            prop_assert!(shown != changed || how == 2, "{:?}", shown);
        }
    }

    #[test]
    fn unordered_is_minimal(items in prop::collection::btree_set(0..50_i64, 1..8), seed in any::<u64>(), drop in any::<prop::sample::Index>()) {
        let pattern: Vec<Json<'static>> = items.iter().map(|item| Json::integer(*item)).collect();
        let mut actual = pattern.clone();
        actual.sort_by_key(|item| (write_json(item).len() as u64).wrapping_mul(seed) ^ seed.rotate_left(7));
        let source = Json::Object(vec![("$unordered".into(), Json::Array(pattern))]);
        let compiled = Setup::default().compile_value(&source).unwrap();
        let judge = |actual: &[Json<'static>]| check_value(&compiled, &Json::Array(actual.to_vec()), "main", Part::Body);
        prop_assert_eq!(judge(&actual).mismatches.len(), 0);
        let index = drop.index(actual.len());
        actual[index] = Json::integer(99);
        prop_assert_eq!(judge(&actual).mismatches.len(), 1);
        actual.remove(index);
        prop_assert_eq!(judge(&actual).mismatches.len(), 1);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), xml in "[<>/a-c!\\[\\] =\"&;x]{0,30}") {
        let mut wanted = expect(json_body("{\"a\": {\"$each\": {\"$any\": true}}}"));
        wanted.at = vec![at(Path::XPath("//a".to_owned()), Some("1"), None), at(Path::JsonPath("$..a".to_owned()), Some("1"), None)];
        for body in [bytes.as_slice(), xml.as_bytes()] {
            let mut response = answer(200, &[("content-type", "text/xml")], "");
            response.body = Bytes::copy_from_slice(body);
            let _ = compare(&wanted, &response, "main");
            let _ = well_formed(Some("application/json"), body);
        }
    }
}

/// Not a benchmark: each of these takes minutes or the whole stack when it is of the wrong order.
#[test]
fn hostile_values_are_compared_in_time() {
    let start = std::time::Instant::now();
    let members = |order: &mut dyn Iterator<Item = usize>| {
        format!("{{{}}}", order.map(|index| format!("\"m{index}\": {index}")).collect::<Vec<_>>().join(","))
    };
    holds(&members(&mut (0..20_000)), &[&members(&mut (0..20_000).rev())]);
    let numbers = |count: usize| format!("[{}]", (0..count).map(|each| each.to_string()).collect::<Vec<_>>().join(","));
    let found = judge("{\"$each\": \"a\"}", &numbers(100_000));
    assert!(found.mismatches.len() <= 1_001);
    let tally = found.checks.iter().find(|check| check.check == "json:/*").unwrap();
    assert_eq!(tally.violated, 100_000);
    assert_eq!(told(&judge("[0, 1, 2]", &numbers(100_000)))[0], "Length ");
    assert!(judge("{\"$unordered\": [7, 99999, \"a\"]}", &numbers(100_000)).mismatches.len() > 900);
    let nested = |core: &str, open: &str, close: &str, depth: usize| open.repeat(depth) + core + &close.repeat(depth);
    let deep = nested("1", "[", "]", 510);
    assert_eq!(judge(&deep, &nested("2", "[", "]", 510)).mismatches.len(), 1);
    let unordered = nested("1", "{\"$unordered\": [", "]}", 120);
    assert_eq!(judge(&unordered, &nested("2", "[", "]", 120)).mismatches.len(), 1);
    let one_of = nested("1", "{\"$one_of\": [[", "]]}", 100);
    assert_eq!(judge(&one_of, &nested("2", "[", "]", 100)).mismatches.len(), 1);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn illustrates_only_true_differences() {
    let show = |pattern: &str, value: &str| {
        let value = parse_json(value).unwrap();
        let compiled = Setup { extra: Extra::Note, ..Setup::default() }.compile(pattern).unwrap();
        write_json(&crate::pattern::json::illustrate(&compiled, Some(&value)))
    };
    let pattern = "{\"a\": {\"$regex\": \"^x\"}, \"b\": 1, \"c\": {\"$optional\": 1}, \"d\": [1, 2]}";
    assert_eq!(
        show(pattern, "{\"d\":[1,2],\"z\":0,\"b\":1.0,\"a\":\"xy\"}"),
        "{\"d\":[1,2],\"z\":0,\"b\":1.0,\"a\":\"xy\"}"
    );
    assert_eq!(show(pattern, "{\"d\":[2],\"a\":\"y\"}"), "{\"d\":[1,2],\"a\":{\"$regex\":\"^x\"},\"b\":1}");
    assert_eq!(show("{\"$unordered\": [1, 2, {\"$type\": \"string\"}]}", "[\"s\", 2]"), "[\"s\",2,1]");
    let compiled = Setup::default().compile(pattern).unwrap();
    assert_eq!(crate::pattern::json::illustrate(&compiled, None), parse_json(pattern).unwrap());
}

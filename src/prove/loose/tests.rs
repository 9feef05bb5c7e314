use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::compare::compare;
use crate::model::clause::{Choice, ChoicePolicy, Reading};
use crate::model::expect::{HeaderCheck, StatusCheck, StatusRange};
use crate::model::id::ClauseId;
use crate::model::pattern::{XmlResolved, XmlResolvedText};
use crate::model::source::SourceRef;
use crate::pattern::parse::parse_json;
use crate::pattern::{Context, json, xml};
use crate::prove::mutants::{Headers, mutants};

fn choice() -> Choice {
    let reading = |id: &str, literal| Reading { id: id.to_owned(), text: id.to_owned(), literal };
    Choice {
        id: ChoiceId::new("A-1"),
        document: "d".to_owned(),
        question: "?".to_owned(),
        clauses: Vec::new(),
        policy: ChoicePolicy::Lenient,
        settled: None,
        uniform: false,
        readings: vec![reading("one", true), reading("two", false)],
        source: SourceRef { file: Arc::from("f"), line: 1 },
    }
}

fn response(body: &str) -> Response {
    Response {
        status: 200,
        reason: None,
        version: "HTTP/1.1",
        headers: vec![("etag".to_owned(), b"abc".to_vec())],
        body: Bytes::copy_from_slice(body.as_bytes()),
        wire_bytes: 0,
    }
}

fn expect(body: BodyCheck) -> Expect {
    let no_clause: Arc<[ClauseId]> = Arc::from([]);
    Expect {
        status: Vec::new(),
        headers: Vec::new(),
        body,
        at: Vec::new(),
        readings: Vec::new(),
        reading_required: false,
        fallback: no_clause,
    }
}

fn json_body(pattern: &str, extra: Extra) -> BodyCheck {
    let choices = [choice()];
    let context = Context { prefix: "json:", cite: &[], fallback: &[], extra, strict: false, choices: &choices };
    let source = parse_json(pattern).unwrap().into_owned();
    BodyCheck::Json(json::compile(&source, &context).unwrap().into())
}

/// Place, operator and reason of every change that the expectation does not notice.
fn unnoticed(expect: &Expect, response: &Response, part: Part) -> Vec<String> {
    let headers = Headers { names: vec!["etag"], forbidden: Vec::new() };
    let original = Original::new(response);
    assert_eq!(compare(expect, response, "s").mismatches, []);
    mutants(response, &headers)
        .filter(|mutant| mutant.place.part == part)
        .filter(|mutant| compare(expect, &mutant.response(response), "s").mismatches.is_empty())
        .map(|each| format!("{} {}: {}", each.place.name, each.operator.word(), why(expect, &original, &each)))
        .collect()
}

fn in_json(pattern: &str, extra: Extra, body: &str) -> Vec<String> {
    unnoticed(&expect(json_body(pattern, extra)), &response(body), Part::Body)
}

#[test]
fn operators_say_that_they_are_meant() {
    let found = in_json(r#"{"a":{"$type":"string"}}"#, Extra::Fail, r#"{"a":"b"}"#);
    assert_eq!(found, ["/a emptied: $type", "/a character: $type", "/a letter-case: $type"]);
    let found = in_json(r#"{"a":{"$unchecked":"a time"}}"#, Extra::Fail, r#"{"a":true}"#);
    assert!(found.contains(&"/a removed: $unchecked: a time".to_owned()), "{found:?}");
    assert!(found.iter().all(|each| each.ends_with("$unchecked: a time")), "{found:?}");
    let inside = in_json(r#"{"a":{"$any":true}}"#, Extra::Fail, r#"{"a":[{"b":1}]}"#);
    assert!(inside.contains(&"/a/*/b plus-one: $any".to_owned()), "{inside:?}");
    let optional = in_json(r#"{"a":{"$optional":1}}"#, Extra::Fail, r#"{"a":1}"#);
    assert_eq!(optional, [" emptied: $optional", "/a removed: $optional"]);
    assert_eq!(in_json(r#"["a",{"$regex":"^a"}]"#, Extra::Fail, r#"["a","ab"]"#), ["/* character: $regex"]);
    assert_eq!(in_json(r#"{"$unordered":[1,2]}"#, Extra::Fail, "[1,2]"), [" reordered: $unordered"]);
    let each = in_json(r#"{"$each":1}"#, Extra::Fail, "[1]");
    assert_eq!(each, [" emptied: $each", "/* removed: $each", "/* duplicated: $each"]);
    let typed = in_json(r#"[{"$type":"string"},{"$type":"string"}]"#, Extra::Fail, r#"["1","2"]"#);
    assert!(typed.contains(&" reordered: $type".to_owned()), "{typed:?}");
}

#[test]
fn choices_are_named() {
    let pattern = r#"{"a":{"$choice":"A-1","$readings":{"one":"x","two":"X"}}}"#;
    assert_eq!(in_json(pattern, Extra::Fail, r#"{"a":"x"}"#), ["/a letter-case: choice A-1"]);
    let inside = r#"{"$choice":"A-1","$readings":{"one":{"a":{"$any":true}},"two":1}}"#;
    let found = in_json(inside, Extra::Fail, r#"{"a":null}"#);
    assert_eq!(found, ["/a type: $any"]);
}

#[test]
fn what_no_case_lists_is_negligence_and_what_is_new_is_only_noted() {
    let found = in_json(r#"{"a":1}"#, Extra::Note, r#"{"a":1,"b":true}"#);
    let expected = [
        " added: extra = \"note\"",
        "/b type: not listed",
        "/b flipped: not listed",
        "/b null: not listed",
        "/b removed: not listed",
        "/b renamed: not listed",
        "/b name-case: not listed",
    ];
    assert_eq!(found, expected);
    let open = in_json(r#"{"$open":{"a":1}}"#, Extra::Fail, r#"{"a":1,"b":true}"#);
    assert!(open.len() > 5 && open.iter().all(|each| each.ends_with("extra = \"allow\"")), "{open:?}");
    assert_eq!(in_json(r#"{"a":1}"#, Extra::Fail, r#"{"a":1}"#), Vec::<String>::new());
}

#[test]
fn bodies_that_nobody_looks_into() {
    let body = response(r#"{"a":1}"#);
    let found = unnoticed(&expect(BodyCheck::Unchecked), &body, Part::Body);
    assert!(found.iter().all(|each| each.ends_with(": body = \"unchecked\"")), "{found:?}");
    assert!(found.contains(&" truncated: body = \"unchecked\"".to_owned()));
    let found = unnoticed(&expect(BodyCheck::WellFormed), &body, Part::Body);
    assert!(found.contains(&"/a null: body = \"well-formed\"".to_owned()));
    assert!(!found.iter().any(|each| each.starts_with(" truncated")));
    assert_eq!(unnoticed(&expect(BodyCheck::TextContains("a".to_owned())), &response("xax"), Part::Body).len(), 0);
}

#[test]
fn the_head_says_what_it_takes() {
    let body = response("{}");
    let mut expect = expect(BodyCheck::Unchecked);
    let no_clause: Arc<[ClauseId]> = Arc::from([]);
    assert!(unnoticed(&expect, &body, Part::Status).iter().all(|each| each.ends_with(": not listed")));
    expect.status.push(StatusCheck {
        is: Vec::new(),
        not: vec![StatusRange { first: 500, last: 599 }],
        clauses: no_clause.clone(),
    });
    assert!(unnoticed(&expect, &body, Part::Status).iter().all(|each| each.ends_with(": status not 5xx")));
    assert!(unnoticed(&expect, &body, Part::Header).contains(&"etag removed: not listed".to_owned()));
    expect.headers.push(HeaderCheck { name: "etag".to_owned(), rule: HeaderTest::Present, clauses: no_clause });
    let expected = ["etag duplicated: present", "etag character: present", "etag emptied: present"];
    assert_eq!(unnoticed(&expect, &body, Part::Header), expected);
    let mut typed = response("{}");
    typed.headers[0].0 = "content-type".to_owned();
    let found = unnoticed(&expect_json(), &typed, Part::Header);
    assert!(found.contains(&"content-type removed: not listed".to_owned()), "{found:?}");
    let mut unasked = expect_json();
    unasked.body = BodyCheck::Unchecked;
    let found = unnoticed(&unasked, &typed, Part::Header);
    assert!(found.contains(&"content-type removed: body = \"unchecked\"".to_owned()), "{found:?}");
}

fn expect_json() -> Expect {
    expect(json_body("{}", Extra::Fail))
}

fn element(name: &str, steering: &[&str], text: XmlResolvedText, children: Vec<XmlResolved>) -> XmlResolved {
    XmlResolved {
        namespace: None,
        name: name.to_owned(),
        attributes: Vec::new(),
        steering: steering
            .iter()
            .filter_map(|each| each.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
        children,
        text,
    }
}

#[test]
fn xml_has_the_same_reasons() {
    let text = |text: &str| XmlResolvedText::Literal(text.to_owned());
    let any = XmlResolvedText::Pattern(parse_json(r#"{"$type":"string"}"#).unwrap().into_owned());
    let children = vec![element("a", &["optional=true"], text("1"), Vec::new()), element("b", &[], any, Vec::new())];
    let root = element("r", &["order=any"], text(""), children);
    let context = Context { prefix: "xml:", cite: &[], fallback: &[], extra: Extra::Note, strict: false, choices: &[] };
    let expect = expect(BodyCheck::Xml(Arc::new(xml::compile(&root, &context).unwrap())));
    let found = unnoticed(&expect, &response("<r><a>1</a><b>x</b><c>2</c></r>"), Part::Body);
    for each in [
        "/r reordered: cb:order",
        "/r added: extra = \"note\"",
        "/r/a removed: cb:optional",
        "/r/a duplicated: extra = \"note\"",
        "/r/b character: $type",
        "/r/c plus-one: not listed",
        "/r/c removed: not listed",
    ] {
        assert!(found.contains(&each.to_owned()), "{each} is not in {found:#?}");
    }
    assert!(!found.iter().any(|each| each.starts_with("/r/a character") || each.starts_with("/r/b removed")));
}

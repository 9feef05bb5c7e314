use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::compare::compare;
use crate::model::expect::{BodyCheck, Expect, HeaderCheck, HeaderTest, StatusCheck, StatusRange};
use crate::model::json::Json;
use crate::model::pattern::{XmlResolved, XmlResolvedText};
use crate::model::spec::Extra;
use crate::pattern::parse::{parse_json, write_json};
use crate::pattern::{Context, xml};

fn answer(body: &str, content_type: &str) -> Response {
    Response {
        status: 200,
        reason: None,
        version: "HTTP/1.1",
        headers: vec![("content-type".to_owned(), content_type.as_bytes().to_vec())],
        body: Bytes::copy_from_slice(body.as_bytes()),
        wire_bytes: body.len() as u64,
    }
}

fn json(body: &str) -> Response {
    answer(body, "application/json")
}

/// Bodies of the mutants at a place, by operator.
fn bodies(response: &Response, place: &str) -> BTreeMap<&'static str, String> {
    mutants(response, &Headers::default())
        .filter(|mutant| mutant.place.part == Part::Body && mutant.place.name == place)
        .map(|mutant| (mutant.operator.word(), String::from_utf8(mutant.response(response).body.to_vec()).unwrap()))
        .collect()
}

fn pairs(list: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
    list.iter().map(|(word, body)| (*word, (*body).to_owned())).collect()
}

#[test]
fn a_string_of_an_object() {
    let expected = [
        ("removed", r#"{"n":9}"#),
        ("renamed", r#"{"AbX":"x1","n":9}"#),
        ("name-case", r#"{"aB":"x1","n":9}"#),
        ("type", r#"{"Ab":0,"n":9}"#),
        ("null", r#"{"Ab":null,"n":9}"#),
        ("emptied", r#"{"Ab":"","n":9}"#),
        ("character", r#"{"Ab":"x2","n":9}"#),
        ("letter-case", r#"{"Ab":"X1","n":9}"#),
        ("duplicated", r#"{"Ab":"x1","Ab":"x1","n":9}"#),
    ];
    assert_eq!(bodies(&json(r#"{ "Ab": "x1", "n": 9 }"#), "/Ab"), pairs(&expected));
}

#[test]
fn numbers_and_booleans() {
    let found = bodies(&json(r#"[9.5]"#), "/*");
    assert_eq!(found["plus-one"], "[10.5]");
    assert_eq!(found["minus-one"], "[8.5]");
    assert_eq!(found["type"], r#"["9.5"]"#);
    assert_eq!(bodies(&json("[true]"), "/*")["flipped"], "[false]");
    assert_eq!(bodies(&json(r#"["12"]"#), "/*")["type"], "[12]");
    let null = bodies(&json("[null]"), "/*");
    assert_eq!(null["type"], r#"[""]"#);
    assert!(!null.contains_key("null"));
}

#[test]
fn lists() {
    let whole = bodies(&json(r#"{"l":[1,1.0,2]}"#), "/l");
    assert_eq!(whole["reordered"], r#"{"l":[1,2,1.0]}"#, "equal neighbours are left where they are");
    assert_eq!(whole["added"], r#"{"l":[1,1.0,2,null]}"#);
    assert_eq!(whole["emptied"], r#"{"l":[]}"#);
    assert_eq!(whole["type"], r#"{"l":{}}"#);
    assert!(!bodies(&json(r#"{"l":[1,1]}"#), "/l").contains_key("reordered"));
    let entries: Vec<_> = mutants(&json("[1,2]"), &Headers::default())
        .filter(|mutant| mutant.operator == Operator::Removed && mutant.place.part == Part::Body)
        .map(|mutant| (mutant.place.name.clone(), mutant.change.clone()))
        .collect();
    let change = |body: &'static str| Change::Body(Bytes::from_static(body.as_bytes()));
    assert_eq!(entries, [("/*".to_owned(), change("[2]")), ("/*".to_owned(), change("[1]"))]);
}

#[test]
fn a_new_name_is_none_that_is_there() {
    let found = bodies(&json(r#"{"a":1,"A":2,"aX":3,"casebookAdded":4}"#), "/a");
    assert!(!found.contains_key("name-case") && !found.contains_key("renamed"), "{found:?}");
    assert!(!bodies(&json(r#"{"casebookAdded":4}"#), "").contains_key("added"));
}

#[test]
fn the_whole_body_and_the_head() {
    let response = json(r#"{"a":1}"#);
    let whole = bodies(&response, "");
    assert_eq!(whole["truncated"], r#"{"a"#);
    assert_eq!(whole["no-body"], "");
    assert_eq!(whole["added"], r#"{"a":1,"casebookAdded":true}"#);
    assert_eq!(bodies(&json(""), ""), pairs(&[("added", "casebook")]));
    assert!(!bodies(&json("1   "), "").contains_key("truncated"), "white space is no meaning");
    let text = bodies(&answer("Abc", "text/plain"), "");
    assert_eq!((text["character"].as_str(), text["letter-case"].as_str()), ("Acc", "aBC"));
    let head: Vec<_> = mutants(&response, &Headers::default())
        .filter(|mutant| mutant.place.part == Part::Status)
        .map(|mutant| (mutant.operator.word(), mutant.response(&response).status))
        .collect();
    let expected =
        [("near", 201), ("near", 202), ("near", 204), ("far", 400), ("far", 404), ("error", 500), ("error", 503)];
    assert_eq!(head, expected.map(|(word, status)| (&*format!("status-{word}").leak(), status)));
}

#[test]
fn header_fields_that_are_looked_at() {
    let mut response = json("{}");
    response.headers.push(("etag".to_owned(), b"\"a1\"".to_vec()));
    response.headers.push(("x-other".to_owned(), b"1".to_vec()));
    let looked_at = Headers { names: vec!["etag", "location", "age"], forbidden: vec!["location"] };
    let found: Vec<_> = mutants(&response, &looked_at)
        .filter(|mutant| mutant.place.part == Part::Header)
        .map(|mutant| format!("{} {}", mutant.place.name, mutant.operator.word()))
        .collect();
    let expected = [
        "content-type removed",
        "content-type duplicated",
        "content-type media-type",
        "content-type media-type",
        "content-type media-type",
        "etag removed",
        "etag duplicated",
        "etag character",
        "etag emptied",
        "location added",
    ];
    assert_eq!(found, expected);
}

const XML: &str = r#"<?xml version="1.0"?>
<p:R xmlns:p="urn:x" k="v"><a>1 &amp; 2</a><a>7</a><b/></p:R>"#;

#[test]
fn xml_is_edited_where_it_stands() {
    let response = answer(XML, "application/xml");
    let tail = |body: &str| body.split_once("v\">").map(|(_, tail)| tail.to_owned()).unwrap_or_default();
    let by_order: Vec<_> = mutants(&response, &Headers::default())
        .filter(|mutant| mutant.place.name == "/R/a[*]")
        .map(|mutant| (mutant.operator.word(), tail(core::str::from_utf8(&mutant.response(&response).body).unwrap())))
        .collect();
    let has = |word: &str, body: &str| assert!(by_order.contains(&(word, body.to_owned())), "{word}: {by_order:#?}");
    has("removed", "<a>7</a><b/></p:R>");
    has("duplicated", "<a>1 &amp; 2</a><a>1 &amp; 2</a><a>7</a><b/></p:R>");
    has("renamed", "<aX>1 &amp; 2</aX><a>7</a><b/></p:R>");
    has("name-case", "<A>1 &amp; 2</A><a>7</a><b/></p:R>");
    has("character", "<a>1 x 2</a><a>7</a><b/></p:R>");
    has("emptied", "<a></a><a>7</a><b/></p:R>");
    has("type", "<a><Value>1 &amp; 2</Value></a><a>7</a><b/></p:R>");
    has("plus-one", "<a>1 &amp; 2</a><a>8</a><b/></p:R>");
    let root = bodies(&response, "/R");
    assert_eq!(tail(&root["reordered"]), "<a>7</a><a>1 &amp; 2</a><b/></p:R>");
    assert_eq!(tail(&root["added"]), "<a>1 &amp; 2</a><a>7</a><b/><casebookAdded/></p:R>");
    assert_eq!(tail(&root["emptied"]), "</p:R>");
    assert!(root["namespace"].contains(r#"xmlns:p="urn:xX""#));
    assert!(root["renamed"].contains("<p:RX ") && root["renamed"].ends_with("</p:RX>"));
    assert!(bodies(&response, "/R/@k")["character"].contains(r#"k="w""#));
    assert!(bodies(&response, "/R/b")["null"].contains("cbn:nil=\"true\"/>"));
}

#[test]
fn large_bodies_are_thinned_and_it_is_told() {
    let list = format!("[{}]", (0..1_000).map(|each| each.to_string()).collect::<Vec<_>>().join(","));
    let response = json(&list);
    let all = mutants(&response, &Headers::default());
    assert_eq!(all.left_out(), 998);
    let changed: Vec<_> = all.filter(|mutant| mutant.operator == Operator::PlusOne).collect();
    assert_eq!(changed.len(), 2);
    let mixed: Vec<&str> = (0..100).map(|each| if each == 50 { r#"{"error":1}"# } else { r#"{"id":1}"# }).collect();
    let shapes = bodies(&json(&format!("[{}]", mixed.join(","))), "/*/error");
    assert!(shapes.contains_key("removed"), "an entry of another shape is not left out");
    let wide = format!("{{{}}}", (0..50_000).map(|each| format!("\"m{each}\":{each}")).collect::<Vec<_>>().join(","));
    let response = json(&wide);
    let all = mutants(&response, &Headers::default());
    assert_eq!(all.left_out(), 50_001 - PLACES.0);
}

/// Takes just this answer, in any writing.
fn literal(response: &Response) -> Option<Expect> {
    let context = Context { prefix: "", cite: &[], fallback: &[], extra: Extra::Fail, strict: true, choices: &[] };
    let text = std::str::from_utf8(&response.body).ok()?;
    let body = if let Ok(document) = roxmltree::Document::parse(text) {
        BodyCheck::Xml(Arc::new(xml::compile(&resolved(document.root_element()), &context).ok()?))
    } else if let Ok(value) = parse_json(text) {
        let pattern = Json::Object(vec![("$literal".into(), value.into_owned())]);
        BodyCheck::Json(crate::pattern::json::compile(&pattern, &context).ok()?.into())
    } else {
        BodyCheck::Text(text.to_owned())
    };
    let range = StatusRange { first: response.status, last: response.status };
    let all = response.header("content-type").map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    let no_clause: Arc<[crate::model::id::ClauseId]> = Arc::from([]);
    Some(Expect {
        status: vec![StatusCheck { is: vec![range], not: Vec::new(), clauses: no_clause.clone() }],
        headers: vec![HeaderCheck {
            name: "content-type".to_owned(),
            rule: HeaderTest::All(all),
            clauses: no_clause.clone(),
        }],
        body,
        at: Vec::new(),
        readings: Vec::new(),
        reading_required: false,
        fallback: no_clause,
    })
}

fn resolved(element: roxmltree::Node<'_, '_>) -> XmlResolved {
    let children: Vec<_> = element.children().filter(roxmltree::Node::is_element).map(resolved).collect();
    let text = if children.is_empty() { element.text().unwrap_or_default() } else { "" };
    XmlResolved {
        namespace: element.tag_name().namespace().map(str::to_owned),
        name: element.tag_name().name().to_owned(),
        attributes: element
            .attributes()
            .map(|each| {
                let value = XmlResolvedText::Literal(each.value().to_owned());
                (each.namespace().map(str::to_owned), each.name().to_owned(), value)
            })
            .collect(),
        steering: Vec::new(),
        text: XmlResolvedText::Literal(text.to_owned()),
        children,
    }
}

fn all_differ(response: &Response) {
    let expect = literal(response).unwrap();
    assert_eq!(compare(&expect, response, "s").mismatches, [], "{:?}", response.body);
    for mutant in mutants(response, &Headers::default()) {
        let mutated = mutant.response(response);
        let found = compare(&expect, &mutated, "s");
        assert!(
            !found.mismatches.is_empty(),
            "{} at {} of {:?} means the same: {:?}",
            mutant.operator.word(),
            mutant.place.name,
            response.body,
            mutated.body
        );
    }
}

#[test]
fn seen_or_handed_out_they_are_the_same() {
    let response = json(r#"{"a":[1,"1",null,{"b":[]}],"c":{"d":1e3}}"#);
    let mut seen = Vec::new();
    mutants(&response, &Headers::default()).visit(|view| {
        seen.push(match view {
            View::Made(mutant) => mutant,
            View::Json(place, operator, value) => {
                Mutant { place: place.clone(), operator, change: Change::Body(write_json(value).into()) }
            }
        });
    });
    assert_eq!(seen, mutants(&response, &Headers::default()).collect::<Vec<_>>());
}

#[test]
fn no_mutant_means_the_same() {
    all_differ(&answer(XML, "application/xml"));
    all_differ(&json(r#"{"a":[1,"1",null,{"b":[]}],"c":{"d":1e3,"e":-0}}"#));
}

fn any_json() -> impl Strategy<Value = Json<'static>> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?".prop_map(|text| Json::Number(text.into())),
        "\\PC{0,6}".prop_map(Json::string),
        "[0-9]{1,2}".prop_map(Json::string),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Json::Array),
            prop::collection::btree_map("[a-cA-C$X~/]{0,3}", inner, 0..6).prop_map(|members| Json::Object(
                members.into_iter().map(|(key, value)| (key.into(), value)).collect()
            )),
        ]
    })
}

fn any_xml() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-cA-C]{1,2}".prop_map(|name| format!("<{name}/>")),
        ("[a-cA-C]{1,2}", "( ?[a-z0-9é&<\"]{0,5} ?)")
            .prop_map(|(name, text)| format!("<{name}>{}</{name}>", text.replace('&', "&amp;").replace('<', "&lt;"))),
        ("[a-c]", "-?[0-9]{1,3}").prop_map(|(name, text)| format!("<{name} k='{text}'>{text}</{name}>")),
    ];
    let tree = leaf.prop_recursive(3, 16, 4, |inner| {
        ("[a-cA-C]{1,2}", prop::collection::vec(inner, 1..5), any::<bool>()).prop_map(|(name, children, wide)| {
            format!("<{name}>{}</{name}>", children.join(if wide { "\n  " } else { "" }))
        })
    });
    (tree, any::<bool>()).prop_map(|(tree, space)| {
        if space { format!("<R xmlns=\"urn:r\">{tree}</R>") } else { format!("<R><!-- c -->{tree}</R>") }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_mutant_of_json_means_the_same(value in any_json()) {
        all_differ(&json(&write_json(&value)));
    }

    #[test]
    fn no_mutant_of_xml_means_the_same(text in any_xml()) {
        all_differ(&answer(&text, "application/xml"));
    }

    #[test]
    fn no_body_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..64), lead in "(|<a>|<a b=\"|\\{\"a\":|\\[)") {
        let mut response = json(&lead);
        response.body = [lead.as_bytes(), &bytes].concat().into();
        for mutant in mutants(&response, &Headers::default()) {
            prop_assert_ne!(mutant.response(&response), response.clone());
        }
    }

    #[test]
    fn no_text_is_too_odd(text in "[<>/a-c \"'=!\\-\\[\\]{}:,0-9&;]{0,40}") {
        let response = json(&text);
        for mutant in mutants(&response, &Headers::default()) {
            prop_assert_ne!(mutant.response(&response), response.clone());
        }
    }
}

//! XML patterns against documents.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::compare;
use crate::model::exchange::Response;
use crate::model::expect::{BodyCheck, Expect};
use crate::model::id::ClauseId;
use crate::model::judgement::Judgement;
use crate::model::pattern::{XmlPattern, XmlResolved, XmlResolvedText};
use crate::model::spec::{Cite, Extra};
use crate::pattern::parse::parse_json;
use crate::pattern::xml::{compile, illustrate, pretty};
use crate::pattern::{Context, PatternError};

const STEERING: &str = "urn:casebook";

/// Reads a pattern as the case loader does.
fn resolve(element: roxmltree::Node<'_, '_>) -> XmlResolved {
    let text = |text: &str| match text.trim().strip_prefix("{\"$") {
        Some(_) => XmlResolvedText::Pattern(parse_json(text.trim()).unwrap().into_owned()),
        None => XmlResolvedText::Literal(text.to_owned()),
    };
    let (steering, plain): (Vec<_>, Vec<_>) = element.attributes().partition(|each| each.namespace() == Some(STEERING));
    XmlResolved {
        namespace: element.tag_name().namespace().map(str::to_owned),
        name: element.tag_name().name().to_owned(),
        attributes: plain
            .iter()
            .map(|each| (each.namespace().map(str::to_owned), each.name().to_owned(), text(each.value())))
            .collect(),
        steering: steering.iter().map(|each| (each.name().to_owned(), each.value().to_owned())).collect(),
        children: element.children().filter(roxmltree::Node::is_element).map(resolve).collect(),
        text: text(element.text().unwrap_or_default()),
    }
}

fn pattern(text: &str, cite: &[Cite], extra: Extra) -> Result<XmlPattern, PatternError> {
    let text = text.replacen("<r", "<r xmlns:cb=\"urn:casebook\"", 1);
    let document = roxmltree::Document::parse(&text).unwrap();
    let fallback = [ClauseId::new("F")];
    compile(
        &resolve(document.root_element()),
        &Context { prefix: "xml:", cite, fallback: &fallback, extra, strict: false, choices: &[] },
    )
}

fn run(pattern: XmlPattern, body: &str) -> Judgement {
    let expect = Expect {
        status: Vec::new(),
        headers: Vec::new(),
        body: BodyCheck::Xml(Arc::new(pattern)),
        at: Vec::new(),
        readings: Vec::new(),
        reading_required: true,
        fallback: Arc::from([]),
    };
    let response = Response {
        status: 200,
        reason: None,
        version: "HTTP/1.1",
        headers: Vec::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        wire_bytes: 0,
    };
    compare(&expect, &response, "main")
}

fn told(found: &Judgement) -> String {
    let each = found.mismatches.iter().map(|each| format!("{:?} {}", each.kind, each.place));
    each.collect::<Vec<_>>().join(", ")
}

fn judge(expected: &str, body: &str) -> String {
    let found = run(pattern(expected, &[], Extra::Fail).unwrap(), body);
    assert_eq!(found.mismatches.is_empty(), found.checks.iter().all(|check| check.violated == 0), "{found:?}");
    told(&found)
}

#[test]
fn compares_the_infoset() {
    let expected = "<r xmlns=\"urn:x\"><a k=\"1\" l=\"2\"/><b>t</b></r>";
    assert_eq!(judge(expected, "<r xmlns=\"urn:x\"><a k=\"1\" l=\"2\"/><b>t</b></r>"), "");
    assert_eq!(
        judge(
            expected,
            "<?xml version=\"1.0\"?>\n<p:r xmlns:p=\"urn:x\">\n <!-- c --><p:a l='2' k='1'> </p:a>\n <p:b><![CDATA[t]]></p:b></p:r>"
        ),
        ""
    );
    assert_eq!(judge(expected, "<r><a k=\"1\" l=\"2\"/><b>t</b></r>"), "Value /r");
    assert_eq!(judge(expected, "<r xmlns=\"urn:x\"><a xmlns=\"\" k=\"1\" l=\"2\"/><b>t</b></r>"), "Value /r/a");
    assert_eq!(judge(expected, "<r xmlns=\"urn:x\"><a k=\"1\" l=\"3\"/><b>u</b></r>"), "Value /r/a/@l, Value /r/b");
    assert_eq!(
        judge(expected, "<r xmlns=\"urn:x\"><a k=\"1\" m=\"2\"/><b>t</b></r>"),
        "Missing /r/a/@l, Unexpected /r/a/@m"
    );
    assert_eq!(judge(expected, "<r xmlns=\"urn:x\"><a k=\"1\" l=\"2\"/>x<b>t</b></r>"), "Unexpected /r");
    assert_eq!(judge(expected, "<x/>"), "Value /x");
    assert_eq!(judge(expected, "<!DOCTYPE r><r xmlns=\"urn:x\"/>"), "Malformed ");
    assert_eq!(judge(expected, "{}"), "Malformed ");
}

#[test]
fn pairs_siblings() {
    let expected = "<r><i><n>1</n></i><i><n>2</n></i><i><n>3</n></i></r>";
    let item = |number: u8| format!("<i><n>{number}</n></i>");
    let doc = |numbers: &[u8]| format!("<r>{}</r>", numbers.iter().map(|each| item(*each)).collect::<String>());
    assert_eq!(judge(expected, &doc(&[1, 2, 3])), "");
    assert_eq!(judge(expected, &doc(&[1, 3])), "Missing /r/i");
    assert_eq!(judge(expected, &doc(&[1, 2, 2, 3])), "Unexpected /r/i[3]");
    assert_eq!(judge(expected, &doc(&[1, 4, 3])), "Value /r/i[2]/n");
    let expected = "<r><a/><b/><c/></r>";
    assert_eq!(judge(expected, "<r><b/><c/></r>"), "Missing /r/a");
    assert_eq!(judge(expected, "<r><a/><c/></r>"), "Missing /r/b");
    assert_eq!(judge(expected, "<r><b/><c/><a/></r>"), "Order /r/a");
    assert_eq!(judge(expected, "<r><a/><b/><c/><d/></r>"), "Unexpected /r/d");
}

#[test]
fn steers() {
    let expected = "<r cb:order=\"any\"><a>1</a><a>2</a><b/></r>";
    assert_eq!(judge(expected, "<r><b/><a>2</a><a>1</a></r>"), "");
    assert_eq!(judge(expected, "<r><b/><a>2</a><a>3</a></r>"), "Value /r/a[2]");
    assert_eq!(judge(expected, "<r><a>2</a><a>1</a></r>"), "Missing /r/b");
    let expected = "<r><a cb:optional=\"true\"/><a>1</a><b cb:absent=\"true\"/></r>";
    assert_eq!(judge(expected, "<r><a>1</a></r>"), "");
    assert_eq!(judge(expected, "<r><a/><a>1</a></r>"), "");
    assert_eq!(judge(expected, "<r><a>1</a><b/></r>"), "Unexpected /r/b");
    assert_eq!(judge("<r cb:extra=\"allow\"><a/></r>", "<r x=\"1\"><z/><a y=\"2\"/></r>"), "");
    let found = run(pattern("<r><a/></r>", &[], Extra::Note).unwrap(), "<r><a/><z/></r>");
    assert_eq!((told(&found).as_str(), found.notes[0].place.as_str()), ("", "/r/z"));
    let cites = [
        Cite { pointer: "/r/i/n".to_owned(), clauses: vec![ClauseId::new("N")] },
        Cite { pointer: "/r".to_owned(), clauses: vec![ClauseId::new("R")] },
    ];
    let text = "<r><i cb:per=\"\"><n>1</n></i><i cb:per=\"\"><n>2</n><m cb:clause=\"A B\">1</m></i></r>";
    let found = run(pattern(text, &cites, Extra::Fail).unwrap(), "<r><i><n>9</n></i><i><n>9</n><m>2</m></i></r>");
    let cited: Vec<_> =
        found.mismatches.iter().map(|each| (&*each.check, each.clauses.len(), each.clauses[0].as_str())).collect();
    assert_eq!(cited, [("xml:/r/i[*]/n", 1, "N"), ("xml:/r/i[*]/n", 1, "N"), ("xml:/r/i[*]/m", 2, "A")]);
}

#[test]
fn operators_in_texts() {
    let expected = "<r k='{\"$regex\": \"^a\"}'><n>{\"$range\": {\"min\": 1, \"max\": 3}}</n><t>{\"$any\": true}</t><s>{\"$same_as\": \"/r/n\"}</s></r>";
    assert_eq!(judge(expected, "<r k=\"ab\"><n>2.0</n><t><x/></t><s>2.0</s></r>"), "");
    assert_eq!(judge(expected, "<r k=\"b\"><n>4</n><t/><s>2</s></r>"), "Value /r/@k, Value /r/n, Value /r/s");
    assert_eq!(judge("<r>{\"$type\": \"integer\"}</r>", "<r> 7 </r>"), "");
    assert_eq!(judge("<r>{\"$type\": \"boolean\"}</r>", "<r>yes</r>"), "Type /r");
    assert_eq!(judge("<r>a</r>", "<r>a<b/></r>"), "Unexpected /r/b");
    let expected = "<r k='{\"$optional\": \"1\"}' l='{\"$absent\": true}'/>";
    assert_eq!(judge(expected, "<r/>"), "");
    assert_eq!(judge(expected, "<r k='2' l=''/>"), "Value /r/@k, Unexpected /r/@l");
}

#[test]
fn mistakes_are_told() {
    for (text, pointer, part) in [
        ("<r><a cb:optinal=\"true\"/></r>", "/r/a", "did you mean `cb:optional`"),
        ("<r><a cb:order=\"some\"/></r>", "/r/a", "\"any\""),
        ("<r cb:absent=\"true\"/>", "", "root"),
        ("<r><a>{\"$regx\": \"\"}</a></r>", "/r/a", "did you mean `$regex`"),
        ("<r>x<a/></r>", "/r", "either child elements or text"),
    ] {
        let error = pattern(text, &[], Extra::Fail).unwrap_err();
        assert!(error.pointer == pointer && error.message.contains(part), "{error:?}");
    }
}

#[test]
fn hostile_documents() {
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(judge("<r/>", &deep), "Malformed ");
    let wide = format!("<r>{}</r>", "<z/>".repeat(50_000));
    let found = run(pattern("<r><a/></r>", &[], Extra::Fail).unwrap(), &wide);
    assert!(found.mismatches.len() > 900 && found.mismatches.len() < 1_100);
    assert!(found.mismatches.last().unwrap().actual.contains("more mismatches"));
}

/// Not a benchmark: with a search among all siblings for each of these it takes minutes.
#[test]
fn many_wrong_siblings_are_compared_in_time() {
    let many = |item: &str| format!("<r>{}</r>", item.repeat(20_000));
    let wanted = many("<z><y>1</y></z>");
    for item in [
        "<z xmlns=\"urn:x\"><y>1</y></z>",
        "<z a=\"1\"><y>1</y></z>",
        "<z/>",
        "<z>x<y>1</y></z>",
        "<z><y>1</y><y>1</y></z>",
        "<z><y>2</y></z>",
    ] {
        let found = run(pattern(&wanted, &[], Extra::Fail).unwrap(), &many(item));
        assert!(found.mismatches.len() > 900, "{item}: {}", found.mismatches.len());
        assert!(found.mismatches[999].place.starts_with("/r/z["), "{item}: {:?}", found.mismatches[999]);
        let violated: u32 = found.checks.iter().map(|check| check.violated).sum();
        assert!(violated >= 20_000, "{item}: {violated}");
        let told = run(pattern(&wanted, &[], Extra::Note).unwrap(), &many(item));
        assert!(told.notes.len() <= 1_000, "{item}");
    }
    // A neighbour too many has the lists compared for how near they are.
    let inside = |item: &str, more: &str| format!("<r><l>{}</l>{more}</r>", item.repeat(20_000));
    let found = run(pattern(&inside("<z>1</z>", ""), &[], Extra::Fail).unwrap(), &inside("<z>2</z>", "<x/>"));
    assert!(found.mismatches.len() > 900);
    // As many that are missing as are not listed, in any order: so many that they were once paired whatever their name.
    let list = |word: &str| (0..5_000).map(|each| format!("<{word}{each}/>")).collect::<String>();
    let any_order = format!("<r cb:order=\"any\">{}</r>", list("a"));
    let found = run(pattern(&any_order, &[], Extra::Fail).unwrap(), &format!("<r>{}</r>", list("b")));
    assert!(found.mismatches.len() > 900);
}

#[test]
fn illustrates_what_would_have_matched() {
    let text = "<r><a>{\"$regex\": \"^x\"}</a><b>1</b><c/></r>";
    let compiled = pattern(text, &[], Extra::Fail).unwrap();
    let document = roxmltree::Document::parse("<r><a>xy</a><c/><d/></r>").unwrap();
    assert_eq!(illustrate(&compiled, Some(&document)), "<r>\n  <a>xy</a>\n  <b>1</b>\n  <c/>\n</r>\n");
    assert_eq!(pretty(&document), "<r>\n  <a>xy</a>\n  <c/>\n  <d/>\n</r>\n");
    assert!(illustrate(&compiled, None).contains("<a>{\"$regex\":\"^x\"}</a>"));
}

/// An element with its attributes, children and text.
#[derive(Clone, Debug, PartialEq)]
struct Tree {
    name: String,
    attribute: Option<String>,
    children: Vec<Tree>,
    text: String,
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = ("[abc]", prop::option::of("[a-z<&\"]{0,3}"), "[a-z0-9<&]{0,4}")
        .prop_map(|(name, attribute, text)| Tree { name, attribute, children: Vec::new(), text });
    leaf.prop_recursive(4, 24, 4, |inner| {
        ("[abc]", prop::option::of("[a-z]{0,3}"), prop::collection::vec(inner, 1..4))
            .prop_map(|(name, attribute, children)| Tree { name, attribute, children, text: String::new() })
    })
    .prop_map(|inner| Tree { name: "r".to_owned(), attribute: None, children: vec![inner], text: String::new() })
}

fn write(tree: &Tree, space: &str) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let attribute = tree.attribute.as_ref().map_or_else(String::new, |value| format!(" k=\"{}\"", escape(value)));
    let space_inside = if tree.children.is_empty() { "" } else { space };
    let inner: String = tree.children.iter().map(|child| space_inside.to_owned() + &write(child, space)).collect();
    format!("<{0}{attribute}>{inner}{space_inside}{1}</{0}>", tree.name, escape(&tree.text))
}

fn alter(tree: &mut Tree, place: &mut usize, how: u8) {
    if *place == 0 {
        match how {
            0 => tree.children.push(Tree {
                name: "new".to_owned(),
                attribute: None,
                children: Vec::new(),
                text: String::new(),
            }),
            1 if !tree.children.is_empty() => drop(tree.children.remove(0)),
            2 => tree.children.reverse(),
            3 if tree.children.is_empty() => tree.text.push('x'),
            4 => {
                tree.attribute =
                    tree.attribute.as_ref().map_or_else(|| Some(String::new()), |text| Some(format!("{text}x")));
            }
            5 => tree.name.push('x'),
            _ => {}
        }
    }
    *place = place.wrapping_sub(1);
    tree.children.iter_mut().for_each(|child| {
        if *place < 1_000 {
            alter(child, place, how);
        }
    });
}

proptest! {
    #[test]
    fn a_document_matches_itself(tree in tree()) {
        let text = write(&tree, "");
        prop_assert_eq!(judge(&text, &text), "");
        prop_assert_eq!(judge(&text, &write(&tree, "\n  ")), "");
        let document = roxmltree::Document::parse(&text).unwrap();
        let compiled = pattern(&text, &[], Extra::Fail).unwrap();
        prop_assert_eq!(illustrate(&compiled, Some(&document)), pretty(&document));
    }

    #[test]
    fn any_change_is_found(tree in tree(), place in 0_usize..12, how in 0_u8..6) {
        let mut changed = tree.clone();
        alter(&mut changed, &mut { place }, how);
        if changed != tree {
            let found = judge(&write(&tree, ""), &write(&changed, ""));
            prop_assert!(!found.is_empty(), "{} against {}", write(&tree, ""), write(&changed, ""));
            if how == 0 || how == 4 || (how == 3 && place > 0) {
                prop_assert_eq!(found.matches(", ").count(), usize::from(how == 0 && !changed.text.is_empty()), "{}", found);
            }
        }
    }
}

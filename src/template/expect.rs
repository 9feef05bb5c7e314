//! From an [`ExpectSpec`] to an [`Expect`]: values inserted, patterns and expressions compiled.

use std::borrow::Cow;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::eval::{Mode, TemplateError, resolve_borrowed, resolve_json, resolve_text};
use super::scope::Scope;
use crate::model::clause::{Choice, ChoicePolicy};
use crate::model::expect::{
    AnswerReading, AtCheck, BodyCheck, Expect, HeaderCheck, HeaderTest, StatusCheck, StatusRange,
};
use crate::model::id::ClauseId;
use crate::model::json::Json;
use crate::model::pattern::{JsonPattern, XmlResolved, XmlResolvedText};
use crate::model::spec::{CheckSpec, Cite, ExpectBody, ExpectSpec, Extra, HeaderRule, Path, TextRule};
use crate::model::template::{JsonTemplate, Template, XmlTemplate, XmlText};
use crate::pattern::{Context, compile_body, compile_template, xml};

/// Largest compiled regular expression, in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// What the whole run decides about expectations.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The suite's choices.
    pub choices: &'a [Choice],
    /// Whether only literal readings are accepted and notes fail.
    pub strict: bool,
}

/// Resolves an expectation.
pub fn resolve(spec: &ExpectSpec, scope: &mut Scope, rules: Rules<'_>) -> Result<Expect, TemplateError> {
    let fallback: Arc<[ClauseId]> = spec.fallback.clone().into();
    let or_fallback = |clauses: &[ClauseId]| if clauses.is_empty() { fallback.clone() } else { clauses.into() };
    let extra = if rules.strict && spec.extra == Extra::Note { Extra::Fail } else { spec.extra };
    let context = |prefix: &'static str| Context {
        prefix,
        cite: &spec.cite,
        fallback: &spec.fallback,
        extra,
        strict: rules.strict,
        choices: rules.choices,
    };
    let mut status = Vec::with_capacity(spec.status.len());
    for each in &spec.status {
        status.push(StatusCheck {
            is: ranges(&each.is, scope)?,
            not: ranges(&each.not, scope)?,
            clauses: or_fallback(&each.clauses),
        });
    }
    let mut headers = Vec::with_capacity(spec.headers.len());
    for each in &spec.headers {
        let rule = header(&each.rule, scope)?;
        headers.push(HeaderCheck { name: each.name.clone(), rule, clauses: or_fallback(&each.clauses) });
    }
    let body = match &spec.body {
        ExpectBody::Unchecked => BodyCheck::Unchecked,
        ExpectBody::Empty => BodyCheck::Empty,
        ExpectBody::WellFormed => BodyCheck::WellFormed,
        ExpectBody::Json(template) => {
            let compiled = compile_body(template, &context("json:"), &mut |part| resolve_borrowed(part, scope, true));
            BodyCheck::Json(blame(compiled, template, scope)?)
        }
        ExpectBody::Xml(template) => {
            let mut roots = resolve_xml(template, scope)?;
            let root = roots.pop().filter(|_| roots.is_empty());
            let root = root.ok_or_else(|| TemplateError::Pattern("an XML document has one root element".to_owned()))?;
            let compiled = xml::compile(&root, &context("xml:"));
            BodyCheck::Xml(Arc::new(compiled.map_err(|error| TemplateError::Pattern(error.to_string()))?))
        }
        ExpectBody::Text(TextRule::Is(text)) => BodyCheck::Text(plain(text, scope)?),
        ExpectBody::Text(TextRule::Contains(text)) => BodyCheck::TextContains(plain(text, scope)?),
        ExpectBody::Text(TextRule::Regex(text)) => BodyCheck::TextRegex(regex(text, scope)?),
    };
    let mut at = Vec::with_capacity(spec.at.len());
    for each in &spec.at {
        let clauses = or_fallback(&each.clauses);
        let is = match &each.is {
            None => None,
            Some(template) => {
                let prefix = at_prefix(&each.path);
                let context = Context { prefix: &prefix, cite: &[], fallback: &clauses, ..context("at:") };
                Some(Arc::new(compile_json(template, scope, &context)?))
            }
        };
        at.push(AtCheck { path: each.path.clone(), is, count: each.count, clauses });
    }
    let mut readings = Vec::with_capacity(spec.readings.len());
    let mut reading_required = false;
    for each in &spec.readings {
        let choice = rules.choices.iter().find(|choice| choice.id == each.choice);
        reading_required |= choice.is_none_or(|choice| choice.policy != ChoicePolicy::Report);
        let literals = choice.map_or(0, |choice| choice.readings.iter().filter(|reading| reading.literal).count());
        let literal = choice
            .is_some_and(|choice| choice.readings.iter().any(|reading| reading.id == each.reading && reading.literal));
        if rules.strict && literals > 0 && !literal {
            continue;
        }
        readings.push(AnswerReading {
            choice: each.choice.clone(),
            reading: each.reading.clone(),
            literal,
            expect: resolve(&each.expect, scope, rules)?,
        });
    }
    Ok(Expect { status, headers, body, at, readings, reading_required, fallback })
}

/// Resolves a `[[case.check]]`: its value, and the pattern that it must match.
pub fn check(
    spec: &CheckSpec,
    index: usize,
    fallback: &[ClauseId],
    scope: &mut Scope,
    rules: Rules<'_>,
) -> Result<(Json<'static>, JsonPattern), TemplateError> {
    let value = resolve_json(&spec.value, scope, false)?;
    let fallback = if spec.clauses.is_empty() { fallback } else { &spec.clauses };
    let cite: &[Cite] = &[];
    let prefix = format!("check[{index}]:");
    let context =
        Context { prefix: &prefix, cite, fallback, extra: Extra::Fail, strict: rules.strict, choices: rules.choices };
    Ok((value, compile_json(&spec.is, scope, &context)?))
}

fn at_prefix(path: &Path) -> String {
    match path {
        Path::Pointer(path) | Path::JsonPath(path) | Path::XPath(path) => format!("at {path}:"),
    }
}

fn compile_json(
    template: &JsonTemplate,
    scope: &mut Scope,
    context: &Context<'_>,
) -> Result<JsonPattern, TemplateError> {
    let compiled = compile_template(template, context, &mut |part| resolve_borrowed(part, scope, true));
    blame(compiled, template, scope)
}

/// Of a pattern that cannot be compiled a value that is missing further on says more: what should have given it is to
/// blame.
fn blame<T>(
    compiled: Result<T, TemplateError>,
    template: &JsonTemplate,
    scope: &mut Scope,
) -> Result<T, TemplateError> {
    if let Err(TemplateError::Pattern(_)) = compiled {
        resolve_borrowed(template, scope, true)?;
    }
    compiled
}

fn plain(template: &Template, scope: &Scope) -> Result<String, TemplateError> {
    resolve_text(template, scope, Mode::Plain)
}

fn regex(template: &Template, scope: &Scope) -> Result<Regex, TemplateError> {
    let text = plain(template, scope)?;
    RegexBuilder::new(&text).size_limit(REGEX_SIZE).build().map_err(|error| TemplateError::Pattern(error.to_string()))
}

fn ranges(templates: &[Template], scope: &Scope) -> Result<Vec<StatusRange>, TemplateError> {
    templates
        .iter()
        .map(|each| {
            let text = match each.as_literal() {
                Some(text) => Cow::Borrowed(text),
                None => Cow::Owned(plain(each, scope)?),
            };
            parse_range(&text)
                .ok_or_else(|| TemplateError::Pattern(format!("`{text}` is no status: write 200 or \"4xx\"")))
        })
        .collect()
}

/// `200`, or `4xx` for a whole class.
#[must_use]
pub fn parse_range(text: &str) -> Option<StatusRange> {
    if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
        let class: u16 = class.parse().ok().filter(|class| (1..=9).contains(class))?;
        return Some(StatusRange { first: class * 100, last: class * 100 + 99 });
    }
    let status: u16 = text.parse().ok().filter(|status| (100..=999).contains(status))?;
    Some(StatusRange { first: status, last: status })
}

fn header(rule: &HeaderRule<Template>, scope: &Scope) -> Result<HeaderTest, TemplateError> {
    let many = |list: &[Template]| list.iter().map(|each| plain(each, scope)).collect::<Result<Vec<_>, _>>();
    Ok(match rule {
        HeaderRule::Is(text) => HeaderTest::Is(plain(text, scope)?),
        HeaderRule::Regex(text) => HeaderTest::Regex(regex(text, scope)?),
        HeaderRule::Contains(text) => HeaderTest::Contains(plain(text, scope)?),
        HeaderRule::Media(list) => HeaderTest::Media(many(list)?),
        HeaderRule::All(list) => HeaderTest::All(many(list)?),
        HeaderRule::Absent => HeaderTest::Absent,
        HeaderRule::Present => HeaderTest::Present,
    })
}

/// An element with its values in it: several, when `cb:per` repeats it.
fn resolve_xml(template: &XmlTemplate, scope: &mut Scope) -> Result<Vec<XmlResolved>, TemplateError> {
    let Some((_, list)) = template.steering.iter().find(|(name, _)| name == "per") else {
        return Ok(vec![resolve_element(template, scope, false)?]);
    };
    let list = match resolve_json(&JsonTemplate::Text(list.clone()), scope, false)? {
        Json::Array(items) => items,
        other => {
            return Err(TemplateError::WrongType {
                what: "cb:per".to_owned(),
                wanted: "a list",
                got: other.type_name(),
            });
        }
    };
    let before = (scope.get("item").cloned(), scope.get("index").cloned());
    let mut all = Vec::with_capacity(list.len());
    for (position, item) in list.into_iter().enumerate() {
        scope.set("item", item);
        scope.set("index", Json::integer(position as i64));
        all.push(resolve_element(template, scope, true)?);
    }
    for (name, value) in [("item", before.0), ("index", before.1)] {
        match value {
            Some(value) => scope.set(name, value),
            None => scope.unset(name),
        }
    }
    Ok(all)
}

fn resolve_element(template: &XmlTemplate, scope: &mut Scope, repeated: bool) -> Result<XmlResolved, TemplateError> {
    let mut attributes = Vec::with_capacity(template.attributes.len());
    for (namespace, name, text) in &template.attributes {
        attributes.push((namespace.clone(), name.clone(), resolve_xml_text(text, scope)?));
    }
    let mut steering = Vec::with_capacity(template.steering.len());
    for (name, value) in template.steering.iter().filter(|(name, _)| name != "per") {
        steering.push((name.clone(), plain(value, scope)?));
    }
    if repeated {
        steering.push(("per".to_owned(), String::new()));
    }
    let mut children = Vec::with_capacity(template.children.len());
    for child in &template.children {
        children.extend(resolve_xml(child, scope)?);
    }
    Ok(XmlResolved {
        namespace: template.namespace.clone(),
        name: template.name.clone(),
        attributes,
        steering,
        children,
        text: resolve_xml_text(&template.text, scope)?,
    })
}

fn resolve_xml_text(text: &XmlText, scope: &mut Scope) -> Result<XmlResolvedText, TemplateError> {
    Ok(match text {
        XmlText::Literal(template) => XmlResolvedText::Literal(plain(template, scope)?),
        XmlText::Pattern(template) => XmlResolvedText::Pattern(resolve_json(template, scope, true)?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::json::MAX_DEPTH;
    use crate::model::target::Target;
    use crate::model::template::{Expr, Part};
    use crate::pattern::json;
    use crate::pattern::parse::parse_json;

    /// A template of JSON in which a string `${name}` is that value.
    fn template(value: &Json<'_>) -> JsonTemplate {
        JsonTemplate::of(value, &|text| match text.strip_prefix("${").and_then(|text| text.strip_suffix('}')) {
            Some(name) => Template { parts: vec![Part::Value(Expr::Name(name.to_owned()))] },
            None => Template::literal(text),
        })
    }

    fn scope() -> Scope {
        let mut scope = Scope::new(Arc::new(Target::unnamed()), 7, "a/b");
        let deep = (0..MAX_DEPTH - 3).fold(Json::Null, |inner, _| Json::Array(vec![inner]));
        for (name, value) in [
            ("text", Json::string("t")),
            ("list", parse_json("[1, [2, \"a~/b\"]]").unwrap()),
            ("object", parse_json(r#"{"$any": true, "$$x": [1], "y": {"$absent": true}}"#).unwrap()),
            ("bad", Json::string("(")),
            ("deep", deep),
        ] {
            scope.set(name, value.into_owned());
        }
        scope
    }

    /// What a pattern comes to straight from its template, and by way of its value.
    fn both(text: &str) -> (String, String) {
        let template = template(&parse_json(text).unwrap());
        let own = [ClauseId::new("F")];
        let cite = |pointer: &str, id| Cite { pointer: pointer.to_owned(), clauses: vec![ClauseId::new(id)] };
        let cites = [cite("/a", "A"), cite("/b/*/a", "STAR"), cite("/a/1", "ONE")];
        let (cite, extra) = (&cites[..], Extra::Note);
        let context = Context { prefix: "json:", cite, fallback: &own, extra, strict: false, choices: &[] };
        let direct = compile_json(&template, &mut scope(), &context);
        // The second time its list of checks may be known.
        let again = compile_json(&template, &mut scope(), &context);
        assert_eq!(format!("{direct:?}"), format!("{again:?}"), "{text}");
        let by_value = resolve_borrowed(&template, &mut scope(), true)
            .and_then(|value| json::compile(&value, &context).map_err(TemplateError::from));
        (format!("{direct:?}"), format!("{by_value:?}"))
    }

    #[test]
    fn a_pattern_is_the_same_by_way_of_its_value() {
        let nested = |inner: &str, levels: usize| format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels));
        for text in [
            r#"{"a": [1, "x", null, true, {"b": 2.50}], "c/~d": {"$any": true}}"#,
            r#"{"a": "${text}", "b": ["${list}", "${object}"], "c": {"$regex": "${text}"}}"#,
            r#"{"a": {"b": 1, "b": 2}}"#,
            r#"{"a": {"$$b": 1, "b": {"$absent": true}}}"#,
            r#"{"a": {"b": 1, "$any": true}}"#,
            r#"{"a": {"$absent": true}, "b": [{"$absent": true}]}"#,
            r#"{"b": [{"a": 1}, {"a": {"$clause": ["X"], "$is": {"c": 1, "d": {"$any": true}}}}]}"#,
            r#"{"a": {"$oneOf": [{"b": 1}, {"b": {"$any": true}, "c": {"$optional": 1}}]}, "b": {"$each": {"a": "x"}}}"#,
            r#"{"a": {"$regex": "${bad}"}, "b": "${lost}"}"#,
            r#"{"a": "${lost}", "b": {"$regex": "${bad}"}}"#,
            r#"{"a": {"$per": "${list}", "$is": {"b": "${item}"}}, "b": {"$unordered": [1, 2]}}"#,
            r#"{"a": {"$nothing": 1}}"#,
            r#"{"a": {"b": {"$type": "colour"}}}"#,
            r#"{"a": {"$unordered": ["${list}"]}, "a": 2}"#,
            &nested("1", MAX_DEPTH),
            &nested("1", 20),
            &nested("\"${deep}\"", 3),
            &nested("\"${deep}\"", 4),
            &nested("{\"$any\": true}", MAX_DEPTH - 1),
        ] {
            let (direct, by_value) = both(text);
            assert_eq!(direct, by_value, "{text}");
        }
        assert!(both(&nested("\"${deep}\"", 3)).0.starts_with("Ok"));
        assert!(both(&nested("\"${deep}\"", 4)).0.contains("nested deeper"));
        assert!(both(r#"{"a": {"$regex": "${bad}"}, "b": "${lost}"}"#).0.contains("NoValue(\"lost\")"));
    }

    /// Patterns as nobody would write them.
    fn pattern() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "1",
            "\"x\"",
            "null",
            "true",
            "\"${text}\"",
            "\"${list}\"",
            "\"${object}\"",
            "\"${lost}\"",
            "\"${bad}\"",
        ]);
        leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, |inner| {
            let key = prop::sample::select(vec![
                "a",
                "b",
                "a~/b",
                "$$c",
                "$any",
                "$absent",
                "$optional",
                "$each",
                "$oneOf",
                "$all",
                "$is",
                "$clause",
                "$per",
                "$literal",
                "$unordered",
                "$not",
                "$regex",
            ]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec((key, inner), 0..3).prop_map(|members| {
                    let members: Vec<String> =
                        members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_pattern_is_the_same_by_way_of_its_value(text in pattern()) {
            let (direct, by_value) = both(&text);
            prop_assert_eq!(direct, by_value, "{}", text);
        }
    }

    #[test]
    fn a_status_is_a_number_or_a_class() {
        assert_eq!(parse_range("404"), Some(StatusRange { first: 404, last: 404 }));
        assert_eq!(parse_range("4xx"), Some(StatusRange { first: 400, last: 499 }));
        for wrong in ["", "xx", "0xx", "40", "1000", "4x", "-1xx", "４xx"] {
            assert_eq!(parse_range(wrong), None, "{wrong}");
        }
    }
}

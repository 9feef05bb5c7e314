//! Whether a JSON value is just what a plainly written template says: [`holds`]. Most answers are what was expected, and
//! then no pattern has to be compiled to find nothing.

use crate::model::json::Json;
use crate::model::template::JsonTemplate;
use crate::pattern::decimal::same_number;

/// More members out of order than this are left to the pattern, which looks them up by hash.
const UNORDERED: usize = 16;

/// Whether a value is what a template without operators and insertions says, with nothing more and nothing less. Yes is
/// certain; no may also mean that only the pattern can tell.
pub(super) fn holds(template: &JsonTemplate, value: &Json<'_>) -> bool {
    match (template, value) {
        (JsonTemplate::Null, Json::Null) => true,
        (JsonTemplate::Bool(expected), Json::Bool(actual)) => expected == actual,
        (JsonTemplate::Number(expected), Json::Number(actual)) => same_number(expected, actual),
        (JsonTemplate::Text(expected), Json::String(actual)) => expected.as_literal() == Some(actual),
        (JsonTemplate::Array(expected), Json::Array(actual)) => {
            expected.len() == actual.len()
                && expected.iter().zip(actual).all(|(template, value)| holds(template, value))
        }
        (JsonTemplate::Object(expected), Json::Object(actual)) => {
            // With as many members and each name among them there is none twice and none too many.
            expected.len() == actual.len()
                && expected.iter().zip(actual).all(|((name, template), (key, value))| {
                    if name == key {
                        return holds(template, value);
                    }
                    let found = (actual.len() <= UNORDERED).then(|| actual.iter().find(|(key, _)| name == key));
                    found.flatten().is_some_and(|(_, value)| holds(template, value))
                })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::compare;
    use super::*;
    use crate::model::exchange::Response;
    use crate::model::expect::{BodyCheck, Expect};
    use crate::model::id::ClauseId;
    use crate::model::pattern::JsonBody;
    use crate::model::spec::Extra;
    use crate::model::template::Template;
    use crate::pattern::parse::parse_json;
    use crate::pattern::{Context, PatternError, compile_body, json};

    const ANY: &str = r#"{"$any": true}"#;

    /// Compares a body with what is expected, plainly where that is possible and by the pattern alone. Gives whether it
    /// was possible, and whether it held.
    fn both(whole: &str, actual: &str, extra: Extra) -> (bool, bool) {
        let expected = parse_json(whole).unwrap();
        let clauses = [ClauseId::new("B-01")];
        let context = Context { prefix: "json:", cite: &[], fallback: &clauses, extra, strict: false, choices: &[] };
        let Ok(pattern) = json::compile(&expected, &context) else { return (false, false) };
        let template = Arc::new(JsonTemplate::of(&expected, &Template::literal));
        // The first of its kind makes the list of checks known.
        let compile = || {
            // The only part that is a value first.
            let mut any = |_: &JsonTemplate| -> Result<Json<'_>, PatternError> { Ok(parse_json(ANY).unwrap()) };
            compile_body(&template, &context, &mut any).unwrap()
        };
        drop(compile());
        let plain = compile();
        let is_plain = matches!(plain, JsonBody::Plain(_));
        let body = actual.as_bytes();
        let response = Response {
            status: 200,
            reason: None,
            version: "HTTP/1.1",
            headers: Vec::new(),
            body: Bytes::copy_from_slice(body),
            wire_bytes: body.len() as u64,
        };
        let expect = |body: JsonBody| Expect {
            status: Vec::new(),
            headers: Vec::new(),
            body: BodyCheck::Json(body),
            at: Vec::new(),
            readings: Vec::new(),
            reading_required: false,
            fallback: clauses.to_vec().into(),
        };
        let by_pattern = compare(&expect(pattern.into()), &response, "s");
        let clean = by_pattern.mismatches.is_empty() && by_pattern.notes.is_empty();
        assert_eq!(compare(&expect(plain), &response, "s"), by_pattern);
        (is_plain, clean && holds(&template, &parse_json(actual).unwrap()))
    }

    #[test]
    fn what_is_written_plainly_is_compared_as_by_its_pattern() {
        let object = r#"{"a": [1.50, "x", null], "b": {"c": true}}"#;
        for (actual, held) in [
            (object, true),
            (r#"{"b": {"c": true}, "a": [1.5, "\u0078", null]}"#, true),
            (r#"{"a": [1.5, "x", null], "b": {"c": false}}"#, false),
            (r#"{"a": [1.5, "x"], "b": {"c": true}}"#, false),
            (r#"{"a": [1.5, "x", null]}"#, false),
            (r#"{"a": [1.5, "x", null], "b": {"c": true}, "d": 1}"#, false),
            (r#"{"a": [1.5, "x", null], "a": [1.5, "x", null]}"#, false),
            (r#"{"a": [1.5, "x", null], "b": {"c": true}, "b": {"c": true}}"#, false),
        ] {
            for extra in [Extra::Fail, Extra::Note, Extra::Allow] {
                assert_eq!(both(object, actual, extra), (true, held), "{actual}");
            }
        }
        let operator = format!("{{\"a\": {ANY}}}");
        assert!(!both(&operator, r#"{"a": 1}"#, Extra::Fail).0, "an operator is not plain");
    }

    fn value() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec!["1", "1.0", "\"x\"", "\"\"", "null", "true", "false"]);
        leaf.prop_map(str::to_owned).prop_recursive(3, 16, 3, |inner| {
            let key = prop::sample::select(vec!["a", "b", "c~/d"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec((key, inner), 0..4).prop_map(|members| {
                    let members: Vec<String> =
                        members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_answer_is_compared_as_by_its_pattern(expected in value(), actual in value()) {
            for extra in [Extra::Fail, Extra::Note, Extra::Allow] {
                both(&expected, &actual, extra);
                both(&expected, &expected, extra);
            }
        }
    }
}

//! A number for values that are equal: [`of_value`]; and for patterns that only such values match: [`of_pattern`].

use std::hash::{DefaultHasher, Hash, Hasher};

use super::decimal::Decimal;
use crate::model::json::Json;
use crate::model::pattern::{Node, Rule};
use crate::model::spec::Extra;

fn number(text: &str, state: &mut impl Hasher) {
    match Decimal::parse(text) {
        Some(number) => number.hash(state),
        None => text.hash(state),
    }
}

fn hashed(kind: u8, fill: impl FnOnce(&mut DefaultHasher)) -> u64 {
    let mut state = DefaultHasher::new();
    kind.hash(&mut state);
    fill(&mut state);
    state.finish()
}

/// Members in any order, so their keys are added.
fn object(members: impl Iterator<Item = (u64, u64)>) -> u64 {
    let sum = members.fold(0_u64, |sum, pair| sum.wrapping_add(hashed(6, |state| pair.hash(state))));
    hashed(5, |state| sum.hash(state))
}

fn name(text: &str) -> u64 {
    hashed(3, |state| text.hash(state))
}

/// Equal for equal values: numbers by value, objects whatever their order. Depth is that of a parsed value.
pub(super) fn of_value(value: &Json<'_>) -> u64 {
    match value {
        Json::Null => hashed(0, |_| ()),
        Json::Bool(value) => hashed(1, |state| value.hash(state)),
        Json::Number(text) => hashed(2, |state| number(text, state)),
        Json::String(text) => name(text),
        Json::Array(items) => hashed(4, |state| items.iter().for_each(|item| of_value(item).hash(state))),
        Json::Object(members) => object(members.iter().map(|(key, value)| (name(key), of_value(value)))),
    }
}

/// The key of every value that matches; `None` where values of several keys do.
pub(super) fn of_pattern(node: &Node) -> Option<u64> {
    match &node.rule {
        Rule::Null => Some(hashed(0, |_| ())),
        Rule::Bool(value) => Some(hashed(1, |state| value.hash(state))),
        Rule::Number(text) => Some(hashed(2, |state| number(text, state))),
        Rule::String(text) => Some(name(text)),
        Rule::Array(nodes) => {
            let keys: Vec<u64> = nodes.iter().map(of_pattern).collect::<Option<_>>()?;
            Some(hashed(4, |state| keys.iter().for_each(|key| key.hash(state))))
        }
        Rule::Object(members) if members.extra == Extra::Fail => {
            let keys = members.list.iter().map(|(key, node)| Some((name(key), of_pattern(node)?)));
            Some(object(keys.collect::<Option<Vec<_>>>()?.into_iter()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::ClauseId;
    use crate::pattern::parse::parse_json;
    use crate::pattern::{Context, json};

    fn pattern(text: &str) -> Option<u64> {
        let context = Context {
            prefix: "json:",
            cite: &[],
            fallback: &[ClauseId::new("A-01")],
            extra: Extra::Fail,
            strict: false,
            choices: &[],
        };
        let compiled = json::compile(&parse_json(text).unwrap().into_owned(), &context).unwrap();
        of_pattern(&compiled.root)
    }

    fn value(text: &str) -> u64 {
        of_value(&parse_json(text).unwrap())
    }

    #[test]
    fn what_matches_has_the_key_of_its_pattern() {
        let text = r#"{"a": [1, "x", null, true, {}], "b": {"c": 10.50, "d": -0}, "e": ""}"#;
        let same = r#"{"e": "", "b": {"d": 0.0, "c": 105e-1}, "a": [1.0, "x", null, true, {}]}"#;
        assert_eq!(pattern(text), Some(value(text)));
        assert_eq!(value(text), value(same));
        for other in ["[1]", "[[1]]", "1", "\"1\"", "null", "false", "true", "[]", "{}", "\"\"", "{\"1\": 1}", "[1, 1]"]
        {
            assert_eq!(pattern(other), Some(value(other)), "{other}");
            assert_ne!(value(other), value("[2]"), "{other}");
        }
        assert_eq!(pattern(r#"{"a": {"$any": true}}"#), None);
        assert_eq!(pattern(r#"{"$open": {"a": 1}}"#), None);
    }
}

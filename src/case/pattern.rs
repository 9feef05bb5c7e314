//! Checks the operators of a JSON pattern before anything runs: names, arguments, expressions, clauses, choices.

use std::ops::Range;

use super::context::Reader;
use super::diagnostic::suggestion;
use crate::model::spec::Extra;
use crate::model::template::{JsonTemplate, Template};

/// Every operator, the keys that may stand beside it first to last.
const OPERATORS: [(&str, &[&str]); 26] = [
    ("$any", &[]),
    ("$unchecked", &[]),
    ("$type", &[]),
    ("$regex", &[]),
    ("$ignore_case", &[]),
    ("$contains", &[]),
    ("$length", &[]),
    ("$distinct", &[]),
    ("$range", &[]),
    ("$near", &["$tolerance"]),
    ("$lexical", &[]),
    ("$optional", &[]),
    ("$absent", &[]),
    ("$each", &[]),
    ("$unordered", &[]),
    ("$per", &["$is"]),
    ("$concat", &[]),
    ("$one_of", &[]),
    ("$all", &[]),
    ("$not", &[]),
    ("$same_as", &[]),
    ("$choice", &["$readings"]),
    ("$open", &[]),
    ("$closed", &[]),
    ("$clause", &["$is"]),
    ("$literal", &[]),
];

const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "null", "array", "object"];

/// The operator of an object, if its first key is one.
pub(super) fn operator(members: &[(String, JsonTemplate)]) -> Option<&str> {
    members.first().map(|(key, _)| key.as_str()).filter(|key| key.starts_with('$') && !key.starts_with("$$"))
}

impl Reader<'_> {
    /// Checks a pattern and the names in it.
    pub(super) fn pattern(&mut self, pattern: &JsonTemplate, span: &Range<usize>) {
        match pattern {
            JsonTemplate::Null | JsonTemplate::Bool(_) | JsonTemplate::Number(_) => {}
            JsonTemplate::Text(text) => self.names(text, span),
            JsonTemplate::Array(items) => items.iter().for_each(|each| self.pattern(each, span)),
            JsonTemplate::Object(members) => match operator(members) {
                Some(word) => self.operator(word, members, span),
                None => {
                    for (index, (key, value)) in members.iter().enumerate() {
                        if members[..index].iter().any(|(other, _)| other == key) {
                            self.file.error(self.place(span, key), format!("duplicate member `{key}` in a pattern"));
                        }
                        if key.starts_with('$') && !key.starts_with("$$") {
                            self.file.error_help(
                                self.place(span, key),
                                format!("operator `{key}` must be the first key of its object"),
                                Some(format!("a literal key is written `${key}`")),
                            );
                        }
                        self.pattern(value, span);
                    }
                }
            },
        }
    }

    /// Where a key of a pattern stands.
    fn place(&self, span: &Range<usize>, key: &str) -> Range<usize> {
        self.file.word(span, key)
    }

    fn operator(&mut self, word: &str, members: &[(String, JsonTemplate)], span: &Range<usize>) {
        let Some((_, beside)) = OPERATORS.iter().find(|(name, _)| *name == word) else {
            let help = suggestion(word, OPERATORS.iter().map(|(name, _)| *name))
                .or_else(|| Some(format!("a literal key is written `${word}`")));
            return self.file.error_help(self.place(span, word), format!("unknown operator `{word}`"), help);
        };
        for (key, _) in &members[1..] {
            if !beside.contains(&key.as_str()) {
                self.file.error(self.place(span, key), format!("`{key}` cannot stand beside `{word}`"));
            }
        }
        let value = &members[0].1;
        let other = members.get(1).map(|(_, value)| value);
        if !beside.is_empty() && other.is_none() {
            return self.file.error(self.place(span, word), format!("`{word}` needs `{}` beside it", beside[0]));
        }
        match (word, value, other) {
            ("$literal", value, _) => self.plain(value, span),
            ("$regex", JsonTemplate::Text(text), _) => {
                self.names(text, span);
                self.regex(text, || span.clone());
            }
            ("$type", JsonTemplate::Text(_) | JsonTemplate::Array(_), _) => {
                for each in words(value) {
                    let name = each.as_literal().unwrap_or_default();
                    if !TYPES.contains(&name) {
                        self.file.error_help(
                            self.place(span, name),
                            format!("unknown type `{name}`"),
                            suggestion(name, TYPES),
                        );
                    }
                }
            }
            ("$same_as", JsonTemplate::Text(text), _) => {
                self.names(text, span);
                if text.as_literal().is_some_and(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
                    self.file.error(self.place(span, word), "`$same_as` takes a JSON Pointer, which begins with `/`");
                }
            }
            ("$length", JsonTemplate::Object(bounds), _) | ("$range", JsonTemplate::Object(bounds), _) => {
                for (key, value) in bounds {
                    if key != "min" && key != "max" {
                        self.file.error(self.place(span, key), format!("`{word}` takes `min` and `max`, not `{key}`"));
                    }
                    self.plain(value, span);
                }
            }
            ("$each" | "$optional" | "$not" | "$contains", pattern, _) => self.pattern(pattern, span),
            ("$open" | "$closed", pattern @ JsonTemplate::Object(_), _) => self.pattern(pattern, span),
            ("$unordered" | "$concat" | "$one_of" | "$all", JsonTemplate::Array(items), _) => {
                items.iter().for_each(|each| self.pattern(each, span));
            }
            ("$unordered" | "$concat" | "$one_of" | "$all", JsonTemplate::Text(text), _) => self.names(text, span),
            ("$per", list, Some(pattern)) => {
                self.plain(list, span);
                self.scope.per += 1;
                self.pattern(pattern, span);
                self.scope.per -= 1;
            }
            ("$clause", JsonTemplate::Text(_) | JsonTemplate::Array(_), Some(pattern)) => {
                for each in words(value) {
                    let name = each.as_literal().unwrap_or_default();
                    self.cite(name, self.place(span, name));
                }
                self.pattern(pattern, span);
            }
            ("$choice", JsonTemplate::Text(choice), Some(JsonTemplate::Object(readings))) => {
                let name = choice.as_literal().unwrap_or_default();
                for (reading, pattern) in readings {
                    self.reading(name, self.place(span, name), reading, self.place(span, reading));
                    self.pattern(pattern, span);
                }
            }
            ("$any" | "$absent" | "$distinct", JsonTemplate::Bool(true), _) => {}
            ("$any" | "$absent" | "$distinct", _, _) => {
                self.file.error(self.place(span, word), format!("`{word}` takes `true`"));
            }
            ("$unchecked", JsonTemplate::Text(text), _) if text.as_literal() != Some("") => {}
            ("$unchecked", _, _) => self.file.error(self.place(span, word), "`$unchecked` says why, as a string"),
            ("$ignore_case" | "$lexical", JsonTemplate::Text(text), _) => self.names(text, span),
            ("$near", JsonTemplate::Number(_) | JsonTemplate::Text(_), Some(tolerance)) => {
                self.plain(value, span);
                self.plain(tolerance, span);
            }
            ("$length", JsonTemplate::Number(_) | JsonTemplate::Text(_), _) => self.plain(value, span),
            _ => self.file.error(self.place(span, word), format!("`{word}` does not take such a value")),
        }
    }

    /// Checks the names in a value that is no pattern.
    pub(super) fn plain(&mut self, value: &JsonTemplate, span: &Range<usize>) {
        match value {
            JsonTemplate::Null | JsonTemplate::Bool(_) | JsonTemplate::Number(_) => {}
            JsonTemplate::Text(text) => self.names(text, span),
            JsonTemplate::Array(items) => items.iter().for_each(|each| self.plain(each, span)),
            JsonTemplate::Object(members) => members.iter().for_each(|(_, value)| self.plain(value, span)),
        }
    }
}

fn words(value: &JsonTemplate) -> Vec<&Template> {
    match value {
        JsonTemplate::Text(text) => vec![text],
        JsonTemplate::Array(items) => items
            .iter()
            .filter_map(|each| match each {
                JsonTemplate::Text(text) => Some(text),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a place of the pattern is a check for which no clause is cited: one of the case's own has to stand for it.
pub(super) fn uncited(pattern: &JsonTemplate, extra: Extra, cited: &dyn Fn(&str) -> bool) -> bool {
    walk(pattern, extra, cited, &mut String::new())
}

fn walk(pattern: &JsonTemplate, extra: Extra, cited: &dyn Fn(&str) -> bool, at: &mut String) -> bool {
    if cited(at) {
        return false;
    }
    match pattern {
        JsonTemplate::Array(items) => items.is_empty() || items.iter().any(|each| deeper(each, extra, cited, at, "*")),
        JsonTemplate::Object(members) => match operator(members) {
            Some("$clause" | "$unchecked") => false,
            Some("$open") => walk(&members[0].1, Extra::Allow, cited, at),
            Some("$closed") => walk(&members[0].1, Extra::Fail, cited, at),
            Some("$optional") => walk(&members[0].1, extra, cited, at),
            Some("$each") => deeper(&members[0].1, extra, cited, at, "*"),
            Some("$per") => members.get(1).is_none_or(|(_, each)| deeper(each, extra, cited, at, "*")),
            Some(_) => true,
            None => {
                members.is_empty()
                    || extra == Extra::Fail
                    || members.iter().any(|(key, value)| {
                        let key = key.strip_prefix('$').filter(|rest| rest.starts_with('$')).unwrap_or(key);
                        deeper(value, extra, cited, at, &key.replace('~', "~0").replace('/', "~1"))
                    })
            }
        },
        _ => true,
    }
}

fn deeper(value: &JsonTemplate, extra: Extra, cited: &dyn Fn(&str) -> bool, at: &mut String, key: &str) -> bool {
    let length = at.len();
    at.push('/');
    at.push_str(key);
    let found = walk(value, extra, cited, at);
    at.truncate(length);
    found
}

/// Whether a pointer with `*` for any one segment names this place or one above it.
pub(super) fn covers(pointer: &str, place: &str) -> bool {
    let mut segments = place.split('/');
    pointer.split('/').all(|want| {
        segments.next().is_some_and(|have| want == have || want == "*" || (have == "*" && want.parse::<u64>().is_ok()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::json::parse;

    fn open_places(text: &str, extra: Extra, cites: &[&str]) -> bool {
        uncited(&parse(text).unwrap(), extra, &|place| cites.iter().any(|each| covers(each, place)))
    }

    #[test]
    fn a_check_is_uncited_when_nothing_above_it_is_cited() {
        let text = r#"{"a": [{"b": 1}], "c": {"$clause": "X-1", "$is": 2}}"#;
        assert!(open_places(text, Extra::Note, &[]));
        assert!(!open_places(text, Extra::Note, &["/a/*/b"]));
        assert!(!open_places(text, Extra::Note, &[""]));
        assert!(open_places(text, Extra::Fail, &["/a/*/b"]), "the members of the whole object are a check too");
        assert!(!open_places(r#"{"$unchecked": "why"}"#, Extra::Fail, &[]));
    }
}

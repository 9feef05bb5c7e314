//! The checks of a pattern as it is written, before values are inserted: [`json`] and [`xml`] give a line for each.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::id::ClauseId;
use crate::model::spec::{Cite, Extra};
use crate::model::template::{JsonTemplate, XmlTemplate, XmlText};
use crate::pattern::Context;
use crate::pattern::checks::Checks;
use crate::pattern::operators::Operator;

/// Clauses behind a check, with a space in front of each.
#[must_use]
pub(super) fn clauses(list: &[ClauseId]) -> String {
    list.iter().map(|id| format!(" {id}")).collect()
}

/// A line for each place of a JSON pattern.
#[must_use]
pub(super) fn json(pattern: &JsonTemplate, prefix: &str, cite: &[Cite], fallback: &[ClauseId]) -> Vec<String> {
    let mut walk = Walk::new(prefix, cite, fallback);
    walk.json(pattern, None);
    walk.finish()
}

/// A line for each place of an XML pattern.
#[must_use]
pub(super) fn xml(pattern: &XmlTemplate, cite: &[Cite], fallback: &[ClauseId]) -> Vec<String> {
    let mut walk = Walk::new("xml:", cite, fallback);
    walk.element(pattern, pattern.name.clone(), None);
    walk.finish()
}

type Own = Option<Arc<[ClauseId]>>;

struct Walk<'a> {
    checks: Checks<'a>,
    path: Vec<String>,
    /// Which check, and what kind of question it asks.
    found: Vec<(usize, &'a str)>,
}

impl<'a> Walk<'a> {
    fn new(prefix: &'a str, cite: &'a [Cite], fallback: &'a [ClauseId]) -> Self {
        let context = Context { prefix, cite, fallback, extra: Extra::Fail, strict: false, choices: &[] };
        Self { checks: Checks::new(&context), path: Vec::new(), found: Vec::new() }
    }

    fn finish(self) -> Vec<String> {
        let defs = self.checks.finish();
        let line = |(index, kind): (usize, &str)| {
            let def = defs.get(index);
            format!("{} {kind}{}", def.name, clauses(def.clauses))
        };
        self.found.into_iter().map(line).collect()
    }

    fn note(&mut self, kind: &'a str, own: &Own) {
        let check = self.checks.at(&self.path, own.as_ref(), false);
        self.found.push((check, kind));
    }

    fn inside(&mut self, segment: impl Into<String>, walk: impl FnOnce(&mut Self)) {
        self.path.push(segment.into());
        walk(self);
        self.path.pop();
    }

    fn json(&mut self, pattern: &'a JsonTemplate, own: Own) {
        match pattern {
            JsonTemplate::Null => self.note("null", &own),
            JsonTemplate::Bool(_) => self.note("boolean", &own),
            JsonTemplate::Number(_) => self.note("number", &own),
            JsonTemplate::Text(_) => self.note("value", &own),
            JsonTemplate::Array(items) => {
                self.note("array", &own);
                for (index, item) in items.iter().enumerate() {
                    self.inside(index.to_string(), |walk| walk.json(item, own.clone()));
                }
            }
            JsonTemplate::Object(members) => match members.first() {
                Some((key, _)) if key.starts_with('$') && !key.starts_with("$$") => self.operator(members, own),
                _ => {
                    self.note("object", &own);
                    for (name, value) in members {
                        // `$$x` is the literal key `$x`.
                        let name = if name.starts_with("$$") { &name[1..] } else { name };
                        self.inside(name, |walk| walk.json(value, own.clone()));
                    }
                }
            },
        }
    }

    fn operator(&mut self, members: &'a [(String, JsonTemplate)], own: Own) {
        let Some((word, value)) = members.first() else { return };
        let beside = members.get(1).map(|(_, value)| value);
        let Some(operator) = Operator::from_word(word) else { return self.note(word, &own) };
        match operator {
            Operator::Clause => {
                let own = Some(literal_ids(value));
                if let Some(inner) = beside {
                    self.json(inner, own);
                }
            }
            Operator::Per => {
                self.note(word, &own);
                if let Some(inner) = beside {
                    self.inside("*", |walk| walk.json(inner, own));
                }
            }
            Operator::Choice => {
                self.note(word, &own);
                self.inner(beside, &own);
            }
            Operator::Each | Operator::Contains => {
                self.note(word, &own);
                self.inside("*", |walk| walk.json(value, own));
            }
            Operator::Unordered => {
                self.note(word, &own);
                self.inside("*", |walk| walk.inner(Some(value), &own));
            }
            Operator::Concat | Operator::OneOf | Operator::All => {
                self.note(word, &own);
                self.inner(Some(value), &own);
            }
            Operator::Optional | Operator::Not | Operator::Open | Operator::Closed => {
                self.note(word, &own);
                self.json(value, own);
            }
            _ => self.note(word, &own),
        }
    }

    /// The patterns of a list, or of a table, which all look at the same place.
    fn inner(&mut self, patterns: Option<&'a JsonTemplate>, own: &Own) {
        match patterns {
            Some(JsonTemplate::Array(items)) => items.iter().for_each(|item| self.json(item, own.clone())),
            Some(JsonTemplate::Object(members)) if !members.first().is_some_and(|(key, _)| key.starts_with('$')) => {
                for (name, value) in members {
                    self.note(name, own);
                    self.json(value, own.clone());
                }
            }
            Some(other) => self.json(other, own.clone()),
            None => {}
        }
    }

    fn element(&mut self, element: &'a XmlTemplate, segment: String, own: Own) {
        self.path.push(segment);
        let mut own = own;
        for (name, value) in &element.steering {
            if name == "clause" {
                own = Some(value.as_literal().unwrap_or_default().split_whitespace().map(ClauseId::new).collect());
            }
        }
        self.note("element", &own);
        for (name, _) in element.steering.iter().filter(|(name, _)| name != "clause") {
            self.note(name, &own);
        }
        for (_, name, text) in &element.attributes {
            self.inside(format!("@{name}"), |walk| walk.text(text, own.clone()));
        }
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for child in &element.children {
            let position = seen.entry(&child.name).or_default();
            *position += 1;
            let shared = element.children.iter().filter(|other| other.name == child.name).count() > 1;
            let segment = if child.steering.iter().any(|(name, _)| name == "per") {
                format!("{}[*]", child.name)
            } else if shared {
                format!("{}[{position}]", child.name)
            } else {
                child.name.clone()
            };
            self.element(child, segment, own.clone());
        }
        if element.children.is_empty() {
            self.text(&element.text, own);
        }
        self.path.pop();
    }

    fn text(&mut self, text: &'a XmlText, own: Own) {
        match text {
            XmlText::Literal(_) => self.note("value", &own),
            XmlText::Pattern(pattern) => self.json(pattern, own),
        }
    }
}

fn literal_ids(value: &JsonTemplate) -> Arc<[ClauseId]> {
    let id = |value: &JsonTemplate| match value {
        JsonTemplate::Text(text) => text.as_literal().map(ClauseId::new),
        _ => None,
    };
    match value {
        JsonTemplate::Array(items) => items.iter().filter_map(id).collect(),
        other => id(other).into_iter().collect(),
    }
}

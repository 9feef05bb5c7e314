//! What a reader of one file has at hand: [`Reader`] turns texts into templates and patterns, and checks what they name.

use std::ops::Range;

use toml::de::DeValue;

use super::Shared;
use super::diagnostic::suggestion;
use super::json;
use super::reader::{File, Node, Value, integer};
use super::scope::Scope;
use super::template;
use crate::model::clause::ChoicePolicy;
use crate::model::id::{ChoiceId, ClauseId};
use crate::model::template::{JsonTemplate, Template};

/// Reads a file inside the directory of the cases.
pub type Assets<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + Sync + 'a;

/// Reads one file: its places, what all files share, and the names known where it stands.
pub(super) struct Reader<'a> {
    pub file: &'a File<'a>,
    pub shared: &'a Shared,
    pub assets: &'a Assets<'a>,
    pub scope: Scope,
    /// Clauses cited since this was last emptied, by index.
    pub cited: Vec<usize>,
    /// Auth schemes given by a value of the row.
    pub row_auth: Vec<(String, Range<usize>)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a File<'a>, shared: &'a Shared, assets: &'a Assets<'a>) -> Self {
        Self { file, shared, assets, scope: Scope::default(), cited: Vec::new(), row_auth: Vec::new() }
    }

    /// Checks the names of a template.
    pub(super) fn names(&mut self, template: &Template, span: &Range<usize>) {
        self.scope.template(self.file, self.shared, template, span);
    }

    /// A template; what is wrong with it is collected.
    pub(super) fn template(&mut self, text: &str, span: &Range<usize>) -> Template {
        match template::parse(text) {
            Ok(template) => {
                self.names(&template, span);
                template
            }
            Err(error) => {
                self.file.error_help(self.file.inside(span, text, error.offset), error.message, error.help);
                Template::default()
            }
        }
    }

    pub(super) fn template_at(&mut self, node: &Node<'a>, key: &str) -> Option<Template> {
        let value = node.get(key)?;
        let text = value.get_ref().as_str()?;
        Some(self.template(text, &value.span()))
    }

    /// A template or a list of them.
    pub(super) fn templates_at(&mut self, node: &Node<'a>, key: &str) -> Vec<Template> {
        node.texts(key).into_iter().map(|(text, span)| self.template(text, &span)).collect()
    }

    /// A TOML value as JSON whose strings are templates.
    pub(super) fn value(&mut self, value: &'a Value<'a>) -> JsonTemplate {
        match value.get_ref() {
            DeValue::String(text) => JsonTemplate::Text(self.template(text, &value.span())),
            DeValue::Integer(_) => match integer(value) {
                Some(number) => JsonTemplate::Number(number.to_string()),
                None => {
                    self.file.error(value.span(), "not an integer of 64 bits");
                    JsonTemplate::Null
                }
            },
            DeValue::Float(number) => {
                let text = number.as_str().trim_start_matches('+');
                if text.contains("inf") || text.contains("nan") {
                    self.file.error(value.span(), "JSON has no such number");
                }
                JsonTemplate::Number(text.to_owned())
            }
            DeValue::Boolean(flag) => JsonTemplate::Bool(*flag),
            DeValue::Datetime(_) => {
                self.file.error(value.span(), "a date must be written as a string");
                JsonTemplate::Null
            }
            DeValue::Array(items) => JsonTemplate::Array(items.iter().map(|each| self.value(each)).collect()),
            DeValue::Table(table) => {
                let node = Node::new(table, value.span());
                JsonTemplate::Object(self.values(&node))
            }
        }
    }

    /// Names and values, in the order written.
    pub(super) fn values(&mut self, node: &Node<'a>) -> Vec<(String, JsonTemplate)> {
        node.entries().into_iter().map(|(key, _, value)| (key.to_owned(), self.value(value))).collect()
    }

    pub(super) fn values_at(&mut self, node: &Node<'a>, key: &str) -> Vec<(String, JsonTemplate)> {
        node.node(key).map(|table| self.values(&table)).unwrap_or_default()
    }

    /// JSON in a string; what is wrong with it is collected.
    pub(super) fn json(&self, text: &str, span: &Range<usize>) -> Option<JsonTemplate> {
        json::parse(text)
            .map_err(|error| {
                self.file.error_help(self.file.inside(span, text, error.offset), error.message, error.help);
            })
            .ok()
    }

    /// A JSON pattern in a string.
    pub(super) fn pattern_at(&mut self, node: &Node<'a>, key: &str) -> Option<JsonTemplate> {
        let value = node.get(key)?;
        let span = value.span();
        let pattern = self.json(value.get_ref().as_str()?, &span)?;
        self.pattern(&pattern, &span);
        Some(pattern)
    }

    /// Checks a regular expression that has no values in it.
    pub(super) fn regex(&self, text: &Template, span: impl Fn() -> Range<usize>) {
        if let Some(Err(message)) = text.as_literal().map(|text| self.shared.check_regex(text)) {
            self.file.error(span(), message);
        }
    }

    /// Cites a clause: it is known, and not excluded.
    pub(super) fn cite(&mut self, id: &str, span: Range<usize>) -> Option<ClauseId> {
        let Some(&index) = self.shared.clause_index.get(id) else {
            self.file.error_help(
                span,
                format!("unknown clause `{id}`"),
                suggestion(id, self.shared.clauses.iter().map(|each| each.id.as_str())),
            );
            return None;
        };
        let clause = &self.shared.clauses[index];
        if clause.excluded.is_some() {
            self.file.error_help(
                span,
                format!("clause `{id}` is excluded and yet cited"),
                Some(format!("{}:{} says why no case can test it", clause.source.file, clause.source.line)),
            );
        }
        self.cited.push(index);
        Some(clause.id.clone())
    }

    pub(super) fn cites(&mut self, node: &Node<'a>, key: &str) -> Vec<ClauseId> {
        node.texts(key).into_iter().filter_map(|(id, span)| self.cite(id, span)).collect()
    }

    /// Names a reading of a choice.
    pub(super) fn reading(
        &self,
        choice: &str,
        at: Range<usize>,
        reading: &str,
        reading_at: Range<usize>,
    ) -> Option<ChoiceId> {
        let Some(found) = self.shared.choices.iter().find(|each| each.id.as_str() == choice) else {
            let known = self.shared.choices.iter().map(|each| each.id.as_str());
            self.file.error_help(at, format!("unknown choice `{choice}`"), suggestion(choice, known));
            return None;
        };
        if found.policy == ChoicePolicy::Settled {
            self.file.error(at, format!("choice `{choice}` is settled and has no readings"));
        } else if !found.readings.iter().any(|each| each.id == reading) {
            let known = found.readings.iter().map(|each| each.id.as_str());
            let all = found.readings.iter().map(|each| each.id.as_str()).collect::<Vec<_>>().join(", ");
            let help = suggestion(reading, known).unwrap_or_else(|| format!("its readings: {all}"));
            self.file.error_help(reading_at, format!("choice `{choice}` has no reading `{reading}`"), Some(help));
        }
        Some(found.id.clone())
    }
}

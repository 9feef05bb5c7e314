//! One TOML file: [`File`] knows its places and collects what is wrong in it; [`check`] holds its tables against
//! the lists of [`super::fields`]; [`Node`] then reads values that are known to be of the right kind.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, clamp, suggestion};
use super::fields::{Kind, Table};
use super::{SourceFile, toml10};
use crate::model::source::SourceRef;

/// A value and where it stands.
pub(crate) type Value<'a> = Spanned<DeValue<'a>>;

/// A file while it is read.
pub(crate) struct File<'a> {
    pub(crate) path: &'a Arc<str>,
    pub(crate) text: &'a str,
    /// An offset that was asked for, and how many line breaks stand before it: the next one is near.
    line: Cell<(usize, usize)>,
    found: RefCell<Vec<Diagnostic>>,
}

impl<'a> File<'a> {
    pub(crate) fn new(source: &'a SourceFile) -> Self {
        Self { path: &source.path, text: &source.text, line: Cell::default(), found: RefCell::default() }
    }

    /// How many line breaks stand before an offset.
    fn line(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        let (at, lines) = self.line.get();
        let breaks = |range: Range<usize>| {
            let bytes = &self.text.as_bytes()[range];
            bytes.iter().filter(|byte| **byte == b'\n').count()
        };
        let lines = if offset < at { lines - breaks(offset..at) } else { lines + breaks(at..offset) };
        self.line.set((offset, lines));
        lines
    }

    /// Its tables; syntax errors are collected. A `trusted` file was checked before.
    pub(crate) fn parse(&self, trusted: bool) -> Option<Spanned<DeTable<'a>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for each in &errors {
            let message = each.message().trim().replace('\n', "; ");
            let message = if message.is_empty() { "not TOML".to_owned() } else { message };
            self.error(each.span().unwrap_or_default(), message);
        }
        if !errors.is_empty() {
            return None;
        }
        let newer = if trusted { Vec::new() } else { toml10::newer(self.text) };
        for (span, what) in newer {
            self.error_help(
                span,
                format!("TOML 1.1 syntax: {what}"),
                Some("editors reject it; write TOML 1.0 (a table with a header, or one line)".to_owned()),
            );
        }
        Some(table)
    }

    pub(crate) fn error(&self, span: Range<usize>, message: impl Into<String>) {
        self.error_help(span, message, None);
    }

    pub(crate) fn error_help(&self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        let line = self.line(span.start);
        let mut diagnostic = Diagnostic::on_line(self.path, self.text, line, span, message);
        diagnostic.help = help;
        self.found.borrow_mut().push(diagnostic);
    }

    pub(crate) fn source(&self, span: &Range<usize>) -> SourceRef {
        SourceRef { file: Arc::clone(self.path), line: clamp(self.line(span.start) + 1) }
    }

    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        self.found.into_inner()
    }

    /// Where an offset of a string's content stands in the file; the string's begin where escapes shift it.
    pub(crate) fn inside(&self, span: &Range<usize>, content: &str, offset: usize) -> Range<usize> {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let open = if raw.starts_with("'''") || raw.starts_with("\"\"\"") { 3 } else { 1 };
        let newline = match raw.get(open..) {
            Some(rest) if open == 3 && rest.starts_with("\r\n") => 2,
            Some(rest) if open == 3 && rest.starts_with('\n') => 1,
            _ => 0,
        };
        let begin = open + newline;
        let same = content.get(..offset).is_some_and(|before| raw.get(begin..begin + offset) == Some(before));
        if same {
            let at = span.start + begin + offset;
            at..(at + 1).min(span.end)
        } else {
            span.start..(span.start + 1).min(span.end)
        }
    }

    /// Where a word stands within a value; the value itself when it is not written there as such.
    pub(crate) fn word(&self, span: &Range<usize>, word: &str) -> Range<usize> {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let boundary = |letter: Option<char>| !letter.is_some_and(|c| c.is_alphanumeric() || "._-".contains(c));
        let found = raw.match_indices(word).find(|(at, _)| {
            boundary(raw[..*at].chars().next_back()) && boundary(raw[at + word.len()..].chars().next())
        });
        match found {
            Some((at, _)) => span.start + at..span.start + at + word.len(),
            None => span.clone(),
        }
    }
}

/// A table and where it stands.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    pub(crate) table: &'a DeTable<'a>,
    pub(crate) span: Range<usize>,
    /// A bit for each key that is there: most keys that are asked for are not.
    keys: u64,
}

/// The bit of a key.
#[inline]
fn bit(key: &str) -> u64 {
    match key.as_bytes() {
        [] => 1,
        bytes @ [first, ..] => {
            let last = usize::from(bytes[bytes.len() - 1]);
            1 << ((usize::from(*first) + 5 * last + 11 * bytes.len()) % 64)
        }
    }
}

impl<'a> Node<'a> {
    pub(crate) fn new(table: &'a DeTable<'a>, span: Range<usize>) -> Self {
        let keys = table.keys().fold(0, |keys, key| keys | bit(key.get_ref()));
        Self { table, span, keys }
    }

    pub(crate) fn of(value: &'a Value<'a>) -> Option<Self> {
        value.get_ref().as_table().map(|table| Self::new(table, value.span()))
    }

    #[inline]
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value<'a>> {
        if self.keys & bit(key) == 0 { None } else { self.table.get(key) }
    }

    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.get_ref().as_str()
    }

    pub(crate) fn owned(&self, key: &str) -> String {
        self.text(key).unwrap_or_default().to_owned()
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(|value| value.get_ref().as_bool()).unwrap_or(false)
    }

    pub(crate) fn integer(&self, key: &str) -> Option<i64> {
        integer(self.get(key)?)
    }

    pub(crate) fn node(&self, key: &str) -> Option<Node<'a>> {
        Node::of(self.get(key)?)
    }

    /// The tables of a list of tables.
    pub(crate) fn nodes(&self, key: &str) -> impl Iterator<Item = Node<'a>> + use<'a> {
        self.get(key).and_then(|value| value.get_ref().as_array()).into_iter().flatten().filter_map(Node::of)
    }

    /// The strings of a list, or the one string.
    pub(crate) fn texts(&self, key: &str) -> Vec<(&'a str, Range<usize>)> {
        self.get(key).map(texts).unwrap_or_default()
    }

    pub(crate) fn strings(&self, key: &str) -> Vec<String> {
        self.texts(key).into_iter().map(|(text, _)| text.to_owned()).collect()
    }

    /// Keys and values in the order written.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Range<usize>, &'a Value<'a>)> {
        let mut all: Vec<_> =
            self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value)).collect();
        all.sort_by_key(|(_, span, _)| span.start);
        all
    }

    /// Where a key's value stands, or else the table.
    pub(crate) fn span_of(&self, key: &str) -> Range<usize> {
        self.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }
}

pub(crate) fn texts<'a>(value: &'a Value<'a>) -> Vec<(&'a str, Range<usize>)> {
    match value.get_ref() {
        DeValue::String(text) => vec![(text.as_ref(), value.span())],
        DeValue::Array(items) => {
            items.iter().filter_map(|each| Some((each.get_ref().as_str()?, each.span()))).collect()
        }
        _ => Vec::new(),
    }
}

pub(crate) fn integer(value: &Value<'_>) -> Option<i64> {
    let number = value.get_ref().as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Holds a table against its list of keys; what does not fit is collected.
pub(crate) fn check(file: &File<'_>, node: &Node<'_>, kind: &Table) {
    for (key, value) in node.table {
        let name = key.get_ref().as_ref();
        match kind.fields.iter().find(|field| field.key == name) {
            Some(field) => check_value(file, name, value, &field.kind),
            None if kind.open => {}
            None => {
                let known = kind.fields.iter().map(|field| field.key);
                let help = suggestion(name, known.clone())
                    .or_else(|| Some(format!("keys of {}: {}", kind.name, known.collect::<Vec<_>>().join(", "))));
                file.error_help(key.span(), format!("unknown key `{name}` in {}", kind.name), help);
            }
        }
    }
    for field in kind.fields.iter().filter(|field| field.required && node.get(field.key).is_none()) {
        file.error_help(
            node.span.clone(),
            format!("{} without `{}`", kind.name, field.key),
            Some(format!("`{}`: {}", field.key, field.doc)),
        );
    }
}

fn check_value(file: &File<'_>, name: &str, value: &Value<'_>, kind: &Kind) {
    if !accepts(kind, value) {
        file.error(value.span(), format!("`{name}` must be {}, and is {}", expected(kind), actual(value.get_ref())));
        return;
    }
    match (kind, value.get_ref()) {
        (Kind::Word(words), DeValue::String(text)) if !words.contains(&text.as_ref()) => file.error_help(
            value.span(),
            format!("`{name}` must be one of {}, and is `{text}`", words.join(", ")),
            suggestion(text, words.iter().copied()),
        ),
        (Kind::Integer(least, most), DeValue::Integer(_)) => match integer(value) {
            Some(number) if (*least..=*most).contains(&number) => {}
            _ if *most == i64::MAX => file.error(value.span(), format!("`{name}` must be {least} or more")),
            _ => file.error(value.span(), format!("`{name}` must be from {least} to {most}")),
        },
        (Kind::Number, _) if number(value).is_none_or(|number| number < 0.0) => {
            file.error(value.span(), format!("`{name}` must not be negative"));
        }
        (Kind::Table(table), DeValue::Table(inner)) => {
            check(file, &Node::new(inner, value.span()), table);
        }
        (Kind::Tables(table), DeValue::Array(items)) => {
            for item in items.iter().filter_map(Node::of) {
                check(file, &item, table);
            }
        }
        (Kind::Named(table), DeValue::Table(inner)) => {
            for (key, value) in inner {
                check_value(file, key.get_ref(), value, &Kind::Table(table));
            }
        }
        (Kind::Map(kind), DeValue::Table(inner)) => {
            for (key, value) in inner {
                check_value(file, key.get_ref(), value, kind);
            }
        }
        (Kind::List(kind), DeValue::Array(items)) => {
            for item in items {
                check_value(file, name, item, kind);
            }
        }
        (Kind::AnyOf(kinds), _) => {
            if let Some(kind) = kinds.iter().find(|kind| accepts(kind, value)) {
                check_value(file, name, value, kind);
            }
        }
        _ => {}
    }
}

/// A number of either kind.
pub(crate) fn number(value: &Value<'_>) -> Option<f64> {
    match value.get_ref() {
        DeValue::Integer(number) => number.as_str().parse().ok(),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

/// Whether a value has the outer form of a kind.
fn accepts(kind: &Kind, value: &Value<'_>) -> bool {
    match (kind, value.get_ref()) {
        (Kind::Text | Kind::Template | Kind::Word(_), DeValue::String(_))
        | (Kind::Bool, DeValue::Boolean(_))
        | (Kind::Integer(..), DeValue::Integer(_))
        | (Kind::Number, DeValue::Integer(_) | DeValue::Float(_))
        | (Kind::Value, _)
        | (Kind::Values | Kind::Table(_) | Kind::Named(_) | Kind::Map(_), DeValue::Table(_))
        | (Kind::List(_), DeValue::Array(_)) => true,
        (Kind::Texts, DeValue::Array(items)) => items.iter().all(|each| each.get_ref().is_str()),
        (Kind::Tables(_), DeValue::Array(items)) => items.iter().all(|each| each.get_ref().is_table()),
        (Kind::AnyOf(kinds), _) => kinds.iter().any(|kind| accepts(kind, value)),
        _ => false,
    }
}

/// A kind in words.
pub(crate) fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Text | Kind::Template | Kind::Word(_) => "a string".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Integer(..) => "an integer".to_owned(),
        Kind::Number => "a number".to_owned(),
        Kind::Texts => "a list of strings".to_owned(),
        Kind::Value => "a value".to_owned(),
        Kind::Values | Kind::Table(_) | Kind::Named(_) | Kind::Map(_) => "a table".to_owned(),
        Kind::Tables(_) => "a list of tables".to_owned(),
        Kind::List(_) => "a list".to_owned(),
        Kind::AnyOf(kinds) => {
            let mut words: Vec<_> = kinds.iter().map(expected).collect();
            words.dedup();
            words.join(" or ")
        }
    }
}

fn actual(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

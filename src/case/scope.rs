//! Which names a template may mention, and what a target must provide for them: [`Scope`].

use std::collections::BTreeMap;
use std::ops::Range;

use super::Shared;
use super::diagnostic::suggestion;
use super::reader::File;
use crate::model::spec::Need;
use crate::model::suite::FixtureKind;
use crate::model::template::{Expr, Function, JsonTemplate, Part, Template};

/// Words that no `let` may be called, because names begin with them.
pub(super) const RESERVED: [&str; 6] = ["row", "with", "item", "index", "run", "self"];

/// How many entries of a list are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Least {
    /// So many.
    Count(usize),
    /// As a value of the row says, plus so many.
    Row(String, usize),
}

/// Something of the target that is mentioned: an index into [`Shared::fixtures`], and how much of it.
pub(super) type Mention = (usize, Least);

/// A row: its id and its values.
pub(super) type Row = (String, BTreeMap<String, JsonTemplate>);

/// The names that are known at one place.
#[derive(Default)]
pub(super) struct Scope {
    /// `let` names so far.
    pub lets: Vec<String>,
    /// The rows, for `row.NAME`.
    pub rows: Vec<Row>,
    /// Names given by `with`; in a shared step: what is mentioned.
    pub with: Vec<String>,
    /// Whether any `with.NAME` is allowed, as in a shared step.
    pub shared_step: bool,
    /// Earlier steps and what they capture.
    pub captures: Vec<(String, Vec<String>)>,
    /// Steps that are not done yet.
    pub later: Vec<String>,
    /// Captures of this step, for `self`.
    pub own: Option<Vec<String>>,
    /// Depth of `$per`.
    pub per: usize,
    /// What is mentioned.
    pub mentions: Vec<Mention>,
}

impl Scope {
    /// Checks every name of a template that stands within `span`.
    pub(super) fn template(&mut self, file: &File<'_>, shared: &Shared, template: &Template, span: &Range<usize>) {
        for part in &template.parts {
            if let Part::Value(value) = part {
                self.expr(file, shared, value, span);
            }
        }
    }

    fn expr(&mut self, file: &File<'_>, shared: &Shared, value: &Expr, span: &Range<usize>) {
        match value {
            Expr::Name(name) => self.name(file, shared, name, None, span),
            Expr::Text(_) | Expr::Integer(_) => {}
            Expr::Index(list, index) => {
                self.list(file, shared, list, index, 1, span);
                self.expr(file, shared, index, span);
            }
            Expr::Slice(list, from, to) => {
                self.list(file, shared, list, to, 0, span);
                self.expr(file, shared, from, span);
                self.expr(file, shared, to, span);
            }
            Expr::Call(Function::Take, arguments) => {
                if let [list, count] = arguments.as_slice() {
                    self.list(file, shared, list, count, 0, span);
                    self.expr(file, shared, count, span);
                }
            }
            Expr::Call(_, arguments) => arguments.iter().for_each(|each| self.expr(file, shared, each, span)),
            Expr::Filter(value, _, arguments) => {
                self.expr(file, shared, value, span);
                arguments.iter().for_each(|each| self.expr(file, shared, each, span));
            }
        }
    }

    /// A value that is used as a list of at least `bound` (+ `more`) entries.
    fn list(&mut self, file: &File<'_>, shared: &Shared, list: &Expr, bound: &Expr, more: usize, span: &Range<usize>) {
        let Expr::Name(name) = list else { return self.expr(file, shared, list, span) };
        let least = match bound {
            Expr::Integer(number) => Least::Count(usize::try_from(*number).unwrap_or(0).saturating_add(more)),
            Expr::Name(bound) => match bound.strip_prefix("row.") {
                Some(row) => Least::Row(row.to_owned(), more),
                None => Least::Count(1),
            },
            _ => Least::Count(1),
        };
        self.name(file, shared, name, Some(least), span);
    }

    fn name(&mut self, file: &File<'_>, shared: &Shared, name: &str, list: Option<Least>, span: &Range<usize>) {
        if let Some(&index) = shared.fixture_index.get(name) {
            let wrong = match shared.fixtures[index].kind {
                FixtureKind::Auth => Some("an auth scheme; it is used as `auth = \"…\"`"),
                FixtureKind::Text | FixtureKind::Secret | FixtureKind::Flag if list.is_some() => Some("not a list"),
                _ => None,
            };
            if let Some(wrong) = wrong {
                file.error(file.word(span, name), format!("`{name}` is {wrong}"));
            }
            self.mentions.push((index, list.unwrap_or(Least::Count(1))));
            return;
        }
        if let Err((message, help)) = self.known(shared, name) {
            file.error_help(file.word(span, name), message, help);
        }
    }

    /// Whether a name that is no fixture is known.
    fn known(&mut self, shared: &Shared, name: &str) -> Result<(), (String, Option<String>)> {
        if self.lets.iter().any(|each| each == name) {
            return Ok(());
        }
        let unknown = |help| Err((format!("unknown name `{name}`"), help));
        let Some((first, rest)) = name.split_once('.') else {
            return match name {
                "item" | "index" if self.per > 0 => Ok(()),
                "item" | "index" => Err((format!("`{name}` is known only inside `$per`"), None)),
                _ => unknown(suggestion(name, self.all(shared).iter().map(String::as_str))),
            };
        };
        match first {
            "run" if matches!(rest, "marker" | "id" | "seed") => Ok(()),
            "run" => unknown(Some("known are `run.marker`, `run.id` and `run.seed`".to_owned())),
            "row" => {
                let Some((row, values)) = self.rows.iter().find(|(_, values)| !values.contains_key(rest)) else {
                    return if self.rows.is_empty() {
                        unknown(Some("the case has no rows".to_owned()))
                    } else {
                        Ok(())
                    };
                };
                Err((format!("row `{row}` has no `{rest}`"), suggestion(rest, values.keys().map(String::as_str))))
            }
            "with" if self.shared_step => {
                if !self.with.iter().any(|each| each == rest) {
                    self.with.push(rest.to_owned());
                }
                Ok(())
            }
            "with" if self.with.iter().any(|each| each == rest) => Ok(()),
            "self" => match &self.own {
                Some(own) if own.iter().any(|each| each == rest) || rest == "status" => Ok(()),
                Some(own) => {
                    Err((format!("this step captures no `{rest}`"), suggestion(rest, own.iter().map(String::as_str))))
                }
                None => Err(("`self` is known only in `creates` and `removes`".to_owned(), None)),
            },
            _ => match self.captures.iter().find(|(step, _)| step == first) {
                Some(_) if rest == "status" => Ok(()),
                Some((_, names)) if names.iter().any(|each| each == rest) => Ok(()),
                Some((_, names)) => Err((
                    format!("step `{first}` captures no `{rest}`"),
                    suggestion(rest, names.iter().map(String::as_str)),
                )),
                None if self.later.iter().any(|each| each == first) => {
                    Err((format!("step `{first}` does not come earlier"), None))
                }
                None => unknown(suggestion(name, self.all(shared).iter().map(String::as_str))),
            },
        }
    }

    /// Every name, for a suggestion.
    fn all(&self, shared: &Shared) -> Vec<String> {
        let mut all: Vec<String> = shared.fixtures.iter().map(|each| each.name.clone()).collect();
        all.extend(self.lets.iter().cloned());
        all.extend(["run.marker", "run.id", "run.seed"].map(str::to_owned));
        all.extend(self.rows.iter().take(1).flat_map(|(_, values)| values.keys().map(|key| format!("row.{key}"))));
        all.extend(self.with.iter().map(|key| format!("with.{key}")));
        for (step, names) in &self.captures {
            all.push(format!("{step}.status"));
            all.extend(names.iter().map(|name| format!("{step}.{name}")));
        }
        all
    }
}

/// The needs of one row: the most of each name that is mentioned.
pub(super) fn needs(shared: &Shared, mentions: &[Mention], row: Option<&Row>) -> Vec<Need> {
    let mut most: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, least) in mentions {
        let count = match least {
            Least::Count(count) => *count,
            Least::Row(name, more) => match row.and_then(|(_, values)| values.get(name)) {
                Some(JsonTemplate::Number(number)) => number.parse::<usize>().unwrap_or(1).saturating_add(*more),
                _ => 1,
            },
        };
        let entry = most.entry(*index).or_insert(1);
        *entry = (*entry).max(count);
    }
    let mut needs: Vec<_> =
        most.into_iter().map(|(index, least)| Need { name: shared.fixtures[index].name.clone(), least }).collect();
    needs.sort();
    needs
}

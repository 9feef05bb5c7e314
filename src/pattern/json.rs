//! Compiles a JSON pattern: [`compile`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use regex::RegexBuilder;

use super::checks::{Checks, escape_segment};
use super::memo::Memo;
use super::operators::Operator;
use super::{Context, PatternError};
use crate::model::clause::Choice;
use crate::model::id::ClauseId;
use crate::model::json::{Json, MAX_DEPTH};
use crate::model::pattern::{JsonPattern, Members, Node, Rule};
use crate::model::spec::Extra;

pub use super::illustrate::illustrate;

/// From how many members an object pattern is looked up by hash.
pub(super) const MANY_MEMBERS: usize = 16;

/// Size in bytes that a compiled expression may have; enough for large classes and counted repeats.
const REGEX_SIZE: usize = 4 << 20;

/// Compiles what a body, or a value, must match.
///
/// # Errors
/// When an operator is unknown or misused, a regular expression does not compile, or a choice or
/// reading is unknown; with the place in the pattern.
pub fn compile(source: &Json<'_>, context: &Context<'_>) -> Result<JsonPattern, PatternError> {
    let mut checks = Checks::new(context);
    let mut compiler = Compiler { once: true, ..Compiler::new(context, &mut checks, Vec::new(), "") };
    let root = compiler.node(source, &Scope::outermost(context, Place::Value))?;
    Ok(JsonPattern { root, checks: checks.finish() })
}

/// Compiles a pattern that stands at `path` of a larger one; `pointer` is where it is written,
/// and `may_be_absent` whether it speaks of something that can be missing.
pub(super) fn compile_at<'s>(
    source: &'s Json<'s>,
    context: &Context<'_>,
    checks: &mut Checks<'_>,
    path: Vec<Cow<'s, str>>,
    pointer: &str,
    may_be_absent: bool,
) -> Result<Node, PatternError> {
    let place = if may_be_absent { Place::Member } else { Place::Value };
    Compiler::new(context, checks, path, pointer).node(source, &Scope::outermost(context, place))
}

/// A regular expression of a pattern, in bounded memory.
///
/// # Errors
/// When it does not compile; the message is one line.
pub fn compile_regex(text: &str) -> Result<Arc<regex::Regex>, String> {
    thread_local! {
        static KNOWN: Memo<Arc<regex::Regex>> = Memo::default();
    }
    let make = |text: &str| {
        RegexBuilder::new(text).size_limit(REGEX_SIZE).build().map(Arc::new).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            format!("the regular expression cannot be read: {}", last.trim().trim_start_matches("error: "))
        })
    };
    KNOWN.with(|known| known.get(text, make))
}

/// Where a pattern stands, which decides whether it may speak of absence.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A member of an object.
    Member,
    /// An element of `$unordered`.
    Unordered,
    /// Anywhere else.
    Value,
}

/// What is inherited from the outside.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) extra: Extra,
    clauses: Option<Arc<[ClauseId]>>,
    place: Place,
}

impl Scope {
    /// Where a pattern begins.
    pub(super) fn outermost(context: &Context<'_>, place: Place) -> Self {
        let extra = if context.strict && context.extra == Extra::Note { Extra::Fail } else { context.extra };
        Self { extra, clauses: None, place }
    }

    pub(super) fn inside(&self, place: Place) -> Self {
        Self { place, ..self.clone() }
    }
}

pub(super) struct Compiler<'c, 'x, 's> {
    pub(super) choices: &'c [Choice],
    pub(super) strict: bool,
    pub(super) checks: &'c mut Checks<'x>,
    /// Place in the answer.
    pub(super) path: Vec<Cow<'s, str>>,
    /// Where the pattern itself is written.
    pub(super) base: String,
    /// Place in the pattern.
    pub(super) written: Vec<Cow<'s, str>>,
    /// How many levels there are around the pattern.
    pub(super) above: usize,
    /// Operators are not read.
    pub(super) literal: bool,
    /// No operator is around: every place comes once.
    pub(super) once: bool,
}

impl<'c, 'x, 's> Compiler<'c, 'x, 's> {
    pub(super) fn new(
        context: &Context<'c>,
        checks: &'c mut Checks<'x>,
        path: Vec<Cow<'s, str>>,
        pointer: &str,
    ) -> Self {
        Self {
            choices: context.choices,
            strict: context.strict,
            checks,
            path,
            base: pointer.to_owned(),
            written: Vec::new(),
            above: 0,
            literal: false,
            once: false,
        }
    }
}

impl<'s> Compiler<'_, '_, 's> {
    pub(super) fn error(&self, message: impl Into<String>) -> PatternError {
        PatternError { pointer: self.pointer(), message: message.into() }
    }

    /// Where the part of the pattern at hand is written.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.base.clone();
        for segment in &self.written {
            pointer.push('/');
            pointer.push_str(&escape_segment(segment));
        }
        pointer
    }

    /// Makes a node with its check.
    pub(super) fn make(&mut self, rule: Rule, written: Option<&Json<'s>>, scope: &Scope) -> Node {
        let loose = is_loose(&rule);
        let own = scope.clauses.as_ref();
        let check =
            if self.once { self.checks.once(&self.path, own, loose) } else { self.checks.at(&self.path, own, loose) };
        Node { rule, check, written: written.map(|json| Arc::new(json.clone().into_owned())) }
    }

    /// Works on a part of the pattern, one key further down as it is written.
    pub(super) fn below<T>(
        &mut self,
        key: impl Into<Cow<'s, str>>,
        work: impl FnOnce(&mut Self) -> Result<T, PatternError>,
    ) -> Result<T, PatternError> {
        self.written.push(key.into());
        if self.above + self.written.len() > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let result = work(self)?;
        self.written.pop();
        Ok(result)
    }

    /// Goes to a part of the pattern, and to the place of the answer that it speaks of. As [`Self::below`] and
    /// [`Self::inside`], for what nearly every pattern consists of.
    pub(super) fn enter(&mut self, key: Cow<'s, str>, segment: Cow<'s, str>) -> Result<(), PatternError> {
        self.written.push(key);
        if self.above + self.written.len() > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.path.push(segment);
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.written.pop();
        self.path.pop();
    }

    /// Works on a part of the pattern that speaks of a place one segment further down.
    fn inside<T>(
        &mut self,
        segment: impl Into<Cow<'s, str>>,
        work: impl FnOnce(&mut Self) -> Result<T, PatternError>,
    ) -> Result<T, PatternError> {
        self.path.push(segment.into());
        let result = work(self)?;
        self.path.pop();
        Ok(result)
    }

    pub(super) fn node(&mut self, source: &'s Json<'s>, scope: &Scope) -> Result<Node, PatternError> {
        let rule = match source {
            Json::Null => Rule::Null,
            Json::Bool(value) => Rule::Bool(*value),
            Json::Number(text) => Rule::Number(text.to_string()),
            Json::String(text) => Rule::String(text.to_string()),
            Json::Array(items) => return self.array(items, scope),
            Json::Object(members) => {
                if !self.literal
                    && let Some((first, _)) = members.first()
                    && first.starts_with('$')
                    && !first.starts_with("$$")
                {
                    return self.operator(source, members, scope);
                }
                return self.object(members, scope);
            }
        };
        Ok(self.make(rule, None, scope))
    }

    fn array(&mut self, items: &'s [Json<'s>], scope: &Scope) -> Result<Node, PatternError> {
        let mut nodes = Vec::with_capacity(items.len());
        let inner = scope.inside(Place::Value);
        for (index, item) in items.iter().enumerate() {
            let segment = number(index);
            self.enter(segment.clone(), segment)?;
            nodes.push(self.node(item, &inner)?);
            self.leave();
        }
        Ok(self.make(Rule::Array(nodes), None, scope))
    }

    fn object(&mut self, members: &'s [(Key<'s>, Json<'s>)], scope: &Scope) -> Result<Node, PatternError> {
        let mut list: Vec<(String, Node)> = Vec::with_capacity(members.len());
        let inner = scope.inside(Place::Member);
        let mut index = (members.len() > MANY_MEMBERS).then(|| Box::new(HashMap::with_capacity(members.len())));
        for (position, (key, value)) in members.iter().enumerate() {
            let name: &'s str = match key.strip_prefix('$') {
                Some(rest) if !self.literal && rest.starts_with('$') => rest,
                Some(_) if !self.literal => {
                    return self.below(&**key, |this| {
                        Err(this.error(format!(
                            "an operator must be the first key of its object; write `${key}` for the member `{key}`"
                        )))
                    });
                }
                _ => key,
            };
            let twice = match &mut index {
                Some(index) => index.insert(name.to_owned(), position).is_some(),
                None => list.iter().any(|(other, _)| other == name),
            };
            if twice {
                return self.below(&**key, |this| Err(this.error("the member is written twice")));
            }
            self.enter((&**key).into(), name.into())?;
            let node = self.node(value, &inner)?;
            self.leave();
            list.push((name.to_owned(), node));
        }
        Ok(self.make(Rule::Object(Members { list, index, extra: scope.extra }), None, scope))
    }

    /// Patterns of the same place, written as a list.
    fn alternatives(
        &mut self,
        operator: Operator,
        value: &'s Json<'s>,
        scope: &Scope,
    ) -> Result<Vec<Node>, PatternError> {
        let items = self.list(operator, value)?;
        if items.is_empty() {
            return Err(self.error(format!("`{}` needs at least one pattern", operator.word())));
        }
        items.iter().enumerate().map(|(index, item)| self.below(number(index), |this| this.node(item, scope))).collect()
    }

    fn operator(
        &mut self,
        source: &'s Json<'s>,
        members: &'s [(Key<'s>, Json<'s>)],
        scope: &Scope,
    ) -> Result<Node, PatternError> {
        let [(word, value), rest @ ..] = members else {
            return self.object(members, scope);
        };
        let Some(operator) = Operator::from_word(word) else {
            let hint = Operator::nearest(word)
                .map_or_else(String::new, |nearest| format!("; did you mean `{}`?", nearest.word()));
            return Err(self.error(format!("unknown operator `{word}`{hint} (`${word}` is the literal key `{word}`)")));
        };
        let second = match (operator.beside(), rest) {
            (None, []) => None,
            (Some(wanted), [(key, value)]) if key == wanted => Some(value),
            (Some(wanted), rest) if !rest.iter().any(|(key, _)| key == wanted) => {
                return Err(self.error(format!("`{word}` needs `{wanted}` beside it")));
            }
            (wanted, rest) => {
                let other = rest.iter().find(|(key, _)| Some(&**key) != wanted).map_or("", |(key, _)| key);
                return Err(
                    self.error(format!("`{other}` cannot stand beside `{word}`; join several operators with `$all`"))
                );
            }
        };
        let key = operator.word();
        let once = std::mem::replace(&mut self.once, false);
        let node = self.below(key, |this| this.rule(operator, source, value, second, scope));
        self.once = once;
        node
    }

    fn rule(
        &mut self,
        operator: Operator,
        source: &'s Json<'s>,
        value: &'s Json<'s>,
        second: Option<&'s Json<'s>>,
        scope: &Scope,
    ) -> Result<Node, PatternError> {
        let word = operator.word();
        let rule = match operator {
            Operator::Any | Operator::Absent | Operator::Distinct => {
                if *value != Json::Bool(true) {
                    return Err(self.error(format!("`{word}` takes only `true`")));
                }
                if operator == Operator::Distinct {
                    Rule::Distinct
                } else if operator == Operator::Any {
                    Rule::Any
                } else if scope.place == Place::Member {
                    Rule::Absent
                } else {
                    return Err(self.error("`$absent` speaks of a member of an object; here nothing can be absent"));
                }
            }
            Operator::Unchecked => {
                if self.text(operator, value)?.trim().is_empty() {
                    return Err(self.error("`$unchecked` needs the reason why"));
                }
                Rule::Unchecked
            }
            Operator::Type => Rule::Type(self.types(value)?),
            Operator::Regex => {
                Rule::Regex(compile_regex(self.text(operator, value)?).map_err(|message| self.error(message))?)
            }
            Operator::IgnoreCase => Rule::IgnoreCase(self.text(operator, value)?.to_owned()),
            Operator::Contains => {
                let inner = self.inside("*", |this| this.node(value, &scope.inside(Place::Value)))?;
                Rule::Contains(Box::new(inner))
            }
            Operator::Length => self.length(value)?,
            Operator::Range => self.range(value)?,
            Operator::Near => self.near(value, second)?,
            Operator::Lexical => {
                let text = self.text(operator, value)?;
                match super::parse::parse_json(text) {
                    Ok(Json::Number(number)) if number == text => {}
                    _ => return Err(self.error(format!("`{text}` is no number as JSON writes one"))),
                }
                Rule::Lexical(text.to_owned())
            }
            Operator::Optional => {
                if scope.place == Place::Value {
                    return Err(self.error("`$optional` speaks of a member of an object; here nothing can be absent"));
                }
                Rule::Optional(Box::new(self.node(value, scope)?))
            }
            Operator::Each => {
                let inner = self.inside("*", |this| this.node(value, &scope.inside(Place::Value)))?;
                Rule::Each(Box::new(inner))
            }
            Operator::Unordered => {
                let inner = scope.inside(Place::Unordered);
                let parts = match value {
                    Json::Object(_) => self.elements(value, &inner, true)?,
                    _ => {
                        let items = self.list(operator, value)?;
                        self.inside("*", |this| this.each_of(items, &inner))?
                    }
                };
                Rule::Unordered(parts)
            }
            Operator::Sequence => {
                let items = self.list(operator, value)?;
                let nodes = self.inside("*", |this| this.each_of(items, &scope.inside(Place::Value)))?;
                // What people wrote is gone; the elements say it better than an operator nobody knows.
                return Ok(self.make(Rule::Array(nodes), None, scope));
            }
            Operator::Concat => {
                let nodes = self.concat(value, scope)?;
                return Ok(self.make(Rule::Array(nodes), None, scope));
            }
            Operator::Per => {
                return Err(self.error("`$per` is expanded before a pattern is compiled and cannot stand here"));
            }
            Operator::OneOf => Rule::OneOf(self.alternatives(operator, value, scope)?),
            Operator::All => Rule::All(self.alternatives(operator, value, scope)?),
            Operator::Not => Rule::Not(Box::new(self.node(value, scope)?)),
            Operator::SameAs => {
                let pointer = self.text(operator, value)?;
                if !pointer.is_empty() && !pointer.starts_with('/') {
                    return Err(self.error(format!("`{pointer}` is no pointer; it must begin with `/`")));
                }
                Rule::SameAs(pointer.to_owned())
            }
            Operator::Choice => self.choice(value, second, scope)?,
            Operator::Open => return self.node(value, &Scope { extra: Extra::Allow, ..scope.clone() }),
            Operator::Closed => return self.node(value, &Scope { extra: Extra::Fail, ..scope.clone() }),
            Operator::Clause => {
                let clauses = self.clauses(value)?;
                let Some(inner) = second else { return Err(self.error("`$clause` needs `$is` beside it")) };
                return self.node(inner, &Scope { clauses: Some(clauses), ..scope.clone() });
            }
            Operator::Literal => {
                let before = std::mem::replace(&mut self.literal, true);
                let node = self.node(value, &Scope { extra: Extra::Fail, ..scope.clone() });
                self.literal = before;
                return node;
            }
        };
        Ok(self.make(rule, Some(source), scope))
    }

    fn each_of(&mut self, items: &'s [Json<'s>], scope: &Scope) -> Result<Vec<Node>, PatternError> {
        items.iter().enumerate().map(|(index, item)| self.below(number(index), |this| this.node(item, scope))).collect()
    }

    /// The elements of an array, a `$sequence` or a `$concat`; `starred` names them without their position.
    fn elements(&mut self, value: &'s Json<'s>, scope: &Scope, starred: bool) -> Result<Vec<Node>, PatternError> {
        match value {
            Json::Array(items) if starred => self.inside("*", |this| this.each_of(items, scope)),
            Json::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    self.below(number(index), |this| this.inside(number(index), |this| this.node(item, scope)))
                })
                .collect(),
            Json::Object(members) => match members.as_slice() {
                [(key, Json::Array(items))] if key == "$sequence" => {
                    self.below("$sequence", |this| this.inside("*", |this| this.each_of(items, scope)))
                }
                [(key, Json::Array(parts))] if key == "$concat" => self.below("$concat", |this| {
                    let mut all = Vec::new();
                    for (index, part) in parts.iter().enumerate() {
                        all.extend(this.below(number(index), |this| this.elements(part, scope, true))?);
                    }
                    Ok(all)
                }),
                _ => Err(self.error("needs an array, a `$per` or a `$concat`")),
            },
            other => Err(self.error(format!("needs an array, not a {}", other.type_name()))),
        }
    }

    fn concat(&mut self, value: &'s Json<'s>, scope: &Scope) -> Result<Vec<Node>, PatternError> {
        let parts = self.list(Operator::Concat, value)?;
        // Positions behind a `$per` depend on the target's lists and would make unstable names.
        let starred = parts.len() != 1;
        let mut all = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let inner = scope.inside(Place::Value);
            all.extend(self.below(number(index), |this| this.elements(part, &inner, starred))?);
        }
        Ok(all)
    }
}

/// A position as a segment of a path. The first ones, which are nearly all, are at hand.
pub(super) fn number(index: usize) -> Cow<'static, str> {
    const FIRST: [&str; 20] =
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19"];
    FIRST.get(index).map_or_else(|| Cow::Owned(index.to_string()), |text| Cow::Borrowed(*text))
}

/// Whether a rule takes anything that is there, or any value of a type.
fn is_loose(rule: &Rule) -> bool {
    match rule {
        Rule::Any | Rule::Unchecked | Rule::Type(_) => true,
        Rule::Optional(inner) => is_loose(&inner.rule),
        Rule::OneOf(nodes) => nodes.iter().any(|node| is_loose(&node.rule)),
        Rule::All(nodes) => nodes.iter().all(|node| is_loose(&node.rule)),
        Rule::Choice(choice) => choice.readings.iter().any(|(_, node)| is_loose(&node.rule)),
        _ => false,
    }
}

/// A member name.
pub(super) type Key<'s> = Cow<'s, str>;

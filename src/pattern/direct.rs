//! Compiles a JSON pattern from its template: [`compile_template`]. What is written plainly, which is most of it, goes
//! into the pattern without becoming a value in between.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::checks::Checks;
use super::json::{Compiler, MANY_MEMBERS, Place, Scope, number};
use super::{Context, PatternError, known};
use crate::model::json::Json;
use crate::model::pattern::{JsonBody, JsonPattern, Members, Node, Plain, Rule};
use crate::model::spec::Extra;
use crate::model::tally::CheckDefs;
use crate::model::template::JsonTemplate;

/// Gives the value of a part: of an operator, or of a text with something to insert.
type Resolve<'r, 't, E> = &'r mut dyn FnMut(&'t JsonTemplate) -> Result<Json<'t>, E>;

/// Compiles what a template gives once its values are in it.
///
/// # Errors
/// Those of [`compile`](super::json::compile), and those of `resolve`.
pub fn compile_template<'t, E: From<PatternError>>(
    template: &'t JsonTemplate,
    context: &Context<'_>,
    resolve: Resolve<'_, 't, E>,
) -> Result<JsonPattern, E> {
    compile(template, context, known::find(template, context).map(|(checks, _)| checks), resolve)
}

/// What a body must be, as [`compile_template`] would compile it. Where a pattern of the same places was compiled before
/// and nothing is to be inserted, that is put off until it is needed.
///
/// # Errors
/// As there.
pub fn compile_body<'t, E: From<PatternError>>(
    template: &'t Arc<JsonTemplate>,
    context: &Context<'_>,
    resolve: Resolve<'_, 't, E>,
) -> Result<JsonBody, E> {
    let ready = known::find(template, context);
    match ready {
        Some((checks, true)) => {
            let extra = Scope::outermost(context, Place::Value).extra;
            let (template, pattern) = (Arc::clone(template), OnceLock::new());
            Ok(JsonBody::Plain(Plain { template, extra, checks, compile: compile_plain, pattern }))
        }
        ready => compile(template, context, ready.map(|(checks, _)| checks), resolve).map(JsonBody::from),
    }
}

fn compile_plain(template: &JsonTemplate, extra: Extra, checks: &Arc<CheckDefs>) -> JsonPattern {
    let context = Context { prefix: "", cite: &[], fallback: &[], extra, strict: false, choices: &[] };
    let mut resolve = |_: &JsonTemplate| Err(PatternError { pointer: String::new(), message: String::new() });
    compile(template, &context, Some(Arc::clone(checks)), &mut resolve)
        .expect("a pattern of the same places was compiled before, and nothing is inserted")
}

/// Compiles a pattern, whose checks may be `ready`.
fn compile<'t, E: From<PatternError>>(
    template: &'t JsonTemplate,
    context: &Context<'_>,
    ready: Option<Arc<CheckDefs>>,
    resolve: Resolve<'_, 't, E>,
) -> Result<JsonPattern, E> {
    let is_new = ready.is_none();
    let mut checks = ready.map_or_else(|| Checks::new(context), |ready| Checks::ready(context, ready));
    let compiler = Compiler { once: true, ..Compiler::new(context, &mut checks, Vec::new(), "") };
    let root = Direct { compiler, context, resolve }.node(template, &Scope::outermost(context, Place::Value))?;
    let even = checks.even;
    let checks = checks.finish();
    if is_new && even {
        known::keep(template, context, &checks);
    }
    Ok(JsonPattern { root, checks })
}

struct Direct<'r, 'c, 'x, 't, E> {
    compiler: Compiler<'c, 'x, 't>,
    context: &'r Context<'x>,
    resolve: &'r mut dyn FnMut(&'t JsonTemplate) -> Result<Json<'t>, E>,
}

impl<'t, E: From<PatternError>> Direct<'_, '_, '_, 't, E> {
    fn node(&mut self, template: &'t JsonTemplate, scope: &Scope) -> Result<Node, E> {
        let rule = match template {
            JsonTemplate::Null => Rule::Null,
            JsonTemplate::Bool(value) => Rule::Bool(*value),
            JsonTemplate::Number(text) => Rule::Number(text.clone()),
            JsonTemplate::Text(text) => match text.as_literal() {
                Some(text) => Rule::String(text.to_owned()),
                None => return self.value(template, scope),
            },
            JsonTemplate::Array(items) => {
                let mut nodes = Vec::with_capacity(items.len());
                let inner = scope.inside(Place::Value);
                for (index, item) in items.iter().enumerate() {
                    let segment = number(index);
                    self.compiler.enter(segment.clone(), segment)?;
                    nodes.push(self.node(item, &inner)?);
                    self.compiler.leave();
                }
                Rule::Array(nodes)
            }
            // An operator, or a key that must not look like one.
            JsonTemplate::Object(members) if members.iter().any(|(key, _)| key.starts_with('$')) => {
                return self.value(template, scope);
            }
            JsonTemplate::Object(members) => self.object(members, scope)?,
        };
        Ok(self.compiler.make(rule, None, scope))
    }

    fn object(&mut self, members: &'t [(String, JsonTemplate)], scope: &Scope) -> Result<Rule, E> {
        let mut list: Vec<(String, Node)> = Vec::with_capacity(members.len());
        let inner = scope.inside(Place::Member);
        let mut index = (members.len() > MANY_MEMBERS).then(|| Box::new(HashMap::with_capacity(members.len())));
        for (position, (key, value)) in members.iter().enumerate() {
            self.compiler.enter(key.as_str().into(), key.as_str().into())?;
            let twice = match &mut index {
                Some(index) => index.insert(key.clone(), position).is_some(),
                None => list.iter().any(|(other, _)| other == key),
            };
            if twice {
                return Err(self.compiler.error("the member is written twice").into());
            }
            let node = self.node(value, &inner)?;
            self.compiler.leave();
            list.push((key.clone(), node));
        }
        Ok(Rule::Object(Members { list, index, extra: scope.extra }))
    }

    /// A part that is a value before it is a pattern.
    fn value(&mut self, template: &'t JsonTemplate, scope: &Scope) -> Result<Node, E> {
        let value = (self.resolve)(template)?;
        let outer = &mut self.compiler;
        if matches!(value, Json::Array(_) | Json::Object(_)) {
            outer.checks.uneven(self.context);
        }
        let (pointer, above) = (outer.pointer(), outer.above + outer.written.len());
        let inner = Compiler::new(self.context, outer.checks, outer.path.clone(), &pointer);
        Ok(Compiler { above, once: outer.once, ..inner }.node(&value, scope)?)
    }
}

//! Compiles an XML pattern: [`compile`].

use std::collections::HashMap;
use std::sync::Arc;

use super::checks::Checks;
use super::{Context, PatternError};
use crate::model::id::ClauseId;
use crate::model::json::{Json, MAX_DEPTH};
use crate::model::pattern::{Node, Rule, XmlChoice, XmlNode, XmlPattern, XmlResolved, XmlResolvedText};
use crate::model::spec::Extra;

pub use super::xml_illustrate::{illustrate, pretty};

/// Compiles what an XML body must match.
///
/// # Errors
/// When an attribute of `urn:casebook` or an operator in a text is unknown or misused; with its XML path.
pub fn compile(source: &XmlResolved, context: &Context<'_>) -> Result<XmlPattern, PatternError> {
    let mut checks = Checks::new(context);
    let extra = if context.strict && context.extra == Extra::Note { Extra::Fail } else { context.extra };
    let mut compiler = Compiler { context, checks: &mut checks, path: Vec::new() };
    let root = compiler.element(source, source.name.clone(), extra, None)?;
    if root.optional || root.absent {
        return Err(compiler.error("the root element cannot be optional or absent"));
    }
    Ok(XmlPattern { root, checks: checks.finish() })
}

struct Compiler<'c, 'x> {
    context: &'c Context<'c>,
    checks: &'c mut Checks<'x>,
    path: Vec<String>,
}

impl Compiler<'_, '_> {
    fn pointer(&self) -> String {
        self.path.iter().fold(String::new(), |pointer, segment| pointer + "/" + segment)
    }

    fn error(&self, message: impl Into<String>) -> PatternError {
        PatternError { pointer: self.pointer(), message: message.into() }
    }

    fn flag(&self, name: &str, value: &str) -> Result<bool, PatternError> {
        match value {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(self.error(format!("`cb:{name}` is \"true\" or \"false\", not \"{other}\""))),
        }
    }

    /// The choice that the element's presence answers, with both its readings.
    fn choice(&self, source: &XmlResolved) -> Result<Option<XmlChoice>, PatternError> {
        let steering = |name: &str| source.steering.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let (id, present, missing) = match (steering("choice"), steering("present"), steering("missing")) {
            (None, None, None) => return Ok(None),
            (Some(id), Some(present), Some(missing)) => (id, present, missing),
            _ => return Err(self.error("`cb:choice`, `cb:present` and `cb:missing` come together")),
        };
        let known = self.context.choices.iter().find(|choice| choice.id.as_str() == id);
        let known = known.ok_or_else(|| self.error(format!("there is no choice `{id}`")))?;
        for reading in [&present, &missing] {
            if !known.readings.iter().any(|each| &each.id == reading) {
                return Err(self.error(format!("choice `{id}` has no reading `{reading}`")));
            }
        }
        Ok(Some(XmlChoice { id: known.id.clone(), present, missing }))
    }

    fn literal(&self, choice: &XmlChoice) -> Option<&str> {
        let known = self.context.choices.iter().find(|each| each.id == choice.id)?;
        known.readings.iter().find(|reading| reading.literal).map(|reading| reading.id.as_str())
    }

    /// `segment` names the element in its check: local name, with a position where siblings share it.
    fn element(
        &mut self,
        source: &XmlResolved,
        segment: String,
        extra: Extra,
        own: Option<&Arc<[ClauseId]>>,
    ) -> Result<XmlNode, PatternError> {
        self.path.push(segment);
        if self.path.len() > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let (mut extra, mut own) = (extra, own.map(Arc::clone));
        let (mut optional, mut absent, mut any_order) = (false, false, false);
        let choice = self.choice(source)?;
        if let Some(choice) = &choice {
            // With --strict only the literal reading is left.
            match self.literal(choice).filter(|_| self.context.strict) {
                Some(reading) if reading == choice.missing => absent = true,
                Some(_) => {}
                None => optional = true,
            }
        }
        for (name, value) in &source.steering {
            match name.as_str() {
                "optional" => optional = self.flag(name, value)?,
                "absent" => absent = self.flag(name, value)?,
                "order" => {
                    any_order = match value.as_str() {
                        "any" => true,
                        "written" => false,
                        other => return Err(self.error(format!("`cb:order` is \"any\", not \"{other}\""))),
                    }
                }
                "extra" => {
                    extra = match value.as_str() {
                        "allow" => Extra::Allow,
                        "note" if self.context.strict => Extra::Fail,
                        "note" => Extra::Note,
                        "fail" => Extra::Fail,
                        other => {
                            return Err(
                                self.error(format!("`cb:extra` is \"allow\", \"note\" or \"fail\", not \"{other}\""))
                            );
                        }
                    }
                }
                "clause" => {
                    let list: Vec<ClauseId> = value.split_whitespace().map(ClauseId::new).collect();
                    if list.is_empty() {
                        return Err(self.error("`cb:clause` names no clause"));
                    }
                    own = Some(list.into());
                }
                "per" | "choice" | "present" | "missing" => {}
                other => {
                    let known =
                        ["optional", "absent", "order", "per", "extra", "clause", "choice", "present", "missing"];
                    let nearest = known.iter().min_by_key(|each| strsim::damerau_levenshtein(each, other));
                    let hint = nearest.map_or_else(String::new, |nearest| format!("; did you mean `cb:{nearest}`?"));
                    return Err(self.error(format!("unknown attribute `cb:{other}`{hint}")));
                }
            }
        }
        let check = self.checks.at(&self.path, own.as_ref(), false);
        let mut attributes = Vec::with_capacity(source.attributes.len());
        for (namespace, name, value) in &source.attributes {
            self.path.push(format!("@{name}"));
            attributes.push((namespace.clone(), name.clone(), self.text(value, own.as_ref(), true)?));
            self.path.pop();
        }
        let mut children = Vec::with_capacity(source.children.len());
        for (child, segment) in source.children.iter().zip(segments_of(&source.children)) {
            children.push(self.element(child, segment, extra, own.as_ref())?);
        }
        let text = if children.is_empty() { Some(self.text(&source.text, own.as_ref(), false)?) } else { None };
        let blank = matches!(&source.text, XmlResolvedText::Literal(text) if text.trim().is_empty());
        if !children.is_empty() && !blank {
            return Err(self.error("an element of a pattern has either child elements or text"));
        }
        self.path.pop();
        Ok(XmlNode {
            namespace: source.namespace.clone(),
            name: source.name.clone(),
            check,
            attributes,
            children,
            text,
            optional,
            absent,
            choice,
            any_order,
            extra,
        })
    }

    /// `attribute`: it may be absent.
    fn text(
        &mut self,
        text: &XmlResolvedText,
        own: Option<&Arc<[ClauseId]>>,
        attribute: bool,
    ) -> Result<Node, PatternError> {
        match text {
            XmlResolvedText::Literal(text) => {
                let check = self.checks.at(&self.path, own, false);
                Ok(Node { rule: Rule::String(text.clone()), check, written: None })
            }
            XmlResolvedText::Pattern(pattern) => {
                // A clause of an outer `cb:clause` is what the operator proves, unless it says its own.
                let clauses = own.map(|clauses| {
                    let ids = clauses.iter().map(|clause| Json::string(clause.as_str().to_owned())).collect();
                    Json::Object(vec![("$clause".into(), Json::Array(ids)), ("$is".into(), pattern.clone())])
                });
                let pointer = self.pointer();
                let source = clauses.as_ref().unwrap_or(pattern);
                let path = self.path.iter().map(|segment| segment.as_str().into()).collect();
                super::json::compile_at(source, self.context, self.checks, path, &pointer, attribute)
            }
        }
    }
}

/// Of each child the local name; `[*]` behind it for what `cb:per` made, a position where siblings share the name.
/// One look at each, for a list can have a hundred thousand.
fn segments_of(children: &[XmlResolved]) -> Vec<String> {
    let mut all: HashMap<&str, usize> = HashMap::new();
    for child in children {
        *all.entry(&child.name).or_default() += 1;
    }
    let mut before: HashMap<&str, usize> = HashMap::new();
    let mut segments = Vec::with_capacity(children.len());
    for child in children {
        let name = child.name.as_str();
        let position = before.entry(name).or_default();
        *position += 1;
        segments.push(if child.steering.iter().any(|(name, _)| name == "per") {
            format!("{name}[*]")
        } else if all.get(name) == Some(&1) {
            name.to_owned()
        } else {
            format!("{name}[{position}]")
        });
    }
    segments
}

//! Reads what stands behind an operator: types, bounds, clauses, readings.

use std::sync::Arc;

use super::PatternError;
use super::decimal::{Decimal, add, negate};
use super::json::{Compiler, Key, Scope};
use super::operators::Operator;
use crate::model::clause::ChoicePolicy;
use crate::model::id::{ChoiceId, ClauseId};
use crate::model::json::Json;
use crate::model::pattern::{ChoiceRule, JsonType, Node, Rule};

impl<'s> Compiler<'_, '_, 's> {
    pub(super) fn list(&self, operator: Operator, value: &'s Json<'s>) -> Result<&'s [Json<'s>], PatternError> {
        match value {
            Json::Array(items) => Ok(items),
            other => Err(self.error(format!("`{}` needs an array, not a {}", operator.word(), other.type_name()))),
        }
    }

    pub(super) fn text(&self, operator: Operator, value: &'s Json<'s>) -> Result<&'s str, PatternError> {
        value
            .as_str()
            .ok_or_else(|| self.error(format!("`{}` needs a string, not a {}", operator.word(), value.type_name())))
    }

    pub(super) fn number(&self, what: &str, value: &'s Json<'s>) -> Result<&'s str, PatternError> {
        match value {
            Json::Number(text) => Ok(text),
            other => Err(self.error(format!("{what} needs a number, not a {}", other.type_name()))),
        }
    }

    pub(super) fn types(&self, value: &'s Json<'s>) -> Result<Vec<JsonType>, PatternError> {
        let one = |value: &'s Json<'s>| {
            let word = self.text(Operator::Type, value)?;
            JsonType::ALL.into_iter().find(|each| each.word() == word).ok_or_else(|| {
                let nearest = JsonType::ALL
                    .into_iter()
                    .min_by_key(|each| strsim::damerau_levenshtein(each.word(), word))
                    .map_or("", JsonType::word);
                self.error(format!("unknown type `{word}`; did you mean `{nearest}`?"))
            })
        };
        match value {
            Json::Array(items) if !items.is_empty() => items.iter().map(one).collect(),
            Json::Array(_) => Err(self.error("`$type` needs at least one type")),
            other => Ok(vec![one(other)?]),
        }
    }

    /// `min` and `max` of a table, of which one must be there.
    fn bounds(
        &self,
        word: &str,
        members: &'s [(Key<'s>, Json<'s>)],
    ) -> Result<(Option<&'s str>, Option<&'s str>), PatternError> {
        let (mut min, mut max) = (None, None);
        for (key, value) in members {
            let slot = match &**key {
                "min" => &mut min,
                "max" => &mut max,
                other => return Err(self.error(format!("`{word}` knows `min` and `max`, not `{other}`"))),
            };
            *slot = Some(self.number(&format!("`{key}` of `{word}`"), value)?);
        }
        if min.is_none() && max.is_none() {
            return Err(self.error(format!("`{word}` needs `min` or `max`")));
        }
        if let (Some(min), Some(max)) = (min, max)
            && let (Some(low), Some(high)) = (Decimal::parse(min), Decimal::parse(max))
            && low.compare(&high).is_gt()
        {
            return Err(self.error(format!("`min` {min} is more than `max` {max}")));
        }
        Ok((min, max))
    }

    pub(super) fn length(&self, value: &'s Json<'s>) -> Result<Rule, PatternError> {
        let count = |text: &str| {
            text.parse::<usize>().map_err(|_| self.error(format!("`$length` counts in whole numbers, not `{text}`")))
        };
        match value {
            Json::Number(text) => count(text).map(|exact| Rule::Length(exact, Some(exact))),
            Json::Object(members) => {
                let (min, max) = self.bounds("$length", members)?;
                Ok(Rule::Length(min.map(count).transpose()?.unwrap_or(0), max.map(count).transpose()?))
            }
            other => {
                Err(self
                    .error(format!("`$length` needs a number or {{\"min\", \"max\"}}, not a {}", other.type_name())))
            }
        }
    }

    pub(super) fn range(&self, value: &'s Json<'s>) -> Result<Rule, PatternError> {
        let Json::Object(members) = value else {
            return Err(self.error("`$range` needs {\"min\": …, \"max\": …}"));
        };
        let (min, max) = self.bounds("$range", members)?;
        Ok(Rule::Range(min.map(str::to_owned), max.map(str::to_owned)))
    }

    pub(super) fn near(&self, value: &'s Json<'s>, tolerance: Option<&'s Json<'s>>) -> Result<Rule, PatternError> {
        let centre = self.number("`$near`", value)?;
        let tolerance = self.number("`$tolerance`", tolerance.unwrap_or(&Json::Null))?;
        if tolerance.starts_with('-') {
            return Err(self.error("`$tolerance` must not be negative"));
        }
        match (add(centre, &negate(tolerance)), add(centre, tolerance)) {
            (Some(low), Some(high)) => Ok(Rule::Range(Some(low), Some(high))),
            _ => Err(self.error("`$near` and `$tolerance` lie too far apart to be added exactly")),
        }
    }

    pub(super) fn clauses(&self, value: &'s Json<'s>) -> Result<Arc<[ClauseId]>, PatternError> {
        match value {
            Json::Array(items) if !items.is_empty() => {
                items.iter().map(|item| self.text(Operator::Clause, item).map(ClauseId::new)).collect()
            }
            Json::Array(_) => Err(self.error("`$clause` needs at least one clause")),
            other => Ok(Arc::from([ClauseId::new(self.text(Operator::Clause, other)?)])),
        }
    }

    pub(super) fn choice(
        &mut self,
        value: &'s Json<'s>,
        readings: Option<&'s Json<'s>>,
        scope: &Scope,
    ) -> Result<Rule, PatternError> {
        let id = self.text(Operator::Choice, value)?;
        let choices = self.choices;
        let Some(choice) = choices.iter().find(|choice| choice.id.as_str() == id) else {
            let known = choices.iter().map(|choice| choice.id.as_str());
            return Err(self.error(format!("unknown choice `{id}`{}", did_you_mean(id, known))));
        };
        let Some(Json::Object(members)) = readings else {
            return Err(self.error("`$readings` needs an object of readings and their patterns"));
        };
        let mut compiled: Vec<(String, Node)> = Vec::new();
        for (key, pattern) in members {
            let Some(reading) = choice.readings.iter().find(|reading| reading.id == **key) else {
                let known = choice.readings.iter().map(|reading| reading.id.as_str());
                return Err(self.error(format!("choice `{id}` has no reading `{key}`{}", did_you_mean(key, known))));
            };
            if compiled.iter().any(|(name, _)| name == key) {
                return Err(self.error(format!("reading `{key}` is written twice")));
            }
            // Compiled even if strictness drops it, so that its mistakes are told in every run.
            let node = self.below(&**key, |this| this.node(pattern, scope))?;
            compiled.push((reading.id.clone(), node));
        }
        if compiled.is_empty() {
            return Err(self.error("`$readings` needs at least one reading"));
        }
        let literal = choice.readings.iter().find(|reading| reading.literal);
        if let Some(literal) = literal.filter(|_| self.strict)
            && compiled.iter().any(|(name, _)| *name == literal.id)
        {
            compiled.retain(|(name, _)| *name == literal.id);
        }
        let policy = if choice.policy == ChoicePolicy::Report { ChoicePolicy::Report } else { ChoicePolicy::Lenient };
        Ok(Rule::Choice(ChoiceRule { choice: ChoiceId::new(id), policy, readings: compiled }))
    }
}

fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .min_by_key(|each| strsim::damerau_levenshtein(each, word))
        .map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

//! Lists of checks that were made before: [`Known`]. Cases of one operation mostly expect the same places, with other
//! values there, and then have the same checks by the same names.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use super::Context;
use crate::model::id::ClauseId;
use crate::model::spec::Cite;
use crate::model::tally::CheckDefs;
use crate::model::template::JsonTemplate;

/// Lists that are kept at most, the latest first.
const KEPT: usize = 16;

/// Longer ones are not kept.
const LONGEST: usize = 1_000;

/// After so many patterns that were all new, only one of so many is kept: these cases have little in common.
const VAIN: usize = 32;

thread_local! {
    static KNOWN: RefCell<Lists> = const { RefCell::new(Lists { all: VecDeque::new(), vain: 0 }) };
}

struct Lists {
    all: VecDeque<Known>,
    /// How many patterns in a row were not found.
    vain: usize,
}

/// A list of checks with all that it depends on.
struct Known {
    prefix: String,
    cite: Vec<Cite>,
    fallback: Vec<ClauseId>,
    places: Places,
    checks: Arc<CheckDefs>,
}

/// Which places a pattern speaks of.
enum Places {
    One,
    Array(Vec<Places>),
    Object(Vec<(String, Places)>),
}

impl Places {
    /// Those of a template without operators, which may speak of others.
    fn of(template: &JsonTemplate) -> Option<Self> {
        Some(match template {
            JsonTemplate::Array(items) => Self::Array(items.iter().map(Self::of).collect::<Option<_>>()?),
            JsonTemplate::Object(members) => {
                let one = |(key, value): &(String, JsonTemplate)| {
                    (!key.starts_with('$')).then(|| Some((key.clone(), Self::of(value)?)))?
                };
                Self::Object(members.iter().map(one).collect::<Option<_>>()?)
            }
            JsonTemplate::Null | JsonTemplate::Bool(_) | JsonTemplate::Number(_) | JsonTemplate::Text(_) => Self::One,
        })
    }

    /// Whether a template speaks of these places. Says too if something is to be inserted.
    fn are_of(&self, template: &JsonTemplate, plain: &mut bool) -> bool {
        match (self, template) {
            (Self::One, JsonTemplate::Text(text)) => {
                *plain &= text.as_literal().is_some();
                true
            }
            (Self::Array(places), JsonTemplate::Array(items)) => {
                places.len() == items.len() && places.iter().zip(items).all(|(places, item)| places.are_of(item, plain))
            }
            (Self::Object(places), JsonTemplate::Object(members)) => {
                let mut same = |((name, places), (key, value)): (&(String, Self), &(String, JsonTemplate))| {
                    name == key && places.are_of(value, plain)
                };
                places.len() == members.len() && places.iter().zip(members).all(&mut same)
            }
            (Self::One, template) => !matches!(template, JsonTemplate::Array(_) | JsonTemplate::Object(_)),
            _ => false,
        }
    }
}

/// The checks of a template, if those of one like it are known, and whether nothing is to be inserted into it.
pub(super) fn find(template: &JsonTemplate, context: &Context<'_>) -> Option<(Arc<CheckDefs>, bool)> {
    KNOWN.with_borrow_mut(|Lists { all, vain }| {
        let mut plain = true;
        let fits = |known: &Known| {
            plain = true;
            known.prefix == context.prefix
                && known.places.are_of(template, &mut plain)
                && known.fallback == context.fallback
                && known.cite == context.cite
        };
        *vain += 1;
        let at = all.iter().position(fits)?;
        *vain = 0;
        if at > 0 {
            let known = all.remove(at)?;
            all.push_front(known);
        }
        let checks = &all.front()?.checks;
        checks.come_again();
        Some((Arc::clone(checks), plain))
    })
}

/// Keeps the checks that a template without known ones came to, if every value that was inserted stands at one place.
pub(super) fn keep(template: &JsonTemplate, context: &Context<'_>, checks: &Arc<CheckDefs>) {
    let often = KNOWN.with_borrow(|Lists { vain, .. }| *vain < VAIN || vain.is_multiple_of(VAIN));
    // An array or object without a clause of its own has those of what is below, which another list would not know.
    if !often || checks.len() > LONGEST || !checks.as_written() {
        return;
    }
    let Some(places) = Places::of(template) else { return };
    let Context { prefix, cite, fallback, .. } = *context;
    let known = Known {
        prefix: prefix.to_owned(),
        cite: cite.to_vec(),
        fallback: fallback.to_vec(),
        places,
        checks: Arc::clone(checks),
    };
    KNOWN.with_borrow_mut(|Lists { all, .. }| {
        all.truncate(KEPT - 1);
        all.push_front(known);
    });
}

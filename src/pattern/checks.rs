//! Names and clauses of checks: [`Checks`] is filled while a pattern is compiled.

use std::collections::HashMap;
use std::sync::Arc;

use super::Context;
use crate::model::id::ClauseId;
use crate::model::pattern::{CheckDef, CheckIndex};
use crate::model::spec::Cite;

/// The checks of a pattern under construction. Equal name and clauses are one check.
pub struct Checks<'a> {
    prefix: &'a str,
    cites: Vec<(Vec<String>, Arc<[ClauseId]>)>,
    fallback: Arc<[ClauseId]>,
    list: Vec<CheckDef>,
    known: HashMap<(String, Arc<[ClauseId]>), CheckIndex>,
}

/// Segments of a pointer or XML path, unescaped as JSON Pointer does.
fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

/// A segment in JSON Pointer's writing (RFC 6901, section 3).
#[must_use]
pub fn escape_segment(segment: &str) -> String {
    if segment.contains(['~', '/']) { segment.replace('~', "~0").replace('/', "~1") } else { segment.to_owned() }
}

/// Whether one segment of a citation covers one of a place. `Child` covers `Child[2]` too.
fn covers(cited: &str, place: &str) -> bool {
    cited == "*"
        || cited == place
        || (place.ends_with(']') && !cited.ends_with(']') && place.split('[').next() == Some(cited))
        || (cited.ends_with("[*]") && place.split('[').next() == cited.split('[').next())
}

impl<'a> Checks<'a> {
    /// None yet.
    #[must_use]
    pub fn new(context: &Context<'a>) -> Self {
        let read = |cite: &Cite| (segments(&cite.pointer), Arc::from(cite.clauses.as_slice()));
        Self {
            prefix: context.prefix,
            cites: context.cite.iter().map(read).collect(),
            fallback: Arc::from(context.fallback),
            list: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// The check of a place. `own` is what `$clause` says there.
    pub fn at(&mut self, path: &[String], own: Option<&Arc<[ClauseId]>>, loose: bool) -> CheckIndex {
        let clauses = own.map_or_else(|| self.cited(path), Arc::clone);
        let mut name = self.prefix.to_owned();
        for segment in path {
            name.push('/');
            name.push_str(&escape_segment(segment));
        }
        let next = self.list.len();
        let index = *self.known.entry((name.clone(), Arc::clone(&clauses))).or_insert(next);
        match self.list.get_mut(index) {
            // A place that is also checked firmly is not loose.
            Some(check) => check.loose &= loose,
            None => self.list.push(CheckDef { name, clauses, loose }),
        }
        index
    }

    fn cited(&self, path: &[String]) -> Arc<[ClauseId]> {
        let matching = self.cites.iter().filter(|(cited, _)| {
            cited.len() <= path.len() && cited.iter().zip(path).all(|(cited, place)| covers(cited, place))
        });
        // Of equally long ones the one with the fewest stars is the closest; then the first written.
        let stars = |cited: &[String]| cited.iter().filter(|segment| *segment == "*").count();
        matching
            .min_by_key(|(cited, _)| (usize::MAX - cited.len(), stars(cited)))
            .map_or_else(|| Arc::clone(&self.fallback), |(_, clauses)| Arc::clone(clauses))
    }

    /// All of them.
    #[must_use]
    pub fn finish(self) -> Vec<CheckDef> {
        self.list
    }
}

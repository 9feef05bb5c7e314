//! Checks and how often they held: [`CheckDefs`] lists those of a pattern, [`Tallies`] counts them.
//!
//! A comparison of a few hundred bytes has some thirty checks, and all of them are written down. So that none costs an
//! allocation, the names of a pattern are one text, and a tally shares the list with the pattern that it is of.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::id::ClauseId;

/// Index into the checks of a pattern.
pub type CheckIndex = usize;

/// A check that can be made: its name, what it proves, and whether it accepts anything that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckDef<'a> {
    /// Stable name: part and place, indices that depend on the answer as `*` (`json:/Results/*/Id`).
    pub name: &'a str,
    /// Clauses that it proves.
    pub clauses: &'a Arc<[ClauseId]>,
    /// True when it accepts anything that is there: `$any`, `$unchecked`, `$type`.
    pub loose: bool,
}

/// Checks by index.
#[derive(Clone, Default)]
pub struct CheckDefs {
    /// Every name, one behind the other.
    names: String,
    list: Vec<Def>,
    /// Lists of clauses, which many checks share.
    clauses: Vec<Arc<[ClauseId]>>,
    /// Some have other clauses than they were made with.
    recited: bool,
    /// Several patterns have these checks, and what is worked out once is worth keeping.
    again: OnceLock<()>,
    written: OnceLock<Written>,
    proven: OnceLock<Vec<u32>>,
}

/// How a record tells that each of many checks of a step held once.
#[derive(Clone, Debug)]
struct Written {
    step: Box<str>,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Def {
    /// Where its name begins and ends.
    start: usize,
    end: usize,
    clauses: usize,
    loose: bool,
}

impl CheckDefs {
    /// None yet, and room for so many.
    #[must_use]
    pub(crate) fn with_capacity(checks: usize) -> Self {
        let (names, list) = (String::with_capacity(checks * 24), Vec::with_capacity(checks));
        Self { names, list, ..Self::default() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// One of them.
    ///
    /// # Panics
    /// If there is none with this index.
    #[must_use]
    pub fn get(&self, index: CheckIndex) -> CheckDef<'_> {
        let Def { start, end, clauses, loose } = self.list[index];
        CheckDef { name: &self.names[start..end], clauses: &self.clauses[clauses], loose }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = CheckDef<'_>> {
        (0..self.list.len()).map(|index| self.get(index))
    }

    /// A list of clauses that checks may have, by its number.
    pub(crate) fn cite(&mut self, clauses: Arc<[ClauseId]>) -> usize {
        self.clauses.push(clauses);
        self.clauses.len() - 1
    }

    /// One more, whose name is written by a function.
    pub(crate) fn push(&mut self, name: impl FnOnce(&mut String), clauses: usize, loose: bool) -> CheckIndex {
        let start = self.names.len();
        name(&mut self.names);
        self.list.push(Def { start, end: self.names.len(), clauses, loose });
        self.list.len() - 1
    }

    /// Takes the last one back.
    pub(crate) fn pop(&mut self) {
        if let Some(last) = self.list.pop() {
            self.names.truncate(last.start);
        }
    }

    /// Whether every check has a clause.
    pub(crate) fn all_prove_something(&self) -> bool {
        self.list.iter().all(|def| !self.clauses[def.clauses].is_empty())
    }

    /// Says of a check that it is not loose.
    pub(crate) fn tighten(&mut self, index: CheckIndex) {
        self.list[index].loose = false;
    }

    /// Gives a check other clauses.
    pub(crate) fn recite(&mut self, index: CheckIndex, clauses: Arc<[ClauseId]>) {
        self.list[index].clauses = self.cite(clauses);
        self.recited = true;
    }

    /// How a record tells that each of them held once in a step, unless it was worked out for another step before.
    pub(crate) fn written(&self, step: &str, write: impl FnOnce() -> Vec<u8>) -> Option<&[u8]> {
        let written = self.written.get_or_init(|| Written { step: step.into(), bytes: write() });
        (*written.step == *step).then_some(&written.bytes)
    }

    /// The lists of clauses that checks have, and how many have each.
    pub(crate) fn proven(&self) -> impl Iterator<Item = (&Arc<[ClauseId]>, u32)> {
        let counts = self.proven.get_or_init(|| {
            let mut counts = vec![0; self.clauses.len()];
            self.list.iter().for_each(|def| counts[def.clauses] += 1);
            counts
        });
        self.clauses.iter().zip(counts).filter(|(_, count)| **count > 0).map(|(clauses, count)| (clauses, *count))
    }

    /// Whether every check has the clauses that it was made with.
    pub(crate) fn as_written(&self) -> bool {
        !self.recited
    }

    /// Another pattern has the same checks.
    pub(crate) fn come_again(&self) {
        self.again.get_or_init(|| ());
    }

    /// One more with a name and clauses of its own. Clauses that the last one has are shared.
    pub(crate) fn add(&mut self, check: CheckDef<'_>) {
        let last = self.clauses.last().filter(|last| Arc::ptr_eq(last, check.clauses) || *last == check.clauses);
        let clauses = match last {
            Some(_) => self.clauses.len() - 1,
            None => self.cite(Arc::clone(check.clauses)),
        };
        self.push(|names| names.push_str(check.name), clauses, check.loose);
    }
}

impl std::fmt::Debug for CheckDefs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// How often a check ran and held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CheckTally<'a> {
    /// Id of the step.
    pub step: &'a str,
    /// The check's stable name, as in [`Mismatch::check`](super::judgement::Mismatch::check).
    pub check: &'a str,
    /// The clauses that it proves.
    pub clauses: &'a Arc<[ClauseId]>,
    /// Times it held.
    pub held: u32,
    /// Times it did not.
    pub violated: u32,
    /// True when it accepts anything that is there (`$any`, `$unchecked`, `$type`): deliberately loose.
    pub loose: bool,
}

/// Every check that ran, in the order in which they did.
#[derive(Clone, Default)]
pub struct Tallies {
    groups: Vec<Group>,
}

/// Checks of one pattern, or some that stand alone.
#[derive(Clone)]
pub(crate) struct Group {
    step: Arc<str>,
    checks: Arc<CheckDefs>,
    /// How often each held and was violated; `None`: each held once.
    counts: Option<Vec<(u32, u32)>>,
    /// Those of a pattern that did neither did not run.
    pattern: bool,
}

impl Group {
    /// Id of their step.
    pub(crate) fn step(&self) -> &str {
        &self.step
    }

    /// The list of checks, if it has been met before and each held once.
    pub(crate) fn held_again(&self) -> Option<&CheckDefs> {
        let again = self.pattern && self.checks.again.get().is_some();
        let each_once = |counts: &[(u32, u32)]| counts.iter().all(|counts| *counts == (1, 0));
        (again && self.counts.as_deref().is_none_or(each_once)).then_some(&*self.checks)
    }

    /// Every check that ran.
    pub(crate) fn iter(&self) -> impl Iterator<Item = CheckTally<'_>> {
        let counts = |index| self.counts.as_ref().map_or((1, 0), |counts| counts[index]);
        self.checks.iter().enumerate().filter_map(move |(index, CheckDef { name, clauses, loose })| {
            let (held, violated) = counts(index);
            let ran = !self.pattern || held > 0 || violated > 0;
            ran.then(|| CheckTally { step: &self.step, check: name, clauses, held, violated, loose })
        })
    }
}

impl Tallies {
    /// Every check that ran.
    pub fn iter(&self) -> impl Iterator<Item = CheckTally<'_>> {
        self.groups.iter().flat_map(Group::iter)
    }

    /// The same in groups: the checks of one pattern, or some that stand alone.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }

    /// Whether none ran.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// One check of a step.
    pub fn add(&mut self, tally: CheckTally<'_>) {
        let check = CheckDef { name: tally.check, clauses: tally.clauses, loose: tally.loose };
        let counts = (tally.held, tally.violated);
        if let Some(last) = self.groups.last_mut()
            && !last.pattern
            && *last.step == *tally.step
            && let (Some(checks), Some(all)) = (Arc::get_mut(&mut last.checks), &mut last.counts)
        {
            checks.add(check);
            all.push(counts);
            return;
        }
        let mut checks = CheckDefs::default();
        checks.add(check);
        let step = self.step(tally.step);
        self.groups.push(Group { step, checks: Arc::new(checks), counts: Some(vec![counts]), pattern: false });
    }

    /// The checks of a pattern, and how often each held and was violated. One that did neither did not run.
    pub(crate) fn count(&mut self, step: &str, checks: &Arc<CheckDefs>, counts: Vec<(u32, u32)>) {
        debug_assert_eq!(checks.len(), counts.len());
        let (step, counts) = (self.step(step), Some(counts));
        self.groups.push(Group { step, checks: Arc::clone(checks), counts, pattern: true });
    }

    /// The checks of a pattern, each of which held once.
    pub(crate) fn count_each_once(&mut self, step: &str, checks: &Arc<CheckDefs>) {
        let step = self.step(step);
        self.groups.push(Group { step, checks: Arc::clone(checks), counts: None, pattern: true });
    }

    fn step(&self, step: &str) -> Arc<str> {
        match self.groups.last() {
            Some(last) if *last.step == *step => Arc::clone(&last.step),
            _ => step.into(),
        }
    }

    /// Adds those of another comparison.
    pub(crate) fn append(&mut self, mut other: Self) {
        if self.groups.is_empty() {
            *self = other;
        } else {
            self.groups.append(&mut other.groups);
        }
    }

    /// Forgets them.
    pub(crate) fn clear(&mut self) {
        self.groups.clear();
    }
}

impl PartialEq for Tallies {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Tallies {}

impl std::fmt::Debug for Tallies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> FromIterator<CheckTally<'a>> for Tallies {
    fn from_iter<I: IntoIterator<Item = CheckTally<'a>>>(all: I) -> Self {
        let mut tallies = Self::default();
        all.into_iter().for_each(|each| tallies.add(each));
        tallies
    }
}

impl Serialize for Tallies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Tallies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// A tally as it is read.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Read {
            step: String,
            check: String,
            clauses: Arc<[ClauseId]>,
            held: u32,
            violated: u32,
            #[serde(default)]
            loose: bool,
        }

        struct All;

        impl<'de> serde::de::Visitor<'de> for All {
            type Value = Tallies;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of checks")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Tallies, A::Error> {
                let mut all = Tallies::default();
                while let Some(Read { step, check, clauses, held, violated, loose }) = list.next_element()? {
                    all.add(CheckTally { step: &step, check: &check, clauses: &clauses, held, violated, loose });
                }
                Ok(all)
            }
        }

        deserializer.deserialize_seq(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clauses(ids: &[&str]) -> Arc<[ClauseId]> {
        ids.iter().map(|id| ClauseId::new(id)).collect()
    }

    #[test]
    fn what_is_counted_in_groups_reads_as_one_list() {
        let (one, two) = (clauses(&["A"]), clauses(&["A", "B"]));
        let tally = |step, check, clauses, held, violated| CheckTally {
            step,
            check,
            clauses,
            held,
            violated,
            loose: check == "json:/b",
        };
        let mut defs = CheckDefs::with_capacity(2);
        let (first, second) = (defs.cite(one.clone()), defs.cite(two.clone()));
        defs.push(|name| name.push_str("json:/a"), first, false);
        defs.push(|name| name.push_str("json:/b"), second, true);
        defs.push(|name| name.push_str("json:/c"), second, false);
        let defs = Arc::new(defs);
        let mut tallies = Tallies::default();
        tallies.add(tally("main", "status", &one, 1, 0));
        tallies.add(tally("main", "header:x", &one, 0, 1));
        tallies.count("main", &defs, vec![(1, 0), (2, 3), (0, 0)]);
        tallies.add(tally("later", "status", &two, 1, 0));
        let all = [
            tally("main", "status", &one, 1, 0),
            tally("main", "header:x", &one, 0, 1),
            tally("main", "json:/a", &one, 1, 0),
            tally("main", "json:/b", &two, 2, 3),
            tally("later", "status", &two, 1, 0),
        ];
        assert!(tallies.iter().eq(all), "{tallies:?}");
        assert_eq!(tallies, all.into_iter().collect());
        let text = serde_json::to_string(&tallies).unwrap();
        assert!(
            text.contains(
                r#"{"step":"main","check":"json:/b","clauses":["A","B"],"held":2,"violated":3,"loose":true}"#
            )
        );
        assert_eq!(serde_json::from_str::<Tallies>(&text).unwrap(), tallies);
        assert!(serde_json::from_str::<Tallies>(r#"[{"step":"a"}]"#).is_err());
    }

    #[test]
    fn a_check_that_is_taken_back_leaves_nothing() {
        let mut defs = CheckDefs::default();
        let none = defs.cite(clauses(&[]));
        defs.push(|name| name.push_str("one"), none, false);
        defs.push(|name| name.push_str("two"), none, false);
        defs.pop();
        defs.push(|name| name.push_str("three"), none, false);
        assert_eq!(defs.iter().map(|check| check.name).collect::<Vec<_>>(), ["one", "three"]);
    }
}

//! Names and clauses of checks: [`Checks`] is filled while a pattern is compiled.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::Context;
use crate::model::id::ClauseId;
use crate::model::spec::Cite;
use crate::model::tally::{CheckDefs, CheckIndex};

/// Segments of a place, and the number of the list of clauses that is cited there.
type Cited<'a> = (Vec<Cow<'a, str>>, usize);

/// The checks of a pattern under construction. Equal name and clauses are one check.
pub struct Checks<'a> {
    prefix: &'a str,
    cites: Vec<Cited<'a>>,
    /// The number of the list of clauses of a place that nothing is cited for.
    fallback: usize,
    defs: CheckDefs,
    /// The hash of each check's name, of those that were looked through so far.
    hashes: Vec<u64>,
    /// Of many checks, the last one of each hash, and for each check the one before it with the same hash.
    known: HashMap<u64, CheckIndex, BuildHasherDefault<Hashed>>,
    before: Vec<Option<CheckIndex>>,
    /// The list that these checks come to unless one is [uneven](Self::uneven), and how many came so far.
    ready: Option<(Arc<CheckDefs>, usize)>,
    /// No value that was inserted spoke of more than one place.
    pub(super) even: bool,
}

/// Up to so many checks are looked through one by one.
const FEW: usize = 64;

/// A name's hash. Names come from files of cases and have few equals; what is looked up is compared as a whole.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Hashes what is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Segments of a pointer or XML path, unescaped as JSON Pointer does.
fn segments(pointer: &str) -> Vec<Cow<'_, str>> {
    let unescaped = |segment: &str| segment.replace("~1", "/").replace("~0", "~");
    let segments = pointer.split('/').skip(1);
    segments.map(|each| if each.contains('~') { unescaped(each).into() } else { each.into() }).collect()
}

/// A segment in JSON Pointer's writing (RFC 6901, section 3).
#[must_use]
pub fn escape_segment(segment: &str) -> String {
    if segment.contains(['~', '/']) { segment.replace('~', "~0").replace('/', "~1") } else { segment.to_owned() }
}

/// Whether one segment of a citation covers one of a place. `Child` covers `Child[2]` too.
fn covers(cited: &str, place: &str) -> bool {
    if cited == "*" || cited == place {
        return true;
    }
    // Only a position is left, and nearly nothing has one.
    let positioned = |segment: &str| segment.as_bytes().last() == Some(&b']');
    if !positioned(cited) && !positioned(place) {
        return false;
    }
    (place.ends_with(']') && !cited.ends_with(']') && place.split('[').next() == Some(cited))
        || (cited.ends_with("[*]") && place.split('[').next() == cited.split('[').next())
}

impl<'a> Checks<'a> {
    /// None yet.
    #[must_use]
    pub fn new(context: &Context<'a>) -> Self {
        let mut defs = CheckDefs::with_capacity(FEW / 2);
        let fallback = defs.cite(Arc::from(context.fallback));
        let read = |cite: &'a Cite| (segments(&cite.pointer), defs.cite(Arc::from(cite.clauses.as_slice())));
        let cites = context.cite.iter().map(read).collect();
        Self { cites, fallback, defs, ..Self::none(context.prefix) }
    }

    fn none(prefix: &'a str) -> Self {
        Self {
            prefix,
            cites: Vec::new(),
            fallback: 0,
            defs: CheckDefs::default(),
            hashes: Vec::new(),
            known: HashMap::default(),
            before: Vec::new(),
            ready: None,
            even: true,
        }
    }

    /// Those that an equal pattern came to.
    pub(super) fn ready(context: &Context<'a>, checks: Arc<CheckDefs>) -> Self {
        Self { ready: Some((checks, 0)), ..Self::none(context.prefix) }
    }

    /// A value that was inserted speaks of several places, of which no list that was ready knows.
    pub(super) fn uneven(&mut self, context: &Context<'a>) {
        if let Some((ready, count)) = self.ready.take() {
            *self = Self::new(context);
            ready.iter().take(count).for_each(|check| self.defs.add(check));
        }
        self.even = false;
    }

    /// The check of a place. `own` is what `$clause` says there.
    pub fn at(&mut self, path: &[impl AsRef<str>], own: Option<&Arc<[ClauseId]>>, loose: bool) -> CheckIndex {
        self.hash_all();
        let index = self.once(path, own, loose);
        let check = self.defs.get(index);
        let hash = hash(check.name);
        let is_it = |other: &CheckIndex| {
            let other = self.defs.get(*other);
            other.name == check.name && (Arc::ptr_eq(other.clauses, check.clauses) || other.clauses == check.clauses)
        };
        let found = if self.hashes.len() <= FEW {
            let same = self.hashes.iter().enumerate().filter(|(_, other)| **other == hash);
            same.map(|(index, _)| index).find(is_it)
        } else {
            std::iter::successors(self.known.get(&hash).copied(), |index| self.before[*index]).find(is_it)
        };
        if let Some(found) = found {
            self.defs.pop();
            // A place that is also checked firmly is not loose.
            if !loose {
                self.defs.tighten(found);
            }
            return found;
        }
        index
    }

    /// As [`Self::at`], for a place of which nothing has been asked before: it need not be looked for.
    pub fn once(&mut self, path: &[impl AsRef<str>], own: Option<&Arc<[ClauseId]>>, loose: bool) -> CheckIndex {
        if let Some((_, count)) = &mut self.ready {
            *count += 1;
            return *count - 1;
        }
        let clauses = match own {
            Some(own) => self.defs.cite(Arc::clone(own)),
            None => self.cited(path),
        };
        let write = |name: &mut String| {
            name.push_str(self.prefix);
            for segment in path {
                let segment = segment.as_ref();
                name.push('/');
                if segment.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
                    name.push_str(&escape_segment(segment));
                } else {
                    name.push_str(segment);
                }
            }
        };
        self.defs.push(write, clauses, loose)
    }

    /// Hashes the names that came since the last look.
    fn hash_all(&mut self) {
        for index in self.hashes.len()..self.defs.len() {
            self.hashes.push(hash(self.defs.get(index).name));
        }
        if self.hashes.len() > FEW {
            // The first time all of them, then one by one.
            for (index, hash) in self.hashes.iter().enumerate().skip(self.before.len()) {
                self.before.push(self.known.insert(*hash, index));
            }
        }
    }

    fn cited(&self, path: &[impl AsRef<str>]) -> usize {
        let matching = self.cites.iter().filter(|(cited, _)| {
            cited.len() <= path.len() && cited.iter().zip(path).all(|(cited, place)| covers(cited, place.as_ref()))
        });
        // Of equally long ones the one with the fewest stars is the closest; then the first written.
        let stars = |cited: &[Cow<'_, str>]| cited.iter().filter(|segment| *segment == "*").count();
        matching
            .min_by_key(|(cited, _)| (usize::MAX - cited.len(), stars(cited)))
            .map_or(self.fallback, |(_, clauses)| *clauses)
    }

    /// All of them. An array or object that nothing gives a clause proves what is below it: when it is
    /// missing, so is all of that.
    #[must_use]
    pub fn finish(mut self) -> Arc<CheckDefs> {
        if let Some((ready, count)) = self.ready {
            debug_assert_eq!(ready.len(), count);
            return ready;
        }
        if self.defs.all_prove_something() {
            return Arc::new(self.defs);
        }
        let bare: HashMap<&str, CheckIndex> = (self.defs.iter().enumerate())
            .filter(|(_, check)| check.clauses.is_empty())
            .map(|(index, check)| (check.name, index))
            .collect();
        let mut gathered: HashMap<CheckIndex, Vec<ClauseId>> = HashMap::new();
        for check in self.defs.iter() {
            for (end, _) in check.name.match_indices('/').filter(|_| !check.clauses.is_empty()) {
                if let Some(index) = bare.get(&check.name[..end]) {
                    let clauses = gathered.entry(*index).or_default();
                    clauses.extend(
                        check.clauses.iter().filter(|clause| !clauses.contains(clause)).cloned().collect::<Vec<_>>(),
                    );
                }
            }
        }
        for (index, clauses) in gathered {
            self.defs.recite(index, clauses.into());
        }
        Arc::new(self.defs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::spec::Extra;

    fn clauses(cites: &[(&str, &str)], fallback: &[&str], path: &[&str]) -> String {
        let cite: Vec<Cite> = cites
            .iter()
            .map(|(pointer, id)| Cite { pointer: (*pointer).to_owned(), clauses: vec![ClauseId::new(id)] })
            .collect();
        let fallback: Vec<ClauseId> = fallback.iter().map(|id| ClauseId::new(id)).collect();
        let context =
            Context { prefix: "p:", cite: &cite, fallback: &fallback, extra: Extra::Fail, strict: false, choices: &[] };
        let mut checks = Checks::new(&context);
        let path: Vec<String> = path.iter().map(|segment| (*segment).to_owned()).collect();
        let index = checks.at(&path, None, false);
        let more: Vec<String> = path.iter().cloned().chain(["leaf".to_owned()]).collect();
        checks.at(&more, Some(&Arc::from([ClauseId::new("LEAF")])), false);
        let list = checks.finish();
        let check = list.get(index);
        let ids: Vec<&str> = check.clauses.iter().map(ClauseId::as_str).collect();
        format!("{} {}", check.name, ids.join("+"))
    }

    #[test]
    fn a_place_that_comes_again_is_the_same_check_among_few_and_many() {
        let context =
            Context { prefix: "p:", cite: &[], fallback: &[], extra: Extra::Fail, strict: false, choices: &[] };
        let mut checks = Checks::new(&context);
        for round in 0..2 {
            for number in 0..3 * FEW {
                assert_eq!(checks.at(&[number.to_string()], None, round == 0), number);
            }
        }
        let own = Arc::from([ClauseId::new("OWN")]);
        assert_eq!(checks.at(&["0"], Some(&own), true), 3 * FEW, "other clauses are another check");
        let list = checks.finish();
        assert!(list.iter().take(3 * FEW).all(|check| !check.loose) && list.get(3 * FEW).loose);
    }

    #[test]
    fn the_longest_citation_wins() {
        let cites = [("/a", "A"), ("/a/*/b", "STAR"), ("/a/0/b", "ZERO"), ("/x~1y", "ESCAPED"), ("/R/C/@k", "ATTR")];
        for (path, expected) in [
            (&["a"][..], "p:/a A"),
            (&["a", "1", "b"], "p:/a/1/b STAR"),
            (&["a", "*", "b", "c"], "p:/a/*/b/c STAR"),
            (&["a", "0", "b"], "p:/a/0/b ZERO"),
            (&["a", "0", "bb"], "p:/a/0/bb A"),
            (&["x/y"], "p:/x~1y ESCAPED"),
            (&["R", "C[2]", "@k"], "p:/R/C[2]/@k ATTR"),
            (&["R", "CC[2]", "@k"], "p:/R/CC[2]/@k F"),
            (&[], "p: F"),
        ] {
            assert_eq!(clauses(&cites, &["F"], path), expected);
        }
        assert_eq!(clauses(&[], &[], &["a"]), "p:/a LEAF");
    }
}

//! Finds any of some hundred texts: [`Needles`].
//!
//! An automaton for them takes longer to build than a run of a few cases takes, and is slower on ordinary text than
//! looking up the few bytes that every needle begins with.

use super::SHORTEST;

/// Size of the table that first bytes are looked up in, as a power of two.
const BITS: u32 = 12;

/// How many first bytes are looked up.
const HEAD: usize = SHORTEST;

/// A set of texts of at least [`SHORTEST`] bytes, each with the number of what stands in its place.
#[derive(Clone, Debug)]
pub(super) struct Needles {
    /// By bucket, the longest first.
    sorted: Vec<(String, u32)>,
    /// Where each bucket begins in `sorted`, and where the last one ends.
    buckets: Vec<u32>,
    /// A bit for each value of a wider hash: most places need no look at a bucket.
    filter: Vec<u64>,
    longest: usize,
}

/// A needle in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it begins.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// What stands in its place.
    pub(super) name: u32,
}

fn hash(head: &[u8; HEAD]) -> usize {
    let mut wide = [0; 8];
    wide[..HEAD].copy_from_slice(head);
    // Fibonacci hashing; the upper bits are the mixed ones.
    (u64::from_le_bytes(wide).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize
}

fn bucket(hash: usize) -> usize {
    hash >> (16 - BITS)
}

impl Needles {
    /// Of equal texts the first counts. A text shorter than [`SHORTEST`] is never found.
    pub(super) fn new(needles: Vec<(String, u32)>) -> Self {
        let mut keyed: Vec<(usize, String, u32)> = needles
            .into_iter()
            .filter_map(|(text, name)| Some((hash(text.as_bytes().first_chunk()?), text, name)))
            .collect();
        // The sort is stable: of equal texts the first stays the first.
        keyed.sort_by(|a, b| {
            (bucket(a.0), std::cmp::Reverse(a.1.len()), &a.1).cmp(&(bucket(b.0), std::cmp::Reverse(b.1.len()), &b.1))
        });
        keyed.dedup_by(|later, first| later.1 == first.1);
        if keyed.is_empty() {
            return Self { sorted: Vec::new(), buckets: Vec::new(), filter: Vec::new(), longest: 0 };
        }
        let mut filter = vec![0; 1 << 10];
        let mut buckets = vec![0; (1 << BITS) + 1];
        for (hash, _, _) in &keyed {
            filter[hash >> 6] |= 1_u64 << (hash & 63);
            buckets[bucket(*hash) + 1] += 1;
        }
        for at in 1..buckets.len() {
            buckets[at] += buckets[at - 1];
        }
        let longest = keyed.iter().map(|(_, text, _)| text.len()).max().unwrap_or(0);
        Self { sorted: keyed.into_iter().map(|(_, text, name)| (text, name)).collect(), buckets, filter, longest }
    }

    /// Every text, in an order that makes the same of it again.
    pub(super) fn texts(&self) -> Vec<(String, u32)> {
        self.sorted.clone()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The needles that may begin with these bytes, the longest first.
    fn candidates(&self, head: &[u8; HEAD]) -> &[(String, u32)] {
        let hash = hash(head);
        if self.filter[hash >> 6] & (1 << (hash & 63)) == 0 {
            return &[];
        }
        let bucket = bucket(hash);
        &self.sorted[self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize]
    }

    /// The first needle at or behind a place; of those that begin there, the longest.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<Found> {
        if self.is_empty() {
            return None;
        }
        let heads = text.get(from..)?.windows(HEAD).enumerate();
        for (at, head) in heads {
            let start = from + at;
            let Ok(head) = head.try_into() else { continue };
            for (needle, name) in self.candidates(head) {
                if text[start..].starts_with(needle.as_bytes()) {
                    return Some(Found { start, end: start + needle.len(), name: *name });
                }
            }
        }
        None
    }

    /// The longest needle that begins at a place.
    fn at(&self, text: &[u8], start: usize) -> Option<Found> {
        let rest = text.get(start..)?;
        let (needle, name) =
            self.candidates(rest.first_chunk()?).iter().find(|(needle, _)| rest.starts_with(needle.as_bytes()))?;
        Some(Found { start, end: start + needle.len(), name: *name })
    }

    /// Every needle, from left to right. Those that overlap are one, so that no half of the second stays.
    pub(super) fn find_all<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Found> + 'a {
        let mut from = 0;
        std::iter::from_fn(move || {
            let mut found = self.find(text, from)?;
            let mut inside = found.start + 1;
            while inside < found.end {
                if let Some(other) = self.at(text, inside) {
                    found.end = found.end.max(other.end);
                }
                inside += 1;
            }
            from = found.end;
            Some(found)
        })
    }

    /// The longest beginning of a needle, not the whole of it, that a text ends with.
    pub(super) fn begun(&self, text: &[u8]) -> Option<Found> {
        let first = (text.len() + 1).saturating_sub(self.longest);
        for start in first..(text.len() + 1).saturating_sub(HEAD) {
            let rest = &text[start..];
            let Some(head) = rest.first_chunk() else { continue };
            let begins = |needle: &&(String, u32)| needle.0.len() > rest.len() && needle.0.as_bytes().starts_with(rest);
            if let Some((_, name)) = self.candidates(head).iter().find(begins) {
                return Some(Found { start, end: text.len(), name: *name });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needles(texts: &[&str]) -> Needles {
        Needles::new(texts.iter().zip(0..).map(|(text, name)| ((*text).to_owned(), name)).collect())
    }

    #[test]
    fn the_leftmost_is_found_and_of_those_the_longest() {
        let needles = needles(&["secret", "secret-one", "cret-onetwo", "short", "secret"]);
        let found: Vec<_> = needles.find_all(b"a secret-onetwo secret-on secret").collect();
        let at = |start, end, name| Found { start, end, name };
        assert_eq!(found, [at(2, 15, 1), at(16, 22, 0), at(26, 32, 0)], "of two that overlap no half is left");
        assert_eq!(needles.find(b"secre short", 0), None, "too short a needle is none");
        assert_eq!(Needles::new(Vec::new()).find(b"anything", 0), None);
        assert_eq!(needles.find(b"", 0), None);
    }

    #[test]
    fn the_beginning_of_a_needle_is_found_at_the_end() {
        let needles = needles(&["secret-one", "one-and-two"]);
        let begun = |text: &[u8]| needles.begun(text).map(|found| (found.start, found.name));
        assert_eq!(begun(b"a secret"), Some((2, 0)));
        assert_eq!(begun(b"a secre"), None, "could be anything");
        assert_eq!(begun(b"secret-one"), None, "is whole");
        assert_eq!(begun(b"secret-one-and"), Some((7, 1)));
        assert_eq!(begun(b""), None);
    }

    proptest::proptest! {
        /// As an automaton finds them; those that overlap are one.
        #[test]
        fn nothing_is_overlooked(texts in proptest::collection::vec("[ab]{6,9}", 1..20), text in "[abc]{0,80}") {
            let needles = needles(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            let automaton = aho_corasick::AhoCorasick::new(&texts).expect("an automaton");
            let mut all: Vec<_> =
                automaton.find_overlapping_iter(&text).map(|found| (found.start(), found.end())).collect();
            all.sort_unstable();
            let mut expected: Vec<(usize, usize)> = Vec::new();
            for (start, end) in all {
                match expected.last_mut() {
                    Some(last) if start < last.1 => last.1 = last.1.max(end),
                    _ => expected.push((start, end)),
                }
            }
            let found: Vec<_> = needles.find_all(text.as_bytes()).map(|found| (found.start, found.end)).collect();
            assert_eq!(found, expected);
        }
    }
}

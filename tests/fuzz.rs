//! The fuzz targets of `fuzz/` on a stable compiler: their corpora, mutated by a seeded generator.
//!
//! By default each target sees a few hundred inputs; `FUZZ_SECONDS=600` gives each that long, and `FUZZ_TARGET=json`
//! chooses one. For a search that is guided by coverage use cargo-fuzz, as `fuzz/README.md` says.

use std::fs;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is a crate of its own for cargo-fuzz")]
mod bodies;

/// Inputs of a target, unless a time is given.
const INPUTS: u64 = 300;

/// Longest input, in bytes.
const LARGEST: usize = 16 << 10;

/// Pieces that mean something to somebody.
const WORDS: &[&str] = &[
    "\n%%\n",
    "${",
    "}",
    "$${",
    "[[case]]",
    "[case.expect]",
    "json = '''",
    "\"$regex\"",
    "{\"$any\": true}",
    "\"$one_of\"",
    "\"$each\"",
    "\"$per\"",
    "cb:per=\"\"",
    "<a>",
    "</a>",
    "<![CDATA[",
    "<!DOCTYPE a>",
    "&lt;",
    "&#0;",
    "\\u0000",
    "\\ud800",
    "1e999999999",
    "-0",
    "18446744073709551616",
    "[[[[[[[[",
    "{\"a\":",
    "\u{feff}",
    "\u{2028}",
    "\r\n",
    "\0",
    "%2",
    "a=b&",
    "\"line\":\"case\"",
    "null",
    "true",
    "''",
    "\"\"",
    "../../x",
    "*",
    "?",
    "[",
    "${g.list[9]}",
    "| upper",
    "repeat(",
    "0..99",
];

/// A small generator (SplitMix64): the same seed finds the same again.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("it is below a usize")
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).expect("an input")).collect()
}

fn mutated(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(6) {
        let at = dice.below(input.len() + 1);
        let end = (at + dice.below(24)).min(input.len());
        match dice.below(7) {
            0 if at < input.len() => input[at] ^= 1 << dice.below(8),
            1 => drop(input.splice(at..at, WORDS[dice.below(WORDS.len())].bytes())),
            2 => drop(input.splice(at..end, WORDS[dice.below(WORDS.len())].bytes())),
            3 => drop(input.drain(at..end)),
            4 => {
                let piece = input[at..end].repeat(1 + dice.below(8));
                input.splice(at..at, piece);
            }
            5 => {
                let other = &corpus[dice.below(corpus.len())];
                let from = dice.below(other.len());
                let piece = other[from..(from + dice.below(200)).min(other.len())].to_vec();
                input.splice(at..end, piece);
            }
            _ => input.truncate(at.max(1)),
        }
    }
    input.truncate(LARGEST);
    input
}

fn search(name: &str) {
    if std::env::var("FUZZ_TARGET").is_ok_and(|only| only != name) {
        return;
    }
    let (_, body) = bodies::TARGETS.iter().find(|(target, _)| *target == name).expect("a target");
    let corpus = corpus(name);
    let time = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let began = Instant::now();
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut dice = Dice(seed);
    let (mut seen, mut good) = (0, 0_u64);
    while time.map_or(seen < INPUTS, |time| began.elapsed() < time) {
        // First what is committed, as it is.
        let input = match corpus.get(usize::try_from(seen).unwrap_or(usize::MAX)) {
            Some(input) => input.clone(),
            None => mutated(&mut dice, &corpus),
        };
        let asked = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| body(&input)));
        let Ok(useful) = ended else { panic!("{name} panics on {:?}", String::from_utf8_lossy(&input)) };
        assert!(useful || seen >= corpus.len() as u64, "{name} refuses what is committed: {seen}");
        good += u64::from(useful);
        assert!(asked.elapsed() < bodies::LONGEST, "{name} hangs on {:?}", String::from_utf8_lossy(&input));
        seen += 1;
    }
    let told = format!(
        "{name}: {seen} inputs, {good} of them accepted, in {:.1} s, seed {seed}",
        began.elapsed().as_secs_f64()
    );
    // A test harness shows it with `--nocapture`.
    writeln!(std::io::stdout(), "{told}").expect("standard output");
}

#[test]
fn loader() {
    search("loader");
}

#[test]
fn template() {
    search("template");
}

#[test]
fn json() {
    search("json");
}

#[test]
fn xml() {
    search("xml");
}

#[test]
fn record() {
    search("record");
}

#[test]
fn redact() {
    search("redact");
}

//! Chooses the cases of a run: [`Selection`]. A pattern that matches nothing is an error, never an empty run.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobMatcher};
use sha2::{Digest, Sha256};

use crate::model::spec::Case;
use crate::model::suite::Suite;

/// What is asked for. Several patterns of one kind: any of them; several kinds: all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Parts of case ids, or globs over whole ids (`*` any text, `?` any character).
    pub patterns: Vec<String>,
    /// A tag expression: `smoke and not (slow or write)`.
    pub tags: Option<String>,
    /// Clause ids or globs over them.
    pub clauses: Vec<String>,
    /// Files, `path` or `path:line`.
    pub files: Vec<String>,
    /// Exactly these ids (of a former run).
    pub ids: Option<BTreeSet<String>>,
    /// One part of several: index from 1, and how many.
    pub shard: Option<(u32, u32)>,
    /// Order by this seed instead of by id.
    pub shuffle: Option<u64>,
}

/// Why nothing can be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// A pattern without a match.
    #[error("{kind} `{pattern}` matches no case{}", suggestion(.nearest))]
    NoMatch {
        /// What the pattern is.
        kind: &'static str,
        /// As written.
        pattern: String,
        /// Something that is there.
        nearest: Option<String>,
    },
    /// A glob or tag expression that cannot be read.
    #[error("{kind} `{pattern}`: {reason}")]
    Malformed {
        /// What the pattern is.
        kind: &'static str,
        /// As written.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Every pattern matches something, and no case matches all.
    #[error("no case matches all of the filters")]
    Empty,
    /// The suite has no case.
    #[error("the suite has no case")]
    NoCases,
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}

/// The selected cases as places in [`Suite::cases`], in the order in which they begin.
pub fn select(suite: &Suite, selection: &Selection) -> Result<Vec<usize>, SelectError> {
    if suite.cases.is_empty() {
        return Err(SelectError::NoCases);
    }
    let mut chosen = vec![true; suite.cases.len()];
    any_of(&mut chosen, suite, &selection.patterns, by_id)?;
    any_of(&mut chosen, suite, &selection.clauses, by_clause)?;
    any_of(&mut chosen, suite, &selection.files, by_file)?;
    if let Some(text) = &selection.tags {
        let expression = TagExpression::parse(text)?;
        expression.known(suite)?;
        for (keep, case) in chosen.iter_mut().zip(&suite.cases) {
            *keep &= expression.matches(&case.tags);
        }
    }
    if let Some(ids) = &selection.ids {
        for (keep, case) in chosen.iter_mut().zip(&suite.cases) {
            *keep &= ids.contains(case.id.as_str());
        }
    }
    let mut cases: Vec<usize> = (0..chosen.len()).filter(|&index| chosen[index]).collect();
    if cases.is_empty() {
        return Err(SelectError::Empty);
    }
    if let Some((index, count)) = selection.shard {
        cases.retain(|&at| shard_of(suite.cases[at].id.as_str(), count) == index);
    }
    if let Some(seed) = selection.shuffle {
        cases.sort_by_cached_key(|&at| hash(seed, suite.cases[at].id.as_str()));
    }
    Ok(cases)
}

/// How many of the selected cases fall into each of `count` shards.
///
/// # Errors
/// As [`select`].
pub fn shard_sizes(suite: &Suite, selection: &Selection, count: u32) -> Result<Vec<usize>, SelectError> {
    let all = select(suite, &Selection { shard: None, ..selection.clone() })?;
    let mut sizes = vec![0; count as usize];
    for at in all {
        let shard = shard_of(suite.cases[at].id.as_str(), count);
        sizes[shard as usize - 1] += 1;
    }
    Ok(sizes)
}

/// Which of `count` shards a case belongs to, from 1. Depends on its id alone, so that it stays there when other
/// cases come and go.
#[must_use]
pub fn shard_of(id: &str, count: u32) -> u32 {
    let digest = hash(0, id);
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u32::try_from(u64::from_be_bytes(first) % u64::from(count.max(1))).map_or(1, |rest| rest + 1)
}

fn hash(seed: u64, id: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(id.as_bytes());
    hash.finalize().into()
}

type Matches = Box<dyn Fn(&Case) -> bool>;

fn any_of(
    chosen: &mut [bool],
    suite: &Suite,
    patterns: &[String],
    matcher: fn(&str, &Suite) -> Result<Matches, SelectError>,
) -> Result<(), SelectError> {
    if patterns.is_empty() {
        return Ok(());
    }
    let mut any = vec![false; chosen.len()];
    for pattern in patterns {
        let matches = matcher(pattern, suite)?;
        let mut found = false;
        for (hit, case) in any.iter_mut().zip(&suite.cases) {
            if matches(case) {
                (*hit, found) = (true, true);
            }
        }
        if !found {
            return Err(no_match(pattern, suite));
        }
    }
    chosen.iter_mut().zip(any).for_each(|(keep, hit)| *keep &= hit);
    Ok(())
}

fn no_match(pattern: &str, suite: &Suite) -> SelectError {
    let ids = suite.cases.iter().map(|case| case.id.as_str());
    let clauses = suite.clauses.iter().map(|clause| clause.id.as_str());
    let files = suite.cases.iter().map(|case| &*case.source.file);
    let nearest = ids
        .chain(clauses)
        .chain(files)
        .map(|each| (strsim::jaro_winkler(pattern, each), each))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.75)
        .map(|(_, each)| each.to_owned());
    SelectError::NoMatch { kind: "filter", pattern: pattern.to_owned(), nearest }
}

fn by_id(pattern: &str, _: &Suite) -> Result<Matches, SelectError> {
    if pattern.contains(['*', '?']) {
        let glob = glob(pattern)?;
        return Ok(Box::new(move |case| {
            glob.is_match(case.id.as_str()) || case.aliases.iter().any(|alias| glob.is_match(alias))
        }));
    }
    let text = pattern.to_owned();
    Ok(Box::new(move |case| case.id.as_str().contains(&text) || case.aliases.iter().any(|alias| alias.contains(&text))))
}

fn by_clause(pattern: &str, _: &Suite) -> Result<Matches, SelectError> {
    let glob = glob(pattern)?;
    Ok(Box::new(move |case| case.cited().iter().any(|clause| glob.is_match(clause.as_str()))))
}

fn by_file(pattern: &str, suite: &Suite) -> Result<Matches, SelectError> {
    let (path, line) = match pattern.rsplit_once(':') {
        Some((path, line)) if !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit()) => {
            (path, line.parse::<u32>().ok())
        }
        _ => (pattern, None),
    };
    let path = path.trim_start_matches("./").to_owned();
    let in_file = move |case: &Case| {
        let file = case.source.file.trim_start_matches("./");
        file == path || file.ends_with(&format!("/{path}"))
    };
    let Some(line) = line else { return Ok(Box::new(in_file)) };
    // The case that the line is in begins at or before it; rows of one case share their line.
    let begins = suite.cases.iter().filter(|case| in_file(case)).map(|case| case.source.line);
    let start = begins.filter(|&start| start <= line).max();
    Ok(Box::new(move |case| in_file(case) && Some(case.source.line) == start))
}

/// A glob over an id. Brackets are literal: they are part of the ids of rows.
pub fn glob(pattern: &str) -> Result<GlobMatcher, SelectError> {
    let escaped: String = pattern
        .chars()
        .map(|c| match c {
            '[' => "[[]".to_owned(),
            ']' => "[]]".to_owned(),
            '{' => "[{]".to_owned(),
            '}' => "[}]".to_owned(),
            other => other.to_string(),
        })
        .collect();
    GlobBuilder::new(&escaped).build().map(|glob| glob.compile_matcher()).map_err(|error| SelectError::Malformed {
        kind: "glob",
        pattern: pattern.to_owned(),
        reason: error.to_string(),
    })
}

/// `a and not (b or c)`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TagExpression {
    Tag(String),
    Not(Box<TagExpression>),
    And(Box<TagExpression>, Box<TagExpression>),
    Or(Box<TagExpression>, Box<TagExpression>),
}

/// Deepest nesting of a tag expression.
const TAG_DEPTH: usize = 64;

impl TagExpression {
    fn parse(text: &str) -> Result<Self, SelectError> {
        let malformed =
            |reason: String| SelectError::Malformed { kind: "tag expression", pattern: text.to_owned(), reason };
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut at = 0;
        let expression = Self::any(&words, &mut at, 0).map_err(malformed)?;
        match words.get(at) {
            None => Ok(expression),
            Some(word) => Err(malformed(format!("`{word}` is not expected here; write `and`, `or` or `not`"))),
        }
    }

    fn any(words: &[&str], at: &mut usize, depth: usize) -> Result<Self, String> {
        let mut left = Self::all(words, at, depth)?;
        while words.get(*at) == Some(&"or") {
            *at += 1;
            left = Self::Or(Box::new(left), Box::new(Self::all(words, at, depth)?));
        }
        Ok(left)
    }

    fn all(words: &[&str], at: &mut usize, depth: usize) -> Result<Self, String> {
        let mut left = Self::one(words, at, depth)?;
        while words.get(*at) == Some(&"and") {
            *at += 1;
            left = Self::And(Box::new(left), Box::new(Self::one(words, at, depth)?));
        }
        Ok(left)
    }

    fn one(words: &[&str], at: &mut usize, depth: usize) -> Result<Self, String> {
        if depth > TAG_DEPTH {
            return Err("nested too deep".to_owned());
        }
        let word = *words.get(*at).ok_or("a tag is missing at the end")?;
        *at += 1;
        match word {
            "not" => Ok(Self::Not(Box::new(Self::one(words, at, depth + 1)?))),
            "(" => {
                let inner = Self::any(words, at, depth + 1)?;
                if words.get(*at) != Some(&")") {
                    return Err("`)` is missing".to_owned());
                }
                *at += 1;
                Ok(inner)
            }
            ")" | "and" | "or" => Err(format!("a tag is missing before `{word}`")),
            tag => Ok(Self::Tag(tag.to_owned())),
        }
    }

    fn matches(&self, tags: &[String]) -> bool {
        match self {
            Self::Tag(tag) => tags.contains(tag),
            Self::Not(inner) => !inner.matches(tags),
            Self::And(left, right) => left.matches(tags) && right.matches(tags),
            Self::Or(left, right) => left.matches(tags) || right.matches(tags),
        }
    }

    /// Every tag that is mentioned must be one that a case has: a misspelt `not slow` would select everything.
    fn known(&self, suite: &Suite) -> Result<(), SelectError> {
        match self {
            Self::Tag(tag) => {
                if suite.cases.iter().any(|case| case.tags.contains(tag)) {
                    return Ok(());
                }
                let nearest = suite
                    .cases
                    .iter()
                    .flat_map(|case| &case.tags)
                    .map(|each| (strsim::jaro_winkler(tag, each), each))
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .filter(|(score, _)| *score > 0.7)
                    .map(|(_, each)| each.clone());
                Err(SelectError::NoMatch { kind: "tag", pattern: tag.clone(), nearest })
            }
            Self::Not(inner) => inner.known(suite),
            Self::And(left, right) | Self::Or(left, right) => {
                left.known(suite)?;
                right.known(suite)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_expressions_bind_not_before_and_before_or() {
        let tags = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let parse = |text| TagExpression::parse(text).unwrap();
        assert!(parse("a or b and not c").matches(&tags("a c")));
        assert!(!parse("(a or b) and not c").matches(&tags("a c")));
        assert!(parse("not not a").matches(&tags("a")));
        for wrong in ["", "a b", "and a", "a or", "(a", "a)", "not"] {
            assert!(matches!(TagExpression::parse(wrong), Err(SelectError::Malformed { .. })), "{wrong}");
        }
        assert!(TagExpression::parse(&"not ".repeat(100_000)).is_err());
    }

    #[test]
    fn brackets_of_rows_are_literal_in_globs() {
        assert!(glob("groove/*/size[100]").unwrap().is_match("groove/add/size[100]"));
        assert!(!glob("groove/add/size[100]").unwrap().is_match("groove/add/size1"));
    }

    #[test]
    fn every_case_is_in_exactly_one_shard() {
        let ids: Vec<String> = (0..200).map(|index| format!("a/b/{index}")).collect();
        for count in 1..6 {
            let mut sizes = vec![0; count as usize];
            for id in &ids {
                sizes[shard_of(id, count) as usize - 1] += 1;
            }
            assert_eq!(sizes.iter().sum::<i32>(), 200);
            assert!(sizes.iter().all(|&size| size > 0), "{sizes:?}");
        }
    }
}

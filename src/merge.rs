//! Shards into one record: [`merge`] makes sure that all of them are there and belong together, and [`conclude`]
//! decides clause verdicts and exit code over all of their cases.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::conclude::Conclusion;
use crate::known::KnownFailures;
use crate::model::clause::{Choice, Clause};
use crate::model::id::CaseId;
use crate::model::source::SourceRef;
use crate::model::verdict::Exit;
use crate::record::{CaseRecord, Footer, Header, ProbeRecord, Record, Summary, SummaryRecord};

/// Why records are not the shards of one run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MergeError {
    /// No record.
    #[error("there is no record to merge")]
    Nothing,
    /// A record that is no shard.
    #[error("record {which} is not of a shard: its run was not given --shard")]
    NoShard {
        /// Its place in the list, from 1.
        which: usize,
    },
    /// Two records disagree in what all shards share.
    #[error("records 1 and {which} are not of one run: {what} is {first} in one and {other} in the other{help}")]
    Differs {
        /// Place of the second, from 1.
        which: usize,
        /// What differs.
        what: &'static str,
        /// In the first.
        first: String,
        /// In the second.
        other: String,
        /// What to do about it.
        help: &'static str,
    },
    /// A shard is there twice.
    #[error("shard {index} of {count} is there twice")]
    Twice {
        /// Number, from 1.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// Shards that are not there.
    #[error("shards {missing} of {count} are missing")]
    Missing {
        /// Their numbers, from 1.
        missing: String,
        /// How many there are.
        count: u32,
    },
    /// A case in two shards.
    #[error("the case {id} is in two shards")]
    DuplicateCase {
        /// The case.
        id: CaseId,
    },
}

/// The record of the whole run.
///
/// # Errors
/// See [`MergeError`].
pub fn merge(mut shards: Vec<Record>) -> Result<Record, MergeError> {
    let count = belong_together(&shards)?;
    let mut seen = vec![false; count as usize];
    for (at, shard) in shards.iter().enumerate() {
        let (index, _) = shard.header.shard.ok_or(MergeError::NoShard { which: at + 1 })?;
        match seen.get_mut((index as usize).wrapping_sub(1)) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(MergeError::Twice { index, count }),
        }
    }
    let missing: Vec<String> =
        seen.iter().enumerate().filter(|(_, seen)| !**seen).map(|(at, _)| (at + 1).to_string()).collect();
    if !missing.is_empty() {
        return Err(MergeError::Missing { missing: missing.join(", "), count });
    }
    shards.sort_by_key(|shard| shard.header.shard);
    let interrupted =
        Exit::worst(shards.iter().filter(|shard| shard.footer.interrupted).map(|shard| shard.footer.exit));
    let interrupted = shards.iter().any(|shard| shard.footer.interrupted).then_some(interrupted);
    let elapsed = shards.iter().map(|shard| shard.footer.elapsed_us).max().unwrap_or(0);
    let mut cases: BTreeMap<CaseId, CaseRecord> = BTreeMap::new();
    let mut parts = shards.into_iter();
    let Some(Record { mut header, cases: first, summary: mut facts, footer }) = parts.next() else {
        return Err(MergeError::Nothing);
    };
    let mut add = |more: Vec<CaseRecord>| {
        for case in more {
            let id = case.id.clone();
            if cases.insert(id.clone(), case).is_some() {
                return Err(MergeError::DuplicateCase { id });
            }
        }
        Ok(())
    };
    add(first)?;
    let mut probes = footer.probes;
    for shard in parts {
        add(shard.cases)?;
        probes.extend(shard.footer.probes);
        for (fact, other) in facts.clauses.iter_mut().zip(&shard.summary.clauses) {
            // A case of one shard is enough to prove a clause.
            fact.proven = fact.proven.max(other.proven);
        }
        header.selected.extend(shard.header.selected);
        header.started = header.started.min(shard.header.started);
        for warning in shard.header.warnings {
            if !header.warnings.contains(&warning) {
                header.warnings.push(warning);
            }
        }
    }
    header.selected.sort_unstable();
    header.shard = None;
    let cases: Vec<CaseRecord> = cases.into_values().collect();
    let (summary, footer) = conclude(&header, &facts, &cases, probes, interrupted, elapsed);
    Ok(Record { header, cases, summary, footer })
}

/// What all shards of a run share; gives how many there are.
fn belong_together(shards: &[Record]) -> Result<u32, MergeError> {
    let first = shards.first().ok_or(MergeError::Nothing)?;
    let (_, count) = first.header.shard.ok_or(MergeError::NoShard { which: 1 })?;
    for (at, shard) in shards.iter().enumerate().skip(1) {
        let which = at + 1;
        let (a, b) = (&first.header, &shard.header);
        let (_, other) = b.shard.ok_or(MergeError::NoShard { which })?;
        let name = |header: &Header| format!("{} {}", header.target.name, header.target.version);
        let known = |header: &Header| {
            let reasons: Vec<&str> = header.known.iter().map(|known| known.entry.reason.as_str()).collect();
            format!("{} entries ({})", reasons.len(), reasons.join(", "))
        };
        let facts: [(&'static str, String, String, &'static str); 11] = [
            ("the run id", a.run_id.clone(), b.run_id.clone(), "; give all shards the same --run-id"),
            ("the number of shards", count.to_string(), other.to_string(), ""),
            ("the suite", a.suite.hash.clone(), b.suite.hash.clone(), ""),
            ("the configuration", a.config_hash.clone(), b.config_hash.clone(), ""),
            ("the version of casebook", a.casebook_version.clone(), b.casebook_version.clone(), ""),
            ("the target", name(a), name(b), ""),
            ("--strict", a.strict.to_string(), b.strict.to_string(), ""),
            ("the level", format!("{:?}", a.level), format!("{:?}", b.level), ""),
            ("the seed", a.seed.to_string(), b.seed.to_string(), ""),
            ("--repeat", a.repeat.to_string(), b.repeat.to_string(), ""),
            ("the list of known failures", known(a), known(b), ""),
        ];
        for (what, first, other, help) in facts {
            if first != other {
                return Err(MergeError::Differs { which, what, first, other, help });
            }
        }
        if a.known != b.known {
            let (what, first) = ("the list of known failures", "one".to_owned());
            return Err(MergeError::Differs { which, what, first, other: "another".to_owned(), help: "" });
        }
    }
    Ok(count)
}

/// Verdicts over cases, and the footer. `facts` says which clauses and choices there are; the verdicts in it are not
/// looked at.
#[must_use]
pub fn conclude(
    header: &Header,
    facts: &SummaryRecord,
    cases: &[CaseRecord],
    probes: Vec<ProbeRecord>,
    interrupted: Option<Exit>,
    elapsed_us: u64,
) -> (SummaryRecord, Footer) {
    let nowhere = || SourceRef { file: "".into(), line: 0 };
    let clauses: Vec<Clause> = facts
        .clauses
        .iter()
        .map(|clause| Clause {
            id: clause.id.clone(),
            document: clause.document.clone(),
            section: clause.section.clone(),
            level: clause.level,
            text: clause.text.clone(),
            excluded: clause.excluded.clone(),
            source: nowhere(),
        })
        .collect();
    let choices: Vec<Choice> = facts
        .choices
        .iter()
        .map(|choice| Choice {
            id: choice.id.clone(),
            document: String::new(),
            question: choice.question.clone(),
            clauses: choice.clauses.clone(),
            policy: choice.policy,
            uniform: choice.uniform,
            settled: choice.settled.clone(),
            readings: choice.readings.clone(),
            source: nowhere(),
        })
        .collect();
    let mut summary = Summary::new(&clauses, &choices, &header.suite.operations).with_base_urls(&header.base_urls);
    let mut conclusion = Conclusion::new(header.level, &clauses);
    if !probes.is_empty() {
        conclusion.probed(probes);
    }
    // The order in which they began: what one case made another may have removed.
    let mut ordered: Vec<&CaseRecord> = cases.iter().collect();
    ordered.sort_by(|a, b| (a.started_us, &a.id).cmp(&(b.started_us, &b.id)));
    for case in ordered {
        summary.add(case);
        conclusion.add(case);
    }
    let mut summary = summary.finish();
    for (clause, fact) in summary.clauses.iter_mut().zip(&facts.clauses) {
        clause.proven = fact.proven;
    }
    let stale = stale(header, cases);
    let footer = conclusion.finish(&summary, interrupted, stale, elapsed_us);
    (summary, footer)
}

/// What is stale about the list of known failures, told from outcomes that it has already turned.
fn stale(header: &Header, cases: &[CaseRecord]) -> Vec<(Exit, String)> {
    // A glob that cannot be read never came into a record.
    let Ok(mut known) = KnownFailures::new(&header.known, &header.started) else { return Vec::new() };
    if known.is_empty() {
        return Vec::new();
    }
    for case in cases {
        known.recall(case);
    }
    known.problems()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::ClauseVerdict;
    use crate::record::sample;

    /// The sample run as three shards.
    fn shards() -> Vec<Record> {
        let whole = sample::record();
        (1..=3)
            .map(|index| {
                let mut shard = whole.clone();
                let mut at = 0;
                shard.cases.retain(|_| {
                    at += 1;
                    at % 3 == index % 3
                });
                shard.header.selected = shard.cases.iter().map(|case| case.id.clone()).collect();
                shard.header.shard = Some((index, 3));
                let (summary, footer) = conclude(&shard.header, &whole.summary, &shard.cases, Vec::new(), None, 5);
                Record { summary, footer, ..shard }
            })
            .collect()
    }

    #[test]
    fn all_shards_together_are_the_run() {
        let whole = sample::record();
        let mut parts = shards();
        parts.rotate_left(1);
        let merged = merge(parts).expect("merged");
        assert_eq!(merged.cases, whole.cases);
        assert_eq!(merged.summary, whole.summary);
        assert_eq!(merged.footer.counts, whole.footer.counts);
        assert_eq!(merged.header.selected, whole.header.selected);
        assert!(merged.summary.clauses.iter().any(|clause| clause.verdict == ClauseVerdict::Violated));
    }

    #[test]
    fn what_is_not_one_run_is_refused_with_the_reason() {
        assert_eq!(merge(Vec::new()), Err(MergeError::Nothing));
        assert!(matches!(merge(vec![sample::record()]), Err(MergeError::NoShard { which: 1 })));
        let missing = merge(shards().into_iter().skip(1).take(1).collect());
        assert_eq!(missing, Err(MergeError::Missing { missing: "1, 3".to_owned(), count: 3 }));
        let mut twice = shards();
        twice[2] = twice[0].clone();
        assert!(matches!(merge(twice), Err(MergeError::Twice { index: 1, count: 3 })));
        let mut other = shards();
        other[1].header.suite.hash = "other".to_owned();
        assert!(matches!(merge(other), Err(MergeError::Differs { which: 2, what: "the suite", .. })));
        let mut same = shards();
        let stolen = same[0].cases[0].clone();
        same[1].cases.push(stolen);
        assert!(matches!(merge(same), Err(MergeError::DuplicateCase { .. })));
    }

    #[test]
    fn an_interrupted_shard_interrupts_the_run() {
        let mut parts = shards();
        parts[1].footer.interrupted = true;
        parts[1].footer.exit = Exit::Terminated;
        let merged = merge(parts).expect("merged");
        assert_eq!((merged.footer.exit, merged.footer.interrupted), (Exit::Terminated, true));
    }
}

//! Runs side by side: [`compare`] tells what changed from one to another, [`matrix`] shows the clauses of many.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::id::{CaseId, ClauseId};
use crate::model::verdict::{ClauseVerdict, Exit, Verdict};
use crate::record::{CaseRecord, Header, Record};

/// Cases that take less than this are never called slower, in microseconds.
const NOTICEABLE_US: u64 = 20_000;

/// Which run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunName {
    /// Target and its version.
    pub target: String,
    /// Id of the run.
    pub run_id: String,
    /// Start.
    pub started: String,
    /// Number of selected cases.
    pub selected: usize,
    /// How it ended.
    pub exit: Exit,
}

impl RunName {
    fn of(record: &Record) -> Self {
        let header = &record.header;
        Self {
            target: format!("{} {}", header.target.name, header.target.version).trim_end().to_owned(),
            run_id: header.run_id.clone(),
            started: header.started.clone(),
            selected: header.selected.len(),
            exit: record.footer.exit,
        }
    }
}

/// A clause whose verdict changed, or is still a violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClauseChange {
    /// The clause.
    pub id: ClauseId,
    /// Its paraphrase.
    pub text: String,
    /// Verdict before; `None` where the run did not know the clause.
    pub before: Option<ClauseVerdict>,
    /// Verdict after.
    pub after: Option<ClauseVerdict>,
    /// Cases that violate it after.
    pub violated_by: Vec<CaseId>,
}

/// A case whose verdict changed, or is still bad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseChange {
    /// The case.
    pub id: CaseId,
    /// Verdict before; `None` where it was not selected.
    pub before: Option<Verdict>,
    /// Verdict after.
    pub after: Option<Verdict>,
    /// First mismatch after, or before where there is none after.
    pub mismatch: Option<String>,
}

/// Checks that ran before and no longer run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LostChecks {
    /// The case.
    pub case: CaseId,
    /// Why: the verdict after, or that it was not selected.
    pub why: String,
    /// Names of the checks.
    pub checks: Vec<String>,
    /// Whether both runs selected the case from the same suite, so that less is proven than before.
    pub regression: bool,
}

/// A case that takes longer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slower {
    /// The case.
    pub id: CaseId,
    /// Before, in microseconds.
    pub before_us: u64,
    /// After, in microseconds.
    pub after_us: u64,
}

/// What changed from one run to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The run before.
    pub before: RunName,
    /// The run after.
    pub after: RunName,
    /// Why a difference may be one of the runs and not of the service. Empty: the two runs are comparable.
    pub not_comparable: Vec<String>,
    /// Clauses that are violated and were not.
    pub newly_violated: Vec<ClauseChange>,
    /// Clauses that were violated and hold.
    pub fixed: Vec<ClauseChange>,
    /// Clauses that were and are violated.
    pub still_violated: Vec<ClauseChange>,
    /// Clauses that were violated and have no verdict any more.
    pub no_longer_told: Vec<ClauseChange>,
    /// Cases that do not pass and did.
    pub newly_failing: Vec<CaseChange>,
    /// Cases that pass and did not.
    pub now_passing: Vec<CaseChange>,
    /// Cases that did not pass and do not pass.
    pub still_failing: Vec<CaseChange>,
    /// Checks that ran before and no longer run.
    pub lost: Vec<LostChecks>,
    /// Cases that take longer by the factor that was asked for.
    pub slower: Vec<Slower>,
    /// Cases that both runs selected.
    pub common: usize,
    /// Cases that only the run before selected.
    pub removed: usize,
    /// Cases that only the run after selected.
    pub added: usize,
    /// How many of all that are regressions.
    pub regressions: usize,
}

/// What kind of outcome a verdict is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Good,
    Tolerated,
    Bad,
    None,
}

fn kind(case: Option<&CaseRecord>) -> Kind {
    match case.map(|case| &case.outcome) {
        Some(Verdict::Passed | Verdict::Observed | Verdict::UnexpectedPass { .. }) => Kind::Good,
        Some(Verdict::KnownFailure { .. }) => Kind::Tolerated,
        Some(Verdict::Failed | Verdict::Errored { .. } | Verdict::Blocked { .. } | Verdict::Flaky { .. }) => Kind::Bad,
        Some(Verdict::Skipped { .. } | Verdict::NotRun { .. }) | None => Kind::None,
    }
}

/// Aligns two runs by case and by clause. A case is slower when it takes at least `slower` times as long.
#[must_use]
pub fn compare(before: &Record, after: &Record, slower: f64) -> Comparison {
    let mut found = Comparison {
        before: RunName::of(before),
        after: RunName::of(after),
        not_comparable: not_comparable(before, after),
        newly_violated: Vec::new(),
        fixed: Vec::new(),
        still_violated: Vec::new(),
        no_longer_told: Vec::new(),
        newly_failing: Vec::new(),
        now_passing: Vec::new(),
        still_failing: Vec::new(),
        lost: Vec::new(),
        slower: Vec::new(),
        common: 0,
        removed: 0,
        added: 0,
        regressions: 0,
    };
    found.clauses(before, after);
    let olds: BTreeMap<&CaseId, &CaseRecord> = before.cases.iter().map(|case| (&case.id, case)).collect();
    let news: BTreeMap<&CaseId, &CaseRecord> = after.cases.iter().map(|case| (&case.id, case)).collect();
    let same_suite = before.header.suite.hash == after.header.suite.hash;
    for id in olds.keys().chain(news.keys()).collect::<BTreeSet<_>>() {
        found.case(id, olds.get(*id).copied(), news.get(*id).copied(), same_suite, slower);
    }
    found.slower.sort_by_key(|slower| std::cmp::Reverse(slower.after_us.saturating_sub(slower.before_us)));
    found.regressions = found.newly_violated.iter().filter(|change| change.before.is_some()).count()
        + found.newly_failing.iter().filter(|change| change.before.is_some()).count()
        + found.lost.iter().filter(|lost| lost.regression).count();
    found
}

impl Comparison {
    fn clauses(&mut self, before: &Record, after: &Record) {
        let olds: BTreeMap<&ClauseId, _> = before.summary.clauses.iter().map(|clause| (&clause.id, clause)).collect();
        let news: BTreeMap<&ClauseId, _> = after.summary.clauses.iter().map(|clause| (&clause.id, clause)).collect();
        for id in olds.keys().chain(news.keys()).collect::<BTreeSet<_>>() {
            let (old, new) = (olds.get(*id), news.get(*id));
            let change = || ClauseChange {
                id: (*id).clone(),
                text: new.or(old).map(|clause| clause.text.clone()).unwrap_or_default(),
                before: old.map(|clause| clause.verdict),
                after: new.map(|clause| clause.verdict),
                violated_by: new.map(|clause| clause.violated_by.clone()).unwrap_or_default(),
            };
            match (old.map(|clause| clause.verdict), new.map(|clause| clause.verdict)) {
                (Some(ClauseVerdict::Violated), Some(ClauseVerdict::Violated)) => self.still_violated.push(change()),
                (_, Some(ClauseVerdict::Violated)) => self.newly_violated.push(change()),
                (Some(ClauseVerdict::Violated), Some(ClauseVerdict::Held)) => self.fixed.push(change()),
                (Some(ClauseVerdict::Violated), _) => self.no_longer_told.push(change()),
                _ => {}
            }
        }
    }

    fn case(&mut self, id: &CaseId, old: Option<&CaseRecord>, new: Option<&CaseRecord>, same_suite: bool, slower: f64) {
        match (old.is_some(), new.is_some()) {
            (true, true) => self.common += 1,
            (true, false) => self.removed += 1,
            _ => self.added += 1,
        }
        let change = || CaseChange {
            id: id.clone(),
            before: old.map(|case| case.outcome.clone()),
            after: new.map(|case| case.outcome.clone()),
            mismatch: [new, old].into_iter().flatten().find_map(first_mismatch),
        };
        match (kind(old), kind(new)) {
            (Kind::Bad, Kind::Bad) => self.still_failing.push(change()),
            (_, Kind::Bad) => self.newly_failing.push(change()),
            (Kind::Bad | Kind::Tolerated, Kind::Good) => self.now_passing.push(change()),
            _ => {}
        }
        let Some(old) = old else { return };
        let before = checks(old);
        let after = new.map(checks).unwrap_or_default();
        let lost: Vec<String> = before.difference(&after).cloned().collect();
        // A case that fails on the way loses the checks behind: its failure tells that already.
        if !lost.is_empty() && kind(new) != Kind::Bad && kind(new) != Kind::Tolerated {
            let why = match new.map(|case| &case.outcome) {
                None => "not selected".to_owned(),
                Some(Verdict::Skipped { detail, .. }) => format!("skipped: {detail}"),
                Some(Verdict::NotRun { detail }) => format!("not run: {detail}"),
                Some(_) => "the case runs without them".to_owned(),
            };
            self.lost.push(LostChecks { case: id.clone(), why, checks: lost, regression: same_suite && new.is_some() });
        }
        if let Some(new) = new
            && kind(Some(old)) != Kind::None
            && new.elapsed_us >= NOTICEABLE_US
            && new.elapsed_us as f64 >= old.elapsed_us as f64 * slower
        {
            self.slower.push(Slower { id: id.clone(), before_us: old.elapsed_us, after_us: new.elapsed_us });
        }
    }
}

fn first_mismatch(case: &CaseRecord) -> Option<String> {
    let first = case.judgement.mismatches.first()?;
    let place = if first.place.is_empty() { &first.check } else { &first.place };
    Some(format!("{place}: expected {}, actual {}", first.expected, first.actual))
}

/// Checks of a case that ran.
fn checks(case: &CaseRecord) -> BTreeSet<String> {
    let ran = case.judgement.checks.iter().filter(|check| check.held + check.violated > 0);
    ran.map(|check| format!("{} {}", check.step, check.check)).collect()
}

fn not_comparable(before: &Record, after: &Record) -> Vec<String> {
    let (a, b) = (&before.header, &after.header);
    let mut why = Vec::new();
    let mut differs = |what: &str, first: &dyn std::fmt::Display, second: &dyn std::fmt::Display| {
        let (first, second) = (first.to_string(), second.to_string());
        if first != second {
            why.push(format!("{what}: {first} before, {second} after"));
        }
    };
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    differs("the suites differ", &short(&a.suite.hash), &short(&b.suite.hash));
    differs("the targets are configured differently", &short(&a.config_hash), &short(&b.config_hash));
    differs("--strict differs", &a.strict, &b.strict);
    differs("the levels differ", &format!("{:?}", a.level).to_lowercase(), &format!("{:?}", b.level).to_lowercase());
    differs("casebook itself differs", &a.casebook_version, &b.casebook_version);
    let class = |header: &Header| format!("{:?}", header.target.class).to_lowercase();
    differs("one target is a mock", &class(a), &class(b));
    differs("the shards differ", &shard(a), &shard(b));
    for (name, record) in [("before", before), ("after", after)] {
        if record.footer.interrupted {
            why.push(format!("the run {name} was interrupted"));
        }
        if record.footer.exit == Exit::TargetUnusable {
            why.push(format!("the run {name} did not reach its target"));
        }
    }
    if a.selected != b.selected {
        let olds: BTreeSet<&CaseId> = a.selected.iter().collect();
        let common = b.selected.iter().filter(|id| olds.contains(id)).count();
        let (old, new) = (a.selected.len(), b.selected.len());
        why.push(format!("the selections differ: {old} cases before, {new} after, {common} in both"));
    }
    why
}

fn shard(header: &Header) -> String {
    header.shard.map_or_else(|| "all of them".to_owned(), |(index, count)| format!("{index} of {count}"))
}

/// A row of a [`Matrix`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The clause.
    pub id: ClauseId,
    /// Its paraphrase.
    pub text: String,
    /// Its verdict in each run; `None` where the run did not know the clause.
    pub verdicts: Vec<Option<ClauseVerdict>>,
}

/// Clauses of several runs side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// The runs, one for each column.
    pub runs: Vec<RunName>,
    /// The suites' hashes, in the order of the columns.
    pub suites: Vec<String>,
    /// Clauses in the order of the first run that knows them.
    pub rows: Vec<Row>,
}

/// Clauses of several runs side by side; with `differing` only those on which the runs disagree.
#[must_use]
pub fn matrix(records: &[Record], differing: bool) -> Matrix {
    let mut order: Vec<(&ClauseId, &str)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut verdicts: Vec<BTreeMap<&ClauseId, ClauseVerdict>> = Vec::with_capacity(records.len());
    for record in records {
        for clause in &record.summary.clauses {
            if seen.insert(&clause.id) {
                order.push((&clause.id, &clause.text));
            }
        }
        verdicts.push(record.summary.clauses.iter().map(|clause| (&clause.id, clause.verdict)).collect());
    }
    let rows = order.into_iter().map(|(id, text)| Row {
        id: id.clone(),
        text: text.to_owned(),
        verdicts: verdicts.iter().map(|column| column.get(id).copied()).collect(),
    });
    let agree = |row: &Row| row.verdicts.windows(2).all(|pair| pair[0] == pair[1]);
    Matrix {
        runs: records.iter().map(RunName::of).collect(),
        suites: records.iter().map(|record| record.header.suite.hash.clone()).collect(),
        rows: rows.filter(|row| !differing || !agree(row)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    #[test]
    fn a_run_compared_with_itself_has_no_regression() {
        let run = sample::record();
        let same = compare(&run, &run, 2.0);
        assert_eq!((same.regressions, same.not_comparable.len(), same.added, same.removed), (0, 0, 0, 0));
        assert!(same.newly_violated.is_empty() && same.lost.is_empty() && same.slower.is_empty());
        assert!(!same.still_violated.is_empty() && !same.still_failing.is_empty());
    }

    #[test]
    fn what_got_worse_and_what_got_better_are_told_apart() {
        let before = sample::record();
        let mut after = before.clone();
        let clause = |record: &mut Record, id: &str, verdict| {
            let found = record.summary.clauses.iter_mut().find(|clause| clause.id.as_str() == id);
            found.expect("a clause of the sample").verdict = verdict;
        };
        let mut before = before;
        clause(&mut before, "GRV-ADD-01", ClauseVerdict::Held);
        clause(&mut after, "GRV-ADD-01", ClauseVerdict::Violated);
        clause(&mut before, "GRV-ADD-05", ClauseVerdict::Violated);
        clause(&mut after, "GRV-ADD-05", ClauseVerdict::Held);
        clause(&mut before, "GRV-ADD-22", ClauseVerdict::Violated);
        clause(&mut after, "GRV-ADD-22", ClauseVerdict::NotTested);
        let passed = after.cases.iter().position(|case| case.outcome == Verdict::Passed).expect("a pass");
        after.cases[passed].outcome = Verdict::Failed;
        let failed = after.cases.iter().rposition(|case| case.outcome == Verdict::Failed).expect("a failure");
        after.cases[failed].outcome = Verdict::Passed;
        let found = compare(&before, &after, 2.0);
        let ids = |list: &[ClauseChange]| list.iter().map(|each| each.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&found.newly_violated), ["GRV-ADD-01"]);
        assert_eq!(ids(&found.fixed), ["GRV-ADD-05"]);
        assert_eq!(ids(&found.no_longer_told), ["GRV-ADD-22"], "what is not tested any more is not fixed");
        assert_eq!(found.newly_failing.len(), 1);
        assert_eq!(found.now_passing.len(), 1);
        assert_eq!(found.regressions, 2);
    }

    #[test]
    fn checks_that_no_longer_run_are_regressions_only_where_the_same_suite_was_asked() {
        let before = sample::record();
        let mut after = before.clone();
        let passed = after.cases.iter().position(|case| case.outcome == Verdict::Passed).expect("a pass");
        after.cases[passed].judgement.checks.clear();
        let found = compare(&before, &after, 2.0);
        assert_eq!((found.lost.len(), found.regressions), (1, 1));
        after.header.suite.hash = "other".to_owned();
        let found = compare(&before, &after, 2.0);
        assert_eq!((found.lost.len(), found.regressions), (1, 0));
        assert!(found.not_comparable[0].starts_with("the suites differ"));
        after.cases.remove(passed);
        after.header.suite.hash.clone_from(&before.header.suite.hash);
        let found = compare(&before, &after, 2.0);
        assert_eq!((found.lost[0].why.as_str(), found.regressions), ("not selected", 0));
    }

    #[test]
    fn a_case_is_slower_by_the_factor_and_noticeably() {
        let before = sample::record();
        let mut after = before.clone();
        let passed = after.cases.iter().position(|case| case.outcome == Verdict::Passed).expect("a pass");
        after.cases[passed].elapsed_us = before.cases[passed].elapsed_us * 3;
        assert_eq!(compare(&before, &after, 2.0).slower.len(), 1);
        assert_eq!(compare(&before, &after, 4.0).slower.len(), 0);
        assert_eq!(compare(&before, &after, 2.0).regressions, 0);
    }

    #[test]
    fn a_matrix_has_a_row_for_every_clause_that_any_run_knows() {
        let first = sample::record();
        let mut second = first.clone();
        let removed = second.summary.clauses.remove(0);
        let all = matrix(&[first.clone(), second.clone()], false);
        assert_eq!(all.rows.len(), first.summary.clauses.len());
        assert_eq!(all.rows[0].verdicts[1], None);
        let differing = matrix(&[first, second], true);
        assert_eq!(differing.rows.len(), 1);
        assert_eq!(differing.rows[0].id, removed.id);
    }
}

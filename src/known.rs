//! Failures of a target that are known and accepted for a time: [`KnownFailures`] turns verdicts, and says what is
//! stale about the list.
//!
//! A known failure is still run. It pins how the case fails: another way of failing is a new failure. A list that
//! tells less than the truth fails the run, or it would hide the next failure.

use std::collections::BTreeSet;

use globset::GlobMatcher;
use jiff::civil::Date;

use crate::model::id::ClauseId;
use crate::model::suite::Suite;
use crate::model::target::KnownFailure;
use crate::model::verdict::{Exit, Verdict};
use crate::record::{CaseRecord, KnownEntry};
use crate::select::{SelectError, glob};

/// The entries with the number of cases of the suite that each is about.
///
/// # Errors
/// A glob that cannot be read.
pub fn entries(known: &[KnownFailure], suite: &Suite) -> Result<Vec<KnownEntry>, SelectError> {
    known
        .iter()
        .map(|each| {
            let scope = Scope::new(each)?;
            let about = |case: &&crate::model::spec::Case| scope.covers(case.id.as_str(), &case.cited());
            let cases = suite.cases.iter().filter(about).count() as u64;
            Ok(KnownEntry { entry: each.clone(), cases })
        })
        .collect()
}

/// The known failures of a target while its cases end, one by one.
#[derive(Clone, Debug)]
pub struct KnownFailures {
    entries: Vec<State>,
}

impl KnownFailures {
    /// Nothing has ended yet. `today` is a day as `YYYY-MM-DD`; anything after it is ignored.
    ///
    /// # Errors
    /// A glob that cannot be read.
    pub fn new(entries: &[KnownEntry], today: &str) -> Result<Self, SelectError> {
        let today = today.get(..10).unwrap_or(today);
        let entries = entries.iter().map(|each| State::new(each, today)).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes a case that has ended into account, and changes its outcome where the list says so.
    pub fn apply(&mut self, case: &mut CaseRecord) {
        let about: Vec<usize> = (0..self.entries.len())
            .filter(|&at| self.entries[at].scope.covers(case.id.as_str(), &case.clauses))
            .collect();
        if about.is_empty() {
            return;
        }
        for &at in &about {
            self.entries[at].take(&case.outcome);
        }
        let outcome = match &case.outcome {
            Verdict::Passed => self.passed(&about),
            Verdict::Failed | Verdict::Errored { .. } | Verdict::Blocked { .. } | Verdict::Flaky { .. } => {
                self.failed(&about, case)
            }
            _ => None,
        };
        if let Some(outcome) = outcome {
            case.outcome = outcome;
        }
    }

    /// As [`KnownFailures::apply`], for a case whose outcome has been turned before.
    pub fn recall(&mut self, case: &CaseRecord) {
        let about = |entry: &State| entry.scope.covers(case.id.as_str(), &case.clauses);
        let findings = findings(case);
        for entry in self.entries.iter_mut().filter(|entry| about(entry)) {
            entry.take(&case.outcome);
            match case.outcome {
                Verdict::UnexpectedPass { .. } => entry.passes += u64::from(entry.forbids_a_pass()),
                Verdict::KnownFailure { .. } if findings.is_empty() => entry.hits += 1,
                _ if findings.iter().any(|finding| entry.scope.is(finding)) => entry.hits += 1,
                _ if !findings.is_empty() => entry.otherwise += 1,
                _ => {}
            }
        }
    }

    /// A pattern over cases says that each of them fails; one over clauses says only that something does.
    fn passed(&mut self, about: &[usize]) -> Option<Verdict> {
        let mut reason = None;
        for &at in about {
            let entry = &mut self.entries[at];
            if entry.forbids_a_pass() {
                entry.passes += 1;
                reason.get_or_insert_with(|| entry.reason());
            }
        }
        reason.map(|reason| Verdict::UnexpectedPass { reason })
    }

    fn failed(&mut self, about: &[usize], case: &CaseRecord) -> Option<Verdict> {
        let findings = findings(case);
        let flaky = matches!(case.outcome, Verdict::Flaky { .. });
        let mut reasons: Vec<String> = Vec::new();
        let mut all_known = !findings.is_empty();
        let mut hit: BTreeSet<usize> = BTreeSet::new();
        for finding in &findings {
            let mut known = false;
            for &at in about.iter().filter(|&&at| self.entries[at].scope.is(finding)) {
                hit.insert(at);
                let entry = &self.entries[at];
                if entry.expired || (flaky && !entry.known.entry.flaky) {
                    continue;
                }
                known = true;
                let reason = entry.reason();
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
            all_known &= known;
        }
        for &at in about {
            let entry = &mut self.entries[at];
            if hit.contains(&at) { entry.hits += 1 } else { entry.otherwise += 1 }
        }
        all_known.then(|| Verdict::KnownFailure { reason: reasons.join("; ") })
    }

    /// What is stale about the list, one sentence for each entry. An entry is held against the list only when every
    /// case that it is about was selected: a part of the suite proves nothing about the others.
    #[must_use]
    pub fn problems(&self) -> Vec<(Exit, String)> {
        self.entries.iter().filter_map(State::problem).map(|text| (Exit::StaleList, text)).collect()
    }
}

/// One thing that is wrong with a case.
struct Finding<'a> {
    check: String,
    got: &'a str,
    clauses: &'a [ClauseId],
    /// Not a mismatch: it is known only where an entry names it.
    named_only: bool,
}

fn findings(case: &CaseRecord) -> Vec<Finding<'_>> {
    let mismatch = |mismatch: &'_ crate::model::judgement::Mismatch| mismatch.check.clone();
    let mut found: Vec<Finding<'_>> = case
        .judgement
        .mismatches
        .iter()
        .map(|each| Finding { check: mismatch(each), got: &each.actual, clauses: &each.clauses, named_only: false })
        .collect();
    if !found.is_empty() {
        return found;
    }
    let named = |check: String, got| Finding { check, got, clauses: &case.clauses, named_only: true };
    match &case.outcome {
        Verdict::Errored { stage, detail } => found.push(named(format!("error:{}", word(stage)), detail)),
        Verdict::Blocked { step, detail } => found.push(named(format!("blocked:{step}"), detail)),
        Verdict::Flaky { .. } | Verdict::KnownFailure { .. } => {
            let errors = case.exchanges.iter().filter_map(|exchange| exchange.error.as_ref());
            found.extend(errors.map(|error| named(format!("error:{}", word(&error.stage)), &error.detail)));
        }
        _ => {}
    }
    found
}

fn word(stage: &crate::model::verdict::Stage) -> String {
    serde_json::to_value(stage).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What an entry is about.
#[derive(Clone, Debug)]
struct Scope {
    case: Option<GlobMatcher>,
    clause: Option<GlobMatcher>,
    check: Option<Text>,
    got: Option<Text>,
}

/// A text, or a glob over one.
#[derive(Clone, Debug)]
struct Text(String, GlobMatcher);

impl Text {
    fn new(text: &str) -> Result<Self, SelectError> {
        Ok(Self(text.to_owned(), glob(text)?))
    }

    fn is(&self, text: &str) -> bool {
        self.0 == text || self.1.is_match(text)
    }
}

impl Scope {
    fn new(known: &KnownFailure) -> Result<Self, SelectError> {
        Ok(Self {
            case: known.case.as_deref().map(glob).transpose()?,
            clause: known.clause.as_deref().map(glob).transpose()?,
            check: known.check.as_deref().map(Text::new).transpose()?,
            got: known.got.as_deref().map(Text::new).transpose()?,
        })
    }

    /// Whether it is about a case. An entry that names nothing is about none.
    fn covers(&self, id: &str, clauses: &[ClauseId]) -> bool {
        (self.case.is_some() || self.clause.is_some())
            && self.case.as_ref().is_none_or(|case| case.is_match(id))
            && self.cites(clauses)
    }

    fn cites(&self, clauses: &[ClauseId]) -> bool {
        self.clause.as_ref().is_none_or(|glob| clauses.iter().any(|clause| glob.is_match(clause.as_str())))
    }

    /// Whether this is the failure that is known, in a case that it is about.
    fn is(&self, finding: &Finding<'_>) -> bool {
        self.cites(finding.clauses)
            && match &self.check {
                Some(check) => check.is(&finding.check),
                None => !finding.named_only,
            }
            && self.got.as_ref().is_none_or(|got| got.is(finding.got))
    }
}

#[derive(Clone, Debug)]
struct State {
    known: KnownEntry,
    scope: Scope,
    expired: bool,
    /// Cases that it is about, by what became of them.
    selected: u64,
    ran: u64,
    not_run: u64,
    /// Cases that failed as it says, that passed, that failed in another way.
    hits: u64,
    passes: u64,
    otherwise: u64,
}

impl State {
    fn new(known: &KnownEntry, today: &str) -> Result<Self, SelectError> {
        let expired = known.entry.expires.as_deref().is_some_and(|expires| {
            match (expires.parse::<Date>(), today.parse::<Date>()) {
                (Ok(expires), Ok(today)) => expires < today,
                _ => expires < today,
            }
        });
        let scope = Scope::new(&known.entry)?;
        let known = known.clone();
        Ok(Self { known, scope, expired, selected: 0, ran: 0, not_run: 0, hits: 0, passes: 0, otherwise: 0 })
    }

    fn take(&mut self, outcome: &Verdict) {
        self.selected += 1;
        match outcome {
            Verdict::Skipped { .. } => {}
            Verdict::NotRun { .. } => self.not_run += 1,
            _ => self.ran += 1,
        }
    }

    fn forbids_a_pass(&self) -> bool {
        self.scope.case.is_some() && !self.known.entry.flaky && !self.expired
    }

    fn reason(&self) -> String {
        let entry = &self.known.entry;
        match &entry.issue {
            Some(issue) => format!("{} ({issue})", entry.reason),
            None => entry.reason.clone(),
        }
    }

    fn name(&self) -> String {
        let entry = &self.known.entry;
        let parts = [("case", &entry.case), ("clause", &entry.clause), ("check", &entry.check), ("got", &entry.got)];
        let named: Vec<String> =
            parts.iter().filter_map(|(key, value)| value.as_ref().map(|value| format!("{key} `{value}`"))).collect();
        format!("the known failure of {} ({})", named.join(", "), self.reason())
    }

    fn problem(&self) -> Option<String> {
        let name = self.name();
        if let (true, Some(expires)) = (self.expired, &self.known.entry.expires) {
            return Some(format!("{name} expired on {expires}"));
        }
        if self.known.cases == 0 {
            return Some(format!("{name} matches no case of the suite"));
        }
        if self.selected < self.known.cases || self.not_run > 0 {
            return None;
        }
        if self.ran == 0 {
            return Some(format!("{name} matches only cases that were skipped"));
        }
        let seen = self.hits + self.passes + self.otherwise > 0;
        (!seen && !self.known.entry.flaky)
            .then(|| format!("{name} did not occur in the {} cases that ran; remove it", self.ran))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::judgement::{MismatchKind, Part};
    use crate::model::verdict::{SkipCode, Stage};
    use crate::record::sample;

    fn entry(case: Option<&str>, clause: Option<&str>, how: (Option<&str>, Option<&str>)) -> KnownFailure {
        KnownFailure {
            case: case.map(str::to_owned),
            clause: clause.map(str::to_owned),
            check: how.0.map(str::to_owned),
            got: how.1.map(str::to_owned),
            reason: "ticket 12".to_owned(),
            issue: None,
            expires: Some("2026-03-01".to_owned()),
            flaky: false,
        }
    }

    fn list(entry: KnownFailure, cases: u64) -> KnownFailures {
        KnownFailures::new(&[KnownEntry { entry, cases }], "2026-03-01T10:00:00Z").unwrap()
    }

    fn failed(id: &str, got: &[&str]) -> CaseRecord {
        let mismatches = got
            .iter()
            .map(|got| sample::mismatch("GRV-ADD-30", Part::Status, "", MismatchKind::Value, "401", got))
            .collect();
        let mut case = sample::failed(id, 1, "t", mismatches);
        case.clauses = vec![ClauseId::new("GRV-ADD-30")];
        case
    }

    fn after(known: &mut KnownFailures, mut case: CaseRecord) -> Verdict {
        known.apply(&mut case);
        case.outcome
    }

    fn case(outcome: Verdict) -> CaseRecord {
        let mut case = sample::case("a/b/c", 1, "t", outcome);
        case.clauses = vec![ClauseId::new("GRV-ADD-30")];
        case
    }

    #[test]
    fn a_failure_is_known_only_in_the_way_that_is_pinned() {
        let check = failed("a/b/c", &["403"]).judgement.mismatches[0].check.clone();
        let mut known = list(entry(Some("a/*"), None, (Some(&check), Some("403"))), 1);
        assert!(matches!(after(&mut known, failed("a/b/c", &["403"])), Verdict::KnownFailure { .. }));
        assert_eq!(after(&mut known, failed("a/b/c", &["500"])), Verdict::Failed);
        assert_eq!(after(&mut known, failed("a/b/c", &["403", "500"])), Verdict::Failed, "one of two is known");
        assert_eq!(after(&mut known, failed("x/b/c", &["403"])), Verdict::Failed, "another case");
        let timeout = Verdict::Errored { stage: Stage::Timeout, detail: "late".to_owned() };
        assert_eq!(after(&mut list(entry(Some("a/*"), None, (None, None)), 1), case(timeout.clone())), timeout);
        let mut named = list(entry(Some("a/*"), None, (Some("error:timeout"), None)), 1);
        assert!(matches!(after(&mut named, case(timeout)), Verdict::KnownFailure { .. }));
    }

    #[test]
    fn another_way_of_failing_does_not_make_the_list_stale() {
        let mut known = list(entry(Some("a/b/c"), None, (Some("status"), Some("403"))), 1);
        assert_eq!(after(&mut known, failed("a/b/c", &["500"])), Verdict::Failed);
        assert_eq!(known.problems(), Vec::new());
    }

    #[test]
    fn a_pass_is_unexpected_unless_the_entry_is_flaky_or_over_clauses() {
        let mut known = list(entry(Some("a/b/c"), None, (None, None)), 1);
        assert!(matches!(after(&mut known, case(Verdict::Passed)), Verdict::UnexpectedPass { .. }));
        let flaky = KnownFailure { flaky: true, ..entry(Some("a/b/c"), None, (None, None)) };
        let mut known = list(flaky, 1);
        assert_eq!(after(&mut known, case(Verdict::Passed)), Verdict::Passed);
        assert!(matches!(after(&mut known, failed("a/b/c", &["403"])), Verdict::KnownFailure { .. }));
        let mut both = failed("a/b/c", &["403"]);
        both.outcome = Verdict::Flaky { passed: 1, runs: 2 };
        assert!(matches!(after(&mut known, both), Verdict::KnownFailure { .. }));
        assert_eq!(known.problems(), Vec::new());
        let mut known = list(entry(None, Some("GRV-ADD-3*"), (None, None)), 1);
        assert_eq!(after(&mut known, case(Verdict::Passed)), Verdict::Passed);
        assert!(known.problems()[0].1.contains("did not occur in the 1 cases"), "{:?}", known.problems());
    }

    #[test]
    fn stale_entries_are_told_with_the_reason() {
        let expired =
            KnownFailure { expires: Some("2026-02-28".to_owned()), ..entry(Some("a/b/c"), None, (None, None)) };
        let mut known = list(expired, 1);
        assert_eq!(after(&mut known, failed("a/b/c", &["403"])), Verdict::Failed);
        assert!(known.problems()[0].1.ends_with("expired on 2026-02-28"));
        assert!(
            list(entry(Some("no/*"), None, (None, None)), 0).problems()[0].1.ends_with("matches no case of the suite")
        );
        let skipped = Verdict::Skipped { code: SkipCode::Disabled, detail: String::new() };
        let mut known = list(entry(Some("a/b/c"), None, (None, None)), 1);
        after(&mut known, case(skipped.clone()));
        assert!(known.problems()[0].1.ends_with("were skipped"));
        let mut part = list(entry(Some("a/b/c"), None, (None, None)), 2);
        after(&mut part, case(skipped));
        assert_eq!(part.problems(), Vec::new(), "another case that it is about was not selected");
    }
}

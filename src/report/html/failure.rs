//! Failures for the page, equal ones together: [`sections`].

use std::collections::HashMap;

use crate::model::id::{CaseId, ClauseId};
use crate::model::judgement::Mismatch;
use crate::record::Record;
use crate::report::group::{Group, groups};
use crate::report::standing::Standing;
use crate::report::text::{RunTexts, clauses_of, hint};
use crate::report::words;

use super::diff::{Diff, bodies, diff};
use super::exchange::Exchange;
use super::{Budget, Text};

/// Most mismatches shown of one failure.
const MAX_MISMATCHES: usize = 50;
/// Most exchanges shown of one failure.
const MAX_EXCHANGES: usize = 20;
/// Most bodies compared of one failure.
const MAX_BODIES: usize = 10;
/// Most cases named in one group.
const MAX_NAMES: usize = 200;
/// Longest expected or actual value, in bytes.
const MAX_VALUE: usize = 1000;

/// Failures of one standing.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) cases: usize,
    pub(super) failures: Vec<Failure>,
    /// Cases that are in the list of all cases only.
    pub(super) left_out: usize,
}

/// Cases that fail alike; the first in full.
pub(super) struct Failure {
    pub(super) case: CaseLink,
    pub(super) verdict: &'static str,
    pub(super) title: Text,
    pub(super) place: Text,
    pub(super) cause: Text,
    pub(super) clauses: Vec<Text>,
    pub(super) mismatches: Vec<Difference>,
    pub(super) more_mismatches: usize,
    pub(super) bodies: Vec<Bodies>,
    pub(super) teardown: Vec<Text>,
    pub(super) exchanges: Vec<Exchange>,
    /// Exchanges that the page has no room for.
    pub(super) more_exchanges: usize,
    pub(super) rerun: Text,
    pub(super) others: Vec<CaseLink>,
    pub(super) more_others: usize,
}

/// A case's id and its number in the list of all cases.
pub(super) struct CaseLink {
    pub(super) id: Text,
    pub(super) number: usize,
}

/// A mismatch.
pub(super) struct Difference {
    pub(super) step: Text,
    pub(super) place: Text,
    pub(super) kind: String,
    pub(super) types: String,
    pub(super) clauses: Text,
    pub(super) expected: Text,
    pub(super) actual: Text,
    pub(super) diff: Option<Diff>,
}

/// Expected beside actual body of a step.
pub(super) struct Bodies {
    pub(super) step: Text,
    pub(super) diff: Diff,
}

/// Failed, errored and tolerated cases; a section only where there are any.
pub(super) fn sections(
    record: &Record,
    numbers: &HashMap<&CaseId, usize>,
    texts: &RunTexts,
    budget: &mut Budget,
) -> Vec<Section> {
    let groups = groups(record);
    let titles = [
        (Standing::Failed, "failures", "Failures"),
        (Standing::Errored, "errors", "No verdict possible"),
        (Standing::Tolerated, "tolerated", "Failures that do not fail this run"),
    ];
    let mut sections = Vec::new();
    for (standing, id, title) in titles {
        let mut section = Section { id, title, cases: 0, failures: Vec::new(), left_out: 0 };
        for group in groups.iter().filter(|group| group.standing == standing) {
            section.cases += group.cases.len();
            // Some 2 kB of markup around the texts.
            if budget.take(2000) {
                section.failures.push(failure(group, numbers, texts, budget));
            } else {
                section.left_out += group.cases.len();
            }
        }
        if section.cases > 0 {
            sections.push(section);
        }
    }
    sections
}

fn failure(group: &Group<'_>, numbers: &HashMap<&CaseId, usize>, texts: &RunTexts, budget: &mut Budget) -> Failure {
    let case = group.cases[0];
    let link = |id: &CaseId| CaseLink { id: Text::line(id.as_str()), number: numbers.get(id).copied().unwrap_or(0) };
    let mismatches: Vec<Difference> =
        case.judgement.mismatches.iter().take(MAX_MISMATCHES).map(|each| difference(each, budget)).collect();
    let mut shown = Vec::new();
    for each in case.diffs.iter().take(MAX_BODIES) {
        // Nothing is compared that could not be shown.
        let Some(diff) = (budget.left > 0).then(|| bodies(&each.expected, &each.actual)).flatten() else { continue };
        if budget.take(diff.size()) {
            shown.push(Bodies { step: Text::short(&each.step, 200), diff });
        }
    }
    let mut exchanges = Vec::new();
    for exchange in case.exchanges.iter().take(MAX_EXCHANGES) {
        let exchange = Exchange::new(exchange);
        if !budget.take(exchange.size()) {
            break;
        }
        exchanges.push(exchange);
    }
    let others: Vec<CaseLink> = group.cases.iter().skip(1).take(MAX_NAMES).map(|case| link(&case.id)).collect();
    let place = if case.source.file.is_empty() {
        Text::default()
    } else {
        Text::line(&format!("{}:{}", case.source.file, case.source.line))
    };
    Failure {
        case: link(&case.id),
        verdict: words::verdict(&case.outcome),
        title: Text::line(&case.title),
        place,
        cause: Text::short(
            &words::cause(&case.outcome).or_else(|| hint(case).map(str::to_owned)).unwrap_or_default(),
            MAX_VALUE,
        ),
        clauses: clauses_of(case).iter().map(|id| Text::line(&texts.line(id))).collect(),
        more_mismatches: case.judgement.mismatches.len() - mismatches.len(),
        mismatches,
        bodies: shown,
        teardown: case.teardown_problems.iter().map(|problem| Text::short(problem, MAX_VALUE)).collect(),
        more_exchanges: case.exchanges.len() - exchanges.len(),
        exchanges,
        rerun: Text::line(&texts.rerun(case.id.as_str())),
        more_others: group.cases.len() - 1 - others.len(),
        others,
    }
}

fn difference(each: &Mismatch, budget: &mut Budget) -> Difference {
    let ids: Vec<&str> = each.clauses.iter().map(ClauseId::as_str).collect();
    let expected = Text::short(&each.expected, MAX_VALUE);
    let actual = Text::short(&each.actual, MAX_VALUE);
    let room = budget.take(expected.len() + actual.len() + 500);
    let short = |text: Text| if room { text } else { Text::short(&text.0, 100) };
    Difference {
        step: Text::short(&each.step, 200),
        place: Text::short(&words::place(each), 500),
        kind: words::name(&each.kind),
        types: each
            .types
            .as_ref()
            .map(|(expected, actual)| Text::line(&format!("{expected}, not {actual}")).0)
            .unwrap_or_default(),
        clauses: Text::line(&ids.join(", ")),
        expected: short(expected),
        actual: short(actual),
        // Nothing is compared that could not be shown.
        diff: if room { diff(&each.expected, &each.actual).filter(|diff| budget.take(diff.size())) } else { None },
    }
}

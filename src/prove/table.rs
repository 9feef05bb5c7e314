//! The kill matrix, clause by fault, and lists of cases, as [`super::render`] shows them.

use std::collections::BTreeMap;

use super::proof::{ClauseProof, FaultProof, Proof};
use crate::model::id::{CaseId, ClauseId};

/// Columns of a line of names.
const WIDTH: usize = 110;

/// Faults of a clause: the cells of its own.
pub(super) fn faults_of<'a>(proof: &'a Proof, clause: &'a ClauseId) -> impl Iterator<Item = &'a FaultProof> {
    proof.faults.iter().filter(move |fault| fault.clause == *clause)
}

/// Faults of other clauses under which checks of this one fail too, and in how many cases.
pub(super) fn also<'a>(proof: &'a Proof, clause: &'a ClauseId) -> impl Iterator<Item = (&'a FaultProof, usize)> {
    let others = proof.faults.iter().filter(move |fault| fault.clause != *clause);
    others.filter_map(move |fault| Some((fault, *fault.clauses.get(clause)?)))
}

/// What is proven of a clause, in a word.
pub(super) fn word(clause: &ClauseProof) -> &'static str {
    match (clause.proven, clause.lenient) {
        (Some(true), true) => "proven",
        (Some(true), false) => "proven with --strict only",
        (Some(false), _) => "unproven",
        (None, _) => "",
    }
}

/// Names of cases by suite, rows of one case together: `groove/add` with `accept[3 rows]`, `accepted`.
pub(super) fn by_suite(cases: &[CaseId]) -> Vec<(String, Vec<String>)> {
    let mut suites: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for id in cases {
        let (whole, row) = id.as_str().split_once('[').map_or((id.as_str(), false), |(whole, _)| (whole, true));
        let (suite, name) = whole.rsplit_once('/').unwrap_or(("", whole));
        *suites.entry(suite).or_default().entry(name).or_default() += usize::from(row);
    }
    let name = |(name, rows): (&str, usize)| match rows {
        0 => name.to_owned(),
        1 => format!("{name}[1 row]"),
        rows => format!("{name}[{rows} rows]"),
    };
    suites.into_iter().map(|(suite, names)| (suite.to_owned(), names.into_iter().map(name).collect())).collect()
}

/// Names in lines of a screen's width, indented.
pub(super) fn lines(names: &[String]) -> String {
    let mut out = String::new();
    let mut column = 0;
    for (at, name) in names.iter().enumerate() {
        if column > 0 && column + name.len() + 2 > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            out.push_str("    ");
            column = 4;
        }
        out.push_str(name);
        column += name.len();
        if at + 1 < names.len() {
            out.push_str(", ");
            column += 2;
        }
    }
    // A line that was broken ends without its space.
    out.replace(", \n", ",\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_case_are_one_name_and_lines_end_in_time() {
        let ids: Vec<CaseId> = ["g/a/x[1]", "g/a/x[2]", "g/a/y", "g/b/z[q]"].map(CaseId::new).into();
        assert_eq!(
            by_suite(&ids),
            [
                ("g/a".to_owned(), vec!["x[2 rows]".to_owned(), "y".to_owned()]),
                ("g/b".to_owned(), vec!["z[1 row]".to_owned()])
            ]
        );
        let many: Vec<String> = (0..60).map(|at| format!("case-number-{at}")).collect();
        let text = lines(&many);
        assert!(
            text.lines().count() > 5
                && text.lines().all(|line| line.len() <= WIDTH + 1 && line.starts_with("    case"))
        );
        assert_eq!(text.replace('\n', " ").split(", ").count(), 60);
    }
}

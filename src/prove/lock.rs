//! The list of every check that a suite makes: [`Lock`]. It is stored beside the cases, so that a check cannot go without
//! somebody saying so: a suite that asks for less passes as easily as one that asks for everything.
//!
//! The list is read off the cases as they are written, not off a run. It says where a check looks, what kind it is and
//! which clauses it proves; a changed value leaves it as it is, a loosened or a deleted check does not.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::walk;
use crate::model::id::ClauseId;
use crate::model::spec::{Case, ExpectBody, ExpectSpec, Extra, HeaderRule, Path, StatusSpec, Step, StepRole, TextRule};
use crate::model::suite::Suite;
use crate::model::template::{Part, Template};

/// File name of the list, in the directory of the cases.
pub const LOCK_FILE: &str = "checks.lock";

/// First lines of the list.
const HEAD: &str =
    "# Every check of the suite. Written by `casebook check --update`; `casebook check` fails when the cases differ.\n";
/// Differences that are told one by one.
const TOLD: usize = 40;

/// Every check of a suite: an entry for each clause and each case, and the lines of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    entries: BTreeMap<String, Vec<String>>,
}

/// What differs between a stored list and the suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Entry and line that are stored and gone from the suite; an entry that is gone as a whole has an empty line.
    pub gone: Vec<(String, String)>,
    /// Entry and line that the stored list lacks.
    pub added: Vec<(String, String)>,
}

impl Lock {
    /// The list of a suite.
    #[must_use]
    pub fn of(suite: &Suite) -> Self {
        let mut entries: BTreeMap<String, Vec<String>> =
            suite.cases.iter().map(|case| (case.id.to_string(), case_lines(case))).collect();
        for clause in &suite.clauses {
            let standing = if clause.excluded.is_some() { "excluded" } else { "testable" };
            let level = serde_json::to_value(clause.level).ok();
            let level = level.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            entries.insert(format!("clause {}", clause.id), vec![format!("{standing} {level}")]);
        }
        Self { entries }
    }

    /// Reads a stored list. Whatever is not understood becomes an entry or a line that no suite has, and so a difference.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut entries: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut open: Vec<String> = Vec::new();
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            if let Some(check) = line.strip_prefix("  ") {
                lines.push(check.to_owned());
                continue;
            }
            if !lines.is_empty() {
                entries.extend(open.drain(..).map(|id| (id, lines.clone())));
                lines.clear();
            }
            open.push(line.to_owned());
        }
        entries.extend(open.into_iter().map(|id| (id, lines.clone())));
        Self { entries }
    }

    /// The list as a file: entries by name, several with the same lines together.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = HEAD.to_owned();
        let mut entries = self.entries.iter().peekable();
        while let Some((id, lines)) = entries.next() {
            let _ = writeln!(text, "{id}");
            if entries.peek().is_some_and(|(_, next)| *next == lines) && !lines.is_empty() {
                continue;
            }
            for line in lines {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }

    /// How many checks are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.values().map(Vec::len).sum()
    }

    /// Whether a clause or a case is listed.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.entries.contains_key(id)
    }

    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What a suite's list lacks of this stored one, and what it has more.
    #[must_use]
    pub fn compare(&self, suite: &Lock) -> Difference {
        let mut found = Difference::default();
        for (id, lines) in &self.entries {
            match suite.entries.get(id) {
                None => found.gone.push((id.clone(), String::new())),
                Some(now) if now == lines => {}
                Some(now) => {
                    found.gone.extend(lacking(lines, now).map(|line| (id.clone(), line)));
                    found.added.extend(lacking(now, lines).map(|line| (id.clone(), line)));
                }
            }
        }
        for id in suite.entries.keys().filter(|id| !self.entries.contains_key(*id)) {
            found.added.push((id.clone(), String::new()));
        }
        found
    }
}

/// Lines of the first list that the second lacks.
fn lacking(one: &[String], other: &[String]) -> impl Iterator<Item = String> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for line in other {
        *left.entry(line).or_default() += 1;
    }
    let mut lacking = Vec::new();
    for line in one {
        match left.get_mut(line.as_str()) {
            Some(count) if *count > 0 => *count -= 1,
            _ => lacking.push(line.clone()),
        }
    }
    lacking.into_iter()
}

impl Difference {
    /// Whether the suite is as it was listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.added.is_empty()
    }

    /// For people: what is gone, what is new, and what to do. `file` is where the list is stored.
    #[must_use]
    pub fn tell(&self, file: &str) -> String {
        let mut text = String::new();
        let mut part = |list: &[(String, String)], what: [&str; 2], sign: char| {
            if list.is_empty() {
                return;
            }
            let count = list.len();
            let what = what[usize::from(count != 1)];
            let _ = writeln!(text, "error: {count} {what} {file}");
            for (id, line) in list.iter().take(TOLD) {
                let _ = if line.is_empty() {
                    writeln!(text, "  {sign} {id}")
                } else {
                    writeln!(text, "  {sign} {id}: {line}")
                };
            }
            if count > TOLD {
                let _ = writeln!(text, "    … and {} more", count - TOLD);
            }
        };
        part(&self.gone, ["check is gone that is listed in", "checks are gone that are listed in"], '-');
        part(&self.added, ["check is not listed in", "checks are not listed in"], '+');
        text.push_str(
            "help: if the cases are right, write the list anew with `casebook check --update` and commit it\n",
        );
        text
    }
}

/// The checks of a case, each a line.
#[must_use]
pub fn case_lines(case: &Case) -> Vec<String> {
    let mut lines = Vec::new();
    for (flag, name) in [(case.observe, "observe"), (case.strict, "strict")] {
        if flag {
            lines.push(name.to_owned());
        }
    }
    for step in case.steps.iter() {
        step_lines(step, &mut lines);
    }
    for (index, check) in case.checks.iter().enumerate() {
        let clauses = if check.clauses.is_empty() { &case.clauses } else { &check.clauses };
        let lead = if check.wanted { "wanted " } else { "" };
        for line in walk::json(&check.is, &format!("check[{index}]:"), &[], clauses) {
            lines.push(format!("{lead}{line}"));
        }
    }
    lines
}

fn step_lines(step: &Step, lines: &mut Vec<String>) {
    let lead = match step.role {
        StepRole::Setup => format!("setup {}", step.id),
        StepRole::Main => step.id.clone(),
        StepRole::Teardown => format!("teardown {}", step.id),
    };
    expect_lines(&step.expect, &lead, lines);
    if let Some(wanted) = &step.wanted {
        expect_lines(wanted, &format!("{lead} wanted"), lines);
    }
    for capture in step.captures.iter().filter(|capture| !capture.optional) {
        let kind = capture.kind.as_deref().unwrap_or("any");
        lines.push(format!("{lead} capture {} {kind}", capture.name));
    }
}

fn expect_lines(expect: &ExpectSpec, lead: &str, lines: &mut Vec<String>) {
    let fallback = &expect.fallback;
    let cited = |clauses: &[ClauseId]| walk::clauses(if clauses.is_empty() { fallback } else { clauses });
    for status in &expect.status {
        lines.push(format!("{lead} status {}{}", status_text(status), cited(&status.clauses)));
    }
    for header in &expect.headers {
        lines.push(format!("{lead} header {} {}{}", header.name, header_word(&header.rule), cited(&header.clauses)));
    }
    let extra = match expect.extra {
        Extra::Fail => "extra=fail",
        Extra::Note => "extra=note",
        Extra::Allow => "extra=allow",
    };
    let body = match &expect.body {
        ExpectBody::Unchecked => vec!["body unchecked".to_owned()],
        ExpectBody::Empty => vec![format!("body empty{}", cited(&[]))],
        ExpectBody::WellFormed => vec![format!("body well-formed{}", cited(&[]))],
        ExpectBody::Text(TextRule::Is(_)) => vec![format!("text is{}", cited(&[]))],
        ExpectBody::Text(TextRule::Regex(_)) => vec![format!("text regex{}", cited(&[]))],
        ExpectBody::Text(TextRule::Contains(_)) => vec![format!("text contains{}", cited(&[]))],
        ExpectBody::Json(pattern) => {
            let mut body = vec![format!("json {extra}")];
            body.extend(walk::json(pattern, "json:", &expect.cite, fallback));
            body
        }
        ExpectBody::Xml(pattern) => {
            let mut body = vec![format!("xml {extra}")];
            body.extend(walk::xml(pattern, &expect.cite, fallback));
            body
        }
    };
    lines.extend(body.into_iter().map(|line| format!("{lead} {line}")));
    for at in &expect.at {
        let (Path::Pointer(path) | Path::JsonPath(path) | Path::XPath(path)) = &at.path;
        let count = at.count.map_or(String::new(), |(least, most)| match most {
            usize::MAX => format!(" count {least}.."),
            most => format!(" count {least}..{most}"),
        });
        lines.push(format!("{lead} at {path}{count}{}", cited(&at.clauses)));
        if let Some(pattern) = &at.is {
            let clauses = if at.clauses.is_empty() { fallback } else { &at.clauses };
            let inner = walk::json(pattern, &format!("at {path}:"), &[], clauses);
            lines.extend(inner.into_iter().map(|line| format!("{lead} {line}")));
        }
    }
    for reading in &expect.readings {
        let lead = format!("{lead} reading {} {}", reading.choice, reading.reading);
        lines.push(lead.clone());
        expect_lines(&reading.expect, &lead, lines);
    }
}

fn status_text(status: &StatusSpec) -> String {
    let mut texts: Vec<String> = status.is.iter().map(template_text).collect();
    texts.extend(status.not.iter().map(|each| format!("not {}", template_text(each))));
    texts.join("|")
}

/// A template on one line; what is inserted is not told.
fn template_text(template: &Template) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Value(_) => "${}".to_owned(),
    };
    template.parts.iter().map(part).collect()
}

fn header_word(rule: &HeaderRule<Template>) -> &'static str {
    match rule {
        HeaderRule::Is(_) => "is",
        HeaderRule::Regex(_) => "regex",
        HeaderRule::Contains(_) => "contains",
        HeaderRule::Media(_) => "media",
        HeaderRule::All(_) => "all",
        HeaderRule::Absent => "absent",
        HeaderRule::Present => "present",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite() -> Suite {
        crate::load::suite(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"))).unwrap()
    }

    #[test]
    fn a_list_that_is_written_and_read_is_the_same() {
        let lock = Lock::of(&suite());
        assert!(lock.len() > 5000);
        assert_eq!(Lock::parse(&lock.write()), lock);
        assert!(Lock::parse(&lock.write()).compare(&lock).is_empty());
    }

    #[test]
    fn the_stored_list_is_the_one_of_the_suite() {
        let stored = Lock::parse(include_str!("../../cases/checks.lock"));
        let difference = stored.compare(&Lock::of(&suite()));
        assert!(difference.is_empty(), "{}", difference.tell("cases/checks.lock"));
    }

    #[test]
    fn what_is_gone_and_what_is_new_is_told() {
        let stored = Lock::parse(
            "# head\na/b\na/c\n  main status 200 X-1\n  main status 200 X-1\nclause X-1\n  testable stated\n",
        );
        let now = Lock::parse("a/b\n  main status 200 X-1\nclause X-1\n  excluded stated\n");
        let difference = stored.compare(&now);
        let pair = |id: &str, line: &str| (id.to_owned(), line.to_owned());
        assert_eq!(
            difference.gone,
            [pair("a/b", "main status 200 X-1"), pair("a/c", ""), pair("clause X-1", "testable stated")]
        );
        assert_eq!(difference.added, [pair("clause X-1", "excluded stated")]);
        let told = difference.tell("cases/checks.lock");
        assert!(told.starts_with(
            "error: 3 checks are gone that are listed in cases/checks.lock\n  - a/b: main status 200 X-1\n  - a/c\n"
        ));
        assert!(told.contains("error: 1 check is not listed in cases/checks.lock\n  + clause X-1: excluded stated\n"));
        assert!(told.contains("casebook check --update"));
    }
}

//! JUnit XML: the intersection of what the Jenkins schema and the Ant schema accept, so that every consumer reads it.
//!
//! A mismatch is a `failure`; a case without a verdict is an `error`; a known failure is `skipped`, with its reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::diff::Palette;
use crate::model::verdict::{Exit, Verdict};
use crate::record::{CaseRecord, Record};

use super::escape::{cut, log_line, shorten, xml, xml_lines};
use super::standing::{Standing, Standings};
use super::text::{RunTexts, block};
use super::words;

/// Longest `message` attribute, in bytes.
const MAX_MESSAGE: usize = 1000;
/// Size of the file beyond which failures have a message only, in bytes: GitLab takes less than 30 MB.
const MAX_FILE: usize = 20_000_000;
/// Longest text of one failure, in bytes.
const MAX_TEXT: usize = 20_000;

/// One entry of the file.
struct Entry {
    class: String,
    name: String,
    us: u64,
    outcome: Outcome,
}

/// What is written inside an entry.
enum Outcome {
    Passed,
    Failure { kind: &'static str, message: String, text: String },
    Error { kind: &'static str, message: String, text: String },
    Skipped(String),
}

pub(super) fn render(record: &Record) -> String {
    let timestamp = words::started(record).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let standings = Standings::new(record);
    let texts = RunTexts::of_record(record);
    let mut suites: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for case in &record.cases {
        let entry = entry(case, standings.of(case), &texts);
        suites.entry(entry.class.clone()).or_default().push(entry);
    }
    if let Some(problem) = standings.run_problem() {
        suites.entry("casebook".to_owned()).or_default().push(run_entry(record, problem));
    }
    let properties = properties(record);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (id, (name, entries)) in suites.iter().enumerate() {
        suite(&mut out, id, name, &timestamp, &properties, entries);
    }
    out.push_str("</testsuites>\n");
    out
}

/// Who was tested with what. Never none: older schemas of Jenkins want at least one.
fn properties(record: &Record) -> String {
    let header = &record.header;
    let warnings = header.warnings.iter().map(|warning| ("casebook.warning", warning));
    let pairs = [
        ("casebook.version", &header.casebook_version),
        ("casebook.run", &header.run_id),
        ("casebook.target", &header.target.name),
        ("casebook.suite", &header.suite.hash),
    ];
    pairs
        .into_iter()
        .chain(warnings)
        .map(|(name, value)| format!("<property name=\"{name}\" value=\"{}\"/>", one_line(value)))
        .collect()
}

fn suite(out: &mut String, id: usize, name: &str, timestamp: &str, properties: &str, entries: &[Entry]) {
    let of = |wanted: fn(&Outcome) -> bool| entries.iter().filter(|entry| wanted(&entry.outcome)).count();
    // Writing to a String cannot fail; that holds for every write below.
    let _ = writeln!(
        out,
        "  <testsuite id=\"{id}\" name=\"{name}\" package=\"casebook\" timestamp=\"{timestamp}\" hostname=\"casebook\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">\n    <properties>{properties}</properties>",
        entries.len(),
        of(|outcome| matches!(outcome, Outcome::Failure { .. })),
        of(|outcome| matches!(outcome, Outcome::Error { .. })),
        of(|outcome| matches!(outcome, Outcome::Skipped(_))),
        words::seconds(entries.iter().map(|entry| entry.us).sum()),
        name = xml(name),
    );
    for entry in entries {
        let _ = write!(
            out,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
            xml(&entry.class),
            xml(&entry.name),
            words::seconds(entry.us)
        );
        match &entry.outcome {
            Outcome::Passed => out.push_str("/>\n"),
            Outcome::Skipped(message) => {
                let _ = writeln!(out, "><skipped message=\"{}\"/></testcase>", one_line(message));
            }
            Outcome::Failure { kind, message, text } => problem(out, "failure", kind, message, text),
            Outcome::Error { kind, message, text } => problem(out, "error", kind, message, text),
        }
    }
    out.push_str("    <system-out></system-out>\n    <system-err></system-err>\n  </testsuite>\n");
}

fn problem(out: &mut String, element: &str, kind: &str, message: &str, text: &str) {
    let text = if out.len() > MAX_FILE { String::new() } else { xml_lines(&shorten(text, MAX_TEXT)) };
    let message = one_line(message);
    let _ = writeln!(out, "><{element} message=\"{message}\" type=\"{kind}\">{text}</{element}></testcase>");
}

fn one_line(message: &str) -> String {
    let shown = log_line(message);
    match cut(&shown, MAX_MESSAGE) {
        (start, true) => format!("{}…", xml(start)),
        (whole, false) => xml(whole),
    }
}

fn entry(case: &CaseRecord, standing: Standing, texts: &RunTexts) -> Entry {
    let kind = words::verdict(&case.outcome);
    let message = || words::in_one_line(case);
    let outcome = match standing {
        Standing::Passed => Outcome::Passed,
        Standing::Failed => {
            Outcome::Failure { kind, message: message(), text: block(&[case], texts, &Palette::plain()) }
        }
        Standing::Errored => {
            Outcome::Error { kind, message: message(), text: block(&[case], texts, &Palette::plain()) }
        }
        Standing::Tolerated => Outcome::Skipped(match case.outcome {
            Verdict::KnownFailure { .. } => message(),
            _ => format!("does not fail this run: {}", message()),
        }),
        Standing::Skipped => Outcome::Skipped(message()),
    };
    let id = case.id.as_str();
    // A row's id may hold slashes; only those before it separate.
    let path = id.split('[').next().unwrap_or(id);
    let class = path.rsplit_once('/').map_or(path, |(class, _)| class).replace('/', ".");
    Entry { class, name: id.to_owned(), us: case.elapsed_us, outcome }
}

/// The entry that keeps a broken run from looking green.
fn run_entry(record: &Record, message: String) -> Entry {
    let text = record.footer.reasons.join("\n");
    let outcome = match record.footer.exit {
        Exit::Nonconformant | Exit::StaleList => Outcome::Failure { kind: "run", message, text },
        _ => Outcome::Error { kind: "run", message, text },
    };
    Entry { class: "casebook".to_owned(), name: "the run itself".to_owned(), us: 0, outcome }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;
    use std::collections::BTreeSet;

    fn number(node: roxmltree::Node<'_, '_>, name: &str) -> usize {
        node.attribute(name).and_then(|text| text.parse().ok()).expect("a number")
    }

    /// What both schemas ask for, as far as this writer could break it.
    fn check(text: &str) {
        let document = roxmltree::Document::parse(text).expect("well-formed");
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "testsuites");
        assert_eq!(root.attributes().count(), 0);
        let mut names = BTreeSet::new();
        for (index, suite) in root.children().filter(roxmltree::Node::is_element).enumerate() {
            assert_eq!(number(suite, "id"), index);
            let children: Vec<_> = suite.children().filter(roxmltree::Node::is_element).collect();
            let tags: Vec<&str> = children.iter().map(|child| child.tag_name().name()).collect();
            assert_eq!(tags.first(), Some(&"properties"));
            assert!(tags.ends_with(&["testcase", "system-out", "system-err"]), "{tags:?}");
            let cases: Vec<_> = children.iter().filter(|child| child.has_tag_name("testcase")).collect();
            assert_eq!(number(suite, "tests"), cases.len());
            for (attribute, tag) in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
                let inside = cases.iter().flat_map(|case| case.children()).filter(|child| child.has_tag_name(tag));
                assert_eq!(number(suite, attribute), inside.count(), "{attribute}");
            }
            for case in cases {
                assert!(case.children().count() <= 1);
                let own: Vec<&str> = case.attributes().map(|attribute| attribute.name()).collect();
                assert_eq!(own, ["classname", "name", "time"]);
                assert!(names.insert((case.attribute("classname"), case.attribute("name"))), "names are unique");
                for problem in case.children().filter(|child| !child.has_tag_name("skipped")) {
                    assert!(problem.has_attribute("type"));
                    assert!(problem.attribute("message").is_some_and(|message| message.len() <= MAX_MESSAGE + 3));
                }
            }
        }
    }

    #[test]
    fn the_sample_as_junit() {
        let text = render(&sample::record());
        check(&text);
        insta::assert_snapshot!("junit", text);
    }

    #[test]
    fn a_run_that_ended_badly_is_never_green() {
        let mut record = sample::record();
        record.cases.retain(|case| case.outcome == Verdict::Passed);
        record.footer.exit = Exit::NothingProven;
        record.footer.reasons = vec!["no clause was proven".to_owned()];
        let text = render(&record);
        check(&text);
        assert!(text.contains("nothing-proven (exit 4)"));
        assert!(text.contains("<error "));
    }

    #[test]
    fn a_run_that_ended_well_is_never_red() {
        let mut record = sample::record();
        record.footer.exit = Exit::Conformant;
        let text = render(&record);
        check(&text);
        assert!(!text.contains("<failure") && !text.contains("<error"));
    }
}

//! Renders a [`Record`] into the formats that people and machines read: [`render`]. Pure: bytes out, nothing else.
//!
//! No report says more or less than the record's exit code. What a reader's tool counts as red is decided in one
//! place, [`standing::standing`].

pub mod coverage;
mod ctrf;
pub mod curl;
pub mod escape;
mod github;
pub mod group;
mod html;
mod json;
mod junit;
mod known;
mod markdown;
mod pretty;
mod sarif;
pub mod standing;
mod tap;
pub mod text;
mod words;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::record::{Record, TakeCase};

/// A form of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// The whole record as one document.
    Json,
    /// The record as lines, cases sorted.
    Jsonl,
    /// JUnit XML that both the Jenkins and the Ant schema accept.
    Junit,
    /// Test Anything Protocol, version 13.
    Tap,
    /// Common Test Report Format, JSON.
    Ctrf,
    /// GitHub-flavoured Markdown for a job summary.
    Markdown,
    /// GitHub workflow commands that annotate case files.
    Github,
    /// SARIF 2.1.0, JSON.
    Sarif,
    /// One self-contained page.
    Html,
}

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: [Format; 9] = [
        Format::Html,
        Format::Json,
        Format::Jsonl,
        Format::Junit,
        Format::Markdown,
        Format::Github,
        Format::Ctrf,
        Format::Tap,
        Format::Sarif,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Junit => "junit",
            Format::Tap => "tap",
            Format::Ctrf => "ctrf",
            Format::Markdown => "markdown",
            Format::Github => "github",
            Format::Sarif => "sarif",
            Format::Html => "html",
        }
    }

    /// The usual name of its file.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Format::Json => "run.json",
            Format::Jsonl => "run.jsonl",
            Format::Junit => "junit.xml",
            Format::Tap => "run.tap",
            Format::Ctrf => "ctrf.json",
            Format::Markdown => "report.md",
            Format::Github => "annotations.txt",
            Format::Sarif => "run.sarif",
            Format::Html => "report.html",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no format's.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("there is no report format {0:?} (there are: {names})", names = Format::ALL.map(Format::name).join(", "))]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Format::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// Why a report cannot be rendered.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A value has no JSON form.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The page's template failed.
    #[error("the page cannot be rendered")]
    Template(#[from] askama::Error),
    /// A line cannot be written.
    #[error("a line of the record cannot be written")]
    Line(#[from] std::io::Error),
}

/// The record as a report. The same record gives the same bytes.
///
/// # Errors
/// See [`ReportError`]; a record that was read renders in every format.
pub fn render(format: Format, record: &Record) -> Result<Vec<u8>, ReportError> {
    match format {
        Format::Json => json::document(record),
        Format::Jsonl => json::lines(record),
        Format::Junit => Ok(junit::render(record).into_bytes()),
        Format::Tap => Ok(tap::render(record).into_bytes()),
        Format::Ctrf => ctrf::render(record),
        Format::Markdown => Ok(markdown::render(record).into_bytes()),
        Format::Github => Ok(github::render(record).into_bytes()),
        Format::Sarif => sarif::render(record),
        Format::Html => html::render(record),
    }
}

/// Hands over cases, each as the JSON of its [`crate::record::CaseRecord`] on one line.
pub type CaseLines<'a> = dyn FnMut(&mut TakeCase<'_>) -> std::io::Result<()> + 'a;

/// Whether a report can be made by [`render_stored`].
#[must_use]
pub fn can_be_streamed(format: Format) -> bool {
    matches!(format, Format::Json | Format::Markdown)
}

/// As [`render`], for a record whose cases are too many to be held: `record` has those that did not pass (or the first
/// of them), and `cases` hands over all, sorted by id.
///
/// # Errors
/// See [`ReportError`].
pub fn render_stored(
    format: Format,
    record: &Record,
    cases: &mut CaseLines<'_>,
    out: &mut dyn std::io::Write,
) -> Result<(), ReportError> {
    match format {
        Format::Json => json::stream(record, out, cases),
        format => Ok(out.write_all(&render(format, record)?)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::Exit;
    use crate::record::sample;

    #[test]
    fn names_are_read_back() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        let error = "pdf".parse::<Format>().expect_err("no such format").to_string();
        assert!(error.starts_with("there is no report format \"pdf\" (there are: html, json, "), "{error}");
    }

    #[test]
    fn the_same_record_gives_the_same_bytes() {
        for format in Format::ALL {
            let render = || render(format, &sample::record()).expect("rendered");
            assert_eq!(render(), render(), "{format}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(48))]

        /// Whatever a service says, and wherever it stands, every report can be made and machines can read it.
        #[test]
        fn any_text_of_a_service_can_be_reported(text in "(?s).{0,60}", bytes in proptest::collection::vec(0_u8.., 0..40)) {
            let mut record = sample::record();
            for text in [text.clone(), String::from_utf8_lossy(&bytes).into_owned()] {
                for case in &mut record.cases {
                    for mismatch in &mut case.judgement.mismatches {
                        mismatch.actual.clone_from(&text);
                        mismatch.place.clone_from(&text);
                    }
                    for exchange in &mut case.exchanges {
                        exchange.url.clone_from(&text);
                        exchange.headers.push((text.clone(), text.clone()));
                        if let Some(response) = &mut exchange.response {
                            response.reason = Some(text.clone());
                            response.body.text = Some(text.clone());
                            response.headers.push(("content-type".to_owned(), text.clone()));
                        }
                    }
                    case.title.clone_from(&text);
                    case.teardown_problems = vec![text.clone()];
                }
                for format in Format::ALL {
                    let bytes = render(format, &record).expect("rendered");
                    let report = String::from_utf8(bytes).expect("UTF-8");
                    assert!(!report.contains(|c| c != '\n' && escape::is_hidden(c)), "{format}");
                    match format {
                        Format::Json | Format::Ctrf | Format::Sarif => {
                            serde_json::from_str::<serde_json::Value>(&report).expect("JSON");
                        }
                        Format::Jsonl => {
                            let mode = crate::record::ReadMode::Complete;
                            assert_eq!(crate::record::read(report.as_bytes(), mode).expect("a record"), record);
                        }
                        Format::Junit => assert!(roxmltree::Document::parse(&report).is_ok()),
                        Format::Github => assert!(report.lines().all(|line| line.starts_with("::error "))),
                        Format::Html => assert_eq!(report.matches("<script").count(), 1),
                        Format::Tap => {
                            let points = |line: &&str| line.starts_with("ok ") || line.starts_with("not ok ");
                            assert_eq!(report.lines().filter(points).count(), record.cases.len());
                        }
                        Format::Markdown => {}
                    }
                }
            }
        }
    }

    #[test]
    fn no_page_says_conformant_while_clauses_are_not_tested() {
        let mut record = sample::record();
        record.footer.exit = Exit::Conformant;
        record.footer.reasons.clear();
        for format in [Format::Html, Format::Markdown, Format::Tap, Format::Junit, Format::Github, Format::Ctrf] {
            let bytes = render(format, &record).expect("rendered");
            let text = String::from_utf8(bytes).expect("UTF-8").replace("nonconformant", "");
            assert!(!text.contains("conformant"), "{format}");
        }
    }

    #[test]
    fn no_terminal_is_commanded_by_a_text_report() {
        for format in Format::ALL {
            let text = String::from_utf8(render(format, &sample::record()).expect("rendered")).expect("UTF-8");
            assert!(!text.contains(|c| c != '\n' && escape::is_hidden(c)), "{format}");
        }
    }
}

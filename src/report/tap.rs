//! TAP 13 with YAML blocks: Perl's `prove` refuses version 14 and subtests.

use std::fmt::Write as _;

use crate::diff::Palette;
use crate::record::{CaseRecord, Record};

use super::escape::{log_line, shorten, tap};
use super::standing::{Standing, Standings};
use super::text::{RunTexts, block};
use super::words;

/// Longest message or directive, in bytes.
const MAX_MESSAGE: usize = 500;

pub(super) fn render(record: &Record) -> String {
    let standings = Standings::new(record);
    let texts = RunTexts::of_record(record);
    let problem = standings.run_problem();
    let mut out = format!("TAP version 13\n1..{}\n", record.cases.len() + usize::from(problem.is_some()));
    for (index, case) in record.cases.iter().enumerate() {
        line(&mut out, index + 1, case, standings.of(case), &texts);
    }
    if let Some(problem) = problem {
        let number = record.cases.len() + 1;
        let _ = write!(
            out,
            "not ok {number} - the run itself\n  ---\n  message: {}\n  severity: fail\n  ...\n",
            quoted(&problem)
        );
    }
    for warning in &record.header.warnings {
        let _ = writeln!(out, "# warning: {}", log_line(warning));
    }
    let _ = writeln!(out, "# {}", log_line(&words::total_line(record)));
    let _ = writeln!(out, "# {}", log_line(&words::conclusion(record)));
    out
}

fn line(out: &mut String, number: usize, case: &CaseRecord, standing: Standing, texts: &RunTexts) {
    let ok = if matches!(standing, Standing::Passed | Standing::Skipped) { "ok" } else { "not ok" };
    let _ = write!(out, "{ok} {number} - {}", tap(&format!("{} {}", case.id, case.title)));
    let why = || tap(&shorten(&words::in_one_line(case), MAX_MESSAGE));
    match standing {
        Standing::Passed | Standing::Failed | Standing::Errored => out.push('\n'),
        Standing::Skipped => {
            let _ = writeln!(out, " # SKIP {}", why());
        }
        // Not ok and not counted: what TODO is for.
        Standing::Tolerated => {
            let _ = writeln!(out, " # TODO {}", why());
        }
    }
    if matches!(standing, Standing::Passed | Standing::Skipped) {
        return;
    }
    let severity = match standing {
        Standing::Failed => "fail",
        Standing::Errored => "error",
        _ => "todo",
    };
    let _ = write!(
        out,
        "  ---\n  message: {}\n  severity: {severity}\n  verdict: {}\n  duration_ms: {}.{:03}\n",
        quoted(&words::in_one_line(case)),
        words::verdict(&case.outcome),
        case.elapsed_us / 1000,
        case.elapsed_us % 1000
    );
    if !case.source.file.is_empty() {
        let _ = writeln!(out, "  at: {}", quoted(&format!("{}:{}", case.source.file, case.source.line)));
    }
    out.push_str("  diff: |\n");
    for text in block(&[case], texts, &Palette::plain()).lines() {
        let _ = writeln!(out, "    {text}");
    }
    out.push_str("  ...\n");
}

/// A double-quoted YAML scalar on one line. The text has no control character left, so that only the quote and the
/// backslash need an escape, as in JSON.
fn quoted(text: &str) -> String {
    let shown = log_line(&shorten(text, MAX_MESSAGE));
    format!("\"{}\"", shown.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::Exit;
    use crate::record::sample;

    #[test]
    fn the_sample_as_tap() {
        let text = render(&sample::record());
        let points = text.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).count();
        assert!(text.starts_with(&format!("TAP version 13\n1..{points}\n")));
        insta::assert_snapshot!("tap", text);
    }

    #[test]
    fn the_run_itself_is_the_last_point_when_it_ended_badly() {
        let mut record = sample::record();
        record.footer.exit = Exit::Interrupted;
        record.footer.interrupted = true;
        let text = render(&record);
        assert!(text.contains("1..15\n"));
        assert!(text.contains("not ok 15 - the run itself\n"));
    }
}

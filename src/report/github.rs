//! GitHub workflow commands that show failures beside the lines of the case files.

use std::fmt::Write as _;

use crate::record::Record;

use super::escape::{command_data, command_property, shorten};
use super::group::groups;
use super::standing::{Standing, Standings};
use super::text::{RunTexts, clauses_of, mismatch};
use super::words;

/// A step shows ten errors; the last place is for the count of what is not shown.
const MAX_SHOWN: usize = 9;
/// Longest message, in bytes.
const MAX_MESSAGE: usize = 4000;

pub(super) fn render(record: &Record) -> String {
    let texts = RunTexts::of_record(record);
    let problem = Standings::new(record).run_problem();
    let groups: Vec<_> = groups(record)
        .into_iter()
        .filter(|group| matches!(group.standing, Standing::Failed | Standing::Errored))
        .collect();
    let mut out = String::new();
    if let Some(problem) = &problem {
        let _ = writeln!(out, "::error title=casebook::{}", command_data(&shorten(problem, MAX_MESSAGE)));
    }
    let room = MAX_SHOWN - usize::from(problem.is_some());
    for group in groups.iter().take(room) {
        let case = group.cases[0];
        let mut message = words::in_one_line(case);
        if let Some(first) = case.judgement.mismatches.first() {
            message = mismatch(first);
        }
        for id in clauses_of(case) {
            let _ = write!(message, "\n{}", texts.line(&id));
        }
        if group.cases.len() > 1 {
            let _ = write!(
                message,
                "\n{} the same way",
                words::count(group.cases.len() - 1, "more case fails", "more cases fail")
            );
        }
        let _ = write!(message, "\n{}", texts.rerun(case.id.as_str()));
        let place = if case.source.file.is_empty() {
            String::new()
        } else {
            let file = case.source.file.strip_prefix("./").unwrap_or(&case.source.file);
            format!("file={},line={},", command_property(file), case.source.line.max(1))
        };
        let title = format!("{} {}", words::verdict(&case.outcome), case.id);
        let _ = writeln!(
            out,
            "::error {place}title={}::{}",
            command_property(&title),
            command_data(&shorten(&message, MAX_MESSAGE))
        );
    }
    let hidden: usize = groups.iter().skip(room).map(|group| group.cases.len()).sum();
    if hidden > 0 {
        let _ = writeln!(out, "::error title=casebook::and {hidden} more: see the other reports");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::CaseId;
    use crate::model::verdict::Exit;
    use crate::record::sample;

    fn commands(text: &str) -> Vec<&str> {
        text.lines().filter(|line| line.trim_start().starts_with("::")).collect()
    }

    #[test]
    fn annotates_the_line_of_the_case() {
        let text = render(&sample::record());
        let commands = commands(&text);
        assert_eq!(commands.len(), text.lines().count());
        assert!(commands.iter().all(|line| line.starts_with("::error ")), "{commands:?}");
        let first = commands[0];
        assert!(
            first.starts_with(
                "::error file=cases/groove/add.toml,line=30,title=failed groove/add/batch-size[100]::status"
            ),
            "{first}"
        );
        assert!(first.contains("%0A1 more case fails the same way%0A"), "{first}");
        assert!(!text.contains("##["), "no command in the old form");
    }

    #[test]
    fn nothing_is_annotated_when_nothing_failed_and_a_broken_run_is() {
        let mut record = sample::record();
        record.footer.exit = Exit::Conformant;
        assert_eq!(render(&record), "");
        record.cases.clear();
        record.footer.exit = Exit::NothingProven;
        record.footer.reasons = vec!["all: skipped".to_owned()];
        let text = render(&record);
        assert!(text.starts_with("::error title=casebook::nothing-proven (exit 4): "), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn shows_nine_and_counts_the_rest() {
        let mut record = sample::record();
        let typed = record.cases.iter().find(|case| case.id.as_str().ends_with("typed")).expect("it is there").clone();
        for n in 0..30 {
            let mut case = typed.clone();
            case.id = CaseId::new(&format!("groove/z/{n:02}"));
            case.judgement.mismatches[0].check = format!("json:/{n}");
            record.cases.push(case);
        }
        let text = render(&record);
        let commands = commands(&text);
        assert_eq!(commands.len(), 10);
        assert!(commands[9].starts_with("::error title=casebook::and "));
    }
}

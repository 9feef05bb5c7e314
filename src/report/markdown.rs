//! The job summary: the total first, then what failed, then every clause, choice and operation.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::diff::Palette;
use crate::model::clause::Level;
use crate::model::verdict::{ClauseVerdict, Verdict};
use crate::record::{ClauseRecord, Record};

use super::coverage;
use super::curl::curl;
use super::escape::{markdown, markdown_block, markdown_code, shorten};
use super::group::{Group, groups};
use super::known;
use super::standing::Standing;
use super::text::{RunTexts, answer, bodies, clauses_of, exchange_of, hint};
use super::words;

/// GitHub takes 1 MiB of summary for a step; what another step wrote into the same file counts too.
const MAX_BYTES: usize = 900_000;
/// Part of [`MAX_BYTES`] that failures may fill, so that the clause table is always there.
const MAX_FAILURES: usize = 500_000;
/// Longest expected or actual value, in bytes.
const MAX_VALUE: usize = 300;
/// Most mismatches of one failure.
const MAX_MISMATCHES: usize = 20;
/// Lines of body diffs in one failure.
const MAX_DIFF: usize = 60;
/// Most cases named in one failure.
const MAX_NAMES: usize = 50;

pub(super) fn render(record: &Record) -> String {
    let mut page = Page { text: String::new(), limit: MAX_BYTES };
    page.add(&head(record));
    failures(record, &mut page);
    for section in [
        clauses(record),
        choices(record),
        operations(record),
        known_failures(record),
        skipped(record),
        left_behind(record),
        identity(record),
    ] {
        page.add_section(&section);
    }
    page.text
}

/// Text that never grows beyond a limit and is only ever cut between whole pieces.
struct Page {
    text: String,
    limit: usize,
}

impl Page {
    fn fits(&self, piece: &str) -> bool {
        // 200 bytes are kept for the note on what was left out.
        self.text.len() + piece.len() + 200 <= self.limit
    }

    fn add(&mut self, piece: &str) {
        if self.fits(piece) {
            self.text.push_str(piece);
        }
    }

    /// Adds a section whole, or as many of its lines as fit.
    fn add_section(&mut self, section: &str) {
        if self.fits(section) {
            self.text.push_str(section);
            return;
        }
        for line in section.split_inclusive('\n') {
            if !self.fits(line) {
                self.text.push_str("\n_The rest is left out here; the other reports have it._\n");
                if self.text.matches("<details>").count() > self.text.matches("</details>").count() {
                    self.text.push_str("\n</details>\n");
                }
                // Nothing after this note: a later, shorter section would read as if it followed.
                self.limit = 0;
                return;
            }
            self.text.push_str(line);
        }
    }
}

fn head(record: &Record) -> String {
    let footer = &record.footer;
    let mut out = format!(
        "**{}** in {} — exit {}\n\n# {}\n\n",
        markdown(&words::total_line(record)),
        words::duration(footer.elapsed_us),
        footer.exit.code(),
        markdown(&words::conclusion(record))
    );
    for reason in &footer.reasons {
        let _ = writeln!(out, "- {}", markdown(reason));
    }
    if footer.interrupted {
        out.push_str("- **The run was interrupted: this page shows what had ended by then.**\n");
    }
    for warning in &record.header.warnings {
        let _ = writeln!(out, "- Warning: {}", markdown(warning));
    }
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
    out
}

fn failures(record: &Record, page: &mut Page) {
    let texts = RunTexts::of_record(record);
    let groups = groups(record);
    let titles = [
        (Standing::Failed, "Failures"),
        (Standing::Errored, "No verdict possible"),
        (Standing::Tolerated, "Failures that do not fail this run"),
    ];
    for (standing, title) in titles {
        let mut of = groups.iter().filter(|group| group.standing == standing).peekable();
        if of.peek().is_none() {
            continue;
        }
        page.add(&format!("## {title}\n\n"));
        let mut left_out = 0;
        for group in of {
            let text = failure(group, &texts);
            if left_out == 0 && page.text.len() + text.len() <= MAX_FAILURES {
                page.add(&text);
            } else {
                left_out += group.cases.len();
            }
        }
        if left_out > 0 {
            page.add(&format!(
                "_{} left out here; the other reports have them._\n\n",
                words::count(left_out, "more case is", "more cases are")
            ));
        }
    }
}

fn failure(group: &Group<'_>, texts: &RunTexts) -> String {
    let case = group.cases[0];
    let mut out = format!("### {} — {}\n\n", markdown_code(case.id.as_str()), markdown(&case.title));
    let _ = write!(out, "{}", words::verdict(&case.outcome));
    if !case.source.file.is_empty() {
        let _ = write!(out, ", {}", markdown_code(&format!("{}:{}", case.source.file, case.source.line)));
    }
    out.push_str("\n\n");
    if let Some(cause) = words::cause(&case.outcome) {
        let _ = write!(out, "{}\n\n", markdown(&shorten(&cause, MAX_VALUE)));
    }
    for id in clauses_of(case) {
        let _ = writeln!(out, "- {}", markdown(&texts.line(&id)));
    }
    out.push('\n');
    let mismatches = &case.judgement.mismatches;
    if !mismatches.is_empty() {
        out.push_str("| step | place | kind | expected | actual | clause |\n|---|---|---|---|---|---|\n");
        for each in mismatches.iter().take(MAX_MISMATCHES) {
            let types = each.types.as_ref().map_or_else(String::new, |(_, actual)| format!(" ({})", markdown(actual)));
            let ids: Vec<String> = each.clauses.iter().map(|id| markdown(id.as_str())).collect();
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {}{types} | {} |",
                markdown(&each.step),
                markdown_code(&words::place(each)),
                words::name(&each.kind),
                markdown_code(&shorten(&each.expected, MAX_VALUE)),
                markdown_code(&shorten(&each.actual, MAX_VALUE)),
                ids.join(", ")
            );
        }
        if mismatches.len() > MAX_MISMATCHES {
            let _ = writeln!(out, "\n… and {} more.", mismatches.len() - MAX_MISMATCHES);
        }
        out.push('\n');
    }
    let differ = bodies(case, &Palette::plain(), MAX_DIFF);
    if !differ.is_empty() {
        out.push_str(&markdown_block("diff", &differ));
        out.push('\n');
    }
    for problem in &case.teardown_problems {
        let _ = write!(out, "Teardown: {}\n\n", markdown(&shorten(problem, MAX_VALUE)));
    }
    let mut commands = String::new();
    if let Some(exchange) = exchange_of(case) {
        let _ = writeln!(commands, "# {}", answer(exchange));
        if let Some(hint) = hint(case) {
            let _ = writeln!(commands, "# {hint}");
        }
        let _ = writeln!(commands, "{}", shorten(&curl(exchange), 4000));
    }
    commands.push_str(&texts.rerun(case.id.as_str()));
    out.push_str("<details><summary>Request and rerun</summary>\n\n");
    out.push_str(&markdown_block("sh", &commands));
    out.push_str("\n</details>\n\n");
    if group.cases.len() > 1 {
        let others: Vec<String> =
            group.cases.iter().skip(1).take(MAX_NAMES).map(|case| markdown_code(case.id.as_str())).collect();
        let more = group.cases.len() - 1 - others.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let _ = write!(
            out,
            "{} the same way: {}{more}\n\n",
            words::count(group.cases.len() - 1, "more case fails", "more cases fail"),
            others.join(", ")
        );
    }
    out
}

const VERDICTS: [ClauseVerdict; 5] = [
    ClauseVerdict::Violated,
    ClauseVerdict::Inconclusive,
    ClauseVerdict::Held,
    ClauseVerdict::NotTested,
    ClauseVerdict::Excluded,
];

fn clauses(record: &Record) -> String {
    let clauses = &record.summary.clauses;
    if clauses.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "## Clauses\n\n| level | violated | inconclusive | held | not tested | excluded |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for level in [Level::Stated, Level::Example, Level::Implied] {
        let counts = VERDICTS.map(|verdict| {
            clauses.iter().filter(|clause| clause.level == level && clause.verdict == verdict).count().to_string()
        });
        let _ = writeln!(out, "| {} | {} |", words::name(&level), counts.join(" | "));
    }
    out.push('\n');
    // In the order of the documents, which is the order of the record.
    let mut documents: Vec<&str> = Vec::new();
    for clause in clauses {
        if !documents.contains(&clause.document.as_str()) {
            documents.push(&clause.document);
        }
    }
    for document in documents {
        let title =
            record.header.suite.documents.iter().find(|each| each.id == document).map(|each| each.title.as_str());
        let of: Vec<&ClauseRecord> = clauses.iter().filter(|clause| clause.document == document).collect();
        let name = title.unwrap_or(if document.is_empty() { "Unknown document" } else { document });
        let _ = write!(
            out,
            "<details><summary>{} — {}</summary>\n\n| clause | section | level | verdict | held | violated | says |\n|---|---|---|---|--:|--:|---|\n",
            super::escape::xml(name),
            words::count(of.len(), "clause", "clauses")
        );
        for clause in of {
            let excluded =
                clause.excluded.as_ref().map_or_else(String::new, |reason| format!(" ({})", markdown(reason)));
            let verdict = words::name(&clause.verdict);
            let verdict = if clause.verdict == ClauseVerdict::Violated { format!("**{verdict}**") } else { verdict };
            // What a clause that held is worth depends on whether a violation would have been noticed.
            let proven = match (clause.verdict, clause.proven) {
                (ClauseVerdict::Held, Some(true)) => " (proven)",
                (ClauseVerdict::Held, Some(false)) => " (unproven)",
                _ => "",
            };
            let _ = writeln!(
                out,
                "| {} | {} | {} | {verdict}{proven}{excluded} | {} | {} | {} |",
                markdown(clause.id.as_str()),
                markdown(&clause.section),
                words::name(&clause.level),
                clause.held,
                clause.violated,
                markdown(&clause.text)
            );
        }
        out.push_str("\n</details>\n\n");
    }
    out
}

fn choices(record: &Record) -> String {
    let choices = &record.summary.choices;
    if choices.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "## Choices\n\nPlaces that the documents leave open, and what this service does there.\n\n| choice | question | followed |\n|---|---|---|\n",
    );
    for choice in choices {
        let mut followed: Vec<String> = choice
            .readings
            .iter()
            .zip(&choice.followed)
            .filter(|(_, count)| **count > 0)
            .map(|(reading, count)| format!("{}: {} ({count}×)", markdown(&reading.id), markdown(&reading.text)))
            .collect();
        if choice.other > 0 {
            followed.push(format!("none of the readings ({}×)", choice.other));
        }
        if followed.is_empty() {
            followed.push(match &choice.settled {
                Some(settled) => format!("settled: {}", markdown(settled)),
                None => "not seen".to_owned(),
            });
        }
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            markdown(choice.id.as_str()),
            markdown(&choice.question),
            followed.join("; ")
        );
    }
    out.push('\n');
    out
}

fn operations(record: &Record) -> String {
    let views = coverage::views(record);
    if views.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "## Operations\n\n| operation | requests | seen | documented and never seen |\n|---|--:|---|---|\n",
    );
    for view in views {
        let seen: Vec<String> = view
            .rows
            .iter()
            .map(|row| {
                let codes = if row.codes.is_empty() {
                    String::new()
                } else {
                    format!(" {}", markdown(&shorten(&row.codes, 200)))
                };
                let note = if row.undocumented.is_empty() {
                    String::new()
                } else {
                    format!(" (undocumented {})", row.undocumented)
                };
                format!("{} {}{codes}{note} ({}×)", row.status, markdown(&row.media), row.count)
            })
            .collect();
        let never = if view.never.is_empty() { "nothing".to_owned() } else { markdown(&view.never.join(", ")) };
        let _ = writeln!(
            out,
            "| {}: {} | {} | {} | {never} |",
            markdown(view.id),
            markdown_code(&format!("{} {}", view.method, view.path)),
            view.requests,
            if seen.is_empty() { "nothing".to_owned() } else { seen.join("; ") },
        );
    }
    out.push('\n');
    out
}

fn skipped(record: &Record) -> String {
    let mut reasons: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
    for case in &record.cases {
        let (code, detail) = match &case.outcome {
            Verdict::Skipped { code, detail } => (words::name(code), detail),
            Verdict::NotRun { detail } => ("not-run".to_owned(), detail),
            _ => continue,
        };
        reasons.entry((code, detail)).or_default().push(case.id.as_str());
    }
    if reasons.is_empty() {
        return String::new();
    }
    let mut out = String::from("## Not run\n\n| reason | cases | which |\n|---|--:|---|\n");
    for ((code, detail), cases) in reasons {
        let names: Vec<String> = cases.iter().take(10).map(|id| markdown_code(id)).collect();
        let more = if cases.len() > 10 { format!(" and {} more", cases.len() - 10) } else { String::new() };
        let _ = writeln!(
            out,
            "| {}: {} | {} | {}{more} |",
            markdown(&code),
            markdown(&shorten(detail, MAX_VALUE)),
            cases.len(),
            names.join(", ")
        );
    }
    out.push('\n');
    out
}

fn left_behind(record: &Record) -> String {
    let footer = &record.footer;
    if footer.left_behind.is_empty() {
        return String::new();
    }
    let mut out = format!("## Left behind\n\nCreated {}, removed {}.\n\n", footer.created, footer.removed);
    for entry in footer.left_behind.iter().take(100) {
        let _ = writeln!(out, "- {} {}", markdown(&entry.kind), markdown_code(&entry.id));
    }
    if footer.left_behind.len() > 100 {
        let _ = writeln!(out, "- … and {} more", footer.left_behind.len() - 100);
    }
    out.push('\n');
    out
}

fn known_failures(record: &Record) -> String {
    let rows = known::rows(&record.header);
    if rows.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "## Known failures of this target\n\n| about | how it fails | why it is accepted | issue | until |\n|---|---|---|---|---|\n",
    );
    for row in rows {
        let _ = writeln!(out, "| {} |", row.map(|text| markdown(&text)).join(" | "));
    }
    out.push('\n');
    out
}

fn identity(record: &Record) -> String {
    let header = &record.header;
    let mut out = String::from("## Run\n\n| | |\n|---|---|\n");
    for (name, value) in words::identity(header) {
        let _ = writeln!(out, "| {name} | {} |", markdown(&value));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    #[test]
    fn the_sample_as_markdown() {
        let page = render(&sample::record());
        assert!(page.starts_with("**14 cases selected: "));
        assert!(!page.replace(" 100% {{ x }}", "").contains('%'), "no percentage but in the service's own text");
        insta::assert_snapshot!("markdown", page);
    }

    #[test]
    fn never_conformant_while_clauses_are_not_tested() {
        let mut record = sample::record();
        record.footer.exit = crate::model::verdict::Exit::Conformant;
        let page = render(&record);
        assert!(page.contains("# held so far: "), "{page}");
        assert!(!page.contains("# conformant"));
        assert!(!page.contains("## Failures\n"), "nothing is red in a run that ends with 0");
    }

    #[test]
    fn the_page_keeps_to_its_size_and_its_clause_table() {
        let mut record = sample::record();
        let hostile =
            record.cases.iter().find(|case| case.id.as_str().ends_with("hostile")).expect("it is there").clone();
        for n in 0..3000 {
            let mut case = hostile.clone();
            case.id = crate::model::id::CaseId::new(&format!("groove/many/{n:05}"));
            case.judgement.mismatches[0].check = format!("json:/{n}");
            record.cases.push(case);
        }
        let page = render(&record);
        assert!(page.len() <= MAX_BYTES, "{}", page.len());
        assert!(page.contains("more cases are left out here"));
        assert!(page.contains("## Clauses"));
        assert!(page.contains("## Run"));
    }
}

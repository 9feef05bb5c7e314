//! A [`Proof`] for people: [`text`] for a terminal, [`markdown`] for a section of a page, [`html`] for a page.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::proof::{Accused, FaultProof, Proof, Standing};
use super::table::{also, by_suite, faults_of, lines as name_lines, word};
use crate::model::id::{CaseId, ClauseId};
use crate::report::escape::{log_line, markdown as escaped, xml};

/// Cases of a fault or a variation that are named.
const NAMED: usize = 4;
/// Sentences of a case that are told.
const TOLD: usize = 2;

/// A row of the five counts: what was tried, how often, how much of it went well, what went wrong.
struct Count {
    what: &'static str,
    tried: u64,
    good: u64,
    word: &'static str,
    wrong: String,
}

fn counts(proof: &Proof) -> Vec<Count> {
    let count = |what, tried: usize, wrong: usize, word, told: &str| Count {
        what,
        tried: tried as u64,
        good: tried.saturating_sub(wrong) as u64,
        word,
        wrong: if wrong == 0 { String::new() } else { format!("{wrong} {told}") },
    };
    let ran = proof.honest.iter().map(|run| run.ran).sum();
    let failed = proof.honest.iter().map(|run| run.accused.len()).sum();
    let (survived, misplaced) = (proof.survivors().count(), proof.misplaced().count());
    let strict = proof.faults.iter().filter(|fault| fault.standing == Standing::Strict).count();
    let mut faults = count("known faults", proof.faults.len(), survived + misplaced, "killed", "");
    faults.wrong = format!("{survived} survived, {misplaced} noticed by other clauses only, {strict} need --strict");
    let missed: usize = proof.gates.iter().map(|gate| gate.missed_count).sum();
    let tried = proof.gates.iter().map(|gate| gate.tried).sum();
    let mut all = vec![
        count("cases on the honest service, lenient and strict", ran, failed, "passed", "failed"),
        faults,
        count("legal variations", proof.variations.len(), proof.false_alarms().count(), "passed", "accused"),
    ];
    all.push(match &proof.mutants {
        Some(mutants) => Count {
            what: "answers with one thing wrong",
            tried: mutants.tried,
            good: mutants.noticed,
            word: "noticed",
            wrong: format!("{} let through on purpose, {} kinds missed", mutants.tolerated, mutants.missed.len()),
        },
        None => Count {
            what: "answers with one thing wrong",
            tried: 0,
            good: 0,
            word: "noticed",
            wrong: "not tried".to_owned(),
        },
    });
    if proof.gates.is_empty() {
        all.push(Count {
            what: "damages to the suite",
            tried: 0,
            good: 0,
            word: "noticed",
            wrong: "not tried: this is a proof of a part".to_owned(),
        });
    } else {
        all.push(count("damages to the suite", tried, missed, "noticed", "unnoticed"));
    }
    all
}

/// Clauses proven, unproven, excluded or not covered.
fn clause_counts(proof: &Proof) -> (usize, usize, usize) {
    let count = |wanted| proof.clauses.iter().filter(|clause| clause.proven == wanted).count();
    (count(Some(true)), count(Some(false)), count(None))
}

fn standing(fault: &FaultProof) -> String {
    match fault.standing {
        Standing::Killed => fault.killed_by.len().to_string(),
        Standing::Run => format!("{} by the run", fault.killed_by.len()),
        Standing::Strict => format!("{} strict", fault.killed_by.len()),
        Standing::Elsewhere => "ELSEWHERE".to_owned(),
        Standing::Survived => "SURVIVED".to_owned(),
    }
}

fn names(cases: &[CaseId]) -> String {
    let mut text = cases.iter().take(NAMED).map(CaseId::as_str).collect::<Vec<_>>().join(", ");
    if cases.len() > NAMED {
        let _ = write!(text, " and {} more", cases.len() - NAMED);
    }
    text
}

/// Sentences about everything that is wrong, each with details below it.
fn troubles(proof: &Proof) -> Vec<(String, Vec<String>)> {
    let accused = |list: &[Accused]| -> Vec<String> {
        let mut lines = Vec::new();
        for one in list.iter().take(NAMED) {
            lines.extend(one.seen.iter().take(TOLD).map(|seen| format!("{}: {seen}", one.case)));
        }
        if list.len() > NAMED {
            lines.push(format!("and {} cases more", list.len() - NAMED));
        }
        lines
    };
    let mut found = Vec::new();
    for run in proof.honest.iter().filter(|run| !run.accused.is_empty()) {
        let strict = if run.strict { " with --strict" } else { "" };
        found.push((format!("the honest service is accused{strict}"), accused(&run.accused)));
    }
    for fault in proof.survivors() {
        found.push((format!("{} survives ({}): {}", fault.id, fault.clause, fault.sentence), Vec::new()));
    }
    for fault in proof.misplaced() {
        let others: Vec<&str> = fault.clauses.keys().map(ClauseId::as_str).take(12).collect();
        found.push((
            format!("{} is noticed, but by no check of {}: {}", fault.id, fault.clause, fault.sentence),
            vec![format!("noticed in {}, by checks of {}", names(&fault.elsewhere), others.join(", "))],
        ));
    }
    for variation in proof.false_alarms() {
        let strict = if variation.strict { " with --strict" } else { "" };
        found.push((
            format!(
                "{} is legal ({}) and is accused{strict}: {}",
                variation.id, variation.allowed_by, variation.sentence
            ),
            accused(&variation.accused),
        ));
    }
    for missed in proof.mutants.iter().flat_map(|mutants| &mutants.missed) {
        found.push((format!("a wrong answer goes unnoticed: {missed}"), Vec::new()));
    }
    for gate in proof.gates.iter().filter(|gate| gate.missed_count > 0) {
        let mut lines = gate.missed.clone();
        if gate.missed_count > lines.len() {
            lines.push(format!("and {} more", gate.missed_count - lines.len()));
        }
        found.push((format!("{}: {} Nothing notices it", gate.id, gate.sentence), lines));
    }
    for clause in proof.unproven().filter(|clause| faults_of(proof, &clause.id).next().is_none()) {
        found.push((format!("{} has no fault that breaks it: {}", clause.id, clause.text), Vec::new()));
    }
    found.extend(proof.lock.iter().map(|line| (line.clone(), Vec::new())));
    found
}

/// One line that says it all.
fn conclusion(proof: &Proof) -> String {
    let (proven, unproven, rest) = clause_counts(proof);
    let problems = proof.problems();
    let lead = if problems.is_empty() { "proven" } else { "not proven" };
    let rest_word = if proof.whole { "excluded" } else { "excluded or not covered" };
    let mut text = format!("{lead}: {proven} clauses proven, {unproven} unproven, {rest} {rest_word}");
    if !problems.is_empty() {
        let _ = write!(text, "; {}", problems.join(", "));
    }
    text
}

/// Own faults of a clause, each with what became of it.
fn cells(proof: &Proof, clause: &ClauseId) -> Vec<String> {
    faults_of(proof, clause).map(|fault| format!("{} {}", fault.id, standing(fault))).collect()
}

/// Lists of cases that do little, each with its title; without those that are empty.
fn idle(proof: &Proof) -> Vec<(String, &[CaseId])> {
    let lists = [
        (&proof.toothless, "Cases that notice no fault and no wrong answer"),
        (&proof.idle, "Cases that catch nothing that no other case catches"),
    ];
    let title = |cases: &[CaseId], title: &str| format!("{title} ({} of {}):", cases.len(), proof.cases);
    let lists = lists.into_iter().filter(|(cases, _)| !cases.is_empty());
    lists.map(|(cases, words)| (title(cases, words), cases.as_slice())).collect()
}

/// For a terminal.
#[must_use]
pub fn text(proof: &Proof) -> String {
    let mut out = String::from(
        "clause × fault: the number of cases in which a check of the clause failed; by the run: no case alone shows it; \
         (+n): faults of n other clauses fail its checks too\n",
    );
    for clause in proof.clauses.iter().filter(|clause| clause.proven.is_some()) {
        let mark = match (clause.proven, clause.lenient) {
            (Some(true), true) => "proven  ",
            (Some(true), false) => "--strict",
            _ => "UNPROVEN",
        };
        let cells = cells(proof, &clause.id);
        let cells = if cells.is_empty() { "no fault".to_owned() } else { cells.join(", ") };
        let others: BTreeSet<&ClauseId> = also(proof, &clause.id).map(|(fault, _)| &fault.clause).collect();
        let others = if others.is_empty() { String::new() } else { format!("  (+{})", others.len()) };
        let _ = writeln!(out, "  {:<12} {mark}  {cells}{others}", clause.id);
    }
    let troubles = troubles(proof);
    if !troubles.is_empty() {
        out.push('\n');
    }
    for (sentence, lines) in troubles {
        let _ = writeln!(out, "{}", log_line(&sentence));
        for line in lines {
            let _ = writeln!(out, "    {}", log_line(&line));
        }
    }
    for (title, cases) in idle(proof) {
        let _ = writeln!(out, "\n{title}");
        for (suite, names) in by_suite(cases) {
            let _ = writeln!(out, "  {suite}");
            out.push_str(&name_lines(&names));
        }
    }
    out.push('\n');
    for count in counts(proof) {
        let _ = writeln!(
            out,
            "{:>7} of {:>7} {} {}{}",
            count.good,
            count.tried,
            count.what,
            count.word,
            behind(&count.wrong)
        );
    }
    let _ = writeln!(out, "{}", conclusion(proof));
    out
}

fn behind(wrong: &str) -> String {
    if wrong.is_empty() { String::new() } else { format!(" ({wrong})") }
}

/// A section of a Markdown page.
#[must_use]
pub fn markdown(proof: &Proof) -> String {
    let mut out = format!("## What this suite would catch\n\n{}\n\n", escaped(&conclusion(proof)));
    out.push_str("| tried | how often | went well | |\n|---|--:|--:|---|\n");
    for count in counts(proof) {
        let _ = writeln!(out, "| {} | {} | {} {} | {} |", count.what, count.tried, count.good, count.word, count.wrong);
    }
    let troubles = troubles(proof);
    if !troubles.is_empty() {
        out.push_str("\n### What is wrong\n\n");
    }
    for (sentence, lines) in troubles {
        let _ = writeln!(out, "- {}", escaped(&sentence));
        for line in lines {
            let _ = writeln!(out, "  - {}", escaped(&line));
        }
    }
    out.push_str("\n<details><summary>Clauses and faults</summary>\n\n| clause | level | proven | faults, and the number of cases that notice them | also fails under | says |\n|---|---|---|---|---|---|\n");
    for clause in &proof.clauses {
        let also: Vec<String> = also(proof, &clause.id).map(|(fault, cases)| format!("{} {cases}", fault.id)).collect();
        let word = if clause.proven == Some(false) { "**unproven**" } else { word(clause) };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            clause.id,
            level(clause.level),
            if word.is_empty() { "–" } else { word },
            escaped(&cells(proof, &clause.id).join(", ")),
            escaped(&also.join(", ")),
            escaped(&clause.text)
        );
    }
    out.push_str("\n</details>\n");
    for (title, cases) in idle(proof) {
        let _ = writeln!(out, "\n<details><summary>{}</summary>\n", xml(&title));
        for (suite, names) in by_suite(cases) {
            let _ = writeln!(out, "- {}: {}", escaped(&suite), escaped(&names.join(", ")));
        }
        out.push_str("\n</details>\n");
    }
    out
}

fn level(level: crate::model::clause::Level) -> &'static str {
    match level {
        crate::model::clause::Level::Stated => "stated",
        crate::model::clause::Level::Example => "example",
        crate::model::clause::Level::Implied => "implied",
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color-scheme:light dark}\
table{border-collapse:collapse;margin:1rem 0}th,td{border-bottom:1px solid #8886;padding:.3rem .6rem;text-align:left;vertical-align:top}\
td.n{text-align:right}.bad{color:#c22;font-weight:600}.good{color:#287a3c}code{overflow-wrap:anywhere}";

/// A page of its own.
#[must_use]
pub fn html(proof: &Proof) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>casebook: proof</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    );
    let mood = if proof.problems().is_empty() { "good" } else { "bad" };
    let _ = writeln!(out, "<h1>What this suite would catch</h1>\n<p class=\"{mood}\">{}</p>", xml(&conclusion(proof)));
    out.push_str(
        "<table>\n<thead><tr><th>tried</th><th>how often</th><th>went well</th><th></th></tr></thead>\n<tbody>\n",
    );
    for count in counts(proof) {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{} {}</td><td>{}</td></tr>",
            xml(count.what),
            count.tried,
            count.good,
            count.word,
            xml(&count.wrong)
        );
    }
    out.push_str("</tbody>\n</table>\n");
    let troubles = troubles(proof);
    if !troubles.is_empty() {
        out.push_str("<h2>What is wrong</h2>\n<ul>\n");
        for (sentence, lines) in troubles {
            let _ = write!(out, "<li>{}", xml(&sentence));
            if !lines.is_empty() {
                let items: String = lines.iter().map(|line| format!("<li><code>{}</code></li>", xml(line))).collect();
                let _ = write!(out, "<ul>{items}</ul>");
            }
            out.push_str("</li>\n");
        }
        out.push_str("</ul>\n");
    }
    out.push_str("<h2>Clauses and faults</h2>\n<table>\n<thead><tr><th>clause</th><th>level</th><th>proven</th><th>fault</th><th>killed by</th><th>other cases</th><th>also fails under</th></tr></thead>\n<tbody>\n");
    for clause in &proof.clauses {
        let faults: Vec<&FaultProof> = faults_of(proof, &clause.id).collect();
        let rows = faults.len().max(1);
        let mood = match clause.proven {
            Some(true) => "good",
            Some(false) => "bad",
            None => "",
        };
        let proven = if clause.proven.is_some() { word(clause) } else { "–" };
        let others: Vec<String> =
            also(proof, &clause.id).map(|(fault, cases)| format!("{} {cases}", fault.id)).collect();
        let others = match others.len() {
            0 => String::new(),
            count => format!(
                "<details><summary>{count} other faults</summary><code>{}</code></details>",
                xml(&others.join(", "))
            ),
        };
        let _ = write!(
            out,
            "<tr><th scope=\"row\" rowspan=\"{rows}\" title=\"{}\">{}</th><td rowspan=\"{rows}\">{}</td><td rowspan=\"{rows}\" class=\"{mood}\">{proven}</td>",
            xml(&clause.text),
            xml(clause.id.as_str()),
            level(clause.level)
        );
        if faults.is_empty() {
            let _ = writeln!(out, "<td></td><td></td><td></td><td>{others}</td></tr>");
        }
        for (index, fault) in faults.iter().enumerate() {
            let lead = if index == 0 { "" } else { "<tr>" };
            let others = if index == 0 { format!("<td rowspan=\"{rows}\">{others}</td>") } else { String::new() };
            let mood = if fault.standing.is_killed() { "" } else { "bad" };
            let _ = writeln!(
                out,
                "{lead}<td title=\"{}\"><code>{}</code></td><td class=\"{mood}\">{}<br><code>{}</code></td><td>{}</td>{others}</tr>",
                xml(&fault.sentence),
                xml(&fault.id),
                standing(fault),
                xml(&names(&fault.killed_by)),
                fault.elsewhere.len()
            );
        }
    }
    out.push_str("</tbody>\n</table>\n<h2>Cases that add little</h2>\n");
    for (title, cases) in idle(proof) {
        let _ = writeln!(out, "<details><summary>{}</summary>\n<ul>", xml(&title));
        for (suite, names) in by_suite(cases) {
            let _ = writeln!(out, "<li>{}: <code>{}</code></li>", xml(&suite), xml(&names.join(", ")));
        }
        out.push_str("</ul></details>\n");
    }
    out.push_str("</body>\n</html>\n");
    out
}

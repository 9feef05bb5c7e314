//! Words and numbers that several reports share.

use serde::Serialize;

use crate::model::verdict::{ClauseVerdict, Exit, Verdict};
use crate::record::{CaseRecord, Record};

/// The name that an enum without fields has in the record, so that reports and record never differ.
pub(super) fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The name of a case's verdict.
pub(super) fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Errored { .. } => "errored",
        Verdict::KnownFailure { .. } => "known-failure",
        Verdict::UnexpectedPass { .. } => "unexpected-pass",
        Verdict::Observed => "observed",
        Verdict::Skipped { .. } => "skipped",
        Verdict::Blocked { .. } => "blocked",
        Verdict::Flaky { .. } => "flaky",
        Verdict::NotRun { .. } => "not-run",
    }
}

/// Why a case ended as it did, where the verdict itself knows.
pub(super) fn cause(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Passed | Verdict::Failed | Verdict::Observed => None,
        Verdict::Errored { stage, detail } => Some(format!("{}: {detail}", name(stage))),
        Verdict::KnownFailure { reason } => Some(format!("known failure: {reason}")),
        Verdict::UnexpectedPass { reason } => Some(format!("passed although a known failure is listed: {reason}")),
        Verdict::Skipped { code, detail } => Some(format!("{}: {detail}", name(code))),
        Verdict::Blocked { step, detail } => Some(format!("blocked by step {step}: {detail}")),
        Verdict::Flaky { passed, runs } => Some(format!("passed {passed} of {runs} runs")),
        Verdict::NotRun { detail } => Some(detail.clone()),
    }
}

/// The cause in one line: the verdict's own, or how many mismatches there are and the first of them.
pub(super) fn in_one_line(case: &CaseRecord) -> String {
    let first = case.judgement.mismatches.first().map(|mismatch| {
        let more = case.judgement.mismatches.len() - 1;
        let place = place(mismatch);
        let more = if more == 0 {
            String::new()
        } else {
            format!(" (and {})", count(more, "more mismatch", "more mismatches"))
        };
        format!("{place}: expected {}, actual {}{more}", mismatch.expected, mismatch.actual)
    });
    match (cause(&case.outcome), first) {
        (Some(cause), Some(first)) => format!("{cause}; {first}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => verdict(&case.outcome).to_owned(),
    }
}

/// Where a mismatch is: part and place.
pub(super) fn place(mismatch: &crate::model::judgement::Mismatch) -> String {
    let part = name(&mismatch.part);
    if mismatch.place.is_empty() { part } else { format!("{part} {}", mismatch.place) }
}

/// A number and its noun.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Every verdict that occurred, and the number selected; never a percentage, which would hide what was not tested.
pub(super) fn total_line(record: &Record) -> String {
    let counts = record.footer.counts;
    let parts: Vec<String> =
        counts.named().into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
    let total = usize::try_from(counts.total()).unwrap_or(usize::MAX);
    format!(
        "{} selected: {}",
        count(total, "case", "cases"),
        if parts.is_empty() { "none ran".to_owned() } else { parts.join(", ") }
    )
}

/// What the run shows, in one sentence that agrees with its exit code.
pub(super) fn conclusion(record: &Record) -> String {
    let clauses = &record.summary.clauses;
    let of = |verdict: ClauseVerdict| clauses.iter().filter(|clause| clause.verdict == verdict).count();
    let held = count(of(ClauseVerdict::Held), "clause", "clauses");
    let open = match (of(ClauseVerdict::NotTested), of(ClauseVerdict::Inconclusive)) {
        (0, 0) => None,
        (untested, 0) => Some(format!("{untested} not tested")),
        (untested, inconclusive) => Some(format!("{untested} not tested, {inconclusive} inconclusive")),
    };
    match record.footer.exit {
        Exit::Conformant if clauses.is_empty() => "held so far: this record knows no clauses".to_owned(),
        Exit::Conformant if of(ClauseVerdict::Violated) > 0 => {
            let violated = of(ClauseVerdict::Violated);
            let open = open.unwrap_or_else(|| "0 not tested".to_owned());
            format!("held so far: {held} held, {violated} violated without failing this run, {open}")
        }
        Exit::Conformant => match open {
            Some(open) => format!("held so far: {held} held, {open}"),
            None => format!("conformant: {held} held"),
        },
        Exit::Nonconformant => {
            format!("nonconformant: {} violated", count(of(ClauseVerdict::Violated), "clause", "clauses"))
        }
        exit => format!("{}: {}", name(&exit), exit.meaning()),
    }
}

/// Microseconds as seconds with three decimals, never an exponent.
pub(super) fn seconds(us: u64) -> String {
    format!("{}.{:03}", us / 1_000_000, us % 1_000_000 / 1000)
}

/// A duration for people.
pub(super) fn duration(us: u64) -> String {
    match us {
        0..1000 => format!("{us} µs"),
        1000..1_000_000 => format!("{} ms", us / 1000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// The start of the run, or the epoch when the record's text is no time.
pub(super) fn started(record: &Record) -> jiff::Timestamp {
    record.header.started.parse().unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// Who was tested with what, as names and values.
pub(super) fn identity(header: &crate::record::Header) -> Vec<(&'static str, String)> {
    let target = &header.target;
    let mut rows = vec![("target", format!("{} ({})", target.name, name(&target.class)))];
    for (label, value) in [("product", &target.product), ("version", &target.version), ("operator", &target.operator)] {
        if !value.is_empty() {
            rows.push((label, value.clone()));
        }
    }
    for (service, url) in &header.base_urls {
        rows.push(("base URL", format!("{service}: {url}")));
    }
    rows.push(("started", header.started.clone()));
    rows.push(("casebook", header.casebook_version.clone()));
    rows.push(("run", header.run_id.clone()));
    if let Some((index, of)) = header.shard {
        rows.push(("shard", format!("{index} of {of}")));
    }
    rows.push(("seed", header.seed.to_string()));
    if header.repeat > 1 {
        rows.push(("repeat", format!("each case {} times; runs that disagree are flaky", header.repeat)));
    }
    if header.transport_retries > 0 {
        let text = format!("an exchange without an answer was sent again up to {} times", header.transport_retries);
        rows.push(("transport retries", text));
    }
    rows.push(("strict", if header.strict { "yes" } else { "no" }.to_owned()));
    rows.push(("level", name(&header.level)));
    rows.push(("suite", format!("{}, {}", count(header.suite.cases, "case", "cases"), header.suite.hash)));
    rows.push(("configuration", header.config_hash.clone()));
    for document in &header.suite.documents {
        let by = document.publisher.as_ref().map_or_else(String::new, |by| format!(", {by}"));
        let version = document.version.as_ref().map_or_else(String::new, |version| format!(", {version}"));
        rows.push((
            "document",
            format!("{}{by}{version}, {} bytes, {}", document.title, document.bytes, document.sha256),
        ));
    }
    rows
}

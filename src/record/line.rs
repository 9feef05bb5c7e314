//! A case's line by hand: [`case`] writes what `serde_json` would. Nearly every line of a record is a case that passed,
//! and its checks are most of it; going through a serializer costs several times as much as the bytes.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use super::{BodyRecord, CaseRecord, ExchangeRecord, ResponseRecord};
use crate::model::judgement::Judgement;
use crate::model::source::SourceRef;
use crate::model::tally::{CheckTally, Tallies};
use crate::model::verdict::Verdict;

/// Writes the line of a case, without the line feed.
///
/// # Errors
/// None but those of `serde_json`.
pub(super) fn case(case: &CaseRecord, out: &mut Vec<u8>) -> serde_json::Result<()> {
    raw(out, "{\"line\":\"case\",");
    members(case, out)
}

/// Writes a case as an object that does not say which line of a record it is.
///
/// # Errors
/// As [`case`].
pub(crate) fn object(case: &CaseRecord, out: &mut Vec<u8>) -> serde_json::Result<()> {
    raw(out, "{");
    members(case, out)
}

fn members(case: &CaseRecord, out: &mut Vec<u8>) -> serde_json::Result<()> {
    // All fields, so that a new one is missed here at once.
    let CaseRecord {
        id,
        title,
        service,
        clauses,
        tags,
        effect,
        source,
        outcome,
        observe,
        judgement,
        exchanges,
        diffs,
        teardown_problems,
        ledger,
        started_us,
        elapsed_us,
    } = case;
    raw(out, "\"id\":");
    text(out, id.as_str());
    raw(out, ",\"title\":");
    text(out, title);
    raw(out, ",\"service\":");
    text(out, service);
    raw(out, ",\"clauses\":");
    list(out, clauses, |out, clause| text(out, clause.as_str()));
    raw(out, ",\"tags\":");
    list(out, tags, |out, tag| text(out, tag));
    other(out, ",\"effect\":", effect)?;
    let SourceRef { file, line } = source;
    raw(out, ",\"source\":{\"file\":");
    text(out, file);
    raw(out, ",\"line\":");
    number(out, u64::from(*line));
    match outcome {
        Verdict::Passed => raw(out, "},\"outcome\":{\"verdict\":\"passed\"}"),
        outcome => other(out, "},\"outcome\":", outcome)?,
    }
    raw(out, ",\"observe\":");
    flag(out, *observe);
    raw(out, ",\"judgement\":");
    judged(judgement, out)?;
    raw(out, ",\"exchanges\":[");
    for (at, each) in exchanges.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        exchange(each, out)?;
    }
    out.push(b']');
    rare(out, ",\"diffs\":", diffs)?;
    rare(out, ",\"teardown_problems\":", teardown_problems)?;
    rare(out, ",\"ledger\":", ledger)?;
    span(out, *started_us, *elapsed_us);
    Ok(())
}

fn judged(judgement: &Judgement, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let Judgement { mismatches, notes, unmet, checks, readings } = judgement;
    seldom(out, "{\"mismatches\":", mismatches)?;
    seldom(out, ",\"notes\":", notes)?;
    seldom(out, ",\"unmet\":", unmet)?;
    tallies(checks, out);
    seldom(out, ",\"readings\":", readings)?;
    out.push(b'}');
    Ok(())
}

fn tallies(checks: &Tallies, out: &mut Vec<u8>) {
    raw(out, ",\"checks\":[");
    let mut first = true;
    for group in checks.groups() {
        let ready = group.held_again().and_then(|defs| {
            defs.written(group.step(), || {
                let mut own = Vec::new();
                each(group.iter(), true, &mut own);
                own
            })
        });
        match ready {
            Some(bytes) => {
                if !first {
                    out.push(b',');
                }
                out.extend_from_slice(bytes);
                first = false;
            }
            None => first = each(group.iter(), first, out),
        }
    }
    out.push(b']');
}

/// Checks, a comma before each but the `first`. Most have the step of the one before, and what is known of them, whose
/// text is there already. Gives whether the next one is still the first.
fn each<'a>(checks: impl Iterator<Item = CheckTally<'a>>, first: bool, out: &mut Vec<u8>) -> bool {
    let mut before: Option<(CheckTally<'_>, Range<usize>, Range<usize>)> = None;
    for tally in checks {
        let CheckTally { step, check, clauses, held, violated, loose } = tally;
        if before.is_some() || !first {
            out.push(b',');
        }
        let from = out.len();
        match &before {
            Some((last, written, _)) if std::ptr::eq(last.step, step) => out.extend_from_within(written.clone()),
            _ => {
                raw(out, "{\"step\":");
                text(out, step);
                raw(out, ",\"check\":");
            }
        }
        let named = from..out.len();
        text(out, check);
        let from = out.len();
        match &before {
            Some((last, _, written))
                if Arc::ptr_eq(last.clauses, clauses)
                    && (last.held, last.violated, last.loose) == (held, violated, loose) =>
            {
                out.extend_from_within(written.clone());
            }
            _ => {
                raw(out, ",\"clauses\":");
                list(out, clauses, |out, clause| text(out, clause.as_str()));
                raw(out, ",\"held\":");
                number(out, u64::from(held));
                raw(out, ",\"violated\":");
                number(out, u64::from(violated));
                raw(out, if loose { ",\"loose\":true}" } else { ",\"loose\":false}" });
            }
        }
        before = Some((tally, named, from..out.len()));
    }
    first && before.is_none()
}

fn exchange(exchange: &ExchangeRecord, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let ExchangeRecord {
        step,
        role,
        method,
        url,
        headers,
        body: sent,
        response,
        error,
        attempts,
        redirects,
        waits,
        started_us,
        elapsed_us,
    } = exchange;
    raw(out, "{\"step\":");
    text(out, step);
    other(out, ",\"role\":", role)?;
    raw(out, ",\"method\":");
    text(out, method);
    raw(out, ",\"url\":");
    text(out, url);
    fields(out, headers);
    if let Some(sent) = sent {
        raw(out, ",\"body\":");
        body(sent, out);
    }
    if let Some(ResponseRecord { status, reason, version, headers, body: received }) = response {
        raw(out, ",\"response\":{\"status\":");
        number(out, u64::from(*status));
        if let Some(reason) = reason {
            raw(out, ",\"reason\":");
            text(out, reason);
        }
        raw(out, ",\"version\":");
        text(out, version);
        fields(out, headers);
        raw(out, ",\"body\":");
        body(received, out);
        out.push(b'}');
    }
    if let Some(error) = error {
        other(out, ",\"error\":", error)?;
    }
    if *attempts != 1 {
        raw(out, ",\"attempts\":");
        number(out, u64::from(*attempts));
    }
    rare(out, ",\"redirects\":", redirects)?;
    rare(out, ",\"waits\":", waits)?;
    span(out, *started_us, *elapsed_us);
    Ok(())
}

fn body(body: &BodyRecord, out: &mut Vec<u8>) {
    let BodyRecord { bytes, text: readable, base64, cut } = body;
    raw(out, "{\"bytes\":");
    number(out, *bytes);
    for (key, value) in [(",\"text\":", readable), (",\"base64\":", base64)] {
        if let Some(value) = value {
            raw(out, key);
            text(out, value);
        }
    }
    raw(out, ",\"cut\":");
    flag(out, *cut);
    out.push(b'}');
}

fn fields(out: &mut Vec<u8>, headers: &[(String, String)]) {
    raw(out, ",\"headers\":");
    list(out, headers, |out, (name, value)| {
        out.push(b'[');
        text(out, name);
        out.push(b',');
        text(out, value);
        out.push(b']');
    });
}

/// When something began and how long it took, which are the last of its fields.
fn span(out: &mut Vec<u8>, started_us: u64, elapsed_us: u64) {
    raw(out, ",\"started_us\":");
    number(out, started_us);
    raw(out, ",\"elapsed_us\":");
    number(out, elapsed_us);
    out.push(b'}');
}

/// What is too rare, or too small, to be written by hand.
fn other(out: &mut Vec<u8>, key: &str, value: &impl Serialize) -> serde_json::Result<()> {
    raw(out, key);
    serde_json::to_writer(out, value)
}

/// A list that nearly always is empty.
fn seldom(out: &mut Vec<u8>, key: &str, values: &[impl Serialize]) -> serde_json::Result<()> {
    if !values.is_empty() {
        return other(out, key, &values);
    }
    raw(out, key);
    raw(out, "[]");
    Ok(())
}

/// A list that is left out when it is empty.
fn rare(out: &mut Vec<u8>, key: &str, values: &[impl Serialize]) -> serde_json::Result<()> {
    if values.is_empty() { Ok(()) } else { other(out, key, &values) }
}

fn list<T>(out: &mut Vec<u8>, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, value);
    }
    out.push(b']');
}

fn raw(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn flag(out: &mut Vec<u8>, value: bool) {
    raw(out, if value { "true" } else { "false" });
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    if value < 10 {
        out.push(b'0' + value as u8);
        return;
    }
    let mut digits = [0; 20];
    let mut at = digits.len();
    while value > 0 {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

/// What stands behind the backslash for each byte: 0 for a byte that stands for itself, `u` for one in hexadecimal.
static ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 0x20 {
        table[at] = b'u';
        at += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Whether no byte needs an escape; eight are looked at together.
fn is_plain(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let plain = |eight: &[u8; 8]| {
        let word = u64::from_ne_bytes(*eight);
        // The highest bit of a byte is set in `wanting` where that byte is less than a space, a quote or a backslash:
        // subtracting one from a zero byte borrows. A borrow may also mark the byte above, which costs a closer look.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let below_space = word.wrapping_sub(ONES * 0x20) & !word;
        (below_space | zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c))) & HIGH == 0
    };
    match bytes.last_chunk::<8>() {
        // The last eight are looked at whether or not some of them were before.
        Some(last) => bytes.as_chunks::<8>().0.iter().all(plain) && plain(last),
        None => bytes.iter().all(|byte| ESCAPES[usize::from(*byte)] == 0),
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.push(b'"');
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        escaped(out, bytes);
    }
    out.push(b'"');
}

/// What is written for a byte that becomes no more than two, and how many of them count. Which bytes of a text are
/// escaped nobody can foresee, and a processor that guesses wrong loses more time than it takes to write both.
static WRITTEN: [([u8; 2], u8); 256] = {
    let mut table = [([0; 2], 1); 256];
    let mut at = 0;
    while at < 256 {
        table[at] = if ESCAPES[at] == 0 { ([at as u8, 0], 1) } else { ([b'\\', ESCAPES[at]], 2) };
        at += 1;
    }
    table
};

/// Writes a text in which something needs an escape: piece by piece into a small space where nothing has to grow.
fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    const PIECE: usize = 64;
    // No byte becomes more than six. A power of two, so that no place in it needs to be checked.
    const SPACE: usize = 512;
    const { assert!(6 * PIECE <= SPACE) };
    let mut space = [0; SPACE];
    for piece in bytes.chunks(PIECE) {
        let mut at = 0;
        for byte in piece {
            if ESCAPES[usize::from(*byte)] == b'u' {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let low = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                space[at..at + 4].copy_from_slice(b"\\u00");
                space[at + 4..at + 6].copy_from_slice(&low);
                at += 6;
                continue;
            }
            let ([first, second], length) = WRITTEN[usize::from(*byte)];
            space[at % SPACE] = first;
            space[(at + 1) % SPACE] = second;
            at += usize::from(length);
        }
        out.extend_from_slice(&space[..at]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Line, sample};
    use super::*;
    use crate::model::id::ClauseId;
    use crate::model::tally::CheckDefs;

    fn same(record: &CaseRecord) {
        let mut own = Vec::new();
        case(record, &mut own).expect("a line");
        let expected = serde_json::to_vec(&Line::Case(Box::new(record.clone()))).expect("a line");
        assert_eq!(String::from_utf8(own), String::from_utf8(expected));
        let mut own = Vec::new();
        object(record, &mut own).expect("an object");
        assert_eq!(String::from_utf8(own).ok(), serde_json::to_string(record).ok());
    }

    #[test]
    fn every_case_of_the_sample_is_written_as_serde_does() {
        let cases = sample::cases();
        assert!(cases.iter().any(|case| !case.diffs.is_empty()) && cases.iter().any(|case| !case.ledger.is_empty()));
        cases.iter().for_each(same);
    }

    #[test]
    fn what_is_rare_is_written_as_serde_does() {
        let mut case = sample::cases().remove(0);
        case.teardown_problems = vec!["a \"problem\"\n".to_owned()];
        let exchange = &mut case.exchanges[0];
        exchange.attempts = 3;
        exchange.waits = vec![crate::record::WaitRecord { status: 429, wait_us: 1_000_000 }];
        exchange.redirects =
            vec![crate::record::HopRecord { status: 307, method: "GET".into(), url: "/\u{1}".into(), dropped: vec![] }];
        same(&case);
        exchange_without_answer(&mut case);
        same(&case);
    }

    #[test]
    fn checks_that_come_again_are_written_as_serde_does() {
        let clauses: Arc<[ClauseId]> = [ClauseId::new("A\"B")].into_iter().collect();
        let mut defs = CheckDefs::with_capacity(3);
        let cited = defs.cite(Arc::clone(&clauses));
        for name in ["json:/a", "json:/\u{1}", "json:/c"] {
            defs.push(|text| text.push_str(name), cited, name.ends_with('c'));
        }
        defs.come_again();
        let defs = Arc::new(defs);
        let status = CheckTally { step: "s", check: "status", clauses: &clauses, held: 1, violated: 0, loose: false };
        let (all, some, none) = (vec![(1, 0); 3], vec![(1, 0), (0, 1), (0, 0)], vec![(0, 0); 3]);
        // Of one step again and again, and of another; where each held, and where not.
        for (step, counts) in [("s", &all), ("s", &all), ("t", &all), ("s", &some), ("s", &none)] {
            for alone in [true, false] {
                let mut tallies = Tallies::default();
                if !alone {
                    tallies.add(status);
                }
                tallies.count(step, &defs, counts.clone());
                tallies.count("s", &defs, all.clone());
                if !alone {
                    tallies.add(status);
                }
                let mut case = sample::cases().remove(0);
                case.judgement.checks = tallies;
                same(&case);
            }
        }
    }

    fn exchange_without_answer(case: &mut CaseRecord) {
        use crate::model::verdict::Stage;
        let exchange = &mut case.exchanges[0];
        exchange.response = None;
        exchange.body = Some(BodyRecord { bytes: 2, text: None, base64: Some("/wA=".into()), cut: true });
        exchange.error = Some(crate::record::ErrorRecord { stage: Stage::Timeout, detail: "late".into() });
    }

    proptest! {
        #[test]
        fn any_text_and_number_is_written_as_serde_does(any in ".*", low in "[\\x00-\\x7f]*", count in any::<u64>()) {
            let mut own = Vec::new();
            for each in [&any, &low] {
                text(&mut own, each);
            }
            number(&mut own, count);
            let expected = serde_json::to_string(&any).unwrap() + &serde_json::to_string(&low).unwrap();
            prop_assert_eq!(String::from_utf8(own).unwrap(), format!("{expected}{count}"));
        }
    }
}

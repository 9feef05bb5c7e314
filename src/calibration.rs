//! What a service answers differently each time: [`calibrate`] compares two runs of the same cases, and proposes for
//! every place that differs what an expectation could ask for instead of a value. Nothing is passed over: what the
//! cases allow already is listed too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::difference::{Difference, differences, general};
use crate::model::id::CaseId;
use crate::model::judgement::Part;
use crate::model::spec::StepRole;
use crate::model::verdict::Verdict;
use crate::record::{CaseRecord, ExchangeRecord};
use crate::report::escape::log_line;

/// Cases of one place that are named to people.
const NAMED: usize = 3;

/// What two runs of the same cases have shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Calibration {
    /// Cases that were run twice and answered both times.
    pub cases: usize,
    /// Cases that say otherwise the second time than the first, or got no answer.
    pub unsteady: Vec<Unsteady>,
    /// Places that differ, by operation.
    pub places: Vec<Noise>,
}

/// A case that ended differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unsteady {
    /// The case.
    pub case: CaseId,
    /// Its verdict in the first run.
    pub first: String,
    /// And in the second.
    pub second: String,
}

/// A place that answers do not agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Noise {
    /// Method and path as sent, without the query.
    pub request: String,
    /// Part of the answer.
    pub part: Part,
    /// Place with positions as `*`.
    pub place: String,
    /// What to ask for there.
    pub proposal: String,
    /// Whether every case that saw it passed both times: what it asks for allows it already.
    pub allowed: bool,
    /// What was seen, by case, step and exact place.
    pub evidence: Vec<Evidence>,
}

/// Two values of one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The case.
    pub case: CaseId,
    /// Its step.
    pub step: String,
    /// Exact place.
    pub place: String,
    /// In the first run; `None` where there was nothing.
    pub first: Option<String>,
    /// In the second run.
    pub second: Option<String>,
}

impl Calibration {
    /// Whether something differs that some case does not allow.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.unsteady.is_empty() || self.places.iter().any(|place| !place.allowed)
    }
}

/// What was seen of one place.
#[derive(Default)]
struct Seen {
    list: Vec<(Difference, Evidence)>,
    /// Whether a case that saw it did not pass both times.
    open: bool,
}

/// Compares two runs of the same cases with the same values.
#[must_use]
pub fn calibrate(first: &[CaseRecord], second: &[CaseRecord]) -> Calibration {
    let again: BTreeMap<&CaseId, &CaseRecord> = second.iter().map(|case| (&case.id, case)).collect();
    let (mut cases, mut unsteady) = (0, Vec::new());
    let mut found: BTreeMap<(String, Part, String), Seen> = BTreeMap::new();
    for one in first.iter().filter(|case| !matches!(case.outcome, Verdict::Skipped { .. } | Verdict::NotRun { .. })) {
        let Some(other) = again.get(&one.id) else { continue };
        let good = |case: &CaseRecord| matches!(case.outcome, Verdict::Passed | Verdict::Observed);
        cases += usize::from(one.exchanges.iter().chain(&other.exchanges).all(|each| each.response.is_some()));
        let same = std::mem::discriminant(&one.outcome) == std::mem::discriminant(&other.outcome);
        if !same || matches!(one.outcome, Verdict::Errored { .. } | Verdict::Blocked { .. }) {
            unsteady.push(Unsteady {
                case: one.id.clone(),
                first: word(&one.outcome).to_owned(),
                second: word(&other.outcome).to_owned(),
            });
        }
        for (left, right) in pairs(one, other) {
            let (Some(answer), Some(later)) = (&left.response, &right.response) else { continue };
            for difference in differences(answer, later, &|_| true) {
                let key = (request(left), difference.part, general(&difference.place));
                let evidence = Evidence {
                    case: one.id.clone(),
                    step: left.step.clone(),
                    place: difference.place.clone(),
                    first: difference.one.clone(),
                    second: difference.other.clone(),
                };
                let seen = found.entry(key).or_default();
                seen.list.push((difference, evidence));
                seen.open |= !good(one) || !good(other);
            }
        }
    }
    let places = found.into_iter().map(|((request, part, place), Seen { list, open })| Noise {
        request,
        part,
        place,
        proposal: proposal(&list.iter().map(|(difference, _)| difference).collect::<Vec<_>>()),
        allowed: !open,
        evidence: list.into_iter().map(|(_, evidence)| evidence).collect(),
    });
    Calibration { cases, places: places.collect(), unsteady }
}

fn word(outcome: &Verdict) -> &'static str {
    match outcome {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Errored { .. } => "errored",
        Verdict::KnownFailure { .. } => "known failure",
        Verdict::UnexpectedPass { .. } => "unexpected pass",
        Verdict::Observed => "observed",
        Verdict::Skipped { .. } => "skipped",
        Verdict::Blocked { .. } => "blocked",
        Verdict::Flaky { .. } => "flaky",
        Verdict::NotRun { .. } => "not run",
    }
}

/// Exchanges of the same step, one beside the other. Of a step that ran several times each is taken in turn.
pub(crate) fn pairs<'a>(
    one: &'a CaseRecord,
    other: &'a CaseRecord,
) -> impl Iterator<Item = (&'a ExchangeRecord, &'a ExchangeRecord)> {
    let main = |case: &'a CaseRecord| case.exchanges.iter().filter(|each| each.role == StepRole::Main);
    let mut later: Vec<&ExchangeRecord> = main(other).collect();
    main(one).filter_map(move |left| {
        let at = later.iter().position(|right| right.step == left.step)?;
        Some((left, later.remove(at)))
    })
}

/// Method and path of an exchange.
pub(crate) fn request(exchange: &ExchangeRecord) -> String {
    let path = exchange.url.split(['?', '#']).next().unwrap_or_default();
    let path = path.find("://").and_then(|at| path[at + 3..].find('/').map(|slash| &path[at + 3 + slash..]));
    format!("{} {}", exchange.method, path.unwrap_or("/"))
}

/// What an expectation could ask for at a place where these values were seen.
fn proposal(seen: &[&Difference]) -> String {
    let header = seen.iter().any(|each| each.part == Part::Header);
    if seen.iter().any(|each| each.part == Part::Status) {
        let statuses: BTreeSet<&str> =
            seen.iter().flat_map(|each| [&each.one, &each.other]).flatten().map(String::as_str).collect();
        return format!("status = [{}], with a clause for each", statuses.into_iter().collect::<Vec<_>>().join(", "));
    }
    let gone = seen.iter().any(|each| each.one.is_none() || each.other.is_none());
    if seen.iter().any(|each| each.order) {
        return r#"{ "$unordered": […] }"#.to_owned();
    }
    let types: BTreeSet<&str> =
        seen.iter().flat_map(|each| [each.types.0, each.types.1]).filter(|name| !name.is_empty()).collect();
    let list: Vec<&str> = types.iter().copied().collect();
    let inner = match list.as_slice() {
        ["string"] => {
            let texts: Vec<String> =
                seen.iter().flat_map(|each| [&each.one, &each.other]).flatten().map(|text| bare(text)).collect();
            match expression(&texts) {
                Some(expression) if header => return format!("regex = {}", quoted(&expression)),
                Some(expression) => format!(r#"{{ "$regex": {} }}"#, quoted(&expression)),
                None if header => return "present = true".to_owned(),
                None => r#"{ "$type": "string" }"#.to_owned(),
            }
        }
        ["array"] => r#"{ "$each": … }, or { "$length": … }"#.to_owned(),
        [] => r#"{ "$unchecked": "why" }"#.to_owned(),
        ["integer", "number"] => r#"{ "$type": "number" }"#.to_owned(),
        [one] => format!(r#"{{ "$type": "{one}" }}"#),
        many => {
            let names: Vec<String> = many.iter().map(|name| format!("\"{name}\"")).collect();
            format!(r#"{{ "$type": [{}] }}"#, names.join(", "))
        }
    };
    match (gone, header) {
        (true, false) => format!(r#"{{ "$optional": {inner} }}"#),
        (true, true) => "leave the field unchecked: it is not always there".to_owned(),
        _ => inner,
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A value as text: JSON strings come in quotes.
fn bare(shown: &str) -> String {
    serde_json::from_str::<String>(shown).unwrap_or_else(|_| shown.to_owned())
}

/// An expression for texts that are all of one well-known form, or share a start and their letters.
fn expression(texts: &[String]) -> Option<String> {
    const FORMS: [(&str, &str); 4] = [
        ("^[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}$", "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh"),
        ("(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
        (r"^\d{4}-\d{2}-\d{2}$", "dddd-dd-dd"),
        (r"^\d+$", ""),
    ];
    let fits = |text: &str, form: &str| {
        form.len() == text.len()
            && form.bytes().zip(text.bytes()).all(|(wanted, byte)| match wanted {
                b'h' => byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte),
                b'x' => byte.is_ascii_hexdigit(),
                b'd' => byte.is_ascii_digit(),
                other => other == byte,
            })
    };
    if texts.iter().any(|text| text.is_empty() || text.ends_with('…')) {
        return None;
    }
    for (expression, form) in FORMS {
        let all = |text: &String| match form {
            "" => text.bytes().all(|byte| byte.is_ascii_digit()),
            form => fits(text, form),
        };
        if texts.iter().all(all) {
            return Some(expression.to_owned());
        }
    }
    let day = |text: &String| text.get(..10).is_some_and(|day| fits(day, "dddd-dd-dd"));
    if texts.iter().all(|text| day(text) && text.as_bytes().get(10).is_some_and(|at| matches!(at, b'T' | b't' | b' ')))
    {
        return Some(r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})?$".to_owned());
    }
    let first = texts.first()?;
    let shared = |other: &String| first.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b).count();
    let common = texts.iter().map(shared).min().unwrap_or(0);
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let rest = |text: &String| text.chars().skip(common).collect::<String>();
    if !texts.iter().all(|text| !rest(text).is_empty() && rest(text).chars().all(word)) {
        return None;
    }
    // A shared start ends where a word does: letters that happen to be the same are no rule.
    let start: String = first.chars().take(common).collect();
    let start = start.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or("", |at| &start[..=at]);
    let lengths: BTreeSet<usize> = texts.iter().map(|text| text.chars().count() - start.chars().count()).collect();
    let count = match lengths.into_iter().collect::<Vec<_>>().as_slice() {
        [one] => format!("{{{one}}}"),
        _ => "+".to_owned(),
    };
    Some(format!("^{}[A-Za-z0-9_-]{count}$", regex::escape(start)))
}

/// For a terminal. Writing to a string cannot fail: every result of `writeln!` below is of that kind.
#[must_use]
pub fn text(calibration: &Calibration) -> String {
    let mut out = String::new();
    let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let mut list = |title: &str, allowed: bool| {
        let places: Vec<&Noise> = calibration.places.iter().filter(|place| place.allowed == allowed).collect();
        if places.is_empty() {
            return;
        }
        let _ = writeln!(out, "{title}");
        for group in places.chunk_by(|one, other| one.request == other.request) {
            let _ = writeln!(out, "\n  {}", log_line(&group[0].request));
            for place in group {
                let name = match (place.part, place.place.as_str()) {
                    (Part::Status, _) => "status".to_owned(),
                    (Part::Header, name) => format!("header {name}"),
                    (_, "") => "the whole body".to_owned(),
                    (_, place) => place.to_owned(),
                };
                let _ = writeln!(out, "    {}  →  {}", log_line(&name), log_line(&place.proposal));
                for each in place.evidence.iter().take(NAMED) {
                    let value =
                        |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), log_line);
                    let _ =
                        writeln!(out, "        {}: {}, then {}", each.case, value(&each.first), value(&each.second));
                }
                if place.evidence.len() > NAMED {
                    let _ = writeln!(out, "        and {} more", place.evidence.len() - NAMED);
                }
            }
        }
        out.push('\n');
    };
    list("What differs and makes a case fail:", false);
    list("What differs and is allowed already:", true);
    if !calibration.unsteady.is_empty() {
        let _ = writeln!(out, "Cases that do not end alike, or without an answer:\n");
        for each in &calibration.unsteady {
            let _ = writeln!(out, "  {}: {}, then {}", each.case, each.first, each.second);
        }
        out.push('\n');
    }
    let open = calibration.places.iter().filter(|place| !place.allowed).count();
    let _ = writeln!(
        out,
        "{} run twice: {} differ ({open} not allowed by a case), {} end differently",
        plural(calibration.cases, "case", "cases"),
        plural(calibration.places.len(), "place", "places"),
        plural(calibration.unsteady.len(), "case", "cases")
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_says_no_more_than_what_was_seen_allows() {
        let of = |texts: &[&str]| expression(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        let is = |texts: &[&str], expected: &str| {
            let found = of(texts).expect("an expression");
            assert_eq!(found, expected);
            let regex = regex::Regex::new(&found).expect("it compiles");
            assert!(texts.iter().all(|text| regex.is_match(text)), "{found}");
        };
        is(&["music.AQQabc", "music.AQQxyz"], r"^music\.[A-Za-z0-9_-]{6}$");
        is(&["12", "345"], r"^\d+$");
        is(
            &["2024-01-01T10:00:00Z", "2024-01-01T10:00:01.5+02:00"],
            r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})?$",
        );
        is(
            &["0A7F2C4E-0000-4000-8000-00000000000A", "1A7F2C4E-0000-4000-8000-00000000000B"],
            "^[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}$",
        );
        assert_eq!(of(&["a sentence", "another one"]), None);
        assert_eq!(of(&["", "x"]), None);
    }
}

//! Two services that the same cases were fired at: [`sides`] says of every difference which of them is wrong by which
//! clause, which choice of the documents it is, or that the documents say nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::calibration::{pairs, request};
use crate::difference::{differences, general};
use crate::model::id::{CaseId, ChoiceId, ClauseId};
use crate::model::judgement::{Mismatch, Part};
use crate::model::verdict::Verdict;
use crate::record::CaseRecord;
use crate::report::escape::{log_line, markdown as escaped, markdown_code};

/// Cases of one finding that are named to people.
const NAMED: usize = 3;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
    /// Both.
    Both,
}

/// What a difference means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Label {
    /// A clause is broken.
    Breaks {
        /// By whom.
        side: Side,
        /// Which ones.
        clauses: Vec<ClauseId>,
        /// What is expected.
        expected: String,
    },
    /// There is no verdict on one of them.
    NoVerdict {
        /// On whom.
        side: Side,
        /// Why.
        detail: String,
    },
    /// Both are legal: the documents leave it open, and they follow other readings.
    Choice {
        /// The choice.
        choice: ChoiceId,
        /// Readings that the first follows.
        a: Vec<String>,
        /// Readings that the second follows.
        b: Vec<String>,
    },
    /// Both are legal: no document says anything about it.
    Silent,
}

impl Label {
    /// Whether somebody is wrong.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self, Label::Breaks { .. } | Label::NoVerdict { .. })
    }

    fn sentence(&self, names: &[String; 2]) -> String {
        let who = |side: &Side| match side {
            Side::A => names[0].clone(),
            Side::B => names[1].clone(),
            Side::Both => format!("{} and {}", names[0], names[1]),
        };
        match self {
            Label::Breaks { side, clauses, expected } => {
                let clauses: Vec<&str> = clauses.iter().map(ClauseId::as_str).collect();
                let verb = if *side == Side::Both { "break" } else { "breaks" };
                format!("{} {verb} {}: expected {expected}", who(side), clauses.join(", "))
            }
            Label::NoVerdict { side, detail } => format!("no verdict on {}: {detail}", who(side)),
            Label::Choice { choice, a, b } => {
                let readings = |list: &[String]| if list.is_empty() { "neither".to_owned() } else { list.join(" or ") };
                format!("choice {choice}: {} follows {}, {} follows {}", names[0], readings(a), names[1], readings(b))
            }
            Label::Silent => "both legal, the documents are silent".to_owned(),
        }
    }
}

/// One difference, at all the cases that show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it means.
    pub label: Label,
    /// Method and path as sent to the first, without the query.
    pub request: String,
    /// Part of the answer; `None` where there is none.
    pub part: Option<Part>,
    /// Place with positions as `*`.
    pub place: String,
    /// An example: what the first says there; `None` for nothing.
    pub a: Option<String>,
    /// What the second says there.
    pub b: Option<String>,
    /// Cases that show it, sorted.
    pub cases: Vec<CaseId>,
}

/// Two services side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sides {
    /// What the two are called.
    pub names: [String; 2],
    /// Seed of random ids, the same for both.
    pub seed: u64,
    /// Cases that ran on both.
    pub cases: usize,
    /// Cases that ran on one of them only, or on none.
    pub skipped: usize,
    /// What differs: first what is broken.
    pub findings: Vec<Finding>,
}

impl Sides {
    /// Whether somebody is wrong.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.findings.iter().any(|finding| finding.label.is_broken())
    }
}

type Key = (Label, String, Option<Part>, String);
type Values = (Option<String>, Option<String>, BTreeSet<CaseId>);

/// Compares what two services answered to the same cases.
#[must_use]
pub fn sides(names: [String; 2], seed: u64, a: &[CaseRecord], b: &[CaseRecord]) -> Sides {
    let others: BTreeMap<&CaseId, &CaseRecord> = b.iter().map(|case| (&case.id, case)).collect();
    let mut found: BTreeMap<Key, Values> = BTreeMap::new();
    let (mut cases, mut skipped) = (0, 0);
    for one in a {
        let ran = |case: &CaseRecord| !matches!(case.outcome, Verdict::Skipped { .. } | Verdict::NotRun { .. });
        match others.get(&one.id) {
            Some(other) if ran(one) && ran(other) => {
                cases += 1;
                case(one, other, &mut found);
            }
            _ => skipped += 1,
        }
    }
    let mut findings: Vec<Finding> = found
        .into_iter()
        .map(|((label, request, part, place), (a, b, cases))| Finding {
            label,
            request,
            part,
            place,
            a,
            b,
            cases: cases.into_iter().collect(),
        })
        .collect();
    findings.sort_by_key(|finding| rank(&finding.label));
    Sides { names, seed, cases, skipped, findings }
}

fn rank(label: &Label) -> u8 {
    match label {
        Label::Breaks { .. } => 0,
        Label::NoVerdict { .. } => 1,
        Label::Choice { .. } => 2,
        Label::Silent => 3,
    }
}

fn case(a: &CaseRecord, b: &CaseRecord, found: &mut BTreeMap<Key, Values>) {
    let mut add = |label: Label, request: &str, part: Option<Part>, place: &str, values: [Option<String>; 2]| {
        let [one, other] = values;
        let key = (label, request.to_owned(), part, general(place));
        found.entry(key).or_insert_with(|| (one, other, BTreeSet::new())).2.insert(a.id.clone());
    };
    for (side, record, other) in [(Side::A, a, b), (Side::B, b, a)] {
        if let Verdict::Errored { detail, .. } | Verdict::Blocked { detail, .. } = &record.outcome {
            // When neither can be judged for the same reason, it is told once.
            let both = matches!(&other.outcome, Verdict::Errored { detail: same, .. } | Verdict::Blocked { detail: same, .. } if same == detail);
            if !both || side == Side::A {
                let side = if both { Side::Both } else { side };
                let request = record.exchanges.last().map(request).unwrap_or_default();
                add(Label::NoVerdict { side, detail: detail.clone() }, &request, None, "", [None, None]);
            }
        }
    }
    let requests: BTreeMap<&str, String> = a.exchanges.iter().map(|each| (each.step.as_str(), request(each))).collect();
    let named = |step: &str| requests.get(step).cloned().unwrap_or_default();
    let (left, right) = (&a.judgement.mismatches, &b.judgement.mismatches);
    for one in left {
        let same = right.iter().find(|other| {
            (&other.step, other.part, &other.place, &other.check) == (&one.step, one.part, &one.place, &one.check)
        });
        let (side, actual) = match same {
            Some(other) => (Side::Both, Some(other.actual.clone())),
            None => (Side::A, None),
        };
        let label = Label::Breaks { side, clauses: one.clauses.clone(), expected: one.expected.clone() };
        let value = actual.or_else(|| value_at(b, a, one));
        add(label, &named(&one.step), Some(one.part), &one.place, [Some(one.actual.clone()), value]);
    }
    for other in right {
        if left.iter().any(|one| {
            (&other.step, other.part, &other.place, &other.check) == (&one.step, one.part, &one.place, &one.check)
        }) {
            continue;
        }
        let label = Label::Breaks { side: Side::B, clauses: other.clauses.clone(), expected: other.expected.clone() };
        let value = value_at(a, b, other);
        add(label, &named(&other.step), Some(other.part), &other.place, [value, Some(other.actual.clone())]);
    }
    // A choice that the two follow in other ways, where neither is wrong.
    for one in &a.judgement.readings {
        let same = |other: &&crate::model::judgement::ReadingFollowed| {
            (&other.choice, &other.step, &other.place) == (&one.choice, &one.step, &one.place)
        };
        let Some(other) = b.judgement.readings.iter().find(same) else { continue };
        if one.readings.iter().any(|reading| other.readings.contains(reading)) || one.readings == other.readings {
            continue;
        }
        let label = Label::Choice { choice: one.choice.clone(), a: one.readings.clone(), b: other.readings.clone() };
        let values = values_at(a, b, &one.step, &one.place);
        add(label, &named(&one.step), Some(Part::Body), &one.place, values);
    }
    for (one, other) in pairs(a, b) {
        let (Some(answer), Some(against)) = (&one.response, &other.response) else { continue };
        let statuses = answer.status != against.status;
        for difference in differences(answer, against, &|name| name == "content-type") {
            // Answers of other statuses have other bodies, which says nothing more.
            if statuses && difference.part != Part::Status {
                continue;
            }
            let told = |mismatch: &Mismatch| {
                mismatch.step == one.step
                    && (mismatch.part == Part::Status || mismatch.part == difference.part)
                    && (mismatch.part == Part::Status || related(&mismatch.place, &difference.place))
            };
            let open = |case: &CaseRecord| {
                case.judgement.readings.iter().any(|reading| {
                    reading.step == one.step
                        && related(&reading.place, &difference.place)
                        && follows_otherwise(a, b, reading)
                })
            };
            if left.iter().chain(right).any(told) || open(a) {
                continue;
            }
            add(
                Label::Silent,
                &request(one),
                Some(difference.part),
                &difference.place,
                [difference.one, difference.other],
            );
        }
    }
}

/// Whether the two follow other readings of a choice at a place.
fn follows_otherwise(a: &CaseRecord, b: &CaseRecord, reading: &crate::model::judgement::ReadingFollowed) -> bool {
    let of = |case: &CaseRecord| {
        let found =
            case.judgement.readings.iter().find(|each| {
                (&each.choice, &each.step, &each.place) == (&reading.choice, &reading.step, &reading.place)
            });
        found.map(|each| each.readings.clone())
    };
    match (of(a), of(b)) {
        (Some(one), Some(other)) => one != other && !one.iter().any(|each| other.contains(each)),
        _ => false,
    }
}

/// Whether one place is the other, or above or below it.
fn related(one: &str, other: &str) -> bool {
    let below = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    below(one, other) || below(other, one)
}

/// What a case has at the place of a mismatch of the other.
fn value_at(case: &CaseRecord, other: &CaseRecord, mismatch: &Mismatch) -> Option<String> {
    let found = pairs(case, other).find(|(each, _)| each.step == mismatch.step);
    let (own, theirs) = found.and_then(|(own, theirs)| Some((own.response.as_ref()?, theirs.response.as_ref()?)))?;
    let differences = differences(own, theirs, &|_| true);
    let same = |place: &str| differences.iter().find(|each| each.part == mismatch.part && each.place == place);
    match same(&mismatch.place) {
        Some(difference) => difference.one.clone(),
        None if mismatch.part == Part::Status => Some(own.status.to_string()),
        None => None,
    }
}

fn values_at(a: &CaseRecord, b: &CaseRecord, step: &str, place: &str) -> [Option<String>; 2] {
    let found = pairs(a, b).find(|(each, _)| each.step == step);
    let Some((one, other)) = found.and_then(|(one, other)| Some((one.response.as_ref()?, other.response.as_ref()?)))
    else {
        return [None, None];
    };
    let differences = differences(one, other, &|_| false);
    let exact = differences.iter().find(|each| each.part == Part::Body && each.place == place);
    let near = exact.or_else(|| differences.iter().find(|each| related(&each.place, place)));
    near.map_or([None, None], |each| [each.one.clone(), each.other.clone()])
}

fn place(finding: &Finding) -> String {
    match (finding.part, finding.place.as_str()) {
        (None, _) => String::new(),
        (Some(Part::Status), _) => "status".to_owned(),
        (Some(Part::Header), name) => format!("header {name}"),
        (Some(Part::Check), name) => format!("check {name}"),
        (Some(Part::Body), "") => "the whole body".to_owned(),
        (Some(Part::Body), place) => place.to_owned(),
    }
}

fn value(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("nothing")
}

fn cases(finding: &Finding) -> String {
    let named: Vec<&str> = finding.cases.iter().take(NAMED).map(CaseId::as_str).collect();
    let more = finding.cases.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

fn count_of(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn conclusion(sides: &Sides) -> String {
    let count = |wanted: fn(&Label) -> bool| sides.findings.iter().filter(|finding| wanted(&finding.label)).count();
    let by = |side: Side| {
        let broken = sides.findings.iter().filter_map(|finding| match &finding.label {
            Label::Breaks { side: who, clauses, .. } if *who == side || *who == Side::Both => Some(clauses),
            _ => None,
        });
        broken.flatten().collect::<BTreeSet<_>>().len()
    };
    let skipped = if sides.skipped > 0 { format!(", {} not run on both", sides.skipped) } else { String::new() };
    format!(
        "{} on both (seed {}){skipped}: A breaks {}, B breaks {}; {} by choice, {} where the documents are silent",
        count_of(sides.cases, "case", "cases"),
        sides.seed,
        count_of(by(Side::A), "clause", "clauses"),
        count_of(by(Side::B), "clause", "clauses"),
        count_of(count(|label| matches!(label, Label::Choice { .. })), "difference", "differences"),
        count(|label| matches!(label, Label::Silent)),
    )
}

/// For a terminal. Writing to a string cannot fail: every result of `writeln!` below is of that kind.
#[must_use]
pub fn text(sides: &Sides) -> String {
    let mut out = format!("A is {}\nB is {}\n", log_line(&sides.names[0]), log_line(&sides.names[1]));
    let short = ["A".to_owned(), "B".to_owned()];
    for group in sides.findings.chunk_by(|one, other| one.label == other.label) {
        let _ = writeln!(out, "\n{}", log_line(&group[0].label.sentence(&short)));
        for finding in group {
            let _ = writeln!(out, "  {}  {}", log_line(&finding.request), log_line(&place(finding)));
            if finding.part.is_some() {
                let _ = writeln!(out, "      A  {}", log_line(value(&finding.a)));
                let _ = writeln!(out, "      B  {}", log_line(value(&finding.b)));
            }
            let _ = writeln!(out, "      in {}", cases(finding));
        }
    }
    let _ = writeln!(out, "\n{}", conclusion(sides));
    out
}

/// A section of a Markdown page.
#[must_use]
pub fn markdown(sides: &Sides) -> String {
    let mut out = format!(
        "## {} and {}\n\n{}\n",
        escaped(&sides.names[0]),
        escaped(&sides.names[1]),
        escaped(&conclusion(sides))
    );
    let short = ["A".to_owned(), "B".to_owned()];
    for group in sides.findings.chunk_by(|one, other| one.label == other.label) {
        let _ = writeln!(
            out,
            "\n### {}\n\n| request | place | A | B | cases |\n|---|---|---|---|---|",
            escaped(&group[0].label.sentence(&short))
        );
        for finding in group {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                markdown_code(&finding.request),
                markdown_code(&place(finding)),
                markdown_code(value(&finding.a)),
                markdown_code(value(&finding.b)),
                escaped(&cases(finding))
            );
        }
    }
    out
}

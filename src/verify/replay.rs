//! Judges recorded exchanges again: [`again`] runs the cases of the suite against answers from the record, through
//! the very code that judged them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::Finding;
use crate::known::KnownFailures;
use crate::model::exchange::{PreparedRequest, Response};
use crate::model::json::Json;
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::{Stage, Verdict};
use crate::model::wide::decode;
use crate::plan;
use crate::record::{BodyRecord, CaseRecord, ExchangeRecord, Record, ResponseRecord};
use crate::redact::Redactor;
use crate::runner::{Plan, PlannedCase, RunOptions, Session};
use crate::transport::{Transport, TransportError};

/// What judging again found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// Cases that were judged again.
    pub judged: usize,
    /// Where the new judgement differs from the recorded one.
    pub differs: Vec<Finding>,
    /// Cases whose evidence does not allow it, and why.
    pub unverifiable: Vec<Finding>,
}

/// Judges the exchanges of a record again. The suite must be the recorded one, and the target the profile that was
/// used; the values of its secrets are not needed, since the record does not hold them either.
///
/// # Errors
/// A sentence, if the target's secrets cannot be stood in for.
pub async fn again(record: &Record, suite: &Suite, target: &Target) -> Result<Again, String> {
    let mut target = target.clone();
    let stand_ins = stand_in(&mut target);
    for (service, url) in &record.header.base_urls {
        target.services.insert(service.clone(), url.clone());
    }
    let redactor = Arc::new(plan::redactor(&target).map_err(|error| error.to_string())?);
    let mut suite = suite.clone();
    // Of a step that was sent again and again only the last answer is recorded.
    // The same holds for redirects that were followed and for answers that were waited out.
    for step in suite.cases.iter_mut().flat_map(|case| Arc::make_mut(&mut case.steps)) {
        step.poll = None;
        step.request.redirects = 0;
    }
    target.limits.retry_after = None;
    let replay = Replay { suite: Arc::new(suite), target: Arc::new(target), redactor, stand_ins, record };
    let mut found = Again::default();
    for case in &record.cases {
        if matches!(case.outcome, Verdict::Skipped { .. } | Verdict::NotRun { .. }) {
            continue;
        }
        if let Some(why) = unverifiable(case) {
            found.unverifiable.push(Finding::of(case, why));
            continue;
        }
        let Ok(index) = replay.suite.cases.binary_search_by(|each| each.id.cmp(&case.id)) else {
            found.differs.push(Finding::of(case, "the suite has no such case"));
            continue;
        };
        let needs = &replay.suite.cases[index].needs;
        if let Some(need) = needs.iter().find(|need| !plan::provides(&replay.target, need)) {
            let text =
                format!("the profile provides no {}, which the case needs; give the one that was run", need.name);
            found.unverifiable.push(Finding::of(case, text));
            continue;
        }
        found.judged += 1;
        let judged = replay.case(case, index).await;
        match difference(case, judged) {
            None => {}
            Some(text) if hidden(case) => {
                let text = format!("a header that is never shown takes part in it ({text})");
                found.unverifiable.push(Finding::of(case, text));
            }
            Some(text) if replay.numbered(case) => {
                let text = format!("a secret is a number of an answer, and nothing stands in for one ({text})");
                found.unverifiable.push(Finding::of(case, text));
            }
            Some(text) => found.differs.push(Finding::of(case, text)),
        }
    }
    Ok(found)
}

/// Why the evidence of a case does not allow to judge it again.
fn unverifiable(case: &CaseRecord) -> Option<String> {
    if let Verdict::Errored { stage: Stage::CaseTimeout | Stage::Internal, detail } = &case.outcome {
        return Some(format!("it depends on time or on casebook itself: {detail}"));
    }
    case.exchanges.iter().find_map(|exchange| {
        let body = &exchange.response.as_ref()?.body;
        body.cut.then(|| {
            let kept = body.text.as_ref().map_or(0, String::len);
            format!("the answer of step {} was cut: {kept} of {} bytes are recorded", exchange.step, body.bytes)
        })
    })
}

/// Whether an answer has a header whose value is hidden.
fn hidden(case: &CaseRecord) -> bool {
    let answers = case.exchanges.iter().filter_map(|exchange| exchange.response.as_ref());
    answers.flat_map(|answer| &answer.headers).any(|(_, value)| value.contains("$HIDDEN"))
}

/// How two judgements of the same evidence differ.
fn difference(recorded: &CaseRecord, judged: Result<CaseRecord, String>) -> Option<String> {
    let judged = match judged {
        Ok(judged) => judged,
        Err(text) => return Some(text),
    };
    let (old, new) = (&recorded.judgement, &judged.judgement);
    if old.mismatches != new.mismatches {
        let only = |these: &[crate::model::judgement::Mismatch], those: &[crate::model::judgement::Mismatch]| {
            let first = these.iter().find(|each| !those.contains(each))?;
            Some(format!("{} {}: expected {}, actual {}", first.step, first.check, first.expected, first.actual))
        };
        let (old, new) = (&old.mismatches, &new.mismatches);
        let first = match (only(old, new), only(new, old)) {
            (Some(old), Some(new)) => format!("recorded {old}; judged again {new}"),
            (Some(old), None) => format!("only recorded: {old}"),
            (None, Some(new)) => format!("only judged again: {new}"),
            (None, None) => "in another order".to_owned(),
        };
        return Some(format!("{} mismatches are recorded, {} found again: {first}", old.len(), new.len()));
    }
    if old.checks != new.checks {
        return Some("other checks ran, or held, than are recorded".to_owned());
    }
    if old.readings != new.readings || old.unmet != new.unmet || old.notes != new.notes {
        return Some("notes or readings of choices are not those that are recorded".to_owned());
    }
    let flaky = matches!(recorded.outcome, Verdict::Flaky { .. });
    (!flaky && recorded.outcome != judged.outcome).then(|| {
        format!("recorded as {}, judged again as {}", super::word(&recorded.outcome), super::word(&judged.outcome))
    })
}

struct Replay<'a> {
    suite: Arc<Suite>,
    target: Arc<Target>,
    redactor: Arc<Redactor>,
    stand_ins: Arc<[(String, String)]>,
    record: &'a Record,
}

impl Replay<'_> {
    /// Whether an answer has the name of a secret where JSON has a number: what stands in for secrets is text.
    fn numbered(&self, case: &CaseRecord) -> bool {
        let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let answers = case.exchanges.iter().filter_map(|exchange| exchange.response.as_ref()?.body.text.as_deref());
        answers.into_iter().any(|text| {
            let numbers = |text: String, (shown, _): &(String, String)| text.replace(shown.as_str(), "0");
            let named = self.stand_ins.iter().any(|(shown, _)| text.contains(shown.as_str()));
            named
                && !is_json(&restore(&self.stand_ins, text))
                && is_json(&self.stand_ins.iter().fold(text.to_owned(), numbers))
        })
    }

    async fn case(&self, case: &CaseRecord, index: usize) -> Result<CaseRecord, String> {
        let header = &self.record.header;
        let options = RunOptions { seed: header.seed, strict: header.strict, ..RunOptions::default() };
        let plan = Plan {
            suite: self.suite.clone(),
            target: self.target.clone(),
            cases: vec![PlannedCase { index, skip: None }],
            options,
        };
        let transport = Arc::new(Recorded {
            left: Mutex::new(case.exchanges.iter().cloned().collect()),
            stand_ins: self.stand_ins.clone(),
            redactor: self.redactor.clone(),
            wrong: Mutex::default(),
        });
        let session = Session::new(plan, transport.clone(), self.redactor.clone(), &header.run_id);
        let mut judged = session.run(0).await;
        if let Some(wrong) = transport.wrong.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(wrong);
        }
        let left = transport.left.lock().unwrap_or_else(PoisonError::into_inner).len();
        if left > 0 {
            return Err(format!("{left} recorded exchanges do not follow from the case"));
        }
        if let Ok(mut known) = KnownFailures::new(&header.known, &header.started) {
            known.apply(&mut judged);
        }
        Ok(judged)
    }
}

/// Answers from a record, in the order in which they came.
struct Recorded {
    left: Mutex<VecDeque<ExchangeRecord>>,
    stand_ins: Arc<[(String, String)]>,
    redactor: Arc<Redactor>,
    /// The first request that is not the recorded one.
    wrong: Mutex<Option<String>>,
}

impl Transport for Recorded {
    async fn send(&self, request: &PreparedRequest) -> Result<Response, TransportError> {
        let refuse = |text: String| {
            self.wrong.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text.clone());
            TransportError { stage: Stage::Internal, detail: text }
        };
        let next = self.left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let target = self.redactor.text(&request.target).into_owned();
        let Some(exchange) = next else {
            return Err(refuse(format!("there is no recorded answer to {} {target}", request.method)));
        };
        if exchange.method != self.redactor.text(&request.method) || !self.is_recorded(&exchange.url, &target) {
            let text =
                format!("step {} sent another request than the case says: {} {target}", exchange.step, request.method);
            return Err(refuse(text));
        }
        match (&exchange.response, &exchange.error) {
            (Some(response), _) => self.answer(response).map_err(refuse),
            (None, Some(error)) => Err(TransportError { stage: error.stage, detail: error.detail.clone() }),
            (None, None) => Err(refuse(format!("step {} has neither answer nor error", exchange.step))),
        }
    }
}

impl Recorded {
    fn answer(&self, response: &ResponseRecord) -> Result<Response, String> {
        let body = bytes(&response.body).map_err(|error| format!("the recorded body is no base64: {error}"))?;
        let body = match std::str::from_utf8(&body) {
            Ok(text) => Bytes::from(self.restore(text).into_bytes()),
            // Of text in UTF-16, too, the names are replaced.
            Err(_) => match decode(&body) {
                Some((text, order)) => Bytes::from([&body[..2], &order.encode(&self.restore(&text))].concat()),
                None => Bytes::from(body),
            },
        };
        let headers = response.headers.iter();
        Ok(Response {
            status: response.status,
            reason: response.reason.clone(),
            version: "HTTP/1.1",
            headers: headers.map(|(name, value)| (name.clone(), self.restore(value).into_bytes())).collect(),
            wire_bytes: body.len() as u64,
            body,
        })
    }

    /// Whether a request is the recorded one. A secret that a case sends in another form (cut, encoded twice) cannot be
    /// stood in for: then only what is before the query is looked at.
    fn is_recorded(&self, url: &str, target: &str) -> bool {
        let changed = || self.stand_ins.iter().any(|(shown, value)| target.contains(shown) || target.contains(value));
        let path = |text: &str| text.split('?').next().unwrap_or_default().to_owned();
        url.ends_with(target) || changed() && path(url).ends_with(&path(target))
    }

    fn restore(&self, text: &str) -> String {
        restore(&self.stand_ins, text)
    }
}

/// Puts the stand-ins where the record shows the names of secrets.
fn restore(stand_ins: &[(String, String)], text: &str) -> String {
    let mut text = text.to_owned();
    for (shown, value) in stand_ins {
        if text.contains(shown.as_str()) {
            text = text.replace(shown.as_str(), value);
        }
    }
    text
}

fn bytes(body: &BodyRecord) -> Result<Vec<u8>, base64::DecodeError> {
    match (&body.text, &body.base64) {
        (Some(text), _) => Ok(text.clone().into_bytes()),
        (None, Some(encoded)) => STANDARD.decode(encoded),
        (None, None) => Ok(Vec::new()),
    }
}

/// Gives every secret a value that can be recognized, and lists them by the name that records show, longest first.
fn stand_in(target: &mut Target) -> Arc<[(String, String)]> {
    let mut all = Vec::new();
    for name in &target.secrets {
        let value = format!("casebook-stand-in-for-{name}");
        target.values.insert(name.clone(), Json::string(value.clone()));
        all.push((crate::redact::shown(name), value));
    }
    all.sort_by_key(|(shown, _)| std::cmp::Reverse(shown.len()));
    all.into()
}

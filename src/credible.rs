//! Does a service tell sense from nonsense? [`Credibility`] compares what it answers to requests that no service can
//! have a right answer to with what it answers to the cases.
//!
//! A service that says yes to everything (one body for all, a page for every path, a login redirect) passes cases
//! without doing anything, or fails them for a reason that is not its own. Nobody is accused for refusing: 401, 403 and
//! 404 to everything are legal. Nor for a page at unknown paths alone: only who answers the *real* thing as it answers
//! nonsense is not credible.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::json::Json;
use crate::model::spec::StepRole;
use crate::model::verdict::Verdict;
use crate::pattern::parse::parse_json_bytes;
use crate::record::{BodyRecord, CaseRecord, ExchangeRecord, ProbeKind, ProbeRecord, ResponseRecord};

/// Nodes of a JSON body that its likeness takes into account; longer ones are alike when they begin alike.
const NODES: usize = 20_000;
/// Bytes of another body that its likeness takes into account.
const BYTES: usize = 64 << 10;

/// What the answers of a run say about the services that were probed. Tells the same whatever order the cases end in.
#[derive(Clone, Debug, Default)]
pub struct Credibility {
    /// Whether anybody probes at all; nothing is kept otherwise.
    watching: bool,
    probes: Vec<ProbeRecord>,
    /// By base URL as probed; `None` until the probes have been answered.
    services: Option<BTreeMap<String, Service>>,
    /// Answers that ended before the probes did.
    early: Vec<(String, Seen)>,
}

/// A service that said yes to nonsense, and what it answered to the cases.
#[derive(Clone, Debug, Default)]
struct Service {
    /// Every probe was answered with yes.
    blind: bool,
    likenesses: BTreeSet<u64>,
    statuses: BTreeSet<u16>,
    answers: u64,
    /// Answers that look like the one to nonsense.
    same: u64,
    /// The same, in a case that passed: the first by id.
    fooled: Option<String>,
    /// Answers with the status of the one to nonsense.
    same_status: u64,
    /// Whether a case passed with another answer that is a success.
    real: bool,
}

/// An answer to a case.
#[derive(Clone, Debug)]
struct Seen {
    case: Option<String>,
    status: u16,
    likeness: u64,
    passed: bool,
}

impl Credibility {
    /// Says that probes will be told, before or while cases are.
    pub fn watch(&mut self) {
        self.watching = true;
    }

    /// What the probes found; what was told before by [`Self::watch`]ing is taken into account.
    pub fn probed(&mut self, probes: Vec<ProbeRecord>) {
        self.watching = true;
        let mut services: BTreeMap<String, Service> = BTreeMap::new();
        let mut names: Vec<&str> = probes.iter().map(|probe| probe.service.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let nonsense: Vec<(&ProbeRecord, &ResponseRecord)> = probes
                .iter()
                .filter(|probe| probe.service == name && probe.kind != ProbeKind::Sense)
                .filter_map(|probe| Some((probe, probe.exchange.response.as_ref()?)))
                .collect();
            let yes = |response: &ResponseRecord| (200..400).contains(&response.status);
            // What only one of them got may be a page of its own; asked with the real method, it is the real thing.
            let blind = nonsense.len() > 1 && nonsense.iter().all(|(_, response)| yes(response));
            let taken = nonsense
                .iter()
                .filter(|(probe, response)| yes(response) && (blind || probe.kind == ProbeKind::Operation));
            let mut service = Service { blind, ..Service::default() };
            for (_, response) in taken {
                service.likenesses.insert(likeness(response));
                service.statuses.insert(response.status);
            }
            if !service.likenesses.is_empty() {
                services.insert(name.to_owned(), service);
            }
        }
        for (name, seen) in std::mem::take(&mut self.early) {
            if let Some(service) = services.get_mut(&name) {
                service.see(&seen);
            }
        }
        for probe in probes.iter().filter(|probe| probe.kind == ProbeKind::Sense) {
            if let (Some(service), Some(response)) = (services.get_mut(&probe.service), &probe.exchange.response) {
                service.see(&Seen { case: None, status: response.status, likeness: likeness(response), passed: false });
            }
        }
        self.services = Some(services);
        self.probes = probes;
    }

    /// Takes the answers of a case into account.
    pub fn add(&mut self, case: &CaseRecord) {
        if !self.watching {
            return;
        }
        if let Some(services) = &mut self.services {
            let Some(service) = services.get_mut(&case.service) else { return };
            for seen in answers(case) {
                service.see(&seen);
            }
        } else {
            self.early.extend(answers(case).map(|seen| (case.service.clone(), seen)));
        }
    }

    /// The probes, and a sentence about each service that answers nonsense as it answers the real thing.
    #[must_use]
    pub fn finish(self) -> (Vec<ProbeRecord>, Vec<String>) {
        let services = self.services.unwrap_or_default();
        let accused = services.iter().filter_map(|(name, service)| {
            let why = service.accused()?;
            let evidence: Vec<String> = self
                .probes
                .iter()
                .filter(|probe| probe.service == *name && probe.kind != ProbeKind::Sense)
                .filter_map(|probe| sentence(&probe.exchange))
                .collect();
            Some(format!(
                "{name} is not credible, it answers nonsense as it answers the real thing: {}; {why}",
                evidence.join(", ")
            ))
        });
        let accused = accused.collect();
        (self.probes, accused)
    }
}

impl Service {
    fn see(&mut self, seen: &Seen) {
        self.answers += 1;
        let same = self.likenesses.contains(&seen.likeness);
        self.same += u64::from(same);
        self.same_status += u64::from(self.statuses.contains(&seen.status));
        if seen.passed && (200..400).contains(&seen.status) {
            match (&seen.case, same) {
                (Some(case), true) => {
                    if self.fooled.as_ref().is_none_or(|first| case < first) {
                        self.fooled = Some(case.clone());
                    }
                }
                _ => self.real = true,
            }
        }
    }

    fn accused(&self) -> Option<String> {
        if let Some(case) = &self.fooled {
            return Some(format!("the case {case} passes with the same answer"));
        }
        if self.answers == 0 {
            return self.blind.then(|| "nothing that may be asked of it tells the two apart".to_owned());
        }
        if self.same == self.answers {
            return Some("every answer to the cases is the same".to_owned());
        }
        let alike = self.blind && !self.real && self.same_status == self.answers;
        alike.then(|| {
            "every answer to the cases has the same status, and no case that expects success passes".to_owned()
        })
    }
}

/// The answers of a case's own steps. An observation passes with any answer, and so shows nothing by it.
fn answers(case: &CaseRecord) -> impl Iterator<Item = Seen> {
    let passed = !case.observe && case.outcome == Verdict::Passed;
    case.exchanges.iter().filter(|exchange| exchange.role == StepRole::Main).filter_map(move |exchange| {
        let response = exchange.response.as_ref()?;
        let status = response.status;
        // Nobody is like a yes who refuses.
        let likeness = if (200..400).contains(&status) { likeness(response) } else { 0 };
        Some(Seen { case: Some(case.id.to_string()), status, likeness, passed })
    })
}

/// What was sent and what came back, in short.
fn sentence(exchange: &ExchangeRecord) -> Option<String> {
    let response = exchange.response.as_ref()?;
    let media = header(response, "content-type").unwrap_or("no media type");
    let to = header(response, "location").map(|to| format!(" to {to}")).unwrap_or_default();
    let body = match response.body.bytes {
        0 => "no body".to_owned(),
        bytes => format!("{bytes} bytes"),
    };
    Some(format!("{} {} is answered with {}{to} ({media}, {body})", exchange.method, exchange.url, response.status))
}

fn header<'r>(response: &'r ResponseRecord, name: &str) -> Option<&'r str> {
    response.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// The same for answers that say the same thing with other values: status, media type, where a redirect goes, and the
/// shape of the body. Values are left out because pages hold nonces, and answers echo what was asked.
fn likeness(response: &ResponseRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    response.status.hash(&mut hasher);
    let media = header(response, "content-type").unwrap_or_default();
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().hash(&mut hasher);
    if let Some(to) = header(response, "location") {
        to.split(['?', '#']).next().hash(&mut hasher);
    }
    shape(&response.body).hash(&mut hasher);
    hasher.finish()
}

#[derive(Hash)]
enum Shape {
    Empty,
    /// Places with their types, each once.
    Json(BTreeSet<(u64, &'static str)>),
    /// Names of tags, in order.
    Markup(Vec<String>),
    /// Words without digits, each once.
    Text(BTreeSet<String>),
    Bytes(u64),
}

fn shape(body: &BodyRecord) -> Shape {
    let Some(text) = &body.text else { return Shape::Bytes(body.bytes) };
    let text = text.trim();
    if text.is_empty() {
        return Shape::Empty;
    }
    if let Ok(value) = parse_json_bytes(text.as_bytes()) {
        return Shape::Json(places(&value));
    }
    let mut end = text.len().min(BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    let word = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == ':').collect::<String>();
    if text.starts_with('<') {
        return Shape::Markup(text.split('<').skip(1).map(word).filter(|name| !name.is_empty()).collect());
    }
    let words = text.split(|c: char| !c.is_alphanumeric());
    Shape::Text(
        words.filter(|word| !word.is_empty() && word.chars().all(char::is_alphabetic)).map(str::to_owned).collect(),
    )
}

fn places(root: &Json<'_>) -> BTreeSet<(u64, &'static str)> {
    let below = |place: u64, name: &str| {
        let mut hasher = DefaultHasher::new();
        (place, name).hash(&mut hasher);
        hasher.finish()
    };
    let mut found = BTreeSet::new();
    let mut open = vec![(0, root)];
    let mut nodes = 0;
    while let Some((place, value)) = open.pop() {
        nodes += 1;
        if nodes > NODES {
            break;
        }
        found.insert((place, value.type_name()));
        match value {
            Json::Array(items) => open.extend(items.iter().map(|item| (below(place, "*"), item))),
            Json::Object(members) => open.extend(members.iter().map(|(key, item)| (below(place, key), item))),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    fn response(status: u16, media: &str, body: &str) -> ResponseRecord {
        ResponseRecord {
            status,
            reason: None,
            version: "HTTP/1.1".to_owned(),
            headers: vec![("content-type".to_owned(), media.to_owned())],
            body: BodyRecord { bytes: body.len() as u64, text: Some(body.to_owned()), base64: None, cut: false },
        }
    }

    fn exchange(response: ResponseRecord) -> ExchangeRecord {
        ExchangeRecord {
            step: "main".to_owned(),
            role: StepRole::Main,
            method: "GET".to_owned(),
            url: "http://x.test/a".to_owned(),
            headers: Vec::new(),
            body: None,
            response: Some(response),
            error: None,
            attempts: 1,
            waits: Vec::new(),
            redirects: Vec::new(),
            started_us: 0,
            elapsed_us: 0,
        }
    }

    fn case(id: &str, outcome: Verdict, answer: ResponseRecord) -> CaseRecord {
        let mut case = sample::case(id, 1, "t", outcome);
        case.service = "g".to_owned();
        case.exchanges = vec![exchange(answer)];
        case
    }

    fn probe(kind: ProbeKind, answer: ResponseRecord) -> ProbeRecord {
        ProbeRecord { service: "g".to_owned(), kind, exchange: exchange(answer) }
    }

    /// Whether somebody is accused, told of the probes before the cases and after them.
    fn accused(probes: &[ProbeRecord], cases: &[CaseRecord]) -> bool {
        let mut first = Credibility::default();
        first.probed(probes.to_vec());
        cases.iter().for_each(|case| first.add(case));
        let mut last = Credibility::default();
        last.watch();
        cases.iter().rev().for_each(|case| last.add(case));
        last.probed(probes.to_vec());
        let (first, last) = (first.finish().1, last.finish().1);
        assert_eq!(first, last);
        !first.is_empty()
    }

    const JSON: &str = "application/json";
    const HTML: &str = "text/html; charset=utf-8";

    fn two(answer: &ResponseRecord) -> Vec<ProbeRecord> {
        vec![probe(ProbeKind::Path, answer.clone()), probe(ProbeKind::Method, answer.clone())]
    }

    #[test]
    fn one_answer_for_everything_is_not_credible_whatever_passes() {
        let answer = response(200, JSON, r#"{"a":[1,2],"id":"x"}"#);
        let other = response(200, JSON, r#"{"id":"y","a":[3]}"#);
        assert!(accused(&two(&answer), &[case("g/a/b", Verdict::Passed, other.clone())]));
        assert!(accused(&two(&answer), &[case("g/a/b", Verdict::Failed, other)]));
    }

    #[test]
    fn a_page_with_another_nonce_is_the_same_page() {
        let page = |nonce: &str| response(200, HTML, &format!("<html><body><p>{nonce}</p></body></html>"));
        assert!(accused(&two(&page("1")), &[case("g/a/b", Verdict::Failed, page("2"))]));
    }

    #[test]
    fn refusing_everything_is_no_lie() {
        for status in [401, 403, 404, 500, 503] {
            let answer = response(status, JSON, "{}");
            assert!(!accused(&two(&answer), &[case("g/a/b", Verdict::Failed, answer.clone())]), "{status}");
        }
    }

    #[test]
    fn a_page_for_unknown_paths_accuses_nobody_whose_operations_work() {
        let page = response(200, HTML, "<html></html>");
        let real = response(200, JSON, r#"{"ok":true}"#);
        let wrong_method = case("g/a/get", Verdict::Failed, page.clone());
        let works = case("g/a/b", Verdict::Passed, real);
        assert!(!accused(&two(&page), &[wrong_method, works]));
    }

    #[test]
    fn an_observation_that_met_the_page_accuses_nobody() {
        let page = response(200, HTML, "<html></html>");
        let mut seen = case("g/a/get", Verdict::Observed, page.clone());
        seen.observe = true;
        let works = case("g/a/b", Verdict::Passed, response(200, JSON, "{}"));
        assert!(!accused(&two(&page), &[seen, works]));
    }

    #[test]
    fn an_echo_has_one_status_for_everything() {
        let cases = [
            case("g/a/b", Verdict::Failed, response(200, JSON, r#"{"TrackIds":["a"]}"#)),
            case("g/a/c", Verdict::Failed, response(200, "text/xml", "<a/>")),
        ];
        assert!(accused(&two(&response(200, "text/plain", "")), &cases));
    }

    #[test]
    fn who_says_yes_to_the_real_method_at_any_path_is_caught_although_it_refuses_to_be_read() {
        let real = response(200, JSON, r#"{"ok":true}"#);
        let probes = [probe(ProbeKind::Path, response(404, JSON, "{}")), probe(ProbeKind::Operation, real.clone())];
        assert!(accused(&probes, &[case("g/a/b", Verdict::Passed, real)]));
        let other = response(200, JSON, r#"{"other":1}"#);
        assert!(!accused(&probes, &[case("g/a/b", Verdict::Passed, other)]));
    }

    #[test]
    fn before_anything_ran_only_sense_can_speak_for_a_service() {
        let page = response(200, HTML, "<html></html>");
        let mut probes = two(&page);
        assert!(accused(&probes, &[]));
        probes.push(probe(ProbeKind::Sense, page));
        assert!(accused(&probes, &[]));
        probes.push(probe(ProbeKind::Sense, response(401, JSON, "{}")));
        assert!(!accused(&probes, &[]));
    }

    #[test]
    fn nobody_who_was_not_probed_is_accused() {
        let mut none = Credibility::default();
        none.add(&case("g/a/b", Verdict::Passed, response(200, JSON, "{}")));
        assert_eq!(none.finish(), (Vec::new(), Vec::new()));
        assert!(!accused(&[], &[case("g/a/b", Verdict::Passed, response(200, JSON, "{}"))]));
    }

    #[test]
    fn a_redirect_to_one_place_is_the_same_with_any_return_address() {
        let redirect = |next: &str| {
            let mut answer = response(302, HTML, "");
            answer.headers.push(("Location".to_owned(), format!("https://login.test/in?next={next}")));
            answer
        };
        assert!(accused(&two(&redirect("a")), &[case("g/a/b", Verdict::Failed, redirect("b"))]));
    }
}

//! What a run will do, decided before anything is sent: which cases are skipped and why ([`cases`]), what may be
//! changed ([`guard`]), what is secret ([`redactor`]).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use sha2::{Digest, Sha256};

use crate::model::connection::without_credentials;
use crate::model::json::Json;
use crate::model::spec::{Case, Effect, LedgerSpec, Need, Step, StepRole, TargetSpec};
use crate::model::suite::Suite;
use crate::model::target::{Auth, Target};
use crate::model::template::{Part, Template};
use crate::model::verdict::SkipCode;
use crate::redact::{RedactError, Redactor};
use crate::runner::PlannedCase;
use crate::template::request::prepare;
use crate::template::{Mode, RunValues, Scope, TemplateError, resolve_json, resolve_text};

/// Why a run cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A base URL for a service that the suite does not have.
    #[error("there is no service `{service}`; the suite has {known}")]
    UnknownService {
        /// As given.
        service: String,
        /// All that there are.
        known: String,
    },
    /// Something that is no base URL.
    #[error("`{url}` is no base URL: {reason}")]
    BaseUrl {
        /// As given, but for credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A base URL with a user or a password in it.
    #[error("credentials in a base URL would be shown; put them into the target file")]
    Credentials,
    /// Cases that would change a host which does not allow it.
    #[error("{0}")]
    Refused(String),
}

/// Sets base URLs given as `URL` (for every service) or `service=URL`.
pub fn set_base_urls(target: &mut Target, given: &[String], suite: &Suite) -> Result<(), PlanError> {
    for text in given {
        let (services, url) = match text.split_once('=') {
            Some((service, url)) if !service.contains(['/', ':']) => {
                if !suite.services.contains_key(service) {
                    let known: Vec<&str> = suite.services.keys().map(String::as_str).collect();
                    return Err(PlanError::UnknownService { service: service.to_owned(), known: known.join(", ") });
                }
                (vec![service.to_owned()], url)
            }
            _ => (suite.services.keys().cloned().collect(), text.as_str()),
        };
        let parsed = url::Url::parse(url)
            .map_err(|error| PlanError::BaseUrl { url: without_credentials(url), reason: error.to_string() })?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.query().is_some() || parsed.fragment().is_some() {
            let reason = "write http://host[:port][/path]".to_owned();
            return Err(PlanError::BaseUrl { url: without_credentials(url), reason });
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(PlanError::Credentials);
        }
        for service in services {
            target.services.insert(service, url.trim_end_matches('/').to_owned());
        }
    }
    Ok(())
}

/// The selected cases, each with the reason for which it will not be run, if there is one.
#[must_use]
pub fn cases(suite: &Suite, target: &Target, cases: &[usize], strict: bool) -> Vec<PlannedCase> {
    let skip = |case: &Case| {
        if case.strict && !strict {
            return Some((SkipCode::StrictOnly, "runs only with --strict".to_owned()));
        }
        let services = case.steps.iter().map(|step| &step.service);
        if let Some(service) = services.into_iter().find(|service| !target.services.contains_key(*service)) {
            return Some((SkipCode::MissingService, format!("the target has no base URL for {service}")));
        }
        let missing = case.needs.iter().find(|need| !provides(target, need))?;
        Some((SkipCode::MissingFixture, lack(target, missing)))
    };
    cases.iter().map(|&index| PlannedCase { index, skip: skip(&suite.cases[index]) }).collect()
}

/// A request that a case would send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Id of the step.
    pub step: String,
    /// What the step is for.
    pub role: StepRole,
    /// Method.
    pub method: String,
    /// Full URL; where a value comes from an answer to an earlier step, what is known of it.
    pub url: String,
    /// Bytes of the body, where they are known.
    pub body: Option<usize>,
    /// Names of values that only an answer will tell.
    pub unknown: Vec<String>,
    /// Kinds of what the step creates and removes.
    pub creates: Option<String>,
    /// Kind of what it removes.
    pub removes: Option<String>,
}

/// What a case would send, as far as that is known before anything is sent. Secrets are in it: redact it before it is
/// shown.
#[must_use]
pub fn preview(case: &Case, target: &std::sync::Arc<Target>, seed: u64, run_id: &str) -> Vec<Preview> {
    let mut scope = Scope::in_run(target.clone(), &RunValues::new(run_id, seed), &case.id);
    let named = case.row.iter().map(|(name, value)| (format!("row.{name}"), value));
    for (name, template) in named.chain(case.lets.iter().map(|(name, value)| (name.clone(), value))) {
        if let Ok(value) = resolve_json(template, &mut scope, false) {
            scope.set(name, value);
        }
    }
    case.steps.iter().map(|step| preview_step(step, &mut scope)).collect()
}

fn preview_step(step: &Step, scope: &mut Scope) -> Preview {
    let mut unknown = Vec::new();
    for (name, template) in &step.with {
        match resolve_json(template, scope, false) {
            Ok(value) => scope.set(format!("with.{name}"), value),
            Err(error) => unknown.push(missing(&error)),
        }
    }
    let base = scope.target().services.get(&step.service).cloned().unwrap_or_default();
    let (method, url, body) = match prepare(&step.request, &step.service, scope) {
        Ok(request) => {
            (request.method, format!("{}{}", request.base_url, request.target), request.body.map(|body| body.len()))
        }
        Err(error) => {
            unknown.push(missing(&error));
            let method = resolve_text(&step.request.method, scope, Mode::Plain).unwrap_or_else(|_| "?".to_owned());
            let path = match &step.request.target {
                TargetSpec::Path { path, .. } | TargetSpec::Raw(path) => path,
            };
            (method, format!("{base}{}", sketch(path, scope)), None)
        }
    };
    unknown.dedup();
    let kind = |spec: &Option<LedgerSpec>| spec.as_ref().map(|spec| spec.kind.clone());
    let (creates, removes) = (kind(&step.creates), kind(&step.removes));
    Preview { step: step.id.clone(), role: step.role, method, url, body, unknown, creates, removes }
}

fn missing(error: &TemplateError) -> String {
    match error {
        TemplateError::NoValue(name) => name.clone(),
        error => error.to_string(),
    }
}

/// A template with the values that are known, and `{…}` for the others.
fn sketch(template: &Template, scope: &Scope) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        value => {
            let one = Template { parts: vec![value.clone()] };
            resolve_text(&one, scope, Mode::Segment).unwrap_or_else(|_| {
                let mut names = Vec::new();
                one.names(&mut names);
                format!("{{{}}}", names.join(", "))
            })
        }
    };
    template.parts.iter().map(part).collect()
}

/// Whether a target has what a case needs.
#[must_use]
pub fn provides(target: &Target, need: &Need) -> bool {
    match target.values.get(&need.name) {
        Some(Json::Array(items)) => items.len() >= need.least,
        Some(Json::Bool(value)) => *value,
        Some(Json::String(text)) => !text.is_empty(),
        Some(Json::Null) => false,
        Some(_) => true,
        None => target.auth.contains_key(&need.name),
    }
}

fn lack(target: &Target, need: &Need) -> String {
    match target.values.get(&need.name) {
        Some(Json::Array(items)) => {
            format!("the target has {} of {}, {} are needed", items.len(), need.name, need.least)
        }
        _ => format!("the target has no {}", need.name),
    }
}

/// Writes and deletions go to this machine only, unless the target file names the effect and the host. What counts is
/// where connections go, not what a host is called.
pub fn guard(suite: &Suite, target: &Target, planned: &[PlannedCase]) -> Result<(), PlanError> {
    let mut refused: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    for case in planned.iter().filter(|each| each.skip.is_none()).map(|each| &suite.cases[each.index]) {
        if case.effect == Effect::Read {
            continue;
        }
        for step in case.steps.iter() {
            let Some(url) = target.services.get(&step.service) else { continue };
            if !may_change(url, case.effect, target) {
                let entry = refused.entry(url.clone()).or_default();
                if entry.1.last().is_none_or(|last| last != case.id.as_str()) {
                    entry.0 += 1;
                    entry.1.push(case.id.to_string());
                }
                break;
            }
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    let mut text = String::from("refused for safety: these cases change what they are fired at\n");
    for (url, (count, ids)) in &refused {
        text.push_str(&format!("  {count} cases at {url}\n"));
        for id in ids.iter().take(5) {
            text.push_str(&format!("    {id}\n"));
        }
        if ids.len() > 5 {
            text.push_str(&format!("    … and {} more\n", ids.len() - 5));
        }
    }
    text.push_str(
        "help: if this host may be changed, say so in the target file:\n      [safety]\n      allow = [\"write\", \
         \"destructive\"]\n      hosts = [\"the.host\"]",
    );
    Err(PlanError::Refused(text))
}

/// Whether a host may be changed so: it is on this machine, or the target file names it and the effect.
#[must_use]
pub fn may_change(base_url: &str, effect: Effect, target: &Target) -> bool {
    url::Url::parse(base_url).is_ok_and(|url| target.may_change(&url, effect))
}

/// Whether requests to a base URL end on this machine.
#[must_use]
pub fn is_local(base_url: &str, target: &Target) -> bool {
    url::Url::parse(base_url).is_ok_and(|url| target.connection.is_local(&url))
}

/// What a run is about to change that is not on this machine: base URL, number of cases by effect, and the kinds of
/// things that they create and remove. Empty when nothing is.
#[must_use]
pub fn changes(suite: &Suite, target: &Target, planned: &[PlannedCase]) -> Vec<String> {
    let mut by_url: BTreeMap<&str, (BTreeMap<Effect, usize>, BTreeSet<String>)> = BTreeMap::new();
    for case in planned.iter().filter(|each| each.skip.is_none()).map(|each| &suite.cases[each.index]) {
        if case.effect == Effect::Read {
            continue;
        }
        let away = |step: &&Step| target.services.get(&step.service).is_some_and(|url| !is_local(url, target));
        let mut urls: Vec<&str> = Vec::new();
        for step in case.steps.iter().filter(away) {
            let url = target.services[&step.service].as_str();
            let (effects, kinds) = by_url.entry(url).or_default();
            if !urls.contains(&url) {
                urls.push(url);
                *effects.entry(case.effect).or_default() += 1;
            }
            kinds.extend(step.creates.iter().map(|spec| format!("creates {}", spec.kind)));
            kinds.extend(step.removes.iter().map(|spec| format!("removes {}", spec.kind)));
        }
    }
    let line = |(url, (effects, kinds)): (&str, (BTreeMap<Effect, usize>, BTreeSet<String>))| {
        let effects: Vec<String> = effects
            .iter()
            .map(|(effect, count)| {
                let word = if *effect == Effect::Destructive { "destructive" } else { "write" };
                format!("{count} {word} case{}", if *count == 1 { "" } else { "s" })
            })
            .collect();
        let kinds: Vec<String> = kinds.into_iter().collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        format!("about to change {url}: {}{kinds}", effects.join(", "))
    };
    by_url.into_iter().map(line).collect()
}

/// User name and password for the target's proxy.
///
/// # Errors
/// When a value of theirs is missing.
pub fn proxy_credentials(target: &Target) -> Result<Option<(String, String)>, TemplateError> {
    let Some(auth) = &target.connection.proxy_auth else { return Ok(None) };
    let scope = Scope::new(std::sync::Arc::new(target.clone()), 0, "");
    let text = |template: &Template| resolve_text(template, &scope, Mode::Plain);
    Ok(Some((text(&auth.user)?, text(&auth.password)?)))
}

/// The redactor for everything that a target keeps secret.
pub fn redactor(target: &Target) -> Result<Redactor, RedactError> {
    let mut secrets: Vec<(String, String)> = Vec::new();
    for name in &target.secrets {
        if let Some(value) = target.values.get(name).and_then(Json::as_str) {
            secrets.extend(shapes(value).into_iter().map(|shape| (name.clone(), shape)));
        }
    }
    secrets.extend(credentials(target));
    Redactor::new(secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// A secret, and what cases make of one to see whether a service minds: without its scheme (`Bearer `), with its own
/// percent-encoding undone. What is left of it is as secret.
fn shapes(value: &str) -> Vec<String> {
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
    let mut all = vec![value.to_owned()];
    for whole in [value, &decoded] {
        let bare = whole.split_once(' ').map_or("", |(_, rest)| rest.trim_start());
        for shape in [whole, bare] {
            if shape.len() >= crate::redact::SHORTEST && !all.iter().any(|known| known == shape) {
                all.push(shape.to_owned());
            }
        }
    }
    all
}

/// Header values that hold secrets without being one: a Basic pair is encoded as a whole.
fn credentials(target: &Target) -> Vec<(String, String)> {
    let scope = Scope::new(std::sync::Arc::new(target.clone()), 0, "");
    let mut found = Vec::new();
    for (name, auth) in &target.auth {
        if let Auth::Basic { user, password } = auth
            && let (Ok(user), Ok(password)) =
                (resolve_text(user, &scope, Mode::Plain), resolve_text(password, &scope, Mode::Plain))
        {
            let pair = format!("{user}:{password}");
            found.push((format!("{name}.basic"), base64::engine::general_purpose::STANDARD.encode(pair)));
        }
    }
    if let Ok(Some((user, password))) = proxy_credentials(target) {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        found.push(("proxy.basic".to_owned(), pair));
    }
    found
}

/// Two runs with the same hash were configured alike; secrets do not enter it.
#[must_use]
pub fn config_hash(target: &Target) -> String {
    let mut hash = Sha256::new();
    for (name, value) in &target.values {
        if !target.secrets.contains(name) {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(crate::pattern::write::write_json(value).as_bytes());
            hash.update([0]);
        }
    }
    for note in target.connection.notes() {
        hash.update(note.as_bytes());
        hash.update([0]);
    }
    for (name, value) in &target.headers {
        hash.update(format!("{name}: {value:?}").as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::connection::Connection;
    use crate::model::target::Safety;

    #[test]
    fn a_secret_is_hidden_in_what_cases_make_of_it_too() {
        let shapes = shapes("Bearer http%3a%2f%2fa.test&Key=c2VjcmV0");
        let redactor = Redactor::new(shapes.iter().map(|shape| ("t", shape.as_str()))).unwrap();
        for sent in [
            "accessToken=http%253a%252f%252fa.test%26Key%3Dc2VjcmV0",
            "accessToken=Bearer+http%3a%2f%2fa.test%26Key%3dc2VjcmV0",
            "accessToken=Bearer%20http%253a%252f%252fa.test%26Key%3Dc2VjcmV0",
        ] {
            assert_eq!(redactor.text(sent), "accessToken=$T", "{sent}");
        }
        assert_eq!(super::shapes("tide-7-lantern"), ["tide-7-lantern"]);
    }

    #[test]
    fn only_loopback_may_be_changed_without_permission() {
        let none = Target::unnamed();
        for free in ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:80", "http://localhost/x"] {
            assert!(may_change(free, Effect::Destructive, &none), "{free}");
        }
        for guarded in
            ["http://127.0.0.1.evil.test", "http://localhost.evil.test", "http://10.0.0.1", "https://api.test", "x"]
        {
            assert!(!may_change(guarded, Effect::Write, &none), "{guarded}");
        }
        let safety = Safety {
            allow: vec![Effect::Write],
            hosts: vec!["api.test".to_owned(), "b.test:8080".to_owned()],
            unprobed: false,
        };
        let named = Target { safety, ..Target::unnamed() };
        assert!(may_change("https://api.test/v1", Effect::Write, &named));
        assert!(!may_change("https://api.test/v1", Effect::Destructive, &named));
        assert!(may_change("http://b.test:8080", Effect::Write, &named));
        assert!(!may_change("http://b.test:8081", Effect::Write, &named));
    }

    #[test]
    fn what_counts_is_where_connections_go() {
        let resolve = |text: &str| {
            let connection = Connection { resolve: vec![text.parse().unwrap()], ..Connection::default() };
            Target { connection, ..Target::unnamed() }
        };
        assert!(may_change("https://api.test", Effect::Write, &resolve("api.test:443:127.0.0.1")));
        assert!(!may_change("http://localhost:80", Effect::Write, &resolve("localhost:80:203.0.113.9")));
        let proxied = Connection { proxy: "http://127.0.0.1:3128".parse().ok(), ..Connection::default() };
        assert!(!may_change("http://localhost", Effect::Write, &Target { connection: proxied, ..Target::unnamed() }));
    }
}

//! One request on its way: its turn, retries, redirects, cookies. [`deliver`] gives the answer that is compared.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use url::Url;

use super::case::Env;
use super::jar::Jar;
use super::redirect::{self, Follower, Next};
use crate::model::exchange::{PreparedRequest, Response};
use crate::model::spec::Effect;
use crate::model::target::Target;
use crate::model::verdict::Stage;
use crate::record::HopRecord;
use crate::transport::{Transport, TransportError};

/// Shortest wait before a request is sent again that the service has put off.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

/// What a request may do beyond being sent once.
pub(super) struct Order<'a> {
    /// Most redirects that are followed.
    pub(super) redirects: u32,
    /// What the case does to the target.
    pub(super) effect: Effect,
    /// Where the case keeps its cookies, if it does.
    pub(super) jar: Option<&'a Mutex<Jar>>,
    /// Secrets that the case has captured.
    pub(super) captured: &'a [(String, String)],
}

/// What came of it.
pub(super) struct Sent {
    pub(super) answer: Result<Response, TransportError>,
    pub(super) attempts: u32,
    pub(super) started: Duration,
    pub(super) elapsed: Duration,
    /// Redirects that were followed.
    pub(super) hops: Vec<HopRecord>,
}

/// Sends a request and follows where it is redirected to, as far as the order allows.
pub(super) async fn deliver<T: Transport>(env: &Env<T>, order: &Order<'_>, request: &PreparedRequest) -> Sent {
    if let Some(host) = misled(&env.target, order.effect, request) {
        let detail = format!("not sent: a case that changes its target names another host in `Host`, {host}");
        let started = env.started.elapsed();
        let answer = Err(TransportError { stage: Stage::Send, detail });
        return Sent { answer, attempts: 1, started, elapsed: Duration::ZERO, hops: Vec::new() };
    }
    let mut sent = send(env, request).await;
    keep(order, request, &sent);
    if order.redirects == 0 {
        return sent;
    }
    let mut current = request.clone();
    while sent.hops.len() < order.redirects as usize {
        let Ok(response) = &sent.answer else { break };
        let who =
            Follower { effect: order.effect, target: &env.target, secrets: &env.redactor, captured: order.captured };
        match redirect::next(&current, response, &who) {
            Next::Stop => break,
            Next::Refuse(reason) => {
                let detail = format!("a redirect ({}) is not followed: {reason}", response.status);
                sent.answer = Err(TransportError { stage: Stage::Redirect, detail });
                break;
            }
            Next::Follow(mut following, hop) => {
                if let Some(jar) = order.jar {
                    following.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("cookie"));
                    jar.lock().unwrap_or_else(PoisonError::into_inner).add(&mut following, SystemTime::now());
                }
                sent.hops.push(hop);
                let next = Box::pin(send(env, &following)).await;
                keep(order, &following, &next);
                sent.answer = next.answer;
                sent.attempts += next.attempts - 1;
                sent.elapsed = env.started.elapsed().saturating_sub(sent.started);
                current = *following;
            }
        }
    }
    sent
}

/// The host that a case's own `Host` field would have changed: what answers at one address may serve many names.
fn misled(target: &Target, effect: Effect, request: &PreparedRequest) -> Option<String> {
    if effect == Effect::Read {
        return None;
    }
    let named = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host"));
    let base = Url::parse(&request.base_url).ok()?;
    named.filter(|_| !target.connection.is_local(&base)).find_map(|(_, value)| {
        let value = String::from_utf8_lossy(value);
        let url = Url::parse(&format!("{}://{value}", base.scheme())).ok().filter(|url| url.path() == "/");
        let allowed = url.is_some_and(|url| url.host() == base.host() || target.may_change(&url, effect));
        (!allowed).then(|| value.escape_debug().to_string())
    })
}

/// Keeps the cookies of an answer.
fn keep(order: &Order<'_>, request: &PreparedRequest, sent: &Sent) {
    if let (Some(jar), Ok(response)) = (order.jar, &sent.answer)
        && let Ok(url) = Url::parse(&format!("{}{}", request.base_url, request.target))
    {
        jar.lock().unwrap_or_else(PoisonError::into_inner).keep(&url, response, SystemTime::now());
    }
}

async fn send<T: Transport>(env: &Env<T>, request: &PreparedRequest) -> Sent {
    let turn = async || {
        if let Some(hold) = &env.hold {
            hold.passed(&request.base_url).await;
        }
        if let Some(pace) = &env.pace {
            pace.turn().await;
        }
    };
    let mut attempts = 0;
    let mut first = None;
    let answer = loop {
        turn().await;
        first.get_or_insert_with(|| env.started.elapsed());
        attempts += 1;
        let answer = env.transport.send(request).await;
        let failed = |error: &TransportError| may_repeat(&request.method, error.stage);
        if attempts > env.options.transport_retries || !answer.as_ref().is_err_and(failed) {
            break answer;
        }
    };
    let ended = env.started.elapsed();
    let started = first.unwrap_or(ended);
    let elapsed = ended.saturating_sub(started);
    Sent { answer, attempts, started, elapsed, hops: Vec::new() }
}

/// Whether an exchange may be sent again. An answer, however broken, is never asked for twice; and what may have been
/// carried out is repeated only where that changes nothing (RFC 9110, section 9.2.2).
fn may_repeat(method: &str, stage: Stage) -> bool {
    match stage {
        Stage::Resolve | Stage::Connect | Stage::Tls => true,
        Stage::Send | Stage::Timeout | Stage::Truncated => {
            matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
        }
        _ => false,
    }
}

/// How long an answer asks to wait (RFC 9110, section 10.2.3), if it is one that puts the request off and the wait is
/// no longer than allowed.
pub(super) fn put_off(response: &Response, longest: Duration, now: SystemTime) -> Option<Duration> {
    if !matches!(response.status, 429 | 503) {
        return None;
    }
    let text = std::str::from_utf8(response.header("retry-after").next()?).ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => super::jar::date(text)?.duration_since(now).unwrap_or(Duration::ZERO),
    };
    (wait <= longest).then_some(wait.max(SHORTEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::Safety;

    #[test]
    fn a_host_field_leads_no_write_to_another_name() {
        let named = |base: &str, host: &str, effect| {
            let safety = Safety {
                allow: vec![Effect::Write],
                hosts: vec!["a.test".to_owned(), "b.test".to_owned()],
                unprobed: false,
            };
            let request = PreparedRequest {
                service: String::new(),
                method: "POST".to_owned(),
                base_url: base.to_owned(),
                target: "/".to_owned(),
                headers: vec![("Host".to_owned(), host.as_bytes().to_vec())],
                body: None,
                timeout: Duration::from_secs(1),
            };
            misled(&Target { safety, ..Target::unnamed() }, effect, &request).is_none()
        };
        for (base, host, effect, free) in [
            ("http://a.test", "c.test", Effect::Read, true),
            ("http://a.test", "a.test", Effect::Write, true),
            ("http://a.test", "A.TEST:8080", Effect::Write, true),
            ("http://a.test", "b.test", Effect::Write, true),
            ("http://127.0.0.1:8080", "c.test", Effect::Write, true),
            ("http://a.test", "b.test", Effect::Destructive, false),
            ("http://a.test", "c.test", Effect::Write, false),
            ("http://a.test", "a.test/../c.test", Effect::Write, false),
            ("http://a.test", "", Effect::Write, false),
        ] {
            assert_eq!(named(base, host, effect), free, "{base} {host} {effect:?}");
        }
    }

    #[test]
    fn a_wait_is_taken_from_seconds_or_a_date_and_never_too_long() {
        let answer = |status: u16, value: &str| Response {
            status,
            reason: None,
            version: "HTTP/1.1",
            headers: vec![("retry-after".to_owned(), value.as_bytes().to_vec())],
            body: bytes::Bytes::new(),
            wire_bytes: 0,
        };
        let wait = |status, value: &str| {
            put_off(&answer(status, value), Duration::from_secs(30), SystemTime::UNIX_EPOCH)
                .map(|wait| wait.as_millis())
        };
        assert_eq!(wait(429, "2"), Some(2000));
        assert_eq!(wait(503, "0"), Some(100));
        assert_eq!(wait(503, "Thu, 01 Jan 1970 00:00:05 GMT"), Some(5000));
        assert_eq!(wait(503, "Wed, 31 Dec 1969 00:00:05 GMT"), Some(100));
        assert_eq!((wait(429, "31"), wait(429, "soon"), wait(429, "-1"), wait(500, "1")), (None, None, None, None));
        assert_eq!(wait(429, "99999999999999999999999999"), None);
    }
}

//! Cookies within a case that asks for them (RFC 6265): [`Jar`].

use std::time::{Duration, SystemTime};

use url::Url;

use crate::model::exchange::{PreparedRequest, Response};

/// Most cookies that are kept; more would make a request that no service takes.
const MOST: usize = 100;

/// Longest cookie, in bytes of name and value (RFC 6265, section 6.1).
const LONGEST: usize = 4096;

#[derive(Clone, Debug, PartialEq)]
struct Cookie {
    name: String,
    value: String,
    domain: String,
    /// Whether only the very host that set it gets it back.
    host_only: bool,
    path: String,
    secure: bool,
    expires: Option<SystemTime>,
}

/// The cookies that answers to a case have set.
#[derive(Debug, Default)]
pub(super) struct Jar {
    cookies: Vec<Cookie>,
}

impl Jar {
    /// Keeps what an answer sets.
    pub(super) fn keep(&mut self, url: &Url, response: &Response, now: SystemTime) {
        for value in response.header("set-cookie") {
            let Ok(text) = std::str::from_utf8(value) else { continue };
            let Some(cookie) = parse(text, url, now) else { continue };
            let same =
                |each: &Cookie| (&each.name, &each.domain, &each.path) == (&cookie.name, &cookie.domain, &cookie.path);
            self.cookies.retain(|each| !same(each));
            if cookie.expires.is_none_or(|end| end > now) && self.cookies.len() < MOST {
                self.cookies.push(cookie);
            }
        }
    }

    /// The value of the `Cookie` header for a request, if there is anything to send.
    fn header(&self, url: &Url, now: SystemTime) -> Option<String> {
        let host = url.host_str()?;
        let mut fit: Vec<&Cookie> = self
            .cookies
            .iter()
            .filter(|each| {
                let domain = if each.host_only { host == each.domain } else { belongs(host, &each.domain) };
                domain
                    && within(url.path(), &each.path)
                    && (!each.secure || url.scheme() == "https")
                    && each.expires.is_none_or(|end| end > now)
            })
            .collect();
        // Longer paths first; otherwise in the order in which they were set (RFC 6265, section 5.4).
        fit.sort_by_key(|each| std::cmp::Reverse(each.path.len()));
        let pairs: Vec<String> = fit.iter().map(|each| format!("{}={}", each.name, each.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Adds the cookies of a request's URL, unless the case sets the header itself.
    pub(super) fn add(&self, request: &mut PreparedRequest, now: SystemTime) {
        if self.cookies.is_empty() || request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("cookie")) {
            return;
        }
        if let Ok(url) = Url::parse(&format!("{}{}", request.base_url, request.target))
            && let Some(value) = self.header(&url, now)
        {
            request.headers.push(("cookie".to_owned(), value.into_bytes()));
        }
    }
}

/// A `Set-Cookie` value (RFC 6265, section 5.2), or nothing if its host may not set it.
fn parse(text: &str, url: &Url, now: SystemTime) -> Option<Cookie> {
    let mut parts = text.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || name.len() + value.len() > LONGEST || text.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    let host = url.host_str()?.to_owned();
    let mut cookie = Cookie {
        name: name.to_owned(),
        value: value.to_owned(),
        domain: host.clone(),
        host_only: true,
        path: default_path(url.path()).to_owned(),
        secure: false,
        expires: None,
    };
    let mut max_age = None;
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "domain" => {
                let domain = value.trim_start_matches('.').to_ascii_lowercase();
                // A domain without a dot would be a whole top-level domain's.
                if domain.is_empty() || domain == host {
                    cookie.host_only = domain.is_empty();
                } else if domain.contains('.') && belongs(&host, &domain) {
                    cookie.host_only = false;
                } else {
                    return None;
                }
                if !domain.is_empty() {
                    cookie.domain = domain;
                }
            }
            "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
            "secure" => cookie.secure = true,
            "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
            "expires" => cookie.expires = date(value),
            _ => {}
        }
    }
    if let Some(seconds) = max_age {
        let length = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        cookie.expires = Some(now.checked_add(length).unwrap_or(now + Duration::from_secs(86_400)));
    }
    Some(cookie)
}

/// An HTTP date (RFC 9110, section 5.6.7), also with the hyphens that old services write.
pub(super) fn date(text: &str) -> Option<SystemTime> {
    let zoned = jiff::fmt::rfc2822::parse(text).or_else(|_| jiff::fmt::rfc2822::parse(&text.replace('-', " "))).ok()?;
    Some(SystemTime::from(zoned.timestamp()))
}

fn belongs(host: &str, domain: &str) -> bool {
    let name = domain.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[');
    host == domain || name && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn within(path: &str, of: &str) -> bool {
    path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || of.ends_with('/') || rest.starts_with('/'))
}

fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn jar(url: &str, set: &[&str]) -> Jar {
        let mut jar = Jar::default();
        let response = Response {
            status: 200,
            reason: None,
            version: "HTTP/1.1",
            headers: set.iter().map(|text| ("set-cookie".to_owned(), text.as_bytes().to_vec())).collect(),
            body: bytes::Bytes::new(),
            wire_bytes: 0,
        };
        jar.keep(&at(url), &response, SystemTime::UNIX_EPOCH);
        jar
    }

    fn sent(jar: &Jar, url: &str) -> String {
        jar.header(&at(url), SystemTime::UNIX_EPOCH + Duration::from_secs(60)).unwrap_or_default()
    }

    #[test]
    fn a_cookie_goes_back_where_it_belongs_and_nowhere_else() {
        let jar = jar(
            "https://a.example.test/in/here",
            &[
                "own=1",
                "site=2; Domain=.Example.test; Path=/",
                "deep=3; path=/in/here/below",
                "tls=4; Secure; Path=/",
                "evil=5; Domain=other.test",
                "wide=6; Domain=test",
                "gone=7; Max-Age=0",
                "short=8; Max-Age=30; Path=/",
                "long=9; Max-Age=90; Path=/",
                "old=10; Expires=Wed, 01-Jan-1969 00:00:00 GMT",
                "=11",
                "no",
            ],
        );
        assert_eq!(sent(&jar, "https://a.example.test/in/x"), "own=1; site=2; tls=4; long=9");
        assert_eq!(sent(&jar, "https://a.example.test/in/here/below/x"), "deep=3; own=1; site=2; tls=4; long=9");
        assert_eq!(sent(&jar, "http://a.example.test/in"), "own=1; site=2; long=9");
        assert_eq!(sent(&jar, "https://b.example.test/"), "site=2");
        assert_eq!(sent(&jar, "https://notexample.test/"), "");
        assert_eq!(sent(&jar, "https://a.example.test/inner"), "site=2; tls=4; long=9");
    }

    #[test]
    fn what_is_set_again_replaces_and_what_expires_removes() {
        let jar = jar("http://h.test/", &["a=1", "b=1", "a=2", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]);
        assert_eq!(sent(&jar, "http://h.test/"), "a=2");
    }

    #[test]
    fn a_jar_has_an_end_and_addresses_have_no_subdomains() {
        let many: Vec<String> = (0..300).map(|at| format!("c{at}=x")).collect();
        let jar = jar("http://127.0.0.1/", &many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(jar.cookies.len(), MOST);
        assert!(belongs("a.b.test", "b.test") && !belongs("1.127.0.0.1", "127.0.0.1"));
    }

    #[test]
    fn the_case_s_own_header_wins() {
        let jar = jar("http://h.test/", &["a=1"]);
        let mut request = PreparedRequest {
            service: String::new(),
            method: "GET".to_owned(),
            base_url: "http://h.test".to_owned(),
            target: "/x".to_owned(),
            headers: vec![("Cookie".to_owned(), b"mine=1".to_vec())],
            body: None,
            timeout: Duration::from_secs(1),
        };
        jar.add(&mut request, SystemTime::UNIX_EPOCH);
        assert_eq!(request.headers.len(), 1);
        request.headers.clear();
        jar.add(&mut request, SystemTime::UNIX_EPOCH);
        assert_eq!(request.headers, [("cookie".to_owned(), b"a=1".to_vec())]);
    }
}

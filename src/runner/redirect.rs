//! Where a redirect leads, what is left behind on the way, and where it may not lead: [`next`].

use url::{Position, Url};

use crate::model::exchange::{PreparedRequest, Response};
use crate::model::spec::Effect;
use crate::model::target::Target;
use crate::record::HopRecord;
use crate::redact::Redactor;

/// Header fields that are never carried to another origin, whether or not a known secret is in them.
const CREDENTIALS: [&str; 5] = ["authorization", "cookie", "proxy-authorization", "x-api-key", "host"];

/// What to do about an answer.
#[derive(Debug)]
pub(super) enum Next {
    /// It is no redirect; it is compared as it is.
    Stop,
    /// This is sent next.
    Follow(Box<PreparedRequest>, HopRecord),
    /// It leads where nobody may follow, for a reason.
    Refuse(String),
}

/// Who follows.
pub(super) struct Follower<'a> {
    /// What the case does to the target.
    pub(super) effect: Effect,
    /// What may be changed, and where connections go.
    pub(super) target: &'a Target,
    /// Finds the target's secrets.
    pub(super) secrets: &'a Redactor,
    /// Secrets that the case has captured.
    pub(super) captured: &'a [(String, String)],
}

impl Follower<'_> {
    fn finds(&self, text: &str) -> bool {
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        self.secrets.finds(text.as_bytes())
            || self.captured.iter().any(|(_, value)| text.contains(value) || decoded.contains(value))
    }
}

/// What follows from an answer (RFC 9110, section 15.4).
pub(super) fn next(request: &PreparedRequest, response: &Response, who: &Follower<'_>) -> Next {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return Next::Stop;
    }
    let mut locations = response.header("location");
    let (Some(location), None) = (locations.next(), locations.next()) else { return Next::Stop };
    let from = match Url::parse(&format!("{}{}", request.base_url, request.target)) {
        Ok(from) => from,
        Err(error) => return Next::Refuse(format!("its own URL cannot be read: {error}")),
    };
    let Some(Ok(mut to)) = std::str::from_utf8(location).ok().map(|location| from.join(location)) else {
        return Next::Refuse("its Location is no URL".to_owned());
    };
    if !matches!(to.scheme(), "http" | "https") || to.host_str().is_none() {
        return Next::Refuse(format!("it leads to a URL of the scheme {}", to.scheme()));
    }
    // A URL's own credentials are the redirecting service's idea and not the target's.
    let named = !to.username().is_empty() || to.password().is_some();
    if named && (to.set_username("").is_err() || to.set_password(None).is_err()) {
        return Next::Refuse("its Location has credentials".to_owned());
    }
    let mut following = request.clone();
    let rewritten = match (response.status, request.method.as_str()) {
        (303, "GET" | "HEAD") => false,
        (303, _) | (301 | 302, "POST") => true,
        _ => false,
    };
    if rewritten {
        "GET".clone_into(&mut following.method);
        following.body = None;
        following.headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
    }
    if (who.effect != Effect::Read || !matches!(following.method.as_str(), "GET" | "HEAD" | "OPTIONS"))
        && !(same_host(&from, &to, who.target) && may_go_on(&to, who))
    {
        let effect = if who.effect == Effect::Read {
            "a request that may change something"
        } else {
            "a case that changes its target"
        };
        return Next::Refuse(format!("it would lead {effect} to another host, {}", origin(&to)));
    }
    let mut dropped = Vec::new();
    if from.origin() != to.origin()
        && let Err(reason) = leave_behind(&mut following, &mut to, who, &mut dropped)
    {
        return Next::Refuse(reason);
    }
    following.base_url = origin(&to);
    following.target = to[Position::BeforePath..Position::AfterQuery].to_owned();
    let hop = HopRecord {
        status: response.status,
        method: following.method.clone(),
        url: format!("{}{}", following.base_url, following.target),
        dropped,
    };
    Next::Follow(Box::new(following), hop)
}

/// Takes everything secret out of a request to another origin.
fn leave_behind(
    following: &mut PreparedRequest,
    to: &mut Url,
    who: &Follower<'_>,
    dropped: &mut Vec<String>,
) -> Result<(), String> {
    following.headers.retain(|(name, value)| {
        let secret = CREDENTIALS.iter().any(|each| name.eq_ignore_ascii_case(each))
            || who.finds(&String::from_utf8_lossy(value));
        if secret {
            dropped.push(name.to_ascii_lowercase());
        }
        !secret
    });
    if let Some(query) = to.query().map(str::to_owned) {
        let secret = |pair: &&str| {
            let name = pair.split('=').next().unwrap_or_default();
            let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            // RFC 6750, section 2.3: the token as a query parameter.
            plain.eq_ignore_ascii_case("accesstoken") || who.finds(pair)
        };
        let (gone, kept): (Vec<&str>, Vec<&str>) = query.split('&').partition(secret);
        if !gone.is_empty() {
            dropped.extend(gone.iter().map(|pair| format!("query {}", pair.split('=').next().unwrap_or_default())));
            let kept = kept.join("&");
            to.set_query((!kept.is_empty()).then_some(&kept));
        }
    }
    let body = following.body.as_deref().is_some_and(|body| who.finds(&String::from_utf8_lossy(body)));
    if body || who.finds(to.as_str()) || dropped.iter().any(|name| who.finds(name)) {
        return Err(format!("it would carry a secret to another origin, {}", origin(to)));
    }
    Ok(())
}

/// Whether both lead to one host: also from plain HTTP to TLS at the usual ports. A name that was given an address for
/// one port only is another host at the other.
fn same_host(from: &Url, to: &Url, target: &Target) -> bool {
    let port = Url::port_or_known_default;
    let address = |url: &Url| target.connection.address(url.host_str()?, port(url)?);
    from.host_str() == to.host_str()
        && address(from) == address(to)
        && (port(from) == port(to) || from.port().is_none() && to.port().is_none())
}

/// Whether a case that changes something may do so where it is led: the target file may name one port of a host.
fn may_go_on(to: &Url, who: &Follower<'_>) -> bool {
    who.effect == Effect::Read || who.target.may_change(to, who.effect)
}

fn origin(url: &Url) -> String {
    url[..Position::BeforePath].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::connection::Connection;
    use crate::model::target::Safety;

    fn request(method: &str, target: &str) -> PreparedRequest {
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        PreparedRequest {
            service: "demo".to_owned(),
            method: method.to_owned(),
            base_url: "http://a.test/v1".to_owned(),
            target: target.to_owned(),
            headers: vec![
                header("Authorization", "Bearer x"),
                header("x-own", "s3cret-value"),
                header("accept", "text/plain"),
                header("content-type", "text/plain"),
            ],
            body: Some(bytes::Bytes::from_static(b"text")),
            timeout: std::time::Duration::from_secs(1),
        }
    }

    fn follow(method: &str, status: u16, location: &str, effect: Effect) -> Next {
        let safety = Safety {
            allow: vec![Effect::Write, Effect::Destructive],
            hosts: vec!["a.test".to_owned()],
            unprobed: false,
        };
        led(&Target { safety, ..Target::unnamed() }, method, status, location, effect)
    }

    fn led(target: &Target, method: &str, status: u16, location: &str, effect: Effect) -> Next {
        let secrets = Redactor::new([("t", "s3cret-value")]).unwrap();
        let captured = [("c".to_owned(), "c4ptured/value".to_owned())];
        let response = Response {
            status,
            reason: None,
            version: "HTTP/1.1",
            headers: vec![("location".to_owned(), location.as_bytes().to_vec())],
            body: bytes::Bytes::new(),
            wire_bytes: 0,
        };
        let who = Follower { effect, target, secrets: &secrets, captured: &captured };
        next(&request(method, "/x?q=1"), &response, &who)
    }

    fn hop(method: &str, status: u16, location: &str, effect: Effect) -> (PreparedRequest, HopRecord) {
        match follow(method, status, location, effect) {
            Next::Follow(request, hop) => (*request, hop),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn methods_and_bodies_change_as_the_rfc_says() {
        for (method, status, then) in [
            ("POST", 301, "GET"),
            ("POST", 302, "GET"),
            ("POST", 303, "GET"),
            ("PUT", 303, "GET"),
            ("HEAD", 303, "HEAD"),
            ("POST", 307, "POST"),
            ("PUT", 308, "PUT"),
            ("PUT", 302, "PUT"),
            ("GET", 301, "GET"),
        ] {
            let (request, _) = hop(method, status, "/y", Effect::Write);
            assert_eq!(request.method, then, "{method} {status}");
            assert_eq!(request.body.is_some(), method == then, "{method} {status}");
            assert_eq!(request.headers.iter().any(|(name, _)| name == "content-type"), method == then);
        }
    }

    #[test]
    fn within_an_origin_everything_is_carried_on() {
        let (request, hop) = hop("GET", 302, "../y?t=s3cret-value#part", Effect::Write);
        assert_eq!((request.base_url.as_str(), request.target.as_str()), ("http://a.test", "/y?t=s3cret-value"));
        assert_eq!((request.headers.len(), hop.dropped.len()), (4, 0));
    }

    #[test]
    fn credentials_stay_at_home() {
        let to = "http://u:p@b.test/y?accessToken=anything&k=s3cret-value&c=c4ptured%2Fvalue&n=1";
        let (request, hop) = hop("GET", 302, to, Effect::Read);
        assert_eq!(hop.url, "http://b.test/y?n=1");
        assert_eq!(hop.dropped, ["authorization", "x-own", "query accessToken", "query k", "query c"]);
        assert_eq!(
            request.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["accept", "content-type"]
        );
        let (_, hop) = hop_tls();
        assert!(hop.dropped.contains(&"authorization".to_owned()), "another scheme is another origin");
    }

    fn hop_tls() -> (PreparedRequest, HopRecord) {
        hop("GET", 308, "https://a.test/v1/x", Effect::Write)
    }

    /// `a.test` is this machine at port 80 only; at port 443 it is what name lookup says.
    #[test]
    fn an_address_for_one_port_is_no_other_port_s() {
        let resolve = vec!["a.test:80:127.0.0.1".parse().unwrap()];
        let local = Target { connection: Connection { resolve, ..Connection::default() }, ..Target::unnamed() };
        for (method, effect) in [("GET", Effect::Write), ("POST", Effect::Destructive), ("POST", Effect::Read)] {
            assert!(matches!(led(&local, method, 307, "https://a.test/", effect), Next::Refuse(_)), "{method}");
            assert!(matches!(led(&local, method, 307, "/y", effect), Next::Follow(..)), "{method}");
        }
        let safety = Safety { allow: vec![Effect::Write], hosts: vec!["a.test:80".to_owned()], unprobed: false };
        let one_port = Target { safety, ..Target::unnamed() };
        assert!(matches!(led(&one_port, "POST", 307, "https://a.test/", Effect::Write), Next::Refuse(_)));
        assert!(matches!(led(&one_port, "POST", 307, "/y", Effect::Write), Next::Follow(..)));
    }

    #[test]
    fn nobody_follows_where_it_is_not_safe() {
        let refused = |method: &str, status, location: &str, effect| match follow(method, status, location, effect) {
            Next::Refuse(reason) => reason,
            other => panic!("{other:?}"),
        };
        assert!(refused("GET", 302, "http://b.test/", Effect::Write).contains("another host, http://b.test"));
        assert!(refused("GET", 302, "http://a.test:81/", Effect::Destructive).contains("another host"));
        assert!(refused("POST", 307, "http://b.test/", Effect::Read).contains("another host"));
        assert!(refused("GET", 302, "http://b.test/s3cret-value", Effect::Read).contains("carry a secret"));
        assert!(refused("GET", 302, "file:///etc/passwd", Effect::Read).contains("scheme file"));
        assert!(refused("GET", 302, "http://[", Effect::Read).contains("no URL"));
        assert!(matches!(follow("GET", 304, "/", Effect::Read), Next::Stop));
    }
}

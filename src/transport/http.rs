//! [`HttpTransport`]: one shared reqwest client, set so that it hides nothing of what the service answered.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::ext::ReasonPhrase;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};
use rustls::ClientConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::decode::decode;
use super::error::{TransportError, classify};
use super::network::Network;
use super::{Caps, Transport, dial, raw, tls};
use crate::model::connection::{HttpVersion, find};
use crate::model::exchange::{PreparedRequest, Response};
use crate::model::verdict::Stage;

/// How a client is set.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Deadline of a connection.
    pub connect_timeout: Duration,
    /// Caps of an exchange.
    pub caps: Caps,
    /// Accepts any certificate. Shown in every report.
    pub insecure: bool,
    /// Most requests in flight to one host.
    pub connections: Option<usize>,
    /// The way to the service.
    pub network: Network,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: dial::CONNECT,
            caps: Caps::default(),
            insecure: false,
            connections: None,
            network: Network::default(),
        }
    }
}

/// A connection that was idle longer is not used again. Servers close theirs after five seconds and more; a request that
/// meets the end of its connection would be an error of a case that did nothing to deserve it. In HTTP/2, where a server
/// says beforehand that it goes (GOAWAY, RFC 9113, section 6.8), the pool counts from the last request instead: there it
/// is only set where the version is not known beforehand, and costs a connection.
const IDLE: Duration = Duration::from_secs(4);

/// Sends over one shared client, each request on a connection of its own unless [`Network::reuse`] says otherwise.
pub struct HttpTransport {
    options: HttpOptions,
    plain: OnceLock<Result<Client, TransportError>>,
    tls: OnceLock<Result<Client, TransportError>>,
    tls_config: OnceLock<Result<Arc<ClientConfig>, TransportError>>,
    /// Clients of hosts with an address of their own, by scheme, host and port.
    pinned: Mutex<HashMap<(bool, String, u16), Client>>,
    /// Base URLs that requests have had so far.
    bases: RwLock<Vec<(String, Url)>>,
    /// Requests that may still begin, by host and port.
    hosts: Mutex<HashMap<(String, u16), Arc<Semaphore>>>,
}

impl HttpTransport {
    /// A transport; clients are built at the first use. Loading root certificates takes longer than a whole run
    /// against a loopback service, so a run that needs no TLS never does it.
    #[must_use]
    pub fn new(options: HttpOptions) -> Self {
        Self {
            options,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
            tls_config: OnceLock::new(),
            pinned: Mutex::default(),
            bases: RwLock::default(),
            hosts: Mutex::default(),
        }
    }

    fn client(&self, url: &Url) -> Result<Client, TransportError> {
        let https = url.scheme() == "https";
        let resolve = &self.options.network.resolve;
        if !resolve.is_empty()
            && let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default())
            && let Some(address) = find(resolve, host, port)
        {
            let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (https, host.to_owned(), port);
            if let Some(client) = pinned.get(&key) {
                return Ok(client.clone());
            }
            let client = self.build(https, Some((host, SocketAddr::new(address, port))))?;
            pinned.insert(key, client.clone());
            return Ok(client);
        }
        let cell = if https { &self.tls } else { &self.plain };
        cell.get_or_init(|| self.build(https, None)).clone()
    }

    /// What TLS connections are made with; the same for every client.
    pub(super) fn tls_config(&self) -> Result<Arc<ClientConfig>, TransportError> {
        let build = || tls::config(&self.options.network, self.options.insecure).map(Arc::new);
        self.tls_config.get_or_init(build).clone()
    }

    fn build(&self, https: bool, pin: Option<(&str, SocketAddr)>) -> Result<Client, TransportError> {
        // A second installation is refused by rustls and harmless: the provider is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let network = &self.options.network;
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(self.options.connect_timeout)
            .pool_max_idle_per_host(if network.reuse { self.options.connections.unwrap_or(usize::MAX) } else { 0 });
        builder = match network.http {
            HttpVersion::Auto => builder.pool_idle_timeout(IDLE),
            HttpVersion::One => builder.http1_only().pool_idle_timeout(IDLE),
            HttpVersion::Two => builder.http2_prior_knowledge(),
        };
        builder = if https {
            builder.tls_backend_preconfigured(ClientConfig::clone(&*self.tls_config()?))
        } else {
            builder.tls_certs_only([])
        };
        if let Some((host, address)) = pin {
            builder = builder.resolve(host, address);
        }
        let failed = |error: reqwest::Error| {
            TransportError::new(Stage::Internal, format!("the HTTP client cannot be built: {}", error.without_url()))
        };
        if let Some(proxy) = &network.proxy {
            let mut through = reqwest::Proxy::all(&proxy.url).map_err(failed)?;
            if let Some((user, password)) = &proxy.auth {
                through = through.basic_auth(user, password);
            }
            builder = builder.proxy(through);
        }
        if let Some(path) = &network.unix_socket {
            builder = builder.unix_socket(path.clone());
        }
        builder.build().map_err(failed)
    }

    async fn exchange(&self, request: &PreparedRequest) -> Result<Response, TransportError> {
        // Nothing that a variable holds may become a part of the host, and nothing that is recorded may stay unsent.
        if !(request.target.is_empty() || request.target.starts_with(['/', '?'])) || request.target.contains('#') {
            let text = "the request target cannot be sent as written: it does not begin with `/`, or has a `#`";
            return Err(TransportError::new(Stage::Send, text));
        }
        // The shared client adds an `Accept` of its own to a request without one.
        let accepts = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept"));
        let (url, kept) = match self.joined(request) {
            Some(url) => (url, true),
            None => {
                let text = format!("{}{}", request.base_url, request.target);
                let url = Url::parse(&text)
                    .map_err(|error| TransportError::new(Stage::Send, format!("the URL cannot be sent: {error}")))?;
                let kept = keeps_target(&url, &text);
                (url, kept)
            }
        };
        let answer = if accepts && kept {
            self.shared(request, url).await?
        } else {
            let tls = if url.scheme() == "https" { Some(self.tls_config()?) } else { None };
            // Rare and large: every future around it would be as large, and is moved about.
            Box::pin(raw::exchange(request, &url, &self.options, tls)).await?
        };
        // RFC 9110, section 15.5.8: this answer is the proxy's and says nothing of the service.
        if answer.status == 407 && self.options.network.proxy.is_some() {
            return Err(TransportError::new(Stage::Connect, "the proxy wants other credentials (407)"));
        }
        Ok(answer)
    }

    /// The URL of a request whose target is kept as it is written. Its host is taken apart with the first request.
    fn joined(&self, request: &PreparedRequest) -> Option<Url> {
        let known = self.bases.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, base)) = known.iter().find(|(text, _)| *text == request.base_url) {
            return join(base, &request.target);
        }
        drop(known);
        let base = Url::parse(&request.base_url).ok()?;
        // The library leaves out what no URL ends with.
        let odd = |end: char| end == '/' || end <= ' ';
        if request.base_url.ends_with(odd) || !keeps_target(&base, &request.base_url) {
            return None;
        }
        let url = join(&base, &request.target);
        let mut known = self.bases.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < BASES {
            known.push((request.base_url.clone(), base));
        }
        url
    }

    /// Sends over the shared client.
    async fn shared(&self, request: &PreparedRequest, url: Url) -> Result<Response, TransportError> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| TransportError::new(Stage::Send, "the method is not a token"))?;
        let client = self.client(&url)?;
        let mut sending = reqwest::Request::new(method, url);
        *sending.headers_mut() = headers(request)?;
        if let Some(body) = &request.body {
            *sending.body_mut() = Some(body.clone().into());
        }
        let mut answer = client.execute(sending).await.map_err(classify)?;
        let mut parts = Parts {
            status: answer.status().as_u16(),
            reason: answer
                .extensions()
                .get::<ReasonPhrase>()
                .map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned()),
            version: version(answer.version()),
            headers: std::mem::take(answer.headers_mut()),
        };
        if parts.reason.is_none() && answer.version() < reqwest::Version::HTTP_2 {
            parts.reason = answer.status().canonical_reason().map(str::to_owned);
        }
        let caps = self.options.caps;
        let mut body = Body::new(caps);
        body.declared(answer.content_length())?;
        while let Some(chunk) = answer.chunk().await.map_err(classify)? {
            body.push(chunk)?;
        }
        parts.finish(body.bytes(), caps)
    }

    /// Waits until a host may have one request more.
    async fn admitted(&self, request: &PreparedRequest) -> Option<OwnedSemaphorePermit> {
        let most = self.options.connections?;
        let url = Url::parse(&request.base_url).ok()?;
        let key = (url.host_str()?.to_owned(), url.port_or_known_default()?);
        let semaphore = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            hosts.entry(key).or_insert_with(|| Arc::new(Semaphore::new(most.max(1)))).clone()
        };
        // The semaphore is never closed.
        semaphore.acquire_owned().await.ok()
    }
}

impl Transport for HttpTransport {
    async fn send(&self, request: &PreparedRequest) -> Result<Response, TransportError> {
        // Waiting for a turn is no time of the service's.
        let permit = self.admitted(request).await;
        let answer = within(request.timeout, pin!(self.exchange(request))).await;
        if permit.is_some() || !self.options.network.reuse {
            // A task of its own takes the connection back to its pool, where whoever is next shall find it, or closes it
            // before the next one is opened.
            tokio::task::yield_now().await;
        }
        answer
    }
}

/// A timer that fires later than this was held up by this process.
const HELD_UP: Duration = Duration::from_millis(20);

/// How many times its deadline an exchange may take, if this process was held up.
const MOST: u32 = 4;

/// The exchange up to its deadline. The deadline is the service's: time in which this process was busy with the answer
/// to another case, and did not look at the socket, is given back, up to [`MOST`] deadlines in all. A service that keeps
/// this process busy itself, as with a flood of interim answers, gains no more than that.
pub(super) async fn within(
    deadline: Duration,
    mut exchange: impl Future<Output = Result<Response, TransportError>> + Unpin,
) -> Result<Response, TransportError> {
    let now = Instant::now();
    let last = now.checked_add(deadline.saturating_mul(MOST));
    let mut end = now.checked_add(deadline);
    while let Some(until) = end {
        if let Ok(answer) = timeout_at(until, &mut exchange).await {
            return answer;
        }
        let late = until.elapsed();
        if late < HELD_UP || last.is_some_and(|last| Instant::now() >= last) {
            return Err(TransportError::new(Stage::Timeout, "no complete answer in time"));
        }
        end = Instant::now().checked_add(late);
    }
    exchange.await
}

/// Most base URLs that are kept. A target has as many as services.
const BASES: usize = 32;

/// The URL of a target behind a base URL, unless the URL library would write it otherwise.
fn join(base: &Url, target: &str) -> Option<Url> {
    if base.query().is_some() || base.fragment().is_some() {
        return None;
    }
    let front = if base.path() == "/" { "" } else { base.path() };
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    if !path.starts_with('/') {
        return None;
    }
    let mut url = base.clone();
    let whole = if front.is_empty() { Cow::Borrowed(path) } else { Cow::Owned([front, path].concat()) };
    url.set_path(&whole);
    url.set_query(query);
    let kept = url[url::Position::BeforePath..].strip_prefix(front) == Some(target) && url.fragment().is_none();
    kept.then_some(url)
}

/// Whether the URL library leaves the request target as it was written.
fn keeps_target(url: &Url, text: &str) -> bool {
    let kept = &url[url::Position::BeforePath..];
    let authority = text.find("://").map_or(0, |at| at + 3);
    let written = text[authority..].find(['/', '?', '#', '\\']).map_or("", |at| &text[authority + at..]);
    url.fragment().is_none() && (kept == written || (kept == "/" && written.is_empty()))
}

/// Header fields in the form of the HTTP library.
pub(super) fn headers(request: &PreparedRequest) -> Result<HeaderMap, TransportError> {
    let mut map = HeaderMap::with_capacity(request.headers.len() + 2);
    for (name, value) in &request.headers {
        let field = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| TransportError::new(Stage::Send, format!("`{}` is no header name", name.escape_debug())))?;
        let value = HeaderValue::from_bytes(value).map_err(|_| {
            TransportError::new(Stage::Send, format!("the value of `{name}` has bytes that no header may have"))
        })?;
        map.append(field, value);
    }
    Ok(map)
}

/// The name of a protocol version.
pub(super) fn version(version: reqwest::Version) -> &'static str {
    match version {
        reqwest::Version::HTTP_09 => "HTTP/0.9",
        reqwest::Version::HTTP_10 => "HTTP/1.0",
        reqwest::Version::HTTP_2 => "HTTP/2",
        reqwest::Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

/// What is known of an answer before its body.
pub(super) struct Parts {
    pub(super) status: u16,
    pub(super) reason: Option<String>,
    pub(super) version: &'static str,
    pub(super) headers: HeaderMap,
}

impl Parts {
    /// The answer with its body, content coding undone.
    pub(super) fn finish(self, body: Bytes, caps: Caps) -> Result<Response, TransportError> {
        let wire_bytes = body.len() as u64;
        let body = decode(self.headers.get_all("content-encoding").iter().map(HeaderValue::as_bytes), body, caps)?;
        let headers =
            self.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
        Ok(Response { status: self.status, reason: self.reason, version: self.version, headers, body, wire_bytes })
    }
}

/// So short a body is copied out of the buffer that it was received into.
const SMALL: usize = 4 << 10;

/// A body as it arrives, up to a cap. A longer body that comes in one piece is not copied.
pub(super) struct Body {
    first: Option<Bytes>,
    rest: BytesMut,
    length: u64,
    caps: Caps,
}

impl Body {
    pub(super) fn new(caps: Caps) -> Self {
        Self { first: None, rest: BytesMut::new(), length: 0, caps }
    }

    /// Refuses a body that says beforehand that it is too large.
    pub(super) fn declared(&self, length: Option<u64>) -> Result<(), TransportError> {
        match length {
            Some(length) if length > self.caps.body => Err(TransportError::new(
                Stage::BodyTooLarge,
                format!("the answer declares a body of {length} bytes; the cap is {} bytes", self.caps.body),
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn push(&mut self, chunk: Bytes) -> Result<(), TransportError> {
        self.length += chunk.len() as u64;
        if self.length > self.caps.body {
            return Err(TransportError::new(
                Stage::BodyTooLarge,
                format!("the body is larger than {} bytes", self.caps.body),
            ));
        }
        match (&mut self.first, self.rest.is_empty()) {
            // A piece of the connection's own buffer, which would have to be made anew for the next answer.
            (None, true) if chunk.len() <= SMALL => self.first = Some(Bytes::copy_from_slice(&chunk)),
            (None, true) => self.first = Some(chunk),
            (first, _) => {
                if let Some(first) = first.take() {
                    self.rest.extend_from_slice(&first);
                }
                self.rest.extend_from_slice(&chunk);
            }
        }
        Ok(())
    }

    pub(super) fn bytes(self) -> Bytes {
        self.first.unwrap_or_else(|| self.rest.freeze())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn targets_that_the_url_library_would_rewrite_are_noticed() {
        let keeps = |text: &str| keeps_target(&Url::parse(text).unwrap(), text);
        for kept in ["http://h/a/b?c=%3a%253a+d", "http://h/a//b", "http://h/a/%2F", "http://h/%zz", "http://h/?"] {
            assert!(keeps(kept), "{kept}");
        }
        for rewritten in ["http://h/a/../b", "http://h/a/%2e%2e/b", "http://h/a\\b", "http://h/a#b", "http://h/a/."] {
            assert!(!keeps(rewritten), "{rewritten}");
        }
    }

    #[tokio::test]
    async fn what_is_sent_is_what_was_prepared() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let mut heads = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = vec![0; 4096];
                let length = stream.read(&mut head).await.unwrap();
                heads.push(String::from_utf8_lossy(&head[..length]).into_owned());
                let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
            heads
        });
        let transport = HttpTransport::new(HttpOptions::default());
        let mut request = PreparedRequest {
            service: "s".to_owned(),
            method: "GET".to_owned(),
            base_url,
            target: "/a".to_owned(),
            headers: vec![("accept".to_owned(), b"*/*".to_vec())],
            body: None,
            timeout: Duration::from_secs(5),
        };
        transport.send(&request).await.unwrap();
        request.headers.clear();
        transport.send(&request).await.unwrap();
        let heads = server.await.unwrap();
        assert!(heads[0].to_ascii_lowercase().contains("\r\naccept: */*\r\n"), "{heads:?}");
        assert!(!heads[1].to_ascii_lowercase().contains("accept"), "{heads:?}");
    }

    proptest! {
        #[test]
        fn a_target_is_joined_as_the_whole_url_would_be_parsed(
            base in "http://(a\\.test|127\\.0\\.0\\.1:8080|\\[::1\\])(/v1|/a%2Fb|/x/y)?",
            target in "/[a-z0-9/.%@:;&=+?\\\\é\t ]{0,12}",
        ) {
            let text = format!("{base}{target}");
            let whole = Url::parse(&text).unwrap();
            let joined = join(&Url::parse(&base).unwrap(), &target);
            prop_assert_eq!(joined.is_some(), keeps_target(&whole, &text), "{}", text);
            prop_assert!(joined.is_none_or(|joined| joined == whole));
        }
    }

    #[test]
    fn a_long_body_in_one_piece_is_not_copied() {
        let long = Bytes::from_static(&[b' '; SMALL + 1]);
        let mut body = Body::new(Caps::default());
        body.push(long.clone()).unwrap();
        assert_eq!(body.bytes().as_ptr(), long.as_ptr());
        let chunk = Bytes::from_static(b"abc");
        let mut body = Body::new(Caps::default());
        body.push(chunk.clone()).unwrap();
        assert_ne!(body.bytes().as_ptr(), chunk.as_ptr(), "what is short does not hold a buffer");
        let mut body = Body::new(Caps { body: 5, ratio: 1 });
        body.push(chunk.clone()).unwrap();
        assert_eq!(body.push(chunk).unwrap_err().stage, Stage::BodyTooLarge);
        assert_eq!(body.declared(Some(6)).unwrap_err().stage, Stage::BodyTooLarge);
        assert_eq!((body.declared(Some(5)), body.declared(None)), (Ok(()), Ok(())));
    }

    #[tokio::test]
    async fn time_in_which_this_process_was_busy_is_given_back() {
        let answer = || Response {
            status: 200,
            reason: None,
            version: "HTTP/1.1",
            headers: Vec::new(),
            body: Bytes::new(),
            wire_bytes: 0,
        };
        let deadline = Duration::from_millis(100);
        let never = within(deadline, pin!(std::future::pending())).await;
        assert_eq!(never.unwrap_err().stage, Stage::Timeout);
        // What arrives after the deadline because nobody looked is in time; what the service sends later is not.
        let held_up = async {
            tokio::task::yield_now().await;
            std::thread::sleep(deadline + deadline / 2);
            tokio::time::sleep(deadline / 4).await;
            Ok(answer())
        };
        assert_eq!(within(deadline, pin!(held_up)).await.map(|response| response.status), Ok(200));
        // Whoever keeps this process busy itself does not live for ever on what is given back.
        let began = Instant::now();
        let busy = async {
            loop {
                std::thread::sleep(deadline / 2);
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(within(deadline, pin!(busy)).await.unwrap_err().stage, Stage::Timeout);
        assert!(began.elapsed() < 2 * MOST * deadline, "{:?}", began.elapsed());
    }
}

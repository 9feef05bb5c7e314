//! Sends request targets that a URL library would rewrite (dot segments, backslashes), byte for byte, each on a
//! connection of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::Uri;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::ext::ReasonPhrase;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::Url;
use reqwest::header::HeaderValue;
use rustls::ClientConfig;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::dial::{Dialled, authorization, dial};
use super::error::{TransportError, classify_hyper};
use super::http::{Body, HttpOptions, Parts, headers, version};
use crate::model::exchange::{PreparedRequest, Response};
use crate::model::verdict::Stage;

/// More interim answers (RFC 9110, section 15.2) than this to one request are a flood.
const MOST_INTERIM: u32 = 1000;

/// Sends the request with its target as written. `url` gives scheme, host and port only; `tls` is for `https`.
pub(super) async fn exchange(
    request: &PreparedRequest,
    url: &Url,
    options: &HttpOptions,
    tls: Option<Arc<ClientConfig>>,
) -> Result<Response, TransportError> {
    let sending = assemble(request)?;
    let connection = dial(url, options, tls).await?;
    let flooded = Arc::new(Notify::new());
    let sending = prepare(sending, url, &connection, options, &flooded)?;
    let (answer, driving) = if connection.http2 {
        let (mut sender, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(connection.io))
            .await
            .map_err(|error| classify_hyper(&error))?;
        let driving = Driver::new(driver);
        (sender.send_request(sending).await, driving)
    } else {
        let (mut sender, driver) =
            http1::handshake(TokioIo::new(connection.io)).await.map_err(|error| classify_hyper(&error))?;
        let driving = Driver::new(driver);
        let answer = tokio::select! {
            answer = sender.send_request(sending) => answer,
            () = flooded.notified() => {
                let text = format!("the answer is not HTTP: more than {MOST_INTERIM} interim answers to one request");
                return Err(TransportError::new(Stage::Protocol, text));
            }
        };
        (answer, driving)
    };
    let answer = read(answer.map_err(|error| classify_hyper(&error))?, options).await;
    drop(driving);
    answer
}

/// The task that moves a connection's bytes; it ends with the exchange.
struct Driver(JoinHandle<()>);

impl Driver {
    fn new<E>(connection: impl Future<Output = Result<(), E>> + Send + 'static) -> Self {
        // What goes wrong on the connection is told by the answer that does not come.
        Self(tokio::spawn(async move { drop(connection.await) }))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The request but for what depends on the connection. Its URI is the target as written.
fn assemble(request: &PreparedRequest) -> Result<hyper::Request<Full<Bytes>>, TransportError> {
    let base = Url::parse(&request.base_url).map_err(|error| TransportError::new(Stage::Send, error.to_string()))?;
    let target = format!("{}{}", base.path().trim_end_matches('/'), request.target);
    let uri: Uri = target.parse().map_err(|error| {
        TransportError::new(Stage::Send, format!("the request target cannot be sent as written: {error}"))
    })?;
    let mut sending = hyper::Request::builder()
        .method(request.method.as_str())
        .uri(uri)
        .body(Full::new(request.body.clone().unwrap_or_default()))
        .map_err(|error| TransportError::new(Stage::Send, error.to_string()))?;
    *sending.headers_mut() = headers(request)?;
    Ok(sending)
}

/// Gives the request the form that its connection needs.
fn prepare(
    mut sending: hyper::Request<Full<Bytes>>,
    url: &Url,
    connection: &Dialled,
    options: &HttpOptions,
    flooded: &Arc<Notify>,
) -> Result<hyper::Request<Full<Bytes>>, TransportError> {
    if connection.http2 || connection.proxied {
        let whole = format!("{}://{}{}", url.scheme(), authority(url), sending.uri());
        *sending.uri_mut() = whole.parse().map_err(|error| {
            TransportError::new(Stage::Send, format!("the request target cannot be sent as written: {error}"))
        })?;
    }
    if connection.http2 {
        // `:authority` stands for `host` (RFC 9113, section 8.3.1).
        *sending.version_mut() = hyper::Version::HTTP_2;
        return Ok(sending);
    }
    if !sending.headers().contains_key("host")
        && let Ok(value) = authority(url).parse()
    {
        sending.headers_mut().insert("host", value);
    }
    if connection.proxied
        && let Some(value) = options.network.proxy.as_ref().and_then(authorization)
        && let Ok(mut value) = HeaderValue::from_str(&value)
    {
        value.set_sensitive(true);
        sending.headers_mut().insert("proxy-authorization", value);
    }
    let (seen, flooded) = (AtomicU32::new(0), Arc::clone(flooded));
    hyper::ext::on_informational(&mut sending, move |_| {
        if seen.fetch_add(1, Ordering::Relaxed) == MOST_INTERIM {
            flooded.notify_one();
        }
    });
    Ok(sending)
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

async fn read(answer: hyper::Response<Incoming>, options: &HttpOptions) -> Result<Response, TransportError> {
    let (head, mut incoming) = answer.into_parts();
    let mut reason =
        head.extensions.get::<ReasonPhrase>().map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned());
    if reason.is_none() && head.version < hyper::Version::HTTP_2 {
        reason = head.status.canonical_reason().map(str::to_owned);
    }
    let parts = Parts { status: head.status.as_u16(), reason, version: version(head.version), headers: head.headers };
    let mut body = Body::new(options.caps);
    body.declared(incoming.size_hint().exact())?;
    while let Some(frame) = incoming.frame().await {
        if let Ok(chunk) = frame.map_err(|error| classify_hyper(&error))?.into_data() {
            body.push(chunk)?;
        }
    }
    parts.finish(body.bytes(), options.caps)
}

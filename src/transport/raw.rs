//! Sends request targets that a URL library would rewrite (dot segments, backslashes), byte for byte, each on a
//! connection of its own.

use http_body_util::{BodyExt, Full};
use hyper::Uri;
use hyper::body::Body as _;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::{TransportError, classify_hyper};
use super::http::{Body, HttpOptions, Parts, headers, version};
use crate::model::exchange::{PreparedRequest, Response};
use crate::model::verdict::Stage;

/// Sends the request with its target as written. `url` gives host and port only.
pub(super) async fn exchange(
    request: &PreparedRequest,
    url: &Url,
    options: &HttpOptions,
) -> Result<Response, TransportError> {
    if url.scheme() != "http" {
        return Err(TransportError::new(
            Stage::Send,
            "this request target can only be sent as written over plain http",
        ));
    }
    send(request, url, options).await
}

async fn send(request: &PreparedRequest, url: &Url, options: &HttpOptions) -> Result<Response, TransportError> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let base = Url::parse(&request.base_url).map_err(|error| TransportError::new(Stage::Send, error.to_string()))?;
    let target = format!("{}{}", base.path().trim_end_matches('/'), request.target);
    let uri: Uri = target.parse().map_err(|error| {
        TransportError::new(Stage::Send, format!("the request target cannot be sent as written: {error}"))
    })?;
    let fixed = options.resolve.iter().find(|(name, _)| name == host).map(|(_, address)| *address);
    let connecting = async {
        match fixed {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect((host.trim_start_matches('[').trim_end_matches(']'), port)).await,
        }
    };
    let stream = timeout(options.connect_timeout, connecting)
        .await
        .map_err(|_| TransportError::new(Stage::Connect, "no connection in time"))?
        .map_err(|error| TransportError::new(Stage::Connect, error.to_string()))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| classify_hyper(&error))?;
    let driving = tokio::spawn(connection);
    let mut sending = hyper::Request::builder().method(request.method.as_str()).uri(uri);
    if let Some(map) = sending.headers_mut() {
        *map = headers(request)?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        if !map.contains_key("host")
            && let Ok(value) = authority.parse()
        {
            map.insert("host", value);
        }
        if !map.contains_key("accept") {
            map.insert("accept", reqwest::header::HeaderValue::from_static("*/*"));
        }
    }
    let body = Full::new(request.body.clone().unwrap_or_default());
    let sending = sending.body(body).map_err(|error| TransportError::new(Stage::Send, error.to_string()))?;
    let answer = sender.send_request(sending).await.map_err(|error| classify_hyper(&error));
    let result = match answer {
        Err(error) => Err(error),
        Ok(answer) => read(answer, options).await,
    };
    driving.abort();
    result
}

async fn read(
    answer: hyper::Response<hyper::body::Incoming>,
    options: &HttpOptions,
) -> Result<Response, TransportError> {
    let (head, mut incoming) = answer.into_parts();
    let reason =
        head.extensions.get::<ReasonPhrase>().map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned());
    let parts = Parts {
        status: head.status.as_u16(),
        reason: reason.or_else(|| head.status.canonical_reason().map(str::to_owned)),
        version: version(head.version),
        headers: head.headers,
    };
    let mut body = Body::new(options.caps);
    body.declared(incoming.size_hint().exact())?;
    while let Some(frame) = incoming.frame().await {
        if let Ok(chunk) = frame.map_err(|error| classify_hyper(&error))?.into_data() {
            body.push(chunk)?;
        }
    }
    parts.finish(body.bytes(), options.caps)
}

//! Connections that casebook opens itself: for request targets that a URL library would rewrite, and to see before a
//! run whether anybody is there ([`reach`]).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::error::TransportError;
use super::http::HttpOptions;
use super::network::{Network, Proxy};
use crate::model::connection::{HttpVersion, find};
use crate::model::verdict::Stage;

/// Longest head of a proxy's answer to `CONNECT`, in bytes.
const LONGEST_HEAD: usize = 16 << 10;

/// Something that bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An open connection.
pub(super) struct Dialled {
    pub(super) io: Box<dyn Stream>,
    /// Whether HTTP/2 is to be spoken on it.
    pub(super) http2: bool,
    /// Whether a proxy reads the requests, which then name the whole URL.
    pub(super) proxied: bool,
}

/// Opens a connection for requests to a URL; `tls` is for `https` ones.
pub(super) async fn dial(
    url: &Url,
    options: &HttpOptions,
    tls: Option<Arc<ClientConfig>>,
) -> Result<Dialled, TransportError> {
    match timeout(options.connect_timeout, open(url, options, tls)).await {
        Ok(opened) => opened,
        Err(_) => Err(TransportError::new(Stage::Connect, "no connection in time")),
    }
}

async fn open(url: &Url, options: &HttpOptions, tls: Option<Arc<ClientConfig>>) -> Result<Dialled, TransportError> {
    let network = &options.network;
    let mut io = socket(url, network).await?;
    let prior = network.http == HttpVersion::Two;
    let Some(config) = tls else {
        return Ok(Dialled { io, http2: prior, proxied: network.proxy.is_some() });
    };
    if let Some(proxy) = &network.proxy {
        tunnel(&mut io, url, proxy).await?;
    }
    let name = ServerName::try_from(bare(url.host_str().unwrap_or_default()).to_owned())
        .map_err(|_| TransportError::new(Stage::Tls, "the host is no name that a certificate can have"))?;
    let stream = TlsConnector::from(config)
        .connect(name, io)
        .await
        .map_err(|error| TransportError::new(Stage::Tls, error.to_string()))?;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok(Dialled { io: Box::new(stream), http2: http2 || prior, proxied: false })
}

/// Whether somebody takes connections where requests to a base URL go.
///
/// # Errors
/// Why nobody does, in one sentence.
pub async fn reach(base_url: &str, options: &HttpOptions) -> Result<(), TransportError> {
    let url = Url::parse(base_url).map_err(|error| TransportError::new(Stage::Connect, error.to_string()))?;
    match timeout(options.connect_timeout, socket(&url, &options.network)).await {
        Ok(opened) => opened.map(|_| ()),
        Err(_) => Err(TransportError::new(Stage::Connect, "no connection in time")),
    }
}

async fn socket(url: &Url, network: &Network) -> Result<Box<dyn Stream>, TransportError> {
    if let Some(path) = &network.unix_socket {
        let stream = UnixStream::connect(path)
            .await
            .map_err(|error| refused(&error, &format!("the Unix socket {}", path.display())))?;
        return Ok(Box::new(stream));
    }
    let (host, port) = match &network.proxy {
        Some(proxy) => (proxy.host.as_str(), proxy.port),
        None => (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80)),
    };
    let of = if network.proxy.is_some() { "the proxy " } else { "" };
    let addresses: Vec<SocketAddr> = match find(&network.resolve, host, port) {
        Some(address) => vec![SocketAddr::new(address, port)],
        None => lookup_host((bare(host), port))
            .await
            .map_err(|error| {
                let host = if of.is_empty() { "the host name" } else { "the proxy's host name" };
                TransportError::new(Stage::Resolve, format!("{host} cannot be resolved: {error}"))
            })?
            .collect(),
    };
    // RFC 6761, section 6.3. What may be changed is decided by the name, so a name that lies is not followed.
    if host == "localhost"
        && let Some(foreign) = addresses.iter().find(|address| !address.ip().is_loopback())
    {
        let text = format!("name lookup says that localhost is {}, which is not this machine", foreign.ip());
        return Err(TransportError::new(Stage::Resolve, text));
    }
    let mut last: Option<TransportError> = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without effect on what is sent, only on when.
                let _ = stream.set_nodelay(true);
                return Ok(Box::new(stream));
            }
            // Where the host itself refuses, a second address that this machine has no way to says nothing more.
            Err(error) if last.is_none() || error.kind() == io::ErrorKind::ConnectionRefused => {
                last = Some(refused(&error, &format!("{of}{address}")));
            }
            Err(_) => {}
        }
    }
    Err(last.unwrap_or_else(|| TransportError::new(Stage::Resolve, "the host name has no address")))
}

fn refused(error: &io::Error, at: &str) -> TransportError {
    let text = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("connection refused ({at})"),
        _ => format!("{error} ({at})"),
    };
    TransportError::new(Stage::Connect, text)
}

/// Asks a proxy for a tunnel (RFC 9110, section 9.3.6).
async fn tunnel(io: &mut Box<dyn Stream>, url: &Url, proxy: &Proxy) -> Result<(), TransportError> {
    let failed = |text: String| TransportError::new(Stage::Connect, format!("the proxy gives no tunnel: {text}"));
    let authority = format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
    let mut head = format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n");
    if let Some(value) = authorization(proxy) {
        head.push_str(&format!("proxy-authorization: {value}\r\n"));
    }
    head.push_str("\r\n");
    io.write_all(head.as_bytes()).await.map_err(|error| failed(error.to_string()))?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= LONGEST_HEAD {
            return Err(failed("its answer has no end".to_owned()));
        }
        // Byte by byte: what follows the head belongs to the service.
        let byte = io.read_u8().await.map_err(|error| failed(error.to_string()))?;
        answer.push(byte);
    }
    let status = answer.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if answer.starts_with(b"HTTP/1.") && status.first() == Some(&b'2') {
        return Ok(());
    }
    Err(failed(format!("it answers {}", String::from_utf8_lossy(&status[..status.len().min(3)]))))
}

/// What a proxy is told about who asks.
pub(super) fn authorization(proxy: &Proxy) -> Option<String> {
    let (user, password) = proxy.auth.as_ref()?;
    Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))))
}

/// The host of a URL without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Deadline of a connection, unless told otherwise.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

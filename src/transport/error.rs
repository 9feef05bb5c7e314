//! [`TransportError`]: why there is no answer.

use std::error::Error;
use std::io;

use crate::model::verdict::Stage;

/// Why there is no answer. The text never holds a URL, which could hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct TransportError {
    /// At which stage.
    pub stage: Stage,
    /// In one sentence.
    pub detail: String,
}

impl TransportError {
    pub(super) fn new(stage: Stage, detail: impl Into<String>) -> Self {
        Self { stage, detail: detail.into() }
    }

    /// Whether the target could not even be reached.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self.stage, Stage::Resolve | Stage::Connect | Stage::Tls)
    }
}

/// Finds the stage and the root cause of a client error.
pub(super) fn classify(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let chain = describe(&error);
    if error.is_timeout() {
        let detail = if error.is_connect() { "no connection in time" } else { "no complete answer in time" };
        let stage = if error.is_connect() { Stage::Connect } else { Stage::Timeout };
        return TransportError::new(stage, detail);
    }
    let kind = io_kind(&error);
    if error.is_dns() {
        return TransportError::new(Stage::Resolve, format!("the host name cannot be resolved: {chain}"));
    }
    if error.is_connect() {
        return match kind {
            Some(io::ErrorKind::ConnectionRefused) => TransportError::new(Stage::Connect, "connection refused"),
            // Each connection's port is kept back for a minute; or the address is one that this machine has no way to.
            Some(io::ErrorKind::AddrNotAvailable) => TransportError::new(
                Stage::Connect,
                format!("{chain}; if the local ports are used up, keep connections with --reuse"),
            ),
            _ if is_tls(&error)
                || chain.contains("certificate")
                || chain.contains("tls")
                || chain.contains("handshake") =>
            {
                TransportError::new(Stage::Tls, chain)
            }
            _ => TransportError::new(Stage::Connect, chain),
        };
    }
    from_hyper(&error, kind, &chain)
}

/// As [`classify`], for the client that sends raw request targets.
pub(super) fn classify_hyper(error: &hyper::Error) -> TransportError {
    from_hyper(error, io_kind(error), &describe(error))
}

fn from_hyper(error: &(dyn Error + 'static), kind: Option<io::ErrorKind>, chain: &str) -> TransportError {
    let hyper = source::<hyper::Error>(error);
    let stage = match (hyper, kind) {
        (Some(hyper), _) if hyper.is_parse() || hyper.is_parse_status() || hyper.is_parse_too_large() => {
            Stage::Protocol
        }
        (Some(hyper), _) if hyper.is_incomplete_message() => Stage::Truncated,
        (Some(hyper), _) if hyper.is_timeout() => Stage::Timeout,
        (_, Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted)) => {
            Stage::Truncated
        }
        (_, Some(io::ErrorKind::BrokenPipe)) => Stage::Send,
        (_, Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)) => Stage::Protocol,
        (Some(hyper), _) if hyper.is_closed() || hyper.is_canceled() => Stage::Truncated,
        (Some(_), _) => Stage::Protocol,
        _ => Stage::Send,
    };
    let lead = match stage {
        Stage::Protocol => "the answer is not HTTP: ",
        Stage::Truncated => "the connection ended before the answer did: ",
        _ => "",
    };
    TransportError::new(stage, format!("{lead}{chain}"))
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    source::<io::Error>(error).map(io::Error::kind)
}

/// Whether TLS itself failed: rustls stands inside I/O errors, which as causes name only those of what they wrap.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let mut wrapped: Option<&(dyn Error + 'static)> =
        source::<io::Error>(error).and_then(io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
    while let Some(inner) = wrapped {
        if inner.is::<rustls::Error>() {
            return true;
        }
        wrapped =
            inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
    }
    false
}

/// The last error of the type in the chain of causes.
fn source<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(each) = next {
        found = each.downcast_ref::<T>().or(found);
        next = each.source();
    }
    found
}

/// The causes from the outside in, repeats left out.
fn describe(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(each) = next {
        let text = each.to_string();
        if !texts.iter().any(|before| before.contains(&text)) {
            texts.push(text);
        }
        next = each.source();
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

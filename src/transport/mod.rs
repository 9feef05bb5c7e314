//! Sends prepared requests over real sockets: [`Transport`], and [`HttpTransport`] that does it.

mod decode;
mod dial;
mod error;
mod http;
mod network;
mod raw;
mod tls;

use std::future::Future;

pub use dial::reach;
pub use error::TransportError;
pub use http::{HttpOptions, HttpTransport};
pub use network::{ClientIdentity, Network, NetworkError, Proxy};

use crate::model::exchange::{PreparedRequest, Response};

/// Something that can send a request and read the whole answer.
pub trait Transport: Send + Sync {
    /// Sends the request. Every wait in it has a deadline and every read a cap.
    fn send(&self, request: &PreparedRequest) -> impl Future<Output = Result<Response, TransportError>> + Send;
}

/// Caps of one exchange.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Most bytes of a body, on the wire and after decoding.
    pub body: u64,
    /// Most times that a body may grow when its content coding is undone. A small body may always grow to 1 MiB.
    pub ratio: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { body: 10 << 20, ratio: 200 }
    }
}

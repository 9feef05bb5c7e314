//! The mock's socket: [`Mock`] puts a [`Service`] on a TCP port. No other file of the mock does I/O.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::http::{Framing, Request, Response};
use super::seed::Seed;
use super::service::{Departure, Service};

/// The largest request body; a larger one is answered 413.
const BODY_MAX: usize = 16 * 1024 * 1024;
/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How long open connections may take to end after a stop.
const STOP_TIME: Duration = Duration::from_secs(2);
/// The size of the chunks of a chunked body: small, so that clients meet several.
const CHUNK: usize = 64;

/// What to serve, and where.
#[derive(Debug, Clone)]
pub struct MockOptions {
    /// The address to listen on; port 0 takes any free port.
    pub addr: SocketAddr,
    /// The starting state.
    pub seed: Seed,
    /// How the service departs from the honest one; empty for the honest one.
    pub departures: Vec<Departure>,
}

impl MockOptions {
    /// The honest service with a seed, on any free loopback port.
    pub fn loopback(seed: Seed) -> Self {
        Self { addr: SocketAddr::from(([127, 0, 0, 1], 0)), seed, departures: Vec::new() }
    }

    /// The same service with one more departure: that of a fault or of a variation.
    #[must_use]
    pub fn departing(mut self, departure: Departure) -> Self {
        self.departures.push(departure);
        self
    }
}

/// A running mock service. Dropping it ends it at once; [`Mock::stop`] ends it gracefully.
#[derive(Debug)]
pub struct Mock {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    listener: JoinHandle<()>,
}

impl Mock {
    /// Starts a service on the current tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(options: MockOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.addr).await?;
        let addr = listener.local_addr()?;
        let service = Arc::new(Mutex::new(Service::departing(&options.seed, options.departures)));
        let (stop, stopped) = watch::channel(false);
        let listener = tokio::spawn(accept(listener, service, stopped));
        Ok(Self { addr, stop, listener })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL, without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops listening, lets running requests end for a short time, and returns.
    pub async fn stop(mut self) {
        // Nobody listening means that the task has ended already.
        let _ = self.stop.send(true);
        let _ = (&mut self.listener).await;
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(listener: TcpListener, service: Arc<Mutex<Service>>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    number += 1;
                    connections.spawn(connection(stream, number, Arc::clone(&service), stopped.clone()));
                }
                // Out of file descriptors, or the client is gone already: wait instead of spinning.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            // Ended connections are collected, so that the set does not grow for ever.
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Whatever is left then is dropped with the set, which aborts it.
    let _ = tokio::time::timeout(STOP_TIME, all).await;
}

async fn connection(stream: TcpStream, number: u64, service: Arc<Mutex<Service>>, mut stopped: watch::Receiver<bool>) {
    // Without it the last segment of an answer can wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let sequence = AtomicU64::new(0);
    let answer = service_fn(|request| {
        let sequence = sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let service = &service;
        async move { Ok::<_, Infallible>(exchange(request, number, sequence, service).await) }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .serve_connection(TokioIo::new(stream), answer)
    );
    tokio::select! {
        // A broken connection is the client's affair.
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

type Written = hyper::Response<Either<Full<Bytes>, Chunks>>;

async fn exchange(
    request: hyper::Request<Incoming>,
    connection: u64,
    sequence: u64,
    service: &Mutex<Service>,
) -> Written {
    let request = match receive(request, connection, sequence).await {
        Ok(request) => request,
        Err(refusal) => return write(refusal),
    };
    let response = service
        .lock()
        // An answer that panicked left complete values behind; the service goes on.
        .unwrap_or_else(PoisonError::into_inner)
        .answer(&request);
    if let Some(delay) = response.delay {
        tokio::time::sleep(delay).await;
    }
    write(response)
}

async fn receive(request: hyper::Request<Incoming>, connection: u64, sequence: u64) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    // A declared length is refused at once; the rest is counted while it arrives.
    if body.size_hint().lower() > BODY_MAX as u64 {
        return Err(cut(413));
    }
    let body = match tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(cut(413)),
        Ok(Err(_)) => return Err(cut(400)),
        Err(_) => return Err(cut(408)),
    };
    let target = head.uri.path_and_query().map_or_else(|| head.uri.to_string(), ToString::to_string);
    let headers =
        head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    Ok(Request { method: head.method.as_str().to_owned(), target, headers, body, connection, sequence })
}

/// An answer to a request that could not be read to its end: the connection cannot go on.
fn cut(status: u16) -> Response {
    let mut response = Response::empty(status);
    response.close = true;
    response
}

fn write(response: Response) -> Written {
    let body = match response.framing {
        Framing::ContentLength => Either::Left(Full::new(response.body)),
        Framing::Chunked => Either::Right(Chunks::of(&response.body)),
    };
    let mut written = hyper::Response::new(body);
    // A status outside 100..=999 cannot be written, and nothing here makes one.
    *written.status_mut() =
        hyper::StatusCode::from_u16(response.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        // Echoed values come from a received header, so only a control character is left out.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(&value)) {
            written.headers_mut().append(name, value);
        }
    }
    if response.close {
        written.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(reason) = response.reason
        && let Ok(reason) = ReasonPhrase::try_from(reason)
    {
        written.extensions_mut().insert(reason);
    }
    written
}

/// A body of unknown length in pieces, which HTTP/1.1 writes chunked.
#[derive(Debug)]
struct Chunks(VecDeque<Bytes>);

impl Chunks {
    fn of(body: &Bytes) -> Self {
        Self((0..body.len()).step_by(CHUNK).map(|start| body.slice(start..body.len().min(start + CHUNK))).collect())
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk))))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn start(departures: Vec<Departure>) -> Mock {
        let seed = Seed::embedded().unwrap();
        let options = MockOptions { departures, ..MockOptions::loopback(seed) };
        Mock::start(options).await.unwrap()
    }

    /// Sends bytes, closes the sending side, and reads to the end.
    async fn raw(mock: &Mock, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(mock.addr()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn requests_are_answered_until_the_stop() {
        let mock = start(Vec::new()).await;
        let one = b"GET /1/user/music/profile HTTP/1.1\r\nhost: x\r\n\r\n";
        let answer = raw(&mock, &one.repeat(2)).await;
        assert_eq!(answer.matches("HTTP/1.1 401 Unauthorized").count(), 2);
        assert!(answer.contains("ACCESS_TOKEN_MISSING"));
        let addr = mock.addr();
        // An idle connection must not hold the stop up.
        let _idle = TcpStream::connect(addr).await.unwrap();
        mock.stop().await;
        assert!(TcpStream::connect(addr).await.is_err());
    }

    #[tokio::test]
    async fn the_raw_target_and_the_sequence_reach_the_service() {
        let departure = Departure {
            policy: |_, _| {},
            response: |response, moment| {
                let request = moment.request;
                let seen = format!("{} {} {}", request.connection, request.sequence, request.target);
                response.set_header("seen", &seen);
                response.reason = Some("Quite Odd".to_owned());
                response.framing = Framing::Chunked;
                response.close = request.sequence == 2;
            },
        };
        let mock = start(vec![departure]).await;
        let one = b"GET //a/../%2e%zz?x+%41 HTTP/1.1\r\nhost: x\r\n\r\n";
        let answer = raw(&mock, &one.repeat(3)).await;
        assert!(answer.contains("seen: 1 1 //a/../%2e%zz?x+%41"), "{answer}");
        assert!(answer.contains("seen: 1 2 "));
        assert!(!answer.contains("seen: 1 3 "), "closed after the second");
        assert!(answer.starts_with("HTTP/1.1 404 Quite Odd"));
        assert!(answer.contains("transfer-encoding: chunked"));
        assert!(answer.contains("connection: close"));
        mock.stop().await;
    }

    #[tokio::test]
    async fn a_body_above_the_cap_is_refused() {
        let mock = start(Vec::new()).await;
        let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", BODY_MAX + 1);
        let mut stream = TcpStream::connect(mock.addr()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 64];
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut answer));
        let length = read.await.unwrap().unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 413 "));
        mock.stop().await;
    }

    #[tokio::test]
    async fn a_delay_holds_back_one_answer_only() {
        let departure = Departure {
            policy: |_, _| {},
            response: |response, moment| {
                if moment.serial == 1 {
                    response.delay = Some(Duration::from_secs(60));
                }
            },
        };
        let mock = start(vec![departure]).await;
        let one = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        let mut slow = TcpStream::connect(mock.addr()).await.unwrap();
        slow.write_all(one).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let quick = tokio::time::timeout(Duration::from_secs(5), raw(&mock, one));
        assert!(quick.await.unwrap().starts_with("HTTP/1.1 404"));
    }
}

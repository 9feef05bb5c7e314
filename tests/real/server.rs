//! A service on real sockets: plain or TLS, HTTP/1.1 or HTTP/2, TCP or a Unix socket. Its answers come from a function.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_rustls::TlsAcceptor;

/// What a service was asked: `METHOD URI`, header fields, and on which connection.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Connections are numbered as requests are spoken on them.
    pub(crate) connection: usize,
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Status, header fields, body, and how long it takes.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) after: Duration,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: "{}".to_owned(), after: Duration::ZERO }
    }

    pub(crate) fn ok() -> Self {
        Self::status(200)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, text: impl Into<String>) -> Self {
        self.body = text.into();
        self
    }

    pub(crate) fn after(mut self, wait: Duration) -> Self {
        self.after = wait;
        self
    }
}

type Reply = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A running service; it ends with the test's process.
#[derive(Clone)]
pub(crate) struct Server {
    shared: Arc<Shared>,
    pub(crate) addr: SocketAddr,
}

struct Shared {
    reply: Box<Reply>,
    asked: Mutex<Vec<Asked>>,
    tls: Option<TlsAcceptor>,
    spoken: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    busy: AtomicUsize,
    most_busy: AtomicUsize,
}

enum Listener {
    Tcp(std::net::TcpListener),
    Unix(PathBuf),
}

impl Server {
    pub(crate) fn start(reply: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::on(0, None, reply)
    }

    pub(crate) fn tls(config: ServerConfig, reply: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::on(0, Some(config), reply)
    }

    pub(crate) fn on(
        port: u16,
        config: Option<ServerConfig>,
        reply: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let addr = listener.local_addr().expect("an address");
        Self { shared: serve(Listener::Tcp(listener), config, Box::new(reply)), addr }
    }

    pub(crate) fn unix(path: &Path, reply: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let addr = SocketAddr::from(([0, 0, 0, 0], 0));
        let server = Self { shared: serve(Listener::Unix(path.to_owned()), None, Box::new(reply)), addr };
        while !path.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    pub(crate) fn http(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("no panic").clone()
    }

    /// The request lines, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    /// Most connections that were open at a moment.
    pub(crate) fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }

    /// Most requests that were in work at a moment.
    pub(crate) fn most_busy(&self) -> usize {
        self.shared.most_busy.load(Ordering::SeqCst)
    }
}

fn serve(listener: Listener, config: Option<ServerConfig>, reply: Box<Reply>) -> Arc<Shared> {
    let shared = Arc::new(Shared {
        reply,
        asked: Mutex::default(),
        tls: config.map(|config| TlsAcceptor::from(Arc::new(config))),
        spoken: AtomicUsize::new(0),
        open: AtomicUsize::new(0),
        most_open: AtomicUsize::new(0),
        busy: AtomicUsize::new(0),
        most_busy: AtomicUsize::new(0),
    });
    let own = shared.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            match listener {
                Listener::Tcp(listener) => {
                    let listener = TcpListener::from_std(listener).expect("a socket");
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(tcp(stream, own.clone()));
                    }
                }
                Listener::Unix(path) => {
                    let listener = UnixListener::bind(path).expect("a socket");
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(speak(stream, false, own.clone()));
                    }
                }
            }
        });
    });
    shared
}

async fn tcp(stream: TcpStream, shared: Arc<Shared>) {
    let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most_open.fetch_max(open, Ordering::SeqCst);
    match shared.tls.clone() {
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                speak(stream, http2, shared.clone()).await;
            }
        }
        None => {
            let mut begin = [0; 3];
            let http2 = matches!(stream.peek(&mut begin).await, Ok(3)) && &begin == b"PRI";
            speak(stream, http2, shared.clone()).await;
        }
    }
    shared.open.fetch_sub(1, Ordering::SeqCst);
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, http2: bool, shared: Arc<Shared>) {
    let io = TokioIo::new(stream);
    let connection = shared.spoken.fetch_add(1, Ordering::SeqCst);
    let service = service_fn(move |request| answer(connection, request, shared.clone()));
    // A client that goes away is no concern of the service's.
    if http2 {
        let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await;
    } else {
        let _ = http1::Builder::new().serve_connection(io, service).await;
    }
}

async fn answer(
    connection: usize,
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let busy = shared.busy.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most_busy.fetch_max(busy, Ordering::SeqCst);
    let (head, body) = request.into_parts();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    // A body that breaks off is the client's affair.
    let _ = body.collect().await;
    let asked = Asked {
        connection,
        line: format!("{} {}", head.method, head.uri),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
    };
    let answer = (shared.reply)(&asked);
    shared.asked.lock().expect("no panic").push(asked);
    tokio::time::sleep(answer.after).await;
    let mut response = Response::builder().status(answer.status).header("content-type", "application/json");
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    shared.busy.fetch_sub(1, Ordering::SeqCst);
    Ok(response.body(Full::new(Bytes::from(answer.body))).expect("a response"))
}

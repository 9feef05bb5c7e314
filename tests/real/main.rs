//! The built command against real services on real sockets: versions of HTTP, TLS, proxies, redirects, cookies, limits,
//! and an environment that fails.

mod environment;
mod guard;
mod http2;
mod limits;
#[path = "../support/output.rs"]
mod output;
mod place;
mod redirects;
mod routes;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod tls;

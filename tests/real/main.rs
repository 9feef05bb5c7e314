//! The built command against real services on real sockets: versions of HTTP, TLS, proxies, redirects, cookies, limits,
//! and an environment that fails.

mod environment;
mod http2;
mod limits;
mod place;
mod redirects;
mod routes;
mod server;
mod tls;

//! Flags that say how a target is connected to: [`ConnectionArgs`]. Each stands before the target file's setting.
#![expect(missing_docs, reason = "the doc of a struct of arguments would become its command's help")]

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command};

use crate::model::connection::{HttpVersion, ProxyUrl, Resolve};

// How the target is connected to.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Version of HTTP: `auto` (1.1 on plain connections, over TLS what both sides prefer), `1.1`, or `2` (on plain
    /// connections by prior knowledge).
    #[arg(long, value_name = "VERSION")]
    pub http: Option<HttpVersion>,
    /// PEM file of the only roots that are trusted, instead of the system's (`--ca staging-ca.pem`).
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// PEM file of the client's certificate.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// PEM file of its private key.
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
    /// Send everything through this proxy (`--proxy http://proxy.test:3128`). HTTP_PROXY and the like are never
    /// looked at; credentials stand in the target file as `proxy_auth`.
    #[arg(long, value_name = "URL", value_parser = ProxyParser)]
    pub proxy: Option<ProxyUrl>,
    /// Connect to this address for a host's port (`--resolve api.example.test:443:127.0.0.1`).
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub resolve: Vec<Resolve>,
    /// Send everything to this Unix socket; the base URL gives `Host` and path only.
    #[arg(long, value_name = "PATH")]
    pub unix_socket: Option<PathBuf>,
    /// Keep connections for the next request instead of making one for each: quicker, but in HTTP/1.1 an answer that a
    /// service sends unasked or too late can be taken for that of another case.
    #[arg(long, overrides_with = "no_reuse")]
    pub reuse: bool,
    /// Make a connection for every request, whatever the target file says.
    #[arg(long, overrides_with = "reuse")]
    pub no_reuse: bool,
    /// Accept any TLS certificate. Shown in every report but annotations.
    #[arg(long)]
    pub insecure: bool,
}

/// Reads a proxy's URL. What is wrong with it is told without repeating it: it may hold a password.
#[derive(Clone)]
struct ProxyParser;

impl TypedValueParser for ProxyParser {
    type Value = ProxyUrl;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<ProxyUrl, clap::Error> {
        value.to_string_lossy().parse().map_err(|error| {
            clap::Error::raw(ErrorKind::ValueValidation, format!("--proxy: {error}\n")).with_cmd(command)
        })
    }
}

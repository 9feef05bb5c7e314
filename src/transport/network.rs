//! The way to a service: [`Network`], made of a target's [`Connection`] and the files that it names.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::model::connection::{Connection, HttpVersion, Resolve};

/// Largest PEM file that is read, in bytes.
const LARGEST: u64 = 8 << 20;

/// Why the way to a service cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file holds nothing of what it should.
    #[error("{path}: holds no {what} in PEM form")]
    Empty {
        /// The file.
        path: String,
        /// What should be there.
        what: &'static str,
    },
    /// The certificate and the key do not belong together, or the roots cannot be used.
    #[error("TLS cannot be prepared: {0}")]
    Tls(String),
}

/// A client certificate, read.
#[derive(Debug)]
pub struct ClientIdentity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Clone for ClientIdentity {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

/// A proxy and the credentials for it.
#[derive(Clone)]
pub struct Proxy {
    /// Host, as in a URL.
    pub(super) host: String,
    pub(super) port: u16,
    /// `http://host:port`.
    pub(super) url: String,
    /// User name and password.
    pub(super) auth: Option<(String, String)>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The way to a service, with everything read that it needs.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Which version of HTTP is spoken.
    pub http: HttpVersion,
    /// The only roots that are trusted; the system's without.
    pub(super) roots: Option<Vec<CertificateDer<'static>>>,
    pub(super) identity: Option<ClientIdentity>,
    pub(super) proxy: Option<Proxy>,
    /// Addresses of host names.
    pub resolve: Vec<Resolve>,
    pub(super) unix_socket: Option<PathBuf>,
    /// Connections are kept for the next request.
    pub reuse: bool,
}

impl Network {
    /// Reads the files that a connection names. `auth` are the proxy's user name and password.
    ///
    /// # Errors
    /// A file that cannot be read or holds something else, before anything is sent.
    pub fn read(connection: &Connection, auth: Option<(String, String)>) -> Result<Self, NetworkError> {
        let roots = connection.ca.as_deref().map(certificates).transpose()?;
        let identity = match &connection.client {
            None => None,
            Some(client) => {
                let bytes = bytes(&client.key)?;
                let key = PrivateKeyDer::from_pem_slice(&bytes)
                    .map_err(|_| NetworkError::Empty { path: shown(&client.key), what: "private key" })?;
                Some(ClientIdentity { chain: certificates(&client.certificate)?, key })
            }
        };
        let proxy = connection.proxy.as_ref().map(|proxy| Proxy {
            host: proxy.url().host_str().unwrap_or_default().to_owned(),
            port: proxy.url().port_or_known_default().unwrap_or(80),
            url: proxy.to_string(),
            auth,
        });
        let network = Self {
            http: connection.http,
            roots,
            identity,
            proxy,
            resolve: connection.resolve.clone(),
            unix_socket: connection.unix_socket.clone(),
            reuse: connection.reuse,
        };
        // A key that does not fit its certificate is found here and not in every case.
        if network.roots.is_some() || network.identity.is_some() {
            super::tls::config(&network, true).map_err(|error| NetworkError::Tls(error.detail))?;
            super::tls::roots(&network).map_err(|error| NetworkError::Tls(error.detail))?;
        }
        Ok(network)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
    let bytes = bytes(path)?;
    let found = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| NetworkError::File { path: shown(path), reason: format!("is not PEM: {error}") })?;
    if found.is_empty() {
        return Err(NetworkError::Empty { path: shown(path), what: "certificate" });
    }
    Ok(found)
}

fn bytes(path: &Path) -> Result<Vec<u8>, NetworkError> {
    let failed = |reason: String| NetworkError::File { path: shown(path), reason };
    let metadata = fs::metadata(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(failed(format!("is not a file of at most {LARGEST} bytes")));
    }
    fs::read(path).map_err(|error| failed(format!("cannot be read: {error}")))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

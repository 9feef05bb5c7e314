//! One configuration of TLS for everything that is sent: [`config`].

use std::sync::{Arc, LazyLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::error::TransportError;
use super::network::Network;
use crate::model::connection::HttpVersion;
use crate::model::verdict::Stage;

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(ring::default_provider()));

/// The configuration for a way to a service. `insecure` accepts any certificate.
pub(super) fn config(network: &Network, insecure: bool) -> Result<ClientConfig, TransportError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map_err(|error| failed(&error))?
        .dangerous()
        .with_custom_certificate_verifier(if insecure { Arc::new(Anyone::new()) } else { roots(network)? });
    let mut config = match &network.identity {
        Some(identity) => builder
            .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
            .map_err(|error| failed(&error))?,
        None => builder.with_no_client_auth(),
    };
    let protocols: &[&[u8]] = match network.http {
        HttpVersion::Auto => &[b"h2", b"http/1.1"],
        HttpVersion::One => &[b"http/1.1"],
        HttpVersion::Two => &[b"h2"],
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

/// Who says whether a certificate is good: the given roots, or those of the system.
pub(super) fn roots(network: &Network) -> Result<Arc<dyn ServerCertVerifier>, TransportError> {
    let Some(given) = &network.roots else {
        let verifier = Verifier::new(Arc::clone(&PROVIDER)).map_err(|error| failed(&error))?;
        return Ok(Arc::new(verifier));
    };
    let mut store = RootCertStore::empty();
    for root in given {
        store.add(root.clone()).map_err(|error| failed(&error))?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&PROVIDER))
        .build()
        .map_err(|error| failed(&error))?;
    Ok(verifier)
}

fn failed(error: &dyn std::error::Error) -> TransportError {
    TransportError::new(Stage::Tls, error.to_string())
}

/// Accepts any certificate; signatures are still checked, so that the peer holds the key that it shows.
#[derive(Debug)]
struct Anyone(WebPkiSupportedAlgorithms);

impl Anyone {
    fn new() -> Self {
        Self(PROVIDER.signature_verification_algorithms)
    }
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

//! Versions of HTTP, roots, client certificates, `--insecure`.

use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::place::{Place, case, ends, err, version};
use crate::server::{Answer, Server};

/// A root that nobody's system trusts, and what it has signed.
struct Pki {
    root: CertificateDer<'static>,
    root_pem: String,
    server: (CertificateDer<'static>, Vec<u8>),
    client_pem: (String, String),
}

static PKI: LazyLock<Pki> = LazyLock::new(|| {
    let key = || KeyPair::generate().expect("a key");
    let mut root = CertificateParams::new(Vec::new()).expect("parameters");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name.push(DnType::CommonName, "a root for tests");
    let root = CertifiedIssuer::self_signed(root, key()).expect("a root");
    let names = ["localhost", "api.example.test", "127.0.0.1"].map(str::to_owned);
    let server_key = key();
    let server = CertificateParams::new(names).expect("parameters").signed_by(&server_key, &root).expect("signed");
    let mut client = CertificateParams::new(Vec::new()).expect("parameters");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client_key = key();
    let client = client.signed_by(&client_key, &root).expect("signed");
    Pki {
        root: root.der().clone(),
        root_pem: root.pem(),
        server: (server.der().clone(), server_key.serialize_der()),
        client_pem: (client.pem(), client_key.serialize_pem()),
    }
});

/// A service's side of TLS: which protocols it offers, and whether it wants a client certificate.
pub(crate) fn config(protocols: &[&str], wants_client: bool) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.expect("versions");
    let builder = if wants_client {
        let mut roots = RootCertStore::empty();
        roots.add(PKI.root.clone()).expect("a root");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        builder.with_client_cert_verifier(verifier.expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let (certificate, key) = PKI.server.clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let mut config = builder.with_single_cert(vec![certificate], key).expect("a certificate");
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

pub(crate) fn root_pem() -> &'static str {
    &PKI.root_pem
}

fn both() -> Server {
    Server::tls(config(&["h2", "http/1.1"], false), |_| Answer::ok())
}

fn https(server: &Server) -> String {
    format!("https://localhost:{}", server.addr.port())
}

#[test]
fn the_version_is_what_both_sides_prefer_or_what_the_target_says() {
    let server = both();
    let place = Place::plain();
    place.write("root.pem", root_pem());
    for (setting, spoken) in [("auto", "HTTP/2"), ("1.1", "HTTP/1.1"), ("2", "HTTP/2")] {
        place.target(&https(&server), &format!("[connection]\nca = \"root.pem\"\nhttp = \"{setting}\"\n"));
        assert_eq!(version(&place.fires(0, &[])), spoken, "http = {setting}");
    }
    // A flag stands before the file.
    assert_eq!(version(&place.fires(0, &["--http", "1.1"])), "HTTP/1.1");
    let report = std::fs::read_to_string(place.path().join("out/report.md")).expect("a report");
    assert!(report.contains("only HTTP/1.1 is spoken"), "{report}");
    assert!(report.contains("root.pem are trusted instead of the system's"), "{report}");
}

#[test]
fn http_2_is_spoken_by_prior_knowledge_on_plain_connections() {
    let server = Server::start(|_| Answer::ok());
    let place = Place::plain();
    place.target(&server.http(), "");
    assert_eq!(version(&place.fires(0, &[])), "HTTP/1.1");
    assert_eq!(version(&place.fires(0, &["--http", "2"])), "HTTP/2");
}

#[test]
fn a_service_that_does_not_speak_the_version_is_an_error_and_no_verdict() {
    let old = Server::tls(config(&["http/1.1"], false), |_| Answer::ok());
    let place = Place::plain();
    place.write("root.pem", root_pem());
    place.target(&https(&old), "[connection]\nca = \"root.pem\"\nhttp = \"2\"\n");
    let output = place.run(&["--target", "target.toml"]);
    assert_ne!(output.status.code(), Some(0));
    let outcome = serde_json::to_value(&place.record().cases[0].outcome).expect("a verdict");
    assert_eq!(outcome["verdict"], "errored", "{outcome}");
}

#[test]
fn a_root_that_nobody_trusts_is_refused_unless_it_is_given() {
    let server = both();
    let place = Place::plain();
    place.target(&https(&server), "");
    let output = place.run(&["--target", "target.toml"]);
    assert_ne!(output.status.code(), Some(0));
    let outcome = serde_json::to_value(&place.record().cases[0].outcome).expect("a verdict");
    assert_eq!((&outcome["verdict"], &outcome["stage"]), (&"errored".into(), &"tls".into()), "{outcome}");
    place.write("root.pem", root_pem());
    place.fires(0, &["--ca", "root.pem"]);
    // Another root in the file is as good as none.
    let other = rcgen::generate_simple_self_signed(["x".to_owned()]).expect("a certificate");
    place.write("other.pem", other.cert.pem());
    let output = place.run(&["--target", "target.toml", "--ca", "other.pem"]);
    assert_ne!(output.status.code(), Some(0));
}

#[test]
fn insecure_is_a_flag_and_stands_in_every_report() {
    let server = both();
    let place = Place::plain();
    place.target(&https(&server), "");
    let reports =
        ["junit=r.xml", "html=r.html", "json=r.json", "markdown=r.md", "tap=r.tap", "ctrf=r.ctrf", "sarif=r.sarif"];
    let mut arguments = vec!["--insecure"];
    for report in &reports {
        arguments.extend(["--report", report]);
    }
    let record = place.fires(0, &arguments);
    assert!(record.header.warnings.iter().any(|warning| warning.contains("--insecure")));
    for report in reports {
        let (_, name) = report.split_once('=').expect("a path");
        let text = std::fs::read_to_string(place.path().join(name)).expect("a report");
        assert!(text.contains("--insecure"), "{name} does not say so:\n{text}");
    }
    let output = place.run(&["--target", "target.toml", "--insecure"]);
    assert!(err(&output).contains("--insecure"), "{}", err(&output));
}

#[test]
fn a_client_certificate_is_shown_to_who_wants_one() {
    let server = Server::tls(config(&["h2", "http/1.1"], true), |_| Answer::ok());
    let place = Place::plain();
    place.write("root.pem", root_pem());
    place.write("client.pem", &PKI.client_pem.0);
    place.write("client.key", &PKI.client_pem.1);
    place.target(&https(&server), "[connection]\nca = \"root.pem\"\n");
    assert_ne!(place.run(&["--target", "target.toml"]).status.code(), Some(0), "without one it is turned away");
    let both = "ca = \"root.pem\"\nclient_cert = \"client.pem\"\nclient_key = \"client.key\"\n";
    place.target(&https(&server), &format!("[connection]\n{both}"));
    let record = place.fires(0, &[]);
    assert!(record.header.warnings.iter().any(|warning| warning.contains("client certificate")));
    place.target(&https(&server), "[connection]\nca = \"root.pem\"\n");
    place.fires(0, &["--client-cert", "client.pem", "--client-key", "client.key"]);
}

#[test]
fn files_that_cannot_be_used_are_told_before_anything_is_sent() {
    let server = Server::start(|_| Answer::ok());
    let place = Place::plain();
    place.write("empty.pem", "nothing\n");
    place.write("root.pem", root_pem());
    place.write("client.pem", &PKI.client_pem.0);
    place.write("other.key", KeyPair::generate().expect("a key").serialize_pem());
    for (setting, told) in [
        ("ca = \"missing.pem\"", "missing.pem: cannot be read"),
        ("ca = \"empty.pem\"", "empty.pem: holds no certificate in PEM form"),
        ("client_cert = \"client.pem\"\nclient_key = \"empty.pem\"", "empty.pem: holds no private key"),
        ("client_cert = \"client.pem\"\nclient_key = \"other.key\"", "TLS cannot be prepared"),
        ("client_cert = \"client.pem\"", "`client_cert` needs `client_key`"),
        ("proxy = \"http://u:p@proxy.test\"", "credentials in a proxy's URL would be shown"),
        (
            "proxy = \"http://proxy.test\"\nproxy_auth = { user = \"u\", password = \"pass-word\" }",
            "the proxy's password stands in the file",
        ),
        ("resolve = [\"127.0.0.1:80:10.0.0.1\"]", "only names are looked up"),
        ("unix_socket = \"s\"\nproxy = \"http://proxy.test\"", "not both"),
    ] {
        place.target(&server.http(), &format!("[connection]\n{setting}\n"));
        let output = place.run(&["--target", "target.toml"]);
        ends(&output, 2);
        assert!(err(&output).contains(told), "{setting}: {}", err(&output));
    }
    assert!(server.asked().is_empty());
}

#[test]
fn a_raw_target_is_sent_as_written_over_tls_too() {
    let server = both();
    let place = Place::new(&case("raw", "target = \"/a/../b/%2e%2e/c?x=\\\\\"", ""));
    place.write("root.pem", root_pem());
    for setting in ["1.1", "2"] {
        place.target(&https(&server), &format!("[connection]\nca = \"root.pem\"\nhttp = \"{setting}\"\n"));
        let record = place.fires(0, &[]);
        assert_eq!(version(&record), format!("HTTP/{setting}"));
    }
    for line in server.lines() {
        assert!(line.ends_with("/a/../b/%2e%2e/c?x=\\"), "{line}");
    }
    assert_eq!(server.lines().len(), 2);
}

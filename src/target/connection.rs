//! `[connection]` and `[headers]` of a target file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use super::{Origin, Reader};
use crate::case::fields;
use crate::case::reader::Node;
use crate::model::connection::{ClientCertificate, Connection, ProxyAuth};
use crate::model::template::Template;

impl Reader<'_> {
    /// Header fields of every request.
    pub(super) fn headers(&self, root: &Node<'_>, known: &dyn Fn(&str) -> bool) -> Vec<(String, Template)> {
        let Some(node) = root.node("headers") else { return Vec::new() };
        let mut headers = Vec::new();
        for (name, span, _) in node.entries() {
            let lower = name.to_ascii_lowercase();
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                self.file.error(span, format!("`{name}` is no header name"));
            } else if fields::REFUSED_HEADERS.contains(&lower.as_str()) {
                let help = if lower == "authorization" {
                    "credentials are auth schemes, so that a case can leave them out: write them under [auth]"
                } else {
                    "it belongs to one message or one connection; cases set what they test"
                };
                self.file.error_help(span, format!("`{name}` cannot be the same for every request"), Some(help.into()));
            } else {
                headers.push((lower, self.template(&node, name, known)));
            }
        }
        headers
    }

    /// How the target is connected to.
    pub(super) fn connection(
        &self,
        root: &Node<'_>,
        services: &BTreeMap<String, String>,
        secrets: &BTreeMap<String, Origin>,
        known: &dyn Fn(&str) -> bool,
    ) -> Connection {
        let Some(node) = root.node("connection") else { return Connection::default() };
        let path = |key| node.text(key).map(PathBuf::from);
        let client = match (path("client_cert"), path("client_key")) {
            (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
            (None, None) => None,
            (given, _) => {
                let (there, lacks) =
                    if given.is_some() { ("client_cert", "client_key") } else { ("client_key", "client_cert") };
                self.file.error(node.span_of(there), format!("`{there}` needs `{lacks}` beside it"));
                None
            }
        };
        let proxy_auth = node.node("proxy_auth").map(|auth| {
            let password = self.template(&auth, "password", known);
            let mut names = Vec::new();
            password.names(&mut names);
            if !names.iter().any(|name| secrets.contains_key(*name)) {
                let help = "name one of [secrets], which come from the environment or a file: \"${proxy.password}\"";
                let span = auth.span_of("password");
                self.file.error_help(span, "the proxy's password stands in the file", Some(help.to_owned()));
            }
            ProxyAuth { user: self.template(&auth, "user", known), password }
        });
        let mut resolve = Vec::new();
        for (text, span) in node.texts("resolve") {
            match text.parse() {
                Ok(each) => resolve.push(each),
                Err(message) => self.file.error(span, message),
            }
        }
        let connection = Connection {
            http: self.parsed(&node, "http").unwrap_or_default(),
            ca: path("ca"),
            client,
            proxy: self.parsed(&node, "proxy"),
            proxy_auth,
            resolve,
            unix_socket: path("unix_socket"),
            reuse: node.flag("reuse"),
        };
        if let Err(message) = connection.consistent(services.values().map(String::as_str)) {
            self.file.error(node.span.clone(), message);
        }
        connection
    }

    fn parsed<T: FromStr<Err = String>>(&self, node: &Node<'_>, key: &str) -> Option<T> {
        match node.text(key)?.parse() {
            Ok(value) => Some(value),
            Err(message) => {
                self.file.error(node.span_of(key), message);
                None
            }
        }
    }
}

//! How a target is connected to: [`Connection`], and where its requests really go.

use core::net::IpAddr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use super::template::Template;

/// Which version of HTTP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpVersion {
    /// HTTP/1.1 over plain connections; over TLS what both sides prefer (ALPN, RFC 7301).
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 only.
    #[serde(rename = "1.1")]
    One,
    /// HTTP/2 only; over plain connections by prior knowledge (RFC 9113, section 3.3).
    #[serde(rename = "2")]
    Two,
}

impl HttpVersion {
    /// Every version, as written in files and on the command line.
    pub const WORDS: [&str; 3] = ["auto", "1.1", "2"];

    /// As written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::One => "1.1",
            Self::Two => "2",
        }
    }
}

impl FromStr for HttpVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "1.1" => Ok(Self::One),
            "2" => Ok(Self::Two),
            _ => Err("write auto, 1.1 or 2".to_owned()),
        }
    }
}

/// An address that a host name has for one port, whatever name lookup says: `HOST:PORT:ADDRESS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The name, in lower case.
    pub host: String,
    /// The port that it is about.
    pub port: u16,
    /// Where connections go.
    pub address: IpAddr,
}

impl FromStr for Resolve {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write HOST:PORT:ADDRESS, for example api.example.test:443:127.0.0.1".to_owned();
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(address)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(form());
        };
        if host.is_empty() || host.contains(['[', ']', '/', '@', '*']) {
            return Err(form());
        }
        // Nobody looks an address up, so an entry for one would be without effect.
        if host.parse::<IpAddr>().is_ok() {
            return Err(format!("`{host}` is an address, and only names are looked up"));
        }
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(form)?;
        let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
        let address = bare.parse().map_err(|_| format!("`{address}` is no IP address"))?;
        Ok(Self { host: host.to_ascii_lowercase(), port, address })
    }
}

impl fmt::Display for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.host, self.port, self.address)
    }
}

/// The URL of a proxy: `http://HOST[:PORT]`, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUrl(Url);

impl ProxyUrl {
    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for ProxyUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            let text = "credentials in a proxy's URL would be shown; write them as `proxy_auth` under [connection]";
            return Err(text.to_owned());
        }
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if url.scheme() != "http" || url.host_str().is_none() || !bare {
            return Err("write http://HOST[:PORT]".to_owned());
        }
        Ok(Self(url))
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// The client's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM file of the certificate and those that lead to its root.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// User name and password for a proxy.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxyAuth {
    /// User name.
    pub user: Template,
    /// Password.
    pub password: Template,
}

/// How a target is connected to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connection {
    /// Which version of HTTP is spoken.
    pub http: HttpVersion,
    /// PEM file of the only roots that are trusted; without one, the system's.
    pub ca: Option<PathBuf>,
    /// The client's own certificate.
    pub client: Option<ClientCertificate>,
    /// Everything goes through this proxy. Never taken from the environment.
    pub proxy: Option<ProxyUrl>,
    /// Credentials for the proxy (Basic, RFC 7617).
    pub proxy_auth: Option<ProxyAuth>,
    /// Addresses of host names.
    pub resolve: Vec<Resolve>,
    /// Everything goes to this Unix socket; URLs give the `Host` and the path only.
    pub unix_socket: Option<PathBuf>,
    /// Connections are used again, by whichever case is next. Without, every request has one of its own, and an answer
    /// that nobody asked for reaches no other case: nothing in HTTP/1.1 tells it from the answer to the next request.
    pub reuse: bool,
}

impl Connection {
    /// The address that a host has for a port, if one was given.
    #[must_use]
    pub fn address(&self, host: &str, port: u16) -> Option<IpAddr> {
        find(&self.resolve, host, port)
    }

    /// Whether requests to a URL end on this machine, as far as that is known without asking anybody.
    #[must_use]
    pub fn is_local(&self, url: &Url) -> bool {
        if self.unix_socket.is_some() {
            return true;
        }
        // Whatever a name means to a proxy, it means it there.
        if self.proxy.is_some() {
            return false;
        }
        let Some(host) = url.host_str() else { return false };
        if let Some(address) = self.address(host, url.port_or_known_default().unwrap_or(0)) {
            return address.is_loopback();
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The files with paths below a directory, where they are relative.
    #[must_use]
    pub fn below(mut self, directory: &Path) -> Self {
        let join = |path: &mut PathBuf| *path = directory.join(&*path);
        self.ca.iter_mut().for_each(join);
        self.unix_socket.iter_mut().for_each(join);
        if let Some(client) = &mut self.client {
            join(&mut client.certificate);
            join(&mut client.key);
        }
        self
    }

    /// Settings that exclude each other, in a sentence.
    ///
    /// # Errors
    /// The sentence.
    pub fn consistent<'a>(&self, mut base_urls: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let wrong = |text: &str| Err(text.to_owned());
        if self.unix_socket.is_some() && self.proxy.is_some() {
            return wrong("requests go to a Unix socket or through a proxy, not both");
        }
        if !self.resolve.is_empty() && (self.unix_socket.is_some() || self.proxy.is_some()) {
            return wrong("`resolve` is without effect: names are not looked up here for a Unix socket or a proxy");
        }
        if self.proxy_auth.is_some() && self.proxy.is_none() {
            return wrong("`proxy_auth` is without effect: there is no `proxy`");
        }
        let plain = |url: &str| url.starts_with("http://");
        if self.http == HttpVersion::Two && self.proxy.is_some() && base_urls.any(plain) {
            return wrong("HTTP/2 cannot be spoken through a proxy but over TLS");
        }
        let mut seen: Vec<(&str, u16)> = Vec::new();
        for each in &self.resolve {
            let key = (each.host.as_str(), each.port);
            if seen.contains(&key) {
                return Err(format!("`resolve` gives {}:{} two addresses", each.host, each.port));
            }
            seen.push(key);
        }
        Ok(())
    }

    /// What a reader of the reports must know about the way that requests took, in sentences.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(path) = &self.unix_socket {
            notes.push(format!("requests go to the Unix socket {}", path.display()));
        }
        if let Some(proxy) = &self.proxy {
            notes.push(format!("requests go through the proxy {proxy}, which may answer some of them itself"));
        }
        for each in &self.resolve {
            notes.push(format!("{}:{} is taken to be {}", each.host, each.port, each.address));
        }
        if let Some(path) = &self.ca {
            notes.push(format!("the roots of {} are trusted instead of the system's", path.display()));
        }
        if self.client.is_some() {
            notes.push("requests over TLS carry a client certificate".to_owned());
        }
        match self.http {
            HttpVersion::Auto => {}
            version => notes.push(format!("only HTTP/{} is spoken", version.word())),
        }
        if self.reuse {
            let note =
                "connections are kept: in HTTP/1.1 an answer that comes unasked or late can be taken for another's";
            notes.push(note.to_owned());
        }
        notes
    }
}

/// A URL, or what was meant to be one, without what may be credentials in it.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    match text[start..].rfind('@') {
        Some(at) => format!("{}$HIDDEN{}", &text[..start], &text[start + at..]),
        None => text.to_owned(),
    }
}

/// The address that a list gives a host for a port.
#[must_use]
pub fn find(resolve: &[Resolve], host: &str, port: u16) -> Option<IpAddr> {
    resolve.iter().find(|each| each.port == port && each.host == host).map(|each| each.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn an_address_belongs_to_one_name_and_one_port() {
        let one: Resolve = "API.Example.test:443:[::1]".parse().unwrap();
        assert_eq!((one.host.as_str(), one.port, one.address.is_loopback()), ("api.example.test", 443, true));
        assert_eq!(one.to_string(), "api.example.test:443:::1");
        assert_eq!("a:1:::1".parse::<Resolve>().map(|each| each.to_string()), Ok("a:1:::1".to_owned()));
        for wrong in
            ["", "a", "a:1", "a:0:1.1.1.1", "a:x:1.1.1.1", "a:1:b", ":1:1.1.1.1", "1.2.3.4:1:1.1.1.1", "*:1:::1"]
        {
            assert!(wrong.parse::<Resolve>().is_err(), "{wrong}");
        }
        let connection = Connection { resolve: vec![one], ..Connection::default() };
        assert!(connection.address("api.example.test", 443).is_some());
        assert!(connection.address("api.example.test", 80).is_none());
    }

    #[test]
    fn a_request_is_local_where_it_ends_and_not_by_its_name() {
        let resolve = |text: &str| Connection { resolve: vec![text.parse().unwrap()], ..Connection::default() };
        let none = Connection::default();
        for (connection, at, local) in [
            (&none, "http://localhost/x", true),
            (&none, "http://127.9.9.9:1", true),
            (&none, "http://[::1]:80", true),
            (&none, "http://localhost.evil.test", false),
            (&none, "http://10.0.0.1", false),
            (&resolve("api.test:443:127.0.0.1"), "https://api.test", true),
            (&resolve("api.test:443:127.0.0.1"), "https://API.test/x", true),
            (&resolve("api.test:443:127.0.0.1"), "http://api.test", false),
            (&resolve("localhost:80:10.0.0.1"), "http://localhost", false),
            (&resolve("localhost:80:10.0.0.1"), "http://LOCALHOST:80", false),
            (&resolve("localhost:80:10.0.0.1"), "http://localhost:81", true),
        ] {
            assert_eq!(connection.is_local(&url(at)), local, "{at} with {:?}", connection.resolve);
        }
        let socket = Connection { unix_socket: Some("s".into()), ..Connection::default() };
        assert!(socket.is_local(&url("http://api.test")));
        let proxied = Connection { proxy: Some("http://127.0.0.1:3128".parse().unwrap()), ..Connection::default() };
        assert!(!proxied.is_local(&url("http://localhost")), "the proxy's localhost is another one");
    }

    #[test]
    fn a_proxy_is_named_without_credentials() {
        assert_eq!(
            "http://proxy.test:3128/".parse::<ProxyUrl>().map(|url| url.to_string()),
            Ok("http://proxy.test:3128".to_owned())
        );
        assert!("http://u:p@proxy.test".parse::<ProxyUrl>().unwrap_err().contains("credentials"));
        for wrong in ["socks5://a", "https://a", "http://a/b", "a:3128", "http://a?b"] {
            assert!(wrong.parse::<ProxyUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn settings_that_exclude_each_other_are_told() {
        let proxy: Option<ProxyUrl> = Some("http://p".parse().unwrap());
        let base = Connection { proxy, ..Connection::default() };
        assert_eq!(base.consistent(["http://a"].into_iter()), Ok(()));
        let both = Connection { unix_socket: Some("s".into()), ..base.clone() };
        assert!(both.consistent(std::iter::empty()).is_err());
        let two = Connection { http: HttpVersion::Two, ..base.clone() };
        assert!(two.consistent(["http://a"].into_iter()).is_err());
        assert_eq!(two.consistent(["https://a"].into_iter()), Ok(()));
        let named = Connection { resolve: vec!["a:1:::1".parse().unwrap()], ..base };
        assert!(named.consistent(std::iter::empty()).is_err());
        let twice = vec!["a:1:::1".parse().unwrap(), "a:1:::2".parse().unwrap()];
        assert!(Connection { resolve: twice, ..Connection::default() }.consistent(std::iter::empty()).is_err());
    }
}

//! [`Target`]: the profile of the service under test.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::connection::Connection;
use super::json::Json;
use super::spec::Effect;
use super::template::Template;

/// Whether a target is a stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetClass {
    /// A mock.
    Mock,
    /// The real thing.
    Real,
}

/// Who is being tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Short name of the profile.
    pub name: String,
    /// Product under test.
    #[serde(default)]
    pub product: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// Who runs it.
    #[serde(default)]
    pub operator: String,
    /// Mock or real.
    pub class: TargetClass,
}

/// An auth scheme: which header it sets, and to what.
#[derive(Clone, Debug, PartialEq)]
pub enum Auth {
    /// A header and a template for its value.
    Header {
        /// Header name.
        name: String,
        /// Its value.
        value: Template,
    },
    /// Basic (RFC 7617).
    Basic {
        /// User name.
        user: Template,
        /// Password.
        password: Template,
    },
    /// Bearer (RFC 6750).
    Bearer(Template),
}

/// What may be done to a target that is not on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Safety {
    /// Effects that are allowed beyond `read`.
    pub allow: Vec<Effect>,
    /// Hosts (`host` or `host:port`) that they are allowed on.
    pub hosts: Vec<String>,
    /// Not to be asked what no service can have a right answer to.
    pub unprobed: bool,
}

/// Limits that a run keeps to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Most requests in flight.
    pub jobs: Option<usize>,
    /// Most requests a second.
    pub per_second: Option<f64>,
    /// Most requests in flight to one host, over all workers.
    pub connections: Option<usize>,
    /// Longest wait that an unexpected 429 or 503 with `Retry-After` may ask for before the request is sent again;
    /// without it no answer is ever waited out.
    pub retry_after: Option<Duration>,
}

/// A profile of a service under test.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Who is being tested.
    pub identity: Identity,
    /// Base URL by service id, without a trailing slash.
    pub services: BTreeMap<String, String>,
    /// Values by dotted name: variables, fixtures and secrets alike.
    pub values: BTreeMap<String, Json<'static>>,
    /// Names of the values that must never be shown.
    pub secrets: Vec<String>,
    /// Auth schemes by name.
    pub auth: BTreeMap<String, Auth>,
    /// Header fields of every request that does not set them itself.
    pub headers: Vec<(String, Template)>,
    /// How it is connected to.
    pub connection: Connection,
    /// What may be done to it.
    pub safety: Safety,
    /// Limits.
    pub limits: Limits,
    /// Failures that are known and accepted for a time.
    pub known: Vec<KnownFailure>,
}

impl Target {
    /// A target of which only the URL is known.
    #[must_use]
    pub fn unnamed() -> Self {
        Self {
            identity: Identity {
                name: "unnamed".to_owned(),
                product: String::new(),
                version: String::new(),
                operator: String::new(),
                class: TargetClass::Real,
            },
            services: BTreeMap::new(),
            values: BTreeMap::new(),
            secrets: Vec::new(),
            auth: BTreeMap::new(),
            headers: Vec::new(),
            connection: Connection::default(),
            safety: Safety::default(),
            limits: Limits::default(),
            known: Vec::new(),
        }
    }
}

impl Target {
    /// Whether a host may be changed so: it is on this machine, or the target file names it and the effect.
    #[must_use]
    pub fn may_change(&self, url: &Url, effect: Effect) -> bool {
        let Some(host) = url.host_str() else { return false };
        if self.connection.is_local(url) {
            return true;
        }
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or(0));
        self.safety.allow.contains(&effect)
            && self.safety.hosts.iter().any(|named| named == host || *named == with_port)
    }
}

/// A failure of a target that is known and accepted for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownFailure {
    /// Glob over case ids; or
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// glob over clause ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// The check that fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The value seen when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Link to the issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Last day on which it is accepted, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// May pass or fail.
    #[serde(default)]
    pub flaky: bool,
}

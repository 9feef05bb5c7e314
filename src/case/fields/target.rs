//! Tables of target files.

use super::{EFFECT, Kind, Table, field, must};
use crate::model::connection::HttpVersion;

/// A target file.
pub(crate) static TARGET_FILE: Table = Table {
    name: "target-file",
    doc: "The profile of a service under test.",
    open: false,
    fields: &[
        must("target", Kind::Table(&TARGET), "who is being tested"),
        field("services", Kind::Map(&Kind::Text), "base URL by service id"),
        field("variables", Kind::Values, "values that may be shown; nested tables give dotted names"),
        field(
            "secrets",
            Kind::Values,
            "`{ env = \"NAME\" }`, `{ file = \"path\" }` or, for a mock, `{ value = \"…\" }`",
        ),
        field("fixtures", Kind::Values, "lists, texts and flags; nested tables give dotted names"),
        field("auth", Kind::Values, "auth schemes by name"),
        field("headers", Kind::Map(&Kind::Template), "header fields of every request that does not set them itself"),
        field("connection", Kind::Table(&CONNECTION), "how it is connected to"),
        field("limits", Kind::Table(&LIMITS), "limits that a run keeps to"),
        field("safety", Kind::Table(&SAFETY), "what may be done to it"),
        field("known_failure", Kind::Tables(&KNOWN_FAILURE), "failures that are accepted for a time"),
    ],
};

/// Who is being tested.
pub(crate) static TARGET: Table = Table {
    name: "target",
    doc: "Who is being tested.",
    open: false,
    fields: &[
        must("name", Kind::Text, "short name of the profile"),
        field("product", Kind::Text, "product under test"),
        field("version", Kind::Text, "its version"),
        field("operator", Kind::Text, "who runs it"),
        must("class", Kind::Word(&["mock", "real"]), "mock or real"),
    ],
};

/// A secret.
pub(crate) static SECRET: Table = Table {
    name: "secret",
    doc: "Where a secret comes from; one of these.",
    open: false,
    fields: &[
        field("env", Kind::Text, "an environment variable"),
        field("file", Kind::Text, "a file, relative to the target file"),
        field("value", Kind::Text, "the value itself, for a mock only"),
    ],
};

/// An auth scheme.
pub(crate) static AUTH: Table = Table {
    name: "auth",
    doc: "Which header a scheme sets, and to what: header with value, basic, or bearer.",
    open: false,
    fields: &[
        field("header", Kind::Text, "header name"),
        field("value", Kind::Template, "its value"),
        field("basic", Kind::Table(&BASIC), "Basic (RFC 7617)"),
        field("bearer", Kind::Template, "Bearer (RFC 6750)"),
    ],
};

/// Basic credentials.
pub(crate) static BASIC: Table = Table {
    name: "basic",
    doc: "Basic credentials.",
    open: false,
    fields: &[must("user", Kind::Template, "user name"), must("password", Kind::Template, "password, from a secret")],
};

/// Header fields that `[headers]` may not have: they belong to a message, to a connection or to [auth].
pub(crate) const REFUSED_HEADERS: [&str; 10] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// How a target is connected to.
pub(crate) static CONNECTION: Table = Table {
    name: "connection",
    doc: "How a target is connected to. Paths are relative to the file.",
    open: false,
    fields: &[
        field(
            "http",
            Kind::Word(&HttpVersion::WORDS),
            "version of HTTP; `auto` (default): 1.1 on plain connections, over TLS what both sides prefer; `2` on plain \
             connections by prior knowledge",
        ),
        field("ca", Kind::Text, "PEM file of the only roots that are trusted (default: those of the system)"),
        field("client_cert", Kind::Text, "PEM file of the client's certificate and its chain"),
        field("client_key", Kind::Text, "PEM file of its private key"),
        field(
            "proxy",
            Kind::Text,
            "`http://HOST:PORT`, which everything goes through; never taken from the environment",
        ),
        field("proxy_auth", Kind::Table(&BASIC), "credentials for the proxy"),
        field("resolve", Kind::Texts, "`HOST:PORT:ADDRESS`: where connections to a host's port go"),
        field("unix_socket", Kind::Text, "a Unix socket that everything goes to; URLs give `Host` and path only"),
        field(
            "reuse",
            Kind::Bool,
            "true: connections are kept for the next request, which is quicker; in HTTP/1.1 an answer that comes unasked \
             or late can then be taken for that of another case (default: false, every request has a connection of its \
             own)",
        ),
    ],
};

/// Limits of a target.
pub(crate) static LIMITS: Table = Table {
    name: "limits",
    doc: "Limits that a run keeps to.",
    open: false,
    fields: &[
        field("jobs", Kind::Integer(1, 100_000), "most requests in flight"),
        field("per_second", Kind::Number, "most requests a second"),
        field("connections", Kind::Integer(1, 100_000), "most requests in flight to one host, over all workers"),
        field(
            "retry_after",
            Kind::Integer(1, 3600),
            "longest wait, in seconds, that an unexpected 429 or 503 with `Retry-After` may ask for before the request \
             is sent again, three times at the most and within the case's deadline (default: no answer is waited out)",
        ),
    ],
};

/// Safety of a target.
pub(crate) static SAFETY: Table = Table {
    name: "safety",
    doc: "What may be done to a target that is not on this machine.",
    open: false,
    fields: &[
        field("allow", Kind::List(&EFFECT), "effects that are allowed beyond `read`"),
        field("hosts", Kind::Texts, "hosts (`host` or `host:port`) that they are allowed on"),
        field(
            "probe",
            Kind::Bool,
            "false: do not ask it for paths that nobody has, to see whether it says yes to them",
        ),
    ],
};

/// A known failure.
pub(crate) static KNOWN_FAILURE: Table = Table {
    name: "known-failure",
    doc: "A failure that is known and accepted for a time.",
    open: false,
    fields: &[
        field("case", Kind::Text, "glob over case ids; or"),
        field("clause", Kind::Text, "glob over clause ids"),
        field("check", Kind::Text, "the check that fails"),
        field("got", Kind::Text, "the value seen when it fails"),
        must("reason", Kind::Text, "why it is accepted"),
        field("issue", Kind::Text, "link to the issue"),
        field("expires", Kind::Text, "last day on which it is accepted, `YYYY-MM-DD`"),
        field("flaky", Kind::Bool, "may pass or fail"),
    ],
};

//! What may stand in each kind of TOML table: [`Table`] and [`Field`].
//!
//! Unknown keys, kinds, the JSON Schemas and the key reference are all read from here, so that they cannot disagree.

/// A kind of TOML table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Name in the schema and the reference.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its keys.
    pub fields: &'static [Field],
    /// Whether any other key is a value that the author names.
    pub open: bool,
}

/// A key of a [`Table`].
#[derive(Debug)]
pub(crate) struct Field {
    /// As written.
    pub key: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub doc: &'static str,
}

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A string.
    Text,
    /// A string with `${…}`.
    Template,
    /// True or false.
    Bool,
    /// An integer of this range.
    Integer(i64, i64),
    /// An integer or a float, not negative.
    Number,
    /// One of these strings.
    Word(&'static [&'static str]),
    /// A list of strings.
    Texts,
    /// Anything.
    Value,
    /// A table of names, each with anything.
    Values,
    /// A table.
    Table(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
    /// A table of names, each with such a table.
    Named(&'static Table),
    /// A table of names, each with a value of this kind.
    Map(&'static Kind),
    /// A list of values of this kind.
    List(&'static Kind),
    /// One of several.
    AnyOf(&'static [Kind]),
}

const fn field(key: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { key, kind, required: false, doc }
}

const fn must(key: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { key, kind, required: true, doc }
}

const CLAUSES: Kind = Kind::AnyOf(&[Kind::Text, Kind::Texts]);
const TEMPLATES: Kind = Kind::AnyOf(&[Kind::Template, Kind::List(&Kind::Template)]);
const CLAUSE_DOC: &str = "the clause that this proves, or several; absent: the clauses of the case";
const EXTRA: Kind = Kind::Word(&["fail", "note", "allow"]);
const STYLE: Kind = Kind::Word(&["form", "percent"]);
const EFFECT: Kind = Kind::Word(&["read", "write", "destructive"]);
const MILLIS: Kind = Kind::Integer(1, 86_400_000);

/// A case file.
pub(crate) static CASE_FILE: Table = Table {
    name: "case-file",
    doc: "Cases of one suite.",
    open: false,
    fields: &[
        must("suite", Kind::Text, "first part of every id in the file; stable, whatever the file is called"),
        must("service", Kind::Text, "id of the service that requests go to"),
        field("case", Kind::Tables(&CASE), "the cases"),
    ],
};

/// A case.
pub(crate) static CASE: Table = Table {
    name: "case",
    doc: "One visible unit: what is sent, what must come back, and the clause that demands it.",
    open: false,
    fields: &[
        must("id", Kind::Text, "unique in the suite; never changes"),
        must("title", Kind::Text, "one sentence"),
        field("clauses", Kind::Texts, "clauses proven by the checks that cite nothing themselves"),
        field("aliases", Kind::Texts, "former full ids"),
        field("tags", Kind::Texts, "words to select by"),
        field("effect", EFFECT, "what the case does to the target (default: read)"),
        field("locks", Kind::Texts, "cases that share a lock never overlap"),
        field(
            "fixtures",
            Kind::Texts,
            "names the target must provide beyond those mentioned; `name[n]` asks for n entries",
        ),
        field("observe", Kind::Bool, "the outcome is recorded; only `expect` can fail it"),
        field("strict", Kind::Bool, "runs only with `--strict`"),
        field("timeout_ms", MILLIS, "deadline of the whole case"),
        field("let", Kind::Values, "names for values used below"),
        field("row", Kind::Tables(&ROW), "each row is a case of its own"),
        field("matrix", Kind::Map(&Kind::List(&Kind::Value)), "lists; each combination is a case of its own"),
        field("setup", Kind::Tables(&STEP), "steps before the test; when one fails the case is blocked"),
        field("request", Kind::Table(&REQUEST), "what is sent, for a case of one step (called `main`)"),
        field("expect", Kind::Table(&EXPECT), "what must come back"),
        field("wanted", Kind::Table(&EXPECT), "what is only wanted: recorded, never failing"),
        field("capture", Kind::Named(&CAPTURE), "values to keep"),
        field("step", Kind::Tables(&STEP), "the steps of the test, when it has several"),
        field("check", Kind::Tables(&CHECK), "comparisons of values of several steps"),
        field("teardown", Kind::Tables(&STEP), "steps that always run, last"),
    ],
};

/// A row of a case.
pub(crate) static ROW: Table = Table {
    name: "row",
    doc: "A row: its id, and values used as `${row.NAME}`.",
    open: true,
    fields: &[must("id", Kind::Text, "stands in brackets behind the id of the case")],
};

/// A step.
pub(crate) static STEP: Table = Table {
    name: "step",
    doc: "One request and what is expected of its answer.",
    open: false,
    fields: &[
        field("id", Kind::Text, "unique in the case; needed when anything refers to it"),
        field("title", Kind::Text, "one sentence"),
        field("service", Kind::Text, "another service than that of the file"),
        field("use", Kind::Text, "a shared step of service.toml"),
        field("with", Kind::Values, "values for its `${with.NAME}`"),
        field("request", Kind::Table(&REQUEST), "what is sent; beside `use`: what is different"),
        field("expect", Kind::Table(&EXPECT), "what must come back; beside `use`: instead of its own"),
        field("wanted", Kind::Table(&EXPECT), "what is only wanted"),
        field("capture", Kind::Named(&CAPTURE), "values to keep, used as `${step.NAME}`"),
        field("together", Kind::Bool, "sent at the same moment as the neighbouring steps that say so"),
        field("poll", Kind::Table(&POLL), "sent again until `expect` holds"),
        field("creates", Kind::Table(&LEDGER), "what it creates, for the run's ledger"),
        field("removes", Kind::Table(&LEDGER), "what it removes, for the run's ledger"),
    ],
};

/// Polling.
pub(crate) static POLL: Table = Table {
    name: "poll",
    doc: "How long, and how often.",
    open: false,
    fields: &[must("every_ms", MILLIS, "pause between attempts"), must("for_ms", MILLIS, "deadline over all attempts")],
};

/// An entry of the ledger.
pub(crate) static LEDGER: Table = Table {
    name: "ledger",
    doc: "Something created or removed.",
    open: false,
    fields: &[
        must("kind", Kind::Text, "what it is"),
        must("id", Kind::Template, "its id or a list of them; `self` is this step's captures"),
    ],
};

/// A request.
pub(crate) static REQUEST: Table = Table {
    name: "request",
    doc: "What is sent.",
    open: false,
    fields: &[
        field("method", Kind::Template, "any token"),
        field(
            "path",
            Kind::Template,
            "an interpolated value is percent-encoded as one segment; the rest is sent as written",
        ),
        field("query", Kind::Values, "names and values; a list repeats the name"),
        field("query_style", STYLE, "space as `+` or as `%20`"),
        field("query_raw", Kind::Template, "the query string exactly as written"),
        field("target", Kind::Template, "instead of path and query: the raw request target"),
        field("headers", Kind::Map(&TEMPLATES), "names and values; a list sends the header several times"),
        field("without_headers", Kind::Texts, "default headers not to send"),
        field("auth", Kind::Template, "the name of an auth scheme of the target; absent: no credentials"),
        field("content_type", Kind::Template, "instead of the body's own; `none` sends no header"),
        field("json", Kind::Text, "a JSON text; sent compact, members in the order written"),
        field("xml", Kind::Template, "an XML text; values are escaped"),
        field("form", Kind::Values, "a table; URL-encoded"),
        field("text", Kind::Template, "plain text"),
        field("raw", Kind::Template, "bytes as written, well-formed or not"),
        field("raw_base64", Kind::Text, "bytes that TOML cannot hold"),
        field("file", Kind::Text, "a file, by its path inside the directory of the cases"),
    ],
};

/// Keys of [`REQUEST`] that give a body.
pub(crate) const BODIES: [&str; 7] = ["json", "xml", "form", "text", "raw", "raw_base64", "file"];

/// An expectation.
pub(crate) static EXPECT: Table = Table {
    name: "expect",
    doc: "What must come back. All parts are always compared.",
    open: false,
    fields: &[
        field(
            "status",
            Kind::AnyOf(&[Kind::Integer(100, 599), Kind::Template, Kind::Table(&STATUS), Kind::Tables(&STATUS)]),
            "the status, or alternatives, each with its clause",
        ),
        field("headers", Kind::Named(&HEADER), "header fields"),
        field("json", Kind::Text, "the body: a JSON pattern"),
        field("xml", Kind::Text, "the body: an XML pattern"),
        field("text", Kind::Table(&TEXT), "the body: a rule of text"),
        field("body", Kind::Word(&["empty", "well-formed", "unchecked"]), "the body, without a pattern"),
        field("at", Kind::Tables(&AT), "places that a path finds"),
        field("extra", EXTRA, "what an unlisted member or element is"),
        field(
            "cite",
            Kind::Map(&CLAUSES),
            "which clause a place of the body proves; the longest matching pointer wins",
        ),
        field("use", Kind::Texts, "shared expectations of service.toml to add"),
        field("reading", Kind::Tables(&READING), "whole answers that a choice allows"),
    ],
};

/// An answer that a choice allows.
pub(crate) static READING: Table = Table {
    name: "answer-reading",
    doc: "A whole answer that a choice allows.",
    open: false,
    fields: &[
        must("choice", Kind::Text, "the choice"),
        must("id", Kind::Text, "the reading"),
        field(
            "status",
            Kind::AnyOf(&[Kind::Integer(100, 599), Kind::Template, Kind::Table(&STATUS), Kind::Tables(&STATUS)]),
            "the status, or alternatives, each with its clause",
        ),
        field("headers", Kind::Named(&HEADER), "header fields"),
        field("json", Kind::Text, "the body: a JSON pattern"),
        field("xml", Kind::Text, "the body: an XML pattern"),
        field("text", Kind::Table(&TEXT), "the body: a rule of text"),
        field("body", Kind::Word(&["empty", "well-formed", "unchecked"]), "the body, without a pattern"),
        field("at", Kind::Tables(&AT), "places that a path finds"),
        field("extra", EXTRA, "what an unlisted member or element is"),
        field("cite", Kind::Map(&CLAUSES), "which clause a place of the body proves"),
        field("use", Kind::Texts, "shared expectations of service.toml to add"),
    ],
};

const STATUS_TERM: Kind = Kind::AnyOf(&[Kind::Integer(100, 599), Kind::Template]);
const STATUS_TERMS: Kind = Kind::AnyOf(&[Kind::Integer(100, 599), Kind::Template, Kind::List(&STATUS_TERM)]);

/// A status.
pub(crate) static STATUS: Table = Table {
    name: "status",
    doc: "Statuses that are expected or refused.",
    open: false,
    fields: &[
        field("is", STATUS_TERMS, "`200`, `\"4xx\"`, or a list"),
        field("not", STATUS_TERMS, "never these"),
        field("clause", CLAUSES, CLAUSE_DOC),
    ],
};

/// A header field.
pub(crate) static HEADER: Table = Table {
    name: "header",
    doc: "What is asked of a header field; one rule.",
    open: false,
    fields: &[
        field("is", Kind::Template, "exactly this value"),
        field("regex", Kind::Template, "the expression is found in the value"),
        field("contains", Kind::Template, "the text is found in the value"),
        field("media", TEMPLATES, "this media type, or one of these, compared parsed"),
        field("all", Kind::List(&Kind::Template), "exactly these values, in order"),
        field("absent", Kind::Bool, "true: not there"),
        field("present", Kind::Bool, "true: there"),
        field("clause", CLAUSES, CLAUSE_DOC),
    ],
};

/// A rule of text.
pub(crate) static TEXT: Table = Table {
    name: "text",
    doc: "What is asked of a body of text; one rule.",
    open: false,
    fields: &[
        field("is", Kind::Template, "exactly this text"),
        field("regex", Kind::Template, "the expression is found in it"),
        field("contains", Kind::Template, "the text is found in it"),
    ],
};

/// Places that a path finds.
pub(crate) static AT: Table = Table {
    name: "at",
    doc: "A check of every place that a path finds.",
    open: false,
    fields: &[
        field("path", Kind::Text, "JSONPath (RFC 9535)"),
        field("xpath", Kind::Text, "a subset of XPath"),
        field("is", Kind::Text, "a JSON pattern for each node found"),
        field("count", Kind::AnyOf(&[Kind::Integer(0, i64::MAX), Kind::Table(&COUNT)]), "how many there must be"),
        field("clause", CLAUSES, CLAUSE_DOC),
    ],
};

/// A count.
pub(crate) static COUNT: Table = Table {
    name: "count",
    doc: "How many.",
    open: false,
    fields: &[
        field("min", Kind::Integer(0, i64::MAX), "at the least"),
        field("max", Kind::Integer(0, i64::MAX), "at the most"),
    ],
};

/// A value to keep.
pub(crate) static CAPTURE: Table = Table {
    name: "capture",
    doc: "A value to keep from the answer; one of json, path, xpath, header, body.",
    open: false,
    fields: &[
        field("json", Kind::Text, "JSON Pointer (RFC 6901)"),
        field("path", Kind::Text, "JSONPath (RFC 9535)"),
        field("xpath", Kind::Text, "a subset of XPath"),
        field("header", Kind::Text, "a header field"),
        field("body", Kind::Bool, "true: the whole body, as text"),
        field("list", Kind::Bool, "all that are found, as a list"),
        field(
            "type",
            Kind::Word(&["string", "number", "integer", "boolean", "null", "array", "object"]),
            "only of this JSON type",
        ),
        field("regex", Kind::Text, "the first group of this expression, instead of the whole text"),
        field("secret", Kind::Bool, "redacted like a secret of the target"),
        field("optional", Kind::Bool, "finding nothing is no error"),
    ],
};

/// A comparison of values of several steps.
pub(crate) static CHECK: Table = Table {
    name: "check",
    doc: "A comparison of values of several steps.",
    open: false,
    fields: &[
        must("title", Kind::Text, "one sentence"),
        must("value", Kind::Value, "the value"),
        must("is", Kind::Text, "a JSON pattern"),
        field("clause", CLAUSES, CLAUSE_DOC),
        field("wanted", Kind::Bool, "true: only recorded"),
    ],
};

/// A service file.
pub(crate) static SERVICE_FILE: Table = Table {
    name: "service-file",
    doc: "One service: its defaults, the fixtures its cases may use, shared steps and shared expectations.",
    open: false,
    fields: &[
        must("service", Kind::Table(&SERVICE), "the service"),
        field("fixture", Kind::Tables(&FIXTURE), "everything a target may provide"),
        field("step", Kind::Named(&STEP), "shared steps"),
        field("expect", Kind::Named(&EXPECT), "shared expectations"),
    ],
};

/// A service.
pub(crate) static SERVICE: Table = Table {
    name: "service",
    doc: "A service and the defaults of its requests.",
    open: false,
    fields: &[
        must("id", Kind::Text, "its id"),
        must("title", Kind::Text, "for people"),
        field("extra", EXTRA, "what an unlisted member is (default: fail)"),
        field("query_style", STYLE, "how query values are written (default: form)"),
        field("timeout_ms", MILLIS, "deadline of an exchange (default: 10000)"),
        field("headers", Kind::Map(&TEMPLATES), "headers of every request"),
    ],
};

/// A fixture.
pub(crate) static FIXTURE: Table = Table {
    name: "fixture",
    doc: "Something that a target may provide.",
    open: false,
    fields: &[
        must("name", Kind::Text, "dotted name"),
        must("kind", Kind::Word(&["text", "list", "secret", "flag", "auth"]), "what it is"),
        must("text", Kind::Text, "what it must be"),
        field("example", Kind::Text, "an example value"),
    ],
};

/// A file of clauses.
pub(crate) static CLAUSE_FILE: Table = Table {
    name: "clause-file",
    doc: "A document, its clauses, the choices it leaves open, its operations.",
    open: false,
    fields: &[
        must("document", Kind::Table(&DOCUMENT), "the page"),
        field("clause", Kind::Tables(&CLAUSE), "its testable statements"),
        field("choice", Kind::Tables(&CHOICE), "what it leaves open"),
        field("operation", Kind::Tables(&OPERATION), "the operations that it documents"),
    ],
};

/// A document.
pub(crate) static DOCUMENT: Table = Table {
    name: "document",
    doc: "A page of documentation.",
    open: false,
    fields: &[
        must("id", Kind::Text, "stable id"),
        must("title", Kind::Text, "its heading"),
        field("publisher", Kind::Text, "who published it, as printed"),
        field("version", Kind::Text, "its version, as printed"),
        must("sha256", Kind::Text, "SHA-256 of the page's bytes, lower-case hex"),
        must("bytes", Kind::Integer(0, i64::MAX), "its length"),
    ],
};

/// A clause.
pub(crate) static CLAUSE: Table = Table {
    name: "clause",
    doc: "One testable statement of a document.",
    open: false,
    fields: &[
        must("id", Kind::Text, "stable id"),
        must("section", Kind::Text, "the document's own section"),
        must("level", Kind::Word(&["stated", "example", "implied"]), "how firmly it is said"),
        must("text", Kind::Text, "a paraphrase in plain words"),
        field("excluded", Kind::Text, "why no case can test it"),
    ],
};

/// A choice.
pub(crate) static CHOICE: Table = Table {
    name: "choice",
    doc: "A place where the documents contradict themselves or leave several answers open.",
    open: false,
    fields: &[
        must("id", Kind::Text, "stable id"),
        must("question", Kind::Text, "what is open"),
        must("clauses", Kind::Texts, "clauses that it touches"),
        must("policy", Kind::Word(&["lenient", "report", "settled"]), "what an answer outside the readings means"),
        field("settled", Kind::Text, "for a settled choice: what casebook does and why"),
        field("reading", Kind::Tables(&CHOICE_READING), "the readings"),
    ],
};

/// A reading of a choice.
pub(crate) static CHOICE_READING: Table = Table {
    name: "reading",
    doc: "One way to read an open place.",
    open: false,
    fields: &[
        must("id", Kind::Text, "unique in the choice"),
        must("text", Kind::Text, "the reading in plain words"),
        field("literal", Kind::Bool, "whether it is the documented example's literal form"),
    ],
};

/// An operation.
pub(crate) static OPERATION: Table = Table {
    name: "operation",
    doc: "A documented operation.",
    open: false,
    fields: &[
        must("id", Kind::Text, "stable id"),
        must("method", Kind::Text, "HTTP method"),
        must("path", Kind::Text, "path with `{name}` for a variable segment"),
        must("request_media", Kind::Texts, "media types that a request may have"),
        must("response_media", Kind::Texts, "media types that an answer may have"),
        field("statuses", Kind::Tables(&DOCUMENTED_STATUS), "documented statuses"),
        field("codes", Kind::Tables(&DOCUMENTED_CODE), "documented error codes"),
    ],
};

const ORIGIN: Kind = Kind::Word(&["stated", "example", "implied", "referenced"]);

/// A documented status.
pub(crate) static DOCUMENTED_STATUS: Table = Table {
    name: "documented-status",
    doc: "A status documented for an operation.",
    open: false,
    fields: &[
        must("status", Kind::Integer(100, 599), "HTTP status code"),
        must("source", ORIGIN, "where it comes from"),
        field("clauses", Kind::Texts, "clauses that demand it"),
    ],
};

/// A documented error code.
pub(crate) static DOCUMENTED_CODE: Table = Table {
    name: "documented-code",
    doc: "An error code documented for an operation.",
    open: false,
    fields: &[
        must("code", Kind::Text, "as it stands in a body"),
        must("status", Kind::Integer(100, 599), "the status it comes with"),
        must("source", ORIGIN, "where it comes from"),
        field("clauses", Kind::Texts, "clauses that demand it"),
    ],
};

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

/// Limits of a target.
pub(crate) static LIMITS: Table = Table {
    name: "limits",
    doc: "Limits that a run keeps to.",
    open: false,
    fields: &[
        field("jobs", Kind::Integer(1, 100_000), "most requests in flight"),
        field("per_second", Kind::Number, "most requests a second"),
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

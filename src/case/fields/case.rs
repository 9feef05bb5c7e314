//! Tables of case files.

use super::{CLAUSE_DOC, CLAUSES, EFFECT, EXTRA, Kind, MILLIS, STYLE, TEMPLATES, Table, field, must};

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
        field(
            "effect",
            EFFECT,
            "what the case does to the target; without it `read` if it only sends GET, HEAD and OPTIONS, else `destructive`",
        ),
        field("locks", Kind::Texts, "cases that share a lock never overlap"),
        field(
            "fixtures",
            Kind::Texts,
            "names the target must provide beyond those mentioned; `name[n]` asks for n entries",
        ),
        field("observe", Kind::Bool, "the outcome is recorded; only `expect` can fail it"),
        field("cookies", Kind::Bool, "true: cookies that answers set are sent back in later steps of the case"),
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
        field(
            "without_headers",
            Kind::Texts,
            "header fields not to send: those of the service, of the target, and the client's own `accept: */*`",
        ),
        field("auth", Kind::Template, "the name of an auth scheme of the target; absent: no credentials"),
        field(
            "redirects",
            Kind::Integer(0, 20),
            "follow at most so many redirects, and compare the answer after them (default: none is followed); \
             credentials stay with their origin, and what changes something stays with its host",
        ),
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

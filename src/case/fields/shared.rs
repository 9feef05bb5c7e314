//! Tables of service files and clause files.

use super::{EXPECT, EXTRA, Kind, MILLIS, STEP, STYLE, TEMPLATES, Table, field, must};

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
        field(
            "uniform",
            Kind::Bool,
            "true: a service must follow one reading throughout; following both is a mismatch",
        ),
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

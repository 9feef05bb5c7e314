//! What a case file says, validated and not yet resolved against a target: [`Case`], [`Step`], [`RequestSpec`], [`ExpectSpec`].

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::{CaseId, ChoiceId, ClauseId};
use super::source::SourceRef;
use super::template::{JsonTemplate, Template, XmlTemplate, XmlText};

/// What a case does to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Adds or changes something that it can undo.
    Write,
    /// Removes something.
    Destructive,
}

/// One TOML-defined test, a row being a case of its own: its name, its place, and [`Contents`], whose fields are read as
/// if they were its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Full id.
    pub id: CaseId,
    /// Where it is written.
    pub source: SourceRef,
    /// All that it says. Outlines of cases that say the same share it, as most cases of a large suite do.
    pub contents: Arc<Contents>,
}

impl Deref for Case {
    type Target = Contents;

    fn deref(&self) -> &Contents {
        &self.contents
    }
}

impl DerefMut for Case {
    /// What is shared is copied first.
    fn deref_mut(&mut self) -> &mut Contents {
        Arc::make_mut(&mut self.contents)
    }
}

/// What a case says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contents {
    /// Former ids.
    pub aliases: Vec<String>,
    /// One sentence.
    pub title: String,
    /// Id of the service that its requests go to.
    pub service: String,
    /// Clauses proven by checks that cite nothing themselves.
    pub clauses: Vec<ClauseId>,
    /// Words to select by.
    pub tags: Vec<String>,
    /// What it does to the target.
    pub effect: Effect,
    /// Names of the target that it needs, with the least number of entries of a list (1 for anything else).
    /// Derived from the templates and from what the case declares; sorted.
    pub needs: Vec<Need>,
    /// Cases that share a lock never overlap.
    pub locks: Vec<String>,
    /// Outcome is recorded; only `expect` can fail it.
    pub observe: bool,
    /// Cookies that answers set are sent back in later steps.
    pub cookies: bool,
    /// Runs only when the seed's literal form is asked for.
    pub strict: bool,
    /// Deadline of the whole case.
    pub timeout: Option<Duration>,
    /// Names for values, in the order written; later ones may use earlier ones.
    pub lets: Vec<(String, JsonTemplate)>,
    /// Values of the row, for a case made from one.
    pub row: BTreeMap<String, JsonTemplate>,
    /// Steps in order; the last group is the teardown. Rows of one case share them, so that they are written apart.
    #[serde(skip)]
    pub steps: Arc<Vec<Step>>,
    /// Comparisons of values of several steps.
    pub checks: Vec<CheckSpec>,
}

/// Something that a target must provide for a case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    /// Dotted name.
    pub name: String,
    /// How many entries of a list at the least; 1 for anything else.
    pub least: usize,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepRole {
    /// Makes what the case needs; when it fails the case is blocked.
    Setup,
    /// Is the test.
    Main,
    /// Removes what was made; always runs.
    Teardown,
}

/// One request and what is expected of its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Unique in the case.
    pub id: String,
    /// One sentence, if written.
    pub title: Option<String>,
    /// What it is for.
    pub role: StepRole,
    /// The service that it goes to.
    pub service: String,
    /// Values for `${with.…}`, for a shared step.
    pub with: Vec<(String, JsonTemplate)>,
    /// What is sent.
    pub request: RequestSpec,
    /// What must come back.
    pub expect: ExpectSpec,
    /// What is only wanted.
    pub wanted: Option<ExpectSpec>,
    /// Values to keep.
    pub captures: Vec<Capture>,
    /// Sent at the same moment as the neighbouring steps that say so.
    pub together: bool,
    /// Sent again until `expect` holds.
    pub poll: Option<Poll>,
    /// For the ledger: kind and id of what it creates.
    pub creates: Option<LedgerSpec>,
    /// For the ledger: kind and id of what it removes.
    pub removes: Option<LedgerSpec>,
    /// Where it is written.
    pub source: SourceRef,
}

/// How a step waits for a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// Pause between attempts.
    pub every: Duration,
    /// Deadline over all attempts.
    pub within: Duration,
}

/// Something created or removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerSpec {
    /// What it is, `collection`.
    pub kind: String,
    /// Its id, or a list of them.
    pub id: Template,
}

/// How a query value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueryStyle {
    /// Space as `+` (application/x-www-form-urlencoded).
    Form,
    /// Space as `%20` (RFC 3986).
    Percent,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestSpec {
    /// HTTP method.
    pub method: Template,
    /// Path and query.
    pub target: TargetSpec,
    /// Header fields in order, defaults of the service already merged; a list value sends the field several times.
    pub headers: Vec<(String, JsonTemplate)>,
    /// Name of an auth scheme of the target.
    pub auth: Option<Template>,
    /// The body.
    pub body: BodySpec,
    /// `Content-Type` instead of the body's own; `Some(None)` sends none.
    pub content_type: Option<Option<Template>>,
    /// Most redirects that are followed; the answer after them is compared.
    pub redirects: u32,
    /// Deadline of the exchange.
    pub timeout: Duration,
}

/// The request target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TargetSpec {
    /// Path, then a query from names and values.
    Path {
        /// Interpolated values are encoded as one segment.
        path: Template,
        /// Names and values; a list repeats the name.
        query: Vec<(String, JsonTemplate)>,
        /// How they are encoded.
        style: QueryStyle,
        /// Appended to the query exactly as written.
        raw_query: Option<Template>,
    },
    /// Byte for byte as written.
    Raw(Template),
}

/// A request body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BodySpec {
    /// None at all: no `Content-Length`, no `Content-Type`.
    None,
    /// JSON, sent compact.
    Json(JsonTemplate),
    /// XML text; inserted values are escaped.
    Xml(Template),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, JsonTemplate)>),
    /// Plain text.
    Text(Template),
    /// As written, well-formed or not.
    Raw(Template),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// What an unlisted member or element means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extra {
    /// A mismatch.
    Fail,
    /// A note; a mismatch with `--strict`.
    Note,
    /// Nothing.
    Allow,
}

/// What must come back. Every part that is not `Unchecked` is compared, whatever the others say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectSpec {
    /// Alternatives, each with its clauses; empty: not checked.
    pub status: Vec<StatusSpec>,
    /// Checks of header fields.
    pub headers: Vec<HeaderSpec>,
    /// The body.
    pub body: ExpectBody,
    /// Checks of places that a path finds.
    pub at: Vec<AtSpec>,
    /// What an unlisted member or element means.
    pub extra: Extra,
    /// Which clause a place in the body proves; the longest matching pointer wins.
    pub cite: Vec<Cite>,
    /// Whole answers that a choice allows.
    pub readings: Vec<AnswerReadingSpec>,
    /// Clauses of checks that cite nothing.
    pub fallback: Vec<ClauseId>,
    /// Where it is written.
    pub source: SourceRef,
}

/// Which clause a place proves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cite {
    /// JSON Pointer or XML path, `*` for any one segment.
    pub pointer: String,
    /// The clauses.
    pub clauses: Vec<ClauseId>,
}

/// A status, or a class of them, that is expected or refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusSpec {
    /// `200`, `4xx`, or a template that gives one.
    pub is: Vec<Template>,
    /// Never these.
    pub not: Vec<Template>,
    /// Clauses; empty: the fallback.
    pub clauses: Vec<ClauseId>,
}

/// A check of a header field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeaderSpec {
    /// Name in lower case.
    pub name: String,
    /// What is asked of it.
    pub rule: HeaderRule<Template>,
    /// Clauses; empty: the fallback.
    pub clauses: Vec<ClauseId>,
}

/// What is asked of a header field. `T` is a template before resolution and text after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum HeaderRule<T> {
    /// Exactly this value.
    Is(T),
    /// The expression is found in the value.
    Regex(T),
    /// The text is found in the value.
    Contains(T),
    /// One of these media types, compared parsed; parameters of the expectation must be there.
    Media(Vec<T>),
    /// Exactly these values, in order.
    All(Vec<T>),
    /// Not there.
    Absent,
    /// There.
    Present,
}

/// A text body, or one rule of text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TextRule<T> {
    /// Exactly this text.
    Is(T),
    /// The expression is found in it.
    Regex(T),
    /// The text is found in it.
    Contains(T),
}

/// What is expected of a body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExpectBody {
    /// Not looked at.
    Unchecked,
    /// No byte.
    Empty,
    /// Parses as its media type says (JSON or XML).
    WellFormed,
    /// A JSON pattern.
    Json(Arc<JsonTemplate>),
    /// An XML pattern.
    Xml(XmlTemplate),
    /// Text.
    Text(TextRule<Template>),
}

/// A path language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Path {
    /// RFC 6901.
    Pointer(String),
    /// RFC 9535.
    JsonPath(String),
    /// casebook's subset of XPath 1.0.
    XPath(String),
}

/// A check of every place that a path finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtSpec {
    /// Where to look. Looked for only in a body of that kind.
    pub path: Path,
    /// What each value found must match.
    pub is: Option<JsonTemplate>,
    /// How many there must be: least and most.
    pub count: Option<(usize, usize)>,
    /// Clauses; empty: the fallback.
    pub clauses: Vec<ClauseId>,
}

/// One whole answer that a choice allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerReadingSpec {
    /// The choice.
    pub choice: ChoiceId,
    /// The reading.
    pub reading: String,
    /// The answer. Its own `readings` are empty.
    pub expect: ExpectSpec,
}

/// A value to keep from an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// Name; used as `${step.name}`.
    pub name: String,
    /// Where it is.
    pub from: CaptureFrom,
    /// All that are found, as a list.
    pub list: bool,
    /// Only of this JSON type.
    pub kind: Option<String>,
    /// The first group of this expression, instead of the whole text.
    pub regex: Option<String>,
    /// Redacted like a secret of the target.
    pub secret: bool,
    /// Finding nothing is no error: the value is null.
    pub optional: bool,
}

/// Where a captured value is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaptureFrom {
    /// In the body.
    Body(Path),
    /// The whole body, as text.
    WholeBody,
    /// A header field, name in lower case.
    Header(String),
}

/// A comparison of values of several steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckSpec {
    /// One sentence.
    pub title: String,
    /// The value.
    pub value: JsonTemplate,
    /// What it must match.
    pub is: JsonTemplate,
    /// Clauses; empty: those of the case.
    pub clauses: Vec<ClauseId>,
    /// Only recorded.
    pub wanted: bool,
    /// Where it is written.
    pub source: SourceRef,
}

impl Contents {
    /// Every clause that a check of the main steps or of the case may cite, sorted.
    #[must_use]
    pub fn cited(&self) -> Vec<ClauseId> {
        let mut all = self.clauses.clone();
        for step in self.steps.iter().filter(|step| step.role == StepRole::Main) {
            step.expect.cited(&mut all);
        }
        for check in &self.checks {
            all.extend_from_slice(&check.clauses);
            cited_inside(&check.is, &mut all);
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl ExpectSpec {
    /// Every clause that a check of this expectation may cite, unsorted.
    pub fn cited(&self, all: &mut Vec<ClauseId>) {
        all.extend(self.status.iter().flat_map(|each| each.clauses.iter().cloned()));
        all.extend(self.headers.iter().flat_map(|each| each.clauses.iter().cloned()));
        all.extend(self.at.iter().flat_map(|each| each.clauses.iter().cloned()));
        all.extend(self.cite.iter().flat_map(|each| each.clauses.iter().cloned()));
        match &self.body {
            ExpectBody::Json(pattern) => cited_inside(pattern, all),
            ExpectBody::Xml(pattern) => cited_inside_xml(pattern, all),
            _ => {}
        }
        for at in self.at.iter().filter_map(|at| at.is.as_ref()) {
            cited_inside(at, all);
        }
        for reading in &self.readings {
            reading.expect.cited(all);
        }
    }
}

/// Clauses of `$clause` operators.
fn cited_inside(pattern: &JsonTemplate, all: &mut Vec<ClauseId>) {
    match pattern {
        JsonTemplate::Array(items) => items.iter().for_each(|each| cited_inside(each, all)),
        JsonTemplate::Object(members) => {
            for (key, value) in members {
                match value {
                    JsonTemplate::Text(text) if key == "$clause" => {
                        all.extend(text.as_literal().map(ClauseId::new));
                    }
                    JsonTemplate::Array(items) if key == "$clause" => {
                        for item in items {
                            if let JsonTemplate::Text(text) = item {
                                all.extend(text.as_literal().map(ClauseId::new));
                            }
                        }
                    }
                    value => cited_inside(value, all),
                }
            }
        }
        _ => {}
    }
}

fn cited_inside_xml(element: &XmlTemplate, all: &mut Vec<ClauseId>) {
    for (name, value) in &element.steering {
        if name == "clause" {
            let literal = value.as_literal().unwrap_or_default();
            all.extend(literal.split_whitespace().map(ClauseId::new));
        }
    }
    if let XmlText::Pattern(pattern) = &element.text {
        cited_inside(pattern, all);
    }
    element.children.iter().for_each(|child| cited_inside_xml(child, all));
}

//! The versioned record of a run, the one source of every report: JSON Lines, a [`Header`], a [`CaseRecord`] for
//! each case, a [`SummaryRecord`], a [`Footer`].

mod line;
mod read;
#[doc(hidden)]
pub mod sample;
pub mod schema;
mod stored;
pub mod summary;
mod write;

pub(crate) use line::object as case_object;
pub use read::{ReadMode, RecordError, read};
pub use stored::{Places, Stored, TakeCase};
pub use summary::Summary;
pub use write::write_line;

use serde::{Deserialize, Serialize};

use crate::model::clause::{ChoicePolicy, Document, Level, Operation, Reading};
use crate::model::id::{CaseId, ChoiceId, ClauseId};
use crate::model::judgement::Judgement;
use crate::model::source::SourceRef;
use crate::model::spec::{Effect, StepRole};
use crate::model::target::{Identity, KnownFailure};
use crate::model::verdict::{ClauseVerdict, Exit, Stage, Verdict};

/// Version of the record's form. A reader refuses another major version.
pub const RECORD_VERSION: u32 = 1;

/// One line of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "line")]
pub enum Line {
    /// First line.
    Header(Box<Header>),
    /// One for each case, in the order in which they ended.
    Case(Box<CaseRecord>),
    /// Verdicts over the whole run; before the footer.
    Summary(Box<SummaryRecord>),
    /// Last line. A record without it is of a run that did not end.
    Footer(Box<Footer>),
}

/// What a run was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`RECORD_VERSION`].
    pub record_version: u32,
    /// Version of casebook.
    pub casebook_version: String,
    /// Id of the run; the same for all shards of one.
    pub run_id: String,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// Seed of random ids and of the order.
    pub seed: u64,
    /// Whether only literal readings are accepted.
    pub strict: bool,
    /// Lowest level of a clause whose violation fails the run.
    pub level: Level,
    /// The suite.
    pub suite: SuiteRecord,
    /// Who is tested.
    pub target: Identity,
    /// Base URLs by service, secrets removed.
    pub base_urls: Vec<(String, String)>,
    /// SHA-256 of the target's profile, secrets left out.
    pub config_hash: String,
    /// Ids of all selected cases, sorted.
    pub selected: Vec<CaseId>,
    /// Which part of the suite this is: index from 1, and how many parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<(u32, u32)>,
    /// How often each case was run.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub repeat: u32,
    /// How often an exchange without an answer was sent again, at most.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub transport_retries: u32,
    /// The target's known failures, in the order of its file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownEntry>,
    /// What a reader must know before trusting the run (`--insecure` …).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Arguments of `casebook run` with which a case meets the same target in the same way again, secrets removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rerun: Vec<String>,
}

/// A known failure as a run took it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownEntry {
    /// As the target file has it.
    pub entry: KnownFailure,
    /// Number of cases of the whole suite that it is about, selected or not.
    pub cases: u64,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Which suite was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteRecord {
    /// SHA-256 over all its files.
    pub hash: String,
    /// Number of cases in it.
    pub cases: usize,
    /// Documents that it is written from.
    pub documents: Vec<Document>,
    /// Operations that they document.
    pub operations: Vec<Operation>,
}

/// One case of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRecord {
    /// Full id.
    pub id: CaseId,
    /// One sentence.
    pub title: String,
    /// Service.
    pub service: String,
    /// Every clause that one of its checks cites, sorted.
    pub clauses: Vec<ClauseId>,
    /// Tags.
    pub tags: Vec<String>,
    /// What it does to the target.
    pub effect: Effect,
    /// Where it is written.
    pub source: SourceRef,
    /// What became of it.
    pub outcome: Verdict,
    /// Whether it only records.
    pub observe: bool,
    /// What was found.
    pub judgement: Judgement,
    /// What went over the wire, in order.
    pub exchanges: Vec<ExchangeRecord>,
    /// Expected and actual bodies of the steps that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diffs: Vec<BodyDiff>,
    /// What went wrong in the teardown; it does not change the verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teardown_problems: Vec<String>,
    /// What it created and removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ledger: Vec<LedgerEntry>,
    /// When it began, in microseconds from the start of the run.
    pub started_us: u64,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
}

/// The two sides of a body that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyDiff {
    /// Step.
    pub step: String,
    /// The expectation as the answer that it would have accepted.
    pub expected: String,
    /// The body that came, in the same writing.
    pub actual: String,
}

/// Something that a case created or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerEntry {
    /// Step.
    pub step: String,
    /// What it is.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Created or removed.
    pub change: Change,
}

/// Direction of a [`LedgerEntry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Made by this run.
    Created,
    /// Removed by this run.
    Removed,
}

/// An exchange, redacted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRecord {
    /// Step.
    pub step: String,
    /// What the step is for.
    pub role: StepRole,
    /// Method.
    pub method: String,
    /// Full URL as sent.
    pub url: String,
    /// Header fields as sent, in order.
    pub headers: Vec<(String, String)>,
    /// Body as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyRecord>,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseRecord>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRecord>,
    /// How often it was sent: more than once only with `--transport-retries`, or where the target allows to wait for a
    /// service that asks for it.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempts: u32,
    /// Redirects that were followed, in order. The answer is the one to the last of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirects: Vec<HopRecord>,
    /// Answers that put the request off and were waited out, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitRecord>,
    /// When it began, in microseconds from the start of the run.
    pub started_us: u64,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
}

/// A redirect that was followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HopRecord {
    /// Status of the answer that redirected.
    pub status: u16,
    /// Method of the request that followed.
    pub method: String,
    /// Its full URL.
    pub url: String,
    /// Credentials that were not carried to another origin: names of header fields, `query NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
}

/// An answer that put a request off (`Retry-After`) and was waited out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitRecord {
    /// Its status.
    pub status: u16,
    /// How long it asked to wait, in microseconds.
    pub wait_us: u64,
}

/// An answer, redacted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseRecord {
    /// Status code.
    pub status: u16,
    /// Reason phrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Protocol version.
    pub version: String,
    /// Header fields, in order.
    pub headers: Vec<(String, String)>,
    /// Body, content coding removed.
    pub body: BodyRecord,
}

/// A body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyRecord {
    /// Length in bytes.
    pub bytes: u64,
    /// The body where it is UTF-8, or its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body in base64 where it is not, or its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// True when only the beginning is kept.
    #[serde(default)]
    pub cut: bool,
}

/// A request that no service can have a right answer to, and what came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeRecord {
    /// Service that was probed.
    pub service: String,
    /// What was asked.
    pub kind: ProbeKind,
    /// What was sent and what came back.
    pub exchange: ExchangeRecord,
}

/// What a probe asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    /// Reads a path, or an id, that nobody has.
    Path,
    /// Reads the path of an operation that is documented with another method only.
    Method,
    /// Asks for an operation by its own method, at a path or with an id that nobody has. Only where writing is allowed.
    Operation,
    /// A documented request that changes nothing: what a service answers to sense.
    Sense,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRecord {
    /// Stage.
    pub stage: Stage,
    /// In one sentence.
    pub detail: String,
}

/// Verdicts over the whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryRecord {
    /// Clauses in the order of the documents.
    pub clauses: Vec<ClauseRecord>,
    /// Choices in the order of the documents.
    pub choices: Vec<ChoiceRecord>,
    /// What was attempted and seen of each operation.
    pub coverage: Vec<OperationCoverage>,
}

/// A clause's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClauseRecord {
    /// Id.
    pub id: ClauseId,
    /// Document.
    pub document: String,
    /// Section.
    pub section: String,
    /// Level.
    pub level: Level,
    /// Paraphrase.
    pub text: String,
    /// Verdict.
    pub verdict: ClauseVerdict,
    /// Reason of an exclusion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<String>,
    /// Checks that ran and held.
    pub held: u64,
    /// Checks that ran and did not.
    pub violated: u64,
    /// Cases with a check of it that ran.
    pub cases: Vec<CaseId>,
    /// Cases with a check of it that failed.
    pub violated_by: Vec<CaseId>,
    /// Whether a proof has shown that a violation is noticed: `Some(false)` when it has shown the opposite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<bool>,
}

/// Which readings of a choice were followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceRecord {
    /// Id.
    pub id: ChoiceId,
    /// The question.
    pub question: String,
    /// Policy.
    pub policy: ChoicePolicy,
    /// What casebook does where nothing is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<String>,
    /// Clauses that it touches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<ClauseId>,
    /// Whether a service must follow one reading throughout.
    #[serde(default)]
    pub uniform: bool,
    /// All readings.
    pub readings: Vec<Reading>,
    /// How often each reading was followed where the answer tells them apart, in the order of `readings`.
    pub followed: Vec<u64>,
    /// How often an answer followed none of them.
    pub other: u64,
    /// Readings that were both followed although the service must follow one throughout: each with the first case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixed: Vec<(String, CaseId)>,
    /// Cases that tell the readings apart.
    pub cases: Vec<CaseId>,
}

/// What was attempted and seen of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationCoverage {
    /// Id of the operation.
    pub operation: String,
    /// Requests sent to it.
    pub requests: u64,
    /// Seen answers: status, media type (without parameters, empty when absent), error code in the body, how often.
    pub seen: Vec<Seen>,
    /// Request media types attempted, and how often.
    pub request_media: Vec<(String, u64)>,
}

/// One kind of answer that was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Status.
    pub status: u16,
    /// Media type without parameters; empty when absent.
    pub media: String,
    /// Error codes in the body.
    pub codes: Vec<String>,
    /// How often.
    pub count: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    /// Number of cases by verdict; they add up to the number selected.
    pub counts: Counts,
    /// Exit code and its name.
    pub exit: Exit,
    /// Why the exit code is what it is, in sentences; empty for [`Exit::Conformant`].
    pub reasons: Vec<String>,
    /// What was created and not removed.
    pub left_behind: Vec<LedgerEntry>,
    /// Things created, and things removed, in the whole run.
    pub created: u64,
    /// Things removed.
    pub removed: u64,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// Requests that were to find out whether the target tells sense from nonsense.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<ProbeRecord>,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
}

/// Number of cases by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Counts {
    /// See [`Verdict::Passed`].
    pub passed: u64,
    /// See [`Verdict::Failed`].
    pub failed: u64,
    /// See [`Verdict::Errored`].
    pub errored: u64,
    /// See [`Verdict::KnownFailure`].
    pub known_failure: u64,
    /// See [`Verdict::UnexpectedPass`].
    pub unexpected_pass: u64,
    /// See [`Verdict::Observed`].
    pub observed: u64,
    /// See [`Verdict::Skipped`].
    pub skipped: u64,
    /// See [`Verdict::Blocked`].
    pub blocked: u64,
    /// See [`Verdict::Flaky`].
    pub flaky: u64,
    /// See [`Verdict::NotRun`].
    pub not_run: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, verdict: &Verdict) {
        *match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed => &mut self.failed,
            Verdict::Errored { .. } => &mut self.errored,
            Verdict::KnownFailure { .. } => &mut self.known_failure,
            Verdict::UnexpectedPass { .. } => &mut self.unexpected_pass,
            Verdict::Observed => &mut self.observed,
            Verdict::Skipped { .. } => &mut self.skipped,
            Verdict::Blocked { .. } => &mut self.blocked,
            Verdict::Flaky { .. } => &mut self.flaky,
            Verdict::NotRun { .. } => &mut self.not_run,
        } += 1;
    }

    /// Names and numbers, in the order of the documentation.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 10] {
        [
            ("passed", self.passed),
            ("failed", self.failed),
            ("errored", self.errored),
            ("known-failure", self.known_failure),
            ("unexpected-pass", self.unexpected_pass),
            ("observed", self.observed),
            ("skipped", self.skipped),
            ("blocked", self.blocked),
            ("flaky", self.flaky),
            ("not-run", self.not_run),
        ]
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.named().iter().map(|(_, count)| count).sum()
    }
}

/// A whole record in memory, as reports are rendered from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// First line.
    pub header: Header,
    /// Cases sorted by id.
    pub cases: Vec<CaseRecord>,
    /// Verdicts over the whole run.
    pub summary: SummaryRecord,
    /// How it ended.
    pub footer: Footer,
}

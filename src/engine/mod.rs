//! The whole road as a library: [`Engine`] loads a suite, fires it at a target and yields the record.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use casebook::engine::Engine;
//! use casebook::report::{Format, render};
//!
//! let record = Engine::new("cases").base_url("http://127.0.0.1:8080").select("groove/add").run().await?;
//! std::fs::write("report.html", render(Format::Html, &record)?)?;
//! assert_eq!(record.footer.exit.code(), 0, "{:?}", record.footer.reasons);
//! # Ok(())
//! # }
//! ```

mod probing;
mod tally;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::event::RunEvent;
use crate::known::{self, KnownFailures};
use crate::load;
use crate::mock::seed::Seed;
use crate::mock::server::{Mock, MockOptions};
use crate::model::clause::Level;
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::plan;
use crate::prove::{CERTIFICATE_FILE, Certificate};
use crate::record::{CaseRecord, Header, KnownEntry, RECORD_VERSION, Record, SuiteRecord};
use crate::redact::Redactor;
use crate::runner::{self, Plan, PlannedCase, RunOptions, Stop};
use crate::select::{Selection, select};
use crate::transport::{HttpOptions, HttpTransport, Network, NetworkError};

pub(crate) use probing::fire;
pub use tally::Tally;

/// Events that may wait for whoever listens before a worker waits.
const EVENTS: usize = 256;

/// Services that the embedded mock has.
const MOCKED: [&str; 2] = ["groove", "oracle"];

/// Why there is no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The suite or the target cannot be loaded: everything that is wrong with their files.
    #[error(transparent)]
    Load(#[from] load::LoadError),
    /// Nothing is selected, or a pattern cannot be read.
    #[error(transparent)]
    Select(#[from] crate::select::SelectError),
    /// A base URL cannot be used, or the plan is refused for safety.
    #[error(transparent)]
    Plan(#[from] plan::PlanError),
    /// A secret cannot be redacted.
    #[error(transparent)]
    Redact(#[from] crate::redact::RedactError),
    /// A file that the way to the service needs cannot be read or used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The credentials of the proxy cannot be resolved.
    #[error("the proxy's credentials: {0}")]
    Proxy(#[from] crate::template::TemplateError),
    /// There is nothing to fire the cases at.
    #[error("there is no target: the embedded mock does not have these services; name a base URL or a target file")]
    NoTarget,
    /// The embedded mock's data or socket cannot be had.
    #[error("the embedded mock cannot be started: {0}")]
    Mock(String),
}

/// A directory of cases, what they are fired at, and how.
///
/// Without a target and without a base URL, the embedded mock is started for the run.
#[derive(Clone, Debug)]
pub struct Engine {
    cases: PathBuf,
    target: Option<PathBuf>,
    base_urls: Vec<String>,
    selection: Selection,
    options: RunOptions,
    seed: Option<u64>,
    level: Level,
    http: HttpOptions,
    probe: bool,
}

impl Engine {
    /// All cases of a directory, against the embedded mock.
    #[must_use]
    pub fn new(cases: impl AsRef<Path>) -> Self {
        Self {
            cases: cases.as_ref().to_owned(),
            target: None,
            base_urls: Vec::new(),
            selection: Selection::default(),
            options: RunOptions::default(),
            seed: None,
            level: Level::Implied,
            http: HttpOptions::default(),
            probe: true,
        }
    }

    /// Against the target of a profile.
    #[must_use]
    pub fn target(mut self, path: impl AsRef<Path>) -> Self {
        self.target = Some(path.as_ref().to_owned());
        self
    }

    /// Against a base URL, for every service, or for one as `service=URL`.
    #[must_use]
    pub fn base_url(mut self, url: &str) -> Self {
        self.base_urls.push(url.to_owned());
        self
    }

    /// Only cases whose id has this part or matches this glob. Several: any of them.
    #[must_use]
    pub fn select(mut self, pattern: &str) -> Self {
        self.selection.patterns.push(pattern.to_owned());
        self
    }

    /// Only these cases; takes the place of everything that was selected before.
    #[must_use]
    pub fn selection(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// How the cases are run.
    #[must_use]
    pub fn options(mut self, options: RunOptions) -> Self {
        self.seed = Some(options.seed);
        self.options = options;
        self
    }

    /// Seed of random ids; a new one for each run unless it is given.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Each case so often; runs that disagree are flaky.
    #[must_use]
    pub fn repeat(mut self, times: u32) -> Self {
        self.options.repeat = times.max(1);
        self
    }

    /// Only the literal reading of every choice is accepted.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.options.strict = strict;
        self
    }

    /// The lowest level of a clause whose violation fails the run.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Whether a target is asked what no service can have a right answer to, so that a yes to everything proves nothing.
    /// The embedded mock never is.
    #[must_use]
    pub fn probe(mut self, probe: bool) -> Self {
        self.probe = probe;
        self
    }

    /// Deadlines and caps of the client.
    #[must_use]
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Takes `CASEBOOK_TARGET`, `CASEBOOK_BASE_URL` (several, with spaces between them) and `CASEBOOK_REPEAT` from the
    /// environment, where they are set.
    #[must_use]
    pub fn from_env(mut self) -> Self {
        if let Some(path) = std::env::var_os("CASEBOOK_TARGET").filter(|path| !path.is_empty()) {
            self.target = Some(path.into());
        }
        if let Ok(urls) = std::env::var("CASEBOOK_BASE_URL") {
            self.base_urls.extend(urls.split_whitespace().map(str::to_owned));
        }
        if let Some(times) = std::env::var("CASEBOOK_REPEAT").ok().and_then(|times| times.trim().parse().ok()) {
            return self.repeat(times);
        }
        self
    }

    /// The arguments of the command that runs cases of this suite against this target in this way; they may hold secrets.
    pub(crate) fn rerun(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.cases != Path::new("cases") {
            all.extend(["--cases".to_owned(), self.cases.display().to_string()]);
        }
        for url in &self.base_urls {
            all.extend(["--base-url".to_owned(), url.clone()]);
        }
        if let Some(path) = &self.target {
            all.extend(["--target".to_owned(), path.display().to_string()]);
        }
        let RunOptions { repeat, transport_retries, .. } = self.options;
        let numbers = [("--repeat", repeat, 1), ("--transport-retries", transport_retries, 0)];
        for (flag, number, _) in numbers.iter().filter(|(_, number, usual)| number != usual) {
            all.extend([(*flag).to_owned(), number.to_string()]);
        }
        let switches =
            [("--strict", self.options.strict), ("--insecure", self.http.insecure), ("--no-probe", !self.probe)];
        all.extend(switches.iter().filter(|(_, given)| *given).map(|(flag, _)| (*flag).to_owned()));
        all
    }

    /// Runs the selected cases and gives their record, as `casebook run` writes it.
    ///
    /// # Errors
    /// Only what keeps the run from beginning; a target that misbehaves is told by the record.
    pub async fn run(&self) -> Result<Record, EngineError> {
        self.run_with(|_| ()).await
    }

    /// As [`Engine::run`], and tells of every case as it ends.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn run_with(&self, mut ended: impl FnMut(&CaseRecord)) -> Result<Record, EngineError> {
        let Prepared { suite, mut target } = self.prepare()?;
        let mock = if target.services.is_empty() { Some(start_mock(&suite, &mut target).await?) } else { None };
        let cases = select(&suite, &self.selection)?;
        let planned = plan::cases(&suite, &target, &cases, self.options.strict);
        plan::guard(&suite, &target, &planned)?;
        let http = self.http_options(&target)?;
        let redactor = Arc::new(plan::redactor(&target)?);
        let seed = self.seed.unwrap_or_else(random_seed);
        let jobs = target.limits.jobs.unwrap_or(self.options.jobs);
        let options = RunOptions { jobs, seed, ..self.options };
        let run_id = run_id(seed);
        let probing = mock.is_none() && self.probe && !target.safety.unprobed;
        let mut warnings = warnings(&http, &target);
        if mock.is_none() && !probing {
            warnings.push(unprobed(if self.probe { "probe = false" } else { "by request" }));
        }
        let facts = Facts {
            suite: &suite,
            target: &target,
            planned: &planned,
            options: &options,
            run_id: &run_id,
            level: self.level,
            shard: self.selection.shard,
            warnings,
            rerun: self.rerun(),
        };
        let header = header(facts, &redactor)?;
        let known = KnownFailures::new(&header.known, &header.started)?;
        let stop = Stop::default();
        // A known failure stops nothing, and only the tally knows of it.
        let mut tally = Tally::new(&suite, &header, known)
            .stop_after(options.fail_fast, stop.clone())
            .watch(probing)
            .certify(certificate(&self.cases), &suite.hash, options.strict);
        let options = RunOptions { fail_fast: options.fail_fast.filter(|_| target.known.is_empty()), ..options };
        let started = Instant::now();
        let plan = Plan { suite, target: Arc::new(target), cases: planned, options };
        let transport = Arc::new(HttpTransport::new(http));
        let (sender, mut events) = mpsc::channel(EVENTS);
        let mut cases = Vec::new();
        let collect = async {
            while let Some(event) = events.recv().await {
                match event {
                    RunEvent::CaseFinished(case) => {
                        let mut case = case.record();
                        tally.take(&mut case);
                        ended(&case);
                        cases.push(*case);
                    }
                    RunEvent::Probed(probes) => tally.probed(probes),
                }
            }
        };
        if probing {
            tokio::join!(fire(plan, transport, redactor, &run_id, stop, sender), collect);
        } else {
            tokio::join!(runner::run(plan, transport, redactor, &run_id, stop, sender), collect);
        }
        if let Some(mock) = mock {
            mock.stop().await;
        }
        cases.sort_by(|a, b| a.id.cmp(&b.id));
        let (summary, footer) = tally.finish(None, started.elapsed());
        Ok(Record { header, cases, summary, footer })
    }

    /// The suite, and the target as far as files and base URLs tell. Without services, the embedded mock is meant.
    pub(crate) fn prepare(&self) -> Result<Prepared, EngineError> {
        let suite = Arc::new(load::suite(&self.cases)?);
        let env = |name: &str| std::env::var(name).ok();
        let mut target = match &self.target {
            Some(path) => load::target(path, &suite, &env)?,
            None if is_mocked(&suite) => load::mock_target(&suite, &env)?,
            None => Target::unnamed(),
        };
        plan::set_base_urls(&mut target, &self.base_urls, &suite)?;
        if target.services.is_empty() && (self.target.is_some() || !is_mocked(&suite)) {
            return Err(EngineError::NoTarget);
        }
        if self.target.is_none() && !target.services.is_empty() {
            // What answers there may be anything: nobody has said that it is a mock.
            target.identity = Target::unnamed().identity;
        }
        Ok(Prepared { suite, target })
    }

    /// How the cases are run.
    pub(crate) fn run_options(&self) -> RunOptions {
        self.options
    }

    /// How the client is set for this target.
    pub(crate) fn http_options(&self, target: &Target) -> Result<HttpOptions, EngineError> {
        http_options(&self.http, target)
    }
}

/// A suite and what it is fired at.
pub(crate) struct Prepared {
    pub(crate) suite: Arc<Suite>,
    pub(crate) target: Target,
}

/// A seed that differs from run to run.
pub(crate) fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish() >> 1
}

/// The id of a run that was not given one.
pub(crate) fn run_id(seed: u64) -> String {
    format!("{seed:016x}")[..8].to_owned()
}

/// Whether the embedded mock can stand in for every service of a suite.
pub(crate) fn is_mocked(suite: &Suite) -> bool {
    suite.services.keys().all(|service| MOCKED.contains(&service.as_str()))
}

/// Starts the embedded mock, and makes it the target.
pub(crate) async fn start_mock(suite: &Suite, target: &mut Target) -> Result<Mock, EngineError> {
    let seed = Seed::embedded().map_err(|error| EngineError::Mock(error.to_string()))?;
    let mock = Mock::start(MockOptions::loopback(seed)).await.map_err(|error| EngineError::Mock(error.to_string()))?;
    for service in suite.services.keys() {
        target.services.insert(service.clone(), mock.base_url());
    }
    Ok(mock)
}

/// What is proven of a suite, if its directory says so.
pub(crate) fn certificate(cases: &Path) -> Option<Certificate> {
    // A certificate that cannot be read certifies nothing, as if there were none.
    Certificate::parse(&std::fs::read_to_string(cases.join(CERTIFICATE_FILE)).ok()?)
}

/// Whether a directory says what is proven of its suite.
pub(crate) fn has_certificate(cases: &Path) -> bool {
    cases.join(CERTIFICATE_FILE).exists()
}

/// These options, and the way to the service that the target's profile names.
pub(crate) fn http_options(options: &HttpOptions, target: &Target) -> Result<HttpOptions, EngineError> {
    let auth = plan::proxy_credentials(target)?;
    let network = Network::read(&target.connection, auth)?;
    Ok(HttpOptions { connections: target.limits.connections, network, ..options.clone() })
}

/// What a reader must know before trusting a run with these options.
pub(crate) fn warnings(http: &HttpOptions, target: &Target) -> Vec<String> {
    let insecure = http.insecure.then(|| "TLS certificates were not checked (--insecure)".to_owned());
    insecure.into_iter().chain(target.connection.notes()).collect()
}

/// What a reader must know of a run that did not probe its target.
pub(crate) fn unprobed(why: &str) -> String {
    format!("nobody asked whether the target says yes to everything ({why})")
}

/// What a header states about a run.
pub(crate) struct Facts<'a> {
    pub(crate) suite: &'a Suite,
    pub(crate) target: &'a Target,
    pub(crate) planned: &'a [PlannedCase],
    pub(crate) options: &'a RunOptions,
    pub(crate) run_id: &'a str,
    pub(crate) level: Level,
    pub(crate) shard: Option<(u32, u32)>,
    pub(crate) warnings: Vec<String>,
    /// What [`Header::rerun`] says, as it was given.
    pub(crate) rerun: Vec<String>,
}

/// Arguments without the secrets that may be in them.
pub(crate) fn redacted(arguments: &[String], redactor: &Redactor) -> Vec<String> {
    arguments.iter().map(|argument| redactor.text(argument).into_owned()).collect()
}

/// The header of a run that begins now.
pub(crate) fn header(facts: Facts<'_>, redactor: &Redactor) -> Result<Header, crate::select::SelectError> {
    let Facts { suite, target, options, .. } = facts;
    let mut selected: Vec<_> = facts.planned.iter().map(|each| suite.cases[each.index].id.clone()).collect();
    selected.sort_unstable();
    let known: Vec<KnownEntry> = known::entries(&target.known, suite)?;
    Ok(Header {
        record_version: RECORD_VERSION,
        casebook_version: env!("CARGO_PKG_VERSION").to_owned(),
        run_id: facts.run_id.to_owned(),
        started: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        seed: options.seed,
        strict: options.strict,
        level: facts.level,
        suite: SuiteRecord {
            hash: suite.hash.clone(),
            cases: suite.total,
            documents: suite.documents.values().cloned().collect(),
            operations: suite.operations.clone(),
        },
        target: target.identity.clone(),
        base_urls: target
            .services
            .iter()
            .map(|(service, url)| (service.clone(), redactor.text(url).into_owned()))
            .collect(),
        config_hash: plan::config_hash(target),
        selected,
        shard: facts.shard,
        repeat: options.repeat,
        transport_retries: options.transport_retries,
        known,
        warnings: facts.warnings,
        rerun: redacted(&facts.rerun, redactor),
    })
}

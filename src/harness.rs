//! Cases as `cargo test` tests: [`Harness`] turns a directory of cases and a target into libtest-mimic tests.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     casebook::harness::Harness::new("cases").from_env().main()
//! }
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, ColorSetting, Completion, Failed, FormatSetting, Trial};
use tokio::runtime::Runtime;

use crate::diff::Palette;
use crate::load;
use crate::mock::seed::Seed;
use crate::mock::server::{Mock, MockOptions};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::{Exit, Verdict};
use crate::plan;
use crate::record::CaseRecord;
use crate::report::text::{ClauseTexts, block};
use crate::runner::{Plan, RunOptions, Session};
use crate::transport::{HttpOptions, HttpTransport, Network};

/// Tests in flight unless `--test-threads` says otherwise: cases wait, they do not compute.
const THREADS: usize = 16;

/// Why there are no tests to run.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// The suite or the target cannot be loaded.
    #[error("{0}")]
    Load(String),
    /// The plan is refused.
    #[error(transparent)]
    Plan(#[from] plan::PlanError),
    /// Secrets cannot be redacted.
    #[error(transparent)]
    Redact(#[from] crate::redact::RedactError),
    /// The runtime or the embedded mock cannot be started.
    #[error("{0}")]
    Start(String),
    /// Nothing would be tested.
    #[error("{0}")]
    Empty(String),
}

/// A directory of cases and what they are fired at.
#[derive(Clone, Debug)]
pub struct Harness {
    cases: PathBuf,
    target: Option<PathBuf>,
    base_urls: Vec<String>,
}

impl Harness {
    /// The cases of a directory, against the embedded mock.
    #[must_use]
    pub fn new(cases: impl AsRef<Path>) -> Self {
        Self { cases: cases.as_ref().to_owned(), target: None, base_urls: Vec::new() }
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

    /// Takes `CASEBOOK_TARGET` and `CASEBOOK_BASE_URL` from the environment, where they are set.
    #[must_use]
    pub fn from_env(mut self) -> Self {
        if let Some(path) = std::env::var_os("CASEBOOK_TARGET").filter(|path| !path.is_empty()) {
            self.target = Some(path.into());
        }
        if let Ok(urls) = std::env::var("CASEBOOK_BASE_URL") {
            self.base_urls.extend(urls.split_whitespace().map(str::to_owned));
        }
        self
    }

    /// Runs the tests that this process' arguments ask for. The whole `main` of a test with `harness = false`.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        match self.run(&mut arguments) {
            Ok(code) => code,
            Err(error) => {
                use std::io::Write as _;
                let exit = if matches!(error, HarnessError::Empty(_)) { Exit::NothingProven } else { Exit::Usage };
                // Nobody is left to be told that standard error is closed.
                let _ = writeln!(std::io::stderr(), "error: {error}");
                ExitCode::from(exit.code())
            }
        }
    }

    fn run(&self, arguments: &mut Arguments) -> Result<ExitCode, HarnessError> {
        let loaded = |error: load::LoadError| HarnessError::Load(error.to_string());
        let suite = Arc::new(load::suite(&self.cases).map_err(loaded)?);
        let env = |name: &str| std::env::var(name).ok();
        let mut target = match &self.target {
            Some(path) => load::target(path, &suite, &env).map_err(loaded)?,
            None => load::mock_target(&suite, &env).map_err(loaded)?,
        };
        plan::set_base_urls(&mut target, &self.base_urls, &suite)?;
        let started = |error: std::io::Error| HarnessError::Start(error.to_string());
        let runtime = Arc::new(Runtime::new().map_err(started)?);
        let mock = self.embedded(&runtime, &suite, &mut target, arguments.list)?;
        let all: Vec<usize> = (0..suite.cases.len()).collect();
        let cases = plan::cases(&suite, &target, &all, false);
        if cases.is_empty() {
            return Err(HarnessError::Empty("the suite has no case".to_owned()));
        }
        plan::guard(&suite, &target, &cases)?;
        let redactor = Arc::new(plan::redactor(&target)?);
        let auth = plan::proxy_credentials(&target).map_err(|error| HarnessError::Load(error.to_string()))?;
        let network = Network::read(&target.connection, auth).map_err(|error| HarnessError::Load(error.to_string()))?;
        let options = HttpOptions { connections: target.limits.connections, network, ..HttpOptions::default() };
        let plan = Plan { suite: suite.clone(), target: Arc::new(target), cases, options: RunOptions::default() };
        let transport = Arc::new(HttpTransport::new(options));
        let run_id = format!("test{}", std::process::id());
        let session = Arc::new(Session::new(plan, transport, redactor, &run_id));
        let clauses = Arc::new(ClauseTexts::from_clauses(&suite.clauses));
        let palette = palette(arguments);
        let trials: Vec<Trial> = (0..session.plan().cases.len())
            .map(|at| trial(at, &suite, &session, &runtime, &clauses, palette))
            .collect();
        let selected = trials.iter().filter(|trial| !arguments.is_filtered_out(trial)).count();
        let foreign = arguments.filter.as_deref().is_some_and(|filter| filter.contains("::"));
        if selected == 0 && !arguments.list && !foreign {
            let filter = arguments.filter.clone().unwrap_or_default();
            return Err(HarnessError::Empty(format!("no case matches `{filter}`; an empty selection is no pass")));
        }
        arguments.test_threads.get_or_insert(THREADS);
        let conclusion = libtest_mimic::run(arguments, trials);
        if let Some(mock) = mock {
            runtime.block_on(mock.stop());
        }
        Ok(conclusion.exit_code())
    }

    fn embedded(
        &self,
        runtime: &Runtime,
        suite: &Suite,
        target: &mut Target,
        list: bool,
    ) -> Result<Option<Mock>, HarnessError> {
        if !target.services.is_empty() || self.target.is_some() {
            return Ok(None);
        }
        let seed = Seed::embedded().map_err(|error| HarnessError::Start(error.to_string()))?;
        let mock = if list {
            None
        } else {
            let started = runtime.block_on(Mock::start(MockOptions::loopback(seed)));
            Some(started.map_err(|error| HarnessError::Start(error.to_string()))?)
        };
        let url = mock.as_ref().map_or_else(|| "http://127.0.0.1:9".to_owned(), Mock::base_url);
        for service in suite.services.keys() {
            target.services.insert(service.clone(), url.clone());
        }
        Ok(mock)
    }
}

/// Colour where the test runner itself would use it.
fn palette(arguments: &Arguments) -> Palette {
    let wanted = match arguments.color.unwrap_or(ColorSetting::Auto) {
        ColorSetting::Always => true,
        ColorSetting::Never => false,
        ColorSetting::Auto => anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
    };
    let pretty = matches!(arguments.format, None | Some(FormatSetting::Pretty | FormatSetting::Terse));
    if wanted && pretty { Palette::colour() } else { Palette::plain() }
}

fn trial(
    at: usize,
    suite: &Suite,
    session: &Arc<Session<HttpTransport>>,
    runtime: &Arc<Runtime>,
    clauses: &Arc<ClauseTexts>,
    palette: Palette,
) -> Trial {
    let planned = &session.plan().cases[at];
    let name = suite.cases[planned.index].id.to_string();
    // What is skipped is known beforehand and listed as ignored: a test that is skipped while running looks like a
    // pass to some runners.
    let skipped = planned.skip.is_some();
    let (session, runtime, clauses) = (session.clone(), runtime.clone(), clauses.clone());
    Trial::ignorable_test(name, move || {
        let record = runtime.block_on(session.run(at));
        verdict(&record, &clauses, &palette)
    })
    .with_ignored_flag(skipped)
}

/// What a test runner makes of a verdict. Its message is all that is seen of a failure, so it holds everything.
fn verdict(record: &CaseRecord, clauses: &ClauseTexts, palette: &Palette) -> Result<Completion, Failed> {
    match &record.outcome {
        Verdict::Passed | Verdict::Observed | Verdict::KnownFailure { .. } => Ok(Completion::Completed),
        Verdict::Skipped { detail, .. } => Ok(Completion::ignored_with(detail.clone())),
        _ => Err(Failed::from(format!("\n{}", block(&[record], clauses, palette)))),
    }
}

//! Cases as `cargo test` tests: [`Harness`] turns a directory of cases and a target into libtest-mimic tests.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     casebook::harness::Harness::new("cases").from_env().main()
//! }
//! ```
//!
//! Everything that `casebook run` judges is judged here too: known failures of the target are accepted and their list
//! is held against the run, repeated cases that disagree fail, and an empty selection is an error.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, ColorSetting, Completion, Failed, FormatSetting, Trial};
use tokio::runtime::Runtime;

use crate::diff::Palette;
use crate::engine::{self, Engine, EngineError, Prepared, redacted};
use crate::known::{self, KnownFailures};
use crate::model::suite::Suite;
use crate::model::verdict::{Exit, Verdict};
use crate::plan;
use crate::record::CaseRecord;
use crate::report::text::{RunTexts, block};
use crate::runner::{Plan, Session};
use crate::transport::HttpTransport;

/// Tests in flight unless `--test-threads` says otherwise: cases wait, they do not compute.
const THREADS: usize = 16;

/// What a process of failed tests ends with.
const FAILED: u8 = 101;

/// Why there are no tests to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HarnessError {
    /// There is no suite, no target, or a plan that is refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The runtime cannot be started.
    #[error("the runtime cannot be built: {0}")]
    Runtime(std::io::Error),
    /// Nothing would be tested.
    #[error("{0}")]
    Empty(String),
}

/// A directory of cases and what they are fired at.
#[derive(Clone, Debug)]
pub struct Harness {
    engine: Engine,
}

impl Harness {
    /// The cases of a directory, against the embedded mock.
    #[must_use]
    pub fn new(cases: impl AsRef<Path>) -> Self {
        Self { engine: Engine::new(cases) }
    }

    /// Against the target of a profile.
    #[must_use]
    pub fn target(self, path: impl AsRef<Path>) -> Self {
        Self { engine: self.engine.target(path) }
    }

    /// Against a base URL, for every service, or for one as `service=URL`.
    #[must_use]
    pub fn base_url(self, url: &str) -> Self {
        Self { engine: self.engine.base_url(url) }
    }

    /// Each case so often; one whose runs disagree fails.
    #[must_use]
    pub fn repeat(self, times: u32) -> Self {
        Self { engine: self.engine.repeat(times) }
    }

    /// Only the literal reading of every choice is accepted.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { engine: self.engine.strict(strict) }
    }

    /// Takes `CASEBOOK_TARGET`, `CASEBOOK_BASE_URL` and `CASEBOOK_REPEAT` from the environment, where they are set.
    #[must_use]
    pub fn from_env(self) -> Self {
        Self { engine: self.engine.from_env() }
    }

    /// Runs the tests that this process' arguments ask for. The whole `main` of a test with `harness = false`.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        match self.run(&mut arguments) {
            Ok(code) => ExitCode::from(code),
            Err(error) => {
                let exit = match error {
                    HarnessError::Empty(_) => Exit::NothingProven,
                    HarnessError::Engine(EngineError::Plan(plan::PlanError::Refused(_))) => Exit::Refused,
                    _ => Exit::Usage,
                };
                complain(&format!("error: {error}"));
                ExitCode::from(exit.code())
            }
        }
    }

    fn run(&self, arguments: &mut Arguments) -> Result<u8, HarnessError> {
        let Prepared { suite, mut target } = self.engine.prepare()?;
        let runtime = Arc::new(Runtime::new().map_err(HarnessError::Runtime)?);
        let mock = if !target.services.is_empty() {
            None
        } else if arguments.list {
            // Nothing is sent, and the plan needs to know only that there is a service.
            target.services.extend(suite.services.keys().map(|name| (name.clone(), "http://127.0.0.1:9".to_owned())));
            None
        } else {
            Some(runtime.block_on(engine::start_mock(&suite, &mut target))?)
        };
        let options = self.engine.run_options();
        let all: Vec<usize> = (0..suite.cases.len()).collect();
        let cases = plan::cases(&suite, &target, &all, options.strict);
        if cases.is_empty() {
            return Err(HarnessError::Empty("the suite has no case".to_owned()));
        }
        plan::guard(&suite, &target, &cases).map_err(EngineError::from)?;
        let redactor = Arc::new(plan::redactor(&target).map_err(EngineError::from)?);
        let entries = known::entries(&target.known, &suite).map_err(EngineError::from)?;
        let today = jiff::Timestamp::now().to_string();
        let known = KnownFailures::new(&entries, &today).map_err(EngineError::from)?;
        let transport = Arc::new(HttpTransport::new(self.engine.http_options(&target)?));
        let plan = Plan { suite: suite.clone(), target: Arc::new(target), cases, options };
        let run_id = format!("test{}", std::process::id());
        let rerun = redacted(&self.engine.rerun(), &redactor);
        let bench = Arc::new(Bench {
            session: Session::new(plan, transport, redactor, &run_id),
            texts: RunTexts::new(&suite.clauses, &rerun),
            palette: palette(arguments),
            known: Mutex::new(known),
            runtime,
        });
        let trials: Vec<Trial> = (0..suite.cases.len()).map(|at| trial(at, &suite, &bench)).collect();
        let selected = trials.iter().filter(|trial| !arguments.is_filtered_out(trial)).count();
        let foreign = arguments.filter.as_deref().is_some_and(|filter| filter.contains("::"));
        if selected == 0 && !arguments.list && !foreign {
            let filter = arguments.filter.clone().unwrap_or_default();
            return Err(HarnessError::Empty(format!("no case matches `{filter}`; an empty selection is no pass")));
        }
        arguments.test_threads.get_or_insert(THREADS);
        let conclusion = libtest_mimic::run(arguments, trials);
        if let Some(mock) = mock {
            bench.runtime.block_on(mock.stop());
        }
        let stale = bench.known.lock().unwrap_or_else(PoisonError::into_inner).problems();
        for (_, problem) in &stale {
            complain(&format!("error: {problem}"));
        }
        Ok(match (conclusion.has_failed(), stale.is_empty()) {
            (true, _) => FAILED,
            (false, false) => Exit::StaleList.code(),
            (false, true) => Exit::Conformant.code(),
        })
    }
}

/// What the tests of one process share.
struct Bench {
    session: Session<HttpTransport>,
    texts: RunTexts,
    palette: Palette,
    known: Mutex<KnownFailures>,
    runtime: Arc<Runtime>,
}

impl Bench {
    fn run(&self, at: usize) -> Result<Completion, Failed> {
        let mut record = self.runtime.block_on(self.session.run(at));
        self.known.lock().unwrap_or_else(PoisonError::into_inner).apply(&mut record);
        verdict(&record, &self.texts, &self.palette)
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

fn trial(at: usize, suite: &Suite, bench: &Arc<Bench>) -> Trial {
    let planned = &bench.session.plan().cases[at];
    let name = suite.cases[planned.index].id.to_string();
    // What is skipped is known beforehand and listed as ignored: a test that is skipped while running looks like a
    // pass to some runners.
    let skipped = planned.skip.is_some();
    let bench = bench.clone();
    Trial::ignorable_test(name, move || bench.run(at)).with_ignored_flag(skipped)
}

/// What a test runner makes of a verdict. Its message is all that is seen of a failure, so it holds everything.
fn verdict(record: &CaseRecord, texts: &RunTexts, palette: &Palette) -> Result<Completion, Failed> {
    match &record.outcome {
        Verdict::Passed | Verdict::Observed => Ok(Completion::Completed),
        // A test runner has passed, failed and ignored, and a known failure is none of a pass.
        Verdict::KnownFailure { reason } => Ok(Completion::ignored_with(format!("known failure: {reason}"))),
        Verdict::Skipped { detail, .. } => Ok(Completion::ignored_with(detail.clone())),
        _ => Err(Failed::from(format!("\n{}", block(&[record], texts, palette)))),
    }
}

/// Says on standard error what keeps the tests from passing.
fn complain(text: &str) {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::faults;
    use crate::mock::seed::Seed;
    use crate::mock::server::{Mock, MockOptions};

    const LIMIT: &str = "case = \"groove/add/too-many\"";

    /// What the tests of one case end with, against a mock that accepts 101 tracks or an honest one, whose target
    /// knows of a failure.
    fn code(fault: bool, known: &str, case: &str) -> u8 {
        let runtime = Runtime::new().unwrap();
        let mut options = MockOptions::loopback(Seed::embedded().unwrap());
        if fault {
            options = options.departing(faults::find("groove-add-limit-101").unwrap().departure);
        }
        let mock = runtime.block_on(Mock::start(options)).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target.toml");
        let text = std::fs::read_to_string(root.join("targets/mock.toml")).unwrap();
        std::fs::write(&target, format!("{text}\n[[known_failure]]\n{known}\nreason = \"not enforced yet\"\n"))
            .unwrap();
        let mut arguments = Arguments::from_iter(["tests", "--exact", case]);
        arguments.logfile = Some(folder.path().join("log").display().to_string());
        let harness = Harness::new(root.join("cases")).target(&target).base_url(&mock.base_url()).repeat(2);
        harness.run(&mut arguments).unwrap()
    }

    #[test]
    fn a_known_failure_is_accepted_and_a_list_that_is_stale_is_not() {
        assert_eq!(code(true, LIMIT, "groove/add/too-many"), 0, "it fails as it is known to");
        let pinned = format!("{LIMIT}\ncheck = \"status\"\ngot = \"201\"");
        assert_eq!(code(true, &pinned, "groove/add/too-many"), FAILED, "it fails otherwise");
        assert_eq!(code(false, LIMIT, "groove/add/too-many"), FAILED, "it passes");
        let expired = format!("{LIMIT}\nexpires = \"2020-01-01\"");
        assert_eq!(code(true, &expired, "groove/add/too-many"), FAILED, "the entry has expired");
        let nothing = "case = \"groove/add/no-such-case\"";
        assert_eq!(code(false, nothing, "groove/add/too-many"), Exit::StaleList.code(), "the entry is about nothing");
    }
}

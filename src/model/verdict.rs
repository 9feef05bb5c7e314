//! What became of a case and of a clause: [`Verdict`], [`ClauseVerdict`], and the one table of [`Exit`] codes.

use serde::{Deserialize, Serialize};

/// What became of a case. The counts of all of them add up to the number selected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// Every check held.
    Passed,
    /// At least one mismatch.
    Failed,
    /// No verdict possible.
    Errored {
        /// At which stage.
        stage: Stage,
        /// The cause, in one sentence.
        detail: String,
    },
    /// Failed as the target's known failures say.
    KnownFailure {
        /// Why it is accepted.
        reason: String,
    },
    /// Passed although the target's known failures say it fails.
    UnexpectedPass {
        /// Why it was accepted.
        reason: String,
    },
    /// An observation: recorded, nothing failed.
    Observed,
    /// Not run, for a reason known beforehand.
    Skipped {
        /// Reason code.
        code: SkipCode,
        /// In one sentence.
        detail: String,
    },
    /// Could not be judged because something before it failed.
    Blocked {
        /// Id of the step that failed.
        step: String,
        /// How.
        detail: String,
    },
    /// Repetitions disagree.
    Flaky {
        /// Times it passed.
        passed: u32,
        /// Times it ran.
        runs: u32,
    },
    /// Selected and never begun (interrupted, or stopped after a failure).
    NotRun {
        /// Why.
        detail: String,
    },
}

/// Where an error happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Values could not be resolved.
    Template,
    /// Name lookup.
    Resolve,
    /// TCP.
    Connect,
    /// TLS.
    Tls,
    /// Sending the request.
    Send,
    /// No answer in time.
    Timeout,
    /// Not HTTP.
    Protocol,
    /// The connection ended before the answer did.
    Truncated,
    /// The body is larger than the cap.
    BodyTooLarge,
    /// The content coding cannot be undone.
    Decode,
    /// A redirect that leads where nobody may follow.
    Redirect,
    /// The case took longer than its deadline.
    CaseTimeout,
    /// casebook itself failed.
    Internal,
}

/// Why a case was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipCode {
    /// The target lacks a fixture.
    MissingFixture,
    /// The target has no base URL for the service.
    MissingService,
    /// Runs only with `--strict`.
    StrictOnly,
    /// The target's file says it is off.
    Disabled,
}

/// What became of a clause, computed from the checks that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClauseVerdict {
    /// A check of it failed.
    Violated,
    /// Its checks could not be judged.
    Inconclusive,
    /// Every check of it that ran held.
    Held,
    /// No check of it ran.
    NotTested,
    /// No case can test it.
    Excluded,
}

/// Exit codes of the command. The highest that applies wins, in the order of [`Exit::RANK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// Every required clause that ran held, and something ran.
    Conformant,
    /// Nonconformance.
    Nonconformant,
    /// Usage, configuration, case or clause file error.
    Usage,
    /// A known-failure list is stale.
    StaleList,
    /// Nothing proven: nothing selected, or all skipped.
    NothingProven,
    /// Target unusable: unreachable, or not credible.
    TargetUnusable,
    /// Harness error, or a report could not be written.
    Harness,
    /// Refused for safety.
    Refused,
    /// Interrupted by SIGINT.
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
}

impl Exit {
    /// Every code, in the order of the documentation.
    pub const ALL: [Exit; 10] = [
        Exit::Conformant,
        Exit::Nonconformant,
        Exit::Usage,
        Exit::StaleList,
        Exit::NothingProven,
        Exit::TargetUnusable,
        Exit::Harness,
        Exit::Refused,
        Exit::Interrupted,
        Exit::Terminated,
    ];

    /// Which wins when several apply, first to last: a run that is broken never looks like a verdict.
    pub const RANK: [Exit; 10] = [
        Exit::Interrupted,
        Exit::Terminated,
        Exit::Harness,
        Exit::Usage,
        Exit::Refused,
        Exit::TargetUnusable,
        Exit::NothingProven,
        Exit::StaleList,
        Exit::Nonconformant,
        Exit::Conformant,
    ];

    /// The process exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Conformant => 0,
            Exit::Nonconformant => 1,
            Exit::Usage => 2,
            Exit::StaleList => 3,
            Exit::NothingProven => 4,
            Exit::TargetUnusable => 5,
            Exit::Harness => 6,
            Exit::Refused => 7,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }

    /// What it means, for the README and `--help`.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Conformant => "every required clause that ran held, and something ran",
            Exit::Nonconformant => "nonconformance",
            Exit::Usage => "usage, configuration, case or clause file error",
            Exit::StaleList => "a known-failure list is stale: unexpected pass, expired, unmatched",
            Exit::NothingProven => "nothing proven: nothing selected, or all skipped",
            Exit::TargetUnusable => "target unusable: unreachable, or not credible",
            Exit::Harness => "harness error, or a report could not be written",
            Exit::Refused => "refused for safety",
            Exit::Interrupted => "interrupted; the reports of what ran are written, marked interrupted",
            Exit::Terminated => "terminated; the reports of what ran are written, marked interrupted",
        }
    }

    /// The one that wins of several.
    #[must_use]
    pub fn worst(candidates: impl IntoIterator<Item = Exit>) -> Exit {
        candidates
            .into_iter()
            .min_by_key(|exit| Self::RANK.iter().position(|each| each == exit))
            .unwrap_or(Exit::Conformant)
    }
}

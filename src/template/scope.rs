//! [`Scope`]: every name that a template may use, and its value.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::id::CaseId;
use crate::model::json::Json;
use crate::model::target::Target;

/// What every case of a run may name: `run.id`, `run.marker`, `run.seed`.
#[derive(Clone, Debug)]
pub struct RunValues {
    seed: u64,
    values: Arc<BTreeMap<&'static str, Json<'static>>>,
}

impl RunValues {
    /// The values of a run.
    #[must_use]
    pub fn new(run_id: &str, seed: u64) -> Self {
        let values = [
            ("run.id", run_id.to_owned()),
            ("run.marker", format!("casebook-{run_id}")),
            ("run.seed", seed.to_string()),
        ];
        Self { seed, values: Arc::new(values.into_iter().map(|(name, text)| (name, Json::string(text))).collect()) }
    }
}

/// The values of one case. What the target and the run provide is shared by all cases; the rest is the case's own.
#[derive(Clone, Debug)]
pub struct Scope {
    target: Arc<Target>,
    run: Option<RunValues>,
    own: BTreeMap<String, Json<'static>>,
    seed: u64,
    case: CaseId,
}

impl Scope {
    /// The scope of a case that has not begun.
    #[must_use]
    pub fn new(target: Arc<Target>, seed: u64, case: &str) -> Self {
        Self { target, run: None, own: BTreeMap::new(), seed, case: CaseId::new(case) }
    }

    /// The scope of a case of a run.
    #[must_use]
    pub fn in_run(target: Arc<Target>, run: &RunValues, case: &CaseId) -> Self {
        Self { target, run: Some(run.clone()), own: BTreeMap::new(), seed: run.seed, case: case.clone() }
    }

    /// Gives a name a value, hiding what the target may have under that name.
    pub fn set(&mut self, name: impl Into<String>, value: Json<'static>) {
        self.own.insert(name.into(), value);
    }

    /// Takes a name away.
    pub fn unset(&mut self, name: &str) {
        self.own.remove(name);
    }

    /// The value of a dotted name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json<'static>> {
        let of_run = || self.run.as_ref().and_then(|run| run.values.get(name));
        self.own.get(name).or_else(of_run).or_else(|| self.target.values.get(name))
    }

    /// Seed of random values.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Id of the case.
    #[must_use]
    pub fn case(&self) -> &str {
        self.case.as_str()
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }
}

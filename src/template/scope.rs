//! [`Scope`]: every name that a template may use, and its value.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::json::Json;
use crate::model::target::Target;

/// The values of one case. What the target provides is shared by all cases; the rest is the case's own.
#[derive(Clone, Debug)]
pub struct Scope {
    target: Arc<Target>,
    own: BTreeMap<String, Json<'static>>,
    seed: u64,
    case: Arc<str>,
}

impl Scope {
    /// The scope of a case that has not begun.
    #[must_use]
    pub fn new(target: Arc<Target>, seed: u64, case: &str) -> Self {
        Self { target, own: BTreeMap::new(), seed, case: Arc::from(case) }
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
        self.own.get(name).or_else(|| self.target.values.get(name))
    }

    /// Seed of random values.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Id of the case.
    #[must_use]
    pub fn case(&self) -> &str {
        &self.case
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }
}

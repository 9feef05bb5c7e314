//! Cases one by one, for test harnesses that bring their own scheduling: [`Session`].

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::case::Env;
use super::dispatch::{Plan, Stop};
use super::findings::Setting;
use super::pace::{Hold, Pace};
use super::repeat::repeated;
use crate::model::verdict::Verdict;
use crate::record::CaseRecord;
use crate::redact::Redactor;
use crate::transport::Transport;

/// A plan whose cases are run when somebody asks for them. Cases that share a lock never overlap.
pub struct Session<T> {
    plan: Plan,
    env: Env<T>,
    locks: HashMap<String, Arc<Mutex<()>>>,
}

impl<T: Transport> Session<T> {
    /// A session; nothing is sent yet.
    #[must_use]
    pub fn new(plan: Plan, transport: Arc<T>, redactor: Arc<Redactor>, run_id: &str) -> Self {
        let names = plan.cases.iter().flat_map(|each| plan.suite.cases[each.index].locks.iter().cloned());
        let locks = names.map(|name| (name, Arc::default())).collect();
        let setting = Setting::new(&plan, redactor, run_id, false);
        let env = Env {
            setting: Arc::new(setting),
            transport,
            pace: plan.target.limits.per_second.map(Pace::new),
            hold: plan.target.limits.retry_after.map(Hold::new),
            listener: None,
        };
        Self { plan, env, locks }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs one case of the plan, by its place in [`Plan::cases`].
    pub async fn run(&self, at: usize) -> CaseRecord {
        let planned = &self.plan.cases[at];
        let case = &self.plan.suite.cases[planned.index];
        if let Some((code, detail)) = &planned.skip {
            return self.env.unrun(case, Verdict::Skipped { code: *code, detail: detail.clone() });
        }
        let mut names: Vec<&String> = case.locks.iter().collect();
        // One order for everybody, so that two cases never wait for each other.
        names.sort_unstable();
        let mut held: Vec<OwnedMutexGuard<()>> = Vec::with_capacity(names.len());
        for name in names {
            if let Some(lock) = self.locks.get(name) {
                held.push(lock.clone().lock_owned().await);
            }
        }
        *repeated(&self.env, case, None, &Stop::default()).await.record()
    }
}

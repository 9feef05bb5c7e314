//! [`Suite`]: everything that was loaded from `cases/`.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::clause::{Choice, Clause, Document, Operation};
use super::id::{CaseId, ChoiceId, ClauseId};
use super::source::SourceRef;
use super::spec::{Case, Extra, QueryStyle};

/// A validated suite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suite {
    /// Documents by id.
    pub documents: BTreeMap<String, Document>,
    /// Clauses in the order of the documents.
    pub clauses: Vec<Clause>,
    /// Choices in the order of the documents.
    pub choices: Vec<Choice>,
    /// Documented operations.
    pub operations: Vec<Operation>,
    /// Services by id.
    pub services: BTreeMap<String, Service>,
    /// Everything that a target may provide.
    pub fixtures: Vec<Fixture>,
    /// Cases sorted by id, rows expanded.
    pub cases: Vec<Case>,
    /// Number of cases of all files: more than `cases` holds when only a part was loaded.
    pub total: usize,
    /// SHA-256 over all files (path and bytes, in order of the path), lower-case hex.
    pub hash: String,
    /// Where the cases are, if `cases` holds only outlines of them.
    pub rest: Rest,
}

/// Gives cases of which a suite holds only outlines, because all of them would fill the memory.
pub trait CaseSource: Send + Sync {
    /// The whole case at a place of [`Suite::cases`].
    ///
    /// # Errors
    /// Why it cannot be had any more, in a sentence.
    fn case(&self, index: usize) -> Result<Arc<Case>, String>;
}

/// Where whole cases are: nowhere else, unless it is set.
#[derive(Clone, Default)]
pub struct Rest(pub Option<Arc<dyn CaseSource>>);

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Rest(elsewhere)" } else { "Rest(here)" })
    }
}

impl PartialEq for Rest {
    /// Where a case is kept is no part of what it says.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A whole case.
#[derive(Clone, Debug)]
pub enum Whole<'a> {
    /// One that the suite holds.
    Held(&'a Case),
    /// One that was set aside.
    Read(Arc<Case>),
}

impl Deref for Whole<'_> {
    type Target = Case;

    fn deref(&self) -> &Case {
        match self {
            Self::Held(case) => case,
            Self::Read(case) => case,
        }
    }
}

/// Defaults of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Id, `groove`.
    pub id: String,
    /// For people.
    pub title: String,
    /// What an unlisted member means.
    pub extra: Extra,
    /// How query values are written.
    pub query_style: QueryStyle,
    /// Deadline of an exchange.
    pub timeout: Duration,
    /// Where it is written.
    pub source: SourceRef,
}

/// Kind of a [`Fixture`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixtureKind {
    /// A string.
    Text,
    /// A list of strings.
    List,
    /// A string that must never be shown.
    Secret,
    /// True when the target has or does it.
    Flag,
    /// An auth scheme.
    Auth,
}

/// Something that a target may provide.
#[derive(Clone, Debug, PartialEq)]
pub struct Fixture {
    /// Dotted name.
    pub name: String,
    /// Its kind.
    pub kind: FixtureKind,
    /// What it must be.
    pub text: String,
    /// An example value.
    pub example: Option<String>,
    /// Where it is written.
    pub source: SourceRef,
}

impl Suite {
    /// The whole case at a place of `cases`.
    ///
    /// # Errors
    /// When it is no longer what was loaded.
    pub fn whole(&self, index: usize) -> Result<Whole<'_>, String> {
        match &self.rest.0 {
            None => Ok(Whole::Held(&self.cases[index])),
            Some(source) => source.case(index).map(Whole::Read),
        }
    }

    /// The clause of that id.
    #[must_use]
    pub fn clause(&self, id: &ClauseId) -> Option<&Clause> {
        self.clauses.iter().find(|each| &each.id == id)
    }

    /// The choice of that id.
    #[must_use]
    pub fn choice(&self, id: &ChoiceId) -> Option<&Choice> {
        self.choices.iter().find(|each| &each.id == id)
    }

    /// The case of that id.
    #[must_use]
    pub fn case(&self, id: &CaseId) -> Option<&Case> {
        self.cases.binary_search_by(|each| each.id.cmp(id)).ok().map(|index| &self.cases[index])
    }
}

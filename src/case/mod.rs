//! TOML text of case, clause and service files to the validated model: [`read`] gives a [`Suite`] or every error of every file.
//!
//! Files are read in three passes, so that the middle one, which is nearly all of the work, can run in parallel:
//! [`Shared::read`] (clauses and services), [`read_cases`] (each file of cases alone), [`finish`] (what only all files
//! together show). [`read`] does them in order.

mod capture;
mod cases;
mod context;
pub(crate) mod diagnostic;
mod documents;
mod expect;
pub(crate) mod fields;
mod json;
mod outline;
mod pattern;
pub(crate) mod reader;
mod request;
pub mod schema;
mod scope;
mod service;
mod step;
pub mod template;
mod toml10;
mod xml;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

pub use cases::FileCases;
pub use context::Assets;
pub use diagnostic::{Diagnostic, SHOWN, Severity, render, sort};
pub use outline::Outlines;
pub use schema::reference;

pub(crate) use diagnostic::suggestion;

use crate::model::clause::{Choice, Clause, Document, Operation};
use crate::model::id::ClauseId;
use crate::model::suite::{Fixture, Rest, Service, Suite};
use crate::model::template::JsonTemplate;
use reader::{File, Node};

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path for people, `/` separated.
    pub path: Arc<str>,
    /// Its text.
    pub text: String,
}

impl SourceFile {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it holds cases, and is no file of clauses and no service file.
    #[must_use]
    pub fn has_cases(&self) -> bool {
        !matches!(self.name(), "clauses.toml" | "service.toml")
    }
}

/// A service with the defaults that are merged into its requests.
#[derive(Debug)]
struct Defaults {
    service: Service,
    headers: Vec<(String, JsonTemplate)>,
    mentions: Vec<scope::Mention>,
}

/// What all files of cases share: clauses, choices, services, fixtures, shared steps and expectations.
#[derive(Debug, Default)]
pub struct Shared {
    documents: BTreeMap<String, Document>,
    clauses: Vec<Clause>,
    clause_spans: Vec<Range<usize>>,
    clause_index: HashMap<ClauseId, usize>,
    cited: Vec<AtomicBool>,
    choices: Vec<Choice>,
    operations: Vec<Operation>,
    services: BTreeMap<String, Defaults>,
    fixtures: Vec<Fixture>,
    fixture_index: HashMap<String, usize>,
    steps: BTreeMap<String, step::PartialStep>,
    expects: BTreeMap<String, expect::PartialExpect>,
    /// Expressions and paths that were compiled, and what is wrong with them.
    compiled: Mutex<HashMap<(bool, String), Option<String>>>,
    /// These very files were checked before: what takes long to check is not checked again.
    trusted: bool,
}

impl Shared {
    /// First pass: the files of clauses and services. `trusted` files were checked before, byte for byte: their
    /// expressions and paths are not compiled once more.
    pub fn read(files: &[SourceFile], assets: &Assets<'_>, trusted: bool) -> (Self, Vec<Diagnostic>) {
        let mut shared = Self { trusted, ..Self::default() };
        let open: Vec<_> = files.iter().filter(|each| !each.has_cases()).map(|each| (each, File::new(each))).collect();
        let parsed: Vec<_> = open.iter().map(|(source, file)| (*source, file, file.parse(trusted))).collect();
        let roots: Vec<_> = parsed
            .iter()
            .filter_map(|(source, file, table)| {
                let table = table.as_ref()?;
                Some((source.name() == "service.toml", *file, Node::new(table.get_ref(), table.span())))
            })
            .collect();
        for (service, file, root) in &roots {
            if *service {
                service::declare(file, root, &mut shared);
            } else {
                documents::read(file, root, &mut shared);
            }
        }
        shared.cited = shared.clauses.iter().map(|_| AtomicBool::new(false)).collect();
        for expects_only in [true, false] {
            for (_, file, root) in roots.iter().filter(|(service, ..)| *service) {
                let parts = service::share(file, root, &shared, assets, expects_only);
                service::add(&mut shared, parts);
            }
        }
        for (_, file, root) in roots.iter().filter(|(service, ..)| !*service) {
            documents::references(file, root, &shared);
        }
        drop(roots);
        drop(parsed);
        let found = open.into_iter().flat_map(|(_, file)| file.finish()).collect();
        (shared, found)
    }

    /// Notes that clauses have a case.
    fn mark(&self, cited: &[usize]) {
        for index in cited {
            self.cited[*index].store(true, Ordering::Relaxed);
        }
    }

    /// Compiles a regular expression, once for all files.
    fn check_regex(&self, text: &str) -> Result<(), String> {
        self.compile(true, text, || match regex::Regex::new(text) {
            Ok(_) => None,
            Err(error) => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                Some(format!("not a regular expression: {}", last.strip_prefix("error: ").unwrap_or(last)))
            }
        })
    }

    /// Compiles a JSONPath, once for all files.
    fn check_path(&self, text: &str) -> Result<(), String> {
        self.compile(false, text, || serde_json_path::JsonPath::parse(text).err().map(|error| error.to_string()))
    }

    fn compile(&self, regex: bool, text: &str, compile: impl FnOnce() -> Option<String>) -> Result<(), String> {
        if self.trusted {
            return Ok(());
        }
        let key = (regex, text.to_owned());
        // A thread that panicked while it held the lock has left the map whole.
        if let Some(known) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone().map_or(Ok(()), Err);
        }
        let wrong = compile();
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(key, wrong.clone());
        wrong.map_or(Ok(()), Err)
    }
}

/// Second pass: one file of cases. Files are independent of each other.
pub fn read_cases(source: &SourceFile, shared: &Shared, assets: &Assets<'_>) -> FileCases {
    let file = File::new(source);
    let table = file.parse(shared.trusted);
    let mut out = match &table {
        Some(table) => cases::read(&file, &Node::new(table.get_ref(), table.span()), shared, assets),
        None => FileCases::default(),
    };
    drop(table);
    out.found = file.finish();
    out
}

/// Third pass: what only all files together show. `files` and `read` are in the same order.
///
/// # Errors
/// Everything that any pass found, sorted by file and line.
pub fn finish(
    shared: Shared,
    files: &[SourceFile],
    mut read: Vec<(usize, FileCases)>,
    mut found: Vec<Diagnostic>,
    hash: String,
    whole: bool,
) -> Result<Suite, Vec<Diagnostic>> {
    let total: usize = read.iter().map(|(_, file)| file.cases.len()).sum();
    // One file's cases are not moved: they may be outlines of all cases of a large suite.
    let mut cases = match read.first_mut() {
        Some((_, only)) if only.cases.len() == total => std::mem::take(&mut only.cases),
        _ => Vec::with_capacity(total),
    };
    let mut places = Vec::with_capacity(total);
    for (index, mut file) in read {
        found.append(&mut file.found);
        places.extend(file.spans.into_iter().map(|span| (index, span)));
        cases.append(&mut file.cases);
    }
    let mut ids: HashMap<&str, usize> = HashMap::with_capacity(total);
    for (index, case) in cases.iter().enumerate() {
        for (alias, id) in
            std::iter::once((false, case.id.as_str())).chain(case.aliases.iter().map(|id| (true, id.as_str())))
        {
            let Some(other) = ids.insert(id, index) else { continue };
            let (file, span) = &places[index];
            let place = &cases[other].source;
            let what = if alias { "alias" } else { "case" };
            found.push(
                Diagnostic::error(
                    &files[*file].path,
                    &files[*file].text,
                    span.clone(),
                    format!("{what} `{id}` exists already"),
                )
                .help(format!("it is also at {}:{}", place.file, place.line)),
            );
        }
    }
    let texts: HashMap<&str, &str> =
        files.iter().filter(|each| !each.has_cases()).map(|each| (&*each.path, each.text.as_str())).collect();
    // When a file could not be read, or was left out, clauses would be reported whose cases stand in it.
    if found.is_empty() && whole {
        for ((clause, span), cited) in shared.clauses.iter().zip(&shared.clause_spans).zip(&shared.cited) {
            if clause.excluded.is_none() && !cited.load(Ordering::Relaxed) {
                let text = texts.get(&*clause.source.file).copied().unwrap_or_default();
                found.push(
                    Diagnostic::error(
                        &clause.source.file,
                        text,
                        span.clone(),
                        format!("clause `{}` has no case", clause.id),
                    )
                    .help("cite it in a case, or say in `excluded` why no case can test it"),
                );
            }
        }
    }
    if found.iter().any(|each| each.severity == Severity::Error) {
        sort(&mut found);
        return Err(found);
    }
    // Ids differ from each other, and a stable sort would need half of the memory once more.
    cases.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(Suite {
        documents: shared.documents,
        clauses: shared.clauses,
        choices: shared.choices,
        operations: shared.operations,
        services: shared.services.into_iter().map(|(id, each)| (id, each.service)).collect(),
        fixtures: shared.fixtures,
        cases,
        total,
        hash,
        rest: Rest::default(),
    })
}

/// Reads all files of a suite. `assets` reads a file by its path inside the directory of the cases.
///
/// # Errors
/// Every error of every file, sorted by file and line.
pub fn read(files: &[SourceFile], assets: &Assets<'_>) -> Result<Suite, Vec<Diagnostic>> {
    let (shared, found) = Shared::read(files, assets, false);
    let read = files
        .iter()
        .enumerate()
        .filter(|(_, file)| file.has_cases())
        .map(|(index, file)| (index, read_cases(file, &shared, assets)))
        .collect();
    finish(shared, files, read, found, hash(files.iter().map(|file| (&*file.path, file.text.as_bytes()))), true)
}

/// SHA-256 over paths and contents, in order of the path; lower-case hex. Lengths keep the two apart.
pub fn hash<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut sorted: Vec<_> = files.collect();
    sorted.sort_unstable();
    let mut hasher = SuiteHash::default();
    sorted.into_iter().for_each(|(path, bytes)| hasher.add(path, bytes));
    hasher.finish()
}

/// As [`hash`], file by file.
#[derive(Default)]
pub struct SuiteHash(Sha256);

impl SuiteHash {
    /// Adds a file. Files are added in order of their paths.
    pub fn add(&mut self, path: &str, bytes: &[u8]) {
        self.0.update((path.len() as u64).to_be_bytes());
        self.0.update(path.as_bytes());
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// Lower-case hex.
    #[must_use]
    pub fn finish(self) -> String {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let digest = self.0.finalize();
        digest
            .iter()
            .flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]])
            .map(char::from)
            .collect()
    }
}

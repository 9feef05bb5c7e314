//! Large suites: [`outlined`] keeps of each case what a run has to know beforehand, and sets the rest aside until its turn
//! comes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::LARGEST;
use super::aside::{Packed, Place, Spool};
use super::disk::{Tree, asset, parallel, read_into, text};
use crate::case::{self, Shared, SourceFile};
use crate::model::id::CaseId;
use crate::model::suite::{Rest, Suite};

/// Size in bytes from which the cases of a suite are not kept in memory while it runs. Kept, they take some ten times it.
pub(super) const LARGE: u64 = 5 << 20;

/// `None` when the suite is not large, or when anything is wrong with it, which is for [`part`] to tell, or when there is
/// no room to set its cases `aside`. Otherwise whoever wants outlines only gets no more.
pub(super) fn outlined(tree: &Tree, large: u64, aside: bool) -> Option<Suite> {
    let Tree { root, shown, files, .. } = tree;
    let size: u64 = files.iter().filter_map(|(_, path)| Some(fs::metadata(path).ok()?.len())).sum();
    if size < large || !tree.found.is_empty() {
        return None;
    }
    let shown = shown.trim_end_matches('/');
    let (mut common, mut at_common) = (Vec::new(), Vec::new());
    let mut kept = Vec::new();
    for (index, (relative, path)) in files.iter().enumerate() {
        let mut source = SourceFile { path: Arc::from(format!("{shown}/{relative}")), text: String::new() };
        if source.has_cases() {
            kept.push(Kept { index, file: source.path, path: path.clone(), hash: 0 });
        } else {
            source.text = text(path).ok()?;
            common.push(source);
            at_common.push(index);
        }
    }
    let used: Mutex<BTreeMap<String, Result<Vec<u8>, String>>> = Mutex::default();
    let assets = |path: &str| {
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        used.entry(path.to_owned()).or_insert_with(|| asset(root, path)).clone()
    };
    let (shared, wrong) = Shared::read(&common, &assets, false);
    if !wrong.is_empty() {
        return None;
    }
    let outlines: Mutex<case::Outlines> = Mutex::default();
    // All of them in one place from the beginning: moving them together later would need the memory twice.
    let all: Mutex<case::FileCases> = Mutex::default();
    let waiting = at_common.into_iter().zip(&common).map(|(at, source)| (at, Cow::Borrowed(&*source.text))).collect();
    let hashing = Mutex::new(Hashing { files, hash: case::SuiteHash::default(), done: 0, waiting });
    let spool = Mutex::new(if aside { Some(Spool::new().ok()?) } else { None });
    let read = parallel(kept.len(), true, |at| {
        let text = text(&kept[at].path).ok()?;
        let hash = quick_hash(text.as_bytes());
        let source = SourceFile { path: Arc::clone(&kept[at].file), text };
        let mut cases = case::read_cases(&source, &shared, &assets);
        if !cases.is_sound() {
            return None;
        }
        let mut places = Vec::new();
        if aside {
            let packed = Packed::of(cases.cases()).ok()?;
            places = spool.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.add(packed).ok()?;
        }
        outlines.lock().unwrap_or_else(PoisonError::into_inner).reduce(&mut cases);
        let ids: Vec<CaseId> = if aside { cases.ids().cloned().collect() } else { Vec::new() };
        all.lock().unwrap_or_else(PoisonError::into_inner).append(cases);
        hashing.lock().unwrap_or_else(PoisonError::into_inner).add(kept[at].index, source.text);
        Some((hash, ids.into_iter().zip(places)))
    });
    let mut places = Vec::new();
    for (at, each) in read.into_iter().enumerate() {
        let (hash, found) = each?;
        kept[at].hash = hash;
        places.extend(found);
    }
    // Nothing is wrong, so that no file's text is asked for.
    let cases = vec![(0, all.into_inner().unwrap_or_else(PoisonError::into_inner))];
    places.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let places: Vec<Place> = places.into_iter().map(|(_, place)| place).collect();
    let used = used.into_inner().unwrap_or_else(PoisonError::into_inner);
    let hash = if used.is_empty() {
        hashing.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?
    } else {
        hash_again(files, &kept, &common, &used)?
    };
    let suite = case::finish(shared, &common, cases, Vec::new(), hash, true).ok()?;
    let spool = spool.into_inner().unwrap_or_else(PoisonError::into_inner);
    Some(Suite { rest: Rest(spool.map(|spool| Arc::new(spool.finish(places)) as _)), ..suite })
}

/// The hash of a suite, made in the order of its files while they are read in nearly that order.
struct Hashing<'a> {
    files: &'a [(String, PathBuf)],
    hash: case::SuiteHash,
    /// How many files are in it.
    done: usize,
    /// Texts of files whose turn has not come.
    waiting: BTreeMap<usize, Cow<'a, str>>,
}

impl Hashing<'_> {
    /// A file was read.
    fn add(&mut self, index: usize, text: String) {
        self.waiting.insert(index, Cow::Owned(text));
        self.catch_up();
    }

    fn catch_up(&mut self) {
        while let Some(text) = self.waiting.remove(&self.done) {
            self.hash.add(&self.files[self.done].0, text.as_bytes());
            self.done += 1;
        }
    }

    /// `None` unless every file was read.
    fn finish(mut self) -> Option<String> {
        self.catch_up();
        (self.done == self.files.len()).then(|| self.hash.finish())
    }
}

/// The hash of a suite that names body files, which enter it in the order of all paths and are known only now: its files
/// are read once more; `None` when one is no longer what it was.
fn hash_again(
    files: &[(String, PathBuf)],
    kept: &[Kept],
    common: &[SourceFile],
    bodies: &BTreeMap<String, Result<Vec<u8>, String>>,
) -> Option<String> {
    let mut kept = kept.iter().peekable();
    let mut common = common.iter();
    let mut bodies = bodies.iter().filter_map(|(path, bytes)| Some((path.as_str(), bytes.as_deref().ok()?))).peekable();
    let mut hash = case::SuiteHash::default();
    let mut buffer = Vec::new();
    for (index, (relative, path)) in files.iter().enumerate() {
        // In order of the path, as they are sorted all.
        while let Some((path, bytes)) = bodies.next_if(|(path, _)| *path < relative.as_str()) {
            hash.add(path, bytes);
        }
        match kept.next_if(|each| each.index == index) {
            Some(each) => {
                read_into(path, LARGEST, &mut buffer).ok()?;
                if quick_hash(&buffer) != each.hash {
                    return None;
                }
                hash.add(relative, &buffer);
            }
            None => hash.add(relative, common.next()?.text.as_bytes()),
        }
    }
    bodies.for_each(|(path, bytes)| hash.add(path, bytes));
    Some(hash.finish())
}

/// Tells a file from what it was a moment ago.
fn quick_hash(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// A file whose cases are not kept.
struct Kept {
    /// Its place among all files.
    index: usize,
    /// For people.
    file: Arc<str>,
    path: PathBuf,
    hash: u64,
}

//! Files below the directory of the cases: [`Tree`] finds them, and what is read is capped and stays inside.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{LARGEST, LARGEST_ASSET, LoadError, display, nowhere};
use crate::case::Diagnostic;

/// Results of a function of 0 … count-1, in this order, computed by as many threads as there are processors if there is
/// `much` to do.
pub(super) fn parallel<T: Send>(count: usize, much: bool, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    // Asking for the number of processors takes longer than reading a file.
    let workers =
        if count > 1 && much { std::thread::available_parallelism().map_or(1, usize::from).min(count) } else { 1 };
    if workers <= 1 {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let one = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return done;
            }
            done.push((index, work(index)));
        }
    };
    let mut all: Vec<(usize, T)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..workers).map(|_| scope.spawn(one)).collect();
        // This thread would only wait.
        let mut all = one();
        for thread in threads {
            all.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, value)| value).collect()
}

/// The files below a directory of cases.
pub(super) struct Tree {
    /// Where it really is.
    pub(super) root: PathBuf,
    /// The directory for people.
    pub(super) shown: String,
    /// Path below the root, and where it is, sorted.
    pub(super) files: Vec<(String, PathBuf)>,
    /// What is wrong with the directory.
    pub(super) found: Vec<Diagnostic>,
}

impl Tree {
    /// Walks through a directory.
    pub(super) fn of(dir: &Path) -> Result<Self, LoadError> {
        let shown = display(dir);
        let root = fs::canonicalize(dir).map_err(|error| LoadError::of(&shown, format!("cannot be read: {error}")))?;
        if !root.is_dir() {
            return Err(LoadError::of(&shown, "is not a directory"));
        }
        let mut walk = Walk { root: &root, files: Vec::new(), found: Vec::new() };
        walk.directory(dir, "", &mut vec![root.clone()]);
        let Walk { mut files, found, .. } = walk;
        files.sort();
        if files.is_empty() && found.is_empty() {
            return Err(LoadError::of(&shown, "holds no .toml file"));
        }
        Ok(Self { root, shown, files, found })
    }
}

/// Collects the files below a directory.
struct Walk<'a> {
    root: &'a Path,
    files: Vec<(String, PathBuf)>,
    found: Vec<Diagnostic>,
}

impl Walk<'_> {
    fn error(&mut self, path: &Path, message: String) {
        self.found.push(nowhere(&Arc::from(display(path)), message));
    }

    /// `above` are the directories that lead here, links resolved.
    fn directory(&mut self, dir: &Path, relative: &str, above: &mut Vec<PathBuf>) {
        let entries = match fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => return self.error(dir, format!("cannot be read: {error}")),
        };
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                if path.extension().is_some_and(|extension| extension == "toml") {
                    self.error(&path, "has a name that is not UTF-8".to_owned());
                }
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let below = if relative.is_empty() { name.to_owned() } else { format!("{relative}/{name}") };
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) => {
                    self.error(&path, format!("cannot be read: {error}"));
                    continue;
                }
            };
            let (directory, real) = if kind.is_symlink() {
                match self.link(&path, name) {
                    Some(found) => found,
                    None => continue,
                }
            } else {
                (kind.is_dir(), None)
            };
            if directory {
                let real = real.unwrap_or_else(|| above.last().map_or_else(PathBuf::new, |last| last.join(name)));
                if above.contains(&real) {
                    self.error(&path, "is a symbolic link to a directory that it is in".to_owned());
                    continue;
                }
                above.push(real);
                self.directory(&path, &below, above);
                above.pop();
            } else if name.ends_with(".toml") {
                self.files.push((below, path));
            }
        }
    }

    /// Where a symbolic link leads: whether to a directory, and which.
    fn link(&mut self, path: &Path, name: &str) -> Option<(bool, Option<PathBuf>)> {
        match fs::canonicalize(path) {
            Ok(real) if !real.starts_with(self.root) => {
                if real.is_dir() || name.ends_with(".toml") {
                    self.error(path, "is a symbolic link that leads out of the directory of the cases".to_owned());
                }
                None
            }
            Ok(real) => Some((real.is_dir(), Some(real))),
            Err(error) => {
                self.error(path, format!("is a symbolic link that leads nowhere: {error}"));
                None
            }
        }
    }
}

/// The text of a file, or why it cannot be had.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let bytes = bytes(path, LARGEST)?;
    String::from_utf8(bytes)
        .map_err(|error| format!("is not UTF-8: invalid byte at offset {}", error.utf8_error().valid_up_to()))
}

/// The bytes of a regular file that is not too large.
pub(super) fn bytes(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    read_into(path, largest, &mut bytes)?;
    Ok(bytes)
}

/// As [`bytes`], into a buffer.
pub(super) fn read_into(path: &Path, largest: u64, buffer: &mut Vec<u8>) -> Result<(), String> {
    use std::io::Read as _;
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    // Opening what is no file could wait for ever, so it is looked at first.
    let metadata = fs::metadata(path).map_err(cannot)?;
    if !metadata.is_file() {
        return Err("is not a regular file".to_owned());
    }
    if metadata.len() > largest {
        return Err(format!("is too large: {} bytes, and at most {largest} are read", metadata.len()));
    }
    buffer.clear();
    buffer.reserve(metadata.len() as usize + 1);
    fs::File::open(path).map_err(cannot)?.take(largest + 1).read_to_end(buffer).map_err(cannot)?;
    if buffer.len() as u64 > largest {
        return Err(format!("is too large: at most {largest} bytes are read"));
    }
    Ok(())
}

/// A body file: a relative path that stays inside of the directory.
pub(super) fn asset(root: &Path, path: &str) -> Result<Vec<u8>, String> {
    let real = fs::canonicalize(root.join(path)).map_err(|error| error.to_string())?;
    if !real.starts_with(root) {
        return Err("it lies outside of the directory of the cases".to_owned());
    }
    bytes(&real, LARGEST_ASSET)
}

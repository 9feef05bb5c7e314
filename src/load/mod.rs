//! Reads case and target files from disk: [`suite`] and [`target`]. What the files mean is for [`crate::case`] and
//! [`crate::target`] to say.

mod aside;
mod disk;
mod large;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::case::{self, Diagnostic, Shared, SourceFile};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::target::{Origin, SecretSource};
use disk::{Tree, asset, parallel, read_into, text};
use large::{LARGE, outlined};

/// Largest TOML file that is read, in bytes.
pub const LARGEST: u64 = 8 << 20;

/// Largest body file that is read, in bytes.
pub const LARGEST_ASSET: u64 = 64 << 20;

/// So many bytes of clauses and services are taken apart sooner than a thread begins.
const ALONE: usize = 8 << 10;

/// So many files are read sooner than a thread begins.
const FEW: usize = 8;

/// The same of cases, which take longer to take apart.
fn long(sources: &[SourceFile]) -> bool {
    sources.iter().map(|source| source.text.len()).sum::<usize>() >= ALONE
}

/// Files that could not be loaded: everything that is wrong with them.
#[derive(Clone, Debug)]
pub struct LoadError {
    /// Everything that is wrong, sorted by file and line.
    pub diagnostics: Vec<Diagnostic>,
    /// The same for people, without colour.
    pub rendered: String,
    sources: Vec<SourceFile>,
}

impl LoadError {
    fn new(mut diagnostics: Vec<Diagnostic>, mut sources: Vec<SourceFile>) -> Self {
        case::sort(&mut diagnostics);
        let named: BTreeSet<&str> = diagnostics.iter().map(|each| &*each.file).collect();
        sources.retain(|source| named.contains(&*source.path));
        let rendered = case::render(&diagnostics, &sources, false);
        Self { diagnostics, rendered, sources }
    }

    fn of(path: &str, message: impl Into<String>) -> Self {
        Self::new(vec![nowhere(&Arc::from(path), message)], Vec::new())
    }

    /// The same for people, with colour if asked for.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        if colour { case::render(&self.diagnostics, &self.sources, true) } else { self.rendered.clone() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rendered.trim_end())
    }
}

impl std::error::Error for LoadError {}

/// Something that is wrong with a file as a whole.
fn nowhere(path: &Arc<str>, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(path, "", 0..0, message)
}

/// Files that were found to be without errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// As [`Suite::hash`].
    pub hash: String,
    /// How many cases they hold.
    pub cases: usize,
}

impl Checked {
    /// The line of a list of checks that says so.
    #[must_use]
    pub fn of(suite: &Suite) -> String {
        format!("# suite {} {}\n", suite.hash, suite.total)
    }

    /// What such a line says, from a text that begins with comments.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let line =
            text.lines().take_while(|line| line.starts_with('#')).find_map(|line| line.strip_prefix("# suite "))?;
        let (hash, cases) = line.split_once(' ')?;
        Some(Self { hash: hash.to_owned(), cases: cases.parse().ok()? })
    }
}

/// Whether a file of cases can hold one that a pattern selects. Only reads lines; true when in doubt.
fn can_hold(text: &str, patterns: &[String]) -> bool {
    let value = |line: &'_ str, key: &str| {
        let rest = line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let mut lines = Lines { text, from: 0 };
    // The suite's name stands above its cases.
    let Some(suite) = lines.find_map(|line| value(line, "suite")) else { return true };
    let (mut cases, mut ids) = (0_usize, 0_usize);
    for line in (Lines { text, from: 0 }) {
        match line.as_bytes()[0] {
            b'a' if line.starts_with("aliases") => return true,
            b'[' if line.trim_end() == "[[case]]" => cases += 1,
            b'i' => {
                let Some(id) = value(line, "id") else { continue };
                ids += 1;
                let full = format!("{suite}/{id}");
                if patterns.iter().any(|pattern| can_select(pattern, &full)) {
                    return true;
                }
            }
            _ => {}
        }
    }
    // Each case has an id on a line of its own, as people write it; what is written otherwise is read.
    cases == 0 || ids < cases
}

/// Whether a pattern can select a case whose id begins like this.
fn can_select(pattern: &str, id: &str) -> bool {
    let literal = &pattern[..pattern.find(['*', '?', '[']).unwrap_or(pattern.len())];
    if pattern.contains(['*', '?']) { id.starts_with(literal) || literal.starts_with(id) } else { id.contains(literal) }
}

/// Lines that are not empty, without white space before them.
struct Lines<'a> {
    text: &'a str,
    from: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let rest = self.text.get(self.from..).filter(|rest| !rest.is_empty())?;
            let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            self.from += end + 1;
            let line = rest[..end].trim_ascii_start();
            if !line.is_empty() {
                return Some(line);
            }
        }
    }
}

/// Reads every `*.toml` file below a directory.
///
/// Hidden files are skipped. A symbolic link is followed as long as it stays inside of the directory.
///
/// # Errors
/// Everything that is wrong with any file.
pub fn suite(dir: &Path) -> Result<Suite, LoadError> {
    part(dir, &[], None)
}

/// Reads the files that can hold a case which one of `patterns` selects, provided that all files together are the
/// ones that were checked: then the others need no second look. Otherwise, and without patterns, everything is read.
///
/// # Errors
/// Everything that is wrong with any file that is read.
pub fn part(dir: &Path, patterns: &[String], checked: Option<&Checked>) -> Result<Suite, LoadError> {
    part_of(Tree::of(dir)?, patterns, checked)
}

fn part_of(tree: Tree, patterns: &[String], checked: Option<&Checked>) -> Result<Suite, LoadError> {
    let Tree { root, shown, files, mut found } = tree;
    let named = |index: usize| -> Arc<str> { Arc::from(format!("{}/{}", shown.trim_end_matches('/'), files[index].0)) };
    if let Some(checked) = checked.filter(|_| !patterns.is_empty() && found.is_empty())
        && let Some(suite) = part_of_checked(&files, &named, patterns, checked)
    {
        return suite;
    }
    let texts = parallel(files.len(), files.len() > FEW, |index| {
        let file = named(index);
        match text(&files[index].1) {
            Ok(text) => Ok(SourceFile { path: file, text }),
            Err(message) => Err(nowhere(&file, message)),
        }
    });
    let mut sources = Vec::with_capacity(texts.len());
    let mut relative = Vec::with_capacity(texts.len());
    for (each, (path, _)) in texts.into_iter().zip(&files) {
        match each {
            Ok(source) => {
                sources.push(source);
                relative.push(path.as_str());
            }
            Err(error) => found.push(error),
        }
    }
    let used: Mutex<BTreeMap<String, Result<Vec<u8>, String>>> = Mutex::default();
    let assets = |path: &str| {
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        used.entry(path.to_owned()).or_insert_with(|| asset(&root, path)).clone()
    };
    let (shared, mut wrong) = Shared::read(&sources, &assets, false);
    found.append(&mut wrong);
    let with_cases: Vec<_> = (0..sources.len()).filter(|index| sources[*index].has_cases()).collect();
    let read = parallel(with_cases.len(), long(&sources), |index| {
        let index = with_cases[index];
        (index, case::read_cases(&sources[index], &shared, &assets))
    });
    let used = used.into_inner().unwrap_or_else(PoisonError::into_inner);
    let hashed = relative.iter().zip(&sources).map(|(path, source)| (*path, source.text.as_bytes()));
    let bodies = used.iter().filter_map(|(path, bytes)| Some((path.as_str(), bytes.as_deref().ok()?)));
    let hash = case::hash(hashed.chain(bodies));
    case::finish(shared, &sources, read, found, hash, true).map_err(|found| LoadError::new(found, sources))
}

/// Reads the files that can hold a selected case. The others are read into the hash only and not kept: that alone is
/// less work than taking them apart. `None` when the files are not the checked ones, or name body files, which enter
/// the hash once the cases that name them are read.
fn part_of_checked(
    files: &[(String, PathBuf)],
    named: &(impl Fn(usize) -> Arc<str> + Sync),
    patterns: &[String],
    checked: &Checked,
) -> Option<Result<Suite, LoadError>> {
    let no_assets = |_: &str| Err("it was not checked".to_owned());
    let mut common = Vec::new();
    for (index, (_, path)) in files.iter().enumerate() {
        let mut source = SourceFile { path: named(index), text: String::new() };
        if !source.has_cases() {
            source.text = text(path).ok()?;
            common.push(source);
        }
    }
    // What all cases share is taken apart while the files of cases are read, if it is more than a thread costs.
    let length: usize = common.iter().map(|source| source.text.len()).sum();
    let (read, hashed) = std::thread::scope(|scope| {
        if length < ALONE {
            return (Shared::read(&common, &no_assets, true), hash_and_keep(files, named, patterns, &common));
        }
        let shared = scope.spawn(|| Shared::read(&common, &no_assets, true));
        let hashed = hash_and_keep(files, named, patterns, &common);
        (shared.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), hashed)
    });
    let (hash, mut sources) = hashed?;
    if hash != checked.hash {
        return None;
    }
    let (shared, found) = read;
    let read = parallel(sources.len(), long(&sources), |index| {
        (index, case::read_cases(&sources[index], &shared, &no_assets))
    });
    sources.append(&mut common);
    let suite = case::finish(shared, &sources, read, found, hash, false);
    Some(match suite {
        Ok(suite) => Ok(Suite { total: checked.cases, ..suite }),
        Err(found) => Err(LoadError::new(found, sources)),
    })
}

/// As [`part`], for a run: of a large suite only outlines of cases are kept, and whole cases are set aside on the disk
/// until their turn comes ([`Suite::whole`]). Loading is stricter for it in nothing.
///
/// # Errors
/// As [`part`].
pub fn for_run(dir: &Path, patterns: &[String], checked: Option<&Checked>) -> Result<Suite, LoadError> {
    large_or_part(dir, patterns, checked, true)
}

/// As [`part`], for whoever only asks whether anything is wrong: of a large suite there are only outlines.
///
/// # Errors
/// As [`part`].
pub fn for_check(dir: &Path, patterns: &[String], checked: Option<&Checked>) -> Result<Suite, LoadError> {
    large_or_part(dir, patterns, checked, false)
}

fn large_or_part(dir: &Path, patterns: &[String], checked: Option<&Checked>, aside: bool) -> Result<Suite, LoadError> {
    let tree = Tree::of(dir)?;
    // Of checked files only those are read that hold something selected.
    match if checked.is_none() { outlined(&tree, LARGE, aside) } else { None } {
        Some(suite) => Ok(suite),
        None => part_of(tree, patterns, checked),
    }
}

/// The hash of all files, and those of cases that can hold a selected one.
fn hash_and_keep(
    files: &[(String, PathBuf)],
    named: &impl Fn(usize) -> Arc<str>,
    patterns: &[String],
    common: &[SourceFile],
) -> Option<(String, Vec<SourceFile>)> {
    let bodies = memchr::memmem::Finder::new("file = ");
    let mut hash = case::SuiteHash::default();
    let mut kept = Vec::new();
    let mut buffer = Vec::new();
    for (index, (relative, path)) in files.iter().enumerate() {
        let name = named(index);
        let bytes = match common.iter().find(|source| source.path == name) {
            Some(source) => source.text.as_bytes(),
            None => {
                read_into(path, LARGEST, &mut buffer).ok()?;
                let text = std::str::from_utf8(&buffer).ok()?;
                if can_hold(text, patterns) {
                    kept.push(SourceFile { path: name, text: text.to_owned() });
                }
                &buffer
            }
        };
        if bodies.find(bytes).is_some() {
            return None;
        }
        hash.add(relative, bytes);
    }
    Some((hash.finish(), kept))
}

/// A path for people.
fn display(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Reads a target file and its secrets: from the environment that `env` reads, or from files beside it.
///
/// # Errors
/// Everything that is wrong with the file, and every secret that cannot be had.
pub fn target(path: &Path, suite: &Suite, env: &dyn Fn(&str) -> Option<String>) -> Result<Target, LoadError> {
    let shown = display(path);
    let text = text(path).map_err(|message| LoadError::of(&shown, message))?;
    target_text(&shown, text, path.parent().unwrap_or(Path::new("")), suite, env)
}

/// The profile of the embedded mock.
///
/// # Errors
/// As [`target`]; with the suite that comes with casebook there are none.
pub fn mock_target(suite: &Suite, env: &dyn Fn(&str) -> Option<String>) -> Result<Target, LoadError> {
    let text = include_str!("../../targets/mock.toml").to_owned();
    target_text("targets/mock.toml", text, Path::new("targets"), suite, env)
}

/// A target file as its errors may show it.
fn masked(source: SourceFile) -> SourceFile {
    SourceFile { text: crate::target::masked(&source.text), ..source }
}

fn target_text(
    shown: &str,
    text: String,
    parent: &Path,
    suite: &Suite,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Target, LoadError> {
    let shown: Arc<str> = Arc::from(shown);
    let source = SourceFile { path: Arc::clone(&shown), text };
    let file = match crate::target::read(&shown, &source.text, suite) {
        Ok(file) => file,
        Err(found) => return Err(LoadError::new(found, vec![masked(source)])),
    };
    let read = |origin: &Origin| match &origin.source {
        SecretSource::Value(value) => Ok(value.clone()),
        SecretSource::Env(name) => match env(name) {
            Some(value) if !value.is_empty() => Ok(value),
            Some(_) => Err(format!("the environment variable `{name}` is empty")),
            None => Err(format!("the environment variable `{name}` is not set")),
        },
        SecretSource::File(name) => match self::text(&parent.join(name)) {
            // An editor ends the file with a line break that is no part of the secret.
            Ok(text) if !text.trim_end_matches(['\r', '\n']).is_empty() => {
                Ok(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            Ok(_) => Err(format!("the file `{name}` is empty")),
            Err(message) => Err(format!("the file `{name}` {message}")),
        },
    };
    let mut values = BTreeMap::new();
    let mut found = Vec::new();
    for (name, origin) in &file.secrets {
        match read(origin) {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(message) => {
                let message = format!("no value for the secret `{name}`: {message}");
                found.push(Diagnostic::error(&shown, &source.text, origin.span.clone(), message));
            }
        }
    }
    if !found.is_empty() {
        return Err(LoadError::new(found, vec![masked(source)]));
    }
    let mut target = file.resolve(values);
    target.connection = std::mem::take(&mut target.connection).below(parent);
    Ok(target)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::spec::Case;

    const CLAUSES: &str = "[document]\nid = \"d\"\ntitle = \"D\"\nsha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\nbytes = 1\n[[clause]]\nid = \"X-01\"\nsection = \"S\"\nlevel = \"stated\"\ntext = \"One.\"\n";
    const SERVICE: &str =
        "[service]\nid = \"g\"\ntitle = \"G\"\n[[fixture]]\nname = \"g.token\"\nkind = \"secret\"\ntext = \"T\"\n";

    fn case(suite: &str, extra: &str) -> String {
        format!(
            "suite = \"{suite}\"\nservice = \"g\"\n[[case]]\nid = \"one\"\ntitle = \"One\"\nclauses = [\"X-01\"]\nrequest = {{ method = \"POST\", path = \"/\"{extra} }}\nexpect = {{ status = 200, body = \"unchecked\" }}\n"
        )
    }

    fn directory() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("g/bodies")).unwrap();
        fs::write(dir.path().join("g/clauses.toml"), CLAUSES).unwrap();
        fs::write(dir.path().join("g/service.toml"), SERVICE).unwrap();
        fs::write(dir.path().join("g/a.toml"), case("a", "")).unwrap();
        dir
    }

    fn messages(dir: &Path) -> Vec<String> {
        suite(dir).unwrap_err().diagnostics.into_iter().map(|each| each.message).collect()
    }

    #[test]
    fn loads_what_is_there_and_nothing_hidden() {
        let dir = directory();
        let path = dir.path();
        fs::write(path.join(".hidden.toml"), "= nonsense").unwrap();
        fs::write(path.join("README.md"), "no").unwrap();
        fs::write(path.join("g/bodies/x.json"), b"{}").unwrap();
        fs::write(path.join("g/b.toml"), case("b", ", file = \"g/bodies/x.json\"")).unwrap();
        let first = suite(path).unwrap();
        assert_eq!(first.cases.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(), ["a/one", "b/one"]);
        fs::write(path.join("g/bodies/x.json"), b"[]").unwrap();
        assert_ne!(suite(path).unwrap().hash, first.hash, "the hash covers body files");
        fs::write(path.join("g/bodies/x.json"), b"{}").unwrap();
        assert_eq!(suite(path).unwrap().hash, first.hash);
    }

    #[test]
    fn says_what_is_wrong_with_whole_files() {
        let dir = directory();
        let path = dir.path();
        fs::write(path.join("u.toml"), b"a = \"\xff\"").unwrap();
        fs::File::create(path.join("l.toml")).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(
            messages(path),
            [
                format!("is too large: {} bytes, and at most {LARGEST} are read", LARGEST + 1),
                "is not UTF-8: invalid byte at offset 5".to_owned()
            ]
        );
        assert!(messages(&path.join("nowhere"))[0].starts_with("cannot be read: "));
        assert_eq!(messages(&path.join("g/bodies")), ["holds no .toml file"]);
        assert_eq!(messages(&path.join("u.toml")), ["is not a directory"]);
        let text = suite(path).unwrap_err().to_string();
        assert!(text.contains("/u.toml:1:1"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_inside() {
        use std::os::unix::fs::symlink;
        let dir = directory();
        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join("x.toml"), "").unwrap();
        let path = dir.path();
        symlink(path.join("g/a.toml"), path.join("again.toml")).unwrap();
        assert_eq!(messages(path), ["case `a/one` exists already"], "a link inside is followed");
        fs::remove_file(path.join("again.toml")).unwrap();
        symlink(other.path(), path.join("out")).unwrap();
        symlink(path, path.join("loop")).unwrap();
        symlink(path.join("nothing"), path.join("nothing.toml")).unwrap();
        fs::write(path.join("g/b.toml"), case("b", ", file = \"out/x.toml\"")).unwrap();
        let mut all = messages(path);
        all.sort();
        assert_eq!(all[0], "cannot read `out/x.toml`: it lies outside of the directory of the cases");
        assert_eq!(all[2], "is a symbolic link that leads out of the directory of the cases");
        assert!(all[1].starts_with("is a symbolic link that leads nowhere: "));
        assert_eq!(all[3], "is a symbolic link to a directory that it is in");
    }

    #[test]
    fn of_a_large_suite_outlines_are_kept_and_cases_set_aside() {
        let dir = Path::new("cases");
        let whole = suite(dir).unwrap();
        let outlined = outlined(&Tree::of(dir).unwrap(), 0, true).expect("it is large enough");
        assert_eq!((&outlined.hash, outlined.total), (&whole.hash, whole.total));
        let env = |_: &str| None;
        let target = mock_target(&whole, &env).unwrap();
        let all: Vec<usize> = (0..whole.cases.len()).collect();
        let plan = |suite: &Suite| {
            let planned = crate::plan::cases(suite, &target, &all, false);
            planned.into_iter().map(|each| (each.index, each.skip)).collect::<Vec<_>>()
        };
        assert_eq!(plan(&outlined), plan(&whole), "what is said beforehand is the same");
        for (index, case) in whole.cases.iter().enumerate() {
            let outline = &outlined.cases[index];
            assert_eq!((&outline.id, &outline.needs, &outline.locks), (&case.id, &case.needs, &case.locks));
            assert_eq!(outline.cited(), case.cited());
            assert_eq!(*outlined.whole(index).unwrap(), *case);
        }
    }

    #[test]
    fn a_large_suite_has_the_hash_that_it_has_when_kept_whole() {
        let dir = directory();
        for (file, more) in [("z.toml", ""), ("a.toml", ", file = \"g/b.bin\""), ("b.toml", ", file = \"zz.bin\"")] {
            fs::write(dir.path().join("g/b.bin"), "1").unwrap();
            fs::write(dir.path().join("zz.bin"), "2").unwrap();
            fs::write(dir.path().join("g").join(file), case(&format!("g/{}", &file[..1]), more)).unwrap();
            let outlined = outlined(&Tree::of(dir.path()).unwrap(), 0, true).expect("it is large enough");
            assert_eq!(outlined.hash, suite(dir.path()).unwrap().hash, "{file}");
        }
    }

    #[test]
    fn the_deepest_case_is_set_aside_and_read_back_by_any_thread() {
        let dir = directory();
        let deep = 200;
        let (json, xml) = ("[".repeat(deep) + &"]".repeat(deep), "<a>".repeat(deep) + &"</a>".repeat(deep));
        let unchecked = "body = \"unchecked\"";
        for (name, body) in [("json", format!("json = '{json}'")), ("xml", format!("xml = '{xml}'"))] {
            let text = case(&format!("g/{name}"), "").replace(unchecked, &body);
            fs::write(dir.path().join(format!("g/{name}.toml")), text).unwrap();
        }
        let before = suite(dir.path()).unwrap();
        let outlined = outlined(&Tree::of(dir.path()).unwrap(), 0, true).expect("it is large enough");
        let back = std::thread::spawn(move || {
            (0..outlined.cases.len()).map(|at| Case::clone(&outlined.whole(at).unwrap())).collect::<Vec<_>>()
        });
        assert_eq!(back.join().unwrap(), before.cases);
    }

    #[test]
    fn a_file_that_changes_meanwhile_changes_nothing() {
        let dir = directory();
        let before = suite(dir.path()).unwrap();
        let suite = outlined(&Tree::of(dir.path()).unwrap(), 0, true).expect("it is large enough");
        fs::write(dir.path().join("g/a.toml"), case("a", ", raw = true")).unwrap();
        assert_eq!(*suite.whole(0).unwrap(), before.cases[0]);
        assert!(outlined(&Tree::of(dir.path()).unwrap(), 0, false).is_none(), "it is wrong now");
        assert!(outlined(&Tree::of(dir.path()).unwrap(), u64::MAX, true).is_none());
    }

    #[test]
    fn only_files_that_can_hold_what_is_selected_are_read() {
        let text = "suite = \"a/b\"\n[[case]]\nid = \"size\"\n[[case.row]]\nid = \"100\"\n";
        for held in ["a/b/size", "a/b/size[100]", "a/*", "*/size*", "siz", "a/b/size[1*]"] {
            assert!(can_hold(text, &[held.to_owned()]), "{held}");
        }
        for other in ["a/c", "a/b/other", "a/b/x*"] {
            assert!(!can_hold(text, &[other.to_owned()]), "{other}");
        }
        assert!(can_hold("[[case]]\nid = \"x\"\n", &["a/c".to_owned()]), "in doubt it is read");
    }

    #[test]
    fn a_target_gets_its_secrets_at_the_edge() {
        let dir = directory();
        let suite = suite(dir.path()).unwrap();
        let path = dir.path().join("t.toml");
        let write = |secret: &str| {
            fs::write(&path, format!("[target]\nname = \"t\"\nclass = \"real\"\n[secrets]\ng.token = {secret}\n"))
                .unwrap();
        };
        let env = |name: &str| (name == "T").then(|| "from env".to_owned());
        write("{ env = \"T\" }");
        assert_eq!(target(&path, &suite, &env).unwrap().secrets, ["g.token"]);
        write("{ env = \"U\" }");
        let error = target(&path, &suite, &env).unwrap_err();
        assert_eq!(
            error.diagnostics[0].message,
            "no value for the secret `g.token`: the environment variable `U` is not set"
        );
        assert_eq!(error.diagnostics[0].line, 5);
        fs::write(dir.path().join("token"), "from file\n").unwrap();
        write("{ file = \"token\" }");
        assert_eq!(target(&path, &suite, &env).unwrap().secrets, ["g.token"]);
        assert!(target(&dir.path().join("none.toml"), &suite, &env).is_err());
    }
}

//! The map of ARCHITECTURE.md, enforced: who may import whom, and what pure modules may not name.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Module, and what it may import of this crate.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("pattern", &["model"]),
    ("case", &["model", "pattern", "template"]),
    ("target", &["model", "case"]),
    ("template", &["model", "pattern"]),
    ("select", &["model"]),
    ("known", &["model", "record", "select"]),
    ("compare", &["model", "pattern"]),
    ("diff", &["model", "pattern"]),
    ("record", &["model", "pattern"]),
    ("event", &["model", "record"]),
    ("redact", &["model", "record"]),
    ("credible", &["model", "pattern", "record"]),
    ("conclude", &["model", "record", "credible"]),
    ("probe", &["model", "plan", "record", "redact", "runner", "template", "transport"]),
    ("merge", &["model", "record", "conclude", "known"]),
    ("verify", &["model", "record", "merge", "known", "redact", "runner", "select", "transport", "plan"]),
    ("comparison", &["model", "record"]),
    ("difference", &["model", "pattern", "compare", "record"]),
    ("calibration", &["model", "difference", "record", "report"]),
    ("sides", &["model", "calibration", "difference", "record", "report"]),
    ("report", &["model", "record", "diff", "pattern", "event"]),
    ("load", &["model", "case", "target"]),
    ("transport", &["model"]),
    ("sink", &["record", "report"]),
    ("console", &["model", "record", "report", "diff"]),
    ("runner", &["model", "template", "compare", "redact", "event", "record", "transport"]),
    ("plan", &["model", "pattern", "redact", "runner", "template"]),
    ("fixtures", &["model"]),
    ("mock", &[]),
    (
        "prove",
        &[
            "model",
            "known",
            "pattern",
            "template",
            "compare",
            "record",
            "runner",
            "mock",
            "plan",
            "load",
            "event",
            "redact",
            "transport",
            "select",
            "conclude",
            "report",
            "case",
        ],
    ),
    (
        "engine",
        &[
            "model",
            "load",
            "plan",
            "template",
            "select",
            "known",
            "redact",
            "runner",
            "transport",
            "event",
            "record",
            "conclude",
            "template",
            "credible",
            "probe",
            "prove",
            "mock",
        ],
    ),
    ("harness", &["model", "diff", "engine", "known", "plan", "runner", "record", "report", "transport"]),
];

/// Modules that touch nothing outside: no runtime, client, file, environment, clock or random source.
const PURE: &[&str] = &[
    "model",
    "pattern",
    "case",
    "target",
    "template",
    "select",
    "compare",
    "diff",
    "record",
    "event",
    "redact",
    "conclude",
    "credible",
    "report",
    "known",
    "merge",
    "comparison",
    "difference",
    "calibration",
    "sides",
    "fixtures",
];

const IMPURE_NAMES: &[&str] = &[
    "tokio::",
    "reqwest::",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "thread::",
    "rand::",
];

/// Named in a pure module for a reason, which stands here.
const EXCEPTIONS: &[(&str, &str)] = &[];

fn sources() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).unwrap();
                let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.entry(module).or_default().push((relative.to_owned(), text));
            }
        }
    }
    found
}

/// The code without comments and without its tests.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group = &group[..group.find('}').unwrap_or(group.len())];
            found.extend(group.split(',').map(|each| each.trim().split("::").next().unwrap_or_default().to_owned()));
        } else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

#[test]
fn a_module_imports_only_what_the_map_allows() {
    let sources = sources();
    let mut wrong = Vec::new();
    for (module, files) in &sources {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| name == module) else {
            assert!(matches!(module.as_str(), "lib" | "main" | "cli"), "{module} is not on the map");
            continue;
        };
        for (path, text) in files {
            for import in imports(&code(text)) {
                let known = sources.contains_key(&import);
                if known && &import != module && !allowed.contains(&import.as_str()) {
                    wrong.push(format!("{} imports {import}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_modules_name_nothing_outside() {
    let mut wrong = Vec::new();
    for (module, files) in sources() {
        if !PURE.contains(&module.as_str()) {
            continue;
        }
        // A module's tests may measure time.
        for (path, text) in files.into_iter().filter(|(path, _)| !path.ends_with("tests.rs")) {
            let code = code(&text);
            for name in IMPURE_NAMES {
                if code.contains(name) && !EXCEPTIONS.contains(&(module.as_str(), name)) {
                    wrong.push(format!("{} names {name}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_mock_owns_its_socket_in_one_file() {
    let sources = sources();
    for (path, text) in &sources["mock"] {
        let code = code(text);
        for name in ["tokio::", "std::fs", "std::env", "SystemTime", "Instant::now"] {
            assert!(!code.contains(name) || path.ends_with("server.rs"), "{} names {name}", path.display());
        }
    }
}

#[test]
fn no_module_outgrows_its_reader() {
    for (path, text) in sources().into_values().flatten() {
        let lines = text.find("#[cfg(test)]\nmod tests").map_or(&*text, |end| &text[..end]).lines().count();
        assert!(lines <= 800, "{} has {lines} lines without its tests; split it", path.display());
    }
}

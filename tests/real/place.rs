//! A directory with a suite and a target of its own, and the command run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use casebook::model::verdict::Verdict;
use casebook::record::{CaseRecord, Record};

pub(crate) use crate::output::{ends, err, out};
use crate::support::{CLAUSES, casebook, record};

const SERVICE: &str = "[service]\nid = \"demo\"\ntitle = \"Demo\"\n";

const OTHER: &str = "[service]\nid = \"other\"\ntitle = \"Other\"\n";

/// A suite of two services and whatever cases are given.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

/// A case of one request that expects 200; `request` and `more` are TOML.
pub(crate) fn case(id: &str, request: &str, more: &str) -> String {
    format!(
        "[[case]]\nid = \"{id}\"\ntitle = \"{id}\"\nclauses = [\"DEM-01\"]\n{more}\n[case.request]\nmethod = \"GET\"\n\
         {request}\n[case.expect]\nstatus = 200\nbody = \"unchecked\"\n\n"
    )
}

impl Place {
    pub(crate) fn new(cases: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let suite = dir.path().join("cases");
        fs::create_dir_all(suite.join("other")).expect("a directory");
        fs::write(suite.join("service.toml"), SERVICE).expect("written");
        fs::write(suite.join("other/service.toml"), OTHER).expect("written");
        fs::write(suite.join("clauses.toml"), CLAUSES).expect("written");
        fs::write(suite.join("cases.toml"), format!("suite = \"demo\"\nservice = \"demo\"\n\n{cases}"))
            .expect("written");
        Self { dir }
    }

    /// One case that asks for `/`.
    pub(crate) fn plain() -> Self {
        Self::new(&case("one", "path = \"/\"", ""))
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).expect("written");
        path
    }

    /// A target file for a base URL.
    pub(crate) fn target(&self, url: &str, more: &str) -> &Self {
        let text = format!("[target]\nname = \"demo\"\nclass = \"real\"\n[services]\ndemo = \"{url}\"\n{more}");
        self.write("target.toml", text);
        self
    }

    pub(crate) fn command(&self) -> Command {
        casebook(self.path())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(["run", "--no-probe", "--out", "out"]).args(arguments).output().expect("the command runs")
    }

    /// Runs the target file, and asserts the exit code.
    #[track_caller]
    pub(crate) fn fires(&self, exit: i32, arguments: &[&str]) -> Record {
        let mut all = vec!["--target", "target.toml"];
        all.extend(arguments);
        ends(&self.run(&all), exit);
        self.record()
    }

    pub(crate) fn record(&self) -> Record {
        record(&self.path().join("out"))
    }
}

/// The case of a record.
#[track_caller]
pub(crate) fn of<'a>(record: &'a Record, id: &str) -> &'a CaseRecord {
    record.cases.iter().find(|case| case.id.as_str() == format!("demo/{id}")).expect("the case is in the record")
}

/// The one case of a record has passed; its last answer's protocol version.
#[track_caller]
pub(crate) fn version(record: &Record) -> &str {
    let case = &record.cases[0];
    assert_eq!(case.outcome, Verdict::Passed, "{:#?}", case.exchanges);
    &case.exchanges.last().expect("an exchange").response.as_ref().expect("an answer").version
}

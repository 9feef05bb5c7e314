//! Proves report paths writable before a run, clears them when it begins, and writes each file in one step after it:
//! [`Sink`].

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

use crate::record::{Record, Stored};
use crate::report::{Format, ReportError, can_be_streamed, render, render_stored};

/// Cases and clauses of a record whose reports are made sooner than a thread begins.
const FEW: usize = 32;

/// Most cases of a record whose reports are all held in memory at once.
const MANY: usize = 1000;

/// Where a report goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A file; its directories are made.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// Why a report cannot be written.
#[derive(Debug, Error)]
pub enum SinkError {
    /// Two reports for standard output.
    #[error("only one report can go to standard output: {0} and {1} both do")]
    StdoutTwice(Format, Format),
    /// Two reports for one path.
    #[error("two reports go to {path}: {first} and {second}")]
    SamePath {
        /// The path.
        path: PathBuf,
        /// One format.
        first: Format,
        /// The other.
        second: Format,
    },
    /// The path names a directory, or nothing.
    #[error("the {format} report cannot be written to {path}: it is not a file's path")]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// The format.
        format: Format,
    },
    /// The operating system refuses.
    #[error("the {format} report cannot be written to {path}")]
    Write {
        /// The path; `-` for standard output.
        path: PathBuf,
        /// The format.
        format: Format,
        /// Its reason.
        source: io::Error,
    },
    /// The record cannot be rendered.
    #[error("the {format} report cannot be rendered")]
    Render {
        /// The format.
        format: Format,
        /// Why.
        source: ReportError,
    },
}

/// Report paths that were writable before the run.
#[derive(Debug)]
pub struct Sink {
    outputs: Vec<(Format, Destination)>,
}

impl Sink {
    /// Makes the directories of every path and proves that a file can be created and written beside each target.
    ///
    /// # Errors
    /// The first path that cannot be written. No target is touched.
    pub fn prepare(outputs: &[(Format, Destination)]) -> Result<Self, SinkError> {
        Self::checked(outputs, &mut Vec::new())
    }

    /// As [`Sink::prepare`], and proves the same of the record, which is written by somebody else. One that is there
    /// already proves it when it is removed ([`Sink::make_way`]).
    ///
    /// # Errors
    /// As [`Sink::prepare`].
    pub fn prepare_beside(record: &Path, outputs: &[(Format, Destination)]) -> Result<Self, SinkError> {
        let mut proven = Vec::new();
        let real = followed(record);
        if fs::symlink_metadata(&real).is_ok_and(|metadata| metadata.is_file()) {
            proven.push(directory_of(&real).to_owned());
        }
        Self::checked(&[(Format::Jsonl, Destination::File(record.to_owned()))], &mut proven)?;
        Self::checked(outputs, &mut proven)
    }

    fn checked(outputs: &[(Format, Destination)], proven: &mut Vec<PathBuf>) -> Result<Self, SinkError> {
        let mut seen: Vec<(PathBuf, Format)> = Vec::new();
        let mut made: Option<(&Path, PathBuf)> = None;
        let mut on_stdout: Option<Format> = None;
        for (format, destination) in outputs {
            match destination {
                Destination::Stdout => match on_stdout.replace(*format) {
                    Some(first) => return Err(SinkError::StdoutTwice(first, *format)),
                    None => continue,
                },
                Destination::File(path) => {
                    let fail = |source| SinkError::Write { path: path.clone(), format: *format, source };
                    let directory = directory_of(path);
                    let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
                        return Err(SinkError::NotAFile { path: path.clone(), format: *format });
                    };
                    // The directory's real path, so that `a/../r.xml` and `r.xml` are one; most reports share theirs.
                    let real = match &made {
                        Some((known, real)) if *known == directory => real.join(name),
                        _ => {
                            fs::create_dir_all(directory).map_err(fail)?;
                            let real = fs::canonicalize(directory).map_err(fail)?;
                            made.insert((directory, real)).1.join(name)
                        }
                    };
                    if let Some((_, first)) = seen.iter().find(|(other, _)| *other == real) {
                        return Err(SinkError::SamePath { path: path.clone(), first: *first, second: *format });
                    }
                    prove(path, proven).map_err(fail)?;
                    seen.push((real, *format));
                }
            }
        }
        Ok(Self { outputs: outputs.to_vec() })
    }

    /// Removes the record that an earlier run left, if it can be removed. A link or a device stays, and so does what it
    /// leads to. Gives who might read it, for the new one.
    ///
    /// Beside being honest this is faster: some file systems write what replaces a file to the disk at once.
    ///
    /// # Errors
    /// The record stays, and nothing can be made beside it.
    pub fn make_way(record: &Path) -> Result<Option<fs::Permissions>, SinkError> {
        let readers = fs::metadata(record).ok().map(|metadata| metadata.permissions());
        if !remove(record) {
            let fail = |source| SinkError::Write { path: record.to_owned(), format: Format::Jsonl, source };
            prove(record, &mut Vec::new()).map_err(fail)?;
        }
        Ok(readers)
    }

    /// Removes the reports that an earlier run left at the same paths, as [`Sink::make_way`] does its record: they would
    /// pass for those of a run that is killed.
    pub fn clear(&self) {
        for (_, destination) in &self.outputs {
            if let Destination::File(path) = destination {
                // What stays is replaced when the run is over.
                remove(path);
            }
        }
    }

    /// Whether a report goes to standard output, which then belongs to it alone.
    #[must_use]
    pub fn takes_stdout(&self) -> bool {
        self.outputs.iter().any(|(_, destination)| *destination == Destination::Stdout)
    }

    /// Renders and writes every report. A file is replaced whole or not at all. One report that fails does not keep
    /// the others from being written.
    ///
    /// # Errors
    /// One for each report that could not be written.
    pub fn write(&self, record: &Record) -> Result<(), Vec<SinkError>> {
        self.write_to(record, &mut io::stdout().lock())
    }

    /// As [`Sink::write`], with another writer for standard output.
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub fn write_to(&self, record: &Record, stdout: &mut dyn Write) -> Result<(), Vec<SinkError>> {
        let is_small = record.cases.len() + record.summary.clauses.len() < FEW;
        if self.outputs.len() < 2 || is_small || record.cases.len() > MANY {
            return self.each(stdout, |_| true, |format, out| Ok(out.write_all(&render(format, record)?)?));
        }
        std::thread::scope(|scope| {
            // Rendering is what takes the time, and no report waits for another.
            let ahead = self.outputs[1..].iter().map(|(format, _)| scope.spawn(|| render(*format, record)));
            let mut ahead: VecDeque<_> = ahead.collect::<Vec<_>>().into();
            let mut first = true;
            self.each(
                stdout,
                |_| true,
                |format, out| {
                    let ready = if std::mem::take(&mut first) { None } else { ahead.pop_front() };
                    let bytes = match ready {
                        Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                        None => render(format, record),
                    };
                    Ok(out.write_all(&bytes?)?)
                },
            )
        })
    }

    /// Writes the reports that can be made of a record whose cases stay where they were written, and gives the formats
    /// that are left for [`Sink::write_rest`].
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub fn write_stored<R: io::Read + io::Seek>(&self, stored: &mut Stored<R>) -> Result<(), Vec<SinkError>> {
        let (record, mut cases) = stored.split();
        let render = |format, out: &mut dyn Write| render_stored(format, record, &mut cases, out);
        self.each(&mut io::stdout().lock(), can_be_streamed, render)
    }

    /// Writes the reports that [`Sink::write_stored`] does not.
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub fn write_rest(&self, record: &Record) -> Result<(), Vec<SinkError>> {
        let render = |format, out: &mut dyn Write| Ok(out.write_all(&render(format, record)?)?);
        self.each(&mut io::stdout().lock(), |format| !can_be_streamed(format), render)
    }

    /// Whether [`Sink::write_rest`] has anything to write.
    #[must_use]
    pub fn has_rest(&self) -> bool {
        self.outputs.iter().any(|(format, _)| !can_be_streamed(*format))
    }

    fn each(
        &self,
        stdout: &mut dyn Write,
        which: impl Fn(Format) -> bool,
        mut render: impl FnMut(Format, &mut dyn Write) -> Result<(), ReportError>,
    ) -> Result<(), Vec<SinkError>> {
        let mut errors = Vec::new();
        for (format, destination) in self.outputs.iter().filter(|(format, _)| which(*format)) {
            let format = *format;
            let (path, written) = match destination {
                Destination::Stdout => {
                    let written = render(format, stdout).and_then(|()| Ok(stdout.flush()?));
                    (Path::new("-"), enough(written))
                }
                Destination::File(path) => (path.as_path(), replace(path, |out| render(format, out))),
            };
            errors.extend(match written {
                Ok(()) => None,
                Err(ReportError::Line(source)) => Some(SinkError::Write { path: path.to_owned(), format, source }),
                Err(ReportError::Json(error)) if error.is_io() => {
                    Some(SinkError::Write { path: path.to_owned(), format, source: error.into() })
                }
                Err(source) => Some(SinkError::Render { format, source }),
            });
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Where reports go.
    #[must_use]
    pub fn outputs(&self) -> &[(Format, Destination)] {
        &self.outputs
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes a file, if it is one. Whether nothing is there any more.
fn remove(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.is_file() && fs::remove_file(path).is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// The file that a path means: a symbolic link is followed, so that the link stays.
fn followed(path: &Path) -> PathBuf {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        _ => path.to_owned(),
    }
}

/// Whether the path is a device, a pipe or the like, which is written to and never replaced.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// A temporary file in the directory of the target, where it can be renamed to it.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".casebook-").suffix(".tmp");
    // Temporary files are their owner's alone; a report may be read by others (a CI agent under another user) as far
    // as the process's mask allows.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory_of(path))
}

/// A rename replaces a file that cannot itself be written, so the file's own permission is asked too. One file in each
/// directory proves it.
fn prove(path: &Path, proven: &mut Vec<PathBuf>) -> io::Result<()> {
    let path = followed(path);
    if is_special(&path) {
        return Ok(());
    }
    let directory = directory_of(&path);
    if !proven.iter().any(|known| known == directory) {
        beside(&path)?.write_all(b"\n")?;
        proven.push(directory.to_owned());
    }
    match fs::metadata(&path) {
        Ok(metadata) if metadata.permissions().readonly() => {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes or replaces the file in one step: who reads it never sees half a report. It is not forced onto the
/// disk, which can take longer than a run: whoever loses power has the record's commands to make it again.
fn replace(path: &Path, render: impl FnOnce(&mut dyn Write) -> Result<(), ReportError>) -> Result<(), ReportError> {
    let path = followed(path);
    if is_special(&path) {
        return render(&mut fs::OpenOptions::new().write(true).open(&path)?);
    }
    let mut file = match beside(&path) {
        // The directory was there before the run.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(directory_of(&path))?;
            beside(&path)?
        }
        made => made?,
    };
    render(file.as_file_mut())?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// A reader of standard output that went away had enough, and is no error.
fn enough(written: Result<(), ReportError>) -> Result<(), ReportError> {
    let kind = match &written {
        Err(ReportError::Line(error)) => Some(error.kind()),
        Err(ReportError::Json(error)) => error.io_error_kind(),
        _ => None,
    };
    if kind == Some(io::ErrorKind::BrokenPipe) { Ok(()) } else { written }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    fn file(format: Format, path: PathBuf) -> (Format, Destination) {
        (format, Destination::File(path))
    }

    #[test]
    fn writes_every_report_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = dir.path().join("deep/er/run.json");
        let outputs = [file(Format::Json, at.clone()), (Format::Tap, Destination::Stdout)];
        let sink = Sink::prepare(&outputs).expect("writable");
        assert!(!at.exists(), "preparing touches no target");
        fs::write(&at, "old").expect("an older report");
        let mut stdout = Vec::new();
        sink.write_to(&sample::record(), &mut stdout).expect("written");
        assert!(fs::read_to_string(&at).expect("the report").starts_with("{\n"));
        assert!(stdout.starts_with(b"TAP version 13\n"));
        let names: Vec<_> = fs::read_dir(at.parent().expect("a parent")).expect("a directory").collect();
        assert_eq!(names.len(), 1, "no temporary file is left");
    }

    #[test]
    fn refuses_bad_paths_before_the_run() {
        let dir = tempfile::tempdir().expect("a directory");
        let blocked = dir.path().join("file");
        fs::write(&blocked, "x").expect("a file");
        let prepare = |outputs: &[(Format, Destination)]| Sink::prepare(outputs).map(|_| ());
        assert!(matches!(prepare(&[file(Format::Html, dir.path().to_owned())]), Err(SinkError::NotAFile { .. })));
        assert!(matches!(prepare(&[file(Format::Html, blocked.join("below.html"))]), Err(SinkError::Write { .. })));
        let same = [file(Format::Html, dir.path().join("r")), file(Format::Json, dir.path().join("./r"))];
        assert!(matches!(prepare(&same), Err(SinkError::SamePath { .. })));
        let twice = [(Format::Tap, Destination::Stdout), (Format::Json, Destination::Stdout)];
        assert!(matches!(prepare(&twice), Err(SinkError::StdoutTwice(Format::Tap, Format::Json))));
    }

    #[test]
    fn one_report_that_fails_does_not_stop_the_others() {
        let dir = tempfile::tempdir().expect("a directory");
        let (first, second) = (dir.path().join("a.json"), dir.path().join("b.tap"));
        let sink =
            Sink::prepare(&[file(Format::Json, first.clone()), file(Format::Tap, second.clone())]).expect("writable");
        fs::create_dir(&first).expect("something in the way");
        fs::write(first.join("x"), "x").expect("and it is not empty");
        let errors = sink.write(&sample::record()).expect_err("the first cannot be written");
        assert_eq!(errors.len(), 1);
        assert!(matches!(&errors[0], SinkError::Write { format: Format::Json, .. }));
        assert!(second.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_stays_a_device() {
        let dir = tempfile::tempdir().expect("a directory");
        let (real, link) = (dir.path().join("real.json"), dir.path().join("link.json"));
        fs::write(&real, "old").expect("a file");
        std::os::unix::fs::symlink(&real, &link).expect("a link");
        let null = PathBuf::from("/dev/null");
        let sink =
            Sink::prepare(&[file(Format::Json, link.clone()), file(Format::Tap, null.clone())]).expect("writable");
        let old = dir.path().join("record.jsonl");
        fs::write(&old, "old").expect("a file");
        let narrow = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
        fs::set_permissions(&old, narrow).expect("a narrower mode");
        let readers = Sink::make_way(&old).expect("writable").expect("who might read it");
        sink.clear();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&readers) & 0o777, 0o600);
        assert!(!old.exists() && link.exists() && real.exists() && null.exists());
        sink.write(&sample::record()).expect("written");
        assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
        assert!(fs::read_to_string(&real).expect("the file").starts_with("{\n"));
        assert!(is_special(&null));
    }
}

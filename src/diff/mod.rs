//! Renders mismatches and bodies as text that shows every difference.
//!
//! [`mismatches`] lists what a comparison found, [`bodies`] shows two texts as a unified diff. Both write
//! into any [`fmt::Write`], in the colours of a [`Palette`], and make invisible characters visible.

mod visible;

use std::fmt;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

pub use visible::visible;

use crate::model::judgement::Mismatch;
use crate::pattern::write::cut;

/// The styles that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// What was expected.
    pub expected: Style,
    /// What was there.
    pub actual: Style,
    /// Places and hunk headers.
    pub place: Style,
    /// Words around them.
    pub dim: Style,
}

impl Palette {
    /// No styles at all.
    #[must_use]
    pub const fn plain() -> Self {
        Self { expected: Style::new(), actual: Style::new(), place: Style::new(), dim: Style::new() }
    }

    /// For a terminal.
    #[must_use]
    pub const fn colour() -> Self {
        Self {
            expected: AnsiColor::Green.on_default(),
            actual: AnsiColor::Red.on_default(),
            place: AnsiColor::Cyan.on_default().bold(),
            dim: Style::new().dimmed(),
        }
    }
}

/// How much is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Unchanged lines around a change.
    pub context: usize,
    /// Most lines.
    pub lines: usize,
    /// Most bytes, escapes included.
    pub bytes: usize,
    /// Most time that the search for a short diff may take; the diff is then longer and still right.
    pub timeout: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { context: 3, lines: 200, bytes: 64 << 10, timeout: Duration::from_millis(500) }
    }
}

/// Longest line that is shown, in bytes.
const LINE: usize = 2_000;

/// A text in a style, its invisible characters visible.
fn styled(out: &mut impl fmt::Write, style: Style, text: &str) -> fmt::Result {
    write!(out, "{style}{}{style:#}", visible(text))
}

/// Lists mismatches: place, expected, actual, types where they differ, clauses.
///
/// # Errors
/// Only those of the writer.
pub fn mismatches(out: &mut impl fmt::Write, list: &[Mismatch], palette: &Palette) -> fmt::Result {
    for each in list {
        mismatch(out, each, palette)?;
    }
    Ok(())
}

/// Lists mismatches, then shows how an expected and an actual body differ, if they are given and do.
///
/// # Errors
/// Only those of the writer.
pub fn render(
    out: &mut impl fmt::Write,
    list: &[Mismatch],
    texts: Option<(&str, &str)>,
    palette: &Palette,
    budget: &Budget,
) -> fmt::Result {
    mismatches(out, list, palette)?;
    if let Some((expected, actual)) = texts.filter(|(expected, actual)| expected != actual) {
        writeln!(out)?;
        bodies(out, expected, actual, palette, budget)?;
    }
    Ok(())
}

/// One entry of [`mismatches`].
///
/// # Errors
/// Only those of the writer.
pub fn mismatch(out: &mut impl fmt::Write, each: &Mismatch, palette: &Palette) -> fmt::Result {
    use crate::model::judgement::{MismatchKind, Part};
    let part = match each.part {
        Part::Status => "status",
        Part::Header => "header",
        Part::Body => "body",
        Part::Check => "check",
    };
    let kind = match each.kind {
        MismatchKind::Value => "another value",
        MismatchKind::Type => "another type",
        MismatchKind::Missing => "missing",
        MismatchKind::Unexpected => "unexpected",
        MismatchKind::Duplicate => "there more than once",
        MismatchKind::Order => "out of order",
        MismatchKind::Length => "wrong length",
        MismatchKind::Malformed => "malformed",
        MismatchKind::Forbidden => "matches what it must not",
    };
    let place = if each.place.is_empty() { part.to_owned() } else { format!("{part} {}", each.place) };
    styled(out, palette.place, &place)?;
    let dim = palette.dim;
    match &each.types {
        Some((expected, actual)) => writeln!(out, " {dim}{kind}: {expected} expected, {actual} found{dim:#}")?,
        None => writeln!(out, " {dim}{kind}{dim:#}")?,
    }
    write!(out, "  expected  ")?;
    styled(out, palette.expected, &each.expected)?;
    write!(out, "\n  actual    ")?;
    styled(out, palette.actual, &each.actual)?;
    if !each.clauses.is_empty() {
        let clauses: Vec<&str> = each.clauses.iter().map(crate::model::id::ClauseId::as_str).collect();
        write!(out, "\n  {dim}clause    ")?;
        write!(out, "{}{dim:#}", visible(&clauses.join(", ")))?;
    }
    writeln!(out)
}

/// Shows how two texts differ, every hunk with context. `-` is expected, `+` is what was there.
/// Writes nothing for equal texts.
///
/// # Errors
/// Only those of the writer.
pub fn bodies(
    out: &mut impl fmt::Write,
    expected: &str,
    actual: &str,
    palette: &Palette,
    budget: &Budget,
) -> fmt::Result {
    if expected == actual {
        return Ok(());
    }
    let diff = TextDiff::configure().timeout(budget.timeout).diff_lines(expected, actual);
    let (mut lines, mut bytes, mut left) = (0_usize, 0_usize, 0_usize);
    let mut line = String::new();
    for group in diff.grouped_ops(budget.context) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) = (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        line.clear();
        let header = format!("@@ -{},{} +{},{} @@", old.start + 1, old.len(), new.start + 1, new.len());
        styled(&mut line, palette.place, &header)?;
        line.push('\n');
        let mut put = |line: &str| -> fmt::Result {
            if lines >= budget.lines || bytes + line.len() > budget.bytes {
                left += 1;
                // Once one is left out, so are all behind it.
                lines = budget.lines;
                return Ok(());
            }
            lines += 1;
            bytes += line.len();
            out.write_str(line)
        };
        put(&line)?;
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', palette.expected),
                ChangeTag::Insert => ('+', palette.actual),
                ChangeTag::Equal => (' ', palette.dim),
            };
            let text: &str = change.value();
            let text = text.strip_suffix('\n').unwrap_or(text);
            line.clear();
            if change.tag() == ChangeTag::Equal {
                line.push(sign);
                line.push_str(&visible(&cut(text, LINE)));
            } else {
                fmt::Write::write_fmt(&mut line, format_args!("{style}{sign}{}{style:#}", visible(&cut(text, LINE))))?;
            }
            line.push('\n');
            if change.missing_newline() && change.tag() != ChangeTag::Equal {
                line.push_str("\\ no line end behind this line\n");
            }
            put(&line)?;
        }
    }
    if left > 0 {
        let dim = palette.dim;
        writeln!(out, "{dim}… {left} more line{}{dim:#}", if left == 1 { "" } else { "s" })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::ClauseId;
    use crate::model::judgement::{MismatchKind, Part};

    fn diff(expected: &str, actual: &str, budget: &Budget) -> String {
        let mut out = String::new();
        bodies(&mut out, expected, actual, &Palette::plain(), budget).unwrap();
        out
    }

    #[test]
    fn shows_every_hunk() {
        let lines = |change: &[usize]| {
            (0..30)
                .map(|line| if change.contains(&line) { format!("x{line}\n") } else { format!("{line}\n") })
                .collect::<String>()
        };
        let budget = Budget { context: 1, ..Budget::default() };
        assert_eq!(
            diff(&lines(&[]), &lines(&[2, 20]), &budget),
            "@@ -2,3 +2,3 @@\n 1\n-2\n+x2\n 3\n@@ -20,3 +20,3 @@\n 19\n-20\n+x20\n 21\n"
        );
        assert_eq!(diff("a\n", "a\n", &budget), "");
        assert_eq!(diff("a\n", "a", &budget), "@@ -1,1 +1,1 @@\n-a\n+a\n\\ no line end behind this line\n");
    }

    #[test]
    fn keeps_to_the_budget() {
        let text = |letter: &str| (0..1_000).map(|line| format!("{letter}{line}\n")).collect::<String>();
        let budget = Budget { lines: 10, ..Budget::default() };
        let shown = diff(&text("a"), &text("b"), &budget);
        assert_eq!(shown.lines().count(), 11);
        assert!(shown.ends_with("… 1991 more lines\n"), "{shown}");
        let shown = diff(&text("a"), &text("b"), &Budget { bytes: 100, ..Budget::default() });
        assert!(shown.len() < 140, "{shown}");
    }

    #[test]
    fn lists_mismatches() {
        let mismatch = Mismatch {
            step: "main".to_owned(),
            part: Part::Body,
            place: "/a".to_owned(),
            check: "json:/a".to_owned(),
            kind: MismatchKind::Type,
            expected: "\"1\"".to_owned(),
            actual: "1\u{1b}[31m ".to_owned(),
            types: Some(("string".to_owned(), "number".to_owned())),
            clauses: vec![ClauseId::new("X-1"), ClauseId::new("X-2")],
        };
        let mut out = String::new();
        mismatches(&mut out, std::slice::from_ref(&mismatch), &Palette::plain()).unwrap();
        assert_eq!(
            out,
            "body /a another type: string expected, number found\n  expected  \"1\"\n  actual    1\\u{1b}[31m·\n  clause    X-1, X-2\n"
        );
        let mut out = String::new();
        mismatches(&mut out, &[mismatch], &Palette::colour()).unwrap();
        assert!(out.contains("\u{1b}[32m\"1\"\u{1b}[0m"), "{out:?}");
    }
}

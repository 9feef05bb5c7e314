//! Renders mismatches and bodies as text that shows every difference.
//!
//! [`mismatches`] lists what a comparison found, [`bodies`] shows two texts as a unified diff. Both write
//! into any [`fmt::Write`], in the colours of a [`Palette`], and make invisible characters visible and what a CI
//! runner would obey inert.

mod visible;
mod window;

use std::borrow::Cow;
use std::fmt;

use anstyle::{AnsiColor, Style};
use similar::{Change, ChangeTag, DiffOp, TextDiff};

pub use visible::{defused, is_hidden, visible};
pub use window::{Window, window};

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
    /// Most lines of each text that are compared, from the first difference on.
    pub window: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { context: 3, lines: 200, bytes: 64 << 10, window: 1000 }
    }
}

/// Longest line that is shown, in bytes.
const LINE: usize = 400;

/// A text in a style, safe for a terminal and a log.
fn styled(out: &mut impl fmt::Write, style: Style, text: &str) -> fmt::Result {
    write!(out, "{style}{}{style:#}", safe(text))
}

fn safe(text: &str) -> Cow<'_, str> {
    match visible(text) {
        Cow::Borrowed(text) => defused(text),
        Cow::Owned(text) => Cow::Owned(defused(&text).into_owned()),
    }
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
    side(out, "expected", palette.expected, &each.expected, dim)?;
    writeln!(out)?;
    side(out, "actual", palette.actual, &each.actual, dim)?;
    if !each.clauses.is_empty() {
        let clauses: Vec<&str> = each.clauses.iter().map(crate::model::id::ClauseId::as_str).collect();
        write!(out, "\n  {dim}clause    ")?;
        write!(out, "{}{dim:#}", safe(&clauses.join(", ")))?;
    }
    writeln!(out)
}

fn side(out: &mut impl fmt::Write, name: &str, style: Style, value: &str, dim: Style) -> fmt::Result {
    write!(out, "  {dim}{name:<8}{dim:#}  ")?;
    if value.is_empty() { write!(out, "{dim}(nothing){dim:#}") } else { styled(out, style, value) }
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
    let window = window(expected, actual, budget.context, budget.window);
    let diff = TextDiff::from_lines(window.expected, window.actual);
    let (mut lines, mut bytes, mut left) = (0_usize, 0_usize, 0_usize);
    let mut line = String::new();
    for group in hunks(diff.ops(), window.cut, budget.context) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) = (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        line.clear();
        let start = |at: usize| window.before + at + 1;
        let header = format!("@@ -{},{} +{},{} @@", start(old.start), old.len(), start(new.start), new.len());
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
        for op in &group {
            let changes: Vec<Change<&str>> = diff.iter_changes(op).collect();
            let of = |tag: ChangeTag| changes.iter().filter(move |change| change.tag() == tag).map(Change::value);
            let mut others = of(ChangeTag::Insert).chain(of(ChangeTag::Delete)).collect::<Vec<&str>>();
            let added = of(ChangeTag::Insert).count();
            let removed = others.len() - added;
            // The line that each is beside: the first removed and the first added, and so on.
            others.truncate(added.min(removed));
            others.resize(removed, "");
            others.extend(of(ChangeTag::Delete).take(added));
            for (at, change) in changes.iter().enumerate() {
                let (sign, style) = match change.tag() {
                    ChangeTag::Delete => ('-', palette.expected),
                    ChangeTag::Insert => ('+', palette.actual),
                    ChangeTag::Equal => (' ', palette.dim),
                };
                let text = change.value();
                let text = around(text.strip_suffix('\n').unwrap_or(text), others.get(at).copied().unwrap_or(""));
                line.clear();
                if change.tag() == ChangeTag::Equal {
                    line.push_str(&defused(&format!("{sign}{}", visible(&text))));
                } else {
                    fmt::Write::write_fmt(&mut line, format_args!("{style}{sign}{}{style:#}", safe(&text)))?;
                }
                line.push('\n');
                if !window.cut && change.missing_newline() && change.tag() != ChangeTag::Equal {
                    line.push_str("\\ no line end behind this line\n");
                }
                put(&line)?;
            }
        }
    }
    let dim = palette.dim;
    match (left, window.cut) {
        (0, false) => Ok(()),
        (0, true) => writeln!(out, "{dim}… what comes after is not compared{dim:#}"),
        (1, false) => writeln!(out, "{dim}… 1 more line{dim:#}"),
        (left, false) => writeln!(out, "{dim}… {left} more lines{dim:#}"),
        (left, true) => writeln!(out, "{dim}… more than {left} more lines{dim:#}"),
    }
}

/// A line of at most about [`LINE`] bytes. One that is longer is shown from a little before the place where it parts
/// from the line beside it.
fn around<'a>(line: &'a str, beside: &str) -> Cow<'a, str> {
    if line.len() <= LINE {
        return Cow::Borrowed(line);
    }
    let same = line.char_indices().zip(beside.chars()).take_while(|((_, a), b)| a == b);
    let same = same.last().map_or(0, |((at, _), _)| at);
    let skip = if same < LINE / 2 { 0 } else { line[..same].char_indices().rev().nth(39).map_or(0, |(at, _)| at) };
    let lead = if skip > 0 { "…" } else { "" };
    Cow::Owned(format!("{lead}{}", cut(&line[skip..], LINE)))
}

/// Changes with `context` unchanged lines around them. In a window that was cut the last change may come from the
/// cut alone, and is left out where there is another.
#[must_use]
pub fn hunks(ops: &[DiffOp], cut: bool, context: usize) -> Vec<Vec<DiffOp>> {
    let changes = ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })).count();
    let ops = match ops {
        [rest @ .., last] if cut && changes > 1 && !matches!(last, DiffOp::Equal { .. }) => rest,
        all => all,
    };
    similar::group_diff_ops(ops.to_vec(), context)
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
    fn finds_a_difference_far_into_a_long_text_and_invents_none_at_the_cut() {
        let text = |from: usize| (from..50_000).map(|line| format!("{line}\n")).collect::<String>();
        let (expected, actual) = (text(0), format!("{}x\n{}", text(0).split_at(5).0, text(0).split_at(5).1));
        let budget = Budget { window: 100, context: 1, ..Budget::default() };
        assert_eq!(
            diff(&expected, &expected.replace("\n40000\n", "\n4x\n"), &budget),
            "@@ -40000,3 +40000,3 @@\n 39999\n-40000\n+4x\n 40001\n… what comes after is not compared\n"
        );
        let shown = diff(&expected, &actual, &budget);
        assert!(shown.ends_with("… what comes after is not compared\n"), "{shown}");
        assert_eq!(shown.lines().filter(|line| line.starts_with('-')).count(), 1, "{shown}");
        let shown = diff(&expected, "", &Budget { lines: 5, ..budget });
        assert!(shown.ends_with("-3\n… more than 96 more lines\n"), "{shown}");
    }

    #[test]
    fn a_long_line_is_shown_where_it_differs() {
        let line = |end: &str| format!("{}{end}{}\n", "a".repeat(10_000), "z".repeat(10_000));
        let shown = diff(&line("X"), &line("Y"), &Budget::default());
        assert!(shown.contains("\n-…aaaa") && shown.contains("\n+…aaaa"), "{shown}");
        assert!(shown.contains("aaXzz") && shown.contains("aaYzz"), "{shown}");
        assert!(shown.len() < 3 * LINE, "{shown}");
        let shown = diff("", &line("Y"), &Budget::default());
        assert!(shown.ends_with("aaa…\n"), "{shown}");
    }

    #[test]
    fn nothing_that_a_ci_runner_obeys_is_left() {
        let shown = diff("::error::a\n##[group]b\n", "::error::a\n##vso[task]c\n", &Budget::default());
        assert_eq!(shown, "@@ -1,2 +1,2 @@\n \\u{3a}:error::a\n-##\\u{5b}group]b\n+##vso\\u{5b}task]c\n");
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

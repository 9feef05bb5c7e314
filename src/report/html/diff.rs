//! Expected and actual as lines in which the differing words are marked: [`diff`] for values, [`bodies`] for whole
//! bodies. The page's script lays the same lines out side by side when somebody asks.

use similar::{ChangeTag, DiffOp, TextDiff};

use super::Text;
use crate::diff::{hunks, window};

/// Longest value that is compared, in bytes; the time a comparison takes grows with its square.
const MAX_VALUE: usize = 4096;
/// Longest body that is compared, in bytes on each side from the first difference on.
const MAX_BODY: usize = 64 * 1024;
/// Most lines of a body on each side that are compared, and most that are shown.
const MAX_LINES: usize = 600;
/// Longest line of a body, in bytes.
const MAX_LINE: usize = 1000;
/// Unchanged lines around a change in a body.
const CONTEXT: usize = 4;
/// Longest run of changed lines in which words are marked, in bytes on both sides together.
const MAX_MARKED: usize = 2 * MAX_VALUE;
/// Values up to this length on one line are clear without a comparison.
const SHORT: usize = 60;

/// A piece of a line.
pub(super) struct Piece {
    pub(super) text: Text,
    /// It differs.
    pub(super) marked: bool,
}

/// A line that differs, or neighbouring lines that do not.
pub(super) struct Line {
    /// `-` expected only, `+` actual only, `…` for what is left out, nothing for both.
    pub(super) sign: &'static str,
    /// The same in a word, for style.
    pub(super) class: &'static str,
    pub(super) pieces: Vec<Piece>,
}

/// A comparison, the expected of what differs above the actual.
pub(super) struct Diff {
    pub(super) lines: Vec<Line>,
}

impl Diff {
    /// Bytes of text and of the markup around it.
    pub(super) fn size(&self) -> usize {
        let line = |line: &Line| line.pieces.iter().map(|piece| piece.text.len() + 20).sum::<usize>() + 60;
        self.lines.iter().map(line).sum::<usize>()
    }

    /// Adds a line that both have. Neighbours are one element: most lines of a page are such.
    fn same(&mut self, text: &str) {
        let text = Text::line(text.trim_end_matches('\n'));
        match self.lines.last_mut() {
            Some(Line { class: "same", pieces, .. }) => {
                for piece in pieces.iter_mut().take(1) {
                    piece.text.0.push('\n');
                    piece.text.0.push_str(&text.0);
                }
            }
            _ => self.lines.push(Line { sign: "", class: "same", pieces: vec![Piece { text, marked: false }] }),
        }
    }
}

/// The comparison, if both values are there and it would show more than the values do.
pub(super) fn diff(expected: &str, actual: &str) -> Option<Diff> {
    let plain = |value: &str| value.len() <= SHORT && !value.contains('\n');
    if expected.is_empty() || actual.is_empty() || plain(expected) && plain(actual) {
        return None;
    }
    let expected = show_ends(&Text::lines(expected, MAX_VALUE).0);
    let actual = show_ends(&Text::lines(actual, MAX_VALUE).0);
    Some(compared(&expected, &actual, 0, false, usize::MAX / 4))
}

/// The comparison of two bodies around what differs; none where nothing does.
pub(super) fn bodies(expected: &str, actual: &str) -> Option<Diff> {
    if expected == actual {
        return None;
    }
    let window = window(expected, actual, CONTEXT, MAX_LINES);
    let lines = |text: &str| -> String {
        let text = Text::lines(text, MAX_BODY).0;
        let line = |line: &str| match line.strip_suffix('\n') {
            Some(line) => format!("{}\n", show_ends(&Text::short(line, MAX_LINE).0)),
            None => show_ends(&Text::short(line, MAX_LINE).0),
        };
        text.split_inclusive('\n').map(line).collect()
    };
    let longer = |text: &str| text.len() > MAX_BODY;
    let cut = window.cut || longer(window.expected) || longer(window.actual);
    Some(compared(&lines(window.expected), &lines(window.actual), window.before, cut, CONTEXT))
}

fn gap(text: &str, diff: &mut Diff) {
    diff.lines.push(Line { sign: "…", class: "gap", pieces: vec![Piece { text: Text::line(text), marked: false }] });
}

/// Every change with so much context.
fn compared(expected: &str, actual: &str, before: usize, cut: bool, context: usize) -> Diff {
    let one_ends = !cut && expected.ends_with('\n') != actual.ends_with('\n');
    let text_diff = TextDiff::from_lines(expected, actual);
    let mut out = Diff { lines: Vec::new() };
    let mut at = 0;
    for hunk in hunks(text_diff.ops(), cut, context) {
        let Some(first) = hunk.first() else { continue };
        let skipped = first.old_range().start - at + if at == 0 { before } else { 0 };
        if skipped > 0 {
            gap(&crate::report::words::count(skipped, "equal line", "equal lines"), &mut out);
        }
        at = hunk.last().map_or(at, |last| last.old_range().end);
        for op in &hunk {
            lines(&text_diff, op, one_ends, &mut out);
        }
    }
    let left = text_diff.old_len() - at;
    if cut {
        gap("what comes after is not compared", &mut out);
    } else if left > 0 {
        gap(&crate::report::words::count(left, "equal line", "equal lines"), &mut out);
    }
    out
}

fn lines(diff: &TextDiff<'_, '_, str>, op: &DiffOp, one_ends: bool, out: &mut Diff) {
    let bytes = diff.iter_changes(op).map(|change| change.value().len()).sum::<usize>();
    let mut put = |tag: ChangeTag, ends: bool, strings: Vec<(bool, String)>| {
        let (sign, class) = match tag {
            ChangeTag::Delete => ("-", "minus"),
            ChangeTag::Insert => ("+", "plus"),
            ChangeTag::Equal => return out.same(&strings.iter().map(|(_, text)| text.as_str()).collect::<String>()),
        };
        // The line's own end is shown by the layout.
        let pieces = strings
            .iter()
            .map(|(marked, text)| Piece { text: Text::line(text.trim_end_matches('\n')), marked: *marked });
        let mut pieces: Vec<Piece> = pieces.filter(|piece| !piece.text.is_empty()).collect();
        if one_ends && !ends {
            pieces.push(Piece { text: Text::line(" (no line feed at the end)"), marked: true });
        }
        out.lines.push(Line { sign, class, pieces });
    };
    if bytes > MAX_MARKED {
        for change in diff.iter_changes(op) {
            put(change.tag(), !change.missing_newline(), vec![(false, change.value().to_owned())]);
        }
    } else {
        // No deadline, for the same record gives the same page; the length bounds the time.
        for change in diff.iter_inline_changes_deadline(op, None) {
            let strings = change.iter_strings_lossy().map(|(marked, text)| (marked, text.into_owned())).collect();
            put(change.tag(), !change.missing_newline(), strings);
        }
    }
}

/// Spaces at the end of a line, which nobody sees, in their escaped form.
fn show_ends(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let kept = line.trim_end_matches(' ');
        out.push_str(kept);
        out.push_str(&"\\u{20}".repeat(line.len() - kept.len()));
        out.push_str(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines, those that both have behind a space.
    fn plain(diff: &Diff) -> Vec<String> {
        let line = |line: &Line| {
            let text: String = line.pieces.iter().map(|piece| piece.text.0.as_str()).collect();
            let sign = if line.sign.is_empty() { " " } else { line.sign };
            text.split('\n').map(|text| format!("{sign}{text}")).collect::<Vec<_>>()
        };
        diff.lines.iter().flat_map(line).collect()
    }

    #[test]
    fn lines_are_paired_and_words_are_marked() {
        let diff = diff("{\n  \"a\": 1,\n  \"b\": 2\n}", "{\n  \"a\": 1,\n  \"b\": 3,\n  \"c\": 4\n}").expect("a diff");
        assert_eq!(plain(&diff), [" {", "   \"a\": 1,", "-  \"b\": 2", "+  \"b\": 3,", "+  \"c\": 4", " }"]);
        assert_eq!(diff.lines.len(), 5, "neighbours that both have are one element");
        assert!(diff.lines[1].pieces.iter().any(|piece| piece.marked));
        assert!(diff.lines[1].pieces.iter().any(|piece| !piece.marked));
    }

    #[test]
    fn short_values_need_no_diff_and_long_ones_are_cut() {
        assert!(diff("1", "2").is_none());
        assert!(diff("", "a\nb").is_none());
        let long = "x\n".repeat(100_000);
        assert!(plain(&diff(&long, "y\n").expect("a diff")).len() < 2100);
    }

    #[test]
    fn bodies_are_shown_around_what_differs() {
        let text = |change: &[usize]| -> String {
            (0..40_000).map(|n| format!("{}{n}\n", if change.contains(&n) { "x" } else { "" })).collect()
        };
        let diff = bodies(&text(&[]), &text(&[300, 320])).expect("a diff");
        let unified = plain(&diff);
        assert_eq!(unified[0], "…296 equal lines");
        assert_eq!(unified[5..7], ["-300", "+x300"]);
        assert_eq!(unified[11], "…11 equal lines");
        assert_eq!(unified.last().map(String::as_str), Some("…what comes after is not compared"));
        assert_eq!(unified.len(), 1 + 10 + 1 + 10 + 1);
        assert!(bodies("a", "a").is_none());
        let long = bodies("a\n", &format!("{}\n", "x".repeat(5000))).expect("a diff");
        assert!(plain(&long)[1].ends_with("… (4000 more bytes)"));
        assert!(plain(&bodies(&text(&[]), "").expect("a diff")).len() <= MAX_LINES + 1);
    }

    #[test]
    fn invisible_differences_are_visible() {
        let diff = diff("a\r\nb", "a\nb").expect("a diff");
        assert_eq!(plain(&diff), ["-a\\r", "+a", " b"]);
        let diff = super::diff("a \nb\n", "a\u{a0}\nb").expect("a diff");
        assert_eq!(plain(&diff), ["-a\\u{20}", "-b", "+a\\u{a0}", "+b (no line feed at the end)"]);
    }
}

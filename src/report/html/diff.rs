//! Expected beside actual, as lines in which the differing words are marked: [`diff`].

use similar::{ChangeTag, TextDiff};

use super::Text;

/// Longest value that is compared, in bytes; the time a comparison takes grows with its square.
const MAX_VALUE: usize = 4096;
/// Values up to this length on one line are clear without a comparison.
const SHORT: usize = 60;

/// A piece of a line.
pub(super) struct Piece {
    pub(super) text: Text,
    /// It differs.
    pub(super) marked: bool,
}

/// A line.
pub(super) struct Line {
    /// `-` expected only, `+` actual only, a space for both.
    pub(super) sign: char,
    /// The same in a word, for style.
    pub(super) class: &'static str,
    pub(super) pieces: Vec<Piece>,
}

/// A row of the side-by-side form.
pub(super) struct Row {
    pub(super) expected: Option<Line>,
    pub(super) actual: Option<Line>,
}

/// A comparison in both forms.
pub(super) struct Diff {
    pub(super) unified: Vec<Line>,
    pub(super) rows: Vec<Row>,
}

impl Diff {
    /// Bytes of text in both forms.
    pub(super) fn size(&self) -> usize {
        let line = |line: &Line| line.pieces.iter().map(|piece| piece.text.len() + 20).sum::<usize>() + 40;
        self.unified.iter().map(line).sum::<usize>() * 2
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
    let one_ends = expected.ends_with('\n') != actual.ends_with('\n');
    let diff = TextDiff::from_lines(expected.as_str(), actual.as_str());
    let mut unified = Vec::new();
    let mut rows = Vec::new();
    // No deadline, for the same record gives the same page; the values' length bounds the time.
    for op in diff.ops() {
        let mut removed = Vec::new();
        let mut added = Vec::new();
        for change in diff.iter_inline_changes_deadline(op, None) {
            let pieces = || {
                let strings = change.iter_strings_lossy();
                // The line's own end is shown by the layout.
                let pieces =
                    strings.map(|(marked, text)| Piece { text: Text::line(text.trim_end_matches('\n')), marked });
                let mut pieces: Vec<Piece> = pieces.filter(|piece| !piece.text.is_empty()).collect();
                if one_ends && change.missing_newline() {
                    pieces.push(Piece { text: Text::line(" (no line feed at the end)"), marked: true });
                }
                pieces
            };
            match change.tag() {
                ChangeTag::Delete => {
                    unified.push(Line { sign: '-', class: "minus", pieces: pieces() });
                    removed.push(Line { sign: '-', class: "minus", pieces: pieces() });
                }
                ChangeTag::Insert => {
                    unified.push(Line { sign: '+', class: "plus", pieces: pieces() });
                    added.push(Line { sign: '+', class: "plus", pieces: pieces() });
                }
                ChangeTag::Equal => {
                    unified.push(Line { sign: ' ', class: "same", pieces: pieces() });
                    rows.push(Row {
                        expected: Some(Line { sign: ' ', class: "same", pieces: pieces() }),
                        actual: Some(Line { sign: ' ', class: "same", pieces: pieces() }),
                    });
                }
            }
        }
        let mut added = added.into_iter();
        for line in removed {
            rows.push(Row { expected: Some(line), actual: added.next() });
        }
        rows.extend(added.map(|line| Row { expected: None, actual: Some(line) }));
    }
    Some(Diff { unified, rows })
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

    fn plain(line: &Line) -> String {
        let text: String = line.pieces.iter().map(|piece| piece.text.0.as_str()).collect();
        format!("{}{text}", line.sign)
    }

    #[test]
    fn lines_are_paired_and_words_are_marked() {
        let diff = diff("{\n  \"a\": 1,\n  \"b\": 2\n}", "{\n  \"a\": 1,\n  \"b\": 3,\n  \"c\": 4\n}").expect("a diff");
        let unified: Vec<String> = diff.unified.iter().map(plain).collect();
        assert_eq!(unified, [" {", "   \"a\": 1,", "-  \"b\": 2", "+  \"b\": 3,", "+  \"c\": 4", " }"]);
        assert_eq!(diff.rows.len(), 5);
        assert!(diff.rows[3].expected.is_none());
        assert!(diff.unified[2].pieces.iter().any(|piece| piece.marked));
        assert!(diff.unified[2].pieces.iter().any(|piece| !piece.marked));
    }

    #[test]
    fn short_values_need_no_diff_and_long_ones_are_cut() {
        assert!(diff("1", "2").is_none());
        assert!(diff("", "a\nb").is_none());
        let long = "x\n".repeat(100_000);
        assert!(diff(&long, "y\n").expect("a diff").unified.len() < 2100);
    }

    #[test]
    fn invisible_differences_are_visible() {
        let diff = diff("a\r\nb", "a\nb").expect("a diff");
        let shown = |diff: &Diff| diff.unified.iter().map(plain).collect::<Vec<_>>();
        assert_eq!(shown(&diff), ["-a\\r", "+a", " b"]);
        let diff = super::diff("a \nb\n", "a\u{a0}\nb").expect("a diff");
        assert_eq!(shown(&diff), ["-a\\u{20}", "-b", "+a\\u{a0}", "+b (no line feed at the end)"]);
    }
}

//! What is wrong in a file, and where: [`Diagnostic`]; [`render`] shows a list of them to people.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::SourceFile;

/// Most diagnostics that [`render`] shows; the rest is counted.
pub const SHOWN: usize = 100;

/// Longest line that is shown with its source; a longer one is named by position only.
const LONGEST_LINE: usize = 2_000;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but is probably not what was meant.
    Warning,
}

/// One error in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Path as given to the loader.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte range in the file.
    pub span: Range<usize>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a byte range of a text.
    #[must_use]
    pub fn error(file: &Arc<str>, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let before = &text.as_bytes()[..span.start.min(text.len())];
        let line = memchr::memchr_iter(b'\n', before).count();
        Self::on_line(file, text, line, span, message)
    }

    /// The same when the number of the line, from 0, is known, so that many errors in a large file stay cheap.
    pub(super) fn on_line(
        file: &Arc<str>,
        text: &str,
        line: usize,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end.max(start));
        let line_start = memchr::memrchr(b'\n', &text.as_bytes()[..start]).map_or(0, |at| at + 1);
        Self {
            file: Arc::clone(file),
            line: clamp(line + 1),
            column: clamp(text[line_start..start].chars().count() + 1),
            span: start..end,
            severity: Severity::Error,
            message: message.into(),
            help: None,
        }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A count as the model stores it.
pub(super) fn clamp(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The nearest character boundary at or before an offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Sorts by file and place.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        (&a.file, a.span.start, a.span.end, &a.message).cmp(&(&b.file, b.span.start, b.span.end, &b.message))
    });
}

/// The diagnostics with their source lines, sorted by file and line; after [`SHOWN`] of them only their number.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &[SourceFile], colour: bool) -> String {
    let mut sorted = diagnostics.to_vec();
    sort(&mut sorted);
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for each in sorted.iter().take(SHOWN) {
        let level = match each.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let message = printable(&each.message);
        let mut group = Group::with_title(level.primary_title(message.as_str()));
        let source = sources.iter().find(|source| source.path == each.file);
        let excerpt = source.and_then(|source| excerpt(&source.text, &each.span));
        let path = printable(&each.file);
        match &excerpt {
            Some((text, first_line, span)) => {
                group = group.element(
                    Snippet::source(text.as_str())
                        .path(path.as_str())
                        .line_start(*first_line)
                        .annotation(AnnotationKind::Primary.span(span.clone())),
                );
            }
            None => {
                group = group.element(
                    annotate_snippets::Origin::path(path.as_str())
                        .line(each.line as usize)
                        .char_column(each.column as usize),
                );
            }
        }
        let help = each.help.as_deref().map(printable);
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let _ = writeln!(out, "{}\n", renderer.render(&[group]));
    }
    if sorted.len() > SHOWN {
        let _ = writeln!(out, "and {} more", sorted.len() - SHOWN);
    }
    out
}

/// The line that a range begins on, its number, and the range within it.
fn excerpt(text: &str, span: &Range<usize>) -> Option<(String, usize, Range<usize>)> {
    let start = floor(text, span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    if line_end - line_start > LONGEST_LINE {
        return None;
    }
    let number = memchr::memchr_iter(b'\n', &text.as_bytes()[..line_start]).count() + 1;
    let end = floor(text, span.end).clamp(start, line_end);
    let line = text[line_start..line_end].trim_end_matches('\r');
    let within = (start - line_start).min(line.len())..(end - line_start).min(line.len());
    // Control characters other than tabs would reach the terminal; each becomes one character of the same width in bytes.
    let shown = line.chars().map(|c| if c.is_ascii_control() && c != '\t' { '?' } else { c }).collect();
    Some((shown, number, within))
}

/// Text from a file, safe for a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// The word that was probably meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|each| (strsim::damerau_levenshtein(&word.to_lowercase(), &each.to_lowercase()), each))
        .filter(|(distance, each)| *distance <= 1 + word.len().max(each.len()) / 4)
        .min()
        .map(|(_, each)| each)
}

/// "did you mean" for [`nearest`].
pub(crate) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|each| format!("did you mean `{each}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SourceFile {
        SourceFile { path: Arc::from("a.toml"), text: text.to_owned() }
    }

    #[test]
    fn shows_file_line_column_and_the_underlined_source() {
        let file = source("x = 1\nké = 2\n");
        let at = file.text.find("= 2").unwrap();
        let error = Diagnostic::error(&file.path, &file.text, at..at + 3, "bad").help("better");
        assert_eq!((error.line, error.column), (2, 4));
        let text = render(&[error], &[file], false);
        assert!(text.contains("a.toml:2:4"), "{text}");
        assert!(text.contains("ké = 2") && text.contains("^^^") && text.contains("help: better"), "{text}");
    }

    #[test]
    fn caps_what_is_shown() {
        let file = source("x");
        let all: Vec<_> =
            (0..SHOWN + 7).map(|n| Diagnostic::error(&file.path, &file.text, 0..1, format!("no {n}"))).collect();
        assert!(render(&all, &[file], false).ends_with("and 7 more\n"));
    }

    #[test]
    fn keeps_control_characters_from_the_terminal() {
        let file = source("a = \"\u{1b}[31m\"");
        let error = Diagnostic::error(&file.path, &file.text, 0..1, "bad \u{1b}[31m");
        assert!(!render(&[error], &[file], false).contains('\u{1b}'));
    }

    #[test]
    fn suggests_near_words_only() {
        assert_eq!(suggestion("titel", ["title", "tags"]).as_deref(), Some("did you mean `title`?"));
        assert_eq!(suggestion("zzzzzz", ["title", "tags"]), None);
    }
}

//! Text from a service, made harmless and visible in whatever format it is quoted: [`visible`] first, then the
//! format's own escapes. Nothing is dropped silently, for a dropped byte can be the very difference.

use std::borrow::Cow;
use std::fmt::Write as _;

pub use crate::diff::is_hidden;

use crate::diff::defused;

/// The text on one line with every hidden character written as `\u{1b}`; line feed, carriage return and tab as
/// `\n`, `\r`, `\t`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    rewrite(text, false)
}

/// As [`visible`], keeping line feeds.
#[must_use]
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    rewrite(text, true)
}

fn rewrite(text: &str, keep_lines: bool) -> Cow<'_, str> {
    // Nearly everything is plain ASCII, which is told without looking at characters.
    let plain = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    if plain || !text.chars().any(|c| is_hidden(c) && !(keep_lines && c == '\n')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' if keep_lines => out.push('\n'),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// One line for a log that a CI runner reads: visible, and with no command in it that GitHub (`::error::` at the
/// start of a line, `##[…]` anywhere) or Azure (`##vso[`) would run.
#[must_use]
pub fn log_line(text: &str) -> String {
    defused(&visible(text)).into_owned()
}

/// As [`log_line`], keeping line feeds.
#[must_use]
pub fn log_lines(text: &str) -> String {
    let shown = visible_lines(text);
    let lines: Vec<Cow<'_, str>> = shown.split('\n').map(defused).collect();
    lines.join("\n")
}

/// Text or an attribute of an XML 1.0 document. Only characters of its `Char` production are left, and `]]>` cannot
/// occur.
#[must_use]
pub fn xml(text: &str) -> String {
    markup(&visible(text))
}

/// As [`xml`], keeping line feeds. For element content; in an attribute a parser would turn them into spaces.
#[must_use]
pub fn xml_lines(text: &str) -> String {
    markup(&visible_lines(text))
}

fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// Text in a line or a table cell of GitHub-flavoured Markdown: no markup, no HTML, no mention, no link, no new cell.
#[must_use]
pub fn markdown(text: &str) -> String {
    let shown = log_line(text);
    let special =
        |c: char| matches!(c, '&' | '<' | '>' | '@' | '_' | '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '#' | '!' | '/');
    if !shown.contains(special) {
        return without_www(shown);
    }
    let mut out = String::with_capacity(shown.len() + shown.len() / 8);
    let mut copied = 0;
    for (at, found) in shown.match_indices(special) {
        out.push_str(&shown[copied..at]);
        copied = at + found.len();
        let before = shown[..at].chars().next_back().unwrap_or(' ');
        match found {
            "&" => out.push_str("&amp;"),
            "<" => out.push_str("&lt;"),
            ">" => out.push_str("&gt;"),
            "@" => out.push_str("&#64;"),
            // An underscore inside a word is no emphasis in GitHub's Markdown, and names are full of them.
            "_" if before.is_alphanumeric() => out.push('_'),
            // `://` and `www.` make a link of themselves.
            "/" if before == ':' => out.push_str("&#47;"),
            "/" => out.push('/'),
            other => {
                out.push('\\');
                out.push_str(other);
            }
        }
    }
    out.push_str(&shown[copied..]);
    without_www(out)
}

fn without_www(text: String) -> String {
    if memchr::memmem::find(text.as_bytes(), b"www.").is_none() { text } else { text.replace("www.", "www&#46;") }
}

/// A code span of Markdown, its fence longer than any run of backticks inside. Safe in a table cell.
#[must_use]
pub fn markdown_code(text: &str) -> String {
    let shown = log_line(text);
    if shown.is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&shown, '`') + 1);
    // Inside a table a pipe ends the cell even in a code span, unless a backslash is before it; GitHub takes that
    // backslash away.
    let inside = shown.replace('|', "\\|");
    let pad = if inside.starts_with('`') || inside.ends_with('`') || inside.trim().is_empty() { " " } else { "" };
    format!("{fence}{pad}{inside}{pad}{fence}")
}

/// A fenced block of Markdown, its fence longer than any run of backticks inside. Ends with a line feed.
#[must_use]
pub fn markdown_block(language: &str, text: &str) -> String {
    let shown = log_lines(text);
    let fence = "`".repeat((longest_run(&shown, '`') + 1).max(3));
    let end = if shown.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{shown}{end}{fence}\n")
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

/// The message of a GitHub workflow command.
#[must_use]
pub fn command_data(text: &str) -> String {
    // Line feeds are wanted in a message and are written as %0A; everything else hidden is made visible.
    visible_lines(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a GitHub workflow command.
#[must_use]
pub fn command_property(text: &str) -> String {
    command_data(&visible(text)).replace(':', "%3A").replace(',', "%2C")
}

/// A description on a TAP line: `#` begins a directive and a backslash escapes.
#[must_use]
pub fn tap(text: &str) -> String {
    log_line(text).replace('\\', "\\\\").replace('#', "\\#")
}

/// At most `limit` bytes of the text, cut at a character, and whether something was cut.
#[must_use]
pub fn cut(text: &str, limit: usize) -> (&str, bool) {
    if text.len() <= limit {
        return (text, false);
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (&text[..end], true)
}

/// The text, shortened to `limit` bytes with a word about how much is missing.
#[must_use]
pub fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    match cut(text, limit) {
        (_, false) => Cow::Borrowed(text),
        (start, true) => Cow::Owned(format!("{start}… ({} more bytes)", text.len() - start.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown_and_none_is_dropped() {
        assert_eq!(visible("a\u{1b}[31m\0\u{fffe}\u{202e}\t\r\nz"), "a\\u{1b}[31m\\u{0}\\u{fffe}\\u{202e}\\t\\r\\nz");
        assert_eq!(visible_lines("a\r\nb"), "a\\r\nb");
        assert!(matches!(visible("plain é 漢 🎵"), Cow::Borrowed(_)));
    }

    #[test]
    fn no_workflow_command_survives_in_a_log_line() {
        assert_eq!(log_line("  ::error::x"), "  \\u{3a}:error::x");
        assert_eq!(log_line("a ##[error]x ##vso[task]"), "a ##\\u{5b}error]x ##vso\\u{5b}task]");
        assert_eq!(log_lines("a\n ::warning::b"), "a\n \\u{3a}:warning::b");
        assert_eq!(log_line("std::fs"), "std::fs");
    }

    #[test]
    fn xml_holds_only_characters_that_xml_allows() {
        let all: String = (0..0x11_0000_u32).filter_map(char::from_u32).collect();
        let escaped = xml_lines(&all);
        assert!(escaped.chars().all(|c| matches!(c, '\n' | '\u{20}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')));
        assert_eq!(xml("]]></script>&\""), "]]&gt;&lt;/script&gt;&amp;&quot;");
        let document = format!("<a b=\"{}\">{escaped}</a>", xml(&all));
        assert!(roxmltree::Document::parse(&document).is_ok());
    }

    #[test]
    fn markdown_cannot_be_left() {
        assert_eq!(
            markdown("a|b <b> `c` @me [x](http://y) www.z"),
            "a\\|b &lt;b&gt; \\`c\\` &#64;me \\[x\\](http:&#47;/y) www&#46;z"
        );
        assert_eq!(markdown("COLLECTION_INVALID_ID"), "COLLECTION_INVALID_ID");
        assert_eq!(markdown_code("a``b|c"), "```a``b\\|c```");
        assert_eq!(markdown_code("`"), "`` ` ``");
        assert_eq!(markdown_block("", "x\n````\n"), "`````\nx\n````\n`````\n");
    }

    #[test]
    fn commands_are_escaped_as_the_runner_unescapes_them() {
        assert_eq!(command_data("50%\r\n::error::"), "50%25\\r%0A::error::");
        assert_eq!(command_property("a:b,c%\n"), "a%3Ab%2Cc%25\\n");
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("aé", 2), ("a", true));
        assert_eq!(cut("aé", 3), ("aé", false));
        assert_eq!(shorten("abcdef", 2), "ab… (4 more bytes)");
    }
}

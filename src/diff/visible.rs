//! Makes invisible characters visible: [`visible`].

use std::borrow::Cow;
use std::fmt::Write as _;

/// Controls, and characters that change or hide the text around them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{3000}'
            | '\u{feff}' | '\u{2000}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{205f}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The line with a tab as `→`, white space at its end as `·`, and every other invisible or
/// text-turning character as `\u{…}`: nothing that a terminal would obey or hide is left.
#[must_use]
pub fn visible(line: &str) -> Cow<'_, str> {
    let kept = line.trim_end_matches(' ').len();
    if kept == line.len() && !line.chars().any(is_hidden) {
        return Cow::Borrowed(line);
    }
    let mut shown = String::with_capacity(line.len() + 8);
    for character in line[..kept].chars() {
        match character {
            '\t' => shown.push('→'),
            hidden if is_hidden(hidden) => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(hidden));
            }
            other => shown.push(other),
        }
    }
    shown.extend(line[kept..].chars().map(|_| '·'));
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_cannot_be_seen() {
        assert!(matches!(visible("plain é 😀"), Cow::Borrowed(_)));
        assert_eq!(visible("a\tb \u{a0}c  "), "a→b \\u{a0}c··");
        assert_eq!(visible("\u{feff}\u{1b}[0m\u{202e}\r"), "\\u{feff}\\u{1b}[0m\\u{202e}\\u{d}");
        assert_eq!(visible("a\u{200b}\u{85}\u{2067}"), "a\\u{200b}\\u{85}\\u{2067}");
    }
}

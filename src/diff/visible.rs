//! Makes invisible characters visible and log commands inert: [`visible`], [`defused`].

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a reader would not see this character, or a terminal, an XML parser or a page would obey it: controls
/// (C0, C1, DEL), bidirectional controls, invisible characters, noncharacters, tag characters, and spaces that look
/// like the ordinary one.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    let code = c as u32;
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{a0}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
        | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fdd0}'..='\u{fdef}'
        | '\u{e0000}'..='\u{e007f}')
        || code & 0xfffe == 0xfffe
}

/// The line with a tab as `→`, spaces at its end as `·`, and every other invisible or text-turning character as
/// `\u{…}`: nothing that a terminal would obey or hide is left.
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

/// The line with no command in it that a CI runner would obey: of GitHub (`::error::` at the start of a line, white
/// space before it or not; `##[…]` anywhere) or of Azure (`##vso[`).
#[must_use]
pub fn defused(line: &str) -> Cow<'_, str> {
    let start = line.len() - line.trim_start().len();
    let leads = line[start..].starts_with("::");
    if !leads && !line.contains("##[") && !line.contains("##vso[") {
        return Cow::Borrowed(line);
    }
    let (space, rest) = line.split_at(start);
    let (colon, rest) = if leads { ("\\u{3a}", &rest[1..]) } else { ("", rest) };
    let rest = rest.replace("##[", "##\\u{5b}").replace("##vso[", "##vso\\u{5b}");
    Cow::Owned(format!("{space}{colon}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_cannot_be_seen() {
        assert!(matches!(visible("plain é 😀"), Cow::Borrowed(_)));
        assert_eq!(visible("a\tb \u{a0}c  "), "a→b \\u{a0}c··");
        assert_eq!(visible("\u{feff}\u{1b}[0m\u{202e}\r"), "\\u{feff}\\u{1b}[0m\\u{202e}\\u{d}");
        assert_eq!(visible("a\u{200b}\u{85}\u{2067}\u{fffe}"), "a\\u{200b}\\u{85}\\u{2067}\\u{fffe}");
    }

    #[test]
    fn no_command_is_left() {
        assert_eq!(defused("  ::error::x"), "  \\u{3a}:error::x");
        assert_eq!(defused("+ ##[error]x ##vso[task]"), "+ ##\\u{5b}error]x ##vso\\u{5b}task]");
        assert!(matches!(defused("-std::fs"), Cow::Borrowed(_)));
    }
}

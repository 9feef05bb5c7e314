//! A target file as its errors may show it: [`masked`]. People write secrets where they do not belong, are told so,
//! and the line that tells them stands in a log for ever.

use std::ops::Range;

/// Keys whose text is a secret, unless it is made of others.
const SECRET_KEYS: [&str; 3] = ["password", "bearer", "value"];

/// Keys of a secret that say where it is, and are none.
const ORIGINS: [&str; 2] = ["env", "file"];

/// The text with a `*` for every byte of what may be a secret, so that every place in it stays where it is.
pub(crate) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let (mut at, mut in_secrets) = (0, false);
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        if trimmed.starts_with('[') {
            in_secrets = trimmed.trim_start_matches(['[', ' ']).starts_with("secrets");
        }
        let secret = in_secrets || trimmed.starts_with("secrets");
        for string in strings(line) {
            let content = &line[string.clone()];
            let key = line[..string.start - 1].trim_end().strip_suffix('=').map(|before| word(before.trim_end()));
            let hide = match key {
                Some(key) if SECRET_KEYS.contains(&key) => !content.contains("${"),
                Some(key) => secret && !ORIGINS.contains(&key),
                None => false,
            };
            let user = user(content).map(|user| string.start + user.start..string.start + user.end);
            if let Some(range) = if hide { Some(string) } else { user } {
                bytes[at + range.start..at + range.end].fill(b'*');
            }
        }
        at += line.len();
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// What stands between quotation marks on a line, also where the second is missing.
fn strings(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = line[from..].find(['"', '\'', '#']).map(|at| from + at) {
        let quote = line.as_bytes()[open];
        if quote == b'#' {
            break;
        }
        let start = open + 1;
        let mut end = start;
        while end < line.len() && line.as_bytes()[end] != quote && line.as_bytes()[end] != b'\n' {
            end += if quote == b'"' && line.as_bytes()[end] == b'\\' { 2 } else { 1 };
        }
        // An escape may have led beyond the end, or into a character.
        while !line.is_char_boundary(end.min(line.len())) {
            end += 1;
        }
        let end = end.min(line.len());
        found.push(start..end);
        from = (end + 1).min(line.len());
        while !line.is_char_boundary(from) {
            from += 1;
        }
    }
    found
}

/// The last word of a text: of a dotted key, its last part.
fn word(text: &str) -> &str {
    text.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// User and password in a URL.
fn user(text: &str) -> Option<Range<usize>> {
    let start = text.find("://")? + 3;
    let end = start + text[start..].rfind('@')?;
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_masked_and_nothing_moves() {
        let text = "[services]\na = \"http://u:p@ss@h/\" # é \"x\n[secrets]\na.b = { env = \"NAME\" }\nc = 'hush'\n\
                    d = { value = \"h\\\"ush\", file = \"f\" }\n[auth.\"a.b\"]\nbearer = \"${a.b}\"\npassword=\"hé";
        let masked = masked(text);
        assert_eq!(masked.len(), text.len());
        assert_eq!(
            masked,
            "[services]\na = \"http://******@h/\" # é \"x\n[secrets]\na.b = { env = \"NAME\" }\nc = '****'\n\
             d = { value = \"******\", file = \"f\" }\n[auth.\"a.b\"]\nbearer = \"${a.b}\"\npassword=\"***"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in "(?s)[\\[a-z=\"'\\\\#é\\n ]{0,40}") {
            assert_eq!(masked(&text).len(), text.len());
        }
    }
}

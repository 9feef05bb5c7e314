//! Which texts give a secret away: [`all`].

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::SHORTEST;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Every form of a secret, and of those of its parts that are as secret.
pub(super) fn all(value: &str) -> Vec<String> {
    let mut all = forms(value);
    parts(value).into_iter().for_each(|part| text_forms(part, &mut all));
    all
}

/// Shortest part of a secret that is a secret itself.
const PART: usize = 12;

/// The parts of a structured secret that would give it away by themselves: what stands behind a scheme or a `;`, and
/// every run of letters and digits that is long and mixed enough to be no word. Cases send such parts on purpose.
fn parts(value: &str) -> Vec<&str> {
    let tails = value.match_indices([' ', ';']).map(|(at, _)| &value[at + 1..]);
    let runs = value.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).filter(|run| {
        run.bytes().any(|byte| byte.is_ascii_digit()) && run.bytes().any(|byte| byte.is_ascii_alphabetic())
    });
    tails.chain(runs).filter(|part| part.len() >= PART && *part != value).collect()
}

/// Every form in which a value may be written.
fn forms(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    text_forms(value, &mut all);
    all.extend([
        STANDARD.encode(value),
        STANDARD_NO_PAD.encode(value),
        URL_SAFE.encode(value),
        URL_SAFE_NO_PAD.encode(value),
    ]);
    all
}

/// Every form in which a value may be written as text. The same text may be given more than once.
fn text_forms(value: &str, all: &mut Vec<String>) {
    all.push(value.to_owned());
    inside_base64(value, all);
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
        // Nothing that any writer escapes.
        return;
    }
    let once = utf8_percent_encode(value, UNRESERVED).to_string();
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let pointer = value.replace('~', "~0").replace('/', "~1");
    all.extend([
        utf8_percent_encode(&once, UNRESERVED).to_string(),
        lower_hex(&once),
        lower_hex(&form),
        once.replace("%25", "%"),
        lower_hex(&once).replace("%25", "%"),
        once,
        form,
        json_string(&pointer),
        pointer,
    ]);
    if let std::borrow::Cow::Owned(xml) = quick_xml::escape::escape(value) {
        all.extend([
            // Which characters pages and their frameworks write as which entity differs.
            xml.replace("&apos;", "&#39;"),
            xml.replace("&apos;", "&#x27;"),
            xml.replace("&apos;", "'"),
            xml.replace("&apos;", "&#39;").replace("&quot;", "&#34;"),
            xml.replace("&apos;", "&#x27;").replace("&quot;", "&#x22;"),
            xml,
            quick_xml::escape::partial_escape(value).into_owned(),
        ]);
    }
    json(value, all);
}

/// Whether JSON text cannot hold a character as it is.
fn must_be_escaped(c: char) -> bool {
    matches!(c, '"' | '\\' | '\0'..='\x1f')
}

fn json_string(value: &str) -> String {
    if !value.contains(must_be_escaped) {
        return value.to_owned();
    }
    let quoted = serde_json::to_string(value).unwrap_or_default();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// As JSON writers put it between quotation marks: they differ in what they escape beyond what they must.
fn json(value: &str, all: &mut Vec<String>) {
    let plain = json_string(value);
    let wide = |c: char| !c.is_ascii();
    let page = |c: char| matches!(c, '<' | '>' | '&');
    let careful = |c: char| wide(c) || page(c) || matches!(c, '"' | '\'' | '+' | '`');
    all.extend([plain.replace('/', "\\/"), plain]);
    if !value.contains(careful) {
        return;
    }
    for upper in [false, true] {
        let ascii = escaped(value, wide, upper);
        all.extend([escaped(value, page, upper), escaped(value, careful, upper), ascii.replace('/', "\\/"), ascii]);
    }
}

/// A JSON text with these characters as `\uXXXX`.
fn escaped(value: &str, which: impl Fn(char) -> bool, upper: bool) -> String {
    let mut all = String::with_capacity(value.len() + 32);
    let mut buffer = [0; 4];
    for c in value.chars() {
        if which(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                all.push_str(&if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
            }
        } else if must_be_escaped(c) {
            all.push_str(&json_string(c.encode_utf8(&mut buffer)));
        } else {
            all.push(c);
        }
    }
    all
}

/// The part of a base64 text that stays the same whatever is encoded with the value, before and behind it.
fn inside_base64(value: &str, all: &mut Vec<String>) {
    for (before, skip) in [(0, 0), (1, 2), (2, 3)] {
        let whole = [&[0; 2][..before], value.as_bytes()].concat();
        let end = whole.len() * 8 / 6;
        for text in [STANDARD_NO_PAD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
            all.extend(text.get(skip..end).filter(|part| part.len() >= SHORTEST).map(str::to_owned));
        }
    }
}

/// `%3A` as `%3a`.
fn lower_hex(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for at in memchr::memchr_iter(b'%', text.as_bytes()) {
        let end = (at + 3).min(bytes.len());
        bytes[at + 1..end].make_ascii_lowercase();
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every writer is asked, whatever the value: nothing is left out because it seems to need no escape.
    fn thorough(value: &str) -> Vec<String> {
        let once = utf8_percent_encode(value, UNRESERVED).to_string();
        let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let xml = quick_xml::escape::escape(value).into_owned();
        let json = serde_json::to_string(value).unwrap();
        let pointer = serde_json::to_string(&value.replace('~', "~0").replace('/', "~1")).unwrap();
        let mut all = vec![
            json[1..json.len() - 1].to_owned(),
            json[1..json.len() - 1].replace('/', "\\/"),
            pointer[1..pointer.len() - 1].to_owned(),
            utf8_percent_encode(&once, UNRESERVED).to_string(),
            lower_hex(&once),
            lower_hex(&form),
            once.replace("%25", "%"),
            once,
            form,
            xml.replace("&apos;", "&#39;"),
            xml,
            quick_xml::escape::partial_escape(value).into_owned(),
            STANDARD.encode(value),
            URL_SAFE_NO_PAD.encode(value),
        ];
        for upper in [false, true] {
            all.push(escaped(value, |c| !c.is_ascii(), upper));
            all.push(escaped(value, |c| matches!(c, '<' | '>' | '&'), upper));
        }
        all
    }

    proptest::proptest! {
        #[test]
        fn no_form_is_left_out(value in "(?s).{6,12}") {
            let all = all(&value);
            for form in thorough(&value) {
                assert!(all.contains(&form), "{value:?} as {form:?}");
            }
        }
    }
}

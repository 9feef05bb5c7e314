//! Media types, parsed: [`MediaType`] (RFC 9110, section 8.3.1).

use std::fmt;

/// A media type. Type, subtype and parameter names are in lower case, as none of them has a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `application`
    pub kind: String,
    /// `json`
    pub subtype: String,
    /// Parameters in order; values unquoted.
    pub parameters: Vec<(String, String)>,
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Whether this is a media type without parameters and without white space.
pub(super) fn is_bare(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

impl MediaType {
    /// Reads a media type; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (essence, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
        let (kind, subtype) = essence.trim_matches([' ', '\t']).split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut parameters = Vec::new();
        while let Some(after) = rest.strip_prefix(';') {
            let after = after.trim_start_matches([' ', '\t']);
            // `a/b;` and `a/b; ;c=d` are allowed (RFC 9110, section 5.6.6).
            if after.is_empty() || after.starts_with(';') {
                rest = after;
                continue;
            }
            let (name, value) = after.split_once('=')?;
            let (value, behind) = parameter_value(value)?;
            if !is_token(name) {
                return None;
            }
            parameters.push((name.to_ascii_lowercase(), value));
            rest = behind.trim_start_matches([' ', '\t']);
        }
        if !rest.is_empty() {
            return None;
        }
        Some(Self { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase(), parameters })
    }

    /// Whether an answer of that type is what this expects: the same type, with every parameter that
    /// this has. `*` stands for any type or subtype. `charset` has no letter case.
    #[must_use]
    pub fn accepts(&self, actual: &MediaType) -> bool {
        let name = |expected: &str, actual: &str| expected == "*" || expected == actual;
        name(&self.kind, &actual.kind)
            && name(&self.subtype, &actual.subtype)
            && self.parameters.iter().all(|(key, value)| {
                actual.parameters.iter().any(|(other, found)| {
                    other == key && (found == value || (key == "charset" && found.eq_ignore_ascii_case(value)))
                })
            })
    }

    /// JSON, by its subtype or suffix (RFC 6839).
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.subtype == "json" || self.subtype.ends_with("+json")
    }

    /// XML, by its subtype or suffix (RFC 7303).
    #[must_use]
    pub fn is_xml(&self) -> bool {
        self.subtype == "xml" || self.subtype.ends_with("+xml")
    }
}

/// A token or quoted string, and what stands behind it.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return is_token(value).then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype)?;
        for (name, value) in &self.parameters {
            write!(f, "; {name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_rfc_allows() {
        let media = MediaType::parse("Application/JSON; Charset=\"UTF\\-8\" ; x=y;").unwrap();
        assert_eq!(media.to_string(), "application/json; charset=UTF-8; x=y");
        for bad in ["", "json", "a/", "/b", "a/b/c d", "a b/c", "a/b; c", "a/b; c=\"d", "a/b x", "a/b; c=d e"] {
            assert_eq!(MediaType::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn accepts_by_meaning() {
        let accepts =
            |expected, actual| MediaType::parse(expected).unwrap().accepts(&MediaType::parse(actual).unwrap());
        assert!(accepts("application/json", "application/JSON; charset=utf-8"));
        assert!(accepts("application/json; charset=utf-8", "application/json;charset=UTF-8"));
        assert!(!accepts("application/json; charset=utf-8", "application/json"));
        assert!(!accepts("application/json", "application/problem+json"));
        assert!(accepts("text/*", "text/plain"));
        assert!(MediaType::parse("application/problem+json").unwrap().is_json());
        assert!(MediaType::parse("text/xml").unwrap().is_xml());
    }
}

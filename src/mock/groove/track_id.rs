//! Groove ids as text: which kind they are ([`kind`]) and how they are echoed ([`echo`]).

use std::borrow::Cow;

use crate::mock::policy::Echo;

/// What an input id is, before anything is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// The namespace, a dot and a hyphenated GUID in any letter case; holds the GUID.
    Catalog(&'a str),
    /// Anything else, a collection id among them.
    Other,
}

/// Whether the text is a GUID of 8-4-4-4-12 hexadecimal digits.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The kind of an id. The namespace is case-sensitive unless told otherwise.
pub fn kind<'a>(namespace: &str, id: &'a str, prefix_ignores_case: bool) -> Kind<'a> {
    let prefixed = id
        .split_once('.')
        .filter(|(prefix, _)| *prefix == namespace || (prefix_ignores_case && prefix.eq_ignore_ascii_case(namespace)));
    match prefixed {
        Some((_, guid)) if is_guid(guid) => Kind::Catalog(guid),
        _ => Kind::Other,
    }
}

/// The text of `InputId` for an input id (GRV-ADD-22, GRV-ADD-23, GRV-DEL-23).
pub fn echo<'a>(id: &'a str, kind: Kind<'_>, rule: Echo) -> Cow<'a, str> {
    let head = match kind {
        Kind::Catalog(guid) => id.len() - guid.len(),
        Kind::Other => {
            return match (rule, id.split_once('.')) {
                (Echo::UpperAll, Some((prefix, rest))) => Cow::Owned(format!("{prefix}.{}", rest.to_ascii_uppercase())),
                _ => Cow::Borrowed(id),
            };
        }
    };
    let (prefix, guid) = id.split_at(head);
    match rule {
        Echo::AsSent => Cow::Borrowed(id),
        Echo::UpperGuid | Echo::UpperAll => Cow::Owned(format!("{prefix}{}", guid.to_ascii_uppercase())),
        Echo::LowerGuid => Cow::Owned(format!("{prefix}{}", guid.to_ascii_lowercase())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echoed(id: &str, rule: Echo) -> String {
        echo(id, kind("music", id, false), rule).into_owned()
    }

    #[test]
    fn only_catalog_guids_are_raised() {
        let rule = Echo::UpperGuid;
        assert_eq!(
            echoed("music.9bb2c5c5-455c-4c15-827c-f9bfd759a458", rule),
            "music.9BB2C5C5-455C-4C15-827C-F9BFD759A458"
        );
        for kept in [
            "music.AQQfjl2zcVUd602kG1MvCy4e_Ae-QZkAAQ",
            "MUSIC.9bb2c5c5-455c-4c15-827c-f9bfd759a458",
            "music.9bb2c5c5-455c-4c15-827c-f9bfd759a45",
            " music.9bb2c5c5-455c-4c15-827c-f9bfd759a458",
            "music.",
            "",
        ] {
            assert_eq!(echoed(kept, rule), kept);
        }
    }

    #[test]
    fn other_rules_echo_otherwise() {
        let id = "music.9bB2c5c5-455c-4c15-827c-f9bfd759a458";
        assert_eq!(echoed(id, Echo::AsSent), id);
        assert_eq!(echoed(id, Echo::LowerGuid), id.to_lowercase());
        assert_eq!(echoed("music.aQ_", Echo::UpperAll), "music.AQ_");
    }

    #[test]
    fn guids_have_hyphens_in_place() {
        assert!(is_guid("A83EB907-0100-11DB-89CA-0019B92A3933"));
        assert!(!is_guid("A83EB90700100-11DB-89CA-0019B92A3933"));
        assert!(!is_guid("A83EB907-0100-11DB-89CA-0019B92A393G"));
        assert!(!is_guid("{A83EB907-0100-11DB-89CA-0019B92A39}"));
    }
}

//! Oracle collection ids as text.

/// How long an id is; every documented sample has this length (OCM-DEL-05).
pub const LENGTH: usize = 44;

/// Whether an id has the documented form: 44 ASCII letters and digits. Not only hexadecimal ones,
/// as `...T0000DEFAULT00000000` shows (OCM-DEL-09). Lower case is well formed but names nothing.
pub fn is_well_formed(id: &str) -> bool {
    id.len() == LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether an id has the length and only hexadecimal digits.
pub fn is_hexadecimal(id: &str) -> bool {
    id.len() == LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_well_formed() {
        for id in [
            "F79BD107FC398ED6FB482274T0000DEFAULT00000000",
            "FEFFA68839EB0B144EDCD29545B3E9DD649055F5640B",
            "F8BDBD5812C1C10E3E5C1A1C45B3E9DD649028853801",
        ] {
            assert!(is_well_formed(id), "{id}");
            assert!(!is_well_formed(&id[1..]));
            assert!(!is_well_formed(&format!("{id}0")));
        }
        assert!(!is_hexadecimal("F79BD107FC398ED6FB482274T0000DEFAULT00000000"));
        assert!(!is_well_formed("7d9f4a52-2f3a-4a51-9c11-7e4a1c2b3d4e"));
        assert!(!is_well_formed("F8BDBD5812C1C10E3E5C1A1C45B3E9DD64902885380,"));
    }
}

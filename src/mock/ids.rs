//! Generated ids: unpredictable to a client, repeatable for a seed, never given twice.
//!
//! [`IdSource`] hashes the seed's phrase with a counter, so no clock and no random source is read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Produces the generated ids of one service.
#[derive(Debug, Clone)]
pub struct IdSource {
    phrase: String,
    counter: u64,
}

impl IdSource {
    /// A source whose ids depend on the phrase and on how many were taken before.
    pub fn new(phrase: &str) -> Self {
        Self { phrase: phrase.to_owned(), counter: 0 }
    }

    fn next_hash(&mut self) -> [u8; 32] {
        self.counter += 1;
        let mut hasher = Sha256::new();
        hasher.update(self.phrase.as_bytes());
        hasher.update([0]);
        hasher.update(self.counter.to_be_bytes());
        hasher.finalize().into()
    }

    /// A Groove collection track id: `music.` and 34 base64url characters that start with `AQQ`
    /// (GRV-ADD-29). As in every documented sample the 25 bytes hold a fixed head, 16 opaque
    /// bytes, the first four bytes of the catalog GUID in reverse, and a fixed tail.
    pub fn collection_track(&mut self, catalog_guid: &str) -> String {
        let hash = self.next_hash();
        let first = catalog_guid.get(..8).and_then(|text| u32::from_str_radix(text, 16).ok()).unwrap_or_default();
        let mut bytes = Vec::with_capacity(25);
        bytes.extend_from_slice(&[0x01, 0x04, 0x1f]);
        bytes.extend_from_slice(&hash[..16]);
        bytes.extend_from_slice(&first.to_le_bytes());
        bytes.extend_from_slice(&[0x00, 0x01]);
        format!("music.{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// An Oracle collection id: 24 hexadecimal characters and the service's suffix of 20.
    pub fn collection(&mut self, suffix: &str) -> String {
        let hash = self.next_hash();
        let mut id = String::with_capacity(44);
        for byte in &hash[..12] {
            id.push_str(&format!("{byte:02X}"));
        }
        id.push_str(suffix);
        id
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn track_ids_have_the_documented_form() {
        let mut source = IdSource::new("phrase");
        let id = source.collection_track("A83EB907-0100-11DB-89CA-0019B92A3933");
        assert_eq!(id.len(), "music.".len() + 34);
        assert!(id.starts_with("music.AQQf"), "{id}");
        assert!(id.ends_with("5PqgAAQ"), "the tail of the documented sample: {id}");
    }

    #[test]
    fn ids_repeat_for_a_seed_and_never_within_one() {
        let (mut one, mut two) = (IdSource::new("a"), IdSource::new("a"));
        let mut seen = HashSet::new();
        for _ in 0..1_000 {
            let id = one.collection_track("00000000");
            assert_eq!(id, two.collection_track("00000000"));
            assert!(seen.insert(id));
        }
        assert_ne!(IdSource::new("a").collection("S"), IdSource::new("b").collection("S"));
    }

    #[test]
    fn collection_ids_have_44_characters() {
        let id = IdSource::new("a").collection("45B3E9DD649028853801");
        assert_eq!(id.len(), 44);
        assert!(id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()));
    }
}

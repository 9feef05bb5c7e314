//! The state a mock starts from: a [`Seed`] read from TOML.
//!
//! Two seeds are embedded. They share no value, so a test can tell what belongs to which service.

use serde::Deserialize;

/// The text of the default seed.
pub const DEFAULT_SEED: &str = include_str!("seed.toml");
/// The text of a seed in which every value differs from the default one.
pub const OTHER_SEED: &str = include_str!("seed_other.toml");

/// Everything a service holds before its first request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// From which generated ids derive; equal phrases give equal ids.
    pub phrase: String,
    /// The Groove collection API.
    pub groove: GrooveSeed,
    /// The Oracle collections API.
    pub oracle: OracleSeed,
}

/// State of the Groove collection API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrooveSeed {
    /// The only namespace, case-sensitive.
    pub namespace: String,
    /// Developer tokens, as they read after decoding the query once: `Bearer ` and the token.
    pub applications: Applications,
    /// The catalog.
    pub catalog: Catalog,
    /// Users; at least one.
    pub users: Vec<GrooveUser>,
}

/// Developer tokens by the answer they get.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applications {
    /// Accepted.
    pub valid: Vec<String>,
    /// `ACCESS_TOKEN_EXPIRED`.
    pub expired: Vec<String>,
    /// `ACCESS_TOKEN_INVALID_SUBSCRIPTION`.
    pub unsubscribed: Vec<String>,
}

/// Ids that exist in the catalog, each with its namespace prefix.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Tracks, which may be added.
    pub tracks: Vec<String>,
    /// Artists, which may not.
    pub artists: Vec<String>,
    /// Albums, which may not.
    pub albums: Vec<String>,
    /// Playlists, which may not.
    pub playlists: Vec<String>,
}

/// A Groove user and what the collection holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrooveUser {
    /// The name of the user, for people.
    pub name: String,
    /// The whole `Authorization` value.
    pub authorization: String,
    /// Whole `Authorization` values that were valid once.
    #[serde(default)]
    pub expired: Vec<String>,
    /// How many tracks the collection can hold.
    pub capacity: usize,
    /// Tracks stored from the start.
    #[serde(default)]
    pub tracks: Vec<StoredTrack>,
}

/// A track in a collection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredTrack {
    /// Its catalog id, with the namespace.
    pub catalog: String,
    /// Its collection id, with the namespace.
    pub id: String,
}

/// State of the Oracle collections API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleSeed {
    /// The last 20 characters of generated collection ids.
    pub id_suffix: String,
    /// The time every collection claims to be created at, as it is written.
    pub created: String,
    /// Users; at least one.
    pub users: Vec<OracleUser>,
    /// Collections that exist from the start.
    #[serde(default)]
    pub collections: Vec<CollectionSeed>,
}

/// An Oracle user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleUser {
    /// The user's id.
    pub id: String,
    /// The login name, which error texts print.
    pub login: String,
    /// The display name.
    pub display_name: String,
    /// The password for Basic credentials.
    pub password: String,
    /// The token for Bearer credentials.
    pub bearer: String,
    /// A token that was valid once.
    pub expired_bearer: String,
}

/// Where a collection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In its owner's collections.
    Active,
    /// In the trash.
    Trash,
    /// Gone for good.
    Purged,
}

/// What a collection is shared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May look.
    Viewer,
    /// May add to it.
    Contributor,
    /// May do what the owner may.
    Manager,
}

/// A collection of the seed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionSeed {
    /// The id; 44 digits and upper-case letters.
    pub id: String,
    /// The name.
    pub name: String,
    /// The login name of the owner.
    pub owner: String,
    /// Where it is.
    pub state: Place,
    /// With whom it is shared.
    #[serde(default)]
    pub shared_with: Vec<Share>,
    /// Names of the items in it.
    #[serde(default)]
    pub items: Vec<String>,
}

/// One person a collection is shared with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The person's login name.
    pub login: String,
    /// What for.
    pub role: Role,
}

/// Why a seed cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The text is no TOML, or not of the seed's shape.
    #[error("the seed cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// A list that needs a member has none.
    #[error("the seed has no {0}")]
    Missing(&'static str),
    /// Two things share what must tell them apart.
    #[error("the seed has two {what} `{value}`")]
    Duplicate {
        /// What occurs twice.
        what: &'static str,
        /// The value of both.
        value: String,
    },
    /// A value names something that the seed lacks, or has the wrong form.
    #[error("the seed's {what} `{value}` {problem}")]
    Invalid {
        /// What is wrong.
        what: &'static str,
        /// Its value.
        value: String,
        /// How it is wrong.
        problem: &'static str,
    },
}

impl Seed {
    /// Reads a seed and checks that its parts fit together.
    ///
    /// # Errors
    /// [`SeedError::Toml`] for text of another shape, the others for contradictions in it.
    pub fn from_toml(text: &str) -> Result<Self, SeedError> {
        let seed: Self = toml::from_str(text)?;
        seed.groove.check()?;
        seed.oracle.check()?;
        Ok(seed)
    }

    /// The embedded default seed.
    ///
    /// # Errors
    /// None in a tested build: a unit test reads the embedded text.
    pub fn embedded() -> Result<Self, SeedError> {
        Self::from_toml(DEFAULT_SEED)
    }
}

fn unique<'a>(what: &'static str, values: impl Iterator<Item = &'a str>) -> Result<(), SeedError> {
    let mut seen = std::collections::HashSet::new();
    for value in values {
        if !seen.insert(value) {
            return Err(SeedError::Duplicate { what, value: value.to_owned() });
        }
    }
    Ok(())
}

impl GrooveSeed {
    fn check(&self) -> Result<(), SeedError> {
        if self.users.is_empty() {
            return Err(SeedError::Missing("Groove user"));
        }
        let catalog = &self.catalog;
        unique(
            "catalog ids",
            catalog.tracks.iter().chain(&catalog.artists).chain(&catalog.albums).map(String::as_str),
        )?;
        for id in &catalog.tracks {
            let guid = id.strip_prefix(&self.namespace).and_then(|rest| rest.strip_prefix('.'));
            if !guid.is_some_and(|guid| super::groove::track_id::is_guid(guid) && guid == guid.to_ascii_uppercase()) {
                return Err(SeedError::Invalid {
                    what: "catalog track",
                    value: id.clone(),
                    problem: "is not the namespace, a dot and a GUID in upper case",
                });
            }
        }
        let tokens = &self.applications;
        unique(
            "developer tokens",
            tokens.valid.iter().chain(&tokens.expired).chain(&tokens.unsubscribed).map(String::as_str),
        )?;
        unique(
            "authorization values",
            self.users.iter().flat_map(|user| user.expired.iter().chain([&user.authorization])).map(String::as_str),
        )?;
        let stored = || self.users.iter().flat_map(|user| &user.tracks);
        unique("collection track ids", stored().map(|track| track.id.as_str()))?;
        for track in stored() {
            if !catalog.tracks.contains(&track.catalog) {
                return Err(SeedError::Invalid {
                    what: "stored track",
                    value: track.catalog.clone(),
                    problem: "is not in the catalog",
                });
            }
        }
        Ok(())
    }
}

impl OracleSeed {
    fn check(&self) -> Result<(), SeedError> {
        if self.users.is_empty() {
            return Err(SeedError::Missing("Oracle user"));
        }
        unique("logins", self.users.iter().map(|user| user.login.as_str()))?;
        unique(
            "bearer tokens",
            self.users.iter().flat_map(|user| [user.bearer.as_str(), user.expired_bearer.as_str()]),
        )?;
        unique("collection ids", self.collections.iter().map(|known| known.id.as_str()))?;
        let known = |login: &str| self.users.iter().any(|user| user.login == login);
        for collection in &self.collections {
            if !super::oracle::id::is_well_formed(&collection.id) {
                return Err(SeedError::Invalid {
                    what: "collection id",
                    value: collection.id.clone(),
                    problem: "is not 44 letters and digits",
                });
            }
            let logins = collection.shared_with.iter().map(|share| &share.login);
            for login in logins.chain([&collection.owner]) {
                if !known(login) {
                    return Err(SeedError::Invalid { what: "login", value: login.clone(), problem: "is no user's" });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_seed_has_what_the_cases_need() {
        let seed = Seed::embedded().unwrap();
        let catalog = &seed.groove.catalog.tracks;
        assert!(catalog.len() >= 110);
        for id in ["music.A83EB907-0100-11DB-89CA-0019B92A3933", "music.873FB507-0100-11DB-89CA-0019B92A3933"] {
            assert!(catalog.iter().any(|known| known == id), "{id}");
        }
        assert!(seed.groove.users.len() >= 3);
        assert!(seed.groove.users.iter().any(|user| user.capacity == user.tracks.len()));
        assert!(seed.oracle.users.len() >= 2);
        for state in [Place::Active, Place::Trash, Place::Purged] {
            assert!(seed.oracle.collections.iter().any(|c| c.state == state));
        }
    }

    #[test]
    fn the_other_seed_shares_no_value() {
        fn leaves(value: &toml::Value, into: &mut Vec<String>) {
            match value {
                toml::Value::Array(items) => items.iter().for_each(|item| leaves(item, into)),
                toml::Value::Table(table) => table.values().for_each(|item| leaves(item, into)),
                toml::Value::String(text) => into.push(text.clone()),
                _ => {}
            }
        }
        Seed::from_toml(OTHER_SEED).unwrap();
        let (mut one, mut two) = (Vec::new(), Vec::new());
        leaves(&toml::from_str(DEFAULT_SEED).unwrap(), &mut one);
        leaves(&toml::from_str(OTHER_SEED).unwrap(), &mut two);
        // Closed sets are words of the format, not values of the seed; `music` is the only
        // namespace of the API.
        let words = ["active", "trash", "purged", "viewer", "contributor", "manager", "music"];
        for text in &two {
            assert!(words.contains(&text.as_str()) || !one.contains(text), "`{text}` is in both seeds");
        }
    }

    #[test]
    fn contradictions_are_named() {
        let twice = DEFAULT_SEED.replacen(
            "music.873FB507-0100-11DB-89CA-0019B92A3933",
            "music.A83EB907-0100-11DB-89CA-0019B92A3933",
            1,
        );
        assert!(matches!(Seed::from_toml(&twice), Err(SeedError::Duplicate { what: "catalog ids", .. })));
        let unknown = format!("surprise = 1\n{DEFAULT_SEED}");
        assert!(matches!(Seed::from_toml(&unknown), Err(SeedError::Toml(_))));
    }
}

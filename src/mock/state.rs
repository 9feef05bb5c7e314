//! What a service holds while it runs: [`State`], built from a seed and changed by requests.

mod collection;
mod oracle;

use std::collections::HashMap;

pub use collection::{Track, TrackCollection};
pub use oracle::{Collection, OracleState};

use super::ids::IdSource;
use super::seed::{Applications, GrooveUser, Seed};

/// The whole state of one mock service.
#[derive(Debug, Clone)]
pub struct State {
    /// The Groove collection API.
    pub groove: GrooveState,
    /// The Oracle collections API.
    pub oracle: OracleState,
    /// Where new ids come from.
    pub ids: IdSource,
}

impl State {
    /// The state a seed describes.
    pub fn new(seed: &Seed) -> Self {
        Self {
            groove: GrooveState::new(seed),
            oracle: OracleState::new(&seed.oracle),
            ids: IdSource::new(&seed.phrase),
        }
    }
}

/// State of the Groove collection API.
#[derive(Debug, Clone)]
pub struct GrooveState {
    /// The only namespace.
    pub namespace: String,
    /// Developer tokens by the answer they get.
    pub applications: Applications,
    /// Catalog tracks by GUID in upper case, with their place in the catalog's list.
    pub tracks: HashMap<String, usize>,
    /// Users in the order of the seed.
    pub users: Vec<UserState>,
}

/// One Groove user.
#[derive(Debug, Clone)]
pub struct UserState {
    /// The whole `Authorization` value.
    pub authorization: String,
    /// Values that were valid once.
    pub expired: Vec<String>,
    /// The tracks.
    pub collection: TrackCollection,
}

impl GrooveState {
    fn new(seed: &Seed) -> Self {
        let groove = &seed.groove;
        let tracks = groove
            .catalog
            .tracks
            .iter()
            .enumerate()
            .filter_map(|(index, id)| Some((guid_of(id)?.to_ascii_uppercase(), index)))
            .collect();
        Self {
            namespace: groove.namespace.clone(),
            applications: groove.applications.clone(),
            tracks,
            users: groove.users.iter().map(UserState::new).collect(),
        }
    }
}

impl UserState {
    fn new(user: &GrooveUser) -> Self {
        let mut collection = TrackCollection::new(user.capacity);
        for track in &user.tracks {
            if let Some(guid) = guid_of(&track.catalog) {
                collection.insert(&guid.to_ascii_uppercase(), &track.id);
            }
        }
        Self { authorization: user.authorization.clone(), expired: user.expired.clone(), collection }
    }
}

/// The part of an id behind its namespace.
fn guid_of(id: &str) -> Option<&str> {
    id.split_once('.').map(|(_, guid)| guid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_becomes_state() {
        let seed = Seed::embedded().unwrap();
        let state = State::new(&seed);
        assert_eq!(state.groove.users.len(), seed.groove.users.len());
        assert!(state.groove.tracks.contains_key("A83EB907-0100-11DB-89CA-0019B92A3933"));
        for (user, from) in state.groove.users.iter().zip(&seed.groove.users) {
            assert_eq!(user.collection.len(), from.tracks.len());
            for track in &from.tracks {
                assert!(user.collection.by_id(&track.id).is_some());
            }
        }
    }
}

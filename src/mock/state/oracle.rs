//! The collections of the Oracle API: [`OracleState`].

use std::collections::HashMap;

use crate::mock::seed::{OracleSeed, OracleUser, Place, Role, Share};

/// One collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The description; empty when none was given.
    pub description: String,
    /// The owner, as an index into [`OracleState::users`].
    pub owner: usize,
    /// Where it is.
    pub place: Place,
    /// Who put it into the trash, when it is there.
    pub trashed_by: Option<usize>,
    /// With whom it is shared.
    pub shared_with: Vec<Share>,
    /// How many items it holds.
    pub items: usize,
}

impl Collection {
    /// What the collection is shared for with a login name.
    pub fn role_of(&self, login: &str) -> Option<Role> {
        self.shared_with.iter().find(|share| share.login == login).map(|share| share.role)
    }
}

/// State of the Oracle collections API.
#[derive(Debug, Clone)]
pub struct OracleState {
    /// The last characters of generated ids.
    pub id_suffix: String,
    /// The creation time every collection claims.
    pub created: String,
    /// Users in the order of the seed.
    pub users: Vec<OracleUser>,
    /// Collections in the order of creation; a purged one stays, so that its id is not used again.
    pub collections: Vec<Collection>,
    by_id: HashMap<String, usize>,
}

impl OracleState {
    pub(super) fn new(seed: &OracleSeed) -> Self {
        let mut state = Self {
            id_suffix: seed.id_suffix.clone(),
            created: seed.created.clone(),
            users: seed.users.clone(),
            collections: Vec::new(),
            by_id: HashMap::new(),
        };
        for known in &seed.collections {
            // The seed's check makes sure that the owner is known.
            let owner = seed.users.iter().position(|user| user.login == known.owner).unwrap_or_default();
            state.insert(Collection {
                id: known.id.clone(),
                name: known.name.clone(),
                description: String::new(),
                owner,
                place: known.state,
                trashed_by: (known.state == Place::Trash).then_some(owner),
                shared_with: known.shared_with.clone(),
                items: known.items.len(),
            });
        }
        state
    }

    /// Stores a new collection behind all others.
    pub fn insert(&mut self, collection: Collection) {
        self.by_id.insert(collection.id.clone(), self.collections.len());
        self.collections.push(collection);
    }

    /// Where the collection with this id is, byte for byte.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Where a collection is whose id differs in letter case at most.
    pub fn position_ignoring_case(&self, id: &str) -> Option<usize> {
        self.position(&id.to_ascii_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::seed::Seed;

    #[test]
    fn collections_are_found_by_exact_id() {
        let seed = Seed::embedded().unwrap();
        let state = OracleState::new(&seed.oracle);
        for (index, known) in seed.oracle.collections.iter().enumerate() {
            assert_eq!(state.position(&known.id), Some(index));
            let lower = known.id.to_ascii_lowercase();
            assert_eq!(state.position_ignoring_case(&lower), Some(index));
            if lower != known.id {
                assert_eq!(state.position(&lower), None);
            }
        }
    }

    #[test]
    fn roles_belong_to_a_login() {
        let seed = Seed::embedded().unwrap();
        let state = OracleState::new(&seed.oracle);
        let login = &seed.oracle.users[0].login;
        let roles: Vec<_> = state.collections.iter().filter_map(|c| c.role_of(login)).collect();
        assert_eq!(roles, [Role::Viewer, Role::Contributor, Role::Manager]);
    }
}

//! Adding and deleting a batch of tracks: [`run`].

use std::collections::HashSet;

use super::content::{BatchResult, Entry};
use super::error::{ErrorCode, GrooveError};
use super::track_id::{self, Kind};
use crate::mock::ids::IdSource;
use crate::mock::policy::{AllFailed, BatchPolicy, Count, Effect, EmptyBatch, Full, GroovePolicy, Reach, Readd};
use crate::mock::state::{State, Track, TrackCollection};

/// The two batch operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Add tracks by catalog id.
    Add,
    /// Delete tracks by collection id.
    Delete,
}

/// A change to one collection.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Insert(Track),
    Remove(Track),
}

/// What became of one id.
type Outcome = Result<Option<Change>, ErrorCode>;

/// The status and body of an accepted batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) result: BatchResult,
}

/// Runs a batch for one user.
///
/// # Errors
/// The refusal of the whole batch: nothing to do, or too much.
pub(super) fn run(
    state: &mut State,
    policy: &GroovePolicy,
    action: Action,
    user: usize,
    ids: Option<&[String]>,
) -> Result<Answer, GrooveError> {
    let rules = match action {
        Action::Add => &policy.add,
        Action::Delete => &policy.delete,
    };
    let ids = match ids {
        Some(ids) if !ids.is_empty() => ids,
        _ if policy.empty == EmptyBatch::Accepted => &[],
        _ => {
            return Err(GrooveError::with_message(
                ErrorCode::MissingInputParameter,
                "Parameter TrackIds must have at least one value",
            ));
        }
    };
    if let Some(refusal) = too_many(rules, ids) {
        if rules.refused_takes_effect {
            process(state, policy, rules, action, user, ids);
        }
        return Err(refusal);
    }
    if action == Action::Add && policy.full == Full::WholeBatch && overflows(state, user, ids) {
        return Err(GrooveError::plain(ErrorCode::CollectionFull));
    }
    let entries = process(state, policy, rules, action, user, ids);
    let failed = entries.iter().filter(|entry| entry.error.is_some()).count();
    let all = failed > 0 && failed == entries.len();
    Ok(Answer {
        status: if all && rules.all_failed == AllFailed::BadRequest { 400 } else { 200 },
        result: BatchResult {
            track_action_results: entries,
            error: (failed > 0).then(|| GrooveError::plain(ErrorCode::CollectionSomeOperationsFailed)),
        },
    })
}

/// The refusal of a batch above the limit (GRV-ADD-36 to 42).
fn too_many(rules: &BatchPolicy, ids: &[String]) -> Option<GrooveError> {
    let limit = rules.limit?;
    let count = match rules.counts {
        Count::Raw => ids.len(),
        Count::Distinct => ids.iter().collect::<HashSet<_>>().len(),
    };
    (count > limit).then(|| {
        GrooveError::with_message(
            ErrorCode::CollectionInvalidOperation,
            // The documents print their own limit; a broken one must not show in the text.
            "Number of tracks for this operation is limited to 100",
        )
    })
}

fn overflows(state: &State, user: usize, ids: &[String]) -> bool {
    let collection = &state.groove.users[user].collection;
    let new: HashSet<_> = ids
        .iter()
        .filter_map(|id| match track_id::kind(&state.groove.namespace, id, false) {
            Kind::Catalog(guid) => Some(guid.to_ascii_uppercase()),
            Kind::Other => None,
        })
        .filter(|guid| state.groove.tracks.contains_key(guid) && collection.by_guid(guid).is_none())
        .collect();
    new.len() > collection.room()
}

/// Works through the ids and applies what takes effect.
fn process(
    state: &mut State,
    policy: &GroovePolicy,
    rules: &BatchPolicy,
    action: Action,
    user: usize,
    ids: &[String],
) -> Vec<Entry> {
    let State { groove, ids: source, .. } = state;
    // Results are worked out on the real collection when all of it counts, else on a copy.
    let mut scratch = (rules.effect != Effect::Every).then(|| groove.users[user].collection.clone());
    let mut entries = Vec::with_capacity(ids.len());
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(ids.len());
    let mut seen = HashSet::new();
    for id in ids {
        if rules.merges_duplicates && !seen.insert(id) {
            continue;
        }
        let kind = track_id::kind(&groove.namespace, id, rules.prefix_ignores_case);
        let foreign = (action == Action::Delete && rules.reach == Reach::AnyOwner)
            .then(|| remove_anywhere(&mut groove.users, id))
            .flatten();
        let collection = match &mut scratch {
            Some(copy) => copy,
            None => &mut groove.users[user].collection,
        };
        let outcome = match action {
            Action::Add => {
                let known = |guid: &str| groove.tracks.contains_key(guid);
                add(collection, policy, source, known, kind)
            }
            Action::Delete if foreign.is_some() => Ok(foreign),
            Action::Delete => delete(collection, policy, kind, id),
        };
        entries.push(entry(rules, action, id, kind, &outcome));
        let failed = outcome.is_err();
        outcomes.push(outcome);
        if failed && rules.stops_at_failure {
            break;
        }
    }
    if scratch.is_some() {
        for change in effective(rules.effect, &outcomes) {
            apply(&mut groove.users[user].collection, change);
        }
    }
    if rules.reach == Reach::Everyone {
        let changes: Vec<_> = outcomes.iter().filter_map(|o| o.as_ref().ok()?.as_ref()).collect();
        for (index, other) in groove.users.iter_mut().enumerate() {
            if index != user {
                for change in &changes {
                    spill(&mut other.collection, source, change);
                }
            }
        }
    }
    entries
}

/// Adds one id. Only a catalog track can be added; a stored one keeps its id.
fn add(
    collection: &mut TrackCollection,
    policy: &GroovePolicy,
    source: &mut IdSource,
    known: impl Fn(&str) -> bool,
    kind: Kind<'_>,
) -> Outcome {
    let Kind::Catalog(guid) = kind else {
        return Err(ErrorCode::CollectionInvalidId);
    };
    let upper = guid.to_ascii_uppercase();
    if !known(&upper) || (!policy.lower_guid && guid != upper) {
        return Err(ErrorCode::CollectionInvalidId);
    }
    if let Some(stored) = collection.by_guid(&upper) {
        return match policy.readd {
            Readd::SameId => Ok(Some(Change::Insert(stored.clone()))),
            Readd::Fails => Err(ErrorCode::CollectionInvalidId),
        };
    }
    if collection.room() == 0 {
        return Err(ErrorCode::CollectionFull);
    }
    let id = source.collection_track(&upper);
    collection.insert(&upper, &id);
    Ok(Some(Change::Insert(Track { guid: upper, id })))
}

/// Deletes one id: a collection id of the user, byte for byte (GRV-DEL-29, A-07).
fn delete(collection: &mut TrackCollection, policy: &GroovePolicy, kind: Kind<'_>, id: &str) -> Outcome {
    let found = match kind {
        Kind::Catalog(guid) if policy.delete_by_catalog_id => collection.by_guid(&guid.to_ascii_uppercase()),
        _ if !policy.delete_by_collection_id => None,
        _ if policy.ids_ignore_case => collection.by_id_ignoring_case(id),
        _ => collection.by_id(id),
    };
    match found.cloned() {
        Some(track) => {
            collection.remove(&track.id);
            Ok(Some(Change::Remove(track)))
        }
        None if policy.delete_unknown_succeeds => Ok(None),
        None => Err(ErrorCode::CollectionInvalidId),
    }
}

fn remove_anywhere(users: &mut [crate::mock::state::UserState], id: &str) -> Option<Change> {
    users.iter_mut().find_map(|user| {
        let track = user.collection.by_id(id)?.clone();
        user.collection.remove(id);
        Some(Change::Remove(track))
    })
}

/// The result of one id (GRV-ADD-24, GRV-ADD-28, GRV-DEL-21, GRV-DEL-22).
fn entry(rules: &BatchPolicy, action: Action, id: &str, kind: Kind<'_>, outcome: &Outcome) -> Entry {
    let input_id = track_id::echo(id, kind, rules.echo).into_owned();
    match outcome {
        Ok(change) => Entry {
            input_id,
            id: match change {
                Some(Change::Insert(track)) if action == Action::Add => Some(track.id.clone()),
                _ => None,
            },
            error: None,
        },
        Err(code) => Entry {
            input_id,
            id: None,
            error: Some(if *code == ErrorCode::CollectionInvalidId && rules.entry_message {
                GrooveError::with_message(*code, "Collection ErrorCode=ArgumentInvalid, Details=ContentId")
            } else {
                GrooveError::plain(*code)
            }),
        },
    }
}

/// The changes that count under an effect other than [`Effect::Every`].
fn effective(effect: Effect, outcomes: &[Outcome]) -> Vec<&Change> {
    let any_failed = outcomes.iter().any(Result::is_err);
    let all = outcomes.iter().filter_map(|o| o.as_ref().ok()?.as_ref());
    match effect {
        Effect::Every => all.collect(),
        Effect::Nothing => Vec::new(),
        Effect::UnlessFailed if any_failed => Vec::new(),
        Effect::UnlessFailed => all.collect(),
        Effect::BeforeFailure => outcomes.iter().map_while(|o| o.as_ref().ok()).filter_map(Option::as_ref).collect(),
        Effect::First => all.take(1).collect(),
    }
}

fn apply(collection: &mut TrackCollection, change: &Change) {
    match change {
        Change::Insert(track) if collection.by_id(&track.id).is_none() => {
            collection.insert(&track.guid, &track.id);
        }
        Change::Insert(_) => {}
        Change::Remove(track) => {
            collection.remove(&track.id);
        }
    }
}

/// Repeats a change in another user's collection: the same track, or else the oldest one.
fn spill(collection: &mut TrackCollection, source: &mut IdSource, change: &Change) {
    match change {
        Change::Insert(track) => {
            if collection.by_guid(&track.guid).is_none() {
                let id = source.collection_track(&track.guid);
                collection.insert(&track.guid, &id);
            }
        }
        Change::Remove(track) => {
            let victim =
                collection.by_guid(&track.guid).or_else(|| collection.iter().next()).map(|victim| victim.id.clone());
            if let Some(id) = victim {
                collection.remove(&id);
            }
        }
    }
}

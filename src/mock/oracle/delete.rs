//! `DELETE /documents/api/1.1/collections/{collectionId}`: [`delete`].

use super::body::{Body, Problem, argument};
use super::id;
use crate::mock::policy::{DeleteRole, ForeignTrash, Malformed, OraclePolicy, Removal};
use crate::mock::seed::{Place, Role};
use crate::mock::state::{Collection, OracleState};

/// Deletes a collection for a user: the status and the body.
pub(super) fn delete(state: &mut OracleState, policy: &OraclePolicy, caller: usize, given: &str) -> (u16, Body) {
    let well_formed = if policy.hexadecimal_ids { id::is_hexadecimal(given) } else { id::is_well_formed(given) };
    if !well_formed {
        return match policy.malformed {
            Malformed::BadRequest => (400, Body::refused(malformed(given), given)),
            Malformed::NotFound => (404, Body::refused(missing(given), given)),
        };
    }
    let position = if policy.ids_ignore_case { state.position_ignoring_case(given) } else { state.position(given) };
    let verdict = match position {
        Some(index) => judge(state, policy, caller, index, given),
        None if policy.missing_succeeds => Ok(()),
        None => Err((404, missing(given))),
    };
    if (verdict.is_ok() || policy.refused_takes_effect)
        && let Some(index) = position
    {
        remove(state, policy.removal, caller, index);
    }
    match verdict {
        Ok(()) => (200, done(given)),
        Err((status, problem)) => (status, Body::refused(problem, given)),
    }
}

/// Whether the caller may delete a collection that is known, and why not.
fn judge(
    state: &OracleState,
    policy: &OraclePolicy,
    caller: usize,
    index: usize,
    given: &str,
) -> Result<(), (u16, Problem)> {
    let collection = &state.collections[index];
    let login = &state.users[caller].login;
    let own = collection.owner == caller;
    match collection.place {
        Place::Purged if policy.missing_succeeds => return Ok(()),
        Place::Purged => return Err((404, missing(given))),
        Place::Trash if own || collection.trashed_by == Some(caller) => {
            return if policy.trash_deletes_again {
                Ok(())
            } else if policy.knows_trash {
                Err((404, trashed(&collection.name)))
            } else {
                Err((404, missing(given)))
            };
        }
        Place::Trash if policy.checks_rights && policy.foreign_trash == ForeignTrash::NotFound => {
            return Err((404, missing(given)));
        }
        Place::Active | Place::Trash => {}
    }
    if own || !policy.checks_rights || may_delete(collection, policy.delete_role, login) {
        Ok(())
    } else {
        Err((403, forbidden(login, given)))
    }
}

/// Whether a shared role is enough. A manager may do what the owner may.
fn may_delete(collection: &Collection, needed: DeleteRole, login: &str) -> bool {
    if collection.place != Place::Active {
        return false;
    }
    match collection.role_of(login) {
        Some(Role::Manager) => needed != DeleteRole::Owner,
        Some(Role::Contributor) => needed == DeleteRole::Contributor,
        Some(Role::Viewer) | None => false,
    }
}

fn remove(state: &mut OracleState, removal: Removal, caller: usize, index: usize) {
    let owner = state.collections[index].owner;
    let trash = |collection: &mut Collection| {
        if collection.place == Place::Active {
            collection.place = Place::Trash;
            collection.trashed_by = Some(caller);
        }
    };
    match removal {
        Removal::Nothing => {}
        Removal::ToTrash => trash(&mut state.collections[index]),
        Removal::Purge => state.collections[index].place = Place::Purged,
        Removal::Everything => {
            for collection in &mut state.collections {
                if collection.owner == owner {
                    trash(collection);
                }
            }
        }
    }
}

/// Example 1: exactly three members (OCM-DEL-18).
fn done(given: &str) -> Body {
    Body {
        root: "CollectionDeleteResponse",
        members: vec![("errorCode", "0".into()), ("idList", given.into()), ("type", "collection".into())],
    }
}

/// Every refusal of this operation starts the same way (OCM-DEL-38).
fn refusal(code: &'static str, key: &str, message: &str) -> Problem {
    Problem {
        code,
        key: format!("!csFldUnableToDeleteItems{key}"),
        message: format!("Unable to delete items. {message}"),
    }
}

/// Example 2: in the caller's trash.
fn trashed(name: &str) -> Problem {
    refusal(
        "-1",
        &format!("!csFldSourceInDestination,{},Trash", argument(name)),
        &format!(
            "Source Item '{name}' is already in destination 'Trash'. \
             Please specify different destination."
        ),
    )
}

/// Example 3: no such collection.
fn missing(given: &str) -> Problem {
    refusal(
        "-16",
        &format!("!csSecurityValidationFailed!csFldDoesNotExist,{}!csUnprivilegedSystemError", argument(given)),
        &format!(
            "Security validation failed. '{given}' does not exist. The error was caused by an \
             internally generated issue. The error has been logged."
        ),
    )
}

/// Example 4: neither owned nor shared.
fn forbidden(login: &str, given: &str) -> Problem {
    refusal(
        "-20",
        &format!("!csCloudItemInsufficientPrivileges,{},fFolderGUID:{given},FLD_MOVE_TO_TRASH", argument(login)),
        &format!(
            "User '{login}' has insufficient privilege to access fFolderGUID:{given} \
             with service FLD_MOVE_TO_TRASH."
        ),
    )
}

/// An id of the wrong form; the documents give the status only.
fn malformed(given: &str) -> Problem {
    refusal(
        "-1",
        &format!("!csFldInvalidGUID,{}", argument(given)),
        &format!("The value '{given}' is not a collection identifier."),
    )
}

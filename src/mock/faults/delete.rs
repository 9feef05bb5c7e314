//! Faults of the Groove delete operation.

use serde_json::{Value, json};

use super::Fault;
use super::edit::{
    batch_error, entry_errors, failed, is_batch, is_delete, is_denied, is_malformed, is_partial, json, map, object,
    refuse, results, sent_ids, set, succeeded,
};
use crate::mock::policy::{ApplicationTokens, Echo, Effect, Reach, UserTokens};
use crate::mock::service::Moment;

/// Whether a batch holds GUIDs and collection ids.
fn is_mixed(moment: &Moment<'_>) -> bool {
    let ids = sent_ids(moment);
    is_delete(moment)
        && ids.iter().any(|id| id.starts_with("music.AQ"))
        && ids.iter().any(|id| id.contains('-') && id.len() == 42)
}

/// A fault that edits the answer to a delete with results.
macro_rules! edited {
    ($id:literal, $clause:literal, $sentence:literal, $how:ident, $edit:expr) => {
        Fault::response($id, $clause, $sentence, |response, moment| {
            if is_delete(moment) {
                $how(response, $edit);
            }
        })
    };
}

/// A fault that gives a partial failure another status.
macro_rules! partial_status {
    ($id:literal, $sentence:literal, $status:literal) => {
        Fault::response($id, "GRV-DEL-27", $sentence, |response, moment| {
            if is_delete(moment) && is_partial(response) {
                response.status = $status;
            }
        })
    };
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::response(
        "groove-delete-not-found",
        "GRV-DEL-01",
        "POST on the documented path is answered 404.",
        |response, moment| {
            if is_delete(moment) {
                refuse(response, 404, "CATALOG_NO_RESULT");
            }
        },
    ),
    Fault::policy(
        "groove-delete-removes-nothing",
        "GRV-DEL-02",
        "The answer says deleted, but the track stays.",
        |policy, _| policy.groove.delete.effect = Effect::Nothing,
    ),
    Fault::policy(
        "groove-delete-removes-first-only",
        "GRV-DEL-02",
        "Of a batch only the first track is deleted.",
        |policy, _| policy.groove.delete.effect = Effect::First,
    ),
    Fault::policy(
        "groove-delete-large-batch-removes-nothing",
        "GRV-DEL-02",
        "A batch of 50 entries or more is answered well, but nothing is deleted.",
        |policy, moment| {
            if is_delete(moment) && sent_ids(moment).len() >= 50 {
                policy.groove.delete.effect = Effect::Nothing;
            }
        },
    ),
    Fault::policy(
        "groove-delete-second-request-removes-nothing",
        "GRV-DEL-02",
        "From the second request of a connection on nothing is deleted.",
        |policy, moment| {
            if moment.request.sequence > 1 {
                policy.groove.delete.effect = Effect::Nothing;
            }
        },
    ),
    Fault::policy(
        "groove-delete-every-user",
        "GRV-DEL-02",
        "A delete removes a track of every other user too.",
        |policy, _| policy.groove.delete.reach = Reach::Everyone,
    ),
    Fault::policy(
        "groove-delete-any-owner",
        "GRV-DEL-02",
        "A collection id of another user is deleted.",
        |policy, _| policy.groove.delete.reach = Reach::AnyOwner,
    ),
    Fault::policy(
        "groove-delete-user-optional",
        "GRV-DEL-03",
        "A request without a user token is carried out for the first user.",
        |policy, _| policy.groove.delete.requires_user = false,
    ),
    Fault::response(
        "groove-delete-denied-403",
        "GRV-DEL-03",
        "A missing user token has status 403.",
        |response, moment| {
            if is_delete(moment) && is_denied(response) {
                response.status = 403;
            }
        },
    ),
    Fault::policy(
        "groove-delete-denied-batch-removed",
        "GRV-DEL-03",
        "A batch refused for its user token is deleted from the first user's collection.",
        |policy, _| policy.groove.delete.denied_takes_effect = true,
    ),
    Fault::policy(
        "groove-delete-common-parameters-refused",
        "GRV-DEL-04",
        "A request with language, country, contentType or jsonp is refused.",
        |policy, moment| policy.groove.common_parameters = !is_delete(moment),
    ),
    Fault::response(
        "groove-delete-malformed-code",
        "GRV-DEL-04",
        "A malformed request has an error code outside the table.",
        |response, moment| {
            if is_delete(moment) && is_malformed(response) {
                object(response, "/Error", |error| {
                    set(error, "ErrorCode", "BAD_REQUEST");
                });
            }
        },
    ),
    Fault::response(
        "groove-delete-malformed-status",
        "GRV-DEL-04",
        "A malformed request has status 422, which is in no list.",
        |response, moment| {
            if is_delete(moment) && is_malformed(response) {
                response.status = 422;
            }
        },
    ),
    Fault::response(
        "groove-delete-results-by-id",
        "GRV-DEL-05",
        "The results are an object with the ids as names.",
        |response, moment| {
            if is_delete(moment) {
                json(response, |value| {
                    let Some(list) = value["TrackActionResults"].as_array().cloned() else {
                        return;
                    };
                    value["TrackActionResults"] = Value::Object(
                        list.into_iter()
                            .map(|entry| {
                                let id = entry["InputId"].as_str().unwrap_or_default().to_owned();
                                (id, entry)
                            })
                            .collect(),
                    );
                });
            }
        },
    ),
    Fault::response(
        "groove-delete-needs-country",
        "GRV-DEL-06",
        "A request whose only query parameter is accessToken is refused.",
        |response, moment| {
            if is_delete(moment) && is_batch(response) && moment.request.parameter("country").is_none() {
                refuse(response, 400, "MISSING_INPUT_PARAMETER");
            }
        },
    ),
    Fault::policy(
        "groove-delete-application-optional",
        "GRV-DEL-07",
        "A request without a developer token, or with a bad one, is carried out.",
        |policy, _| policy.groove.delete.requires_application = false,
    ),
    Fault::policy(
        "groove-delete-any-namespace",
        "GRV-DEL-08",
        "Any namespace in the path is taken for music.",
        |policy, moment| policy.groove.any_namespace = is_delete(moment),
    ),
    Fault::policy(
        "groove-delete-any-application",
        "GRV-DEL-09",
        "Any developer token is accepted.",
        |policy, moment| {
            if is_delete(moment) {
                policy.groove.applications = ApplicationTokens::Any;
            }
        },
    ),
    Fault::policy(
        "groove-delete-application-third-request",
        "GRV-DEL-09",
        "Every third delete refuses a valid developer token.",
        |policy, moment| {
            if is_delete(moment) && moment.nth.is_multiple_of(3) {
                policy.groove.applications = ApplicationTokens::Nobody;
            }
        },
    ),
    Fault::policy(
        "groove-delete-any-user",
        "GRV-DEL-10",
        "Any user token of the right form is accepted.",
        |policy, moment| {
            if is_delete(moment) {
                policy.groove.users = UserTokens::AnyWellFormed;
            }
        },
    ),
    Fault::policy(
        "groove-delete-expired-user",
        "GRV-DEL-10",
        "An expired user token is accepted.",
        |policy, moment| {
            if is_delete(moment) {
                policy.groove.users = UserTokens::OrExpired;
            }
        },
    ),
    Fault::policy(
        "groove-delete-other-member",
        "GRV-DEL-11",
        "The ids are looked for in the member Ids.",
        |policy, moment| {
            if is_delete(moment) {
                policy.groove.json_member = "Ids";
            }
        },
    ),
    Fault::policy("groove-delete-json-refused", "GRV-DEL-12", "A JSON body is refused.", |policy, moment| {
        policy.groove.json_requests = !is_delete(moment);
    }),
    Fault::policy(
        "groove-delete-user-refused",
        "GRV-DEL-12",
        "A valid user token is refused from the second delete of a connection on.",
        |policy, moment| {
            if is_delete(moment) && moment.request.sequence > 1 {
                policy.groove.users = UserTokens::Nobody;
            }
        },
    ),
    Fault {
        id: "groove-delete-mixed-refused",
        clause: "GRV-DEL-13",
        sentence: "A batch that mixes GUIDs and collection ids is refused as a whole.",
        departure: crate::mock::service::Departure {
            policy: |policy, moment| {
                if is_mixed(moment) {
                    policy.groove.delete.effect = Effect::Nothing;
                }
            },
            response: |response, moment| {
                if is_mixed(moment) && is_batch(response) {
                    refuse(response, 400, "INVALID_INPUT_PARAMETER");
                }
            },
        },
    },
    Fault::policy(
        "groove-delete-unknown-succeeds",
        "GRV-DEL-14",
        "Deleting an id that is not in the collection succeeds.",
        |policy, _| policy.groove.delete_unknown_succeeds = true,
    ),
    Fault::response(
        "groove-delete-extra-member",
        "GRV-DEL-15",
        "A partial answer has a third member.",
        |response, moment| {
            if is_delete(moment) && is_partial(response) {
                object(response, "", |members| set(members, "FailedCount", 1));
            }
        },
    ),
    edited!("groove-delete-order-reversed", "GRV-DEL-16", "The results come in reverse order.", results, |list| list
        .reverse()),
    edited!("groove-delete-failures-left-out", "GRV-DEL-16", "Failed entries have no result.", results, |list| list
        .retain(|entry| entry.get("Error").is_none())),
    Fault::policy(
        "groove-delete-merges-duplicates",
        "GRV-DEL-16",
        "Equal ids of a batch are answered by one result.",
        |policy, _| policy.groove.delete.merges_duplicates = true,
    ),
    Fault::policy(
        "groove-delete-stops-at-failure",
        "GRV-DEL-16",
        "The first failed entry ends the batch; later ids have no result.",
        |policy, _| policy.groove.delete.stops_at_failure = true,
    ),
    Fault::policy(
        "groove-delete-echo-as-sent",
        "GRV-DEL-17",
        "InputId repeats the GUID in the letter case of the request.",
        |policy, _| policy.groove.delete.echo = Echo::AsSent,
    ),
    edited!(
        "groove-delete-entry-code",
        "GRV-DEL-18",
        "A failed entry has the code COLLECTION_NO_RESULT.",
        entry_errors,
        |error| set(error, "ErrorCode", "COLLECTION_NO_RESULT")
    ),
    edited!(
        "groove-delete-entry-code-number",
        "GRV-DEL-18",
        "A failed entry has a number for its code.",
        entry_errors,
        |error| set(error, "ErrorCode", 404)
    ),
    edited!(
        "groove-delete-entry-description",
        "GRV-DEL-19",
        "The description of a failed entry ends with a dot.",
        entry_errors,
        |error| map(error, "Description", |text| format!("{text}."))
    ),
    Fault::policy(
        "groove-delete-entry-message",
        "GRV-DEL-20",
        "A failed entry has the Message of an add.",
        |policy, _| policy.groove.delete.entry_message = true,
    ),
    edited!(
        "groove-delete-failed-id-null",
        "GRV-DEL-21",
        "A failed entry has an Id that is null instead of absent.",
        failed,
        |entry| set(entry, "Id", Value::Null)
    ),
    edited!(
        "groove-delete-success-id-null",
        "GRV-DEL-22",
        "A succeeded entry has an Id that is null instead of absent.",
        succeeded,
        |entry| set(entry, "Id", Value::Null)
    ),
    edited!("groove-delete-success-id", "GRV-DEL-22", "A succeeded entry repeats the id as Id.", succeeded, |entry| {
        let id = entry.get("InputId").cloned().unwrap_or_default();
        set(entry, "Id", id);
    }),
    edited!(
        "groove-delete-success-error-null",
        "GRV-DEL-22",
        "A succeeded entry has an Error that is null instead of absent.",
        succeeded,
        |entry| set(entry, "Error", Value::Null)
    ),
    Fault::policy(
        "groove-delete-echo-raises-collection-id",
        "GRV-DEL-23",
        "InputId has a collection id in upper case.",
        |policy, _| policy.groove.delete.echo = Echo::UpperAll,
    ),
    edited!(
        "groove-delete-echo-hyphens",
        "GRV-DEL-23",
        "InputId has hyphens for the underscores of a collection id.",
        succeeded,
        |entry| map(entry, "InputId", |id| id.replace('_', "-"))
    ),
    Fault::policy(
        "groove-delete-ids-ignore-case",
        "GRV-DEL-23",
        "A collection id in another letter case deletes the track.",
        |policy, _| policy.groove.ids_ignore_case = true,
    ),
    edited!(
        "groove-delete-batch-code",
        "GRV-DEL-24",
        "The whole batch has the code of its failed entry.",
        batch_error,
        |error| set(error, "ErrorCode", "COLLECTION_INVALID_ID")
    ),
    Fault::response(
        "groove-delete-batch-error-missing",
        "GRV-DEL-24",
        "A partial failure has no whole-batch Error.",
        |response, moment| {
            if is_delete(moment) && is_batch(response) {
                object(response, "", |members| drop(members.shift_remove("Error")));
            }
        },
    ),
    edited!(
        "groove-delete-batch-description",
        "GRV-DEL-25",
        "The whole batch says that all operations failed.",
        batch_error,
        |error| set(error, "Description", "All of the operations failed")
    ),
    edited!(
        "groove-delete-batch-message",
        "GRV-DEL-26",
        "The whole-batch Error has a Message.",
        batch_error,
        |error| set(error, "Message", "1 of 2")
    ),
    partial_status!("groove-delete-partial-207", "A partial failure has status 207.", 207),
    partial_status!("groove-delete-partial-400", "A partial failure has status 400.", 400),
    Fault::policy(
        "groove-delete-failure-undoes-all",
        "GRV-DEL-28",
        "When one entry fails, the good ones are answered well but stay.",
        |policy, _| policy.groove.delete.effect = Effect::UnlessFailed,
    ),
    Fault::policy(
        "groove-delete-gives-up-after-failure",
        "GRV-DEL-28",
        "Tracks after the first failed entry are answered well, but stay.",
        |policy, _| policy.groove.delete.effect = Effect::BeforeFailure,
    ),
    Fault::policy(
        "groove-delete-wants-catalog-id",
        "GRV-DEL-29",
        "Only the catalog id of a stored track deletes it, not the Id that add returned.",
        |policy, _| {
            policy.groove.delete_by_collection_id = false;
            policy.groove.delete_by_catalog_id = true;
        },
    ),
    Fault::response(
        "groove-delete-error-always",
        "GRV-DEL-30",
        "The whole-batch Error is there although nothing failed.",
        |response, moment| {
            if is_delete(moment) && is_batch(response) && !is_partial(response) {
                object(response, "", |members| {
                    let error = json!({
                        "ErrorCode": "COLLECTION_SOME_OPERATIONS_FAILED",
                        "Description": "Some of the operations failed"
                    });
                    set(members, "Error", error);
                });
            }
        },
    ),
    Fault::response(
        "groove-delete-error-null",
        "GRV-DEL-30",
        "When nothing failed, the whole-batch Error is null instead of absent.",
        |response, moment| {
            if is_delete(moment) && is_batch(response) && !is_partial(response) {
                object(response, "", |members| set(members, "Error", Value::Null));
            }
        },
    ),
];

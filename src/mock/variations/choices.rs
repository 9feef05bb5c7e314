//! Variations of what the documents leave open: the other readings of each choice.

use serde_json::{Value, json};

use super::Variation;
use crate::mock::faults::edit::{
    is_add, is_batch, is_delete, is_denied, is_partial, is_removal, json, map, object, oracle_errors, refuse, sent_ids,
    set, xml,
};
use crate::mock::http::Response;
use crate::mock::policy::{AllFailed, DeleteRole, Echo, EmptyBatch, ForeignTrash, Full, Malformed, Policy, Readd};
use crate::mock::service::{Departure, Moment};

/// Whether a choice is open only outside the letter of the examples. Compared by bytes because the
/// lists are built at compile time.
const fn is_lenient(allowed_by: &str) -> bool {
    matches!(allowed_by.as_bytes(), b"A-05" | b"A-06" | b"A-08" | b"A-11" | b"A-25" | b"A-32")
}

const fn policy(
    id: &'static str,
    allowed_by: &'static str,
    sentence: &'static str,
    policy: fn(&mut Policy, &Moment<'_>),
) -> Variation {
    Variation {
        id,
        allowed_by,
        sentence,
        lenient: is_lenient(allowed_by),
        departure: Departure { policy, ..Departure::NONE },
    }
}

const fn response(
    id: &'static str,
    allowed_by: &'static str,
    sentence: &'static str,
    response: fn(&mut Response, &Moment<'_>),
) -> Variation {
    Variation {
        id,
        allowed_by,
        sentence,
        lenient: is_lenient(allowed_by),
        departure: Departure { response, ..Departure::NONE },
    }
}

/// Whether the request is for the Oracle API.
fn is_oracle(moment: &Moment<'_>) -> bool {
    moment.request.target.starts_with("/documents/")
}

pub(super) const VARIATIONS: &[Variation] = &[
    policy("groove-delete-limit-100", "A-01", "A delete is limited to 100 tracks, as an add is.", |policy, _| {
        policy.groove.delete.limit = Some(100);
    }),
    response(
        "groove-delete-denied-short",
        "A-02",
        "A delete without a valid user token is refused without Message.",
        |response, moment| {
            if is_delete(moment) && is_denied(response) {
                object(response, "/Error", |error| {
                    drop(error.shift_remove("Message"));
                });
            }
        },
    ),
    policy("groove-delete-json-only", "A-03", "A delete does not read XML.", |policy, moment| {
        policy.groove.xml_requests = !is_delete(moment);
    }),
    policy("groove-xml-by-accept-only", "A-05", "An XML request without Accept is answered in JSON.", |policy, _| {
        policy.groove.format.content_type = false;
    }),
    policy("groove-echo-untouched", "A-06", "InputId is the id exactly as it was sent.", |policy, _| {
        policy.groove.add.echo = Echo::AsSent;
        policy.groove.delete.echo = Echo::AsSent;
    }),
    policy("groove-prefix-ignores-case", "A-07", "MUSIC. is read as music. in an id.", |policy, _| {
        policy.groove.add.prefix_ignores_case = true;
        policy.groove.delete.prefix_ignores_case = true;
    }),
    policy(
        "groove-delete-with-message",
        "A-08",
        "A failed entry of a delete has the Message of an add.",
        |policy, _| policy.groove.delete.entry_message = true,
    ),
    policy(
        "groove-delete-by-catalog-id",
        "A-09",
        "A stored track can be deleted by its catalog id too.",
        |policy, _| policy.groove.delete_by_catalog_id = true,
    ),
    policy("groove-all-failed-400", "A-10", "A batch in which nothing succeeded has status 400.", |policy, _| {
        policy.groove.add.all_failed = AllFailed::BadRequest;
        policy.groove.delete.all_failed = AllFailed::BadRequest;
    }),
    policy(
        "groove-application-may-be-missing",
        "A-11",
        "A request without accessToken is carried out; a bad one is still refused.",
        |policy, moment| {
            let needed = moment.request.parameter("accessToken").is_some_and(|token| !token.is_empty());
            policy.groove.add.requires_application = needed;
            policy.groove.delete.requires_application = needed;
        },
    ),
    policy(
        "groove-user-before-application",
        "A-20",
        "When both tokens are bad, the user token is complained about.",
        |policy, _| policy.groove.user_first = true,
    ),
    response(
        "groove-limit-before-user",
        "A-20",
        "A batch above the limit without a user token is refused for its size.",
        |response, moment| {
            if is_add(moment) && is_denied(response) && sent_ids(moment).len() > 100 {
                let body = json!({ "Error": {
                    "ErrorCode": "COLLECTION_INVALID_OPERATION",
                    "Description": "This operation is not supported",
                    "Message": "Number of tracks for this operation is limited to 100"
                }});
                *response = Response::with_body(400, "application/json", body.to_string());
            }
        },
    ),
    policy(
        "groove-empty-batch-accepted",
        "A-21",
        "An empty batch, or a missing one, is answered 200 without results.",
        |policy, _| policy.groove.empty = EmptyBatch::Accepted,
    ),
    policy("groove-stored-track-fails", "A-21", "Adding a stored track again fails.", |policy, _| {
        policy.groove.readd = Readd::Fails;
    }),
    policy("groove-full-refuses-batch", "input 91", "A batch that does not fit is refused as a whole.", |policy, _| {
        policy.groove.full = Full::WholeBatch;
    }),
    policy(
        "groove-path-case-sensitive",
        "input 71",
        "The words of the path are matched in lower case only.",
        |policy, _| policy.groove.path_ignores_case = false,
    ),
    policy(
        "groove-xml-items-strict",
        "input 81",
        "The items of an XML request are taken in the documented namespace only.",
        |policy, _| policy.groove.xml_track_id = false,
    ),
    policy(
        "groove-xml-namespaces-ignored",
        "input 80",
        "The namespaces of an XML request are not looked at.",
        |policy, _| policy.groove.xml_namespaces = false,
    ),
    response("groove-method-405", "input 72", "A wrong method is answered 405 with Allow.", |response, moment| {
        let path = moment.request.path();
        let known = path.ends_with("/collection/add") || path.ends_with("/collection/delete");
        if known && moment.request.method != "POST" && response.status == 404 {
            response.status = 405;
            response.set_header("allow", "POST, OPTIONS");
        }
    }),
    response("groove-namespace-404", "input 67", "An unknown namespace is answered 404.", |response, moment| {
        let path = moment.request.path();
        if response.status == 400 && path.starts_with("/1/content/") && !path.starts_with("/1/content/music/") {
            refuse(response, 404, "CATALOG_NO_RESULT");
        }
    }),
    response(
        "groove-expired-user-code",
        "input 54",
        "An expired user token has the code AUTHORIZATION_TOKEN_EXPIRED.",
        |response, _| {
            if response.header("www-authenticate").is_some_and(|value| value.contains("token_expired")) {
                object(response, "/Error", |error| {
                    set(error, "ErrorCode", "AUTHORIZATION_TOKEN_EXPIRED");
                });
            }
        },
    ),
    response(
        "groove-xml-error-last",
        "A-33",
        "In XML the whole-batch Error comes behind the results.",
        |response, moment| {
            if !is_oracle(moment) && is_partial(response) {
                xml(response, |text| {
                    let moved = text
                        .split_once("<Error>")
                        .filter(|(head, _)| !head.contains("<TrackActionResults>"))
                        .and_then(|(head, rest)| {
                            let (error, tail) = rest.split_once("</Error>")?;
                            let tail = tail.strip_suffix("</TrackActionResponse>")?;
                            Some(format!("{head}{tail}<Error>{error}</Error></TrackActionResponse>"))
                        });
                    moved.unwrap_or(text)
                });
            }
        },
    ),
    response(
        "groove-extra-members",
        "A-32",
        "Answers and results have members that no document mentions.",
        |response, moment| {
            if !is_oracle(moment) && is_batch(response) {
                json(response, |value| {
                    value["Trace"] = json!({ "Host": "node-7", "Null": null });
                    let entries = value["TrackActionResults"].as_array_mut();
                    for entry in entries.into_iter().flatten() {
                        entry["Source"] = Value::from("Collection");
                    }
                });
            }
        },
    ),
    policy("oracle-malformed-404", "A-23", "A malformed id is answered as a missing collection.", |policy, _| {
        policy.oracle.malformed = Malformed::NotFound;
    }),
    response(
        "oracle-login-redirect",
        "A-24",
        "A request without valid credentials is sent to a login page.",
        |response, moment| {
            if is_oracle(moment) && response.status == 401 {
                *response = Response::empty(302);
                response.set_header("location", "/login");
            }
        },
    ),
    response("oracle-texts-in-french", "A-25", "Error texts follow Accept-Language: fr.", |response, moment| {
        let french = moment.request.header("accept-language").is_some_and(|value| value.starts_with("fr"));
        if french {
            oracle_errors(response, moment, |members| {
                for name in ["errorMessage", "title"] {
                    map(members, name, |_| "Impossible de supprimer.".to_owned());
                }
            });
        }
    }),
    response("oracle-xml-other-root", "A-26", "The XML form has another root element.", |response, moment| {
        if is_oracle(moment) {
            xml(response, |text| {
                text.replace("CollectionDeleteResponse>", "response>").replace("ErrorResponse>", "response>")
            });
        }
    }),
    policy(
        "oracle-foreign-trash-403",
        "A-28",
        "Another user's trashed collection is answered as one without rights.",
        |policy, _| policy.oracle.foreign_trash = ForeignTrash::Forbidden,
    ),
    response(
        "oracle-extra-members",
        "A-32",
        "Answers to a delete have a member that no document mentions.",
        |response, moment| {
            if is_removal(moment) {
                object(response, "", |members| set(members, "requestId", "7c1"));
            }
        },
    ),
    policy("oracle-contributor-deletes", "input 115", "A contributor may delete a shared collection.", |policy, _| {
        policy.oracle.delete_role = DeleteRole::Contributor;
    }),
    policy("oracle-owner-deletes", "input 115", "Only the owner may delete a shared collection.", |policy, _| {
        policy.oracle.delete_role = DeleteRole::Owner;
    }),
    policy("oracle-ids-ignore-case", "input 118", "An id in lower case names the collection.", |policy, _| {
        policy.oracle.ids_ignore_case = true;
    }),
    response("oracle-method-404", "input 139", "A wrong method is answered 404.", |response, moment| {
        if is_oracle(moment) && response.status == 405 {
            response.status = 404;
        }
    }),
];

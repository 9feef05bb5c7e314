//! Faults of the add operation in its JSON refusals, and in JSON as such.

use serde_json::{Value, json};

use super::Fault;
use super::edit::{Members, is_add, is_denied, is_too_many, map, object, sent_ids, set};
use crate::mock::http::Response;
use crate::mock::service::Moment;

/// Edits the error of a batch refused for its size.
fn too_many(response: &mut Response, moment: &Moment<'_>, edit: impl FnOnce(&mut Members)) {
    if is_add(moment) && is_too_many(response) {
        object(response, "/Error", edit);
    }
}

/// Edits the error of a request without a valid user token.
fn denied(response: &mut Response, moment: &Moment<'_>, edit: impl FnOnce(&mut Members)) {
    if is_add(moment) && is_denied(response) {
        object(response, "/Error", edit);
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::response(
        "groove-add-too-many-with-results",
        "GRV-ADD-38",
        "A batch above the limit has an empty list of results beside the Error.",
        |response, moment| {
            if is_add(moment) && is_too_many(response) {
                object(response, "", |members| {
                    set(members, "TrackActionResults", json!([]));
                });
            }
        },
    ),
    Fault::response(
        "groove-add-too-many-results-null",
        "GRV-ADD-38",
        "A batch above the limit has results that are null instead of absent.",
        |response, moment| {
            if is_add(moment) && is_too_many(response) {
                object(response, "", |members| {
                    set(members, "TrackActionResults", Value::Null);
                });
            }
        },
    ),
    Fault::response(
        "groove-add-too-many-code",
        "GRV-ADD-39",
        "A batch above the limit has the code INVALID_INPUT_PARAMETER.",
        |response, moment| {
            too_many(response, moment, |error| {
                set(error, "ErrorCode", "INVALID_INPUT_PARAMETER");
            });
        },
    ),
    Fault::response(
        "groove-add-too-many-description",
        "GRV-ADD-40",
        "A batch above the limit has another description.",
        |response, moment| {
            too_many(response, moment, |error| {
                set(error, "Description", "Invalid parameter value");
            });
        },
    ),
    Fault::response(
        "groove-add-too-many-message",
        "GRV-ADD-41",
        "The Message names a limit of 101.",
        |response, moment| {
            too_many(response, moment, |error| {
                map(error, "Message", |text| text.replace("100", "101"));
            });
        },
    ),
    Fault::response(
        "groove-add-too-many-message-missing",
        "GRV-ADD-41",
        "A batch above the limit has no Message.",
        |response, moment| {
            too_many(response, moment, |error| {
                drop(error.shift_remove("Message"));
            });
        },
    ),
    Fault::response(
        "groove-add-too-many-blames-duplicates",
        "GRV-ADD-44",
        "A batch above the limit that repeats ids is refused for the repetition.",
        |response, moment| {
            let mut sent = sent_ids(moment);
            let count = sent.len();
            sent.sort();
            sent.dedup();
            if sent.len() < count {
                too_many(response, moment, |error| {
                    set(error, "Message", "Duplicate tracks are not supported");
                });
            }
        },
    ),
    Fault::response(
        "groove-add-denied-with-results",
        "GRV-ADD-58",
        "A request without a user token has an empty list of results.",
        |response, moment| {
            if is_add(moment) && is_denied(response) {
                object(response, "", |members| {
                    set(members, "TrackActionResults", json!([]));
                });
            }
        },
    ),
    Fault::response(
        "groove-add-denied-code",
        "GRV-ADD-59",
        "A request without a user token has the code ACCESS_TOKEN_MISSING.",
        |response, moment| {
            denied(response, moment, |error| {
                set(error, "ErrorCode", "ACCESS_TOKEN_MISSING");
            });
        },
    ),
    Fault::response(
        "groove-add-denied-description",
        "GRV-ADD-60",
        "A request without a user token has another description.",
        |response, moment| {
            denied(response, moment, |error| {
                set(error, "Description", "Unauthorized");
            });
        },
    ),
    Fault::response(
        "groove-add-denied-message-missing",
        "GRV-ADD-61",
        "A request without a user token has no Message.",
        |response, moment| {
            denied(response, moment, |error| {
                drop(error.shift_remove("Message"));
            });
        },
    ),
    Fault::response(
        "groove-add-denied-message",
        "GRV-ADD-61",
        "A request without a user token has another Message.",
        |response, moment| {
            denied(response, moment, |error| {
                set(error, "Message", "You need authentication to use this API");
            });
        },
    ),
    Fault::response(
        "groove-add-json-as-html",
        "GRV-ADD-65",
        "The JSON answer is labelled text/html.",
        |response, moment| {
            if is_add(moment) && response.header("content-type") == Some("application/json") {
                response.set_header("content-type", "text/html");
            }
        },
    ),
    Fault::response(
        "groove-add-json-cut",
        "GRV-ADD-65",
        "The JSON answer lacks its last character.",
        |response, moment| {
            if is_add(moment) && response.header("content-type") == Some("application/json") {
                let length = response.body.len().saturating_sub(1);
                response.body.truncate(length);
            }
        },
    ),
    Fault::response(
        "groove-add-json-cut-third",
        "GRV-ADD-65",
        "Every third add has a JSON answer without its last character.",
        |response, moment| {
            if is_add(moment) && moment.nth.is_multiple_of(3) {
                let length = response.body.len().saturating_sub(1);
                response.body.truncate(length);
            }
        },
    ),
];

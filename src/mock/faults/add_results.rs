//! Faults of the add operation in the results of a batch, as JSON has them.

use serde_json::{Value, json};

use super::Fault;
use super::edit::{
    batch_error, entries, entry_errors, failed, is_add, is_batch, is_partial, json, map, object, results, sent_ids,
    set, succeeded,
};

/// A fault that edits the errors of failed entries.
macro_rules! entry_error {
    ($id:literal, $clause:literal, $sentence:literal, $edit:expr) => {
        Fault::response($id, $clause, $sentence, |response, moment| {
            if is_add(moment) {
                entry_errors(response, $edit);
            }
        })
    };
}

/// A fault that edits the whole-batch error.
macro_rules! whole_error {
    ($id:literal, $clause:literal, $sentence:literal, $edit:expr) => {
        Fault::response($id, $clause, $sentence, |response, moment| {
            if is_add(moment) {
                batch_error(response, $edit);
            }
        })
    };
}

/// A fault that edits entries that succeeded.
macro_rules! good_entry {
    ($id:literal, $clause:literal, $sentence:literal, $edit:expr) => {
        Fault::response($id, $clause, $sentence, |response, moment| {
            if is_add(moment) {
                succeeded(response, $edit);
            }
        })
    };
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::response("groove-add-failure-silent", "GRV-ADD-06", "A failed entry has no Error.", |response, moment| {
        if is_add(moment) {
            failed(response, |entry| drop(entry.shift_remove("Error")));
        }
    }),
    good_entry!("groove-add-success-with-error", "GRV-ADD-06", "A succeeded entry has an Error too.", |entry| set(
        entry,
        "Error",
        json!({ "ErrorCode": "COLLECTION_INVALID_DATA", "Description": "None" })
    )),
    Fault::response(
        "groove-add-single-not-a-list",
        "GRV-ADD-13",
        "The result of a batch of one is an object, not a list.",
        |response, moment| {
            if is_add(moment) {
                json(response, |value| {
                    let list = &mut value["TrackActionResults"];
                    if let Some([only]) = list.as_array().map(Vec::as_slice) {
                        *list = only.clone();
                    }
                });
            }
        },
    ),
    Fault::response(
        "groove-add-extra-member",
        "GRV-ADD-20",
        "A partial answer has a third member.",
        |response, moment| {
            if is_add(moment) && is_partial(response) {
                object(response, "", |members| set(members, "FailedCount", 1));
            }
        },
    ),
    Fault::response(
        "groove-add-error-null",
        "GRV-ADD-13",
        "When nothing failed, the whole-batch Error is null instead of absent.",
        |response, moment| {
            if is_add(moment) && is_batch(response) && !is_partial(response) {
                object(response, "", |members| set(members, "Error", Value::Null));
            }
        },
    ),
    Fault::response(
        "groove-add-order-reversed",
        "GRV-ADD-21",
        "The results come in reverse order.",
        |response, moment| {
            if is_add(moment) {
                results(response, |list| list.reverse());
            }
        },
    ),
    Fault::response(
        "groove-add-large-order-reversed",
        "GRV-ADD-21",
        "From 50 entries on the results come in reverse order.",
        |response, moment| {
            if is_add(moment) {
                results(response, |list| {
                    if list.len() >= 50 {
                        list.reverse();
                    }
                });
            }
        },
    ),
    Fault::response(
        "groove-add-failures-first",
        "GRV-ADD-21",
        "Failed entries come before the others.",
        |response, moment| {
            if is_add(moment) {
                results(response, |list| {
                    list.sort_by_key(|entry| entry.get("Error").is_none());
                });
            }
        },
    ),
    Fault::response(
        "groove-add-last-result-missing",
        "GRV-ADD-21",
        "A full batch of 100 lacks its last result.",
        |response, moment| {
            if is_add(moment) {
                results(response, |list| list.truncate(99));
            }
        },
    ),
    Fault::response(
        "groove-add-echo-second-lower",
        "GRV-ADD-22",
        "The second InputId of a batch has its GUID in lower case.",
        |response, moment| {
            if is_add(moment) {
                entries(response, |index, entry| {
                    if index == 1 {
                        map(entry, "InputId", str::to_lowercase);
                    }
                });
            }
        },
    ),
    Fault::response(
        "groove-add-echo-raises-prefix",
        "GRV-ADD-22",
        "InputId has the prefix in upper case too.",
        |response, moment| {
            if is_add(moment) {
                entries(response, |_, entry| {
                    map(entry, "InputId", str::to_uppercase);
                });
            }
        },
    ),
    Fault::response(
        "groove-add-echo-upper-lowered",
        "GRV-ADD-23",
        "A GUID sent in upper case comes back in lower case.",
        |response, moment| {
            if is_add(moment) {
                let sent = sent_ids(moment);
                entries(response, |index, entry| {
                    map(entry, "InputId", |echo| {
                        if sent.get(index).is_some_and(|id| id == echo) { echo.to_lowercase() } else { echo.to_owned() }
                    });
                });
            }
        },
    ),
    Fault::response(
        "groove-add-failed-id-null",
        "GRV-ADD-24",
        "A failed entry has an Id that is null instead of absent.",
        |response, moment| {
            if is_add(moment) {
                failed(response, |entry| set(entry, "Id", Value::Null));
            }
        },
    ),
    Fault::response(
        "groove-add-failed-id-empty",
        "GRV-ADD-24",
        "A failed entry has an empty Id.",
        |response, moment| {
            if is_add(moment) {
                failed(response, |entry| set(entry, "Id", ""));
            }
        },
    ),
    entry_error!("groove-add-entry-code", "GRV-ADD-25", "A failed entry has the code COLLECTION_NO_RESULT.", |error| {
        set(error, "ErrorCode", "COLLECTION_NO_RESULT");
    }),
    entry_error!("groove-add-entry-code-hyphens", "GRV-ADD-25", "A failed entry has its code with hyphens.", |error| {
        map(error, "ErrorCode", |code| code.replace('_', "-"));
    }),
    entry_error!("groove-add-entry-code-number", "GRV-ADD-25", "A failed entry has a number for its code.", |error| {
        set(error, "ErrorCode", 400);
    }),
    Fault::response(
        "groove-add-second-entry-code",
        "GRV-ADD-25",
        "A failed entry in the second place has another code.",
        |response, moment| {
            if is_add(moment) {
                entries(response, |index, entry| {
                    if index == 1
                        && let Some(error) = entry.get_mut("Error").and_then(Value::as_object_mut)
                    {
                        set(error, "ErrorCode", "INVALID_INPUT_PARAMETER");
                    }
                });
            }
        },
    ),
    entry_error!(
        "groove-add-entry-description",
        "GRV-ADD-26",
        "The description of a failed entry ends with a dot.",
        |error| map(error, "Description", |text| format!("{text}."))
    ),
    entry_error!("groove-add-entry-message-missing", "GRV-ADD-27", "A failed entry has no Message.", |error| drop(
        error.shift_remove("Message")
    )),
    entry_error!(
        "groove-add-entry-message",
        "GRV-ADD-27",
        "The Message of a failed entry names TrackId.",
        |error| map(error, "Message", |text| text.replace("ContentId", "TrackId"))
    ),
    good_entry!(
        "groove-add-success-error-null",
        "GRV-ADD-28",
        "A succeeded entry has an Error that is null instead of absent.",
        |entry| set(entry, "Error", Value::Null)
    ),
    good_entry!("groove-add-success-extra-member", "GRV-ADD-28", "A succeeded entry has a Status.", |entry| set(
        entry, "Status", "Added"
    )),
    good_entry!("groove-add-id-is-input", "GRV-ADD-29", "Id repeats InputId.", |entry| {
        let input = entry.get("InputId").cloned().unwrap_or_default();
        set(entry, "Id", input);
    }),
    good_entry!("groove-add-id-without-prefix", "GRV-ADD-29", "Id lacks the prefix.", |entry| map(entry, "Id", |id| {
        id.replace("music.", "")
    })),
    good_entry!("groove-add-id-short", "GRV-ADD-29", "Id is one character short.", |entry| map(entry, "Id", |id| id
        .chars()
        .take(id.len() - 1)
        .collect())),
    good_entry!(
        "groove-add-id-base64",
        "GRV-ADD-29",
        "Id holds characters of base64 that are not of base64url.",
        |entry| map(entry, "Id", |id| format!("{}+/Q", &id[..id.len() - 3]))
    ),
    Fault::response(
        "groove-add-id-shared",
        "GRV-ADD-29",
        "Every added track of a batch has the first one's Id.",
        |response, moment| {
            if is_add(moment) {
                results(response, |list| {
                    let first = list.iter().find_map(|entry| entry.get("Id")).cloned();
                    if let Some(first) = first {
                        for entry in list.iter_mut().filter(|entry| entry.get("Id").is_some()) {
                            entry["Id"] = first.clone();
                        }
                    }
                });
            }
        },
    ),
    whole_error!("groove-add-batch-code", "GRV-ADD-30", "The whole batch has the code of its failed entry.", |error| {
        set(error, "ErrorCode", "COLLECTION_INVALID_ID");
    }),
    Fault::response(
        "groove-add-batch-error-missing",
        "GRV-ADD-30",
        "A partial failure has no whole-batch Error.",
        |response, moment| {
            if is_add(moment) && is_batch(response) {
                object(response, "", |members| drop(members.shift_remove("Error")));
            }
        },
    ),
    Fault::response(
        "groove-add-large-batch-error-missing",
        "GRV-ADD-30",
        "A partial failure of 50 entries or more has no whole-batch Error.",
        |response, moment| {
            if is_add(moment) && is_batch(response) && sent_ids(moment).len() >= 50 {
                object(response, "", |members| drop(members.shift_remove("Error")));
            }
        },
    ),
    whole_error!(
        "groove-add-batch-description",
        "GRV-ADD-31",
        "The whole batch says that all operations failed.",
        |error| set(error, "Description", "All of the operations failed")
    ),
    whole_error!("groove-add-batch-message", "GRV-ADD-32", "The whole-batch Error has a Message.", |error| set(
        error, "Message", "1 of 2"
    )),
    Fault::response("groove-add-partial-202", "GRV-ADD-33", "A partial failure has status 202.", |response, moment| {
        if is_add(moment) && is_partial(response) {
            response.status = 202;
        }
    }),
];

//! Faults of the Oracle delete in what it does, and in its answers to what works.

use serde_json::{Value, json};

use super::Fault;
use super::edit::{is_removal, map, object, oracle, oracle_code, set};
use crate::mock::policy::Removal;

/// A fault that edits the answer to a delete that worked.
macro_rules! done {
    ($id:literal, $clause:literal, $sentence:literal, $edit:expr) => {
        Fault::response($id, $clause, $sentence, |response, moment| {
            oracle(response, moment, "0", $edit);
        })
    };
}

/// A fault that gives the answer with one `errorCode` another status.
macro_rules! status {
    ($id:literal, $clause:literal, $sentence:literal, $code:literal, $from:literal => $to:literal) => {
        Fault::response($id, $clause, $sentence, |response, moment| {
            if response.status == $from && oracle_code(response, moment).as_deref() == Some($code) {
                response.status = $to;
            }
        })
    };
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::response(
        "oracle-delete-not-allowed",
        "OCM-DEL-01",
        "DELETE on the documented path is answered 405.",
        |response, moment| {
            if is_removal(moment) {
                response.status = 405;
                object(response, "", |members| set(members, "errorCode", "-1"));
            }
        },
    ),
    Fault::policy(
        "oracle-delete-removes-nothing",
        "OCM-DEL-02",
        "The answer says deleted, but the collection stays.",
        |policy, _| policy.oracle.removal = Removal::Nothing,
    ),
    Fault::policy(
        "oracle-delete-second-request-removes-nothing",
        "OCM-DEL-02",
        "From the second request of a connection on nothing is deleted.",
        |policy, moment| {
            if moment.request.sequence > 1 {
                policy.oracle.removal = Removal::Nothing;
            }
        },
    ),
    Fault::policy(
        "oracle-delete-removes-all",
        "OCM-DEL-02",
        "Every collection of the owner is deleted, not only the one in the path.",
        |policy, _| policy.oracle.removal = Removal::Everything,
    ),
    Fault::response(
        "oracle-delete-json-type-refused",
        "OCM-DEL-03",
        "A request labelled application/json is refused.",
        |response, moment| {
            let labelled = moment.request.header("content-type");
            if is_removal(moment) && labelled.is_some_and(|value| value.contains("json")) {
                response.status = 415;
            }
        },
    ),
    Fault::response(
        "oracle-delete-without-id-succeeds",
        "OCM-DEL-04",
        "A DELETE that leaves the id out is answered as if something had been deleted.",
        |response, moment| {
            let path = moment.request.path().trim_end_matches('/');
            if moment.request.method == "DELETE" && path == "/documents/api/1.1/collections" {
                response.status = 200;
            }
        },
    ),
    Fault::response(
        "oracle-delete-needs-folder",
        "OCM-DEL-05",
        "The id in the path is not enough: a query parameter is needed too.",
        |response, moment| {
            if is_removal(moment)
                && moment.request.query().is_empty()
                && oracle_code(response, moment).as_deref() == Some("0")
            {
                response.status = 400;
                object(response, "", |members| set(members, "errorCode", "-1"));
            }
        },
    ),
    Fault::response(
        "oracle-delete-short-id",
        "OCM-DEL-05",
        "The answer names the collection by the first 32 characters of its id.",
        |response, moment| {
            oracle(response, moment, "0", |members| {
                map(members, "idList", |id| id.chars().take(32).collect());
            });
        },
    ),
    Fault::policy("oracle-delete-no-xml", "OCM-DEL-06", "Accept: application/xml is answered in JSON.", |policy, _| {
        policy.oracle.xml = false;
    }),
    Fault::response(
        "oracle-delete-json-as-text",
        "OCM-DEL-06",
        "The JSON answer is labelled text/plain.",
        |response, moment| {
            if is_removal(moment) && response.header("content-type") == Some("application/json") {
                response.set_header("content-type", "text/plain");
            }
        },
    ),
    Fault::response(
        "oracle-delete-xml-broken",
        "OCM-DEL-06",
        "The XML answer is not well-formed.",
        |response, moment| {
            if is_removal(moment) && response.header("content-type") == Some("application/xml") {
                let length = response.body.len().saturating_sub(2);
                response.body.truncate(length);
            }
        },
    ),
    Fault::response(
        "oracle-delete-204",
        "OCM-DEL-07",
        "A delete that worked has status 204 and no body.",
        |response, moment| {
            if is_removal(moment) && response.status == 200 {
                response.status = 204;
                response.body.clear();
                response.headers.clear();
            }
        },
    ),
    done!("oracle-delete-type-missing", "OCM-DEL-08", "The answer has no type.", |members| drop(
        members.shift_remove("type")
    )),
    done!("oracle-delete-only-code", "OCM-DEL-08", "The answer has only errorCode.", |members| members
        .retain(|name, _| name == "errorCode")),
    Fault::policy(
        "oracle-delete-hexadecimal-only",
        "OCM-DEL-09",
        "An id with letters beyond F is refused as malformed.",
        |policy, _| policy.oracle.hexadecimal_ids = true,
    ),
    Fault::response(
        "oracle-delete-malformed-500",
        "OCM-DEL-10",
        "A malformed id is answered 500.",
        |response, moment| {
            if is_removal(moment) && response.status == 400 {
                response.status = 500;
            }
        },
    ),
    Fault::response(
        "oracle-delete-malformed-200",
        "OCM-DEL-10",
        "A malformed id is answered as if it had worked.",
        |response, moment| {
            if is_removal(moment) && response.status == 400 {
                response.status = 200;
                object(response, "", |members| {
                    let id = members.get("idList").cloned().unwrap_or_default();
                    members.clear();
                    set(members, "errorCode", "0");
                    set(members, "idList", id);
                    set(members, "type", "collection");
                });
            }
        },
    ),
    Fault::policy("oracle-delete-rights-unchecked", "OCM-DEL-11", "Anybody may delete any collection.", |policy, _| {
        policy.oracle.checks_rights = false;
    }),
    Fault::policy(
        "oracle-delete-user-optional",
        "OCM-DEL-11",
        "A request without credentials has the rights of the first user.",
        |policy, moment| policy.oracle.requires_user = !is_removal(moment),
    ),
    Fault::policy(
        "oracle-delete-expired-user",
        "OCM-DEL-11",
        "An expired token still has the rights of its user.",
        |policy, moment| policy.oracle.expired_tokens = is_removal(moment),
    ),
    status!(
        "oracle-delete-forbidden-401",
        "OCM-DEL-11",
        "A collection without rights has status 401.",
        "-20", 403 => 401
    ),
    Fault::policy(
        "oracle-delete-trash-succeeds",
        "OCM-DEL-12",
        "A collection in the trash is deleted again with 200.",
        |policy, _| policy.oracle.trash_deletes_again = true,
    ),
    Fault::policy(
        "oracle-delete-missing-succeeds",
        "OCM-DEL-12",
        "A collection that does not exist is deleted with 200.",
        |policy, _| policy.oracle.missing_succeeds = true,
    ),
    Fault::response(
        "oracle-delete-needs-content-type",
        "OCM-DEL-13",
        "A request without Content-Type is answered 415.",
        |response, moment| {
            if is_removal(moment) && moment.request.header("content-type").is_none() {
                response.status = 415;
            }
        },
    ),
    status!(
        "oracle-delete-202",
        "OCM-DEL-14",
        "A delete that worked has status 202.",
        "0", 200 => 202
    ),
    done!("oracle-delete-code-number", "OCM-DEL-15", "errorCode is the number 0.", |members| set(
        members,
        "errorCode",
        0
    )),
    done!("oracle-delete-code-null", "OCM-DEL-15", "errorCode is null when nothing went wrong.", |members| set(
        members,
        "errorCode",
        Value::Null
    )),
    done!("oracle-delete-id-lower", "OCM-DEL-16", "idList has the id in lower case.", |members| map(
        members,
        "idList",
        str::to_lowercase
    )),
    done!("oracle-delete-id-list", "OCM-DEL-16", "idList is a list.", |members| {
        let id = members.get("idList").cloned().unwrap_or_default();
        set(members, "idList", json!([id]));
    }),
    done!("oracle-delete-type-folder", "OCM-DEL-17", "type is folder.", |members| set(members, "type", "folder")),
    done!("oracle-delete-type-capital", "OCM-DEL-17", "type begins with a capital letter.", |members| set(
        members,
        "type",
        "Collection"
    )),
    done!(
        "oracle-delete-key-null",
        "OCM-DEL-18",
        "The answer to a delete that worked has an errorKey that is null.",
        |members| set(members, "errorKey", Value::Null)
    ),
    done!("oracle-delete-title", "OCM-DEL-18", "The answer to a delete that worked has a title.", |members| set(
        members, "title", ""
    )),
    status!(
        "oracle-delete-trash-409",
        "OCM-DEL-19",
        "A collection in the trash has status 409.",
        "-1", 404 => 409
    ),
    status!(
        "oracle-delete-missing-410",
        "OCM-DEL-29",
        "A missing collection has status 410.",
        "-16", 404 => 410
    ),
    status!(
        "oracle-delete-missing-400",
        "OCM-DEL-29",
        "A missing collection has status 400.",
        "-16", 404 => 400
    ),
    status!(
        "oracle-delete-forbidden-404",
        "OCM-DEL-33",
        "A collection without rights has status 404.",
        "-20", 403 => 404
    ),
    Fault::policy(
        "oracle-delete-trash-as-missing",
        "OCM-DEL-41",
        "A collection in the trash is answered as one that does not exist.",
        |policy, _| policy.oracle.knows_trash = false,
    ),
    Fault::policy(
        "oracle-delete-purges",
        "OCM-DEL-42",
        "A delete removes for good, so the second one finds nothing.",
        |policy, _| policy.oracle.removal = Removal::Purge,
    ),
    Fault::policy(
        "oracle-delete-refused-takes-effect",
        "OCM-DEL-43",
        "A delete refused for lack of rights moves the collection to the trash.",
        |policy, _| policy.oracle.refused_takes_effect = true,
    ),
];

//! Faults of the Oracle delete in the bodies of its refusals.

use serde_json::Value;

use super::Fault;
use super::edit::{Members, map, oracle, oracle_errors, set};

/// A fault that edits the body with one `errorCode`.
macro_rules! coded {
    ($id:literal, $clause:literal, $sentence:literal, $code:literal, $edit:expr) => {
        Fault::response($id, $clause, $sentence, |response, moment| {
            oracle(response, moment, $code, $edit);
        })
    };
}

/// A fault that edits the body of every refusal.
macro_rules! any {
    ($id:literal, $clause:literal, $sentence:literal, $edit:expr) => {
        Fault::response($id, $clause, $sentence, |response, moment| {
            oracle_errors(response, moment, $edit);
        })
    };
}

/// Changes the message and, as the documents have them equal, the title.
fn message(members: &mut Members, change: impl Fn(&str) -> String) {
    map(members, "errorMessage", &change);
    map(members, "title", &change);
}

pub(super) const FAULTS: &[Fault] = &[
    coded!("oracle-delete-trash-code", "OCM-DEL-20", "A collection in the trash has the code -17.", "-1", |members| {
        set(members, "errorCode", "-17");
    }),
    coded!(
        "oracle-delete-trash-code-number",
        "OCM-DEL-20",
        "A collection in the trash has the number -1 for its code.",
        "-1",
        |members| set(members, "errorCode", -1)
    ),
    coded!(
        "oracle-delete-trash-key",
        "OCM-DEL-21",
        "The key of a collection in the trash ends with trash.",
        "-1",
        |members| map(members, "errorKey", |key| key.replace(",Trash", ",trash"))
    ),
    coded!(
        "oracle-delete-trash-key-without-name",
        "OCM-DEL-21",
        "The key of a collection in the trash lacks the name.",
        "-1",
        |members| set(members, "errorKey", "!csFldUnableToDeleteItems!csFldSourceInDestination,Trash")
    ),
    coded!(
        "oracle-delete-trash-message",
        "OCM-DEL-22",
        "The message about a collection in the trash lacks its last sentence.",
        "-1",
        |members| message(members, |text| { text.replace(" Please specify different destination.", "") })
    ),
    coded!(
        "oracle-delete-trash-name-differs",
        "OCM-DEL-23",
        "The message about a collection in the trash has the name in upper case.",
        "-1",
        |members| message(members, |text| {
            let mut parts: Vec<_> = text.splitn(3, '\'').map(str::to_owned).collect();
            if let Some(name) = parts.get_mut(1) {
                *name = name.to_uppercase();
            }
            parts.join("'")
        })
    ),
    any!("oracle-delete-error-type", "OCM-DEL-24", "errorType is folder.", |members| set(
        members,
        "errorType",
        "folder"
    )),
    any!("oracle-delete-error-id-empty", "OCM-DEL-25", "idList of a refusal is empty.", |members| set(
        members, "idList", ""
    )),
    any!("oracle-delete-error-id-lower", "OCM-DEL-25", "idList of a refusal has the id in lower case.", |members| map(
        members,
        "idList",
        str::to_lowercase
    )),
    any!("oracle-delete-title-short", "OCM-DEL-26", "title has only the first sentence of errorMessage.", |members| {
        set(members, "title", "Unable to delete items.");
    }),
    any!("oracle-delete-title-dot", "OCM-DEL-26", "title lacks the last dot of errorMessage.", |members| map(
        members,
        "title",
        |text| text.trim_end_matches('.').to_owned()
    )),
    any!("oracle-delete-problem-fragment", "OCM-DEL-27", "type of a refusal has a fragment.", |members| map(
        members,
        "type",
        |url| format!("{url}#sec10.4.5")
    )),
    any!("oracle-delete-problem-http", "OCM-DEL-27", "type of a refusal is an http address.", |members| map(
        members,
        "type",
        |url| url.replace("https:", "http:")
    )),
    any!("oracle-delete-error-extra-member", "OCM-DEL-28", "A refusal has an eighth member.", |members| set(
        members,
        "requestId",
        "1"
    )),
    any!("oracle-delete-error-type-missing", "OCM-DEL-28", "A refusal has no errorType.", |members| drop(
        members.shift_remove("errorType")
    )),
    coded!(
        "oracle-delete-missing-code",
        "OCM-DEL-30",
        "A missing collection has the general code -1.",
        "-16",
        |members| set(members, "errorCode", "-1")
    ),
    coded!(
        "oracle-delete-missing-code-number",
        "OCM-DEL-30",
        "A missing collection has the number -16 for its code.",
        "-16",
        |members| set(members, "errorCode", -16)
    ),
    coded!(
        "oracle-delete-missing-key",
        "OCM-DEL-31",
        "The key of a missing collection lacks its last segment.",
        "-16",
        |members| map(members, "errorKey", |key| key.replace("!csUnprivilegedSystemError", ""))
    ),
    coded!(
        "oracle-delete-missing-message",
        "OCM-DEL-32",
        "The message about a missing collection lacks its last sentence.",
        "-16",
        |members| message(members, |text| text.replace(" The error has been logged.", ""))
    ),
    coded!(
        "oracle-delete-forbidden-code",
        "OCM-DEL-34",
        "A collection without rights has the code -18.",
        "-20",
        |members| set(members, "errorCode", "-18")
    ),
    coded!(
        "oracle-delete-forbidden-key",
        "OCM-DEL-35",
        "The key of a collection without rights lacks fFolderGUID.",
        "-20",
        |members| map(members, "errorKey", |key| key.replace("fFolderGUID:", ""))
    ),
    coded!(
        "oracle-delete-forbidden-service",
        "OCM-DEL-35",
        "The key of a collection without rights names another service.",
        "-20",
        |members| map(members, "errorKey", |key| key.replace("FLD_MOVE_TO_TRASH", "FLD_DELETE"))
    ),
    coded!(
        "oracle-delete-forbidden-message",
        "OCM-DEL-36",
        "The message about a collection without rights speaks of privileges.",
        "-20",
        |members| message(members, |text| text.replace("privilege to", "privileges to"))
    ),
    coded!(
        "oracle-delete-forbidden-user",
        "OCM-DEL-37",
        "The refusal names somebody else than the caller, the same in both fields.",
        "-20",
        |members| {
            let name = members
                .get("errorMessage")
                .and_then(Value::as_str)
                .and_then(|text| text.split('\'').nth(1))
                .unwrap_or_default()
                .to_owned();
            map(members, "errorKey", |key| key.replace(&name, "system"));
            message(members, |text| text.replace(&name, "system"));
        }
    ),
    any!("oracle-delete-key-start", "OCM-DEL-38", "The key of a refusal speaks of one item.", |members| map(
        members,
        "errorKey",
        |key| key.replace("DeleteItems", "DeleteItem")
    )),
    any!(
        "oracle-delete-message-start",
        "OCM-DEL-38",
        "The message of a refusal does not start as the others do.",
        |members| message(members, |text| text.replace("Unable to delete items", "Delete failed"))
    ),
    any!("oracle-delete-key-grammar", "OCM-DEL-39", "The segments of a key are parted by semicolons.", |members| map(
        members,
        "errorKey",
        |key| { key.trim_start_matches('!').replace('!', ";") }
    )),
    coded!(
        "oracle-delete-forbidden-code-zero",
        "OCM-DEL-40",
        "A collection without rights has the code 0 with status 403.",
        "-20",
        |members| set(members, "errorCode", "0")
    ),
    any!("oracle-delete-codes-positive", "OCM-DEL-40", "The codes of refusals are positive.", |members| map(
        members,
        "errorCode",
        |code| code.trim_start_matches('-').to_owned()
    )),
    any!(
        "oracle-delete-error-type-kept",
        "OCM-DEL-44",
        "type of a refusal is collection, as in an answer to what worked.",
        |members| set(members, "type", "collection")
    ),
];

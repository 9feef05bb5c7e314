//! What faults and variations share: telling answers apart, and editing them.

use serde_json::{Map, Value, json};

use crate::mock::http::Response;
use crate::mock::media::Format;
use crate::mock::service::{Moment, Operation};

/// The members of one object.
pub(in crate::mock) type Members = Map<String, Value>;

/// Whether the request is an add.
pub(in crate::mock) fn is_add(moment: &Moment<'_>) -> bool {
    moment.operation == Operation::GrooveAdd
}

/// Whether the request is a Groove delete.
pub(in crate::mock) fn is_delete(moment: &Moment<'_>) -> bool {
    moment.operation == Operation::GrooveDelete
}

/// Whether the request deletes an Oracle collection.
pub(in crate::mock) fn is_removal(moment: &Moment<'_>) -> bool {
    moment.operation == Operation::OracleDelete
}

/// The ids of a JSON batch as they were sent.
pub(in crate::mock) fn sent_ids(moment: &Moment<'_>) -> Vec<String> {
    let value: Value = serde_json::from_slice(&moment.request.body).unwrap_or_default();
    value["TrackIds"]
        .as_array()
        .map(|ids| ids.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default()
}

/// Edits a JSON body as a value; any other body stays.
pub(in crate::mock) fn json(response: &mut Response, edit: impl FnOnce(&mut Value)) {
    if response.header("content-type") != Some(Format::Json.media_type()) {
        return;
    }
    if let Ok(mut value) = serde_json::from_slice::<Value>(&response.body) {
        edit(&mut value);
        response.body = value.to_string().into();
    }
}

/// Edits an XML body as text; any other body stays.
pub(in crate::mock) fn xml(response: &mut Response, edit: impl FnOnce(String) -> String) {
    if response.header("content-type") != Some(Format::Xml.media_type()) {
        return;
    }
    if let Ok(text) = std::str::from_utf8(&response.body) {
        response.body = edit(text.to_owned()).into();
    }
}

/// A value of the JSON body by its pointer, as text.
pub(in crate::mock) fn text(response: &Response, pointer: &str) -> Option<String> {
    let value: Value = serde_json::from_slice(&response.body).ok()?;
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

/// Edits the JSON object a pointer names, when it is there.
pub(in crate::mock) fn object(response: &mut Response, pointer: &str, edit: impl FnOnce(&mut Members)) {
    json(response, |value| {
        if let Some(members) = value.pointer_mut(pointer).and_then(Value::as_object_mut) {
            edit(members);
        }
    });
}

/// Edits the results of a batch, with the whole body.
pub(in crate::mock) fn results(response: &mut Response, edit: impl FnOnce(&mut Vec<Value>)) {
    json(response, |value| {
        if let Some(list) = value.get_mut("TrackActionResults").and_then(Value::as_array_mut) {
            edit(list);
        }
    });
}

/// Edits every entry of a batch that failed.
pub(in crate::mock) fn failed(response: &mut Response, edit: impl Fn(&mut Members)) {
    entries(response, |_, entry| {
        if entry.contains_key("Error") {
            edit(entry);
        }
    });
}

/// Edits the error of every entry that failed.
pub(in crate::mock) fn entry_errors(response: &mut Response, edit: impl Fn(&mut Members)) {
    failed(response, |entry| {
        if let Some(error) = entry.get_mut("Error").and_then(Value::as_object_mut) {
            edit(error);
        }
    });
}

/// Edits every entry of a batch that succeeded.
pub(in crate::mock) fn succeeded(response: &mut Response, edit: impl Fn(&mut Members)) {
    entries(response, |_, entry| {
        if !entry.contains_key("Error") {
            edit(entry);
        }
    });
}

/// Edits every entry of a batch, with its place.
pub(in crate::mock) fn entries(response: &mut Response, edit: impl Fn(usize, &mut Members)) {
    results(response, |list| {
        for (index, entry) in list.iter_mut().enumerate() {
            if let Some(entry) = entry.as_object_mut() {
                edit(index, entry);
            }
        }
    });
}

/// Edits the whole-batch error of an answer with results.
pub(in crate::mock) fn batch_error(response: &mut Response, edit: impl FnOnce(&mut Members)) {
    if is_batch(response) {
        object(response, "/Error", edit);
    }
}

/// Whether the body has results, in either form.
pub(in crate::mock) fn is_batch(response: &Response) -> bool {
    memchr::memmem::find(&response.body, b"TrackActionResults").is_some()
}

/// Whether some entry failed.
pub(in crate::mock) fn is_partial(response: &Response) -> bool {
    is_batch(response) && holds(response, "COLLECTION_SOME_OPERATIONS_FAILED")
}

/// Whether the batch was refused for its size, in either form.
pub(in crate::mock) fn is_too_many(response: &Response) -> bool {
    response.status == 400 && holds(response, "COLLECTION_INVALID_OPERATION")
}

/// Whether the user token was refused, in either form.
pub(in crate::mock) fn is_denied(response: &Response) -> bool {
    response.status == 401 && holds(response, "INVALID_AUTHORIZATION_HEADER")
}

/// Whether the request was refused for what it looks like, its size apart.
pub(in crate::mock) fn is_malformed(response: &Response) -> bool {
    response.status == 400 && holds(response, "_INPUT_PARAMETER")
}

/// Whether the body holds a text.
pub(in crate::mock) fn holds(response: &Response, needle: &str) -> bool {
    memchr::memmem::find(&response.body, needle.as_bytes()).is_some()
}

/// Replaces a member by another value where it is.
pub(in crate::mock) fn set(members: &mut Members, name: &str, value: impl Into<Value>) {
    members.insert(name.to_owned(), value.into());
}

/// Changes a member that is a text.
pub(in crate::mock) fn map(members: &mut Members, name: &str, change: impl FnOnce(&str) -> String) {
    if let Some(Value::String(text)) = members.get_mut(name) {
        *text = change(text);
    }
}

/// Puts a Groove error in place of the answer.
pub(in crate::mock) fn refuse(response: &mut Response, status: u16, code: &str) {
    let body = json!({ "Error": { "ErrorCode": code, "Description": "Refused" } });
    *response = Response::with_body(status, Format::Json.media_type(), body.to_string());
}

/// Which Oracle answer it is, by `errorCode`; only for answers about one collection.
pub(in crate::mock) fn oracle_code(response: &Response, moment: &Moment<'_>) -> Option<String> {
    if is_removal(moment) && response.status != 401 { text(response, "/errorCode") } else { None }
}

/// Edits the Oracle answer with this `errorCode`, when the answer to a removal has it.
pub(in crate::mock) fn oracle(
    response: &mut Response,
    moment: &Moment<'_>,
    code: &str,
    edit: impl FnOnce(&mut Members),
) {
    if oracle_code(response, moment).as_deref() == Some(code) && response.status != 400 {
        object(response, "", edit);
    }
}

/// Edits every Oracle error about one collection.
pub(in crate::mock) fn oracle_errors(response: &mut Response, moment: &Moment<'_>, edit: impl FnOnce(&mut Members)) {
    if oracle_code(response, moment).is_some_and(|code| code != "0") {
        object(response, "", edit);
    }
}

//! One step: values into the request, the exchange, the comparison, the captures.

use regex::Regex;

use crate::compare;
use crate::model::exchange::Response;
use crate::model::json::Json;
use crate::model::spec::{Capture, CaptureFrom, LedgerSpec};
use crate::record::{Change, LedgerEntry};
use crate::redact::SHORTEST;
use crate::template::{Mode, Scope, TemplateError, evaluate, resolve_text};

/// Why a capture found nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureFailure {
    /// Where it was looked for: path, header name, or empty for the whole body.
    pub place: String,
    /// What should have been there.
    pub expected: String,
    /// What was.
    pub actual: String,
}

/// The value of a capture.
///
/// # Errors
/// When there is no value of the kind asked for, or more than one.
pub fn capture(capture: &Capture, response: &Response) -> Result<Json<'static>, CaptureFailure> {
    capture_from(capture, response, None)
}

/// As [`capture`], where somebody has read the body as JSON already; the response's own is looked at only as text.
///
/// # Errors
/// As [`capture`].
pub fn capture_from(
    capture: &Capture,
    response: &Response,
    value: Option<&Json<'_>>,
) -> Result<Json<'static>, CaptureFailure> {
    let (place, found) = match &capture.from {
        CaptureFrom::WholeBody => {
            (String::new(), Ok(vec![Json::string(String::from_utf8_lossy(&response.body).into_owned())]))
        }
        CaptureFrom::Header(name) => {
            let values = response.header(name).map(|value| Json::string(String::from_utf8_lossy(value).into_owned()));
            (name.clone(), Ok(values.collect()))
        }
        CaptureFrom::Body(path) => {
            let found = match value {
                Some(value) => compare::extract_json(path, value),
                None => compare::extract(path, &response.body, response.content_type().as_deref()),
            };
            (path_text(path).to_owned(), found.map_err(|error| error.to_string()))
        }
    };
    let failure = |expected: String, actual: String| CaptureFailure { place: place.clone(), expected, actual };
    let mut values = match found {
        Ok(values) => values,
        Err(_) if capture.optional => return Ok(Json::Null),
        Err(reason) => return Err(failure("a value to capture".to_owned(), reason)),
    };
    if let Some(expression) = &capture.regex {
        let regex = Regex::new(expression).map_err(|error| failure(expression.clone(), error.to_string()))?;
        values = values.into_iter().filter_map(|value| group(&regex, &value)).collect();
    }
    if let Some(kind) = &capture.kind
        && let Some(other) = values.iter().find(|value| !is_kind(value, kind))
    {
        return Err(failure(format!("a value of type {kind}"), other.type_name().to_owned()));
    }
    if capture.list {
        return Ok(Json::Array(values));
    }
    match values.len() {
        1 => Ok(values.remove(0)),
        0 if capture.optional => Ok(Json::Null),
        0 => Err(failure("a value to capture".to_owned(), "nothing there".to_owned())),
        more => Err(failure("one value to capture".to_owned(), format!("{more} values"))),
    }
}

/// The texts of a captured value that can be kept secret; a service may answer with less than what can.
pub(super) fn secrets<'v>(value: &'v Json<'_>) -> impl Iterator<Item = &'v str> {
    let items = match value {
        Json::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let text = |item: &'v Json<'_>| match item {
        Json::String(text) | Json::Number(text) => Some(&**text),
        _ => None,
    };
    items.iter().filter_map(text).filter(|text| text.len() >= SHORTEST)
}

fn path_text(path: &crate::model::spec::Path) -> &str {
    use crate::model::spec::Path;
    match path {
        Path::Pointer(text) | Path::JsonPath(text) | Path::XPath(text) => text,
    }
}

fn group(regex: &Regex, value: &Json<'_>) -> Option<Json<'static>> {
    let captures = regex.captures(value.as_str()?)?;
    let found = captures.get(1).or_else(|| captures.get(0))?;
    Some(Json::string(found.as_str().to_owned()))
}

fn is_kind(value: &Json<'_>, kind: &str) -> bool {
    match (kind, value) {
        ("integer", Json::Number(text)) => !text.contains(['.', 'e', 'E']),
        (kind, value) => value.type_name() == kind,
    }
}

/// The ledger's entries of a step that succeeded.
pub(super) fn ledger(
    spec: &LedgerSpec,
    change: Change,
    step: &str,
    scope: &Scope,
) -> Result<Vec<LedgerEntry>, TemplateError> {
    let ids = match spec.id.parts.as_slice() {
        [crate::model::template::Part::Value(expr)] => match evaluate(expr, scope)? {
            crate::template::Value::Json(Json::Array(items)) => items,
            crate::template::Value::Json(one) => vec![one],
            crate::template::Value::Markup(_) => Vec::new(),
        },
        _ => vec![Json::string(resolve_text(&spec.id, scope, Mode::Plain)?)],
    };
    let entry = |id: Json<'static>| match id {
        Json::String(id) | Json::Number(id) => {
            Some(LedgerEntry { step: step.to_owned(), kind: spec.kind.clone(), id: id.into_owned(), change })
        }
        _ => None,
    };
    Ok(ids.into_iter().filter_map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_short_value_leaves_the_others_no_less_secret() {
        let texts = ["e", "a-long-token"].map(|text| Json::string(text.to_owned()));
        let list = Json::Array(texts.into_iter().chain([Json::integer(1_234_567), Json::Null]).collect());
        assert_eq!(secrets(&list).collect::<Vec<_>>(), ["a-long-token", "1234567"]);
        assert_eq!(secrets(&Json::string("a-long-token".to_owned())).count(), 1);
    }
}

//! Which Groove operation a path means, and which representation the client wants.

use super::error::{ErrorCode, GrooveError};
use crate::mock::http::{Request, decode_segment};
use crate::mock::media::{self, Format};
use crate::mock::policy::GroovePolicy;
use crate::mock::service::Operation;

/// A path that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// What is there.
    pub(super) operation: Operation,
    /// The `{namespace}` segment, decoded.
    pub(super) namespace: String,
}

impl Route {
    /// The methods the path answers, as `Allow` lists them.
    pub(super) fn methods(&self) -> &'static str {
        match self.operation {
            Operation::GrooveAdd | Operation::GrooveDelete => "POST, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }

    /// Whether the path answers this method, `OPTIONS` apart.
    pub(super) fn allows(&self, method: &str) -> bool {
        match self.operation {
            Operation::GrooveAdd | Operation::GrooveDelete => method == "POST",
            _ => method == "GET" || method == "HEAD",
        }
    }
}

/// Finds the operation of a path.
///
/// # Errors
/// `CATALOG_NO_RESULT` for a path without meaning, `INVALID_INPUT_PARAMETER` for another version.
pub(super) fn route(path: &str, ignore_case: bool) -> Result<Route, GrooveError> {
    let segments: Vec<_> = path.split('/').skip(1).map(decode_segment).collect();
    let is = |index: usize, word: &str| {
        segments.get(index).is_some_and(|given| given == word || (ignore_case && given.eq_ignore_ascii_case(word)))
    };
    let nothing = || GrooveError::with_message(ErrorCode::CatalogNoResult, "There is no resource at this address");
    let (operation, namespace) = match segments.len() {
        5 if is(1, "content") && is(3, "collection") && is(4, "add") => (Operation::GrooveAdd, 2),
        5 if is(1, "content") && is(3, "collection") && is(4, "delete") => (Operation::GrooveDelete, 2),
        6 if is(1, "content") && is(3, "collection") && is(4, "tracks") && is(5, "browse") => {
            (Operation::GrooveBrowse, 2)
        }
        4 if is(1, "user") && is(3, "profile") => (Operation::GrooveProfile, 2),
        _ => return Err(nothing()),
    };
    let version = &segments[0];
    if version != "1" {
        return Err(GrooveError::with_message(
            ErrorCode::InvalidInputParameter,
            format!("Version {version} is not supported"),
        ));
    }
    Ok(Route { operation, namespace: segments[namespace].clone().into_owned() })
}

/// Checks the common parameters of every call (GRV-ADD-08).
///
/// # Errors
/// `INVALID_INPUT_PARAMETER` for a value of the wrong form.
pub(super) fn check_parameters(request: &Request) -> Result<(), GrooveError> {
    let invalid = |name: &str| {
        GrooveError::with_message(ErrorCode::InvalidInputParameter, format!("Parameter {name} has an invalid value"))
    };
    let letters = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
    if let Some(language) = request.parameter("language") {
        let (main, region) = language.split_once('-').unwrap_or((&language, "xx"));
        if !letters(main) || !letters(region) {
            return Err(invalid("language"));
        }
    }
    if let Some(country) = request.parameter("country")
        && !letters(&country)
    {
        return Err(invalid("country"));
    }
    if let Some(wanted) = request.parameter("contentType")
        && by_name(&wanted).is_none()
    {
        return Err(invalid("contentType"));
    }
    if let Some(callback) = request.parameter("jsonp")
        && !is_callback(&callback)
    {
        return Err(invalid("jsonp"));
    }
    Ok(())
}

/// The function to wrap the answer in. Only a GET can come from a script element, so `jsonp` has
/// no effect on the other methods.
pub(super) fn callback(request: &Request) -> Option<String> {
    (request.method == "GET").then(|| request.parameter("jsonp")).flatten().filter(|name| is_callback(name))
}

fn is_callback(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.'))
}

fn by_name(name: &str) -> Option<Format> {
    if name.eq_ignore_ascii_case("xml") {
        Some(Format::Xml)
    } else if name.eq_ignore_ascii_case("json") {
        Some(Format::Json)
    } else {
        None
    }
}

/// The representation of the answer: `Accept` wins, then `contentType`, then an XML request is
/// answered in XML (GRV-ADD-52), and JSON is the default (api-facts 2.3, A-05).
pub(super) fn format(policy: &GroovePolicy, request: &Request) -> Format {
    if policy.format.accept
        && let Some(format) = request.header_list("accept").as_deref().and_then(media::preferred)
    {
        return format;
    }
    if let Some(format) = request.parameter("contentType").as_deref().and_then(by_name) {
        return format;
    }
    let sent_xml = request
        .header("content-type")
        .is_some_and(|value| Format::from_media_type(media::split_media_type(value).0) == Some(Format::Xml));
    if policy.format.content_type && sent_xml { Format::Xml } else { Format::Json }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_paths_are_found() {
        let add = route("/1/content/music/collection/add", true).unwrap();
        assert_eq!((add.operation, add.namespace.as_str()), (Operation::GrooveAdd, "music"));
        assert!(add.allows("POST") && !add.allows("GET"));
        let delete = route("/1/content/music/Collection/Delete", true).unwrap();
        assert_eq!(delete.operation, Operation::GrooveDelete);
        assert_eq!(route("/1/content//collection/add", true).unwrap().namespace, "");
        assert!(route("/1/content/music/collection/Add", false).is_err());
    }

    #[test]
    fn other_paths_are_refused() {
        for path in ["", "/", "/content/music/collection/add", "/1/content/music/collection/add/"] {
            assert_eq!(route(path, true).unwrap_err().error_code, ErrorCode::CatalogNoResult);
        }
        let version = route("/2/content/music/collection/add", true).unwrap_err();
        assert_eq!(version.error_code, ErrorCode::InvalidInputParameter);
    }

    #[test]
    fn the_format_follows_accept_then_parameter_then_request() {
        let policy = GroovePolicy::default();
        let request = Request::new("POST", "/p");
        assert_eq!(format(&policy, &request), Format::Json);
        let xml = request.clone().with_header("content-type", "text/xml; charset=utf-8");
        assert_eq!(format(&policy, &xml), Format::Xml);
        let accept = xml.clone().with_header("accept", "application/json");
        assert_eq!(format(&policy, &accept), Format::Json);
        let any = xml.with_header("accept", "*/*");
        assert_eq!(format(&policy, &any), Format::Xml);
        let parameter = Request::new("POST", "/p?contentType=XML");
        assert_eq!(format(&policy, &parameter), Format::Xml);
    }

    #[test]
    fn parameters_are_checked_for_form() {
        let check = |query: &str| check_parameters(&Request::new("POST", &format!("/p?{query}")));
        assert!(check("language=en&country=US&contentType=json&jsonp=a.b").is_ok());
        for bad in ["language=english", "country=U1", "contentType=yaml", "jsonp=a(b)", "jsonp="] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}

//! The Oracle collections API: [`handle`] answers delete, create and list.

mod auth;
mod body;
mod collections;
mod delete;
pub mod id;
#[cfg(test)]
mod tests;

use body::{Body, Problem};

use super::http::{Request, Response, decode_segment};
use super::media::{self, Format};
use super::policy::OraclePolicy;
use super::service::Operation;
use super::state::State;

/// What every path of this API starts with.
const ROOT: &str = "/documents/";

/// A path that exists.
enum Route<'a> {
    /// One collection, by its segment as received.
    Item(&'a str),
    /// The collections.
    All,
    /// The list of collections.
    Items,
}

impl Route<'_> {
    fn methods(&self) -> &'static str {
        match self {
            Self::Item(_) => "DELETE",
            Self::All => "POST",
            Self::Items => "GET",
        }
    }

    fn operation(&self) -> Operation {
        match self {
            Self::Item(_) => Operation::OracleDelete,
            Self::All => Operation::OracleCreate,
            Self::Items => Operation::OracleList,
        }
    }
}

/// Whether a path belongs to this API.
pub fn owns(path: &str) -> bool {
    path.starts_with(ROOT)
}

/// Finds what a path names. `items` is the list for a GET and a collection id for the rest.
fn route<'a>(method: &str, path: &'a str) -> Option<Route<'a>> {
    let rest = path.strip_prefix("/documents/api/1.1/collections")?;
    if rest.is_empty() {
        return Some(Route::All);
    }
    let segment = rest.strip_prefix('/')?;
    match segment {
        "" => None,
        "items" if method == "GET" => Some(Route::Items),
        _ if segment.contains('/') => None,
        _ => Some(Route::Item(segment)),
    }
}

/// The operation a request addresses; [`Operation::Other`] for a wrong method too.
pub fn operation(request: &Request) -> Operation {
    match route(&request.method, request.path()) {
        Some(route) if route.methods() == request.method => route.operation(),
        _ => Operation::Other,
    }
}

fn problem(key: &str, message: &str) -> Body {
    Body::general(Problem { code: "-1", key: key.to_owned(), message: message.to_owned() })
}

/// Answers one request.
pub fn handle(state: &mut State, policy: &OraclePolicy, request: &Request) -> Response {
    let format = format(policy, request);
    let write = |status: u16, body: &Body| Response::with_body(status, format.media_type(), body.write(format));
    let Some(route) = route(&request.method, request.path()) else {
        return write(404, &problem("!csResourceNotFound", "The resource does not exist."));
    };
    if route.methods() != request.method {
        let mut response = write(405, &problem("!csMethodNotAllowed", "The method is not allowed for this resource."));
        response.add_header("allow", route.methods());
        return response;
    }
    let caller = match auth::user(&state.oracle, policy.expired_tokens, request) {
        Some(caller) => caller,
        None if !policy.requires_user => 0,
        None => {
            let mut response =
                write(401, &problem("!csAuthenticationFailed", "The credentials are missing or invalid."));
            response.add_header("www-authenticate", auth::CHALLENGES);
            return response;
        }
    };
    match route {
        Route::Item(segment) => {
            let id = decode_segment(segment);
            let (status, body) = delete::delete(&mut state.oracle, policy, caller, &id);
            write(status, &body)
        }
        Route::All => {
            let State { oracle, ids, .. } = state;
            let (status, body, id) = collections::create(oracle, ids, caller, request);
            let mut response = write(status, &body);
            if let Some(id) = id {
                response.add_header("location", &format!("/documents/api/1.1/collections/{id}"));
            }
            response
        }
        Route::Items => {
            let (status, body) = collections::list(&state.oracle, caller, request);
            write(status, &body)
        }
    }
}

/// The representation of the answer: XML when `Accept` prefers it (OCM-DEL-06), JSON otherwise.
fn format(policy: &OraclePolicy, request: &Request) -> Format {
    if !policy.xml {
        return Format::Json;
    }
    request.header_list("accept").as_deref().and_then(media::preferred).unwrap_or(Format::Json)
}

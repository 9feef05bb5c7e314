//! The Groove collection API: [`handle`] answers add, delete, and the two state reads.

mod auth;
mod batch;
pub mod content;
pub mod error;
pub mod json_io;
mod read;
mod routes;
#[cfg(test)]
mod tests;
pub mod track_id;
pub mod xml_io;

use content::Content;
use error::{ErrorCode, GrooveError};
use routes::Route;

use super::http::{Request, Response};
use super::media::{self, Format};
use super::policy::{BatchPolicy, GroovePolicy};
use super::service::Operation;
use super::state::State;
use batch::Action;

/// An answer before it is written in a representation.
struct Reply {
    status: u16,
    content: Content,
    challenge: Option<&'static str>,
}

impl Reply {
    fn ok(content: Content) -> Self {
        Self { status: 200, content, challenge: None }
    }
}

impl From<GrooveError> for Reply {
    fn from(error: GrooveError) -> Self {
        Self { status: error.error_code.status(), challenge: None, content: Content::Error(error) }
    }
}

/// The operation a request addresses; [`Operation::Other`] for a wrong method too.
pub fn operation(request: &Request) -> Operation {
    match routes::route(request.path(), true) {
        Ok(route) if route.allows(&request.method) => route.operation,
        _ => Operation::Other,
    }
}

/// Answers one request.
pub fn handle(state: &mut State, policy: &GroovePolicy, request: &Request) -> Response {
    let route = routes::route(request.path(), policy.path_ignores_case);
    let mut response = match &route {
        Ok(route) if request.method == "OPTIONS" => preflight(route, request),
        Ok(route) => {
            let reply = dispatch(state, policy, request, route).unwrap_or_else(|reply| reply);
            write(policy, request, &reply)
        }
        Err(error) => write(policy, request, &error.clone().into()),
    };
    allow_origin(request, &mut response);
    response
}

/// The checks in their order, then the operation. Either way the reply is what is answered.
fn dispatch(state: &mut State, policy: &GroovePolicy, request: &Request, route: &Route) -> Result<Reply, Reply> {
    if !route.allows(&request.method) {
        // 405 is in neither list of statuses (api-facts 2.2), so the address does not exist for
        // this method.
        return Err(
            GrooveError::with_message(ErrorCode::CatalogNoResult, "This address does not support the method").into()
        );
    }
    match route.operation {
        Operation::GrooveAdd => change(state, policy, &policy.add, request, route, Action::Add),
        Operation::GrooveDelete => change(state, policy, &policy.delete, request, route, Action::Delete),
        _ => {
            auth::application(&state.groove, policy.applications, request)?;
            let user = user(state, policy, request)?;
            check(state, policy, request, route)?;
            let collection = &state.groove.users[user].collection;
            Ok(Reply::ok(if route.operation == Operation::GrooveProfile {
                Content::Profile(read::profile(user, collection))
            } else {
                Content::Tracks(read::browse(user, collection, request)?)
            }))
        }
    }
}

/// One of the two batch operations.
fn change(
    state: &mut State,
    policy: &GroovePolicy,
    rules: &BatchPolicy,
    request: &Request,
    route: &Route,
    action: Action,
) -> Result<Reply, Reply> {
    if policy.user_first && rules.requires_user {
        user(state, policy, request)?;
    }
    if rules.requires_application {
        auth::application(&state.groove, policy.applications, request)?;
    }
    let user = match user(state, policy, request) {
        Ok(user) => user,
        Err(_) if !rules.requires_user => 0,
        Err(denied) => {
            if rules.denied_takes_effect
                && let Ok(ids) = body(policy, request)
            {
                // The refusal stands, whatever became of the batch.
                let _ = batch::run(state, policy, action, 0, ids.as_deref());
            }
            return Err(denied);
        }
    };
    check(state, policy, request, route)?;
    let ids = body(policy, request)?;
    let answer = batch::run(state, policy, action, user, ids.as_deref())?;
    Ok(Reply { status: answer.status, content: Content::Batch(answer.result), challenge: None })
}

/// The caller, or the documented refusal.
fn user(state: &State, policy: &GroovePolicy, request: &Request) -> Result<usize, Reply> {
    auth::user(&state.groove, policy.users, request)
        .map_err(|denied| Reply { challenge: Some(denied.challenge()), ..denied.error().into() })
}

/// Common parameters and namespace (GRV-ADD-08, GRV-ADD-11).
fn check(state: &State, policy: &GroovePolicy, request: &Request, route: &Route) -> Result<(), GrooveError> {
    if !policy.common_parameters
        && ["language", "country", "contentType", "jsonp"].iter().any(|name| request.parameter(name).is_some())
    {
        return Err(GrooveError::plain(ErrorCode::InvalidInputParameter));
    }
    routes::check_parameters(request)?;
    if !policy.any_namespace && route.namespace != state.groove.namespace {
        return Err(GrooveError::with_message(
            ErrorCode::InvalidInputParameter,
            "Parameter namespace has an invalid value",
        ));
    }
    Ok(())
}

/// The ids in the body, read as its `Content-Type` says; without one it is read as JSON.
fn body(policy: &GroovePolicy, request: &Request) -> Result<Option<Vec<String>>, GrooveError> {
    let unsupported = || {
        GrooveError::with_message(ErrorCode::InvalidInputParameter, "The content type of the request is not supported")
    };
    let (essence, charset) = media::split_media_type(request.header("content-type").unwrap_or_default());
    if charset.is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
        return Err(unsupported());
    }
    let format = if essence.is_empty() { Some(Format::Json) } else { Format::from_media_type(essence) };
    match format {
        Some(Format::Json) if policy.json_requests => json_io::read(&request.body, policy.json_member),
        Some(Format::Xml) if policy.xml_requests => xml_io::read(&request.body, policy),
        _ => Err(unsupported()),
    }
}

/// Writes a reply in the representation the client asked for.
fn write(policy: &GroovePolicy, request: &Request, reply: &Reply) -> Response {
    let format = match &reply.content {
        Content::Error(_) if policy.format.errors_json => Format::Json,
        _ => routes::format(policy, request),
    };
    let mut response = match format {
        Format::Xml => Response::with_body(reply.status, format.media_type(), xml_io::write(&reply.content)),
        Format::Json => {
            let json = json_io::write(&reply.content);
            match routes::callback(request) {
                Some(callback) => {
                    let mut script = Vec::with_capacity(callback.len() + json.len() + 3);
                    script.extend_from_slice(callback.as_bytes());
                    script.push(b'(');
                    script.extend_from_slice(&json);
                    script.extend_from_slice(b");");
                    Response::with_body(reply.status, "application/javascript", script)
                }
                None => Response::with_body(reply.status, format.media_type(), json),
            }
        }
    };
    if reply.status == 401 {
        response.add_header("www-authenticate", reply.challenge.unwrap_or("XBL3.0"));
    }
    response
}

/// Answers `OPTIONS`: a CORS preflight (api-facts 2.3), or a question for the methods.
fn preflight(route: &Route, request: &Request) -> Response {
    let mut response = Response::empty(200);
    response.add_header("allow", route.methods());
    if request.header("access-control-request-method").is_some() {
        response.add_header("access-control-allow-methods", route.methods());
        response.add_header("access-control-allow-headers", "Authorization, Content-Type, Accept");
        response.add_header("access-control-max-age", "600");
    }
    response
}

/// Lets a page of any origin read the answer; no cookie is involved.
fn allow_origin(request: &Request, response: &mut Response) {
    if request.header("origin").is_some() {
        response.add_header("access-control-allow-origin", "*");
    }
}

//! Helpers for the mock's own tests: requests as a documented client sends them.

use serde_json::{Value, json};

use super::http::{Request, Response};
use super::seed::Seed;
use super::service::Service;

/// The default seed and an honest service on it.
pub(crate) fn honest() -> (Seed, Service) {
    let seed = Seed::embedded().unwrap();
    let service = Service::new(&seed);
    (seed, service)
}

/// The `accessToken` parameter of a valid application, encoded as the documents print it.
pub(crate) fn access_token(seed: &Seed) -> String {
    let token = &seed.groove.applications.valid[0];
    let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
    format!("accessToken={encoded}")
}

/// A Groove request of one user, without a body.
pub(crate) fn groove(seed: &Seed, user: usize, method: &str, path: &str) -> Request {
    Request::new(method, &format!("{path}?{}", access_token(seed)))
        .with_header("authorization", &seed.groove.users[user].authorization)
}

/// A batch of one user in JSON; the action is `add` or `delete`.
pub(crate) fn batch(seed: &Seed, user: usize, action: &str, ids: &[&str]) -> Request {
    groove(
        seed,
        user,
        "POST",
        &format!("/1/content/music/collection/{action}"),
    )
    .with_header("content-type", "application/json")
    .with_body(json!({ "TrackIds": ids }).to_string())
}

/// How many tracks a user has, read as a client would.
pub(crate) fn track_count(service: &mut Service, seed: &Seed, user: usize) -> u64 {
    let profile = service.answer(&groove(seed, user, "GET", "/1/user/music/profile"));
    body(&profile)["Collection"]["TrackCount"].as_u64().unwrap()
}

/// An Oracle request of one user.
pub(crate) fn oracle(seed: &Seed, user: usize, method: &str, rest: &str) -> Request {
    let bearer = format!("Bearer {}", seed.oracle.users[user].bearer);
    Request::new(method, &format!("/documents/api/1.1/collections{rest}"))
        .with_header("authorization", &bearer)
}

/// The JSON body of a response.
pub(crate) fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

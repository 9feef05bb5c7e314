//! Helpers for the mock's own tests: requests as a documented client sends them.

use std::io::Read as _;

use flate2::read::GzDecoder;
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
    groove(seed, user, "POST", &format!("/1/content/music/collection/{action}"))
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
    Request::new(method, &format!("/documents/api/1.1/collections{rest}")).with_header("authorization", &bearer)
}

/// The JSON body of a response.
pub(crate) fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

/// The body with its content coding undone.
pub(crate) fn decoded(response: &Response) -> Vec<u8> {
    let mut body = response.body.to_vec();
    if response.header("content-encoding") == Some("gzip") {
        body.clear();
        GzDecoder::new(&response.body[..]).read_to_end(&mut body).unwrap();
    }
    body
}

/// A session on one connection that remembers what it was answered.
struct Session<'a> {
    seed: &'a Seed,
    service: &'a mut Service,
    sequence: u64,
    log: Vec<(Request, Response)>,
}

impl Session<'_> {
    fn send(&mut self, mut request: Request) -> Response {
        self.sequence += 1;
        request.sequence = self.sequence;
        let response = self.service.answer(&request);
        self.log.push((request, response.clone()));
        response
    }

    fn ids(&mut self, request: Request) -> Vec<String> {
        let response = self.send(request);
        let value: Value = serde_json::from_slice(&decoded(&response)).unwrap_or_default();
        value["TrackActionResults"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.get("Id")?.as_str()?.to_owned()))
            .collect()
    }

    fn counts(&mut self) {
        for user in 0..2 {
            self.send(groove(self.seed, user, "GET", "/1/user/music/profile"));
            self.send(groove(self.seed, user, "GET", "/1/content/music/collection/tracks/browse"));
            self.send(oracle(self.seed, user, "GET", "/items"));
        }
    }
}

/// What a service answers to one fixed course of requests that touches every documented clause.
pub(crate) fn transcript(service: &mut Service, seed: &Seed) -> Vec<(Request, Response)> {
    let mut session = Session { seed, service, sequence: 0, log: Vec::new() };
    groove_course(&mut session);
    oracle_course(&mut session);
    session.log
}

const UNKNOWN: &str = "music.9bb2c5c5-455c-4c15-827c-f9bfd759a458";

fn groove_course(session: &mut Session<'_>) {
    let seed = session.seed;
    let tracks: Vec<_> = seed.groove.catalog.tracks.iter().map(String::as_str).collect();
    let lower = tracks[2].replacen(&tracks[2][6..], &tracks[2][6..].to_lowercase(), 1);
    let without = |request: &Request, name: &str| {
        let mut request = request.clone();
        request.headers.retain(|(known, _)| known != name);
        request
    };
    let mut many = tracks[..99].to_vec();
    many.insert(60, UNKNOWN);

    let mut ids = session.ids(batch(seed, 0, "add", &[UNKNOWN, tracks[0]]));
    session.counts();
    ids.extend(session.ids(batch(seed, 0, "add", &[tracks[1], UNKNOWN, &lower, tracks[1], tracks[110]])));
    session.counts();
    ids.extend(session.ids(batch(seed, 0, "add", &[tracks[111]])));
    session.send(batch(seed, 0, "add", &tracks[..101]));
    session.send(batch(seed, 0, "add", &[tracks[112]; 101]));
    session.send(batch(seed, 0, "add", &[tracks[113]; 102]));
    session.counts();
    ids.extend(session.ids(batch(seed, 0, "add", &tracks[..100])));
    ids.extend(session.ids(batch(seed, 0, "add", &many)));
    session.counts();
    let xml = format!(
        "<TrackActionRequest xmlns=\"{}\"><TrackIds xmlns:d=\"{}\"><d:string>{}</d:string>\
         <d:string>{UNKNOWN}</d:string></TrackIds></TrackActionRequest>",
        super::groove::xml_io::PLATFORM,
        super::groove::xml_io::ARRAYS,
        tracks[0],
    );
    for body in [xml.clone(), xml.replace(&format!("<d:string>{UNKNOWN}</d:string>"), "")] {
        session.send(
            without(&batch(seed, 0, "add", &[]), "content-type")
                .with_header("content-type", "application/xml")
                .with_body(body),
        );
    }
    for action in ["add", "delete"] {
        let good = batch(seed, 0, action, &[tracks[115], "music.AQQunknown"]);
        let token = access_token(seed);
        session.send(without(&good, "authorization"));
        session.counts();
        for value in
            ["XBL3.0 x=1;unknown", seed.groove.users[0].expired[0].as_str(), seed.groove.applications.valid[0].as_str()]
        {
            session.send(without(&good, "authorization").with_header("authorization", value));
        }
        let at = |target: &str| Request { target: target.to_owned(), ..good.clone() };
        let path = format!("/1/content/music/collection/{action}");
        session.send(at(&path));
        session.send(at(&format!("{path}?accessToken=Bearer+x")));
        let expired: String =
            url::form_urlencoded::byte_serialize(seed.groove.applications.expired[0].as_bytes()).collect();
        session.send(at(&format!("{path}?accessToken={expired}")));
        session.send(at(&format!("{path}?{token}&language=en&country=US&contentType=xml")));
        session.send(at(&format!("/1/content/video/collection/{action}?{token}")));
        session.send(good.clone().with_body("{"));
        session.send(good.clone().with_body("{}"));
        session.send(good.with_header("accept-encoding", "gzip"));
    }
    session.counts();
    odd_course(session, &xml);
    delete_course(session, &ids);
}

/// Requests that no document describes, where services may differ.
fn odd_course(session: &mut Session<'_>, xml: &str) {
    let seed = session.seed;
    let tracks = &seed.groove.catalog.tracks;
    let good = batch(seed, 0, "add", &[&tracks[0]]);
    session.send(batch(seed, 0, "add", &[&tracks[0].replacen("music", "MUSIC", 1)]));
    session.send(Request { method: "PUT".to_owned(), ..good.clone() });
    session.send(Request { target: good.target.replacen("add", "Add", 1), ..good.clone() });
    let mut many = batch(seed, 0, "add", &["x"; 101]);
    many.headers.clear();
    session.send(many.clone());
    many.target = "/1/content/music/collection/add".to_owned();
    session.send(many);
    session.send(batch(seed, 0, "delete", &["x"; 101]));
    for action in ["add", "delete"] {
        let mut request = batch(seed, 0, action, &[]);
        request.headers.retain(|(name, _)| name != "content-type");
        let request = request.with_header("content-type", "text/xml");
        let client_form = xml.replace("d:string", "TrackId");
        session.send(request.clone().with_body(client_form));
        let foreign = xml.replace(super::groove::xml_io::PLATFORM, "urn:other");
        session.send(request.clone().with_body(foreign));
        session.send(request.with_body(xml.to_owned()));
    }
    let unknown = "/F9BDBD5812C1C10E3E5C1A1C45B3E9DD649028853801";
    session.send(oracle(seed, 0, "DELETE", unknown).with_header("accept-language", "fr"));
    session.send(oracle(seed, 0, "PATCH", unknown));
}

fn delete_course(session: &mut Session<'_>, ids: &[String]) {
    let seed = session.seed;
    let foreign = &seed.groove.users[1].tracks[0].id;
    let id = |index: usize| ids.get(index).map_or("music.AQQnone", String::as_str);
    session.send(batch(seed, 0, "delete", &[id(0), id(1), id(1)]));
    session.counts();
    session.send(batch(seed, 0, "delete", &[id(2), UNKNOWN, id(3)]));
    session.send(batch(seed, 0, "delete", &[foreign, &id(4).to_lowercase(), foreign]));
    session.send(batch(seed, 0, "delete", &[&seed.groove.catalog.tracks[50]]));
    session.send(batch(seed, 0, "delete", &[UNKNOWN]));
    session.send(batch(seed, 0, "delete", &[]));
    session.counts();
    let some: Vec<_> = ids.iter().skip(20).take(60).map(String::as_str).collect();
    session.send(batch(seed, 0, "delete", &some));
    let no_user = {
        let mut request = batch(seed, 0, "delete", &[id(100)]);
        request.headers.retain(|(name, _)| name != "authorization");
        request
    };
    session.send(no_user);
    session.counts();
    let rest: Vec<_> = ids.iter().map(String::as_str).collect();
    session.send(batch(seed, 0, "delete", &rest));
    let full = seed.groove.users.len() - 1;
    let tracks: Vec<_> = seed.groove.catalog.tracks.iter().map(String::as_str).collect();
    session.send(batch(seed, full, "add", &tracks[..2]));
    session.counts();
}

fn oracle_course(session: &mut Session<'_>) {
    let seed = session.seed;
    for name in ["One", "Two, three!"] {
        let request = oracle(seed, 0, "POST", "").with_body(json!({ "name": name }).to_string());
        let created = session.send(request);
        let value: Value = serde_json::from_slice(&decoded(&created)).unwrap_or_default();
        let id = value["id"].as_str().unwrap_or("none").to_owned();
        for _ in 0..2 {
            session.send(oracle(seed, 0, "DELETE", &format!("/{id}")));
            session.counts();
        }
    }
    let unknown = "F9BDBD5812C1C10E3E5C1A1C45B3E9DD649028853801";
    for known in &seed.oracle.collections {
        let request = oracle(seed, 0, "DELETE", &format!("/{}", known.id));
        session.send(request.clone().with_header("accept", "application/xml"));
        session.send(request.with_header("content-type", "application/json"));
    }
    for id in [unknown, "short", &seed.oracle.collections[1].id.to_lowercase(), ""] {
        session.send(oracle(seed, 0, "DELETE", &format!("/{id}")));
    }
    let expired = format!("Bearer {}", seed.oracle.users[0].expired_bearer);
    let path = format!("/documents/api/1.1/collections/{unknown}");
    session.send(Request::new("DELETE", &path));
    session.send(Request::new("DELETE", &path).with_header("authorization", &expired));
    session.counts();
}

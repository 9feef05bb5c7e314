//! One running service without its socket: [`Service`] turns requests into responses.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::groove;
use super::http::{Request, Response};
use super::media;
use super::oracle;
use super::policy::Policy;
use super::seed::Seed;
use super::state::State;

/// Which documented operation a request addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /1/content/{namespace}/collection/add`.
    GrooveAdd,
    /// `POST /1/content/{namespace}/collection/delete`.
    GrooveDelete,
    /// `GET /1/user/{namespace}/profile`.
    GrooveProfile,
    /// `GET /1/content/{namespace}/collection/tracks/browse`.
    GrooveBrowse,
    /// `DELETE /documents/api/1.1/collections/{collectionId}`.
    OracleDelete,
    /// `POST /documents/api/1.1/collections`.
    OracleCreate,
    /// `GET /documents/api/1.1/collections/items`.
    OracleList,
    /// Anything else.
    Other,
}

/// A request in its place in the service's life, as a departure sees it.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The request.
    pub request: &'a Request,
    /// The operation it addresses.
    pub operation: Operation,
    /// Number of the request since the service started, from 1.
    pub serial: u64,
    /// Number of the request among those of the same operation, from 1.
    pub nth: u64,
}

/// How a service departs from the honest one: before the answer by its policy, after it by a
/// transform of the response. Faults and variations are made of these.
#[derive(Debug, Clone, Copy)]
pub struct Departure {
    /// Changes the decisions for one request.
    pub policy: fn(&mut Policy, &Moment<'_>),
    /// Changes the finished response.
    pub response: fn(&mut Response, &Moment<'_>),
}

impl Departure {
    /// No departure.
    pub const NONE: Self = Self { policy: |_, _| {}, response: |_, _| {} };
}

/// A service: its state, and how it departs from the documents, if at all.
#[derive(Debug, Clone)]
pub struct Service {
    state: State,
    departures: Vec<Departure>,
    serial: u64,
    per_operation: [u64; 8],
}

impl Service {
    /// An honest service.
    pub fn new(seed: &Seed) -> Self {
        Self::departing(seed, Vec::new())
    }

    /// A service with departures, applied in order.
    pub fn departing(seed: &Seed, departures: Vec<Departure>) -> Self {
        Self { state: State::new(seed), departures, serial: 0, per_operation: [0; 8] }
    }

    /// Answers one request. Never fails: whatever was sent has an answer.
    pub fn answer(&mut self, request: &Request) -> Response {
        let mut policy = Policy::default();
        if self.departures.is_empty() {
            let mut response = handle(&mut self.state, &policy, request);
            compress(request, &mut response);
            return response;
        }
        let operation = operation(request);
        self.serial += 1;
        let nth = &mut self.per_operation[operation as usize];
        *nth += 1;
        let moment = Moment { request, operation, serial: self.serial, nth: *nth };
        for departure in &self.departures {
            (departure.policy)(&mut policy, &moment);
        }
        let mut response = handle(&mut self.state, &policy, request);
        for departure in &self.departures {
            (departure.response)(&mut response, &moment);
        }
        compress(request, &mut response);
        response
    }

    /// The state as it is now.
    pub fn state(&self) -> &State {
        &self.state
    }
}

/// Answers one request under a policy: the Oracle API below `/documents/`, Groove elsewhere.
pub fn handle(state: &mut State, policy: &Policy, request: &Request) -> Response {
    if oracle::owns(request.path()) {
        oracle::handle(state, &policy.oracle, request)
    } else {
        groove::handle(state, &policy.groove, request)
    }
}

/// Applies gzip where it is documented: to Groove answers, when `Accept-Encoding` names it
/// (api-facts 2.3). It comes after every departure, which see the plain body.
fn compress(request: &Request, response: &mut Response) {
    if response.body.is_empty()
        || response.header("content-encoding").is_some()
        || oracle::owns(request.path())
        || !request.header_list("accept-encoding").is_some_and(|value| media::accepts_gzip(&value))
    {
        return;
    }
    response.body = gzip(&response.body);
    response.set_header("content-encoding", "gzip");
    response.add_header("vary", "Accept-Encoding");
}

/// The bytes as a gzip stream.
pub fn gzip(bytes: &[u8]) -> Bytes {
    const IN_MEMORY: &str = "writing to a vector never fails";
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect(IN_MEMORY);
    encoder.finish().expect(IN_MEMORY).into()
}

/// The operation a request addresses, whatever its credentials and body are.
pub fn operation(request: &Request) -> Operation {
    if oracle::owns(request.path()) { oracle::operation(request) } else { groove::operation(request) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn departures_see_the_moment_and_apply_in_order() {
        let second = Departure {
            policy: |_, _| {},
            response: |response, moment| {
                if moment.nth == 2 && moment.operation == Operation::GrooveProfile {
                    response.status += 1;
                }
            },
        };
        let double = Departure {
            policy: |_, _| {},
            response: |response, moment| {
                if moment.serial == 3 {
                    response.status *= 2;
                }
            },
        };
        let seed = Seed::embedded().unwrap();
        let mut service = Service::departing(&seed, vec![second, double]);
        let profile = Request::new("GET", "/1/user/music/profile");
        let other = Request::new("GET", "/nothing");
        assert_eq!(service.answer(&profile).status, 401);
        assert_eq!(service.answer(&other).status, 404);
        assert_eq!(service.answer(&profile).status, (401 + 1) * 2);
    }
}

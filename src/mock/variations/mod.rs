//! Legal variations: services that differ from the honest one where the documents, or the rules of
//! HTTP, JSON and XML, leave them free. A suite that fails on one of them asks for too much.
//!
//! [`variations`] is the whole list; each [`Variation`] names what allows it.

mod choices;
mod wire;

use std::sync::LazyLock;

use super::service::Departure;

/// One legal way to differ.
#[derive(Debug, Clone, Copy)]
pub struct Variation {
    /// The name, in kebab case; it never changes.
    pub id: &'static str,
    /// The choice (`A-05`), the input of the facts (`input 91`) or the rule that allows it.
    pub allowed_by: &'static str,
    /// What the service does otherwise.
    pub sentence: &'static str,
    /// Whether it is legal only while a suite does not hold services to the letter of the examples
    /// a strict case, or some fault, takes it for a departure.
    pub lenient: bool,
    /// How it does so.
    pub departure: Departure,
}

impl Variation {
    /// The API that it is about, by the first word of its name; `None` when it is about how any answer is written.
    pub fn service(&self) -> Option<&'static str> {
        ["groove", "oracle"]
            .into_iter()
            .find(|name| self.id.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')))
    }

    /// Whether answers are held back, so that a run of the whole suite takes long and computes nothing meanwhile.
    pub fn waits(&self) -> bool {
        self.allowed_by == wire::NO_TIME
    }
}

/// Every variation: first those of the wire, then the readings of the documents' choices.
pub fn variations() -> &'static [Variation] {
    static ALL: LazyLock<Vec<Variation>> = LazyLock::new(|| [wire::VARIATIONS, choices::VARIATIONS].concat());
    &ALL
}

/// The variation of this name.
pub fn find(id: &str) -> Option<&'static Variation> {
    variations().iter().find(|variation| variation.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::variations;
    use crate::mock::seed::Seed;
    use crate::mock::service::Service;
    use crate::mock::testing::{decoded, transcript};

    #[test]
    fn ids_are_unique_and_no_fault_has_them() {
        let mut seen: HashSet<_> = crate::mock::faults::faults().iter().map(|f| f.id).collect();
        for variation in variations() {
            assert!(seen.insert(variation.id), "{} twice", variation.id);
            assert!(variation.sentence.ends_with('.'), "{}", variation.id);
            assert!(super::find(variation.id).is_some());
        }
    }

    #[test]
    fn every_variation_shows_and_stays_well_formed() {
        let seed = Seed::embedded().unwrap();
        let honest = transcript(&mut Service::new(&seed), &seed);
        for variation in variations() {
            let mut service = Service::departing(&seed, vec![variation.departure]);
            let varied = transcript(&mut service, &seed);
            assert!(varied != honest, "{} cannot be seen", variation.id);
            for (request, response) in &varied {
                assert!(response.status < 500, "{}", variation.id);
                if response.body.is_empty() {
                    continue;
                }
                let kind = response.header("content-type").unwrap_or_default();
                let body = decoded(response);
                let text = std::str::from_utf8(&body).unwrap();
                let fine = if kind.to_lowercase().contains("json") {
                    serde_json::from_str::<Value>(text).is_ok()
                } else {
                    roxmltree::Document::parse(text).is_ok()
                };
                assert!(fine, "{} on {}: {text}", variation.id, request.target);
            }
        }
    }

    #[test]
    fn a_variation_of_one_api_leaves_the_other_alone_and_only_those_that_wait_hold_answers_back() {
        let seed = Seed::embedded().unwrap();
        let honest = transcript(&mut Service::new(&seed), &seed);
        for variation in variations() {
            let varied = transcript(&mut Service::departing(&seed, vec![variation.departure]), &seed);
            assert_eq!(variation.waits(), varied.iter().any(|(_, each)| each.delay.is_some()), "{}", variation.id);
            let other = match variation.service() {
                Some("groove") => "/documents/",
                Some(_) => "/1/",
                None => continue,
            };
            // Requests of the other API are the same, whatever was answered in between.
            let of = |log: &[(crate::mock::http::Request, crate::mock::http::Response)]| {
                let own = log.iter().filter(|(request, _)| request.target.starts_with(other));
                own.map(|(request, response)| (request.target.clone(), response.status, decoded(response)))
                    .collect::<Vec<_>>()
            };
            assert!(!of(&honest).is_empty());
            assert_eq!(of(&varied), of(&honest), "{}", variation.id);
        }
    }

    #[test]
    fn wire_variations_keep_status_and_meaning() {
        let seed = Seed::embedded().unwrap();
        let honest = transcript(&mut Service::new(&seed), &seed);
        for variation in super::wire::VARIATIONS {
            let mut service = Service::departing(&seed, vec![variation.departure]);
            for ((_, varied), (request, expected)) in transcript(&mut service, &seed).iter().zip(&honest) {
                assert_eq!(varied.status, expected.status, "{}", variation.id);
                // Bodies of different bytes must still be the same value.
                let (one, two) = (decoded(varied), decoded(expected));
                if one != two {
                    let value = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
                    assert_eq!(value(&one), value(&two), "{} on {}", variation.id, request.target);
                }
            }
        }
    }
}

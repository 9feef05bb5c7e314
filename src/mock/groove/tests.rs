//! The documented Groove examples, and inputs that are none.

use proptest::prelude::{ProptestConfig, any, prop, proptest};
use serde_json::{Value, json};

use super::xml_io::{ARRAYS, INSTANCE, PLATFORM};
use crate::mock::http::Request;
use crate::mock::seed::Seed;
use crate::mock::service::Service;
use crate::mock::testing::{access_token, batch, body, groove, honest, track_count};

const KNOWN: &str = "music.A83EB907-0100-11DB-89CA-0019B92A3933";
const SECOND: &str = "music.873FB507-0100-11DB-89CA-0019B92A3933";
const UNKNOWN: &str = "music.9bb2c5c5-455c-4c15-827c-f9bfd759a458";
const ADD: &str = "/1/content/music/collection/add";

/// The body with every generated id replaced by one word.
fn without_ids(mut value: Value) -> Value {
    if let Some(results) = value["TrackActionResults"].as_array_mut() {
        for entry in results {
            if let Some(id) = entry.get_mut("Id") {
                let text = id.as_str().unwrap();
                let rest = text.strip_prefix("music.AQQ").unwrap();
                assert_eq!(rest.len(), 31);
                assert!(rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)));
                *id = json!("generated");
            }
        }
    }
    value
}

fn some_failed() -> Value {
    json!({
        "ErrorCode": "COLLECTION_SOME_OPERATIONS_FAILED",
        "Description": "Some of the operations failed"
    })
}

fn too_many() -> Value {
    json!({ "Error": {
        "ErrorCode": "COLLECTION_INVALID_OPERATION",
        "Description": "This operation is not supported",
        "Message": "Number of tracks for this operation is limited to 100"
    }})
}

fn denied() -> Value {
    json!({ "Error": {
        "ErrorCode": "INVALID_AUTHORIZATION_HEADER",
        "Description": "Missing or invalid authorization header",
        "Message": "You need user authentication to use this API"
    }})
}

#[test]
fn adding_one_good_and_one_unknown_track() {
    let (seed, mut service) = honest();
    let response = service.answer(&batch(&seed, 0, "add", &[UNKNOWN, KNOWN]));
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(
        without_ids(body(&response)),
        json!({
            "TrackActionResults": [
                {
                    "InputId": "music.9BB2C5C5-455C-4C15-827C-F9BFD759A458",
                    "Error": {
                        "ErrorCode": "COLLECTION_INVALID_ID",
                        "Description": "Invalid collection id for this operation",
                        "Message": "Collection ErrorCode=ArgumentInvalid, Details=ContentId"
                    }
                },
                { "InputId": KNOWN, "Id": "generated" }
            ],
            "Error": some_failed()
        })
    );
    assert_eq!(track_count(&mut service, &seed, 0), 1);
}

#[test]
fn a_batch_of_100_passes_and_one_of_101_adds_nothing() {
    let (seed, mut service) = honest();
    let too_large = service.answer(&batch(&seed, 0, "add", &[KNOWN; 101]));
    assert_eq!((too_large.status, body(&too_large)), (400, too_many()));
    let random = service.answer(&batch(&seed, 0, "add", &[UNKNOWN; 101]));
    assert_eq!(body(&random), too_many());
    assert_eq!(track_count(&mut service, &seed, 0), 0);

    let ids: Vec<_> = seed.groove.catalog.tracks.iter().map(String::as_str).collect();
    let fits = service.answer(&batch(&seed, 0, "add", &ids[..100]));
    assert_eq!(fits.status, 200);
    let value = body(&fits);
    assert!(value.get("Error").is_none());
    let results = value["TrackActionResults"].as_array().unwrap();
    let echoed: Vec<_> = results.iter().map(|e| e["InputId"].as_str().unwrap()).collect();
    assert_eq!(echoed, &ids[..100]);
    assert_eq!(track_count(&mut service, &seed, 0), 100);
}

#[test]
fn adding_in_xml_is_answered_in_xml() {
    let (seed, mut service) = honest();
    let sent = format!(
        "<TrackActionRequest xmlns:i=\"{INSTANCE}\" xmlns=\"{PLATFORM}\">\
         <TrackIds xmlns:d2p1=\"{ARRAYS}\"><d2p1:string>{SECOND}</d2p1:string></TrackIds>\
         </TrackActionRequest>"
    );
    let request = groove(&seed, 0, "POST", ADD).with_header("content-type", "application/xml").with_body(sent.clone());
    let response = service.answer(&request);
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("application/xml"));
    let id = service.state().groove.users[0].collection.iter().next().unwrap().id.clone();
    assert_eq!(
        std::str::from_utf8(&response.body).unwrap(),
        format!(
            "<TrackActionResponse xmlns:i=\"{INSTANCE}\" xmlns=\"{PLATFORM}\">\
             <TrackActionResults><TrackActionResult><Id>{id}</Id><InputId>{SECOND}</InputId>\
             </TrackActionResult></TrackActionResults></TrackActionResponse>"
        )
    );
    let json = service.answer(&request.clone().with_header("accept", "application/json"));
    assert_eq!(body(&json), json!({ "TrackActionResults": [{ "InputId": SECOND, "Id": id }] }));
    let failing = Request { body: sent.replace(SECOND, UNKNOWN).into(), ..request };
    let xml = String::from_utf8(service.answer(&failing).body.to_vec()).unwrap();
    assert!(xml.contains(
        "<Error><Description>Some of the operations failed</Description>\
         <ErrorCode>COLLECTION_SOME_OPERATIONS_FAILED</ErrorCode></Error><TrackActionResults>"
    ));
}

#[test]
fn without_a_user_token_access_is_denied() {
    let (seed, mut service) = honest();
    let mut request = batch(&seed, 0, "add", &[KNOWN]);
    let other_hash = seed.groove.users[1].authorization.replace(';', ";x");
    for value in [
        None,
        Some(""),
        Some("XBL3.0"),
        Some("Basic eA=="),
        Some(other_hash.as_str()),
        Some(seed.groove.users[0].expired[0].as_str()),
    ] {
        request.headers.retain(|(name, _)| name != "authorization");
        if let Some(value) = value {
            request = request.with_header("authorization", value);
        }
        for action in ["add", "delete"] {
            request.target = format!("/1/content/music/collection/{action}?{}", access_token(&seed));
            let response = service.answer(&request);
            assert_eq!((response.status, body(&response)), (401, denied()), "{value:?}");
            assert!(response.header("www-authenticate").is_some());
        }
    }
    assert_eq!(track_count(&mut service, &seed, 0), 0);
}

#[test]
fn deleting_one_stored_and_one_unknown_track() {
    let (seed, mut service) = honest();
    let added = body(&service.answer(&batch(&seed, 0, "add", &[KNOWN])));
    let id = added["TrackActionResults"][0]["Id"].as_str().unwrap().to_owned();
    let response = service.answer(&batch(&seed, 0, "delete", &[UNKNOWN, &id]));
    assert_eq!(response.status, 200);
    assert_eq!(
        body(&response),
        json!({
            "TrackActionResults": [
                {
                    "InputId": "music.9BB2C5C5-455C-4C15-827C-F9BFD759A458",
                    "Error": {
                        "ErrorCode": "COLLECTION_INVALID_ID",
                        "Description": "Invalid collection id for this operation"
                    }
                },
                { "InputId": id }
            ],
            "Error": some_failed()
        })
    );
    assert_eq!(track_count(&mut service, &seed, 0), 0);
    let again = body(&service.answer(&batch(&seed, 0, "delete", &[&id])));
    assert_eq!(again["TrackActionResults"][0]["Error"]["ErrorCode"], "COLLECTION_INVALID_ID");
}

#[test]
fn a_collection_belongs_to_its_user() {
    let (seed, mut service) = honest();
    let foreign = &seed.groove.users[1].tracks[0];
    for id in [foreign.id.clone(), foreign.id.to_lowercase(), foreign.catalog.clone()] {
        let response = body(&service.answer(&batch(&seed, 0, "delete", &[&id])));
        assert_eq!(response["TrackActionResults"][0]["InputId"], json!(id));
        assert!(response["TrackActionResults"][0].get("Error").is_some());
    }
    let own_by_guid = batch(&seed, 1, "delete", &[&foreign.catalog]);
    assert!(body(&service.answer(&own_by_guid)).get("Error").is_some());
    assert_eq!(track_count(&mut service, &seed, 1), 3);
}

#[test]
fn adding_again_keeps_the_id_and_the_count() {
    let (seed, mut service) = honest();
    let lower = KNOWN.replace("A83EB907", "a83eB907");
    let response = body(&service.answer(&batch(&seed, 0, "add", &[KNOWN, &lower, KNOWN])));
    let results = response["TrackActionResults"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|entry| *entry == results[0]));
    assert_eq!(track_count(&mut service, &seed, 0), 1);
}

#[test]
fn a_full_collection_takes_what_fits() {
    let mut seed = Seed::embedded().unwrap();
    let full = seed.groove.users.iter().position(|user| user.capacity == user.tracks.len()).unwrap();
    seed.groove.users[full].capacity += 1;
    let mut service = Service::new(&seed);
    let response = service.answer(&batch(&seed, full, "add", &[KNOWN, SECOND]));
    assert_eq!(response.status, 200);
    let results = &body(&response)["TrackActionResults"];
    assert!(results[0].get("Id").is_some());
    assert_eq!(results[1]["Error"]["ErrorCode"], "COLLECTION_FULL");
    let id = results[0]["Id"].as_str().unwrap();
    service.answer(&batch(&seed, full, "delete", &[id]));
    let after = track_count(&mut service, &seed, full);
    assert_eq!(after as usize, seed.groove.users[full].tracks.len());
}

#[test]
fn ids_that_are_no_tracks_fail_alone() {
    let (seed, mut service) = honest();
    let catalog = &seed.groove.catalog;
    for id in [
        "",
        "music.",
        "A83EB907-0100-11DB-89CA-0019B92A3933",
        "music.amg.T29381286",
        "music.00000000-0000-0000-0000-000000000000",
        "MUSIC.A83EB907-0100-11DB-89CA-0019B92A3933",
        " music.A83EB907-0100-11DB-89CA-0019B92A3933",
        "\0\"\\<&\u{1F3B5}",
        &catalog.artists[0],
        &catalog.albums[0],
        &catalog.playlists[0],
        &"9".repeat(10_000),
    ] {
        let response = service.answer(&batch(&seed, 0, "add", &[id, KNOWN]));
        assert_eq!(response.status, 200, "{id}");
        let results = &body(&response)["TrackActionResults"];
        assert_eq!(results[0]["InputId"], json!(id));
        assert_eq!(results[0]["Error"]["ErrorCode"], "COLLECTION_INVALID_ID");
        assert!(results[1].get("Error").is_none());
    }
}

#[test]
fn whole_requests_are_refused_in_the_documented_shape() {
    let (seed, mut service) = honest();
    let token = access_token(&seed);
    let good = batch(&seed, 0, "add", &[KNOWN]);
    let expired: String =
        url::form_urlencoded::byte_serialize(seed.groove.applications.expired[0].as_bytes()).collect();
    let at = |target: String| Request { target, ..good.clone() };
    let sent = |body: &str| good.clone().with_body(body.to_owned());
    let typed = |content_type: &str| {
        let mut request = good.clone();
        request.headers.retain(|(name, _)| name != "content-type");
        request.with_header("content-type", content_type)
    };
    let using = |method: &str| Request { method: method.to_owned(), ..good.clone() };
    let table = [
        (at(ADD.to_owned()), 401, "ACCESS_TOKEN_MISSING"),
        (at(format!("{ADD}?accessToken=")), 401, "ACCESS_TOKEN_MISSING"),
        (at(format!("{ADD}?accessToken=Bearer+x")), 401, "ACCESS_TOKEN_INVALID"),
        (at(format!("{ADD}?accessToken={expired}")), 401, "ACCESS_TOKEN_EXPIRED"),
        (at(format!("{ADD}?{token}&{token}")), 400, "INVALID_INPUT_PARAMETER"),
        (at(format!("/1/content/video/collection/add?{token}")), 400, "INVALID_INPUT_PARAMETER"),
        (at(format!("/1/content/MUSIC/collection/add?{token}")), 400, "INVALID_INPUT_PARAMETER"),
        (at(format!("/1/content//collection/add?{token}")), 400, "INVALID_INPUT_PARAMETER"),
        (at(format!("/2/content/music/collection/add?{token}")), 400, "INVALID_INPUT_PARAMETER"),
        (at(format!("/content/music/collection/add?{token}")), 404, "CATALOG_NO_RESULT"),
        (at(format!("{ADD}/?{token}")), 404, "CATALOG_NO_RESULT"),
        (at("/".to_owned()), 404, "CATALOG_NO_RESULT"),
        (at(format!("{ADD}?{token}&contentType=yaml")), 400, "INVALID_INPUT_PARAMETER"),
        (using("GET"), 404, "CATALOG_NO_RESULT"),
        (using("PUT"), 404, "CATALOG_NO_RESULT"),
        (using("DELETE"), 404, "CATALOG_NO_RESULT"),
        (sent(""), 400, "MISSING_INPUT_PARAMETER"),
        (sent("{}"), 400, "MISSING_INPUT_PARAMETER"),
        (sent("{\"TrackIds\":[]}"), 400, "MISSING_INPUT_PARAMETER"),
        (sent("{\"TrackIds\":[\"music."), 400, "INVALID_INPUT_PARAMETER"),
        (sent("[\"a\"]"), 400, "INVALID_INPUT_PARAMETER"),
        (typed("text/plain"), 400, "INVALID_INPUT_PARAMETER"),
        (typed("application/json; charset=utf-16"), 400, "INVALID_INPUT_PARAMETER"),
    ];
    for (request, status, code) in table {
        let response = service.answer(&request);
        let value = body(&response);
        assert_eq!(response.status, status, "{request:?}");
        assert_eq!(value["Error"]["ErrorCode"], code, "{request:?}");
        assert_eq!(value.as_object().unwrap().len(), 1);
    }
    let mislabelled = service.answer(&typed("application/xml"));
    assert_eq!(mislabelled.status, 400);
    assert!(mislabelled.body.starts_with(b"<TrackActionResponse "));
    assert_eq!(track_count(&mut service, &seed, 0), 0);
    let xml = service.answer(&typed("application/json; charset=utf-8").with_header("accept", "text/xml"));
    assert_eq!((xml.status, xml.header("content-type")), (200, Some("application/xml")));
}

#[test]
fn common_parameters_cors_gzip_and_jsonp_work() {
    let (seed, mut service) = honest();
    let mut request = batch(&seed, 0, "add", &[KNOWN]).with_header("origin", "https://a.example");
    request.target += "&language=en&country=US&contentType=json&jsonp=cb";
    let response = service.answer(&request);
    assert_eq!(response.status, 200);
    assert!(body(&response).get("Error").is_none());
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));

    let preflight = Request::new("OPTIONS", ADD)
        .with_header("origin", "https://a.example")
        .with_header("access-control-request-method", "POST");
    let preflight = service.answer(&preflight);
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("POST, OPTIONS"));

    let plain = service.answer(&batch(&seed, 0, "add", &[KNOWN]));
    let zipped = service.answer(&batch(&seed, 0, "add", &[KNOWN]).with_header("accept-encoding", "gzip"));
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    let mut unzipped = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&zipped.body[..]), &mut unzipped).unwrap();
    assert_eq!(unzipped, plain.body);

    let mut profile = groove(&seed, 0, "GET", "/1/user/music/profile");
    profile.target += "&jsonp=cb";
    let script = service.answer(&profile);
    assert!(script.body.starts_with(b"cb({\"Collection\""));
    assert!(script.body.ends_with(b"});"));
}

#[test]
fn tracks_can_be_browsed_in_both_forms() {
    let (seed, mut service) = honest();
    let browse = groove(&seed, 1, "GET", "/1/content/music/collection/tracks/browse");
    let json = body(&service.answer(&browse));
    let ids: Vec<_> =
        json["Tracks"]["Items"].as_array().unwrap().iter().map(|item| item["Id"].as_str().unwrap()).collect();
    let stored: Vec<_> = seed.groove.users[1].tracks.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, stored);
    assert!(json["Tracks"].get("ContinuationToken").is_none());
    let xml = service.answer(&browse.with_header("accept", "application/xml"));
    let xml = String::from_utf8(xml.body.to_vec()).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let in_xml: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name((PLATFORM, "Id")))
        .filter_map(|node| node.text())
        .collect();
    assert_eq!(in_xml, stored);
}

fn sane(service: &mut Service, request: &Request) {
    let response = service.answer(request);
    assert!(response.status < 500, "{} for {request:?}", response.status);
    if !response.body.is_empty() {
        let text = std::str::from_utf8(&response.body).unwrap();
        match response.header("content-type") {
            Some("application/json") => drop(serde_json::from_str::<Value>(text).unwrap()),
            Some("application/xml") => drop(roxmltree::Document::parse(text).unwrap()),
            other => assert_eq!(other, Some("application/javascript")),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_requests_never_panic(
        method in "(GET|POST|DELETE|OPTIONS|[A-Z]{1,9})",
        target in "(/documents/api/1.1/collections|/1/content/music/collection/(add|delete)|)[ -~]{0,60}",
        headers in prop::collection::vec(("(accept|accept-encoding|authorization|origin|content-type|[a-z]{1,5})", prop::collection::vec(any::<u8>(), 0..40)), 0..5),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let (_, mut service) = honest();
        let mut request = Request::new(&method, &target).with_body(body);
        request.headers = headers;
        request.headers.retain(|(name, _)| name != "accept-encoding");
        sane(&mut service, &request);
    }

    #[test]
    fn arbitrary_bodies_of_a_known_user_never_panic(
        body in prop::collection::vec(any::<u8>(), 0..300),
        ids in prop::collection::vec(any::<String>(), 0..5),
        xml in any::<bool>(),
    ) {
        let (seed, mut service) = honest();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let accept = if xml { "application/xml" } else { "application/json" };
        for action in ["add", "delete"] {
            let good = batch(&seed, 0, action, &ids).with_header("accept", accept);
            sane(&mut service, &good);
            sane(&mut service, &good.clone().with_body(body.clone()));
            let mut as_xml = good.with_body(body.clone());
            as_xml.headers.retain(|(name, _)| name != "content-type");
            sane(&mut service, &as_xml.with_header("content-type", "text/xml"));
        }
    }
}

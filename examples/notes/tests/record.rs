//! The library: a suite is loaded, run against a URL, and yields the record.

use casebook::engine::Engine;
use casebook::model::verdict::{Exit, Verdict};
use casebook::report::{Format, render};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");

#[tokio::test]
async fn the_service_is_as_documented() {
    let url = notes::serve().await.unwrap();
    let mut ended = Vec::new();
    let record = Engine::new(CASES).base_url(&url).run_with(|case| ended.push(case.id.clone())).await.unwrap();
    assert_eq!(record.footer.exit, Exit::Conformant, "{:?}", record.footer);
    assert_eq!(record.cases.len(), 4);
    assert!(record.cases.iter().all(|case| case.outcome == Verdict::Passed), "{record:#?}");
    ended.sort();
    assert_eq!(ended, record.cases.iter().map(|case| case.id.clone()).collect::<Vec<_>>());
    let page = String::from_utf8(render(Format::Markdown, &record).unwrap()).unwrap();
    assert!(page.contains("NOTE-01"), "{page}");
}

#[tokio::test]
async fn a_part_can_be_selected_and_what_does_not_exist_is_an_error() {
    let url = notes::serve().await.unwrap();
    let engine = Engine::new(CASES).base_url(&url);
    let record = engine.clone().select("notes/read").seed(7).run().await.unwrap();
    assert_eq!((record.cases.len(), record.header.seed), (2, 7));
    let error = engine.select("notes/reed").run().await.unwrap_err();
    assert!(error.to_string().contains("matches no case"), "{error}");
}

#[tokio::test]
async fn a_service_that_is_not_as_documented_is_told_place_by_place() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let not_found = || async { (axum::http::StatusCode::NOT_FOUND, axum::Json(serde_json::json!({ "error": 1 }))) };
    let wrong = axum::Router::new().fallback(not_found);
    tokio::spawn(async { axum::serve(listener, wrong).await });
    let record = Engine::new(CASES).base_url(&url).select("notes/read/unknown").run().await.unwrap();
    assert_eq!(record.footer.exit, Exit::Nonconformant, "{:?}", record.footer);
    let places: Vec<&str> =
        record.cases[0].judgement.mismatches.iter().map(|mismatch| mismatch.check.as_str()).collect();
    assert_eq!(places, ["json:/error"]);
}

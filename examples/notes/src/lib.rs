//! Keeps short notes in memory: [`serve`]. Small enough to read beside its documentation in `cases/`.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Notes = Arc<Mutex<Vec<String>>>;

/// Starts the service on a free port of this machine and gives its base URL. It ends with the runtime.
///
/// # Errors
/// No port can be had.
pub async fn serve() -> std::io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = Router::new().route("/notes", post(create)).route("/notes/{id}", get(read)).with_state(Notes::default());
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(url)
}

async fn create(State(notes): State<Notes>, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let Some(text) = body["text"].as_str().filter(|text| !text.is_empty()) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "text-missing" })));
    };
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    notes.push(text.to_owned());
    (StatusCode::CREATED, Json(json!({ "id": notes.len(), "text": text })))
}

async fn read(State(notes): State<Notes>, Path(id): Path<usize>) -> (StatusCode, Json<Value>) {
    let notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    match id.checked_sub(1).and_then(|at| notes.get(at)) {
        Some(text) => (StatusCode::OK, Json(json!({ "id": id, "text": text }))),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "no-such-note" }))),
    }
}

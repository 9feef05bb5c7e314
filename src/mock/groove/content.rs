//! What Groove answers say, before they are written as JSON or XML: [`Content`].

use serde::Serialize;

use super::error::GrooveError;

/// The result of one entry of a batch (`TrackActionResult`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    /// The id of the request as it is echoed.
    pub input_id: String,
    /// The collection id, for an added track.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why the entry failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<GrooveError>,
}

/// The answer to a batch (`TrackActionResponse`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchResult {
    /// One entry per input id, in the order of the input.
    pub track_action_results: Vec<Entry>,
    /// Present when an entry failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<GrooveError>,
}

/// The collection part of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Profile {
    /// Changes whenever the collection does.
    pub token: String,
    /// How many tracks are stored.
    pub track_count: usize,
    /// How many more fit.
    pub remaining_track_count: usize,
    /// How many playlists are stored.
    pub playlist_count: usize,
    /// How many more fit.
    pub remaining_playlist_count: usize,
}

/// One track of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Item {
    /// The collection id.
    pub id: String,
    /// A name for people.
    pub name: String,
}

/// A page of stored tracks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Page {
    /// The tracks.
    pub items: Vec<Item>,
    /// Where the next page starts; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuation_token: Option<String>,
    /// How many tracks there are in all pages.
    pub total_item_count: usize,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Content {
    /// A refusal: the object holds only `Error`.
    Error(GrooveError),
    /// The caller's profile.
    #[serde(rename = "Collection")]
    Profile(Profile),
    /// A page of the caller's tracks.
    #[serde(rename = "Tracks")]
    Tracks(Page),
    /// Results of a batch; serde wants the untagged variant last.
    #[serde(untagged)]
    Batch(BatchResult),
}

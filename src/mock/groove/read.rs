//! The state reads of Groove: the profile's counts and the pages of stored tracks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::content::{Item, Page, Profile};
use super::error::{ErrorCode, GrooveError};
use crate::mock::http::Request;
use crate::mock::state::TrackCollection;

/// Default and greatest page size (api-facts 2.4).
const PAGE: usize = 25;
/// How many playlists a user may have; this service keeps none.
const PLAYLISTS: usize = 1_000;

/// The profile of one user.
pub(super) fn profile(user: usize, collection: &TrackCollection) -> Profile {
    Profile {
        token: URL_SAFE_NO_PAD.encode(format!("collection:{user}:{}", collection.revision())),
        track_count: collection.len(),
        remaining_track_count: collection.room(),
        playlist_count: 0,
        remaining_playlist_count: PLAYLISTS,
    }
}

/// A page of a user's tracks, oldest first.
///
/// # Errors
/// `INVALID_INPUT_PARAMETER` for `maxItems` outside 1 to 25, `CONTINUATION_TOKEN_INVALID_ERROR`
/// for a token that is none of this user's.
pub(super) fn browse(user: usize, collection: &TrackCollection, request: &Request) -> Result<Page, GrooveError> {
    let size = match request.parameter("maxItems") {
        None => PAGE,
        Some(text) => max_items(&text)?,
    };
    let offset = match request.parameter("continuationToken") {
        None => 0,
        Some(token) => offset_of(user, &token)
            .filter(|offset| *offset <= collection.len())
            .ok_or_else(|| GrooveError::plain(ErrorCode::ContinuationTokenInvalid))?,
    };
    let items: Vec<_> = collection
        .iter()
        .skip(offset)
        .take(size)
        .map(|track| Item { id: track.id.clone(), name: format!("Track {}", track.guid.get(..8).unwrap_or_default()) })
        .collect();
    let next = offset + items.len();
    Ok(Page {
        continuation_token: (next < collection.len()).then(|| URL_SAFE_NO_PAD.encode(format!("page:{user}:{next}"))),
        items,
        total_item_count: collection.len(),
    })
}

fn max_items(text: &str) -> Result<usize, GrooveError> {
    let invalid = |message: &'static str| Err(GrooveError::with_message(ErrorCode::InvalidInputParameter, message));
    match text.parse::<usize>() {
        Ok(0) | Err(_) => invalid("Parameter maxItems must be a positive number"),
        Ok(size) if size > PAGE => invalid("Parameter maxItems must have a value of at most 25"),
        Ok(size) => Ok(size),
    }
}

fn offset_of(user: usize, token: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.strip_prefix(&format!("page:{user}:"))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(count: usize) -> TrackCollection {
        let mut collection = TrackCollection::new(100);
        for number in 0..count {
            collection.insert(&format!("{number:08}-g"), &format!("music.{number}"));
        }
        collection
    }

    #[test]
    fn pages_cover_every_track_once() {
        let collection = stored(60);
        let mut seen = Vec::new();
        let mut target = String::from("/b");
        loop {
            let page = browse(0, &collection, &Request::new("GET", &target)).unwrap();
            assert_eq!(page.total_item_count, 60);
            seen.extend(page.items.into_iter().map(|item| item.id));
            match page.continuation_token {
                Some(token) => target = format!("/b?continuationToken={token}"),
                None => break,
            }
        }
        let all: Vec<_> = collection.iter().map(|track| track.id.clone()).collect();
        assert_eq!(seen, all);
    }

    #[test]
    fn sizes_and_tokens_are_checked() {
        let collection = stored(3);
        let get = |query: &str| browse(0, &collection, &Request::new("GET", &format!("/b?{query}")));
        assert_eq!(get("maxItems=2").unwrap().items.len(), 2);
        let error = get("maxItems=42").unwrap_err();
        assert_eq!(error.message.unwrap(), "Parameter maxItems must have a value of at most 25");
        assert!(get("maxItems=-1").is_err());
        let foreign = URL_SAFE_NO_PAD.encode("page:1:0");
        for token in ["x", "", foreign.as_str(), &URL_SAFE_NO_PAD.encode("page:0:99")] {
            let error = get(&format!("continuationToken={token}")).unwrap_err();
            assert_eq!(error.error_code, ErrorCode::ContinuationTokenInvalid);
        }
    }

    #[test]
    fn the_profile_counts_and_its_token_changes() {
        let mut collection = stored(3);
        let before = profile(0, &collection);
        assert_eq!((before.track_count, before.remaining_track_count), (3, 97));
        collection.remove("music.1");
        let after = profile(0, &collection);
        assert_eq!(after.track_count, 2);
        assert_ne!(before.token, after.token);
    }
}

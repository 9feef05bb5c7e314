//! The tracks of one Groove user, in the order they were added: [`TrackCollection`].

use std::collections::{BTreeMap, HashMap};

/// A stored track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// The catalog GUID in upper case.
    pub guid: String,
    /// The collection id, with the namespace.
    pub id: String,
}

/// Tracks by collection id and by catalog GUID; every operation costs the same at any size.
#[derive(Debug, Clone)]
pub struct TrackCollection {
    capacity: usize,
    revision: u64,
    tracks: BTreeMap<u64, Track>,
    by_id: HashMap<String, u64>,
    by_guid: HashMap<String, u64>,
}

impl TrackCollection {
    /// An empty collection with room for so many tracks.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, revision: 0, tracks: BTreeMap::new(), by_id: HashMap::new(), by_guid: HashMap::new() }
    }

    /// How many tracks are stored.
    pub fn len(&self) -> usize {
        self.tracks.len()
    }

    /// Whether no track is stored.
    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// How many more tracks fit.
    pub fn room(&self) -> usize {
        self.capacity.saturating_sub(self.tracks.len())
    }

    /// A number that grows with every change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The track with this collection id, byte for byte.
    pub fn by_id(&self, id: &str) -> Option<&Track> {
        self.by_id.get(id).and_then(|key| self.tracks.get(key))
    }

    /// A track whose collection id differs in letter case at most.
    pub fn by_id_ignoring_case(&self, id: &str) -> Option<&Track> {
        self.tracks.values().find(|track| track.id.eq_ignore_ascii_case(id))
    }

    /// The track with this catalog GUID in upper case.
    pub fn by_guid(&self, guid: &str) -> Option<&Track> {
        self.by_guid.get(guid).and_then(|key| self.tracks.get(key))
    }

    /// Stores a track behind all others. Room is the caller's concern.
    pub fn insert(&mut self, guid: &str, id: &str) {
        self.revision += 1;
        let key = self.revision;
        self.by_id.insert(id.to_owned(), key);
        self.by_guid.insert(guid.to_owned(), key);
        self.tracks.insert(key, Track { guid: guid.to_owned(), id: id.to_owned() });
    }

    /// Removes the track with this collection id and says whether there was one.
    pub fn remove(&mut self, id: &str) -> bool {
        let Some(key) = self.by_id.remove(id) else {
            return false;
        };
        if let Some(track) = self.tracks.remove(&key)
            && self.by_guid.get(&track.guid) == Some(&key)
        {
            self.by_guid.remove(&track.guid);
        }
        self.revision += 1;
        true
    }

    /// The stored tracks, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Track> {
        self.tracks.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_come_and_go() {
        let mut tracks = TrackCollection::new(2);
        assert!(tracks.is_empty());
        tracks.insert("G1", "music.a");
        tracks.insert("G2", "music.b");
        assert_eq!((tracks.len(), tracks.room()), (2, 0));
        assert_eq!(tracks.by_guid("G1").unwrap().id, "music.a");
        assert!(tracks.by_id("music.A").is_none());
        assert!(tracks.by_id_ignoring_case("music.A").is_some());
        assert!(tracks.remove("music.a"));
        assert!(!tracks.remove("music.a"));
        assert!(tracks.by_guid("G1").is_none());
        let ids: Vec<_> = tracks.iter().map(|track| track.id.as_str()).collect();
        assert_eq!(ids, ["music.b"]);
    }

    #[test]
    fn every_change_raises_the_revision() {
        let mut tracks = TrackCollection::new(9);
        let start = tracks.revision();
        tracks.insert("G", "music.a");
        let added = tracks.revision();
        tracks.remove("music.a");
        assert!(start < added && added < tracks.revision());
    }
}

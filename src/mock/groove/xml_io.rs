//! Groove bodies in XML: reading a batch, writing a [`Content`].

use roxmltree::{Document, Node};

use super::content::{Content, Entry, Page, Profile};
use super::error::{ErrorCode, GrooveError};
use crate::mock::policy::GroovePolicy;
use crate::mock::xml::XmlWriter;

/// The namespace of every element of the API (GRV-ADD-46).
pub const PLATFORM: &str = "http://schemas.microsoft.com/xboxmusic/2013/10/platform";
/// The namespace of list items (GRV-ADD-47).
#[cfg(test)]
pub const ARRAYS: &str = "http://schemas.microsoft.com/2003/10/Serialization/Arrays";
/// Declared on every root though nothing uses it (GRV-ADD-48).
pub const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Reads the ids of a batch; `None` when `TrackIds` is missing. A document type is refused, so
/// no entity is ever expanded or fetched.
///
/// # Errors
/// `MISSING_INPUT_PARAMETER` for an empty body, `INVALID_INPUT_PARAMETER` for anything that is not
/// a `TrackActionRequest`.
pub fn read(body: &[u8], policy: &GroovePolicy) -> Result<Option<Vec<String>>, GrooveError> {
    if body.is_empty() {
        return Err(GrooveError::with_message(ErrorCode::MissingInputParameter, "The request has no body"));
    }
    parse(body, policy).ok_or_else(|| {
        GrooveError::with_message(ErrorCode::InvalidInputParameter, "The request body is not a TrackActionRequest")
    })
}

fn parse(body: &[u8], policy: &GroovePolicy) -> Option<Option<Vec<String>>> {
    let text = std::str::from_utf8(body).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Document::parse(text).ok()?;
    let is = |node: Node<'_, '_>, namespace: &str, name: &str| {
        node.tag_name().name() == name && (!policy.xml_namespaces || node.tag_name().namespace() == Some(namespace))
    };
    let root = document.root_element();
    if !is(root, policy.xml_platform, "TrackActionRequest") {
        return None;
    }
    let mut lists = root.children().filter(|node| is(*node, policy.xml_platform, "TrackIds"));
    let Some(list) = lists.next() else {
        // An element of the name in a foreign namespace is a mistake, not an absence.
        let misplaced = root.children().any(|node| node.tag_name().name() == "TrackIds");
        return (!misplaced).then_some(None);
    };
    if lists.next().is_some() {
        return None;
    }
    let mut ids = Vec::new();
    for item in list.children() {
        if item.is_element() {
            let known = is(item, policy.xml_arrays, "string")
                || (policy.xml_track_id && is(item, policy.xml_platform, "TrackId"));
            if !known || item.children().any(|child| child.is_element()) {
                return None;
            }
            // Comments split text, so all pieces are joined.
            ids.push(item.children().filter_map(|child| child.is_text().then(|| child.text())?).collect());
        } else if item.is_text() && !item.text().unwrap_or_default().trim().is_empty() {
            return None;
        }
    }
    Some(Some(ids))
}

/// Writes an answer: base members first, then alphabetical, as data contracts do (api-facts 2.4).
pub fn write(content: &Content) -> Vec<u8> {
    let root = match content {
        Content::Batch(_) | Content::Error(_) => "TrackActionResponse",
        Content::Profile(_) => "UserProfileResponse",
        Content::Tracks(_) => "ContentResponse",
    };
    let mut xml = XmlWriter::new();
    xml.open(root, &[("xmlns:i", INSTANCE), ("xmlns", PLATFORM)]);
    match content {
        Content::Batch(batch) => {
            write_error(&mut xml, batch.error.as_ref());
            xml.open("TrackActionResults", &[]);
            for entry in &batch.track_action_results {
                write_entry(&mut xml, entry);
            }
            xml.close("TrackActionResults");
        }
        Content::Error(error) => write_error(&mut xml, Some(error)),
        Content::Profile(profile) => write_profile(&mut xml, profile),
        Content::Tracks(page) => write_page(&mut xml, page),
    }
    xml.close(root);
    xml.finish()
}

fn write_error(xml: &mut XmlWriter, error: Option<&GrooveError>) {
    let Some(error) = error else { return };
    xml.open("Error", &[]);
    xml.leaf("Description", error.description);
    xml.leaf("ErrorCode", error.error_code.as_str());
    if let Some(message) = &error.message {
        xml.leaf("Message", message);
    }
    xml.close("Error");
}

fn write_entry(xml: &mut XmlWriter, entry: &Entry) {
    xml.open("TrackActionResult", &[]);
    write_error(xml, entry.error.as_ref());
    if let Some(id) = &entry.id {
        xml.leaf("Id", id);
    }
    xml.leaf("InputId", &entry.input_id);
    xml.close("TrackActionResult");
}

fn write_profile(xml: &mut XmlWriter, profile: &Profile) {
    xml.open("Collection", &[]);
    for (name, count) in [
        ("PlaylistCount", profile.playlist_count),
        ("RemainingPlaylistCount", profile.remaining_playlist_count),
        ("RemainingTrackCount", profile.remaining_track_count),
    ] {
        xml.leaf(name, &count.to_string());
    }
    xml.leaf("Token", &profile.token);
    xml.leaf("TrackCount", &profile.track_count.to_string());
    xml.close("Collection");
}

fn write_page(xml: &mut XmlWriter, page: &Page) {
    xml.open("Tracks", &[]);
    if let Some(token) = &page.continuation_token {
        xml.leaf("ContinuationToken", token);
    }
    xml.open("Items", &[]);
    for item in &page.items {
        xml.open("Track", &[]);
        xml.leaf("Id", &item.id);
        xml.leaf("Name", &item.name);
        xml.close("Track");
    }
    xml.close("Items");
    xml.leaf("TotalItemCount", &page.total_item_count.to_string());
    xml.close("Tracks");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(xml: &str) -> Option<Vec<String>> {
        read(xml.as_bytes(), &GroovePolicy::default()).ok().flatten()
    }

    fn request(items: &str) -> String {
        format!(
            "<TrackActionRequest xmlns:i=\"{INSTANCE}\" xmlns=\"{PLATFORM}\">\
             <TrackIds xmlns:d2p1=\"{ARRAYS}\">{items}</TrackIds></TrackActionRequest>"
        )
    }

    #[test]
    fn the_documented_request_is_read() {
        let xml = request("<d2p1:string>music.873FB507-0100-11DB-89CA-0019B92A3933</d2p1:string>");
        assert_eq!(ids(&xml).unwrap(), ["music.873FB507-0100-11DB-89CA-0019B92A3933"]);
    }

    #[test]
    fn prefixes_declarations_and_comments_are_free() {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<p:TrackActionRequest xmlns:p='{PLATFORM}'>\n\
             <p:TrackIds>\n<string xmlns='{ARRAYS}'>a<!-- c -->b</string> \
             <p:TrackId>c&amp;</p:TrackId></p:TrackIds>\n</p:TrackActionRequest>"
        );
        assert_eq!(ids(&xml).unwrap(), ["ab", "c&"]);
    }

    #[test]
    fn other_documents_are_refused() {
        let good = request("<d2p1:string>a</d2p1:string>");
        for bad in [
            good.replace(PLATFORM, "urn:other"),
            good.replace(ARRAYS, "urn:other"),
            good.replace("TrackIds>", "TrackIds"),
            good.replace("TrackActionRequest", "Other"),
            format!("<!DOCTYPE x [<!ENTITY e 'v'>]>{good}"),
            request("text"),
            request("<d2p1:string><b/></d2p1:string>"),
            "<a>".repeat(50_000),
        ] {
            let error = read(bad.as_bytes(), &GroovePolicy::default()).unwrap_err();
            assert_eq!(error.error_code, ErrorCode::InvalidInputParameter);
        }
        let missing = format!("<TrackActionRequest xmlns='{PLATFORM}'/>");
        assert_eq!(read(missing.as_bytes(), &GroovePolicy::default()).unwrap(), None);
    }
}

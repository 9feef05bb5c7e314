//! Faults of the add operation in its XML form.

use super::Fault;
use super::edit::{is_add, is_batch, xml};
use crate::mock::groove::xml_io::PLATFORM;

/// The namespace of the service's later client libraries (api-facts 2.4).
const LATER: &str = "http://schemas.microsoft.com/groovemusic/2016/09/api";

/// A fault that edits the text of an XML answer with results.
macro_rules! edited {
    ($id:literal, $clause:literal, $sentence:literal, $edit:expr) => {
        Fault::response($id, $clause, $sentence, |response, moment| {
            if is_add(moment) && is_batch(response) {
                xml(response, $edit);
            }
        })
    };
}

/// Swaps the elements `Id` and `InputId` wherever they follow each other.
fn input_first(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("<Id>") {
        let Some(end) = rest[start..].find("</InputId>") else {
            break;
        };
        let end = start + end + "</InputId>".len();
        let (id, input) = rest[start..end].split_once("<InputId>").unwrap_or((&rest[start..end], ""));
        out.push_str(&rest[..start]);
        out.push_str("<InputId>");
        out.push_str(input);
        out.push_str(id);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::policy("groove-add-xml-refused", "GRV-ADD-45", "An XML body is refused.", |policy, moment| {
        policy.groove.xml_requests = !is_add(moment);
    }),
    Fault::policy(
        "groove-add-xml-other-platform",
        "GRV-ADD-46",
        "An XML request is read only in the namespace of a later version.",
        |policy, _| policy.groove.xml_platform = LATER,
    ),
    Fault::policy(
        "groove-add-xml-other-items",
        "GRV-ADD-47",
        "The items of an XML request are read only in the platform namespace.",
        |policy, _| policy.groove.xml_arrays = PLATFORM,
    ),
    edited!(
        "groove-add-xml-namespace",
        "GRV-ADD-48",
        "The XML answer is in the namespace of a later version.",
        |text| text.replace(PLATFORM, LATER)
    ),
    edited!("groove-add-xml-no-namespace", "GRV-ADD-48", "The XML answer is in no namespace.", |text| text
        .replace(&format!(" xmlns=\"{PLATFORM}\""), "")),
    edited!("groove-add-xml-root", "GRV-ADD-48", "The XML answer has another root element.", |text| text
        .replace("TrackActionResponse", "TrackActionResult")),
    edited!("groove-add-xml-input-first", "GRV-ADD-49", "InputId comes before Id.", |text| input_first(&text)),
    edited!("groove-add-xml-entry-name", "GRV-ADD-49", "An entry is the element Result.", |text| text
        .replace("<TrackActionResult>", "<Result>")
        .replace("</TrackActionResult>", "</Result>")),
    edited!("groove-add-xml-empty-error", "GRV-ADD-50", "A succeeded entry has an empty Error.", |text| text
        .replace("<Id>", "<Error i:nil=\"true\"/><Id>")),
    edited!(
        "groove-add-xml-root-error",
        "GRV-ADD-50",
        "When nothing failed, there is an empty Error under the root.",
        |text| {
            if text.contains("<Error>") {
                text
            } else {
                text.replace("<TrackActionResults>", "<Error i:nil=\"true\"/><TrackActionResults>")
            }
        }
    ),
    edited!("groove-add-xml-echo", "GRV-ADD-51", "InputId has another GUID than the request.", |text| text
        .replace("-0100-", "-0101-")),
    Fault::policy(
        "groove-add-xml-answered-in-json",
        "GRV-ADD-52",
        "Every answer is JSON, whatever the request is and asks for.",
        |policy, moment| {
            if is_add(moment) {
                policy.groove.format.accept = false;
                policy.groove.format.content_type = false;
            }
        },
    ),
    Fault::response(
        "groove-add-xml-as-html",
        "GRV-ADD-52",
        "The XML answer is labelled text/html.",
        |response, moment| {
            if is_add(moment) && response.header("content-type") == Some("application/xml") {
                response.set_header("content-type", "text/html");
            }
        },
    ),
    Fault::response("groove-add-xml-201", "GRV-ADD-53", "A good XML batch has status 201.", |response, moment| {
        if is_add(moment) && is_batch(response) && response.header("content-type") == Some("application/xml") {
            response.status = 201;
        }
    }),
    edited!(
        "groove-add-xml-loses-code",
        "GRV-ADD-54",
        "The XML form of a failed entry has another code than the JSON form.",
        |text| text.replace("COLLECTION_INVALID_ID", "COLLECTION_NO_RESULT")
    ),
    edited!("groove-add-xml-loses-message", "GRV-ADD-54", "The XML form of a failed entry has no Message.", |text| {
        text.replace("<Message>Collection ErrorCode=ArgumentInvalid, Details=ContentId</Message>", "")
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_input_id_change_places() {
        assert_eq!(
            input_first("<r><Id>a</Id><InputId>b</InputId></r><r><InputId>c</InputId></r>"),
            "<r><InputId>b</InputId><Id>a</Id></r><r><InputId>c</InputId></r>"
        );
    }
}

//! Creating and listing collections, the set-up and the state read of the Oracle API.

use serde_json::Value;

use super::body::{Body, Member, Problem};
use crate::mock::http::Request;
use crate::mock::ids::IdSource;
use crate::mock::media::{self, Format};
use crate::mock::seed::Place;
use crate::mock::state::{Collection, OracleState};

/// Default page size of a list.
const PAGE: usize = 50;
/// Greatest page size of a list.
const PAGE_MAX: usize = 1_000;
/// Longest name, in characters.
const NAME_MAX: usize = 1_000;

fn bad_request(key: &str, message: &str) -> (u16, Body) {
    let problem = Problem { code: "-1", key: key.to_owned(), message: message.to_owned() };
    (400, Body::general(problem))
}

/// Creates a collection: the status, the body, and the id when one was created.
pub(super) fn create(
    state: &mut OracleState,
    ids: &mut IdSource,
    caller: usize,
    request: &Request,
) -> (u16, Body, Option<String>) {
    let wanted = match read(request) {
        Ok(wanted) => wanted,
        Err(message) => {
            let (status, body) = bad_request("!csFldUnableToCreateCollection!csInvalidRequest", message);
            return (status, body, None);
        }
    };
    let id = ids.collection(&state.id_suffix);
    let collection = Collection {
        id: id.clone(),
        name: wanted.name,
        description: wanted.description,
        owner: caller,
        place: Place::Active,
        trashed_by: None,
        shared_with: Vec::new(),
        items: 0,
    };
    let mut members = describe(state, &collection);
    members.push(("errorCode", "0".into()));
    state.insert(collection);
    let body = Body { root: "CollectionCreateResponse", members };
    (201, body, Some(id))
}

struct Wanted {
    name: String,
    description: String,
}

/// Reads `name` and `description` from a JSON or XML body.
fn read(request: &Request) -> Result<Wanted, &'static str> {
    let content_type = request.header("content-type").unwrap_or("application/json");
    let (name, description) = match Format::from_media_type(media::split_media_type(content_type).0) {
        Some(Format::Json) => read_json(&request.body)?,
        Some(Format::Xml) => read_xml(&request.body)?,
        None => return Err("The content type of the request is not supported."),
    };
    match name {
        Some(name) if name.trim().is_empty() => Err("The parameter 'name' is empty."),
        Some(name) if name.chars().count() > NAME_MAX => Err("The parameter 'name' is too long."),
        Some(name) => Ok(Wanted { name, description: description.unwrap_or_default() }),
        None => Err("The parameter 'name' is missing."),
    }
}

type Texts = (Option<String>, Option<String>);

fn read_json(body: &[u8]) -> Result<Texts, &'static str> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else {
        return Err("The request body is not a JSON object.");
    };
    let mut take = |name: &str| match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err("A parameter is not a string."),
    };
    Ok((take("name")?, take("description")?))
}

fn read_xml(body: &[u8]) -> Result<Texts, &'static str> {
    const BAD: &str = "The request body is not well-formed XML.";
    let text = std::str::from_utf8(body).map_err(|_| BAD)?;
    let document = roxmltree::Document::parse(text).map_err(|_| BAD)?;
    let take = |name: &str| {
        document
            .root_element()
            .children()
            .find(|node| node.tag_name().name() == name)
            .map(|node| node.text().unwrap_or_default().to_owned())
    };
    Ok((take("name"), take("description")))
}

/// The members of a collection in an answer.
fn describe(state: &OracleState, collection: &Collection) -> Vec<(&'static str, Member)> {
    let owner = &state.users[collection.owner];
    let user = || {
        Member::Object(vec![
            ("displayName", owner.display_name.as_str().into()),
            ("id", owner.id.as_str().into()),
            ("loginName", owner.login.as_str().into()),
            ("type", "user".into()),
        ])
    };
    let mut members = vec![
        ("childItemsCount", collection.items.to_string().into()),
        ("createdBy", user()),
        ("createdTime", state.created.as_str().into()),
    ];
    if !collection.description.is_empty() {
        members.push(("description", collection.description.as_str().into()));
    }
    members.extend([
        ("id", collection.id.as_str().into()),
        ("modifiedBy", user()),
        ("modifiedTime", state.created.as_str().into()),
        ("name", collection.name.as_str().into()),
        ("ownedBy", user()),
        ("type", "collection".into()),
    ]);
    members
}

/// Lists the active collections that the caller owns or that are shared with the caller.
pub(super) fn list(state: &OracleState, caller: usize, request: &Request) -> (u16, Body) {
    let number = |name: &str, default: usize| match request.parameter(name) {
        None => Some(default),
        Some(text) => text.parse::<usize>().ok(),
    };
    let (Some(offset), Some(limit)) = (number("offset", 0), number("limit", PAGE)) else {
        return bad_request(
            "!csFldUnableToListCollections!csInvalidRequest",
            "The parameters 'offset' and 'limit' must be numbers.",
        );
    };
    let limit = limit.min(PAGE_MAX);
    let login = &state.users[caller].login;
    let visible: Vec<_> = state
        .collections
        .iter()
        .filter(|known| known.place == Place::Active)
        .filter(|known| known.owner == caller || known.role_of(login).is_some())
        .collect();
    let owned = visible.iter().filter(|known| known.owner == caller).count();
    let page: Vec<_> = visible.iter().skip(offset).take(limit).map(|known| describe(state, known)).collect();
    let more = offset.saturating_add(page.len()) < visible.len();
    let body = Body {
        root: "CollectionItemsResponse",
        members: vec![
            ("count", page.len().to_string().into()),
            ("errorCode", "0".into()),
            ("hasMore", if more { "1" } else { "0" }.into()),
            ("items", Member::List("item", page)),
            ("offset", offset.to_string().into()),
            ("totalOwned", owned.to_string().into()),
            ("totalResults", visible.len().to_string().into()),
            ("totalShared", (visible.len() - owned).to_string().into()),
        ],
    };
    (200, body)
}

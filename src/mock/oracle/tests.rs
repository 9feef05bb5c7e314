//! The documented Oracle examples, and inputs that are none.

use serde_json::{Value, json};

use crate::mock::http::{Request, Response};
use crate::mock::seed::{CollectionSeed, Place, Role, Seed};
use crate::mock::service::Service;
use crate::mock::testing::{body, honest, oracle};

const RFC: &str = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html";

fn delete(service: &mut Service, seed: &Seed, user: usize, id: &str) -> Response {
    service.answer(&oracle(seed, user, "DELETE", &format!("/{id}")))
}

fn create(service: &mut Service, seed: &Seed, user: usize, name: &str) -> String {
    let request = oracle(seed, user, "POST", "")
        .with_header("content-type", "application/json")
        .with_body(json!({ "name": name }).to_string());
    let response = service.answer(&request);
    assert_eq!(response.status, 201);
    let value = body(&response);
    let id = value["id"].as_str().unwrap().to_owned();
    assert_eq!(value["name"], name);
    assert_eq!(response.header("location").unwrap(), format!("/documents/api/1.1/collections/{id}"));
    id
}

fn listed(service: &mut Service, seed: &Seed, user: usize) -> Vec<String> {
    let value = body(&service.answer(&oracle(seed, user, "GET", "/items?limit=1000")));
    assert_eq!(value["errorCode"], "0");
    value["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn preset(seed: &Seed, wanted: impl Fn(&CollectionSeed) -> bool) -> &CollectionSeed {
    seed.oracle.collections.iter().find(|c| wanted(c)).unwrap()
}

fn error(code: &str, key: &str, message: &str, id: &str) -> Value {
    json!({
        "errorCode": code,
        "errorKey": key,
        "errorMessage": message,
        "errorType": "collection",
        "idList": id,
        "title": message,
        "type": RFC
    })
}

fn missing(id: &str) -> Value {
    error(
        "-16",
        &format!(
            "!csFldUnableToDeleteItems!csSecurityValidationFailed!csFldDoesNotExist,{id}\
             !csUnprivilegedSystemError"
        ),
        &format!(
            "Unable to delete items. Security validation failed. '{id}' does not exist. The error \
             was caused by an internally generated issue. The error has been logged."
        ),
        id,
    )
}

#[test]
fn deleting_twice_gives_example_1_then_example_2() {
    let (seed, mut service) = honest();
    let id = create(&mut service, &seed, 0, "ATTRestCollection");
    assert!(listed(&mut service, &seed, 0).contains(&id));
    let first = delete(&mut service, &seed, 0, &id);
    assert_eq!(first.status, 200);
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(body(&first), json!({ "errorCode": "0", "idList": id, "type": "collection" }));
    assert!(!listed(&mut service, &seed, 0).contains(&id));
    let second = delete(&mut service, &seed, 0, &id);
    assert_eq!(second.status, 404);
    assert_eq!(
        body(&second),
        error(
            "-1",
            "!csFldUnableToDeleteItems!csFldSourceInDestination,ATTRestCollection,Trash",
            "Unable to delete items. Source Item 'ATTRestCollection' is already in destination \
             'Trash'. Please specify different destination.",
            &id
        )
    );
}

#[test]
fn missing_and_purged_collections_give_example_3() {
    let (seed, mut service) = honest();
    let purged = preset(&seed, |c| c.state == Place::Purged).id.clone();
    for id in [
        "F9BDBD5812C1C10E3E5C1A1C45B3E9DD649028853801".to_owned(),
        "F79BD107FC398ED6FB482274T0000DEFAULT00000001".to_owned(),
        seed.oracle.collections[0].id.to_lowercase(),
        purged,
    ] {
        let response = delete(&mut service, &seed, 0, &id);
        assert_eq!((response.status, body(&response)), (404, missing(&id)));
    }
}

#[test]
fn foreign_collections_give_example_4_and_stay() {
    let (seed, mut service) = honest();
    let (caller, owner) = (&seed.oracle.users[0].login, &seed.oracle.users[1].login);
    let foreign = preset(&seed, |c| c.owner == *owner && c.state == Place::Active && c.shared_with.is_empty());
    let id = &foreign.id;
    let response = delete(&mut service, &seed, 0, id);
    assert_eq!(response.status, 403);
    assert_eq!(
        body(&response),
        error(
            "-20",
            &format!(
                "!csFldUnableToDeleteItems!csCloudItemInsufficientPrivileges,{caller},\
                 fFolderGUID:{id},FLD_MOVE_TO_TRASH"
            ),
            &format!(
                "Unable to delete items. User '{caller}' has insufficient privilege to access \
                 fFolderGUID:{id} with service FLD_MOVE_TO_TRASH."
            ),
            id
        )
    );
    assert!(listed(&mut service, &seed, 1).contains(id));
    let trashed = preset(&seed, |c| c.owner == *owner && c.state == Place::Trash);
    assert_eq!(body(&delete(&mut service, &seed, 0, &trashed.id)), missing(&trashed.id));
}

#[test]
fn only_a_manager_may_delete_what_is_shared() {
    let (seed, mut service) = honest();
    for (role, status) in [(Role::Viewer, 403), (Role::Contributor, 403), (Role::Manager, 200)] {
        let shared = preset(&seed, |c| c.shared_with.iter().any(|s| s.role == role));
        assert!(listed(&mut service, &seed, 0).contains(&shared.id));
        assert_eq!(delete(&mut service, &seed, 0, &shared.id).status, status, "{role:?}");
        assert_eq!(listed(&mut service, &seed, 1).contains(&shared.id), status == 403);
    }
}

#[test]
fn an_awkward_name_is_escaped_in_the_key_only() {
    let (seed, mut service) = honest();
    let awkward = preset(&seed, |c| c.state == Place::Trash && c.name.contains('!'));
    let value = body(&delete(&mut service, &seed, 0, &awkward.id));
    let message = value["errorMessage"].as_str().unwrap();
    assert!(message.contains(&format!("Source Item '{}' is", awkward.name)));
    assert_eq!(value["title"], message);
    let key = value["errorKey"].as_str().unwrap();
    assert!(key.contains("Maps\\, Notes\\! \"Draft\""), "{key}");
}

#[test]
fn malformed_ids_give_400_in_the_shape_of_every_refusal() {
    let (seed, mut service) = honest();
    let own = &seed.oracle.collections[0].id;
    let two = format!("{own},{own}");
    for (sent, read) in [
        (own[1..].to_owned(), own[1..].to_owned()),
        (format!("{own}0"), format!("{own}0")),
        (two.clone(), two),
        ("7d9f4a52-2f3a-4a51-9c11-7e4a1c2b3d4e".to_owned(), "7d9f4a52-2f3a-4a51-9c11-7e4a1c2b3d4e".to_owned()),
        ("..".to_owned(), "..".to_owned()),
        ("a%2Fb".to_owned(), "a/b".to_owned()),
        ("%F0%9F%97%BA%00!,".to_owned(), "\u{1F5FA}\0!,".to_owned()),
        ("%zz".to_owned(), "%zz".to_owned()),
        ("self".to_owned(), "self".to_owned()),
        ("items".to_owned(), "items".to_owned()),
        ("F".repeat(4_000), "F".repeat(4_000)),
    ] {
        let response = delete(&mut service, &seed, 0, &sent);
        assert_eq!(response.status, 400, "{sent}");
        let value = body(&response);
        assert_eq!(value["errorCode"], "-1");
        assert_eq!(value["idList"], json!(read));
        assert_eq!(value["title"], value["errorMessage"]);
        assert_eq!(value.as_object().unwrap().len(), 7);
    }
    assert!(listed(&mut service, &seed, 0).contains(own));
}

#[test]
fn xml_holds_the_same_values() {
    let (seed, mut service) = honest();
    let id = "F9BDBD5812C1C10E3E5C1A1C45B3E9DD649028853801";
    let request = oracle(&seed, 0, "DELETE", &format!("/{id}")).with_header("accept", "application/xml");
    let response = service.answer(&request);
    assert_eq!(response.header("content-type"), Some("application/xml"));
    let xml = String::from_utf8(response.body.to_vec()).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let expected = missing(id);
    let members: Vec<_> = document.root_element().children().collect();
    assert_eq!(members.len(), 7);
    for node in members {
        assert_eq!(expected[node.tag_name().name()], node.text().unwrap());
    }
    let list = service.answer(&oracle(&seed, 0, "GET", "/items").with_header("accept", "application/xml"));
    let list = String::from_utf8(list.body.to_vec()).unwrap();
    assert!(roxmltree::Document::parse(&list).is_ok());
}

#[test]
fn lists_come_in_pages_of_text() {
    let (seed, mut service) = honest();
    let all = listed(&mut service, &seed, 0);
    let page = body(&service.answer(&oracle(&seed, 0, "GET", "/items?offset=1&limit=2")));
    assert_eq!(page["count"], "2");
    assert_eq!(page["offset"], "1");
    assert_eq!(page["hasMore"], "1");
    assert_eq!(page["totalResults"], all.len().to_string());
    assert_eq!(page["items"][0]["id"], json!(all[1]));
    let owner = &page["items"][0]["ownedBy"];
    assert_eq!(owner["loginName"], json!(seed.oracle.users[0].login));
    let total = |name: &str| page[name].as_str().unwrap().parse::<usize>().unwrap();
    assert_eq!(total("totalOwned") + total("totalShared"), all.len());
    let bad = service.answer(&oracle(&seed, 0, "GET", "/items?limit=x"));
    assert_eq!(bad.status, 400);
}

#[test]
fn creating_needs_a_name() {
    let (seed, mut service) = honest();
    for (content_type, sent, status) in [
        ("application/json", "{}", 400),
        ("application/json", "{\"name\":\" \"}", 400),
        ("application/json", "{\"name\":1}", 400),
        ("application/json", "nonsense", 400),
        ("text/plain", "{\"name\":\"a\"}", 400),
        ("application/xml", "<c><name>a</name></c>", 201),
        ("application/xml", "<c><name>a</c>", 400),
    ] {
        let request = oracle(&seed, 0, "POST", "").with_header("content-type", content_type).with_body(sent);
        assert_eq!(service.answer(&request).status, status, "{sent}");
    }
}

#[test]
fn bad_credentials_and_addresses_are_refused_and_change_nothing() {
    let (seed, mut service) = honest();
    let own = seed.oracle.collections[0].id.clone();
    let path = format!("/documents/api/1.1/collections/{own}");
    let expired = format!("Bearer {}", seed.oracle.users[0].expired_bearer);
    for value in ["", "Bearer ", "Basic !!", "Basic eDp5", expired.as_str()] {
        let response = service.answer(&Request::new("DELETE", &path).with_header("authorization", value));
        assert_eq!(response.status, 401);
        assert!(response.header("www-authenticate").is_some());
        assert_eq!(body(&response)["errorCode"], "-1");
    }
    for (method, rest, status) in [
        ("DELETE", "", 405),
        ("DELETE", "/", 404),
        ("POST", "/x", 405),
        ("PATCH", "/x", 405),
        ("GET", "/x", 405),
        ("DELETE", "/x/y", 404),
    ] {
        assert_eq!(service.answer(&oracle(&seed, 0, method, rest)).status, status, "{method} {rest}");
    }
    for version in ["1.0", "1.2", "9.9"] {
        let mut request = oracle(&seed, 0, "DELETE", &format!("/{own}"));
        request.target = request.target.replace("/1.1/", &format!("/{version}/"));
        assert_eq!(service.answer(&request).status, 404);
    }
    assert!(listed(&mut service, &seed, 0).contains(&own));
}

#[test]
fn presets_survive_what_cases_create_and_destroy() {
    let (seed, mut service) = honest();
    let before = (listed(&mut service, &seed, 0), listed(&mut service, &seed, 1));
    for _ in 0..2 {
        let id = create(&mut service, &seed, 0, "Throw-away");
        assert_eq!(delete(&mut service, &seed, 0, &id).status, 200);
        for known in &seed.oracle.collections {
            let shared = known.shared_with.iter().any(|s| s.role == Role::Manager);
            if known.owner != seed.oracle.users[0].login && !shared {
                let status = delete(&mut service, &seed, 0, &known.id).status;
                assert!(status == 403 || status == 404);
            }
        }
    }
    let after = (listed(&mut service, &seed, 0), listed(&mut service, &seed, 1));
    assert_eq!(before, after);
}

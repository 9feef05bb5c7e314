//! Redirects that a case asks to follow, and cookies that it asks to keep.

use casebook::model::verdict::Verdict;

use crate::place::{Place, case, of};
use crate::server::{Answer, Server};

/// Redirects `/to?STATUS=URL`; answers everything else with 200.
fn redirecting() -> Server {
    Server::start(|asked| {
        let target = asked.line.split(' ').nth(1).unwrap_or_default();
        match target.split_once("/to?").and_then(|(_, rest)| rest.split_once('=')) {
            Some((status, url)) => Answer::status(status.parse().expect("a status")).with("location", url),
            None => Answer::ok(),
        }
    })
}

#[test]
fn redirects_are_followed_only_when_the_case_says_so_and_the_chain_is_recorded() {
    let server = redirecting();
    let request = |extra: &str| format!("path = \"/to\"\nquery_raw = \"302=/to?307=/end\"\n{extra}");
    let place = Place::new(
        &(case("follows", &request("redirects = 2"), "")
            + &case("follows-one", &request("redirects = 1"), "").replace("status = 200", "status = 307")
            + &case("stays", &request(""), "").replace("status = 200", "status = 302")),
    );
    place.target(&server.http(), "");
    let record = place.fires(0, &[]);
    let exchange = &of(&record, "follows").exchanges[0];
    let hops: Vec<(u16, &str, bool)> = exchange
        .redirects
        .iter()
        .map(|hop| (hop.status, hop.method.as_str(), hop.url.ends_with("/to?307=/end")))
        .collect();
    assert_eq!(hops, [(302, "GET", true), (307, "GET", false)]);
    assert!(exchange.url.ends_with("/to?302=/to?307=/end"));
    assert_eq!(of(&record, "follows-one").exchanges[0].redirects.len(), 1);
    assert!(of(&record, "stays").exchanges[0].redirects.is_empty());
    let shown = crate::place::out(&place.run(&["--target", "target.toml", "demo/follows", "-vv"]));
    assert!(shown.contains("302 led to GET"), "{shown}");
    // The evidence is enough to judge it again.
    let output = place.command().args(["verify", "out", "--target", "target.toml"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", crate::place::out(&output));
}

#[test]
fn a_loop_ends_where_the_case_says() {
    let server = Server::start(|_| Answer::status(302).with("location", "/again"));
    let place = Place::new(&case("one", "path = \"/\"\nredirects = 20", ""));
    place.target(&server.http(), "");
    let record = place.fires(1, &[]);
    assert_eq!(record.cases[0].outcome, Verdict::Failed);
    assert_eq!((record.cases[0].exchanges[0].redirects.len(), server.lines().len()), (20, 21));
}

const SECRETS: &str = "[secrets]\ndemo.token = { env = \"TOKEN\" }\n[auth.\"demo.user\"]\nbearer = \"${demo.token}\"\n";

fn with_secrets(place: &Place) -> std::process::Command {
    let service = "[service]\nid = \"demo\"\ntitle = \"Demo\"\n[[fixture]]\nname = \"demo.token\"\nkind = \"secret\"\ntext = \"t\"\n\
                   [[fixture]]\nname = \"demo.user\"\nkind = \"auth\"\ntext = \"u\"\n";
    place.write("cases/service.toml", service);
    let mut command = place.command();
    command.env("TOKEN", "t0ken-canary").args(["run", "--no-probe", "--out", "out", "--target", "target.toml"]);
    command
}

#[test]
fn credentials_do_not_follow_to_another_host() {
    let other = Server::start(|_| Answer::ok());
    let url = other.http();
    let server = Server::start(move |asked| match asked.line.split('?').next() {
        Some("GET /away") => Answer::status(302).with("location", format!("{url}/there?accessToken=t0ken-canary&n=1")),
        Some("GET /here") => Answer::status(302).with("location", "/end?accessToken=t0ken-canary"),
        Some("GET /path") => Answer::status(302).with("location", format!("{url}/t0ken-canary")),
        _ => Answer::ok(),
    });
    let request = |path: &str| {
        format!(
            "path = \"{path}\"\nauth = \"demo.user\"\nquery.accessToken = \"${{demo.token}}\"\nheaders.cookie = \"a=b\"\nredirects = 5"
        )
    };
    let place = Place::new(
        &(case("away", &request("/away"), "")
            + &case("here", &request("/here"), "")
            + &case("path", &request("/path"), "")),
    );
    place.target(&server.http(), SECRETS);
    let output = with_secrets(&place).output().expect("it runs");
    let record = place.record();
    assert_eq!(of(&record, "away").outcome, Verdict::Passed, "{}", crate::place::out(&output));
    assert_eq!(of(&record, "here").outcome, Verdict::Passed);
    let asked = other.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].line, "GET /there?n=1");
    assert!(asked[0].header("authorization").is_none() && asked[0].header("cookie").is_none());
    let hop = &of(&record, "away").exchanges[0].redirects[0];
    assert_eq!(hop.dropped, ["cookie", "authorization", "query accessToken"]);
    let end = server.asked().into_iter().find(|asked| asked.line.starts_with("GET /end")).expect("followed");
    assert_eq!(end.header("authorization"), Some("Bearer t0ken-canary"), "at home they are carried on");
    match &of(&record, "path").outcome {
        Verdict::Errored { detail, .. } => assert!(detail.contains("carry a secret"), "{detail}"),
        other => panic!("{other:?}"),
    }
    let text = std::fs::read_to_string(place.path().join("out/record.jsonl")).expect("a record");
    assert!(!text.contains("t0ken-canary"));
}

#[test]
fn a_redirect_never_leads_a_write_to_another_host() {
    let other = Server::start(|_| Answer::ok());
    let url = other.http();
    let server = Server::start(move |asked| {
        if asked.line.ends_with("/end") {
            Answer::ok()
        } else {
            Answer::status(307).with("location", format!("{url}/x"))
        }
    });
    let writes = case("writes", "path = \"/\"\nredirects = 5", "effect = \"write\"");
    let posts = case("posts", "path = \"/\"\ntext = \"x\"\nredirects = 5", "").replace("\"GET\"", "\"POST\"");
    let place = Place::new(&(writes + &posts));
    place.target(&server.http(), "");
    assert_ne!(place.run(&["--target", "target.toml"]).status.code(), Some(0));
    for id in ["writes", "posts"] {
        let outcome = serde_json::to_value(&of(&place.record(), id).outcome).expect("a verdict");
        assert_eq!((&outcome["verdict"], &outcome["stage"]), (&"errored".into(), &"redirect".into()), "{outcome}");
    }
    assert!(other.asked().is_empty());
}

fn two_steps(more: &str) -> String {
    format!(
        "[[case]]\nid = \"one\"\ntitle = \"one\"\nclauses = [\"DEM-01\"]\n{more}\n\
         [[case.step]]\nid = \"log-in\"\nrequest = {{ method = \"GET\", path = \"/in\" }}\nexpect = {{ status = 200, body = \"unchecked\" }}\n\
         [[case.step]]\nid = \"use\"\nrequest = {{ method = \"GET\", path = \"/use\", redirects = 1 }}\nexpect = {{ status = 200, body = \"unchecked\" }}\n"
    )
}

#[test]
fn cookies_live_within_a_case_that_asks_for_them() {
    let server = Server::start(|asked| match asked.line.as_str() {
        "GET /in" => {
            Answer::ok().with("set-cookie", "session=c00kie-canary; Path=/; HttpOnly").with("set-cookie", "lang=en")
        }
        "GET /use" => Answer::status(302).with("location", "/then").with("set-cookie", "lang=de; Path=/"),
        _ => Answer::ok(),
    });
    for (more, wanted, then) in [
        ("cookies = true", Some("session=c00kie-canary; lang=en"), Some("session=c00kie-canary; lang=de")),
        ("", None, None),
    ] {
        let place = Place::new(&two_steps(more));
        place.target(&server.http(), "");
        place.fires(0, &[]);
        let asked = server.asked();
        let last = |line: &str| asked.iter().rev().find(|asked| asked.line == line).expect("it was asked").clone();
        assert_eq!(last("GET /use").header("cookie"), wanted);
        assert_eq!(last("GET /then").header("cookie"), then);
        let text = std::fs::read_to_string(place.path().join("out/record.jsonl")).expect("a record");
        assert!(!text.contains("c00kie-canary"), "cookies are hidden");
    }
}

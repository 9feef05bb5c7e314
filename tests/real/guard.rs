//! Where requests end up whatever a value holds, and credentials that stand where they do not belong.

use casebook::model::verdict::{Stage, Verdict};

use crate::place::{Place, case, ends, err, of, out};
use crate::server::{Answer, Server};

/// Errored, and nothing was sent.
#[track_caller]
fn errored(place: &Place, id: &str, at: Stage) {
    let record = place.record();
    let case = of(&record, id);
    assert!(matches!(&case.outcome, Verdict::Errored { stage, .. } if *stage == at), "{id}: {:?}", case.outcome);
}

#[test]
fn nothing_that_a_value_holds_becomes_a_part_of_the_host() {
    let other = Server::start(|_| Answer::ok());
    let server = Server::start(|_| Answer::ok());
    let row =
        |id: &str, value: &str| case(id, "target = \"${row.t}\"", &format!("row = [{{ id = \"r\", t = '{value}' }}]"));
    // Behind a base URL each of these would be a user name, a port, a longer host or an absolute form.
    let values = [
        ("user", format!("@{}/", other.addr)),
        ("port", "0/".to_owned()),
        ("host", ".other.test/".to_owned()),
        ("whole", format!("http://{}/", other.addr)),
        ("backslash", format!("\\\\@{}/", other.addr)),
        ("fragment", "/a#b".to_owned()),
    ];
    let cases: String = values.iter().map(|(id, value)| row(id, value)).collect();
    let slashes = format!("path = \"//{}/\"", other.addr);
    let place =
        Place::new(&(cases + &case("slashes", &slashes, "")).replace("title = ", "effect = \"write\"\ntitle = "));
    place.target(&server.http(), "");
    ends(&place.run(&["--target", "target.toml"]), 2);
    for (id, _) in &values {
        errored(&place, &format!("{id}[r]"), Stage::Template);
    }
    assert_eq!(server.lines(), [format!("GET //{}/", other.addr)]);
    assert!(other.asked().is_empty());
    // A dry run says so before.
    let dry = place.run(&["--target", "target.toml", "--dry-run"]);
    assert!(out(&dry).contains("the request target does not begin with `/`"), "{}", out(&dry));
}

#[test]
fn what_answers_at_one_address_is_not_changed_by_another_name() {
    let server = Server::start(|_| Answer::ok());
    let named = |id: &str, host: &str, effect: &str| {
        case(id, &format!("path = \"/{id}\"\nheaders.host = \"{host}\""), &format!("effect = \"{effect}\""))
    };
    let cases = named("other", "other.test", "write")
        + &named("reads", "other.test", "read")
        + &named("own", "0.0.0.0", "write");
    let place = Place::new(&cases);
    // Not a loopback address by name, and still this machine.
    let away = format!("http://0.0.0.0:{}", server.addr.port());
    place.target(&away, "[safety]\nallow = [\"write\"]\nhosts = [\"0.0.0.0\"]\n");
    ends(&place.run(&["--target", "target.toml"]), 1);
    errored(&place, "other", Stage::Send);
    let mut lines = server.lines();
    lines.sort();
    assert_eq!(lines, ["GET /own", "GET /reads"]);
}

#[test]
fn credentials_that_stand_where_they_do_not_belong_are_refused_and_not_repeated() {
    let place = Place::plain();
    place.write(
        "cases/service.toml",
        "[service]\nid = \"demo\"\ntitle = \"Demo\"\n[[fixture]]\nname = \"demo.token\"\nkind = \"secret\"\ntext = \"t\"\n\
         [[fixture]]\nname = \"demo.user\"\nkind = \"auth\"\ntext = \"u\"\n",
    );
    let refused = |output: std::process::Output, what: &str| {
        ends(&output, 2);
        assert!(!(err(&output) + &out(&output)).contains("c4nary"), "{what}: {}", err(&output));
    };
    let urls =
        ["http://c4nary@h", "http://u:c4nary@h", "ftp://u:c4nary@h", "http://u:c4n@c4nary@h?q", "http://u:c4nary@["];
    for url in urls {
        refused(place.run(&["--base-url", url]), url);
        refused(place.command().args(["run"]).env("CASEBOOK_BASE_URL", url).output().expect("it runs"), url);
        refused(place.run(&["--base-url", "http://127.0.0.1:1", "--proxy", url]), url);
    }
    for setting in [
        "[connection]\nproxy = \"http://u:c4nary@h\"\n",
        "[connection]\nproxy = \"http://h\"\nproxy_auth = { user = \"u\", password = \"c4nary\" }\n",
        "[secrets]\ndemo.token = { value = \"c4nary\" }\n",
        "[secrets]\ndemo.token = \"c4nary\"\n",
        "[secrets]\ndemo.token = { valeu = \"c4nary\" }\n",
        "[auth.\"demo.user\"]\nbearer = \"c4nary\"\n",
        "[auth.\"demo.user\"]\nbasic = { user = \"u\", password = \"c4nary\" }\n",
        "[auth.\"demo.user\"]\nbearer = \"c4nary\nx",
    ] {
        place.target("http://127.0.0.1:1", setting);
        refused(place.run(&["--target", "target.toml"]), setting);
    }
}

//! Whole files in, model or diagnostics out: one test for each kind of error, with its place and its advice.

use proptest::prelude::*;

use super::*;
use crate::model::spec::{BodySpec, Case, Effect, ExpectBody, Extra, HeaderRule, StepRole, TargetSpec};
use crate::model::template::XmlText;

const CLAUSES: &str = r#"
[document]
id = "doc"
title = "Doc"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
bytes = 1
[[clause]]
id = "X-01"
section = "S"
level = "stated"
text = "One."
[[clause]]
id = "X-02"
section = "S"
level = "example"
text = "Two."
excluded = "Cannot be seen."
[[choice]]
id = "A-01"
question = "Which?"
clauses = ["X-01"]
policy = "lenient"
[[choice.reading]]
id = "upper"
text = "Upper."
literal = true
[[choice.reading]]
id = "lower"
text = "Lower."
[[choice]]
id = "A-02"
question = "What?"
clauses = ["X-01"]
policy = "settled"
settled = "So."
"#;

const SERVICE: &str = r#"
[service]
id = "g"
title = "G"
extra = "note"
query_style = "percent"
timeout_ms = 1500
headers.accept = "a/b"
headers.x-ns = "${g.ns}"

[[fixture]]
name = "g.ns"
kind = "text"
text = "A namespace"
[[fixture]]
name = "g.tracks"
kind = "list"
text = "Tracks"
[[fixture]]
name = "g.token"
kind = "secret"
text = "A token"
[[fixture]]
name = "g.user"
kind = "auth"
text = "A user"
[[fixture]]
name = "g.fast"
kind = "flag"
text = "Whether it is fast"

[step.add]
request.method = "POST"
request.path = "/add"
request.json = '{"ids": "${with.ids}", "t": "${take(g.tracks, 7)}"}'
expect = { status = 200 }
capture.first = { json = "/ids/0" }
creates = { kind = "track", id = "${self.first}" }

[expect.sane]
status = { not = ["5xx"], clause = "X-01" }
body = "well-formed"
headers.x-sane = { present = true, clause = "X-01" }
"#;

const GOOD: &str = r#"
suite = "g/a"
service = "g"
[[case]]
id = "one"
title = "One"
clauses = ["X-01"]
request = { method = "GET", path = "/" }
expect = { status = 200, body = "unchecked" }
"#;

fn files(cases: &str) -> Vec<SourceFile> {
    let file = |path: &str, text: &str| SourceFile { path: Arc::from(path), text: text.to_owned() };
    vec![file("clauses.toml", CLAUSES), file("service.toml", SERVICE), file("a.toml", cases)]
}

fn asset(path: &str) -> Result<Vec<u8>, String> {
    if path == "bodies/x.bin" { Ok(vec![0, 255]) } else { Err("no such file".to_owned()) }
}

fn load(cases: &str) -> Suite {
    let files = files(cases);
    read(&files, &asset).unwrap_or_else(|found| panic!("{}", render(&found, &files, false)))
}

/// What is wrong in `a.toml`: line, column, message, help.
fn wrong(cases: &str) -> Vec<(u32, u32, String, String)> {
    let found = read(&files(cases), &asset).expect_err("an error");
    assert!(found.iter().all(|each| &*each.file == "a.toml"), "{found:#?}");
    found.into_iter().map(|each| (each.line, each.column, each.message, each.help.unwrap_or_default())).collect()
}

/// The one error of a file that begins with [`HEAD`].
fn only(rest: &str) -> (u32, u32, String, String) {
    let mut all = wrong(&format!("{HEAD}{rest}"));
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// Six lines; the next is line 7.
const HEAD: &str = "suite = \"g/a\"\nservice = \"g\"\n[[case]]\nid = \"one\"\ntitle = \"One\"\nclauses = [\"X-01\"]\n";
const REQUEST: &str = "request = { method = \"GET\", path = \"/\" }\n";
const EXPECT: &str = "expect = { status = 200, body = \"unchecked\" }\n";

pub(super) fn one(rest: &str) -> Case {
    load(&format!("{HEAD}{rest}")).cases.remove(0)
}

fn is(
    (at_line, at_column, said, advice): (u32, u32, String, String),
    line: u32,
    column: u32,
    message: &str,
    help: &str,
) {
    assert_eq!((at_line, at_column, said.as_str(), advice.as_str()), (line, column, message, help));
    drop((said, advice));
}

#[test]
fn a_case_gets_the_defaults_of_its_service() {
    let case = one(&format!(
        "{EXPECT}[case.request]\nmethod = \"GET\"\npath = \"/${{g.tracks[3]}}\"\nheaders.Accept = \"c/d\"\nheaders.b = [\"1\", \"2\"]\nquery.z = 1\nquery.a = true\nauth = \"g.user\"\n"
    ));
    assert_eq!(case.id.as_str(), "g/a/one");
    assert_eq!((case.source.line, &*case.source.file), (3, "a.toml"));
    let step = &case.steps[0];
    assert_eq!((step.id.as_str(), step.role, step.service.as_str()), ("main", StepRole::Main, "g"));
    assert_eq!(step.request.timeout.as_millis(), 1500);
    let names: Vec<_> = step.request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-ns", "Accept", "b"], "an own header replaces a default one");
    let TargetSpec::Path { query, style, .. } = &step.request.target else { panic!() };
    assert_eq!(query.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["z", "a"], "in the order written");
    assert_eq!(*style, crate::model::spec::QueryStyle::Percent);
    assert_eq!(step.expect.extra, Extra::Note);
    assert_eq!(step.expect.fallback, case.clauses);
    let needs: Vec<_> = case.needs.iter().map(|need| (need.name.as_str(), need.least)).collect();
    assert_eq!(needs, [("g.ns", 1), ("g.tracks", 4), ("g.user", 1)]);
}

#[test]
fn default_headers_can_be_left_out() {
    let case = one(&format!(
        "{EXPECT}request = {{ method = \"GET\", path = \"/\", without_headers = [\"X-NS\", \"accept\"] }}\n"
    ));
    let none = JsonTemplate::Array(Vec::new());
    let headers = &case.steps[0].request.headers;
    assert_eq!(*headers, [("x-ns".to_owned(), none.clone()), ("accept".to_owned(), none)]);
}

#[test]
fn rows_become_cases_with_needs_of_their_own() {
    let suite = load(&format!(
        "{HEAD}{EXPECT}request = {{ method = \"GET\", path = \"/\", json = '\"${{take(g.tracks, row.n)}}\"', auth = \"${{row.who}}\" }}\naliases = [\"g/old\"]\n[case.matrix]\nn = [1, 100]\nwho = [\"g.user\"]\n"
    ));
    let seen: Vec<_> = suite
        .cases
        .iter()
        .map(|case| {
            let tracks = case.needs.iter().find(|need| need.name == "g.tracks").unwrap().least;
            (case.id.as_str(), case.aliases[0].as_str(), tracks, case.needs.iter().any(|need| need.name == "g.user"))
        })
        .collect();
    assert_eq!(
        seen,
        [("g/a/one[1,g.user]", "g/old[1,g.user]", 1, true), ("g/a/one[100,g.user]", "g/old[100,g.user]", 100, true)]
    );
    let listed = load(&format!(
        "{HEAD}{EXPECT}request = {{ method = \"${{row.m}}\", path = \"/\" }}\nrow = [{{ id = \"b\", m = \"GET\" }}, {{ id = \"a\", m = \"PUT\" }}]\n"
    ));
    let ids: Vec<_> = listed.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["g/a/one[a]", "g/a/one[b]"], "sorted by id");
    let apart = load(&format!(
        "{HEAD}{EXPECT}request = {{ method = \"GET\", path = \"/${{row.v}}\" }}\nrow = [{{ id = \"a\", v = \"${{g.tracks[2]}}\" }}, {{ id = \"b\", v = \"x\" }}]\n"
    ));
    let tracks: Vec<_> = apart.cases.iter().map(|case| case.needs.iter().any(|need| need.name == "g.tracks")).collect();
    assert_eq!(tracks, [true, false], "what one row mentions, that row alone needs");
}

#[test]
fn shared_steps_are_expanded_and_overridden() {
    let case = one(r#"
[[case.setup]]
id = "added"
use = "add"
with.ids = "${g.tracks}"
request.path = "/other"
request.headers.x = "y"
capture.second = { json = "/ids/1" }
[case.request]
method = "GET"
path = "/${added.first}/${added.second}/${added.status}"
[case.expect]
status = 200
use = ["sane"]
"#);
    let added = &case.steps[0];
    assert_eq!(added.role, StepRole::Setup);
    assert_eq!(added.request.method.as_literal(), Some("POST"));
    let TargetSpec::Path { path, .. } = &added.request.target else { panic!() };
    assert_eq!(path.as_literal(), Some("/other"));
    assert!(matches!(added.request.body, BodySpec::Json(_)));
    assert_eq!(added.captures.iter().map(|each| each.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(added.creates.as_ref().unwrap().kind, "track");
    assert_eq!(added.expect.status.len(), 1, "its own expectation");
    assert_eq!(added.with.len(), 1);
    assert_eq!(case.needs.iter().find(|need| need.name == "g.tracks").unwrap().least, 7);
    let main = &case.steps[1];
    assert_eq!(main.expect.status[0].is[0].as_literal(), Some("200"), "the own status wins");
    assert_eq!(main.expect.body, ExpectBody::WellFormed);
    assert!(matches!(main.expect.headers[0].rule, HeaderRule::Present));
}

#[test]
fn every_body_kind_is_read() {
    let body = |text: &str| {
        one(&format!("{EXPECT}[case.request]\nmethod = \"POST\"\npath = \"/\"\n{text}\n")).steps[0].request.body.clone()
    };
    assert_eq!(body("file = \"bodies/x.bin\""), BodySpec::Bytes(vec![0, 255]));
    assert_eq!(body("raw_base64 = \"AP8=\""), BodySpec::Bytes(vec![0, 255]));
    assert!(matches!(body(r#"xml = "<a>${xml_each('b', g.tracks)}</a>""#), BodySpec::Xml(_)));
    assert!(matches!(body("form = { a = 1 }"), BodySpec::Form(_)));
    assert!(matches!(body("text = \"x\""), BodySpec::Text(_)));
    assert!(matches!(body("raw = '{'"), BodySpec::Raw(_)));
    assert_eq!(body(""), BodySpec::None);
}

#[test]
fn xml_expectations_keep_operators_and_steering() {
    let case = one(&format!(
        "{REQUEST}[case.expect]\nstatus = 200\nxml = '''<a xmlns=\"urn:n\" xmlns:cb=\"urn:casebook\" x=\"1\"><b cb:per=\"${{g.tracks}}\" cb:clause=\"X-01\">${{item}}</b><c>{{\"$regex\": \"^a\"}}</c></a>'''\n"
    ));
    let ExpectBody::Xml(root) = &case.steps[0].expect.body else { panic!() };
    assert_eq!((root.name.as_str(), root.namespace.as_deref()), ("a", Some("urn:n")));
    assert_eq!(root.attributes[0].1, "x");
    assert_eq!(root.children[0].steering.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["per", "clause"]);
    assert!(matches!(root.children[1].text, XmlText::Pattern(_)));
}

#[test]
fn unknown_keys_and_kinds_are_errors() {
    is(
        only(&format!("{REQUEST}{EXPECT}effekt = \"read\"\n")),
        9,
        1,
        "unknown key `effekt` in case",
        "did you mean `effect`?",
    );
    is(
        only(&format!("{REQUEST}{EXPECT}tags = \"a\"\n")),
        9,
        8,
        "`tags` must be a list of strings, and is a string",
        "",
    );
    is(
        only(&format!("{REQUEST}{EXPECT}effect = \"wirte\"\n")),
        9,
        10,
        "`effect` must be one of read, write, destructive, and is `wirte`",
        "did you mean `write`?",
    );
    let all = wrong(
        "suite = \"g/a\"\nservice = \"g\"\n[[case]]\nid = \"one\"\nclauses = [\"X-01\"]\nrequest = { method = \"GET\", path = \"/\" }\nexpect = { status = 200, body = \"unchecked\" }\n",
    );
    assert_eq!((all[0].0, all[0].1, all[0].2.as_str()), (3, 1, "case without `title`"));
}

#[test]
fn syntax_errors_have_their_place() {
    let all = wrong("suite = \"g/a\"\nservice = g\n");
    assert_eq!(all[0].0, 2, "{all:?}");
    let all = wrong(&format!("{HEAD}{EXPECT}request = {{ method = \"GET\",\n path = \"/\" }}\n"));
    assert_eq!((all[0].0, all[0].2.as_str()), (8, "TOML 1.1 syntax: a line break in an inline table"));
}

#[test]
fn names_are_checked_before_anything_is_sent() {
    is(
        only(&format!("{EXPECT}request = {{ method = \"GET\", path = \"/${{g.trakcs[0]}}\" }}\n")),
        8,
        40,
        "unknown name `g.trakcs`",
        "did you mean `g.tracks`?",
    );
    is(
        only(&format!("{EXPECT}request = {{ method = \"GET\", path = \"/${{g.ns[0]}}\" }}\n")),
        8,
        40,
        "`g.ns` is not a list",
        "",
    );
    is(
        only(&format!("{REQUEST}[case.expect]\nstatus = 200\njson = '''\n[\n  1, \"${{item}}\"]'''\n")),
        12,
        9,
        "`item` is known only inside `$per`",
        "",
    );
    is(
        only(&format!(
            "{EXPECT}request = {{ method = \"${{row.x}}\", path = \"/\" }}\nrow = [{{ id = \"a\", xx = 1 }}]\n"
        )),
        8,
        25,
        "row `a` has no `x`",
        "did you mean `xx`?",
    );
    is(
        only(&format!("{EXPECT}request = {{ method = \"GET\", path = \"/${{run.nam}}\" }}\n")),
        8,
        40,
        "unknown name `run.nam`",
        "known are `run.marker`, `run.id` and `run.seed`",
    );
    is(
        only("step = [{ request = { method = \"GET\", path = \"/${b.x}\" }, expect = { status = 1, body = \"empty\" } }, { id = \"b\" }]\n"
            .replace("status = 1", "status = 200").replace("{ id = \"b\" }", "{ id = \"b\", request = { method = \"GET\", path = \"/\" }, expect = { body = \"empty\" } }").as_str()),
        7,
        50,
        "step `b` does not come earlier",
        "",
    );
}

#[test]
fn steps_at_the_same_moment_see_what_came_before_and_not_each_other() {
    let step = |id: &str, path: &str| {
        format!(
            "[[case.step]]\nid = \"{id}\"\ntogether = true\nrequest = {{ method = \"GET\", path = \"/{path}\" }}\nexpect = {{ status = 200, body = \"empty\" }}\ncapture.id = {{ body = true }}\n"
        )
    };
    let setup =
        "[[case.setup]]\nid = \"made\"\nrequest = { method = \"PUT\", path = \"/\" }\ncapture.id = { body = true }\n";
    one(&format!("{setup}{}{}", step("a", "${made.id}"), step("b", "${made.id}")));
    let found = only(&format!("{setup}{}{}", step("a", ""), step("b", "${a.id}")));
    is(found, 20, 40, "step `a` does not come earlier", "");
}

#[test]
fn template_errors_have_their_place() {
    is(
        only(&format!("{EXPECT}[case.request]\nmethod = \"GET\"\npath = \"/${{g.ns | uper}}\"\n")),
        10,
        19,
        "unknown filter `uper`",
        "did you mean `upper`?",
    );
    is(
        only(&format!("{EXPECT}[case.request]\nmethod = \"GET\"\npath = \"/\\t${{\"\n")),
        10,
        8,
        "`${` without its `}`",
        "",
    );
}

#[test]
fn json_errors_point_into_the_toml_file() {
    is(
        only(&format!("{EXPECT}[case.request]\nmethod = \"GET\"\npath = \"/\"\njson = '''\n{{\n  \"a\" 1\n}}'''\n")),
        13,
        7,
        "not JSON: expected `:`, found `1`",
        "",
    );
    is(
        only(&format!("{REQUEST}[case.expect]\nstatus = 200\njson = '{{\"a\": {{\"$regx\": \"x\"}}}}'\n")),
        10,
        17,
        "unknown operator `$regx`",
        "did you mean `$regex`?",
    );
    is(
        only(&format!("{REQUEST}[case.expect]\nstatus = 200\njson = '{{\"$type\": \"strin\"}}'\n")),
        10,
        20,
        "unknown type `strin`",
        "did you mean `string`?",
    );
    let found = only(&format!("{REQUEST}[case.expect]\nstatus = 200\njson = '{{\"$regex\": \"(\"}}'\n"));
    assert_eq!((found.0, found.2.as_str()), (10, "not a regular expression: unclosed group"));
    is(
        only(&format!("{REQUEST}[case.expect]\nstatus = 200\njson = '{{\"a\": 1, \"a\": 2}}'\n")),
        10,
        11,
        "duplicate member `a` in a pattern",
        "",
    );
}

#[test]
fn xml_errors_point_into_the_toml_file() {
    let found =
        only(&format!("{EXPECT}[case.request]\nmethod = \"GET\"\npath = \"/\"\nxml = '''\n<a>\n  <b></a>'''\n"));
    assert_eq!((found.0, found.1), (13, 6), "{found:?}");
    assert!(found.2.starts_with("not well-formed XML: "), "{found:?}");
    let found = only(&format!(
        "{REQUEST}[case.expect]\nstatus = 200\nxml = '<a xmlns:cb=\"urn:casebook\" cb:optinal=\"true\"/>'\n"
    ));
    is(found, 10, 8, "unknown attribute `optinal` of urn:casebook", "did you mean `optional`?");
}

#[test]
fn clauses_and_choices_must_exist() {
    is(
        only(&format!("{REQUEST}expect = {{ status = {{ is = 200, clause = \"X-1\" }}, body = \"empty\" }}\n")),
        8,
        42,
        "unknown clause `X-1`",
        "did you mean `X-01`?",
    );
    is(
        only(&format!("{REQUEST}expect = {{ status = {{ is = 200, clause = \"X-02\" }}, body = \"empty\" }}\n")),
        8,
        42,
        "clause `X-02` is excluded and yet cited",
        "clauses.toml:12 says why no case can test it",
    );
    is(
        only(&format!(
            "{REQUEST}[case.expect]\nstatus = 200\njson = '{{\"$choice\": \"A-1\", \"$readings\": {{\"upper\": 1}}}}'\n"
        )),
        10,
        22,
        "unknown choice `A-1`",
        "did you mean `A-01`?",
    );
    is(
        only(&format!(
            "{REQUEST}[case.expect]\nstatus = 200\n[[case.expect.reading]]\nchoice = \"A-01\"\nid = \"uper\"\nbody = \"empty\"\n"
        )),
        12,
        6,
        "choice `A-01` has no reading `uper`",
        "did you mean `upper`?",
    );
    is(
        only(&format!(
            "{REQUEST}[case.expect]\nstatus = 200\n[[case.expect.reading]]\nchoice = \"A-02\"\nid = \"upper\"\nbody = \"empty\"\n"
        )),
        11,
        10,
        "choice `A-02` is settled and has no readings",
        "",
    );
}

#[test]
fn every_check_has_a_clause_and_every_clause_a_check() {
    let bare = GOOD.replace("clauses = [\"X-01\"]\n", "");
    let all = wrong(&bare);
    assert_eq!((all[0].0, all[0].2.as_str()), (4, "case `one` has no clause"));
    let partly = bare.replace("expect = {", "expect = { headers.a = { is = \"b\", clause = \"X-01\" }, ");
    assert_eq!(wrong(&partly)[0].2, "case `one` checks the status (step `main`) without a clause");
    is(
        only(&format!("{REQUEST}expect = {{ status = {{ is = 200, clause = \"X-01\" }}, body = \"unchecked\" }}\n")),
        6,
        11,
        "no check is left to prove `clauses`: every one of them cites a clause of its own",
        "remove the key, or the citation of the check that proves it",
    );
    let files = files("suite = \"g/a\"\nservice = \"g\"\n");
    let found = read(&files, &asset).unwrap_err();
    assert_eq!(
        (found[0].line, &*found[0].file, found[0].message.as_str()),
        (8, "clauses.toml", "clause `X-01` has no case")
    );
}

#[test]
fn ids_are_unique() {
    let twice = format!("{GOOD}{}", GOOD.replace("suite = \"g/a\"\nservice = \"g\"\n", ""));
    let all = wrong(&twice);
    assert_eq!(
        (all[0].0, all[0].2.as_str(), all[0].3.as_str()),
        (12, "case `g/a/one` exists already", "it is also at a.toml:4")
    );
    let alias = twice.replacen(
        "id = \"one\"\ntitle = \"One\"\nclauses",
        "id = \"two\"\naliases = [\"g/a/one\"]\ntitle = \"One\"\nclauses",
        1,
    );
    assert_eq!(wrong(&alias)[0].2, "case `g/a/one` exists already");
    is(
        only(&format!(
            "{REQUEST}{EXPECT}setup = [{{ id = \"main\", request = {{ method = \"GET\", path = \"/\" }} }}]\n"
        )),
        9,
        17,
        "step `main` exists already",
        "",
    );
}

#[test]
fn requests_and_expectations_are_whole() {
    let message = |rest: &str| only(rest).2;
    assert_eq!(message(&format!("{EXPECT}request = {{ path = \"/\" }}\n")), "request without `method`");
    assert_eq!(message(&format!("{EXPECT}request = {{ method = \"GET\" }}\n")), "request without `path` or `target`");
    assert_eq!(
        message(&format!("{EXPECT}request = {{ method = \"GET\", path = \"/\", text = \"\", raw = \"\" }}\n")),
        "a request has one body: `text` or `raw`"
    );
    assert_eq!(
        message(&format!("{EXPECT}request = {{ method = \"GET\", path = \"/\", target = \"/\" }}\n")),
        "`path` beside `target`, which is the whole request target"
    );
    assert_eq!(
        message(&format!("{EXPECT}request = {{ method = \"GET\", path = \"/\", file = \"nope\" }}\n")),
        "cannot read `nope`: no such file"
    );
    assert_eq!(
        message(&format!("{EXPECT}request = {{ method = \"GET\", path = \"/\", auth = \"g.usr\" }}\n")),
        "unknown auth scheme `g.usr`"
    );
    assert_eq!(message(&format!("{REQUEST}expect = {{ status = 200 }}\n")), "expectation without a body");
    assert_eq!(
        message(&format!("{REQUEST}expect = {{ status = 99, body = \"empty\" }}\n")),
        "`status` must be from 100 to 599"
    );
    assert_eq!(message(&format!("{REQUEST}expect = {{ status = \"6xx\", body = \"empty\" }}\n")), "`6xx` is no status");
    assert_eq!(message(&format!("{REQUEST}{EXPECT}fixtures = [\"g.track[3]\"]\n")), "unknown fixture `g.track`");
    assert_eq!(
        message(&format!(
            "{REQUEST}[case.expect]\nstatus = 200\nbody = \"unchecked\"\nat = [{{ path = \"$..[\", count = 1 }}]\n"
        ))
        .split(':')
        .next(),
        Some("`$..[` is no JSONPath")
    );
    assert_eq!(
        message(
            &format!("{REQUEST}{EXPECT}setup = [{{ use = \"ad\" }}]\n")
                .replace("}]", ", request = { method = \"GET\", path = \"/\" } }]")
        ),
        "unknown shared step `ad`"
    );
    assert_eq!(
        message(&format!("{REQUEST}{EXPECT}setup = [{{ use = \"add\" }}]\n")),
        "shared step `add` needs `with.ids`"
    );
}

/// What is wrong in `clauses.toml` or `service.toml` with a text added to it.
fn shared_wrong(file: usize, text: &str) -> Vec<(String, String)> {
    let mut files = files(GOOD);
    files[file].text.push_str(text);
    let path = Arc::clone(&files[file].path);
    let found = read(&files, &asset).expect_err("an error");
    assert!(found.iter().all(|each| each.file == path && each.line > 1), "{found:#?}");
    found.into_iter().map(|each| (each.message, each.help.unwrap_or_default())).collect()
}

#[test]
fn clause_files_are_checked() {
    let only = |text: &str| {
        let mut all = shared_wrong(0, text);
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    };
    let clause = "[[clause]]\nid = \"X-01\"\nsection = \"S\"\nlevel = \"stated\"\ntext = \"T\"\n";
    assert_eq!(only(clause), ("clause `X-01` exists already".to_owned(), "it is also at clauses.toml:7".to_owned()));
    assert_eq!(only(&clause.replace("X-01", "X-03")).0, "clause `X-03` has no case");
    assert_eq!(
        only(&format!("{}excluded = \" \"\n", clause.replace("X-01", "X-03"))).0,
        "`excluded` must say why no case can test the clause"
    );
    assert_eq!(
        only(&clause.replace("X-01", "X-03").replace("stated", "said")).0,
        "`level` must be one of stated, example, implied, and is `said`"
    );
    let choice = |rest: &str| format!("[[choice]]\nid = \"A-03\"\nquestion = \"Q\"\nclauses = [\"X-01\"]\n{rest}");
    assert_eq!(only(&choice("policy = \"report\"\n")).0, "choice `A-03` has no [[choice.reading]]");
    assert_eq!(only(&choice("policy = \"settled\"\n")).0, "policy \"settled\" and the key `settled` come together");
    let settled = choice("policy = \"settled\"\nsettled = \"So.\"\n");
    assert_eq!(
        only(&settled.replace("A-03", "A-02")),
        ("choice `A-02` exists already".to_owned(), "it is also at clauses.toml:30".to_owned())
    );
    assert_eq!(
        only(&settled.replace("X-01", "X-1")),
        ("unknown clause `X-1`".to_owned(), "did you mean `X-01`?".to_owned())
    );
    let reading = "[[choice.reading]]\nid = \"a\"\ntext = \"A\"\n";
    assert_eq!(
        only(&choice(&format!("policy = \"report\"\n{reading}{reading}"))).0,
        "choice `A-03` has reading `a` twice"
    );
}

#[test]
fn service_files_are_checked() {
    let only = |text: &str| {
        let mut all = shared_wrong(1, text);
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    };
    let fixture = "[[fixture]]\nname = \"g.ns\"\nkind = \"text\"\ntext = \"T\"\n";
    assert_eq!(only(fixture).0, "fixture `g.ns` exists already");
    assert_eq!(only(&fixture.replace("g.ns", "g..ns")).0, "`g..ns` is no dotted name");
    assert_eq!(
        only("[step.get]\nrequest = { method = \"GET\", path = \"/${ids}\" }\n"),
        ("unknown name `ids`".to_owned(), String::new())
    );
    assert_eq!(
        only("[step.get]\nrequest = { method = \"G T\", path = \"/\" }\n").0,
        "a method must be a token (RFC 9110, section 5.6.2)"
    );
    assert_eq!(only("[step.get]\nid = \"x\"\n").0, "a shared step has no `id`");
    assert_eq!(only("[expect.more]\nuse = [\"sane\"]\n").0, "a shared expectation cannot use another");
    assert_eq!(only("[expect.more]\nheaders.\"a b\" = { present = true }\n").0, "`a b` is no header name");
    assert_eq!(only("[step.get]\ncreates = { kind = \"x\", id = \"${self.id}\" }\n").0, "this step captures no `id`");
}

#[test]
fn all_errors_of_all_files_come_at_once_and_in_order() {
    let mut files = files("suite = \"g/a\"\nservice = \"gg\"\nx = 1\n");
    files.push(SourceFile { path: Arc::from("b.toml"), text: "= 1\n".to_owned() });
    files[1].text.push_str("nope = 1\n");
    let found = read(&files, &asset).unwrap_err();
    let places: Vec<_> = found.iter().map(|each| (&*each.file, each.line)).collect();
    assert_eq!(places[0], ("a.toml", 2));
    assert_eq!(places[1], ("a.toml", 3));
    assert_eq!(places[2].0, "b.toml");
    assert_eq!(places.last().unwrap().0, "service.toml");
}

#[test]
fn the_hash_depends_on_paths_and_bytes_and_not_on_the_order() {
    let one = [("a", &b"1"[..]), ("b", b"2")];
    let two = [("b", &b"2"[..]), ("a", b"1")];
    let other = [("a", &b"1b"[..]), ("", b"2")];
    assert_eq!(hash(one.into_iter()), hash(two.into_iter()));
    assert_ne!(hash(one.into_iter()), hash(other.into_iter()));
    assert_eq!(hash(one.into_iter()).len(), 64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn arbitrary_text_never_panics(text in "(\\PC|\n){0,200}") {
        let _ = read(&files(&text), &asset);
    }

    #[test]
    fn arbitrary_values_never_panic(at in 0..GOOD.len(), text in "[\\[\\]{}='\"$a-z0-9.\n${}<>/]{0,12}") {
        let mut cases = GOOD.to_owned();
        cases.insert_str(at, &text);
        let files = files(&cases);
        if let Err(found) = read(&files, &asset) {
            let _ = render(&found, &files, true);
        }
    }
}

#[test]
fn what_cannot_be_sent_as_written_is_told() {
    let told = |request: &str| only(&format!("{EXPECT}request = {{ method = \"GET\", {request} }}\n")).2;
    for outside in ["path = \"x\"", "path = \"@other.test/\"", "target = \":81/\"", "target = \"http://other.test/\""] {
        assert!(told(outside).ends_with("begins with `/`"), "{outside}");
    }
    assert_eq!(told("path = \"${g.ns}/x\""), "`path` begins with `/`");
    for fragment in ["path = \"/a#b\"", "target = \"/a#b\"", "path = \"/\", query_raw = \"a#b\""] {
        assert!(told(fragment).ends_with("has a `#`, behind which nothing is ever sent"), "{fragment}");
    }
    assert_eq!(told("target = \"/a b\""), "`target` cannot be sent as written: no request target has a ' '");
    assert_eq!(told("path = \"/<a>\""), "`path` cannot be sent as written: no request target has a '<'");
    let sent = "path = \"/a b/é/../%2e/\\\\x?y\"";
    for good in [sent, "path = \"\"", "target = \"/a/../b\\\\c;d?e=f\"", "target = \"${g.ns}\"", "path = \"?a\""] {
        one(&format!("{EXPECT}request = {{ method = \"GET\", {good} }}\n"));
    }
}

#[test]
fn who_does_not_say_what_a_case_does_is_not_trusted() {
    let effect = |method: &str, more: &str| {
        one(&format!("{EXPECT}{more}request = {{ method = \"{method}\", path = \"/\" }}\n")).effect
    };
    for (method, guessed) in
        [("GET", Effect::Read), ("HEAD", Effect::Read), ("POST", Effect::Destructive), ("${g.ns}", Effect::Destructive)]
    {
        assert_eq!(effect(method, ""), guessed, "{method}");
        assert_eq!(effect(method, "effect = \"read\"\n"), Effect::Read, "{method}");
    }
    let found = only(&format!("{REQUEST}{EXPECT}effect = \"read\"\n[[case.setup]]\nuse = \"add\"\nwith.ids = \"x\"\n"));
    assert_eq!(
        (found.0, found.2.as_str()),
        (9, "a case that reads has no `creates` and no `removes` (step `setup-1`)")
    );
}

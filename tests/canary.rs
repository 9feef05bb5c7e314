//! Secrets in every place of a request, and a service that gives them back in every form: no byte that a run writes
//! or prints holds one.

#[path = "support/output.rs"]
mod output;
mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::thread::spawn;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use casebook::report::Format;
use output::{ends, err, out};
use support::CLAUSES;

/// Name, and a value with everything in it that some notation escapes.
const SECRETS: [(&str, &str); 8] = [
    ("query", "qu3ry/Canary+&\"<one>=%2f é'end"),
    ("header", "h3ader/Canary+&\"<two>=%2F'end"),
    ("password", "p4ssword:Canary+&\"<three>=/end"),
    ("bearer", "b3arer/Canary~+&\"<four>='end"),
    ("json", "js0n\\Canary\t+&\"<five>=/'é\u{1F511}end"),
    ("xml", "xm1/Canary+&\"<six>]]>='end"),
    ("form", "f0rm Canary+&\"<seven>=/ 'end"),
    ("path", "p4th/Canary+&\"<eight>=?#'end"),
];

/// Given out by the service, and declared secret where it is captured.
const CAPTURED: &str = "c4ptured/Canary+&\"<nine>=end";

const LOGIN: &str = "ada.canary";

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            all.push(char::from(byte));
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a string").trim_matches('"').to_owned()
}

/// As serializers write that fear for a page around the JSON.
fn json_ascii(text: &str) -> String {
    text.encode_utf16().fold(String::new(), |mut all, unit| {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() || b" /=:%;?#~.,-_|]".contains(&byte) => {
                all.push(char::from(byte));
            }
            Ok(b'\\') => all.push_str("\\\\"),
            Ok(b'\t') => all.push_str("\\t"),
            _ => {
                let _ = write!(all, "\\u{unit:04x}");
            }
        }
        all
    })
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}

fn html(text: &str) -> String {
    xml(text).replace("&apos;", "&#39;").replace("&quot;", "&#34;")
}

fn pointer(text: &str) -> String {
    json(&text.replace('~', "~0").replace('/', "~1"))
}

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// How a form is made.
type Make = fn(&str) -> String;

/// The forms in which the service gives a secret back, by name. What is sought in the output is every one of them.
const FORMS: &[(&str, Make)] = &[
    ("raw", str::to_owned),
    ("percent", percent),
    ("percent-lower", |text| {
        let upper = percent(text);
        let mut lower = upper.clone();
        for (at, _) in upper.match_indices('%') {
            lower.replace_range(at + 1..at + 3, &upper[at + 1..at + 3].to_ascii_lowercase());
        }
        lower
    }),
    ("percent-twice", |text| percent(&percent(text))),
    ("plus", |text| url::form_urlencoded::byte_serialize(text.as_bytes()).collect()),
    ("base64", base64),
    ("base64-url", |text| URL_SAFE_NO_PAD.encode(text)),
    ("base64-inside-1", |text| base64(&format!("x{text}yz"))[2..].to_owned()),
    ("base64-inside-2", |text| base64(&format!("xx{text}"))[3..].to_owned()),
    ("json", json),
    ("json-slash", |text| json(text).replace('/', "\\/")),
    ("json-ascii", json_ascii),
    ("xml", xml),
    ("html", html),
    ("pointer", pointer),
];

/// Everything that must never be seen: every secret in every form, also at the end of a longer base64 text.
fn needles() -> Vec<(String, String)> {
    let pair = format!("{LOGIN}:{}", SECRETS[2].1);
    let mut all = vec![("basic".to_owned(), base64(&pair))];
    for (name, secret) in SECRETS.iter().copied().chain([("captured", CAPTURED)]) {
        for (form, make) in FORMS {
            let mut text = make(secret);
            if form.starts_with("base64-inside") {
                // The last characters depend on what follows.
                text.truncate(text.len() - 5);
            }
            all.push((format!("{name} as {form}"), text));
        }
    }
    all
}

/// All secrets in one form, a line each.
fn told(form: &str) -> String {
    let (_, make) = FORMS.iter().find(|(name, _)| *name == form).expect("a form");
    let secrets = SECRETS.iter().map(|(_, secret)| *secret).chain([CAPTURED]);
    secrets.map(|secret| format!("<{}>\n", make(secret))).collect()
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut all =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n").into_bytes();
    all.extend_from_slice(body);
    all
}

/// UTF-16 in one order of bytes.
fn wide(unit: fn(u16) -> [u8; 2], text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

/// Bytes as a search sees them that knows UTF-16, whichever way it is written.
fn narrow(bytes: &[u8]) -> Vec<u8> {
    let mut seen = bytes.to_vec();
    for nul in [&b"\\u0000"[..], b"\\u{0}", "\u{2400}".as_bytes(), b"\0"] {
        let found: Vec<usize> = memchr::memmem::find_iter(&seen, nul).collect();
        for at in found.into_iter().rev() {
            seen.drain(at..at + nul.len());
        }
    }
    seen
}

fn wrapped(text: &str, end: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(20).map(|line| line.iter().collect::<String>() + end).collect()
}

/// What the service answers to a request whose path ends with the mode.
fn respond(mode: &str, request: &[u8]) -> Vec<u8> {
    let all = |join: &str| SECRETS.iter().map(|(_, secret)| *secret).chain([CAPTURED]).collect::<Vec<_>>().join(join);
    let line = all(" ");
    match mode {
        "mirror" => answer("500 X", "content-type: text/plain\r\n", request),
        "reason" => answer(&format!("418 {line}"), "", b"{}"),
        "headers" => answer(
            "302 Found",
            &format!(
                "x-echo: {line}\r\nset-cookie: s={line}\r\nlocation: /?t={}\r\nwww-authenticate: x {}\r\n",
                percent(SECRETS[0].1),
                base64(SECRETS[3].1)
            ),
            b"{}",
        ),
        "page" => answer("500 X", "content-type: text/html\r\n", html(&all("<br>")).as_bytes()),
        "broken-header" => format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n").into_bytes(),
        "broken-status" => format!("HTTP/1.1 {line}\r\n\r\n").into_bytes(),
        "keys" => {
            let members: Vec<String> = SECRETS.iter().map(|(_, secret)| format!("\"{}\": 1", json(secret))).collect();
            answer("200 OK", "content-type: application/json\r\n", format!("{{{}}}", members.join(",")).as_bytes())
        }
        "values" => {
            let members: Vec<String> =
                SECRETS.iter().map(|(name, secret)| format!("\"{name}\": \"{}\"", json_ascii(secret))).collect();
            let ok = format!("\"ok\": \"{}\"", json_ascii(SECRETS[0].1));
            answer("200 OK", "content-type: application/json\r\n", format!("{{{ok},{}}}", members.join(",")).as_bytes())
        }
        // Mismatches show only the beginning of a long text: it must not end in half a secret.
        "cut" => {
            let long = "z".repeat(170) + &json(SECRETS[0].1) + &"z".repeat(500);
            answer("200 OK", "content-type: application/json\r\n", format!("{{\"ok\": \"{long}\"}}").as_bytes())
        }
        "cut-page" => answer("200 OK", "", ("z".repeat(190) + SECRETS[1].1 + &"z".repeat(500)).as_bytes()),
        "cut-evidence" => answer("500 X", "", ("z".repeat((64 << 10) - 15) + SECRETS[1].1 + "zz").as_bytes()),
        "binary" => answer("500 X", "", &[&[0xff, 0xfe][..], all("\0").as_bytes()].concat()),
        "wide-xml" => {
            let text = format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-16\"?><a>{}</a>", xml(&line));
            answer("200 OK", "content-type: application/xml\r\n", &wide(u16::to_le_bytes, &text))
        }
        "wide-plain" => {
            let plain = SECRETS.iter().map(|(_, secret)| *secret).filter(|secret| secret.is_ascii());
            answer("500 X", "", &wide(u16::to_be_bytes, &plain.collect::<Vec<_>>().join("\n")))
        }
        "wide-cut" => {
            let text = "z".repeat((32 << 10) - 12) + SECRETS[1].1 + "zz";
            answer("500 X", "", &[b"\xff", &wide(u16::to_be_bytes, &text)[..]].concat())
        }
        // Without anything beyond ASCII it is UTF-8 as well.
        "wide-cut-text" => {
            let text = "z".repeat((32 << 10) - 12) + SECRETS[1].1 + "zz";
            answer("500 X", "", &wide(u16::to_be_bytes, &text))
        }
        "wrapped" => answer("500 X", "", wrapped(&base64(SECRETS[0].1), "\n").as_bytes()),
        "wrapped-crlf" => answer("500 X", "", wrapped(SECRETS[1].1, "\r\n").as_bytes()),
        "token" => answer(
            "200 OK",
            "content-type: application/json\r\n",
            format!("{{\"token\": \"{}\"}}", json(CAPTURED)).as_bytes(),
        ),
        form => answer("500 X", "content-type: text/plain\r\n", told(form).as_bytes()),
    }
}

const MODES: [&str; 18] = [
    "mirror",
    "reason",
    "headers",
    "page",
    "broken-header",
    "broken-status",
    "keys",
    "values",
    "cut",
    "cut-page",
    "cut-evidence",
    "binary",
    "wide-xml",
    "wide-plain",
    "wide-cut",
    "wide-cut-text",
    "wrapped",
    "wrapped-crlf",
];

fn serve(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    // What a client sends at once is here soon; it need not be all.
    let _ = stream.set_read_timeout(Some(std::time::Duration::from_millis(30)));
    while let Ok(count) = stream.read(&mut buffer) {
        if count == 0 {
            break;
        }
        request.extend_from_slice(&buffer[..count]);
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let mode = path.rsplit('/').next().unwrap_or_default();
    if !mode.is_empty() {
        let _ = stream.write_all(&respond(mode, &request));
    }
}

fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    spawn(move || {
        for mut stream in listener.incoming().flatten() {
            spawn(move || serve(&mut stream));
        }
    });
    address
}

/// Each of these carries a body or credentials of another kind.
const REQUESTS: [(&str, &str); 4] = [
    ("json", "auth = \"demo.basic\"\njson = '{\"a\": \"${demo.json}\"}'"),
    ("xml", "auth = \"demo.bearer\"\nxml = '<a>${demo.xml}</a>'"),
    ("form", "auth = \"demo.key\"\nform = { a = \"${demo.form}\" }"),
    ("raw", "raw = '${demo.json} ${demo.xml}'"),
];

fn cases() -> String {
    let mut text = "service = \"demo\"\nsuite = \"demo\"\n\n".to_owned();
    let modes = MODES.iter().copied().chain(FORMS.iter().map(|(name, _)| *name).filter(|name| *name != "json"));
    for (at, mode) in modes.enumerate() {
        let (kind, more) = REQUESTS[at % REQUESTS.len()];
        let _ = write!(
            text,
            "[[case]]\nid = \"{kind}-{mode}\"\ntitle = \"t\"\nclauses = [\"DEM-01\"]\neffect = \"read\"\n\
             [[case.step]]\nid = \"first\"\nrequest = {{ method = \"GET\", path = \"/token\" }}\n\
             capture.token = {{ json = \"/token\", secret = true }}\n\
             [case.step.expect]\nstatus = 200\nbody = \"unchecked\"\n\
             [[case.step]]\nid = \"main\"\n[case.step.request]\nmethod = \"POST\"\n\
             path = \"/${{demo.path}}/{mode}\"\nquery.q = \"${{demo.query}}\"\nquery.t = \"${{first.token}}\"\n\
             headers.x-secret = \"${{demo.header}}\"\n{more}\n\
             [case.step.expect]\nstatus = 200\njson = '{{\"ok\": true, \"q\": \"${{demo.query}}\"}}'\n\
             headers.x-echo = {{ is = \"${{demo.header}}\" }}\nheaders.set-cookie = {{ absent = true }}\n\n"
        );
    }
    text
}

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let here = dir.path().join("cases/demo");
    fs::create_dir_all(&here).expect("a directory");
    let mut service = "[service]\nid = \"demo\"\ntitle = \"Demo\"\n".to_owned();
    for (name, _) in SECRETS {
        let _ = write!(service, "[[fixture]]\nname = \"demo.{name}\"\nkind = \"secret\"\ntext = \"T\"\n");
    }
    for name in ["basic", "bearer_token", "key"] {
        let _ = write!(service, "[[fixture]]\nname = \"demo.{name}\"\nkind = \"auth\"\ntext = \"T\"\n");
    }
    let service = service.replace("bearer_token", "bearer_auth");
    fs::write(here.join("service.toml"), service).expect("written");
    fs::write(here.join("clauses.toml"), CLAUSES).expect("written");
    fs::write(here.join("cases.toml"), cases().replace("\"demo.bearer\"", "\"demo.bearer_auth\"")).expect("written");
    dir
}

fn target(secrets: &str) -> String {
    format!(
        "[target]\nname = \"demo\"\nclass = \"real\"\n[secrets]\n{secrets}\n\
         [auth.\"demo.basic\"]\nbasic = {{ user = \"{LOGIN}\", password = \"${{demo.password}}\" }}\n\
         [auth.\"demo.bearer_auth\"]\nbearer = \"${{demo.bearer}}\"\n\
         [auth.\"demo.key\"]\nheader = \"x-key\"\nvalue = \"${{demo.header}}\"\n"
    )
}

fn casebook(here: &Path, arguments: &[&str], secrets: &[(&str, &str)]) -> Output {
    let mut command = support::casebook(here);
    for (name, value) in secrets {
        command.env(format!("CANARY_{name}"), value);
    }
    command.args(arguments).output().expect("the command runs")
}

fn contains(bytes: &[u8], needle: &str) -> bool {
    memchr::memmem::find(bytes, needle.as_bytes()).is_some()
}

#[test]
fn no_secret_is_in_anything_that_a_run_writes_or_prints() {
    let dir = place();
    let origin = |name: &str| match name {
        "xml" => "demo.xml = { file = \"xml.secret\" }\n".to_owned(),
        name => format!("demo.{name} = {{ env = \"CANARY_{name}\" }}\n"),
    };
    let secrets: String = SECRETS.iter().map(|(name, _)| origin(name)).collect();
    fs::write(dir.path().join("target.toml"), target(&secrets)).expect("written");
    fs::write(dir.path().join("xml.secret"), SECRETS[5].1.to_owned() + "\n").expect("written");
    let url = format!("http://{}", start());
    let reports: Vec<String> = Format::ALL.iter().map(|each| format!("{each}=o/more-{}", each.file_name())).collect();
    let mut arguments = vec!["run", "-vv", "--color", "always", "--base-url", &url, "--target", "target.toml"];
    arguments.extend(["--out", "o"]);
    arguments.extend(reports.iter().flat_map(|each| ["--report", each.as_str()]));
    let done = casebook(dir.path(), &arguments, &SECRETS);
    let tail = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(3000).collect::<String>();
    assert_eq!(done.status.code(), Some(1), "{}\n{}", tail(&done.stdout), tail(&done.stderr));
    let record = support::record(&dir.path().join("o"));
    assert_eq!(record.footer.counts.passed, 0, "everything fails, so that everything is told");
    assert_eq!(record.footer.counts.errored, 2, "{:?}", record.footer.counts);
    let again = casebook(dir.path(), &["report", "o/record.jsonl", "--format", "markdown"], &SECRETS);
    ends(&again, 0);
    assert!(out(&again).contains("$DEMO_JSON"), "a report was written");
    let dry = casebook(
        dir.path(),
        &["run", "--dry-run", "--base-url", &url, "--target", "target.toml", "--format", "json"],
        &SECRETS,
    );
    let verified = casebook(dir.path(), &["verify", "o", "--target", "target.toml"], &SECRETS);
    // A failure says how it is run again, and where.
    let below = format!("{url}/{}", percent(SECRETS[7].1));
    let elsewhere = ["run", "--no-probe", "--base-url", &below, "--target", "target.toml", "--out", "o/elsewhere"];
    let elsewhere = casebook(dir.path(), &elsewhere, &SECRETS);
    assert!(
        out(&elsewhere).contains("rerun     casebook run --target target.toml --base-url "),
        "{}",
        tail(&elsewhere.stdout)
    );
    let mut written: Vec<(String, Vec<u8>)> = vec![];
    let printed = [("run", done), ("report", again), ("dry run", dry), ("verify", verified), ("elsewhere", elsewhere)];
    for (name, output) in printed {
        written.push((format!("stdout of {name}"), output.stdout));
        written.push((format!("stderr of {name}"), output.stderr));
    }
    for entry in ["o", "o/elsewhere"].iter().flat_map(|out| fs::read_dir(dir.path().join(out)).expect("a directory")) {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            written.push((path.display().to_string(), fs::read(&path).expect("a file")));
        }
    }
    assert!(written.len() > Format::ALL.len() + 8, "{}", written.len());
    let mut leaks = Vec::new();
    let mut needles = needles();
    // What is cut or wrapped leaves a part; these are long enough to be nothing else.
    for (name, secret) in SECRETS {
        needles.push((format!("beginning of {name}"), secret.chars().take(10).collect()));
        needles.push((format!("line of {name}"), base64(secret)[..20].to_owned()));
        needles.push((format!("second line of {name}"), base64(secret)[20..].to_owned()));
    }
    let narrowed: Vec<(String, Vec<u8>)> = written
        .iter()
        .filter(|(_, bytes)| memchr::memchr(0, bytes).is_some() || contains(bytes, "u0000") || contains(bytes, "u{0}"))
        .map(|(place, bytes)| (format!("{place} without NULs"), narrow(bytes)))
        .collect();
    assert!(!narrowed.is_empty(), "answers in UTF-16 are shown");
    for (place, bytes) in written.iter().chain(&narrowed) {
        for (name, needle) in &needles {
            if contains(bytes, needle) {
                let at = memchr::memmem::find(bytes, needle.as_bytes()).unwrap_or_default();
                let around = String::from_utf8_lossy(&bytes[at.saturating_sub(60)..(at + 90).min(bytes.len())]);
                leaks.push(format!("{place}: {name}: {around:?}"));
            }
        }
    }
    // A body that is no text is kept as base64, behind which a secret could hide.
    for exchange in record.cases.iter().flat_map(|case| &case.exchanges) {
        let Some(encoded) = exchange.response.as_ref().and_then(|response| response.body.base64.as_ref()) else {
            continue;
        };
        let bytes = STANDARD.decode(encoded).expect("base64");
        leaks.extend(needles.iter().filter(|(_, needle)| contains(&bytes, needle)).map(|(name, _)| name.clone()));
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            let in_unit = |needle: &str| memchr::memmem::find(&bytes, &wide(unit, needle)).is_some();
            leaks.extend(needles.iter().filter(|(_, needle)| in_unit(needle)).map(|(name, _)| format!("{name}, wide")));
        }
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks[..leaks.len().min(40)].join("\n"));
}

#[test]
fn what_ordinary_text_could_hold_is_refused_as_a_secret() {
    for short in ["e", "\"", "true", "</"] {
        let dir = place();
        fs::write(dir.path().join("target.toml"), target("demo.header = { env = \"CANARY_header\" }\n"))
            .expect("written");
        let url = format!("http://{}", start());
        let arguments = ["run", "--base-url", &url, "--target", "target.toml", "--out", "o"];
        let done = casebook(dir.path(), &arguments, &[("header", short)]);
        let stderr = err(&done);
        ends(&done, 2);
        assert!(stderr.contains("demo.header") && stderr.contains("cannot be told from ordinary text"), "{stderr}");
    }
}

//! Ways to a service: addresses of names, Unix sockets, proxies, headers of every request; and what the guard makes of
//! where requests really go.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::spawn;

use crate::place::{Place, case, ends, err, of, version};
use crate::server::{Answer, Server};
use crate::tls;

/// A case that changes something.
fn writing() -> Place {
    Place::new(&case("one", "path = \"/x\"", "effect = \"write\""))
}

#[test]
fn a_name_has_the_address_that_it_is_given() {
    let server = Server::start(|_| Answer::ok());
    let port = server.addr.port();
    let raw = case("raw", "target = \"/a/../b\"", "");
    let place = Place::new(&(case("one", "path = \"/x\"", "effect = \"write\"") + &raw));
    place.target(&format!("http://api.example.test:{port}"), "");
    let resolve = format!("API.example.test:{port}:127.0.0.1");
    // It ends on this machine, whatever it is called: nothing has to be allowed.
    let record = place.fires(0, &["--resolve", &resolve]);
    assert_eq!(of(&record, "one").exchanges[0].url, format!("http://api.example.test:{port}/x"));
    assert!(record.header.warnings.iter().any(|warning| warning.contains("is taken to be 127.0.0.1")));
    let host = format!("api.example.test:{port}");
    assert!(server.asked().iter().all(|asked| asked.header("host") == Some(&host)), "{:?}", server.asked());
    let mut lines = server.lines();
    lines.sort();
    assert_eq!(lines, ["GET /a/../b", "GET /x"]);
    // For another port it is another name.
    let output =
        place.run(&["--target", "target.toml", "--resolve", &format!("api.example.test:{}:127.0.0.1", port - 1)]);
    ends(&output, 7);
}

#[test]
fn the_certificate_is_that_of_the_name() {
    let server = Server::tls(tls::config(&["h2", "http/1.1"], false), |_| Answer::ok());
    let port = server.addr.port();
    let place = Place::plain();
    place.write("root.pem", tls::root_pem());
    for (host, exit) in [("api.example.test", 0), ("other.example.test", 5)] {
        place.target(
            &format!("https://{host}:{port}"),
            &format!("[connection]\nca = \"root.pem\"\nresolve = [\"{host}:{port}:127.0.0.1\"]\n"),
        );
        ends(&place.run(&["--target", "target.toml"]), exit);
    }
}

#[test]
fn a_foreign_address_called_localhost_is_no_loopback() {
    let place = writing();
    place.target("http://localhost:8080", "[connection]\nresolve = [\"localhost:8080:203.0.113.9\"]\n");
    let output = place.run(&["--target", "target.toml"]);
    ends(&output, 7);
    assert!(err(&output).contains("refused for safety"), "{}", err(&output));
    place.target("http://localhost:8080", "");
    let output = place.run(&["--target", "target.toml", "--resolve", "LOCALHOST:8080:203.0.113.9"]);
    ends(&output, 7);
    let output = place.run(&["--target", "target.toml", "--proxy", "http://127.0.0.1:9"]);
    ends(&output, 7);
}

#[test]
fn everything_goes_to_the_unix_socket() {
    let place =
        Place::new(&(case("one", "path = \"/x\"", "effect = \"write\"") + &case("raw", "target = \"/a/../b\"", "")));
    let server = Server::unix(&place.path().join("service.sock"), |_| Answer::ok());
    place.target("http://api.example.test/v1", "[connection]\nunix_socket = \"service.sock\"\n");
    let record = place.fires(0, &[]);
    assert!(record.header.warnings.iter().any(|warning| warning.contains("service.sock")));
    let mut lines = server.lines();
    lines.sort();
    assert_eq!(lines, ["GET /v1/a/../b", "GET /v1/x"]);
    assert_eq!(server.asked()[0].header("host"), Some("api.example.test"));
    place.target("http://api.example.test/v1", "");
    place.fires(0, &["--unix-socket", "service.sock"]);
    let output = place.run(&["--target", "target.toml", "--unix-socket", "nothing.sock"]);
    ends(&output, 5);
    assert!(err(&output).contains("nothing.sock"), "{}", err(&output));
}

/// A proxy that sends everything to one service and keeps the heads that it was sent.
fn proxy(to: SocketAddr, wants: Option<&'static str>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = heads.clone();
    spawn(move || {
        for client in listener.incoming().flatten() {
            let kept = kept.clone();
            spawn(move || pass(client, to, wants, &kept));
        }
    });
    (addr, heads)
}

fn pass(mut client: TcpStream, to: SocketAddr, wants: Option<&str>, kept: &Mutex<Vec<String>>) -> Option<()> {
    loop {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if client.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        kept.lock().expect("no panic").push(text.clone());
        if wants.is_some_and(|wants| {
            !text.to_ascii_lowercase().contains(&format!("proxy-authorization: {wants}\r\n").to_ascii_lowercase())
        }) {
            client.write_all(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n").ok()?;
            continue;
        }
        let mut server = TcpStream::connect(to).ok()?;
        if text.starts_with("CONNECT ") {
            client.write_all(b"HTTP/1.1 200 Go\r\n\r\n").ok()?;
            let (mut from, mut into) = (client.try_clone().ok()?, server.try_clone().ok()?);
            spawn(move || std::io::copy(&mut from, &mut into));
            std::io::copy(&mut server, &mut client).ok()?;
            return None;
        }
        // One request, then the connection ends: enough for a GET without a body.
        let own = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
        server.write_all(own.as_bytes()).ok()?;
        std::io::copy(&mut server, &mut client).ok()?;
        return None;
    }
}

const PROXY_AUTH: &str = "proxy_auth = { user = \"${proxy.user}\", password = \"${proxy.password}\" }\n[variables]\nproxy.user = \"ada\"\n\
     [secrets]\nproxy.password = { env = \"PROXY_PASSWORD\" }\n";

#[test]
fn everything_goes_through_the_proxy_that_was_asked_for() {
    // echo -n ada:pr0xy-canary-secret | base64
    const WANTED: &str = "Basic YWRhOnByMHh5LWNhbmFyeS1zZWNyZXQ=";
    let plain = Server::start(|_| Answer::ok());
    let secure = Server::tls(tls::config(&["h2", "http/1.1"], false), |_| Answer::ok());
    let cases = case("one", "path = \"/x\"", "") + &case("raw", "target = \"/a/../b\"", "");
    for (server, url) in [(&plain, "http://api.example.test"), (&secure, "https://api.example.test")] {
        let (addr, heads) = proxy(server.addr, Some(WANTED));
        let place = Place::new(&cases);
        place.write("root.pem", tls::root_pem());
        place.target(url, &format!("[connection]\nca = \"root.pem\"\nproxy = \"http://{addr}\"\n{PROXY_AUTH}"));
        let run = |password: &str| {
            let mut command = place.command();
            command.env("PROXY_PASSWORD", password).args([
                "run",
                "--no-probe",
                "--out",
                "out",
                "--target",
                "target.toml",
                "-v",
            ]);
            command.output().expect("the command runs")
        };
        let output = run("pr0xy-canary-secret");
        ends(&output, 0);
        assert_eq!(server.lines().len(), 2, "{url}");
        assert!(
            server
                .asked()
                .iter()
                .all(|asked| asked.header("proxy-authorization").is_none() || url.starts_with("http:"))
        );
        let heads = heads.lock().expect("no panic").join("\n");
        let wanted =
            if url.starts_with("https") { "CONNECT api.example.test:443" } else { "GET http://api.example.test/x" };
        assert!(heads.contains(wanted), "{heads}");
        if !url.starts_with("https") {
            assert!(heads.contains("GET http://api.example.test/a/../b HTTP/1.1"), "{heads}");
        }
        let record = std::fs::read_to_string(place.path().join("out/record.jsonl")).expect("a record");
        for secret in ["pr0xy-canary-secret", WANTED.trim_start_matches("Basic ")] {
            assert!(
                !record.contains(secret)
                    && !crate::place::out(&output).contains(secret)
                    && !err(&output).contains(secret)
            );
        }
        // What the proxy answers is no answer of the service's.
        let output = run("another-secret");
        ends(&output, 5);
        let outcome = serde_json::to_value(&place.record().cases[0].outcome).expect("a verdict");
        assert_eq!(outcome["verdict"], "errored", "{outcome}");
        assert_eq!(server.lines().len(), 2, "nothing has passed");
    }
}

#[test]
fn a_proxy_of_the_environment_is_never_used() {
    let server = Server::start(|_| Answer::ok());
    let (addr, heads) = proxy(server.addr, None);
    let place = Place::plain();
    place.target(&server.http(), "");
    let mut command = place.command();
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        command.env(name, format!("http://{addr}"));
    }
    ends(&command.args(["run", "--no-probe", "--target", "target.toml"]).output().expect("the command runs"), 0);
    assert!(heads.lock().expect("no panic").is_empty());
    assert_eq!(server.lines().len(), 1);
}

#[test]
fn a_run_that_changes_something_elsewhere_says_so_before_its_first_request() {
    let server = Server::start(|_| Answer::ok());
    let (addr, _) = proxy(server.addr, None);
    let cases = case("one", "path = \"/x\"", "effect = \"write\"")
        + &case("two", "path = \"/y\"", "effect = \"destructive\"")
        + &case("three", "path = \"/z\"", "");
    let place = Place::new(&cases);
    let allow = "[safety]\nallow = [\"write\", \"destructive\"]\nhosts = [\"api.example.test\"]\n";
    place.target("http://api.example.test", &format!("[connection]\nproxy = \"http://{addr}\"\n{allow}"));
    for quiet in [&[][..], &["--quiet"]] {
        let mut arguments = vec!["--target", "target.toml"];
        arguments.extend(quiet);
        let output = place.run(&arguments);
        ends(&output, 0);
        let told = "about to change http://api.example.test: 1 write case, 1 destructive case";
        assert!(err(&output).contains(told), "{}", err(&output));
    }
    place.target(&server.http(), "");
    let output = place.run(&["--target", "target.toml"]);
    assert!(!err(&output).contains("about to change"), "this machine is nobody else's: {}", err(&output));
}

#[test]
fn headers_of_the_target_are_in_every_request_and_their_secrets_in_no_report() {
    let server = Server::start(|asked| Answer::ok().body(format!("{:?}", asked.headers)));
    let own = case("own", "path = \"/own\"\nheaders.X-Trace = \"mine\"", "");
    let place = Place::new(&(case("one", "path = \"/one\"", "") + &own));
    let target = "[headers]\nX-Gateway-Key = \"key ${gateway.key}\"\nX-Trace = \"theirs\"\n[secrets]\ngateway.key = { env = \"GATEWAY_KEY\" }\n";
    place.target(&server.http(), target);
    let mut command = place.command();
    command.env("GATEWAY_KEY", "g4teway-canary").args([
        "run",
        "--no-probe",
        "--out",
        "out",
        "--target",
        "target.toml",
        "-vv",
    ]);
    let output = command.output().expect("the command runs");
    ends(&output, 0);
    for asked in server.asked() {
        assert_eq!(asked.header("x-gateway-key"), Some("key g4teway-canary"));
        let trace = if asked.line.ends_with("/own") { "mine" } else { "theirs" };
        assert_eq!(asked.header("x-trace"), Some(trace));
    }
    for entry in std::fs::read_dir(place.path().join("out")).expect("reports").flatten() {
        let text = std::fs::read_to_string(entry.path()).expect("a report");
        assert!(!text.contains("g4teway-canary"), "{}", entry.path().display());
    }
    assert!(!crate::place::out(&output).contains("g4teway-canary"));
    place.target(&server.http(), "[headers]\nAuthorization = \"x\"\n");
    let output = place.run(&["--target", "target.toml"]);
    ends(&output, 2);
    assert!(err(&output).contains("write them under [auth]"), "{}", err(&output));
}

#[test]
fn the_record_shows_what_the_wire_carried() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    let wire: Arc<Mutex<Vec<u8>>> = Arc::default();
    let kept = wire.clone();
    spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = vec![0; 64 << 10];
            let mut request = Vec::new();
            while !request.ends_with(b"a body \xc3\xa9") && !request.starts_with(b"GET") {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => request.extend_from_slice(&buffer[..count]),
                }
            }
            kept.lock().expect("no panic").extend_from_slice(&request);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let request =
        "path = \"/a%2Fb//c\"\nquery_raw = \"x=%zz&&y\"\ntext = \"a body é\"\nheaders.X-Mixed-Case = [\"1\", \"2\"]\n";
    let place = Place::new(&case("one", request, "").replace("\"GET\"", "\"POST\""));
    place.target(&format!("http://{addr}"), "");
    let record = place.fires(0, &[]);
    let exchange = &record.cases[0].exchanges[0];
    let wire = String::from_utf8(wire.lock().expect("no panic").clone()).expect("text");
    let (head, body) = wire.split_once("\r\n\r\n").expect("a head");
    let (line, fields) = head.split_once("\r\n").expect("fields");
    assert_eq!(line, "POST /a%2Fb//c?x=%zz&&y HTTP/1.1");
    assert!(exchange.url.ends_with("/a%2Fb//c?x=%zz&&y"), "{}", exchange.url);
    assert_eq!(exchange.body.as_ref().and_then(|body| body.text.as_deref()), Some(body));
    // Beyond these two the wire carries no field that the record does not show.
    let own = ["host", "content-length"];
    let wire: Vec<(&str, &str)> = fields.lines().filter_map(|line| line.split_once(": ")).collect();
    let sent: Vec<(String, String)> = wire
        .iter()
        .filter(|(name, _)| !own.contains(name))
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut shown: Vec<(String, String)> =
        exchange.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    shown.sort();
    let mut sorted = sent;
    sorted.sort();
    assert_eq!(sorted, shown);
    assert_eq!(version(&record), "HTTP/1.1");
}

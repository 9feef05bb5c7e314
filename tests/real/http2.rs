//! Services that misbehave in HTTP/2: every case ends in time with an error, and nothing passes.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use casebook::model::verdict::Verdict;

use crate::place::{Place, case, of};
use crate::server::{Answer, Server};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 200` (RFC 7541, appendix A).
const OK: &[u8] = &[0x88];

/// A frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("it is small").to_be_bytes();
    let mut all = length[1..].to_vec();
    all.extend([kind, flags]);
    all.extend(stream.to_be_bytes());
    all.extend(payload);
    all
}

fn forever(stream: &mut TcpStream, bytes: &[u8]) {
    let bytes = bytes.repeat(1 + 4096 / bytes.len());
    while stream.write_all(&bytes).is_ok() {}
}

/// A way to misbehave once a request is there.
type Serve = fn(&mut TcpStream);

const BEHAVIOURS: &[(&str, Serve)] = &[
    ("goes-away", |s| drop(s.write_all(&frame(GOAWAY, 0, 0, &[0; 8])))),
    ("resets", |s| {
        let _ = s.write_all(&frame(RST_STREAM, 0, 1, &[0, 0, 0, 2]));
        sleep(Duration::from_secs(3));
    }),
    ("closes", |_| {}),
    ("says-nothing", |_| sleep(Duration::from_secs(8))),
    ("headers-never-end", |s| {
        let _ = s.write_all(&frame(HEADERS, 0, 1, OK));
        let field = [&[0x00, 0x03][..], b"x-a", &[0x7f, 0x00], &[b'a'; 127]].concat();
        forever(s, &frame(CONTINUATION, 0, 1, &field.repeat(20)));
    }),
    ("continuations-of-nothing", |s| {
        let _ = s.write_all(&frame(HEADERS, 0, 1, OK));
        forever(s, &frame(CONTINUATION, 0, 1, &[]));
    }),
    ("data-never-ends", |s| {
        let _ = s.write_all(&frame(HEADERS, END_HEADERS, 1, OK));
        forever(s, &frame(DATA, 0, 1, &[b' '; 16_000]));
    }),
    ("data-of-nothing", |s| {
        let _ = s.write_all(&frame(HEADERS, END_HEADERS, 1, OK));
        forever(s, &frame(DATA, 0, 1, &[]));
    }),
    ("pings", |s| forever(s, &frame(PING, 0, 0, &[0; 8]))),
    ("settings", |s| forever(s, &frame(SETTINGS, 0, 0, &[]))),
    ("pushes", |s| {
        let _ = s.write_all(&frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2, 0x82, 0x86, 0x84]));
        sleep(Duration::from_secs(3));
    }),
    ("interim-for-ever", |s| {
        // `:status: 103`, never indexed.
        let early = [&[0x08, 0x03][..], b"103"].concat();
        forever(s, &frame(HEADERS, END_HEADERS, 1, &early));
    }),
    ("no-status", |s| {
        let _ = s.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0x00, 0x01, b'a', 0x01, b'b']));
        sleep(Duration::from_secs(3));
    }),
    ("upper-case-names", |s| {
        let fields = [OK, &[0x00, 0x01, b'A', 0x01, b'b']].concat();
        let _ = s.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields));
        sleep(Duration::from_secs(3));
    }),
    ("compression-nonsense", |s| {
        let _ = s.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 40]));
        sleep(Duration::from_secs(3));
    }),
    ("frame-too-large", |s| {
        let _ = s.write_all(&frame(HEADERS, END_HEADERS, 1, OK));
        let _ = s.write_all(&frame(DATA, 0, 1, &[b' '; 1 << 20]));
        sleep(Duration::from_secs(3));
    }),
    ("another-stream", |s| {
        let _ = s.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 77, OK));
        sleep(Duration::from_secs(3));
    }),
    ("http-1", |s| {
        let _ = s.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        sleep(Duration::from_secs(3));
    }),
];

/// A service that takes the preface and a request, and behaves.
fn start(serve: Serve) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    spawn(move || {
        for mut stream in listener.incoming().flatten() {
            spawn(move || {
                let _ = stream.set_write_timeout(Some(Duration::from_secs(8)));
                let _ = stream.write_all(&frame(SETTINGS, 0, 0, &[]));
                // Preface, settings and the request come at once.
                let mut buffer = [0; 4096];
                let mut seen = 0;
                while seen < 60 {
                    match stream.read(&mut buffer) {
                        Ok(0) | Err(_) => return,
                        Ok(count) => seen += count,
                    }
                }
                // The request has come by then, if it had not yet.
                sleep(Duration::from_millis(50));
                serve(&mut stream);
            });
        }
    });
    url
}

#[test]
fn every_misbehaviour_in_http_2_ends_in_an_error_in_time() {
    let good = Server::start(|_| Answer::ok());
    let mut services = String::new();
    let place = Place::new(&(0..20).map(|at| case(&format!("good-{at}"), "path = \"/\"", "")).collect::<String>());
    place.write("cases/service.toml", "[service]\nid = \"demo\"\ntitle = \"Demo\"\ntimeout_ms = 1500\n");
    for (at, (name, serve)) in BEHAVIOURS.iter().enumerate() {
        let id = format!("s{at}");
        std::fs::create_dir(place.path().join("cases").join(&id)).expect("a directory");
        let service = format!("[service]\nid = \"{id}\"\ntitle = \"{name}\"\ntimeout_ms = 1500\n");
        place.write(&format!("cases/{id}/service.toml"), service);
        let cases = format!("suite = \"{id}\"\nservice = \"{id}\"\n\n{}", case(name, "path = \"/\"", ""));
        place.write(&format!("cases/{id}/cases.toml"), cases);
        services.push_str(&format!("{id} = \"{}\"\n", start(*serve)));
    }
    place.target(&good.http(), &services);
    let began = Instant::now();
    let output = place.run(&["--target", "target.toml", "--http", "2", "--jobs", "64", "--max-body", "100000"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_ne!(output.status.code(), Some(0));
    let record = place.record();
    let mut wrong = Vec::new();
    for case in &record.cases {
        let (suite, name) = case.id.as_str().split_once('/').expect("a suite and a name");
        match &case.outcome {
            Verdict::Passed if suite == "demo" => {}
            Verdict::Errored { detail, .. } if suite != "demo" && !detail.is_empty() => {}
            other => wrong.push(format!("{name}: {other:?}")),
        }
        if std::env::var_os("HOSTILE_TABLE").is_some() {
            println!("{name:<30} {:>6} ms  {:?}", case.elapsed_us / 1000, case.outcome);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(record.cases.len(), BEHAVIOURS.len() + 20);
    assert_eq!(
        of(&record, "good-0").exchanges[0].response.as_ref().map(|answer| answer.version.as_str()),
        Some("HTTP/2")
    );
}

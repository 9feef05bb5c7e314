//! Services that misbehave on purpose, from raw sockets: whatever they do, every case ends in time with a definite
//! verdict and its cause, nothing passes wrongly, memory stays small, and well-behaved neighbours are not disturbed.
//!
//! With `HOSTILE_TABLE` in the environment and `--nocapture`, what became of every case is printed.

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::{LazyLock, PoisonError, RwLock};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use casebook::model::judgement::MismatchKind;
use casebook::model::verdict::{Stage, Verdict};
use casebook::record::{CaseRecord, Record};
use flate2::Compression;
use flate2::write::GzEncoder;
use support::{CLAUSES, casebook};

/// Deadline of every exchange, milliseconds.
const DEADLINE: u64 = 1500;

/// Most bytes of a body.
const MAX_BODY: usize = 1 << 20;

/// What must become of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    /// The behaviour is odd and legal.
    Passed,
    Errored(Stage),
    Failed(MismatchKind),
    /// An answer to no request races the request that follows: it is either seen for what it is (an error, or a new
    /// connection and a pass), or comes when there is a request that it could be the answer to, and fails.
    Raced(Option<Stage>),
}

/// What an answer says that no request asked for.
const UNASKED: &str = "never asked for";

/// What it says when it comes late.
const TOO_LATE: &str = "too late";

/// The behaviour that answers once more when its connection may be in use by somebody else.
const LATE: &str = "late-answer-to-no-request";

use Wanted::{Errored, Failed, Passed, Raced};

/// How the case that meets a behaviour is written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Expects 200 and `{"ok": true}`.
    Json,
    /// Expects 200 and `<ok>true</ok>`.
    Xml,
    /// Expects 200 and a body that parses as its media type says.
    WellFormed,
    /// Sends four megabytes and expects 413.
    Upload,
    /// Asks the behaviour and then, on the same connection if it is kept, for a good answer.
    Then,
    /// Asks for a good answer and then, on the same connection if it is kept, the behaviour.
    After,
}

/// One way to misbehave.
struct Behaviour {
    name: &'static str,
    form: Form,
    wanted: Wanted,
    serve: fn(&mut TcpStream),
}

const fn on(name: &'static str, wanted: Wanted, serve: fn(&mut TcpStream)) -> Behaviour {
    Behaviour { name, form: Form::Json, wanted, serve }
}

const fn xml(name: &'static str, wanted: Wanted, serve: fn(&mut TcpStream)) -> Behaviour {
    Behaviour { name, form: Form::Xml, wanted, serve }
}

const fn of(form: Form, name: &'static str, wanted: Wanted, serve: fn(&mut TcpStream)) -> Behaviour {
    Behaviour { name, form, wanted, serve }
}

const GOOD: &[u8] = b"{\"ok\": true}";

/// The flood keeps this machine busy: its test runs alone, the others may run side by side.
static ALONE: RwLock<()> = RwLock::new(());

/// Keeps the whole client busy, and therefore has a test of its own.
const FLOOD: Behaviour = on("interim-flood", Errored(Stage::Timeout), |s| {
    drain(s);
    forever(s, &b"HTTP/1.1 102 Processing\r\n\r\n".repeat(2000));
});

/// Every behaviour. Whoever adds one states what must become of the case that meets it.
const BEHAVIOURS: &[Behaviour] = &[
    // The connection.
    on("close-at-once", Errored(Stage::Truncated), drain),
    on("reset-at-once", Errored(Stage::Truncated), |_| {}),
    on("reset-in-status-line", Errored(Stage::Truncated), |s| put(s, b"HTTP/1.1 20")),
    on("reset-in-headers", Errored(Stage::Truncated), |s| put(s, b"HTTP/1.1 200 OK\r\ncontent-le")),
    on("reset-in-body", Errored(Stage::Truncated), |s| {
        put(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"ok\"");
        sleep(Duration::from_millis(50));
    }),
    on("close-in-status-line", Errored(Stage::Truncated), |s| {
        drain(s);
        put(s, b"HTTP/1.1 20");
    }),
    on("close-in-headers", Errored(Stage::Truncated), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ncontent-le");
    }),
    on("closed-after-each", Passed, |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n");
        put(s, GOOD);
    }),
    on("until-close", Passed, |s| {
        drain(s);
        put(s, b"HTTP/1.0 200 OK\r\n\r\n");
        put(s, GOOD);
    }),
    // Time.
    on("nothing", Errored(Stage::Timeout), |s| {
        drain(s);
        stall();
    }),
    on("head-byte-by-byte", Errored(Stage::Timeout), |s| {
        drain(s);
        trickle(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n");
    }),
    on("body-byte-by-byte", Errored(Stage::Timeout), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n");
        trickle(s, GOOD);
    }),
    on("chunks-forever-slowly", Errored(Stage::Timeout), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while s.write_all(b"1\r\n \r\n").is_ok() {
            sleep(Duration::from_millis(100));
        }
    }),
    on("head-then-nothing", Errored(Stage::Timeout), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n");
        stall();
    }),
    on("continue-storm", Errored(Stage::Timeout), |s| {
        drain(s);
        let storm = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100);
        while s.write_all(&storm).is_ok() {
            sleep(Duration::from_millis(5));
        }
    }),
    of(Form::After, "loris-on-keep-alive", Errored(Stage::Timeout), |s| {
        drain(s);
        trickle(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n");
    }),
    // The head.
    on("headers-never-end", Errored(Stage::Protocol), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\n");
        forever(s, &b"x-a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(64));
    }),
    on("a-header-never-ends", Errored(Stage::Protocol), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\nx-a: ");
        forever(s, &[b'a'; 16 << 10]);
    }),
    on("a-reason-never-ends", Errored(Stage::Protocol), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 ");
        forever(s, &[b'a'; 16 << 10]);
    }),
    on("thousands-of-headers", Errored(Stage::Protocol), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n");
        put(s, &b"x-a: b\r\n".repeat(5000));
        put(s, b"\r\n");
        put(s, GOOD);
    }),
    on("set-cookie-flood", Errored(Stage::Protocol), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n");
        put(s, &format!("set-cookie: a={}\r\n", "b".repeat(200)).into_bytes().repeat(2000));
        put(s, b"\r\n");
        put(s, GOOD);
    }),
    on("fifty-cookies", Passed, |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n");
        put(s, &b"set-cookie: a=b; path=/\r\n".repeat(50));
        put(s, b"\r\n");
        put(s, GOOD);
    }),
    on("no-status-line", Errored(Stage::Protocol), |s| head(s, b"GOOD MORNING\r\n\r\n")),
    on("status-of-letters", Errored(Stage::Protocol), |s| head(s, b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n")),
    on("status-of-two-digits", Errored(Stage::Protocol), |s| head(s, b"HTTP/1.1 99 OK\r\ncontent-length: 0\r\n\r\n")),
    on("status-of-four-digits", Errored(Stage::Protocol), |s| {
        head(s, b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n");
    }),
    on("status-999", Failed(MismatchKind::Value), |s| {
        head(s, b"HTTP/1.1 999 X\r\ncontent-length: 12\r\n\r\n{\"ok\": true}");
    }),
    on("http-0.9", Errored(Stage::Protocol), |s| {
        drain(s);
        put(s, GOOD);
    }),
    on("http-2-unasked", Errored(Stage::Protocol), |s| {
        drain(s);
        put(s, b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\x10\0\0\0\x06\0\0\x20\0");
        stall();
    }),
    on("http-9.9", Errored(Stage::Protocol), |s| head(s, b"HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n")),
    on("tls-alert-on-a-plain-port", Errored(Stage::Protocol), |s| {
        drain(s);
        put(s, b"\x15\x03\x01\0\x02\x02\x46");
    }),
    on("header-with-nul", Errored(Stage::Protocol), |s| head(s, b"HTTP/1.1 200 OK\r\nx-a: a\0b\r\n\r\n")),
    on("header-with-bare-cr", Errored(Stage::Protocol), |s| {
        head(s, b"HTTP/1.1 200 OK\r\nx-a: a\rcontent-length: 0\r\n\r\n");
    }),
    on("header-name-with-space", Errored(Stage::Protocol), |s| head(s, b"HTTP/1.1 200 OK\r\nx a: b\r\n\r\n")),
    on("header-without-colon", Errored(Stage::Protocol), |s| head(s, b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n")),
    on("header-with-high-bytes", Passed, |s| {
        head(s, b"HTTP/1.1 200 \xff\xfe\r\nx-a: \xe9\xff\r\ncontent-length: 12\r\n\r\n{\"ok\": true}");
    }),
    on("escapes-in-reason", Passed, |s| {
        head(s, b"HTTP/1.1 200 ::error::<script>\r\ncontent-length: 12\r\n\r\n{\"ok\": true}");
    }),
    on("redirect-loop", Failed(MismatchKind::Value), |s| {
        head(s, b"HTTP/1.1 302 Found\r\nlocation: /redirect-loop\r\ncontent-length: 0\r\n\r\n");
    }),
    on("early-hints", Passed, |s| {
        head(s, b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"ok\": true}");
    }),
    on("continue-unasked", Passed, |s| {
        drain(s);
        put(s, &b"HTTP/1.1 100 Continue\r\n\r\n".repeat(20));
        put(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"ok\": true}");
    }),
    on("switching-unasked", Failed(MismatchKind::Value), |s| {
        head(s, b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n{\"ok\": true}");
    }),
    on("no-content-with-body", Failed(MismatchKind::Value), |s| {
        head(s, b"HTTP/1.1 204 No Content\r\ncontent-length: 12\r\n\r\n{\"ok\": true}");
    }),
    on("not-modified-unasked", Failed(MismatchKind::Value), |s| head(s, b"HTTP/1.1 304 Not Modified\r\n\r\n")),
    // Length.
    on("length-too-long", Errored(Stage::Truncated), |s| {
        head(s, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\": true}");
    }),
    on("length-too-short", Failed(MismatchKind::Malformed), |s| {
        head(s, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{\"ok\": true}");
    }),
    on("two-lengths", Errored(Stage::Protocol), |s| {
        head(s, b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\ncontent-length: 5\r\n\r\n{\"ok\": true}");
    }),
    on("negative-length", Errored(Stage::Protocol), |s| {
        head(s, b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{\"ok\": true}");
    }),
    on("length-beyond-64-bits", Errored(Stage::Protocol), |s| {
        head(s, b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n{\"ok\": true}");
    }),
    on("declared-gigabytes", Errored(Stage::BodyTooLarge), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ncontent-length: 9000000000\r\n\r\n{\"ok\": true}");
        stall();
    }),
    on("a-gigabyte", Errored(Stage::BodyTooLarge), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
        forever(s, &[b' '; 64 << 10]);
    }),
    on("a-gigabyte-until-close", Errored(Stage::BodyTooLarge), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\n\r\n");
        forever(s, &[b' '; 64 << 10]);
    }),
    on("endless-chunks", Errored(Stage::BodyTooLarge), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        forever(s, &[b"1000\r\n", &[b' '; 0x1000][..], b"\r\n"].concat());
    }),
    on("chunk-of-exabytes", Errored(Stage::BodyTooLarge), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7fffffffffffffff\r\n");
        forever(s, &[b' '; 64 << 10]);
    }),
    on("chunk-size-of-letters", Errored(Stage::Protocol), |s| {
        head(s, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{\"ok\": true}\r\n0\r\n\r\n");
    }),
    on("chunk-size-too-big", Errored(Stage::Protocol), |s| {
        head(s, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffffff\r\n");
    }),
    on("chunks-cut", Errored(Stage::Truncated), |s| {
        head(s, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nc\r\n{\"ok\": true}\r\n");
    }),
    on("chunk-extension-never-ends", Errored(Stage::Protocol), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;");
        forever(s, &[b'a'; 16 << 10]);
    }),
    on("trailers-never-end", Errored(Stage::Protocol), |s| {
        drain(s);
        put(s, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nc\r\n{\"ok\": true}\r\n0\r\n");
        forever(s, &b"x-a: b\r\n".repeat(1000));
    }),
    of(Form::Upload, "early-answer", Passed, |s| {
        put(s, b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        sleep(Duration::from_millis(300));
    }),
    // Content coding.
    on("gzip-bomb", Errored(Stage::BodyTooLarge), |s| coded(s, "gzip", bomb())),
    on("gzip-bomb-in-gzip", Errored(Stage::BodyTooLarge), |s| coded(s, "gzip, gzip", &gzip(bomb()))),
    on("ten-codings", Errored(Stage::Decode), |s| {
        coded(s, "gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip", &gzip(GOOD));
    }),
    on("gzip-cut", Errored(Stage::Decode), |s| coded(s, "gzip", &gzip(GOOD)[..20])),
    on("no-gzip", Errored(Stage::Decode), |s| coded(s, "gzip", GOOD)),
    on("gzip-with-wrong-checksum", Errored(Stage::Decode), |s| {
        let mut bytes = gzip(GOOD);
        let end = bytes.len() - 8;
        bytes[end] ^= 1;
        coded(s, "gzip", &bytes);
    }),
    on("unknown-coding", Errored(Stage::Decode), |s| coded(s, "br", GOOD)),
    on("gzip-unasked", Passed, |s| coded(s, "gzip", &gzip(GOOD))),
    // JSON.
    on("empty", Failed(MismatchKind::Malformed), |s| json(s, b"")),
    on("no-utf-8", Failed(MismatchKind::Malformed), |s| json(s, b"{\"ok\": \"\xff\xfe\"}")),
    on("utf-16-that-says-utf-8", Failed(MismatchKind::Malformed), |s| json(s, b"\xff\xfe{\0\"\0o\0k\0\"\0:\0t\0}\0")),
    on("byte-order-mark", Failed(MismatchKind::Malformed), |s| json(s, b"\xef\xbb\xbf{\"ok\": true}")),
    on("json-ten-thousand-deep", Failed(MismatchKind::Malformed), |s| {
        json(s, &[b"[".repeat(10_000), b"]".repeat(10_000)].concat());
    }),
    on("json-only-opened", Failed(MismatchKind::Malformed), |s| json(s, &b"{\"a\":".repeat(100_000))),
    on("duplicate-keys", Failed(MismatchKind::Duplicate), |s| json(s, b"{\"ok\": true, \"ok\": true}")),
    on("forty-thousand-keys", Failed(MismatchKind::Unexpected), |s| {
        let keys: Vec<String> = (0..40_000).map(|at| format!("\"k{at}\":1")).collect();
        json(s, format!("{{\"ok\": true, {}}}", keys.join(",")).as_bytes());
    }),
    on("one-key-forty-thousand-times", Failed(MismatchKind::Duplicate), |s| {
        json(s, format!("{{{}}}", vec!["\"ok\": true"; 40_000].join(",")).as_bytes());
    }),
    on("number-1e400", Failed(MismatchKind::Type), |s| json(s, b"{\"ok\": 1e400}")),
    on("number-with-huge-exponent", Failed(MismatchKind::Type), |s| json(s, b"{\"ok\": 1e999999999999999999}")),
    on("number-of-half-a-megabyte", Failed(MismatchKind::Type), |s| {
        json(s, format!("{{\"ok\": {}}}", "9".repeat(500_000)).as_bytes());
    }),
    on("lone-surrogate", Failed(MismatchKind::Malformed), |s| json(s, b"{\"ok\": \"\\ud800\"}")),
    on("nul-in-json", Failed(MismatchKind::Malformed), |s| json(s, b"{\"ok\": \"\0\"}")),
    on("text-behind-json", Failed(MismatchKind::Malformed), |s| json(s, b"{\"ok\": true} and more")),
    on("not-a-number", Failed(MismatchKind::Malformed), |s| json(s, b"{\"ok\": NaN}")),
    on("page-instead-of-json", Failed(MismatchKind::Malformed), |s| {
        head(s, b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 20\r\n\r\n<h1>Bad gateway</h1>");
    }),
    on("charset-that-json-has-not", Passed, |s| {
        typed(s, "application/json; charset=utf-16", GOOD);
    }),
    of(Form::WellFormed, "no-media-type", Failed(MismatchKind::Malformed), |s| typed(s, ";;;", GOOD)),
    // XML.
    xml("xml-ten-thousand-deep", Failed(MismatchKind::Malformed), |s| {
        markup(s, &("<a>".repeat(10_000) + &"</a>".repeat(10_000)));
    }),
    xml("million-laughs", Failed(MismatchKind::Malformed), |s| {
        let mut text = "<!DOCTYPE ok [<!ENTITY l0 \"ha\">".to_owned();
        for at in 1..20 {
            text += &format!("<!ENTITY l{at} \"{}\">", format!("&l{};", at - 1).repeat(10));
        }
        markup(s, &(text + "]><ok>&l19;</ok>"));
    }),
    xml("external-entity", Failed(MismatchKind::Malformed), |s| {
        markup(s, "<!DOCTYPE ok [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><ok>&x;</ok>");
    }),
    xml("twenty-thousand-attributes", Failed(MismatchKind::Malformed), |s| {
        let attributes: Vec<String> = (0..20_000).map(|at| format!("a{at}=\"\"")).collect();
        markup(s, &format!("<ok {}>true</ok>", attributes.join(" ")));
    }),
    xml("twenty-thousand-namespaces", Failed(MismatchKind::Malformed), |s| {
        let names: Vec<String> = (0..20_000).map(|at| format!("xmlns:a{at}=\"u:{at}\"")).collect();
        markup(s, &format!("<ok {}>true</ok>", names.join(" ")));
    }),
    xml("hundred-thousand-elements", Failed(MismatchKind::Value), |s| {
        markup(s, &format!("<ok>{}</ok>", "<a/>".repeat(100_000)));
    }),
    xml("two-roots", Failed(MismatchKind::Malformed), |s| markup(s, "<ok>true</ok><ok>true</ok>")),
    xml("never-closed", Failed(MismatchKind::Malformed), |s| markup(s, "<ok>true")),
    xml("xml-that-lies-about-its-encoding", Failed(MismatchKind::Malformed), |s| {
        typed(s, "application/xml", b"<?xml version=\"1.0\" encoding=\"utf-16\"?><ok>\xe9</ok>");
    }),
    xml("xml-in-utf-16", Passed, |s| {
        typed(
            s,
            "application/xml",
            &utf_16(u16::to_le_bytes, "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-16\"?><ok>true</ok>"),
        );
    }),
    xml("xml-in-utf-16-the-other-way-round", Passed, |s| {
        typed(s, "application/xml; charset=utf-16", &utf_16(u16::to_be_bytes, "\u{feff}<ok>true</ok>"));
    }),
    xml("xml-behind-a-byte-order-mark", Passed, |s| markup(s, "\u{feff}<ok>true</ok>")),
    xml("xml-in-utf-16-cut-in-a-character", Failed(MismatchKind::Malformed), |s| {
        typed(s, "application/xml", &utf_16(u16::to_le_bytes, "\u{feff}<ok>true</ok>")[..27]);
    }),
    xml("utf-16-of-half-a-pair", Failed(MismatchKind::Malformed), |s| {
        typed(s, "application/xml", b"\xff\xfe<\0\0\xd8");
    }),
    xml("control-character-in-xml", Failed(MismatchKind::Malformed), |s| markup(s, "<ok>true&#1;</ok>")),
    // What nobody asked for.
    of(Form::Then, "answer-to-no-request", Passed, |s| {
        drain(s);
        put(s, &[&ok(GOOD)[..], &unasked(UNASKED)].concat());
        keep(s);
    }),
    of(Form::Then, LATE, Raced(None), |s| {
        drain(s);
        put(s, &ok(GOOD));
        sleep(Duration::from_millis(20));
        put(s, &unasked(TOO_LATE));
        keep(s);
    }),
    of(Form::Then, "garbage-behind-the-answer", Passed, |s| {
        drain(s);
        put(s, &[&ok(GOOD)[..], &[0xff; 5000]].concat());
        keep(s);
    }),
    of(Form::Then, "closed-while-idle", Passed, |s| {
        drain(s);
        put(s, &ok(GOOD));
    }),
    // Neighbours that behave.
    on("good-1", Passed, good),
    on("good-2", Passed, good),
    on("good-3", Passed, good),
];

fn good(stream: &mut TcpStream) {
    drain(stream);
    put(stream, &ok(GOOD));
    keep(stream);
}

// What servers are made of. Writing to a client that has gone is no error of a test.

fn put(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

/// Reads the request away. A connection that is closed with bytes unread is reset.
fn drain(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
}

fn head(stream: &mut TcpStream, answer: &[u8]) {
    drain(stream);
    put(stream, answer);
}

fn stall() {
    sleep(Duration::from_millis(6 * DEADLINE));
}

fn trickle(stream: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes {
        put(stream, &[*byte]);
        sleep(Duration::from_secs(1));
    }
}

/// Until the client has had enough.
fn forever(stream: &mut TcpStream, bytes: &[u8]) {
    while stream.write_all(bytes).is_ok() {}
}

fn ok(body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len())
            .into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// An answer to nothing.
fn unasked(says: &str) -> Vec<u8> {
    ok(format!("{{\"ok\": \"{says}\"}}").as_bytes())
}

fn json(stream: &mut TcpStream, body: &[u8]) {
    drain(stream);
    put(stream, &ok(body));
}

fn markup(stream: &mut TcpStream, body: &str) {
    typed(stream, "application/xml", body.as_bytes());
}

fn utf_16(unit: fn(u16) -> [u8; 2], text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn typed(stream: &mut TcpStream, media: &str, body: &[u8]) {
    drain(stream);
    let length = body.len();
    put(stream, format!("HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n").as_bytes());
    put(stream, body);
}

fn coded(stream: &mut TcpStream, coding: &str, body: &[u8]) {
    drain(stream);
    let length = body.len();
    put(
        stream,
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {length}\r\n\r\n").as_bytes(),
    );
    put(stream, body);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Made once: packing it takes longer than a run.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(&vec![0; 64 << 20]));

fn bomb() -> &'static [u8] {
    &BOMB
}

/// Goes on serving the connection by path.
fn keep(stream: &mut TcpStream) {
    serve(stream, &|path| name_of(path).to_owned());
}

fn name_of(path: &str) -> &str {
    path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default()
}

/// Looks at the request without taking it, and behaves as its path says.
fn serve(stream: &mut TcpStream, choose: &dyn Fn(&str) -> String) {
    let mut buffer = [0; 2048];
    let Ok(count) = stream.peek(&mut buffer) else { return };
    let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
    let Some(path) = text.lines().next().and_then(|line| line.split(' ').nth(1)) else { return };
    let name = choose(path);
    if let Some(behaviour) = BEHAVIOURS.iter().chain([&FLOOD]).find(|each| each.name == name) {
        (behaviour.serve)(stream);
    }
}

/// A service that chooses its behaviour by the path of the request.
fn start(choose: fn(&str) -> String) -> SocketAddr {
    // Not while the deadline of the case that asks for it runs.
    LazyLock::force(&BOMB);
    listen(move |stream| serve(stream, &choose))
}

fn listen(serve: impl Fn(&mut TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), serve) = (stream, serve.clone()) else { continue };
            spawn(move || {
                // A test's threads end even where the client under test would not.
                let _ = stream.set_read_timeout(Some(Duration::from_secs(8)));
                let _ = stream.set_write_timeout(Some(Duration::from_secs(8)));
                let _ = stream.set_nodelay(true);
                serve(&mut stream);
            });
        }
    });
    address
}

/// Accepts one connection, the one that tells whether the target is there, and is gone.
fn gone() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    spawn(move || drop(listener.accept()));
    address
}

// The suite.

fn service_file(id: &str) -> String {
    format!("[service]\nid = \"{id}\"\ntitle = \"{id}\"\ntimeout_ms = {DEADLINE}\n")
}

fn expect(form: Form) -> &'static str {
    match form {
        Form::Json | Form::Then | Form::After => "status = 200\njson = '{\"ok\": true}'\n",
        Form::Xml => "status = 200\nxml = '<ok>true</ok>'\n",
        Form::WellFormed => "status = 200\nbody = \"well-formed\"\n",
        Form::Upload => "status = 413\nbody = \"empty\"\n",
    }
}

fn case(id: &str, form: Form, path: &str) -> String {
    let start = format!("[[case]]\nid = \"{id}\"\ntitle = \"t\"\nclauses = [\"DEM-01\"]\neffect = \"read\"\n");
    let expect = expect(form);
    let step = |name: &str, path: &str| {
        format!(
            "[[case.step]]\nid = \"{name}\"\nrequest = {{ method = \"GET\", path = \"{path}\" }}\n[case.step.expect]\n{expect}"
        )
    };
    let rest = match form {
        Form::Then => step("first", path) + &step("second", "/good-1"),
        Form::After => step("first", "/good-1") + &step("second", path),
        Form::Upload => format!(
            "[case.request]\nmethod = \"POST\"\npath = \"{path}\"\ntext = \"${{text('x', 4000000)}}\"\n[case.expect]\n{expect}"
        ),
        _ => format!("[case.request]\nmethod = \"GET\"\npath = \"{path}\"\n[case.expect]\n{expect}"),
    };
    start + &rest + "\n"
}

struct Suite {
    dir: tempfile::TempDir,
}

impl Suite {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(dir.path().join("cases/demo")).expect("a directory");
        fs::write(dir.path().join("cases/demo/clauses.toml"), CLAUSES).expect("written");
        Self { dir }
    }

    fn service(&self, id: &str, cases: &str) {
        let here = self.dir.path().join("cases").join(id);
        fs::create_dir_all(&here).expect("a directory");
        fs::write(here.join("service.toml"), service_file(id)).expect("written");
        let text = format!("service = \"{id}\"\nsuite = \"{id}\"\n\n{cases}");
        fs::write(here.join("cases.toml"), text).expect("written");
    }

    fn run(&self, arguments: &[String]) -> Run {
        run(self.dir.path(), arguments)
    }
}

/// What a run was like from the outside, and its record.
struct Run {
    elapsed: Duration,
    /// Most memory that the process held, in kilobytes.
    peak: u64,
    exit: Option<i32>,
    stderr: String,
    record: Option<Record>,
}

fn run(here: &Path, arguments: &[String]) -> Run {
    let began = Instant::now();
    let errors = fs::File::create(here.join("stderr")).expect("a file");
    let mut child = casebook(here)
        .args(["run", "--out", "o", "-q", "--max-body", &MAX_BODY.to_string()])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .expect("the command runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let exit = loop {
        if let Ok(text) = fs::read_to_string(&status)
            && let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:"))
        {
            peak = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(peak).max(peak);
        }
        if let Some(exit) = child.try_wait().expect("the child is ours") {
            break exit.code();
        }
        if began.elapsed() > Duration::from_secs(120) {
            child.kill().expect("the child is ours");
            panic!("the run does not end");
        }
        sleep(Duration::from_millis(5));
    };
    let elapsed = began.elapsed();
    let stderr = fs::read_to_string(here.join("stderr")).unwrap_or_default();
    let record = here.join("o/record.jsonl").exists().then(|| support::record(&here.join("o")));
    Run { elapsed, peak, exit, stderr, record }
}

fn text(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|&each| each.to_owned()).collect()
}

/// Whether a case ended as it must.
fn fits(case: &CaseRecord, wanted: Wanted) -> bool {
    match (&case.outcome, wanted) {
        (Verdict::Passed, Passed) => true,
        (Verdict::Errored { stage, detail }, Errored(wanted)) => *stage == wanted && !detail.is_empty(),
        (Verdict::Passed, Raced(None)) | (Verdict::Failed, Raced(_)) => true,
        (Verdict::Errored { stage, .. }, Raced(Some(wanted))) => *stage == wanted,
        (Verdict::Failed, Failed(kind)) => case.judgement.mismatches.iter().any(|each| each.kind == kind),
        _ => false,
    }
}

/// Memory of a run that does next to nothing, in kilobytes.
fn trivial() -> u64 {
    let suite = Suite::new();
    suite.service("demo", &case("good-1", Form::Json, "/good-1"));
    let address = start(|path| name_of(path).to_owned());
    let run = suite.run(&text(&["--base-url", &format!("http://{address}")]));
    assert_eq!(run.exit, Some(0), "{}", run.stderr);
    run.peak
}

/// Most memory above a trivial run, in kilobytes.
const MEMORY: u64 = 100 << 10;

/// Every behaviour at once: each case ends as it must, and the run in time and with little memory.
#[expect(clippy::print_stdout, reason = "the table that was asked for")]
fn battery(reuse: bool) {
    let _beside = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let baseline = trivial();
    let suite = Suite::new();
    let all: String = BEHAVIOURS.iter().map(|each| case(each.name, each.form, &format!("/{}", each.name))).collect();
    suite.service("demo", &all);
    // Behaviours of a whole port, not of a path.
    suite.service("gone", &case("refused", Form::Json, "/"));
    suite.service("first", &case("speaks-first", Form::Json, "/"));
    suite.service("cut", &case("tls-cut", Form::Json, "/"));
    suite.service("plain", &case("tls-to-a-plain-port", Form::Json, "/"));
    suite.service("mute", &case("tls-never-answered", Form::Json, "/"));
    let ports: &[(&str, &str, SocketAddr, Wanted)] = &[
        ("gone", "http", gone(), Errored(Stage::Connect)),
        ("first", "http", listen(|s| put(s, &unasked(UNASKED))), Raced(Some(Stage::Protocol))),
        ("cut", "https", listen(|s| drop(s.read(&mut [0; 4096]))), Errored(Stage::Tls)),
        (
            "plain",
            "https",
            listen(|s| {
                let _ = s.read(&mut [0; 4096]);
                put(s, b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
                let _ = s.shutdown(Shutdown::Write);
                stall();
            }),
            Errored(Stage::Tls),
        ),
        ("mute", "https", listen(|_| stall()), Errored(Stage::Timeout)),
    ];
    let mut arguments = text(&["--jobs", "128", "--base-url"]);
    arguments.push(format!("demo=http://{}", start(|path| name_of(path).to_owned())));
    for (service, scheme, address, _) in ports {
        arguments.extend(["--base-url".to_owned(), format!("{service}={scheme}://{address}")]);
    }
    if reuse {
        arguments.push("--reuse".to_owned());
    }
    let run = suite.run(&arguments);
    let record = run.record.as_ref().expect("a record");
    assert_eq!(run.exit, Some(5), "some ports cannot be reached: {}", run.stderr);
    assert_eq!(record.cases.len(), BEHAVIOURS.len() + ports.len());
    assert_eq!(record.cases.len(), record.header.selected.len());
    let mut wrong = Vec::new();
    let (mut late_passed, mut strayed) = (false, Vec::new());
    for case in &record.cases {
        let (service, name) = case.id.as_str().split_once('/').expect("a suite and a name");
        let wanted = match ports.iter().find(|(id, ..)| *id == service) {
            Some((.., wanted)) => *wanted,
            None => BEHAVIOURS.iter().find(|each| each.name == name).expect("a behaviour").wanted,
        };
        // On a connection of its own nobody is there for an answer that comes late.
        let wanted = if !reuse && name == LATE { Passed } else { wanted };
        late_passed |= name == LATE && case.outcome == Verdict::Passed;
        if std::env::var_os("HOSTILE_TABLE").is_some() {
            println!("{:<36} {:>6} ms  {:?}", case.id.as_str(), case.elapsed_us / 1000, case.outcome);
        }
        // A redirect is an answer, and not an order.
        assert!(name != "redirect-loop" || case.exchanges.len() == 1);
        if fits(case, wanted) {
            continue;
        }
        let kinds: Vec<MismatchKind> = case.judgement.mismatches.iter().map(|each| each.kind).take(5).collect();
        let came = case.judgement.mismatches.first().map(|first| first.actual.as_str());
        let line = format!("{}: wanted {wanted:?}, was {:?} {kinds:?} {came:?}", case.id, case.outcome);
        let late = case.judgement.mismatches.iter().any(|each| each.actual.contains(TOO_LATE));
        if reuse && late { strayed.push(line) } else { wrong.push(line) }
    }
    // The late answer belongs to whichever request is next on its connection, and to no second one.
    if strayed.len() > usize::from(late_passed) {
        wrong.append(&mut strayed);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run.elapsed < Duration::from_secs(15), "{:?}", run.elapsed);
    assert!(run.peak < baseline + MEMORY, "{} kB over {baseline} kB", run.peak - baseline);
}

#[test]
fn every_misbehaviour_ends_in_its_verdict_in_time_and_disturbs_no_other_case() {
    battery(false);
}

/// Connections that are kept meet what services do between answers: slow ones, cut ones, answers that nobody asked for.
#[test]
fn with_kept_connections_no_more_than_one_late_answer_reaches_another_case() {
    battery(true);
}

/// Answers well; and once more before the answer to whatever request comes next on the connection.
fn late(stream: &mut TcpStream) {
    drain(stream);
    put(stream, &ok(GOOD));
    if stream.peek(&mut [0]).is_ok_and(|count| count > 0) {
        put(stream, &unasked(TOO_LATE));
        // By then whoever takes it for an answer has it.
        sleep(Duration::from_millis(50));
        keep(stream);
    }
}

#[test]
fn an_answer_that_comes_late_reaches_the_next_case_only_if_connections_are_kept() {
    let _beside = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let suite = Suite::new();
    suite.service("demo", &(case("a", Form::Json, "/late") + &case("b", Form::Json, "/good-1")));
    let address = listen(|stream| {
        let mut start = [0; 9];
        if stream.peek(&mut start).is_ok() && start == *b"GET /late" { late(stream) } else { keep(stream) }
    });
    let arguments = text(&["--jobs", "1", "--no-probe", "--base-url", &format!("http://{address}")]);
    let kept = suite.run(&[&arguments[..], &text(&["--reuse"])].concat()).record.expect("a record");
    let came = kept.cases[1].judgement.mismatches.first().map(|first| first.actual.as_str());
    assert_eq!((&kept.cases[0].outcome, &kept.cases[1].outcome), (&Verdict::Passed, &Verdict::Failed));
    assert!(came.is_some_and(|came| came.contains(TOO_LATE)), "{came:?}");
    let apart = suite.run(&arguments).record.expect("a record");
    assert!(apart.cases.iter().all(|case| case.outcome == Verdict::Passed), "{:?}", apart.cases);
}

/// A flood that comes as fast as the socket takes it is bounded, and whoever is beside it gets its answers.
#[test]
fn a_flood_of_interim_answers_does_not_starve_its_neighbours() {
    let _alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let suite = Suite::new();
    let rows: String = (0..200).map(|at| format!("[[case.row]]\nid = \"{at}\"\n")).collect();
    let good = case("good-1", Form::Json, "/good-1") + &rows;
    let flood = case("flood", Form::Json, "/interim-flood");
    // A target that no URL library keeps goes over a connection of casebook's own, which counts.
    let raw = case("raw", Form::Json, "/interim-flood/../x").replace("path = ", "target = ");
    suite.service("demo", &good);
    suite.service("flood", &(flood + &raw));
    // The neighbours have the time that a service has unless told otherwise: theirs come later, and come.
    let file = suite.dir.path().join("cases/demo/service.toml");
    fs::write(file, "[service]\nid = \"demo\"\ntitle = \"demo\"\n").expect("written");
    let address = start(|path| name_of(path).to_owned());
    let run = suite.run(&text(&["--jobs", "16", "--base-url", &format!("http://{address}")]));
    let record = run.record.as_ref().expect("a record");
    for case in &record.cases {
        let wanted = match case.id.as_str() {
            "flood/raw" => Errored(Stage::Protocol),
            id if id.starts_with("flood/") => FLOOD.wanted,
            _ => Passed,
        };
        assert!(fits(case, wanted), "{}: {:?}", case.id, case.outcome);
    }
    assert_eq!(record.cases.len(), 202);
    let good = record.cases.iter().filter(|case| case.outcome == Verdict::Passed);
    let slowest = good.map(|case| case.elapsed_us).max().expect("there are some");
    if std::env::var_os("HOSTILE_TABLE").is_some() {
        println!("the slowest neighbour took {slowest} us, the whole run {:?}", run.elapsed);
    }
    assert!(run.elapsed < Duration::from_secs(60), "{:?}", run.elapsed);
}

#[test]
fn a_target_that_is_not_there_is_told_once() {
    let suite = Suite::new();
    suite.service("demo", &case("good-1", Form::Json, "/good-1"));
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("an address");
    let run = suite.run(&text(&["--base-url", &format!("http://{address}")]));
    assert_eq!(run.exit, Some(5), "{}", run.stderr);
    assert!(run.stderr.contains("connection refused"), "{}", run.stderr);
}

/// How a path of the random run misbehaves: the same in every run of this test.
fn chosen(number: usize) -> &'static Behaviour {
    // An odd multiplier spreads consecutive numbers over the table.
    &BEHAVIOURS[number.wrapping_mul(0x9e37_79b9).wrapping_add(0x0bad_5eed) / 7 % BEHAVIOURS.len()]
}

#[test]
fn a_thousand_cases_against_a_service_that_misbehaves_at_random_are_all_accounted_for() {
    at_random(false);
}

#[test]
fn with_kept_connections_a_thousand_cases_are_all_accounted_for() {
    at_random(true);
}

#[expect(clippy::print_stdout, reason = "the table that was asked for")]
fn at_random(reuse: bool) {
    let _beside = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let baseline = trivial();
    let suite = Suite::new();
    let one = |form: Form, id: &str| {
        let rows: String = (0..1000)
            .filter(|at| matches!(chosen(*at).form, Form::Xml) == (form == Form::Xml))
            .map(|at| format!("[[case.row]]\nid = \"{at}\"\nat = {at}\n"))
            .collect();
        case(id, form, "/random/${row.at}") + &rows + "\n"
    };
    suite.service("demo", &(one(Form::Json, "json") + &one(Form::Xml, "xml")));
    // Of a path that no case has the service knows nothing.
    let address = start(|path| match path.strip_prefix("/random/").map(str::parse) {
        Some(Ok(number)) => chosen(number).name.to_owned(),
        Some(Err(_)) => String::new(),
        None => name_of(path).to_owned(),
    });
    let mut arguments = text(&["--jobs", "64", "--base-url", &format!("http://{address}")]);
    arguments.extend(reuse.then(|| "--reuse".to_owned()));
    let run = suite.run(&arguments);
    let record = run.record.as_ref().expect("a record");
    assert_eq!(run.exit, Some(1), "{} {:?}", run.stderr, record.footer.reasons);
    assert_eq!((record.header.selected.len(), record.cases.len()), (1000, 1000));
    let counts = &record.footer.counts;
    assert_eq!(counts.passed + counts.failed + counts.errored, 1000, "{counts:?}");
    let mut wrong = Vec::new();
    for case in &record.cases {
        let at = case.id.as_str().split(['[', ']']).nth(1).expect("a row");
        let behaviour = chosen(at.parse().expect("a number"));
        if std::env::var_os("HOSTILE_TABLE").is_some() {
            println!("{:<36} {:>6} ms  {:?}", behaviour.name, case.elapsed_us / 1000, case.outcome);
        }
        if reuse {
            // What an answer that came late did to the next case nobody can say beforehand.
            let may_pass = matches!(behaviour.wanted, Passed | Raced(None)) || behaviour.form == Form::WellFormed;
            let unsure = matches!(case.outcome, Verdict::Errored { stage: Stage::Internal | Stage::Template, .. });
            if unsure || (case.outcome == Verdict::Passed && !may_pass) {
                wrong.push(format!("{} against {}: {:?}", case.id, behaviour.name, case.outcome));
            }
            continue;
        }
        let fits = match behaviour.form {
            // These are answers to other requests, or held against less, than what is asked and expected here.
            Form::Upload => case.outcome == Verdict::Failed,
            Form::WellFormed => matches!(case.outcome, Verdict::Passed | Verdict::Failed),
            _ if behaviour.name == LATE => case.outcome == Verdict::Passed,
            // Of many floods at once, some reach their deadline before the cap.
            _ if behaviour.wanted == Errored(Stage::BodyTooLarge) => {
                fits(case, behaviour.wanted) || fits(case, Errored(Stage::Timeout))
            }
            _ => fits(case, behaviour.wanted),
        };
        if !fits {
            wrong.push(format!("{} against {}: {:?}", case.id, behaviour.name, case.outcome));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run.elapsed < Duration::from_secs(60), "{:?}", run.elapsed);
    assert!(run.peak < baseline + MEMORY, "{} kB over {baseline} kB", run.peak - baseline);
}

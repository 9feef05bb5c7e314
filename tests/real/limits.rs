//! What a target asks to be spared: connections, and waits that a service asks for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use casebook::model::verdict::Verdict;

use crate::place::{Place, case, err, of, out};
use crate::server::{Answer, Server};

#[test]
fn a_host_has_no_more_requests_at_a_time_than_its_target_says() {
    let server = Server::start(|_| Answer::ok().after(Duration::from_millis(20)));
    let cases: String = (0..24).map(|at| case(&format!("c{at}"), &format!("path = \"/{at}\""), "")).collect();
    let place = Place::new(&cases);
    place.target(&server.http(), "[limits]\njobs = 24\nconnections = 3\n");
    place.fires(0, &[]);
    assert_eq!(server.lines().len(), 24);
    assert_eq!(server.most_busy(), 3);
    // The connection of the look whether anybody is there may not be gone yet when the first case begins.
    assert!(server.most_open() <= 4, "{} connections", server.most_open());
}

/// How many connections five requests in a row came on.
fn connections(server: &Server, http: &str, more: &str, arguments: &[&str]) -> usize {
    let cases: String = (0..5).map(|at| case(&format!("c{at}"), &format!("path = \"/{at}\""), "")).collect();
    let place = Place::new(&cases);
    place.target(&server.http(), &format!("[limits]\njobs = 1\n[connection]\nhttp = \"{http}\"\n{more}"));
    let before = server.asked().len();
    let record = place.fires(0, arguments);
    let told = record.header.warnings.iter().any(|warning| warning.contains("connections are kept"));
    let asked = server.asked().split_off(before);
    let used: BTreeSet<usize> = asked.iter().map(|asked| asked.connection).collect();
    // What lets an answer to one request reach another is told in the reports.
    assert_eq!(told, used.len() == 1, "{:?}", record.header.warnings);
    used.len()
}

#[test]
fn every_request_has_a_connection_of_its_own_unless_the_target_or_the_command_line_keeps_them() {
    let server = Server::start(|_| Answer::ok());
    for http in ["1.1", "2"] {
        for (target, flag, wanted) in [
            ("", None, 5),
            ("reuse = true\n", None, 1),
            ("", Some("--reuse"), 1),
            ("reuse = false\n", Some("--reuse"), 1),
            ("reuse = true\n", Some("--no-reuse"), 5),
        ] {
            let used = connections(&server, http, target, flag.as_slice());
            assert_eq!(used, wanted, "HTTP/{http}, {target:?} {flag:?}");
        }
    }
}

#[test]
fn a_connection_that_was_idle_for_long_is_not_used_again() {
    let server = Server::start(|_| Answer::ok());
    let place = Place::new(&(case("a", "path = \"/a\"", "") + &case("b", "path = \"/b\"", "")));
    place.target(&server.http(), "[limits]\nper_second = 0.22\n[connection]\nreuse = true\n");
    place.fires(0, &[]);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert_ne!(asked[0].connection, asked[1].connection);
}

/// Puts off the first two requests for a path.
fn busy(status: u16, retry_after: &'static str) -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => Answer::status(status).with("retry-after", retry_after),
        _ => Answer::ok(),
    })
}

#[test]
fn a_service_that_asks_to_wait_is_waited_for_when_the_target_allows_it() {
    for status in [429, 503] {
        let server = busy(status, "1");
        let place = Place::plain();
        place.target(&server.http(), "[limits]\nretry_after = 5\n");
        let began = Instant::now();
        let output = place.run(&["--target", "target.toml", "-vv"]);
        assert_eq!(output.status.code(), Some(0), "{}", out(&output));
        assert!(began.elapsed() >= Duration::from_secs(2));
        let record = place.record();
        let exchange = &record.cases[0].exchanges[0];
        assert_eq!((exchange.attempts, exchange.waits.len(), exchange.waits[0].status), (3, 2, status));
        assert_eq!(record.cases[0].exchanges.len(), 1);
        let shown = format!("(sent 3 times) (waited 1.0 s after {status})");
        assert!(out(&output).contains(&shown), "{}", out(&output));
        assert!(err(&output).contains("were put off by the service"), "{}", err(&output));
        assert!(!err(&output).contains("--transport-retries"), "{}", err(&output));
    }
}

#[test]
fn an_answer_is_never_waited_out_unasked_nor_too_long_nor_when_it_is_expected() {
    for (limits, retry_after) in
        [("", "1"), ("[limits]\nretry_after = 5\n", "6"), ("[limits]\nretry_after = 5\n", "soon")]
    {
        let server = busy(429, retry_after);
        let place = Place::plain();
        place.target(&server.http(), limits);
        let record = place.fires(1, &[]);
        assert_eq!(record.cases[0].outcome, Verdict::Failed);
        assert_eq!(server.lines().len(), 1);
    }
    let server = busy(429, "1");
    let place = Place::new(&case("one", "path = \"/\"", "").replace("status = 200", "status = 429"));
    place.target(&server.http(), "[limits]\nretry_after = 5\n");
    let record = place.fires(0, &[]);
    assert_eq!((of(&record, "one").exchanges[0].attempts, server.lines().len()), (1, 1));
}

#[test]
fn who_always_asks_to_wait_is_not_waited_for_for_ever() {
    let server = Server::start(|_| Answer::status(503).with("retry-after", "0"));
    let place = Place::plain();
    place.target(&server.http(), "[limits]\nretry_after = 5\n");
    let record = place.fires(1, &[]);
    assert_eq!((record.cases[0].exchanges[0].attempts, server.lines().len()), (4, 4));
}

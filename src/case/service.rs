//! Service files: [`declare`] adds a service and its fixtures to what all files share, [`share`] its shared parts.

use std::time::Duration;

use super::context::{Assets, Reader};
use super::expect::{PartialExpect, extra};
use super::fields;
use super::reader::{File, Node, check};
use super::request::query_style;
use super::scope::Mention;
use super::step::{PartialStep, millis};
use super::{Defaults, Shared};
use crate::model::spec::{Extra, QueryStyle};
use crate::model::suite::{Fixture, FixtureKind, Service};
use crate::model::template::JsonTemplate;

/// Deadline of an exchange, unless the service says another.
const TIMEOUT: Duration = Duration::from_secs(10);

/// First pass: the service and its fixtures.
pub(super) fn declare<'a>(file: &File<'a>, root: &Node<'a>, shared: &mut Shared) {
    check(file, root, &fields::SERVICE_FILE);
    if let Some(node) = root.node("service") {
        let service = Service {
            id: node.owned("id"),
            title: node.owned("title"),
            extra: extra(&node).unwrap_or(Extra::Fail),
            query_style: query_style(&node).unwrap_or(QueryStyle::Form),
            timeout: millis(&node, "timeout_ms").unwrap_or(TIMEOUT),
            source: file.source(&node.span),
        };
        let id = service.id.clone();
        let defaults = Defaults { service, headers: Vec::new(), mentions: Vec::new() };
        if shared.services.insert(id.clone(), defaults).is_some() {
            file.error(node.span_of("id"), format!("service `{id}` exists already"));
        }
    }
    for node in root.nodes("fixture") {
        let fixture = Fixture {
            name: node.owned("name"),
            kind: match node.text("kind") {
                Some("list") => FixtureKind::List,
                Some("secret") => FixtureKind::Secret,
                Some("flag") => FixtureKind::Flag,
                Some("auth") => FixtureKind::Auth,
                _ => FixtureKind::Text,
            },
            text: node.owned("text"),
            example: node.text("example").map(str::to_owned),
            source: file.source(&node.span),
        };
        let dotted = fixture.name.split('.').all(|part| {
            part.starts_with(char::is_alphabetic) && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        });
        if node.get("name").is_some() && !dotted {
            file.error(node.span_of("name"), format!("`{}` is no dotted name", fixture.name));
        }
        if shared.fixture_index.contains_key(&fixture.name) {
            file.error(node.span_of("name"), format!("fixture `{}` exists already", fixture.name));
            continue;
        }
        shared.fixture_index.insert(fixture.name.clone(), shared.fixtures.len());
        shared.fixtures.push(fixture);
    }
}

/// Default headers: the service, names and values, what they mention of the target.
type Headers = (String, Vec<(String, JsonTemplate)>, Vec<Mention>);

/// What the second pass finds in a file.
#[derive(Default)]
pub(super) struct Parts {
    headers: Option<Headers>,
    steps: Vec<(String, PartialStep)>,
    expects: Vec<(String, PartialExpect)>,
}

/// Second pass, when all fixtures and clauses are known: default headers, shared expectations, shared steps.
pub(super) fn share<'a>(
    file: &'a File<'a>,
    root: &Node<'a>,
    shared: &'a Shared,
    assets: &'a Assets<'a>,
    expects_only: bool,
) -> Parts {
    let mut parts = Parts::default();
    let mut reader = Reader::new(file, shared, assets);
    if expects_only {
        for (name, span, value) in root.node("expect").map(|node| node.entries()).unwrap_or_default() {
            let Some(node) = Node::of(value) else { continue };
            if let Some(used) = node.get("use") {
                file.error(used.span(), "a shared expectation cannot use another");
                continue;
            }
            if shared.expects.contains_key(name) {
                file.error(span, format!("shared expectation `{name}` exists already"));
            }
            let mut expect = reader.expect(&node, true);
            expect.own(std::mem::take(&mut reader.scope.mentions), std::mem::take(&mut reader.cited));
            parts.expects.push((name.to_owned(), expect));
        }
        return parts;
    }
    if let Some(node) = root.node("service") {
        let headers = reader.header_values(&node);
        parts.headers = Some((node.owned("id"), headers, std::mem::take(&mut reader.scope.mentions)));
    }
    reader.scope.shared_step = true;
    for (name, span, value) in root.node("step").map(|node| node.entries()).unwrap_or_default() {
        let Some(node) = Node::of(value) else { continue };
        if let Some(key) = ["use", "with", "id"].into_iter().find(|key| node.get(key).is_some()) {
            file.error(node.span_of(key), format!("a shared step has no `{key}`"));
        }
        if shared.steps.contains_key(name) {
            file.error(span, format!("shared step `{name}` exists already"));
        }
        let mut step = reader.step(&node);
        reader.ledger(&node, &mut step);
        step.with = std::mem::take(&mut reader.scope.with);
        step.mentions = std::mem::take(&mut reader.scope.mentions);
        let cited = std::mem::take(&mut reader.cited);
        if let Some(expect) = &mut step.expect {
            expect.own(Vec::new(), cited);
        }
        if let Some(wanted) = &mut step.wanted {
            wanted.own(Vec::new(), Vec::new());
        }
        parts.steps.push((name.to_owned(), step));
    }
    parts
}

/// Adds what the second pass found.
pub(super) fn add(shared: &mut Shared, parts: Parts) {
    if let Some((id, headers, mentions)) = parts.headers
        && let Some(defaults) = shared.services.get_mut(&id)
    {
        defaults.headers = headers;
        defaults.mentions = mentions;
    }
    shared.steps.extend(parts.steps);
    shared.expects.extend(parts.expects);
}

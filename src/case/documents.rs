//! Clause files: [`read`] adds a document, its clauses, choices and operations to what all files share.

use std::collections::BTreeSet;

use super::Shared;
use super::diagnostic::suggestion;
use super::fields;
use super::reader::{File, Node, check};
use crate::model::clause::{
    Choice, ChoicePolicy, Clause, Document, DocumentedCode, DocumentedStatus, Level, Operation, Origin, Reading,
};
use crate::model::id::{ChoiceId, ClauseId};

/// Reads one file of clauses. References to clauses are checked by [`references`] once all files are read.
pub(super) fn read<'a>(file: &File<'a>, root: &Node<'a>, shared: &mut Shared) {
    check(file, root, &fields::CLAUSE_FILE);
    let document = root.node("document");
    let id = document.as_ref().map(|node| node.owned("id")).unwrap_or_default();
    if let Some(node) = document {
        let known = Document {
            id: id.clone(),
            title: node.owned("title"),
            publisher: node.text("publisher").map(str::to_owned),
            version: node.text("version").map(str::to_owned),
            sha256: node.owned("sha256"),
            bytes: node.integer("bytes").and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        };
        let hex = known.sha256.len() == 64 && known.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if node.get("sha256").is_some() && !hex {
            file.error(node.span_of("sha256"), "`sha256` must be 64 lower-case hexadecimal digits");
        }
        if shared.documents.insert(id.clone(), known).is_some() {
            file.error(node.span_of("id"), format!("document `{id}` exists already"));
        }
    }
    for node in root.nodes("clause") {
        let clause = Clause {
            id: ClauseId::new(node.text("id").unwrap_or_default()),
            document: id.clone(),
            section: node.owned("section"),
            level: match node.text("level") {
                Some("example") => Level::Example,
                Some("implied") => Level::Implied,
                _ => Level::Stated,
            },
            text: node.owned("text"),
            excluded: node.text("excluded").map(str::to_owned),
            source: file.source(&node.span),
        };
        if node.text("excluded").is_some_and(|why| why.trim().is_empty()) {
            file.error(node.span_of("excluded"), "`excluded` must say why no case can test the clause");
        }
        if let Some(&other) = shared.clause_index.get(clause.id.as_str()) {
            let place = &shared.clauses[other].source;
            file.error_help(
                node.span_of("id"),
                format!("clause `{}` exists already", clause.id),
                Some(format!("it is also at {}:{}", place.file, place.line)),
            );
        } else {
            shared.clause_index.insert(clause.id.clone(), shared.clauses.len());
            shared.clause_spans.push(node.span_of("id"));
            shared.clauses.push(clause);
        }
    }
    for node in root.nodes("choice") {
        choice(file, &node, &id, shared);
    }
    for node in root.nodes("operation") {
        let operation = operation(&node);
        if shared.operations.iter().any(|each| each.id == operation.id) {
            file.error(node.span_of("id"), format!("operation `{}` exists already", operation.id));
        }
        shared.operations.push(operation);
    }
}

fn choice<'a>(file: &File<'a>, node: &Node<'a>, document: &str, shared: &mut Shared) {
    let policy = match node.text("policy") {
        Some("report") => ChoicePolicy::Report,
        Some("settled") => ChoicePolicy::Settled,
        _ => ChoicePolicy::Lenient,
    };
    let readings: Vec<_> = node
        .nodes("reading")
        .map(|node| Reading { id: node.owned("id"), text: node.owned("text"), literal: node.flag("literal") })
        .collect();
    let choice = Choice {
        id: ChoiceId::new(node.text("id").unwrap_or_default()),
        document: document.to_owned(),
        question: node.owned("question"),
        clauses: clause_ids(node),
        policy,
        uniform: node.flag("uniform"),
        settled: node.text("settled").map(str::to_owned),
        readings,
        source: file.source(&node.span),
    };
    let settled = policy == ChoicePolicy::Settled;
    if node.get("policy").is_some() && settled != choice.settled.is_some() {
        file.error(node.span_of("policy"), "policy \"settled\" and the key `settled` come together");
    }
    if node.get("policy").is_some() && !settled && choice.readings.is_empty() {
        file.error(node.span.clone(), format!("choice `{}` has no [[choice.reading]]", choice.id));
    }
    let mut seen = BTreeSet::new();
    for reading in node.nodes("reading") {
        if !seen.insert(reading.owned("id")) {
            let message = format!("choice `{}` has reading `{}` twice", choice.id, reading.owned("id"));
            file.error(reading.span_of("id"), message);
        }
    }
    if let Some(other) = shared.choices.iter().find(|each| each.id == choice.id) {
        file.error_help(
            node.span_of("id"),
            format!("choice `{}` exists already", choice.id),
            Some(format!("it is also at {}:{}", other.source.file, other.source.line)),
        );
    } else {
        shared.choices.push(choice);
    }
}

fn operation(node: &Node<'_>) -> Operation {
    let status = |node: &Node<'_>| node.integer("status").and_then(|code| u16::try_from(code).ok()).unwrap_or(0);
    Operation {
        id: node.owned("id"),
        method: node.owned("method"),
        path: node.owned("path"),
        request_media: node.strings("request_media"),
        response_media: node.strings("response_media"),
        statuses: node
            .nodes("statuses")
            .map(|node| DocumentedStatus { status: status(&node), source: origin(&node), clauses: clause_ids(&node) })
            .collect(),
        codes: node
            .nodes("codes")
            .map(|node| DocumentedCode {
                code: node.owned("code"),
                status: status(&node),
                source: origin(&node),
                clauses: clause_ids(&node),
            })
            .collect(),
    }
}

fn origin(node: &Node<'_>) -> Origin {
    match node.text("source") {
        Some("example") => Origin::Example,
        Some("implied") => Origin::Implied,
        Some("referenced") => Origin::Referenced,
        _ => Origin::Stated,
    }
}

fn clause_ids(node: &Node<'_>) -> Vec<ClauseId> {
    node.texts("clauses").into_iter().map(|(id, _)| ClauseId::new(id)).collect()
}

/// Checks that every clause that a clause file refers to exists.
pub(super) fn references(file: &File<'_>, root: &Node<'_>, shared: &Shared) {
    let lists = |node: &Node<'_>| {
        for (id, span) in node.texts("clauses") {
            if !shared.clause_index.contains_key(id) {
                let help = suggestion(id, shared.clauses.iter().map(|each| each.id.as_str()));
                file.error_help(span, format!("unknown clause `{id}`"), help);
            }
        }
    };
    for node in root.nodes("choice") {
        lists(&node);
    }
    for node in root.nodes("operation") {
        node.nodes("statuses").for_each(|each| lists(&each));
        node.nodes("codes").for_each(|each| lists(&each));
    }
}

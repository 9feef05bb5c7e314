//! Steps: [`PartialStep`] is one as written, which a shared one may complete; it becomes a [`Step`].

use std::ops::Range;
use std::time::Duration;

use super::context::Reader;
use super::diagnostic::suggestion;
use super::expect::PartialExpect;
use super::reader::{File, Node};
use super::request::PartialRequest;
use super::scope::Mention;
use crate::model::id::ClauseId;
use crate::model::spec::{Capture, Effect, ExpectBody, ExpectSpec, Extra, LedgerSpec, Poll, Step, StepRole};
use crate::model::template::JsonTemplate;

/// A step whose missing keys a shared one may fill.
#[derive(Clone, Debug, Default)]
pub(super) struct PartialStep {
    pub title: Option<String>,
    pub service: Option<String>,
    pub request: PartialRequest,
    pub expect: Option<PartialExpect>,
    pub wanted: Option<PartialExpect>,
    pub captures: Vec<Capture>,
    pub together: bool,
    pub poll: Option<Poll>,
    pub creates: Option<LedgerSpec>,
    pub removes: Option<LedgerSpec>,
    /// For a shared step: `with` names that it mentions.
    pub with: Vec<String>,
    /// For a shared step: what it mentions of the target.
    pub mentions: Vec<Mention>,
}

impl<'a> Reader<'a> {
    /// Reads the keys of a step, without those of its shared step.
    pub(super) fn step(&mut self, node: &Node<'a>) -> PartialStep {
        let captures = self.captures(node);
        let request = node.node("request").map(|request| self.request(&request)).unwrap_or_default();
        let expect = node.node("expect").map(|expect| self.expect(&expect, true));
        let wanted = node.node("wanted").map(|wanted| self.expect(&wanted, false));
        PartialStep {
            title: node.text("title").map(str::to_owned),
            service: self.service(node),
            request,
            expect,
            wanted,
            captures,
            together: node.flag("together"),
            poll: node.node("poll").map(|poll| Poll {
                every: millis(&poll, "every_ms").unwrap_or_default(),
                within: millis(&poll, "for_ms").unwrap_or_default(),
            }),
            ..PartialStep::default()
        }
    }

    /// Reads the ledger entries of a step, for which its captures are known.
    pub(super) fn ledger(&mut self, node: &Node<'a>, step: &mut PartialStep) {
        self.scope.own = Some(step.captures.iter().map(|each| each.name.clone()).collect());
        for (key, slot) in [("creates", &mut step.creates), ("removes", &mut step.removes)] {
            if let Some(entry) = node.node(key) {
                let id = self.template_at(&entry, "id").unwrap_or_default();
                *slot = Some(LedgerSpec { kind: entry.owned("kind"), id });
            }
        }
        self.scope.own = None;
    }

    fn service(&self, node: &Node<'a>) -> Option<String> {
        let id = node.text("service")?;
        if !self.shared.services.contains_key(id) {
            self.file.error_help(
                node.span_of("service"),
                format!("unknown service `{id}`"),
                suggestion(id, self.shared.services.keys().map(String::as_str)),
            );
        }
        Some(id.to_owned())
    }
}

pub(super) fn millis(node: &Node<'_>, key: &str) -> Option<Duration> {
    node.integer(key).and_then(|number| u64::try_from(number).ok()).map(Duration::from_millis)
}

impl PartialStep {
    /// This over a shared one.
    pub(super) fn over(self, under: &PartialStep) -> Self {
        let mut captures: Vec<_> = under
            .captures
            .iter()
            .filter(|each| !self.captures.iter().any(|other| other.name == each.name))
            .cloned()
            .collect();
        captures.extend(self.captures);
        Self {
            title: self.title.or_else(|| under.title.clone()),
            service: self.service.or_else(|| under.service.clone()),
            request: self.request.over(&under.request),
            expect: self.expect.or_else(|| under.expect.clone()),
            wanted: self.wanted.or_else(|| under.wanted.clone()),
            captures,
            together: self.together || under.together,
            poll: self.poll.or(under.poll),
            creates: self.creates.or_else(|| under.creates.clone()),
            removes: self.removes.or_else(|| under.removes.clone()),
            with: Vec::new(),
            mentions: Vec::new(),
        }
    }

    /// The step, defaults of its service merged.
    pub(super) fn finish(
        self,
        reader: &mut Reader<'_>,
        place: &StepPlace<'_>,
        with: Vec<(String, JsonTemplate)>,
        fallback: &[ClauseId],
    ) -> Step {
        let service = self.service.unwrap_or_else(|| place.service.to_owned());
        let source = reader.file.source(&place.span);
        let extra = reader.shared.services.get(&service).map_or(Extra::Fail, |each| each.service.extra);
        let required = place.role == StepRole::Main && !place.observe && self.wanted.is_none();
        let unchecked = || ExpectSpec {
            status: Vec::new(),
            headers: Vec::new(),
            body: ExpectBody::Unchecked,
            at: Vec::new(),
            extra,
            cite: Vec::new(),
            readings: Vec::new(),
            fallback: fallback.to_vec(),
            source: source.clone(),
        };
        let expect = match self.expect {
            Some(expect) => {
                if place.role == StepRole::Main && !expect.has_body() {
                    reader.file.error_help(
                        expect.span_or(&place.span),
                        "expectation without a body",
                        Some(
                            "write json, xml, text or body; body = \"unchecked\" says that nothing is asked of it"
                                .to_owned(),
                        ),
                    );
                }
                expect.finish(extra, fallback, &source)
            }
            None => {
                if required {
                    reader.file.error(place.span.clone(), "nothing is expected of this step: it has no `expect`");
                }
                unchecked()
            }
        };
        let wanted = self.wanted.map(|wanted| wanted.finish(extra, fallback, &source));
        Step {
            id: place.id.clone(),
            title: self.title,
            role: place.role,
            with,
            request: self.request.finish(reader, &service, &place.span),
            service,
            expect,
            wanted,
            captures: self.captures,
            together: self.together,
            poll: self.poll,
            creates: self.creates,
            removes: self.removes,
            source,
        }
    }
}

/// Where a step stands in its case.
pub(super) struct StepPlace<'a> {
    pub id: String,
    pub role: StepRole,
    pub service: &'a str,
    pub observe: bool,
    pub span: Range<usize>,
}

/// What a case does to its target. One that does not say so is taken for the worst that its requests may do.
pub(super) fn effect(file: &File<'_>, node: &Node<'_>, steps: &[Step]) -> Effect {
    let changes = |step: &&Step| step.creates.is_some() || step.removes.is_some();
    let only_asks = |step: &Step| matches!(step.request.method.as_literal(), Some("GET" | "HEAD" | "OPTIONS"));
    match node.text("effect") {
        Some("write") => Effect::Write,
        Some("destructive") => Effect::Destructive,
        Some("read") => {
            if let Some(step) = steps.iter().find(changes) {
                let text = format!("a case that reads has no `creates` and no `removes` (step `{}`)", step.id);
                file.error(node.span_of("effect"), text);
            }
            Effect::Read
        }
        _ if steps.iter().all(|step| only_asks(step) && !changes(&step)) => Effect::Read,
        _ => Effect::Destructive,
    }
}

//! Expectations: [`PartialExpect`] is one as written, shared ones added; it becomes an [`ExpectSpec`].

use std::ops::Range;
use std::sync::Arc;

use toml::de::DeValue;

use super::context::Reader;
use super::diagnostic::suggestion;
use super::pattern::{covers, uncited};
use super::reader::{Node, Value, integer};
use super::scope::Mention;
use crate::model::id::{ChoiceId, ClauseId};
use crate::model::source::SourceRef;
use crate::model::spec::{
    AnswerReadingSpec, AtSpec, Cite, ExpectBody, ExpectSpec, Extra, HeaderRule, HeaderSpec, StatusSpec, TextRule,
};
use crate::model::template::{JsonTemplate, Template, XmlTemplate, XmlText};

/// An expectation without the defaults of its case and service.
#[derive(Clone, Debug, Default)]
pub(super) struct PartialExpect {
    status: Vec<StatusSpec>,
    headers: Vec<HeaderSpec>,
    body: Option<ExpectBody>,
    at: Vec<AtSpec>,
    extra: Option<Extra>,
    cite: Vec<Cite>,
    readings: Vec<(ChoiceId, String, PartialExpect)>,
    /// Where it is written, if in the file of the case.
    place: Option<Range<usize>>,
    source: Option<SourceRef>,
    /// For a shared one: what it mentions of the target.
    pub mentions: Vec<Mention>,
    /// For a shared one: the clauses that it cites, by index.
    pub cited: Vec<usize>,
}

pub(super) fn extra(node: &Node<'_>) -> Option<Extra> {
    match node.text("extra")? {
        "fail" => Some(Extra::Fail),
        "note" => Some(Extra::Note),
        "allow" => Some(Extra::Allow),
        _ => None,
    }
}

impl<'a> Reader<'a> {
    /// Reads an expectation. Only one that can fail proves clauses, so those of a wish are not counted.
    pub(super) fn expect(&mut self, node: &Node<'a>, proves: bool) -> PartialExpect {
        let before = self.cited.len();
        let mut expect = PartialExpect {
            status: self.status(node),
            headers: self.header_rules(node),
            body: self.expected_body(node),
            at: node.nodes("at").filter_map(|at| self.at(&at)).collect(),
            extra: extra(node),
            cite: self.cite_table(node),
            readings: Vec::new(),
            place: Some(node.span.clone()),
            source: Some(self.file.source(&node.span)),
            mentions: Vec::new(),
            cited: Vec::new(),
        };
        for reading in node.nodes("reading") {
            let (choice, id) = (reading.owned("choice"), reading.owned("id"));
            let inner = self.expect(&reading, proves);
            let known = self.reading(&choice, reading.span_of("choice"), &id, reading.span_of("id"));
            if let Some(choice) = known {
                expect.readings.push((choice, id, inner));
            }
        }
        for (name, span) in node.texts("use") {
            match self.shared.expects.get(name) {
                Some(shared) => expect.add(self, shared),
                None => self.file.error_help(
                    span,
                    format!("unknown shared expectation `{name}`"),
                    suggestion(name, self.shared.expects.keys().map(String::as_str)),
                ),
            }
        }
        if !proves {
            self.cited.truncate(before);
        }
        expect
    }

    fn status(&mut self, node: &Node<'a>) -> Vec<StatusSpec> {
        let Some(value) = node.get("status") else { return Vec::new() };
        match value.get_ref() {
            DeValue::Table(_) => Node::of(value).map(|node| self.one_status(&node)).into_iter().collect(),
            DeValue::Array(items) => items.iter().filter_map(Node::of).map(|node| self.one_status(&node)).collect(),
            _ => vec![StatusSpec {
                is: self.status_term(value).into_iter().collect(),
                not: Vec::new(),
                clauses: Vec::new(),
            }],
        }
    }

    fn one_status(&mut self, node: &Node<'a>) -> StatusSpec {
        if node.get("is").is_none() && node.get("not").is_none() {
            self.file.error(node.span.clone(), "a status needs `is` or `not`");
        }
        StatusSpec {
            is: self.status_terms(node, "is"),
            not: self.status_terms(node, "not"),
            clauses: self.cites(node, "clause"),
        }
    }

    fn status_terms(&mut self, node: &Node<'a>, key: &str) -> Vec<Template> {
        match node.get(key) {
            None => Vec::new(),
            Some(value) => match value.get_ref().as_array() {
                Some(items) => items.iter().filter_map(|each| self.status_term(each)).collect(),
                None => self.status_term(value).into_iter().collect(),
            },
        }
    }

    fn status_term(&mut self, value: &'a Value<'a>) -> Option<Template> {
        if let Some(number) = integer(value) {
            return Some(Template::literal(&number.to_string()));
        }
        let text = value.get_ref().as_str()?;
        let template = self.template(text, &value.span());
        if let Some(text) = template.as_literal() {
            let class = matches!(text.as_bytes(), [b'1'..=b'5', b'x', b'x']);
            let exact = text.parse::<u16>().is_ok_and(|code| (100..=599).contains(&code));
            if !class && !exact {
                self.file.error_help(
                    value.span(),
                    format!("`{text}` is no status"),
                    Some("a number from 100 to 599, or a class such as \"4xx\"".to_owned()),
                );
            }
        }
        Some(template)
    }

    fn header_rules(&mut self, node: &Node<'a>) -> Vec<HeaderSpec> {
        let Some(headers) = node.node("headers") else { return Vec::new() };
        let mut rules = Vec::new();
        for (name, key_span, value) in headers.entries() {
            let Some(rule) = Node::of(value) else { continue };
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                self.file.error(key_span.clone(), format!("`{name}` is no header name"));
            }
            let given: Vec<_> = ["is", "regex", "contains", "media", "all", "absent", "present"]
                .into_iter()
                .filter(|key| rule.get(key).is_some())
                .collect();
            let [key] = given.as_slice() else {
                let message =
                    format!("header `{name}` needs one rule of is, regex, contains, media, all, absent, present");
                self.file.error(key_span, message);
                continue;
            };
            let header_rule = match *key {
                "media" => HeaderRule::Media(self.templates_at(&rule, key)),
                "all" => HeaderRule::All(self.templates_at(&rule, key)),
                "absent" | "present" => {
                    if !rule.flag(key) {
                        self.file.error(rule.span_of(key), format!("`{key}` takes true"));
                    }
                    if *key == "absent" { HeaderRule::Absent } else { HeaderRule::Present }
                }
                key => {
                    let template = self.template_at(&rule, key).unwrap_or_default();
                    match key {
                        "is" => HeaderRule::Is(template),
                        "regex" => {
                            self.regex(&template, || rule.span_of(key));
                            HeaderRule::Regex(template)
                        }
                        _ => HeaderRule::Contains(template),
                    }
                }
            };
            let clauses = self.cites(&rule, "clause");
            rules.push(HeaderSpec { name: name.to_ascii_lowercase(), rule: header_rule, clauses });
        }
        rules
    }

    fn expected_body(&mut self, node: &Node<'a>) -> Option<ExpectBody> {
        let given: Vec<_> = ["json", "xml", "text", "body"].into_iter().filter(|key| node.get(key).is_some()).collect();
        if let [first, second, ..] = given.as_slice() {
            self.file.error(node.span_of(second), format!("a body is expected once: `{first}` or `{second}`"));
        }
        let key = *given.first()?;
        // A body that cannot be read has been reported; it must not be reported as missing too.
        let fallen = ExpectBody::Unchecked;
        Some(match key {
            "json" => self.pattern_at(node, "json").map_or(fallen, |pattern| ExpectBody::Json(Arc::new(pattern))),
            "xml" => {
                let span = node.span_of("xml");
                let pattern = node.text("xml").and_then(|text| self.xml_pattern(text, &span));
                pattern.map_or(fallen, ExpectBody::Xml)
            }
            "text" => node.node("text").and_then(|rule| self.text_rule(&rule)).map_or(fallen, ExpectBody::Text),
            _ => match node.text("body") {
                Some("empty") => ExpectBody::Empty,
                Some("well-formed") => ExpectBody::WellFormed,
                _ => fallen,
            },
        })
    }

    fn text_rule(&mut self, node: &Node<'a>) -> Option<TextRule<Template>> {
        let given: Vec<_> = ["is", "regex", "contains"].into_iter().filter(|key| node.get(key).is_some()).collect();
        let [key] = given.as_slice() else {
            self.file.error(node.span.clone(), "text needs one rule of is, regex, contains");
            return None;
        };
        let template = self.template_at(node, key)?;
        Some(match *key {
            "is" => TextRule::Is(template),
            "regex" => {
                self.regex(&template, || node.span_of("regex"));
                TextRule::Regex(template)
            }
            _ => TextRule::Contains(template),
        })
    }

    fn at(&mut self, node: &Node<'a>) -> Option<AtSpec> {
        let key = match (node.text("path"), node.text("xpath")) {
            (Some(_), None) => "path",
            (None, Some(_)) => "xpath",
            _ => {
                self.file.error(node.span.clone(), "`at` needs either `path` or `xpath`");
                return None;
            }
        };
        if node.get("is").is_none() && node.get("count").is_none() {
            self.file.error(node.span.clone(), "`at` needs `is` or `count`");
        }
        Some(AtSpec {
            path: self.path(key, node.owned(key), &node.span_of(key)),
            is: self.pattern_at(node, "is"),
            count: self.count(node),
            clauses: self.cites(node, "clause"),
        })
    }

    fn count(&self, node: &Node<'a>) -> Option<(usize, usize)> {
        let value = node.get("count")?;
        let size = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(number) = integer(value) {
            return Some((size(number), size(number)));
        }
        let bounds = Node::of(value)?;
        let (min, max) = (bounds.integer("min").map_or(0, size), bounds.integer("max").map_or(usize::MAX, size));
        if min > max {
            self.file.error(value.span(), format!("no count is at least {min} and at most {max}"));
        }
        Some((min, max))
    }

    fn cite_table(&mut self, node: &Node<'a>) -> Vec<Cite> {
        let Some(table) = node.node("cite") else { return Vec::new() };
        let mut cites = Vec::new();
        for (pointer, key_span, value) in table.entries() {
            if !pointer.is_empty() && !pointer.starts_with('/') {
                self.file.error(key_span, format!("`{pointer}` is no place of a body; it begins with `/`"));
            }
            let clauses =
                super::reader::texts(value).into_iter().filter_map(|(id, span)| self.cite(id, span)).collect();
            cites.push(Cite { pointer: pointer.to_owned(), clauses });
        }
        cites
    }
}

impl PartialExpect {
    /// Whether something is said of the body.
    pub(super) fn has_body(&self) -> bool {
        self.body.is_some() || !self.readings.is_empty()
    }

    /// Makes it a shared one, which stands in no case's file.
    pub(super) fn own(&mut self, mentions: Vec<Mention>, cited: Vec<usize>) {
        self.place = None;
        self.mentions = mentions;
        self.cited = cited;
    }

    pub(super) fn span_or(&self, other: &Range<usize>) -> Range<usize> {
        self.place.clone().unwrap_or_else(|| other.clone())
    }

    /// Adds a shared expectation: own parts win where only one can be, all others hold together.
    fn add(&mut self, reader: &mut Reader<'_>, shared: &PartialExpect) {
        // Alternatives cannot be joined with those of another expectation: `200` and `not 5xx` would allow a 404.
        if self.status.is_empty() {
            self.status.clone_from(&shared.status);
        }
        for rule in &shared.headers {
            if !self.headers.contains(rule) {
                self.headers.push(rule.clone());
            }
        }
        if self.body.is_none() {
            self.body.clone_from(&shared.body);
        }
        self.at.extend(shared.at.iter().cloned());
        self.extra = self.extra.or(shared.extra);
        self.cite.extend(shared.cite.iter().cloned());
        self.readings.extend(shared.readings.iter().cloned());
        reader.scope.mentions.extend(shared.mentions.iter().cloned());
        reader.cited.extend(&shared.cited);
    }

    /// The expectation, with what an unlisted member means and which clauses stand for checks that cite nothing.
    pub(super) fn finish(self, extra: Extra, fallback: &[ClauseId], source: &SourceRef) -> ExpectSpec {
        let extra = self.extra.unwrap_or(extra);
        let source = self.source.unwrap_or_else(|| source.clone());
        let readings = self
            .readings
            .into_iter()
            .map(|(choice, reading, expect)| AnswerReadingSpec {
                choice,
                reading,
                expect: expect.finish(extra, fallback, &source),
            })
            .collect();
        ExpectSpec {
            status: self.status,
            headers: self.headers,
            body: self.body.unwrap_or(ExpectBody::Unchecked),
            at: self.at,
            extra,
            cite: self.cite,
            readings,
            fallback: fallback.to_vec(),
            source,
        }
    }
}

/// What, if anything, is checked without a clause of its own.
pub(super) fn open_check(expect: &ExpectSpec) -> Option<&'static str> {
    let cited = |place: &str| expect.cite.iter().any(|each| !each.clauses.is_empty() && covers(&each.pointer, place));
    if expect.status.iter().any(|each| each.clauses.is_empty()) {
        return Some("the status");
    }
    if expect.headers.iter().any(|each| each.clauses.is_empty()) {
        return Some("a header");
    }
    let body = match &expect.body {
        ExpectBody::Unchecked => false,
        ExpectBody::Empty | ExpectBody::WellFormed | ExpectBody::Text(_) => !cited(""),
        ExpectBody::Json(pattern) => uncited(pattern, expect.extra, &cited),
        ExpectBody::Xml(pattern) => uncited_xml(pattern, expect.extra, &cited, ""),
    };
    if body {
        return Some("a place of the body");
    }
    if expect.at.iter().any(|each| {
        each.clauses.is_empty()
            && (each.count.is_some() || each.is.as_ref().is_some_and(|is| uncited(is, expect.extra, &|_| false)))
    }) {
        return Some("what a path finds");
    }
    expect.readings.iter().find_map(|each| open_check(&each.expect))
}

/// The same for XML; the number of a repeated element does not matter here.
fn uncited_xml(pattern: &XmlTemplate, extra: Extra, cited: &dyn Fn(&str) -> bool, above: &str) -> bool {
    let place = format!("{above}/{}", pattern.name);
    if cited(&place) || cited("") || pattern.steering.iter().any(|(name, _)| name == "clause") {
        return false;
    }
    let own = match &pattern.text {
        XmlText::Literal(_) => true,
        XmlText::Pattern(pattern) => uncited(pattern, extra, &|_| false),
    };
    if pattern.children.is_empty() {
        return own;
    }
    extra == Extra::Fail || pattern.children.iter().any(|child| uncited_xml(child, extra, cited, &place))
}

/// A JSON pattern proves something only if it can fail.
pub(super) fn open_pattern(pattern: &JsonTemplate) -> bool {
    uncited(pattern, Extra::Fail, &|_| false)
}

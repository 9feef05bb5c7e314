//! Steps and requests: [`Reader`] turns their tables into parts that can be merged, [`PartialStep::finish`] into a [`Step`].

use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;
use toml::de::DeValue;

use super::Shared;
use super::diagnostic::suggestion;
use super::expect::PartialExpect;
use super::fields::BODIES;
use super::json;
use super::reader::{File, Node, Value, integer};
use super::scope::{Mention, Scope};
use super::template;
use crate::model::clause::ChoicePolicy;
use crate::model::id::{ChoiceId, ClauseId};
use crate::model::spec::{
    BodySpec, Capture, CaptureFrom, ExpectBody, ExpectSpec, LedgerSpec, Path, Poll, QueryStyle, RequestSpec, Step,
    StepRole, TargetSpec,
};
use crate::model::suite::FixtureKind;
use crate::model::template::{Expr, JsonTemplate, Part, Template};

/// Reads a file inside the directory of the cases.
pub type Assets<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + Sync + 'a;

/// Reads one file: its places, what all files share, and the names known where it stands.
pub(super) struct Reader<'a> {
    pub file: &'a File<'a>,
    pub shared: &'a Shared,
    pub assets: &'a Assets<'a>,
    pub scope: Scope,
    /// Clauses cited since this was last emptied, by index.
    pub cited: Vec<usize>,
    /// Auth schemes given by a value of the row.
    pub row_auth: Vec<(String, Range<usize>)>,
}

/// A request whose missing keys another one may fill.
#[derive(Clone, Debug, Default)]
pub(super) struct PartialRequest {
    method: Option<Template>,
    path: Option<Template>,
    target: Option<Template>,
    query: Vec<(String, JsonTemplate)>,
    query_style: Option<QueryStyle>,
    query_raw: Option<Template>,
    headers: Vec<(String, JsonTemplate)>,
    without_headers: Vec<String>,
    auth: Option<Template>,
    content_type: Option<Option<Template>>,
    body: Option<BodySpec>,
}

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
    pub(super) fn new(file: &'a File<'a>, shared: &'a Shared, assets: &'a Assets<'a>) -> Self {
        Self { file, shared, assets, scope: Scope::default(), cited: Vec::new(), row_auth: Vec::new() }
    }

    /// Checks the names of a template.
    pub(super) fn names(&mut self, template: &Template, span: &Range<usize>) {
        self.scope.template(self.file, self.shared, template, span);
    }

    /// A template; what is wrong with it is collected.
    pub(super) fn template(&mut self, text: &str, span: &Range<usize>) -> Template {
        match template::parse(text) {
            Ok(template) => {
                self.names(&template, span);
                template
            }
            Err(error) => {
                self.file.error_help(self.file.inside(span, text, error.offset), error.message, error.help);
                Template::default()
            }
        }
    }

    pub(super) fn template_at(&mut self, node: &Node<'a>, key: &str) -> Option<Template> {
        let value = node.get(key)?;
        let text = value.get_ref().as_str()?;
        Some(self.template(text, &value.span()))
    }

    /// A template or a list of them.
    pub(super) fn templates_at(&mut self, node: &Node<'a>, key: &str) -> Vec<Template> {
        node.texts(key).into_iter().map(|(text, span)| self.template(text, &span)).collect()
    }

    /// A TOML value as JSON whose strings are templates.
    pub(super) fn value(&mut self, value: &'a Value<'a>) -> JsonTemplate {
        match value.get_ref() {
            DeValue::String(text) => JsonTemplate::Text(self.template(text, &value.span())),
            DeValue::Integer(_) => match integer(value) {
                Some(number) => JsonTemplate::Number(number.to_string()),
                None => {
                    self.file.error(value.span(), "not an integer of 64 bits");
                    JsonTemplate::Null
                }
            },
            DeValue::Float(number) => {
                let text = number.as_str().trim_start_matches('+');
                if text.contains("inf") || text.contains("nan") {
                    self.file.error(value.span(), "JSON has no such number");
                }
                JsonTemplate::Number(text.to_owned())
            }
            DeValue::Boolean(flag) => JsonTemplate::Bool(*flag),
            DeValue::Datetime(_) => {
                self.file.error(value.span(), "a date must be written as a string");
                JsonTemplate::Null
            }
            DeValue::Array(items) => JsonTemplate::Array(items.iter().map(|each| self.value(each)).collect()),
            DeValue::Table(table) => {
                let node = Node { table, span: value.span() };
                JsonTemplate::Object(self.values(&node))
            }
        }
    }

    /// Names and values, in the order written.
    pub(super) fn values(&mut self, node: &Node<'a>) -> Vec<(String, JsonTemplate)> {
        node.entries().into_iter().map(|(key, _, value)| (key.to_owned(), self.value(value))).collect()
    }

    pub(super) fn values_at(&mut self, node: &Node<'a>, key: &str) -> Vec<(String, JsonTemplate)> {
        node.node(key).map(|table| self.values(&table)).unwrap_or_default()
    }

    /// JSON in a string; what is wrong with it is collected.
    pub(super) fn json(&self, text: &str, span: &Range<usize>) -> Option<JsonTemplate> {
        json::parse(text)
            .map_err(|error| {
                self.file.error_help(self.file.inside(span, text, error.offset), error.message, error.help);
            })
            .ok()
    }

    /// A JSON pattern in a string.
    pub(super) fn pattern_at(&mut self, node: &Node<'a>, key: &str) -> Option<JsonTemplate> {
        let value = node.get(key)?;
        let span = value.span();
        let pattern = self.json(value.get_ref().as_str()?, &span)?;
        self.pattern(&pattern, &span);
        Some(pattern)
    }

    /// Checks a regular expression that has no values in it.
    pub(super) fn regex(&self, text: &Template, span: impl Fn() -> Range<usize>) {
        if let Some(Err(message)) = text.as_literal().map(|text| self.shared.check_regex(text)) {
            self.file.error(span(), message);
        }
    }

    /// Cites a clause: it is known, and not excluded.
    pub(super) fn cite(&mut self, id: &str, span: Range<usize>) -> Option<ClauseId> {
        let Some(&index) = self.shared.clause_index.get(id) else {
            self.file.error_help(
                span,
                format!("unknown clause `{id}`"),
                suggestion(id, self.shared.clauses.iter().map(|each| each.id.as_str())),
            );
            return None;
        };
        let clause = &self.shared.clauses[index];
        if clause.excluded.is_some() {
            self.file.error_help(
                span,
                format!("clause `{id}` is excluded and yet cited"),
                Some(format!("{}:{} says why no case can test it", clause.source.file, clause.source.line)),
            );
        }
        self.cited.push(index);
        Some(clause.id.clone())
    }

    pub(super) fn cites(&mut self, node: &Node<'a>, key: &str) -> Vec<ClauseId> {
        node.texts(key).into_iter().filter_map(|(id, span)| self.cite(id, span)).collect()
    }

    /// Names a reading of a choice.
    pub(super) fn reading(
        &self,
        choice: &str,
        at: Range<usize>,
        reading: &str,
        reading_at: Range<usize>,
    ) -> Option<ChoiceId> {
        let Some(found) = self.shared.choices.iter().find(|each| each.id.as_str() == choice) else {
            let known = self.shared.choices.iter().map(|each| each.id.as_str());
            self.file.error_help(at, format!("unknown choice `{choice}`"), suggestion(choice, known));
            return None;
        };
        if found.policy == ChoicePolicy::Settled {
            self.file.error(at, format!("choice `{choice}` is settled and has no readings"));
        } else if !found.readings.iter().any(|each| each.id == reading) {
            let known = found.readings.iter().map(|each| each.id.as_str());
            let all = found.readings.iter().map(|each| each.id.as_str()).collect::<Vec<_>>().join(", ");
            let help = suggestion(reading, known).unwrap_or_else(|| format!("its readings: {all}"));
            self.file.error_help(reading_at, format!("choice `{choice}` has no reading `{reading}`"), Some(help));
        }
        Some(found.id.clone())
    }

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

    fn request(&mut self, node: &Node<'a>) -> PartialRequest {
        let bodies: Vec<_> = BODIES.iter().filter(|key| node.get(key).is_some()).collect();
        if let [first, second, ..] = bodies.as_slice() {
            self.file.error(node.span_of(second), format!("a request has one body: `{first}` or `{second}`"));
        }
        if node.get("target").is_some() {
            for key in ["path", "query", "query_raw"].into_iter().filter(|key| node.get(key).is_some()) {
                self.file
                    .error(node.span_of(key), format!("`{key}` beside `target`, which is the whole request target"));
            }
        }
        let content_type = self
            .template_at(node, "content_type")
            .map(|template| if template.as_literal() == Some("none") { None } else { Some(template) });
        PartialRequest {
            method: self.template_at(node, "method"),
            path: self.template_at(node, "path"),
            target: self.template_at(node, "target"),
            query: self.values_at(node, "query"),
            query_style: query_style(node),
            query_raw: self.template_at(node, "query_raw"),
            headers: self.header_values(node),
            without_headers: node.strings("without_headers").iter().map(|name| name.to_ascii_lowercase()).collect(),
            auth: self.auth(node),
            content_type,
            body: bodies.first().and_then(|key| self.body(node, key)),
        }
    }

    pub(super) fn header_values(&mut self, node: &Node<'a>) -> Vec<(String, JsonTemplate)> {
        let Some(headers) = node.node("headers") else { return Vec::new() };
        for (name, span, _) in headers.entries() {
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                self.file.error(span, format!("`{name}` is no header name"));
            }
        }
        self.values(&headers)
    }

    fn auth(&mut self, node: &Node<'a>) -> Option<Template> {
        let template = self.template_at(node, "auth")?;
        let span = node.span_of("auth");
        if let Some(name) = template.as_literal() {
            self.auth_name(name, span);
        } else if let [Part::Value(Expr::Name(name))] = template.parts.as_slice()
            && let Some(row) = name.strip_prefix("row.")
        {
            self.row_auth.push((row.to_owned(), span));
        }
        Some(template)
    }

    /// A name that must be an auth scheme.
    pub(super) fn auth_name(&mut self, name: &str, span: Range<usize>) -> Option<usize> {
        match self.shared.fixture_index.get(name) {
            Some(&index) if self.shared.fixtures[index].kind == FixtureKind::Auth => {
                self.scope.mentions.push((index, super::scope::Least::Count(1)));
                return Some(index);
            }
            Some(_) => self.file.error(span, format!("`{name}` is no auth scheme; its fixture has another kind")),
            None => {
                let known = self.shared.fixtures.iter().filter(|each| each.kind == FixtureKind::Auth);
                let help = suggestion(name, known.map(|each| each.name.as_str()))
                    .or_else(|| Some("declare it in service.toml as a [[fixture]] of kind \"auth\"".to_owned()));
                self.file.error_help(span, format!("unknown auth scheme `{name}`"), help);
            }
        }
        None
    }

    fn body(&mut self, node: &Node<'a>, key: &str) -> Option<BodySpec> {
        let span = node.span_of(key);
        if key == "form" {
            return Some(BodySpec::Form(self.values_at(node, key)));
        }
        let text = node.text(key)?;
        Some(match key {
            "json" => {
                let body = self.json(text, &span)?;
                self.plain(&body, &span);
                BodySpec::Json(body)
            }
            "xml" => {
                let template = self.template(text, &span);
                self.xml_body(text, &span);
                BodySpec::Xml(template)
            }
            "text" => BodySpec::Text(self.template(text, &span)),
            "raw" => BodySpec::Raw(self.template(text, &span)),
            "raw_base64" => {
                let clean: String = text.split_whitespace().collect();
                match base64::engine::general_purpose::STANDARD.decode(clean) {
                    Ok(bytes) => BodySpec::Bytes(bytes),
                    Err(error) => {
                        self.file.error(span, format!("not base64: {error}"));
                        return None;
                    }
                }
            }
            _ => match (self.assets)(text) {
                Ok(bytes) => BodySpec::Bytes(bytes),
                Err(error) => {
                    self.file.error(span, format!("cannot read `{text}`: {error}"));
                    return None;
                }
            },
        })
    }

    fn captures(&mut self, node: &Node<'a>) -> Vec<Capture> {
        let Some(table) = node.node("capture") else { return Vec::new() };
        let mut captures = Vec::new();
        for (name, key_span, value) in table.entries() {
            let Some(capture) = Node::of(value) else { continue };
            if name == "status" || name.contains('.') {
                self.file.error(key_span.clone(), format!("a capture cannot be called `{name}`"));
            }
            let given: Vec<_> = ["json", "path", "xpath", "header", "body"]
                .into_iter()
                .filter(|key| capture.get(key).is_some())
                .collect();
            let [key] = given.as_slice() else {
                self.file.error(key_span, format!("capture `{name}` needs one of json, path, xpath, header, body"));
                continue;
            };
            let text = capture.owned(key);
            let from = match *key {
                "header" => CaptureFrom::Header(text.to_ascii_lowercase()),
                "body" => CaptureFrom::WholeBody,
                key => CaptureFrom::Body(self.path(key, text, &capture.span_of(key))),
            };
            let regex = capture.text("regex").map(str::to_owned);
            if let Some(Err(message)) = regex.as_deref().map(|text| self.shared.check_regex(text)) {
                self.file.error(capture.span_of("regex"), message);
            }
            captures.push(Capture {
                name: name.to_owned(),
                from,
                list: capture.flag("list"),
                kind: capture.text("type").map(str::to_owned),
                regex,
                secret: capture.flag("secret"),
                optional: capture.flag("optional"),
            });
        }
        captures
    }

    /// A path of the language that the key names; its syntax is checked.
    pub(super) fn path(&self, key: &str, text: String, span: &Range<usize>) -> Path {
        match key {
            "json" => {
                if !text.is_empty() && !text.starts_with('/') {
                    self.file.error_help(
                        span.clone(),
                        format!("`{text}` is no JSON Pointer"),
                        Some("it begins with `/`; a JSONPath is written as `path`".to_owned()),
                    );
                }
                Path::Pointer(text)
            }
            "path" => {
                if let Err(error) = self.shared.check_path(&text) {
                    self.file.error(span.clone(), format!("`{text}` is no JSONPath: {error}"));
                }
                Path::JsonPath(text)
            }
            _ => {
                if !is_xpath(&text) {
                    self.file.error_help(
                        span.clone(),
                        format!("`{text}` is not of the XPath subset"),
                        Some("known are /a/b[2]/c, //b, *, @x and text()".to_owned()),
                    );
                }
                Path::XPath(text)
            }
        }
    }
}

/// Whether a text is of casebook's subset of XPath.
fn is_xpath(text: &str) -> bool {
    let name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
    };
    let step = |step: &str| {
        if step == "text()" || step.strip_prefix('@').is_some_and(|rest| rest == "*" || name(rest)) {
            return true;
        }
        let (base, index) = match step.split_once('[') {
            Some((base, index)) => {
                (base, index.strip_suffix(']').is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n > 0)))
            }
            None => (step, true),
        };
        index && (base == "*" || name(base))
    };
    let Some(rest) = text.strip_prefix("//").or_else(|| text.strip_prefix('/')) else { return false };
    !rest.is_empty() && rest.replace("//", "/").split('/').all(step)
}

pub(super) fn query_style(node: &Node<'_>) -> Option<QueryStyle> {
    match node.text("query_style")? {
        "form" => Some(QueryStyle::Form),
        "percent" => Some(QueryStyle::Percent),
        _ => None,
    }
}

pub(super) fn millis(node: &Node<'_>, key: &str) -> Option<Duration> {
    node.integer(key).and_then(|number| u64::try_from(number).ok()).map(Duration::from_millis)
}

/// Values by name, those of `over` winning; names are compared by `same`.
fn overlay(
    under: &[(String, JsonTemplate)],
    over: Vec<(String, JsonTemplate)>,
    same: fn(&str, &str) -> bool,
) -> Vec<(String, JsonTemplate)> {
    let mut all: Vec<_> =
        under.iter().filter(|(name, _)| !over.iter().any(|(other, _)| same(name, other))).cloned().collect();
    all.extend(over);
    all
}

fn exactly(a: &str, b: &str) -> bool {
    a == b
}

impl PartialRequest {
    /// This over a shared one.
    fn over(self, under: &PartialRequest) -> Self {
        let whole = self.target.is_some();
        let parts = self.path.is_some() || !self.query.is_empty() || self.query_raw.is_some();
        let mut without = under.without_headers.clone();
        without.extend(self.without_headers);
        Self {
            method: self.method.or_else(|| under.method.clone()),
            path: self.path.or_else(|| under.path.clone().filter(|_| !whole)),
            target: self.target.or_else(|| under.target.clone().filter(|_| !parts)),
            query: if whole { self.query } else { overlay(&under.query, self.query, exactly) },
            query_style: self.query_style.or(under.query_style),
            query_raw: self.query_raw.or_else(|| under.query_raw.clone().filter(|_| !whole)),
            headers: overlay(&under.headers, self.headers, str::eq_ignore_ascii_case),
            without_headers: without,
            auth: self.auth.or_else(|| under.auth.clone()),
            content_type: self.content_type.or_else(|| under.content_type.clone()),
            body: self.body.or_else(|| under.body.clone()),
        }
    }

    fn finish(self, reader: &mut Reader<'_>, service: &str, span: &Range<usize>) -> RequestSpec {
        let shared = reader.shared;
        let defaults = shared.services.get(service);
        let headers = match defaults {
            Some(defaults) => {
                reader.scope.mentions.extend(defaults.mentions.iter().cloned());
                let kept: Vec<_> = defaults
                    .headers
                    .iter()
                    .filter(|(name, _)| !self.without_headers.iter().any(|each| each.eq_ignore_ascii_case(name)))
                    .cloned()
                    .collect();
                overlay(&kept, self.headers, str::eq_ignore_ascii_case)
            }
            None => self.headers,
        };
        if self.method.is_none() {
            reader.file.error(span.clone(), "request without `method`");
        }
        let target = match (self.target, self.path) {
            (Some(target), _) => TargetSpec::Raw(target),
            (None, path) => {
                if path.is_none() {
                    reader.file.error(span.clone(), "request without `path` or `target`");
                }
                let style = defaults.map_or(QueryStyle::Form, |each| each.service.query_style);
                TargetSpec::Path {
                    path: path.unwrap_or_default(),
                    query: self.query,
                    style: self.query_style.unwrap_or(style),
                    raw_query: self.query_raw,
                }
            }
        };
        RequestSpec {
            method: self.method.unwrap_or_default(),
            target,
            headers,
            auth: self.auth,
            body: self.body.unwrap_or(BodySpec::None),
            content_type: self.content_type,
            timeout: defaults.map_or(Duration::from_secs(10), |each| each.service.timeout),
        }
    }
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
        let extra =
            reader.shared.services.get(&service).map_or(crate::model::spec::Extra::Fail, |each| each.service.extra);
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

#[cfg(test)]
mod tests {
    use super::is_xpath;

    #[test]
    fn xpath_subset() {
        for good in ["/a/b[2]/c", "//b", "/a//b", "/*/@x", "//a/text()", "/ns:a"] {
            assert!(is_xpath(good), "{good}");
        }
        for bad in ["", "a", "/", "/a[0]", "/a[b]", "/a[1", "//", "/a/b()", "/a | /b"] {
            assert!(!is_xpath(bad), "{bad}");
        }
    }
}

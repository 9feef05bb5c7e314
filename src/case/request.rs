//! Requests: [`PartialRequest`] is one as written, which a shared one may complete; it becomes a [`RequestSpec`].

use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;

use super::context::Reader;
use super::diagnostic::suggestion;
use super::fields::BODIES;
use super::reader::Node;
use super::scope::Least;
use crate::model::spec::{BodySpec, QueryStyle, RequestSpec, TargetSpec};
use crate::model::suite::FixtureKind;
use crate::model::template::{Expr, JsonTemplate, Part, Template};

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
    redirects: Option<u32>,
    body: Option<BodySpec>,
}

impl<'a> Reader<'a> {
    pub(super) fn request(&mut self, node: &Node<'a>) -> PartialRequest {
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
        let method = self.template_at(node, "method");
        let literal = method.as_ref().and_then(Template::as_literal);
        if literal.is_some_and(|text| http::Method::from_bytes(text.as_bytes()).is_err()) {
            self.file.error(node.span_of("method"), "a method must be a token (RFC 9110, section 5.6.2)");
        }
        PartialRequest {
            method,
            path: self.target_at(node, "path"),
            target: self.target_at(node, "target"),
            query: self.values_at(node, "query"),
            query_style: query_style(node),
            query_raw: self.target_at(node, "query_raw"),
            headers: self.header_values(node),
            without_headers: node.strings("without_headers").iter().map(|name| name.to_ascii_lowercase()).collect(),
            auth: self.auth(node),
            content_type,
            redirects: node.integer("redirects").and_then(|most| u32::try_from(most).ok()),
            body: bodies.first().and_then(|key| self.body(node, key)),
        }
    }

    /// A part of the request target. What of it stands in the file must be something that can be sent as written.
    fn target_at(&mut self, node: &Node<'a>, key: &str) -> Option<Template> {
        let template = self.template_at(node, key)?;
        let span = node.span_of(key);
        let outside = match template.parts.first() {
            Some(Part::Text(text)) => !text.starts_with(['/', '?']),
            // A value is one segment of a path, and never the `/` before it.
            Some(Part::Value(_)) => key == "path",
            None => false,
        };
        if outside && key != "query_raw" {
            self.file.error(span.clone(), format!("`{key}` begins with `/`"));
        }
        for part in &template.parts {
            let Part::Text(text) = part else { continue };
            if text.contains('#') {
                let help = Some("write %23".to_owned());
                self.file.error_help(
                    span.clone(),
                    format!("`{key}` has a `#`, behind which nothing is ever sent"),
                    help,
                );
            } else if let Some(c) = text.chars().find(|c| !sendable(*c, key == "path")) {
                let message = format!("`{key}` cannot be sent as written: no request target has a {c:?}");
                let help = Some("write it percent-encoded".to_owned());
                self.file.error_help(span.clone(), message, help);
            }
        }
        Some(template)
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
                self.scope.mentions.push((index, Least::Count(1)));
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
}

/// Whether a character can stand in a request target. Of a path, those are encoded that could only end it.
fn sendable(c: char, path: bool) -> bool {
    let text = format!("/{c}");
    path && (c.is_control() || !c.is_ascii() || c == ' ') || http::uri::PathAndQuery::from_maybe_shared(text).is_ok()
}

pub(super) fn query_style(node: &Node<'_>) -> Option<QueryStyle> {
    match node.text("query_style")? {
        "form" => Some(QueryStyle::Form),
        "percent" => Some(QueryStyle::Percent),
        _ => None,
    }
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
    pub(super) fn over(self, under: &PartialRequest) -> Self {
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
            redirects: self.redirects.or(under.redirects),
            body: self.body.or_else(|| under.body.clone()),
        }
    }

    pub(super) fn finish(self, reader: &mut Reader<'_>, service: &str, span: &Range<usize>) -> RequestSpec {
        let shared = reader.shared;
        let defaults = shared.services.get(service);
        let mut headers = match defaults {
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
        // A field without values is not sent, and says that nobody else's value for it shall be.
        for name in self.without_headers {
            if !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                headers.push((name, JsonTemplate::Array(Vec::new())));
            }
        }
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
            redirects: self.redirects.unwrap_or(0),
            timeout: defaults.map_or(Duration::from_secs(10), |each| each.service.timeout),
        }
    }
}

//! From a [`RequestSpec`] to a [`PreparedRequest`]: path, query, credentials, body.

use base64::Engine as _;
use bytes::Bytes;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::eval::{Mode, TemplateError, resolve_borrowed, resolve_json, resolve_text};
use super::scope::Scope;
use crate::model::exchange::PreparedRequest;
use crate::model::json::Json;
use crate::model::spec::{BodySpec, QueryStyle, RequestSpec, TargetSpec};
use crate::model::target::Auth;
use crate::pattern::write::write_json;

/// Bytes that can never stand on a request line; everything else of a written path is sent as written.
const UNSENDABLE: &AsciiSet = &CONTROLS.add(b' ');

/// Builds what is sent.
pub fn prepare(spec: &RequestSpec, service: &str, scope: &mut Scope) -> Result<PreparedRequest, TemplateError> {
    let base_url = scope
        .target()
        .services
        .get(service)
        .cloned()
        .ok_or_else(|| TemplateError::NoValue(format!("base URL of {service}")))?;
    let mut headers: Vec<(String, Vec<u8>)> = Vec::with_capacity(spec.headers.len() + 2);
    for (name, value) in &spec.headers {
        for text in texts(resolve_json(value, scope, false)?)? {
            headers.push((name.clone(), text.into_bytes()));
        }
    }
    if let Some(name) = &spec.auth {
        let name = resolve_text(name, scope, Mode::Plain)?;
        headers.push(credentials(&name, scope)?);
    }
    add_own(&mut headers, spec, scope)?;
    let (body, kind) = body(&spec.body, scope)?;
    let content_type = match &spec.content_type {
        Some(Some(own)) => Some(resolve_text(own, scope, Mode::Plain)?),
        Some(None) => None,
        None => kind.map(str::to_owned),
    };
    if let Some(content_type) = content_type
        && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        headers.push(("content-type".to_owned(), content_type.into_bytes()));
    }
    Ok(PreparedRequest {
        service: service.to_owned(),
        method: resolve_text(&spec.method, scope, Mode::Plain)?,
        base_url,
        target: target(&spec.target, scope)?,
        headers,
        body,
        timeout: spec.timeout,
    })
}

/// Header fields that the target wants in every request, and the `Accept` of a client that takes anything. What the
/// case sets itself wins, and so does what it leaves out.
fn add_own(headers: &mut Vec<(String, Vec<u8>)>, spec: &RequestSpec, scope: &Scope) -> Result<(), TemplateError> {
    let is_free = |headers: &[(String, Vec<u8>)], name: &str| {
        let mut named = headers.iter().map(|(other, _)| other).chain(spec.headers.iter().map(|(other, _)| other));
        !named.any(|other| other.eq_ignore_ascii_case(name))
    };
    for (name, value) in &scope.target().headers {
        if is_free(headers, name) {
            headers.push((name.clone(), resolve_text(value, scope, Mode::Plain)?.into_bytes()));
        }
    }
    // The client would add it anyhow; here it is recorded, and a case can do without.
    if is_free(headers, "accept") {
        headers.push(("accept".to_owned(), b"*/*".to_vec()));
    }
    Ok(())
}

fn target(spec: &TargetSpec, scope: &mut Scope) -> Result<String, TemplateError> {
    let target = written(spec, scope)?;
    // Behind a base URL `@other.host/` or `0/` would make another host or port of it.
    if !(target.is_empty() || target.starts_with(['/', '?'])) {
        return Err(TemplateError::Target("does not begin with `/`"));
    }
    if target.contains('#') {
        return Err(TemplateError::Target("has a `#`, behind which nothing is ever sent; write %23"));
    }
    Ok(target)
}

fn written(spec: &TargetSpec, scope: &mut Scope) -> Result<String, TemplateError> {
    let (path, query, style, raw_query) = match spec {
        TargetSpec::Raw(raw) => return resolve_text(raw, scope, Mode::Plain),
        TargetSpec::Path { path, query, style, raw_query } => (path, query, style, raw_query),
    };
    let path = resolve_text(path, scope, Mode::Segment)?;
    let mut pairs: Vec<String> = Vec::with_capacity(query.len() + 1);
    for (name, value) in query {
        for text in texts(resolve_json(value, scope, false)?)? {
            pairs.push(format!("{}={}", encode(name, *style), encode(&text, *style)));
        }
    }
    if let Some(raw) = raw_query {
        pairs.push(resolve_text(raw, scope, Mode::Plain)?);
    }
    let mut target = utf8_percent_encode(&path, UNSENDABLE).to_string();
    if !pairs.is_empty() {
        target.push('?');
        target.push_str(&pairs.join("&"));
    }
    Ok(target)
}

fn encode(text: &str, style: QueryStyle) -> String {
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    match style {
        QueryStyle::Form => form,
        QueryStyle::Percent => form.replace('+', "%20"),
    }
}

/// A value as the texts that it stands for: a list repeats its name.
fn texts(value: Json<'static>) -> Result<Vec<String>, TemplateError> {
    match value {
        Json::Array(items) => items.into_iter().map(text).collect(),
        one => text(one).map(|text| vec![text]),
    }
}

fn text(value: Json<'static>) -> Result<String, TemplateError> {
    match value {
        Json::String(text) | Json::Number(text) => Ok(text.into_owned()),
        Json::Bool(value) => Ok(value.to_string()),
        other => Err(TemplateError::NotText(other.type_name())),
    }
}

fn credentials(name: &str, scope: &Scope) -> Result<(String, Vec<u8>), TemplateError> {
    let auth = scope.target().auth.get(name).ok_or_else(|| TemplateError::NoValue(format!("auth.{name}")))?;
    Ok(match auth {
        Auth::Header { name, value } => {
            (name.to_ascii_lowercase(), resolve_text(value, scope, Mode::Plain)?.into_bytes())
        }
        Auth::Basic { user, password } => {
            let pair =
                format!("{}:{}", resolve_text(user, scope, Mode::Plain)?, resolve_text(password, scope, Mode::Plain)?);
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            ("authorization".to_owned(), format!("Basic {encoded}").into_bytes())
        }
        Auth::Bearer(token) => {
            ("authorization".to_owned(), format!("Bearer {}", resolve_text(token, scope, Mode::Plain)?).into_bytes())
        }
    })
}

fn body(spec: &BodySpec, scope: &mut Scope) -> Result<(Option<Bytes>, Option<&'static str>), TemplateError> {
    Ok(match spec {
        BodySpec::None => (None, None),
        BodySpec::Json(json) => {
            (Some(write_json(&resolve_borrowed(json, scope, false)?).into()), Some("application/json"))
        }
        BodySpec::Xml(xml) => (Some(resolve_text(xml, scope, Mode::Xml)?.into()), Some("application/xml")),
        BodySpec::Form(fields) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                for text in texts(resolve_json(value, scope, false)?)? {
                    form.append_pair(name, &text);
                }
            }
            (Some(form.finish().into()), Some("application/x-www-form-urlencoded"))
        }
        BodySpec::Text(text) => (Some(resolve_text(text, scope, Mode::Plain)?.into()), Some("text/plain")),
        BodySpec::Raw(raw) => (Some(resolve_text(raw, scope, Mode::Plain)?.into()), None),
        BodySpec::Bytes(bytes) => (Some(Bytes::copy_from_slice(bytes)), None),
    })
}

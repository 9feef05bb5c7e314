//! Values of expressions: functions, filters, and their insertion into text and JSON.

use std::borrow::Cow;

use base64::Engine as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::scope::Scope;
use crate::model::json::Json;
use crate::model::template::{Expr, Filter, Function, JsonTemplate, Part, Template};
use crate::pattern::PatternError;

/// Everything but unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest text that a function makes, in bytes, so that a typing error cannot fill the memory.
const MOST: usize = 1 << 24;

/// Longest list that a function makes. An entry needs some thirty bytes, however short it is.
const ENTRIES: usize = 1 << 20;

/// Why a template cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A name without a value.
    #[error("`{0}` has no value here")]
    NoValue(String),
    /// An index or slice beyond the end.
    #[error("`{what}` has {length} entries, entry {index} was asked for")]
    OutOfRange {
        /// What was indexed.
        what: String,
        /// How many there are.
        length: usize,
        /// The one asked for, from 0.
        index: i64,
    },
    /// A value of the wrong type.
    #[error("`{what}` needs {wanted}, got {got}")]
    WrongType {
        /// Function, filter or place.
        what: String,
        /// What it takes.
        wanted: &'static str,
        /// What it got.
        got: &'static str,
    },
    /// A list, an object or null where text is written.
    #[error("{0} cannot be written into text; use `join`, an index or a filter")]
    NotText(&'static str),
    /// A list or text of unreasonable size.
    #[error("`{0}` would make more than {ENTRIES} entries or {MOST} bytes")]
    TooLarge(&'static str),
    /// A request target that would not stay with its base URL, or would not be sent whole.
    #[error("the request target {0}")]
    Target(&'static str),
    /// A pattern that does not compile once its values are in it.
    #[error("{0}")]
    Pattern(String),
}

impl From<PatternError> for TemplateError {
    fn from(error: PatternError) -> Self {
        Self::Pattern(error.to_string())
    }
}

/// What an expression gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A value.
    Json(Json<'static>),
    /// Markup that is written into an XML body as it is.
    Markup(String),
}

/// How a value is written into text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it is.
    Plain,
    /// Percent-encoded as one path segment.
    Segment,
    /// Escaped for XML.
    Xml,
}

/// The value of an expression.
pub fn evaluate(expr: &Expr, scope: &Scope) -> Result<Value, TemplateError> {
    match expr {
        Expr::Call(Function::XmlEach, arguments) => xml_each(arguments, scope).map(Value::Markup),
        other => value(other, scope).map(Value::Json),
    }
}

/// The text of a template.
pub fn resolve_text(template: &Template, scope: &Scope, mode: Mode) -> Result<String, TemplateError> {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Value(expr) => match evaluate(expr, scope)? {
                Value::Markup(markup) => text.push_str(&markup),
                Value::Json(value) => {
                    let inserted = as_text(&value)?;
                    match mode {
                        Mode::Plain => text.push_str(&inserted),
                        Mode::Segment => text.extend(utf8_percent_encode(&inserted, RESERVED)),
                        Mode::Xml => text.push_str(&escape_xml(&inserted)),
                    }
                }
            },
        }
    }
    Ok(text)
}

/// A JSON value with its strings resolved. A string that is one expression and nothing else takes the value's own
/// type. With `pattern`, a value that holds an object is marked `$literal`, so that an answer captured from a server
/// is never read as an operator, and an expanded `$per` is marked `$sequence`.
pub fn resolve_json(template: &JsonTemplate, scope: &mut Scope, pattern: bool) -> Result<Json<'static>, TemplateError> {
    resolve_borrowed(template, scope, pattern).map(Json::into_owned)
}

/// As [`resolve_json`]; what is written in the template itself is not copied.
pub(super) fn resolve_borrowed<'t>(
    template: &'t JsonTemplate,
    scope: &mut Scope,
    pattern: bool,
) -> Result<Json<'t>, TemplateError> {
    Ok(match template {
        JsonTemplate::Null => Json::Null,
        JsonTemplate::Bool(value) => Json::Bool(*value),
        JsonTemplate::Number(text) => Json::Number(Cow::Borrowed(text)),
        JsonTemplate::Text(text) => match text.parts.as_slice() {
            [] => Json::string(""),
            [Part::Text(text)] => Json::string(text.as_str()),
            [Part::Value(expr)] => {
                let found = value(expr, scope)?;
                if pattern && holds_object(&found) {
                    Json::Object(vec![(Cow::Borrowed("$literal"), found)])
                } else {
                    found
                }
            }
            _ => Json::string(resolve_text(text, scope, Mode::Plain)?),
        },
        JsonTemplate::Array(items) => {
            // One by one, since a `collect` of results would not know how many there are.
            let mut all = Vec::with_capacity(items.len());
            for each in items {
                all.push(resolve_borrowed(each, scope, pattern)?);
            }
            Json::Array(all)
        }
        JsonTemplate::Object(members) => match members.first().map(|(key, _)| key.as_str()) {
            Some("$per") => per(members, scope, pattern)?,
            Some("$concat") if !pattern => {
                let mut all = Vec::new();
                match resolve_borrowed(&members[0].1, scope, pattern)? {
                    Json::Array(parts) => {
                        for part in parts {
                            match part {
                                Json::Array(items) => all.extend(items),
                                other => return Err(wrong("$concat", "arrays", &other)),
                            }
                        }
                    }
                    other => return Err(wrong("$concat", "an array of arrays", &other)),
                }
                Json::Array(all)
            }
            _ => {
                let mut all = Vec::with_capacity(members.len());
                for (key, each) in members {
                    all.push((Cow::Borrowed(key.as_str()), resolve_borrowed(each, scope, pattern)?));
                }
                Json::Object(all)
            }
        },
    })
}

fn per<'t>(members: &'t [(String, JsonTemplate)], scope: &mut Scope, pattern: bool) -> Result<Json<'t>, TemplateError> {
    let list = match resolve_json(&members[0].1, scope, false)? {
        Json::Array(items) => items,
        other => return Err(wrong("$per", "a list", &other)),
    };
    let Some((_, inner)) = members.iter().find(|(key, _)| key == "$is") else {
        return Err(TemplateError::NoValue("$is".to_owned()));
    };
    let (item, index) = (scope.get("item").cloned(), scope.get("index").cloned());
    let mut all = Vec::with_capacity(list.len());
    for (position, each) in list.into_iter().enumerate() {
        scope.set("item", each);
        scope.set("index", Json::integer(position as i64));
        all.push(resolve_borrowed(inner, scope, pattern)?);
    }
    for (name, before) in [("item", item), ("index", index)] {
        match before {
            Some(value) => scope.set(name, value),
            None => scope.unset(name),
        }
    }
    Ok(if pattern { Json::Object(vec![(Cow::Borrowed("$sequence"), Json::Array(all))]) } else { Json::Array(all) })
}

fn holds_object(value: &Json<'_>) -> bool {
    match value {
        Json::Object(_) => true,
        Json::Array(items) => items.iter().any(holds_object),
        _ => false,
    }
}

fn value(expr: &Expr, scope: &Scope) -> Result<Json<'static>, TemplateError> {
    match expr {
        Expr::Name(name) => scope.get(name).cloned().ok_or_else(|| TemplateError::NoValue(name.clone())),
        Expr::Text(text) => Ok(Json::string(text.clone())),
        Expr::Integer(number) => Ok(Json::integer(*number)),
        Expr::Index(list, index) => {
            let items = list_of(list, scope)?;
            let index = integer("index", &value(index, scope)?)?;
            usize::try_from(index).ok().and_then(|at| items.get(at).cloned()).ok_or_else(|| TemplateError::OutOfRange {
                what: describe(list),
                length: items.len(),
                index,
            })
        }
        Expr::Slice(list, from, to) => {
            let items = list_of(list, scope)?;
            let (from, to) = (integer("slice", &value(from, scope)?)?, integer("slice", &value(to, scope)?)?);
            match (usize::try_from(from), usize::try_from(to)) {
                (Ok(from), Ok(to)) if from <= to && to <= items.len() => Ok(Json::Array(items[from..to].to_vec())),
                _ => Err(TemplateError::OutOfRange { what: describe(list), length: items.len(), index: to - 1 }),
            }
        }
        Expr::Call(function, arguments) => call(*function, arguments, scope),
        Expr::Filter(input, filter, arguments) => {
            let input = value(input, scope)?;
            let arguments: Vec<_> = arguments.iter().map(|each| value(each, scope)).collect::<Result<_, _>>()?;
            apply(*filter, input, &arguments)
        }
    }
}

fn describe(expr: &Expr) -> String {
    match expr {
        Expr::Name(name) => name.clone(),
        Expr::Call(function, _) => function.word().to_owned(),
        _ => "the list".to_owned(),
    }
}

fn list_of(expr: &Expr, scope: &Scope) -> Result<Vec<Json<'static>>, TemplateError> {
    match value(expr, scope)? {
        Json::Array(items) => Ok(items),
        other => Err(wrong(&describe(expr), "a list", &other)),
    }
}

fn wrong(what: &str, wanted: &'static str, got: &Json<'_>) -> TemplateError {
    TemplateError::WrongType { what: what.to_owned(), wanted, got: got.type_name() }
}

fn integer(what: &str, value: &Json<'_>) -> Result<i64, TemplateError> {
    match value {
        Json::Number(text) => text.parse().map_err(|_| wrong(what, "an integer", value)),
        Json::String(text) => text.parse().map_err(|_| wrong(what, "an integer", value)),
        other => Err(wrong(what, "an integer", other)),
    }
}

fn size(what: &'static str, value: &Json<'_>, most: usize) -> Result<usize, TemplateError> {
    let number = integer(what, value)?;
    usize::try_from(number).ok().filter(|n| *n <= most).ok_or(TemplateError::TooLarge(what))
}

/// About how many bytes of text a value has, and one more for each value in it.
fn weight(value: &Json<'_>) -> usize {
    match value {
        Json::String(text) | Json::Number(text) => text.len() + 1,
        Json::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Json::Object(members) => 1 + members.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>(),
        Json::Null | Json::Bool(_) => 1,
    }
}

fn as_text<'a>(value: &'a Json<'_>) -> Result<Cow<'a, str>, TemplateError> {
    match value {
        Json::String(text) | Json::Number(text) => Ok(Cow::Borrowed(text)),
        Json::Bool(true) => Ok(Cow::Borrowed("true")),
        Json::Bool(false) => Ok(Cow::Borrowed("false")),
        other => Err(TemplateError::NotText(other.type_name())),
    }
}

fn call(function: Function, arguments: &[Expr], scope: &Scope) -> Result<Json<'static>, TemplateError> {
    let at = |index: usize| value(&arguments[index], scope);
    match function {
        Function::Repeat => {
            let count = size("repeat", &at(1)?, ENTRIES)?;
            let each = at(0)?;
            if weight(&each).saturating_mul(count) > MOST {
                return Err(TemplateError::TooLarge("repeat"));
            }
            Ok(Json::Array(vec![each; count]))
        }
        Function::Take => {
            let mut items = list_of(&arguments[0], scope)?;
            let count = size("take", &at(1)?, ENTRIES)?;
            if count > items.len() {
                let what = describe(&arguments[0]);
                return Err(TemplateError::OutOfRange { what, length: items.len(), index: count as i64 - 1 });
            }
            items.truncate(count);
            Ok(Json::Array(items))
        }
        Function::Concat => {
            let mut all = Vec::new();
            for argument in arguments {
                match value(argument, scope)? {
                    Json::Array(items) => all.extend(items),
                    other => all.push(other),
                }
            }
            Ok(Json::Array(all))
        }
        Function::RandomGuid => {
            Ok(Json::string(random_guid(scope.seed(), scope.case(), as_text(&at(0)?)?.as_ref(), 0)))
        }
        Function::RandomGuids => {
            let count = size("random_guids", &at(0)?, ENTRIES)?;
            let label = at(1)?;
            let label = as_text(&label)?;
            let one = |index| Json::string(random_guid(scope.seed(), scope.case(), &label, index));
            Ok(Json::Array((0..count as u64).map(one).collect()))
        }
        Function::Text => {
            let (text, count) = (at(0)?, size("text", &at(1)?, MOST)?);
            let text = as_text(&text)?;
            if text.len().saturating_mul(count) > MOST {
                return Err(TemplateError::TooLarge("text"));
            }
            Ok(Json::string(text.repeat(count)))
        }
        Function::XmlEach => Err(TemplateError::NotText("markup")),
        Function::List => arguments.iter().map(|each| value(each, scope)).collect::<Result<_, _>>().map(Json::Array),
        Function::Range => Ok(Json::Array((0..size("range", &at(0)?, ENTRIES)? as i64).map(Json::integer).collect())),
    }
}

fn xml_each(arguments: &[Expr], scope: &Scope) -> Result<String, TemplateError> {
    let tag = value(&arguments[0], scope)?;
    let tag = as_text(&tag)?;
    let mut markup = String::new();
    for item in list_of(&arguments[1], scope)? {
        let text = escape_xml(&as_text(&item)?);
        markup.push_str(&format!("<{tag}>{text}</{tag}>"));
    }
    Ok(markup)
}

/// A version-4 GUID that depends on nothing but its arguments, so that a run can be repeated from its seed.
#[must_use]
pub fn random_guid(seed: u64, case: &str, label: &str, index: u64) -> String {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(case.as_bytes());
    hash.update([0]);
    hash.update(label.as_bytes());
    hash.update([0]);
    hash.update(index.to_le_bytes());
    let digest = hash.finalize();
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn apply(filter: Filter, input: Json<'static>, arguments: &[Json<'static>]) -> Result<Json<'static>, TemplateError> {
    if let Json::Array(items) = input {
        return match filter {
            Filter::Length => Ok(Json::integer(items.len() as i64)),
            Filter::First | Filter::Last => {
                let length = items.len();
                let found =
                    if filter == Filter::First { items.into_iter().next() } else { items.into_iter().next_back() };
                found.ok_or(TemplateError::OutOfRange { what: filter.word().to_owned(), length, index: 0 })
            }
            Filter::Join => {
                let texts: Vec<_> = items.iter().map(as_text).collect::<Result<_, _>>()?;
                let between = as_text(&arguments[0])?;
                let bytes = texts.iter().fold(between.len().saturating_mul(texts.len()), |sum, text| sum + text.len());
                if bytes > MOST {
                    return Err(TemplateError::TooLarge("join"));
                }
                Ok(Json::string(texts.join(between.as_ref())))
            }
            _ => {
                items.into_iter().map(|each| apply(filter, each, arguments)).collect::<Result<_, _>>().map(Json::Array)
            }
        };
    }
    if filter == Filter::Plus {
        let sum = integer("plus", &input)?.checked_add(integer("plus", &arguments[0])?);
        return sum.map(Json::integer).ok_or(TemplateError::TooLarge("plus"));
    }
    if matches!(filter, Filter::First | Filter::Last | Filter::Join) {
        return Err(wrong(filter.word(), "a list", &input));
    }
    let text = as_text(&input)?;
    let argument = |index: usize| as_text(&arguments[index]);
    Ok(Json::string(match filter {
        Filter::Upper => text.to_uppercase(),
        Filter::Lower => text.to_lowercase(),
        Filter::SwapCase => text
            .chars()
            .map(|c| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
            .collect(),
        Filter::UpperGuid => in_guid(&text, str::to_ascii_uppercase),
        Filter::LowerGuid => in_guid(&text, str::to_ascii_lowercase),
        Filter::Regex => regex::escape(&text),
        Filter::Percent => utf8_percent_encode(&text, RESERVED).to_string(),
        Filter::Form => url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
        Filter::Base64 => base64::engine::general_purpose::STANDARD.encode(text.as_bytes()),
        Filter::String => text.into_owned(),
        Filter::Length => return Ok(Json::integer(text.chars().count() as i64)),
        Filter::Cut => {
            let (from, to) = (size("cut", &arguments[0], MOST)?, size("cut", &arguments[1], MOST)?);
            text.chars().skip(from).take(to.saturating_sub(from)).collect()
        }
        Filter::Prefix => format!("{}{text}", argument(0)?),
        Filter::Suffix => format!("{text}{}", argument(0)?),
        Filter::Replace => text.replace(argument(0)?.as_ref(), argument(1)?.as_ref()),
        Filter::Plus | Filter::First | Filter::Last | Filter::Join => {
            return Err(wrong(filter.word(), "a list", &input));
        }
    }))
}

/// Changes the GUID at the end of an id and leaves what stands before it alone.
fn in_guid(id: &str, change: impl Fn(&str) -> String) -> String {
    match id.len().checked_sub(36).and_then(|at| id.split_at_checked(at)) {
        Some((prefix, guid)) if is_guid(guid) => format!("{prefix}{}", change(guid)),
        _ => id.to_owned(),
    }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn escape_xml(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::target::{Identity, Target, TargetClass};

    fn scope() -> Scope {
        let identity = Identity {
            name: "t".to_owned(),
            product: String::new(),
            version: String::new(),
            operator: String::new(),
            class: TargetClass::Mock,
        };
        let tracks = Json::Array(["music.aa", "b&<"].into_iter().map(Json::string).collect());
        let target = Target {
            identity,
            services: BTreeMap::new(),
            values: BTreeMap::from([("g.tracks".to_owned(), tracks)]),
            secrets: Vec::new(),
            auth: BTreeMap::new(),
            headers: Vec::new(),
            connection: Default::default(),
            safety: Default::default(),
            limits: Default::default(),
            known: Vec::new(),
        };
        Scope::new(Arc::new(target), 7, "a/b")
    }

    fn name(text: &str) -> Expr {
        Expr::Name(text.to_owned())
    }

    fn whole(expr: Expr) -> JsonTemplate {
        JsonTemplate::Text(Template { parts: vec![Part::Value(expr)] })
    }

    #[test]
    fn joined_texts_are_capped() {
        let many = Json::Array(vec![Json::string("a".to_owned()); 1000]);
        let joined = apply(Filter::Join, many, &[Json::string("-".repeat(MOST / 500))]);
        assert!(matches!(joined, Err(TemplateError::TooLarge("join"))), "{joined:?}");
    }

    /// Found by fuzzing: a list of millions of entries took seconds and half a gigabyte.
    #[test]
    fn lists_are_capped() {
        let repeat = |what: Expr, count: i64| {
            let call = Expr::Call(Function::Repeat, vec![what, Expr::Integer(count)]);
            resolve_json(&whole(call), &mut scope(), false)
        };
        let text = |length: usize| Expr::Text("x".repeat(length));
        assert!(repeat(text(1), 1000).is_ok());
        assert_eq!(repeat(text(1), 7_777_774), Err(TemplateError::TooLarge("repeat")));
        assert_eq!(repeat(text(1000), 100_000), Err(TemplateError::TooLarge("repeat")));
        let many = Expr::Call(Function::Repeat, vec![text(1), Expr::Integer(100_000)]);
        assert_eq!(repeat(many, 1000), Err(TemplateError::TooLarge("repeat")));
    }

    #[test]
    fn a_whole_expression_keeps_its_type() {
        let repeat = Expr::Call(
            Function::Repeat,
            vec![Expr::Index(Box::new(name("g.tracks")), Box::new(Expr::Integer(0))), Expr::Integer(3)],
        );
        assert_eq!(
            resolve_json(&whole(repeat), &mut scope(), false).unwrap(),
            Json::Array(vec![Json::string("music.aa"); 3])
        );
    }

    #[test]
    fn values_are_escaped_for_their_place() {
        let template = Template {
            parts: vec![
                Part::Text("/".to_owned()),
                Part::Value(Expr::Index(Box::new(name("g.tracks")), Box::new(Expr::Integer(1)))),
            ],
        };
        assert_eq!(resolve_text(&template, &scope(), Mode::Plain).unwrap(), "/b&<");
        assert_eq!(resolve_text(&template, &scope(), Mode::Segment).unwrap(), "/b%26%3C");
        assert_eq!(resolve_text(&template, &scope(), Mode::Xml).unwrap(), "/b&amp;&lt;");
    }

    #[test]
    fn per_binds_item_and_index_and_nests() {
        let inner =
            JsonTemplate::Object(vec![("n".to_owned(), whole(name("index"))), ("id".to_owned(), whole(name("item")))]);
        let template =
            JsonTemplate::Object(vec![("$per".to_owned(), whole(name("g.tracks"))), ("$is".to_owned(), inner)]);
        let mut scope = scope();
        let plain = resolve_json(&template, &mut scope, false).unwrap();
        assert!(
            matches!(&plain, Json::Array(items) if items.len() == 2 && items[1].get("n") == Some(&Json::integer(1)))
        );
        let pattern = resolve_json(&template, &mut scope, true).unwrap();
        assert!(pattern.get("$sequence").is_some());
        assert_eq!(scope.get("item"), None);
    }

    #[test]
    fn a_captured_object_is_never_an_operator() {
        let mut scope = scope();
        scope.set("a.body", Json::Object(vec![(Cow::Borrowed("$any"), Json::Bool(true))]));
        let found = resolve_json(&whole(name("a.body")), &mut scope, true).unwrap();
        assert!(found.get("$literal").is_some());
    }

    #[test]
    fn only_the_guid_of_an_id_changes_case() {
        let id = "music.9bb2c5c5-455c-4c15-827c-f9bfd759a458";
        assert_eq!(in_guid(id, str::to_ascii_uppercase), "music.9BB2C5C5-455C-4C15-827C-F9BFD759A458");
        assert_eq!(in_guid("music.AQQabc_-", str::to_ascii_uppercase), "music.AQQabc_-");
        assert_eq!(
            in_guid("é9bb2c5c5-455c-4c15-827c-f9bfd759a45", str::to_ascii_uppercase),
            "é9bb2c5c5-455c-4c15-827c-f9bfd759a45"
        );
    }

    #[test]
    fn random_guids_repeat_from_the_seed_and_differ_by_label() {
        assert_eq!(random_guid(1, "c", "l", 0), random_guid(1, "c", "l", 0));
        assert_ne!(random_guid(1, "c", "l", 0), random_guid(1, "c", "l", 1));
        assert_ne!(random_guid(1, "c", "l", 0), random_guid(2, "c", "l", 0));
        let guid = random_guid(1, "c", "l", 0);
        assert!(is_guid(&guid) && guid.as_bytes()[14] == b'4', "{guid}");
    }

    #[test]
    fn out_of_range_names_the_list_and_its_length() {
        let error = resolve_json(
            &whole(Expr::Index(Box::new(name("g.tracks")), Box::new(Expr::Integer(9)))),
            &mut scope(),
            false,
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "`g.tracks` has 2 entries, entry 9 was asked for");
    }
}

//! Compiled patterns: [`JsonPattern`] and [`XmlPattern`], and [`XmlResolved`], the XML that one is compiled from.
//!
//! Every place of a pattern that can hold or fail has an index into the pattern's list of checks, so that a
//! comparison counts in two integers per check and allocates nothing where everything matches.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use regex::Regex;

use super::clause::ChoicePolicy;
use super::id::ChoiceId;
use super::json::Json;
use super::spec::Extra;
use super::tally::{CheckDefs, CheckIndex};
use super::template::JsonTemplate;

/// A compiled JSON pattern.
#[derive(Clone, Debug)]
pub struct JsonPattern {
    /// What the whole value must match.
    pub root: Node,
    /// Every check of it.
    pub checks: Arc<CheckDefs>,
}

/// What a JSON body must match.
#[derive(Clone, Debug)]
pub enum JsonBody {
    /// A compiled pattern.
    Compiled(Arc<JsonPattern>),
    /// A template that is compared as it is written.
    Plain(Plain),
}

/// A template without operators and insertions, with checks that are known. The pattern says how a value differs from
/// it, and most do not.
#[derive(Clone, Debug)]
pub struct Plain {
    /// What is written.
    pub template: Arc<JsonTemplate>,
    /// What an unlisted member means.
    pub extra: Extra,
    /// The checks that its pattern has.
    pub checks: Arc<CheckDefs>,
    /// Makes the pattern.
    pub compile: fn(&JsonTemplate, Extra, &Arc<CheckDefs>) -> JsonPattern,
    /// Made when it is needed.
    pub pattern: OnceLock<Arc<JsonPattern>>,
}

impl JsonBody {
    /// The pattern that a value is held against where it may differ.
    #[must_use]
    pub fn pattern(&self) -> &Arc<JsonPattern> {
        match self {
            Self::Compiled(pattern) => pattern,
            Self::Plain(Plain { template, extra, checks, compile, pattern }) => {
                pattern.get_or_init(|| Arc::new(compile(template, *extra, checks)))
            }
        }
    }
}

impl From<JsonPattern> for JsonBody {
    fn from(pattern: JsonPattern) -> Self {
        Self::Compiled(Arc::new(pattern))
    }
}

/// One place of a JSON pattern.
#[derive(Clone, Debug)]
pub struct Node {
    /// What is asked.
    pub rule: Rule,
    /// Which check it is.
    pub check: CheckIndex,
    /// How it was written, for an operator.
    pub written: Option<Arc<Json<'static>>>,
}

/// A JSON type that a pattern can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    /// A string.
    String,
    /// Any number.
    Number,
    /// A number without fraction, by value.
    Integer,
    /// True or false.
    Boolean,
    /// Null.
    Null,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl JsonType {
    /// All of them, in the order of the documentation.
    pub const ALL: [JsonType; 7] = [
        JsonType::String,
        JsonType::Number,
        JsonType::Integer,
        JsonType::Boolean,
        JsonType::Null,
        JsonType::Array,
        JsonType::Object,
    ];

    /// The word as written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            JsonType::String => "string",
            JsonType::Number => "number",
            JsonType::Integer => "integer",
            JsonType::Boolean => "boolean",
            JsonType::Null => "null",
            JsonType::Array => "array",
            JsonType::Object => "object",
        }
    }
}

/// What is asked of a JSON value.
#[derive(Clone, Debug)]
pub enum Rule {
    /// Null.
    Null,
    /// This boolean.
    Bool(bool),
    /// A number of this value.
    Number(String),
    /// This string.
    String(String),
    /// Just these elements, in order.
    Array(Vec<Node>),
    /// An object.
    Object(Members),
    /// Anything that is there.
    Any,
    /// Anything, or nothing.
    Unchecked,
    /// One of these types.
    Type(Vec<JsonType>),
    /// A string in which the expression is found. Shared, because a copy of an expression begins without what the
    /// original has worked out while searching.
    Regex(Arc<Regex>),
    /// The string in any letter case.
    IgnoreCase(String),
    /// A string with that text, or an array with an element that matches.
    Contains(Box<Node>),
    /// Length of a string (characters), array or object: least and most.
    Length(usize, Option<usize>),
    /// A number from the first to the second, both included.
    Range(Option<String>, Option<String>),
    /// A number written exactly so.
    Lexical(String),
    /// An array without equal elements.
    Distinct,
    /// May be absent.
    Optional(Box<Node>),
    /// Must be absent.
    Absent,
    /// An array whose elements all match.
    Each(Box<Node>),
    /// An array with these elements in any order.
    Unordered(Vec<Node>),
    /// One of these.
    OneOf(Vec<Node>),
    /// All of these.
    All(Vec<Node>),
    /// Not that.
    Not(Box<Node>),
    /// The value at that place of the same body.
    SameAs(String),
    /// One of a choice's readings.
    Choice(ChoiceRule),
}

/// Members of an object pattern.
#[derive(Clone, Debug)]
pub struct Members {
    /// Names and patterns, in the order written.
    pub list: Vec<(String, Node)>,
    /// Where a name stands in `list`; only when there are many.
    pub index: Option<Box<HashMap<String, usize>>>,
    /// What an unlisted member means.
    pub extra: Extra,
}

/// A place that a choice leaves open.
#[derive(Clone, Debug)]
pub struct ChoiceRule {
    /// The choice.
    pub choice: ChoiceId,
    /// What it means when no reading matches.
    pub policy: ChoicePolicy,
    /// Readings and their patterns.
    pub readings: Vec<(String, Node)>,
}

/// A compiled XML pattern.
#[derive(Clone, Debug)]
pub struct XmlPattern {
    /// The root element.
    pub root: XmlNode,
    /// Every check of it.
    pub checks: Arc<CheckDefs>,
}

/// One element of an XML pattern.
#[derive(Clone, Debug)]
pub struct XmlNode {
    /// Namespace URI.
    pub namespace: Option<String>,
    /// Local name.
    pub name: String,
    /// The check of the element's presence, name and unlisted content.
    pub check: CheckIndex,
    /// Attributes: namespace URI, local name, what the value must match.
    pub attributes: Vec<(Option<String>, String, Node)>,
    /// Child elements.
    pub children: Vec<XmlNode>,
    /// What the text of an element without child elements must match.
    pub text: Option<Node>,
    /// May be absent.
    pub optional: bool,
    /// Must be absent.
    pub absent: bool,
    /// A choice that decides whether it is there.
    pub choice: Option<XmlChoice>,
    /// Children in any order.
    pub any_order: bool,
    /// What an unlisted element or attribute means.
    pub extra: Extra,
}

/// A choice that an element's presence answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlChoice {
    /// The choice.
    pub id: ChoiceId,
    /// The reading of an answer with the element.
    pub present: String,
    /// The reading of an answer without it.
    pub missing: String,
}

/// An expected XML element after values are inserted and `cb:per` is expanded.
#[derive(Clone, Debug, PartialEq)]
pub struct XmlResolved {
    /// Namespace URI.
    pub namespace: Option<String>,
    /// Local name.
    pub name: String,
    /// Attributes outside `urn:casebook`: namespace, local name, value.
    pub attributes: Vec<(Option<String>, String, XmlResolvedText)>,
    /// Attributes of `urn:casebook` by local name. An element that `cb:per` was expanded to keeps `per`
    /// with any value: its check is then named with `[*]`.
    pub steering: Vec<(String, String)>,
    /// Child elements in order.
    pub children: Vec<XmlResolved>,
    /// Text content, for an element without child elements.
    pub text: XmlResolvedText,
}

/// Text of an expected XML document after values are inserted.
#[derive(Clone, Debug, PartialEq)]
pub enum XmlResolvedText {
    /// Characters.
    Literal(String),
    /// A JSON operator that was written as the text.
    Pattern(Json<'static>),
}

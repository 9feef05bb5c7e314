//! [`Template`]: text with `${…}` in it, parsed and not yet resolved.

use serde::{Deserialize, Serialize};

/// Text with values to insert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// `${…}`.
    Value(Expr),
}

/// What stands in `${…}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expr {
    /// A dotted name, `groove.tracks`, `ids`, `added.id`.
    Name(String),
    /// `x[n]`, from 0.
    Index(Box<Expr>, Box<Expr>),
    /// `x[a..b]`, b exclusive.
    Slice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `'text'`.
    Text(String),
    /// An integer.
    Integer(i64),
    /// `f(a, b)`.
    Call(Function, Vec<Expr>),
    /// `x | filter(a)`.
    Filter(Box<Expr>, Filter, Vec<Expr>),
}

macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal ($min:literal ..= $max:literal)),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $type { $($(#[$vdoc])* $variant),* }

        impl $type {
            /// Every word, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word as written.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// How many arguments it takes, least and most.
            #[must_use]
            pub fn arity(self) -> (usize, usize) {
                match self { $(Self::$variant => ($min, $max)),* }
            }

            /// The one written like that.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|each| each.word() == word)
            }
        }
    };
}

words!(
    /// A function.
    Function {
        /// `repeat(x, n)`: a list of n times x.
        Repeat = "repeat" (2..=2),
        /// `take(list, n)`: the first n; fewer in the list is an error.
        Take = "take" (2..=2),
        /// `concat(a, b, …)`: one list of values and lists.
        Concat = "concat" (1..=99),
        /// `random_guid('label')`: a version-4 GUID from the run's seed, the case and the label.
        RandomGuid = "random_guid" (1..=1),
        /// `random_guids(n, 'label')`: n of them.
        RandomGuids = "random_guids" (2..=2),
        /// `text(s, n)`: a string n times.
        Text = "text" (2..=2),
        /// `xml_each('tag', list)`: an element around each value, for `xml` bodies.
        XmlEach = "xml_each" (2..=2),
        /// `list(a, b, …)`: a list of just these.
        List = "list" (0..=99),
        /// `range(n)`: 0 … n-1.
        Range = "range" (1..=1),
    }
);

words!(
    /// A filter; the arity counts the arguments in parentheses.
    Filter {
        /// Upper case.
        Upper = "upper" (0..=0),
        /// Lower case.
        Lower = "lower" (0..=0),
        /// Upper case to lower and back.
        SwapCase = "swap_case" (0..=0),
        /// The GUID of an id in upper case, its prefix unchanged; an id without a GUID is left as it is.
        UpperGuid = "upper_guid" (0..=0),
        /// The GUID of an id in lower case.
        LowerGuid = "lower_guid" (0..=0),
        /// Escaped for a regular expression.
        Regex = "regex" (0..=0),
        /// Percent-encoded, all but unreserved characters (RFC 3986, section 2.3).
        Percent = "percent" (0..=0),
        /// Encoded as in a form: space as `+`.
        Form = "form" (0..=0),
        /// Base64 with padding (RFC 4648, section 4).
        Base64 = "base64" (0..=0),
        /// As text, whatever the type.
        String = "string" (0..=0),
        /// An integer plus n.
        Plus = "plus" (1..=1),
        /// Length of a list or of a string in characters.
        Length = "length" (0..=0),
        /// First element.
        First = "first" (0..=0),
        /// Last element.
        Last = "last" (0..=0),
        /// A list as one string.
        Join = "join" (1..=1),
        /// Characters from … to, the end exclusive.
        Cut = "cut" (2..=2),
        /// Text in front.
        Prefix = "prefix" (1..=1),
        /// Text behind.
        Suffix = "suffix" (1..=1),
        /// Each `a` as `b`.
        Replace = "replace" (2..=2),
    }
);

impl Template {
    /// Plain text, nothing to insert.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self { parts: if text.is_empty() { Vec::new() } else { vec![Part::Text(text.to_owned())] } }
    }

    /// The text, if nothing is to be inserted.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Every dotted name that is mentioned, in order.
    pub fn names<'a>(&'a self, found: &mut Vec<&'a str>) {
        for part in &self.parts {
            if let Part::Value(expr) = part {
                expr.names(found);
            }
        }
    }
}

impl Expr {
    /// Every dotted name that is mentioned, in order.
    pub fn names<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Expr::Name(name) => found.push(name),
            Expr::Text(_) | Expr::Integer(_) => {}
            Expr::Index(value, index) => {
                value.names(found);
                index.names(found);
            }
            Expr::Slice(value, from, to) => {
                value.names(found);
                from.names(found);
                to.names(found);
            }
            Expr::Call(_, arguments) => arguments.iter().for_each(|each| each.names(found)),
            Expr::Filter(value, _, arguments) => {
                value.names(found);
                arguments.iter().for_each(|each| each.names(found));
            }
        }
    }
}

/// JSON text whose strings are templates: a request body or a pattern, before values are inserted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JsonTemplate {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as written.
    Number(String),
    /// A string.
    Text(Template),
    /// Elements in order.
    Array(Vec<JsonTemplate>),
    /// Members in order. Keys are literal.
    Object(Vec<(String, JsonTemplate)>),
}

#[cfg(test)]
impl JsonTemplate {
    /// What is written as a value is, with templates for its texts.
    pub(crate) fn of(value: &super::json::Json<'_>, text: &dyn Fn(&str) -> Template) -> Self {
        use super::json::Json;
        match value {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(number.to_string()),
            Json::String(value) => Self::Text(text(value)),
            Json::Array(items) => Self::Array(items.iter().map(|item| Self::of(item, text)).collect()),
            Json::Object(members) => {
                Self::Object(members.iter().map(|(key, value)| (key.to_string(), Self::of(value, text))).collect())
            }
        }
    }
}

/// An XML element whose texts are templates: a pattern before values are inserted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct XmlTemplate {
    /// Namespace URI.
    pub namespace: Option<String>,
    /// Local name.
    pub name: String,
    /// Attributes outside `urn:casebook`: namespace, local name, value.
    pub attributes: Vec<(Option<String>, String, XmlText)>,
    /// Attributes of `urn:casebook` by local name.
    pub steering: Vec<(String, Template)>,
    /// Child elements in order.
    pub children: Vec<XmlTemplate>,
    /// Text content, for an element without child elements.
    pub text: XmlText,
}

/// Text of an expected XML document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum XmlText {
    /// Characters.
    Literal(Template),
    /// A JSON operator that was written as the text.
    Pattern(JsonTemplate),
}

//! What may stand in each kind of TOML table: [`Table`] and [`Field`].
//!
//! Unknown keys, kinds, the JSON Schemas and the key reference are all read from here, so that they cannot disagree.

pub(super) mod case;
mod shared;
pub(super) mod target;

pub(crate) use case::{BODIES, CASE_FILE, EXPECT, STEP};
pub(crate) use shared::{CLAUSE_FILE, SERVICE_FILE};
pub(crate) use target::{AUTH, REFUSED_HEADERS, SECRET, TARGET_FILE};

/// A kind of TOML table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Name in the schema and the reference.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its keys.
    pub fields: &'static [Field],
    /// Whether any other key is a value that the author names.
    pub open: bool,
}

/// A key of a [`Table`].
#[derive(Debug)]
pub(crate) struct Field {
    /// As written.
    pub key: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub doc: &'static str,
}

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A string.
    Text,
    /// A string with `${…}`.
    Template,
    /// True or false.
    Bool,
    /// An integer of this range.
    Integer(i64, i64),
    /// An integer or a float, not negative.
    Number,
    /// One of these strings.
    Word(&'static [&'static str]),
    /// A list of strings.
    Texts,
    /// Anything.
    Value,
    /// A table of names, each with anything.
    Values,
    /// A table.
    Table(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
    /// A table of names, each with such a table.
    Named(&'static Table),
    /// A table of names, each with a value of this kind.
    Map(&'static Kind),
    /// A list of values of this kind.
    List(&'static Kind),
    /// One of several.
    AnyOf(&'static [Kind]),
}

const fn field(key: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { key, kind, required: false, doc }
}

const fn must(key: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { key, kind, required: true, doc }
}

const CLAUSES: Kind = Kind::AnyOf(&[Kind::Text, Kind::Texts]);
const TEMPLATES: Kind = Kind::AnyOf(&[Kind::Template, Kind::List(&Kind::Template)]);
const CLAUSE_DOC: &str = "the clause that this proves, or several; absent: the clauses of the case";
const EXTRA: Kind = Kind::Word(&["fail", "note", "allow"]);
const STYLE: Kind = Kind::Word(&["form", "percent"]);
const EFFECT: Kind = Kind::Word(&["read", "write", "destructive"]);
const MILLIS: Kind = Kind::Integer(1, 86_400_000);

//! Answers with one thing wrong: [`mutants`] makes of an answer every [`Mutant`] that a suite ought to notice.
//!
//! Every mutant differs from the answer in meaning, not only in writing: member order, white space and the writing of
//! numbers are left alone. What a mutant is judged by does not matter here; see [`super::kill`].

mod head;
mod json;
mod text;
mod xml;

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::model::exchange::Response;
use crate::model::json::Json;
use crate::model::judgement::Part;
use crate::pattern::checks::escape_segment;

/// Most bytes of mutants that one answer is turned into; the places of larger answers are thinned evenly.
const BYTES: usize = 16 << 20;

/// Least and most places of one body that are mutated.
const PLACES: (usize, usize) = (64, 2_000);

/// How many entries of a list are all mutated; of longer lists it is the first of each shape, and the last.
const SIBLINGS: usize = 4;

macro_rules! operators {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)?) => {
        /// How a mutant differs from the answer that it is made of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Operator { $($(#[$doc])* $variant),* }

        impl Operator {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Operator] = &[$(Operator::$variant),*];

            /// The word as reports write it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Operator::$variant => $word),* }
            }
        }
    };
}

operators! {
    /// Another status of the same class.
    StatusNear = "status-near",
    /// A status of another class, success for failure and failure for success.
    StatusFar = "status-far",
    /// A server error instead of anything else.
    StatusError = "status-error",
    /// Another media type.
    MediaType = "media-type",
    /// Not there any more.
    Removed = "removed",
    /// Something new beside what is there: an unlisted member, element, attribute, header.
    Added = "added",
    /// Another name.
    Renamed = "renamed",
    /// The name in other letter case.
    NameCase = "name-case",
    /// A value of another type.
    Type = "type",
    /// Null (in XML: nil).
    Null = "null",
    /// An empty string, list or object.
    Emptied = "emptied",
    /// Two entries changed places.
    Reordered = "reordered",
    /// Another character in the middle of a text.
    Character = "character",
    /// A text in other letter case.
    LetterCase = "letter-case",
    /// A number, one more.
    PlusOne = "plus-one",
    /// A number, one less.
    MinusOne = "minus-one",
    /// True for false, false for true.
    Flipped = "flipped",
    /// There twice.
    Duplicated = "duplicated",
    /// Another XML namespace.
    Namespace = "namespace",
    /// The second half of the body missing.
    Truncated = "truncated",
    /// No body at all.
    NoBody = "no-body",
}

/// One step into a body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A member of a JSON object.
    Key(Arc<str>),
    /// An element of a JSON array, from 0.
    Index(usize),
    /// A child element of XML: local name, its position from 0 among those of that name, and whether there are several.
    Child(Arc<str>, usize, bool),
    /// An attribute of XML, by local name.
    Attribute(Arc<str>),
}

/// Where a mutant was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Part of the answer.
    pub part: Part,
    /// Name of a header; JSON Pointer or XML path with positions as `*`; empty for the status and the whole body.
    pub name: String,
    /// The way into the body.
    pub path: Vec<Segment>,
}

impl Place {
    fn of(part: Part, name: &str) -> Arc<Self> {
        Arc::new(Self { part, name: name.to_owned(), path: Vec::new() })
    }

    fn in_body(path: Vec<Segment>) -> Arc<Self> {
        let mut name = String::new();
        for segment in &path {
            // Writing to a string cannot fail.
            let _ = match segment {
                Segment::Key(key) => write!(name, "/{}", escape_segment(key)),
                Segment::Index(_) => write!(name, "/*"),
                Segment::Child(child, _, false) => write!(name, "/{child}"),
                Segment::Child(child, _, true) => write!(name, "/{child}[*]"),
                Segment::Attribute(attribute) => write!(name, "/@{attribute}"),
            };
        }
        Arc::new(Self { part: Part::Body, name, path })
    }
}

/// What is different in a mutant; everything else is the answer's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The status.
    Status(u16),
    /// The header fields.
    Headers(Vec<(String, Vec<u8>)>),
    /// The body.
    Body(Bytes),
}

/// An answer with one thing wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Where.
    pub place: Arc<Place>,
    /// How.
    pub operator: Operator,
    /// What takes the place of the answer's own.
    pub change: Change,
}

impl Mutant {
    /// Puts the change into an answer, and what it replaced into the mutant: done twice, nothing has changed.
    pub fn swap(&mut self, response: &mut Response) {
        match &mut self.change {
            Change::Status(status) => std::mem::swap(status, &mut response.status),
            Change::Headers(headers) => std::mem::swap(headers, &mut response.headers),
            Change::Body(body) => std::mem::swap(body, &mut response.body),
        }
    }

    /// The whole mutated answer.
    #[must_use]
    pub fn response(&self, original: &Response) -> Response {
        let mut response = original.clone();
        self.clone().swap(&mut response);
        response
    }
}

/// Header fields that somebody looks at, in lower case.
#[derive(Clone, Debug, Default)]
pub struct Headers<'n> {
    /// All of them; `content-type` is always one.
    pub names: Vec<&'n str>,
    /// Those of them that must not be there.
    pub forbidden: Vec<&'n str>,
}

/// The mutants of an answer, made one place at a time. A body is read as JSON or XML by its look, whatever its media type
/// says, and as text when it is neither.
pub fn mutants<'r>(response: &'r Response, headers: &Headers<'_>) -> Mutants<'r> {
    let mut list = head::status(response.status);
    list.extend(head::headers(response, headers));
    list.reverse();
    Mutants { ready: list, body: body(&response.body) }
}

/// Mutants of one answer; see [`mutants`].
pub struct Mutants<'r> {
    /// Made and not handed out; the last comes first.
    ready: Vec<Mutant>,
    body: BodyMutants<'r>,
}

impl Mutants<'_> {
    /// Places of the body that are not mutated because the body is so large, or its lists so long.
    #[must_use]
    pub fn left_out(&self) -> usize {
        match &self.body {
            BodyMutants::Json(body) => body.left_out,
            BodyMutants::Xml(body) => body.left_out,
            BodyMutants::Text(_) => 0,
        }
    }
}

/// A mutant as [`Mutants::visit`] shows it.
pub enum View<'v> {
    /// A whole mutant.
    Made(Mutant),
    /// A mutant whose body is this JSON value, not written.
    Json(&'v Arc<Place>, Operator, &'v Json<'v>),
}

impl Mutants<'_> {
    /// Shows every mutant that was not handed out yet: the same as iterating, but JSON is not written only to be read.
    pub fn visit(mut self, mut show: impl FnMut(View<'_>)) {
        while let Some(made) = self.ready.pop() {
            show(View::Made(made));
        }
        if let BodyMutants::Json(body) = &mut self.body {
            body.whole(&mut self.ready);
            self.ready.drain(..).for_each(|made| show(View::Made(made)));
            while body.visit_place(&mut |place, operator, value| show(View::Json(place, operator, value))) {}
        } else {
            self.for_each(|made| show(View::Made(made)));
        }
    }
}

enum BodyMutants<'r> {
    Json(json::JsonMutants<'r>),
    Xml(Box<xml::XmlMutants>),
    Text(Option<&'r [u8]>),
}

fn body(bytes: &[u8]) -> BodyMutants<'_> {
    let bare = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bare.trim_ascii_start().starts_with(b"<") {
        if let Some(mutants) = xml::XmlMutants::new(bare) {
            return BodyMutants::Xml(Box::new(mutants));
        }
    } else if let Some(mutants) = json::JsonMutants::new(bytes) {
        return BodyMutants::Json(mutants);
    }
    BodyMutants::Text(Some(bytes))
}

impl Iterator for Mutants<'_> {
    type Item = Mutant;

    fn next(&mut self) -> Option<Mutant> {
        while self.ready.is_empty() {
            let more = match &mut self.body {
                BodyMutants::Json(body) => body.next_place(&mut self.ready),
                BodyMutants::Xml(body) => body.next_place(&mut self.ready),
                BodyMutants::Text(body) => body.take().map(|bytes| text::mutants(bytes, &mut self.ready)).is_some(),
            };
            if !more {
                break;
            }
            self.ready.reverse();
        }
        self.ready.pop()
    }
}

/// Which entries of a list are mutated, by the shapes of them all.
fn sampled(shapes: &[u64]) -> Vec<bool> {
    let mut seen = std::collections::HashSet::new();
    let last = shapes.len().saturating_sub(1);
    let few = shapes.len() <= SIBLINGS;
    shapes.iter().enumerate().map(|(at, shape)| seen.insert(*shape) || few || at == last).collect()
}

/// Keeps as many places as the size of the body allows, evenly; gives the number that went.
fn thin<T>(places: &mut Vec<T>, body: usize) -> usize {
    let most = (BYTES / body.max(1) / 8).clamp(PLACES.0, PLACES.1);
    let all = places.len();
    if all > most {
        let mut at = 0;
        places.retain(|_| {
            at += 1;
            at * most / all > (at - 1) * most / all
        });
    }
    all - places.len()
}

#[cfg(test)]
mod tests;

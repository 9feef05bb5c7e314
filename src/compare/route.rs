//! Paths that most cases write, `$.Results[*].Id`: [`Route`] follows them in our own value, without another parse and
//! another copy of the whole body. Whatever it does not know is left to the JSONPath library, which has the same say.

use super::focus::Spot;
use crate::model::json::Json;
use crate::model::spec::Path;
use crate::pattern::checks::escape_segment;

/// One segment of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Leg {
    /// A member.
    Name(String),
    /// An element.
    Index(usize),
    /// Elements from the first to before the second.
    Slice(usize, usize),
    /// Every member of that name, however deep.
    Anywhere(String),
}

/// A path of names, positions, `[*]`, `[1:3]` and `..name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route(Vec<Leg>);

impl Route {
    /// `None` for any other path.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut legs = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let deep = after.strip_prefix('.');
                let after = deep.unwrap_or(after);
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let name = &after[..end];
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain) {
                    return None;
                }
                legs.push(if deep.is_some() { Leg::Anywhere(name.to_owned()) } else { Leg::Name(name.to_owned()) });
                rest = &after[end..];
            } else {
                let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
                legs.push(match inside.split_once(':') {
                    _ if inside == "*" => Leg::Slice(0, usize::MAX),
                    Some((from, to)) => Leg::Slice(position(from, 0)?, position(to, usize::MAX)?),
                    None => Leg::Index(position(inside, usize::MAX).filter(|at| *at != usize::MAX)?),
                });
                rest = after;
            }
        }
        Some(Self(legs))
    }

    /// A JSON Pointer as a route that leads there; only good to tell what it does not touch.
    fn pointer(text: &str) -> Self {
        let names = text.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
        Self(names.map(Leg::Name).collect())
    }

    /// The places, in order, with their pointers; `None` when only the library can say: `[*]` is about members too.
    pub(super) fn find<'v, 'a>(&self, root: &'v Json<'a>) -> Option<Vec<(String, &'v Json<'a>)>> {
        let mut found = vec![(String::new(), root)];
        for leg in &self.0 {
            let mut next = Vec::with_capacity(found.len());
            for (place, value) in found {
                match (leg, value) {
                    (Leg::Name(name), Json::Object(_)) => {
                        next.extend(value.get(name).map(|value| (format!("{place}/{name}"), value)));
                    }
                    (Leg::Index(at), Json::Array(items)) => {
                        next.extend(items.get(*at).map(|value| (format!("{place}/{at}"), value)));
                    }
                    (Leg::Slice(from, to), Json::Array(items)) => {
                        let to = (*to).min(items.len());
                        let taken = items.get(*from..to).unwrap_or_default().iter().zip(*from..);
                        next.extend(taken.map(|(value, at)| (format!("{place}/{at}"), value)));
                    }
                    (Leg::Slice(..), Json::Object(_)) => return None,
                    (Leg::Anywhere(name), value) => anywhere(name, place, value, &mut next),
                    _ => {}
                }
            }
            found = next;
        }
        Some(found)
    }

    /// Whether it leads to a place, through it, or to something below it.
    fn touches(&self, place: &[Spot<'_>]) -> bool {
        // Behind `..` every place is one that it can go through.
        let legs = self.0.iter().take_while(|leg| !matches!(leg, Leg::Anywhere(_)));
        legs.zip(place).all(|(leg, spot)| match (leg, spot) {
            (Leg::Name(name), Spot::Key(key)) => name == key,
            // A pointer names elements too.
            (Leg::Name(name), Spot::Index(at)) => name.parse() == Ok(*at),
            (Leg::Index(wanted), Spot::Index(at)) => wanted == at,
            (Leg::Slice(from, to), Spot::Index(at)) => (from..to).contains(&at),
            (Leg::Slice(..), Spot::Key(_)) | (Leg::Anywhere(_), _) => true,
            (Leg::Index(_), Spot::Key(_)) => false,
        })
    }
}

/// Members of a name below a value, each object before what it holds, as RFC 9535 has it (section 2.5.2.2).
fn anywhere<'v, 'a>(name: &str, place: String, value: &'v Json<'a>, found: &mut Vec<(String, &'v Json<'a>)>) {
    let mut open = vec![(place, value)];
    while let Some((place, value)) = open.pop() {
        match value {
            Json::Object(members) => {
                found.extend(value.get(name).map(|value| (format!("{place}/{name}"), value)));
                for (at, (key, inner)) in members.iter().enumerate().rev() {
                    // Of equal members the first counts, as everywhere.
                    let holds = matches!(inner, Json::Object(_) | Json::Array(_));
                    if holds && members[..at].iter().all(|(other, _)| other != key) {
                        open.push((format!("{place}/{}", escape_segment(key)), inner));
                    }
                }
            }
            Json::Array(items) => {
                let holds = |(_, item): &(usize, &Json<'_>)| matches!(item, Json::Object(_) | Json::Array(_));
                let inner = items.iter().enumerate().rev().filter(holds);
                open.extend(inner.map(|(at, item)| (format!("{place}/{at}"), item)));
            }
            _ => {}
        }
    }
}

/// Digits without a leading zero, in a length that every number type holds; empty is the fallback.
fn position(text: &str, fallback: usize) -> Option<usize> {
    if text.is_empty() {
        return Some(fallback);
    }
    let plain =
        text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// Whether what a path finds can be another when only this place of a JSON body is.
#[must_use]
pub fn touches(path: &Path, place: &[Spot<'_>]) -> bool {
    match path {
        Path::Pointer(text) => Route::pointer(text).touches(place),
        Path::JsonPath(text) => Route::parse(text).is_none_or(|route| route.touches(place)),
        Path::XPath(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::parse::parse_json_bytes;

    const BODY: &str = r#"{"a":[{"Id":1,"b":[[1],[2,3]]},{"Id":null},7,[{"Id":4}]],"Id":{"a":[],"0":"x"},"b":"t"}"#;

    fn leg() -> impl Strategy<Value = String> {
        prop_oneof![
            prop_oneof![Just("a"), Just("Id"), Just("b"), Just("none"), Just("_x1")]
                .prop_map(|name| format!(".{name}")),
            prop_oneof![Just("a"), Just("Id"), Just("b")].prop_map(|name| format!("..{name}")),
            (0..4_usize).prop_map(|at| format!("[{at}]")),
            Just("[*]".to_owned()),
            (0..3_usize, 0..5_usize).prop_map(|(from, to)| format!("[{from}:{to}]")),
            (0..3_usize).prop_map(|from| format!("[{from}:]")),
            (0..3_usize).prop_map(|to| format!("[:{to}]")),
        ]
    }

    proptest! {
        #[test]
        fn a_route_finds_what_the_library_finds(legs in proptest::collection::vec(leg(), 0..5)) {
            let text = format!("${}", legs.concat());
            let root = parse_json_bytes(BODY.as_bytes()).unwrap();
            let value: serde_json::Value = serde_json::from_str(BODY).unwrap();
            let library: Vec<String> = serde_json_path::JsonPath::parse(&text)
                .unwrap()
                .query_located(&value)
                .iter()
                .map(|node| node.location().to_json_pointer())
                .collect();
            let route = Route::parse(&text).expect("a simple path");
            if let Some(found) = route.find(&root) {
                let places: Vec<String> = found.into_iter().map(|(place, _)| place).collect();
                prop_assert_eq!(places, library, "{}", text);
            }
        }

        #[test]
        fn arbitrary_paths_never_panic(text in "\\$[a-z0-9.\\[\\]:*?@' -]{0,12}") {
            if Route::parse(&text).is_some() {
                prop_assert!(serde_json_path::JsonPath::parse(&text).is_ok(), "{}", text);
            }
        }
    }

    #[test]
    fn a_path_is_touched_by_what_it_goes_through_and_what_lies_below() {
        let path = Path::JsonPath("$.a[*].Id".to_owned());
        let (a, id) = (Spot::Key("a"), Spot::Key("Id"));
        for (place, expected) in [
            (&[][..], true),
            (&[a], true),
            (&[a, Spot::Index(3)], true),
            (&[a, Spot::Index(3), id, Spot::Key("x")], true),
            (&[a, Spot::Index(3), Spot::Key("b")], false),
            (&[Spot::Key("b")], false),
        ] {
            assert_eq!(touches(&path, place), expected, "{place:?}");
        }
        assert!(touches(&Path::JsonPath("$..Id".to_owned()), &[Spot::Key("b")]));
        assert!(touches(&Path::Pointer("/a/3".to_owned()), &[a, Spot::Index(3), id]));
        assert!(!touches(&Path::Pointer("/a/3".to_owned()), &[a, Spot::Index(2)]));
    }
}

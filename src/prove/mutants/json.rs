//! Mutants of a JSON body: [`JsonMutants`]. One value is kept and changed in place, written and changed back.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::text::{changed, swapped, whole};
use super::{Change, Mutant, Operator, Place, Segment, sampled, thin};
use crate::model::json::Json;
use crate::pattern::decimal::{Decimal, add};
use crate::pattern::matching::same_value;
use crate::pattern::parse::{parse_json_bytes, write_json};

/// Name of a member that no service has.
const NEW: &str = "casebookAdded";

/// Makes the mutants of a JSON body, place by place.
pub(super) struct JsonMutants<'r> {
    bytes: &'r [u8],
    root: Json<'r>,
    /// Places not worked on yet, the last comes first: positions from the root, and the place.
    places: Vec<(Vec<usize>, Arc<Place>)>,
    whole: bool,
    pub(super) left_out: usize,
}

impl<'r> JsonMutants<'r> {
    /// `None` when the body is not JSON.
    pub(super) fn new(bytes: &'r [u8]) -> Option<Self> {
        let root = parse_json_bytes(bytes).ok()?;
        let mut places = Vec::new();
        let mut left_out = 0;
        let mut open = vec![(Vec::new(), Vec::new(), &root)];
        while let Some((at, path, value)) = open.pop() {
            let mut child = |index: usize, segment: Segment, value| {
                let mut at: Vec<usize> = Vec::clone(&at);
                at.push(index);
                let mut path: Vec<Segment> = Vec::clone(&path);
                path.push(segment);
                open.push((at, path, value));
            };
            match value {
                Json::Array(items) => {
                    let shapes: Vec<u64> = items.iter().map(shape).collect();
                    for (index, taken) in sampled(&shapes).into_iter().enumerate().rev() {
                        if taken {
                            child(index, Segment::Index(index), &items[index]);
                        } else {
                            left_out += 1;
                        }
                    }
                }
                Json::Object(members) => {
                    for (index, (key, value)) in members.iter().enumerate().rev() {
                        child(index, Segment::Key(Arc::from(&**key)), value);
                    }
                }
                _ => {}
            }
            places.push((at, Place::in_body(path)));
        }
        left_out += thin(&mut places, bytes.len());
        places.reverse();
        Some(Self { bytes, root, places, whole: true, left_out })
    }

    /// Adds the mutants of the body as a whole, the first time.
    pub(super) fn whole(&mut self, list: &mut Vec<Mutant>) -> bool {
        if std::mem::take(&mut self.whole) {
            let same = |half: &[u8]| parse_json_bytes(half).is_ok_and(|half| same_value(&half, &self.root));
            whole(self.bytes, same, list);
            return true;
        }
        false
    }

    /// Adds the mutants of the next place; false when there is none left.
    pub(super) fn next_place(&mut self, list: &mut Vec<Mutant>) -> bool {
        self.whole(list)
            || self.visit_place(&mut |place, operator, value| {
                let change = Change::Body(write_json(value).into());
                list.push(Mutant { place: place.clone(), operator, change });
            })
    }

    /// Shows the mutants of the next place, without writing them; false when there is none left.
    pub(super) fn visit_place(&mut self, show: Show<'_>) -> bool {
        let Some((at, place)) = self.places.pop() else { return false };
        let mut made = Maker { place: &place, show };
        self.values(&at, &mut made);
        if let Some((last, parent)) = at.split_last() {
            self.entry(parent, *last, &mut made);
        }
        true
    }

    /// Changes of the value itself.
    fn values(&mut self, at: &[usize], made: &mut Maker<'_>) {
        let Some(value) = reach(&mut self.root, at) else { return };
        let mut others = replacements(value);
        for (operator, other) in &mut others {
            if let Some(value) = reach(&mut self.root, at) {
                std::mem::swap(value, other);
            }
            made.body(*operator, &self.root);
            if let Some(value) = reach(&mut self.root, at) {
                std::mem::swap(value, other);
            }
        }
        self.inside(at, made);
    }

    /// Changes of what a list or an object holds.
    fn inside(&mut self, at: &[usize], made: &mut Maker<'_>) {
        let mut pair = None;
        match reach(&mut self.root, at) {
            Some(Json::Array(items)) => {
                pair = items.windows(2).position(|pair| !same_value(&pair[0], &pair[1]));
                items.push(Json::Null);
            }
            Some(Json::Object(members)) if members.iter().all(|(key, _)| key != NEW) => {
                members.push((Cow::Borrowed(NEW), Json::Bool(true)));
            }
            _ => return,
        }
        made.body(Operator::Added, &self.root);
        match reach(&mut self.root, at) {
            Some(Json::Array(items)) => drop(items.pop()),
            Some(Json::Object(members)) => drop(members.pop()),
            _ => {}
        }
        if let Some(first) = pair {
            for again in [false, true] {
                if let Some(Json::Array(items)) = reach(&mut self.root, at) {
                    items.swap(first, first + 1);
                }
                if !again {
                    made.body(Operator::Reordered, &self.root);
                }
            }
        }
    }

    /// Changes of an entry of a list or an object.
    fn entry(&mut self, parent: &[usize], index: usize, made: &mut Maker<'_>) {
        match reach(&mut self.root, parent) {
            Some(Json::Array(items)) if index < items.len() => {
                let item = items.remove(index);
                made.body(Operator::Removed, &self.root);
                if let Some(Json::Array(items)) = reach(&mut self.root, parent) {
                    items.insert(index, item.clone());
                    items.insert(index, item);
                }
                made.body(Operator::Duplicated, &self.root);
                if let Some(Json::Array(items)) = reach(&mut self.root, parent) {
                    items.remove(index);
                }
            }
            Some(Json::Object(members)) if index < members.len() => {
                let names: Vec<(Operator, String)> = names(members, index);
                let (key, value) = members.remove(index);
                made.body(Operator::Removed, &self.root);
                if let Some(Json::Object(members)) = reach(&mut self.root, parent) {
                    members.insert(index, (key.clone(), value.clone()));
                    members.insert(index, (key.clone(), value));
                }
                made.body(Operator::Duplicated, &self.root);
                if let Some(Json::Object(members)) = reach(&mut self.root, parent) {
                    members.remove(index);
                }
                for (operator, name) in names {
                    if let Some(Json::Object(members)) = reach(&mut self.root, parent) {
                        members[index].0 = Cow::Owned(name);
                    }
                    made.body(operator, &self.root);
                }
                if let Some(Json::Object(members)) = reach(&mut self.root, parent) {
                    members[index].0 = key;
                }
            }
            _ => {}
        }
    }
}

/// The same for values that have the same members and types at every depth, and as many entries.
fn shape(value: &Json<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        value.type_name().hash(&mut hasher);
        match value {
            Json::Array(items) => {
                items.len().hash(&mut hasher);
                open.extend(items);
            }
            Json::Object(members) => {
                members.len().hash(&mut hasher);
                for (key, value) in members {
                    key.hash(&mut hasher);
                    open.push(value);
                }
            }
            _ => {}
        }
    }
    hasher.finish()
}

/// Other names for a member; none that another member has.
fn names(members: &[(Cow<'_, str>, Json<'_>)], index: usize) -> Vec<(Operator, String)> {
    let Some((key, _)) = members.get(index) else { return Vec::new() };
    let others = [(Operator::Renamed, Some(format!("{key}X"))), (Operator::NameCase, swapped(key))];
    let free = |name: &String| members.iter().all(|(key, _)| key != name);
    others.into_iter().filter_map(|(operator, name)| Some((operator, name.filter(free)?))).collect()
}

/// Other values for a value.
fn replacements(value: &Json<'_>) -> Vec<(Operator, Json<'static>)> {
    let number = |text: String| Json::Number(Cow::Owned(text));
    let mut list = Vec::with_capacity(5);
    match value {
        Json::Null => list.push((Operator::Type, Json::string(""))),
        Json::Bool(value) => {
            list.push((Operator::Type, Json::string(value.to_string())));
            list.push((Operator::Flipped, Json::Bool(!value)));
        }
        Json::Number(text) => {
            list.push((Operator::Type, Json::string(text.to_string())));
            for (operator, step) in [(Operator::PlusOne, "1"), (Operator::MinusOne, "-1")] {
                list.extend(add(text, step).map(|text| (operator, number(text))));
            }
        }
        Json::String(text) => {
            let digits =
                Decimal::parse(text).is_some() && matches!(parse_json_bytes(text.as_bytes()), Ok(Json::Number(_)));
            list.push((Operator::Type, number(if digits { text.to_string() } else { "0".to_owned() })));
            if !text.is_empty() {
                list.push((Operator::Emptied, Json::string("")));
            }
            list.extend(changed(text).map(|text| (Operator::Character, Json::string(text))));
            list.extend(swapped(text).map(|text| (Operator::LetterCase, Json::string(text))));
        }
        Json::Array(items) => {
            list.push((Operator::Type, Json::Object(Vec::new())));
            if !items.is_empty() {
                list.push((Operator::Emptied, Json::Array(Vec::new())));
            }
        }
        Json::Object(members) => {
            list.push((Operator::Type, Json::Array(Vec::new())));
            if !members.is_empty() {
                list.push((Operator::Emptied, Json::Object(Vec::new())));
            }
        }
    }
    if *value != Json::Null {
        list.push((Operator::Null, Json::Null));
    }
    list
}

/// The value at positions from the root.
fn reach<'v, 'a>(root: &'v mut Json<'a>, at: &[usize]) -> Option<&'v mut Json<'a>> {
    let mut value = root;
    for index in at {
        value = match value {
            Json::Array(items) => items.get_mut(*index)?,
            Json::Object(members) => &mut members.get_mut(*index)?.1,
            _ => return None,
        };
    }
    Some(value)
}

/// Who looks at mutated values.
pub(super) type Show<'s> = &'s mut dyn FnMut(&Arc<Place>, Operator, &Json<'_>);

struct Maker<'m> {
    place: &'m Arc<Place>,
    show: Show<'m>,
}

impl Maker<'_> {
    fn body(&mut self, operator: Operator, root: &Json<'_>) {
        (self.show)(self.place, operator, root);
    }
}

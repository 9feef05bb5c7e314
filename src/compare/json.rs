//! Compares a JSON value with a pattern: [`Judge::node`]. Reports every difference, each once.

use std::collections::HashSet;

use super::focus::{Focus, Spot};
use super::judge::{Judge, KEPT, SHOWN, Segment, Wrong, expected, say, wrong};
use crate::model::clause::ChoicePolicy;
use crate::model::json::Json;
use crate::model::judgement::MismatchKind;
use crate::model::pattern::{ChoiceRule, Members, Node, Rule};
use crate::model::spec::Extra;
use crate::pattern::align::{ALONE, align, nearest};
use crate::pattern::checks::escape_segment;
use crate::pattern::matching::{Seen, find};
use crate::pattern::write::{short_json, write_string};

/// Members as a JSON value holds them.
type Actual<'v, 'a> = &'v [(std::borrow::Cow<'a, str>, Json<'a>)];

impl<'x> Judge<'x> {
    /// Compares one place. Recursion follows the pattern, never the answer.
    pub(super) fn node(&mut self, node: &'x Node, value: Option<&Json<'_>>) {
        match (&node.rule, value) {
            (Rule::Optional(inner), Some(_)) => self.node(inner, value),
            (Rule::Optional(_), None) => {}
            (Rule::Absent, None) | (Rule::Unchecked, _) => self.held(node.check),
            (Rule::Absent, Some(value)) => {
                self.violated(node.check, None, |_| say(MismatchKind::Unexpected, "nothing", short_json(value, SHOWN)));
            }
            (Rule::OneOf(nodes), _) => match nodes.iter().find(|each| self.matcher.matches(each, value)) {
                Some(found) => self.through(node, found, value),
                None => self.none_of(node, nodes.iter().map(|each| (None, each)), value),
            },
            (Rule::Choice(choice), _) => self.choice(node, choice, value),
            (Rule::All(nodes), _) => {
                if value.is_none() && !self.matcher.matches(node, None) {
                    self.violated(node.check, None, |_| wrong(node, None, MismatchKind::Missing));
                } else {
                    nodes.iter().for_each(|each| self.node(each, value));
                }
            }
            (Rule::Not(inner), _) => {
                if self.matcher.matches(inner, value) {
                    self.violated(node.check, None, |_| wrong(node, value, MismatchKind::Forbidden));
                } else {
                    self.held(node.check);
                }
            }
            (_, None) => self.violated(node.check, None, |_| wrong(node, None, MismatchKind::Missing)),
            (Rule::Object(members), Some(Json::Object(actual))) => self.object(node, members, actual),
            (Rule::Array(nodes), Some(Json::Array(items))) => self.array(node, nodes, items),
            (Rule::Each(inner), Some(Json::Array(items))) => {
                self.held(node.check);
                for (index, item) in items.iter().enumerate() {
                    self.element(index, inner, item);
                }
            }
            (Rule::Unordered(nodes), Some(Json::Array(items))) => self.unordered(node, nodes, items),
            (Rule::Contains(inner), Some(Json::Array(items))) => {
                match items.iter().position(|item| self.matcher.matches(inner, Some(item))) {
                    Some(index) => {
                        self.held(node.check);
                        self.element(index, inner, &items[index]);
                    }
                    None => self.violated(node.check, None, |_| wrong(node, value, MismatchKind::Missing)),
                }
            }
            (rule, Some(actual)) => {
                if self.matcher.holds(rule, actual) {
                    self.held(node.check);
                } else {
                    let kind =
                        if matches!(rule, Rule::Length(..)) { MismatchKind::Length } else { MismatchKind::Value };
                    self.violated(node.check, None, |this| {
                        let mut wrong = wrong(node, value, kind);
                        // A text of XML that reads as the type that was asked for differs in value only.
                        let readable = match wrong.types.as_ref().map(|(wanted, _)| wanted.as_str()) {
                            Some("number" | "integer") => this.matcher.number(actual).is_some(),
                            Some("boolean") => this.matcher.boolean(actual).is_some(),
                            _ => false,
                        };
                        if readable {
                            wrong.types = None;
                            wrong.kind = MismatchKind::Value;
                        }
                        if let Rule::SameAs(place) = rule {
                            let other = this.matcher.elsewhere(place);
                            let other = other.map_or("nothing".to_owned(), |other| short_json(&other, SHOWN));
                            wrong.expected = format!("the same as {place}, which is {other}");
                        }
                        wrong
                    });
                }
            }
        }
    }

    /// Compares with the alternative that matches, so that its own checks are counted too.
    fn through(&mut self, node: &'x Node, found: &'x Node, value: Option<&Json<'_>>) {
        if found.check != node.check {
            self.held(node.check);
        }
        self.node(found, value);
    }

    /// No alternative matches: one mismatch, which says how the nearest one differs.
    fn none_of<'n>(
        &mut self,
        node: &'x Node,
        alternatives: impl Iterator<Item = (Option<&'n str>, &'x Node)>,
        value: Option<&Json<'_>>,
    ) {
        let mut best: Option<(usize, String)> = None;
        if let Some(Json::Array(_) | Json::Object(_)) = value {
            for (index, (name, alternative)) in alternatives.enumerate() {
                let mut trial = self.trial();
                trial.node(alternative, value);
                let count = trial.count();
                if best.as_ref().is_some_and(|(least, _)| *least <= count) {
                    continue;
                }
                let name = name.map_or_else(|| format!("number {}", index + 1), |name| format!("`{name}`"));
                let first = trial.found.mismatches.first().map_or_else(String::new, |first| {
                    format!(" at {}: expected {}, found {}", first.place, first.expected, first.actual)
                });
                let plural = if count == 1 { "" } else { "s" };
                best = Some((count, format!("; the nearest is {name} with {count} difference{plural}{first}")));
            }
        }
        self.violated(node.check, None, |_| {
            let mut wrong = wrong(node, value, MismatchKind::Value);
            if let Some((_, words)) = best {
                wrong.expected.push_str(&words);
            }
            wrong
        });
    }

    fn choice(&mut self, node: &'x Node, choice: &'x ChoiceRule, value: Option<&Json<'_>>) {
        let matching = choice.readings.iter().filter(|(_, each)| self.matcher.matches(each, value));
        let names = matching.map(|(name, _)| name.clone()).collect();
        self.reading(choice, names);
        match choice.readings.iter().find(|(_, each)| self.matcher.matches(each, value)) {
            Some((_, found)) => self.through(node, found, value),
            None if choice.policy == ChoicePolicy::Report => {}
            None => self.none_of(node, choice.readings.iter().map(|(name, each)| (Some(name.as_str()), each)), value),
        }
    }

    fn element(&mut self, index: usize, node: &'x Node, item: &Json<'_>) {
        self.inside(Spot::Index(index), |this| {
            this.path.push(Segment::Index(index));
            this.node(node, Some(item));
            this.path.pop();
        });
    }

    /// Goes into a member or an element, unless it is known to match.
    fn inside(&mut self, spot: Spot<'_>, go: impl FnOnce(&mut Self)) {
        if let Some(focus) = self.focus.inside(spot) {
            let outside = std::mem::replace(&mut self.focus, focus);
            go(self);
            self.focus = outside;
        }
    }

    fn below(&self, segment: &str) -> String {
        format!("{}/{}", self.place(), escape_segment(segment))
    }

    fn object(&mut self, node: &'x Node, members: &'x Members, actual: Actual<'_, '_>) {
        let mut seen = Seen::new(members.list.len());
        let mut hint = 0;
        let mut unlisted = 0_usize;
        let mut clean = true;
        for (key, value) in actual {
            let Some(index) = find(members, hint, key) else {
                unlisted += 1;
                let told = || say(MismatchKind::Unexpected, "no such member", short_json(value, SHOWN));
                match members.extra {
                    Extra::Allow => {}
                    Extra::Note if self.found.notes.len() < KEPT => {
                        let place = self.below(key);
                        self.note(node.check, place, told());
                    }
                    Extra::Note => {}
                    Extra::Fail => self.fault(node, &mut clean, key, told),
                }
                continue;
            };
            hint = index + 1;
            let (name, inner) = &members.list[index];
            if seen.meet(index) {
                let told = || say(MismatchKind::Duplicate, "the member once", short_json(value, SHOWN));
                self.fault(node, &mut clean, name, told);
                continue;
            }
            self.inside(Spot::Key(name), |this| {
                this.path.push(Segment::Key(name));
                this.node(inner, Some(value));
                this.path.pop();
            });
        }
        if unlisted > 1 {
            let mut names = HashSet::with_capacity(unlisted);
            let repeated = actual.iter().filter(|(key, _)| find(members, 0, key).is_none() && !names.insert(&**key));
            for (key, value) in repeated {
                let told = || say(MismatchKind::Duplicate, "the member once", short_json(value, SHOWN));
                self.fault(node, &mut clean, key, told);
            }
        }
        for (index, (name, inner)) in members.list.iter().enumerate() {
            if !seen.has(index) {
                self.path.push(Segment::Key(name));
                self.node(inner, None);
                self.path.pop();
            }
        }
        if clean {
            self.held(node.check);
        }
    }

    /// A fault of an object or array itself, told at a member or element; counted once however many there are.
    fn fault(&mut self, node: &'x Node, clean: &mut bool, segment: &str, told: impl FnOnce() -> Wrong) {
        // Of the million members that a body can have, only the first are worth words.
        let place = if self.full() { String::new() } else { self.below(segment) };
        if std::mem::replace(clean, false) {
            self.violated(node.check, Some(place), |_| told());
        } else {
            self.also_violated(node.check, Some(place), |_| told());
        }
    }

    fn array(&mut self, node: &'x Node, nodes: &'x [Node], items: &[Json<'_>]) {
        if nodes.len() == items.len() {
            self.held(node.check);
            for (index, (inner, item)) in nodes.iter().zip(items).enumerate() {
                self.element(index, inner, item);
            }
            return;
        }
        let matcher = self.matcher;
        let cost = |row: usize, column: usize| {
            Some(match matcher.distance(&nodes[row], &items[column]) {
                0 => 0,
                distance => distance + 1,
            })
        };
        let pairs = align(nodes.len(), items.len(), cost, |_| ALONE);
        self.violated(node.check, None, |_| lengths(nodes, items, &pairs));
        for (row, column) in pairs {
            if let (Some(row), Some(column)) = (row, column) {
                self.element(column, &nodes[row], &items[column]);
            }
        }
    }

    fn unordered(&mut self, node: &'x Node, nodes: &'x [Node], items: &[Json<'_>]) {
        // Another pairing may leave over what has not changed.
        self.focus = Focus::Anything;
        let matcher = self.matcher;
        let found = matcher.assign(nodes, items);
        let mut free = vec![true; items.len()];
        let mut lonely = Vec::new();
        for (row, column) in found.iter().enumerate() {
            match column {
                Some(column) => {
                    free[*column] = false;
                    self.element(*column, &nodes[row], &items[*column]);
                }
                None if matcher.matches(&nodes[row], None) => {}
                None => lonely.push(row),
            }
        }
        let others: Vec<usize> = (0..items.len()).filter(|column| free[*column]).collect();
        let near = nearest(&lonely, &others, |row, column| {
            // Two of different types have nothing to do with each other.
            Some(matcher.distance(&nodes[row], &items[column])).filter(|distance| *distance < 3)
        });
        for (row, column) in &near {
            self.element(*column, &nodes[*row], &items[*column]);
        }
        let paired: HashSet<usize> = near.iter().map(|(row, _)| *row).collect();
        for row in lonely.iter().filter(|row| !paired.contains(row)) {
            self.path.push(Segment::Key("*"));
            self.node(&nodes[*row], None);
            self.path.pop();
        }
        let paired: HashSet<usize> = near.iter().map(|(_, column)| *column).collect();
        let mut clean = true;
        for column in others.iter().filter(|column| !paired.contains(column)) {
            let told = || say(MismatchKind::Unexpected, "no such element", short_json(&items[*column], SHOWN));
            self.fault(node, &mut clean, &column.to_string(), told);
        }
        if clean {
            self.held(node.check);
        }
    }
}

/// Words for an array of the wrong length: how many, and which ones are missing or too many.
fn lengths(nodes: &[Node], items: &[Json<'_>], pairs: &[(Option<usize>, Option<usize>)]) -> Wrong {
    const NAMED: usize = 3;
    let count = |number: usize| format!("{number} element{}", if number == 1 { "" } else { "s" });
    let missing = pairs.iter().filter_map(|pair| match pair {
        (Some(row), None) => Some(format!("[{row}] {}", expected(&nodes[*row]))),
        _ => None,
    });
    let added = pairs.iter().filter_map(|pair| match pair {
        (None, Some(column)) => Some(format!("[{column}] {}", short_json(&items[*column], SHOWN))),
        _ => None,
    });
    let name = |list: Vec<String>, word: &str| {
        if list.is_empty() { String::new() } else { format!("; {word} {}", list.join(", ")) }
    };
    let actual = format!(
        "{}{}{}",
        count(items.len()),
        name(missing.take(NAMED).collect(), "missing"),
        name(added.take(NAMED).collect(), "not expected")
    );
    say(MismatchKind::Length, count(nodes.len()), actual)
}

/// A string in quotes, for messages.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    write_string(text, &mut quoted);
    crate::pattern::write::cut(&quoted, SHOWN)
}

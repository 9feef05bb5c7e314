//! Collects what a comparison finds: [`Judge`] counts every check and words every mismatch.

use std::fmt::Write as _;
use std::sync::Arc;

use super::focus::Focus;
use crate::model::json::Json;
use crate::model::judgement::{Judgement, Mismatch, MismatchKind, Part, ReadingFollowed};
use crate::model::pattern::{ChoiceRule, Node, XmlChoice};
use crate::model::tally::{CheckDefs, CheckIndex};
use crate::pattern::checks::escape_segment;
use crate::pattern::illustrate::as_written;
use crate::pattern::matching::{Matcher, type_of};
use crate::pattern::write::{cut, short_json};

/// About how many bytes of a value a mismatch shows.
pub(super) const SHOWN: usize = 200;

/// Most mismatches of one body that are kept one by one; the tally counts them all. A body of ten
/// megabytes can hold a million wrong elements, and nobody reads more than the first of them.
pub(super) const KEPT: usize = 1_000;

/// One segment of a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Segment<'x> {
    /// A member.
    Key(&'x str),
    /// An element.
    Index(usize),
}

/// Where in an XML document a text is compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct XmlSpot<'x> {
    /// The element.
    pub(super) element: roxmltree::Node<'x, 'x>,
    /// Its attribute.
    pub(super) attribute: Option<&'x str>,
}

/// The state of one comparison.
pub(super) struct Judge<'x> {
    pub(super) checks: &'x Arc<CheckDefs>,
    pub(super) matcher: Matcher<'x>,
    pub(super) step: &'x str,
    pub(super) part: Part,
    /// Pointer of the value that the path starts from.
    pub(super) base: String,
    pub(super) path: Vec<Segment<'x>>,
    pub(super) spot: Option<XmlSpot<'x>>,
    tally: Vec<(u32, u32)>,
    pub(super) found: Judgement,
    hidden: usize,
    last: CheckIndex,
    /// What held is not told.
    pub(super) brief: bool,
    /// What of the value at hand may not match.
    pub(super) focus: Focus<'x>,
}

/// What a mismatch says about itself.
pub(super) struct Wrong {
    pub(super) kind: MismatchKind,
    pub(super) expected: String,
    pub(super) actual: String,
    pub(super) types: Option<(String, String)>,
}

impl<'x> Judge<'x> {
    pub(super) fn new(checks: &'x Arc<CheckDefs>, matcher: Matcher<'x>, step: &'x str, part: Part) -> Self {
        Self {
            checks,
            matcher,
            step,
            part,
            base: String::new(),
            path: Vec::new(),
            spot: None,
            tally: vec![(0, 0); checks.len()],
            found: Judgement::default(),
            hidden: 0,
            last: 0,
            brief: false,
            focus: Focus::Anything,
        }
    }

    /// Another judge at the same place, whose findings are its own.
    pub(super) fn trial(&self) -> Judge<'x> {
        Judge {
            base: self.base.clone(),
            path: self.path.clone(),
            spot: self.spot,
            ..Judge::new(self.checks, self.matcher, self.step, self.part)
        }
    }

    /// How many mismatches were found, those not kept included.
    pub(super) fn count(&self) -> usize {
        self.found.mismatches.len() + self.hidden
    }

    /// Whether further mismatches are counted only.
    pub(super) fn full(&self) -> bool {
        self.found.mismatches.len() >= KEPT
    }

    pub(super) fn held(&mut self, check: CheckIndex) {
        self.tally[check].0 = self.tally[check].0.saturating_add(1);
    }

    /// The place as people read it.
    pub(super) fn place(&self) -> String {
        if let Some(spot) = self.spot {
            let mut place = super::xml::place(spot.element);
            if let Some(attribute) = spot.attribute {
                // Writing to a string cannot fail.
                let _ = write!(place, "/@{attribute}");
            }
            return place;
        }
        let mut place = self.base.clone();
        for segment in &self.path {
            place.push('/');
            match segment {
                Segment::Key(key) => place.push_str(&escape_segment(key)),
                Segment::Index(index) => {
                    let _ = write!(place, "{index}");
                }
            }
        }
        place
    }

    fn mismatch(&self, check: CheckIndex, place: String, wrong: Wrong) -> Mismatch {
        let def = self.checks.get(check);
        Mismatch {
            step: self.step.to_owned(),
            part: self.part,
            place,
            check: def.name.to_owned(),
            kind: wrong.kind,
            expected: wrong.expected,
            actual: wrong.actual,
            types: wrong.types,
            clauses: def.clauses.to_vec(),
        }
    }

    /// A check that did not hold; its words are only worked out when they are kept.
    pub(super) fn violated(&mut self, check: CheckIndex, place: Option<String>, wrong: impl FnOnce(&Self) -> Wrong) {
        self.tally[check].1 = self.tally[check].1.saturating_add(1);
        self.also_violated(check, place, wrong);
    }

    /// One more mismatch of a check that is already counted as violated.
    pub(super) fn also_violated(
        &mut self,
        check: CheckIndex,
        place: Option<String>,
        wrong: impl FnOnce(&Self) -> Wrong,
    ) {
        if self.full() {
            self.hidden += 1;
            self.last = check;
            return;
        }
        let wrong = wrong(self);
        let place = place.unwrap_or_else(|| self.place());
        let mismatch = self.mismatch(check, place, wrong);
        self.found.mismatches.push(mismatch);
    }

    /// Something that is only told.
    pub(super) fn note(&mut self, check: CheckIndex, place: String, wrong: Wrong) {
        if self.found.notes.len() < KEPT {
            let mismatch = self.mismatch(check, place, wrong);
            self.found.notes.push(mismatch);
        }
    }

    /// Which readings of a choice match here.
    pub(super) fn reading(&mut self, choice: &ChoiceRule, readings: Vec<String>) {
        if self.found.readings.len() < KEPT {
            let place = self.place();
            self.found.readings.push(ReadingFollowed {
                choice: choice.choice.clone(),
                readings,
                step: self.step.to_owned(),
                place,
            });
        }
    }

    /// Which reading an element's presence follows.
    pub(super) fn presence(&mut self, choice: &XmlChoice, reading: String, place: String) {
        if self.found.readings.len() < KEPT {
            let (choice, step) = (choice.id.clone(), self.step.to_owned());
            self.found.readings.push(ReadingFollowed { choice, readings: vec![reading], step, place });
        }
    }

    /// Everything that was found.
    pub(super) fn finish(mut self) -> Judgement {
        if self.hidden > 0 {
            let more = Wrong {
                kind: MismatchKind::Value,
                expected: "see the mismatches before this one".to_owned(),
                actual: format!("{} more mismatches, counted and not listed", self.hidden),
                types: None,
            };
            let mismatch = self.mismatch(self.last, String::new(), more);
            self.found.mismatches.push(mismatch);
        }
        if !self.brief {
            self.found.checks.count(self.step, self.checks, self.tally);
        }
        self.found
    }
}

/// The pattern, shortened.
pub(super) fn expected(node: &Node) -> String {
    short_json(&as_written(node), SHOWN)
}

/// What is said of a value that does not match, or is not there.
pub(super) fn wrong(node: &Node, value: Option<&Json<'_>>, kind: MismatchKind) -> Wrong {
    let expected = expected(node);
    let Some(value) = value else {
        return Wrong { kind: MismatchKind::Missing, expected, actual: "nothing".to_owned(), types: None };
    };
    let types = type_of(&node.rule)
        .filter(|wanted| *wanted != value.type_name() && !(*wanted == "integer" && value.type_name() == "number"))
        .map(|wanted| (wanted.to_owned(), value.type_name().to_owned()));
    let kind = if types.is_some() && kind == MismatchKind::Value { MismatchKind::Type } else { kind };
    Wrong { kind, expected, actual: short_json(value, SHOWN), types }
}

/// A wrong value in words of one's own.
pub(super) fn say(kind: MismatchKind, expected: impl Into<String>, actual: impl Into<String>) -> Wrong {
    Wrong { kind, expected: expected.into(), actual: cut(&actual.into(), 2 * SHOWN), types: None }
}

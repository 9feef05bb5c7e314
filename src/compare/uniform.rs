//! One reading throughout: [`uniform`].

use std::collections::BTreeMap;

use crate::model::clause::Choice;
use crate::model::id::{ChoiceId, ClauseId};
use crate::model::judgement::{Judgement, Mismatch, MismatchKind, Part, ReadingFollowed};

/// Adds a mismatch for every choice that must be followed one way throughout and that the answers of this case follow
/// in two. `cited` are the clauses that the case cites; the mismatch cites those that the choice touches.
pub fn uniform(judgement: &mut Judgement, choices: &[Choice], cited: &[ClauseId]) {
    let mut seen: BTreeMap<&ChoiceId, Vec<&ReadingFollowed>> = BTreeMap::new();
    for followed in judgement.readings.iter().filter(|followed| !followed.readings.is_empty()) {
        seen.entry(&followed.choice).or_default().push(followed);
    }
    let mut found = Vec::new();
    for (id, places) in seen {
        let Some(choice) = choices.iter().find(|choice| choice.uniform && &choice.id == id) else { continue };
        let Some((first, rest)) = places.split_first() else { continue };
        let mut common = first.readings.clone();
        for place in rest {
            let both: Vec<String> = common.iter().filter(|each| place.readings.contains(each)).cloned().collect();
            if !both.is_empty() {
                common = both;
                continue;
            }
            let clauses: Vec<ClauseId> = choice.clauses.iter().filter(|each| cited.contains(each)).cloned().collect();
            found.push(Mismatch {
                step: place.step.clone(),
                part: Part::Body,
                place: place.place.clone(),
                check: format!("choice:{id}"),
                kind: MismatchKind::Value,
                expected: format!("{} of {id}, as before", common.join(" or ")),
                actual: place.readings.join(" or "),
                types: None,
                clauses: if clauses.is_empty() { choice.clauses.clone() } else { clauses },
            });
            break;
        }
    }
    judgement.mismatches.extend(found);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::clause::ChoicePolicy;
    use crate::model::source::SourceRef;

    fn choice(uniform: bool) -> Choice {
        Choice {
            id: ChoiceId::new("A-06"),
            document: String::new(),
            question: String::new(),
            clauses: vec![ClauseId::new("C-1"), ClauseId::new("C-2")],
            policy: ChoicePolicy::Lenient,
            uniform,
            settled: None,
            readings: Vec::new(),
            source: SourceRef { file: Arc::from("f"), line: 1 },
        }
    }

    fn judged(readings: &[&[&str]], uniform_choice: bool) -> Vec<Mismatch> {
        let followed = |(at, readings): (usize, &&[&str])| ReadingFollowed {
            choice: ChoiceId::new("A-06"),
            readings: readings.iter().map(|&each| each.to_owned()).collect(),
            step: "main".to_owned(),
            place: format!("/{at}"),
        };
        let mut judgement =
            Judgement { readings: readings.iter().enumerate().map(followed).collect(), ..Judgement::default() };
        uniform(&mut judgement, &[choice(uniform_choice)], &[ClauseId::new("C-2")]);
        judgement.mismatches
    }

    #[test]
    fn both_readings_in_one_case_are_a_mismatch_at_the_second() {
        let found = judged(&[&["upper"], &["upper", "as-sent"], &["as-sent"]], true);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].place.as_str(), found[0].clauses.as_slice()), ("/2", &[ClauseId::new("C-2")][..]));
    }

    #[test]
    fn one_reading_places_that_tell_nothing_apart_and_free_choices_are_fine() {
        assert!(judged(&[&["upper"], &["upper", "as-sent"], &[]], true).is_empty());
        assert!(judged(&[&["upper"], &["as-sent"]], false).is_empty());
    }
}

//! What is kept of the cases of a large suite: [`Outlines`].

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use super::cases::FileCases;
use crate::model::id::ClauseId;
use crate::model::source::SourceRef;
use crate::model::spec::{
    BodySpec, Contents, ExpectBody, ExpectSpec, Extra, LedgerSpec, RequestSpec, Step, TargetSpec,
};
use crate::model::template::Template;

/// Outlines of cases: of each what it takes to select it and to say beforehand what it will do. What is equal is kept
/// once.
#[derive(Debug, Default)]
pub struct Outlines {
    known: HashMap<u64, Vec<Arc<Contents>>>,
    /// For what the outline of every step has.
    nowhere: Option<Arc<str>>,
}

impl Outlines {
    /// Leaves of the cases of a file their outlines.
    pub fn reduce(&mut self, file: &mut FileCases) {
        for case in &mut file.cases {
            let cited = case.cited();
            let mut hasher = DefaultHasher::new();
            (&case.service, &cited, &case.tags, case.effect).hash(&mut hasher);
            let alike = self.known.entry(hasher.finish()).or_default();
            case.contents = match alike.iter().find(|each| same(each, &case.contents, &cited)) {
                Some(known) => Arc::clone(known),
                None => {
                    let nowhere = self.nowhere.get_or_insert_with(|| Arc::from(""));
                    let new = Arc::new(outlined(&case.contents, cited, nowhere));
                    alike.push(Arc::clone(&new));
                    new
                }
            };
        }
    }
}

/// Whether an outline is that of a case, which cites these clauses.
fn same(outline: &Contents, case: &Contents, cited: &[ClauseId]) -> bool {
    outline.clauses == cited
        && outline.aliases == case.aliases
        && outline.service == case.service
        && outline.tags == case.tags
        && outline.effect == case.effect
        && outline.needs == case.needs
        && outline.locks == case.locks
        && (outline.observe, outline.cookies, outline.strict) == (case.observe, case.cookies, case.strict)
        && outline.timeout == case.timeout
        && outline.steps.len() == case.steps.len()
        && outline.steps.iter().zip(&*case.steps).all(|(outline, step)| same_step(outline, step))
}

fn same_step(outline: &Step, step: &Step) -> bool {
    fn kind(spec: &Option<LedgerSpec>) -> Option<&str> {
        spec.as_ref().map(|spec| spec.kind.as_str())
    }
    outline.role == step.role
        && outline.service == step.service
        && kind(&outline.creates) == kind(&step.creates)
        && kind(&outline.removes) == kind(&step.removes)
}

fn outlined(case: &Contents, cited: Vec<ClauseId>, nowhere: &Arc<str>) -> Contents {
    Contents {
        aliases: case.aliases.clone(),
        title: String::new(),
        service: case.service.clone(),
        clauses: cited,
        tags: case.tags.clone(),
        effect: case.effect,
        needs: case.needs.clone(),
        locks: case.locks.clone(),
        observe: case.observe,
        cookies: case.cookies,
        strict: case.strict,
        timeout: case.timeout,
        lets: Vec::new(),
        row: BTreeMap::new(),
        steps: Arc::new(case.steps.iter().map(|step| outlined_step(step, nowhere)).collect()),
        checks: Vec::new(),
    }
}

/// Of a step only where it goes and what it leaves behind.
fn outlined_step(step: &Step, nowhere: &Arc<str>) -> Step {
    let kind = |spec: &LedgerSpec| LedgerSpec { kind: spec.kind.clone(), id: Template::default() };
    let nowhere = || SourceRef { file: Arc::clone(nowhere), line: 0 };
    Step {
        id: String::new(),
        title: None,
        role: step.role,
        service: step.service.clone(),
        with: Vec::new(),
        request: RequestSpec {
            method: Template::default(),
            target: TargetSpec::Raw(Template::default()),
            headers: Vec::new(),
            auth: None,
            body: BodySpec::None,
            content_type: None,
            redirects: 0,
            timeout: Duration::ZERO,
        },
        expect: ExpectSpec {
            status: Vec::new(),
            headers: Vec::new(),
            body: ExpectBody::Unchecked,
            at: Vec::new(),
            extra: Extra::Allow,
            cite: Vec::new(),
            readings: Vec::new(),
            fallback: Vec::new(),
            source: nowhere(),
        },
        wanted: None,
        captures: Vec::new(),
        together: false,
        poll: None,
        creates: step.creates.as_ref().map(kind),
        removes: step.removes.as_ref().map(kind),
        source: nowhere(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::FileCases;
    use crate::case::tests::one;

    #[test]
    fn equal_outlines_are_kept_once_and_others_are_not_mixed_up() {
        let text = |path: &str, more: &str| {
            format!(
                "{more}request = {{ method = \"GET\", path = \"{path}\" }}\nexpect = {{ status = 200, body = \"unchecked\" }}"
            )
        };
        let mut cases: Vec<_> = [("/a", ""), ("/b", ""), ("/a", "tags = [\"slow\"]\n"), ("/a", "locks = [\"one\"]\n")]
            .iter()
            .map(|(path, more)| one(&text(path, more)))
            .collect();
        let whole = cases.clone();
        let mut file = FileCases { cases: std::mem::take(&mut cases), ..FileCases::default() };
        Outlines::default().reduce(&mut file);
        assert!(Arc::ptr_eq(&file.cases[0].contents, &file.cases[1].contents));
        for (outline, case) in file.cases.iter().zip(&whole) {
            assert_eq!((&outline.tags, &outline.locks, outline.cited()), (&case.tags, &case.locks, case.cited()));
            assert_eq!((&outline.id, &outline.source), (&case.id, &case.source));
        }
        assert!(file.cases[2..].iter().all(|each| !Arc::ptr_eq(&each.contents, &file.cases[0].contents)));
    }
}

//! What cases need and what a target lacks: [`uses`] for every fixture, [`skeleton`] of a profile to fill in, and
//! [`losses`] of a profile as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::model::id::ClauseId;
use crate::model::spec::{Case, Need};
use crate::model::suite::{Fixture, FixtureKind, Suite};
use crate::model::target::Target;

/// Who needs a fixture.
#[derive(Clone, Debug)]
pub struct Use<'a> {
    /// The fixture.
    pub fixture: &'a Fixture,
    /// Cases that need it, in order of their ids.
    pub cases: Vec<&'a Case>,
    /// The most entries that one of them needs; 1 for anything but a list.
    pub least: usize,
}

/// Every fixture that the suite declares, with the cases that need it.
#[must_use]
pub fn uses(suite: &Suite) -> Vec<Use<'_>> {
    let mut all: Vec<Use<'_>> =
        suite.fixtures.iter().map(|fixture| Use { fixture, cases: Vec::new(), least: 1 }).collect();
    let place: BTreeMap<&str, usize> =
        suite.fixtures.iter().enumerate().map(|(at, fixture)| (fixture.name.as_str(), at)).collect();
    for case in &suite.cases {
        for need in &case.needs {
            if let Some(found) = place.get(need.name.as_str()).and_then(|&at| all.get_mut(at)) {
                found.cases.push(case);
                found.least = found.least.max(need.least);
            }
        }
    }
    all
}

/// Something that a target does not provide, and what that costs.
#[derive(Clone, Debug)]
pub struct Loss<'a> {
    /// The name.
    pub name: &'a str,
    /// What it must be.
    pub text: &'a str,
    /// Cases that are skipped for it.
    pub cases: Vec<&'a Case>,
    /// Clauses that no case is left to test, because of everything that is missing together.
    pub clauses: Vec<ClauseId>,
}

/// Everything that a target lacks. `provides` says whether it has what a case needs.
#[must_use]
pub fn losses<'a>(suite: &'a Suite, target: &Target, provides: impl Fn(&Target, &Need) -> bool) -> Vec<Loss<'a>> {
    let runs = |case: &Case| case.needs.iter().all(|need| provides(target, need));
    let mut tested: BTreeSet<ClauseId> = BTreeSet::new();
    for case in suite.cases.iter().filter(|case| runs(case)) {
        tested.extend(case.cited());
    }
    let mut found = Vec::new();
    for each in uses(suite) {
        let short =
            |case: &&&Case| case.needs.iter().any(|need| need.name == each.fixture.name && !provides(target, need));
        let cases: Vec<&Case> = each.cases.iter().filter(short).copied().collect();
        if cases.is_empty() {
            continue;
        }
        let cited: BTreeSet<ClauseId> = cases.iter().flat_map(|case| case.cited()).collect();
        found.push(Loss {
            name: &each.fixture.name,
            text: &each.fixture.text,
            cases,
            clauses: cited.into_iter().filter(|clause| !tested.contains(clause)).collect(),
        });
    }
    found
}

/// What a skeleton ends with.
const REST: &str = r#"
[limits]
# jobs = 8                    # most cases in flight
# per_second = 20.0           # most requests a second
# connections = 4             # most requests in flight to one host
# retry_after = 10            # wait so many seconds for an unexpected 429 or 503 that asks for it

# How it is connected to, where that is out of the ordinary; cases/REFERENCE.md lists every key.
# [connection]
# ca = "ca.pem"
# proxy = "http://the.proxy:3128"
# reuse = true                # quicker; an answer that comes late can be taken for another's

# Without this, only cases that read are run against anything but this machine.
[safety]
# allow = ["write", "destructive"]
# hosts = ["the.host"]
"#;

/// A profile to fill in: every key with what it must be and who needs it, everything but the identity commented out.
#[must_use]
pub fn skeleton(suite: &Suite) -> String {
    let mut text = String::from(
        "# A target profile. Fill in what the target has; what stays commented out skips the cases that need it.\n\
         [target]\nname = \"my target\"\nproduct = \"\"                # what is tested\nversion = \"\"                \
         # a release, not a branch\noperator = \"\"               # who runs it\nclass = \"real\"              \
         # real | mock\n\n[services]\n",
    );
    for service in suite.services.values() {
        let _ = writeln!(text, "# {} = \"https://…\"        # {}", service.id, service.title);
    }
    let all = uses(suite);
    for (table, kinds, lead) in [
        ("variables", &[FixtureKind::Text][..], ""),
        (
            "secrets",
            &[FixtureKind::Secret][..],
            "# From the environment, { env = \"NAME\" }, or from a file beside this one, { file = \"path\" }.\n",
        ),
        (
            "auth",
            &[FixtureKind::Auth][..],
            "# How credentials are sent: header = \"…\" with value = \"…\", basic = { user, password }, or bearer = \"…\".\n\
             # Values may use `${…}` with names of this file; names that only [auth] uses need no declaration.\n",
        ),
        ("fixtures", &[FixtureKind::List, FixtureKind::Flag][..], ""),
    ] {
        let _ = write!(text, "\n{lead}[{table}]\n");
        for each in all.iter().filter(|each| kinds.contains(&each.fixture.kind)) {
            let _ = writeln!(text, "# {}", each.fixture.text.replace('\n', " "));
            let _ = writeln!(text, "# Needed by {}.", needed_by(each));
            let _ = writeln!(text, "{}", line(each));
        }
    }
    text.push_str(REST);
    text
}

fn needed_by(each: &Use<'_>) -> String {
    match each.cases.as_slice() {
        [] => "no case".to_owned(),
        [one] => one.id.to_string(),
        [one, two] => format!("{} and {}", one.id, two.id),
        [one, two, rest @ ..] => format!("{}, {} and {} more", one.id, two.id, rest.len()),
    }
}

fn line(each: &Use<'_>) -> String {
    let name = &each.fixture.name;
    let example = each.fixture.example.as_deref().unwrap_or("…");
    match each.fixture.kind {
        FixtureKind::Text => format!("# {name} = {example:?}"),
        FixtureKind::Secret => {
            format!("# {name} = {{ env = \"{}\" }}", name.replace(['.', '-'], "_").to_ascii_uppercase())
        }
        FixtureKind::Auth => format!("# {name} = {{ bearer = \"${{…}}\" }}"),
        FixtureKind::List => format!("# {name} = [{example:?}]        # at least {}", each.least),
        FixtureKind::Flag => format!("# {name} = true"),
    }
}

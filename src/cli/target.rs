//! `casebook target init` and `casebook target check`: what a profile must hold, and what one that holds less costs.

use serde_json::json;

use super::args::{ListFormat, TargetArgs, TargetCheckArgs, TargetCommand, TargetInitArgs};
use super::{Failure, files};
use crate::fixtures;
use crate::model::verdict::Exit;
use crate::plan;

pub(super) fn target(args: &TargetArgs) -> Result<Exit, Failure> {
    match &args.command {
        TargetCommand::Init(args) => init(args),
        TargetCommand::Check(args) => check(args),
    }
}

fn init(args: &TargetInitArgs) -> Result<Exit, Failure> {
    let suite = files::load_suite(&args.suite)?;
    files::print(&fixtures::skeleton(&suite))
}

fn check(args: &TargetCheckArgs) -> Result<Exit, Failure> {
    let suite = files::load_suite(&args.suite)?;
    let target = files::load_target(args.target.as_deref(), &suite)?;
    // What a run would refuse is told here already.
    plan::redactor(&target).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let losses = fixtures::losses(&suite, &target, plan::provides);
    let skipped =
        suite.cases.iter().filter(|case| case.needs.iter().any(|need| !plan::provides(&target, need))).count();
    if args.format == ListFormat::Json {
        let missing: Vec<_> = losses
            .iter()
            .map(|loss| {
                let cases: Vec<_> = loss.cases.iter().map(|case| &case.id).collect();
                json!({ "name": loss.name, "text": loss.text, "cases": cases, "clauses": loss.clauses })
            })
            .collect();
        let document = json!({
            "target": target.identity.name, "cases": suite.cases.len(), "skipped": skipped, "missing": missing,
        });
        return files::print(&format!("{document:#}\n"));
    }
    let mut text = String::new();
    for loss in &losses {
        text.push_str(&format!("{}\n  {}\n  costs {} cases", loss.name, loss.text, loss.cases.len()));
        if !loss.clauses.is_empty() {
            let clauses: Vec<&str> = loss.clauses.iter().map(crate::model::id::ClauseId::as_str).collect();
            text.push_str(&format!(", and nothing is left to test {}", clauses.join(", ")));
        }
        text.push('\n');
        for case in loss.cases.iter().take(5) {
            text.push_str(&format!("    {}\n", case.id));
        }
        if loss.cases.len() > 5 {
            text.push_str(&format!("    … and {} more\n", loss.cases.len() - 5));
        }
    }
    text.push_str(&format!(
        "{}: {} of {} cases can run, {skipped} would be skipped; nothing was sent\n",
        target.identity.name,
        suite.cases.len() - skipped,
        suite.cases.len()
    ));
    files::print(&text)
}

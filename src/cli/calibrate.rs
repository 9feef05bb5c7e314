//! `casebook calibrate`: runs cases that change nothing twice, and tells what the service answers differently each time.

use super::args::{CalibrateArgs, ListFormat};
use super::{Failure, files, gather};
use crate::calibration::{calibrate as compared, text};
use crate::model::spec::{Case, Effect, StepRole};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::Exit;
use crate::plan::may_change;
use crate::select::select;

pub(super) fn calibrate(args: &CalibrateArgs) -> Result<Exit, Failure> {
    let suite = files::load_suite(&args.suite)?;
    let mut target = files::load_target(args.target.as_deref(), &suite)?;
    let (selection, _) = files::selection(&args.select, &suite)?;
    let mut cases = select(&suite, &selection).map_err(files::select_failure)?;
    let mocked = files::set_base_urls(&args.base_url, args.target.as_deref(), &suite, &mut target)?;
    cases.retain(|index| args.writes || is_safe(&suite, &target, mocked, &suite.cases[*index]));
    if cases.is_empty() {
        let text = "no selected case leaves the target as it is, and only such cases are run twice without --writes";
        return Err(Failure::new(Exit::NothingProven, text));
    }
    let ((first, second), interrupted) = gather::until_stopped(async |stop| {
        let aim = gather::aim(&suite, target, mocked, &cases, &args.run).await?;
        let first = aim.fire(&suite, &args.run, args.run.seed, stop.clone()).await?;
        let second = aim.fire(&suite, &args.run, args.run.seed, stop).await?;
        aim.end().await;
        Ok((first, second))
    })?;
    let found = compared(&first, &second);
    match args.format {
        ListFormat::Text => files::print(&text(&found))?,
        ListFormat::Json => {
            let json =
                serde_json::to_string_pretty(&found).map_err(|error| Failure::new(Exit::Harness, error.to_string()))?;
            files::print(&format!("{json}\n"))?
        }
    };
    Ok(match interrupted {
        Some(exit) => exit,
        None if found.is_open() => Exit::Nonconformant,
        None if found.cases == 0 => Exit::NothingProven,
        None => Exit::Conformant,
    })
}

/// Whether a case may be run twice: it changes nothing, and what it makes and removes around that may be made there.
fn is_safe(suite: &Suite, target: &Target, mocked: bool, case: &Case) -> bool {
    let mut around = case.steps.iter().filter(|step| step.role != StepRole::Main);
    let writes = around.any(|step| step.creates.is_some() || step.removes.is_some());
    let mut urls = suite
        .services
        .keys()
        .filter(|name| case.steps.iter().any(|step| step.service == **name))
        .filter_map(|name| target.services.get(name));
    let allowed = mocked || urls.all(|url| may_change(url, Effect::Write, target));
    case.effect == Effect::Read && (!writes || allowed)
}

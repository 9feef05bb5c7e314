//! `casebook diff-targets`: the same cases on two services, and what each difference means.

use std::path::Path;
use std::sync::Arc;

use super::args::{DiffTargetsArgs, TableFormat};
use super::{Failure, files, gather};
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::Exit;
use crate::select::select;
use crate::sides::{markdown, sides, text};

pub(super) fn diff_targets(args: &DiffTargetsArgs) -> Result<Exit, Failure> {
    let suite = files::load_suite(&args.suite)?;
    let (selection, _) = files::selection(&args.select, &suite)?;
    let cases = select(&suite, &selection).map_err(files::select_failure)?;
    let (one, other) = (named(&args.a, args, &suite)?, named(&args.b, args, &suite)?);
    let names = [&one, &other].map(|(name, ..)| name.clone());
    let ((a, b), interrupted) = gather::until_stopped(async |stop| {
        let (_, target, mocked) = one;
        let a = gather::aim(&suite, target, mocked, &cases, &args.run).await?;
        let (_, target, mocked) = other;
        let b = gather::aim(&suite, target, mocked, &cases, &args.run).await?;
        let seed = args.run.seed;
        // Both at once: what differs shall not be the time of day.
        let (left, right) =
            tokio::join!(a.fire(&suite, &args.run, seed, stop.clone()), b.fire(&suite, &args.run, seed, stop.clone()));
        a.end().await;
        b.end().await;
        Ok((left?, right?))
    })?;
    let found = sides(names, args.run.seed, &a, &b);
    match args.format {
        TableFormat::Text => files::print(&text(&found))?,
        TableFormat::Markdown => files::print(&markdown(&found))?,
        TableFormat::Json => {
            let json =
                serde_json::to_string_pretty(&found).map_err(|error| Failure::new(Exit::Harness, error.to_string()))?;
            files::print(&format!("{json}\n"))?
        }
    };
    Ok(match interrupted {
        Some(exit) => exit,
        None if found.is_broken() => Exit::Nonconformant,
        None if found.cases == 0 => Exit::NothingProven,
        None => Exit::Conformant,
    })
}

/// What an argument stands for: a base URL, a profile, or `mock` for an embedded one; whether a mock is to be started.
fn named(text: &str, args: &DiffTargetsArgs, suite: &Arc<Suite>) -> Result<(String, Target, bool), Failure> {
    let profile = args.target.as_deref();
    if text == "mock" {
        let target = files::load_target(None, suite)?;
        return Ok(("the embedded mock".to_owned(), target, true));
    }
    if text.contains("://") {
        let mut target = files::load_target(profile, suite)?;
        files::set_base_urls(&[text.to_owned()], profile, suite, &mut target)?;
        return Ok((text.to_owned(), target, false));
    }
    let path = Path::new(text);
    let target = files::load_target(Some(path), suite)?;
    if target.services.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            format!("{text} names no service; give a base URL, or a profile with [services]"),
        ));
    }
    Ok((target.identity.name.clone(), target, false))
}

//! `casebook mock`: the mock service by itself.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::args::{ListFormat, MockArgs};
use super::{Failure, files};
use crate::mock::faults::{self, faults};
use crate::mock::seed::Seed;
use crate::mock::server::{Mock, MockOptions};
use crate::mock::service::Departure;
use crate::mock::variations::{self, variations};
use crate::model::verdict::Exit;

pub(super) fn mock(args: &MockArgs) -> Result<Exit, Failure> {
    if args.list_faults || args.list_variations {
        return list(args);
    }
    let departures = departures(args)?;
    let seed = match &args.seed {
        None => Seed::embedded(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))?;
            Seed::from_toml(&text)
        }
    };
    let seed = seed.map_err(|error| Failure::new(Exit::Usage, files::chain(&error)))?;
    let options = MockOptions { addr: SocketAddr::from((args.host, args.port)), seed, departures };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Harness, format!("the runtime cannot be built: {error}")))?;
    runtime.block_on(serve(options))
}

async fn serve(options: MockOptions) -> Result<Exit, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let address = options.addr;
    let failed = |error: std::io::Error| Failure::new(Exit::Harness, format!("{address}: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mock = Mock::start(options).await.map_err(failed)?;
    files::print(&format!("listening on {}\n", mock.base_url()))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    mock.stop().await;
    Ok(Exit::Conformant)
}

/// What the service does otherwise: faults first, then variations, each as often as given.
fn departures(args: &MockArgs) -> Result<Vec<Departure>, Failure> {
    let mut all = Vec::with_capacity(args.fault.len() + args.variation.len());
    for id in &args.fault {
        let fault = faults::find(id).ok_or_else(|| {
            let help = nearest(id, faults().iter().map(|fault| fault.id));
            Failure::new(Exit::Usage, format!("there is no fault `{id}`{help}; --list-faults has them all"))
        })?;
        all.push(fault.departure);
    }
    for id in &args.variation {
        let variation = variations::find(id).ok_or_else(|| {
            let help = nearest(id, variations().iter().map(|variation| variation.id));
            Failure::new(Exit::Usage, format!("there is no variation `{id}`{help}; --list-variations has them all"))
        })?;
        all.push(variation.departure);
    }
    Ok(all)
}

/// `; did you mean …?` for the name that is nearest to a wrong one, if one is near.
pub(super) fn nearest(wrong: &str, known: impl Iterator<Item = &'static str>) -> String {
    known
        .map(|name| (strsim::damerau_levenshtein(name, wrong), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 2 + wrong.len() / 4)
        .map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

fn list(args: &MockArgs) -> Result<Exit, Failure> {
    if args.format == ListFormat::Json {
        let mut document = json!({});
        if args.list_faults {
            let one =
                |fault: &faults::Fault| json!({ "id": fault.id, "clause": fault.clause, "sentence": fault.sentence });
            document["faults"] = Value::Array(faults().iter().map(one).collect());
        }
        if args.list_variations {
            let one = |each: &variations::Variation| json!({ "id": each.id, "allowed_by": each.allowed_by, "lenient": each.lenient, "sentence": each.sentence });
            document["variations"] = Value::Array(variations().iter().map(one).collect());
        }
        return files::print(&format!("{document:#}\n"));
    }
    let mut text = String::new();
    if args.list_faults {
        for fault in faults() {
            text.push_str(&format!("{}  {}  {}\n", fault.id, fault.clause, fault.sentence));
        }
    }
    if args.list_variations {
        for each in variations() {
            let lenient = if each.lenient { ", not with --strict" } else { "" };
            text.push_str(&format!("{}  ({}{lenient})  {}\n", each.id, each.allowed_by, each.sentence));
        }
    }
    files::print(&text)
}

//! From flags and a target's profile to a transport: what both say, what excludes each other, what people must be told.

use std::collections::BTreeSet;

use super::args::ConnectionArgs;
use super::{Failure, files, room};
use crate::engine;
use crate::model::connection::ClientCertificate;
use crate::model::suite::Suite;
use crate::model::target::Target;
use crate::model::verdict::Exit;
use crate::plan;
use crate::runner::{PlannedCase, RunOptions};
use crate::transport::{Caps, HttpOptions, reach};

/// Sets the target's connection as the flags say.
pub(super) fn connect(args: &ConnectionArgs, target: &mut Target, embedded: bool) -> Result<(), Failure> {
    let connection = &mut target.connection;
    if let Some(version) = args.http {
        connection.http = version;
    }
    if let Some(path) = &args.ca {
        connection.ca = Some(path.clone());
    }
    if let (Some(certificate), Some(key)) = (&args.client_cert, &args.client_key) {
        connection.client = Some(ClientCertificate { certificate: certificate.clone(), key: key.clone() });
    }
    if let Some(proxy) = &args.proxy {
        connection.proxy = Some(proxy.clone());
    }
    if let Some(path) = &args.unix_socket {
        connection.unix_socket = Some(path.clone());
    }
    connection.reuse = args.reuse || (connection.reuse && !args.no_reuse);
    for given in &args.resolve {
        // The flag stands before the file.
        connection.resolve.retain(|each| (&each.host, each.port) != (&given.host, given.port));
    }
    connection.resolve.extend(args.resolve.iter().cloned());
    let elsewhere = connection.proxy.is_some() || connection.unix_socket.is_some() || !connection.resolve.is_empty();
    if embedded && elsewhere {
        let text = "the embedded mock is connected to directly: a proxy, a Unix socket and --resolve need a target";
        return Err(Failure::new(Exit::Usage, text));
    }
    let urls = target.services.values().map(String::as_str);
    target.connection.consistent(urls).map_err(|text| Failure::new(Exit::Usage, text))
}

/// How the transport is set.
pub(super) fn options(args: &ConnectionArgs, target: &Target, max_body: u64) -> Result<HttpOptions, Failure> {
    let options = HttpOptions {
        insecure: args.insecure,
        caps: Caps { body: max_body, ..Caps::default() },
        ..HttpOptions::default()
    };
    engine::http_options(&options, target).map_err(files::engine_failure)
}

/// How many cases are in flight, and what to say when there is no room for as many as were asked for.
pub(super) fn jobs(asked: Option<usize>, target: &Target, embedded: bool) -> (usize, Option<String>) {
    let wanted = asked.or(target.limits.jobs).unwrap_or(RunOptions::default().jobs);
    let hosts: BTreeSet<&String> = target.services.values().collect();
    room::jobs(wanted, hosts.len(), embedded)
}

/// Says what a run is about to change beyond this machine, before it does.
pub(super) fn announce(suite: &Suite, target: &Target, planned: &[PlannedCase]) {
    for line in plan::changes(suite, target, planned) {
        files::hint(&crate::report::escape::visible(&line));
    }
}

/// One clear sentence instead of a failure for every case.
pub(super) async fn reachable(
    suite: &Suite,
    target: &Target,
    planned: &[PlannedCase],
    options: &HttpOptions,
) -> Result<(), Failure> {
    let mut seen: Vec<&String> = Vec::new();
    let run = planned.iter().filter(|each| each.skip.is_none()).map(|each| &suite.cases[each.index]);
    for service in run.flat_map(|case| case.steps.iter().map(|step| &step.service)) {
        let Some(url) = target.services.get(service) else { continue };
        if seen.contains(&url) {
            continue;
        }
        seen.push(url);
        reach(url, options).await.map_err(|error| {
            Failure::new(Exit::TargetUnusable, format!("the target {url} cannot be reached: {error}"))
        })?;
    }
    Ok(())
}

//! What of a command line a single case needs to meet the same target in the same way again: [`arguments`].

use clap::ArgMatches;
use clap::parser::ValueSource;

/// Flags of `run` that take a value and say what is tested, and how it is met.
const VALUES: [&str; 14] = [
    "cases",
    "target",
    "base-url",
    "http",
    "ca",
    "client-cert",
    "client-key",
    "proxy",
    "resolve",
    "unix-socket",
    "case-timeout",
    "max-body",
    "transport-retries",
    "repeat",
];

/// Those that take none.
const SWITCHES: [&str; 5] = ["reuse", "no-reuse", "insecure", "strict", "no-probe"];

/// The arguments of `run` that were given, on the command line or by the environment, and that are not for one run
/// alone. What the project's file or a default says is there the next time too. Secrets may be in them.
pub(super) fn arguments(matches: &ArgMatches) -> Vec<String> {
    let Some(run) = matches.subcommand_matches("run") else { return Vec::new() };
    let id = |long: &str| long.replace('-', "_");
    let given = |id: &str| matches!(run.value_source(id), Some(ValueSource::CommandLine | ValueSource::EnvVariable));
    let mut all = Vec::new();
    for long in VALUES {
        let id = id(long);
        for value in run.get_raw(&id).into_iter().flatten().filter(|_| given(&id)) {
            all.extend([format!("--{long}"), value.to_string_lossy().into_owned()]);
        }
    }
    let switches = SWITCHES.into_iter().filter(|long| given(&id(long)) && run.get_flag(&id(long)));
    all.extend(switches.map(|long| format!("--{long}")));
    all
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::args::Cli;

    #[test]
    fn what_says_who_is_tested_is_kept_and_nothing_else() {
        let line = ["casebook", "run", "--base-url", "http://a", "--base-url", "groove=http://b", "--strict"];
        let more = ["-j", "3", "--shuffle", "7", "--max-body=9", "--proxy", "http://p:1", "some/case", "-q"];
        let matches = Cli::command().try_get_matches_from(line.iter().chain(&more)).expect("arguments");
        assert_eq!(
            arguments(&matches).join(" "),
            "--base-url http://a --base-url groove=http://b --proxy http://p:1 --max-body 9 --strict"
        );
        let plain = Cli::command().try_get_matches_from(["casebook", "run"]).expect("arguments");
        assert!(arguments(&plain).is_empty());
    }

    #[test]
    fn every_flag_is_one_of_run() {
        let mut root = Cli::command();
        root.build();
        let run = root.find_subcommand("run").expect("the command");
        for long in VALUES.iter().chain(&SWITCHES) {
            assert!(run.get_arguments().any(|arg| arg.get_long() == Some(long)), "--{long}");
        }
    }
}

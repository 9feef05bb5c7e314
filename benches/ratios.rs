//! Whole runs beside a bare loop over the same client, in turn, in one run, as ratios: what casebook adds to the
//! requests themselves. Prints one table.

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::{BUILT, Peak, bare, casebook, measure, median, row, running, serve, write_suite};

/// Each pair of runs is made so often; the middle ratio counts.
const ROUNDS: usize = 5;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // The bare loop is a process of its own too.
    if let [word, base, requests, connections, kept, parse] = args.as_slice()
        && word == "bare"
    {
        let number = |text: &String| text.parse().expect("a number");
        let taken = bare(base, number(requests), number(connections), kept == "kept", parse == "parse");
        row(&[taken.as_micros().to_string()]);
        return;
    }
    if args.first().is_some_and(|word| word == "serve") {
        row(&[format!("http://{}", serve(Duration::ZERO))]);
        loop {
            std::thread::park();
        }
    }
    row(&["what", "casebook", "bare loop, parsed", "bare loop, not parsed", "ratio", "target"].map(str::to_owned));
    row(&["---", "--:", "--:", "--:", "--:", "--:"].map(str::to_owned));
    let base = format!("http://{}", serve(Duration::ZERO));
    for kept in [false, true] {
        for connections in [1, 8, 32, 64] {
            throughput(&base, connections, kept);
        }
    }
    latency();
    single(&base);
}

fn throughput(base: &str, connections: usize, kept: bool) {
    let count = 5_000;
    let (what, more) = if kept { ("kept connections", &["--reuse"][..]) } else { ("at a time, each its own", &[][..]) };
    let dir = tempfile::tempdir().expect("a directory");
    let (cases, out) = (dir.path().join("cases"), dir.path().join("out"));
    write_suite(&cases, count);
    let rate = |taken: Duration| count as f64 / taken.as_secs_f64();
    let (mut own, mut parsed, mut read, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let with = rate(bare(base, count, connections, kept, true));
        let run = rate(casebook(&cases, &out, base, connections, more, Peak::Unwatched).run);
        let without = rate(bare(base, count, connections, kept, false));
        let again = rate(bare(base, count, connections, kept, true));
        // The loop is run before and behind, so that a machine that changes its mood favours neither.
        let with = (with + again) / 2.0;
        own.push(run);
        parsed.push(with);
        read.push(without);
        ratios.push(run / with);
    }
    row(&[
        format!("{connections} {what}, cases a second"),
        format!("{:.0}", median(own)),
        format!("{:.0}", median(parsed)),
        format!("{:.0}", median(read)),
        format!("{:.2}", median(ratios)),
        "≥ 0.85".to_owned(),
    ]);
}

fn latency() {
    let base = format!("http://{}", serve(Duration::from_millis(50)));
    let dir = tempfile::tempdir().expect("a directory");
    let (cases, out) = (dir.path().join("cases"), dir.path().join("out"));
    write_suite(&cases, 1_000);
    let ideal = 0.050 * (1000_f64 / 64.0).ceil();
    let (mut own, mut ratios, mut bares) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        let run = casebook(&cases, &out, &base, 64, &[], Peak::Unwatched).run.as_secs_f64();
        bares.push(bare(&base, 1_000, 64, false, true).as_secs_f64());
        own.push(run);
        ratios.push(run / ideal);
    }
    row(&[
        "1,000 cases of 50 ms at 64 jobs, s".to_owned(),
        format!("{:.3}", median(own)),
        format!("{:.3}", median(bares)),
        String::new(),
        format!("{:.2} of the ideal", median(ratios)),
        "≤ 1.1".to_owned(),
    ]);
}

/// Both programs are copied first, as an installation does it: what a linker wrote here and there lies in the system's
/// memory page by page, and takes a tenth longer to start.
fn single(base: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let (cases, out) = (dir.path().join("cases"), dir.path().join("out"));
    write_suite(&cases, 1);
    let installed = |program: &Path, name: &str| {
        let copy = dir.path().join(name);
        std::fs::copy(program, &copy).expect("copied");
        copy
    };
    let own_program = installed(Path::new(BUILT), "casebook");
    let bare_program = installed(&std::env::current_exe().expect("this program"), "bare");
    let time = |command: &mut Command| measure(command, Peak::Unwatched).wall.as_secs_f64() * 1e3;
    let (mut own, mut bares, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..101 {
        let run = time(&mut running(&own_program, &cases, &out, base, 1));
        let loop_alone = time(Command::new(&bare_program).args(["bare", base, "1", "1", "apart", "parse"]));
        own.push(run);
        bares.push(loop_alone);
        ratios.push(run / loop_alone);
    }
    row(&[
        "a process with one case, ms".to_owned(),
        format!("{:.1}", median(own)),
        format!("{:.1}", median(bares)),
        String::new(),
        format!("{:.2}", median(ratios)),
        "≤ 1.5".to_owned(),
    ]);
}

//! How time and memory grow with the number of cases: whole `casebook run` processes of 100 to 100,000 cases with all
//! default reports, and loading beside the `toml` crate alone. Prints one table.
//!
//! Loading is a whole `casebook check`: every file is read, taken apart, validated and hashed, on as many threads as
//! there are processors. The `toml` crate takes the same files apart on one thread, with the allocator of the system.

mod support;

use std::time::{Duration, Instant};

use support::{BUILT, Peak, casebook, measure, median, row, serve, write_suite};

/// How often loading is timed.
const ROUNDS: usize = 5;

fn main() {
    // `cargo bench` says `--bench`; everything else is a number of cases.
    let mut sizes: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![100, 1_000, 10_000, 100_000];
    }
    let base = format!("http://{}", serve(Duration::ZERO));
    row(&["cases", "toml alone, s", "check, s", "ratio", "run, s", "µs a case", "peak, MiB", "above the first, MiB"]
        .map(str::to_owned));
    row(&["--:"; 8].map(str::to_owned));
    let mut first = None;
    for size in sizes {
        let dir = tempfile::tempdir().expect("a directory");
        let (cases, out) = (dir.path().join("cases"), dir.path().join("out"));
        write_suite(&cases, size);
        // In turn, and the middle ones, as a machine is not as fast in every second.
        let (mut toml, mut loading) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            toml.push(parse_all(&cases).as_secs_f64());
            loading.push(check(&cases).as_secs_f64());
        }
        let (toml, loading) = (median(toml), median(loading));
        let run = casebook(&cases, &out, &base, 32, &[], Peak::Watched);
        let first = *first.get_or_insert(run.peak);
        row(&[
            size.to_string(),
            format!("{toml:.3}"),
            format!("{loading:.3}"),
            format!("{:.2}", loading / toml),
            format!("{:.3}", run.wall.as_secs_f64()),
            format!("{:.1}", run.wall.as_secs_f64() * 1e6 / size as f64),
            format!("{:.1}", run.peak as f64 / 1024.0),
            format!("{:.1}", (run.peak - first.min(run.peak)) as f64 / 1024.0),
        ]);
    }
}

/// Everything that is wrong with the files of a suite, which is nothing.
fn check(dir: &std::path::Path) -> Duration {
    let mut command = std::process::Command::new(BUILT);
    measure(command.arg("check").arg("--cases").arg(dir), Peak::Unwatched).wall
}

/// The `toml` crate alone over the same files, on one thread.
fn parse_all(dir: &std::path::Path) -> Duration {
    let started = Instant::now();
    for entry in std::fs::read_dir(dir.join("b")).expect("a directory") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
        let table: toml::Table = text.parse().expect("TOML");
        std::hint::black_box(table);
    }
    started.elapsed()
}

//! What the benches share: a bare server, a bare client, cases, and how a process is measured.
#![expect(dead_code, reason = "each bench uses a part")]

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The answer to every request: some 300 bytes of JSON.
pub(crate) const BODY: &str = r#"{"Id":"6f9619ff-8b86-d011-b42d-00cf4fc964ff","Name":"Harbor lights","Count":3,"Rating":4.5,"Public":true,"Owner":{"Login":"ada.harbor","Name":"Ada Harbor"},"Tags":["sea","night","slow"],"Tracks":[{"Id":"A1","Seconds":213},{"Id":"B2","Seconds":187},{"Id":"C3","Seconds":240}],"Next":null}"#;

/// Serves [`BODY`] on a thread of its own, over kept connections, after a while. It reads no more of a request than
/// where it ends: requests without a body.
pub(crate) fn serve(wait: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket that does not block");
    let address = listener.local_addr().expect("an address");
    let answer: Arc<[u8]> =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len())
            .into_bytes()
            .into();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((mut socket, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let _ = socket.set_nodelay(true);
                    let mut buffer = [0; 8192];
                    let mut filled = 0;
                    loop {
                        match socket.read(&mut buffer[filled..]).await {
                            Ok(0) | Err(_) => return,
                            Ok(read) => filled += read,
                        }
                        while let Some(end) = memchr::memmem::find(&buffer[..filled], b"\r\n\r\n") {
                            buffer.copy_within(end + 4..filled, 0);
                            filled -= end + 4;
                            if !wait.is_zero() {
                                tokio::time::sleep(wait).await;
                            }
                            if socket.write_all(&answer).await.is_err() {
                                return;
                            }
                        }
                    }
                });
            }
        });
    });
    address
}

/// A loop over the client that casebook uses, set as casebook sets it: over kept connections or one for each request.
/// Reads every body, and parses it if asked to. Gives the time that the requests took.
pub(crate) fn bare(base: &str, requests: usize, connections: usize, kept: bool, parse: bool) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = client(kept);
        let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let started = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..connections.min(requests) {
            let (client, next, base) = (client.clone(), next.clone(), base.to_owned());
            tasks.spawn(async move {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= requests {
                        return;
                    }
                    let url = format!("{base}/item/{number}");
                    let answer = client.get(url).send().await.expect("an answer");
                    assert_eq!(answer.status(), 200);
                    let body = answer.bytes().await.expect("a body");
                    if parse {
                        let value: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
                        assert_eq!(value["Count"], 3);
                    } else {
                        assert_eq!(body.len(), BODY.len());
                    }
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("no panic");
        }
        started.elapsed()
    })
}

fn client(kept: bool) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(if kept { usize::MAX } else { 0 })
        .tls_certs_only([])
        .build()
        .expect("a client")
}

/// Cases in one file.
pub(crate) const PER_FILE: usize = 100;

/// Writes a suite of so many cases, all answered by [`serve`].
pub(crate) fn write_suite(dir: &Path, cases: usize) {
    std::fs::create_dir_all(dir.join("b")).expect("a directory");
    let clauses = "[document]\nid = \"d\"\ntitle = \"D\"\nsha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\nbytes = 1\n";
    let mut text = clauses.to_owned();
    for (id, says) in [("B-01", "Answers 200."), ("B-02", "Answers JSON."), ("B-03", "Answers the item.")] {
        let _ = write!(text, "[[clause]]\nid = \"{id}\"\nsection = \"S\"\nlevel = \"stated\"\ntext = \"{says}\"\n");
    }
    std::fs::write(dir.join("b/clauses.toml"), text).expect("written");
    std::fs::write(dir.join("b/service.toml"), "[service]\nid = \"b\"\ntitle = \"B\"\n").expect("written");
    for file in 0..cases.div_ceil(PER_FILE) {
        let mut text = format!("suite = \"b/f{file:04}\"\nservice = \"b\"\n");
        for case in file * PER_FILE..((file + 1) * PER_FILE).min(cases) {
            let _ = write!(
                text,
                "\n[[case]]\nid = \"item-{case:06}\"\ntitle = \"Item {case} is answered as it is documented\"\nclauses = [\"B-01\"]\ntags = [\"bench\"]\neffect = \"read\"\n[case.request]\nmethod = \"GET\"\npath = \"/item/{case}\"\n[case.expect]\nstatus = {{ is = 200, clause = \"B-01\" }}\nheaders.content-type = {{ media = \"application/json\", clause = \"B-02\" }}\njson = '''\n{BODY}'''\n[case.expect.cite]\n\"/Id\" = \"B-03\"\n"
            );
        }
        std::fs::write(dir.join(format!("b/f{file:04}.toml")), text).expect("written");
    }
}

/// What became of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// From start to end.
    pub(crate) wall: Duration,
    /// Largest resident size in KiB, if it was watched.
    pub(crate) peak: u64,
    /// What its record's footer says that the run took.
    pub(crate) run: Duration,
}

/// Whether the size of a process is looked up while it runs, which takes time from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peak {
    Watched,
    Unwatched,
}

/// `casebook run` of a whole suite. Fails unless every case passed. The bare server answers everything, so that it is
/// rightly found not credible when it is probed.
pub(crate) fn casebook(cases: &Path, out: &Path, base: &str, jobs: usize, more: &[&str], peak: Peak) -> Measured {
    let measured = measure(running(Path::new(BUILT), cases, out, base, jobs).args(more), peak);
    let run = elapsed(&out.join("record.jsonl"));
    Measured { run, ..measured }
}

/// The command as it was built.
pub(crate) const BUILT: &str = env!("CARGO_BIN_EXE_casebook");

/// The command line of [`casebook`].
pub(crate) fn running(program: &Path, cases: &Path, out: &Path, base: &str, jobs: usize) -> Command {
    let mut command = Command::new(program);
    command.arg("run").arg("--cases").arg(cases).arg("--out").arg(out);
    command.args(["--base-url", base, "--jobs", &jobs.to_string(), "-q", "--no-probe"]);
    command
}

/// Runs a process and tells how long it took and how large it became.
pub(crate) fn measure(command: &mut Command, peak: Peak) -> Measured {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let watching = (peak == Peak::Watched).then(|| watch(child.id()));
    let mut text = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut text).expect("text");
    child.stderr.take().expect("a pipe").read_to_string(&mut text).expect("text");
    let status = child.wait().expect("it ends");
    let wall = started.elapsed();
    assert!(status.success(), "{command:?}: {status}: {text}");
    Measured { wall, peak: watching.map_or(0, |thread| thread.join().expect("no panic")), run: wall }
}

/// The largest resident size of a process, looked up until it ends.
fn watch(id: u32) -> std::thread::JoinHandle<u64> {
    std::thread::spawn(move || {
        let path = PathBuf::from(format!("/proc/{id}/status"));
        let mut peak = 0;
        while let Ok(text) = std::fs::read_to_string(&path) {
            let Some(line) = text.lines().find_map(|line| line.strip_prefix("VmHWM:")) else { break };
            peak = line.trim().trim_end_matches(" kB").parse().unwrap_or(peak);
            std::thread::sleep(Duration::from_millis(5));
        }
        peak
    })
}

/// The last line of a record says how long the run took.
fn elapsed(record: &Path) -> Duration {
    use std::io::{Seek as _, SeekFrom};
    let mut file = std::fs::File::open(record).expect("a record");
    let length = file.metadata().expect("its size").len();
    file.seek(SeekFrom::Start(length.saturating_sub(4096))).expect("its end");
    let mut text = String::new();
    file.read_to_string(&mut text).expect("text");
    let footer: serde_json::Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    Duration::from_micros(footer["elapsed_us"].as_u64().expect("a footer"))
}

/// The middle one.
pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// A line of a table, written at once, so that a long bench shows that it lives.
pub(crate) fn row(cells: &[String]) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "| {} |", cells.join(" | "));
    let _ = out.flush();
}

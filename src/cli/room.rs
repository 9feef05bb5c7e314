//! How many cases may be in flight with the file descriptors that this process may have: [`jobs`].

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a run holds open beside its connections: standard streams, the runtime's, the record, name lookups.
const OWN: u64 = 32;

/// The number of cases in flight, lowered to what the limit of open files leaves room for, and what to say about it.
/// `hosts` is how many a case may have connections to; an embedded mock holds the other end of each.
pub(super) fn jobs(wanted: usize, hosts: usize, embedded: bool) -> (usize, Option<String>) {
    let files = raise();
    let each = hosts.max(1) as u64 * if embedded { 2 } else { 1 };
    let room = usize::try_from(files.saturating_sub(OWN) / each).unwrap_or(usize::MAX).max(1);
    if wanted <= room {
        return (wanted, None);
    }
    let text = format!("this process may open {files} files (ulimit -n): --jobs {wanted} is lowered to {room}");
    (room, Some(text))
}

/// Raises the soft limit of open files to the hard one, and gives what holds then.
fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    let soft = limit.current.unwrap_or(u64::MAX);
    if soft >= hard || setrlimit(Resource::Nofile, Rlimit { current: Some(hard), maximum: limit.maximum }).is_err() {
        return soft;
    }
    hard
}

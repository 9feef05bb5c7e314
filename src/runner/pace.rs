//! Not more requests a second than the target allows, over all workers: [`Pace`]; and none while a service has asked
//! to wait: [`Hold`].

use std::collections::HashMap;
use std::sync::{Mutex as Lock, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Gives requests their turn, evenly spaced.
#[derive(Debug)]
pub(super) struct Pace {
    gap: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// A pace of so many requests a second; more than 0.
    pub(super) fn new(per_second: f64) -> Self {
        let gap = Duration::try_from_secs_f64(1.0 / per_second).unwrap_or(Duration::MAX);
        Self { gap, next: Mutex::new(Instant::now()) }
    }

    /// Waits for the caller's turn.
    pub(super) async fn turn(&self) {
        let at = {
            let mut next = self.next.lock().await;
            let at = (*next).max(Instant::now());
            *next = at.checked_add(self.gap).unwrap_or(at);
            at
        };
        sleep_until(at).await;
    }
}

/// Holds back requests to a service that has asked for it (`Retry-After`), whoever sends them.
#[derive(Debug)]
pub(super) struct Hold {
    longest: Duration,
    ends: Lock<HashMap<String, Instant>>,
}

impl Hold {
    /// Holds that last at most so long.
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, ends: Lock::default() }
    }

    /// Longest hold.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// Holds back requests to a base URL for a time from now.
    pub(super) fn until(&self, base_url: &str, wait: Duration) {
        let end = Instant::now() + wait.min(self.longest);
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ends.entry(base_url.to_owned()).or_insert(end);
        *known = end.max(*known);
    }

    /// Waits until requests to a base URL may be sent.
    pub(super) async fn passed(&self, base_url: &str) {
        loop {
            let end = self.ends.lock().unwrap_or_else(PoisonError::into_inner).get(base_url).copied();
            match end {
                Some(end) if end > Instant::now() => sleep_until(end).await,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_are_spaced_whoever_asks() {
        let pace = Pace::new(100.0);
        let began = Instant::now();
        futures_util::future::join_all((0..6).map(|_| pace.turn())).await;
        assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
    }
}

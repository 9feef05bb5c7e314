//! Waits while this machine has no local port for one connection more: [`Ports`].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::TransportError;
use crate::model::exchange::Response;

/// Longest wait for a port. Linux keeps the port of a closed connection back for a minute, others for less.
const LONGEST: Duration = Duration::from_secs(75);

const PAUSE: Duration = Duration::from_millis(100);

/// What a run of many connections knows of local ports. To one address there are some 28,000, and each is kept back for
/// a while when its connection ends (RFC 9293, section 3.6.1); a run that is quicker has to wait for them.
#[derive(Debug)]
pub(super) struct Ports {
    pause: Duration,
    longest: Duration,
    /// There was an answer, so that it is not the address that cannot be had.
    heard: AtomicBool,
    waited: AtomicU64,
}

impl Default for Ports {
    fn default() -> Self {
        Self { pause: PAUSE, longest: LONGEST, heard: AtomicBool::default(), waited: AtomicU64::default() }
    }
}

impl Ports {
    /// An answer; of a request that no port was there for, the one that came when there was. Nothing of it had been
    /// sent before.
    pub(super) async fn once_there_is_one<F: Future<Output = Result<Response, TransportError>>>(
        &self,
        first: Result<Response, TransportError>,
        mut again: impl FnMut() -> F,
    ) -> Result<Response, TransportError> {
        let mut answer = first;
        let missing =
            |answer: &Result<Response, TransportError>| answer.as_ref().is_err_and(TransportError::is_out_of_ports);
        if missing(&answer) && self.heard.load(Ordering::Relaxed) {
            self.waited.fetch_add(1, Ordering::Relaxed);
            let began = Instant::now();
            while missing(&answer) && began.elapsed() < self.longest {
                sleep(self.pause).await;
                answer = again().await;
            }
        }
        if answer.is_ok() && !self.heard.load(Ordering::Relaxed) {
            self.heard.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// How many requests had to wait.
    pub(super) fn waited(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::error::NO_PORT;
    use super::*;
    use crate::model::verdict::Stage;

    fn none() -> Result<Response, TransportError> {
        Err(TransportError::new(Stage::Connect, format!("cannot assign requested address{NO_PORT}")))
    }

    fn answer() -> Result<Response, TransportError> {
        let body = Bytes::new();
        Ok(Response { status: 200, reason: None, version: "HTTP/1.1", headers: Vec::new(), body, wire_bytes: 0 })
    }

    #[tokio::test]
    async fn a_request_waits_for_a_port_and_not_for_ever() {
        let ms = Duration::from_millis;
        let ports = Ports { pause: ms(1), longest: ms(50), ..Ports::default() };
        let never = || -> std::future::Ready<_> { panic!("it is not tried again") };
        // Nobody has answered yet: the address may be one that this machine has no way to.
        assert!(ports.once_there_is_one(none(), never).await.is_err());
        assert!(ports.once_there_is_one(answer(), never).await.is_ok());
        assert_eq!(ports.waited(), 0);
        let mut left = 7;
        let later = || {
            left -= 1;
            std::future::ready(if left == 0 { answer() } else { none() })
        };
        assert!(ports.once_there_is_one(none(), later).await.is_ok());
        assert_eq!((left, ports.waited()), (0, 1));
        let began = Instant::now();
        assert!(ports.once_there_is_one(none(), || std::future::ready(none())).await.is_err());
        assert!(began.elapsed() >= ms(50));
        // What else goes wrong is no matter of ports.
        let refused = || Err(TransportError::new(Stage::Connect, "connection refused"));
        assert!(ports.once_there_is_one(refused(), never).await.is_err());
        assert_eq!(ports.waited(), 2);
    }
}

//! What admins have the agent do that takes its time: it ends, and the trail says how it ended, before the agent stops.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The acts that go on.
#[derive(Default)]
pub(super) struct Acts {
    running: AtomicUsize,
    must_end: AtomicBool,
}

/// One that goes on, until it is dropped.
pub(super) struct Running<'a>(&'a AtomicUsize);

impl Acts {
    /// One more goes on.
    pub(super) fn begin(&self) -> Running<'_> {
        self.running.fetch_add(1, Ordering::Acquire);
        Running(&self.running)
    }

    /// Whether all of them have to end within a moment.
    pub(super) fn must_end(&self) -> bool {
        self.must_end.load(Ordering::Acquire)
    }

    /// The agent stops: has all of them end and say so, within a moment.
    pub(super) async fn end(&self) {
        self.must_end.store(true, Ordering::Release);
        let begun = Instant::now();
        while self.running.load(Ordering::Acquire) > 0 && begun.elapsed() < END_WITHIN {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// Why an act that goes on ends.
pub(super) const STOPPING: &str = "the agent is stopping";
/// How long a stop waits for acts to say that they end.
const END_WITHIN: Duration = Duration::from_millis(300);
const LOOK_EVERY: Duration = Duration::from_millis(20);

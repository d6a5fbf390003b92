//! How long a barrier waits before it closes: pure.
//!
//! A peer whose kernel has everything may still be busy with it, and a close of its own that comes meanwhile crosses
//! ours and looks like an answer. So the close waits about as long as the peer took to answer before: it is not later
//! for that, as the answer would not have come sooner, and a close of the peer's own is seen to come first.

use std::time::Duration;

/// What is learned of a peer from its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settle {
    pause: Duration,
}

impl Settle {
    pub(super) fn new() -> Settle {
        Settle { pause: PAUSE_MIN }
    }

    /// How long to wait between the last acknowledgement and the close.
    pub(super) fn pause(self) -> Duration {
        self.pause
    }

    /// The answer came so long after the close, over a connection with this smallest round trip.
    pub(super) fn on_answer(&mut self, answer: Duration, min_rtt: Option<Duration>) {
        let busy = answer.saturating_sub(min_rtt.unwrap_or_default());
        self.pause = match busy > IDLE_WITHIN {
            true => (self.pause + busy) * 5 / 4,
            false => self.pause * 31 / 32,
        };
        self.pause = self.pause.clamp(PAUSE_MIN, PAUSE_MAX);
    }
}

/// A peer that answers within this time, round trip aside, had nothing else to do.
const IDLE_WITHIN: Duration = Duration::from_millis(1);
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Option<Duration> = Some(Duration::from_millis(40));

    #[test]
    fn a_busy_peer_gets_the_time_it_takes_and_a_quarter_more() {
        let mut settle = Settle::new();
        settle.on_answer(Duration::from_millis(47), RTT);
        assert_eq!(settle.pause(), Duration::from_millis(10));
        settle.on_answer(Duration::from_secs(5), RTT);
        assert_eq!(settle.pause(), PAUSE_MAX);
    }

    #[test]
    fn a_peer_that_answers_at_once_is_waited_for_less_and_less() {
        let mut settle = Settle { pause: Duration::from_millis(32) };
        settle.on_answer(Duration::from_millis(41), RTT);
        assert_eq!(settle.pause(), Duration::from_millis(31));
        (0..200).for_each(|_| settle.on_answer(Duration::from_millis(40), RTT));
        assert_eq!(settle.pause(), PAUSE_MIN);
    }
}

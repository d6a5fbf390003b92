//! Room by packing: a closed segment that is still plain takes five times what it will when it is sealed. A burst, such as the
//! first reading of a long log, is packed before anything older has to go; until then reading waits.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::Duration;

/// What is known of whoever seals.
#[derive(Debug, Default)]
pub(super) struct Room(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The thread that seals; without one nothing is packed.
    sealer: Option<Thread>,
    /// The last attempt failed.
    fails: bool,
    /// Since when it has been waited for the next segment to be packed.
    waits_since: Option<Duration>,
}

impl Room {
    /// Whoever seals, to be woken when there is a hurry.
    pub(super) fn set_sealer(&self, sealer: Thread) {
        self.state().sealer = Some(sealer);
    }

    /// What became of an attempt.
    pub(super) fn on_sealed(&self, succeeds: bool) {
        let mut state = self.state();
        (state.fails, state.waits_since) = (!succeeds, None);
    }

    /// There is room.
    pub(super) fn has_come(&self) {
        self.state().waits_since = None;
    }

    /// Whether a segment that waits to be packed may be waited for; wakes whoever does it. `now` is on a clock that only goes
    /// on.
    pub(super) fn may_come(&self, now: Duration) -> bool {
        let mut state = self.state();
        let since = *state.waits_since.get_or_insert(now);
        match &state.sealer {
            Some(sealer) if !state.fails && now.saturating_sub(since) < PATIENCE => {
                sealer.unpark();
                true
            }
            _ => false,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long one segment may take. On a host as busy as that, what is new counts more than what is old.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_segment_is_waited_for_a_minute_while_somebody_seals_and_succeeds() {
        let (room, at) = (Room::default(), Duration::from_secs);
        assert!(!room.may_come(at(0)), "nobody seals");
        room.set_sealer(std::thread::current());
        room.has_come();
        assert!(room.may_come(at(100)) && room.may_come(at(159)));
        assert!(!room.may_come(at(160)));
        room.on_sealed(true);
        assert!(room.may_come(at(160)) && room.may_come(at(219)), "the next is waited for as long");
        room.on_sealed(false);
        assert!(!room.may_come(at(219)));
        room.on_sealed(true);
        assert!(room.may_come(at(300)));
    }
}

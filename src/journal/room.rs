//! Room by packing: a closed segment that is still plain takes five times what it will when it is sealed. A burst, such as the
//! first reading of a long log, is packed before anything older has to go; until then reading waits.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

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
    waited: Option<Instant>,
}

impl Room {
    /// Whoever seals, to be woken when there is a hurry.
    pub(super) fn set_sealer(&self, sealer: Thread) {
        self.state().sealer = Some(sealer);
    }

    /// What became of an attempt.
    pub(super) fn on_sealed(&self, succeeds: bool) {
        let mut state = self.state();
        (state.fails, state.waited) = (!succeeds, None);
    }

    /// There is room.
    pub(super) fn has_come(&self) {
        self.state().waited = None;
    }

    /// Whether a segment that waits to be packed may be waited for; wakes whoever does it.
    pub(super) fn may_come(&self) -> bool {
        let mut state = self.state();
        let waited = state.waited.get_or_insert_with(Instant::now).elapsed();
        match &state.sealer {
            Some(sealer) if !state.fails && waited < PATIENCE => {
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

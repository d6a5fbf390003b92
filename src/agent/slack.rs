//! Memory that was needed for a while goes back to the system once it is quiet.
//!
//! glibc keeps what a thread has given back as long as something stands above it: 18 MB for good after the wording rules of
//! the first entry were made ready.

#![expect(unsafe_code, reason = "malloc_trim has no safe wrapper")]

use crate::model::Seq;

/// Notices when it has become quiet.
#[derive(Default)]
pub(super) struct Slack {
    newest: Seq,
    is_due: bool,
}

impl Slack {
    /// Asked now and then: true once when nothing has come since the last time, and something had before.
    pub(super) fn is_due(&mut self, newest: Seq) -> bool {
        if self.newest != newest {
            (self.newest, self.is_due) = (newest, true);
            return false;
        }
        std::mem::take(&mut self.is_due)
    }
}

/// Gives free memory back; takes some milliseconds.
pub(super) fn release() {
    // SAFETY: it has no preconditions, and may be called from any thread (malloc_trim(3)).
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_each_time_that_it_becomes_quiet() {
        let mut slack = Slack::default();
        let due = [0, 1, 2, 2, 2, 3, 3].map(|newest| slack.is_due(Seq(newest)));
        assert_eq!(due, [false, false, false, true, false, false, true]);
    }
}

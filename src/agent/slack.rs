//! Memory that was needed for a while goes back to the system once it is quiet.
//!
//! glibc keeps what a thread has given back as long as something stands above it: 18 MB for good after the wording rules of
//! the first entry were made ready. And of buffers of a size it learns to keep them, and so it does for each thread: with
//! a backlog of a gigabyte 75 MB were resident, and 58 with the limits that are set here, for a thirtieth more CPU.

#![expect(unsafe_code, reason = "mallopt and malloc_trim have no safe wrappers")]

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

/// Has glibc keep little of what is given back; to be called before there are threads.
pub(super) fn limit() {
    // SAFETY: they have no preconditions; one that is refused leaves everything as it is (mallopt(3)).
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS_MAX);
        libc::mallopt(libc::M_MMAP_THRESHOLD, ALONE_BYTES_MIN);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES_MAX);
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

/// Heaps that all threads share: there are more threads than work at the same time.
#[cfg(target_env = "gnu")]
const ARENAS_MAX: libc::c_int = 2;
/// What is larger has its own place and leaves no hole; glibc's own limit grows with what it sees, up to 32 MiB.
#[cfg(target_env = "gnu")]
const ALONE_BYTES_MIN: libc::c_int = 512 << 10;
/// Free bytes at the top of a heap.
#[cfg(target_env = "gnu")]
const KEPT_BYTES_MAX: libc::c_int = 1 << 20;

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

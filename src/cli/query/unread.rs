//! A follower whose reader has gone.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use std::process;
use std::thread;
use std::time::Duration;

/// Ends the process once nobody can read its stdout any more, as in `otrail query -f | head`: a row that fails to be written
/// may be long in coming, and until then the agent would serve nobody.
pub(super) fn end_when_unread() {
    // Without the thread it is the next row that ends it.
    let _unwatched = thread::Builder::new().spawn(|| {
        if is_unread() {
            // That nobody is there to ask, or that the agent refuses, is said first, with a code of its own.
            thread::sleep(REFUSED_WITHIN);
            process::exit(0);
        }
    });
}

/// Waits for it; what cannot be watched is read for good.
fn is_unread() -> bool {
    let stdout = io::stdout();
    let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    loop {
        match poll(&mut watched, PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            Err(_) => return false,
            Ok(_) => {
                let seen = watched[0].revents().unwrap_or(PollFlags::empty());
                return seen.intersects(PollFlags::POLLERR | PollFlags::POLLHUP);
            }
        }
    }
}

/// What an agent takes at most to refuse.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

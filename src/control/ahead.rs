//! Reads an answer ahead of whoever takes nothing of it for a while, as an admin who reads page by page does: an agent lets
//! go of a client that takes nothing for half a minute, and has few places for questions.
//!
//! Invariant: what has been read ahead has at most `AHEAD_BYTES_MAX` bytes, and one piece; while somebody takes it, slowly or
//! not, `AT_HAND_BYTES` and one piece.

use nix::sys::signal::SigSet;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a thread of its own reads from a connection.
pub(super) struct Ahead {
    stream: UnixStream,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// How long nobody must have taken anything for more to be read than is at hand.
    patience: Duration,
}

struct State {
    bytes: VecDeque<u8>,
    /// When something was taken last, or waited for.
    taken: Instant,
    /// How reading ended.
    end: Option<io::Result<()>>,
    /// Nobody takes what is read any more.
    abandoned: bool,
}

impl Ahead {
    /// Begins to read.
    pub(super) fn of(stream: UnixStream) -> io::Result<Ahead> {
        Ahead::with(PATIENCE, stream)
    }

    fn with(patience: Duration, stream: UnixStream) -> io::Result<Ahead> {
        let state = State { bytes: VecDeque::new(), taken: Instant::now(), end: None, abandoned: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), patience });
        let (mut from, into) = (stream.try_clone()?, Arc::clone(&shared));
        thread::Builder::new().name("otrail-ahead".into()).spawn(move || into.fill(&mut from))?;
        Ok(Ahead { stream, shared })
    }
}

impl Read for Ahead {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let state = self.shared.state();
        let nothing = |state: &mut State| state.bytes.is_empty() && state.end.is_none();
        let waited = self.shared.changed.wait_while(state, nothing);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.taken = Instant::now();
        if state.bytes.is_empty() {
            // An error is told once; behind it there is nothing.
            return state.end.replace(Ok(())).unwrap_or(Ok(())).map(|()| 0);
        }
        let count = state.bytes.read(space)?;
        self.shared.changed.notify_one();
        Ok(count)
    }
}

impl Drop for Ahead {
    /// The agent hears that nobody listens any more, and the thread ends.
    fn drop(&mut self) {
        self.shared.state().abandoned = true;
        self.shared.changed.notify_one();
        // It may be gone already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self, state: &State) -> bool {
        let bytes = state.bytes.len();
        let is_taken = state.taken.elapsed() < self.patience;
        !state.abandoned && (bytes >= AHEAD_BYTES_MAX || bytes >= AT_HAND_BYTES && is_taken)
    }

    fn fill(&self, stream: &mut UnixStream) {
        // An interrupt is for the thread that shows what is read, which may leave it to its pager.
        let _ = SigSet::all().thread_block();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = stream.read(&mut piece);
            let mut state = self.state();
            while self.is_full(&state) {
                let waited = self.changed.wait_timeout(state, self.patience);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            match read {
                Ok(count @ 1..) => state.bytes.extend(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                ended => state.end = Some(ended.map(drop)),
            }
            self.changed.notify_one();
            if state.end.is_some() || state.abandoned {
                return;
            }
        }
    }
}

const PIECE_BYTES: usize = 64 << 10;
const AT_HAND_BYTES: usize = 1 << 20;
/// Much less than an agent has.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than the longest answer has where entries are of the usual size.
const AHEAD_BYTES_MAX: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn an_answer_is_taken_from_the_agent_while_nobody_reads_it() {
        let (mut agent, client) = UnixStream::pair().unwrap();
        let mut ahead = Ahead::with(Duration::from_millis(50), client).unwrap();
        let answer: Vec<u8> = (0..8_u32 << 20).map(|at| (at % 251) as u8).collect();
        // More than any socket keeps: this ends only because it is read.
        agent.write_all(&answer).unwrap();
        drop(agent);
        let mut read = Vec::new();
        ahead.read_to_end(&mut read).unwrap();
        assert!(read == answer);
    }

    #[test]
    fn whoever_takes_it_slowly_holds_little() {
        let (mut agent, client) = UnixStream::pair().unwrap();
        let mut ahead = Ahead::with(Duration::from_secs(3600), client).unwrap();
        let shared = Arc::clone(&ahead.shared);
        let writer = thread::spawn(move || agent.write_all(&vec![7; 8 << 20]));
        let (mut space, mut read) = ([0; 4096], 0);
        while read < 8 << 20 {
            assert!(shared.state().bytes.len() < AT_HAND_BYTES + PIECE_BYTES);
            read += ahead.read(&mut space).unwrap();
        }
        writer.join().unwrap().unwrap();
    }

    #[test]
    fn an_agent_hears_of_a_client_that_has_gone() {
        let (mut agent, client) = UnixStream::pair().unwrap();
        drop(Ahead::of(client).unwrap());
        assert_eq!(agent.read(&mut [0]).unwrap(), 0);
    }
}

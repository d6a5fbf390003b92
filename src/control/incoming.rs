//! A file on its way through the socket: the server takes its chunks in, whoever reads it does so where it may block.
//!
//! ```text
//! client ── chunks ──▶ receive ── a few of them ──▶ Incoming ── bytes ──▶ the act
//! ```
//!
//! Invariant: only the chunk of no bytes is the end of the file. A client that leaves before it is an error to the reader.
//! Invariant: no more of it is in memory than `CHUNKS_WAITING` chunks and the one that is being read.

use super::Limits;
use super::protocol::CHUNK_BYTES_MAX;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

/// The reader's end.
#[derive(Debug)]
pub struct Incoming {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    /// How much of the chunk has been read.
    at: usize,
    has_ended: bool,
}

/// Both ends.
pub(super) fn incoming() -> (Sender<io::Result<Vec<u8>>>, Incoming) {
    let (sender, chunks) = channel(CHUNKS_WAITING);
    (sender, Incoming { chunks, chunk: Vec::new(), at: 0, has_ended: false })
}

impl Incoming {
    /// The next bytes, 0 at the end; `None` when none came for so long. Blocks, on a thread of the runtime that may.
    pub fn read_within(&mut self, space: &mut [u8], limit: Duration) -> Option<io::Result<usize>> {
        while self.at == self.chunk.len() && !self.has_ended {
            let next = async { timeout(limit, self.chunks.recv()).await };
            (self.chunk, self.at) = match Handle::current().block_on(next).ok()? {
                Some(Ok(chunk)) => (chunk, 0),
                Some(Err(error)) => return Some(Err(error)),
                None => return Some(Err(io::Error::new(ErrorKind::UnexpectedEof, BROKEN_OFF))),
            };
            self.has_ended = self.chunk.is_empty();
        }
        let rest = &self.chunk[self.at..];
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Some(Ok(count))
    }
}

/// Takes the file in until its end, until the client is gone or sends nothing for too long, or until nobody reads it any
/// more: what the client has not sent by then it need not send.
pub(super) async fn receive(
    stream: &mut (impl AsyncRead + Unpin),
    sender: &Sender<io::Result<Vec<u8>>>,
    limits: &Limits,
) {
    loop {
        let came = tokio::select! {
            came = timeout(limits.chunk_wait, chunk(stream)) => came,
            () = sender.closed() => return,
        };
        let waited = limits.chunk_wait.as_secs();
        let silent =
            |_| io::Error::new(ErrorKind::TimedOut, format!("nothing came of the file for {waited} s"));
        let chunk = came.map_err(silent).flatten();
        let is_last = chunk.as_ref().map_or(true, Vec::is_empty);
        if sender.send(chunk).await.is_err() || is_last {
            return;
        }
    }
}

async fn chunk(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let gone = |error: io::Error| match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => {
            io::Error::new(ErrorKind::UnexpectedEof, BROKEN_OFF)
        }
        _ => error,
    };
    let length = stream.read_u32().await.map_err(gone)? as usize;
    if length > CHUNK_BYTES_MAX {
        let problem = format!("a chunk of {length} bytes, where {CHUNK_BYTES_MAX} are the most");
        return Err(io::Error::new(ErrorKind::InvalidData, problem));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.map_err(gone)?;
    Ok(bytes)
}

const BROKEN_OFF: &str = "whoever brought the file left before its end";
const CHUNKS_WAITING: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of these bytes on the socket.
    fn read(sent: &[u8]) -> (Vec<u8>, io::Result<usize>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let limits = Limits { chunk_wait: Duration::from_secs(600), ..Limits::default() };
        runtime.block_on(async {
            let (sender, mut incoming) = incoming();
            let reader = tokio::task::spawn_blocking(move || {
                let (mut all, mut space) = (Vec::new(), [0; 3]);
                loop {
                    match incoming.read_within(&mut space, Duration::from_secs(600)).unwrap() {
                        Ok(count) if count > 0 => all.extend(&space[..count]),
                        ended => return (all, ended),
                    }
                }
            });
            receive(&mut &*sent, &sender, &limits).await;
            drop(sender);
            reader.await.unwrap()
        })
    }

    fn told(sent: &[u8]) -> (Vec<u8>, String) {
        let (all, ended) = read(sent);
        (all, ended.unwrap_err().to_string())
    }

    #[test]
    fn a_file_is_its_chunks_up_to_the_one_of_no_bytes() {
        let (all, ended) = read(b"\0\0\0\x03abc\0\0\0\x01d\0\0\0\0more");
        assert_eq!((&all[..], ended.unwrap()), (&b"abcd"[..], 0));
        assert_eq!(read(&[0; 4]).0, b"");
    }

    #[test]
    fn what_breaks_off_anywhere_is_no_end() {
        let whole = b"\0\0\0\x03abc\0\0\0\x01d\0\0\0\0";
        for cut in 0..whole.len() {
            let (all, why) = told(&whole[..cut]);
            assert!(b"abcd".starts_with(&all) && why.contains("left before its end"), "{cut}: {why}");
        }
    }

    #[test]
    fn a_chunk_beyond_the_limit_is_no_file() {
        let (all, why) = told(b"\0\0\0\x01a\0\x01\0\x01");
        assert_eq!((&all[..], why.as_str()), (&b"a"[..], "a chunk of 65537 bytes, where 65536 are the most"));
    }
}

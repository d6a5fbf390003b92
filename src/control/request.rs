//! Bytes from and to one client, none of them without a limit of length and time.

use super::Limits;
use super::apart::apart;
use super::protocol::{REQUEST_BYTES_MAX, Request};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// What came instead of, or as, a request.
pub(super) enum Line {
    /// A request.
    Request(Request),
    /// No request; the sentence says why.
    Problem(String),
    /// The client left without a word.
    Gone,
}

/// Reads the request line.
pub(super) async fn receive(stream: &mut UnixStream, limits: &Limits) -> Line {
    match timeout(limits.request_wait, read_line(stream)).await {
        Ok(Ok(None)) | Ok(Err(_)) => Line::Gone,
        Ok(Ok(Some(line))) if line.len() > REQUEST_BYTES_MAX => {
            Line::Problem(format!("the request is longer than {REQUEST_BYTES_MAX} bytes"))
        }
        Ok(Ok(Some(line))) => parse(line).await.map_or_else(Line::Problem, Line::Request),
        Err(_) => Line::Problem(format!("no request came within {:?}", limits.request_wait)),
    }
}

async fn parse(line: Vec<u8>) -> Result<Request, String> {
    apart("the reading of the request", move || Request::parse(&line)).await?
}

/// Everything up to the line end, the end of the stream, or more than a request may have.
async fn read_line(stream: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut part = [0; 4096];
    while line.len() <= REQUEST_BYTES_MAX {
        let count = stream.read(&mut part).await?;
        let bytes = &part[..count];
        if let Some(end) = memchr::memchr(b'\n', bytes) {
            line.extend_from_slice(&bytes[..end]);
            return Ok(Some(line));
        }
        line.extend_from_slice(bytes);
        if count == 0 {
            return Ok((!line.is_empty()).then_some(line));
        }
    }
    Ok(Some(line))
}

/// Writes all bytes; a client that does not read them in time is as good as gone.
pub(super) async fn send(stream: &mut UnixStream, bytes: &[u8], limits: &Limits) -> io::Result<()> {
    timeout(limits.write_wait, stream.write_all(bytes)).await?
}

/// Returns when the client is gone; whatever else it sends is not looked at.
///
/// The end of its stream alone does not say so: `nc -U` may close one direction and read on.
pub(super) async fn gone(stream: &UnixStream) {
    let mut part = [0; 512];
    loop {
        match stream.try_read(&mut part) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if stream.readable().await.is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
    while stream.ready(Interest::WRITABLE).await.is_ok_and(|ready| !ready.is_write_closed()) {
        tokio::time::sleep(GONE_CHECK).await;
    }
}

/// How often a client is looked at that has closed its own direction.
const GONE_CHECK: Duration = Duration::from_millis(200);

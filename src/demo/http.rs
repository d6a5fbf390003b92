//! The little of HTTP/1.1 that the sensor of the demo speaks: questions without a body, one after the other.

use super::api::{Answering, Shared};
use crate::model::Time;
use rustls::{ServerConnection, StreamOwned};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// An answer that is to go out.
pub(super) struct Reply {
    pub status: u16,
    pub body: String,
    pub date: Time,
    pub answering: Answering,
    /// What stands in the body.
    pub rows: Vec<usize>,
}

/// Serves whoever connects until it is told to close.
pub(super) fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    while !shared.closing.load(Ordering::Relaxed) {
        threads.retain(|thread: &thread::JoinHandle<()>| !thread.is_finished());
        let Ok((socket, _)) = listener.accept() else {
            thread::sleep(ACCEPT_EVERY);
            continue;
        };
        let shared = Arc::clone(shared);
        let thread = thread::Builder::new().name("otrail-api-conn".into());
        // A connection that breaks is asked for again.
        threads.extend(thread.spawn(move || drop(serve(socket, &shared))));
    }
    for thread in threads {
        // It does nothing that could panic.
        let _ = thread.join();
    }
}

fn serve(socket: TcpStream, shared: &Shared) -> io::Result<()> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(IDLE_MAX))?;
    socket.set_nodelay(true)?;
    let connection = ServerConnection::new(shared.config()).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, socket));
    while let Some((target, token)) = question(&mut stream)? {
        if shared.closing.load(Ordering::Relaxed) {
            break;
        }
        let reply = shared.reply(&target, &token);
        if !send(stream.get_mut(), &reply)? {
            break;
        }
        shared.sent(&reply.rows);
    }
    Ok(())
}

/// What is asked for, and the token; `None` when nobody asks any more.
fn question(stream: &mut impl BufRead) -> io::Result<Option<(String, String)>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut token = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? <= 2 {
            return Ok(Some((target, token)));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            value.trim().clone_into(&mut token);
        }
    }
}

/// Whether it went out whole, and the connection goes on.
fn send(stream: &mut impl Write, reply: &Reply) -> io::Result<bool> {
    if let Answering::Late(pause) = reply.answering {
        thread::sleep(pause);
    }
    let half = reply.body.len() / 2;
    let (status, body) = match reply.answering {
        Answering::LoginPage => (200, "<html><title>Sign in</title></html>"),
        Answering::Status(status) => (status, ""),
        Answering::HalfJson => (reply.status, &reply.body[..floor(&reply.body, half)]),
        _ => (reply.status, reply.body.as_str()),
    };
    let date = reply.date.timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT");
    let kind = if status == 200 && !body.starts_with('<') { "application/json" } else { "text/html" };
    write!(
        stream,
        "HTTP/1.1 {status} -\r\nDate: {date}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )?;
    if reply.answering == Answering::Half {
        stream.write_all(&body.as_bytes()[..half])?;
        stream.flush()?;
        return Ok(false);
    }
    stream.write_all(body.as_bytes())?;
    stream.flush()?;
    Ok(matches!(reply.answering, Answering::Well | Answering::AllTypes | Answering::Late(_)))
}

/// A place where a character begins.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

const ACCEPT_EVERY: Duration = Duration::from_millis(5);
const IDLE_MAX: Duration = Duration::from_secs(10);

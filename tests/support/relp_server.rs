//! A RELP server that answers as a test tells it to, over plain TCP, any number of connections one after the other.

use super::frames::Frame;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How a message is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Yes,
    /// With this status and text.
    No(&'static str),
    /// Yes, but only when some others wait as well, and those in reverse order.
    Later,
    /// The server closes.
    Close,
}

/// A server and what it has said yes to.
pub struct RelpServer {
    pub port: u16,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl RelpServer {
    /// `reply` sees each message.
    pub fn start(mut reply: impl FnMut(&Frame) -> Reply + Send + 'static) -> RelpServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&taken);
        std::thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                // A connection that breaks off is what the tests are about.
                let _ = serve(&socket, &mut reply, &heard);
            }
        });
        RelpServer { port, taken }
    }

    /// Every message that was acknowledged, in the order of arrival.
    pub fn frames(&self) -> Vec<Frame> {
        self.taken.lock().unwrap().iter().map(|bytes| Frame::read(bytes)).collect()
    }
}

fn serve(
    socket: &TcpStream,
    reply: &mut impl FnMut(&Frame) -> Reply,
    taken: &Mutex<Vec<Vec<u8>>>,
) -> io::Result<()> {
    let (mut reader, mut socket) = (BufReader::new(socket), socket);
    let mut later = Vec::new();
    while let Some((txnr, command, data)) = command(&mut reader)? {
        let ok = format!("{txnr} rsp 6 200 OK\n");
        match command.as_str() {
            "open" => {
                let offers = "200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog";
                writeln!(socket, "{txnr} rsp {} {offers}", offers.len())?;
                continue;
            }
            "close" => return writeln!(socket, "{}{txnr} rsp 0\n0 serverclose 0", drain(&mut later)),
            _ => {}
        }
        match reply(&Frame::read(&data)) {
            Reply::Yes => {
                taken.lock().unwrap().push(data);
                socket.write_all(ok.as_bytes())?;
            }
            Reply::No(text) => writeln!(socket, "{txnr} rsp {} {text}", text.len())?,
            Reply::Later => {
                taken.lock().unwrap().push(data);
                later.push(ok);
                // Nobody waits for more while the client has nothing more to say.
                if later.len() >= LATER || reader.buffer().is_empty() {
                    socket.write_all(drain(&mut later).as_bytes())?;
                }
            }
            Reply::Close => {
                writeln!(socket, "{}0 serverclose 0", drain(&mut later))?;
                // A close with something unread would throw away the answers that have not left yet.
                socket.shutdown(Shutdown::Write)?;
                return io::copy(&mut reader, &mut io::sink()).map(|_| ());
            }
        }
    }
    Ok(())
}

/// The answers that wait, the last first.
fn drain(later: &mut Vec<String>) -> String {
    later.drain(..).rev().collect()
}

/// The next command; `None` at the end.
fn command(reader: &mut impl BufRead) -> io::Result<Option<(String, String, Vec<u8>)>> {
    let mut word = |until| -> io::Result<String> {
        let mut bytes = Vec::new();
        reader.read_until(until, &mut bytes)?;
        bytes.pop();
        Ok(String::from_utf8(bytes).unwrap())
    };
    let (txnr, command) = (word(b' ')?, word(b' ')?);
    if command.is_empty() {
        return Ok(None);
    }
    if command == "close" {
        assert_eq!(word(b'\n')?, "0");
        return Ok(Some((txnr, command, Vec::new())));
    }
    let mut data = vec![0; word(b' ')?.parse().unwrap()];
    reader.read_exact(&mut data)?;
    let mut end = [0];
    reader.read_exact(&mut end)?;
    assert_eq!(end, [b'\n'], "the length does not count the blank");
    Ok(Some((txnr, command, data)))
}

const LATER: usize = 7;

//! An HTTP proxy that opens a way with CONNECT, or does not.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A proxy on the loopback with all the requests it has seen.
pub struct Proxy {
    pub port: u16,
    shut: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Lets through whoever says this, such as `Basic dXNlcjpwYXNzd29yZA==`; without it everybody.
    pub fn start(authorization: Option<&'static str>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shut = Arc::new(AtomicBool::new(false));
        let (all, closed) = (Arc::clone(&seen), Arc::clone(&shut));
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let (all, closed) = (Arc::clone(&all), Arc::clone(&closed));
                std::thread::spawn(move || serve(client, authorization, &all, &closed));
            }
        });
        Proxy { port, shut, seen }
    }

    /// Whether it opens no new way; the open ones stay.
    pub fn shut(&self, shut: bool) {
        self.shut.store(shut, Ordering::SeqCst);
    }

    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    mut client: TcpStream,
    authorization: Option<&str>,
    seen: &Mutex<Vec<String>>,
    shut: &AtomicBool,
) -> io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(client.try_clone()?);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    seen.lock().unwrap().push(head.clone());
    if authorization.is_some_and(|wanted| !head.contains(&format!("Proxy-Authorization: {wanted}\r\n"))) {
        return client
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno");
    }
    let server = TcpStream::connect(head.split(' ').nth(1).unwrap());
    let Some(server) = server.ok().filter(|_| !shut.load(Ordering::SeqCst)) else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n");
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")?;
    let (from, to) = (server.try_clone()?, client.try_clone()?);
    let back = std::thread::spawn(move || pump(from, to));
    pump(client, server);
    back.join().unwrap();
    Ok(())
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    // Whatever ends one side ends the other.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

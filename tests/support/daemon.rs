//! A real syslog server as a process of its own on the loopback: it demands a client certificate and writes every
//! message as it came, one to a line.
//!
//! ```no_run
//! let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
//! receiver.start();
//! receiver.freeze();
//! receiver.kill(); // frozen or not
//! receiver.start();
//! receiver.frames(); // of all its lives
//! ```
//!
//! Each life writes a file of its own, so that a line torn by a kill does not spoil the next.

use super::certs::{Ca, Files, Kind as Certificate};
use super::frames::Frame;
use super::process::{House, free_port, patiently};
use super::world::LOCAL;
use super::{rsyslog, servers, syslog_ng};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// rsyslog with the driver `ossl`.
    RsyslogOpenssl,
    /// rsyslog with the driver `gtls`.
    RsyslogGnutls,
    /// syslog-ng.
    SyslogNg,
    /// rsyslog's imrelp with OpenSSL, which lets in whose name it knows.
    RelpOpenssl,
    /// rsyslog's imrelp with GnuTLS, which lets in whom the CA vouches for.
    RelpGnutls,
    /// A server of Python's ssl module.
    Python,
    /// A server of Node's tls module.
    Node,
    /// A server of Java's JSSE.
    Java,
}

impl Kind {
    /// How it is reached with TLS.
    pub fn transport(self) -> &'static str {
        match self {
            Kind::RelpOpenssl | Kind::RelpGnutls => "relp-tls",
            _ => "tls",
        }
    }
}

/// What it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// No TLS at all.
    None,
    /// TLS 1.2 and nothing else.
    V1_2,
    /// TLS 1.3 and nothing else.
    V1_3,
}

/// A server, running or not.
pub struct Receiver {
    pub kind: Kind,
    pub tls: Tls,
    pub port: u16,
    /// What it shows.
    pub certificate: Files,
    /// Whose clients it takes.
    pub ca_file: PathBuf,
    /// The longest message, for rsyslog; `None` is its default.
    pub message_max: Option<&'static str>,
    folder: PathBuf,
    lives: usize,
    process: Option<Child>,
}

/// What a server needs to be told.
pub struct Setup<'a> {
    pub kind: Kind,
    pub tls: Tls,
    pub port: u16,
    pub certificate: &'a Path,
    pub key: &'a Path,
    pub ca_file: &'a Path,
    pub message_max: Option<&'static str>,
    pub folder: &'a Path,
    /// Where messages go.
    pub output: &'a Path,
}

impl Receiver {
    /// One that the house's CA vouches for, on a port of its own; it does not run yet.
    pub fn of(house: &House, kind: Kind) -> Receiver {
        let port = free_port();
        let folder = house.path(&format!("receiver-{port}"));
        fs::create_dir(&folder).unwrap();
        let certificate = house.ca.sign(Certificate::Server, LOCAL).write(&folder, "server");
        let ca_file = house.ca.write(&folder, "ca");
        let (tls, message_max) = (Tls::V1_3, Some("1m"));
        Receiver { kind, tls, port, certificate, ca_file, message_max, folder, lives: 0, process: None }
    }

    /// From the next start on it shows another certificate.
    pub fn show(&mut self, ca: &Ca, kind: Certificate, names: &[&str]) {
        self.certificate = ca.sign(kind, names).write(&self.folder, "server");
    }

    /// Starts it and waits until it listens.
    pub fn start(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        self.lives += 1;
        let output = self.output(self.lives);
        File::create(&output).unwrap();
        let setup = Setup {
            kind: self.kind,
            tls: self.tls,
            port: self.port,
            certificate: &self.certificate.certificate,
            key: &self.certificate.key,
            ca_file: &self.ca_file,
            message_max: self.message_max,
            folder: &self.folder,
            output: &output,
        };
        let mut command = match self.kind {
            Kind::RsyslogOpenssl | Kind::RsyslogGnutls | Kind::RelpOpenssl | Kind::RelpGnutls => {
                rsyslog::command(&setup)
            }
            Kind::SyslogNg => syslog_ng::command(&setup),
            Kind::Python | Kind::Node | Kind::Java => servers::command(&setup),
        };
        let said = File::create(self.folder.join("said")).unwrap();
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        let process = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", absent(&command)));
        self.process = Some(process);
        let port = self.port;
        let listening = patiently(|| self.has_ended() || listens(port)) && !self.has_ended();
        assert!(listening, "{}\n{}", absent(&command), self.said());
    }

    /// SIGSTOP; it is frozen when this returns.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
        let stopped = waitpid(self.pid(), Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert!(matches!(stopped, WaitStatus::Stopped(..)), "{stopped:?}");
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGKILL, frozen or not.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// SIGTERM, and its orderly end.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        self.process.take().unwrap().wait().unwrap();
    }

    /// Everything it has written so far, in all its lives.
    pub fn received(&self) -> Vec<u8> {
        (1..=self.lives).flat_map(|life| fs::read(self.output(life)).unwrap()).collect()
    }

    /// Every whole line it has written so far, in all its lives.
    pub fn frames(&self) -> Vec<Frame> {
        let whole = |life| {
            let mut bytes = fs::read(self.output(life)).unwrap();
            bytes.truncate(bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1));
            bytes
        };
        (1..=self.lives).flat_map(|life| Frame::all(&whole(life))).collect()
    }

    /// What it has said itself since its last start.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.join("said")).unwrap_or_default()
    }

    fn output(&self, life: usize) -> PathBuf {
        self.folder.join(format!("received-{life}"))
    }

    fn has_ended(&mut self) -> bool {
        self.process.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.process.as_ref().unwrap().id().cast_signed())
    }

    fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn absent(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    format!("{program} does not start; tests/run installs the receivers that the tests need")
}

/// Whether somebody listens on this port, asked without a connection that the server would complain of.
fn listens(port: u16) -> bool {
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    let (address, listening) = (format!("0100007F:{port:04X}"), "0A");
    sockets.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().take(4).collect();
        fields.get(1) == Some(&address.as_str()) && fields.get(3) == Some(&listening)
    })
}

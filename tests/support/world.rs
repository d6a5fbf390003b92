//! A CA, a client certificate and the settings that use them: what a test of a link begins with.

use super::certs::{Ca, Files, Kind};
use super::peer::{self, Peer, Session};
use otrail::net::{self, TlsSettings, TlsVersion};
use otrail::transport::{Framing, Link, LinkError, Observed, Protocol, Settings};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Both versions that otrail speaks.
pub const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];
/// The names of a server on this machine.
pub const LOCAL: &[&str] = &["localhost", "127.0.0.1"];
/// Something to send.
pub const FRAME: &[u8] = b"27 <110>1 - - - - - - hello you";

/// A CA with its file, and a client certificate with its files.
pub struct World {
    pub folder: TempDir,
    pub ca: Ca,
    pub ca_file: std::path::PathBuf,
    pub client: Files,
}

impl World {
    pub fn new() -> World {
        let (folder, ca) = (TempDir::new().unwrap(), Ca::new("test CA"));
        let ca_file = ca.write(folder.path(), "ca");
        let client = ca.sign(Kind::Client, &["sensor"]).write(folder.path(), "client");
        World { folder, ca, ca_file, client }
    }

    /// Trusts the CA and shows the client certificate.
    pub fn settings(&self, port: u16) -> Settings {
        settings_in(self.folder.path(), port)
    }

    /// A server of the CA that demands a client certificate.
    pub fn serve<T: Send + 'static>(&self, act: impl FnOnce(Session) -> T + Send + 'static) -> Peer<T> {
        let identity = self.ca.sign(Kind::Server, LOCAL);
        Peer::start_tls(peer::config(&identity, Some(&self.ca), BOTH), act)
    }
}

/// Trusts the CA of this folder and shows its client certificate.
pub fn settings_in(folder: &Path, port: u16) -> Settings {
    let tls = TlsSettings {
        crl_file: None,
        server_name: "localhost".to_owned(),
        ca_file: Some(folder.join("ca.pem")),
        cert_file: Some(folder.join("client.pem")),
        key_file: Some(folder.join("client.key")),
        pins: Vec::new(),
        verify_chain: true,
        version_min: TlsVersion::V1_2,
    };
    let net = net::Settings { tls: Some(tls), ..plain(port).net };
    Settings { net, protocol: Protocol::Syslog, framing: Framing::OctetCounting }
}

pub fn plain(port: u16) -> Settings {
    let net = net::Settings {
        owner: "siem".to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        proxy: None,
        connect_timeout: Duration::from_secs(20),
        send_timeout: Duration::from_secs(20),
        tls: None,
    };
    Settings { net, protocol: Protocol::Syslog, framing: Framing::OctetCounting }
}

pub fn tls(settings: &mut Settings) -> &mut TlsSettings {
    settings.net.tls.as_mut().unwrap()
}

pub async fn connect(settings: &Settings) -> Result<Link, LinkError> {
    let config = settings.net.tls.as_ref().map(net::tls::client_config).transpose()?;
    Link::connect(settings, config).await
}

/// Reads whatever the client is willing to send.
pub fn read_all(mut session: Session) -> Vec<u8> {
    let _ = session.read_to_close_notify();
    let _ = session.close_notify();
    session.received
}

/// Whether the barrier gave the strongest evidence.
pub fn answered(observed: &Observed) -> bool {
    !observed.closed_before_ours
        && observed.close_notify_after.is_some()
        && observed.fin_after.is_some()
        && observed.broken.is_none()
        && observed.unacknowledged == Some(0)
}

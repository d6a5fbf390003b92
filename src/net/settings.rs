//! What the config says about a peer on the network.

use std::path::PathBuf;
use std::time::Duration;

/// Where the peer is and how long to wait for it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whom the peer is for: all peers of a destination have its name here, and their names hold up no other's.
    pub owner: String,
    /// Host name or address literal.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The HTTP proxy on the way there.
    pub proxy: Option<Proxy>,
    /// For resolving, connecting and the TLS handshake, each.
    pub connect_timeout: Duration,
    /// How long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT) and a write may stall.
    pub send_timeout: Duration,
    /// TLS; `None` for plain TCP.
    pub tls: Option<TlsSettings>,
}

/// An HTTP proxy that opens a way with CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Host name or address literal.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// `user:password`; its mode is checked.
    pub credentials_file: Option<PathBuf>,
}

impl Settings {
    /// `host:port` as it is written in the config, `[v6]:port` for an address literal.
    pub fn shown(&self) -> String {
        shown(&self.host, self.port)
    }
}

impl Proxy {
    /// `host:port`.
    pub fn shown(&self) -> String {
        shown(&self.host, self.port)
    }
}

fn shown(host: &str, port: u16) -> String {
    let bare = host.contains(':') && !host.starts_with('[');
    if bare { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Whom to trust and who we are.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// The name the certificate must carry (RFC 5425 section 5.2).
    pub server_name: String,
    /// The CA file; `None` is the system's store. Not consulted when only pins are given.
    pub ca_file: Option<PathBuf>,
    /// Lists of revoked certificates, PEM: the peer's must be covered by one of them and not stand in it.
    pub crl_file: Option<PathBuf>,
    /// Our certificate chain, PEM.
    pub cert_file: Option<PathBuf>,
    /// Our private key, PEM; its mode is checked.
    pub key_file: Option<PathBuf>,
    /// Accepted SHA-256 fingerprints of the peer's certificate (RFC 5425 section 4.2.2).
    pub pins: Vec<Pin>,
    /// Whether the chain is verified besides the pins. False only when pins are given without a CA file.
    pub verify_chain: bool,
    /// Lowest protocol version.
    pub version_min: TlsVersion,
}

/// A SHA-256 fingerprint of a certificate in DER form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin(pub [u8; 32]);

/// TLS versions that otrail speaks (RFC 9662).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

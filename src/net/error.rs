//! Why a peer cannot be reached or is not trusted, with the cause that an admin can act on.

#![expect(missing_docs, reason = "the message of each case says what its fields are")]

use super::Pin;
use jiff::Timestamp;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What went wrong between a destination's settings and a verified peer.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The resolver gave an error.
    #[error("cannot resolve {host}")]
    Resolve { host: String, source: io::Error },
    /// The resolver knows the name but no address of it.
    #[error("{host} has no address")]
    NoAddress { host: String },
    /// Nothing listens there, or a firewall rejects.
    #[error("{address} refused the connection")]
    Refused { address: SocketAddr },
    /// Any other error of `connect`.
    #[error("cannot connect to {address}")]
    Connect { address: SocketAddr, source: io::Error },
    /// The proxy does not open the way.
    #[error("the proxy {proxy} refused the connection: {status} {reason}")]
    ProxyRefused { proxy: String, status: u16, reason: String },
    /// The proxy wants to know who we are.
    #[error("the proxy {proxy} demands credentials: set proxy-credentials-file")]
    ProxyDemands { proxy: String },
    /// The proxy does not like who we are.
    #[error("the proxy {proxy} does not accept our credentials: check proxy-credentials-file")]
    ProxyCredentials { proxy: String },
    /// What answers is no HTTP proxy.
    #[error("{proxy} does not answer as an HTTP proxy: check proxy")]
    NoProxy { proxy: String },
    /// The connection to the proxy broke before the way was open.
    #[error("the connection to the proxy {proxy} broke")]
    ProxyBroke { proxy: String, source: io::Error },
    /// The file for the proxy holds something else.
    #[error("{} does not begin with user:password", path.display())]
    NoCredentials { path: PathBuf },
    /// A step took longer than `connect-timeout`.
    #[error("{step} {peer} took longer than {limit:?}")]
    Timeout { step: &'static str, peer: String, limit: Duration },
    /// The peer does not go on with the handshake; a plain syslog server waits for the end of a line.
    #[error("the TLS handshake with {peer} took longer than {limit:?}: check that this port speaks TLS")]
    HandshakeTimeout { peer: String, limit: Duration },
    /// The peer does not answer the command that opens a RELP session.
    #[error(
        "opening the RELP session with {peer} took longer than {limit:?}: check that this port speaks RELP"
    )]
    RelpTimeout { peer: String, limit: Duration },
    /// The connection broke during the TLS handshake.
    #[error("the connection broke during the TLS handshake: check that this port speaks TLS")]
    Handshake { source: io::Error },
    /// The peer closed during the TLS handshake without a word.
    #[error("the peer closed the connection during the TLS handshake: check that this port speaks TLS")]
    HandshakeClosed,

    /// A certificate or key file cannot be read.
    #[error("cannot {action} {}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    /// Others than its owner can read or change a key.
    #[error("{} has mode {mode:04o}, others can get at it: {way_out}", path.display())]
    LooseKey { path: PathBuf, mode: u32, way_out: String },
    /// A key that needs a passphrase, which nobody is there to type.
    #[error("the key in {} is encrypted: store it without passphrase, with the owner and mode that it has", path.display())]
    EncryptedKey { path: PathBuf },
    /// A file without the thing it should hold.
    #[error("{} holds no {what} in PEM form", path.display())]
    Absent { what: &'static str, path: PathBuf },
    /// It may hold it, in another form.
    #[error("{} is in {form} form, not PEM: {command} -in {} -out FILE", path.display(), path.display())]
    OtherForm { form: &'static str, command: &'static str, path: PathBuf },
    /// A file that is damaged or holds a kind that rustls does not take.
    #[error("the {what} in {} cannot be used", path.display())]
    Unusable { what: &'static str, path: PathBuf, source: rustls::Error },
    /// Certificate and key are not a pair.
    #[error("the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    KeyMismatch { key: PathBuf, certificate: PathBuf },
    /// The certificate of the key is not the first of the file, as TLS wants it.
    #[error(
        "{} begins with another certificate than that of the key: put it first, then the one that signed it",
        path.display()
    )]
    ChainOrder { path: PathBuf },
    /// One of `cert-file` and `key-file` without the other.
    #[error("a client certificate needs both cert-file and key-file")]
    HalfIdentity,
    /// The system's store of CAs is empty or unreadable.
    #[error("the system has no CA certificates: install ca-certificates or set ca-file")]
    NoSystemStore,
    /// Neither a chain to verify nor a pin to compare.
    #[error("nothing to verify the peer by: set ca-file or pin")]
    NoTrust,
    /// `server-name` is neither a DNS name nor an address.
    #[error("{name} is neither a host name nor an address")]
    ServerName { name: String },

    /// The certificate is for somebody else (RFC 5425 section 5.2).
    #[error(
        "the peer's certificate is not for {expected} but for {}: if it is the right receiver, set server-name",
        listed(presented)
    )]
    WrongName { expected: String, presented: Vec<String> },
    /// The certificate has a subject alone, which is no name that counts (RFC 9525).
    #[error(
        "the peer's certificate names no host, neither {expected} nor another: give the receiver one with a \
         subjectAltName, or pin it"
    )]
    Nameless { expected: String },
    /// No trusted CA stands behind the certificate.
    #[error(
        "the peer's certificate is signed by an unknown CA: if it is the right receiver, add its CA to ca-file, or have it \
         send the certificates in between"
    )]
    UnknownCa,
    /// The certificate may sign others, and is used as that of a server.
    #[error(
        "the peer's certificate is that of a CA, as `openssl req -x509` makes it: give the receiver one for a server, or, \
         if it is the right receiver, pin it without ca-file: {actual}"
    )]
    Authority { actual: Pin },
    /// The certificate itself is good, one between it and the CA is too old.
    #[error("a certificate in the peer's chain expired at {not_after}: renew it there")]
    ChainExpired { not_after: Timestamp },
    /// The certificate stands in a list of revoked ones.
    #[error("the peer's certificate is revoked: give the receiver a new one")]
    Revoked,
    /// No list of revoked certificates comes from the CA of the certificate.
    #[error("no list in crl-file comes from the CA that signed the peer's certificate: add its list")]
    NoRevocationList,
    /// The certificate is too old.
    #[error("the peer's certificate expired at {not_after}: renew it there")]
    Expired { not_after: Timestamp },
    /// The certificate is too new, or our clock is wrong.
    #[error("the peer's certificate is not valid before {not_before}: check the clocks here and there")]
    NotYetValid { not_before: Timestamp },
    /// The certificate's extended key usage does not allow a server.
    #[error(
        "the peer's certificate is not meant for a TLS server: it lacks the extended key usage serverAuth"
    )]
    WrongUsage,
    /// The certificate is none of the pinned ones (RFC 5425 section 4.2.2).
    #[error(
        "the peer's certificate is not a pinned one, its fingerprint is {actual}: if it is the right receiver, set pin"
    )]
    PinMismatch { actual: Pin },

    /// The peer wants to know who we are.
    #[error("the peer demands a client certificate: set cert-file and key-file")]
    IdentityDemanded,
    /// The peer does not like who we are; with TLS 1.3 this comes after the handshake.
    #[error(
        "the peer refused our client certificate: {alert}; check cert-file here and the trusted CA there"
    )]
    IdentityRefused { alert: &'static str },
    /// The peer refused for another reason.
    #[error("the peer refused: {alert}")]
    PeerRefused { alert: String },
    /// What came first is no TLS record.
    #[error("the peer does not speak TLS: check the port of address")]
    NotTls,
    /// No protocol version, cipher suite or key exchange in common.
    #[error(
        "no TLS version or cipher in common with the peer, which must know TLS 1.2 or 1.3, as tls-min says"
    )]
    NothingInCommon { source: rustls::Error },
    /// What answers does not speak HTTP as it should, or the connection broke.
    #[error("cannot ask {peer}")]
    Http { peer: String, source: hyper::Error },
    /// The connection ended before the answer did.
    #[error("{peer} closed the connection in the middle of an answer")]
    HungUp { peer: String },
    /// More than anybody should have to read.
    #[error("the answer of {peer} is longer than {bytes_max} bytes")]
    TooLong { peer: String, bytes_max: usize },
    /// A token that no header can carry.
    #[error("the token cannot stand in a header: store it as it was shown, on a single line")]
    BadToken,
    /// Anything else that TLS complains of.
    #[error("TLS failed")]
    Tls { source: rustls::Error },
}

impl NetError {
    /// Whether the peer itself was not reached, so that it cannot have said anything about us.
    pub fn is_of_the_way(&self) -> bool {
        matches!(
            self,
            NetError::Resolve { .. }
                | NetError::NoAddress { .. }
                | NetError::Refused { .. }
                | NetError::Connect { .. }
                | NetError::ProxyRefused { .. }
                | NetError::ProxyDemands { .. }
                | NetError::ProxyCredentials { .. }
                | NetError::NoProxy { .. }
                | NetError::ProxyBroke { .. }
                | NetError::NoCredentials { .. }
                | NetError::Timeout { .. }
        )
    }
}

/// Names as an enumeration, or a word for none.
fn listed(names: &[String]) -> String {
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

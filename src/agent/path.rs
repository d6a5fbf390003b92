//! The way to a destination, walked step by step: for whoever wants to know where it ends.

use super::AgentError;
use crate::net::inspect::Certificate;
use crate::net::{self, NetError, tls};
use crate::transport::{self, Link, LinkError};
use rustls::{ClientConfig, ClientConnection};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// What was met on the way; what is `None` was not come to.
#[derive(Debug, Default)]
pub struct Walked {
    /// The addresses of the name.
    pub addresses: Option<Result<Vec<SocketAddr>, NetError>>,
    /// Each of them, and how long it took to answer.
    pub connects: Vec<(SocketAddr, Result<Duration, NetError>)>,
    /// The link, once it was up.
    pub link: Option<Result<Met, LinkError>>,
    /// What answers instead of a TLS server.
    pub instead: Option<Instead>,
}

/// A link that came up.
#[derive(Debug)]
pub struct Met {
    /// At which address.
    pub peer: SocketAddr,
    /// Protocol version and cipher suite.
    pub about: String,
    /// What the peer was verified by, its own first.
    pub certificates: Vec<Certificate>,
    /// From the first packet to the end of the handshake.
    pub after: Duration,
    /// How the peer ended it, if it did so at once: with TLS 1.3 a refusal comes after the handshake.
    pub ended: Option<LinkError>,
}

/// What answers where a TLS server should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// A web server.
    Http,
    /// A server that begins so.
    Text(String),
    /// Nobody says anything, as a syslog server without TLS does.
    Silence,
}

/// Walks it; blocks for as long as the timeouts of the settings allow.
pub fn walk(settings: &transport::Settings) -> Result<Walked, AgentError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| AgentError::Start { what: "the network", source })?;
    Ok(runtime.block_on(steps(settings)))
}

async fn steps(settings: &transport::Settings) -> Walked {
    let mut walked = Walked::default();
    let addresses = match net::resolve(&settings.net).await {
        Ok(addresses) if addresses.is_empty() => Err(NetError::NoAddress { host: settings.net.host.clone() }),
        found => found,
    };
    for &address in addresses.iter().flatten() {
        let begun = Instant::now();
        let made = net::connect_to(address, &settings.net).await;
        walked.connects.push((address, made.map(|_| begun.elapsed())));
    }
    walked.addresses = Some(addresses);
    let Some(&(reached, _)) = walked.connects.iter().find(|(_, made)| made.is_ok()) else { return walked };
    let (link, config) = match transport::prepare(settings) {
        Ok(prepared) => {
            let config = prepared.map(|prepared| prepared.config);
            (meet(settings, config.clone()).await, config)
        }
        Err(error) => (Err(error), None),
    };
    if let (Err(error), Some(config)) = (&link, config)
        && speaks_no_tls(error)
    {
        walked.instead = greet(reached, settings, config).await;
    }
    walked.link = Some(link);
    walked
}

async fn meet(settings: &transport::Settings, config: Option<Arc<ClientConfig>>) -> Result<Met, LinkError> {
    let begun = Instant::now();
    let mut link = Link::connect(settings, config).await?;
    let after = begun.elapsed();
    let ended = timeout(STAYS, link.closed()).await.ok();
    let certificates = link.peer_certificates().to_vec();
    Ok(Met { peer: link.peer_address(), about: link.about(), certificates, after, ended })
}

/// Whether what answers may be something else than a TLS server.
fn speaks_no_tls(error: &LinkError) -> bool {
    use NetError as Net;
    let LinkError::Net(error) = error else { return false };
    matches!(error, Net::NotTls | Net::HandshakeTimeout { .. } | Net::Handshake { .. } | Net::HandshakeClosed)
}

/// Says what a TLS client says first, and looks at what comes back. `None` when that is TLS after all.
async fn greet(
    address: SocketAddr,
    settings: &transport::Settings,
    config: Arc<ClientConfig>,
) -> Option<Instead> {
    let name = tls::server_name(settings.net.tls.as_ref()?).ok()?;
    let mut hello = Vec::new();
    ClientConnection::new(config, name).ok()?.write_tls(&mut hello).ok()?;
    let mut socket = net::connect_to(address, &settings.net).await.ok()?;
    socket.write_all(&hello).await.ok()?;
    let mut answer = [0; ANSWER_BYTES];
    match timeout(STAYS, socket.read(&mut answer)).await {
        Ok(Ok(count @ 1..)) => said(&answer[..count]),
        Ok(_) => None,
        Err(_) => Some(Instead::Silence),
    }
}

/// What the first bytes of a server say of it.
fn said(answer: &[u8]) -> Option<Instead> {
    const RECORDS: std::ops::RangeInclusive<u8> = 20..=23;
    if RECORDS.contains(&answer[0]) && answer.get(1) == Some(&3) {
        return None;
    }
    if answer.starts_with(b"HTTP/") || answer.starts_with(b"<") {
        return Some(Instead::Http);
    }
    let line = answer.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Some(Instead::Text(String::from_utf8_lossy(line).trim_end().to_owned()))
}

/// How long a peer is given to say no after the handshake, or anything at all.
const STAYS: Duration = Duration::from_secs(2);
const ANSWER_BYTES: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_a_server_is() {
        assert_eq!(said(b"\x15\x03\x03\0\x02"), None);
        assert_eq!(said(b"HTTP/1.1 400 Bad Request\r\n"), Some(Instead::Http));
        assert_eq!(said(b"SSH-2.0-x\r\nmore"), Some(Instead::Text("SSH-2.0-x".into())));
    }
}

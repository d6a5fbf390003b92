//! A host name becomes a TCP connection; every wait has a limit.

use super::resolve::{ASKED, SERVERS};
use super::{NetError, Settings, proxy};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Connects to the first address of a host to ask that answers, trying them in the resolver's order.
pub async fn connect(settings: &Settings) -> Result<TcpStream, NetError> {
    let mut last = NetError::NoAddress { host: settings.host.clone() };
    for address in ASKED.resolve(settings).await? {
        match connect_to(address, settings).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The addresses of a server that gets events, in the resolver's order, or those of the proxy on the way.
pub async fn resolve(settings: &Settings) -> Result<Vec<SocketAddr>, NetError> {
    SERVERS.resolve(settings).await
}

/// Connects to one of them, and through the proxy when there is one.
pub async fn connect_to(address: SocketAddr, settings: &Settings) -> Result<TcpStream, NetError> {
    let limit = settings.connect_timeout;
    let mut stream = match timeout(limit, open(address, settings)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(source)) if source.kind() == io::ErrorKind::ConnectionRefused => {
            return Err(NetError::Refused { address });
        }
        Ok(Err(source)) => return Err(NetError::Connect { address, source }),
        Err(_) => return Err(took_too_long("connecting to", &address.to_string(), limit)),
    };
    let Some(proxy) = &settings.proxy else { return Ok(stream) };
    let asked = proxy::tunnel(&mut stream, bare_host(&settings.host), settings.port, proxy);
    let answered = timeout(limit, asked).await;
    answered.map_err(|_| took_too_long("asking the proxy", &proxy.shown(), limit))??;
    Ok(stream)
}

async fn open(address: SocketAddr, settings: &Settings) -> io::Result<TcpStream> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    let options = SockRef::from(&socket);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    options.set_tcp_keepalive(&keepalive)?;
    options.set_tcp_user_timeout(Some(settings.send_timeout))?;
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

/// The host without the brackets of an IPv6 literal.
pub(super) fn bare_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

pub(super) fn took_too_long(step: &'static str, peer: &str, limit: Duration) -> NetError {
    NetError::Timeout { step, peer: peer.to_owned(), limit }
}

/// A dead peer is noticed within a minute on an idle connection.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

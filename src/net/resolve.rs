//! A host name becomes addresses, and a name server that does not answer holds nothing else up.
//!
//! The system's resolver can take a minute, and cannot be broken off. So each lookup has a thread of its own and none of
//! those that the disk is read with; a host is looked up once at a time, whatever has been given up meanwhile; and what a
//! sensor is called does not wait for the same turns as what a server is called.
//!
//! Invariant: a lane has at most `LOOKUPS_MAX` threads, and whoever waits for one can stop waiting.

use super::{NetError, Settings};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, oneshot};
use tokio::time::timeout;

/// Names that are looked up side by side.
pub(super) struct Lane {
    threads: Semaphore,
    /// One permit each, of those that somebody looks up or waits for.
    hosts: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

/// For servers that get events: at most as many as there may be destinations.
pub(super) static SERVERS: Lane = Lane::new();
/// For all that is asked: of sensors there may be hundreds.
pub(super) static ASKED: Lane = Lane::new();

/// What a lookup holds until the resolver lets go of it.
type Turn = (OwnedSemaphorePermit, SemaphorePermit<'static>);

impl Lane {
    const fn new() -> Lane {
        Lane { threads: Semaphore::const_new(LOOKUPS_MAX), hosts: Mutex::new(BTreeMap::new()) }
    }

    /// The addresses of the host, or of the proxy on the way, in the resolver's order.
    pub(super) async fn resolve(&'static self, settings: &Settings) -> Result<Vec<SocketAddr>, NetError> {
        let (host, port) = match &settings.proxy {
            Some(proxy) => (super::connect::bare_host(&proxy.host), proxy.port),
            None => (super::connect::bare_host(&settings.host), settings.port),
        };
        let addresses = match timeout(settings.connect_timeout, self.look_up(host, port)).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(source)) => return Err(NetError::Resolve { host: host.to_owned(), source }),
            Err(_) => return Err(super::connect::took_too_long("resolving", host, settings.connect_timeout)),
        };
        if addresses.is_empty() { Err(NetError::NoAddress { host: host.to_owned() }) } else { Ok(addresses) }
    }

    async fn look_up(&'static self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let turn = self.turn(host).await.map_err(io::Error::other)?;
        let (found, finding) = oneshot::channel();
        let host = host.to_owned();
        thread::Builder::new().name("otrail-resolve".into()).spawn(move || {
            let addresses = (host.as_str(), port).to_socket_addrs();
            drop(turn);
            // Whoever asked may have given up.
            let _ = found.send(addresses.map(|addresses| addresses.take(ADDRESSES_MAX).collect()));
        })?;
        finding.await.map_err(io::Error::other)?
    }

    async fn turn(&'static self, host: &str) -> Result<Turn, tokio::sync::AcquireError> {
        let one = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            // Who holds or awaits a permit holds its semaphore.
            hosts.retain(|_, one| Arc::strong_count(one) > 1);
            Arc::clone(hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(1))))
        };
        Ok((one.acquire_owned().await?, self.threads.acquire().await?))
    }
}

/// A name with more addresses than this is a mistake or an attack.
const ADDRESSES_MAX: usize = 8;
/// What a lane may have under way.
const LOOKUPS_MAX: usize = 32;

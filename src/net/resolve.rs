//! A host name becomes addresses, and a name server that does not answer holds nothing else up.
//!
//! The system's resolver can take a minute, and cannot be broken off. So each lookup has a thread of its own and none of
//! those that the disk is read with; a host is looked up once at a time, whatever has been given up meanwhile; what a
//! sensor is called does not wait for the same turns as what a server is called; and a destination whose other servers have
//! names that hang has turns that no other can take.
//!
//! Invariant: a lane has at most `LOOKUPS_MAX` threads, and of each owner as many as it keeps for that one, and whoever waits
//! for one can stop waiting.

use super::{NetError, Settings};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, oneshot};
use tokio::time::timeout;

/// Names that are looked up side by side.
pub(super) struct Lane {
    /// What all share once they have used up their own.
    threads: Semaphore,
    /// How many each owner has that no other can take.
    own: usize,
    owners: Permits,
    /// One each.
    hosts: Permits,
}

/// For servers that get events: there are at most 32 destinations, of up to 16 servers each.
pub(super) static SERVERS: Lane = Lane::new(LOOKUPS_OWN);
/// For all that is asked: of sensors there may be hundreds, each its own owner, so that they only share.
pub(super) static ASKED: Lane = Lane::new(0);

/// By name, of those that somebody looks up or waits for.
struct Permits(Mutex<BTreeMap<String, Arc<Semaphore>>>);

impl Permits {
    const fn none() -> Permits {
        Permits(Mutex::new(BTreeMap::new()))
    }

    /// Those of this name, `count` all in all.
    fn of(&self, name: &str, count: usize) -> Arc<Semaphore> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Who holds or awaits a permit holds its semaphore.
        all.retain(|_, permits| Arc::strong_count(permits) > 1);
        Arc::clone(all.entry(name.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(count))))
    }
}

/// A thread of an owner, or one that all share.
type Thread = (Option<OwnedSemaphorePermit>, Option<SemaphorePermit<'static>>);
/// What a lookup holds until the resolver lets go of it.
type Turn = (OwnedSemaphorePermit, Thread);

impl Lane {
    const fn new(own: usize) -> Lane {
        let threads = Semaphore::const_new(LOOKUPS_MAX);
        Lane { threads, own, owners: Permits::none(), hosts: Permits::none() }
    }

    /// The addresses of the host, or of the proxy on the way, in the resolver's order.
    pub(super) async fn resolve(&'static self, settings: &Settings) -> Result<Vec<SocketAddr>, NetError> {
        let (host, port) = match &settings.proxy {
            Some(proxy) => (super::connect::bare_host(&proxy.host), proxy.port),
            None => (super::connect::bare_host(&settings.host), settings.port),
        };
        let looked_up = self.look_up(&settings.owner, host, port);
        let addresses = match timeout(settings.connect_timeout, looked_up).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(source)) => return Err(NetError::Resolve { host: host.to_owned(), source }),
            Err(_) => return Err(super::connect::took_too_long("resolving", host, settings.connect_timeout)),
        };
        if addresses.is_empty() { Err(NetError::NoAddress { host: host.to_owned() }) } else { Ok(addresses) }
    }

    async fn look_up(&'static self, owner: &str, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let turn = self.turn(owner, host).await.map_err(io::Error::other)?;
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

    async fn turn(&'static self, owner: &str, host: &str) -> Result<Turn, AcquireError> {
        let one = self.hosts.of(host, 1).acquire_owned().await?;
        let thread = tokio::select! {
            biased;
            own = self.owners.of(owner, self.own).acquire_owned() => (Some(own?), None),
            shared = self.threads.acquire() => (None, Some(shared?)),
        };
        Ok((one, thread))
    }
}

/// A name with more addresses than this is a mistake or an attack.
const ADDRESSES_MAX: usize = 8;
/// What a lane may have under way that all share.
const LOOKUPS_MAX: usize = 32;
/// What each destination may have besides: with one of them hanging there is one left.
const LOOKUPS_OWN: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    static LANE: Lane = Lane::new(LOOKUPS_OWN);

    /// Takes a turn if there is one now.
    async fn turn(owner: &str, host: &str) -> Option<Turn> {
        tokio::select! {
            biased;
            turn = LANE.turn(owner, host) => turn.ok(),
            () = std::future::ready(()) => None,
        }
    }

    #[tokio::test]
    async fn names_that_hang_take_no_turn_from_another_owner_nor_more_threads_than_there_may_be() {
        let mut held = Vec::new();
        for number in 0..4 {
            let owner = format!("lost-{number}");
            for at in 0..16 {
                held.extend(turn(&owner, &format!("host-{number}-{at}")).await);
            }
        }
        assert_eq!(held.len(), LOOKUPS_MAX + 4 * LOOKUPS_OWN);
        let first = turn("siem", "one").await;
        assert!(first.is_some() && turn("siem", "one").await.is_none(), "a host is looked up once at a time");
        assert!(turn("siem", "two").await.is_some(), "one of its names may hang as well");
        held.clear();
        assert!(turn("lost-0", "host-0-0").await.is_some());
    }
}

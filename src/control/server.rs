//! The agent's end of the socket: lets in, decides, hands over to the answer.

use super::apart::apart;
use super::protocol::{Reply, Request};
use super::request::{self, Line};
use super::slots::{Slot, Slots};
use super::socket::Socket;
use super::watch::Watch;
use super::{ControlError, Ongoing, Settings, access, answer, audit, peer, socket};
use crate::journal::Journal;
use crate::model::act::{Act, Asker, Done};
use crate::model::status::{ControlStatus, Status};
use crate::model::{Denial, Time};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Does what somebody wants done, or says in a sentence why not.
pub type Acting = dyn Fn(Act, Asker, &Ongoing) -> Result<Done, Denial> + Send + Sync;

/// What the agent gives to be asked.
pub struct Server {
    /// Where, and who may.
    pub settings: Settings,
    /// What is asked for.
    pub journal: Journal,
    /// Tells the state of the agent; may block.
    pub status: Arc<dyn Fn() -> Status + Send + Sync>,
    /// Does what an admin wants done, or says in a sentence why not; may block.
    pub act: Arc<Acting>,
    /// What no client can exceed.
    pub limits: Limits,
}

/// What no client can exceed.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Of these, from one user; so many more may follow the trail.
    pub connections_per_uid: usize,
    /// Searches at a time; others wait.
    pub queries: usize,
    /// How long others wait.
    pub queue_wait: Duration,
    /// How long a client may take to send its request.
    pub request_wait: Duration,
    /// How long a client that brings a file may send nothing of it.
    pub chunk_wait: Duration,
    /// How long a client may take to read 64 KiB.
    pub write_wait: Duration,
    /// How long answers may go on after the agent was told to stop.
    pub stop_wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 16,
            connections_per_uid: 4,
            queries: 2,
            queue_wait: Duration::from_secs(10),
            request_wait: Duration::from_secs(10),
            chunk_wait: Duration::from_secs(60),
            write_wait: Duration::from_secs(30),
            stop_wait: Duration::from_secs(1),
        }
    }
}

impl Server {
    /// Makes the socket and serves it. A configured group that does not exist is a warning.
    pub fn bind(self) -> Result<Bound, ControlError> {
        let socket = self.socket()?;
        Ok(self.bind_to(socket))
    }

    /// Makes the socket; from then on clients can connect.
    pub fn socket(&self) -> Result<Socket, ControlError> {
        socket::bind(&self.settings.socket)
    }

    /// Makes the socket as soon as that is possible, and serves it; `None` when `shutdown` says true before.
    pub async fn bind_later(self, mut shutdown: watch::Receiver<bool>) -> Option<Bound> {
        loop {
            tokio::select! {
                () = stopped(&mut shutdown) => return None,
                () = tokio::time::sleep(super::watch::LOOK_EVERY) => {}
            }
            let path = self.settings.socket.clone();
            if let Ok(Ok(socket)) = apart("the making of the socket", move || socket::bind(&path)).await {
                tracing::warn!(
                    "the socket {} could be made: queries are answered",
                    self.settings.socket.display()
                );
                return Some(self.bind_to(socket));
            }
        }
    }

    /// Serves a socket that is there already: who has come to it meanwhile is answered.
    pub fn bind_to(self, socket: Socket) -> Bound {
        let rules = peer::rules(&self.settings);
        for (what, name) in
            [("group", &rules.groups), ("user", &rules.users)].into_iter().flat_map(|(what, names)| {
                names.iter().filter(|name| name.id.is_none()).map(move |name| (what, name))
            })
        {
            tracing::warn!(
                "the admin {what} {} does not exist; until it does, it lets no one ask",
                name.name
            );
        }
        let queries = Semaphore::new(self.limits.queries);
        Bound { socket, shared: Arc::new(Shared { server: self, queries, again: Mutex::default() }) }
    }
}

/// A socket that clients can connect to.
pub struct Bound {
    socket: Socket,
    shared: Arc<Shared>,
}

/// What every conversation needs.
pub(super) struct Shared {
    pub(super) server: Server,
    /// Searches that may begin.
    pub(super) queries: Semaphore,
    /// How often the socket had to be made again.
    pub(super) again: Mutex<ControlStatus>,
}

impl Bound {
    /// Answers until `shutdown` says true or its sender is gone. Removes the socket file at the end.
    pub async fn serve(self, shutdown: watch::Receiver<bool>) -> Result<(), ControlError> {
        self.serve_before(shutdown, &AtomicBool::new(false)).await.map(drop)
    }

    /// The same, but where another server follows by then the socket stays, for that one: whoever comes meanwhile waits.
    pub async fn serve_before(
        self,
        mut shutdown: watch::Receiver<bool>,
        another_follows: &AtomicBool,
    ) -> Result<Option<Socket>, ControlError> {
        let path = &self.shared.server.settings.socket;
        let io = |source| ControlError::Io { action: "listen on", path: path.clone(), source };
        let Socket { listener, mut file } = self.socket;
        let mut listener = UnixListener::from_std(listener).map_err(io)?;
        let mut watch = Watch::new();
        let slots = Slots::default();
        let mut conversations = JoinSet::new();
        // Where descriptors are used up each try fails, ten a second.
        let mut is_told = false;
        loop {
            tokio::select! {
                () = stopped(&mut shutdown) => break,
                Some(_) = conversations.join_next() => {}
                () = watch.due() => watch.look(&self.shared, &mut listener, &mut file).await,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        is_told = false;
                        let shared = Arc::clone(&self.shared);
                        if let Some((slot, peer)) = admit(&shared, &slots, &stream) {
                            conversations.spawn(converse(shared, stream, peer, slot, shutdown.clone()));
                        }
                    }
                    Err(error) => {
                        if !is_told {
                            tracing::warn!("cannot accept a connection on {}: {error}", path.display());
                        }
                        is_told = true;
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
        let kept = match another_follows.load(Ordering::Relaxed) {
            true => Some(Socket { listener: listener.into_std().map_err(io)?, file }),
            false => {
                // From now on there is nobody to ask.
                drop((listener, file));
                None
            }
        };
        let all = async { while conversations.join_next().await.is_some() {} };
        if tokio::time::timeout(self.shared.server.limits.stop_wait, all).await.is_err() {
            tracing::warn!("an answer was broken off by the stop");
        }
        Ok(kept)
    }
}

/// A place for the caller, or a word to it why there is none.
fn admit(shared: &Shared, slots: &Slots, stream: &UnixStream) -> Option<(Slot, super::Peer)> {
    let taken = match peer::peer(stream) {
        Ok(peer) => slots.take(peer.uid, &shared.server.limits).map(|slot| (slot, peer)),
        Err(error) => Err(format!("the kernel does not say who asks: {error}")),
    };
    match taken {
        Ok(admitted) => Some(admitted),
        Err(why) => {
            // Nothing was sent yet, so one line always fits; if not, the client sees a closed connection.
            let _unread = stream.try_write(&Reply::Error(why).line());
            None
        }
    }
}

/// One connection, from who it is to the end of its answer.
async fn converse(
    shared: Arc<Shared>,
    mut stream: UnixStream,
    mut peer: super::Peer,
    mut slot: Slot,
    mut shutdown: watch::Receiver<bool>,
) {
    let uid = peer.uid;
    let names = Arc::clone(&shared);
    let look_up = move || (peer::name(uid), peer::rules(&names.server.settings));
    let limits = &shared.server.limits;
    let (name, rules) = match apart("the look at who may ask", look_up).await {
        Ok(known) => known,
        Err(why) => {
            let _gone = request::send(&mut stream, &Reply::Error(why).line(), limits).await;
            return;
        }
    };
    peer.name = name;
    if let Err(refusal) = access(&peer, &rules).map_err(|refusal| refusal.to_string()) {
        note(&shared.server.journal, audit::denied(&peer, &refusal, now())).await;
        let _gone = request::send(&mut stream, &Reply::Refused(refusal).line(), limits).await;
        return;
    }
    let line = {
        let mut receive = pin!(request::receive(&mut stream, limits));
        tokio::select! {
            line = &mut receive => line,
            // Whoever was let in just before the end has its question on the way.
            () = stopped(&mut shutdown) => match tokio::time::timeout(ASKS_WITHIN, receive).await {
                Ok(line) => line,
                Err(_) => return,
            },
        }
    };
    let refused = match &line {
        Line::Request(Request::Query(ask)) if ask.follow => slot.follow(limits).err(),
        _ => None,
    };
    let line = refused.map_or(line, Line::Problem);
    let reply = match line {
        Line::Request(request) => answer::give(&shared, &mut stream, &peer, request, shutdown).await,
        Line::Problem(why) => Some(Reply::Error(why)),
        Line::Gone => None,
    };
    if let Some(reply) = reply {
        let _gone = request::send(&mut stream, &reply.line(), limits).await;
    }
}

/// Journals an event of the conversation, and returns when it is durable.
pub(super) async fn note(journal: &Journal, event: crate::model::Event) {
    let journal = journal.clone();
    if tokio::task::spawn_blocking(move || journal.note(event)).await.is_err() {
        tracing::error!("an audit event of a query could not be journaled");
    }
}

/// Returns when the agent is told to stop, or nobody is left to tell it.
pub(super) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _either_way = shutdown.wait_for(|&stop| stop).await.is_ok();
}

/// The clock of the events that asking leaves behind.
pub(super) fn now() -> Time {
    Time::from_timestamp(jiff::Timestamp::now())
}

/// How long the question of a connection may take that was made just before the end.
const ASKS_WITHIN: Duration = Duration::from_millis(200);
/// How long to wait when the system has no descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

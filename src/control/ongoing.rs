//! An act while it goes on: how far it has come goes to the client, and whether the client is still there to the act.
//! An act that takes a file gets its bytes as they come.

use super::incoming::{self, Incoming, incoming};
use super::protocol::{Reply, STOPPING, Wish};
use super::server::{Shared, note, now, stopped};
use super::{Limits, Peer, access, audit, request};
use crate::model::Denial;
use crate::model::act::{Act, Done, Replayed};
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::net::UnixStream;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, spawn_blocking};

/// What an act that takes its time has to do with whoever wants it.
pub struct Ongoing {
    so_far: watch::Sender<Vec<Replayed>>,
    given_up: OnceLock<&'static str>,
    file: Mutex<Option<Incoming>>,
    is_taken: Notify,
}

impl Ongoing {
    /// How far it has come; what the client has not heard yet is forgotten for it.
    pub fn tell(&self, so_far: Vec<Replayed>) {
        // Nobody listens when the client is gone.
        let _unheard = self.so_far.send(so_far);
    }

    /// Why nobody waits for the end any more.
    pub fn given_up(&self) -> Option<&'static str> {
        self.given_up.get().copied()
    }

    /// The file that comes with the wish, once: the client sends it from now on.
    pub fn file(&self) -> Option<Incoming> {
        self.is_taken.notify_one();
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn give_up(&self, why: &'static str) {
        // The first reason stays.
        let _later = self.given_up.set(why);
    }
}

/// Has it done, and returns the last line to send; `None` if the client is gone.
pub(super) async fn act(
    shared: &Shared,
    stream: &mut UnixStream,
    peer: &Peer,
    Wish { what, claimed }: Wish,
    shutdown: watch::Receiver<bool>,
) -> Option<Reply> {
    let takes_file = matches!(what, Act::Backfill(_));
    if takes_file && let Err(sentence) = access::may_add(peer, super::peer::own_uid()) {
        note(&shared.server.journal, audit::denied(peer, &sentence, now())).await;
        return Some(Reply::Refused(sentence));
    }
    let (so_far, heard) = watch::channel(Vec::new());
    let (sender, file) = incoming();
    let (given_up, file, is_taken) = (OnceLock::new(), Mutex::new(Some(file)), Notify::new());
    let ongoing = Arc::new(Ongoing { so_far, given_up, file, is_taken });
    let (act, asker) = (Arc::clone(&shared.server.act), audit::asker(peer, claimed.as_deref()));
    let within = Arc::clone(&ongoing);
    let mut doing = spawn_blocking(move || act(what, asker, &within));
    let limits = &shared.server.limits;
    if !takes_file {
        return wait(doing, stream, (heard, &ongoing), shutdown, limits).await;
    }
    tokio::select! {
        () = ongoing.is_taken.notified() => {}
        // It wants no file.
        done = &mut doing => return Some(reply(done)),
    }
    request::send(stream, &Reply::Ready {}.line(), limits).await.ok()?;
    let mut shutdown = shutdown;
    tokio::select! {
        () = incoming::receive(stream, &sender, limits) => {}
        () = stopped(&mut shutdown) => {
            ongoing.give_up(STOPPING);
            // Whoever has read enough of it is not interested.
            let _unread = sender.send(Err(io::Error::other(STOPPING))).await;
        }
    }
    drop(sender);
    // What is left to do is little, and a client that has gone does not hear of it.
    Some(reply(doing.await))
}

/// Waits until it is done, and tells how far it has come.
async fn wait(
    mut doing: Doing,
    stream: &mut UnixStream,
    (mut heard, ongoing): (watch::Receiver<Vec<Replayed>>, &Ongoing),
    mut shutdown: watch::Receiver<bool>,
    limits: &Limits,
) -> Option<Reply> {
    let (mut left, mut stops) = (false, false);
    let done = loop {
        tokio::select! {
            done = &mut doing => break done,
            Ok(()) = heard.changed(), if !left => {
                let line = Reply::Going(heard.borrow_and_update().clone()).line();
                left = request::send(stream, &line, limits).await.is_err();
            }
            () = request::gone(stream), if !left => left = true,
            () = stopped(&mut shutdown), if !stops => {
                stops = true;
                ongoing.give_up(STOPPING);
            }
        }
        if left {
            ongoing.give_up(LEFT);
        }
    };
    (!left).then(|| reply(done))
}

fn reply(done: Result<Result<Done, Denial>, tokio::task::JoinError>) -> Reply {
    match done {
        Ok(Ok(done)) => Reply::Done(Box::new(done)),
        Ok(Err(Denial::Unknown(why))) => Reply::Unknown(why),
        Ok(Err(Denial::No(why))) => Reply::No(why),
        Err(_) => Reply::Error("what was to be done broke down".to_owned()),
    }
}

type Doing = JoinHandle<Result<Done, Denial>>;

/// What is said of a client that has not waited.
const LEFT: &str = "whoever asked left before the end";

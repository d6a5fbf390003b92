//! An act while it goes on: how far it has come goes to the client, and whether the client is still there to the act.

use super::protocol::{Reply, STOPPING, Wish};
use super::server::{Shared, stopped};
use super::{Peer, audit, request};
use crate::model::Denial;
use crate::model::act::Replayed;
use std::sync::{Arc, OnceLock};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

/// What an act that takes its time has to do with whoever wants it.
pub struct Ongoing {
    so_far: watch::Sender<Vec<Replayed>>,
    given_up: OnceLock<&'static str>,
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
    mut shutdown: watch::Receiver<bool>,
) -> Option<Reply> {
    let (so_far, mut heard) = watch::channel(Vec::new());
    let ongoing = Arc::new(Ongoing { so_far, given_up: OnceLock::new() });
    let (act, asker) = (Arc::clone(&shared.server.act), audit::asker(peer, claimed.as_deref()));
    let within = Arc::clone(&ongoing);
    let mut doing = spawn_blocking(move || act(what, asker, &within));
    let (mut left, mut stops) = (false, false);
    let done = loop {
        tokio::select! {
            done = &mut doing => break done,
            Ok(()) = heard.changed(), if !left => {
                let line = Reply::Going(heard.borrow_and_update().clone()).line();
                left = request::send(stream, &line, &shared.server.limits).await.is_err();
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
    match done {
        _ if left => None,
        Ok(Ok(done)) => Some(Reply::Done(Box::new(done))),
        Ok(Err(Denial::Unknown(why))) => Some(Reply::Unknown(why)),
        Ok(Err(Denial::No(why))) => Some(Reply::No(why)),
        Err(_) => Some(Reply::Error("what was to be done broke down".to_owned())),
    }
}

/// What is said of a client that has not waited.
const LEFT: &str = "whoever asked left before the end";

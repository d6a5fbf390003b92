//! Whether the socket file is still there: what clears a folder of old files may take it away, and then nobody could ask any
//! more, for as long as the agent runs.
//!
//! The kernel tells nobody that the file of a socket is gone, so it is looked for now and then.

use super::apart::apart;
use super::server::{Shared, now};
use super::socket::{self, Socket, SocketFile};
use crate::model::error_text;
use crate::model::status::ControlStatus;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Looks for it.
pub(super) struct Watch {
    every: Interval,
    /// Why it could not be made again, as it was told.
    told: String,
}

impl Watch {
    pub(super) fn new() -> Watch {
        let mut every = interval(LOOK_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Watch { every, told: String::new() }
    }

    /// Returns when it is time to look.
    pub(super) async fn due(&mut self) {
        self.every.tick().await;
    }

    /// Makes the socket again where its file is gone, or is another; tells that, and once why it cannot be done.
    pub(super) async fn look(&mut self, shared: &Shared, listener: &mut UnixListener, file: &mut SocketFile) {
        let (mark, path) = (file.mark(), shared.server.settings.socket.clone());
        if apart("the look at the socket", move || mark.is_there()).await.unwrap_or(true) {
            self.told.clear();
            return;
        }
        let made = apart("the making of the socket", {
            let path = path.clone();
            move || socket::bind(&path)
        });
        let made = made.await.and_then(|made| made.map_err(|error| error_text(&error)));
        let made = made.and_then(|Socket { listener, file }| {
            UnixListener::from_std(listener)
                .map(|listener| (listener, file))
                .map_err(|error| error_text(&error))
        });
        match made {
            Ok((new, its_file)) => {
                // The old listener is there until the new file is, so that they are not taken for each other.
                std::mem::replace(file, its_file).let_go();
                *listener = new;
                self.told.clear();
                tracing::warn!(
                    "the file of the socket {} was gone, or another stood there: it has been made again",
                    path.display()
                );
                let mut again = shared.again.lock().unwrap_or_else(PoisonError::into_inner);
                (again.made_again, again.made_again_at) = (again.made_again + 1, now().to_string());
            }
            Err(why) if why != self.told => {
                tracing::error!(
                    "nobody can ask any more, for the file of the socket {} is gone, or another stands there, and it \
                     cannot be made again: {why}; that is tried every {} s",
                    path.display(),
                    LOOK_EVERY.as_secs()
                );
                self.told = why;
            }
            Err(_) => {}
        }
    }
}

/// How often it had to be made again.
pub(super) fn again(shared: &Shared) -> ControlStatus {
    shared.again.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// One look at a file each time.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);

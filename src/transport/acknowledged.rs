//! A link whose server acknowledges each message: RELP over the same socket and the same TLS.

use super::barrier::chain;
use super::link::{Ask, Heard, Link};
use super::relp::Relp;
use super::{LinkError, Observed, framing};
use crate::net::NetError;
use socket2::SockRef;
use std::net::Shutdown;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

impl Link {
    /// Appends the frame of the next message, which `encode` appends, for `send`: every frame that is made must be
    /// sent, in the order in which they were made. Nothing when the message is empty.
    pub fn frame_with(&mut self, out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
        match &mut self.relp {
            Some(relp) => relp.frame_with(out, encode),
            None => framing::frame_with(self.framing, out, encode),
        }
    }

    /// Whether the peer acknowledges each message.
    pub fn is_acknowledged(&self) -> bool {
        self.relp.is_some()
    }

    /// How many of the link's messages the peer has acknowledged, from the first on without a gap.
    pub fn confirmed(&self) -> u64 {
        self.relp.as_ref().map_or(0, Relp::confirmed)
    }

    /// What the peer's answers have ended, if they have: told again and again, for whoever asks next.
    pub(super) fn dialogue(&self) -> Result<(), LinkError> {
        let Some(relp) = &self.relp else { return Ok(()) };
        relp.state()?;
        let refused = relp.refusal().map(|words| LinkError::Refused { words: words.to_owned() });
        refused.map_or(Ok(()), Err)
    }

    /// Opens the session; `peer` is for the error.
    pub(super) async fn open_relp(&mut self, peer: &str, limit: Duration) -> Result<(), LinkError> {
        let mut open = Vec::new();
        self.relp = Some(Relp::open(&mut open));
        let opened = async {
            self.send(&open).await?;
            loop {
                self.listen(Ask::Tokio)?;
                if self.relp.as_ref().is_none_or(Relp::is_open) {
                    return Ok(());
                }
                self.socket.readable().await.map_err(|source| LinkError::Broken { source })?;
            }
        };
        match timeout(limit, opened).await {
            Ok(Err(LinkError::Closed | LinkError::Broken { .. })) => Err(LinkError::NotOpened),
            Ok(done) => done,
            Err(_) => Err(NetError::RelpTimeout { peer: peer.to_owned(), limit }.into()),
        }
    }

    /// Waits for the answers that are missing and ends the session in order; only answers count.
    pub(super) async fn finish(mut self) -> Observed {
        let deadline = Instant::now() + self.patience();
        let mut observed = Observed::default();
        match self.say_goodbye(deadline).await {
            Ok(()) => {}
            Err(LinkError::Closed) => observed.closed_before_ours = true,
            Err(error) => {
                observed.is_wordless = matches!(error, LinkError::Broken { .. });
                observed.broken = Some(chain(&error));
            }
        }
        observed.unanswered = self.relp.as_ref().map(Relp::unconfirmed);
        observed.confirmed = self.confirmed();
        observed
    }

    async fn say_goodbye(&mut self, deadline: Instant) -> Result<(), LinkError> {
        if self.sending {
            return Ok(());
        }
        self.hear_until(deadline, |relp| relp.unconfirmed() == 0).await?;
        let mut close = Vec::new();
        if let Some(relp) = &mut self.relp {
            relp.close(&mut close);
        }
        self.send(&close).await?;
        let closed = self.hear_until(deadline, Relp::is_closed).await;
        if let Some(session) = &mut self.session {
            session.connection.send_close_notify();
        }
        self.flush(deadline).await?;
        // Fails when the peer has already ended the connection.
        let _ = SockRef::from(&self.socket).shutdown(Shutdown::Write);
        match closed {
            // That is the end that we asked for.
            Err(LinkError::Closed) => Ok(()),
            closed => closed,
        }
    }

    /// Listens until the session is so, or until then.
    async fn hear_until(
        &mut self,
        deadline: Instant,
        enough: impl Fn(&Relp) -> bool,
    ) -> Result<(), LinkError> {
        while self.relp.as_ref().is_some_and(|relp| !enough(relp)) && Instant::now() < deadline {
            if self.peer_closed {
                return Err(LinkError::Closed);
            }
            match self.hear(Ask::Tokio)? {
                Heard::Nothing => {
                    if timeout_at(deadline, self.socket.readable()).await.is_err() {
                        return Ok(());
                    }
                }
                _ => tokio::task::yield_now().await,
            }
        }
        Ok(())
    }
}

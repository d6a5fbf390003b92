//! The barrier: a link is closed so that the peer's answer shows what it has read.
//!
//! ```text
//! flush ─▶ all has come ─▶ settle ─▶ drain ─▶ close_notify, FIN ─▶ the peer's close_notify ─▶ its FIN
//!                                         │
//!                                         └─ a close is there already: it cannot be the answer to ours
//! ```
//!
//! Not here: the verdict; this file only writes down what was seen.

use super::link::{Ask, Heard, Link};
use super::still::Still;
use super::{LinkError, Observed};
use crate::net::kernel;
use socket2::SockRef;
use std::net::Shutdown;
use std::time::Duration;
use tokio::io::Interest;
use tokio::time::{Instant, sleep, timeout_at};

impl Link {
    /// Closes the link (RFC 5425 section 4.4) and says what was seen. Between the last acknowledgement and the close it
    /// waits for `settle`, so that a peer that is still busy comes to the end. Each of the other steps takes at most
    /// 5 s, or `send-timeout` when that is shorter.
    ///
    /// A link with acknowledgements ends in its own way: it waits for those that are missing.
    pub async fn barrier(mut self, settle: Duration) -> Observed {
        if self.relp.is_some() {
            return self.finish().await;
        }
        let mut observed = Observed { proxied: self.is_proxied(), ..Observed::default() };
        if let Err(error) = self.close(settle, &mut observed).await {
            match error {
                LinkError::Closed => observed.closed_before_ours = true,
                LinkError::Stalled { .. } => {}
                error => {
                    observed.is_wordless = matches!(error, LinkError::Broken { .. });
                    observed.broken = Some(chain(&error));
                }
            }
        }
        (observed.said, observed.key_updates) = (self.said(), self.key_updates());
        // The peer's FIN may come before its acknowledgement of ours.
        let patience = if observed.fin_after.is_some() { self.patience() } else { Duration::ZERO };
        observed.unacknowledged = self.left_over(Instant::now() + patience).await;
        observed
    }

    /// Closes the link as RFC 5425 section 4.4 wants it, when nothing depends on the answer. Takes at most 200 ms.
    pub async fn end(mut self) {
        let deadline = Instant::now() + GOODBYE_MAX;
        if self.relp.is_some() {
            let _ = timeout_at(deadline, self.finish()).await;
            return;
        }
        if self.peer_closed || self.sending {
            return;
        }
        if let Some(session) = &mut self.session {
            session.connection.send_close_notify();
        }
        if self.flush(deadline).await.is_ok() {
            let _ = SockRef::from(&self.socket).shutdown(Shutdown::Write);
            let _ = self.answer(Instant::now(), deadline, &mut Observed::default()).await;
        }
    }

    async fn close(&mut self, settle: Duration, observed: &mut Observed) -> Result<(), LinkError> {
        if self.peer_closed {
            return Err(LinkError::Closed);
        }
        if self.sending {
            observed.broken = Some("a send was not finished".to_owned());
            return Ok(());
        }
        let patience = self.patience();
        self.acknowledged(Instant::now() + patience).await?;
        sleep(settle).await;
        observed.min_rtt = kernel::min_rtt(&self.socket);
        self.drain(Instant::now() + patience).await?;
        let closing = Instant::now();
        if let Some(session) = &mut self.session {
            session.connection.send_close_notify();
        }
        self.flush(closing + patience).await?;
        // Fails when the peer has already ended the connection; what it said before is there to be read.
        let _ = SockRef::from(&self.socket).shutdown(Shutdown::Write);
        self.answer(closing, Instant::now() + patience, observed).await
    }

    /// Waits until the peer's kernel has acknowledged every byte, or seems to have them all: our close makes it say so then.
    /// The kernel tells on being asked only.
    async fn acknowledged(&mut self, deadline: Instant) -> Result<(), LinkError> {
        let (mut still, begun) = (Still::default(), Instant::now());
        let mut pause = kernel::min_rtt(&self.socket).unwrap_or(PAUSE_MIN).clamp(PAUSE_MIN, PAUSE_MAX);
        loop {
            self.listen(Ask::Tokio)?;
            match kernel::unacknowledged(&self.socket) {
                Ok(0) => return Ok(()),
                Ok(_) if Instant::now() >= deadline => {
                    return Err(LinkError::Stalled { limit: self.send_timeout });
                }
                Ok(left) => {
                    let rest = still.on_look(left, kernel::info(&self.socket), begun.elapsed());
                    if rest.is_zero() {
                        return Ok(());
                    }
                    sleep(pause.min(rest)).await;
                }
                Err(source) => return Err(LinkError::Broken { source }),
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Reads whatever has come, tokio has heard of it or not: a close among it came before ours.
    async fn drain(&mut self, deadline: Instant) -> Result<(), LinkError> {
        while !self.listen(Ask::Kernel)? {
            if Instant::now() >= deadline {
                return Err(LinkError::Stalled { limit: self.send_timeout });
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// What is not acknowledged by then.
    async fn left_over(&self, deadline: Instant) -> Option<u32> {
        loop {
            match kernel::unacknowledged(&self.socket) {
                Ok(1..) if Instant::now() < deadline => sleep(PAUSE_MIN).await,
                answer => return answer.ok(),
            }
        }
    }

    pub(super) fn patience(&self) -> Duration {
        self.send_timeout.min(STEP_MAX)
    }

    pub(super) async fn flush(&mut self, deadline: Instant) -> Result<(), LinkError> {
        loop {
            self.write(&mut &[][..])?;
            if !self.wants_write() {
                return Ok(());
            }
            let ready = timeout_at(deadline, self.socket.ready(Interest::WRITABLE)).await;
            if ready.is_err() {
                return Err(LinkError::Stalled { limit: self.send_timeout });
            }
        }
    }

    /// Reads to the end, for an alert or a reset may come last. An answer acknowledges what it answers: TCP puts that into
    /// the same segment.
    async fn answer(
        &mut self,
        closing: Instant,
        deadline: Instant,
        observed: &mut Observed,
    ) -> Result<(), LinkError> {
        while Instant::now() < deadline {
            let heard = self.hear(Ask::Tokio)?;
            if matches!(heard, Heard::CloseNotify | Heard::Fin) && observed.unacknowledged_at_answer.is_none()
            {
                observed.unacknowledged_at_answer = kernel::unacknowledged(&self.socket).ok();
            }
            match heard {
                Heard::CloseNotify => observed.close_notify_after = Some(closing.elapsed()),
                Heard::Fin => {
                    observed.fin_after = Some(closing.elapsed());
                    return Ok(());
                }
                Heard::Noise => tokio::task::yield_now().await,
                Heard::Nothing => {
                    let ready = timeout_at(deadline, self.socket.readable()).await;
                    if ready.is_err() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// The error with its causes, in one line, as `model` does it for those who may ask that.
pub(super) fn chain(error: &LinkError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Longest wait of each step.
const STEP_MAX: Duration = Duration::from_secs(5);
/// Longest wait for the end of a link that has nothing left to show.
const GOODBYE_MAX: Duration = Duration::from_millis(200);
/// Shortest and longest pause between two questions to the kernel.
const PAUSE_MIN: Duration = Duration::from_micros(200);
const PAUSE_MAX: Duration = Duration::from_millis(20);

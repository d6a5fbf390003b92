//! TLS files that were replaced count while the link stays up: they are tried beside it, and then take its place.
//!
//! ```text
//! every 10 s   hash the files ─▶ another set that can be used ─▶ connect beside the link ─▶ does the peer keep it?
//!                                                   yes: move over, with evidence for what was sent before
//!                                                   no:  the old set stays, until the files or the link change;
//!                                                        but a peer that a new list revokes is left at once, also
//!                                                        where the rest of the files cannot be used or tried
//!                                                   not reached: tried again, and told once
//! link down    the next link uses them; they are told as in use once it has stayed
//! ```

use super::Destination;
use super::beside::Beside;
use super::delivery::STAYED;
use super::error_text;
use super::keychain::{Found, Set};
use crate::transport::{Link, LinkError};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// A look at the files, and a link with what they hold.
pub(super) struct Renewal {
    look: Beside<Look>,
    next_at: Duration,
}

/// What came of a look at the files.
enum Look {
    Nothing,
    /// They cannot be used as a whole.
    Unusable,
    Tried(Box<Tried>),
}

/// A set that was tried at an address, and the link or what was against it.
struct Tried {
    address: usize,
    set: Set,
    made: Result<Link, LinkError>,
}

impl Renewal {
    pub(super) fn new() -> Renewal {
        Renewal { look: Beside::none(), next_at: LOOK_EVERY }
    }

    /// Waits for the end of a look; for ever when there is none.
    pub(super) async fn over(&mut self) {
        self.look.over().await;
    }

    /// When the files are to be looked at again.
    pub(super) fn at(&self) -> Duration {
        self.next_at
    }

    /// Whether they are to be looked at now; the next time is `LOOK_EVERY` later.
    pub(super) fn take_turn(&mut self, now: Duration) -> bool {
        let is_due = self.next_at <= now;
        if is_due {
            self.next_at = now + LOOK_EVERY;
        }
        is_due
    }
}

impl Destination {
    /// When the TLS files are to be looked at.
    pub(super) fn renew_at(&self) -> Option<Duration> {
        let has_tls = self.settings.link.net.tls.is_some();
        Some(self.renewal.next_at).filter(|_| {
            has_tls && self.link.is_some() && !self.renewal.look.is_under_way() && self.has_time_for_others()
        })
    }

    /// Looks at the files when it is due, and moves over to a link with another set of them.
    pub(super) async fn renew(&mut self) {
        if !self.has_time_for_others() {
            return;
        }
        match self.renewal.look.take() {
            None | Some(Look::Nothing) => {}
            Some(Look::Unusable) => return self.heed().await,
            Some(Look::Tried(tried)) => return self.on_tried(*tried).await,
        }
        let now = self.now();
        if self.renew_at().is_none() || !self.renewal.take_turn(now) {
            return;
        }
        self.tell_refusal().await;
        self.tell_kept().await;
        let (settings, keychain, address) =
            (Arc::clone(&self.settings), self.keychain.clone(), self.pool.present());
        self.renewal.look.begin(async move {
            let of = Arc::clone(&settings);
            let found = spawn_blocking(move || keychain.candidate(of.link_at(address))).await;
            let set = match found {
                Ok(Found::Candidate(set)) => set,
                Ok(Found::Unusable) => return Look::Unusable,
                Ok(Found::Nothing) | Err(_) => return Look::Nothing,
            };
            let made = stay(Link::connect(settings.link_at(address), set.config()).await).await;
            Look::Tried(Box::new(Tried { address, set, made }))
        });
    }

    /// The set in use stays, and the link unless the lists on disk revoke the peer.
    async fn heed(&mut self) {
        let heeded = match (&self.link, self.keychain.newest()) {
            (Some(link), Some(newest)) => link.heed(&newest),
            _ => Ok(()),
        };
        if let Err(error) = heeded {
            let event = self.report.lost(&error_text(&error));
            self.lost(event).await;
        }
    }

    async fn on_tried(&mut self, Tried { address, set, made }: Tried) {
        // The present link went away or elsewhere meanwhile: the files are looked at again.
        if self.link.is_none() || self.pool.present() != address {
            return;
        }
        match made {
            Ok(next) => {
                let (before, now) = self.keychain.on_taken(set);
                self.move_over(address, next).await;
                let event = self.report.files_changed(before.as_deref(), now.as_deref());
                self.tell(Some(event)).await;
            }
            // Whom a list revokes gets nothing more, whatever was good before.
            Err(error) if error.is_revocation() => {
                self.keychain.on_taken(set);
                let event = self.report.lost(&error_text(&error));
                self.lost(event).await;
            }
            // It is tried again when the files are next looked at.
            Err(error) if error.is_of_the_way() => {
                let why = error_text(&error);
                if self.keychain.on_untried(set, &why) {
                    let event = self.report.files_untried(&why);
                    self.tell(Some(event)).await;
                }
                self.report.files_unused(self.keychain.unused());
                self.heed().await;
            }
            Err(error) => {
                let why = error_text(&error);
                self.keychain.on_refused(set, &why);
                self.report.files_unused(self.keychain.unused());
                let event = self.report.files_refused(&why);
                self.tell(Some(event)).await;
                self.heed().await;
            }
        }
    }

    /// A link that came up again with replaced files, and has stayed, has shown that the peer takes them.
    async fn tell_kept(&mut self) {
        let kept = if self.report.has_stayed() { self.keychain.on_kept() } else { None };
        let event = kept.map(|(before, now)| self.report.files_changed(before.as_deref(), now.as_deref()));
        self.tell(event).await;
    }

    /// Tells why the files on disk are not used, once for each reason; the status says it for as long as it is so.
    pub(super) async fn tell_refusal(&mut self) {
        self.report.files_unused(self.keychain.unused());
        let refusal = self.keychain.refusal().map(|why| self.report.files_refused(&why));
        self.tell(refusal).await;
    }
}

/// A link counts once the peer has kept it for a moment: with TLS 1.3 a refusal comes after the handshake.
async fn stay(made: Result<Link, LinkError>) -> Result<Link, LinkError> {
    let mut link = made?;
    match tokio::time::timeout(STAYED, link.closed()).await {
        Ok(error) => Err(error),
        Err(_) => Ok(link),
    }
}

/// How often the TLS files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

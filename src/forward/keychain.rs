//! The TLS files of a destination: which set of them a connection uses while they change. Pure but for the reading.
//!
//! ```text
//! link up      the set of the present link; another one on disk is tried beside it (`succession`)
//! link down    the files and the set that was last good take turns, so that neither holds delivery up; with which the
//!              link comes up again and stays, that is good
//! files bad    the set that was last good
//! trials       all of one suspicion use the same set, those of the next the other (`trial`)
//! ```
//!
//! Invariant: whatever set a connection uses, whom the newest lists of revoked certificates name is not trusted.

use super::error_text;
use crate::transport::{self, Certificate, Files, LinkError, Prepared, Trust};
use rustls::ClientConfig;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the files came to, shared by the connections that are being made.
#[derive(Clone, Default)]
pub(super) struct Keychain(Arc<Mutex<Ring>>);

#[derive(Default)]
struct Ring {
    good: Option<Set>,
    /// That of the newest connection.
    last: Option<Set>,
    /// Whom the files trust, as far as they could be read last.
    newest: Option<Trust>,
    /// The peer does not take it.
    refused: Option<Files>,
    /// The peer was not reached to try it.
    untried: Option<Files>,
    /// With this a connection has been tried last.
    tried: Option<Files>,
    is_down: bool,
    /// The trials of the present suspicion use the files.
    tries_files: bool,
    /// While the link is down: the files are not next.
    spares_files: bool,
    /// Why the files on disk are not used, and whether that has still to be told.
    trouble: Option<String>,
    /// The same, also where it is the peer that does not take them, for as long as it is so.
    unused: Option<String>,
    is_untold: bool,
}

/// A set of files that can be used.
#[derive(Clone)]
pub(super) struct Set {
    tls: Option<Prepared>,
    pub(super) files: Files,
    /// What we show.
    pub(super) own: Vec<Certificate>,
}

/// What a look at the files has found beside the set in use.
pub(super) enum Found {
    Nothing,
    /// It cannot be used as a whole.
    Unusable,
    Candidate(Set),
}

impl Set {
    pub(super) fn config(&self) -> Option<Arc<ClientConfig>> {
        self.tls.as_ref().map(|tls| Arc::clone(&tls.config))
    }
}

impl Keychain {
    /// One of its own that knows what this one knows now, for links beside it.
    pub(super) fn copy(&self) -> Keychain {
        let ring = self.ring();
        Keychain(Arc::new(Mutex::new(ring.copy())))
    }

    /// Another suspicion begins: with two sets nobody knows which one the server takes.
    pub(super) fn on_suspicion(&self) {
        let mut ring = self.ring();
        ring.tries_files = !ring.tries_files;
    }

    /// One of its own for a trial of the present suspicion.
    pub(super) fn for_trial(&self) -> Keychain {
        let ring = self.ring();
        let spares_files = !ring.tries_files;
        Keychain(Arc::new(Mutex::new(Ring { is_down: true, spares_files, ..ring.copy() })))
    }

    /// Whether the files have become what no connection has been tried with. Blocks on the disk.
    pub(super) fn has_untried(&self, link: &transport::Settings) -> bool {
        let now = transport::files(link);
        self.ring().is_untried(&now)
    }

    /// Reads the files and chooses the set of the next connection. Blocks on the disk.
    pub(super) fn prepare(&self, link: &transport::Settings) -> Result<Option<Arc<ClientConfig>>, LinkError> {
        let read = self.read(link);
        let mut ring = self.ring();
        let set = ring.choose(read)?;
        let config = ring.config_of(&set);
        ring.last = Some(set);
        Ok(config)
    }

    /// What is on disk that is neither in use nor known to be refused. Blocks on the disk.
    pub(super) fn candidate(&self, link: &transport::Settings) -> Found {
        let now = transport::files(link);
        if !self.ring().on_seen(&now) {
            return Found::Nothing;
        }
        let read = self.read(link);
        match self.ring().note(read) {
            None => Found::Unusable,
            // Files that change while they are read are looked at again later.
            Some(set) if set.files == now && transport::files(link) == now => Found::Candidate(set),
            Some(_) => Found::Nothing,
        }
    }

    /// Whom the files trust, as far as they could be read last.
    pub(super) fn newest(&self) -> Option<Trust> {
        self.ring().newest.clone()
    }

    /// The peer keeps a link with this set. The fingerprints of our certificate: before, and now.
    pub(super) fn on_taken(&self, set: Set) -> (Option<String>, Option<String>) {
        let mut ring = self.ring();
        let before = ring.last.take().and_then(|last| last.files.own);
        let now = set.files.own.clone();
        ring.last = Some(set.clone());
        (ring.good, ring.refused, ring.untried, ring.unused) = (Some(set), None, None, None);
        (before, now)
    }

    /// The peer does not keep a link with this set, for that reason.
    pub(super) fn on_refused(&self, set: Set, why: &str) {
        let mut ring = self.ring();
        (ring.refused, ring.unused) = (Some(set.files), Some(why.to_owned()));
    }

    /// The peer was not reached to try this set. Whether that is news.
    pub(super) fn on_untried(&self, set: Set, why: &str) -> bool {
        let mut ring = self.ring();
        ring.unused = Some(why.to_owned());
        let files = Some(set.files);
        std::mem::replace(&mut ring.untried, files.clone()) != files
    }

    /// Our certificates of the newest connection.
    pub(super) fn in_use(&self) -> Vec<Certificate> {
        self.ring().last.as_ref().map(|last| last.own.clone()).unwrap_or_default()
    }

    /// Why the files on disk are not those in use, as of the last look at them.
    pub(super) fn unused(&self) -> Option<String> {
        self.ring().unused.clone()
    }

    /// The peer has kept the present link for a while. The fingerprints of our certificate, before and now, if the link
    /// was made with another set than that which was last good.
    pub(super) fn on_kept(&self) -> Option<(Option<String>, Option<String>)> {
        let mut ring = self.ring();
        let set = ring.last.clone().filter(|_| !ring.is_down)?;
        let now = set.files.clone();
        let before = ring.good.replace(set)?.files;
        (before != now).then_some((before.own, now.own))
    }

    pub(super) fn on_connected(&self) {
        self.ring().is_down = false;
    }

    /// The link is gone or did not come up.
    pub(super) fn on_lost(&self) {
        let mut ring = self.ring();
        // At every loss: with TLS 1.3 a link with a refused set comes up first.
        ring.spares_files = !ring.spares_files;
        (ring.is_down, ring.refused, ring.untried) = (true, None, None);
    }

    /// Why the files on disk are not used, once for each reason.
    pub(super) fn refusal(&self) -> Option<String> {
        let mut ring = self.ring();
        let is_untold = std::mem::take(&mut ring.is_untold);
        ring.trouble.clone().filter(|_| is_untold)
    }

    /// The set on disk. Whom it trusts counts also where the rest of it cannot be used.
    fn read(&self, link: &transport::Settings) -> Result<Set, LinkError> {
        let files = transport::files(link);
        let set = transport::prepare(link).map(|tls| Set { tls, files, own: transport::own(link) });
        let trust = match &set {
            Ok(set) => set.tls.as_ref().map(|tls| tls.trust.clone()),
            Err(_) => transport::trust(link),
        };
        let mut ring = self.ring();
        ring.newest = trust.or(ring.newest.take());
        set
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// What links beside this one know of it.
    fn copy(&self) -> Ring {
        let (good, last, newest) = (self.good.clone(), self.last.clone(), self.newest.clone());
        Ring { good, last, newest, ..Ring::default() }
    }

    fn config_of(&self, set: &Set) -> Option<Arc<ClientConfig>> {
        let tls = set.tls.as_ref()?;
        Some(self.newest.as_ref().map_or(Arc::clone(&tls.config), |newest| tls.heeding(newest)))
    }

    fn is_news(&self, files: &Files) -> bool {
        let last = self.last.as_ref().map(|last| &last.files);
        last.is_some_and(|last| last != files) && self.refused.as_ref() != Some(files)
    }

    /// These are the files now: whether they are to be tried. Those in use are no trouble any more.
    fn on_seen(&mut self, files: &Files) -> bool {
        if self.last.as_ref().is_some_and(|last| last.files == *files) {
            (self.trouble, self.unused) = (None, None);
        }
        self.is_news(files)
    }

    fn is_untried(&self, files: &Files) -> bool {
        let good = self.good.as_ref().map(|good| &good.files);
        good.is_some_and(|good| good != files) && self.tried.as_ref() != Some(files)
    }

    fn choose(&mut self, read: Result<Set, LinkError>) -> Result<Set, LinkError> {
        let Some(good) = self.good.clone() else {
            return read.inspect(|set| self.good = Some(set.clone()));
        };
        let Some(set) = self.note(read) else { return Ok(good) };
        Ok(match self.is_down {
            true if self.spares_files => good,
            true => {
                self.tried = Some(set.files.clone());
                set
            }
            false => self.last.clone().unwrap_or(good),
        })
    }

    /// The set that was read; of one that cannot be used it is kept why.
    fn note(&mut self, read: Result<Set, LinkError>) -> Option<Set> {
        match read {
            Ok(set) => {
                self.trouble = None;
                // A connection with the set in use changes nothing for one that the peer does not take.
                let known = [&self.refused, &self.untried];
                if !known.into_iter().flatten().any(|files| *files == set.files) {
                    self.unused = None;
                }
                Some(set)
            }
            Err(error) => {
                let text = error_text(&error);
                self.is_untold |= self.trouble.as_ref() != Some(&text);
                self.unused = Some(text.clone());
                self.trouble = Some(text);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;

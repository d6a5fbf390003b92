//! The TLS files of a destination as they were when they were last good: half of a replacement costs no connection.

use super::error_text;
use crate::transport::{self, LinkError};
use rustls::ClientConfig;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the files came to, shared by the connections that are being made.
#[derive(Clone, Default)]
pub(super) struct Keychain(Arc<Mutex<Ring>>);

#[derive(Default)]
struct Ring {
    good: Option<Arc<ClientConfig>>,
    /// Why the files on disk are not used, and whether that has still to be told.
    trouble: Option<String>,
    is_untold: bool,
}

impl Keychain {
    /// Reads the files; when they cannot be used, what was good before is used again. Blocks on the disk.
    pub(super) fn prepare(&self, link: &transport::Settings) -> Result<Option<Arc<ClientConfig>>, LinkError> {
        self.ring().choose(transport::prepare(link))
    }

    /// Why the files on disk are not used, once for each reason.
    pub(super) fn refusal(&self) -> Option<String> {
        let mut ring = self.ring();
        let is_untold = std::mem::take(&mut ring.is_untold);
        ring.trouble.clone().filter(|_| is_untold)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn choose(
        &mut self,
        read: Result<Option<Arc<ClientConfig>>, LinkError>,
    ) -> Result<Option<Arc<ClientConfig>>, LinkError> {
        match (read, &self.good) {
            (Ok(config), _) => {
                self.good.clone_from(&config);
                self.trouble = None;
                Ok(config)
            }
            (Err(error), Some(good)) => {
                let good = Arc::clone(good);
                let text = error_text(&error);
                self.is_untold |= self.trouble.as_ref() != Some(&text);
                self.trouble = Some(text);
                Ok(Some(good))
            }
            (Err(error), None) => Err(error),
        }
    }
}

//! What becomes of the TLS files on disk, as status and trail tell it.

use super::Report;
use crate::model::{Action, Event, Outcome};

impl Report {
    /// Why the TLS files on disk are not used now; none when they are.
    pub(in crate::forward) fn files_unused(&self, why: Option<String>) {
        self.status().files_unused = why.unwrap_or_default();
    }

    /// The TLS files on disk are not used; what was good before is.
    pub(in crate::forward) fn files_refused(&self, why: &str) -> Event {
        tracing::warn!("{}: the certificate files are not used, those read before are: {why}", self.name);
        let message = format!("those read before stay in use: {why}");
        self.event(Action::CERTIFICATE_REFUSED, Outcome::Failure, &message)
    }

    /// The TLS files on disk are not used yet, since they could not be tried.
    pub(in crate::forward) fn files_untried(&self, why: &str) -> Event {
        tracing::warn!("{}: the new certificate files could not be tried yet, and will be: {why}", self.name);
        let message = format!("those read before stay in use until the new ones have been tried: {why}");
        self.event(Action::CERTIFICATE_REFUSED, Outcome::Unknown, &message)
    }
}

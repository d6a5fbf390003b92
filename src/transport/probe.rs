//! The probe: a KeyUpdate that asks for one in return (RFC 8446 section 4.6.3), sent after the records that it asks for.
//!
//! Not here: which answer belongs to which probe (`forward`); this file only sends, and counts what comes.

use super::link::{Ask, Link};
use super::{KeyUpdates, LinkError};
use crate::net::kernel;
use rustls::ProtocolVersion;
use std::time::Duration;

impl Link {
    /// Whether the protocol knows KeyUpdates: TLS 1.3 does.
    pub fn can_probe(&self) -> bool {
        let version = self.session.as_ref().and_then(|session| session.connection.protocol_version());
        version == Some(ProtocolVersion::TLSv1_3)
    }

    /// Asks for a KeyUpdate. Fails as `send` does, and when `can_probe` says no.
    pub async fn probe(&mut self) -> Result<(), LinkError> {
        if let Some(session) = &mut self.session {
            session.connection.refresh_traffic_keys().map_err(|error| session.explain(error))?;
        }
        self.send(&[]).await
    }

    /// All KeyUpdates that have been read so far.
    pub fn key_updates(&self) -> KeyUpdates {
        self.session.as_ref().map_or(KeyUpdates::default(), |session| session.key_updates)
    }

    /// Reads what has come by now, whether anybody waits for it or not.
    pub fn listen_now(&mut self) -> Result<(), LinkError> {
        self.listen(Ask::Kernel).map(|_| ())
    }

    /// Smallest round trip of the connection so far (tcpi_min_rtt).
    pub fn min_rtt(&self) -> Option<Duration> {
        kernel::min_rtt(&self.socket)
    }
}

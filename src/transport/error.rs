//! Why a link did not come up or is no more.

use super::RelpError;
use crate::net::NetError;
use std::io;
use std::time::Duration;

/// What ended a link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The peer could not be reached, was not trusted, or refused us; after a TLS 1.3 handshake too.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The peer does not speak RELP as it must.
    #[error(transparent)]
    Relp(#[from] RelpError),
    /// The peer ended the connection before it opened a RELP session.
    #[error(
        "the peer closed the connection instead of opening a RELP session: check that this port speaks RELP, with or without TLS as here"
    )]
    NotOpened,
    /// The peer answered the oldest unconfirmed message with a no.
    #[error("the peer refused an event: {words}")]
    Refused {
        /// Its status and text.
        words: String,
    },
    /// The settings ask for TLS and no config was handed in, or the other way round.
    #[error("a TLS destination needs its TLS config, and only that one")]
    Unprepared,
    /// The peer closed, with a close_notify or a FIN.
    #[error("the peer closed the connection")]
    Closed,
    /// Reset, unreachable, or another error of the socket.
    #[error("the connection broke")]
    Broken {
        /// What the socket said.
        source: io::Error,
    },
    /// The peer took no byte for `send-timeout`.
    #[error("the peer took nothing for {limit:?}")]
    Stalled {
        /// The `send-timeout`.
        limit: Duration,
    },
}

impl LinkError {
    /// Whether it says nothing about us: the peer was not reached.
    pub fn is_of_the_way(&self) -> bool {
        matches!(self, LinkError::Net(error) if error.is_of_the_way())
    }

    /// Whether a list of revoked certificates has the peer's.
    pub fn is_revocation(&self) -> bool {
        matches!(self, LinkError::Net(NetError::Revoked))
    }
}

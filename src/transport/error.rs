//! Why a link did not come up or is no more.

use crate::net::NetError;
use std::io;
use std::time::Duration;

/// What ended a link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The peer could not be reached, was not trusted, or refused us; after a TLS 1.3 handshake too.
    #[error(transparent)]
    Net(#[from] NetError),
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

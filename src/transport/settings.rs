//! What the config says about the way to a server.

use crate::net;

/// The peer and how frames are told apart.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The peer.
    pub net: net::Settings,
    /// What is spoken.
    pub protocol: Protocol,
    /// How frames are told apart; RELP has frames of its own.
    pub framing: Framing,
}

/// What is spoken over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Syslog frames one way, nothing the other (RFC 5425, RFC 6587).
    Syslog,
    /// RELP: each message is a command that is answered.
    Relp,
}

/// How frames are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `MSG-LEN SP SYSLOG-MSG` (RFC 5425 section 4.3, RFC 6587 section 3.4.1).
    OctetCounting,
    /// A line feed ends a frame (RFC 6587 section 3.4.2).
    LineFeed,
}

//! The local socket: admins ask, the agent answers.
//!
//! ```text
//! otrail query                                  agent
//! {"otrail":1,"query":{"filters":[...]}}  ──▶   who asks (SO_PEERCRED, SO_PEERGROUPS)?  may they?
//! {"seq":7,...}                           ◀──   journal ──▶ query; agent.query ──▶ journal
//! {"end":{"rows":1,"incomplete":false}}   ◀──   another agent.query, if it became less than the first one says
//! ```
//!
//! Anyone may connect; the agent decides by what the kernel says about the caller, not by what the caller says.
//!
//! Invariant: no record, number or value leaves through the socket before the `agent.query` about it is in the trail, is
//! counted among what the limit of such events holds back, or waits for a full disk: how many are about to be sent, or that
//! somebody follows it. No refusal is without an `agent.query_denied`.
//! Invariant: no client can hold a connection, a query or a byte of memory without a bound.
//! Invariant: a panic at a request or within a search costs that answer alone (`apart`); where something is changed, as the
//! trail is by the event about a question, it ends the agent.
//! Invariant: an answer never contains the event that it causes.
//! Not here: how records are found (`query`) and shown (`query::render`).

mod access;
mod ahead;
mod answer;
mod apart;
mod audit;
mod client;
mod error;
mod follow;
mod incoming;
mod ongoing;
mod peer;
pub mod protocol;
mod request;
mod server;
mod settings;
mod slots;
mod socket;
mod watch;

pub use access::{Named, Peer, Refusal, Rules, access};
pub use client::{BackfillError, Client, Rows};
pub use error::ControlError;
pub use incoming::Incoming;
pub use ongoing::Ongoing;
pub use server::{Acting, Bound, Limits, Server};
pub use settings::*;
pub use socket::Socket;

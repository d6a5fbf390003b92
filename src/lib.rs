//! otrail collects a sensor's operation log, journals it, forwards it and answers questions about it.
//!
//! ```text
//!  sensor log                          state directory                               SIEM
//! ┌──────────┐ entries ┌─────────┐ Event+Position ┌─────────┐ Record ┌─────────┐ frames ┌─────┐
//! │ timeline │ ──────▶ │ collect │ ─────────────▶ │ journal │ ─────▶ │ forward │ ─────▶ │ TLS │
//! └──────────┘         └─────────┘     append     └─────────┘  read  └─────────┘  send  └─────┘
//!             dialect (text → Event)                 │   ▲ cursor   format, filter, transport
//!                                                    ▼   └──── one per destination
//!                                                ┌───────┐
//!                                                │ query │ ─────▶ an admin, through control
//!                                                └───────┘
//! ```
//!
//! The journal is the only queue and the only truth: a record holds the event *and* the position in the
//! sensor's log just after it, so where to resume reading is the last record. A destination is a cursor into
//! the journal, a query is a reader of it. Collecting, forwarding and asking never call each other.
//!
//! Which room may import which is in `tests/tidy.rs`, which checks it.

pub mod agent;
pub mod cli;
pub mod collect;
pub mod config;
pub mod control;
pub mod demo;
pub mod dialect;
pub mod filter;
pub mod format;
pub mod forward;
pub mod journal;
pub mod model;
pub mod net;
pub mod query;
pub mod transport;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

//! A Record becomes text for a SIEM. One format, one file, one row of `FORMATS`.
//!
//! ```text
//! rfc5424   header, structured data with every field, message as text
//! header    PRI to MSGID, the same before every kind of message
//! escape    values become harmless text of bounded length
//! ```
//!
//! Invariant: one record gives one frame without a control character, however hostile its values are.
//! Invariant: a frame is never longer than `frame_bytes_max`; what was cut says so.
//! Not here: how frames are told apart on the wire (`transport`).

mod escape;
mod header;
mod rfc5424;
mod settings;

pub use settings::Settings;

use crate::model::{Record, Seq};

/// One format.
pub struct Format {
    /// Its name in the config.
    pub name: &'static str,
    /// One line about it, for help and docs.
    pub about: &'static str,
    /// Appends one frame, without framing.
    pub encode: fn(settings: &Settings, envelope: &Envelope<'_>, record: &Record, frame: &mut Vec<u8>),
}

/// What a frame says about its own delivery.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// Stream id, 32 hex digits.
    pub stream: &'a str,
    /// The record sent before this one to the same destination; `Seq::NONE` for the first.
    pub prev: Seq,
    /// Sent before without evidence of delivery.
    pub resent: bool,
    /// Number of this frame since the start of the destination, 1 to 2147483647, then 1 again (RFC 5424 section 7.3.1).
    pub sequence_id: u32,
    /// Whether the clock is synchronised (RFC 5424 section 7.1.2).
    pub clock_synced: bool,
}

/// All formats.
pub const FORMATS: &[Format] = &[rfc5424::ROW];

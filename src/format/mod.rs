//! A Record becomes text for a SIEM. One format, one file, one row of `FORMATS`.
//!
//! ```text
//! rfc5424   header, structured data with every field, message as text
//! cef leef  header, keys and values
//! json      our own words; ecs, ocsf: those of a schema
//!
//! field     what fields there are, and where their values come from     subject   what one frame is about
//! tree      JSON as a table          pairs    keys and values as a table          ink      writes values that fit
//! header    PRI to MSGID, the same before every kind of message
//! escape    values become harmless text of bounded length
//! schema    docs and JSON Schema of all this, made from the same tables   claim    which record a frame is: the way back
//! ```
//!
//! A format is a table that says which key shows which field; what is true of a value is written once, in `field`, and
//! what an action is called in a schema stands in its row of the taxonomy (`model`).
//!
//! Invariant: one record gives one frame without a control character, however hostile its values are; the tabs between
//! the fields of LEEF are the exception.
//! Invariant: a frame is never longer than `frame_bytes_max` (or the least a format needs); what was cut says so.
//! Invariant: every format shows every field, or says which it cannot.
//! Not here: how frames are told apart on the wire (`transport`).

mod cef;
mod claim;
mod ecs;
mod escape;
mod field;
mod header;
mod ink;
mod json;
mod leef;
mod ocsf;
mod pairs;
mod rfc5424;
pub mod schema;
mod settings;
mod subject;
mod tree;

pub use claim::{Claim, Claims};
pub use field::{FIELDS, Field, FieldRow, Fields, Kind};
pub use settings::{CefVersion, Header, Leef, OcsfVersion, Precision, Settings};

use crate::model::guard::{Panicked, guard};
use crate::model::{Print, Record, Seq};
use std::panic::AssertUnwindSafe;

/// One format.
#[derive(Clone, Copy)]
pub struct Format {
    /// Its name in the config.
    pub name: &'static str,
    /// One line about it, for help and docs.
    pub about: &'static str,
    /// Appends one frame, without framing. Where the format binds each frame to the one before: what the next one must
    /// say of it.
    pub encode: Encode,
    /// The shortest limit of a frame that it can keep, whatever the event is.
    pub frame_bytes_min: usize,
    /// What stands before the event unless the config says otherwise.
    pub header: Header,
    /// What stands before the number of the frame, if the format shows that: two destinations that send the same record
    /// differ in it alone. No value can look like it.
    pub counter: Option<&'static str>,
    /// Where the fields go.
    places: Places,
    /// Fields that stand outside of the table, and where.
    elsewhere: &'static [(Field, &'static str)],
    /// Fields that it does not carry, and why.
    absent: &'static [(Field, &'static str)],
}

/// See `Format::encode`.
pub type Encode = fn(&Settings, &Envelope<'_>, &Record, frame: &mut Vec<u8>) -> Option<Print>;

/// Where the fields of a format go.
#[derive(Clone, Copy)]
enum Places {
    /// PARAM-NAMEs.
    Params(&'static [rfc5424::Param]),
    /// Keys and values.
    Pairs(&'static [&'static [pairs::Pair]]),
    /// JSON.
    Tree(&'static [tree::Node]),
}

/// What a frame says about its own delivery.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// Stream id, 32 hex digits.
    pub stream: &'a str,
    /// The record sent before this one to the same destination, or by the same replay; `Seq::NONE` for the first.
    pub prev: Seq,
    /// What the format said of the frame with that record; `None` where that is not known, or there is none.
    pub print: Option<Print>,
    /// Sent before without evidence of delivery.
    pub resent: bool,
    /// Sent again because an admin asked for it.
    pub replay: bool,
    /// Number of this frame since the start of the destination, 1 to 2147483647, then 1 again (RFC 5424 section 7.3.1).
    pub sequence_id: u32,
    /// Whether the clock is synchronised (RFC 5424 section 7.1.2).
    pub clock_synced: bool,
}

/// Why a field of most formats is absent.
const NO_CHAIN: (Field, &str) = (
    Field::Chain,
    "`agent.seal` has the SHA-256 of every finished file of the journal and the chain value of its last line",
);

/// All formats.
pub const FORMATS: &[Format] = &[rfc5424::ROW, cef::ROW, leef::ROW, json::ROW, ecs::ROW, ocsf::ROW];

impl Format {
    /// Appends one frame as `encode` does; of a record that it panics at, nothing.
    pub fn write(
        &self,
        settings: &Settings,
        envelope: &Envelope<'_>,
        record: &Record,
        out: &mut Vec<u8>,
    ) -> Result<Option<Print>, Panicked> {
        let start = out.len();
        // What it has appended goes; the rest is shared and stays as it is.
        let written = guard(AssertUnwindSafe(|| (self.encode)(settings, envelope, record, out)));
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Event, Outcome, Time};

    #[test]
    fn of_a_record_that_a_format_panics_at_nothing_is_written() {
        let encode: Encode = |_, envelope, _, frame| {
            frame.extend_from_slice(b"half of it");
            assert!(!envelope.resent);
            None
        };
        let format = Format { encode, ..rfc5424::ROW };
        let event = Event::own(Action::TEST, Outcome::Success, Time::default(), "");
        let record = Record { seq: Seq(1), position: None, event, chain: None };
        let mut out = b"before ".to_vec();
        for (resent, is_written) in [(true, false), (false, true), (true, false)] {
            let envelope = Envelope {
                stream: "00",
                prev: Seq::NONE,
                print: None,
                resent,
                replay: false,
                sequence_id: 1,
                clock_synced: false,
            };
            let written = format.write(&Settings::default(), &envelope, &record, &mut out);
            assert_eq!(written.is_ok(), is_written);
        }
        assert_eq!(out, b"before half of it");
    }
}

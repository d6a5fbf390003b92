//! The words of the house: what every other room talks about.
//!
//! ```text
//! Event    what happened on the sensor: who did what, to what, with which outcome
//! Action   the canonical name of what was done, one row of the taxonomy
//! Record   an Event with its place in the journal (Seq) and in the sensor's log (Position)
//! Chain    a value of the journal's hash chain; Print what binds one frame to the next
//! Act      what an admin may have the agent do
//! Denial   why it does not
//! History  when, to whom and on which evidence records were delivered
//! Status   what `otrail status` shows, as plain data
//! error_text  an error with its causes, as one line
//! guard    does a computation that may panic, and says where it did
//! ```
//!
//! Invariant: nothing here opens a file, asks the clock or starts a thread.
//! Not here: how an Event is written down (`journal`, `format`) or recognised (`dialect`).

pub mod act;
mod action;
pub mod backfill;
mod causes;
pub mod delivery;
mod denial;
pub(crate) mod eight;
mod event;
pub mod guard;
mod hash;
pub(crate) mod plain;
mod record;
mod row;
pub mod status;
mod taxonomy;
mod time;

pub use action::{Action, ActionRow, Asim, AsimSchema, Cim, CimModel, Ecs, Ocsf};
pub use causes::error_text;
pub use denial::Denial;
pub use event::{Class, Event, EventId, Flag, Flags, Outcome, Raw, Severity, Target, Text};
pub use hash::{Chain, Print};
pub(crate) use hash::{hex_of, unhex};
pub use record::{FileNo, Position, Record, Seq, StreamId};
pub use taxonomy::ACTIONS;
pub use time::Time;

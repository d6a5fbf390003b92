//! JSON, our own: the words of the journal and of `otrail query -o json`, and what the frame says of its delivery.
//!
//! ```text
//! {"seq":4711,"id":"3f9c…","time":"2024-02-29T09:11:02.123Z",…,"user":"alice",…,"flags":["cut"]}
//! ```
//!
//! The one difference to the journal: `raw` is always text here. An entry that is JSON itself would be a structure of
//! the sensor's making within ours, and some readers refuse what another writes (a key twice, half a surrogate pair).

use super::field::{Field, position_file, position_offset, raw_bytes, raw_text};
use super::subject::Subject;
use super::tree::{self, Node, group, leaf};
use super::{Envelope, Format, Settings};
use crate::model::{Print, Record};

/// Its row.
pub(super) const ROW: Format = Format {
    name: "json",
    about: "JSON in the words of otrail, described by `otrail schema event`",
    encode,
    frame_bytes_min: tree::FRAME_BYTES_MIN,
    header: tree::HEADER,
    counter: None,
    places: super::Places::Tree(TREE),
    elsewhere: &[],
    absent: &[],
};

/// Appends one frame.
fn encode(
    settings: &Settings,
    envelope: &Envelope<'_>,
    record: &Record,
    frame: &mut Vec<u8>,
) -> Option<Print> {
    tree::frame(TREE, &Subject::new(settings, envelope, record), frame);
    None
}

/// The flags come last, when it is known what was cut.
pub(super) const TREE: &[Node] = &[
    leaf!("seq", Seq),
    leaf!("prev", Prev),
    leaf!("stream", Stream),
    leaf!("resent", Resent),
    leaf!("replay", Replay),
    leaf!("id", Id),
    leaf!("time", Time),
    leaf!("seen", Seen),
    leaf!("class", Class),
    leaf!("action", Action),
    leaf!("code", Code),
    leaf!("name", Name),
    leaf!("category", Category),
    leaf!("outcome", Outcome),
    leaf!("severity", Severity),
    leaf!("attack", Attack),
    leaf!("sensor", Sensor),
    leaf!("source", Source),
    group!("position", leaf!("file", Position, position_file), leaf!("offset", Position, position_offset)),
    leaf!("user", User),
    leaf!("domain", Domain),
    leaf!("account", Account),
    leaf!("role", Role),
    group!("target", leaf!("kind", TargetKind), leaf!("name", TargetName), leaf!("id", TargetId)),
    leaf!("client", Client),
    leaf!("devices", Devices),
    leaf!("message", Message),
    leaf!("reason", Reason),
    leaf!("old", Old),
    leaf!("new", New),
    leaf!("count", Count),
    leaf!("type", Type),
    leaf!("title", Title),
    leaf!("label", Label),
    leaf!("raw", Raw, raw_text),
    leaf!("raw-base64", Raw, raw_bytes),
    leaf!("chain", Chain),
    leaf!("flags", Flags),
];

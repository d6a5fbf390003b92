//! `raw`: the entry as the sensor wrote it; otrail's own events have none and give no row.

use super::{Look, Sink, safe};
use crate::model::{Raw, Record};

/// Appends one row.
pub(super) fn write(look: &Look, record: &Record, out: &mut Vec<u8>) {
    let entry = &record.event.raw;
    if *entry == Raw::None {
        return;
    }
    match look.sink {
        Sink::File => out.extend_from_slice(entry.bytes()),
        Sink::Terminal => safe::bytes(entry.bytes(), out),
    }
    out.push(b'\n');
}

//! `cat`: the message and nothing else.

use super::{Look, safe};
use crate::model::Record;

/// Appends one row; towards a program line breaks in it are escaped as for a terminal, so that a row is a line.
pub(super) fn write(_: &Look, record: &Record, out: &mut Vec<u8>) {
    let event = &record.event;
    let message = [&event.message, &event.title].into_iter().find(|text| !text.is_empty());
    safe::text(message.map_or(event.action.row().title, |text| text.as_str()), out);
    out.push(b'\n');
}

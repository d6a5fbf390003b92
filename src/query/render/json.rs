//! `json`: the record as the journal has it, one object a line.

use super::{Look, Sink, safe};
use crate::journal::line;
use crate::model::Record;

/// Appends one row.
pub(super) fn write(look: &Look, record: &Record, out: &mut Vec<u8>) {
    match look.sink {
        Sink::File => line::encode_json(record, out),
        Sink::Terminal => {
            let mut text = Vec::new();
            line::encode_json(record, &mut text);
            safe::json(&text, out);
        }
    }
    out.push(b'\n');
}

//! `json`: the record as the journal has it, one object a line.

use super::{Look, Sink, safe};
use crate::journal::line;
use crate::model::Record;

/// Appends one row.
pub(super) fn write(look: &Look, record: &Record, out: &mut Vec<u8>) {
    match look.sink {
        Sink::File => json_line(record, out),
        Sink::Terminal => {
            let mut text = Vec::new();
            json_line(record, &mut text);
            text.pop();
            safe::json(&text, out);
            out.push(b'\n');
        }
    }
}

/// Appends the record as one line of JSON, the shape of `-o json` and of answers on the socket.
pub fn json_line(record: &Record, out: &mut Vec<u8>) {
    line::encode_json(record, out);
    out.extend_from_slice(b"}\n");
}

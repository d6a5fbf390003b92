//! What an event becomes on stdout: a shape for admins, or a frame of a format, with the encoders of the agent.

use crate::format::{Envelope, FORMATS, Format, Settings};
use crate::model::{Record, Seq};
use crate::query::render::{Look, SHAPES, Shape, Sink, safe};

/// The rows of both tables. `json` is the shape: it has the entry as the journal has it.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let formats = FORMATS.iter().map(|format| format.name).filter(|name| Shape::named(name).is_none());
    SHAPES.iter().map(|shape| shape.name).chain(formats)
}

/// Those that show the fields that are asked for.
pub(super) fn taking_fields() -> String {
    SHAPES.iter().filter(|shape| shape.takes_fields).map(|shape| shape.name).collect::<Vec<_>>().join(", ")
}

/// One of them, with what it needs from row to row.
pub(super) struct Form {
    row: Row,
    look: Look,
    previous: Seq,
}

enum Row {
    Shape(&'static Shape),
    Format(&'static Format, Box<Settings>),
}

impl Form {
    /// The form of that name; the first one for a name that is none.
    pub(super) fn named(name: &str, look: Look) -> Form {
        let row = match (Shape::named(name), Format::named(name)) {
            (None, Some(format)) => Row::Format(format, Box::default()),
            (shape, _) => Row::Shape(shape.unwrap_or(&SHAPES[0])),
        };
        Form { row, look, previous: Seq::NONE }
    }

    /// Appends what stands before the first row.
    pub(super) fn head(&self, out: &mut Vec<u8>) {
        if let Row::Shape(shape) = &self.row {
            (shape.head)(&self.look, out);
        }
    }

    /// Appends the record, with its newline.
    pub(super) fn write(&mut self, record: &Record, out: &mut Vec<u8>) {
        match &self.row {
            Row::Shape(shape) => (shape.write)(&self.look, record, out),
            Row::Format(format, settings) => {
                let envelope = envelope(self.previous, record);
                match self.look.sink {
                    Sink::File => (format.encode)(settings, &envelope, record, out),
                    Sink::Terminal => {
                        let mut frame = Vec::new();
                        (format.encode)(settings, &envelope, record, &mut frame);
                        safe::bytes(&frame, out);
                    }
                }
                out.push(b'\n');
                self.previous = record.seq;
            }
        }
    }
}

/// What a frame says of its delivery when nobody delivers it.
pub(super) fn envelope(prev: Seq, record: &Record) -> Envelope<'static> {
    let sequence_id = u32::try_from((record.seq.0.max(1) - 1) % 0x7fff_ffff + 1).unwrap_or(1);
    Envelope { stream: NO_STREAM, prev, resent: false, replay: false, sequence_id, clock_synced: false }
}

const NO_STREAM: &str = "00000000000000000000000000000000";

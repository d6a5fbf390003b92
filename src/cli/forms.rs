//! What an event becomes on stdout: a shape for admins, or a frame of a format, with the encoders of the agent.

use crate::format::{Envelope, FORMATS, Format, Settings};
use crate::model::{Print, Record, Seq};
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
    stream: String,
    previous: Seq,
    /// What the next row says of the previous one.
    print: Option<Print>,
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
        Form { row, look, stream: NO_STREAM.to_owned(), previous: Seq::NONE, print: None }
    }

    /// The same for rows of that journal, if it shows where they are from.
    pub(super) fn of_stream(self, stream: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<Form> {
        match self.row {
            Row::Shape(_) => Ok(self),
            Row::Format(..) => Ok(Form { stream: stream()?, ..self }),
        }
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
                let envelope =
                    Envelope { stream: &self.stream, print: self.print, ..envelope(self.previous, record) };
                self.print = match self.look.sink {
                    Sink::File => (format.encode)(settings, &envelope, record, out),
                    Sink::Terminal => {
                        let mut frame = Vec::new();
                        let print = (format.encode)(settings, &envelope, record, &mut frame);
                        safe::bytes(&frame, out);
                        print
                    }
                };
                out.push(b'\n');
                self.previous = record.seq;
            }
        }
    }
}

/// What a frame says of its delivery when nobody delivers it.
pub(super) fn envelope(prev: Seq, record: &Record) -> Envelope<'static> {
    let sequence_id = u32::try_from((record.seq.0.max(1) - 1) % 0x7fff_ffff + 1).unwrap_or(1);
    Envelope {
        stream: NO_STREAM,
        prev,
        print: None,
        resent: false,
        replay: false,
        sequence_id,
        clock_synced: false,
    }
}

const NO_STREAM: &str = "00000000000000000000000000000000";

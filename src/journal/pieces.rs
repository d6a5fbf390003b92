//! A frame that is unpacked a piece at a time: who has found what it looked for needs no more of it.

use std::io;
use zstd::stream::raw::{Decoder, Operation};

/// Unpacks one frame after the other.
pub(super) struct Pieces {
    decoder: Decoder<'static>,
    /// How much of the packed frame has been read.
    taken: usize,
}

impl Pieces {
    pub(super) fn new() -> io::Result<Pieces> {
        Ok(Pieces { decoder: Decoder::new()?, taken: 0 })
    }

    /// Goes on with another frame.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.taken = 0;
        self.decoder.reinit()
    }

    /// Adds the next piece of a frame that has so many bytes. False when that was the last, and the checksum over all of
    /// them holds.
    pub(super) fn add(&mut self, packed: &[u8], raw: &mut Vec<u8>, bytes: usize) -> io::Result<bool> {
        let mut filled = raw.len();
        raw.resize((filled + PIECE_BYTES).min(bytes), 0);
        loop {
            let status = self.decoder.run_on_buffers(&packed[self.taken..], &mut raw[filled..])?;
            (self.taken, filled) = (self.taken + status.bytes_read, filled + status.bytes_written);
            let is_over = status.remaining == 0;
            if is_over && filled == bytes && self.taken == packed.len() {
                return Ok(false);
            }
            let is_stuck = status.bytes_read == 0 && status.bytes_written == 0;
            match filled == raw.len() {
                // The last piece is over when the checksum behind it was read, too.
                true if filled < bytes => return Ok(true),
                _ if is_over || is_stuck => return Err(io::ErrorKind::InvalidData.into()),
                _ => {}
            }
        }
    }
}

/// A block of zstd.
const PIECE_BYTES: usize = 128 << 10;

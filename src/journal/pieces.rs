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

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(raw: &[u8]) -> Vec<u8> {
        let mut compressor = zstd::bulk::Compressor::new(1).unwrap();
        compressor.include_checksum(true).unwrap();
        compressor.compress(raw).unwrap()
    }

    /// What was unpacked when the frame was over; `None` where it is damaged.
    fn unpacked(pieces: &mut Pieces, packed: &[u8], bytes: usize) -> Option<Vec<u8>> {
        let mut raw = Vec::new();
        pieces.begin().unwrap();
        while pieces.add(packed, &mut raw, bytes).ok()? {
            assert!(raw.len() < bytes);
        }
        Some(raw)
    }

    #[test]
    fn all_pieces_are_the_frame_and_of_a_damaged_one_there_is_no_end() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut pieces = Pieces::new().unwrap();
        for bytes in [1, 700, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 4 * PIECE_BYTES, 600_000] {
            let raw: Vec<u8> = (0..bytes).map(|at| b"abcdefgh"[rng.usize(..8) & (at % 7)]).collect();
            let whole = packed(&raw);
            assert_eq!(unpacked(&mut pieces, &whole, bytes).as_ref(), Some(&raw), "{bytes} bytes");
            assert!(
                unpacked(&mut pieces, &whole, bytes + 1).is_none()
                    && unpacked(&mut pieces, &whole, bytes - 1).is_none()
            );
            for _ in 0..40 {
                let mut damaged = whole.clone();
                damaged[rng.usize(..whole.len())] ^= 1 << rng.u8(..8);
                let found = unpacked(&mut pieces, &damaged, bytes);
                assert!(found.is_none_or(|found| found == raw), "of {bytes} bytes");
                let cut = rng.usize(..whole.len());
                assert!(unpacked(&mut pieces, &whole[..cut], bytes).is_none(), "{cut} of {bytes} bytes");
            }
        }
    }
}

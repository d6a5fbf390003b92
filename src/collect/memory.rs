//! What is remembered of a file as it was read: its first bytes, and its last. Whoever reads these bytes once more may
//! read those of another file, for a log can be cut and written again at any time.

use super::identity::HEAD_BYTES_MAX;

/// Bytes of a file as they were read.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// From its beginning on.
    first: Vec<u8>,
    /// What was read last: that tells a copy of the file that ends among them when the file is gone.
    recent: Vec<u8>,
}

impl Memory {
    /// Of a file that begins so.
    pub(super) fn new(first: Vec<u8>) -> Memory {
        Memory { first, recent: Vec::new() }
    }

    /// What was read at that place. So many bytes are kept of the last ones at least, and half as many more at most.
    pub(super) fn add(&mut self, at: u64, bytes: &[u8], bytes_kept: usize) {
        if at == self.first.len() as u64 {
            let room = FIRST_BYTES.saturating_sub(self.first.len());
            self.first.extend(&bytes[..bytes.len().min(room)]);
        }
        let bytes = &bytes[bytes.len().saturating_sub(bytes_kept)..];
        if self.recent.len() + bytes.len() > bytes_kept + bytes_kept / 2 {
            self.recent.drain(..self.recent.len().saturating_sub(bytes_kept - bytes.len()));
        }
        self.recent.extend(bytes);
    }

    /// Whoever has written nothing for a while writes little.
    pub(super) fn rest(&mut self) {
        if self.recent.len() > RECENT_BYTES {
            self.recent = self.recent.split_off(self.recent.len() - RECENT_BYTES);
        }
    }

    /// What was read beyond that place is read again.
    pub(super) fn forget_beyond(&mut self, place: u64) {
        self.first.truncate(usize::try_from(place).unwrap_or(FIRST_BYTES));
        self.recent.clear();
    }

    /// Zeros stand between these places.
    pub(super) fn pass_zeros(&mut self, from: u64, until: u64) {
        if from == self.first.len() as u64 {
            self.first.resize(usize::try_from(until).unwrap_or(FIRST_BYTES).min(FIRST_BYTES), 0);
        }
        self.recent.clear();
    }

    /// So many of the first bytes, at most those that the hash of a head covers; `None` where they were not read.
    pub(super) fn first(&self, bytes: u64) -> Option<&[u8]> {
        self.first.get(..usize::try_from(bytes).ok()?.min(FIRST_BYTES))
    }

    /// The last bytes.
    pub(super) fn recent(&self) -> &[u8] {
        &self.recent
    }
}

const FIRST_BYTES: usize = HEAD_BYTES_MAX as usize;
/// As much as a sensor writes between the end of a copy and the cut.
pub(super) const RECENT_BYTES: usize = 64 << 10;
/// The same while it writes as fast as it can, on a machine that is slow to cut.
pub(super) const BUSY_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_are_known_as_far_as_they_were_read_in_order() {
        let mut memory = Memory::new(b"ab".to_vec());
        memory.add(2, b"cdef", RECENT_BYTES);
        memory.add(7, b"h", RECENT_BYTES);
        assert_eq!((memory.first(6), memory.first(7)), (Some(&b"abcdef"[..]), None));
        assert_eq!(memory.recent(), b"cdefh");
        memory.forget_beyond(3);
        memory.pass_zeros(3, 5);
        memory.add(5, b"f", RECENT_BYTES);
        assert_eq!((memory.first(6), memory.recent()), (Some(&b"abc\0\0f"[..]), &b"f"[..]));
        memory.add(6, &[b'g'; 2 * FIRST_BYTES], RECENT_BYTES);
        assert_eq!(memory.first(u64::MAX).map(<[u8]>::len), Some(FIRST_BYTES));
    }

    #[test]
    fn of_the_last_bytes_no_more_is_kept_than_half_as_many_again() {
        let mut memory = Memory::default();
        for piece in 0..1_000_u64 {
            memory.add(piece * 1_000, &[b'x'; 1_000], 10_000);
            assert!((memory.recent().len() as u64).min(10_000) >= ((piece + 1) * 1_000).min(10_000));
            assert!(memory.recent().len() <= 15_000);
        }
        memory.add(1_000_000, &[b'x'; 200_000], 200_000);
        memory.rest();
        assert_eq!(memory.recent().len(), RECENT_BYTES);
    }
}

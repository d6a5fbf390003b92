//! The peer's bytes, cut into TLS records (RFC 8446 section 5.1, RFC 5246 section 6.2.1).
//!
//! rustls would take them all at once. One at a time shows which record a change came from, so that records can be
//! counted below TLS.

/// Bytes that have been read and not been looked at.
pub(super) struct Inbox {
    bytes: Box<[u8]>,
    /// Where the bytes begin and end.
    start: usize,
    end: usize,
}

impl Inbox {
    pub(super) fn new() -> Inbox {
        Inbox { bytes: vec![0; RECORD_BYTES_MAX].into(), start: 0, end: 0 }
    }

    /// Where the next bytes go; never empty after `next` gave `None`.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        &mut self.bytes[self.end..]
    }

    /// The first `count` bytes of `room` have been filled.
    pub(super) fn filled(&mut self, count: usize) {
        self.end += count;
    }

    /// The next whole record. What is no TLS record comes out as it is, for rustls to refuse.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let bytes = &self.bytes[self.start..self.end];
        let length = record_bytes(bytes)?;
        self.start += length;
        Some(&bytes[..length])
    }
}

/// The length of the record that these bytes begin with; `None` while it is not whole.
fn record_bytes(bytes: &[u8]) -> Option<usize> {
    let length = match *bytes {
        [] => return None,
        [kind, ..] if !CONTENT_TYPES.contains(&kind) => return Some(bytes.len()),
        [_, _, _, high, low, ..] => HEADER_BYTES + usize::from(u16::from_be_bytes([high, low])),
        _ => return None,
    };
    if length > RECORD_BYTES_MAX {
        return Some(bytes.len());
    }
    (length <= bytes.len()).then_some(length)
}

/// Type, version, length.
const HEADER_BYTES: usize = 5;
/// The largest record of TLS 1.2, whose protection may add 2048 bytes; TLS 1.3 stays below.
const RECORD_BYTES_MAX: usize = HEADER_BYTES + (1 << 14) + 2048;
/// change_cipher_spec, alert, handshake, application_data, heartbeat.
const CONTENT_TYPES: std::ops::RangeInclusive<u8> = 20..=24;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(kind: u8, length: usize) -> Vec<u8> {
        let mut record = vec![kind, 3, 3, (length >> 8) as u8, length as u8];
        record.resize(HEADER_BYTES + length, 0xaa);
        record
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn records_come_out_as_they_went_in_however_they_were_cut(
            lengths in prop::collection::vec(0..18_432usize, 0..6),
            cuts in prop::collection::vec(1..40_000usize, 1..8),
        ) {
            let records: Vec<_> = lengths.iter().map(|&length| record(23, length)).collect();
            let wire = records.concat();
            let (mut inbox, mut seen, mut at) = (Inbox::new(), Vec::new(), 0);
            for cut in cuts.iter().cycle() {
                while let Some(record) = inbox.next() {
                    seen.push(record.to_vec());
                }
                let room = inbox.room();
                let count = room.len().min(*cut).min(wire.len() - at);
                prop_assert!(!room.is_empty());
                if count == 0 {
                    break;
                }
                room[..count].copy_from_slice(&wire[at..at + count]);
                at += count;
                inbox.filled(count);
            }
            prop_assert_eq!(seen, records);
        }
    }

    #[test]
    fn what_is_no_record_comes_out_at_once() {
        for bytes in [&b"220 smtp"[..], b"H", &[22, 3, 3, 0xff, 0xff, 1]] {
            let mut inbox = Inbox::new();
            inbox.room()[..bytes.len()].copy_from_slice(bytes);
            inbox.filled(bytes.len());
            assert_eq!(inbox.next(), Some(bytes));
        }
    }
}

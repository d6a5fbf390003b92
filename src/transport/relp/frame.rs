//! RELP frames: what goes out, and what comes in however the network cuts it. Pure.
//!
//! ```text
//! TXNR SP COMMAND SP DATALEN [SP DATA] LF      "2 syslog 5 hello\n"   "2 rsp 6 200 OK\n"   "0 serverclose 0\n"
//! ```
//!
//! The specification counts the blank before DATA into DATALEN, its implementations do not; neither does this file.

use super::RelpError;
use crate::transport::framing;

/// Number of a transaction; 0 is for hints, which nobody answers.
pub(super) type Txnr = u32;

/// One whole frame from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub txnr: Txnr,
    pub command: String,
    pub data: Vec<u8>,
}

/// The number after this one: 1 comes again after the largest.
pub(super) fn after(txnr: Txnr) -> Txnr {
    if txnr >= TXNR_MAX { 1 } else { txnr + 1 }
}

/// Appends a command with its data.
pub(super) fn put(txnr: Txnr, command: &str, data: &[u8], out: &mut Vec<u8>) {
    let head = format!("{txnr} {command} {}", data.len());
    out.extend_from_slice(head.as_bytes());
    if !data.is_empty() {
        out.push(b' ');
        out.extend_from_slice(data);
    }
    out.push(b'\n');
}

/// Appends a `syslog` command whose data `encode` appends; `false`, and nothing, when that is nothing.
pub(super) fn put_syslog(txnr: Txnr, out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
    let start = out.len();
    out.extend_from_slice(txnr.to_string().as_bytes());
    out.extend_from_slice(b" syslog ");
    let head = out.len();
    framing::count_octets(out, encode);
    if out.len() == head {
        out.truncate(start);
        return false;
    }
    out.push(b'\n');
    true
}

/// Puts frames together again. After an error it is of no use.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    part: Part,
    frame: Building,
}

/// What the next byte belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Txnr,
    Command,
    Length,
    Data,
    End,
}

/// The frame so far.
#[derive(Debug, Default)]
struct Building {
    txnr: Txnr,
    digits: usize,
    command: String,
    length: usize,
    data: Vec<u8>,
}

impl Decoder {
    /// The next whole frame of `bytes`, which are taken off; `None` when there is none yet.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, RelpError> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.part == Part::Data {
                let missing = self.frame.length - self.frame.data.len();
                let (data, rest) = bytes.split_at(missing.min(bytes.len()));
                self.frame.data.extend_from_slice(data);
                *bytes = rest;
                if data.len() == missing {
                    self.part = Part::End;
                }
                continue;
            }
            *bytes = rest;
            if self.step(byte)? {
                self.part = Part::Txnr;
                let Building { txnr, command, data, .. } = std::mem::take(&mut self.frame);
                return Ok(Some(Frame { txnr, command, data }));
            }
        }
        Ok(None)
    }

    /// One byte of anything but data; whether it ended the frame.
    fn step(&mut self, byte: u8) -> Result<bool, RelpError> {
        let frame = &mut self.frame;
        match (self.part, byte) {
            (Part::Txnr, b'0'..=b'9') if frame.digits < DIGITS_MAX => {
                frame.digits += 1;
                frame.txnr = frame.txnr * 10 + Txnr::from(byte - b'0');
            }
            (Part::Txnr, b' ') if frame.digits > 0 => {
                frame.digits = 0;
                self.part = Part::Command;
            }
            (Part::Command, b'a'..=b'z' | b'A'..=b'Z') if frame.command.len() < COMMAND_BYTES_MAX => {
                frame.command.push(char::from(byte));
            }
            (Part::Command, b' ') if !frame.command.is_empty() => self.part = Part::Length,
            (Part::Length, b'0'..=b'9') if frame.digits < DIGITS_MAX => {
                frame.digits += 1;
                frame.length = frame.length * 10 + usize::from(byte - b'0');
            }
            (Part::Length, b'\n') if frame.digits > 0 && frame.length == 0 => return Ok(true),
            (Part::Length, b' ') if frame.digits > 0 => {
                if frame.length > DATA_BYTES_MAX {
                    return Err(RelpError::TooLong { bytes: frame.length });
                }
                self.part = if frame.length == 0 { Part::End } else { Part::Data };
            }
            (Part::End, b'\n') => return Ok(true),
            (part, byte) => {
                let place = match part {
                    Part::Txnr => "number",
                    Part::Command => "command",
                    Part::Length => "length",
                    Part::Data | Part::End => "end",
                };
                return Err(RelpError::BadFrame { place, byte });
            }
        }
        Ok(false)
    }
}

/// The largest number.
const TXNR_MAX: Txnr = 999_999_999;
const DIGITS_MAX: usize = 9;
const COMMAND_BYTES_MAX: usize = 32;
/// Most data of a frame, in either direction, in version 1.
pub(super) const DATA_BYTES_MAX: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8], cuts: &[usize]) -> Result<Vec<Frame>, RelpError> {
        let (mut decoder, mut frames, mut rest) = (Decoder::default(), Vec::new(), bytes);
        for cut in cuts.iter().copied().chain([bytes.len()]) {
            let (mut now, later) = rest.split_at(cut.min(rest.len()));
            while let Some(frame) = decoder.next(&mut now)? {
                frames.push(frame);
            }
            rest = later;
        }
        Ok(frames)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn frames_come_out_as_they_went_in_however_they_were_cut(
            frames in prop::collection::vec((0..=TXNR_MAX, "[a-zA-Z]{1,32}", prop::collection::vec(any::<u8>(), 0..300)), 0..8),
            cuts in prop::collection::vec(0..90usize, 0..40),
        ) {
            let frames: Vec<Frame> =
                frames.into_iter().map(|(txnr, command, data)| Frame { txnr, command, data }).collect();
            let mut wire = Vec::new();
            frames.iter().for_each(|frame| put(frame.txnr, &frame.command, &frame.data, &mut wire));
            prop_assert_eq!(all(&wire, &cuts).unwrap(), frames);
        }

        #[test]
        fn how_bytes_are_cut_changes_nothing_of_what_they_mean(
            bytes in "[0-9 a-c\n]{0,60}", cuts in prop::collection::vec(0..5usize, 0..30),
        ) {
            prop_assert_eq!(all(bytes.as_bytes(), &cuts), all(bytes.as_bytes(), &[]));
        }

        #[test]
        fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _noise = all(&bytes, &[]);
        }

        #[test]
        fn a_message_of_any_length_is_counted_without_the_blank(length in 0..2000usize, txnr in 1..=TXNR_MAX) {
            let (message, mut out) = (vec![b'm'; length], b"before".to_vec());
            let is_there = put_syslog(txnr, &mut out, |out| out.extend_from_slice(&message));
            let mut expected = b"before".to_vec();
            if length > 0 {
                put(txnr, "syslog", &message, &mut expected);
            }
            prop_assert_eq!((out, is_there), (expected, length > 0));
        }
    }

    #[test]
    fn what_librelp_says_is_understood() {
        let wire = b"1 rsp 7 200 OK\n\n3 rsp 0\n0 serverclose 0\n0 serverclose 0 \n";
        let frame = |txnr, command: &str, data: &[u8]| Frame {
            txnr,
            command: command.to_owned(),
            data: data.to_vec(),
        };
        let close = frame(0, "serverclose", b"");
        assert_eq!(
            all(wire, &[]).unwrap(),
            [frame(1, "rsp", b"200 OK\n"), frame(3, "rsp", b""), close.clone(), close]
        );
    }

    #[test]
    fn a_bad_frame_is_refused_at_the_byte_that_is_wrong() {
        for (wire, place) in [
            (&b"x"[..], "number"),
            (b" rsp 0\n", "number"),
            (b"1234567890", "number"),
            (b"HTTP/1.1 400 Bad Request", "number"),
            (b"1  0\n", "command"),
            (b"1 r5p 0\n", "command"),
            (b"1 abcdefghijklmnopqrstuvwxyzabcdefg", "command"),
            (b"1 rsp \n", "length"),
            (b"1 rsp 5\n", "length"),
            (b"1 rsp -1\n", "length"),
            (b"1 rsp 6 200 OKx", "end"),
            (b"1 rsp 0 x", "end"),
        ] {
            match all(wire, &[]) {
                Err(RelpError::BadFrame { place: seen, .. }) => assert_eq!(seen, place, "{wire:?}"),
                other => assert_eq!(format!("{other:?}"), place, "{wire:?}"),
            }
        }
        assert_eq!(all(b"1 rsp 131073 ", &[]), Err(RelpError::TooLong { bytes: 131_073 }));
    }

    #[test]
    fn after_the_largest_number_comes_one() {
        assert_eq!((after(1), after(TXNR_MAX - 1), after(TXNR_MAX)), (2, TXNR_MAX, 1));
    }
}

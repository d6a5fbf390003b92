//! Where a frame ends: by its length before it, or by a line feed after it.
//!
//! ```text
//! octet counting   "17 <110>1 - - - - - -"      RFC 5425 section 4.3, RFC 6587 section 3.4.1
//! line feed        "<110>1 - - - - - -\n"       RFC 6587 section 3.4.2
//! ```

use super::Framing;

/// Appends one frame with the message in it; an empty message gives none, for a frame of length 0 does not exist.
pub fn frame_into(framing: Framing, message: &[u8], out: &mut Vec<u8>) {
    frame_with(framing, out, |out| out.extend_from_slice(message));
}

/// Appends one frame whose message `encode` appends, without a copy of it.
pub fn frame_with(framing: Framing, out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    match framing {
        Framing::OctetCounting => count_octets(out, encode),
        Framing::LineFeed => {
            encode(out);
            if out.len() > start {
                end_line(out, start);
            }
        }
    }
}

/// Appends `LENGTH SP` and the message that `encode` appends; nothing when that is empty.
pub(super) fn count_octets(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(USUAL_HEAD);
    encode(out);
    put_length(out, start);
}

/// Puts the length before the message, moving it when the number has not the usual three digits.
fn put_length(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start - USUAL_HEAD.len();
    if let 100..=999 = length {
        let digits = [length / 100, length / 10 % 10, length % 10].map(|digit| b'0' + digit as u8);
        out[start..start + digits.len()].copy_from_slice(&digits);
    } else {
        let head = if length == 0 { String::new() } else { format!("{length} ") };
        out.splice(start..start + USUAL_HEAD.len(), head.into_bytes());
    }
}

/// A line feed within the message would end the frame too soon and begin another: it becomes a blank.
fn end_line(out: &mut Vec<u8>, start: usize) {
    while let Some(at) = memchr::memchr(b'\n', &out[start..]) {
        out[start + at] = b' ';
    }
    out.push(b'\n');
}

/// Room for the length of most messages: 100 to 999 bytes.
const USUAL_HEAD: &[u8] = b"000 ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_stands_before_its_message_with_no_leading_zero() {
        for length in [1, 9, 10, 99, 100, 999, 1000, 9999, 65_536] {
            let (message, mut out) = (vec![b'm'; length], b"before".to_vec());
            frame_into(Framing::OctetCounting, &message, &mut out);
            assert_eq!(out, [b"before", format!("{length} ").as_bytes(), &message].concat());
        }
    }

    #[test]
    fn a_line_feed_ends_one_frame_and_no_other() {
        let mut out = Vec::new();
        frame_into(Framing::LineFeed, b"one\nand only", &mut out);
        frame_into(Framing::LineFeed, b"two", &mut out);
        assert_eq!(out, b"one and only\ntwo\n");
    }

    #[test]
    fn nothing_is_framed_as_nothing() {
        for framing in [Framing::OctetCounting, Framing::LineFeed] {
            let mut out = b"before".to_vec();
            frame_into(framing, b"", &mut out);
            assert_eq!(out, b"before");
        }
    }
}

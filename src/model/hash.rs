//! Hashes that go from the journal to those who check it: the chain of its lines, and what binds one frame to the next.

use super::EventId;
use std::fmt;

/// A value of the journal's hash chain: SHA-256 over the value of the line before and this line. Written as 64 hex
/// digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// Reads 64 lower-case hex digits.
    pub fn parse(hex: &[u8]) -> Option<Chain> {
        bytes_of::<64, 32>(hex.try_into().ok()?).map(Chain)
    }

    /// As 64 lower-case hex digits.
    pub fn hex(self) -> [u8; 64] {
        hex_of(self.0)
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

/// What the next frame of a destination says of the one before: which event it was, and what its frame was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// The event.
    pub id: EventId,
    /// Its kind in the words of the format: `type_uid` of OCSF.
    pub kind: u32,
    /// SHA-256 of its frame, as the format defines it.
    pub hash: Chain,
}

impl Print {
    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Print> {
        let mut parts = text.split(':');
        let (id, kind, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let print =
            Print { id: EventId::parse(id)?, kind: kind.parse().ok()?, hash: Chain::parse(hash.as_bytes())? };
        parts.next().is_none().then_some(print)
    }
}

impl fmt::Display for Print {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.id, self.kind, self.hash)
    }
}

/// Two lower-case digits for each byte.
pub(crate) fn hex_of<const BYTES: usize, const DIGITS: usize>(bytes: [u8; BYTES]) -> [u8; DIGITS] {
    let mut hex = [0; DIGITS];
    for (digits, byte) in hex.as_chunks_mut().0.iter_mut().zip(bytes) {
        *digits = HEX[usize::from(byte)];
    }
    hex
}

/// The bytes that such lower-case digits stand for.
pub(crate) fn bytes_of<const DIGITS: usize, const BYTES: usize>(hex: &[u8; DIGITS]) -> Option<[u8; BYTES]> {
    let (mut bytes, mut all) = ([0; BYTES], 0);
    for (byte, [high, low]) in bytes.iter_mut().zip(hex.as_chunks().0) {
        let (high, low) = (VALUES[usize::from(*high)], VALUES[usize::from(*low)]);
        *byte = high << 4 | low;
        all |= high | low;
    }
    (all != NO_DIGIT).then_some(bytes)
}

/// The value of a lower-case hex digit.
pub(crate) fn unhex(digit: u8) -> Option<u8> {
    Some(VALUES[usize::from(digit)]).filter(|value| *value != NO_DIGIT)
}

/// The value of each lower-case digit.
const VALUES: [u8; 256] = {
    let (mut values, mut digit) = ([NO_DIGIT; 256], 0);
    while digit < 16 {
        values[b"0123456789abcdef"[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};
/// With all bits, so that it shows among others.
const NO_DIGIT: u8 = u8::MAX;

/// The digits of each byte.
const HEX: [[u8; 2]; 256] = {
    let (mut digits, mut byte) = ([[0; 2]; 256], 0);
    while byte < digits.len() {
        digits[byte] = [b"0123456789abcdef"[byte >> 4], b"0123456789abcdef"[byte & 15]];
        byte += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let hash = Chain([0xa5; 32]);
        assert_eq!(Chain::parse(hash.to_string().as_bytes()), Some(hash));
        let print = Print { id: EventId(7), kind: 300_201, hash };
        let text = print.to_string();
        assert_eq!(Print::parse(&text), Some(print));
        for wrong in ["", &text[1..], &text.to_uppercase()[..], &format!("{text}:"), "7:1:2"] {
            assert_eq!(Print::parse(wrong), None, "{wrong}");
        }
    }
}

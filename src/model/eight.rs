//! Eight bytes at a time: they stand in one number, the first in its lowest bits, and an answer is the highest bit of each
//! byte of which it is true.

/// The number in which every byte is one.
const EACH: u64 = u64::MAX / 255;
/// The highest bit of every byte.
const HIGHEST: u64 = EACH << 7;

/// Which bytes are this one. The first is right; behind it bytes may be named that are not.
#[inline]
pub(crate) fn equal(bytes: u64, byte: u8) -> u64 {
    below(bytes ^ (EACH * u64::from(byte)), 1)
}

/// Which bytes are less than this one, 128 at most. The first is right; behind it bytes may be named that are not.
#[inline]
pub(crate) fn below(bytes: u64, limit: u8) -> u64 {
    bytes.wrapping_sub(EACH * u64::from(limit)) & !bytes & HIGHEST
}

/// Which bytes are no ASCII; all are right.
#[inline]
pub(crate) fn not_ascii(bytes: u64) -> u64 {
    bytes & HIGHEST
}

/// Which bytes are letters of ASCII; all are right.
#[inline]
pub(crate) fn letters(bytes: u64) -> u64 {
    let small = (bytes | (EACH * 0x20)) & !HIGHEST;
    let from_a = small.wrapping_add(EACH * u64::from(0x80 - b'a'));
    let behind_z = small.wrapping_add(EACH * u64::from(0x7f - b'z'));
    from_a & !behind_z & !bytes & HIGHEST
}

/// The place of the first byte of which it is true; 8 when there is none.
#[inline]
pub(crate) fn first(answer: u64) -> usize {
    answer.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_byte_is_found(bytes: [u8; 8], byte: u8, limit in 0..=128u8) {
            let word = u64::from_le_bytes(bytes);
            let place = |wanted: &dyn Fn(u8) -> bool| bytes.iter().position(|&byte| wanted(byte)).unwrap_or(8);
            prop_assert_eq!(first(equal(word, byte)), place(&|other| other == byte));
            prop_assert_eq!(first(equal(word, bytes[5])), place(&|other| other == bytes[5]));
            prop_assert_eq!(first(below(word, limit)), place(&|other| other < limit));
        }

        #[test]
        fn every_letter_is_named(bytes: [u8; 8]) {
            let named = letters(u64::from_le_bytes(bytes)).to_le_bytes();
            prop_assert_eq!(named.map(|byte| byte == 0x80), bytes.map(|byte| byte.is_ascii_alphabetic()));
            prop_assert!(named.iter().all(|byte| byte & 0x7f == 0));
        }
    }
}

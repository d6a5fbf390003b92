//! Up to eight letters of a pattern, compared with a text all at once.

/// Letters of a text, the first in the lowest byte.
#[derive(Debug)]
pub(super) struct Word {
    letters: u64,
    /// The bit that tells large from small, for each letter that has both.
    cases: u64,
    length: u32,
}

impl Word {
    pub(super) const BYTES: usize = 8;

    /// Small letters stand for both cases; what is beyond eight is left out.
    pub(super) fn of(letters: &[u8]) -> Word {
        let bytes = |of: fn(u8) -> u8| {
            let bytes = letters.iter().take(Word::BYTES).rev();
            bytes.fold(0, |word, &letter| word << 8 | u64::from(of(letter)))
        };
        Word {
            letters: bytes(|letter| letter),
            cases: bytes(|letter| if letter.is_ascii_lowercase() { b'a' ^ b'A' } else { 0 }),
            length: letters.len().clamp(1, Word::BYTES) as u32,
        }
    }

    /// Where the text goes on behind the word, if it stands there.
    #[inline]
    pub(super) fn end_in(&self, text: &[u8], at: usize) -> Option<usize> {
        let (rest, length) = (text.get(at..)?, self.length as usize);
        let there = match rest.first_chunk() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None if rest.len() < length => return None,
            None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        // What stands behind the word does not count.
        let differs = ((there | self.cases) ^ self.letters) << (64_u32.wrapping_sub(8 * self.length) & 63);
        (differs == 0).then_some(at.wrapping_add(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_stands_where_its_letters_do(
            word in "[a-c .@`{\\[]{1,8}",
            before in "[a-c]{0,3}",
            there in "[a-cA-C .@`{\\[]{0,8}",
            after in "[a-c\\x00]{0,9}",
        ) {
            for there in [there, word.to_ascii_uppercase(), word.clone(), word[1..].to_owned()] {
                let text = format!("{before}{there}{after}");
                let head = text.as_bytes()[before.len()..].get(..word.len());
                let stands = head.is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
                let end = Word::of(word.as_bytes()).end_in(text.as_bytes(), before.len());
                prop_assert_eq!(end, stands.then_some(before.len() + word.len()));
            }
        }
    }
}

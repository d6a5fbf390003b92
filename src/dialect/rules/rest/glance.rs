//! A first look: nearly every text has no word by which it could say that something failed.

use super::known::{FAILED, LACKING, NOT, WRONG};
use crate::model::eight;

/// Whether a word that may say so stands in the text, or one that begins like it. Without one,
/// [`takes_back`](super::takes_back) is false.
pub(super) fn has_a_sign(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut before = 0;
    words.iter().chain([&last]).enumerate().any(|(number, word)| {
        // A word that begins behind anything but a letter begins: more than are said in the text, never fewer.
        let letters = eight::letters(u64::from_le_bytes(*word));
        let mut starts = letters & !(letters << 8 | before);
        before = letters >> 56;
        while starts != 0 {
            if may_begin(&text[8 * number + eight::first(starts)..]) {
                return true;
            }
            starts &= starts.wrapping_sub(1);
        }
        false
    })
}

#[inline]
fn may_begin(word: &[u8]) -> bool {
    let [first, second, ..] = word else { return false };
    SECONDS[usize::from(*first)] & bit(*second) != 0 && BEGINNINGS.contains(&beginning(word))
}

/// The first four letters or digits of a word in one number, letters small.
const fn beginning(word: &[u8]) -> u32 {
    let (mut beginning, mut at) = (0, 0);
    while at < 4 && at < word.len() && word[at].is_ascii_alphanumeric() {
        beginning |= (word[at].to_ascii_lowercase() as u32) << (8 * at);
        at += 1;
    }
    beginning
}

/// The bit of a letter; bytes that are none share them.
const fn bit(byte: u8) -> u32 {
    1 << (byte & 31)
}

/// For each byte the letters that follow it where a sign begins.
const SECONDS: [u32; 256] = {
    let mut seconds = [0; 256];
    let mut at = 0;
    while at < SIGNS.len() {
        let sign = SIGNS[at].as_bytes();
        seconds[sign[0] as usize] |= bit(sign[1]);
        seconds[sign[0].to_ascii_uppercase() as usize] |= bit(sign[1]);
        at += 1;
    }
    seconds
};

/// How each sign begins.
const BEGINNINGS: [u32; SIGNS.len()] = {
    let mut beginnings = [0; SIGNS.len()];
    let mut at = 0;
    while at < SIGNS.len() {
        beginnings[at] = beginning(SIGNS[at].as_bytes());
        at += 1;
    }
    beginnings
};

/// Every word without which none of the questions of `rest.rs` is answered with yes.
const SIGNS: [&str; FAILED.len() + NOT.len() + WRONG.len() + LACKING.len() + 2] = {
    let sets: [&[&str]; 5] = [&FAILED, &NOT, &WRONG, &LACKING, &["error", "could"]];
    let mut signs = [""; FAILED.len() + NOT.len() + WRONG.len() + LACKING.len() + 2];
    let (mut count, mut set) = (0, 0);
    while set < sets.len() {
        let mut at = 0;
        while at < sets[set].len() {
            signs[count] = sets[set][at];
            (count, at) = (count + 1, at + 1);
        }
        set += 1;
    }
    signs
};

#[cfg(test)]
mod tests {
    use super::super::{a_clause_says_failed, says_failed};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sign_is_a_word_in_whatever_case() {
        for text in [
            "x: FAILED",
            "Not allowed",
            "\u{e9}no right",
            "a,error",
            "no",
            "1 could",
            "1no",
            "abcdefg no",
            "x failing",
        ] {
            assert!(has_a_sign(text.as_bytes()), "{text}");
        }
        for text in ["", "piano", "annot", "node", "refine", "from 10.2.3.4", "terror", "\u{e9}\u{e9}"] {
            assert!(!has_a_sign(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn without_a_sign_nothing_is_taken_back(
            words in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(SIGNS.to_vec()).prop_map(str::to_owned),
                    prop::sample::select(vec!["was", "the", "permitted", "password", "right", "to"])
                        .prop_map(str::to_owned),
                    "[ :;,.=()\\[\\]\n\u{e9}-]{1,3}",
                ],
                0..12,
            ),
            upper in any::<bool>(),
        ) {
            let text = words.join(" ");
            let text = if upper { text.to_uppercase() } else { text };
            if says_failed(&text) || a_clause_says_failed(&text) {
                prop_assert!(has_a_sign(text.as_bytes()), "{text}");
            }
        }
    }
}

//! The end of every line: a checksum against accidents, a hash chain against hands.
//!
//! ```text
//! {"seq":7, ... "raw":{...},"sum":"8c0e9e2b","chain":"5f0c ... 64 hex digits"}
//! └──────── body ─────────┘
//! chain = SHA-256(chain value of the line before, 32 bytes ‖ body)
//! sum   = CRC-32C(body ‖ the 64 hex digits of chain)
//! ```
//!
//! The sum finds torn lines and bit rot at the cost of one pass; the chain finds a line that was changed,
//! moved or removed, since every later value depends on it. Whoever may write the folder can compute both anew:
//! the chain proves something only against a value that left the machine.

use crate::model::{hex_of, unhex};
use sha2::{Digest, Sha256};

pub(super) use crate::model::Chain;

/// The value of the line with this body that follows the line with value `before`.
fn next(before: Chain, body: &[u8]) -> Chain {
    Chain(Sha256::new().chain_update(before.0).chain_update(body).finalize().into())
}

/// Ends the line that begins at `start` of `out` and is complete but for its closing brace.
/// Returns the chain value after it.
pub(super) fn finish(out: &mut Vec<u8>, start: usize, before: Chain) -> Chain {
    let chain = next(before, &out[start..]);
    let hex = chain.hex();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&out[start..]), &hex);
    let mut tail = [0; TAIL_BYTES + 1];
    let mut at = 0;
    for part in [SUM, &hex_of::<4, 8>(sum.to_be_bytes()), CHAIN, &hex, b"\"}\n"] {
        tail[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    out.extend_from_slice(&tail);
    chain
}

/// A line whose checksum holds: its body without the closing brace, and its chain value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<'a> {
    /// The line up to `,"sum"`.
    pub body: &'a [u8],
    /// The chain value it ends in.
    pub chain: Chain,
}

impl Whole<'_> {
    /// Whether this line is the one that followed the line with value `before`.
    pub(super) fn follows(&self, before: Chain) -> bool {
        next(before, self.body) == self.chain
    }
}

/// Checks the form and the checksum of a line without its line feed.
pub(super) fn check(line: &[u8]) -> Option<Whole<'_>> {
    let (body, tail) = line.split_at_checked(line.len().checked_sub(TAIL_BYTES)?)?;
    let sum = tail.strip_prefix(SUM)?;
    let (sum, rest) = sum.split_at(8);
    let hex = rest.strip_prefix(CHAIN)?.strip_suffix(b"\"}")?;
    let chain = Chain::parse(hex)?;
    let expected = sum.iter().try_fold(0u32, |value, &digit| Some(value << 4 | u32::from(unhex(digit)?)))?;
    let found = crc32c::crc32c_append(crc32c::crc32c(body), hex);
    (found == expected).then_some(Whole { body, chain })
}

/// The body of a line without its line feed, if its checksum holds: `check` for whoever needs no chain value yet.
pub(super) fn body(line: &[u8]) -> Option<&[u8]> {
    let (body, tail) = line.split_at_checked(line.len().checked_sub(TAIL_BYTES)?)?;
    let (sum, rest) = tail.strip_prefix(SUM)?.split_at_checked(8)?;
    let hex = rest.strip_prefix(CHAIN)?.strip_suffix(b"\"}")?;
    let expected = sum.iter().try_fold(0u32, |value, &digit| Some(value << 4 | u32::from(unhex(digit)?)))?;
    (crc32c::crc32c_append(crc32c::crc32c(body), hex) == expected).then_some(body)
}

/// The chain value of such a line, whose body has so many bytes.
pub(super) fn chain_behind(body_bytes: usize, line: &[u8]) -> Option<Chain> {
    let hex = line.get(body_bytes + SUM.len() + 8 + CHAIN.len()..)?;
    Chain::parse(hex.get(..64)?)
}

const SUM: &[u8] = b",\"sum\":\"";
const CHAIN: &[u8] = b"\",\"chain\":\"";
/// From `,"sum"` to the closing brace.
const TAIL_BYTES: usize = SUM.len() + 8 + CHAIN.len() + 64 + 2;
/// What a line has behind its body, the line feed with it.
pub(super) const LINE_END_BYTES: u64 = TAIL_BYTES as u64 + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_line_is_whole_and_follows_the_one_before() {
        let before = Chain([7; 32]);
        let mut out = b"{\"seq\":1".to_vec();
        let after = finish(&mut out, 0, before);
        let whole = check(out.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!(whole.body, b"{\"seq\":1");
        assert_eq!(whole.chain, after);
        assert_eq!(body(out.strip_suffix(b"\n").unwrap()), Some(whole.body));
        assert_eq!(chain_behind(whole.body.len(), &out), Some(after));
        assert!(whole.follows(before));
        assert!(!whole.follows(Chain::default()));
        assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let mut out = b"{\"seq\":1,\"message\":\"User admin logged in\"".to_vec();
        finish(&mut out, 0, Chain::default());
        let line = out.strip_suffix(b"\n").unwrap();
        for bit in 0..line.len() * 8 {
            let mut flipped = line.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(check(&flipped).is_none() && body(&flipped).is_none(), "bit {bit}");
        }
        for cut in 0..line.len() {
            assert!(check(&line[..cut]).is_none() && body(&line[..cut]).is_none(), "cut at {cut}");
        }
    }
}

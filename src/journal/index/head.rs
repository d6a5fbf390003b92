//! What every line begins with: its seq, id and times, read without a look at each byte.
//!
//! ```text
//! {"seq":7,"id":"7f31c0 ... 32 digits","time":"2024-02-29T09:11:02.118Z","seen":"2024-02-29T09:11:05.000Z","class": ...
//! ```

use crate::model::Seq;

/// What of a record the facts of its frame are made from.
pub(super) struct Seen<'a> {
    pub seq: Seq,
    /// As it stands there, without quotes.
    pub time: &'a [u8],
    /// The first 24 bits of its id.
    pub id: u32,
}

/// What a line of ours begins with, each at its place, and where the next field is; `None` where it is written otherwise.
pub(super) fn head(body: &[u8]) -> Option<(Seen<'_>, usize)> {
    let begin = b"{\"seq\":".len();
    let digits = body.get(begin..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = begin + digits;
    let rest: &[u8; HEAD_BYTES] = body.get(end..)?.first_chunk()?;
    let (id, rest) = string::<32>(rest.strip_prefix(b",\"id\":")?)?;
    let (time, rest) = string::<TIME_BYTES>(rest.strip_prefix(b",\"time\":")?)?;
    let (_, rest) = string::<TIME_BYTES>(rest.strip_prefix(b",\"seen\":")?)?;
    (rest == b",").then_some(())?;
    Some((Seen { seq: Seq(number(&body[begin..end])?), time, id: id_prefix(id)? }, end + HEAD_BYTES))
}

/// The string of so many bytes, without escapes, that stands there in quotes, and what is behind it.
#[inline]
fn string<const BYTES: usize>(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, rest) = json.strip_prefix(b"\"")?.split_first_chunk::<BYTES>()?;
    // Without a branch for each byte: sixteen are looked at in one go.
    let ends = inside.iter().fold(false, |found, byte| found | matches!(byte, b'"' | b'\\'));
    Some((inside, rest.strip_prefix(b"\"").filter(|_| !ends)?))
}

/// A number in decimal.
pub(super) fn number(json: &[u8]) -> Option<u64> {
    let digit = |number: u64, &byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    };
    json.iter().try_fold(0, digit)
}

/// The first 24 bits of an id.
pub(super) fn id_prefix(id: &[u8]) -> Option<u32> {
    let digit = |bits: u32, &digit: &u8| Some(bits << 4 | char::from(digit).to_digit(16)?);
    id.get(..ID_DIGITS)?.iter().try_fold(0, digit)
}

/// What stands in the quotes of a string without escapes.
pub(super) fn inside(json: &[u8]) -> Option<&[u8]> {
    let inside = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    memchr::memchr2(b'"', b'\\', inside).is_none().then_some(inside)
}

/// `2024-02-29T09:11:02.000Z`.
pub(super) const TIME_BYTES: usize = 24;
/// From the comma behind the seq to the one behind `seen`.
const HEAD_BYTES: usize = 6 + 34 + 8 + 26 + 8 + 26 + 1;
/// Digits of an id that the index keeps.
pub(super) const ID_DIGITS: usize = 6;

//! A log that comes in pieces, in a language that nobody has told: every byte is accounted for.

#![allow(
    unreachable_pub,
    clippy::panic,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "a test fails by panicking, and the fuzz targets take this file as it is"
)]

use crate::properties::{bytes_of, lost, somewhere};
use otrail::collect::{Cutter, Reading};
use otrail::dialect::{Context, End, Masks};
use std::ops::Range;

/// Reads the log in some pieces, some of which the log rests after.
pub fn auto(log: &[u8]) {
    let places = somewhere(log);
    let limit = if places[0].is_multiple_of(4) { 64 } else { 1 << 20 };
    let rest = |place: &usize| if place.is_multiple_of(3) { End::Settled } else { End::Open };
    let mut ends: Vec<(usize, End)> =
        places.iter().map(|place| (place % (log.len() + 1), rest(place))).collect();
    ends.sort_unstable_by_key(|&(end, _)| end);
    in_pieces(log, &ends, limit);
}

/// Reads the log in pieces that end there, with entries of at most so many bytes.
pub fn in_pieces(log: &[u8], ends: &[(usize, End)], limit: usize) {
    let (mut cutter, mut pieces, mut from) = (Cutter::new(None), Vec::new(), 0);
    for &(end, end_of) in ends.iter().chain([&(log.len(), End::Final)]) {
        piece(&mut cutter, &log[from..end], end_of, limit, &mut pieces);
        from = end;
    }
    assert_eq!(cutter.offset(), log.len() as u64, "all is read");
    nothing_is_lost(log, &pieces);
}

/// An entry as it was cut out.
struct Piece {
    text: Vec<u8>,
    truncated: bool,
    end: usize,
}

fn piece(cutter: &mut Cutter, bytes: &[u8], end: End, limit: usize, pieces: &mut Vec<Piece>) {
    let filled = cutter.fill(bytes.len(), |place| {
        place.copy_from_slice(bytes);
        Ok(bytes.len())
    });
    assert_eq!(filled.unwrap(), bytes.len());
    let (context, masks) = (Context::example(), Masks::default());
    let reading = Reading { context: &context, masks: &masks, line_bytes_max: limit };
    cutter.cut(end, reading, |parsed, cut| {
        assert_eq!(bytes_of(&parsed.event), cut.text, "{} {cut:?}", cut.dialect.name);
        let end = usize::try_from(cut.end).unwrap();
        pieces.push(Piece { text: cut.text.to_vec(), truncated: cut.truncated, end });
    });
}

/// Between the entries is nothing but structure of one dialect or another.
fn nothing_is_lost(log: &[u8], pieces: &[Piece]) {
    let (mut from, mut rest) = (0, Vec::new());
    for piece in pieces {
        let bytes = &log[from..piece.end];
        let Range { start, end } = place_of(piece, bytes);
        rest.push(&bytes[..start]);
        rest.push(&bytes[end..]);
        from = piece.end;
    }
    rest.push(&log[from..]);
    for rest in rest {
        let lost = lost(&["timeline-csv", "timeline-json"], rest);
        assert_eq!(lost, None, "\"{}\" of \"{}\"", rest.escape_ascii(), log.escape_ascii());
    }
}

/// Where in `bytes`, that end with it, an entry stands; of one over the limit nothing behind its beginning counts.
fn place_of(piece: &Piece, bytes: &[u8]) -> Range<usize> {
    let mut starts = bytes.windows(piece.text.len().max(1));
    let found = if piece.truncated {
        starts.position(|text| text == piece.text)
    } else {
        starts.rposition(|text| text == piece.text)
    };
    let start = found.unwrap_or_else(|| panic!("\"{}\" is not in the log", piece.text.escape_ascii()));
    start..if piece.truncated { bytes.len() } else { start + piece.text.len() }
}

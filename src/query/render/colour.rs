//! Colours by severity and outcome.

use crate::model::{Event, Outcome};

/// The colour of journalctl for the syslog severity; what failed is at least yellow.
pub(super) fn of(event: &Event) -> Option<&'static [u8]> {
    match (event.severity.syslog(), event.outcome) {
        (..=3, _) => Some(b"\x1b[1;31m"),
        (4, _) | (_, Outcome::Failure) => Some(b"\x1b[33m"),
        (5, _) => Some(b"\x1b[1m"),
        _ => None,
    }
}

/// Appends what `write` writes, in that colour.
pub(super) fn over(colour: Option<&'static [u8]>, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(colour.unwrap_or_default());
    write(out);
    if colour.is_some() {
        out.extend_from_slice(b"\x1b[0m");
    }
}

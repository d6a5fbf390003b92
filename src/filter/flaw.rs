//! What is wrong with a value, and where in it.

use std::ops::Range;

/// Why a value is none, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) way_out: String,
    /// Bytes of the value; `None` is all of it.
    pub(super) place: Option<Range<usize>>,
}

impl Flaw {
    pub(super) fn at(place: Range<usize>, way_out: impl Into<String>) -> Flaw {
        Flaw { way_out: way_out.into(), place: Some(place) }
    }

    /// The same flaw of a value that is a part of another, `from` bytes from its start.
    pub(super) fn inside(mut self, whole: Range<usize>, from: Option<usize>) -> Flaw {
        let shifted = self.place.zip(from).map(|(place, from)| place.start + from..place.end + from);
        self.place = Some(shifted.unwrap_or(whole));
        self
    }
}

impl From<String> for Flaw {
    fn from(way_out: String) -> Flaw {
        Flaw { way_out, place: None }
    }
}

impl From<&str> for Flaw {
    fn from(way_out: &str) -> Flaw {
        Flaw::from(way_out.to_owned())
    }
}

//! `auto`: which dialect a file is in, and whether it has changed its mind.
//!
//! ```text
//! at first       the first of the table that speaks the language of the first lines
//! a foreign one  an entry that says nothing in the present dialect: the file goes on in another that understands it
//! weak claims    names and values, or text with a time, are also found in the garbage of other logs: such a dialect
//!                takes over only after several foreign entries, and gives way to any other at its first entry
//! ```
//!
//! Invariant: a dialect that panics at what it is shown does not speak that language, and costs no other its turn.
//! Not here: how many foreign entries are several (`collect`).

use super::{Claim, Context, DIALECTS, Dialect, End, Parsed, State};
use crate::model::Flag;
use crate::model::guard::guard;
use std::panic::AssertUnwindSafe;

/// The dialect of a file whose first bytes are `head`; `None` while there is no telling.
pub fn detect(head: &[u8]) -> Option<&'static Dialect> {
    // Bytes are looked at, and nothing is changed.
    DIALECTS.iter().find(|dialect| guard(AssertUnwindSafe(|| (dialect.speaks)(head))).unwrap_or(false))
}

/// The dialect other than `present`, of no weaker claim than `weakest`, that understands the entry at the head of
/// `rest`.
pub fn rival(
    present: &Dialect,
    weakest: Claim,
    state: &State,
    rest: &[u8],
    context: &Context<'_>,
) -> Option<&'static Dialect> {
    let others = DIALECTS.iter().filter(|other| other.name != present.name && other.claim <= weakest);
    let takes = |dialect: &Dialect| {
        let may = dialect.claim == Claim::Text || (dialect.knows)(state) || (dialect.speaks)(rest);
        may && understands(dialect, state.changed(dialect, state.at_head), rest, context)
    };
    // It works on a state of its own; what the rules remember is not used again after a panic.
    others.into_iter().find(|dialect| guard(AssertUnwindSafe(|| takes(dialect))).unwrap_or(false))
}

/// Whether the first thing in `rest` is an entry that says something, or says how to read on.
fn understands(dialect: &Dialect, mut state: State, rest: &[u8], context: &Context<'_>) -> bool {
    let mut entries = Vec::new();
    (dialect.split)(&mut state, rest, End::Final, &mut entries);
    let first = entries.first().filter(|entry| entry.text.start == 0);
    first.map_or(state.anchored, |entry| {
        !(dialect.parse)(&state, context, &rest[entry.text.clone()]).is_foreign()
    })
}

impl Parsed {
    /// Whether nothing of the entry was understood: neither a time nor a type nor its wording.
    pub fn is_foreign(&self) -> bool {
        let flags = self.event.flags;
        flags.contains(Flag::UNPARSED) && flags.contains(Flag::TIME_ASSUMED) && self.event.kind.is_empty()
    }
}

//! `auto`: which dialect a file is in, and whether it has changed its mind.
//!
//! A file is in the first dialect of the table that speaks the language of its first lines. When an entry says
//! nothing in that dialect and something in another one, the file goes on in that one from there.

use super::{Context, DIALECTS, Dialect, End, Parsed, State, timeline_csv};
use crate::model::Flag;

/// The dialect of a file whose first bytes are `head`; `None` while there is no telling.
pub fn detect(head: &[u8]) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|dialect| (dialect.speaks)(head))
}

/// The dialect other than `present` that understands the entry at the head of `rest`.
pub fn rival(
    present: &Dialect,
    state: &State,
    rest: &[u8],
    context: &Context<'_>,
) -> Option<&'static Dialect> {
    let others = DIALECTS.iter().filter(|dialect| dialect.name != present.name);
    others.into_iter().find(|dialect| {
        let known = dialect.name == timeline_csv::DIALECT.name && state.table.is_some();
        (known || (dialect.speaks)(rest)) && understands(dialect, state.changed(state.at_head), rest, context)
    })
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

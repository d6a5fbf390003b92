//! A computation over one piece of outside input that panics costs its result, and nothing else.
//!
//! ```text
//! guard(work) ─ panics ─▶ hook of `agent::defect`: "is it guarded?" `seen` ─ yes ─▶ Err(Panicked: where)
//!                                                                          └ no ──▶ the process ends
//! ```
//!
//! No code here is meant to panic: this is for the defect that nobody has found yet. Whoever calls `guard` says why
//! nothing that the work had in its hands is used afterwards in the state in which the panic has left it.
//!
//! Invariant: what a panic says never leaves here, for it may quote the input; where it was does.
//! Not here: what an unguarded panic does (`agent`).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{Location, UnwindSafe, catch_unwind};

/// Where a guarded computation has panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked(Box<str>);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

thread_local! {
    /// How many guards are around what this thread does.
    static GUARDS: Cell<usize> = const { Cell::new(0) };
    /// Where the last guarded panic was.
    static PLACE: RefCell<Option<Box<str>>> = const { RefCell::new(None) };
}

/// Does the work, or says where it panicked.
pub fn guard<T>(work: impl FnOnce() -> T + UnwindSafe) -> Result<T, Panicked> {
    GUARDS.set(GUARDS.get() + 1);
    let done = catch_unwind(work);
    GUARDS.set(GUARDS.get() - 1);
    done.map_err(|_| Panicked(PLACE.take().unwrap_or_else(|| "a place that is not known".into())))
}

/// For the panic hook, on the thread that panics: whether somebody has guarded what it does. Then the place is kept.
pub fn seen(place: Option<&Location<'_>>) -> bool {
    let is_guarded = GUARDS.get() > 0;
    if is_guarded {
        PLACE.set(place.map(|place| place.to_string().into()));
    }
    is_guarded
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::resume_unwind;

    /// As a panic does, but for the hook, which is the process's and no test's to change.
    fn panics(place: &Location<'_>) {
        assert!(seen(Some(place)));
        resume_unwind(Box::new("what the entry says"));
    }

    #[test]
    fn what_does_not_panic_is_returned_and_what_does_is_placed_without_its_words() {
        let here = Location::caller();
        assert_eq!(guard(|| 7), Ok(7));
        let panicked = guard(|| panics(here)).unwrap_err();
        assert_eq!(panicked.to_string(), here.to_string());
        assert!(!format!("{panicked:?}").contains("entry"));
    }

    #[test]
    fn a_thread_is_guarded_within_and_no_longer_after() {
        let here = Location::caller();
        assert!(!seen(Some(here)));
        let inner = guard(|| {
            assert!(guard(|| panics(here)).is_err());
            seen(Some(here))
        });
        assert_eq!(inner, Ok(true), "the outer guard still counts");
        assert!(!seen(Some(here)));
    }

    #[test]
    fn a_place_is_not_taken_for_that_of_another_panic() {
        assert!(guard(|| panics(Location::caller())).is_err());
        let unplaced = guard(|| resume_unwind(Box::new(()))).unwrap_err();
        assert_eq!(unplaced.to_string(), "a place that is not known");
    }
}

//! A part of one answer, worked out where it may block.
//!
//! Invariant: what panics there costs its own answer: the asker hears of it, and the agent goes on.

use crate::model::guard::guard;
use std::panic::AssertUnwindSafe;
use tokio::task::spawn_blocking;

/// Does it; else a sentence for the asker about `what` it was.
///
/// The work only reads: the journal's folder by itself, and what it shares with others, as the index in memory and the
/// states of the rooms, under locks behind which it changes nothing. All else is its own and goes with it. What changes
/// anything, as the event about a question does, is not for this.
pub(super) async fn apart<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let done = spawn_blocking(move || guard(AssertUnwindSafe(work)));
    match done.await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(panicked)) => {
            tracing::error!(
                "{what} broke down, by a defect of otrail; please report it: a panic at {panicked}"
            );
            Err(format!("{what} broke down, by a defect of otrail: see the log of the agent, and report it"))
        }
        // Cancelled: the agent ends.
        Err(_) => Err(format!("{what} was broken off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_panics_costs_its_own_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let panics =
            |word: &'static str| move || if word == "secret" { panic!("{word}") } else { word.len() };
        let said = runtime.block_on(apart("the search", panics("secret"))).unwrap_err();
        assert!(said.starts_with("the search broke down") && !said.contains("secret"), "{said}");
        assert_eq!(runtime.block_on(apart("the search", panics("alice"))), Ok(5));
    }
}

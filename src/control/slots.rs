//! How many connections there are: so many in all, so many for each user.

use super::Limits;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections; a `Slot` gives its place back when it is dropped.
#[derive(Clone, Default)]
pub(super) struct Slots(Arc<Mutex<HashMap<u32, usize>>>);

/// The place of one connection.
pub(super) struct Slot {
    slots: Slots,
    uid: u32,
}

impl Slots {
    /// A place for a connection of that user; the error is a sentence for the client.
    pub(super) fn take(&self, uid: u32, limits: &Limits) -> Result<Slot, String> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.values().sum::<usize>() >= limits.connections {
            return Err(format!("there are {} connections already; try again later", limits.connections));
        }
        let count = counts.entry(uid).or_default();
        if *count >= limits.connections_per_uid {
            return Err(format!("uid {uid} has {count} connections already; close one"));
        }
        *count += 1;
        Ok(Slot { slots: self.clone(), uid })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_connection_is_gone() {
        let limits = Limits { connections: 3, connections_per_uid: 2, ..Limits::default() };
        let slots = Slots::default();
        let (first, _second) = (slots.take(1, &limits).ok().unwrap(), slots.take(1, &limits).ok().unwrap());
        assert_eq!(slots.take(1, &limits).err().unwrap(), "uid 1 has 2 connections already; close one");
        let _third = slots.take(2, &limits).ok().unwrap();
        assert_eq!(slots.take(3, &limits).err().unwrap(), "there are 3 connections already; try again later");
        drop(first);
        assert!(slots.take(3, &limits).is_ok());
    }
}

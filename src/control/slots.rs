//! How many connections there are: so many in all, so many for each user.
//!
//! Who follows the trail stays for long, and has places of that kind: they leave those of short questions to the same user,
//! such as `otrail status`.

use super::Limits;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts connections; a `Slot` gives its place back when it is dropped.
#[derive(Clone, Default)]
pub(super) struct Slots(Arc<Mutex<HashMap<u32, Counts>>>);

/// The connections of one user.
#[derive(Default)]
struct Counts {
    /// Those that follow the trail, and all others.
    followers: usize,
    others: usize,
}

/// The place of one connection.
pub(super) struct Slot {
    slots: Slots,
    uid: u32,
    follows: bool,
}

impl Slots {
    /// A place for a connection of that user; the error is a sentence for the client.
    pub(super) fn take(&self, uid: u32, limits: &Limits) -> Result<Slot, String> {
        let mut counts = self.counts();
        let all: usize = counts.values().map(|counts| counts.followers + counts.others).sum();
        if all >= limits.connections {
            return Err(format!("there are {} connections already; try again later", limits.connections));
        }
        let count = &mut counts.entry(uid).or_default().others;
        if *count >= limits.connections_per_uid {
            return Err(format!("uid {uid} has {count} connections already; close one"));
        }
        *count += 1;
        Ok(Slot { slots: self.clone(), uid, follows: false })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<u32, Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// It is the place of a follower from now on; the error is a sentence for the client.
    pub(super) fn follow(&mut self, limits: &Limits) -> Result<(), String> {
        let uid = self.uid;
        let mut counts = self.slots.counts();
        let of_user = counts.entry(uid).or_default();
        if of_user.followers >= limits.connections_per_uid {
            return Err(format!("uid {uid} follows the trail {} times already; end one", of_user.followers));
        }
        of_user.followers += 1;
        of_user.others -= 1;
        self.follows = true;
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.slots.counts();
        let Some(of_user) = counts.get_mut(&self.uid) else { return };
        *(if self.follows { &mut of_user.followers } else { &mut of_user.others }) -= 1;
        if of_user.followers + of_user.others == 0 {
            counts.remove(&self.uid);
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

    #[test]
    fn followers_leave_places_to_other_questions_of_the_same_user() {
        let limits = Limits { connections: 5, connections_per_uid: 2, ..Limits::default() };
        let slots = Slots::default();
        let mut held: Vec<Slot> = (0..2)
            .map(|_| {
                let mut slot = slots.take(1, &limits).ok().unwrap();
                slot.follow(&limits).unwrap();
                slot
            })
            .collect();
        held.extend((0..2).map(|_| slots.take(1, &limits).ok().unwrap()));
        assert_eq!(slots.take(1, &limits).err().unwrap(), "uid 1 has 2 connections already; close one");
        let refused = held[3].follow(&limits).unwrap_err();
        assert_eq!(refused, "uid 1 follows the trail 2 times already; end one");
        let _other = slots.take(2, &limits).ok().unwrap();
        assert!(slots.take(3, &limits).is_err(), "all count as connections");
        held.remove(0);
        held[2].follow(&limits).unwrap();
        drop(held);
        assert_eq!(slots.counts().len(), 1);
    }
}

//! The events that asking leaves behind: reading the trail is a user operation.

use super::Peer;
use super::protocol::Ask;
use crate::filter::Filter;
use crate::model::act::Asker;
use crate::model::{Action, Event, Outcome, Target, Text, Time};

/// A query that is being answered, for its events.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    peer: Peer,
    claimed: Option<String>,
    what: String,
    /// Nothing was shown but how many there are.
    is_count: bool,
}

impl Asked {
    pub(super) fn new(peer: &Peer, ask: &Ask, filter: &Filter) -> Asked {
        let mut what: Vec<String> = filter.words().map(|(name, value)| format!("{name}={value}")).collect();
        what.extend(ask.limit.map(|limit| format!("lines={limit}")));
        what.extend(ask.by.as_ref().map(|by| format!("by={by}")));
        let what = if what.is_empty() { "everything".to_owned() } else { what.join(" ") };
        Asked {
            peer: peer.clone(),
            claimed: ask.claimed.clone(),
            what: cut(&what, WHAT_BYTES_MAX),
            is_count: ask.count || ask.by.is_some(),
        }
    }

    /// Someone follows the trail from now on.
    pub(super) fn began(&self, now: Time) -> Event {
        self.event(now, Outcome::Success, format!("{} follows the trail: {}", self.who(), self.what))
    }

    /// Someone was given so many rows, `incomplete` or not.
    pub(super) fn ended(&self, now: Time, rows: u64, incomplete: &str) -> Event {
        let did = if self.is_count { "counted" } else { "read" };
        let message = format!("{} {did} {rows} records of the trail: {}", self.who(), self.what);
        let mut event = self.event(now, Outcome::Success, message);
        event.count = Some(rows);
        event.reason = (!incomplete.is_empty()).then(|| incomplete.into());
        event
    }

    /// Someone asked, and the journal could not be read.
    pub(super) fn failed(&self, now: Time, why: &str) -> Event {
        let message = format!("{} asked for {}, in vain", self.who(), self.what);
        let mut event = self.event(now, Outcome::Failure, message);
        event.count = Some(0);
        event.reason = Some(why.into());
        event
    }

    fn who(&self) -> String {
        who(&self.peer, self.claimed.as_deref())
    }

    fn event(&self, now: Time, outcome: Outcome, message: String) -> Event {
        let target = Target { kind: "trail".into(), name: Some(self.what.as_str().into()), id: None };
        Event {
            user: Some(user(&self.peer)),
            target: Some(Box::new(target)),
            ..Event::own(Action::QUERY, outcome, now, message)
        }
    }
}

/// Someone may not ask, or may not do more than that.
pub(super) fn denied(peer: &Peer, refusal: &str, now: Time) -> Event {
    Event {
        user: Some(user(peer)),
        target: Some(Box::new(Target { kind: "trail".into(), name: None, id: None })),
        ..Event::own(Action::QUERY_DENIED, Outcome::Failure, now, refusal)
    }
}

/// Who has something done, for the event about it.
pub(super) fn asker(peer: &Peer, claimed: Option<&str>) -> Asker {
    Asker { who: who(peer, claimed), user: user(peer) }
}

fn who(peer: &Peer, claimed: Option<&str>) -> String {
    match claimed {
        Some(claimed) => format!("{peer}, by its own word {} before sudo,", cut(claimed, NAME_BYTES_MAX)),
        None => peer.to_string(),
    }
}

/// The name for the field `user`; a user without one is named by number.
fn user(peer: &Peer) -> Text {
    peer.name.as_deref().map_or_else(|| format!("uid {}", peer.uid).into(), Text::from)
}

/// At most so many bytes, with a mark where some are missing.
fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = (0..=bytes_max).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
    format!("{}…", &text[..end])
}

/// A request may be 64 KiB, its event should fit into a frame.
const WHAT_BYTES_MAX: usize = 1024;
const NAME_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Clock;

    fn asked(claimed: Option<&str>, user: &str) -> Asked {
        let peer = Peer { uid: 0, gid: 0, groups: vec![], pid: Some(7), name: Some("root".to_owned()) };
        let ask = Ask { limit: Some(50), claimed: claimed.map(str::to_owned), ..Ask::default() };
        let filter = Filter::parse([("user", user)], &Clock::utc(Time::default())).unwrap();
        Asked::new(&peer, &ask, &filter)
    }

    #[test]
    fn the_event_says_who_asked_for_what_and_got_how_much() {
        let event = asked(None, "alice").ended(Time::default(), 12, "");
        assert_eq!(event.message, "root (uid 0, pid 7) read 12 records of the trail: user=alice lines=50");
        assert_eq!((event.user.as_deref(), event.count, event.reason), (Some("root"), Some(12), None));
    }

    #[test]
    fn a_name_from_before_sudo_is_told_as_a_claim() {
        let event = asked(Some("bob"), "alice").began(Time::default());
        assert_eq!(
            event.message,
            "root (uid 0, pid 7), by its own word bob before sudo, follows the trail: user=alice lines=50"
        );
        assert_eq!(event.user.as_deref(), Some("root"));
    }

    #[test]
    fn a_long_query_leaves_a_short_event() {
        let event = asked(Some(&"ü".repeat(9_999)), &"ä".repeat(9_999)).ended(Time::default(), 0, "");
        assert!(event.message.len() < 1_500 && event.message.contains('…'));
    }
}

//! What the words of a filter are read against: they may say `yesterday`, but a filter asks no clock.

use crate::model::Time;
use jiff::tz::TimeZone;

/// Now, here.
#[derive(Debug, Clone)]
pub struct Clock {
    /// What `now` means.
    pub now: Time,
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// Finds a zone such as `Europe/Berlin`; the database of zones is outside of this room.
    pub named: fn(&str) -> Option<TimeZone>,
    /// What `boot` means, where that is known.
    pub boot: Option<Time>,
}

impl Clock {
    /// A clock that knows no zones by name but UTC, and no start of the machine.
    pub fn new(now: Time, zone: TimeZone) -> Clock {
        Clock { now, zone, named: |_| None, boot: None }
    }

    /// The same, in UTC.
    pub fn utc(now: Time) -> Clock {
        Clock::new(now, TimeZone::UTC)
    }
}

//! A context to try a dialect with.

use super::{Context, Habits, Rules};
use crate::model::{Class, Text, Time};
use jiff::tz::TimeZone;
use std::sync::LazyLock;

impl Context<'static> {
    /// What tests and benches read entries with, as far as it does not matter to them: sensor `plant-a`, source `timeline`,
    /// read on 2024-02-29 at 09:46:40, UTC, with the rules that come with otrail.
    pub fn example() -> Context<'static> {
        static SENSOR: Text = Text::const_new("plant-a");
        static SOURCE: Text = Text::const_new("timeline");
        static UTC: TimeZone = TimeZone::UTC;
        static RULES: LazyLock<Rules> = LazyLock::new(Rules::embedded);
        static HABITS: LazyLock<Habits> = LazyLock::new(Habits::default);
        Context {
            sensor: &SENSOR,
            source: &SOURCE,
            seen: Time::from_millis(1_709_200_000_000).unwrap_or_default(),
            zone: &UTC,
            rules: &RULES,
            user_login: Class::UserOperation,
            habits: &HABITS,
        }
    }
}

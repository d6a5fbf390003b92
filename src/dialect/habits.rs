//! What the config says about how a source writes and is read: what no entry says by itself.

use super::fields::Fields;

/// How a source writes, and how it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habits {
    /// Whether `03/04/2024` is 3 April; `None` when nobody said.
    pub day_first: Option<bool>,
    /// Which field of an entry means what.
    pub fields: Fields,
    /// Longest field of an event but for its message.
    pub field_bytes_max: usize,
}

impl Default for Habits {
    fn default() -> Habits {
        Habits { day_first: None, fields: Fields::default(), field_bytes_max: 4 << 10 }
    }
}

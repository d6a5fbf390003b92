//! What the config says about how a source writes: what no entry says by itself.

use super::fields::Fields;

/// How a source writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Habits {
    /// Whether `03/04/2024` is 3 April; `None` when nobody said.
    pub day_first: Option<bool>,
    /// Which field of an entry means what.
    pub fields: Fields,
}

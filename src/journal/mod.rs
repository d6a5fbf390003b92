//! Room journal.

mod settings;

pub use settings::*;

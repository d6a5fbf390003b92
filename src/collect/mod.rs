//! Room collect.

mod settings;

pub use settings::*;

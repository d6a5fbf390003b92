//! Room control.

mod settings;

pub use settings::*;

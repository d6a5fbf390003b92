//! Room net.

mod settings;

pub use settings::*;

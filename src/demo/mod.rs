//! Room demo.

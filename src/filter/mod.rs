//! Room filter.

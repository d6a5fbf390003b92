//! Any bytes as a log in `key-value`.

#![no_main]

libfuzzer_sys::fuzz_target!(|log: &[u8]| otrail_fuzz::dialect("key-value", log));

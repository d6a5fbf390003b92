//! Any bytes as a log in `lines`.

#![no_main]

libfuzzer_sys::fuzz_target!(|log: &[u8]| otrail_fuzz::dialect("lines", log));

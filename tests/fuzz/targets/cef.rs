//! Any bytes as a log in `cef`.

#![no_main]

libfuzzer_sys::fuzz_target!(|log: &[u8]| otrail_fuzz::dialect("cef", log));

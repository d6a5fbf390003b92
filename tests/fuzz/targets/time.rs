//! Any text as a time.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| otrail_fuzz::time(input));

//! Any text as the pattern of a mask, and any bytes as an entry.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| otrail_fuzz::masks(input));

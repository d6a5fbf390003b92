//! Any text as a rule file, and any text read by it.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| otrail_fuzz::rules(input));

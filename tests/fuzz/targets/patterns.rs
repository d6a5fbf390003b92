//! Any text as the pattern of a rule, and any text that it looks at.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| otrail_fuzz::patterns(input));

//! A sentence, and whatever somebody has written behind it.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| otrail_fuzz::rest(input));

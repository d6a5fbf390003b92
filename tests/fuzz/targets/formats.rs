//! Any values in any event, in any format.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| otrail_fuzz::formats(input));

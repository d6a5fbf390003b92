//! Any bytes as a log whose dialect nobody has told, in pieces.

#![no_main]

libfuzzer_sys::fuzz_target!(|log: &[u8]| otrail_fuzz::auto(log));

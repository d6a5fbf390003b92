//! Any bytes as a log in `timeline-csv`.

#![no_main]

libfuzzer_sys::fuzz_target!(|log: &[u8]| otrail_fuzz::dialect("timeline-csv", log));

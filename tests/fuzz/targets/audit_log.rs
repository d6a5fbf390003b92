//! Any bytes as a log in `audit-log`.

#![no_main]

libfuzzer_sys::fuzz_target!(|log: &[u8]| otrail_fuzz::dialect("audit-log", log));

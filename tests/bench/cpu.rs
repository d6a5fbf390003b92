//! What benches measure with.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// What this process has used so far.
pub(crate) fn cpu_micros() -> u64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    u64::try_from((usage.user_time() + usage.system_time()).num_microseconds()).unwrap()
}

/// A number from the environment, or what is usual.
pub(crate) fn wished(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

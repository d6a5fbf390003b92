//! How many files may be open at once (RLIMIT_NOFILE), and how many of them are for logs.
//!
//! A log that cannot be opened waits, and so does a question; the journal and the way to a server cannot. So these have
//! theirs set apart, and an agent that could not have even those says so instead of failing under way.

use super::AgentError;
use crate::config::Config;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Whether as many may be open as the config needs at least.
pub(super) fn check(config: &Config) -> Result<(), AgentError> {
    Needs::of(config).check(limit())
}

/// How many log files may be open, where the config has passed the check.
pub(super) fn for_logs(config: &Config) -> usize {
    limit().saturating_sub(Needs::of(config).others())
}

/// Raises the soft limit to the hard one first: a shell gives 1024, which five sources of 256 logs are beyond, and nothing
/// here depends on small numbers as select() does.
fn limit() -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return usize::MAX };
    let limit = match soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
        true => hard,
        false => soft,
    };
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// What takes descriptors, by number.
struct Needs {
    sources: usize,
    apis: usize,
    destinations: usize,
}

impl Needs {
    fn of(Config { collect, destinations, .. }: &Config) -> Needs {
        let (sources, apis) = (collect.sources.len(), collect.apis.len());
        Needs { sources, apis, destinations: destinations.len() }
    }

    /// All but the logs.
    fn others(&self) -> usize {
        OWN + ASKING + self.destinations * OF_A_DESTINATION + self.apis * OF_AN_API
    }

    fn check(&self, limit: usize) -> Result<(), AgentError> {
        let needed = self.others() + self.sources * OF_A_SOURCE;
        if limit < needed { Err(AgentError::Descriptors { limit, needed }) } else { Ok(()) }
    }
}

/// Standard streams, lock, runtime, signals, inotify, the socket; the segment that is written, one that is sealed and its
/// index; rotated files while they are compared.
const OWN: usize = 40;
/// All connections to the local socket, and the segments that two queries read.
const ASKING: usize = 24;
/// Cursor and deliveries, the connection, one that is tried beside it and that of a replay, the segment that is read, and
/// the name that is resolved.
const OF_A_DESTINATION: usize = 8;
/// The connection.
const OF_AN_API: usize = 1;
/// A log, and what it was rotated to.
const OF_A_SOURCE: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_get_what_others_do_not_need() {
        let others = |apis, destinations| Needs { sources: 1, apis, destinations }.others();
        assert_eq!((others(0, 1), others(200, 3)), (72, 64 + 24 + 200));
    }

    #[test]
    fn who_may_open_too_few_hears_how_many_it_takes() {
        let needs = Needs { sources: 1, apis: 0, destinations: 1 };
        assert!(needs.check(74).is_ok());
        let error = needs.check(73).unwrap_err().to_string();
        assert_eq!(
            error,
            "at most 73 files may be open at once, and this config needs 74: set LimitNOFILE= of the service, or \
             `ulimit -n`, to 1024"
        );
    }
}

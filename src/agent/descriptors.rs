//! How many files may be open at once (RLIMIT_NOFILE), and how many of them are for logs.
//!
//! A log that cannot be opened waits, and so does a question; the journal and the way to a server cannot. So these have
//! theirs set apart, and an agent that could not have even those says so instead of failing under way.

use super::AgentError;
use crate::config::Config;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// How many log files may be open. Raises the soft limit to the hard one first: a shell gives 1024, which five sources of
/// 256 logs are beyond, and nothing here depends on small numbers as select() does.
pub(super) fn for_logs(config: &Config) -> Result<usize, AgentError> {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(usize::MAX) };
    let limit = match soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
        true => hard,
        false => soft,
    };
    let Config { collect, destinations, .. } = config;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    share(limit, collect.sources.len(), collect.apis.len(), destinations.len())
}

fn share(limit: usize, sources: usize, apis: usize, destinations: usize) -> Result<usize, AgentError> {
    let others = OWN + ASKING + destinations * OF_A_DESTINATION + apis * OF_AN_API;
    let needed = others + sources * OF_A_SOURCE;
    if limit < needed {
        return Err(AgentError::Descriptors { limit, needed });
    }
    Ok(limit - others)
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
        assert_eq!(share(1024, 1, 0, 1).unwrap(), 1024 - 72);
        assert_eq!(share(74, 1, 0, 1).unwrap(), 2);
        assert_eq!(share(1024, 1, 200, 3).unwrap(), 1024 - 64 - 24 - 200);
        let error = share(73, 1, 0, 1).unwrap_err().to_string();
        assert_eq!(
            error,
            "at most 73 files may be open at once, and this config needs 74: set LimitNOFILE= of the service, or \
             `ulimit -n`, to 1024"
        );
    }
}

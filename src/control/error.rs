//! What can go wrong on either end of the socket.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why the agent does not listen, or why an admin has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens.
    #[error("no agent answers on {}: it is not running, or runs with another config", socket.display())]
    NotRunning {
        /// What was tried.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody listens and says nothing.
    #[error(
        "the agent on {} has not answered for {} s: it hangs, is stopped (`kill -CONT` wakes it), or the host is too busy",
        socket.display(), limit.as_secs()
    )]
    Silent {
        /// Where it listens.
        socket: PathBuf,
        /// How long was waited.
        limit: Duration,
    },
    /// The caller is no admin; the sentence is the agent's.
    #[error("{0}")]
    Refused(String),
    /// What was asked for names what is not there; the sentence is the agent's.
    #[error("{0}")]
    Unknown(String),
    /// What was asked for cannot be done; the sentence is the agent's.
    #[error("{0}")]
    No(String),
    /// The agent could not answer; the sentence is its own.
    #[error("the agent could not answer: {0}")]
    Failed(String),
    /// What came back is no answer.
    #[error("the answer of the agent broke off or makes no sense: {0}")]
    Garbled(String),
    /// Another agent listens already.
    #[error("another agent answers on {}", socket.display())]
    InUse {
        /// The socket.
        socket: PathBuf,
    },
    /// Something else stands where the socket belongs, and stays.
    #[error("{} is not a socket; move it away or choose another path under [control]", path.display())]
    NotASocket {
        /// What is in the way.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

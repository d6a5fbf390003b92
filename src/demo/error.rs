//! Why a demo could not be played to its end.

use crate::config::ConfigError;
use std::io;
use std::path::PathBuf;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The temporary folder cannot be made.
    #[error("cannot make a temporary folder in {}; name another one with TMPDIR", parent.display())]
    Folder {
        /// Where it was to be.
        parent: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A socket's path has a limit in the kernel.
    #[error("the path {} is too long for a local socket; name a shorter folder with TMPDIR", path.display())]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// A file of the demo.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The certificates cannot be made.
    #[error("cannot make the certificates of the demo")]
    Certificates(#[from] rcgen::Error),
    /// The server cannot use its certificates.
    #[error("cannot set up TLS for the syslog server of the demo")]
    Tls {
        /// What rustls said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server has no port.
    #[error("cannot open a port on 127.0.0.1 for the syslog server of the demo")]
    Port(#[source] io::Error),
    /// The demo's own config is not accepted.
    #[error("the configuration of the demo is not accepted")]
    Config(#[from] ConfigError),
    /// A program cannot be started.
    #[error("cannot {action}")]
    Child {
        /// What was to be done.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The agent is gone.
    #[error("the agent ended unexpectedly ({status}); its last words: {said}")]
    Ended {
        /// How it ended.
        status: String,
        /// Its last lines.
        said: String,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s; the agent's last words: {said}")]
    Patience {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        seconds: u64,
        /// The last lines of the agent.
        said: String,
    },
    /// A query did not give what was written.
    #[error("`{command}` failed ({status}): {said}")]
    Query {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        said: String,
    },
    /// A promise was not kept.
    #[error("the demo has failed: {0}")]
    Numbers(String),
    /// Signals cannot be handled.
    #[error("cannot handle signals")]
    Signals(#[source] io::Error),
    /// The caller wants to stop.
    #[error("interrupted")]
    Interrupted,
    /// Nobody can see the demo.
    #[error("cannot show the demo")]
    Show(#[source] io::Error),
}

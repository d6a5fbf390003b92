//! What the config says about the local socket.

use std::path::PathBuf;

/// Where the socket is and who may ask.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The socket file.
    pub socket: PathBuf,
    /// Members of these groups may ask, besides root and the agent's own user.
    pub admin_groups: Vec<String>,
    /// These users may ask, too.
    pub admin_users: Vec<String>,
}

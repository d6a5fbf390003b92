//! The temporary folder of a demo: certificates, the sensor's log, the agent's config and state.

use super::DemoError;
use super::certificates::{Authority, Identity};
use crate::net::Pin;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder that goes away with its owner, unless it is kept.
pub(super) struct Folder {
    place: TempDir,
}

impl Folder {
    pub(super) fn new(keep: bool) -> Result<Folder, DemoError> {
        let parent = std::env::temp_dir();
        let mut builder = tempfile::Builder::new();
        builder.prefix("otrail-demo-").permissions(Permissions::from_mode(0o700)).disable_cleanup(keep);
        let place = builder.tempdir();
        let place = place.map_err(|source| DemoError::Folder { parent, source })?;
        let folder = Folder { place };
        let socket = folder.path("otrail.sock");
        if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(DemoError::TooLong { path: socket });
        }
        let log = folder.path("log");
        fs::create_dir(&log).map_err(|source| DemoError::Io { action: "make", path: log, source })?;
        Ok(folder)
    }

    pub(super) fn root(&self) -> &Path {
        self.place.path()
    }

    /// A file of this folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// The sensor's log.
    pub(super) fn log(&self) -> PathBuf {
        self.path("log/operations.ndjson")
    }

    /// The agent's config.
    pub(super) fn config(&self) -> PathBuf {
        self.path("otrail.toml")
    }

    /// Makes the CA and writes all certificates and keys; returns what the server shows.
    pub(super) fn certify(&self) -> Result<(Authority, Identity), DemoError> {
        let authority = Authority::new()?;
        let server = authority.server()?;
        let client = authority.client(SENSOR)?;
        self.write("ca.pem", &authority.pem())?;
        for (name, identity) in [("server", &server), ("client", &client)] {
            self.write(&format!("{name}.pem"), &identity.certificate)?;
            self.write(&format!("{name}.key"), &identity.key)?;
        }
        Ok((authority, server))
    }

    /// Writes the agent's config for a server on this port. A short interval, so that a demo can show what takes
    /// half a minute otherwise.
    pub(super) fn configure(
        &self,
        port: u16,
        api: Option<(String, Pin, &'static str)>,
    ) -> Result<(), DemoError> {
        let path = |name: &str| format!("{:?}", self.path(name));
        let source = match api {
            None => format!("path = {}", path("log/operations.ndjson")),
            Some((url, pin, token)) => {
                self.write("token", token)?;
                let token = path("token");
                format!(
                    "kind = \"api\"\nurl = {url:?}\npin = [\"{pin}\"]\ntoken-file = {token}\ninterval = \"1 s\""
                )
            }
        };
        let text = format!(
            "sensor = \"{SENSOR}\"\nstate-dir = {state}\n\n\
             [[source]]\nname = \"timeline\"\n{source}\n\n\
             [[destination]]\nname = \"siem\"\naddress = \"127.0.0.1:{port}\"\nca-file = {ca}\n\
             cert-file = {certificate}\nkey-file = {key}\nbarrier-interval = \"1 s\"\nbackoff-max = \"500 ms\"\n\n\
             [query]\nadmin-groups = []\n\n[control]\nsocket = {socket}\n",
            state = path("state"),
            ca = path("ca.pem"),
            certificate = path("client.pem"),
            key = path("client.key"),
            socket = path("otrail.sock"),
        );
        self.write("otrail.toml", &text)
    }

    /// Writes a file that only its owner can read.
    fn write(&self, name: &str, text: &str) -> Result<(), DemoError> {
        let path = self.path(name);
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|source| DemoError::Io { action: "write", path, source })
    }

    /// Removes the folder, or leaves it if it is to be kept.
    pub(super) fn close(self, keep: bool) -> Result<(), DemoError> {
        if keep {
            return Ok(());
        }
        let path = self.root().to_owned();
        self.place.close().map_err(|source| DemoError::Io { action: "remove", path, source })
    }
}

/// How the sensor is called.
const SENSOR: &str = "plant-a-sensor-01";
/// `sun_path` has 108 bytes, the last of them 0.
const SOCKET_PATH_BYTES_MAX: usize = 107;

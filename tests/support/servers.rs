//! Small syslog servers of other TLS stacks, as their users write them: Python's ssl, Node's tls, Java's JSSE. What they
//! have read is in the file before they read on.

use super::daemon::{Kind, Setup, Tls};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Makes the command.
pub fn command(setup: &Setup<'_>) -> Command {
    let mut command = match setup.kind {
        Kind::Node => with(Command::new("node"), &source("server.mjs")),
        Kind::Java => {
            let mut java = Command::new("java");
            // One core, a small heap, the quick compiler, IPv4: it starts in a fraction of a second.
            java.args([
                "-XX:+UseSerialGC",
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-Djava.net.preferIPv4Stack=true",
            ]);
            java.arg("-cp").arg(compiled()).arg("Server");
            java
        }
        _ => with(Command::new("python3"), &source("server.py")),
    };
    command.arg(setup.port.to_string()).arg(setup.certificate).arg(setup.key).arg(setup.ca_file);
    command.arg(if setup.tls == Tls::V1_2 { "1.2" } else { "1.3" }).arg(setup.output);
    command
}

fn with(mut command: Command, source: &Path) -> Command {
    command.arg(source);
    command
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/servers").join(name)
}

/// Where the class is; compiled once for all tests of a program.
fn compiled() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let mut javac = Command::new("javac");
        javac.arg("-d").arg(folder.path()).arg(source("Server.java")).stdin(Stdio::null());
        let done = javac.output().unwrap_or_else(|error| panic!("javac: {error}; tests/run installs a JDK"));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        folder
    });
    folder.path()
}

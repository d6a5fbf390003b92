//! rsyslog as a receiver. Nothing waits in its memory: what it has read from TLS is in the file before it reads on,
//! so that what it answered for is there after a kill.

use super::daemon::{Kind, Setup, Tls};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Writes the config and makes the command.
pub fn command(setup: &Setup<'_>) -> Command {
    let config = setup.folder.join("rsyslog.conf");
    fs::write(&config, text(setup)).unwrap();
    let mut command = Command::new(program());
    command.arg("-n").arg("-f").arg(&config).arg("-i").arg(setup.folder.join("pid"));
    command
}

fn text(setup: &Setup<'_>) -> String {
    format!(
        r#"global(
    workDirectory={folder:?} maxMessageSize="1m" parser.escapeControlCharactersOnReceive="off"
    defaultNetstreamDriverCAFile={ca:?} defaultNetstreamDriverCertFile={certificate:?}
    defaultNetstreamDriverKeyFile={key:?}
)
main_queue(queue.type="direct")
module(load="imtcp" {driver})
template(name="raw" type="string" string="%rawmsg%\n")
ruleset(name="remote" queue.type="direct") {{
    action(type="omfile" file={output:?} template="raw" queue.type="direct" asyncWriting="off" flushOnTXEnd="on")
}}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="remote")
"#,
        folder = setup.folder,
        ca = setup.ca_file,
        certificate = setup.certificate,
        key = setup.key,
        driver = driver(setup),
        output = setup.output,
        port = setup.port,
    )
}

fn driver(setup: &Setup<'_>) -> String {
    let (name, only) = match (setup.kind, setup.tls) {
        (_, Tls::None) => return String::new(),
        (Kind::RsyslogGnutls, Tls::V1_2) => ("gtls", "NORMAL:-VERS-ALL:+VERS-TLS1.2"),
        (Kind::RsyslogGnutls, Tls::V1_3) => ("gtls", "NORMAL:-VERS-ALL:+VERS-TLS1.3"),
        (_, Tls::V1_2) => ("ossl", "MinProtocol=TLSv1.2\nMaxProtocol=TLSv1.2"),
        (_, Tls::V1_3) => ("ossl", "MinProtocol=TLSv1.3\nMaxProtocol=TLSv1.3"),
    };
    format!(
        "streamDriver.name=\"{name}\" streamDriver.mode=\"1\" streamDriver.authMode=\"x509/certvalid\" \
         gnutlsPriorityString=\"{only}\""
    )
}

/// The folder of daemons is not on every user's path.
fn program() -> &'static str {
    let known = ["/usr/sbin/rsyslogd", "/sbin/rsyslogd"];
    known.into_iter().find(|path| Path::new(path).exists()).unwrap_or("rsyslogd")
}

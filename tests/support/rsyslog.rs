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
    workDirectory={folder:?} {longest} parser.escapeControlCharactersOnReceive="off"
    defaultNetstreamDriverCAFile={ca:?} defaultNetstreamDriverCertFile={certificate:?}
    defaultNetstreamDriverKeyFile={key:?}
)
main_queue(queue.type="direct")
{module}
template(name="raw" type="string" string="%rawmsg%\n")
ruleset(name="remote" queue.type="direct") {{
    action(type="omfile" file={output:?} template="raw" queue.type="direct" asyncWriting="off" flushOnTXEnd="on")
}}
{input} address="127.0.0.1" port="{port}" ruleset="remote")
"#,
        folder = setup.folder,
        longest = setup.message_max.map_or(String::new(), |max| format!("maxMessageSize={max:?}")),
        ca = setup.ca_file,
        certificate = setup.certificate,
        key = setup.key,
        module = module(setup),
        input = input(setup),
        output = setup.output,
        port = setup.port,
    )
}

fn module(setup: &Setup<'_>) -> String {
    match setup.kind {
        Kind::RelpOpenssl => "module(load=\"imrelp\" tls.tlslib=\"openssl\")".to_owned(),
        Kind::RelpGnutls => "module(load=\"imrelp\" tls.tlslib=\"gnutls\")".to_owned(),
        _ => format!("module(load=\"imtcp\" {})", driver(setup)),
    }
}

/// All of it but for what every input has.
fn input(setup: &Setup<'_>) -> String {
    let auth = match setup.kind {
        Kind::RelpOpenssl => "tls.authMode=\"name\" tls.permittedPeer=[\"sensor\"]",
        Kind::RelpGnutls => "tls.authMode=\"certvalid\"",
        _ => return "input(type=\"imtcp\"".to_owned(),
    };
    match setup.tls {
        Tls::None => "input(type=\"imrelp\"".to_owned(),
        tls => format!(
            "input(type=\"imrelp\" tls=\"on\" tls.caCert={ca:?} tls.myCert={certificate:?} \
             tls.myPrivKey={key:?} {only} {auth}",
            ca = setup.ca_file,
            certificate = setup.certificate,
            key = setup.key,
            only = only(setup.kind, tls),
        ),
    }
}

fn only(kind: Kind, tls: Tls) -> &'static str {
    match (kind, tls) {
        (Kind::RelpGnutls, Tls::V1_2) => "tls.priorityString=\"NORMAL:-VERS-ALL:+VERS-TLS1.2\"",
        (Kind::RelpGnutls, _) => "tls.priorityString=\"NORMAL:-VERS-ALL:+VERS-TLS1.3\"",
        (_, Tls::V1_2) => "tls.tlsCfgCmd=\"MinProtocol=TLSv1.2\nMaxProtocol=TLSv1.2\"",
        _ => "tls.tlsCfgCmd=\"MinProtocol=TLSv1.3\nMaxProtocol=TLSv1.3\"",
    }
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

//! syslog-ng as a receiver, from where `tests/run` unpacks it: Debian does not install it beside rsyslog.

use super::daemon::{Setup, Tls};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Writes the config and makes the command.
pub fn command(setup: &Setup<'_>) -> Command {
    let config = setup.folder.join("syslog-ng.conf");
    fs::write(&config, text(setup)).unwrap();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/receivers/syslog-ng/usr");
    let library = top.join("lib/syslog-ng");
    let mut command = Command::new(top.join("sbin/syslog-ng"));
    command.env("LD_LIBRARY_PATH", &library).arg("--foreground").arg("--no-caps");
    command.arg(format!("--module-path={}", library.join("3.38").display()));
    for (option, name) in [
        ("--cfgfile", "syslog-ng.conf"),
        ("--pidfile", "pid"),
        ("--persist-file", "persist"),
        ("--control", "control"),
    ] {
        command.arg(option).arg(setup.folder.join(name));
    }
    command
}

fn text(setup: &Setup<'_>) -> String {
    let transport = match setup.tls {
        Tls::None => "transport(\"tcp\")".to_owned(),
        version => format!(
            "transport(\"tls\") tls(key-file({:?}) cert-file({:?}) ca-file({:?}) peer-verify(required-trusted) \
             ssl-options(no-sslv2, no-sslv3, no-tlsv1, no-tlsv11, {}))",
            setup.key,
            setup.certificate,
            setup.ca_file,
            if version == Tls::V1_2 { "no-tlsv13" } else { "no-tlsv12" },
        ),
    };
    format!(
        r#"@version: 3.38
options {{ threaded(no); stats-freq(0); use-dns(no); keep-hostname(yes);{longest} flush-lines(1); }};
source remote {{ syslog(ip("127.0.0.1") port({port}) {transport} flags(no-parse)); }};
destination raw {{ file({output:?} template("${{MESSAGE}}\n") template-escape(no)); }};
log {{ source(remote); destination(raw); flags(flow-control); }};
"#,
        longest = setup.message_max.map_or(String::new(), |max| format!(" log-msg-size({max});")),
        port = setup.port,
        output = setup.output,
    )
}

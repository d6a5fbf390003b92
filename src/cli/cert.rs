//! `otrail cert pin URL`: the fingerprint of what a server presents, to compare and then to pin.

use super::{Common, print_json};
use crate::config::plain;
use crate::net::{self, TlsSettings, TlsVersion, Url, inspect::Certificate, presented};
use anyhow::anyhow;
use clap::{Subcommand, ValueEnum};
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `cert`.
#[derive(Debug, clap::Args)]
pub struct Cert {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the certificate that a server presents, and its fingerprint as `pin` takes it
    ///
    /// Nothing but a TLS handshake is sent, and nothing is trusted: whoever sits on the way can present a certificate
    /// of his own. Compare the fingerprint with that of the certificate on the server itself before you set it.
    #[command(after_help = "Exit codes: 0 shown; 1 no certificate can be had; 2 wrong usage")]
    Pin(Pin),
}

#[derive(Debug, clap::Args)]
struct Pin {
    /// https://HOST[:PORT], or HOST:PORT of a syslog server
    #[arg(value_name = "URL")]
    url: String,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Lines, the last of them for the configuration
    #[default]
    Text,
    /// One JSON object
    Json,
}

impl Cert {
    /// Exit code 0 with a certificate, 1 without.
    pub fn run(self, _common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let What::Pin(Pin { url, output }) = self.what;
        let address = if url.contains("://") { url.clone() } else { format!("https://{url}") };
        let Url { host, port, .. } = Url::parse(&address).map_err(|(problem, _)| {
            anyhow!("{} {problem}: for example https://sensor-01.example.net", plain(&without_user(&url)))
        })?;
        let seen = presented::certificate(&settings(host.clone(), port))?;
        match output {
            Output::Text => show(out, &format!("{host}:{port}"), &seen)?,
            Output::Json => {
                let Certificate { subject, issuer, names, not_before, not_after, fingerprint, .. } = &seen;
                let seen = json!({
                    "host": host, "port": port, "subject": subject, "issuer": issuer, "names": names,
                    "not-before": not_before.to_string(), "not-after": not_after.to_string(),
                    "pin": fingerprint.to_string(),
                });
                print_json(&seen, out)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What stands before an `@` may be a password: it goes to no terminal and no log.
fn without_user(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else { return url.to_owned() };
    let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
    format!("{scheme}***@{host}")
}

fn show(out: &mut dyn Write, server: &str, seen: &Certificate) -> anyhow::Result<()> {
    let names = if seen.names.is_empty() { "none".to_owned() } else { seen.names.join(", ") };
    writeln!(out, "{} presents", plain(server))?;
    for (what, value) in [
        ("subject", seen.subject.as_str()),
        ("issuer", seen.issuer.as_str()),
        ("names", names.as_str()),
        ("from", seen.not_before.to_string().as_str()),
        ("until", seen.not_after.to_string().as_str()),
    ] {
        writeln!(out, "  {what:<8} {}", plain(value))?;
    }
    writeln!(
        out,
        "\nCompare the fingerprint with that of the certificate on the server itself; if they are the same:\n\
         pin = [\"{}\"]",
        seen.fingerprint
    )?;
    Ok(())
}

fn settings(host: String, port: u16) -> net::Settings {
    let tls = TlsSettings {
        crl_file: None,
        server_name: host.clone(),
        ca_file: None,
        cert_file: None,
        key_file: None,
        pins: Vec::new(),
        verify_chain: true,
        version_min: TlsVersion::V1_2,
    };
    let (connect_timeout, send_timeout) = (PATIENCE, PATIENCE);
    let (owner, tls) = (host.clone(), Some(tls));
    net::Settings { owner, host, port, proxy: None, connect_timeout, send_timeout, tls }
}

const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_address_is_not_repeated() {
        for (url, told) in [
            ("https://admin:pa@ss/w@sensor", "https://***@sensor"),
            ("http://admin:pass@sensor:80/x", "http://***@sensor:80/x"),
            ("admin:pass@sensor", "***@sensor"),
            ("https://sensor", "https://sensor"),
        ] {
            assert_eq!(without_user(url), told);
        }
        for url in ["https://admin:hunter2@sensor", "ftp://admin:hunter2@sensor", "admin:hunter2@sensor"] {
            let pin = Pin { url: url.to_owned(), output: Output::Text };
            let common = Common { config: "otrail.toml".into(), color: super::super::Color::Never };
            let said = Cert { what: What::Pin(pin) }.run(&common, &mut Vec::new()).unwrap_err().to_string();
            assert!(said.contains("***@sensor ") && !said.contains("hunter2"), "{said}");
        }
    }
}

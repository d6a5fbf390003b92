//! The way to one destination: what was met on it, as findings.

use crate::agent::now;
use crate::agent::path::{self, Instead, Met, Walked};
use crate::cli::check::certificates;
use crate::cli::finding::{Finding, ok, problem, warning};
use crate::cli::send_test::direct;
use crate::config::Config;
use crate::forward::Settings;
use crate::model::act::Tested;
use crate::model::error_text;
use crate::model::status::Cause;
use crate::net::NetError;
use crate::transport::LinkError;
use std::time::Duration;

/// Walks to each of its addresses and sends a test event to each that is reached.
pub(super) fn findings(config: &Config, settings: &Settings) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let is_pool = !settings.others.is_empty();
    for link in settings.links() {
        let thing = match is_pool {
            true => format!("destination {} at {}", settings.name, link.net.shown()),
            false => format!("destination {}", settings.name),
        };
        let walked = path::walk(link)?;
        findings.extend(met(&thing, &walked));
        if matches!(&walked.link, Some(Ok(met)) if met.ended.is_none()) {
            let alone = Settings { link: link.clone(), others: Vec::new(), ..settings.clone() };
            findings.push(tried(&thing, config, &alone)?);
        }
    }
    Ok(findings)
}

/// Name, connections, handshake, certificate, and whether the peer stayed.
fn met(thing: &str, walked: &Walked) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &walked.addresses {
        Some(Ok(addresses)) => {
            let all: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
            findings.push(ok(thing, format!("it is looked for at {}", all.join(", "))));
        }
        Some(Err(error)) => {
            let way_out = "check the name in `address` and the resolver of this host, or write an address";
            findings.push(problem(thing, error_text(error), way_out));
        }
        None => {}
    }
    let is_reached = walked.connects.iter().any(|(_, made)| made.is_ok());
    findings.extend(walked.connects.iter().map(|(address, made)| match made {
        Ok(after) => ok(thing, format!("{address} takes connections, after {}", millis(*after))),
        // Another address does.
        Err(error) if is_reached => warning(thing, error_text(error), unreached(error)),
        Err(error) => problem(thing, error_text(error), unreached(error)),
    }));
    match &walked.link {
        Some(Ok(link)) => findings.extend(kept(thing, link)),
        Some(Err(error)) => findings.push(refused(thing, error, walked.instead.as_ref())),
        None => {}
    }
    findings
}

fn unreached(error: &NetError) -> &'static str {
    match error {
        NetError::Refused { .. } => {
            "nothing listens there: check the port of `address`, and that the server runs; or a firewall rejects"
        }
        NetError::Timeout { .. } => {
            "nothing answers: check the address, routes, and the firewalls on the way"
        }
        _ => "check the address and the routes of this host",
    }
}

fn refused(thing: &str, error: &LinkError, instead: Option<&Instead>) -> Finding {
    let text = error_text(error);
    match instead {
        Some(Instead::Http) => problem(
            thing,
            format!("a web server answers on this port; {text}"),
            "syslog over TLS is usually on port 6514",
        ),
        Some(Instead::Text(line)) => {
            let message = format!("what answers on this port begins with {line:?}; {text}");
            problem(thing, message, "syslog over TLS is usually on port 6514")
        }
        Some(Instead::Silence) => problem(
            thing,
            format!("nobody answers what a TLS client says first; {text}"),
            "it may be a port for syslog without TLS: have the server speak TLS there",
        ),
        // The sentence says what to do.
        None => problem(thing, text, ""),
    }
}

/// The link came up: how, with whom, and whether it stayed so.
fn kept(thing: &str, met: &Met) -> Vec<Finding> {
    let message = format!("{} at {}, up after {}", met.about, met.peer, millis(met.after));
    let mut findings = vec![ok(thing, message)];
    findings.extend(met.certificates.iter().enumerate().map(|(at, certificate)| {
        let what = if at == 0 { "server certificate" } else { "certificate behind the server's" };
        certificates::validity(thing, what, certificate, now().timestamp())
    }));
    if let Some(error) = &met.ended {
        let way_out = match error {
            LinkError::Closed | LinkError::Broken { .. } => {
                "it may demand a client certificate or know ours not: check cert-file and key-file here, the trusted CA \
                 and the permitted names there"
            }
            _ => "",
        };
        let message = format!("the link was up and then ended: {}", error_text(error));
        findings.push(problem(thing, message, way_out));
    }
    findings
}

/// A test event, and the evidence for it.
fn tried(thing: &str, config: &Config, settings: &Settings) -> anyhow::Result<Finding> {
    Ok(told(thing, &direct(config, settings, 1, WAIT)?))
}

fn told(thing: &str, tested: &Tested) -> Finding {
    let after = tested.after_millis;
    match (tested.confirmed, tested.evidence.as_str()) {
        (true, "none") => warning(
            thing,
            "a test event was sent, and the config wants no evidence for it",
            "evidence = \"auto\"",
        ),
        (true, "fin") => warning(
            thing,
            format!(
                "a test event arrived after {after} ms by evidence fin, the weakest: the server closes without a word"
            ),
            "a server with another TLS library, such as rsyslog's driver ossl, shows more",
        ),
        (true, level) => ok(thing, format!("a test event arrived after {after} ms by evidence {level}")),
        (false, _) => unconfirmed(thing, tested),
    }
}

fn unconfirmed(thing: &str, tested: &Tested) -> Finding {
    let error = &tested.error;
    match tested.cause {
        // The sentences of these say what to do.
        Cause::Evidence if tested.frames == 0 => {
            problem(thing, format!("no test event was sent: {error}"), "")
        }
        Cause::Evidence | Cause::AnotherServer => {
            problem(thing, format!("a test event is not confirmed: {error}"), "")
        }
        Cause::Unknown => problem(
            thing,
            format!("the link stays up without events, and a test event is not confirmed: {error}"),
            "the server may want another framing (`framing`), smaller messages (`frame-max`), or not take them at all: see \
             its own log",
        ),
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// How long evidence is waited for.
const WAIT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    /// What a sentence quotes of a server may be anything.
    #[test]
    fn what_is_advised_goes_by_the_cause_and_not_by_the_words_of_the_error() {
        let error = r#"it had said "set transport = evidence = "auto"""#.to_owned();
        let finding = |cause, frames| {
            let tested = Tested { error: error.clone(), cause, frames, ..Tested::default() };
            format!("{:?}", told("destination siem", &tested))
        };
        assert!(finding(Cause::Unknown, 1).contains("another framing (`framing`)"));
        for (cause, frames, text) in [
            (Cause::AnotherServer, 1, "a test event is not confirmed: "),
            (Cause::Evidence, 1, "a test event is not confirmed: "),
            (Cause::Evidence, 0, "no test event was sent: "),
        ] {
            let found = finding(cause, frames);
            assert!(found.contains(text) && !found.contains("framing"), "{found}");
        }
    }
}

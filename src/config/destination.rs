//! `[[destination]]`: a server that gets the trail.

use super::problem::quoted;
use super::raw::{Table, Value};
use super::{frame, select};
use crate::format::FORMATS;
use crate::forward::{Cadence, Evidence, From, Patience, Settings};
use crate::net::{self, Proxy, TlsSettings, TlsVersion};
use crate::transport::{self, Framing, Protocol, TRANSPORTS, Transport};
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::time::Duration;

/// All destinations, each with a name of its own. Without any the trail is only kept and queried.
pub(super) fn all(top: &Table<'_>) -> Vec<Settings> {
    let tables = top.each("destination");
    if top.lacks("destination") {
        top.warning("there is no [[destination]]: nothing is forwarded", "");
    }
    if tables.len() > DESTINATIONS_MAX {
        top.problem(
            format!("there are {} destinations", tables.len()),
            format!("at most {DESTINATIONS_MAX}"),
        );
    }
    let mut names = HashSet::new();
    tables.iter().filter_map(|table| destination(table, &mut names)).collect()
}

/// Reads every key before it gives up, so that all problems are found.
fn destination(table: &Table<'_>, names: &mut HashSet<String>) -> Option<Settings> {
    let name = table.need("name", |value| {
        let name = value.name()?.to_owned();
        if !names.insert(name.clone()) {
            value.problem(format!("there is another destination `{name}`"), "choose another name");
        }
        Some(name)
    });
    let transport = transport(table);
    let relp = transport.is_some_and(|transport| transport.protocol == Protocol::Relp);
    let net = net_settings(table, transport, name.as_deref());
    let formats = FORMATS.iter().map(|format| (format.name, format));
    let format = match table.value("format") {
        Some(value) => value.one_of(formats),
        None => FORMATS.iter().find(|format| format.name == FORMAT),
    };
    let framings = [("octet-counting", Framing::OctetCounting), ("lf", Framing::LineFeed)];
    let framing = table.read("framing", |value| value.one_of(framings));
    if let (true, Some(value)) = (relp, table.value("framing")) {
        value.warning("`framing` has no effect with RELP, which has frames of its own", "leave it out");
    }
    let frame = frame::frame(table, format, relp);
    let select = table.read("select", select::select);
    let evidence = table.read("evidence", |value| evidence(value, relp, transport));
    let from = table.read("from", |value| value.one_of([("oldest", From::Oldest), ("now", From::Now)]));
    let window = table.read("window-max", |value| {
        let bytes = value.memory(64 << 10..=256 << 20)?;
        if bytes < frame.frame_bytes_max {
            value.problem("`window-max` is less than one frame", "raise it to `frame-max` or more");
        }
        Some(bytes)
    });
    let barrier = wait(table, "barrier-interval", SHORTEST..=HOUR);
    let cadence = cadence(table);
    let rate_max = table.read("rate-max", |value| value.integer(0..=1_000_000));
    let backoff_max = wait(table, "backoff-max", SHORTEST..=HOUR).unwrap_or(BACKOFF.1);
    let return_interval = wait(table, "return-interval", SHORTEST..=HOUR * 24);
    let transport = transport?;
    let mut links = net?.into_iter().map(|net| transport::Settings {
        net,
        protocol: transport.protocol,
        framing: framing.unwrap_or(Framing::OctetCounting),
    });
    Some(Settings {
        only: None,
        name: name?,
        transport,
        link: links.next()?,
        others: links.collect(),
        return_interval: return_interval.unwrap_or(RETURN_INTERVAL),
        select,
        format: format?,
        frame,
        evidence: evidence.unwrap_or(Evidence::Auto),
        from: from.unwrap_or(From::Oldest),
        window_bytes_max: window.unwrap_or(if relp { RELP_WINDOW_BYTES_MAX } else { WINDOW_BYTES_MAX }),
        barrier_interval: barrier.unwrap_or(BARRIER_INTERVAL),
        cadence,
        rate_max: rate_max.unwrap_or(0),
        patience: Patience::default(),
        backoff: (BACKOFF.0.min(backoff_max), backoff_max),
    })
}

/// A window is never filled before a probe is due: without room, one follows at once.
fn cadence(table: &Table<'_>) -> Cadence {
    let usual = Cadence::default();
    let records = table.read("probe-records", |value| value.integer(1..=1_000_000));
    let bytes = table.read("probe-bytes", |value| value.memory(1 << 10..=256 << 20));
    Cadence {
        records: records.map_or(usual.records, u64::from),
        bytes: bytes.unwrap_or(usual.bytes),
        interval: wait(table, "probe-interval", SHORTEST..=HOUR).unwrap_or(usual.interval),
    }
}

fn transport(table: &Table<'_>) -> Option<&'static Transport> {
    let transports = || TRANSPORTS.iter().map(|transport| (transport.name, transport));
    let Some(value) = table.value("transport") else {
        return transports().find(|&(name, _)| name == TRANSPORT).map(|(_, transport)| transport);
    };
    let transport = value.one_of(transports())?;
    if !transport.secure {
        value.warning(
            format!(
                "`{}` is for the laboratory: everyone on the way can read and change the trail",
                transport.name
            ),
            format!("transport = \"{}\"", transport.secured()),
        );
    }
    Some(transport)
}

/// The peer at each of its addresses, at least one.
fn net_settings(
    table: &Table<'_>,
    transport: Option<&Transport>,
    owner: Option<&str>,
) -> Option<Vec<net::Settings>> {
    let addresses = addresses(table);
    let first = addresses.as_ref().and_then(|addresses| addresses.first());
    let tls = tls_settings(table, first.map_or("", |(host, _)| host));
    let names_server = table.value("server-name").is_some();
    let connect_timeout = wait(table, "connect-timeout", SHORTEST..=MINUTE * 10);
    let send_timeout = wait(table, "send-timeout", SHORTEST..=MINUTE * 10);
    let proxy = proxy(table);
    let transport = transport?;
    if !transport.secure {
        for value in TLS_KEYS.iter().filter_map(|key| table.value(key)) {
            let message = format!("`{}` has no effect with transport `{}`", value.key.name, transport.name);
            let way_out = format!("leave it out, or transport = \"{}\"", transport.secured());
            value.warning(message, way_out);
        }
        if let (Protocol::Syslog, Some(value)) = (transport.protocol, table.value("proxy")) {
            value.problem("a proxy hides what a server without TLS has taken", "transport = \"tls\"");
        }
    }
    let at = |(host, port): (String, Option<u16>)| {
        let mut tls = tls.clone();
        if !names_server {
            tls.server_name.clone_from(&host);
        }
        net::Settings {
            owner: owner.unwrap_or_default().to_owned(),
            host,
            port: port.unwrap_or(transport.default_port),
            proxy: proxy.clone(),
            connect_timeout: connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            send_timeout: send_timeout.unwrap_or(SEND_TIMEOUT),
            tls: transport.secure.then_some(tls),
        }
    };
    Some(addresses?.into_iter().map(at).collect())
}

/// One address, or several in the order in which they are tried.
fn addresses(table: &Table<'_>) -> Option<Vec<(String, Option<u16>)>> {
    let Some(several) = table.value("addresses") else {
        return table.need("address", Value::address).map(|address| vec![address]);
    };
    if let Some(address) = table.value("address") {
        address.problem("both `address` and `addresses`", "put it first in `addresses`");
    }
    let addresses = several.list(ADDRESSES_MAX, Value::address)?;
    if addresses.is_empty() {
        several.problem("`addresses` is empty", several.example());
        return None;
    }
    let twice = addresses.iter().enumerate().find(|(at, address)| addresses[..*at].contains(address));
    if let Some((_, (host, _))) = twice {
        several.problem(format!("{} stands twice in `addresses`", quoted(host)), "leave one of them out");
    }
    Some(addresses)
}

/// The way through a proxy, for whatever is reached over the network.
pub(super) fn proxy(table: &Table<'_>) -> Option<Proxy> {
    let address = table.read("proxy", Value::proxy);
    let credentials_file = table.read("proxy-credentials-file", Value::file);
    if let (None, Some(file)) = (table.value("proxy"), table.value("proxy-credentials-file")) {
        file.problem("credentials without a proxy", "add `proxy`");
    }
    address.map(|(host, port)| Proxy { host, port, credentials_file })
}

fn tls_settings(table: &Table<'_>, host: &str) -> TlsSettings {
    let server_name = table.read("server-name", Value::server_name);
    let ca_file = table.read("ca-file", Value::file);
    let crl_file = table.read("crl-file", Value::file);
    let cert_file = table.read("cert-file", Value::file);
    let key_file = table.read("key-file", Value::file);
    match (table.value("cert-file"), table.value("key-file")) {
        (Some(cert), None) => cert.problem("a certificate without its key", "add `key-file`"),
        (None, Some(key)) => key.problem("a key without its certificate", "add `cert-file`"),
        _ => {}
    }
    let pins = table.read("pin", |value| {
        let pins = value.list(PINS_MAX, Value::pin)?;
        if !pins.is_empty() && table.value("ca-file").is_none() {
            value.warning(
                "only the fingerprint decides whom to trust: neither chain nor name of the certificate is checked",
                "add `ca-file` to have them checked as well",
            );
        }
        Some(pins)
    });
    let pins = pins.unwrap_or_default();
    if let (false, None, Some(crl)) = (pins.is_empty(), &ca_file, table.value("crl-file")) {
        crl.warning(
            "`crl-file` has no effect where only the fingerprint decides",
            "add `ca-file`, or leave it out",
        );
    }
    let versions = [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];
    let version_min = table.read("tls-min", |value| value.one_of(versions));
    TlsSettings {
        crl_file,
        server_name: server_name.unwrap_or_else(|| host.to_owned()),
        verify_chain: pins.is_empty() || ca_file.is_some(),
        ca_file,
        cert_file,
        key_file,
        pins,
        version_min: version_min.unwrap_or(TlsVersion::V1_2),
    }
}

fn evidence(value: &Value<'_>, relp: bool, transport: Option<&Transport>) -> Option<Evidence> {
    if relp {
        return match value.text()? {
            "auto" | "ack" => Some(Evidence::Auto),
            _ => {
                value.problem("RELP acknowledges every event and needs no other evidence", "leave it out");
                None
            }
        };
    }
    if value.text()? == "ack" {
        value.problem("only RELP acknowledges events", "transport = \"relp-tls\", or evidence = \"auto\"");
        return None;
    }
    let evidence = value.one_of([
        ("auto", Evidence::Auto),
        ("probe", Evidence::Probe),
        ("barrier", Evidence::Barrier),
        ("none", Evidence::None),
    ])?;
    let is_plain = transport.is_some_and(|transport| !transport.secure);
    match evidence {
        Evidence::None => value.warning(
            "without evidence, events on the way are lost when a connection breaks",
            "evidence = \"auto\"",
        ),
        Evidence::Probe if is_plain => value.problem("a probe needs TLS", "transport = \"tls\""),
        Evidence::Barrier if is_plain => {
            value.problem("a barrier needs TLS", "transport = \"tls\", or evidence = \"auto\"");
        }
        _ => {}
    }
    Some(evidence)
}

fn wait(table: &Table<'_>, key: &str, bounds: RangeInclusive<Duration>) -> Option<Duration> {
    table.read(key, |value| value.duration(bounds))
}

const TRANSPORT: &str = "tls";
const FORMAT: &str = "rfc5424";
const TLS_KEYS: &[&str] = &["ca-file", "crl-file", "cert-file", "key-file", "server-name", "pin", "tls-min"];
const ADDRESSES_MAX: usize = 16;
const RETURN_INTERVAL: Duration = Duration::from_secs(5 * 60);
const DESTINATIONS_MAX: usize = 32;
/// The present certificate and the next, for a few servers behind one name.
const PINS_MAX: usize = 8;
const WINDOW_BYTES_MAX: usize = 4 << 20;
/// What the protocol has for it; librelp's client allows 128 messages.
const RELP_WINDOW_BYTES_MAX: usize = 128 << 10;
const BARRIER_INTERVAL: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), MINUTE);
const SHORTEST: Duration = Duration::from_millis(100);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

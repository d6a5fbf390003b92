//! `[[source]]` with `kind = "api"`: a sensor that is asked.

use crate::collect::ApiSettings;
use crate::config::problem::{nearest, quoted};
use crate::config::raw::{Table, Value};
use crate::dialect::{TYPES, class};
use crate::model::{Class, Text};
use crate::net::{self, TlsSettings, TlsVersion, Url};
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

/// Reads every key before it gives up, so that all problems are found.
pub(super) fn source(
    table: &Table<'_>,
    name: Option<Text>,
    sensor: &str,
    places: &mut HashSet<PathBuf>,
) -> Option<ApiSettings> {
    super::pass_over_others(table, "api");
    let url = table.need("url", |value| {
        let url = url(value)?;
        if !places.insert(PathBuf::from(url.to_string())) {
            value.problem("another source asks this sensor", "one sensor, one source: leave one of them out");
        }
        Some(url)
    });
    let token_file = table.need("token-file", Value::file);
    let tls = tls_settings(table, url.as_ref().map_or("", |url| url.host.as_str()));
    let types = table.read("types", types);
    let interval = table.read("interval", |value| {
        let interval = value.duration(SECOND..=DAY)?;
        if interval < INTERVAL_MIN {
            value
                .warning("a sensor has better things to do than to answer that often", "interval = \"60 s\"");
        }
        Some(interval)
    });
    let answer = table.read("answer-timeout", |value| value.duration(SECOND..=MINUTE * 10));
    let silent = table.read("silent-after", |value| value.duration(SECOND..=DAY * 365));
    let line_max = table.read("line-max", |value| value.memory(1 << 10..=16 << 20));
    let proxy = crate::config::destination::proxy(table);
    let url = url?;
    let net = net::Settings {
        owner: url.host.clone(),
        proxy,
        host: url.host.clone(),
        port: url.port,
        connect_timeout: CONNECT_TIMEOUT,
        send_timeout: SEND_TIMEOUT,
        tls: Some(tls),
    };
    Some(ApiSettings {
        name: name?,
        sensor: Text::from(sensor),
        url,
        net,
        token_file: token_file?,
        types: types.unwrap_or_else(user_operations),
        interval: interval.unwrap_or(MINUTE),
        answer_timeout: answer.unwrap_or(ANSWER_TIMEOUT),
        silent_after: silent.unwrap_or(DAY),
        line_bytes_max: line_max.unwrap_or(1 << 20),
    })
}

/// The address; without a path it is where the vendor documents the events.
fn url(value: &Value<'_>) -> Option<Url> {
    let text = value.text()?;
    let url = Url::parse(text).map_err(|(problem, way_out)| {
        value.problem(format!("{} {problem}", quoted(text)), way_out);
    });
    let mut url = url.ok()?;
    if url.path == "/" {
        url.path = EVENTS_PATH.to_owned();
    }
    Some(url)
}

/// A sensor as it is shipped has a certificate that it signed itself: then its pin is what to trust.
fn tls_settings(table: &Table<'_>, host: &str) -> TlsSettings {
    let ca_file = table.read("ca-file", Value::file);
    let pins = table.read("pin", |value| value.list(PINS_MAX, Value::pin)).unwrap_or_default();
    let server_name = table.read("server-name", Value::server_name);
    TlsSettings {
        crl_file: None,
        server_name: server_name.unwrap_or_else(|| host.to_owned()),
        verify_chain: pins.is_empty() || ca_file.is_some(),
        ca_file,
        cert_file: None,
        key_file: None,
        pins,
        version_min: TlsVersion::V1_2,
    }
}

/// Documented types by name: of a name that it does not know the API answers with everything.
fn types(value: &Value<'_>) -> Option<Vec<&'static str>> {
    let types = value.list(TYPES.len(), |value| {
        let name = value.text()?;
        let known = TYPES.iter().map(|row| row.name).find(|known| *known == name);
        if known.is_none() {
            let way_out = match nearest(name, TYPES.iter().map(|row| row.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "for example: types = [\"USER_OPERATION\"]".to_owned(),
            };
            value.problem(format!("unknown type {}", quoted(name)), way_out);
        }
        known
    })?;
    if types.is_empty() {
        value.problem(
            "`types` is empty: nothing would be asked",
            "leave it out to ask for all user operations",
        );
    }
    Some(types)
}

/// Whatever is a user's doing, or may be.
fn user_operations() -> Vec<&'static str> {
    let names = TYPES.iter().map(|row| row.name);
    names.filter(|name| class(name, Class::UserOperation) == Class::UserOperation).collect()
}

const EVENTS_PATH: &str = "/api/v1/events";
/// The present certificate and the next.
const PINS_MAX: usize = 2;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const INTERVAL_MIN: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

//! What an admin sees of the config file: every problem under its line, all at once, each with a way out.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use expect_test::expect_file;
use otrail::collect::Start;
use otrail::config::{Config, SECTIONS};
use otrail::dialect::Habits;
use otrail::forward::{Cadence, Evidence, From, Settings};
use otrail::model::Class;
use otrail::net::TlsVersion;
use otrail::transport::{Framing, Protocol};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const SMALL: &str = r#"
sensor = "plant-a"

[[source]]
name = "timeline"
path = "/var/log/sensor/user-operations.ndjson"

[[destination]]
name = "siem"
address = "siem.example.net"
"#;

fn parse(text: &str) -> Config {
    match Config::parse(Path::new("/etc/otrail/otrail.toml"), text) {
        Ok((config, _)) => config,
        Err(error) => panic!("{error}"),
    }
}

/// Problems and warnings of a config as an admin sees them.
fn shown(text: &str) -> String {
    match Config::parse(Path::new("otrail.toml"), text) {
        Err(error) => format!("{error}\n"),
        Ok((_, warnings)) => warnings.iter().map(|warning| format!("warning: {warning}\n")).collect(),
    }
}

/// The one destination of the small config with these lines added to it.
fn destination(lines: &str) -> Settings {
    parse(&format!("{SMALL}{lines}\n")).destinations.remove(0)
}

#[test]
fn a_small_config_gets_the_documented_defaults() {
    let config = parse(SMALL);
    assert_eq!(config.sensor, "plant-a");
    assert_eq!(config.state_dir, Path::new("/var/lib/otrail"));
    assert_eq!(config.heartbeat, Duration::from_secs(15 * 60));
    assert_eq!(config.control.socket, Path::new("/run/otrail/otrail.sock"));
    assert_eq!(config.control.admin_groups, ["otrail-admin"]);
    assert!(config.control.admin_users.is_empty());
    let source = &config.collect.sources[0];
    assert_eq!((source.name.as_str(), source.line_bytes_max), ("timeline", 1 << 20));
    assert_eq!(source.path, Path::new("/var/log/sensor/user-operations.ndjson"));
    assert_eq!(source.start, Start::Beginning);
    assert!(source.dialect.is_none());
    assert_eq!(config.collect.classes, [Class::UserOperation]);
    assert_eq!(config.collect.user_login, Class::UserOperation);
    let journal = &config.journal;
    assert_eq!((journal.bytes_max, journal.segment_bytes_max), (2 << 30, 64 << 20));
    assert_eq!((journal.recent_bytes_max, journal.reserve_bytes), (8 << 20, 8 << 20));
    assert_eq!(journal.age_max, Duration::from_secs(400 * 86_400));
    assert_eq!(journal.destinations, ["siem"]);
}

#[test]
fn how_a_source_writes_is_taken_from_its_section() {
    let source = |lines: &str| {
        let text = SMALL.replace("[[destination]]", &format!("{lines}\n[[destination]]"));
        parse(&text).collect.sources.remove(0)
    };
    assert_eq!(source("").habits, Habits::default());
    assert_eq!(Habits::default().field_bytes_max, 4 << 10);
    let mut habits = Habits { day_first: Some(true), field_bytes_max: 512, ..Habits::default() };
    assert!(habits.fields.set("user", vec!["who".to_owned()]));
    assert!(habits.fields.set("client", vec!["peer.ip".to_owned(), "peer".to_owned()]));
    let lines = "day-first = true\nfield-max = \"512 B\"\n[source.fields]\nuser = \"who\"\nclient = [\"peer.ip\", \"peer\"]";
    assert_eq!(source(lines).habits, habits);
}

#[test]
fn a_small_destination_gets_the_documented_defaults() {
    let siem = destination("");
    assert_eq!((siem.transport.name, siem.format.name), ("tls", "rfc5424"));
    assert_eq!((siem.link.net.host.as_str(), siem.link.net.port), ("siem.example.net", 6514));
    assert_eq!(siem.link.framing, Framing::OctetCounting);
    assert_eq!(siem.link.net.connect_timeout, Duration::from_secs(10));
    assert_eq!(siem.link.net.send_timeout, Duration::from_secs(30));
    let tls = siem.link.net.tls.unwrap();
    assert_eq!(tls.server_name, "siem.example.net");
    assert!(tls.verify_chain && tls.pins.is_empty() && tls.ca_file.is_none());
    assert_eq!(tls.version_min, TlsVersion::V1_2);
    assert_eq!((siem.frame.facility, siem.frame.enterprise), (13, 32473));
    assert_eq!((siem.frame.frame_bytes_max, siem.frame.bom), (8000, true));
    assert_eq!((siem.evidence, siem.from), (Evidence::Auto, From::Oldest));
    assert_eq!(siem.window_bytes_max, 4 << 20);
    assert_eq!(siem.barrier_interval, Duration::from_secs(30));
    assert_eq!(siem.backoff, (Duration::from_millis(250), Duration::from_secs(60)));
}

#[test]
fn relp_has_defaults_of_its_own_that_fit_rsyslog() {
    for (transport, secure) in [("relp-tls", true), ("relp", false)] {
        let siem = destination(&format!("transport = {transport:?}"));
        assert_eq!((siem.link.protocol, siem.link.net.port), (Protocol::Relp, 20514));
        assert_eq!((siem.link.net.tls.is_some(), siem.transport.secured()), (secure, "relp-tls"));
        assert_eq!((siem.frame.frame_bytes_max, siem.window_bytes_max), (8000, 128 << 10));
        assert_eq!(siem.evidence, Evidence::Auto);
    }
    let siem = destination("transport = \"relp-tls\"\nevidence = \"ack\"\nframe-max = \"128 KiB\"");
    assert_eq!((siem.evidence, siem.frame.frame_bytes_max), (Evidence::Auto, 128 << 10));
}

#[test]
fn the_example_of_every_key_is_valid() {
    let mut text = String::new();
    for section in SECTIONS {
        let kinds: &[&str] = if section.name == "source" { &["file", "api"] } else { &[""] };
        for kind in kinds {
            if !section.name.is_empty() {
                text += &format!("{}\n", section.title());
            }
            // `addresses` stands in the place of `address`.
            let of_kind = section.keys.iter().filter(|key| key.kind.is_empty() || key.kind == *kind);
            for key in of_kind.filter(|key| key.name != "addresses") {
                let example = match key.name {
                    "kind" | "name" if *kind == "api" => format!("{kind:?}"),
                    _ => key.example.to_owned(),
                };
                text += &format!("{} = {example}\n", key.name);
            }
        }
    }
    assert_eq!(shown(&text), "");
}

#[test]
fn several_addresses_differ_in_host_and_port_and_in_the_name_that_is_verified() {
    let text = SMALL
        .replace("address = \"siem.example.net\"", "addresses = [\"a.example.net:1\", \"[2001:db8::1]\"]");
    let siem = parse(&format!("{text}return-interval = \"1 min\"\n")).destinations.remove(0);
    let links: Vec<_> = siem
        .links()
        .map(|link| (link.net.shown(), link.net.tls.as_ref().unwrap().server_name.clone()))
        .collect();
    let first = ("a.example.net:1".to_owned(), "a.example.net".to_owned());
    assert_eq!(links, [first, ("[2001:db8::1]:6514".to_owned(), "2001:db8::1".to_owned())]);
    assert_eq!(siem.return_interval, Duration::from_secs(60));
    let named = parse(&format!("{text}server-name = \"siem\"\n")).destinations.remove(0);
    assert!(named.links().all(|link| link.net.tls.as_ref().unwrap().server_name == "siem"));
}

#[test]
fn every_setting_of_a_destination_is_taken_over() {
    let pin = "ab".repeat(32);
    let siem = destination(&format!(
        r#"
            framing = "lf"
            facility = "local3"
            enterprise-number = 4242
            frame-max = "16 KiB"
            bom = false
            ca-file = "tls/ca.pem"
            cert-file = "client.pem"
            key-file = "/keys/client.key"
            server-name = "other.example.net"
            pin = ["sha-256:{pin}"]
            tls-min = "1.3"
            evidence = "barrier"
            from = "now"
            window-max = "1 MiB"
            barrier-interval = "5 s"
            probe-records = 50
            probe-bytes = "16 KiB"
            probe-interval = "250 ms"
            connect-timeout = "3 s"
            send-timeout = "1 min"
            backoff-max = "100 ms"
        "#
    ));
    let tls = siem.link.net.tls.unwrap();
    assert_eq!(siem.link.framing, Framing::LineFeed);
    assert_eq!((siem.frame.facility, siem.frame.enterprise, siem.frame.bom), (19, 4242, false));
    assert_eq!(siem.frame.frame_bytes_max, 16 << 10);
    assert_eq!(tls.ca_file, Some(PathBuf::from("/etc/otrail/tls/ca.pem")));
    assert_eq!(tls.cert_file, Some(PathBuf::from("/etc/otrail/client.pem")));
    assert_eq!(tls.key_file, Some(PathBuf::from("/keys/client.key")));
    assert_eq!((tls.server_name.as_str(), tls.verify_chain), ("other.example.net", true));
    assert_eq!((tls.pins[0].0, tls.version_min), ([0xab; 32], TlsVersion::V1_3));
    assert_eq!((siem.evidence, siem.from, siem.window_bytes_max), (Evidence::Barrier, From::Now, 1 << 20));
    assert_eq!(siem.barrier_interval, Duration::from_secs(5));
    let interval = Duration::from_millis(250);
    assert_eq!(siem.cadence, Cadence { records: 50, bytes: 16 << 10, interval });
    assert_eq!(siem.link.net.connect_timeout, Duration::from_secs(3));
    assert_eq!(siem.link.net.send_timeout, Duration::from_secs(60));
    assert_eq!(siem.backoff, (Duration::from_millis(100), Duration::from_millis(100)));
}

#[test]
fn the_socket_of_another_state_directory_stands_in_it() {
    let config = parse(&format!("state-dir = \"state\"\n{SMALL}"));
    assert_eq!(config.state_dir, Path::new("/etc/otrail/state"));
    assert_eq!(config.control.socket, Path::new("/etc/otrail/state/otrail.sock"));
    assert_eq!(config.journal.state_dir, config.state_dir);
}

#[test]
fn segments_of_a_small_journal_are_small() {
    let config = parse(&format!("{SMALL}[journal]\nsize-max = \"20 MiB\"\n"));
    assert_eq!(config.journal.segment_bytes_max, 5 << 20);
}

#[test]
fn facilities_have_names_and_numbers() {
    for (written, number) in [("\"auth\"", 4), ("\"authpriv\"", 10), ("0", 0), ("23", 23), ("\"kern\"", 0)] {
        assert_eq!(destination(&format!("facility = {written}")).frame.facility, number);
    }
}

/// `UPDATE_EXPECT=1 cargo test` rewrites the expected files; read the diff before you commit it.
#[test]
fn every_golden_config_shows_its_problems_under_their_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config");
    let mut configs: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    configs.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    assert!(configs.len() >= 9);
    for config in configs {
        expect_file![config.with_extension("txt")].assert_eq(&shown(&fs::read_to_string(config).unwrap()));
    }
}

#[test]
fn nothing_in_the_file_is_expanded() {
    let config = parse(&SMALL.replace("plant-a", "${HOSTNAME} {{ x }}"));
    assert_eq!(config.sensor, "${HOSTNAME} {{ x }}");
}

/// The examples of all keys, in pieces to shuffle and spoil.
fn pieces() -> Vec<String> {
    let keys = SECTIONS.iter().flat_map(|section| section.keys);
    let lines = keys.flat_map(|key| {
        [key.name.to_owned(), key.example.to_owned(), format!("{} = {}\n", key.name, key.example)]
    });
    let titles = SECTIONS.iter().map(|section| format!("{}\n", section.title()));
    let odd = [
        "=",
        "\n",
        "\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "-1",
        "1e999",
        "9".repeat(40).as_str(),
        "\u{0}",
        "é\u{202e}",
        "\"-5 s\"",
        "\"99999999999999 days\"",
        "\"1e99 GiB\"",
        "1979-05-27",
    ]
    .map(str::to_owned);
    lines.chain(titles).chain(odd).collect()
}

fn every_problem_stands_in_the_text(text: &str) {
    let lines = text.split('\n').count();
    let notes = match Config::parse(Path::new("f"), text) {
        Ok((_, warnings)) => warnings,
        Err(error) => {
            assert!(!error.problems.is_empty());
            error.problems
        }
    };
    for note in notes {
        assert!(note.place.as_ref().is_none_or(|place| place.line <= lines && place.width > 0));
        assert!(!note.to_string().replace('\n', "").chars().any(char::is_control));
    }
}

#[test]
fn a_file_that_is_no_config_says_so_in_a_hundred_lines() {
    let shown = shown(&"{\"timestamp\":1709193665000}\n".repeat(5000));
    assert_eq!(shown.matches("otrail.toml:").count(), 101);
    assert!(shown.contains("has problems in 4900 lines more"), "{shown}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        every_problem_stands_in_the_text(&text);
    }

    #[test]
    fn no_heap_of_pieces_makes_it_panic(picks in prop::collection::vec(0usize..1000, 0..40)) {
        let pieces = pieces();
        let text: String = picks.iter().map(|pick| pieces[pick % pieces.len()].as_str()).collect();
        every_problem_stands_in_the_text(&text);
    }

    #[test]
    fn no_spoiled_config_makes_it_panic(at in 0usize..SMALL.len(), cut in 0usize..20, put in "\\PC{0,8}") {
        let end = (at + cut).min(SMALL.len());
        every_problem_stands_in_the_text(&format!("{}{put}{}", &SMALL[..at], &SMALL[end..]));
    }
}

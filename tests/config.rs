//! What an admin sees of the config file: every problem under its line, all at once, each with a way out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use expect_test::{Expect, expect};
use otrail::collect::Start;
use otrail::config::{Config, SECTIONS};
use otrail::forward::{Evidence, From, Settings};
use otrail::model::Class;
use otrail::net::TlsVersion;
use otrail::transport::Framing;
use proptest::prelude::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
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

fn check(text: &str, expected: &Expect) {
    expected.assert_eq(&shown(text));
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
    assert_eq!((siem.frame.frame_bytes_max, siem.frame.bom), (8192, true));
    assert_eq!((siem.evidence, siem.from), (Evidence::Auto, From::Oldest));
    assert_eq!(siem.window_bytes_max, 4 << 20);
    assert_eq!(siem.barrier_interval, Duration::from_secs(30));
    assert_eq!(siem.backoff, (Duration::from_millis(250), Duration::from_secs(60)));
}

#[test]
fn the_example_of_every_key_is_valid() {
    let mut text = String::new();
    for section in SECTIONS {
        if !section.name.is_empty() {
            text += &format!("{}\n", section.title());
        }
        for key in section.keys {
            text += &format!("{} = {}\n", key.name, key.example);
        }
    }
    assert_eq!(shown(&text), "");
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

#[test]
fn all_problems_are_shown_at_once_in_the_order_of_the_file() {
    check(
        r#"
sensr = "plant-a"
heartbeat = 15
dialect = "auto"

[[source]]
name = "Timeline"
path = "/var/log/*.ndjson"
dialect = "keyvalue"
start = "begin"
time-zone = "Europe/Berln"
line-max = "1 parsec"

[journal]
size-max = "2 KiB"
age-max = "soon"

[[destination]]
name = "siem"
address = "siem.example.net:99999"
adress = "x"
key-file = "client.key"
pin = ["beef", 7]
facility = 24
evidence = "probe"
bom = "yes"
tls-min = "1.1"
"#,
        &expect![[r#"
            otrail.toml: `sensor` is missing at the top of the file
              for example: sensor = "plant-a-sensor-01"
            otrail.toml:2:1: unknown key `sensr` at the top of the file
              2 | sensr = "plant-a"
                | ^^^^^ did you mean `sensor`?
            otrail.toml:3:13: `heartbeat` needs a unit
              3 | heartbeat = 15
                |             ^^ for example: heartbeat = "15 min"
            otrail.toml:4:1: unknown key `dialect` at the top of the file
              4 | dialect = "auto"
                | ^^^^^^^ it belongs in [[source]]
            otrail.toml:7:8: `Timeline` is no name
              7 | name = "Timeline"
                |        ^^^^^^^^^^ a-z, 0-9, `-` and `_`, beginning with a letter or digit, at most 32
            otrail.toml:8:8: a path with `*`, `?` or `[` is not supported yet
              8 | path = "/var/log/*.ndjson"
                |        ^^^^^^^^^^^^^^^^^^^ name one file; add a [[source]] for each
            otrail.toml:9:11: unknown dialect `keyvalue`
              9 | dialect = "keyvalue"
                |           ^^^^^^^^^^ known: auto, timeline-json
            otrail.toml:10:9: unknown start `begin`
              10 | start = "begin"
                 |         ^^^^^^^ known: beginning, end
            otrail.toml:11:13: unknown time zone `Europe/Berln`
              11 | time-zone = "Europe/Berln"
                 |             ^^^^^^^^^^^^^^ did you mean `Europe/Berlin`?
            otrail.toml:12:12: `1 parsec` is not a size
              12 | line-max = "1 parsec"
                 |            ^^^^^^^^^^ units: B, KiB, MiB, GiB, TiB, kB, MB, GB, TB; for example: line-max = "1 MiB"
            otrail.toml:15:12: `2 KiB` is out of range
              15 | size-max = "2 KiB"
                 |            ^^^^^^^ allowed: 1.0 MiB to 16.0 TiB
            otrail.toml:16:11: `soon` is not a duration
              16 | age-max = "soon"
                 |           ^^^^^^ units: ms, s, min, h, days, weeks; for example: age-max = "400 days"
            otrail.toml:20:11: `99999` is not a port
              20 | address = "siem.example.net:99999"
                 |           ^^^^^^^^^^^^^^^^^^^^^^^^ allowed: 1 to 65535
            otrail.toml:21:1: unknown key `adress` in [[destination]]
              21 | adress = "x"
                 | ^^^^^^ did you mean `address`?
            otrail.toml:22:12: a key without its certificate
              22 | key-file = "client.key"
                 |            ^^^^^^^^^^^^ add `cert-file`
            otrail.toml:23:8: `beef` is not a SHA-256 fingerprint
              23 | pin = ["beef", 7]
                 |        ^^^^^^ 64 hex digits, as `openssl x509 -noout -fingerprint -sha256 -in server.pem` shows them
            otrail.toml:23:16: `pin` must be text, not a number
              23 | pin = ["beef", 7]
                 |                ^ for example: pin = []
            otrail.toml:24:12: `facility` is out of range
              24 | facility = 24
                 |            ^^ allowed: 0 to 23
            otrail.toml:25:12: evidence `probe` comes later
              25 | evidence = "probe"
                 |            ^^^^^^^ for now: evidence = "auto"
            otrail.toml:26:7: `bom` must be true or false, not text
              26 | bom = "yes"
                 |       ^^^^^ for example: bom = true
            otrail.toml:27:11: unknown tls-min `1.1`
              27 | tls-min = "1.1"
                 |           ^^^^^ known: 1.2, 1.3
        "#]],
    );
}

#[test]
fn what_must_be_there_is_named_with_an_example() {
    check(
        "",
        &expect![[r#"
            otrail.toml: `sensor` is missing at the top of the file
              for example: sensor = "plant-a-sensor-01"
            otrail.toml: there is no [[source]]
              name the log to follow: [[source]], with `name` and `path`
        "#]],
    );
    check(
        "sensor = \"a\"\n[[source]]\n[[destination]]\n",
        &expect![[r#"
        otrail.toml:2:1: `name` is missing in [[source]]
          2 | [[source]]
            | ^^^^^^^^^^ for example: name = "timeline"
        otrail.toml:2:1: `path` is missing in [[source]]
          2 | [[source]]
            | ^^^^^^^^^^ for example: path = "/var/log/sensor/user-operations.ndjson"
        otrail.toml:3:1: `name` is missing in [[destination]]
          3 | [[destination]]
            | ^^^^^^^^^^^^^^^ for example: name = "siem"
        otrail.toml:3:1: `address` is missing in [[destination]]
          3 | [[destination]]
            | ^^^^^^^^^^^^^^^ for example: address = "siem.example.net:6514"
    "#]],
    );
}

#[test]
fn sections_and_lists_are_told_apart() {
    check(
        "sensor = \"a\"\njournal = 7\n[source]\nname = \"a\"\npath = \"/a\"\n[[query]]\nadmin-users = []\n",
        &expect![[r#"
            otrail.toml:2:11: `journal` is a section, not a number
              2 | journal = 7
                |           ^ write it as [journal]
            otrail.toml:3:1: `source` is a list: there may be several
              3 | [source]
                | ^^^^^^^^ write it as [[source]]
            otrail.toml:6:1: `query` stands only once
              6 | [[query]]
                | ^^^^^^^^^ write it as [query]
        "#]],
    );
}

#[test]
fn every_error_of_syntax_is_shown_under_its_line() {
    check(
        "sensor = \nstate-dir = \"a\nsensor = 1\nheartbeat == 2\n",
        &expect![[r#"
            otrail.toml:1:10: string values must be quoted, expected literal string
              1 | sensor =
                |          ^
            otrail.toml:2:15: invalid basic string, expected `"`
              2 | state-dir = "a
                |               ^
            otrail.toml:3:1: duplicate key
              3 | sensor = 1
                | ^^^^^^
            otrail.toml:4:12: extra `=`, expected nothing
              4 | heartbeat == 2
                |            ^
        "#]],
    );
}

#[test]
fn names_and_files_are_unique() {
    check(
        &format!(
            "{SMALL}[[source]]\nname = \"timeline\"\npath = \"/var/log/sensor/user-operations.ndjson\"\n\
             [[source]]\nname = \"otrail\"\npath = \"/b\"\n[[destination]]\nname = \"siem\"\naddress = \"[::1]:1\"\n"
        ),
        &expect![[r#"
            otrail.toml:12:8: there is another source `timeline`
              12 | name = "timeline"
                 |        ^^^^^^^^^^ choose another name
            otrail.toml:13:8: another source follows this file
              13 | path = "/var/log/sensor/user-operations.ndjson"
                 |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ one file, one source: leave one of them out
            otrail.toml:15:8: `otrail` is the source of otrail's own events
              15 | name = "otrail"
                 |        ^^^^^^^^ choose another name
            otrail.toml:18:8: there is another destination `siem`
              18 | name = "siem"
                 |        ^^^^^^ choose another name
        "#]],
    );
}

#[test]
fn what_is_allowed_and_unwise_is_a_warning() {
    check(
        "sensor = \"a\"\n[[source]]\nname = \"a\"\npath = \"a.log\"\n\
         [[destination]]\nname = \"lab\"\naddress = \"127.0.0.1:514\"\ntransport = \"tcp\"\nca-file = \"ca.pem\"\n\
         [[destination]]\nname = \"pinned\"\naddress = \"siem\"\nevidence = \"none\"\n\
         pin = [\"abababababababababababababababababababababababababababababababab\"]\n",
        &expect![[r#"
            warning: otrail.toml:8:13: `tcp` is for the laboratory: everyone on the way can read and change the trail
              8 | transport = "tcp"
                |             ^^^^^ transport = "tls"
            warning: otrail.toml:9:11: has no effect with transport `tcp`
              9 | ca-file = "ca.pem"
                |           ^^^^^^^^ transport = "tls"
            warning: otrail.toml:13:12: without evidence, events on the way are lost when a connection breaks
              13 | evidence = "none"
                 |            ^^^^^^ evidence = "auto"
            warning: otrail.toml:14:7: only the fingerprint decides: neither chain, name nor validity of the certificate is checked
              14 | pin = ["abababababababababababababababababababababababababababababababab"]
                 |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add `ca-file` to have them checked as well
        "#]],
    );
    check(
        "sensor = \"a\"\n[[source]]\nname = \"a\"\npath = \"a.log\"\n",
        &expect![[r#"
        warning: otrail.toml: there is no [[destination]]: nothing is forwarded
    "#]],
    );
}

#[test]
fn limits_that_contradict_each_other_are_problems() {
    check(
        &format!(
            "{SMALL}window-max = \"64 KiB\"\nframe-max = \"1 MiB\"\n\
             [journal]\nsize-max = \"8 MiB\"\nsegment-max = \"4 MiB\"\n\
             [select]\nclasses = []\nuser-login = \"agent\"\n[control]\nsocket = \"/{}\"\n",
            "s".repeat(107)
        ),
        &expect![[r#"
            otrail.toml:11:14: `window-max` is less than one frame
              11 | window-max = "64 KiB"
                 |              ^^^^^^^^ raise it to `frame-max` or more
            otrail.toml:15:15: `segment-max` is more than a quarter of `size-max`
              15 | segment-max = "4 MiB"
                 |               ^^^^^^^ whole segments are removed, so a few must fit: lower it or raise `size-max`
            otrail.toml:17:11: `classes` is empty: nothing would be journaled
              17 | classes = []
                 |           ^^ classes = ["user-operation"]
            otrail.toml:18:14: unknown user-login `agent`
              18 | user-login = "agent"
                 |              ^^^^^^^ known: user-operation, network
            otrail.toml:20:10: the path of the socket is too long for the system
              20 | socket = "/sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
                 |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ at most 107 bytes: name a shorter path
        "#]],
    );
}

#[test]
fn nothing_in_the_file_is_expanded() {
    let config = parse(&SMALL.replace("plant-a", "${HOSTNAME} {{ x }}"));
    assert_eq!(config.sensor, "${HOSTNAME} {{ x }}");
}

/// A config file with this mode in a folder of its own.
fn file(mode: u32, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("otrail.toml");
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    (dir, path)
}

/// What loading a file says, with its path shortened.
fn loaded(path: &Path) -> String {
    let shown = match Config::load(path) {
        Err(error) => error.to_string(),
        Ok((_, warnings)) => warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    shown.replace(&path.display().to_string(), "FILE")
}

#[test]
fn a_file_that_everyone_may_change_is_refused() {
    let (_dir, path) = file(0o646, SMALL.as_bytes());
    expect![[r#"
        FILE: is writable by every user (mode 0646)
          chmod o-w FILE"#]]
    .assert_eq(&loaded(&path));
    let (_dir, path) = file(0o660, SMALL.as_bytes());
    expect![[r#"
        FILE: is writable by its group (mode 0660)
          chmod g-w FILE"#]]
    .assert_eq(&loaded(&path));
    let (_dir, path) = file(0o640, SMALL.as_bytes());
    expect![[""]].assert_eq(&loaded(&path));
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_with_a_way_out() {
    let (dir, path) = file(0o600, b"sensor = \"a\"\nstate-dir = \"\xff\"\n");
    expect![[r#"
        FILE: line 2 is not UTF-8
          save the file as UTF-8"#]]
    .assert_eq(&loaded(&path));
    expect![[r#"
        FILE: cannot be read: No such file or directory (os error 2)
          name the file with --config FILE"#]]
    .assert_eq(&loaded(&dir.path().join("missing.toml")));
    expect!["FILE: cannot be read: Is a directory (os error 21)"].assert_eq(&loaded(dir.path()));
    let (_dir, path) = file(0o600, &vec![b'#'; (1 << 20) + 1]);
    expect![[r#"
        FILE: is larger than 1 MiB
          this is no otrail configuration"#]]
    .assert_eq(&loaded(&path));
}

#[test]
fn an_admin_group_that_does_not_exist_is_a_warning() {
    let (_dir, path) =
        file(0o600, format!("{SMALL}[query]\nadmin-groups = [\"root\", \"no-such-group\"]\n").as_bytes());
    expect![[r#"
        FILE:12:25: there is no group `no-such-group`
          12 | admin-groups = ["root", "no-such-group"]
             |                         ^^^^^^^^^^^^^^^ groupadd --system GROUP, or leave it out"#]]
    .assert_eq(&loaded(&path));
}

#[test]
fn the_hash_is_that_of_the_file() {
    let (_dir, path) = file(0o600, SMALL.as_bytes());
    let config = Config::load(&path).unwrap_or_else(|error| panic!("{error}")).0;
    assert_eq!(config.path, path);
    assert_eq!(config.sha256, parse(SMALL).sha256);
    assert_ne!(config.sha256, parse(&format!("{SMALL}\n")).sha256);
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

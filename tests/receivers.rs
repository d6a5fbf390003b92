//! Real syslog servers get every entry, byte for byte, once and in order, and show that they have it.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

use otrail::format::{Envelope, FORMATS, Settings};
use otrail::model::{Class, Seq, status::Status};
use serde_json::json;
use support::daemon::{Kind, Receiver, Tls};
use support::frames::Frame;
use support::process::{House, entry};

#[test]
fn rsyslog_with_openssl_gets_every_entry_and_answers_probe_and_barrier() {
    gets_every_entry(Kind::RsyslogOpenssl, ["barrier", "probe"]);
}

#[test]
fn rsyslog_with_gnutls_gets_every_entry_and_ends_with_a_fin() {
    gets_every_entry(Kind::RsyslogGnutls, ["fin", "fin"]);
}

#[test]
fn syslog_ng_gets_every_entry_and_answers_probe_and_barrier() {
    gets_every_entry(Kind::SyslogNg, ["barrier", "probe"]);
}

#[test]
fn imrelp_with_openssl_gets_every_entry_and_acknowledges_it() {
    gets_every_entry(Kind::RelpOpenssl, ["ack", "ack"]);
}

#[test]
fn imrelp_with_gnutls_gets_every_entry_and_acknowledges_it() {
    gets_every_entry(Kind::RelpGnutls, ["ack", "ack"]);
}

/// rsyslog cuts what is longer than its `maxMessageSize` and shows the same evidence: the longest frames must fit a
/// server as it comes.
#[test]
fn the_longest_frames_fit_into_a_server_as_it_comes() {
    for kind in [Kind::RsyslogOpenssl, Kind::RsyslogGnutls, Kind::SyslogNg, Kind::RelpOpenssl] {
        let mut house = House::new();
        let mut receiver = Receiver::of(&house, kind);
        receiver.message_max = None;
        receiver.start();
        let transport = format!("barrier-interval = \"200 ms\"\ntransport = {:?}", kind.transport());
        house.forward("siem", receiver.port, &transport);
        (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
        for bytes in [7_000, 8_000, 9_000, 20_000] {
            house.write_log(with_value(&"long ".repeat(bytes / 5)).as_bytes());
        }
        house.start();
        let status = house.wait_until("everything confirmed", |status| confirmed(status, ENTRIES + 4));
        assert_eq!(house.stop(), Some(0));
        is_the_trail(&house, &status, &receiver, ENTRIES + 4);
        assert!(receiver.frames().iter().filter(|frame| frame.bytes.len() > 7_900).count() >= 3, "{kind:?}");
    }
}

/// With either version of TLS, and this evidence over each.
fn gets_every_entry(kind: Kind, evidence: [&str; 2]) {
    let versions = [(Tls::V1_2, "1.2", "TLSv1.2 "), (Tls::V1_3, "1.3", "TLSv1.3 ")];
    for ((tls, minimum, version), evidence) in versions.into_iter().zip(evidence) {
        let mut house = House::new();
        let mut receiver = Receiver::of(&house, kind);
        receiver.tls = tls;
        receiver.start();
        house.forward(
            "siem",
            receiver.port,
            &format!(
                "tls-min = {minimum:?}\nbarrier-interval = \"200 ms\"\ntransport = {:?}",
                kind.transport()
            ),
        );
        house.start();
        let hostile = hostile();
        for number in 0..ENTRIES {
            house.write_log(entry(number).as_bytes());
        }
        hostile.iter().for_each(|value| house.write_log(with_value(value).as_bytes()));
        let written = ENTRIES + hostile.len();
        let status = house.wait_until("everything confirmed", |status| confirmed(status, written));
        let destination = &status.destinations[0];
        assert_eq!(destination.evidence, evidence, "{kind:?} {tls:?}");
        assert!(destination.tls.starts_with(version), "{kind:?} {tls:?}: {}", destination.tls);
        assert_eq!((destination.resent, destination.error.as_str()), (0, ""), "{kind:?} {tls:?}");
        assert_eq!(house.stop(), Some(0));
        is_the_trail(&house, &status, &receiver, written);
    }
}

/// As many entries have been read, and all that was journaled is confirmed over a link that has a successor.
fn confirmed(status: &Status, entries: usize) -> bool {
    status.sources.iter().any(|source| source.entries == entries as u64)
        && status.destinations.iter().all(|destination| {
            destination.confirmed == status.journal.newest && destination.state == "connected"
        })
}

/// What arrived is what the journal says, encoded once more; and both parsers read it.
fn is_the_trail(house: &House, status: &Status, receiver: &Receiver, entries: usize) {
    let frames = receiver.frames();
    let records = house.records();
    let format = FORMATS.iter().find(|format| format.name == "rfc5424").unwrap();
    assert_eq!(frames.len(), records.len(), "{}", receiver.said());
    let (mut prev, mut of_users) = (Seq::NONE, 0);
    for ((frame, record), sequence_id) in frames.iter().zip(&records).zip(1..) {
        let stream = &status.journal.stream;
        let clock_synced = is_synced(frame);
        let envelope =
            Envelope { stream, prev, print: None, resent: false, replay: false, sequence_id, clock_synced };
        let mut expected = Vec::new();
        (format.encode)(&Settings::default(), &envelope, record, &mut expected);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&frame.bytes), text(&expected));
        assert_eq!((frame.seq, frame.action.as_str()), (record.seq.0, record.event.action.name()));
        if record.event.class == Class::UserOperation && of_users < ENTRIES {
            assert_eq!((frame.action.as_str(), frame.user.as_deref()), ("user.login", Some("alice")));
            assert!(text(&frame.bytes).ends_with(&format!("User alice signed in, session {of_users:07}")));
        }
        of_users += usize::from(record.event.class == Class::UserOperation);
        prev = record.seq;
    }
    assert_eq!(of_users, entries);
    is_held_against(house, receiver, records.len());
}

/// The server's own file agrees with the journal by the command for it, too.
fn is_held_against(house: &House, receiver: &Receiver, records: usize) {
    let file = house.path("received");
    std::fs::write(&file, receiver.received()).unwrap();
    let verify =
        house.otrail().args(["journal", "verify", "-o", "json", "--against"]).arg(&file).output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&verify.stdout).unwrap();
    let held = &found["against"];
    assert_eq!((verify.status.code(), &held["same"]), (Some(0), &json!(records)), "{held}");
    assert_eq!((&held["events"], &held["copies"]), (&json!(records), &json!(0)), "{held}");
}

fn is_synced(frame: &Frame) -> bool {
    String::from_utf8_lossy(&frame.bytes).contains("isSynced=\"1\"")
}

/// Values that would like to be a field, a frame, an event or a command.
fn hostile() -> Vec<String> {
    let forged = "24 <110>1 - - - - - - forged";
    [
        "line\nfeed",
        "carriage\r\nreturn",
        "bracket ] [evil@1 a=\"b\"]",
        "quote \" and \\\" more",
        "back\\slash\\",
        "pipe | and = and ,",
        "escape \u{1b}[2J\u{1b}]0;title\u{7}",
        "c1 \u{9b}31m and \u{85}",
        "bidi \u{202e}ecila\u{2066}x\u{2069}",
        "separators \u{2028}and\u{2029}",
        "nul \0 and delete \u{7f}",
        "%rawmsg% $MESSAGE ${jndi:ldap://x} $(id) `id`",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([format!("x\n{forged}\n"), format!("x\"] {forged}")])
    .collect()
}

/// An entry that has this value wherever a value can be.
fn with_value(value: &str) -> String {
    let entry = json!({
        "timestamp": 1_764_000_000_000_u64, "type": format!("USER_LOGIN {value}"), "title": value, "severity": value,
        "owner": value, "content": format!("User {value} signed in")
    });
    format!("{entry}\n")
}

/// Ordinary entries of each test.
const ENTRIES: usize = 300;

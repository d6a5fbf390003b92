//! `packaging/siem`: the receivers take every format over mutual TLS and write it unharmed, the blocks are good config.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use otrail::config::Config;
use otrail::format::{Envelope, Format};
use otrail::forward;
use otrail::model::{Chain, Record, Seq};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::certs::Kind as Certificate;
use support::daemon::{Kind, Setup, Tls};
use support::process::{House, entry, free_port, patiently};
use support::world::LOCAL;
use support::{rsyslog, syslog_ng};

#[test]
fn rsyslog_as_shipped_takes_every_format_and_writes_it_unharmed() {
    takes_every_format(Kind::RsyslogOpenssl);
}

#[test]
fn syslog_ng_as_shipped_takes_every_format_and_writes_it_unharmed() {
    takes_every_format(Kind::SyslogNg);
}

#[test]
fn the_forwarder_of_sentinel_hands_on_cef_unharmed() {
    let mut house = House::new();
    // What the Azure Monitor Agent puts into /etc/rsyslog.d, with a file in place of its socket.
    let rule = "template(name=\"AMA\" type=\"string\" string=\"<%PRI%>%TIMESTAMP% %HOSTNAME% \
                %syslogtag%%msg:::sp-if-no-1st-sp%%msg%\\n\")\n*.* action(type=\"omfile\" file=\"OUT/ama.log\" template=\"AMA\")\n";
    let receiver = Receiver::start(&house, Kind::RsyslogOpenssl, "sentinel-forwarder.conf", rule);
    house.forward("sentinel", receiver.port, "format = \"cef\"\nheader = \"rfc3164\"\nfacility = \"local4\"");
    let (records, stream) = deliver(&mut house);
    let settings = settings_of(&house);
    let whole = fs::read_to_string(receiver.out.join("ama.log")).unwrap();
    let lines: Vec<String> = whole
        .lines()
        .filter(|line| line.contains("CEF:"))
        .map(|line| line.replace("CEF: ", "CEF:"))
        .collect();
    let expected = frames(&settings[0], &records, &stream);
    assert_eq!(lines, expected);
}

/// A format with each header and version that it has.
const DESTINATIONS: &[(&str, &str)] = &[
    ("rfc5424", ""),
    ("rfc5424-us", "timestamp = \"us\"\nbom = false"),
    ("cef", "format = \"cef\""),
    ("cef-1", "format = \"cef\"\ncef-version = \"1\"\nheader = \"rfc3164\""),
    ("leef", "format = \"leef\""),
    ("leef-1", "format = \"leef\"\nleef-version = \"1.0\"\nheader = \"rfc3164\""),
    ("leef-caret", "format = \"leef\"\nleef-delimiter = \"^\""),
    ("json", "format = \"json\""),
    ("json-bare", "format = \"json\"\nheader = \"none\"\nleave-out = [\"raw\"]"),
    ("ecs", "format = \"ecs\"\nheader = \"rfc3164\""),
    ("ocsf", "format = \"ocsf\""),
    ("ocsf-old", "format = \"ocsf\"\nocsf-version = \"1.1\""),
];

fn takes_every_format(kind: Kind) {
    let mut house = House::new();
    let file = if kind == Kind::SyslogNg { "syslog-ng.conf" } else { "rsyslog.conf" };
    let receiver = Receiver::start(&house, kind, file, "");
    for (name, more) in DESTINATIONS {
        house.forward(name, receiver.port, more);
    }
    let (records, stream) = deliver(&mut house);
    assert!(records.len() > ENTRIES);
    let read = |name: &str| fs::read_to_string(receiver.out.join(name)).unwrap_or_default();
    let (of_sensor, bare) = (read("plant-a.log"), read("unknown.log"));
    let mut expected = Vec::new();
    for settings in settings_of(&house) {
        let frames = frames(&settings, &records, &stream);
        if settings.name == "json-bare" {
            assert_eq!(bare.lines().collect::<Vec<_>>(), frames, "{kind:?}");
        } else {
            let is_ours = |line: &&str| frames.iter().any(|frame| frame == line);
            let received: Vec<&str> = of_sensor.lines().filter(is_ours).collect();
            assert_eq!(received, frames, "{kind:?} {}", settings.name);
            expected.extend(frames);
        }
    }
    let mut received: Vec<&str> = of_sensor.lines().collect();
    received.sort_unstable();
    expected.sort_unstable();
    assert_eq!(received, expected, "{kind:?}");
}

#[test]
fn an_auditor_finds_whatever_is_done_to_the_events_that_rsyslog_wrote() {
    let mut house = House::new();
    let receiver = Receiver::start(&house, Kind::RsyslogOpenssl, "rsyslog.conf", "");
    house.forward("lake", receiver.port, "format = \"ocsf\"");
    house.set("[destination.select]\nclass = [\"user-operation\"]\n");
    send_over_kills(&mut house);
    let file = receiver.out.join("plant-a.log");
    let lines: Vec<String> = fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
    let rows = house.path("rows");
    let state = house.path("state");
    let asked = ["query", "-D", state.to_str().unwrap(), "-n", "all", "-o", "ocsf"];
    fs::write(&rows, house.run(&asked).stdout).unwrap();
    let said = |lines: &[String]| {
        let tampered = house.path("tampered.log");
        fs::write(&tampered, lines.join("\n") + "\n").unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/siem/check-integrity.py");
        let checks = [&["--journal", rows.to_str().unwrap()][..], &[]].map(|more| {
            let output = Command::new("python3").arg(&script).args(more).arg(&tampered).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
            (output.status.code(), text)
        });
        let [with_journal, alone] = checks;
        (alone, with_journal)
    };
    let (alone, with_journal) = said(&lines);
    let whole = format!("{} events, 1 chains, 0 faults\n", lines.len());
    assert!(alone.0 == Some(0) && alone.1.ends_with(&whole), "{}", alone.1);
    assert!(with_journal.0 == Some(0) && with_journal.1.ends_with(&whole), "{}", with_journal.1);
    assert_eq!(our_own_check(&lines), lines.len());
    // One letter, one event less.
    let middle = lines.len() / 2;
    let mut changed = lines.clone();
    changed[middle] = changed[middle].replacen("\"activity_name\":\"L", "\"activity_name\":\"l", 1);
    assert_ne!(changed, lines);
    let mut reversed = lines.clone();
    reversed.reverse();
    assert_eq!(said(&reversed).0.0, Some(0), "order says nothing");
    let mut missing = lines.clone();
    let gone = missing.remove(middle);
    missing.retain(|line| id_of(line) != id_of(&gone));
    let mut cut = lines.clone();
    let half = cut[lines.len() - 1].len() / 2;
    cut[lines.len() - 1].truncate(half);
    let mut without = lines.clone();
    without[middle] = without[middle].replacen("\"fingerprint\":{", "\"fingerprints\":{", 1);
    for tampered in [changed, missing, cut, without] {
        let (alone, _) = said(&tampered);
        assert!(alone.0 == Some(1) && !alone.1.contains(" 0 faults"), "{}", alone.1);
    }
    // Nothing to check is not nothing wrong.
    assert_eq!(said(&["no event".to_owned()]).0.0, Some(2));
    let kept = fs::read(&rows).unwrap();
    fs::write(&rows, "nothing of use\n").unwrap();
    let (_, with_journal) = said(&lines);
    assert!(with_journal.0 == Some(2) && with_journal.1.contains("no event"), "{}", with_journal.1);
    fs::write(&rows, kept).unwrap();
    // Whoever computes all anew is found by the journal alone.
    let forged = forged(&lines);
    let (alone, with_journal) = said(&forged);
    assert_eq!((alone.0, with_journal.0), (Some(0), Some(1)), "{}", with_journal.1);
}

/// What is sent between kills comes twice or is resent; the chain goes on all the same.
fn send_over_kills(house: &mut House) {
    for round in 0..3 {
        house.start();
        (0..ENTRIES).for_each(|number| house.write_log(entry(round * ENTRIES + number).as_bytes()));
        // The first is proven, so that the others follow it.
        house.wait_until("some of it sent", |status| {
            let of = &status.destinations[0];
            of.frames > 0 && (round > 0 || of.confirmed > Seq(ENTRIES as u64))
        });
        house.kill();
    }
    house.start();
    house.wait_until("everything confirmed", |status| {
        status.journal.newest.0 > 3 * ENTRIES as u64
            && status.destinations.iter().all(|of| of.confirmed == status.journal.newest)
    });
    assert_eq!(house.stop(), Some(0));
}

/// The event of a line.
fn event_of(line: &str) -> Value {
    serde_json::from_str(&line[line.find("{\"").unwrap()..]).unwrap()
}

fn id_of(line: &str) -> String {
    event_of(line)["metadata"]["uid"].as_str().unwrap().to_owned()
}

/// SHA-256 of the event by RFC 8785 without its fingerprint: serde_json writes it so.
fn hash_of(event: &Value) -> String {
    let mut bare = event.clone();
    bare["attestation_list"][0].as_object_mut().unwrap().remove("fingerprint");
    Chain(Sha256::digest(bare.to_string()).into()).to_string()
}

/// The check once more, in the words of the page; how many events hold.
fn our_own_check(lines: &[String]) -> usize {
    let events: Vec<Value> = lines.iter().map(|line| event_of(line)).collect();
    let known: BTreeMap<String, &Value> = events.iter().map(|event| (hash_of(event), event)).collect();
    let holds = |event: &&Value| {
        let attestation = &event["attestation_list"][0];
        let prev = &attestation["prev_event"];
        let before = prev["fingerprint"]["value"].as_str().map(|hash| known.get(hash));
        attestation["fingerprint"]["value"] == hash_of(event).as_str()
            && match before {
                None => event["unmapped"]["prev"] == 0,
                Some(before) => before.is_some_and(|before| {
                    before["metadata"]["uid"] == prev["uid"]
                        && before["type_uid"] == prev["type_uid"]
                        && before["metadata"]["sequence"] == event["unmapped"]["prev"]
                }),
            }
    };
    events.iter().filter(holds).count()
}

/// One event says something else, and every fingerprint from there on is made anew.
fn forged(lines: &[String]) -> Vec<String> {
    let mut anew: BTreeMap<String, String> = BTreeMap::new();
    let changed = id_of(&lines[lines.len() / 2]);
    let forge = |line: &String| {
        let mut event = event_of(line);
        let (old, attestation) = (hash_of(&event), &mut event["attestation_list"][0]);
        let prev = attestation["prev_event"]["fingerprint"]["value"].as_str();
        if let Some(hash) = prev.and_then(|prev| anew.get(prev)) {
            attestation["prev_event"]["fingerprint"]["value"] = hash.clone().into();
        }
        if id_of(line) == changed {
            event["message"] = "nothing to see here".into();
        }
        let hash = hash_of(&event);
        event["attestation_list"][0]["fingerprint"]["value"] = hash.clone().into();
        anew.insert(old, hash);
        event.to_string()
    };
    lines.iter().map(forge).collect()
}

/// Writes ordinary and hostile entries and waits until every destination has them; returns what the journal has, and its name.
fn deliver(house: &mut House) -> (Vec<Record>, String) {
    house.start();
    (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
    for (_, value) in support::events::HOSTILE {
        let entry = serde_json::json!({
            "timestamp": 1_764_000_000_000_u64, "type": value, "title": value, "severity": value, "owner": value,
            "content": format!("User {value} signed in")
        });
        house.write_log(format!("{entry}\n").as_bytes());
    }
    let written = (ENTRIES + support::events::HOSTILE.len()) as u64;
    let status = house.wait_until("everything confirmed", |status| {
        status.sources.iter().any(|source| source.entries == written)
            && status
                .destinations
                .iter()
                .all(|of| of.confirmed == status.journal.newest && of.state == "connected")
    });
    assert_eq!(house.stop(), Some(0));
    (house.records(), status.journal.stream)
}

fn settings_of(house: &House) -> Vec<forward::Settings> {
    let path = house.config();
    Config::parse(&path, &fs::read_to_string(&path).unwrap()).unwrap().0.destinations
}

/// What the journal says, encoded once more.
fn frames(settings: &forward::Settings, records: &[Record], stream: &str) -> Vec<String> {
    let format: &Format = settings.format;
    let (mut prev, mut print) = (Seq::NONE, None);
    let frames = records.iter().zip(1..).map(|(record, sequence_id)| {
        let clock_synced = Path::new("/run/systemd/timesync/synchronized").exists();
        let envelope =
            Envelope { stream, prev, print, resent: false, replay: false, sequence_id, clock_synced };
        let mut frame = Vec::new();
        print = (format.encode)(&settings.frame, &envelope, record, &mut frame);
        prev = record.seq;
        String::from_utf8(frame).unwrap()
    });
    frames.collect()
}

/// A server with a config of `packaging/siem/receivers`, in which only folders, names and ports are others.
struct Receiver {
    process: Child,
    port: u16,
    out: PathBuf,
}

impl Receiver {
    fn start(house: &House, kind: Kind, file: &str, more: &str) -> Receiver {
        let port = free_port();
        let folder = house.path(&format!("receiver-{port}"));
        let out = folder.join("out");
        fs::create_dir_all(&out).unwrap();
        let files = house.ca.sign(Certificate::Server, LOCAL).write(&folder, "server");
        let ca_file = house.ca.write(&folder, "ca");
        let setup = Setup {
            kind,
            tls: Tls::V1_3,
            port,
            certificate: &files.certificate,
            key: &files.key,
            ca_file: &ca_file,
            folder: &folder,
            output: &out,
            message_max: None,
        };
        let (mut command, config): (Command, _) = match kind {
            Kind::SyslogNg => (syslog_ng::command(&setup), folder.join("syslog-ng.conf")),
            _ => (rsyslog::command(&setup), folder.join("rsyslog.conf")),
        };
        let shipped = shipped(&format!("receivers/{file}"));
        let (here, there) = (folder.to_str().unwrap(), out.to_str().unwrap());
        let mut text = shipped + &more.replace("OUT", there);
        for (of_docs, of_test) in [
            ("/etc/rsyslog-tls", here),
            ("/etc/syslog-ng/tls", here),
            ("/var/log/otrail", there),
            ("port=\"6514\"", &format!("address=\"127.0.0.1\" port=\"{port}\"")),
            ("ip(\"0.0.0.0\") port(6514)", &format!("ip(\"127.0.0.1\") port({port})")),
            ("PermittedPeer=[\"sensor-01\"]", "PermittedPeer=[\"sensor\"]"),
        ] {
            text = text.replace(of_docs, of_test);
        }
        fs::write(&config, text).unwrap();
        let said = File::create(folder.join("said")).unwrap();
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        let mut process = command.spawn().unwrap_or_else(|error| {
            panic!("{command:?}: {error}; tests/run installs the receivers that the tests need")
        });
        let listens = || {
            fs::read_to_string("/proc/net/tcp")
                .unwrap()
                .contains(&format!("0100007F:{port:04X} 00000000:0000 0A"))
        };
        let up = patiently(|| listens() || process.try_wait().unwrap().is_some()) && listens();
        assert!(up, "{file}: {}", fs::read_to_string(folder.join("said")).unwrap());
        Receiver { process, port, out }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/siem").join(name)).unwrap()
}

#[test]
fn every_block_of_the_page_is_good_config_for_a_format_that_the_table_names() {
    let page = shipped("README.md");
    let blocks: Vec<&str> =
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| SIEM")).count();
    assert_eq!(blocks.len(), rows, "a block for each row");
    for block in blocks {
        let text = format!(
            "sensor = \"plant-a\"\n[[source]]\nname = \"timeline\"\npath = \"/var/log/sensor/user-operations.ndjson\"\n{block}"
        );
        let (config, warnings) =
            Config::parse(Path::new("otrail.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(warnings, [], "{block}");
        let format = config.destinations[0].format.name;
        assert!(page.contains(&format!("| `{format}` |")), "{format}");
        assert!(
            config.destinations[0].link.net.tls.as_ref().is_some_and(|tls| tls.cert_file.is_some()),
            "{block}"
        );
    }
}

#[test]
fn every_file_that_the_page_names_is_there() {
    for link in shipped("README.md").split("](").skip(1) {
        let path = link.split(')').next().unwrap();
        assert!(!shipped(path).is_empty(), "{path}");
    }
}

/// Ordinary entries.
const ENTRIES: usize = 20;

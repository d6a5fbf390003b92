//! A receiver that is not right gets nothing, one that does not want us takes nothing, and otrail says why and what
//! to do; once that is done everything arrives. Against rsyslog with either driver.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use support::certs::{Ca, Kind as Certificate};
use support::daemon::{Kind, Receiver, Tls};
use support::frames::Account;
use support::process::{House, entry, patiently};
use support::world::LOCAL;

#[test]
fn a_certificate_for_another_name_is_refused() {
    for kind in RSYSLOG {
        let mut scene = Scene::new(kind, Tls::V1_3);
        scene.receiver.show(&scene.house.ca, Certificate::Server, &["siem.example.net"]);
        scene.forward("");
        scene.is_refused(&["not for localhost but for siem.example.net", "set server-name"]);
        scene.receiver.show(&scene.house.ca, Certificate::Server, LOCAL);
        scene.restart_receiver();
        scene.all_arrives();
    }
}

#[test]
fn a_certificate_of_an_unknown_ca_is_refused() {
    for kind in RSYSLOG {
        let mut scene = Scene::new(kind, Tls::V1_3);
        let stranger = Ca::new("another CA");
        scene.receiver.show(&stranger, Certificate::Server, LOCAL);
        scene.forward("");
        scene.is_refused(&["signed by an unknown CA", "add its CA to ca-file"]);
        // Read anew for each connection: neither side is restarted.
        stranger.write(scene.house.folder.path(), "ca");
        scene.all_arrives();
    }
}

#[test]
fn a_certificate_that_expired_is_refused() {
    for kind in RSYSLOG {
        let mut scene = Scene::new(kind, Tls::V1_2);
        scene.receiver.show(&scene.house.ca, Certificate::Expired, LOCAL);
        scene.forward("");
        scene.is_refused(&["expired at 2001-01-01T00:00:00Z", "renew it"]);
        scene.receiver.show(&scene.house.ca, Certificate::Server, LOCAL);
        scene.restart_receiver();
        scene.all_arrives();
    }
}

#[test]
fn a_certificate_that_is_not_pinned_is_refused_and_its_fingerprint_shown() {
    for kind in RSYSLOG {
        let mut scene = Scene::new(kind, Tls::V1_3);
        scene.forward(&format!("pin = [\"sha256:{}\"]", "ab".repeat(32)));
        let error = scene.is_refused(&["not a pinned one, its fingerprint is ", "set pin"]);
        let (_, shown) = error.split_once("its fingerprint is ").unwrap();
        let (pin, _) = shown.split_once(": if ").unwrap();
        scene.house.stop();
        scene.house.forward_nowhere();
        scene.forward(&format!("pin = [{pin:?}]"));
        scene.house.start();
        scene.all_arrives();
    }
}

/// With TLS 1.3 the handshake is over when the refusal comes.
#[test]
fn a_receiver_that_demands_a_client_certificate_says_so() {
    for (kind, tls) in RSYSLOG.into_iter().flat_map(|kind| [(kind, Tls::V1_2), (kind, Tls::V1_3)]) {
        let mut scene = Scene::new(kind, tls);
        scene.house.forward_as_nobody("siem", scene.receiver.port, QUICK);
        scene.is_refused(&["demand", "a client certificate", "set cert-file and key-file"]);
        scene.house.stop();
        scene.house.forward_nowhere();
        scene.forward("");
        scene.house.start();
        scene.all_arrives();
    }
}

#[test]
fn a_client_certificate_of_an_unknown_ca_is_refused_by_the_receiver() {
    for (kind, tls) in RSYSLOG.into_iter().flat_map(|kind| [(kind, Tls::V1_2), (kind, Tls::V1_3)]) {
        let mut scene = Scene::new(kind, tls);
        let folder = scene.house.folder.path().to_owned();
        Ca::new("another CA").sign(Certificate::Client, &["sensor"]).write(&folder, "client");
        scene.forward("");
        scene.is_refused(&["our client certificate", "check cert-file here and the trusted CA there"]);
        scene.house.ca.sign(Certificate::Client, &["sensor"]).write(&folder, "client");
        scene.all_arrives();
    }
}

/// The server ends every link with the first record on the way: that may be the record, or the certificate.
#[test]
fn a_certificate_that_is_replaced_counts_while_a_record_is_suspected() {
    let mut scene = Scene::new(Kind::RsyslogOpenssl, Tls::V1_3);
    let folder = scene.house.folder.path().to_owned();
    Ca::new("another CA").sign(Certificate::Client, &["sensor"]).write(&folder, "client");
    scene.forward("");
    scene.is_refused(&["our client certificate", "check cert-file here and the trusted CA there"]);
    scene.house.wait_until("a record is suspected", |status| status.destinations[0].suspect.0 > 0);
    scene.house.ca.sign(Certificate::Client, &["sensor"]).write(&folder, "client");
    scene.all_arrives();
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let mut scene = Scene::new(Kind::RsyslogOpenssl, Tls::V1_3);
    let key = scene.house.path("client.key");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    scene.forward("");
    scene.is_refused(&["client.key has mode 0644", "others can get at it: ch"]);
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    scene.all_arrives();
}

#[test]
fn a_port_without_tls_gets_no_audit_data() {
    let mut scene = Scene::new(Kind::RsyslogOpenssl, Tls::None);
    scene.forward("connect-timeout = \"500 ms\"");
    scene.is_refused(&[
        "the TLS handshake with localhost took longer than 500ms",
        "check that this port speaks TLS",
    ]);
    scene.receiver.stop();
    scene.nothing_arrived();
    let port = scene.receiver.port;
    scene.receiver = Receiver::of(&scene.house, Kind::RsyslogOpenssl);
    scene.receiver.port = port;
    scene.receiver.start();
    scene.all_arrives();
}

/// A house, a receiver, and entries that want to go from one to the other.
struct Scene {
    house: House,
    receiver: Receiver,
}

impl Scene {
    /// Nothing runs yet.
    fn new(kind: Kind, tls: Tls) -> Scene {
        let house = House::new();
        let mut receiver = Receiver::of(&house, kind);
        receiver.tls = tls;
        Scene { house, receiver }
    }

    fn forward(&mut self, more: &str) {
        self.house.forward("siem", self.receiver.port, &format!("{QUICK}{more}"));
    }

    /// Starts both; the error in `status` and on stderr says all of this, and nothing gets through.
    fn is_refused(&mut self, says: &[&str]) -> String {
        self.receiver.start();
        (0..ENTRIES).for_each(|number| self.house.write_log(entry(number).as_bytes()));
        self.house.start();
        let in_kind = format!("{:?} {:?}", self.receiver.kind, self.receiver.tls);
        let status = self.house.wait_until(&format!("refused by {in_kind}: {says:?}"), |status| {
            let error = status.destinations.first().map_or("", |destination| &destination.error);
            status.sources.iter().any(|source| source.entries == ENTRIES as u64)
                && says.iter().all(|part| error.contains(part))
        });
        assert!(!status.healthy);
        assert_eq!(status.destinations[0].confirmed.0, 0, "{in_kind}");
        let said = || says.iter().all(|part| self.house.said().contains(part));
        assert!(patiently(said), "{in_kind}: {says:?} in {}", self.house.said());
        self.nothing_arrived();
        status.destinations[0].error.clone()
    }

    fn nothing_arrived(&self) {
        let received = String::from_utf8_lossy(&self.receiver.received()).into_owned();
        assert!(!received.contains("alice") && !received.contains("otrail"), "{received}");
        assert!(received.is_empty() || self.receiver.tls == Tls::None, "{received}");
    }

    fn restart_receiver(&mut self) {
        self.receiver.stop();
        self.nothing_arrived();
        self.receiver.start();
    }

    fn all_arrives(&mut self) {
        let status = self.house.wait_until("everything confirmed", |status| {
            status.destinations.iter().all(|destination| {
                destination.confirmed == status.journal.newest && destination.error.is_empty()
            }) && status.journal.newest.0 > ENTRIES as u64
        });
        let account = Account::of(&self.receiver.frames(), status.journal.newest.0);
        assert_eq!((account.lost, account.wrong), (Vec::new(), Vec::new()));
    }
}

const RSYSLOG: [Kind; 2] = [Kind::RsyslogOpenssl, Kind::RsyslogGnutls];
const QUICK: &str = "barrier-interval = \"200 ms\"\nbackoff-max = \"200 ms\"\n";
const ENTRIES: usize = 20;

//! The config file on disk, and `otrail check`: the world is as the config says, or what to do about it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use expect_test::{Expect, expect};
use otrail::config::Config;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::certs::{Ca, Kind};

const SMALL: &str = r#"
sensor = "plant-a"

[[source]]
name = "timeline"
path = "/var/log/sensor/user-operations.ndjson"

[[destination]]
name = "siem"
address = "siem.example.net"
"#;

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
    expect![[r#"
        FILE: cannot be read: Is a directory (os error 21)
          name the file in it with --config FILE"#]]
    .assert_eq(&loaded(dir.path()));
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
    let parsed = |text| Config::parse(&path, text).unwrap_or_else(|error| panic!("{error}")).0;
    assert_eq!(config.path, path);
    assert_eq!(config.sha256, parsed(SMALL).sha256);
    assert_ne!(config.sha256, parsed(&format!("{SMALL}\n")).sha256);
}

/// A folder with a log, a state directory, a CA and a client certificate, and the config that names them.
struct House(tempfile::TempDir);

impl House {
    fn new() -> House {
        let house = House(tempfile::tempdir().unwrap());
        let dir = house.0.path();
        fs::write(dir.join("sensor.log"), "{}\n").unwrap();
        fs::create_dir(dir.join("state")).unwrap();
        house.chmod("state", 0o700);
        house.certify(2026, 4000);
        fs::write(
            dir.join("otrail.toml"),
            "sensor = \"a\"\nstate-dir = \"state\"\n[[source]]\nname = \"log\"\npath = \"sensor.log\"\n\
             [journal]\nsize-max = \"1 MiB\"\n[[destination]]\nname = \"siem\"\naddress = \"siem\"\n\
             ca-file = \"client.pem\"\ncert-file = \"client.pem\"\nkey-file = \"client.key\"\n\
             [query]\nadmin-groups = []\n",
        )
        .unwrap();
        house.chmod("otrail.toml", 0o640);
        house
    }

    /// A self-signed certificate for these years stands for the CA and for our own.
    fn certify(&self, from: i32, until: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        fs::write(self.0.path().join("client.pem"), certificate.pem()).unwrap();
        fs::write(self.0.path().join("client.key"), key.serialize_pem()).unwrap();
        self.chmod("client.key", 0o600);
    }

    fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.0.path().join(name), Permissions::from_mode(mode)).unwrap();
    }

    /// Output and exit code of `otrail check`.
    fn check(&self, args: &[&str]) -> String {
        let otrail = Command::new(env!("CARGO_BIN_EXE_otrail"))
            .args(["check", "--config"])
            .arg(self.0.path().join("otrail.toml"))
            .args(args)
            .output()
            .unwrap();
        let text = String::from_utf8([otrail.stdout, otrail.stderr].concat()).unwrap();
        let text = text.replace(&self.0.path().display().to_string(), "DIR");
        format!("{text}exit {}\n", otrail.status.code().unwrap())
    }
}

/// What is shown, without what differs from machine to machine and from day to day.
fn checked(house: &House, expected: &Expect) {
    let mut text = house.check(&[]);
    for (changing, steady) in [
        ("for [0-9]+ days", "for N days"),
        (", [^,]* free.*", ", N free"),
        (".*caller: .*\n", ""),
        ("get at it: ch(mod 600|own root:\\w+) DIR/client.key.*", "get at it: WAY OUT"),
    ] {
        text = regex::Regex::new(changing).unwrap().replace_all(&text, steady).into_owned();
    }
    expected.assert_eq(&text);
}

#[test]
fn check_says_ok_to_a_world_that_is_as_the_config_says() {
    checked(
        &House::new(),
        &expect![[r#"
            ok       config: DIR/otrail.toml
            ok       source log: DIR/sensor.log is readable, 3 B
            ok       state-dir: DIR/state is usable, N free
            ok       destination siem: siem port 6514 over tls, verified by DIR/client.pem
            ok       destination siem: CA CN=rcgen self signed cert is valid for N days
            ok       destination siem: client certificate CN=rcgen self signed cert is valid for N days
            ok       admins: root, the agent's user may query
            exit 0
        "#]],
    );
}

#[test]
fn check_finds_what_is_missing_or_loose() {
    let house = House::new();
    fs::remove_file(house.0.path().join("sensor.log")).unwrap();
    house.chmod("state", 0o755);
    house.chmod("client.key", 0o644);
    checked(
        &house,
        &expect![[r#"
        ok       config: DIR/otrail.toml
        warning  source log: DIR/sensor.log is not there yet; check the path; otrail waits for it
        problem  state-dir: DIR/state has mode 0755, others can get at the trail; chmod 0700 DIR/state
        problem  destination siem: DIR/client.key has mode 0644, others can get at it: WAY OUT
        ok       admins: root, the agent's user may query
        exit 1
    "#]],
    );
}

#[test]
fn check_finds_an_expired_certificate_and_a_foreign_key() {
    let house = House::new();
    house.certify(2001, 2002);
    checked(
        &house,
        &expect![[r#"
            ok       config: DIR/otrail.toml
            ok       source log: DIR/sensor.log is readable, 3 B
            ok       state-dir: DIR/state is usable, N free
            ok       destination siem: siem port 6514 over tls, verified by DIR/client.pem
            problem  destination siem: CA CN=rcgen self signed cert expired at 2002-01-01T00:00:00Z; replace it
            problem  destination siem: client certificate CN=rcgen self signed cert expired at 2002-01-01T00:00:00Z; replace it
            ok       admins: root, the agent's user may query
            exit 1
        "#]],
    );
    fs::write(house.0.path().join("client.key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    checked(
        &house,
        &expect![[r#"
            ok       config: DIR/otrail.toml
            ok       source log: DIR/sensor.log is readable, 3 B
            ok       state-dir: DIR/state is usable, N free
            problem  destination siem: the key in DIR/client.key does not belong to the certificate in DIR/client.pem
            ok       admins: root, the agent's user may query
            exit 1
        "#]],
    );
}

#[test]
fn check_names_a_list_of_revoked_certificates_that_is_overdue() {
    let house = House::new();
    fs::write(house.0.path().join("revoked.pem"), Ca::new("CA").revoke(&[])).unwrap();
    let config = house.0.path().join("otrail.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("ca-file", "crl-file = \"revoked.pem\"\nca-file")).unwrap();
    let said = house.check(&[]);
    let warning = "warning  destination siem: the list of revoked certificates of CN=CA was to be replaced by \
                   2024-02-01T00:00:00Z; who was revoked since is not known; have its CA's newest list put there\n";
    assert!(said.contains(warning) && said.ends_with("exit 0\n"), "{said}");
}

#[test]
fn check_looks_at_every_certificate_of_a_file_and_at_what_it_is_for() {
    let house = House::new();
    let (dir, ca) = (house.0.path(), Ca::new("CA"));
    let (old, issuing) = (ca.below("old issuing CA", 2001), ca.below("issuing CA", 4000));
    let authorities = [old.identity(), issuing.sign(Kind::Server, &["siem"]), ca.identity()];
    fs::write(dir.join("ca.pem"), authorities.map(|one| one.certificate_pem).concat()).unwrap();
    old.sign(Kind::Server, &["sensor"]).followed_by(&old).write(dir, "client");
    let config = fs::read_to_string(dir.join("otrail.toml")).unwrap();
    let config = config.replace("ca-file = \"client.pem\"", "ca-file = \"ca.pem\"");
    fs::write(dir.join("otrail.toml"), config).unwrap();
    checked(
        &house,
        &expect![[r#"
        ok       config: DIR/otrail.toml
        ok       source log: DIR/sensor.log is readable, 3 B
        ok       state-dir: DIR/state is usable, N free
        ok       destination siem: siem port 6514 over tls, verified by DIR/ca.pem
        warning  destination siem: CA CN=old issuing CA expired at 2001-01-01T00:00:00Z; others serve: take it out of the file
        warning  destination siem: CN=siem is no CA: no other certificate is verified by it; others serve: take it out of the file
        ok       destination siem: CA CN=CA is valid for N days
        warning  destination siem: client certificate CN=sensor is not meant for a TLS client; most servers refuse it: have it signed with the extended key usage clientAuth
        problem  destination siem: certificate behind ours CN=old issuing CA expired at 2001-01-01T00:00:00Z; replace it
        ok       admins: root, the agent's user may query
        exit 1
    "#]],
    );
}

#[test]
fn check_finds_a_log_that_is_read_twice_and_a_socket_that_has_no_place() {
    let house = House::new();
    let dir = house.0.path();
    let config = fs::read_to_string(dir.join("otrail.toml")).unwrap();
    let more = "[[source]]\nname = \"all\"\npath = \"*.log\"\n[control]\nsocket = \"sensor.log\"\n";
    fs::write(dir.join("otrail.toml"), config + more).unwrap();
    checked(
        &house,
        &expect![[r#"
        ok       config: DIR/otrail.toml
        ok       source log: DIR/sensor.log is readable, 3 B
        ok       source all: DIR/sensor.log is readable, 3 B
        problem  source all: DIR/sensor.log is read by source log as well; every entry comes twice: leave it out of one of them
        ok       state-dir: DIR/state is usable, N free
        ok       destination siem: siem port 6514 over tls, verified by DIR/client.pem
        ok       destination siem: CA CN=rcgen self signed cert is valid for N days
        ok       destination siem: client certificate CN=rcgen self signed cert is valid for N days
        problem  control: DIR/sensor.log is there and is no socket: nobody could ask; choose another path for `socket`, or move it away
        ok       admins: root, the agent's user may query
        exit 1
    "#]],
    );
}

#[test]
fn check_of_a_bad_config_has_its_own_exit_code() {
    let house = House::new();
    fs::write(house.0.path().join("otrail.toml"), "sensor = 1\n").unwrap();
    checked(
        &house,
        &expect![[r#"
        DIR/otrail.toml: there is no [[source]]
          name the log to follow: [[source]], with `name` and `path`
        DIR/otrail.toml:1:10: `sensor` must be text, not a number
          1 | sensor = 1
            |          ^ for example: sensor = "plant-a-sensor-01"
        otrail: 2 problems in the configuration
        exit 78
    "#]],
    );
    let json = house.check(&["-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["problems"][0]["message"], "there is no [[source]]");
    assert_eq!(report["problems"][1]["line"], 1);
    assert!(json.ends_with("exit 78\n"));
}

#[test]
fn check_speaks_json() {
    let json = House::new().check(&["-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(report["ok"], true);
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["thing"] == "source log" && finding["verdict"] == "ok"));
    assert!(json.ends_with("exit 0\n"));
}

/// A pipe without a writer would be waited for by `open` itself.
#[test]
fn a_config_from_a_pipe_is_read_and_a_pipe_without_a_writer_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("otrail.toml");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    expect![[r#"
        FILE: cannot be read: it is a pipe that nobody writes to
          name the file with --config FILE"#]]
    .assert_eq(&loaded(&pipe));
    let (_dir, file) = file(0o600, SMALL.as_bytes());
    let script = "cat \"$2\" | \"$1\" check --config /dev/stdin";
    let args = ["-c", script, "sh", env!("CARGO_BIN_EXE_otrail"), file.to_str().unwrap()];
    let checked = Command::new("sh").args(args).output().unwrap();
    let said = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    assert!(said.contains("config: /dev/stdin") && said.contains("source timeline: "), "{said}");
}

/// What is found tells of files and certificates that others have named. A terminal turns text around for U+202E, and
/// some obey U+009B as an escape and a bracket.
#[test]
fn json_of_what_is_found_commands_no_terminal() {
    let (dir, path) = file(0o640, b"");
    let log = dir.path().join("\u{202e}.log");
    let config = format!(
        "state-dir = {:?}\n[[source]]\nname = \"a\"\npath = '{}'\n",
        dir.path().join("state"),
        log.display()
    );
    fs::write(&path, format!("sensor = \"a\"\n{config}")).unwrap();
    for command in ["check", "doctor"] {
        let line = format!("{} {command} -o json -c '{}'", env!("CARGO_BIN_EXE_otrail"), path.display());
        let seen = Command::new("script").args(["-qec", &line, "/dev/null"]).output().unwrap().stdout;
        let seen = String::from_utf8(seen).unwrap();
        assert!(seen.contains("\\u202e.log") && !seen.contains('\u{202e}'), "{command}: {seen}");
    }
    let wrong = "\"\u{9b}31m\" = 1";
    fs::write(&path, wrong).unwrap();
    let line = format!("{} check -o json -c '{}'", env!("CARGO_BIN_EXE_otrail"), path.display());
    let seen = Command::new("script").args(["-qec", &line, "/dev/null"]).output().unwrap().stdout;
    assert!(!String::from_utf8(seen).unwrap().contains('\u{9b}'));
}

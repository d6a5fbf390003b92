//! What is installed beside the program: the shipped config, the unit, the user, the folders.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking")]

use otrail::config::{Config, DEFAULT_PATH, SECTIONS};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(shipped(name)).unwrap()
}

/// The shipped config with the `#` taken from every line that holds a setting.
fn all_settings_on() -> String {
    let setting = |line: &str| {
        line.starts_with("#[[") || line.starts_with('#') && !line.starts_with("# ") && line.contains(" = ")
    };
    text("otrail.toml")
        .lines()
        .map(|line| if setting(line) { &line[1..] } else { line }.to_owned() + "\n")
        .collect()
}

/// Everything in a config that can be compared, as text.
fn settings(config: &Config) -> String {
    let destinations: Vec<_> = config
        .destinations
        .iter()
        .map(|d| (&d.name, d.transport.name, d.format.name, &d.frame, d.evidence, d.from, d.window_bytes_max))
        .collect();
    let links: Vec<_> = config
        .destinations
        .iter()
        .map(|d| {
            (
                &d.link.net.host,
                d.link.net.port,
                d.link.framing,
                d.link.net.connect_timeout,
                d.link.net.send_timeout,
            )
        })
        .collect();
    let waits: Vec<_> = config.destinations.iter().map(|d| (d.barrier_interval, d.backoff)).collect();
    let tls: Vec<_> = config
        .destinations
        .iter()
        .filter_map(|d| d.link.net.tls.as_ref())
        .map(|tls| (&tls.server_name, &tls.pins, tls.verify_chain, tls.version_min))
        .collect();
    let sources: Vec<_> = config
        .collect
        .sources
        .iter()
        .map(|s| {
            (
                &s.name,
                &s.path,
                s.dialect.map(|dialect| dialect.name),
                s.zone.iana_name(),
                s.start,
                s.line_bytes_max,
            )
        })
        .collect();
    format!(
        "{:?}\n{:?}\n{:?}\n{sources:?}\n{destinations:?}\n{links:?}\n{waits:?}\n{tls:?}",
        (
            &config.sensor,
            &config.state_dir,
            config.heartbeat,
            &config.collect.classes,
            config.collect.user_login
        ),
        config.journal,
        config.control,
    )
}

fn parse(text: &str) -> Config {
    match Config::parse(Path::new(DEFAULT_PATH), text) {
        Ok((config, warnings)) => {
            assert_eq!(warnings, []);
            config
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_shipped_config_loads_without_a_warning() {
    parse(&text("otrail.toml"));
}

#[test]
fn what_the_shipped_config_comments_out_are_the_defaults() {
    // Several addresses stand in the place of one.
    let one_address: String = all_settings_on()
        .lines()
        .filter(|line| !line.starts_with("addresses"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(settings(&parse(&one_address)), settings(&parse(&text("otrail.toml"))));
}

#[test]
fn the_shipped_config_shows_every_key_in_its_section() {
    let mut shown = vec![Vec::new(); SECTIONS.len()];
    let mut current = 0;
    for line in all_settings_on().lines() {
        if let Some(at) = SECTIONS.iter().position(|section| section.title() == line) {
            current = at;
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            // Those that every kind of source has stand once for each.
            if !shown[current].iter().any(|known| known == key) {
                shown[current].push(key.to_owned());
            }
        }
    }
    for (section, shown) in SECTIONS.iter().zip(shown) {
        let known: Vec<_> = section.keys.iter().map(|key| key.name).collect();
        assert_eq!(shown, known, "in {}", section.title());
    }
}

#[test]
fn the_unit_promises_what_the_design_promises() {
    let unit = text("otrail.service");
    for line in [
        "Type=notify",
        "ExecStart=/usr/bin/otrail run",
        "ExecReload=/usr/bin/otrail reload",
        "RestartPreventExitStatus=78",
        "User=otrail",
        "CapabilityBoundingSet=",
        "StateDirectory=otrail",
        "StateDirectoryMode=0700",
        "RuntimeDirectory=otrail",
        "RuntimeDirectoryMode=0755",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    assert!(
        !unit.lines().any(|line| line.starts_with("PrivateUsers=")),
        "it would hide who asks at the socket"
    );
}

#[test]
fn the_user_and_groups_that_the_unit_and_config_name_are_made() {
    let users = text("otrail.sysusers");
    assert!(users.lines().any(|line| line.starts_with("u otrail ")));
    for group in parse(&text("otrail.toml")).control.admin_groups {
        assert!(users.lines().any(|line| line.starts_with(&format!("g {group} "))), "{group}");
    }
}

/// `tests/run` installs systemd; where it is missing, the unit cannot be judged and the test says so.
#[test]
fn the_exposure_of_the_service_is_at_most_1_5() {
    let mut analyze = Command::new("systemd-analyze");
    analyze
        .args(["security", "--no-pager", "--offline=true", "--threshold=15"])
        .arg(shipped("otrail.service"));
    match analyze.output() {
        Ok(output) => {
            let report = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
            assert!(report.contains("Overall exposure level"), "{report}");
        }
        Err(error) => println!("skipped: systemd-analyze does not start: {error}"),
    }
}

#[test]
fn systemd_understands_every_line_of_unit_users_and_folders() {
    let dir = tempfile::tempdir().unwrap();
    // The program is not installed where the tests run, and `verify` wants it to be.
    let unit = dir.path().join("otrail.service");
    fs::write(&unit, text("otrail.service").replace("/usr/bin/otrail", "/bin/true")).unwrap();
    fs::create_dir(dir.path().join("etc")).unwrap();
    let root = format!("--root={}", dir.path().display());
    complains_of_nothing(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit));
    complains_of_nothing(Command::new("systemd-sysusers").arg(&root).arg(shipped("otrail.sysusers")));
    complains_of_nothing(
        Command::new("systemd-tmpfiles").args(["--create", &root]).arg(shipped("otrail.tmpfiles")),
    );
}

/// Other units of the machine may have faults of their own, so only complaints that name our files count.
fn complains_of_nothing(command: &mut Command) {
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!said.lines().any(|line| line.contains("otrail.")), "{command:?}: {said}");
        }
        Err(error) => println!("skipped: {command:?} does not start: {error}"),
    }
}

//! The real agent where a name server does not answer: what needs none goes on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use support::process::{House, entry};
use support::receiver::Receiver;

/// Has the resolver of the agent wait for minutes; nothing where the tests may not do that.
fn ask_who_never_answers(house: &mut House) -> Option<UdpSocket> {
    let silent = UdpSocket::bind("127.0.0.153:53").ok()?;
    let conf = house.path("resolv.conf");
    fs::write(&conf, "nameserver 127.0.0.153\noptions timeout:30 attempts:5\n").unwrap();
    let script = format!("mount --bind {} /etc/resolv.conf && exec \"$@\"", conf.display());
    let script: &'static str = Box::leak(script.into_boxed_str());
    let within = ["unshare", "-Urm", "sh", "-c", script, "sh"];
    let may = Command::new(within[0]).args(&within[1..]).arg("true").status().unwrap().success();
    house.start_within(&within);
    may.then_some(silent)
}

/// What the tests cannot have everywhere.
const NOT_CHECKED: &str =
    "NOT CHECKED: no name server can be had at port 53 of a loopback address, or no namespace (unshare)";

#[test]
fn sensors_whose_names_nobody_resolves_hold_up_neither_events_nor_questions_nor_the_stop() {
    let mut house = House::new();
    let Some(_silent) = ask_who_never_answers(&mut house) else {
        return eprintln!("{NOT_CHECKED}");
    };
    let mut receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "");
    fs::write(house.path("token"), "a-token-of-the-sensors\n").unwrap();
    fs::set_permissions(house.path("token"), Permissions::from_mode(0o600)).unwrap();
    let (token, ca, mut sensors) = (house.path("token"), house.path("ca.pem"), String::new());
    for number in 0..80 {
        writeln!(
            sensors,
            "[[source]]\nkind = \"api\"\nname = \"cell-{number}\"\nsensor = \"cell-{number}\"\n\
             url = \"https://cell-{number}.example.net\"\ntoken-file = {token:?}\nca-file = {ca:?}\n\
             interval = \"2 s\""
        )
        .unwrap();
    }
    house.set(&sensors);
    house.start();
    house.wait_until("they are given up for now", |status| {
        status.sources.iter().filter(|source| source.error.contains("took longer than")).count() == 80
    });
    house.write_log(entry(0).as_bytes());
    house.wait_until("delivered", |_| receiver.has("session 0000000"));
    // A server is looked up all the same: `localhost` stands in a file.
    receiver.away();
    house.write_log(entry(1).as_bytes());
    receiver.back();
    house.wait_until("delivered again", |_| receiver.has("session 0000001"));
    assert_eq!(house.run(&["query", "-n", "1"]).status.code(), Some(0));
    assert_eq!(house.stop(), Some(0));
    assert_eq!(receiver.count("OTA-9002"), 1, "{}", house.said());
}

/// How many names the agent is looking up.
fn lookups(pid: u32) -> usize {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "otrail-resolve").count()
}

#[test]
fn destinations_of_many_servers_whose_names_nobody_resolves_hold_up_no_other_destination() {
    let mut house = House::new();
    let Some(_silent) = ask_who_never_answers(&mut house) else {
        return eprintln!("{NOT_CHECKED}");
    };
    let mut receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "");
    let ca = house.path("ca.pem");
    for number in 0..4 {
        let addresses: Vec<String> =
            (0..16).map(|at| format!("host-{number}-{at}.example.net:6514")).collect();
        house.set(&format!(
            "[[destination]]\nname = \"lost-{number}\"\naddresses = {addresses:?}\nca-file = {ca:?}\n\
             connect-timeout = \"200 ms\""
        ));
    }
    house.start();
    house.write_log(entry(0).as_bytes());
    house.wait_until("delivered", |_| receiver.has("session 0000000"));
    house.wait_until("they hang", |status| lookups(status.pid) >= 32);
    receiver.away();
    house.write_log(entry(1).as_bytes());
    receiver.back();
    house.wait_until("delivered again", |_| receiver.has("session 0000001"));
    assert_eq!(house.stop(), Some(0));
}

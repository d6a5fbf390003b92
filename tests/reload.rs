//! Another config without another process: what changes, what does not, and that nothing is lost over it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use nix::sys::signal::Signal;
use otrail::model::Outcome;
use otrail::model::status::Status;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use support::process::{House, entry, free_port, patiently};
use support::receiver::Receiver;

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The outcomes and messages of the events about configs.
fn events(house: &House) -> Vec<(Outcome, String)> {
    let records = house.records();
    let about = records.iter().filter(|record| record.event.action.name() == "agent.config_changed");
    about.map(|record| (record.event.outcome, record.event.message.to_string())).collect()
}

/// How many starts and stops the trail has.
fn lives(house: &House) -> (usize, usize) {
    let records = house.records();
    let count = |name| records.iter().filter(|record| record.event.action.name() == name).count();
    (count("agent.start"), count("agent.stop"))
}

fn all_is_read_and_delivered(entries: usize, house: &House, receivers: &[&Receiver]) {
    house.wait_until("all is delivered", |_| {
        (0..entries).all(|at| receivers.iter().any(|receiver| receiver.has(&format!("session {at:07}"))))
    });
}

#[test]
fn a_destination_moves_and_another_comes_while_the_sensor_writes_and_nothing_is_lost() {
    let mut house = House::new();
    let (old, new) = (Receiver::start(&house), Receiver::start(&house));
    house.forward("siem", old.port, "barrier-interval = \"100 ms\"");
    house.start();
    house.wait_until("it is up", |status| status.destinations[0].state == "connected");
    let pid = house.agent().id();
    let mut follower = house.otrail();
    let follower = follower.args(["query", "-f", "-q", "-n", "0", "-o", "json", "source=timeline"]);
    let mut follower = follower
        .stdout(Stdio::piped())
        .stderr(fs::File::create(house.path("follower")).unwrap())
        .spawn()
        .unwrap();
    let rows = BufReader::new(follower.stdout.take().unwrap());
    let follows = |house: &House| {
        house.records().iter().any(|record| record.event.message.contains("follows the trail"))
    };
    assert!(patiently(|| follows(&house)));

    let mut written = 0;
    for round in 0..4_u64 {
        // The log goes on while the agent does.
        let port = if round % 2 == 0 { new.port } else { old.port };
        house.forward_nowhere();
        house.forward("siem", port, "barrier-interval = \"100 ms\"");
        let mut command = house.otrail();
        let mut reload = command.arg("reload").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while reload.try_wait().unwrap().is_none() {
            assert!(house.status().is_some(), "whoever asks meanwhile waits");
            house.write_log(entry(written).as_bytes());
            written += 1;
            support::process::a_moment(5);
        }
        let (code, out, errors) = told(&reload.wait_with_output().unwrap());
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
        assert!(out.contains(&format!("destination siem: address is \"localhost:{port}\", was ")), "{out}");
        assert!(out.ends_with("otrail.toml; told in the trail\n"), "{out}");
        let status = house.status().unwrap();
        assert_eq!((status.config.round, status.pid), (round + 1, pid), "the same process");
        assert_eq!(status.destinations[0].address, format!("localhost:{port}"));
    }
    all_is_read_and_delivered(written, &house, &[&old, &new]);
    // An orderly end leaves little without evidence, and what comes twice for the lack of it is marked.
    let frames: Vec<_> = old.frames().into_iter().chain(new.frames()).collect();
    let seqs = frames.iter().filter(|frame| frame.param("resent").is_none()).map(|frame| frame.seq());
    let (seqs, count) = (seqs.clone().collect::<BTreeSet<u64>>(), seqs.count());
    assert_eq!(seqs.len(), count, "no event comes twice without its mark");
    // Who was there before the first change was told of it.
    assert!(patiently(|| old.count("OTA-9003") >= 2 && new.count("OTA-9003") >= 2));
    let mut seen = rows.lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    for at in 0..written {
        let row = seen
            .next()
            .unwrap_or_else(|| panic!("{at}: {}", fs::read_to_string(house.path("follower")).unwrap()));
        let text = row["raw"]["content"].as_str().unwrap();
        assert!(text.contains(&format!("session {at:07}")), "{at}: {text}");
    }
    assert_eq!(house.stop(), Some(0));
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert_eq!(lives(&house), (1, 1), "that it goes on is neither a start nor a stop");
    let events = events(&house);
    assert!(events.iter().all(|(outcome, told)| *outcome == Outcome::Success
        && told.contains(" read anew: otrail goes on with it, SHA-256 ")
        && told.contains("destination siem: address is ")));
    assert_eq!(events.len(), 4);
}

#[test]
fn a_config_that_is_not_fit_changes_nothing_and_is_told() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "");
    house.start();
    let begun = house.wait_until("it is up", |status| status.destinations[0].state == "connected");
    let stays = |house: &House, status: &Status| {
        assert_eq!((status.config.round, &status.since), (0, &begun.since));
        house.write_log(entry(0).as_bytes());
    };

    house.set("nonsense = 1");
    let (code, out, errors) = told(&house.run(&["reload"]));
    assert_eq!((code, out.as_str()), (Some(78), ""));
    assert!(errors.contains("unknown key `nonsense`"), "{errors}");
    // The agent itself reads it, too.
    house.signal(Signal::SIGHUP);
    let status = house.wait_until("it has read", |status| !status.config.unused.is_empty());
    assert!(!status.healthy && status.config.unused.contains("unknown key `nonsense`"), "{status:?}");
    assert!(!status.config.unused.contains('\n'));
    stays(&house, &status);

    let mut house = house;
    house.unset();
    let (code, out, _) = told(&house.run(&["reload"]));
    assert_eq!(code, Some(0));
    assert!(out.ends_with("otrail.toml has nothing that is different\n"), "{out}");
    assert!(house.status().unwrap().config.unused.is_empty());

    house.set("ca-file = \"/nowhere/ca.pem\"\nname = \"soc\"\naddress = \"localhost\"");
    house.unset();
    house.forward_as_nobody("soc", free_port(), "crl-file = \"/nowhere/crl.pem\"");
    let (code, out, _) = told(&house.run(&["reload"]));
    assert_eq!(code, Some(78), "{out}");
    assert!(out.contains("destination soc: ") && out.contains("/nowhere/crl.pem"), "{out}");
    assert!(out.ends_with("the agent goes on with the config that it had; told in the trail\n"), "{out}");
    let (code, json, _) = told(&house.run(&["reload", "-o", "json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["changes"][0]), (Some(78), &Value::from("destination soc is new")));
    assert!(json["problems"][0].as_str().unwrap().contains("/nowhere/crl.pem"));
    stays(&house, &house.status().unwrap());

    house.forward_nowhere();
    house.forward("siem", receiver.port, "");
    house.keep_state_in(house.path("elsewhere"));
    let (code, out, _) = told(&house.run(&["reload"]));
    assert_eq!(code, Some(78));
    assert!(out.contains("restart otrail for that"), "{out}");
    house.keep_state_in(house.path("state"));
    assert_eq!(house.run(&["reload"]).status.code(), Some(0));
    house.wait_until("delivered", |_| receiver.has("session 0000000"));
    assert_eq!(house.stop(), Some(0));
    let events = events(&house);
    assert_eq!(events.len(), 4, "{events:?}");
    assert!(events.iter().all(|(outcome, told)| *outcome == Outcome::Failure
        && told.contains(" had ")
        && told.contains("read anew: it is not used: ")));
    assert!(events[0].1.starts_with("SIGHUP had "), "{events:?}");
}

#[test]
fn whatever_is_changed_counts_after_it() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "");
    house.start();
    house.wait_until("it is up", |status| status.destinations[0].state == "connected");
    // A source, a rule of the site, who may ask, and the heartbeat.
    fs::create_dir(house.path("rules.d")).unwrap();
    let rule = "[[rule]]\nname = \"site\"\nmatch = '^zapped (?<target>\\w+)'\naction = \"user.delete\"\n\
                outcome = \"success\"\ntarget-kind = \"user\"\n";
    fs::write(house.path("rules.d/site.toml"), rule).unwrap();
    fs::set_permissions(house.path("rules.d"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(house.path("rules.d/site.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    let other = house.path("log/other.ndjson");
    house
        .set(&format!("[[source]]\nname = \"other\"\npath = {other:?}\n[query]\nadmin-users = [\"nobody\"]"));
    house.set_at_top("heartbeat = \"1 s\"");
    let (code, out, errors) = told(&house.run(&["reload"]));
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    for change in [
        "heartbeat is \"1 s\", was not set",
        "query: admin-users is [\"nobody\"], was not set",
        "rules site.toml is new",
        "source other is new",
    ] {
        assert!(out.lines().any(|line| line == change), "{out}");
    }
    fs::write(&other, entry(7).replace("session 0000007", "x")).unwrap();
    house.wait_until("the heart beats and the other log is read", |status| {
        receiver.count("OTA-9004") > 0
            && status.sources.iter().any(|it| it.name == "other" && it.entries == 1)
    });
    house.write_log(
        b"{\"timestamp\":1709193665000,\"type\":\"USER_OPERATION\",\"title\":\"User Operation\",\"severity\":\"INFO\",\
          \"owner\":null,\"content\":\"zapped bob\"}\n",
    );
    house.wait_until("the rule counts", |_| {
        receiver.frames().iter().any(|frame| frame.param("target-name") == Some("bob"))
    });
    // A changed rule file alone is a change.
    fs::write(house.path("rules.d/site.toml"), rule.replace("user.delete", "user.create")).unwrap();
    let (code, out, _) = told(&house.run(&["reload"]));
    assert_eq!(code, Some(0));
    assert!(out.starts_with("rules site.toml is another\n"), "{out}");
    // Taken out, what was not delivered to it is told.
    house.forward_nowhere();
    assert_eq!(house.run(&["reload"]).status.code(), Some(0));
    assert!(house.status().unwrap().destinations.is_empty());
    assert!(receiver.has("destination siem is gone"), "who is taken out hears of it");
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_destination_that_left_is_forgotten_by_an_admin_and_by_no_mistake() {
    let mut house = House::new();
    house.forward("siem", free_port(), "");
    (0..5).for_each(|number| house.write_log(entry(number).as_bytes()));
    house.start();
    house.wait_until("reads", |status| status.sources[0].entries == 5);
    let (code, _, errors) = told(&house.run(&["destination", "forget", "siem", "--yes"]));
    assert!(code == Some(1) && errors.contains("destination siem is in the config: take it out"), "{errors}");
    house.forward_nowhere();
    assert_eq!(house.run(&["reload"]).status.code(), Some(0));
    let cursor = house.path("state/cursors/siem");
    let (code, out, _) = told(&house.run(&["destination", "forget", "siem"]));
    assert!(code == Some(1) && cursor.exists(), "{out}");
    assert!(
        out.starts_with("destination siem has no evidence for ") && out.contains("--yes forgets it"),
        "{out}"
    );
    let (code, out, _) = told(&house.run(&["destination", "forget", "siem", "--yes", "-o", "json"]));
    let forgotten: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &forgotten["done"], &forgotten["confirmed"]), (Some(0), &true.into(), &0.into()));
    assert!(!cursor.exists());
    let (_, told_of) = events(&house).pop().unwrap();
    assert!(
        told_of.contains(" had destination siem forgotten: ") && told_of.contains(" records, 1 to "),
        "{told_of}"
    );
    for (name, why) in [("siem", "for others: nothing is"), ("../LOCK", "nothing is kept for a destination")]
    {
        let (code, _, errors) = told(&house.run(&["destination", "forget", name, "--yes"]));
        assert!(code == Some(2) && errors.contains(why), "{errors}");
    }
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn what_cannot_be_begun_with_is_gone_back_from() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "");
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("delivered", |_| receiver.has("session 0000000"));
    // Its cursor can be read, and not written.
    std::os::unix::fs::symlink("/proc/version", house.path("state/cursors/soc")).unwrap();
    house.forward("soc", free_port(), "");
    let (code, out, _) = told(&house.run(&["reload"]));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.starts_with("destination soc is new\n") && out.contains("/cursors/soc"), "{out}");
    let status = house.status().unwrap();
    assert_eq!((status.config.round, status.destinations.len(), status.healthy), (1, 1, false));
    house.write_log(entry(1).as_bytes());
    house.wait_until("delivered", |_| receiver.has("session 0000001"));
    fs::remove_file(house.path("state/cursors/soc")).unwrap();
    assert_eq!(house.run(&["reload"]).status.code(), Some(0));
    let status = house.status().unwrap();
    assert_eq!((status.config.round, status.destinations.len()), (2, 2));
    assert!(status.config.unused.is_empty());
    assert_eq!(house.stop(), Some(0));
    let events = events(&house);
    let outcomes: Vec<Outcome> = events.iter().map(|(outcome, _)| *outcome).collect();
    assert_eq!(outcomes, [Outcome::Success, Outcome::Failure, Outcome::Success], "{events:?}");
    assert!(events[1].1.starts_with("otrail could not go on with "), "{events:?}");
}

#[test]
fn who_is_told_that_it_goes_on_finds_what_it_has_written_in_use() {
    let mut house = House::new();
    house.start();
    house.wait_until("it is there", |_| true);
    let mut refused = 0;
    for round in 1..=6 {
        let others = house.otrail().args(["reload"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        support::process::a_moment(round * 3);
        house.unset();
        house.set(&format!("[journal]\nage-max = \"{round} days\""));
        let (code, json, errors) = told(&house.run(&["reload", "-o", "json"]));
        let in_use = house.status().unwrap().config.sha256;
        match code {
            Some(0) => assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["sha256"], *in_use, "{json}"),
            _ => {
                assert!(errors.contains("the config is being read anew already"), "{code:?} {errors}");
                refused += 1;
            }
        }
        others.unwrap().wait().unwrap();
        house.set("size-max = \"3 GiB\"");
        house.config();
    }
    assert!(refused < 6, "some of them got through");
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn whoever_takes_the_right_to_ask_from_himself_is_told_that_it_counts() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut house = House::new();
    house.set("[query]\nadmin-users = [\"nobody\"]");
    house.start();
    house.wait_until("it is there", |_| true);
    house.unset();
    // The program where any user may run it.
    let program = house.path("otrail");
    fs::copy(house.otrail().get_program(), &program).unwrap();
    let reload = || {
        let mut command = Command::new(&program);
        command.arg("-c").arg(house.config()).arg("reload").uid(65_534).gid(65_534);
        told(&command.output().unwrap())
    };
    let (code, out, errors) = reload();
    assert_eq!(code, Some(0), "{errors}");
    assert!(out.ends_with("otrail.toml; told in the trail\n"), "{out}");
    assert_eq!(reload().0, Some(4), "and it does count");
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_stop_in_the_middle_of_it_counts_and_so_does_a_kill() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    let mut written = 0;
    for round in 0..6 {
        house.forward_nowhere();
        house.forward("siem", receiver.port, "");
        house.start();
        house.wait_until("it is up", |status| status.destinations[0].state == "connected");
        house.write_log(entry(written).as_bytes());
        written += 1;
        house.forward_nowhere();
        house.forward("siem", receiver.port, "rate-max = 1000");
        house.config();
        house.signal(Signal::SIGHUP);
        support::process::a_moment(round * 4);
        match round % 2 {
            0 => assert_eq!(house.stop(), Some(0), "{}", house.said()),
            _ => house.kill(),
        }
    }
    house.start();
    all_is_read_and_delivered(written, &house, &[&receiver]);
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn the_service_manager_hears_when_it_begins_and_when_it_is_done() {
    let mut house = House::new();
    let socket = house.path("notify");
    let heard = UnixDatagram::bind(&socket).unwrap();
    heard.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    house.tell_agent("NOTIFY_SOCKET", socket.to_str().unwrap());
    let next = || {
        let mut bytes = [0; 4096];
        let count = heard.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    };
    house.start();
    assert!(next().starts_with("READY=1\n"));
    house.set_at_top("heartbeat = \"1 h\"");
    assert_eq!(house.run(&["reload"]).status.code(), Some(0));
    let begins = next();
    assert!(begins.starts_with("RELOADING=1\n") && begins.contains("MONOTONIC_USEC="), "{begins}");
    assert!(next().starts_with("READY=1\n"));
    assert_eq!(house.stop(), Some(0));
    assert!(next().starts_with("STOPPING=1"));
}

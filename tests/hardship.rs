//! The real agent where following a log is hard: no hints, no right, no folder, no time to look, no end of a line.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use nix::sys::signal::Signal;
use otrail::model::status::Status;
use otrail::model::{Action, Event, Flag, Record};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::process::Command;
use support::process::{House, a_moment, entry, rotate};

/// The numbers of the entries in the journal, in its order.
fn sessions(house: &House) -> Vec<usize> {
    house.records().iter().filter(|record| record.position.is_some()).filter_map(session).collect()
}

fn session(record: &Record) -> Option<usize> {
    record.event.message.split("session ").nth(1)?.get(..7)?.parse().ok()
}

fn gaps(house: &House) -> Vec<Event> {
    let events = house.records().into_iter().map(|record| record.event);
    events.filter(|event| event.action == Action::GAP_DETECTED).collect()
}

fn has_read(count: u64) -> impl Fn(&Status) -> bool {
    move |status| status.sources[0].entries >= count && status.sources[0].bytes_behind == 0
}

fn append(house: &House, numbers: std::ops::Range<usize>) {
    house.write_log(numbers.map(entry).collect::<String>().as_bytes());
}

/// As a sensor's console does: one former file is kept, whatever was in the one before.
fn rotate_keeping_one(house: &House) {
    fs::rename(house.log(), house.log().with_extension("ndjson.1")).unwrap();
    File::create(house.log()).unwrap();
}

/// Stops the agent and compares.
#[track_caller]
fn assert_read(house: &mut House, expected: impl Iterator<Item = usize>) {
    assert_eq!(house.stop(), Some(0), "{}", house.said());
    assert_eq!(sessions(house), expected.collect::<Vec<_>>());
}

/// A house whose agent may have none of these; nothing in a container that allows no user namespace, since the limit is for
/// the whole machine there.
fn house_without(limit: &'static str) -> Option<House> {
    let within = ["unshare", "-Ur", "sh", "-c", limit, "sh"];
    let may = Command::new(within[0]).args(&within[1..]).arg("true").status().unwrap().success();
    let mut house = House::new();
    house.start_within(&within);
    may.then_some(house)
}

fn has_notice(text: &'static str) -> impl Fn(&Status) -> bool {
    move |status| status.sources[0].notice.contains(text)
}

#[test]
fn a_log_that_may_not_be_watched_is_told_once_and_as_long_as_it_lasts() {
    let limit = "echo 0 >/proc/sys/user/max_inotify_watches && exec \"$@\"";
    let Some(mut house) = house_without(limit) else { return };
    append(&house, 0..10);
    house.start();
    house.wait_until("reads", has_read(10));
    house.wait_until(
        "tells the limit",
        has_notice("no more inotify watches; raise fs.inotify.max_user_watches"),
    );
    rotate(&house.log());
    append(&house, 10..20);
    let status = house.wait_until("reads on after a rotation", has_read(20));
    assert!(status.problems.is_empty(), "{:?}", status.problems);
    let said = house.said();
    assert_eq!(said.matches("raise fs.inotify.max_user_watches").count(), 1, "{said}");
    assert_read(&mut house, 0..20);
}

#[test]
fn without_inotify_the_poll_does_it_all() {
    let limit = "echo 0 >/proc/sys/user/max_inotify_instances && exec \"$@\"";
    let Some(mut house) = house_without(limit) else { return };
    append(&house, 0..10);
    house.start();
    house.wait_until("reads", has_read(10));
    append(&house, 10..20);
    house.wait_until("reads what was added", has_read(20));
    rotate(&house.log());
    append(&house, 20..30);
    house.wait_until("reads on after a rotation", has_read(30));
    fs::copy(house.log(), house.path("log/operations.ndjson.0")).unwrap();
    File::options().write(true).truncate(true).open(house.log()).unwrap();
    append(&house, 30..40);
    house.wait_until("reads on after a cut", has_read(40));
    let said = house.said();
    assert_eq!(said.matches("no hints from the file system").count(), 1, "{said}");
    assert_eq!(said.matches("raise fs.inotify.max_user_instances").count(), 1, "{said}");
    house.wait_until(
        "tells the limit",
        has_notice("no more inotify instances; raise fs.inotify.max_user_instances"),
    );
    assert_read(&mut house, 0..40);
}

#[test]
fn what_the_console_rotates_while_the_agent_is_stopped_is_read_as_long_as_it_is_there() {
    let mut house = House::new();
    append(&house, 0..100);
    house.start();
    house.wait_until("reads", has_read(100));
    house.signal(Signal::SIGSTOP);
    append(&house, 100..150);
    rotate_keeping_one(&house);
    append(&house, 150..200);
    // Within one tick of the kernel's clock nobody can tell what came first.
    a_moment(20);
    rotate_keeping_one(&house);
    append(&house, 200..250);
    house.signal(Signal::SIGCONT);
    house.wait_until("reads what it has open, the former log and the log", has_read(250));
    assert_read(&mut house, 0..250);
    assert!(gaps(&house).is_empty(), "{:?}", gaps(&house));
}

#[test]
fn what_the_console_has_pushed_out_while_the_agent_was_stopped_is_told() {
    let mut house = House::new();
    append(&house, 0..100);
    house.start();
    house.wait_until("reads", has_read(100));
    house.signal(Signal::SIGSTOP);
    for turn in 1..5 {
        append(&house, turn * 100..turn * 100 + 50);
        rotate_keeping_one(&house);
    }
    append(&house, 500..550);
    house.signal(Signal::SIGCONT);
    house.wait_until("reads what is there", has_read(250));
    // The log that was open, the one former one that is kept, the log.
    assert_read(&mut house, (0..150).chain(400..450).chain(500..550));
    let gaps = gaps(&house);
    let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
    assert_eq!(gap.reason.as_deref(), Some("vanished"));
    let id = |number| {
        let records = house.records();
        records.iter().find(|record| session(record) == Some(number)).unwrap().event.id.to_string()
    };
    assert_eq!(gap.old.as_deref(), Some(id(149).as_str()), "{gap:?}");
    assert_eq!(gap.new.as_deref(), Some(id(400).as_str()), "{gap:?}");
}

#[test]
fn ten_rotations_within_a_moment_cost_nothing() {
    let mut house = House::new();
    append(&house, 0..10);
    house.start();
    house.wait_until("reads", has_read(10));
    for turn in 1..11 {
        append(&house, turn * 10..turn * 10 + 9);
        rotate(&house.log());
        // Late, as long as the sensor has not opened its new log.
        let former = house.log().with_extension("ndjson.1");
        let mut former = OpenOptions::new().append(true).open(former).unwrap();
        former.write_all(entry(turn * 10 + 9).as_bytes()).unwrap();
    }
    append(&house, 110..120);
    house.wait_until("reads all", has_read(120));
    assert_eq!(house.stop(), Some(0));
    // What came late to a former log may have been read after what came to the next one.
    let mut read = sessions(&house);
    read.sort_unstable();
    assert_eq!(read, (0..120).collect::<Vec<_>>());
    assert!(gaps(&house).is_empty(), "{:?}", gaps(&house));
}

#[test]
fn a_line_without_end_is_cut_and_flagged_and_costs_no_memory() {
    let mut house = House::new();
    append(&house, 0..5);
    house.start();
    house.wait_until("reads", has_read(5));
    let high = |house: &mut House| {
        let text = fs::read_to_string(format!("/proc/{}/status", house.agent().id())).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = high(&mut house);
    let part = vec![b'x'; 1 << 20];
    house.write_log(b"{\"timestamp\":1764000000100,\"type\":\"USER_LOGIN\",\"content\":\"");
    (0..64).for_each(|_| house.write_log(&part));
    // While it has no end, all of it is behind.
    house.wait_until("has seen the line as far as it goes", |status| {
        status.sources[0].bytes_behind > 64 << 20
    });
    house.write_log(b"\"}\n");
    append(&house, 6..10);
    house.wait_until("reads what follows", has_read(10));
    // Some copies of a line of 1 MiB, but not the line.
    let grown = (high(&mut house) - before) >> 10;
    assert!(grown < 40, "{grown} MiB for a line of 64 MiB of which 1 MiB is kept");
    assert_read(&mut house, (0..5).chain(6..10));
    let records = house.records();
    let cut: Vec<&Record> =
        records.iter().filter(|record| record.event.flags.contains(Flag::TRUNCATED)).collect();
    let [cut] = cut.as_slice() else { panic!("{} are cut", cut.len()) };
    let place = |number| records.iter().position(|record| session(record) == Some(number)).unwrap();
    let at = records.iter().position(|record| record.seq == cut.seq).unwrap();
    assert!(place(4) < at && at < place(6), "in its place");
}

/// Root may read anything unless it has given that up.
fn give_up_rights(house: &mut House) {
    if nix::unistd::geteuid().is_root() {
        let without = "-dac_override,-dac_read_search";
        house.start_within(&["setpriv", "--bounding-set", without, "--inh-caps", "-all"]);
    }
}

#[test]
fn a_former_log_that_may_not_be_read_is_told_and_read_when_it_may_be() {
    let mut house = House::new();
    give_up_rights(&mut house);
    append(&house, 0..5);
    house.start();
    house.wait_until("reads", has_read(5));
    house.kill();
    let former = |number: u8| house.log().with_extension(format!("ndjson.{number}"));
    append(&house, 5..10);
    rotate(&house.log());
    append(&house, 10..15);
    rotate(&house.log());
    append(&house, 15..20);
    let files = [former(2), former(1)];
    files.iter().for_each(|file| fs::set_permissions(file, Permissions::from_mode(0o000)).unwrap());
    house.start();
    house.wait_until("reads what it may", |status| {
        status.sources[0].entries == 5 && status.sources[0].gaps.unreadable == 2
    });
    files.iter().for_each(|file| fs::set_permissions(file, Permissions::from_mode(0o640)).unwrap());
    house.wait_until("reads the rest", has_read(15));
    assert_read(&mut house, (0..5).chain(15..20).chain(5..15));
    assert_eq!(gaps(&house).len(), 2);
}

#[test]
fn a_log_that_may_not_be_read_for_a_while_is_read_when_it_may_be_again() {
    let mut house = House::new();
    give_up_rights(&mut house);
    append(&house, 0..5);
    house.start();
    house.wait_until("reads", has_read(5));
    let log = house.log();
    let allow = |mode| fs::set_permissions(&log, Permissions::from_mode(mode)).unwrap();
    let mut writer = OpenOptions::new().append(true).open(&log).unwrap();
    allow(0);
    writer.write_all(entry(5).as_bytes()).unwrap();
    house.wait_until("says so", |status| status.sources[0].error.contains("ermission denied"));
    // It becomes a former log that may not be read either.
    fs::rename(&log, log.with_extension("ndjson.1")).unwrap();
    writer.write_all(entry(6).as_bytes()).unwrap();
    append(&house, 7..10);
    allow(0);
    fs::set_permissions(log.with_extension("ndjson.1"), Permissions::from_mode(0o644)).unwrap();
    allow(0o644);
    house.wait_until("reads on", has_read(10));
    assert!(house.status().unwrap().sources[0].error.is_empty());
    assert_read(&mut house, 0..10);
    assert!(gaps(&house).is_empty(), "{:?}", gaps(&house));
}

#[test]
fn a_folder_that_is_removed_and_made_again_is_found_again() {
    let mut house = House::new();
    append(&house, 0..5);
    house.start();
    house.wait_until("reads", has_read(5));
    append(&house, 5..6);
    fs::remove_dir_all(house.path("log")).unwrap();
    house.wait_until("misses it", |status| !status.sources[0].error.is_empty());
    fs::create_dir(house.path("log")).unwrap();
    append(&house, 6..10);
    house.wait_until("is back", |status| status.sources[0].error.is_empty() && has_read(10)(status));
    append(&house, 10..15);
    house.wait_until("reads on", has_read(15));
    // What was written just before the end was in a file that was open.
    assert_read(&mut house, 0..15);
    assert!(gaps(&house).is_empty(), "{:?}", gaps(&house));
}

#[test]
fn a_sparse_log_of_many_gigabytes_costs_no_time_and_its_entries_are_read() {
    let mut house = House::new();
    append(&house, 0..5);
    house.start();
    house.wait_until("reads", has_read(5));
    let file = File::options().write(true).open(house.log()).unwrap();
    let (before, far) = (file.metadata().unwrap().len(), 1_u64 << 40);
    file.write_all_at(format!("\n{}", entry(5)).as_bytes(), far).unwrap();
    house.wait_until("goes past the hole", has_read(6));
    assert_read(&mut house, 0..6);
    let gaps = gaps(&house);
    let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
    assert_eq!((gap.reason.as_deref(), gap.count), (Some("hole"), Some(far - before)));
}

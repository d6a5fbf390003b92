//! The real agent follows logs through what really happens to them: logrotate in its modes, compression while nobody
//! looks, many logs, holes, and things in a log's place that are none.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use otrail::model::status::Status;
use otrail::model::{Action, Event, Record};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, symlink};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use support::process::{House, a_moment, entry, rotate};

/// The numbers of the entries in the journal, in its order.
fn sessions(house: &House) -> Vec<usize> {
    let of_log = |record: &Record| record.position.is_some();
    house
        .records()
        .iter()
        .filter(|record| of_log(record))
        .filter_map(|record| session(&record.event))
        .collect()
}

fn session(event: &Event) -> Option<usize> {
    event.message.split("session ").nth(1)?.get(..7)?.parse().ok()
}

/// otrail's own events of that kind.
fn told(house: &House, action: Action) -> Vec<Event> {
    let events = house.records().into_iter().map(|record| record.event);
    events.filter(|event| event.action == action).collect()
}

fn has_read(count: u64) -> impl Fn(&Status) -> bool {
    move |status| status.sources[0].entries >= count && status.sources[0].bytes_behind == 0
}

fn append(house: &House, numbers: std::ops::Range<usize>) {
    house.write_log(numbers.map(entry).collect::<String>().as_bytes());
}

/// Writes entries as fast as a busy sensor does until it is told to stop; opens the log anew now and then, as it must
/// where it is renamed.
fn busy_sensor(
    house: &House,
    stop: &Arc<AtomicBool>,
    written: &Arc<AtomicUsize>,
) -> std::thread::JoinHandle<()> {
    let (log, stop, written) = (house.log(), Arc::clone(stop), Arc::clone(written));
    std::thread::spawn(move || {
        while !stop.load(Ordering::Acquire) {
            let Ok(mut file) = OpenOptions::new().append(true).open(&log) else { continue };
            for _ in 0..20 {
                let number = written.load(Ordering::Acquire);
                file.write_all(entry(number).as_bytes()).unwrap();
                written.store(number + 1, Ordering::Release);
            }
            a_moment(2);
        }
    })
}

/// Lets logrotate work on the log of a busy sensor; the numbers that were read, and how many were written.
fn rotated_by_logrotate(house: &mut House, mode: &str) -> (Vec<usize>, usize) {
    let config = house.path("logrotate.conf");
    let log = house.log();
    fs::write(&config, format!("{} {{\n  rotate 9\n  {mode}\n}}\n", log.display())).unwrap();
    append(house, 0..1);
    house.start();
    house.wait_until("reads", has_read(1));
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(1)));
    let sensor = busy_sensor(house, &stop, &written);
    for _ in 0..3 {
        // A name with the time in it is free again after a second.
        a_moment(if mode.contains("dateext") { 1100 } else { 300 });
        let state = house.path("logrotate.state");
        let output = Command::new("logrotate").arg("-f").arg("-s").arg(state).arg(&config).output();
        let output = output.expect("logrotate is not there: run tests/run once as root");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    a_moment(300);
    stop.store(true, Ordering::Release);
    sensor.join().unwrap();
    let count = written.load(Ordering::Acquire);
    append(house, count..count + 1);
    house.wait_until("reads the last", |status| {
        status.sources[0].bytes_behind == 0 && sessions(house).contains(&count)
    });
    assert_eq!(house.stop(), Some(0));
    (sessions(house), count + 1)
}

#[test]
fn a_log_that_logrotate_renames_loses_nothing() {
    for mode in [
        "create 0644",
        "create 0644\n  compress",
        "create 0644\n  compress\n  delaycompress",
        "create 0644\n  compress\n  delaycompress\n  dateext\n  dateformat -%Y%m%d-%s",
    ] {
        let mut house = House::new();
        let (read, written) = rotated_by_logrotate(&mut house, mode);
        assert_eq!(read, (0..written).collect::<Vec<_>>(), "{mode}");
        let gaps = told(&house, Action::GAP_DETECTED);
        assert!(gaps.is_empty(), "{mode}: {gaps:#?}");
    }
}

#[test]
fn a_log_that_logrotate_copies_and_cuts_loses_at_most_what_is_told() {
    let mut house = House::new();
    let (mut read, written) = rotated_by_logrotate(&mut house, "copytruncate");
    let gaps = told(&house, Action::GAP_DETECTED);
    let is_doubt = |gap: &&Event| gap.reason.as_deref() == Some("doubt");
    let is_cut = |gap: &&Event| gap.reason.as_deref() == Some("truncated");
    assert!(gaps.iter().all(|gap| is_cut(&gap) || is_doubt(&gap)), "{gaps:?}");
    let count = read.len();
    read.sort_unstable();
    read.dedup();
    // A copy that could no more be compared with what was read is read again, and that has been told.
    assert!(read.len() == count || gaps.iter().any(|gap| is_doubt(&gap)), "nothing twice: {gaps:?}");
    // How much a cut costs depends on the machine; each place where something is missing has been told.
    let ends: Vec<usize> = read.iter().map(|number| number + 1).chain([0]).collect();
    let holes =
        (0..written).filter(|number| read.binary_search(number).is_err() && ends.contains(number)).count();
    assert!(holes <= gaps.len(), "{holes} holes, {} told: {} lost", gaps.len(), written - read.len());
}

#[test]
fn what_was_rotated_and_compressed_while_nobody_looked_is_read_oldest_first() {
    for (program, ending) in [("gzip", "gz"), ("xz", "xz"), ("zstd", "zst")] {
        let mut house = House::new();
        append(&house, 0..50);
        house.start();
        house.wait_until("reads", has_read(50));
        house.kill();
        for turn in 1..5 {
            append(&house, turn * 50..turn * 50 + 50);
            rotate(&house.log());
        }
        append(&house, 250..260);
        for number in 2..5 {
            let former = house.path(&format!("log/operations.ndjson.{number}"));
            let packed = house.path(&format!("log/operations.ndjson.{number}.{ending}"));
            let packer = Command::new(program).arg("-c").arg(&former).output().unwrap();
            fs::write(&packed, packer.stdout).unwrap();
            let modified = fs::metadata(&former).unwrap().modified().unwrap();
            File::options().write(true).open(&packed).unwrap().set_modified(modified).unwrap();
            fs::remove_file(former).unwrap();
        }
        house.start();
        house.wait_until("reads all", has_read(210));
        assert_eq!(house.stop(), Some(0));
        let expected: Vec<usize> = (0..250).chain(250..260).collect();
        assert_eq!(sessions(&house), expected, "{program}");
        assert!(told(&house, Action::GAP_DETECTED).is_empty(), "{program}");
    }
}

#[test]
fn a_damaged_copy_costs_nothing_but_itself_and_is_told() {
    let mut house = House::new();
    append(&house, 0..10);
    house.start();
    house.wait_until("reads", has_read(10));
    house.kill();
    for turn in 1..4 {
        append(&house, turn * 10..turn * 10 + 10);
        rotate(&house.log());
    }
    append(&house, 40..50);
    let former = house.path("log/operations.ndjson.2");
    let modified = fs::metadata(&former).unwrap().modified().unwrap();
    fs::remove_file(former).unwrap();
    for name in ["operations.ndjson.2.gz", "operations.ndjson.2.bz2"] {
        let file = File::create(house.path(&format!("log/{name}"))).unwrap();
        file.write_all_at(b"\x1f\x8b\x08\0damaged", 0).unwrap();
        file.set_modified(modified).unwrap();
    }
    house.start();
    house.wait_until("reads the others", has_read(30));
    assert_eq!(house.stop(), Some(0));
    assert_eq!(sessions(&house), (0..20).chain(30..50).collect::<Vec<_>>());
    let gaps = told(&house, Action::GAP_DETECTED);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].reason.as_deref(), Some("unreadable"));
}

#[test]
fn a_copy_that_breaks_off_costs_what_it_has_not_and_of_a_damaged_one_a_doubt_is_told() {
    for is_cut in [true, false] {
        let mut house = House::new();
        append(&house, 0..10);
        house.start();
        house.wait_until("reads", has_read(10));
        house.kill();
        append(&house, 10..6000);
        let mut packed = Command::new("gzip").arg("-c").arg(house.log()).output().unwrap().stdout;
        let checksum = packed.len() - 6;
        if is_cut {
            packed.truncate(checksum / 4);
        } else {
            packed[checksum] ^= 1;
        }
        fs::write(house.path("log/operations.ndjson.1.gz"), packed).unwrap();
        fs::remove_file(house.log()).unwrap();
        append(&house, 6000..6010);
        house.start();
        let is_left = |status: &Status| status.sources[0].gaps.unreadable == 1;
        let is_last = |status: &Status| status.sources[0].files.len() == 1;
        house.wait_until("reads all", |status| is_left(status) && is_last(status) && has_read(10)(status));
        assert_eq!(house.stop(), Some(0));
        let (read, gaps) = (sessions(&house), told(&house, Action::GAP_DETECTED));
        let of_copy = read.len() - 10;
        assert!((1000..6000).contains(&of_copy), "{of_copy}");
        assert_eq!(read, (0..of_copy).chain(6000..6010).collect::<Vec<_>>());
        assert!(gaps.len() == 1 && gaps[0].reason.as_deref() == Some("unreadable"), "{gaps:?}");
        assert_eq!(gaps[0].message.contains("may be damaged, too"), !is_cut, "{gaps:?}");
    }
}

#[test]
fn a_file_that_is_gone_is_told_with_the_events_around_the_gap() {
    let mut house = House::new();
    append(&house, 0..5);
    house.start();
    house.wait_until("reads", has_read(5));
    house.kill();
    // The sensor keeps one file beside the log: the one that was being read is deleted in the end.
    append(&house, 5..10);
    fs::remove_file(house.log()).unwrap();
    append(&house, 10..15);
    rotate(&house.log());
    append(&house, 15..20);
    house.start();
    house.wait_until("reads on", has_read(10));
    assert_eq!(house.stop(), Some(0));
    assert_eq!(sessions(&house), (0..5).chain(10..20).collect::<Vec<_>>());
    let gaps = told(&house, Action::GAP_DETECTED);
    let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
    assert_eq!(gap.reason.as_deref(), Some("vanished"));
    let id = |wanted| {
        let records = house.records();
        let found = records.iter().find(|record| session(&record.event) == Some(wanted)).unwrap();
        found.event.id.to_string()
    };
    assert_eq!((gap.old.as_deref(), gap.new.as_deref()), (None, Some(id(10).as_str())), "{gap:?}");
}

#[test]
fn a_copy_of_itself_in_the_place_of_a_log_is_the_log() {
    let mut house = House::new();
    append(&house, 0..30);
    house.start();
    house.wait_until("reads", has_read(30));
    let backup = house.path("log/backup");
    fs::copy(house.log(), &backup).unwrap();
    fs::rename(&backup, house.log()).unwrap();
    append(&house, 30..40);
    house.wait_until("reads on", has_read(40));
    assert_eq!(house.stop(), Some(0));
    assert_eq!(sessions(&house), (0..40).collect::<Vec<_>>());
}

#[test]
fn zeros_in_a_log_are_passed_over_and_told_and_its_neighbours_are_whole() {
    let mut house = House::new();
    append(&house, 0..3);
    house.start();
    house.wait_until("reads", has_read(3));
    // Room that was made for entries, some of which are written later: a writer that maps the log does that.
    let file = File::options().write(true).open(house.log()).unwrap();
    let written = file.metadata().unwrap().len();
    file.set_len(written + (64 << 20)).unwrap();
    a_moment(1500);
    assert_eq!(house.status().unwrap().sources[0].entries, 3);
    file.write_all_at(entry(3).as_bytes(), written).unwrap();
    house.wait_until("reads what came into the room", |status| status.sources[0].entries == 4);
    // A hole, and something behind it.
    house.write_log(entry(4).as_bytes());
    house.wait_until("goes past the hole", has_read(5));
    assert_eq!(house.stop(), Some(0));
    assert_eq!(sessions(&house), [0, 1, 2, 3, 4]);
    let gaps = told(&house, Action::GAP_DETECTED);
    let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
    assert_eq!(gap.reason.as_deref(), Some("hole"));
    assert_eq!(gap.count, Some((64 << 20) - entry(3).len() as u64));
}

#[test]
fn a_log_full_of_holes_does_not_flood_the_trail_and_each_hole_is_counted() {
    const HOLES: u64 = 300;
    let mut house = House::new();
    for number in 0..HOLES {
        house.write_log(&[0; 20]);
        append(&house, number as usize..number as usize + 1);
    }
    house.start();
    house.wait_until("reads", has_read(HOLES));
    assert_eq!(house.status().unwrap().sources[0].gaps.holes, HOLES);
    assert_eq!(house.stop(), Some(0));
    assert_eq!(sessions(&house), (0..HOLES as usize).collect::<Vec<_>>());
    let gaps = told(&house, Action::GAP_DETECTED).len() as u64;
    // 60 at once, and one more every two seconds.
    assert!((60..HOLES).contains(&gaps), "{gaps}");
    let suppressed = told(&house, Action::EVENTS_SUPPRESSED);
    let held_back = suppressed.iter().filter_map(|event| event.count).sum::<u64>();
    assert_eq!(gaps + held_back, HOLES, "{suppressed:?}");
    let last = suppressed.last().unwrap();
    assert_eq!(last.target.as_ref().unwrap().name.as_deref(), Some("timeline"));
    assert!(last.message.contains(" bytes may be missing"), "{}", last.message);
}

#[test]
fn what_is_no_log_in_the_place_of_one_is_named_and_the_log_is_read_when_it_is_back() {
    let mut house = House::new();
    append(&house, 0..1);
    house.start();
    house.wait_until("reads", has_read(1));
    let (log, away) = (house.log(), house.path("log/away"));
    for (number, make) in [
        ("mkfifo", "is not a regular file"),
        ("mkdir", "is a folder; a / at its end means all files in it"),
        ("link", "is a symbolic link"),
        ("dangling", "is a symbolic link"),
    ]
    .into_iter()
    .enumerate()
    {
        let (what, error) = make;
        fs::rename(&log, &away).unwrap();
        match what {
            "link" => symlink(&away, &log).unwrap(),
            "dangling" => symlink("nowhere", &log).unwrap(),
            program => assert!(Command::new(program).arg(&log).status().unwrap().success()),
        }
        house.wait_until(what, |status| status.sources[0].error.contains(error));
        if what == "mkdir" { fs::remove_dir(&log) } else { fs::remove_file(&log) }.unwrap();
        fs::rename(&away, &log).unwrap();
        append(&house, number + 1..number + 2);
        house.wait_until("is back", has_read(number as u64 + 2));
    }
    assert_eq!(house.stop(), Some(0));
    assert_eq!(sessions(&house), [0, 1, 2, 3, 4]);
}

#[test]
fn a_link_is_followed_when_the_config_says_so_also_when_it_is_swapped() {
    let mut house = House::new();
    house.set("follow-symlinks = true");
    let file = |number: usize| house.path(&format!("log/real-{number}"));
    for number in 0..3 {
        fs::write(file(number), (number * 10..number * 10 + 10).map(entry).collect::<String>()).unwrap();
    }
    let files = [file(0), file(1), file(2)];
    let log = house.log();
    symlink(&files[0], &log).unwrap();
    house.start();
    house.wait_until("reads the first", has_read(10));
    for (number, file) in files.iter().enumerate().skip(1) {
        let swap = house.path("log/swap");
        symlink(file, &swap).unwrap();
        fs::rename(&swap, &log).unwrap();
        house.wait_until("reads the next", has_read(10 + 10 * number as u64));
    }
    assert_eq!(house.stop(), Some(0));
    assert_eq!(sessions(&house), (0..30).collect::<Vec<_>>());
}

#[test]
fn a_thousand_rotated_files_beside_the_log_stay_closed() {
    let mut house = House::new();
    for number in 1..1001 {
        let former = File::create(house.path(&format!("log/operations.ndjson.{number}"))).unwrap();
        former.write_all_at(entry(5000 + number).as_bytes(), 0).unwrap();
        former.set_modified(SystemTime::now() - Duration::from_secs(60 * number as u64)).unwrap();
    }
    append(&house, 0..10);
    house.start();
    house.wait_until("reads", has_read(10));
    rotate(&house.log());
    append(&house, 10..20);
    house.wait_until("reads on", has_read(20));
    let open = fs::read_dir(format!("/proc/{}/fd", house.agent().id())).unwrap().count();
    assert!(open <= 64, "{open} descriptors");
    assert_eq!(house.stop(), Some(0));
    assert_eq!(sessions(&house), (0..20).collect::<Vec<_>>());
}

//! What the trail lacks of a file that an admin brings is added once, told in the trail, and forwarded like any other; what
//! the trail has is not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails shows where")]

mod support;

use otrail::model::backfill::Backfilled;
use otrail::model::{Action, Class, Event, Flag, Outcome, Record};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use support::daemon::{Kind, Receiver};
use support::process::{House, entry, free_port, patiently};

/// Entries that were written before otrail came, and all of them.
const BEFORE: usize = 900;
const IN_ALL: usize = 1500;

/// A sensor whose log otrail has followed since so many entries had been written.
fn house_with_history() -> House {
    let mut house = House::new();
    house.start();
    write(&house, BEFORE..IN_ALL);
    house
}

fn write(house: &House, entries: Range<usize>) {
    let count = entries.len() as u64;
    house.write_log(entries.map(entry).collect::<String>().as_bytes());
    house.wait_until("all entries read", |status| status.sources[0].entries >= count);
}

fn export(house: &House, name: &str, bytes: &[u8]) -> String {
    let path = house.path(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = Command::new("gzip").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    gzip.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    gzip.wait_with_output().unwrap().stdout
}

fn backfill(house: &House, args: &[&str]) -> Output {
    house.run(&[&["backfill", "-o", "json"], args].concat())
}

#[track_caller]
fn told(output: &Output) -> Backfilled {
    let said = String::from_utf8_lossy(&output.stderr);
    let all: Vec<Backfilled> = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let [only] = <[Backfilled; 1]>::try_from(all).unwrap();
    only
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// New, known, exit code.
#[track_caller]
fn counts(output: &Output) -> (u64, u64, i32) {
    let told = told(output);
    (told.added, told.known, output.status.code().unwrap())
}

fn operations(house: &House) -> Vec<Record> {
    let is_operation = |record: &Record| record.event.class == Class::UserOperation;
    house.records().into_iter().filter(is_operation).collect()
}

/// What the trail says of backfills.
fn told_in_trail(house: &House) -> Vec<Event> {
    let events = house.records().into_iter().map(|record| record.event);
    events.filter(|event| event.action == Action::BACKFILL).collect()
}

/// The ids of a log that is read from its beginning.
fn ids(house: &House, file: &str) -> BTreeSet<String> {
    let output = house.run(&["normalize", "-o", "json", file]);
    let rows = output.stdout.split(|&byte| byte == b'\n').filter(|row| !row.is_empty());
    let id =
        |row| serde_json::from_slice::<serde_json::Value>(row).unwrap()["id"].as_str().unwrap().to_owned();
    rows.map(id).collect()
}

#[test]
fn what_the_trail_lacks_is_added_once_forwarded_and_told() {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    receiver.start();
    house.forward("siem", receiver.port, "");
    house.start();
    write(&house, BEFORE..IN_ALL);
    let file = export(&house, "export.ndjson", (0..IN_ALL).map(entry).collect::<String>().as_bytes());
    let (before, lacking) = (BEFORE as u64, (IN_ALL - BEFORE) as u64);
    assert_eq!(counts(&backfill(&house, &[&file])), (before, lacking, 1), "without --yes it is only told");
    assert_eq!((operations(&house).len(), told_in_trail(&house).len()), (IN_ALL - BEFORE, 0));
    let done = backfill(&house, &["--yes", &file]);
    assert_eq!(counts(&done), (before, lacking, 0));
    let done = told(&done);
    let sum = Command::new("sha256sum").arg(&file).output().unwrap().stdout;
    assert!(sum.starts_with(done.sha256.as_bytes()) && done.done && done.complete, "{done:?}");
    assert_eq!(counts(&backfill(&house, &["--yes", &file])), (0, IN_ALL as u64, 0), "nothing is added twice");
    house.wait_until("all confirmed", |status| status.destinations[0].lag_records == 0);
    assert_eq!(house.stop(), Some(0));

    let records = operations(&house);
    let found: BTreeSet<String> = records.iter().map(|record| record.event.id.to_string()).collect();
    assert_eq!((records.len(), &found), (IN_ALL, &ids(&house, &file)));
    let (brought, followed): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| record.event.flags.contains(Flag::BACKFILLED));
    assert_eq!((brought.len(), followed.len()), (BEFORE, IN_ALL - BEFORE));
    assert!(brought.is_sorted_by_key(|record| record.event.time), "in the order of the file");
    assert!(brought.iter().all(|record| record.position.is_none() && record.event.source == "timeline"));
    let of_the_frames: BTreeSet<String> = receiver.frames().into_iter().map(|frame| frame.id).collect();
    assert!(found.is_subset(&of_the_frames), "the SIEM has all of them");

    let told = told_in_trail(&house);
    assert_eq!(told.iter().map(|event| event.count).collect::<Vec<_>>(), [None, Some(before), None, Some(0)]);
    let last = told[1].message.as_str();
    assert!(last.contains(&done.sha256) && last.contains(&file) && last.contains("900 added"), "{last}");
    assert!(told.iter().all(|event| event.user.is_some() && event.outcome == Outcome::Success));
    assert_eq!(
        house.run(&["journal", "verify", "-D", house.path("state").to_str().unwrap()]).status.code(),
        Some(0)
    );
}

#[test]
fn equal_entries_are_counted_and_the_log_goes_on_as_if_nothing_had_been_brought() {
    let mut house = House::new();
    house.start();
    house.write_log((entry(1) + &entry(1)).as_bytes());
    house.wait_until("both read", |status| status.sources[0].entries == 2);
    let file = export(&house, "a.ndjson", entry(1).repeat(4).as_bytes());
    assert_eq!(counts(&backfill(&house, &["--yes", &file])), (2, 2, 0));
    house.kill();
    house.start();
    house.write_log((entry(1) + &entry(2)).as_bytes());
    house.wait_until("two more", |status| status.sources[0].entries == 2);
    let ids: Vec<String> = operations(&house).iter().map(|record| record.event.id.to_string()).collect();
    let set: BTreeSet<&String> = ids.iter().collect();
    // The third of the log has the id of the third that was brought: whoever keeps ids sees that it is the same.
    assert_eq!((ids.len(), set.len()), (6, 5));
    assert_eq!(ids[4], ids[2]);
}

#[test]
fn an_export_in_whole_seconds_is_known_by_its_seconds_and_one_that_is_all_new_raises_a_doubt() {
    let house = house_with_history();
    // Entries are a millisecond apart and all differ.
    let row = |at: usize, hour: u64| {
        let at = at as u64;
        let second = 1_764_000_000 + at / 1000 + hour * 3600;
        let time = jiff::Timestamp::from_second(second.cast_signed()).unwrap().strftime("%F %T").to_string();
        format!("{time},NOTICE,USER_LOGIN,User logged in,alice,\"User alice signed in, session {at:07}\"\n")
    };
    let csv = |entries: Range<usize>, hour| {
        let rows: String = entries.rev().map(|at| row(at, hour)).collect();
        format!("Timestamp,Severity,Type,Title,Owner,Content\n{rows}")
    };
    let file = export(&house, "export.csv", csv(800..1200, 0).as_bytes());
    assert_eq!(counts(&backfill(&house, &["--yes", &file])), (100, 300, 0));
    assert_eq!(counts(&backfill(&house, &["--yes", &file])), (0, 400, 0));
    let other_zone = export(&house, "zone.csv", csv(900..1200, 1).as_bytes());
    let output = backfill(&house, &[&other_zone]);
    assert_eq!(counts(&output), (300, 0, 1));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("time-zone"), "nothing else is of that hour");
    let mixed: String = csv(900..1200, 1) + &row(700, 0) + &row(1500, 0);
    let mixed = export(&house, "mixed.csv", mixed.as_bytes());
    let output = backfill(&house, &[&mixed]);
    assert_eq!(counts(&output), (302, 0, 1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("none of these is among them") && said.contains("time-zone"), "{said}");
}

#[test]
fn packed_files_and_stdin_are_read_and_what_select_leaves_out_is_passed_over() {
    let house = house_with_history();
    let device = entry(3).replace("USER_LOGIN", "DEVICE_CONNECTION_CREATED");
    let text = (0..100).map(entry).collect::<String>() + &device;
    let file = export(&house, "export.gz", &gzip(&text));
    let output = backfill(&house, &[&file]);
    assert_eq!((counts(&output), told(&output).passed_over), ((100, 0, 1), 1));
    let mut command = house.otrail();
    command.args(["backfill", "-o", "json", "--yes", "-"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((counts(&output), told(&output).file.as_str()), ((100, 0, 0), "stdin"));
    assert_eq!(counts(&backfill(&house, &["--yes", &file])), (0, 100, 0));
}

#[test]
fn a_packed_file_that_breaks_off_gives_what_it_has_and_a_damaged_one_is_not_begun() {
    let mut house = House::new();
    house.start();
    house.wait_until("it is there", |_| true);
    let packed = gzip(&(0..300).map(entry).collect::<String>());
    let half = export(&house, "half.gz", &packed[..packed.len() / 2]);
    let output = backfill(&house, &["--yes", &half]);
    let (said, (added, known, code)) = (text(&output.stderr), counts(&output));
    assert!(said.contains("half.gz to its end") && added > 0, "{said}");
    assert_eq!((known, code, told(&output).error.as_str()), (0, 1, "incomplete deflate stream"));
    assert_eq!(told_in_trail(&house).last().unwrap().outcome, Outcome::Failure);
    // What damage has become is told from entries only at the end.
    let mut damaged = packed.clone();
    damaged[packed.len() - 6] ^= 1;
    let before = house.records().len();
    let output = backfill(&house, &["--yes", &export(&house, "damaged.gz", &damaged)]);
    let said = text(&output.stderr);
    assert!(said.contains("damaged.gz cannot be unpacked, and nothing of it was brought"), "{said}");
    assert_eq!((output.status.code(), house.records().len()), (Some(1), before));
    let whole = export(&house, "whole.gz", &packed);
    assert_eq!(counts(&backfill(&house, &["--yes", &whole])), (300 - added, added, 0));
}

/// A backfill of stdin, of which so many entries are sent, and which waits for more.
fn begun(house: &House, entries: Range<usize>) -> Child {
    let mut command = house.otrail();
    command.args(["backfill", "--yes", "-o", "json", "-"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let text: String = entries.map(entry).collect();
    child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    child
}

#[track_caller]
fn wait_for(house: &House, newest: u64) {
    house.wait_until("some are added", |status| status.journal.newest.0 >= newest);
}

#[test]
fn a_backfill_that_breaks_off_anywhere_goes_on_with_the_same_command() {
    const MANY: usize = 8_000;
    let mut house = House::new();
    house.start();
    write(&house, 0..10);
    let file = export(&house, "export.ndjson", (0..MANY).map(entry).collect::<String>().as_bytes());
    // Whoever brings it is killed.
    let mut client = begun(&house, 0..1500);
    wait_for(&house, 700);
    let other = house.run(&["backfill", "--yes", &file]);
    assert!(text(&other.stderr).contains("a backfill goes on already") && other.status.code() == Some(1));
    client.kill().unwrap();
    client.wait().unwrap();
    assert!(patiently(|| {
        let told = told_in_trail(&house);
        told.last().is_some_and(|event| event.outcome == Outcome::Failure && event.reason.is_some())
    }));
    // The agent is killed.
    let newest = house.status().unwrap().journal.newest.0;
    let client = begun(&house, 1500..3000);
    wait_for(&house, newest + 600);
    house.kill();
    let output = client.wait_with_output().unwrap();
    assert!(output.status.code() == Some(5) && !output.stderr.is_empty(), "{}", text(&output.stderr));
    house.start();
    // The agent gets another config, or is stopped, while nothing comes: what was sent by then is told as far as it is in.
    for (stops, entries) in [(false, 3000..5000), (true, 5000..7000)] {
        let newest = house.wait_until("it is there", |_| true).journal.newest.0;
        let client = begun(&house, entries);
        wait_for(&house, newest + 600);
        match stops {
            true => assert_eq!(house.stop(), Some(0)),
            false => {
                house.set("[query]\nadmin-users = [\"root\"]");
                house.config();
                assert_eq!(house.run(&["reload"]).status.code(), Some(0));
            }
        }
        let output = client.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert_eq!(told(&output).error, "the agent is stopping");
    }
    let actions: Vec<Action> = house.records().iter().map(|record| record.event.action).collect();
    assert!(actions[actions.len() - 3..].contains(&Action::BACKFILL), "{:?}", &actions[actions.len() - 5..]);
    house.start();
    house.wait_until("it is there once more", |_| true);
    let output = backfill(&house, &["--yes", &file]);
    let Backfilled { added, known, .. } = told(&output);
    assert!(output.status.success() && added + known == MANY as u64 && added > 0 && known > 2400);
    let all: BTreeSet<String> =
        operations(&house).iter().map(|record| record.event.message.to_string()).collect();
    assert_eq!((operations(&house).len(), all.len()), (MANY, MANY));
}

#[test]
fn an_outage_of_the_siem_leaves_half_of_the_journal_to_the_sensor() {
    let mut house = House::new();
    house.forward("siem", free_port(), "");
    house.set("[journal]\nsize-max = \"8 MiB\"\nseal = false");
    house.start();
    write(&house, 0..10);
    let file = export(&house, "much.ndjson", (0..20_000).map(entry).collect::<String>().as_bytes());
    let output = backfill(&house, &["--yes", &file]);
    let Backfilled { error, complete, .. } = told(&output);
    assert!(!complete && output.status.code() == Some(1));
    assert!(error.contains("half of the journal waits for a destination"), "{error}");
    let output = house.run(&["backfill", "--yes", &file]);
    let said = text(&output.stdout);
    assert!(output.status.code() == Some(1) && said.ends_with("; the same command goes on\n"), "{said}");
    let status = house.status().unwrap();
    assert!(status.journal.bytes < 6 << 20 && !status.journal.full, "{:?}", status.journal);
}

#[test]
fn what_is_brought_takes_no_id_away_from_what_the_log_says_later() {
    let mut house = House::new();
    house.start();
    house.write_log(entry(1).as_bytes());
    house.wait_until("it is read", |status| status.sources[0].entries == 1);
    // More than the ids that are remembered of a source.
    let rows: String = (100..33_000).map(entry).collect();
    let file = export(&house, "much.ndjson", rows.as_bytes());
    assert_eq!(counts(&backfill(&house, &["--yes", &file])), (32_900, 0, 0));
    assert_eq!(house.stop(), Some(0));
    house.write_log(entry(1).as_bytes());
    house.start();
    house.wait_until("its twin is read", |status| status.sources[0].entries == 1);
    let ids: Vec<String> = operations(&house)
        .iter()
        .filter(|record| !record.event.flags.contains(Flag::BACKFILLED))
        .map(|record| record.event.id.to_string())
        .collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

#[test]
fn what_has_no_time_is_known_by_its_place_in_a_file_that_begins_like_a_followed_one() {
    let mut house = House::new();
    house.start();
    let text: String = (0..20).map(|at| format!("{}a line without a time {at}\n", entry(at))).collect();
    house.write_log(text.as_bytes());
    house.wait_until("all are read", |status| status.sources[0].entries == 40);
    let same = export(&house, "operations.ndjson.1", text.as_bytes());
    assert_eq!(counts(&backfill(&house, &["--yes", &same])), (0, 40, 0));
    let longer = export(&house, "longer", (text.clone() + "and one more\n").as_bytes());
    assert_eq!(counts(&backfill(&house, &["--yes", &longer])), (1, 40, 0));
    let other = export(&house, "other", (entry(77) + &text).as_bytes());
    assert_eq!(counts(&backfill(&house, &["--yes", &other])), (21, 20, 0), "in another file they are others");
    assert_eq!(counts(&backfill(&house, &["--yes", &other])), (0, 41, 0));
}

#[test]
fn what_cannot_be_done_is_told_with_a_way_out() {
    let mut house = House::new();
    let file = export(&house, "export.ndjson", entry(1).as_bytes());
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let output = house.run(&["backfill", &file]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let mut more = String::new();
    let token = export(&house, "token", b"secret");
    let ca = house.path("ca.pem");
    write!(
        more,
        "[[source]]\nname = \"cell-7\"\nkind = \"api\"\nsensor = \"plant-b\"\nurl = \"https://localhost:{}\"\n\
         ca-file = {ca:?}\ntoken-file = {token:?}",
        free_port()
    )
    .unwrap();
    fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    house.set(&more);
    house.start();
    house.wait_until("it is there", |_| true);
    let output = house.run(&["backfill", "--yes", &file]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("--source") && said(&output).contains("timeline, cell-7"),
        "{}",
        said(&output)
    );
    let output = house.run(&["backfill", "--source", "cell-8", &file]);
    assert!(
        output.status.code() == Some(2) && said(&output).contains("timeline, cell-7"),
        "{}",
        said(&output)
    );
    let output = house.run(&["backfill", "--source", "cell-7", "/nowhere/export.csv"]);
    assert!(
        output.status.code() == Some(1) && said(&output).contains("/nowhere/export.csv"),
        "{}",
        said(&output)
    );
    let output = house.run(&["backfill", "--source", "cell-7", "--yes", &file]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("1 entry read as timeline-json: 1 added to the trail of source cell-7"), "{text}");
    let nonsense = export(&house, "nonsense", b"not a log\n");
    let output = house.run(&["backfill", "--source", "timeline", &nonsense]);
    assert!(said(&output).contains("1 of 1 new entries are not understood"), "{}", said(&output));
    let record = operations(&house).pop().unwrap();
    assert_eq!((record.event.sensor.as_str(), record.event.source.as_str()), ("plant-b", "cell-7"));
}

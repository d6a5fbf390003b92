//! kill -9 of the real agent, again and again, while the log is written and rotated.

use super::folder;
use super::support::process::{House, a_moment, entry, patiently, rotate};
use super::support::receiver::{Frame, Receiver};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

const ENTRIES: usize = 100_000;
const KILLS: usize = 20;
/// The rounds in the midst of which the log is rotated.
const ROTATIONS: [usize; 5] = [2, 6, 7, 12, 17];

#[test]
fn the_agent_killed_20_times_loses_nothing_and_repeats_only_the_same() {
    let seed = fastrand::u64(..);
    say(&format!("seed {seed}"));
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward(
        "siem",
        receiver.port,
        "barrier-interval = \"300 ms\"\nwindow-max = \"1 MiB\"\nbackoff-max = \"300 ms\"",
    );
    house.set("[journal]\nsegment-max = \"4 MiB\"");
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("the first entry is there", |_| receiver.has("session 0000000"));
    house.kill();

    let mut log = Log { written: 1, rotations: 0 };
    for round in 0..KILLS {
        house.start();
        let until = 1 + (ENTRIES - 1) * (round + 1) / KILLS;
        let before = journal_bytes(&house);
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let mut rng = fastrand::Rng::with_seed(seed + round as u64);
                log.write(&house, until, ROTATIONS.contains(&round), &mut rng);
            });
            // Every other time in the midst of its work, else perhaps at its start.
            if round % 2 == 0 {
                patiently(|| journal_bytes(&house) > before);
            }
            a_moment(rng.u64(0..250));
            if rng.bool() {
                writing.join().unwrap();
            }
            house.signal(nix::sys::signal::Signal::SIGKILL);
        });
        house.kill();
    }
    assert_eq!((log.written, log.rotations), (ENTRIES, ROTATIONS.len()));
    house.start();
    house.wait_until("everything is delivered", |status| {
        let idle = status.sources[0].bytes_behind == 0 && status.sources[0].state == "idle";
        idle && receiver.has("session 0099999") && status.destinations[0].lag_records == 0
    });
    house.wait_until("closed segments are sealed", |_| sealed(&house) > 3);
    assert_eq!(house.stop(), Some(0));
    check_trail(&house);
    check_frames(&receiver.frames(), seed);
}

/// The sensor that writes, in pieces that end anywhere.
struct Log {
    written: usize,
    rotations: usize,
}

impl Log {
    fn write(&mut self, house: &House, until: usize, rotation: bool, rng: &mut fastrand::Rng) {
        let rotate_at = if rotation { rng.usize(self.written..until) } else { usize::MAX };
        while self.written < until {
            let to = (self.written + rng.usize(1..400)).min(until);
            let lines: String = (self.written..to).map(entry).collect();
            let (head, tail) = lines.as_bytes().split_at(rng.usize(0..lines.len()));
            house.write_log(head);
            house.write_log(tail);
            if (self.written..to).contains(&rotate_at) {
                self.rotations += 1;
                rotate(&house.log());
            }
            self.written = to;
        }
    }
}

/// The trail has one record for each entry, in the order of the file, and no gap between seqs.
fn check_trail(house: &House) {
    assert_eq!(folder::chain_breaks(&house.path("state")), 0);
    let rows = house.trail();
    let mut seqs: Vec<u64> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    let entries = rows.iter().filter(|row| row["source"] == "timeline");
    let found: Vec<(usize, u64)> = entries.map(|row| (number(row), row["seq"].as_u64().unwrap())).collect();
    assert!(found.is_sorted_by(|left, right| left.1 < right.1), "the trail is in the order of the file");
    assert_eq!(found.iter().map(|&(number, _)| number).collect::<Vec<_>>(), (0..ENTRIES).collect::<Vec<_>>());
    let ids: BTreeSet<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rows.len(), "every record has an id of its own");
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=rows.len() as u64).collect::<Vec<_>>());
}

fn number(row: &Value) -> usize {
    let message = row["message"].as_str().unwrap();
    message.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Nothing is missing at the receiver; what came twice is the same, and comes in order over each connection.
fn check_frames(frames: &[Frame], seed: u64) {
    let mut by_seq: BTreeMap<u64, String> = BTreeMap::new();
    let mut last: BTreeMap<usize, u64> = BTreeMap::new();
    let mut marked = 0;
    for frame in frames {
        let seq = frame.seq();
        if let Some(before) = last.insert(frame.connection, seq) {
            assert_eq!((frame.prev(), seq), (before, before + 1), "order over a connection");
        }
        assert_eq!(frame.prev() + 1, seq);
        let content = content(frame);
        let known = by_seq.entry(seq).or_insert_with(|| content.clone());
        assert_eq!(*known, content, "one seq, one record");
        marked += usize::from(frame.param("resent").is_some());
    }
    let duplicates = frames.len() - by_seq.len();
    let seqs: Vec<u64> = by_seq.keys().copied().collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "no hole at the receiver");
    let entries = by_seq.values().filter(|text| text.contains("source=\"timeline\"")).count();
    let found: BTreeSet<usize> = by_seq.values().filter_map(|text| session(text)).collect();
    let lost = (0..ENTRIES).filter(|number| !found.contains(number)).count();
    say(&format!(
        "seed {seed}: {KILLS} kills, {} rotations, {entries} of {ENTRIES} entries, lost {lost}, \
         {duplicates} duplicates in {} frames, {marked} marked as resent",
        ROTATIONS.len(),
        frames.len()
    ));
    assert_eq!((entries, lost), (ENTRIES, 0));
}

/// The number of the entry in a frame's message.
fn session(text: &str) -> Option<usize> {
    text.rsplit_once("session ")?.1.parse().ok()
}

/// What a frame says of its record; what it says of the sending is left out.
fn content(frame: &Frame) -> String {
    let mut text = frame.text().to_owned();
    for name in ["prev", "resent", "sequenceId", "isSynced"] {
        if let Some(value) = frame.param(name) {
            text = text.replacen(&format!(" {name}=\"{value}\""), "", 1);
        }
    }
    text
}

fn journal_bytes(house: &House) -> u64 {
    let segments = folder::segments(&house.path("state"));
    segments.iter().map(|path| size(path)).sum()
}

fn sealed(house: &House) -> usize {
    let segments = folder::segments(&house.path("state"));
    segments.iter().filter(|path| path.extension().is_some_and(|end| end == "zst")).count()
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

/// A figure worth knowing also when all is well.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "killed: {text}");
}

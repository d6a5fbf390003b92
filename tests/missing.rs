//! What was taken from the journal is told, by whoever comes to where it was.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use support::process::{House, entry};
use support::receiver::Receiver;

/// The first seqs of all segments.
fn firsts(house: &House) -> Vec<u64> {
    let files = fs::read_dir(house.path("state/journal")).unwrap().map(|file| file.unwrap().file_name());
    let first = |name: &str| name.split_once('-')?.0.parse().ok();
    let mut firsts: Vec<u64> = files.filter_map(|name| first(name.to_str()?)).collect();
    firsts.sort_unstable();
    firsts.dedup();
    firsts
}

fn remove_segment(house: &House, first: u64) {
    for file in fs::read_dir(house.path("state/journal")).unwrap().map(|file| file.unwrap()) {
        if file.file_name().to_str().unwrap().starts_with(&format!("{first:020}-")) {
            fs::remove_file(file.path()).unwrap();
        }
    }
}

#[test]
fn a_segment_that_is_gone_is_told_to_the_siem_once_and_to_whoever_asks() {
    let mut house = House::new();
    let mut receiver = Receiver::start(&house);
    receiver.away();
    house.forward("siem", receiver.port, "barrier-interval = \"100 ms\"");
    house.set("[journal]\nsegment-max = \"64 KiB\"");
    house.start();
    // Each burst is a batch or more: a segment is left between two of them.
    for round in 0..5 {
        house.write_log((round * 200..(round + 1) * 200).map(entry).collect::<String>().as_bytes());
        house.wait_until("read", |status| {
            status.sources.first().is_some_and(|source| source.entries == (round as u64 + 1) * 200)
        });
    }
    assert_eq!(house.stop(), Some(0));
    let segments = firsts(&house);
    assert!(segments.len() > 3, "{segments:?}");
    let (first, last) = (segments[1], segments[2] - 1);
    remove_segment(&house, first);
    let sentence = format!("records {first} to {last} are missing from the journal");

    receiver.back();
    for round in 1..=2 {
        house.start();
        house.wait_until("the SIEM has what is left", |status| {
            let is_up = status.destinations.first().is_some_and(|it| it.confirmed == status.journal.newest);
            is_up && receiver.has("agent.journal_damaged")
        });
        let query = house.run(&["query", "-q", "-n", "all", "--user", "*"]);
        let told = String::from_utf8(query.stderr).unwrap();
        assert!(query.status.code() == Some(5) && told.contains(&sentence), "{told}");
        let follow = ["query", "-f", "-q", "source=timeline"];
        let pipes = house.otrail().args(follow).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut follower = pipes.unwrap();
        house.wait_until("somebody follows", |_| {
            let is_told = |row: &&Value| row["message"].to_string().contains("follows the trail");
            house.trail().iter().filter(is_told).count() == round
        });
        assert_eq!(house.stop(), Some(0));
        // It waits for the next agent then.
        let told = BufReader::new(follower.stderr.take().unwrap()).lines().next().unwrap().unwrap();
        assert!(told.contains(&sentence), "{told}");
        follower.kill().unwrap();
        follower.wait().unwrap();
    }
    assert_eq!(receiver.count("agent.journal_damaged"), 1);
    assert_eq!(receiver.count("session 0000999"), 1);
}

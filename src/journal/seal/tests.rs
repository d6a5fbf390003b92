//! Sealing that is broken off at every step loses nothing, and readers see no difference.

use super::*;
use crate::journal::index::Growing;
use crate::journal::{Draft, Input, Journal, Scan, Settings};
use crate::model::{Action, Event, Outcome, Raw, Record, Seq, Time};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A folder where a sync costs nothing, if there is one.
fn folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

fn open(dir: &Path) -> Journal {
    Journal::open(Settings::example(dir), Time::default()).unwrap()
}

fn event(day: i64, at: usize) -> Event {
    let time = Time::from_millis(day * 86_400_000).unwrap();
    let mut event = Event::new(Action::USER_OPERATION, Outcome::Success, time);
    event.raw = Raw::Text(format!("entry {at} of day {day}, {}", "x".repeat(at % 90)).into());
    event
}

/// Appends `count` records of a day of their own: another day is another segment.
fn append(journal: &Journal, day: i64, count: usize) {
    let now = Time::from_millis(day * 86_400_000).unwrap();
    for at in 0..count {
        let drafts = vec![Draft { event: event(day, at), position: None, mark: None }];
        journal.append(Input { drafts, ..Input::default() }, now).unwrap();
    }
}

fn records(dir: &Path) -> Vec<Record> {
    Scan::open(dir).unwrap().map(|line| line.unwrap().decode().unwrap()).collect()
}

/// The day of the newest segment: an event of another day would begin one more.
fn now() -> Time {
    Time::from_millis(3 * 86_400_000).unwrap()
}

fn seal_all(journal: &Journal) {
    while journal.seal_next(&mut |_| Ok(()), now).unwrap() {}
}

/// The names in the journal's folder that end so.
fn ending(dir: &Path, end: &str) -> usize {
    let names = fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_str().unwrap().ends_with(end)).count()
}

/// How a step goes wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It returns an error, and the agent goes on.
    Error,
    /// The process ends there.
    Killed,
}

/// Seals with the `k`-th step going wrong; false when there were fewer.
fn seal_until(journal: &Journal, fault: Fault, k: usize) -> bool {
    let mut steps = 0;
    let mut pace = |_| {
        steps += 1;
        match fault {
            _ if steps <= k => Ok(()),
            Fault::Error => Err(io::Error::from_raw_os_error(nix::libc::EIO)),
            // Unwinding runs no line of `seal`, as when the process ends.
            Fault::Killed => std::panic::resume_unwind(Box::new(())),
        }
    };
    let ended = catch_unwind(AssertUnwindSafe(|| journal.seal_next(&mut pace, now)));
    !matches!(ended, Ok(Ok(_)))
}

#[test]
fn sealing_that_goes_wrong_at_any_step_costs_nothing() {
    for fault in [Fault::Error, Fault::Killed] {
        let mut k = 0;
        loop {
            let dir = folder();
            let journal = open(dir.path());
            append(&journal, 1, 20);
            append(&journal, 3, 3);
            let before = records(dir.path());
            let broken = seal_until(&journal, fault, k);
            let at = format!("{fault:?} at step {k}");
            assert_eq!(records(dir.path())[..before.len()], before, "{at}");
            drop(journal);
            let journal = Journal::open(Settings::example(dir.path()), now()).unwrap();
            assert_eq!(records(dir.path())[..before.len()], before, "{at}, opened again");
            assert_eq!(ending(dir.path(), ".tmp"), 0, "{at}");
            assert_eq!(
                ending(dir.path(), ".ndjson") + ending(dir.path(), ".zst"),
                2,
                "{at}: one form of each"
            );
            append(&journal, 3, 1);
            seal_all(&journal);
            assert_eq!((ending(dir.path(), ".ndjson"), ending(dir.path(), ".zst")), (1, 1), "{at}");
            assert_eq!(records(dir.path())[..before.len()], before, "{at}, sealed at last");
            if !broken {
                assert!(k > 10, "there are that many steps: {k}");
                break;
            }
            k += 1;
        }
    }
}

#[test]
fn what_was_sealed_is_the_same_bytes_and_older_tools_read_it() {
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, 1, 3000);
    append(&journal, 3, 1);
    let name = segment::list(&dir.path().join("journal")).unwrap()[0].clone();
    let plain = fs::read(forms::plain(&dir.path().join("journal"), &name)).unwrap();
    let written = fs::metadata(forms::plain(&dir.path().join("journal"), &name)).unwrap().modified().unwrap();
    assert!(plain.len() > 2 * FRAME_BYTES, "more frames than two");
    seal_all(&journal);
    let path = forms::sealed(&dir.path().join("journal"), &name);
    let sealed = fs::read(&path).unwrap();
    assert_eq!(zstd::decode_all(sealed.as_slice()).unwrap(), plain);
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written, "age counts from the last record");
    let told = records(dir.path()).pop().unwrap().event;
    assert_eq!((told.action, told.count), (Action::SEAL, Some(3000)));
    let hash: String = Sha256::digest(&sealed).iter().map(|byte| format!("{byte:02x}")).collect();
    let chain = plain.strip_suffix(b"\"}\n").and_then(|line| line.last_chunk::<64>()).unwrap();
    for value in
        [hash.as_str(), std::str::from_utf8(chain).unwrap(), path.file_name().unwrap().to_str().unwrap()]
    {
        assert!(told.message.contains(value), "{value}: {}", told.message);
    }
    assert!(journal.status().bytes < plain.len() as u64, "the space is given back");
    let on_disk = crate::journal::maintain::bytes_of(&dir.path().join("journal")).unwrap();
    assert!(on_disk.abs_diff(journal.status().bytes) < 2048, "but for the headers of segments");
}

#[test]
fn a_reader_in_the_middle_of_a_segment_goes_on_when_it_is_sealed() {
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, 1, 300);
    append(&journal, 2, 300);
    append(&journal, 3, 1);
    let (follower, first) = journal.follower().read(Seq::NONE, Seq(601), 10_000).unwrap();
    assert!(first.len() < 100);
    seal_all(&journal);
    let after = first.last().unwrap().seq;
    let (follower, rest) = follower.read(after, Seq(601), usize::MAX).unwrap();
    let seqs: Vec<u64> = first.iter().chain(rest.iter()).map(|record| record.seq.0).collect();
    assert_eq!((seqs, follower.damaged.len()), ((1..=601).collect(), 0));
}

#[test]
fn damage_in_a_frame_costs_its_records_and_is_named() {
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, 1, 3000);
    append(&journal, 3, 1);
    seal_all(&journal);
    drop(journal);
    let name = segment::list(&dir.path().join("journal")).unwrap()[0].clone();
    let path = forms::sealed(&dir.path().join("journal"), &name);
    let whole = fs::read(&path).unwrap();
    let frames = frames::read(&File::open(&path).unwrap()).unwrap().frames;
    assert!(frames.len() > 2);
    // Many places, the head of a frame, which says how long it is, and the table.
    let head = frames[1].at as usize..frames[1].at as usize + 12;
    let places = (0..whole.len()).step_by(977).chain(head).chain(whole.len() - 60..whole.len());
    for (at, flip) in places.flat_map(|at| [(at, 0x41), (at, 0x02)]) {
        let mut damaged = whole.clone();
        damaged[at] ^= flip;
        fs::write(&path, &damaged).unwrap();
        let (mut seqs, mut errors) = (Vec::new(), Vec::new());
        for line in Scan::open(dir.path()).unwrap() {
            match line {
                Ok(line) => seqs.push(line.place.seq.0),
                Err(error) => errors.push(error),
            }
        }
        let hit = frames
            .iter()
            .position(|frame| (frame.at..frame.at + u64::from(frame.packed)).contains(&(at as u64)));
        match (hit, &errors[..]) {
            (Some(hit), [JournalError::Damaged { segment, offset, .. }]) => {
                assert_eq!((segment, *offset), (&path, frames[hit].at), "byte {at}");
                assert!(seqs.len() > 1000 && seqs.len() < 3002, "byte {at}: {} records", seqs.len());
                assert_eq!(seqs.last(), Some(&3002), "byte {at}");
            }
            // The table, without which the frames are found, or what a head says of the memory that is needed.
            (_, []) => assert_eq!(seqs.len(), 3002, "byte {at}"),
            (hit, errors) => unreachable!("byte {at}: frame {hit:?}, {errors:?}"),
        }
        assert!(seqs.is_sorted());
    }
}

#[test]
fn the_newest_segment_that_counts_may_be_sealed_and_is_not_written_on() {
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, 1, 20);
    append(&journal, 3, 1);
    seal_all(&journal);
    let newest = journal.newest();
    drop(journal);
    let before = records(dir.path());
    // What came after it loses its header: it was never more than begun.
    let names = segment::list(&dir.path().join("journal")).unwrap();
    fs::write(forms::plain(&dir.path().join("journal"), &names[1]), b"{\"otrail\":1,").unwrap();
    let journal = open(dir.path());
    append(&journal, 3, 1);
    let after = records(dir.path());
    assert_eq!(after[..20], before[..20]);
    assert!(after.last().unwrap().seq > Seq(20) && journal.newest() >= Seq(21), "{newest}");
    drop(journal);
    assert_eq!(open(dir.path()).status().damaged, 0);
}

#[test]
fn a_sealed_form_that_differs_from_the_plain_one_is_set_aside() {
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, 1, 20);
    append(&journal, 3, 1);
    drop(journal);
    let before = records(dir.path());
    let names = segment::list(&dir.path().join("journal")).unwrap();
    let sealed = forms::sealed(&dir.path().join("journal"), &names[0]);
    fs::write(&sealed, b"not what it says").unwrap();
    assert_eq!(records(dir.path()), before, "whoever reads before takes the plain one");
    drop(open(dir.path()));
    assert!(!sealed.exists());
    assert!(dir.path().join("aside").join(sealed.file_name().unwrap()).exists());
    assert_eq!(records(dir.path())[..before.len()], before);
}

/// As `unzstd` leaves it that was broken off in the folder.
#[test]
fn a_plain_file_that_was_put_beside_a_sealed_one_costs_nothing_of_it() {
    for is_running in [false, true] {
        let dir = folder();
        let journal = open(dir.path());
        append(&journal, 1, 20);
        append(&journal, 3, 1);
        seal_all(&journal);
        let before = records(dir.path());
        let journal = if is_running { Some(journal) } else { (drop(journal), None).1 };
        let names = segment::list(&dir.path().join("journal")).unwrap();
        let name = &names[0];
        let (plain, sealed) = (
            forms::plain(&dir.path().join("journal"), name),
            forms::sealed(&dir.path().join("journal"), name),
        );
        let was = fs::read(&sealed).unwrap();
        for round in [1, 2] {
            fs::write(&plain, [b"half of it".repeat(round), vec![b'\n']].concat()).unwrap();
            assert_eq!(
                records(dir.path())[..before.len()],
                before,
                "whoever reads before takes the sealed one"
            );
            match &journal {
                Some(journal) => seal_all(journal),
                None => drop(Journal::open(Settings::example(dir.path()), now()).unwrap()),
            }
            assert!(!plain.exists() && fs::read(&sealed).unwrap() == was);
            let aside = dir.path().join("aside").join(plain.file_name().unwrap());
            let aside = if round == 1 { aside } else { aside.with_added_extension("2") };
            assert!(
                fs::read(&aside).unwrap().starts_with(&b"half of it".repeat(round)),
                "{}",
                aside.display()
            );
        }
        let after = records(dir.path());
        assert_eq!(after[..before.len()], before);
        let told = after.iter().filter(|record| record.event.action == Action::JOURNAL_DAMAGED);
        assert_eq!(told.count(), 2);
    }
}

#[test]
fn retention_takes_sealed_segments_and_a_segment_that_went_stays_gone() {
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, 1, 20);
    append(&journal, 2, 20);
    append(&journal, 3, 1);
    let folder = dir.path().join("journal");
    let name = segment::list(&folder).unwrap()[0].clone();
    // Retention comes between the packing and the renaming.
    let mut steps = 0;
    let mut pace = |step| {
        steps += 1;
        if step == Step::File && forms::temporary(&forms::sealed(&folder, &name)).exists() && steps > 6 {
            forms::remove(&folder, &name).unwrap();
        }
        Ok(())
    };
    let begun = Growing::default().take(&name);
    let placed = seal(&folder, &name, begun, &Mutex::default(), &mut pace).unwrap();
    assert!(placed.is_none() && ending(dir.path(), ".zst") == 0 && ending(dir.path(), ".tmp") == 0);
    seal_all(&journal);
    assert_eq!(ending(dir.path(), ".zst"), 1);
    let second = segment::list(&folder).unwrap()[0].clone();
    forms::remove(&folder, &second).unwrap();
    assert_eq!(records(dir.path())[0].seq, Seq(41));
}

/// Who seals while a burst comes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sealer {
    Works,
    Fails,
    IsMissing,
}

#[test]
fn a_burst_is_packed_before_anything_has_to_go() {
    for sealer in [Sealer::Works, Sealer::Fails, Sealer::IsMissing] {
        let dir = folder();
        let settings = Settings { bytes_max: 4 << 20, ..Settings::example(dir.path()) };
        let journal = Journal::open(settings, Time::default()).unwrap();
        let stop = AtomicBool::new(false);
        let attempt = || match sealer {
            Sealer::Works => journal.seal_next(&mut |_| Ok(()), now),
            Sealer::Fails => journal.seal_next(&mut |_| Err(io::Error::other("no")), now),
            Sealer::IsMissing => Ok(false),
        };
        std::thread::scope(|scope| {
            if sealer != Sealer::IsMissing {
                scope.spawn(|| {
                    journal.seals_here();
                    while !stop.load(Ordering::Relaxed) {
                        if !matches!(attempt(), Ok(true)) {
                            std::thread::park_timeout(Duration::from_millis(20));
                        }
                    }
                });
            }
            for _ in 0..40 {
                while journal.is_paused() {
                    journal.retry(now()).unwrap();
                    std::thread::yield_now();
                }
                let drafts = (0..500).map(|at| Draft { event: event(3, at), position: None, mark: None });
                journal.append(Input { drafts: drafts.collect(), ..Input::default() }, now()).unwrap();
            }
            stop.store(true, Ordering::Relaxed);
        });
        let plain = journal.status().bytes;
        let kept = records(dir.path());
        assert_eq!(kept[0].seq == Seq(1), sealer == Sealer::Works, "{sealer:?}: {plain} bytes");
        assert!(kept.len() > 2_000 && kept.last().unwrap().seq >= Seq(20_000), "{sealer:?}");
    }
}

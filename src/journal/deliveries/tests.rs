//! What is written down of deliveries: through kills, torn and damaged files, full disks and for years.

use super::*;
use crate::journal::{Input, Settings};
use crate::model::{Action, Event, Outcome, Record};
use std::time::Duration;

/// More than most of the tests deliver.
const RECORDS: usize = 100;

struct Desk {
    dir: tempfile::TempDir,
    journal: Option<Journal>,
}

impl Desk {
    /// With a journal that holds nothing yet.
    fn empty() -> Desk {
        let mut desk = Desk { dir: tempfile::tempdir().unwrap(), journal: None };
        desk.start();
        desk
    }

    fn new() -> Desk {
        let desk = Desk::empty();
        let record = || Input::own(Event::own(Action::HEARTBEAT, Outcome::Success, at(0), "healthy"));
        let drafts = (0..RECORDS).flat_map(|_| record().drafts).collect();
        desk.journal().append(Input { drafts, ..Input::default() }, at(0)).unwrap();
        desk
    }

    /// A start after a kill.
    fn start(&mut self) {
        self.journal = None;
        let settings = Settings {
            state_dir: self.dir.path().to_owned(),
            sensor: "plant-a".to_owned(),
            bytes_max: 1 << 30,
            age_max: Duration::from_secs(86_400),
            segment_bytes_max: 1 << 20,
            recent_bytes_max: 1 << 20,
            reserve_bytes: 4096,
            seal: false,
            destinations: vec!["siem".to_owned()],
        };
        self.journal = Some(Journal::open(settings, at(0)).unwrap());
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    fn open(&self) -> (Cursor, Deliveries) {
        let cursor = self.journal().cursor("siem").unwrap();
        let deliveries = self.journal().deliveries("siem", &cursor, at(9));
        (cursor, deliveries)
    }

    /// Moves the cursor as a destination does, and writes it down.
    fn deliver(&self, (cursor, deliveries): &mut (Cursor, Deliveries), steps: &[(u64, i64)]) {
        for &(through, seconds) in steps {
            let span = span(deliveries.end().0, through, seconds);
            self.journal().confirm("siem", cursor, Seq(through), span.at).unwrap();
            self.journal().delivered(deliveries, &mut vec![span], at(seconds)).unwrap();
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("deliveries/siem")
    }

    fn history(&self) -> History {
        deliveries(self.dir.path(), (Seq(1), Seq(u64::MAX))).unwrap().remove(0)
    }

    fn told(&self, seq: u64) -> Option<(i64, String)> {
        self.history().of(Seq(seq)).map(|span| (span.at.millis() / 1000, span.evidence.clone()))
    }
}

fn at(seconds: i64) -> Time {
    Time::from_millis(seconds * 1000).unwrap()
}

fn span(after: u64, through: u64, seconds: i64) -> Span {
    let (after, through) = (Seq(after), Seq(through));
    let (at, to) = (at(seconds), "siem:6514 [10.0.0.1:6514]".to_owned());
    Span { after, through, last: through, from: at, at, evidence: "probe".to_owned(), to, select: Vec::new() }
}

fn probed(seconds: i64) -> Option<(i64, String)> {
    Some((seconds, "probe".to_owned()))
}

#[test]
fn what_was_written_down_is_there_after_a_kill() {
    let mut desk = Desk::new();
    desk.deliver(&mut desk.open(), &[(3, 10), (7, 20)]);
    desk.start();
    desk.deliver(&mut desk.open(), &[(8, 30)]);
    assert_eq!([1, 3, 4, 7, 8].map(|seq| desk.told(seq).unwrap().0), [10, 10, 20, 20, 30]);
    assert_eq!((desk.told(9), desk.history().begins), (None, Seq::NONE));
    assert_eq!(deliveries(desk.dir.path(), (Seq(4), Seq(7))).unwrap()[0].spans.len(), 1);
}

#[test]
fn a_kill_between_cursor_and_line_leaves_a_span_of_which_no_evidence_is_claimed() {
    let mut desk = Desk::new();
    let mut open = desk.open();
    desk.deliver(&mut open, &[(3, 10)]);
    desk.journal().confirm("siem", &mut open.0, Seq(5), at(12)).unwrap();
    desk.start();
    desk.deliver(&mut desk.open(), &[(6, 30)]);
    let history = desk.history();
    let gap = history.of(Seq(4)).unwrap();
    assert_eq!((gap.evidence.as_str(), gap.from, gap.at), (Span::UNKNOWN, at(10), at(12)));
    assert_eq!((desk.told(3), desk.told(6)), (probed(10), probed(30)));
}

#[test]
fn what_was_only_passed_over_before_a_start_is_no_delivery() {
    let mut desk = Desk::new();
    let mut open = desk.open();
    desk.deliver(&mut open, &[(3, 10)]);
    desk.journal().confirm("siem", &mut open.0, Reached { through: Seq(9), last: Seq(3) }, at(12)).unwrap();
    desk.start();
    desk.deliver(&mut desk.open(), &[(10, 30)]);
    assert_eq!((desk.told(3), desk.told(9), desk.told(10)), (probed(10), None, probed(30)));
}

#[test]
fn wherever_the_file_is_torn_or_hit_nothing_is_told_that_was_not_so() {
    let mut desk = Desk::new();
    desk.deliver(&mut desk.open(), &[(3, 10), (7, 20), (8, 30)]);
    let whole = fs::read(desk.path()).unwrap();
    let exact = [10, 10, 10, 20, 20, 20, 20, 30];
    for place in (0..whole.len()).step_by(7) {
        for torn in [true, false] {
            let mut bytes = whole.clone();
            match torn {
                true => bytes.truncate(place),
                false => bytes[place] ^= 0x10,
            }
            fs::write(desk.path(), &bytes).unwrap();
            for (seq, seconds) in (1..).zip(exact) {
                let told = desk.told(seq);
                assert!(told.is_none() || told == probed(seconds), "{place} {torn} {seq}: {told:?}");
            }
        }
    }
    // After a torn tail everything before it is told, and the file is good again.
    fs::write(desk.path(), &whole[..whole.len() - 5]).unwrap();
    desk.start();
    desk.deliver(&mut desk.open(), &[(9, 40)]);
    assert_eq!((desk.told(7), desk.told(9)), (probed(20), probed(40)));
    assert_eq!(desk.told(8), Some((30, Span::UNKNOWN.to_owned())));
    assert!(fs::read_dir(desk.dir.path().join("aside")).unwrap().next().is_none());
}

#[test]
fn a_damaged_file_is_kept_and_told_and_costs_the_damaged_lines() {
    let mut desk = Desk::new();
    desk.deliver(&mut desk.open(), &[(3, 10), (7, 20), (8, 30)]);
    let mut bytes = fs::read(desk.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(desk.path(), &bytes).unwrap();
    desk.start();
    desk.deliver(&mut desk.open(), &[(9, 40)]);
    assert_eq!([3, 7, 8, 9].map(|seq| desk.told(seq)), [probed(10), None, probed(30), probed(40)]);
    let kept = fs::read_dir(desk.dir.path().join("aside")).unwrap().next().unwrap().unwrap();
    assert_eq!(fs::read(kept.path()).unwrap(), bytes);
    let mut lines = desk.journal().scan().flatten();
    let damage = |told: &Record| told.event.action == Action::JOURNAL_DAMAGED;
    let told = lines.find_map(|mut line| line.decode().filter(damage)).unwrap();
    assert!(told.event.message.contains("deliveries to siem"), "{}", told.event.message);
}

#[test]
fn nothing_is_told_that_the_cursor_does_not_say() {
    let mut desk = Desk::new();
    desk.deliver(&mut desk.open(), &[(3, 10), (7, 20)]);
    fs::remove_file(desk.dir.path().join("cursors/siem")).unwrap();
    let mut cursor = desk.journal().cursor("siem").unwrap();
    desk.journal().confirm("siem", &mut cursor, Seq(5), at(50)).unwrap();
    assert_eq!((desk.told(5), desk.told(6)), (probed(20), None));
    desk.start();
    desk.deliver(&mut desk.open(), &[(7, 60)]);
    assert_eq!((desk.told(5), desk.told(6)), (probed(20), probed(60)));
    assert_eq!(fs::read_dir(desk.dir.path().join("aside")).unwrap().count(), 1, "what it said is kept");
}

#[test]
fn the_file_stays_small_for_years_and_what_is_gone_from_the_journal_goes() {
    let desk = Desk::empty();
    let mut open = desk.open();
    let mut largest = 0;
    for round in 0..120_u64 {
        // Each of another address, so that little can be told as one.
        let spans = (0..100).map(|at| {
            let seq = round * 100 + at;
            let to = format!("siem-{}:6514", seq / 2 % 2);
            Span { to, ..span(seq, seq + 1, seq.cast_signed() * 600) }
        });
        let mut spans: Vec<Span> = spans.collect();
        let now = spans[99].at;
        desk.journal().confirm("siem", &mut open.0, Seq(round * 100 + 100), now).unwrap();
        desk.journal().delivered(&mut open.1, &mut spans, now).unwrap();
        largest = largest.max(fs::metadata(desk.path()).unwrap().len());
    }
    assert!(largest <= BYTES_MAX + (64 << 10), "{largest}");
    let history = desk.history();
    assert_eq!(history.of(Seq(12_000)).unwrap().at, at(11_999 * 600), "what is new is told exactly");
    let name = segment::SegmentName { first: Seq(11_990), run: 9 };
    fs::write(desk.dir.path().join("journal").join(name.file_name()), "").unwrap();
    let later = at(12_000 * 600 + 90_000);
    desk.journal().confirm("siem", &mut open.0, Seq(12_001), later).unwrap();
    desk.journal()
        .delivered(&mut open.1, &mut vec![Span { at: later, ..span(12_000, 12_001, 0) }], later)
        .unwrap();
    let history = desk.history();
    assert!(history.begins >= Seq(11_900) && history.of(Seq(12_000)).is_some(), "{}", history.begins);
}

#[test]
fn what_cannot_be_written_waits_and_holds_up_no_cursor() {
    let desk = Desk::new();
    let mut open = desk.open();
    desk.deliver(&mut open, &[(3, 10)]);
    open.1.file = Some(File::open(desk.path()).unwrap());
    let mut spans = vec![span(3, 4, 20)];
    assert!(desk.journal().delivered(&mut open.1, &mut spans, at(20)).is_err());
    assert_eq!(spans.len(), 1);
    desk.journal().confirm("siem", &mut open.0, Seq(5), at(21)).unwrap();
    spans.push(span(4, 5, 21));
    desk.journal().delivered(&mut open.1, &mut spans, at(21)).unwrap();
    assert_eq!((desk.told(3), desk.told(4), desk.told(5)), (probed(10), probed(20), probed(21)));
}

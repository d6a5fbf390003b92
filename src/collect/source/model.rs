//! Whatever happens to a log, what could be read is read once, and what could not is told: random histories against
//! an account of what stood where and when.
//!
//! `OTRAIL_MODEL_CASES=30000 OTRAIL_MODEL_SEED=8 cargo test --lib model` tries more of them, and others.

mod histories;
mod world;

use crate::collect::tail::amid::Moment;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::HashMap;
use world::World;

/// What can happen.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// So many lines, and perhaps a part of one.
    Append {
        lines: u8,
        part: bool,
    },
    /// A line from a sensor that has not opened its new log yet.
    Late,
    /// The log gets the name of a former one; a new one is there at once or later. A link leads to another file.
    Rotate {
        create: bool,
    },
    /// The newest rotated file is compressed, or the one before it.
    Compress {
        pack: Pack,
        delayed: bool,
    },
    /// A copy gets the name of a former log and the log is cut to nothing.
    CopyTruncate,
    /// The same, but a line is written between the copy and the cut.
    CopyLose,
    /// The same within a poll, at that moment of its first read; so many lines follow.
    CopyAmid {
        moment: Moment,
        lines: u8,
    },
    /// The log is cut to nothing; lines follow, the first perhaps as it was before.
    Truncate {
        same: bool,
        size: Size,
    },
    /// The log is deleted, and perhaps there is another at once: on the disk often of the same inode.
    Delete {
        create: bool,
    },
    /// Somebody keeps a copy elsewhere.
    Backup,
    /// The copy comes back: its bytes in the place of those of the log, or the file in the place of the log.
    Restore {
        in_place: bool,
    },
    /// An editor, or `sed -i`, puts another file in the log's place: a copy, perhaps without a line, with another one in
    /// its place, or with one more.
    Edit {
        line: u8,
        how: How,
    },
    Poll,
    /// A poll that may read only a little.
    Glance,
    /// So much time passes that files count as quiet.
    Rest,
    /// The agent is stopped or killed, which is the same here: what was read is in the journal.
    Kill,
    Start,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Same,
    Without,
    Altered,
    More,
}

#[derive(Debug, Clone, Copy)]
enum Pack {
    Gzip,
    Xz,
    Zstd,
}

/// How many lines there are after a log was cut, seen from how many there were.
#[derive(Debug, Clone, Copy)]
enum Size {
    Empty,
    Shorter,
    Same,
    Longer,
}

/// What is the same all the time.
#[derive(Debug, Clone, Copy)]
struct Setting {
    /// How many bytes a line has more than it needs.
    padding: usize,
    /// Former logs have dates in their names and no numbers.
    dated: bool,
    /// The log is a link to a dated file.
    linked: bool,
    /// On the disk, where inodes are used again at once, or in memory, where they are not.
    on_disk: bool,
}

fn act() -> impl Strategy<Value = Act> {
    let pack = || prop::sample::select(&[Pack::Gzip, Pack::Xz, Pack::Zstd][..]);
    let size = || prop::sample::select(&[Size::Empty, Size::Shorter, Size::Same, Size::Longer][..]);
    let moment = prop::sample::select(&Moment::ALL[..]);
    let how = || prop::sample::select(&[How::Same, How::Without, How::Altered, How::More][..]);
    prop_oneof![
        6 => (0..5_u8, any::<bool>()).prop_map(|(lines, part)| Act::Append { lines, part }),
        1 => Just(Act::Late),
        3 => any::<bool>().prop_map(|create| Act::Rotate { create }),
        1 => (pack(), any::<bool>()).prop_map(|(pack, delayed)| Act::Compress { pack, delayed }),
        2 => Just(Act::CopyTruncate),
        1 => Just(Act::CopyLose),
        2 => (moment, 0..6_u8).prop_map(|(moment, lines)| Act::CopyAmid { moment, lines }),
        2 => (any::<bool>(), size()).prop_map(|(same, size)| Act::Truncate { same, size }),
        1 => any::<bool>().prop_map(|create| Act::Delete { create }),
        1 => Just(Act::Backup),
        1 => any::<bool>().prop_map(|in_place| Act::Restore { in_place }),
        2 => (0..8_u8, how()).prop_map(|(line, how)| Act::Edit { line, how }),
        6 => Just(Act::Poll),
        1 => Just(Act::Glance),
        1 => Just(Act::Rest),
        2 => Just(Act::Kill),
        3 => Just(Act::Start),
    ]
}

fn setting() -> impl Strategy<Value = Setting> {
    let names = prop::sample::select(&[(false, false), (false, false), (true, false), (false, true)][..]);
    let padding = prop::sample::select(&[0_usize, 40, 700][..]);
    (padding, names, any::<bool>()).prop_map(|(padding, (dated, linked), on_disk)| Setting {
        padding,
        dated,
        linked,
        on_disk,
    })
}

fn check(acts: &[Act], setting: Setting) -> Result<(), TestCaseError> {
    let mut world = World::new(setting);
    world.act(Act::Append { lines: 2, part: false });
    world.act(Act::Start);
    world.act(Act::Poll);
    for &act in acts {
        world.act(act);
    }
    world.act(Act::Start);
    for _ in 0..4 {
        world.act(Act::Poll);
        world.act(Act::Rest);
    }
    judge(&world)
}

/// How often a line was written and read, whether it was there when the agent looked, and whether it has to be told.
#[derive(Default)]
struct Account {
    written: usize,
    read: usize,
    /// Of these, in files of which it was told that they may be copies.
    doubtful: usize,
    was_readable: bool,
    is_untold: bool,
}

fn judge(world: &World) -> Result<(), TestCaseError> {
    let mut accounts: HashMap<&str, Account> = HashMap::new();
    for line in &world.lines {
        let account = accounts.entry(&line.text).or_default();
        account.written += 1;
        account.was_readable |= line.was_readable;
        account.is_untold |= line.told_before.is_some_and(|told| told == world.told);
    }
    for entry in &world.read {
        let text = entry.text.trim_start_matches("part of ").trim_end();
        // What was cut within a line is no line.
        if entry.is_whole && !text.is_empty() || accounts.contains_key(text) {
            let account = accounts.entry(text).or_default();
            account.read += 1;
            account.doubtful += usize::from(entry.is_doubtful);
        }
    }
    for (text, Account { written, read, doubtful, was_readable, is_untold }) in accounts {
        let what = format!("{text:.20}: written {written}, read {read}, told {}", world.told);
        // A line that was written again where it had stood has never been away.
        prop_assert!(written + doubtful >= read, "twice: {what}");
        prop_assert!(read >= 1 || !was_readable, "lost: {what}");
        prop_assert!(read >= 1 || !is_untold, "lost and not told: {what}");
    }
    Ok(())
}

fn config() -> ProptestConfig {
    let number = |name| std::env::var(name).ok().and_then(|number: String| number.parse::<u64>().ok());
    let cases = number("OTRAIL_MODEL_CASES").and_then(|cases| u32::try_from(cases).ok());
    ProptestConfig {
        cases: cases.unwrap_or(300),
        rng_seed: RngSeed::Fixed(number("OTRAIL_MODEL_SEED").unwrap_or(7)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_could_be_read_is_read_once_and_else_it_is_told(
        acts in prop::collection::vec(act(), 0..24),
        setting in setting(),
    ) {
        check(&acts, setting)?;
    }
}

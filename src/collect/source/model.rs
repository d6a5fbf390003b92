//! Whatever happens to a log, what could be read is read once, and what could not is told: random histories against
//! an account of what stood where and when.
//!
//! `OTRAIL_MODEL_CASES=30000 OTRAIL_MODEL_SEED=8 cargo test --lib model` tries more of them, and others.

use super::tests::settings;
use super::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// What can happen.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// So many lines, and perhaps a part of one.
    Append {
        lines: u8,
        part: bool,
    },
    /// Numbers go up by one, the log becomes `log.1`; a new one is there at once or later.
    Rotate {
        create: bool,
    },
    /// The newest rotated file is compressed.
    Compress,
    /// A copy becomes `log.1` and the log is cut to nothing.
    CopyTruncate,
    /// The log is cut to nothing; lines follow, the first perhaps as it was before.
    Truncate {
        same: bool,
        lines: u8,
    },
    /// The log is deleted, and perhaps there is another at once.
    Delete {
        create: bool,
    },
    Poll,
    /// So much time passes that files count as quiet.
    Rest,
    /// The agent is stopped or killed, which is the same here: what was read is in the journal.
    Kill,
    Start,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..5_u8, any::<bool>()).prop_map(|(lines, part)| Act::Append { lines, part }),
        3 => any::<bool>().prop_map(|create| Act::Rotate { create }),
        1 => Just(Act::Compress),
        2 => Just(Act::CopyTruncate),
        2 => (any::<bool>(), 0..5_u8).prop_map(|(same, lines)| Act::Truncate { same, lines }),
        1 => any::<bool>().prop_map(|create| Act::Delete { create }),
        6 => Just(Act::Poll),
        1 => Just(Act::Rest),
        2 => Just(Act::Kill),
        3 => Just(Act::Start),
    ]
}

/// A line: where it stands and whether anybody could have read it.
#[derive(Debug, Clone)]
struct Line {
    text: String,
    /// The agent has looked while it stood there whole.
    was_readable: bool,
    /// It stood in a file that the agent has seen.
    was_near: bool,
}

/// What a file holds.
#[derive(Debug, Clone, Default)]
struct Held {
    lines: Vec<usize>,
    is_known: bool,
}

/// The files by what they hold, and the agent.
struct World {
    folder: TempDir,
    settings: Settings,
    source: Option<Source>,
    /// The journal: what it knows of files, and the entries in it.
    known: BTreeMap<FileNo, FollowedFile>,
    read: Vec<String>,
    told: usize,
    last_file: FileNo,
    /// By name, oldest line first; a file that is open and deleted has a name that is none.
    files: HashMap<String, Held>,
    lines: Vec<Line>,
    part: bool,
    deleted: usize,
    first: Option<String>,
    padding: usize,
}

impl World {
    fn new(padding: usize) -> World {
        let shm = std::path::Path::new("/dev/shm");
        let folder = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        let settings = settings(folder.path().join("log"));
        World {
            folder,
            settings,
            source: None,
            known: BTreeMap::new(),
            read: Vec::new(),
            told: 0,
            last_file: FileNo(0),
            files: HashMap::new(),
            lines: Vec::new(),
            part: false,
            deleted: 0,
            first: None,
            padding,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, text: &str) {
        let mut log = OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        log.write_all(text.as_bytes()).unwrap();
    }

    fn append(&mut self, text: String) {
        self.write(&format!("{text}\n"));
        let whole = if std::mem::take(&mut self.part) { format!("part of {text}") } else { text };
        self.lines.push(Line { text: whole, was_readable: false, was_near: false });
        self.files.entry("log".to_owned()).or_default().lines.push(self.lines.len() - 1);
    }

    fn rename(&mut self, from: &str, to: &str) {
        if fs::rename(self.path(from), self.path(to)).is_ok() {
            let content = self.files.remove(from).unwrap_or_default();
            self.files.insert(to.to_owned(), content);
        }
    }

    fn shift(&mut self) {
        for number in (1..8).rev() {
            for ending in ["", ".gz"] {
                self.rename(&format!("log.{number}{ending}"), &format!("log.{}{ending}", number + 1));
            }
        }
    }

    /// The content of a file is no more, the file is.
    fn forget(&mut self, name: &str) {
        let Held { lines, is_known } = self.files.remove(name).unwrap_or_default();
        lines.iter().for_each(|&line| self.lines[line].was_near |= is_known);
        self.files.insert(name.to_owned(), Held { lines: Vec::new(), is_known });
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Append { lines, part } => {
                for _ in 0..lines {
                    self.append(format!("line {}{}", self.lines.len(), ".".repeat(self.padding)));
                }
                if part && !self.part {
                    self.write("part of ");
                    self.part = true;
                }
            }
            Act::Rotate { create } => {
                self.shift();
                self.rename("log", "log.1");
                self.part = false;
                if create {
                    self.write("");
                }
            }
            Act::Compress => {
                let name = (1..9).map(|number| format!("log.{number}")).find(|name| self.path(name).exists());
                if let Some(name) = name {
                    if self.source.as_ref().is_none_or(|source| source.looked.is_none()) {
                        self.blur();
                    }
                    let status = Command::new("gzip").arg("-f").arg(self.path(&name)).status().unwrap();
                    assert!(status.success());
                    let content = self.files.remove(&name).unwrap_or_default();
                    self.files.insert(name + ".gz", content);
                }
            }
            Act::CopyTruncate => self.copy_and_cut(),
            Act::Truncate { same, lines } => self.truncate(same, lines),
            Act::Delete { create } => self.delete(create),
            Act::Poll => self.poll(),
            Act::Rest => self.rest(),
            Act::Kill => {
                self.source = None;
                let deleted = self.files.keys().filter(|name| name.starts_with("deleted"));
                let deleted: Vec<String> = deleted.cloned().collect();
                deleted.iter().for_each(|name| self.forget(name));
                if !deleted.is_empty() && self.files.keys().any(|name| name.ends_with(".gz")) {
                    self.blur();
                }
            }
            Act::Start => {
                if self.source.is_none() {
                    let known = self.known.values().cloned().collect();
                    self.source = Some(Source::new(0, &self.settings.sources[0], known));
                }
            }
        }
        if let Some(&first) = self.files.get("log").and_then(|log| log.lines.first()) {
            self.first = Some(self.lines[first].text.clone()).filter(|text| text.starts_with("line"));
        }
    }

    fn copy_and_cut(&mut self) {
        if self.path("log").exists() {
            self.shift();
            fs::copy(self.path("log"), self.path("log.1")).unwrap();
            let content = self.files.get("log").cloned().unwrap_or_default();
            self.files.insert("log".to_owned(), Held { lines: Vec::new(), ..content });
            self.files.insert("log.1".to_owned(), content);
            self.cut();
        }
    }

    fn truncate(&mut self, same: bool, lines: u8) {
        if self.path("log").exists() {
            self.forget("log");
            self.cut();
            if let Some(first) = self.first.clone().filter(|_| same && lines > 0) {
                self.append(first);
            }
            for _ in 0..lines {
                self.append(format!("line {}{}", self.lines.len(), ".".repeat(self.padding)));
            }
        }
    }

    fn delete(&mut self, create: bool) {
        if self.path("log").exists() {
            let inode = fs::metadata(self.path("log")).unwrap().ino();
            fs::remove_file(self.path("log")).unwrap();
            self.deleted += 1;
            let name = format!("deleted {}", self.deleted);
            let content = self.files.remove("log").unwrap_or_default();
            self.files.insert(name.clone(), content);
            if !self.has_open(inode) {
                self.forget(&name);
            }
            if !self.has_open(inode) && self.files.keys().any(|name| name.ends_with(".gz")) {
                self.blur();
            }
        }
        self.part = false;
        if create {
            self.write("");
        }
    }

    /// Nobody can tell now whether a compressed copy was made of the log, which was cut then, or of a file that was
    /// renamed.
    fn blur(&mut self) {
        self.lines.iter_mut().for_each(|line| line.was_near = false);
    }

    fn cut(&mut self) {
        File::options().write(true).truncate(true).open(self.path("log")).unwrap();
        self.part = false;
    }

    /// Whether the agent has that file open.
    fn has_open(&self, inode: u64) -> bool {
        let logs = self.source.iter().flat_map(|source| &source.logs);
        logs.flat_map(|log| &log.tails).any(|tail| tail.inode().inode == inode)
    }

    fn rest(&mut self) {
        let logs = self.source.iter_mut().flat_map(|source| &mut source.logs);
        logs.flat_map(|log| &mut log.tails).for_each(|tail| tail.grown -= 2 * LATE_WRITER);
    }

    fn poll(&mut self) {
        let Some(source) = &mut self.source else { return };
        let mut input = Input::default();
        source.hurried = true;
        let (settings, last_file) = (&self.settings, &mut self.last_file);
        source.poll(&mut Round {
            settings,
            input: &mut input,
            last_file,
            budget: READ_BYTES,
            now: Time::default(),
        });
        let is_empty = source.logs.iter().flat_map(|log| &log.tails).any(|tail| tail.file.offset == 0);
        self.journal(input);
        if is_empty {
            // Of a file of which nothing was read, its times tell; the kernel counts them in ticks.
            std::thread::sleep(TICK);
        }
        let is_first = self.read.is_empty() && self.told == 0 && self.known.len() == 1;
        for (name, held) in &mut self.files {
            // What was rotated before otrail came is not its to read.
            if name == "log" || name.starts_with("deleted") || !is_first {
                held.is_known |= !held.lines.is_empty();
                held.lines.iter().for_each(|&line| self.lines[line].was_readable = true);
            }
        }
    }

    fn journal(&mut self, input: Input) {
        for mut file in input.files {
            if let Some(known) = self.known.get(&file.number) {
                (file.offset, file.entries, file.mark) = (known.offset, known.entries, known.mark);
            }
            self.known.insert(file.number, file);
        }
        for draft in input.drafts {
            match draft.position {
                Some(position) => {
                    if let Some(file) = self.known.get_mut(&position.file) {
                        file.reach(position.offset, draft.mark);
                    }
                    self.read.push(draft.event.message.to_string());
                }
                None if [Action::GAP_DETECTED, Action::SOURCE_TRUNCATED].contains(&draft.event.action) => {
                    self.told += 1;
                }
                None => {}
            }
        }
        for progress in &input.progress {
            if let Some(file) = self.known.get_mut(&progress.file) {
                file.advance(progress);
            }
        }
    }
}

fn check(acts: &[Act], padding: usize) -> Result<(), TestCaseError> {
    let mut world = World::new(padding);
    world.act(Act::Append { lines: 2, part: false });
    world.act(Act::Start);
    world.act(Act::Poll);
    for &act in acts {
        world.act(act);
    }
    world.act(Act::Start);
    for _ in 0..4 {
        world.poll();
        world.rest();
    }
    let mut counts: HashMap<&str, (i32, i32, bool, bool)> = HashMap::new();
    for line in &world.lines {
        let count = counts.entry(&line.text).or_default();
        *count = (count.0 + 1, count.1, count.2 | line.was_readable, count.3 | line.was_near);
    }
    for text in &world.read {
        counts.entry(text).or_default().1 += 1;
    }
    for (text, (written, read, was_readable, was_near)) in counts {
        if text.trim_end() == "part of" {
            continue;
        }
        let what = format!("{text:.20}: written {written}, read {read}, told {}", world.told);
        // A line that was written again where it had stood has never been away.
        prop_assert!(written >= read, "twice: {what}");
        prop_assert!(read >= 1 || !was_readable, "lost: {what}");
        prop_assert!(read >= 1 || world.told > 0 || !was_near, "lost and not told: {what}");
    }
    Ok(())
}

const TICK: Duration = Duration::from_millis(11);

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
        padding in prop::sample::select(&[0_usize, 40, 700][..]),
    ) {
        check(&acts, padding)?;
    }
}

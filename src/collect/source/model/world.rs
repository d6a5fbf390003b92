//! The files by what they hold, what happens to them, and the agent that is polled beside them.

mod agent;
mod amid;
mod edit;

use super::super::tests::settings;
use super::super::*;
use super::{Act, How, Pack, Setting, Size};
use agent::GLANCE_BYTES;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A line: where it stood and whether anybody could have read it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub text: String,
    /// The agent has looked while it stood there whole.
    pub was_readable: bool,
    /// It was destroyed in a file that was being read, which can be seen: how much had been told until then.
    pub told_before: Option<usize>,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Entry {
    pub text: String,
    /// It had an end.
    pub is_whole: bool,
    /// It was told that it may repeat another one.
    pub is_doubtful: bool,
}

/// What a file holds: bytes, and whole lines in them.
#[derive(Debug, Clone, Default)]
struct Held {
    inode: u64,
    /// No two files have the same one, as they may have the same inode.
    birth: usize,
    bytes: Vec<u8>,
    lines: Vec<usize>,
}

/// Lines that were destroyed, and what had been read of the file that they stood in.
struct Destroyed {
    birth: usize,
    /// What the journal has of its file.
    known: FollowedFile,
    read: Vec<u8>,
    lines: Vec<usize>,
}

/// The files by what they hold, and the agent.
pub(super) struct World {
    folder: TempDir,
    settings: Settings,
    setting: Setting,
    source: Option<Source>,
    /// The journal: what it knows of files, and the entries in it.
    known: BTreeMap<FileNo, FollowedFile>,
    pub read: Vec<Entry>,
    /// Files that may be copies of what was read, and it was told that they are read.
    doubtful: HashSet<FileNo>,
    pub told: usize,
    last_file: FileNo,
    /// By name; what has no name any more but is open has one that no file has.
    files: HashMap<String, Held>,
    pub lines: Vec<Line>,
    /// By the journal's number the birth of a file and what was read of it.
    seen: HashMap<FileNo, (usize, Vec<u8>)>,
    births: usize,
    destroyed: Vec<Destroyed>,
    /// Make names that were never used.
    count: usize,
    deleted: usize,
    /// The first line of the log, as it was last.
    first: Option<String>,
    /// Who has not opened the new log yet, and the name of what he writes to.
    late: Option<(File, String)>,
    /// What stands in an edited copy as it was in the log before, while the agent has not found that out.
    edited: Vec<String>,
    is_edited: bool,
    /// The agent has found the edited copy, and not read it to its end.
    is_half_read: bool,
    backup: Option<Held>,
}

impl World {
    pub(super) fn new(setting: Setting) -> World {
        let shm = std::path::Path::new("/dev/shm");
        let in_memory = shm.is_dir() && !setting.on_disk;
        let folder = if in_memory { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        let mut settings = settings(folder.path().join("log"));
        settings.sources[0].follow_symlinks = setting.linked;
        World {
            folder,
            settings,
            setting,
            source: None,
            known: BTreeMap::new(),
            read: Vec::new(),
            doubtful: HashSet::new(),
            told: 0,
            last_file: FileNo(0),
            files: HashMap::new(),
            lines: Vec::new(),
            seen: HashMap::new(),
            births: 0,
            destroyed: Vec::new(),
            count: 0,
            deleted: 0,
            first: None,
            late: None,
            edited: Vec::new(),
            is_edited: false,
            is_half_read: false,
            backup: None,
        }
    }

    pub(super) fn act(&mut self, act: Act) {
        if !matches!(act, Act::Append { .. } | Act::Backup | Act::Poll | Act::Glance | Act::Rest) {
            self.give_up_edit();
        }
        match act {
            // Of an edited copy that is not at the log's path when it is first seen only its ends are compared.
            Act::Kill | Act::Rotate { .. } | Act::CopyTruncate | Act::CopyLose | Act::CopyAmid { .. }
                if self.is_edited => {}
            // What was read before is known by its place then.
            Act::Truncate { .. } | Act::Restore { in_place: true } if self.is_half_read => {}
            Act::Append { lines, part } => {
                self.append_lines(usize::from(lines));
                if part && !self.ends_in_part("log") {
                    self.write(b"part of ");
                }
            }
            Act::Late => self.write_late(),
            Act::Rotate { create } => self.rotate(create),
            Act::Compress { pack, delayed } => self.compress(pack, delayed),
            Act::CopyTruncate => self.copy_and_cut(0),
            Act::CopyLose => self.copy_and_cut(1),
            Act::CopyAmid { moment, lines } => self.copy_amid(moment, usize::from(lines)),
            Act::Truncate { same, size } => self.truncate(same, size),
            Act::Delete { create } => self.delete(create),
            Act::Backup => self.backup = self.files.get("log").cloned(),
            Act::Restore { in_place } => self.restore(in_place),
            Act::Edit { line, how } => self.edit(usize::from(line), how),
            Act::Poll => self.poll(READ_BYTES),
            Act::Glance => self.poll(GLANCE_BYTES),
            Act::Rest => self.rest(),
            Act::Kill => {
                self.source = None;
                self.close();
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

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn is_there(&self) -> bool {
        self.path("log").exists()
    }

    /// Writes to the log, which is there afterwards.
    fn write(&mut self, bytes: &[u8]) {
        let path = self.path("log");
        if self.setting.linked && !path.exists() {
            let _dangling = fs::remove_file(&path);
            self.count += 1;
            symlink(format!("log-{:04}", self.count), &path).unwrap();
        }
        let mut log = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        log.write_all(bytes).unwrap();
        let inode = log.metadata().unwrap().ino();
        if !self.files.contains_key("log") {
            self.hold("log", inode, Held::default());
        }
        self.files.entry("log".to_owned()).or_default().bytes.extend(bytes);
    }

    /// A file is new, with that content.
    fn hold(&mut self, name: &str, inode: u64, content: Held) {
        self.births += 1;
        self.files.insert(name.to_owned(), Held { inode, birth: self.births, ..content });
    }

    fn ends_in_part(&self, name: &str) -> bool {
        self.files.get(name).is_some_and(|held| held.bytes.last().is_some_and(|&last| last != b'\n'))
    }

    fn line(&mut self, text: String, name: &str) {
        self.lines.push(Line { text, was_readable: false, told_before: None });
        let line = self.lines.len() - 1;
        self.files.entry(name.to_owned()).or_default().lines.push(line);
    }

    fn append(&mut self, text: String) {
        self.write(format!("{text}\n").as_bytes());
        self.line(text, "log");
    }

    fn append_lines(&mut self, count: usize) {
        for _ in 0..count {
            self.append(self.next_text());
        }
    }

    fn next_text(&self) -> String {
        format!("line {:03}{}", self.lines.len(), ".".repeat(self.setting.padding))
    }

    /// The sensor has not opened its new log yet.
    fn write_late(&mut self) {
        let text = self.next_text();
        let Some((writer, name)) = &mut self.late else { return };
        let bytes = format!("{text}\n").into_bytes();
        writer.write_all(&bytes).unwrap();
        let name = name.clone();
        self.files.entry(name.clone()).or_default().bytes.extend(bytes);
        self.line(text, &name);
    }

    fn rename(&mut self, from: &str, to: &str) {
        let is_link = from == "log" && self.setting.linked;
        let (source, target) = (self.path(from), self.path(to));
        let renamed = if is_link { fs::remove_file(source) } else { fs::rename(source, target) };
        if renamed.is_ok() {
            let content = self.files.remove(from).unwrap_or_default();
            self.files.insert(to.to_owned(), content);
            if let Some((_, name)) = self.late.as_mut().filter(|(_, name)| name == from) {
                to.clone_into(name);
            }
        }
    }

    /// Where the log goes next; those before it have made room.
    fn former_name(&mut self) -> String {
        if self.setting.linked {
            return format!("log-{:04}", self.count);
        }
        if self.setting.dated {
            self.count += 1;
            return format!("log-{:04}", self.count);
        }
        for number in (1..12).rev() {
            for ending in ["", ".gz", ".xz", ".zst"] {
                self.rename(&format!("log.{number}{ending}"), &format!("log.{}{ending}", number + 1));
            }
        }
        "log.1".to_owned()
    }

    fn rotate(&mut self, create: bool) {
        if self.is_there() {
            let former = self.former_name();
            let writer = OpenOptions::new().append(true).open(self.path("log")).unwrap();
            self.late = Some((writer, "log".to_owned()));
            self.rename("log", &former);
        }
        if create {
            self.write(b"");
        }
    }

    fn compress(&mut self, pack: Pack, delayed: bool) {
        let is_plain =
            |name: &&String| name.len() > 3 && name.starts_with("log") && !name.ends_with(['z', 't']);
        let mut names: Vec<String> = self.files.keys().filter(is_plain).cloned().collect();
        // The newest first.
        names.sort_by_key(|name| name[4..].parse::<i32>().unwrap_or_default());
        if self.setting.dated || self.setting.linked {
            names.reverse();
        }
        let Some(name) = names.get(usize::from(delayed)).cloned() else { return };
        let (program, options, ending) = match pack {
            Pack::Gzip => ("gzip", ["-k", "-q"].as_slice(), "gz"),
            Pack::Xz => ("xz", ["-k", "-0"].as_slice(), "xz"),
            Pack::Zstd => ("zstd", ["-k", "-q"].as_slice(), "zst"),
        };
        let status = Command::new(program).arg("-f").args(options).arg(self.path(&name)).status().unwrap();
        assert!(status.success());
        let packed = format!("{name}.{ending}");
        let inode = fs::metadata(self.path(&packed)).unwrap().ino();
        let content = self.files.get(&name).cloned().unwrap_or_default();
        self.hold(&packed, inode, content);
        self.unlink(&name);
    }

    fn copy_and_cut(&mut self, lost: usize) {
        // Nobody does that to a log that is a link to a dated file.
        if self.is_there() && !self.setting.linked {
            let copy = self.former_name();
            fs::copy(self.path("log"), self.path(&copy)).unwrap();
            self.hold_copy(&copy);
            self.append_lines(lost);
            self.cut();
        }
    }

    fn hold_copy(&mut self, copy: &str) {
        let content = self.files.get("log").cloned().unwrap_or_default();
        let inode = fs::metadata(self.path(copy)).unwrap().ino();
        self.hold(copy, inode, content);
    }

    fn truncate(&mut self, same: bool, size: Size) {
        if self.is_there() {
            let before = self.files.get("log").map_or(0, |held| held.lines.len());
            self.cut();
            let mut lines = match size {
                Size::Empty => 0,
                Size::Shorter => before.saturating_sub(1),
                Size::Same => before,
                Size::Longer => before + 2,
            };
            if let Some(first) = self.first.clone().filter(|_| same && lines > 0) {
                self.append(first);
                lines -= 1;
            }
            self.append_lines(lines);
        }
    }

    fn cut(&mut self) {
        self.destroy("log");
        File::options().write(true).truncate(true).open(self.path("log")).unwrap();
    }

    fn delete(&mut self, create: bool) {
        if self.is_there() {
            let target = fs::canonicalize(self.path("log")).unwrap();
            let _link = fs::remove_file(self.path("log"));
            let _target = fs::remove_file(target);
            self.unlink("log");
        }
        if create {
            self.write(b"");
        }
    }

    fn restore(&mut self, in_place: bool) {
        let Some(backup) = self.backup.clone().filter(|_| self.is_there() && !self.setting.linked) else {
            return;
        };
        if in_place {
            self.cut();
        } else {
            fs::write(self.path("backup"), "").unwrap();
            fs::rename(self.path("backup"), self.path("log")).unwrap();
            self.unlink("log");
        }
        self.write(&backup.bytes);
        let texts: Vec<String> = backup.lines.iter().map(|&line| self.lines[line].text.clone()).collect();
        texts.into_iter().for_each(|text| self.line(text, "log"));
    }

    /// A name is gone; the file is not while anybody has it open.
    fn unlink(&mut self, name: &str) {
        if name != "log" {
            fs::remove_file(self.path(name)).unwrap();
        }
        self.deleted += 1;
        let nameless = format!("deleted {}", self.deleted);
        if let Some(held) = self.files.remove(name) {
            if let Some((_, late)) = self.late.as_mut().filter(|(_, late)| late == name) {
                late.clone_from(&nameless);
            }
            self.files.insert(nameless, held);
        }
        self.close();
    }
}

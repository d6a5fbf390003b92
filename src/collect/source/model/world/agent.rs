//! What the agent finds when it is polled, what of that is journaled, and what it can know of what was destroyed.

use super::{Destroyed, Entry, Held, World};
use crate::collect::identity::{HEAD_BYTES_MAX, Sight};
use crate::collect::source::*;
use crate::collect::tail::Tail;
use crate::model::{Action, Class};
use std::fs;

impl World {
    /// What has no name and is not open by the agent is destroyed.
    pub(super) fn close(&mut self) {
        let nameless = |name: &&String| name.starts_with("deleted");
        let nameless: Vec<String> = self.files.keys().filter(nameless).cloned().collect();
        for name in nameless {
            if !self.has_open(self.files[&name].inode) {
                self.destroy(&name);
                self.files.remove(&name);
                // Nobody ever sees what is written to it.
                let _gone = self.late.take_if(|(_, late)| *late == name);
            }
        }
    }

    /// The content of a file is no more.
    pub(super) fn destroy(&mut self, name: &str) {
        let Some(held) = self.files.get_mut(name) else { return };
        let birth = held.birth;
        held.bytes.clear();
        let lines = std::mem::take(&mut held.lines);
        let is_elsewhere = |line: &usize| self.files.values().any(|held| held.lines.contains(line));
        let lines: Vec<usize> = lines.into_iter().filter(|line| !is_elsewhere(line)).collect();
        let is_it = |number: &&FileNo| self.seen.get(number).is_some_and(|(of, _)| *of == birth);
        let Some(number) = self.known.keys().rev().find(is_it) else { return };
        let known = self.known[number].clone();
        if !known.finished && known.offset > 0 {
            self.destroyed.push(Destroyed { birth, known, read: self.seen[number].1.clone(), lines });
        }
    }

    /// Whether the agent has that file open.
    fn has_open(&self, inode: u64) -> bool {
        let logs = self.source.iter().flat_map(|source| &source.logs);
        logs.flat_map(|log| &log.tails).any(|tail| tail.inode().inode == inode)
    }

    /// Lines that were destroyed have to be told, unless nobody can know: what was read of their file stands as it was
    /// in a file of the same inode and birth, or, if it says enough, in one at the log's path, or, while the file is
    /// gone, in a compressed copy.
    fn find_destroyed(&mut self) {
        for Destroyed { birth, known, read, lines } in std::mem::take(&mut self.destroyed) {
            let is_here = self.files.values().any(|held| held.birth == birth);
            let is_as_before = |(name, held): (&String, &Held)| {
                let metadata = fs::metadata(self.path(name));
                let is_it = metadata.is_ok_and(|metadata| Sight::of(&metadata, false).is(&known));
                let is_packed = name.ends_with(['z', 't']);
                let says_enough = name == "log" && known.offset >= HEAD_BYTES_MAX;
                (is_it || held.birth == birth || says_enough || is_packed && !is_here)
                    && held.bytes.starts_with(&read)
            };
            if !self.files.iter().any(is_as_before) {
                let told = self.told;
                lines.iter().for_each(|&line| self.lines[line].told_before = Some(told));
            }
        }
    }

    pub(super) fn rest(&mut self) {
        let logs = self.source.iter_mut().flat_map(|source| &mut source.logs);
        logs.flat_map(|log| &mut log.tails).for_each(|tail| tail.age(2 * LATE_WRITER));
    }

    pub(super) fn poll(&mut self, budget: usize) {
        if self.source.is_none() {
            return;
        }
        self.find_destroyed();
        let is_whole = budget == READ_BYTES;
        let Some(source) = &mut self.source else { return };
        let mut input = Input::default();
        source.hurried = true;
        let (settings, last_file) = (&self.settings, &mut self.last_file);
        let now = Time::default();
        source.poll(&mut Round {
            settings,
            journal: None,
            input: &mut input,
            last_file,
            budget,
            now,
            spare: usize::MAX,
        });
        let is_empty = source.logs.iter().flat_map(|log| &log.tails).any(|tail| tail.file.offset == 0);
        let touched = self.journal(input);
        self.see(&touched);
        if is_empty {
            // Of a file of which nothing was read, its times tell; the kernel counts them in ticks.
            std::thread::sleep(TICK);
        }
        let logs = self.source.iter().flat_map(|source| &source.logs);
        let waits = logs.flat_map(|log| &log.tails).any(Tail::waits_for_trial);
        if !waits && is_whole {
            self.edited.clear();
            self.is_edited = false;
        }
        self.is_half_read = self.is_edited && !is_whole;
        let is_first = self.read.is_empty() && self.told == 0 && self.known.len() == 1;
        for (name, held) in &self.files {
            // What was rotated before otrail came is not its to read.
            if is_whole
                && !(waits && name == "log")
                && (name == "log" || name.starts_with("deleted") || !is_first)
            {
                held.lines.iter().for_each(|&line| self.lines[line].was_readable = true);
            }
        }
        self.close();
    }

    /// What the journal tells of files, by what they hold now.
    fn see(&mut self, numbers: &[FileNo]) {
        for number in numbers {
            let known = &self.known[number];
            if let Some(held) = self.files.values().find(|held| held.inode == known.inode) {
                let end = usize::try_from(known.offset).unwrap().min(held.bytes.len());
                self.seen.insert(*number, (held.birth, held.bytes[..end].to_vec()));
            }
        }
    }

    /// Writes down what the agent has found; of which files that is.
    fn journal(&mut self, input: Input) -> Vec<FileNo> {
        let files = input.files.iter().map(|file| file.number);
        let records = input.drafts.iter().filter_map(|draft| draft.position);
        let touched = files.chain(records.map(|position| position.file)).collect();
        let in_doubt = input.drafts.iter().filter(|draft| draft.event.reason.as_deref() == Some("doubt"));
        for draft in in_doubt {
            let is_it =
                |file: &&FollowedFile| draft.event.message.starts_with(&format!("{} ", file.path.display()));
            self.doubtful.extend(input.files.iter().filter(is_it).map(|file| file.number));
        }
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
                    if draft.event.class == Class::Agent {
                        continue;
                    }
                    let is_whole = !draft.event.flags.contains(Flag::NO_NEWLINE);
                    let is_doubtful = self.doubtful.contains(&position.file);
                    self.read.push(Entry { text: draft.event.message.to_string(), is_whole, is_doubtful });
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
        touched
    }
}

/// Longer than a tick of the kernel's clock.
pub(super) const TICK: Duration = Duration::from_millis(11);
/// A poll that leaves something to the next one.
pub(super) const GLANCE_BYTES: usize = 40;

//! A log that is copied and cut while the agent reads it.

use super::World;
use super::agent::TICK;
use crate::collect::identity::head_of;
use crate::collect::source::READ_BYTES;
use crate::collect::tail::amid::{self, Moment};
use std::fs::{self, OpenOptions};
use std::io::Write;

impl World {
    pub(super) fn copy_amid(&mut self, moment: Moment, lines: usize) {
        if !self.is_there() || self.setting.linked || self.source.is_none() {
            return;
        }
        // logrotate makes room first; so it is there for the agent to see.
        let copy = self.former_name();
        let texts: Vec<String> = (0..lines)
            .map(|line| format!("amid {}.{line}{}", self.lines.len(), ".".repeat(self.setting.padding)))
            .collect();
        let (log, to, bytes) = (
            self.path("log"),
            self.path(&copy),
            texts.iter().map(|text| format!("{text}\n")).collect::<String>(),
        );
        let work = move || {
            if moment == Moment::BeforeBytes {
                // Of a file of which nothing was read, its times tell.
                std::thread::sleep(TICK);
            }
            fs::copy(&log, to).unwrap();
            let mut log = OpenOptions::new().write(true).truncate(true).open(log).unwrap();
            log.write_all(bytes.as_bytes()).unwrap();
        };
        amid::the_next_read(moment, work.clone());
        self.poll(READ_BYTES);
        if amid::forget() {
            // Nothing was read.
            work();
        }
        self.hold_copy(&copy);
        self.destroy("log");
        for text in texts {
            self.files.entry("log".to_owned()).or_default().bytes.extend(format!("{text}\n").bytes());
            self.line(text, "log");
        }
        self.see_again();
    }

    /// What the agent has read is of the log before or of this one: the head tells.
    fn see_again(&mut self) {
        let Some(held) = self.files.get("log") else { return };
        let Some((&number, known)) = self.known.iter().rev().find(|(_, known)| known.inode == held.inode)
        else {
            return;
        };
        let first = |bytes: u64| usize::try_from(bytes).ok().and_then(|bytes| held.bytes.get(..bytes));
        if known.head_bytes > 0 && first(known.head_bytes).is_some_and(|bytes| head_of(bytes) == known.head) {
            let read = first(known.offset).unwrap_or(&held.bytes).to_vec();
            self.seen.insert(number, (held.birth, read));
        }
    }
}

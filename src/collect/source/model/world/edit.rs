//! Somebody edits the log, and another file has its place.

use super::{Held, How, Line, World};
use crate::collect::identity::HEAD_BYTES_MAX;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// The limit that the README names: while the agent is down a change between the first and the last bytes by which a log is known
/// is not noticed.
fn is_hidden((from, to): (usize, usize), length: usize, end: usize) -> bool {
    let known = HEAD_BYTES_MAX as usize;
    length == to - from && from >= known && end - to >= known
}

impl World {
    /// What stands before and behind the edited line is as it was: if it is much, it has not been written again.
    pub(super) fn edit(&mut self, line: usize, how: How) {
        if self.source.is_none() || !self.is_there() || self.setting.linked || !self.files.contains_key("log")
        {
            return;
        }
        let held = self.files["log"].clone();
        let ends: Vec<usize> =
            held.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
        // A line of the account is one that begins and ends as it was written.
        if ends.len() != held.lines.len() || ends.is_empty() {
            return;
        }
        let line = line % ends.len();
        let starts = |at: usize| if at == 0 { 0 } else { ends[at - 1] };
        let (from, to) = match how {
            How::Same => (held.bytes.len(), held.bytes.len()),
            How::More => (starts(line), starts(line)),
            How::Without | How::Altered => (starts(line), ends[line]),
        };
        let other = match how {
            How::Altered | How::More => format!("{}\n", self.next_text()),
            How::Same | How::Without => String::new(),
        };
        if self.is_first_look() && is_hidden((from, to), other.len(), held.bytes.len()) {
            return;
        }
        let bytes = [&held.bytes[..from], other.as_bytes(), &held.bytes[to..]].concat();
        let path = self.path("edited");
        fs::write(&path, &bytes).unwrap();
        let inode = fs::metadata(&path).unwrap().ino();
        fs::rename(&path, self.path("log")).unwrap();
        self.unlink("log");
        self.hold("log", inode, Held { bytes, ..Held::default() });
        let open = !self.is_first_look();
        self.is_edited = true;
        for (at, &index) in held.lines.iter().enumerate() {
            let (is_before, is_behind) = (ends[at] <= from, starts(at) >= to);
            if at == line && matches!(how, How::More | How::Altered) {
                self.line(other.trim_end().to_owned(), "log");
            }
            if is_before || is_behind {
                let bytes = if is_before { from } else { held.bytes.len() - to } as u64;
                self.keep(index, open && bytes >= HEAD_BYTES_MAX);
            }
        }
    }

    fn is_first_look(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.looked.is_none())
    }

    /// A line is in the copy, too.
    fn keep(&mut self, index: usize, is_known: bool) {
        let text = self.lines[index].text.clone();
        let log = self.files.entry("log".to_owned()).or_default();
        log.lines.push(index);
        match is_known {
            true => self.edited.push(text),
            false => self.write_again(text),
        }
    }

    /// Before the agent has compared both, something else has happened: it may take them for lines that were written.
    pub(super) fn give_up_edit(&mut self) {
        std::mem::take(&mut self.edited).into_iter().for_each(|text| self.write_again(text));
    }

    fn write_again(&mut self, text: String) {
        self.lines.push(Line { text, was_readable: false, told_before: None });
    }
}

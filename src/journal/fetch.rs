//! Reading single lines again.

use super::forms::{self, Opened};
use super::line::peek;
use super::reader::{Line, Place};
use super::segment::SegmentName;
use super::tail;
use crate::model::{Record, Seq};
use std::path::{Path, PathBuf};

/// Reads the lines at some places again, in any order.
#[derive(Debug)]
pub struct Fetch {
    dir: PathBuf,
    open: Option<((Seq, u64), Opened)>,
}

impl Fetch {
    /// For the journal below a state directory.
    pub fn new(state_dir: &Path) -> Fetch {
        Fetch { dir: super::store::Store::at(state_dir).journal(), open: None }
    }

    /// The record at `place`; `None` when it is gone or damaged by now.
    pub fn get(&mut self, place: Place) -> Option<Record> {
        if self.open.as_ref().is_none_or(|(segment, _)| *segment != place.segment) {
            let name = SegmentName { first: place.segment.0, run: place.segment.1 };
            self.open = Some((place.segment, forms::open(&self.dir, &name).ok()??));
        }
        let (_, file) = self.open.as_mut()?;
        file.bytes.seek(place.offset, &file.path).ok()?;
        let mut line = Vec::new();
        file.bytes.read_line(&mut line, &file.path).ok()?;
        let whole = tail::check(line.strip_suffix(b"\n")?)?;
        let (seq, end, chain) = (peek(whole.body).seq?, whole.body.len(), whole.chain);
        line.truncate(end);
        Line::of(place, line, chain).decode().filter(|_| seq == place.seq)
    }
}

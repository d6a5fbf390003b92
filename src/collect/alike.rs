//! What two files have in common, byte for byte: a log and what has taken its place.
//!
//! ```text
//! before  aaaaaaaa bb cccccccccccc          a, c    blocks: the same bytes in both, in the same order
//! after   aaaaaaaa dddd cccccccccccc eee    b, d    what an edit took out and put in
//!                                           e       what was added since
//! ```
//!
//! Both are read forward together. Where they differ a line is looked for that is in both: near the place first, then
//! with the last lines of the file before, which stand near the end of an edited copy however much was taken out.
//!
//! Invariant: blocks are in order in both files and do not overlap: bytes of the file before count once.
//! Invariant: memory and the bytes that are looked at in vain are bounded, whatever the size of the files.
//! Not here: whether that much in common makes one a copy of the other (`succession`).

use super::content::Content;
use super::identity::HEAD_BYTES_MAX;
use std::collections::HashMap;
use std::io;

/// The same bytes in both files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub before: u64,
    pub after: u64,
    pub bytes: u64,
}

impl Block {
    pub(super) fn before_end(&self) -> u64 {
        self.before + self.bytes
    }

    pub(super) fn after_end(&self) -> u64 {
        self.after + self.bytes
    }
}

/// Where a comparison stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// There is more to compare.
    Going,
    /// All of the file before has been gone through: what follows in the other one was added to it.
    Through,
    /// The file after ends here.
    Ends,
    /// The file after goes on with what is not in the one before.
    Differs,
}

/// A comparison that is under way.
#[derive(Debug)]
pub(super) struct Comparison {
    before: Content,
    after: Content,
    /// So much of the file before counts.
    through: u64,
    /// How far each has been compared.
    at: (u64, u64),
    blocks: Vec<Block>,
    /// How often it may still be looked for a line that is further away.
    far_looks: u32,
    stand: Stand,
}

impl Comparison {
    /// Of the first `through` bytes of a file with another file.
    pub(super) fn new(before: Content, after: Content, through: u64) -> Comparison {
        let (blocks, far_looks, stand) = (Vec::new(), FAR_LOOKS_MAX, Stand::Going);
        Comparison { before, after, through, at: (0, 0), blocks, far_looks, stand }
    }

    /// How many bytes of the file before count.
    pub(super) fn through(&self) -> u64 {
        self.through
    }

    /// What they have in common so far.
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Where it stood last.
    pub(super) fn stand(&self) -> Stand {
        self.stand
    }

    /// Compares on, so many bytes or a little more. Whether it ends or differs may be answered otherwise when the file
    /// after has grown.
    pub(super) fn step(&mut self, bytes: u64) -> io::Result<Stand> {
        self.stand = self.go_on(bytes)?;
        Ok(self.stand)
    }

    /// Whether the file after has still what it had, at the ends of what both have in common.
    pub(super) fn is_still_so(&mut self) -> io::Result<bool> {
        let (first, last) = (self.blocks.first().copied(), self.blocks.last().copied());
        let end = |block: Block| {
            let bytes = block.bytes.min(HEAD_BYTES_MAX);
            Block { before: block.before_end() - bytes, after: block.after_end() - bytes, bytes }
        };
        let first = first.map(|block| Block { bytes: block.bytes.min(HEAD_BYTES_MAX), ..block });
        for Block { before, after, bytes } in first.into_iter().chain(last.map(end)) {
            let bytes = usize::try_from(bytes).unwrap_or_default();
            if read(&mut self.before, before, bytes)? != read(&mut self.after, after, bytes)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn go_on(&mut self, bytes: u64) -> io::Result<Stand> {
        let mut left = bytes;
        while left > 0 {
            let (common, end) = self.extend(left)?;
            left = left.saturating_sub(common.max(LOOK_COST));
            match end {
                _ if self.at.0 >= self.through => return Ok(Stand::Through),
                End::Budget => {}
                End::Ends => return Ok(Stand::Ends),
                End::Differs if self.blocks.len() >= BLOCKS_MAX => return Ok(Stand::Differs),
                End::Differs if self.resume()? => {}
                End::Differs => return Ok(Stand::Differs),
            }
        }
        Ok(Stand::Going)
    }

    /// Goes on while both are the same; how many bytes that was.
    fn extend(&mut self, bytes_max: u64) -> io::Result<(u64, End)> {
        let (mut mine, mut theirs) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
        let mut common = 0;
        while common < bytes_max {
            let (before, after) = self.at;
            let wanted = usize::try_from(self.through - before).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let mine_count = self.before.read_at(&mut mine[..wanted], before)?;
            let theirs_count = self.after.read_at(&mut theirs[..mine_count], after)?;
            let same = same_at_start(&mine[..mine_count], &theirs[..theirs_count]);
            self.add(same as u64);
            common += same as u64;
            if same < theirs_count {
                return Ok((common, End::Differs));
            }
            if same < wanted || wanted == 0 {
                return Ok((common, End::Ends));
            }
        }
        Ok((common, End::Budget))
    }

    fn add(&mut self, bytes: u64) {
        let (before, after) = self.at;
        match self.blocks.last_mut() {
            Some(last) if (last.before_end(), last.after_end()) == (before, after) => last.bytes += bytes,
            _ if bytes > 0 => self.blocks.push(Block { before, after, bytes }),
            _ => {}
        }
        self.at = (before + bytes, after + bytes);
    }

    /// Finds where both go on alike, behind a place where they differ. False when there is nothing.
    fn resume(&mut self) -> io::Result<bool> {
        let from = self.line_start()?;
        let Some((before, after)) = self.anchor(from)? else {
            // What is one line altogether has no line in which they begin to differ.
            if let Some(last) = self.blocks.last_mut().filter(|last| last.before < from.0) {
                (last.bytes, self.at) = (from.0 - last.before, from);
            }
            return Ok(false);
        };
        // The line in which they begin to differ is in one of them only.
        if let Some(last) = self.blocks.last_mut() {
            last.bytes = last.bytes.min(from.0.saturating_sub(last.before));
        }
        self.blocks.pop_if(|last| last.bytes == 0);
        let back = self.same_before((before, after), from)?;
        self.at = (before - back, after - back);
        self.add(back);
        Ok(true)
    }

    /// Where the line begins in which they differ, in each.
    fn line_start(&mut self) -> io::Result<(u64, u64)> {
        let (before, after) = self.at;
        let block =
            self.blocks.last().filter(|last| last.before_end() == before).map_or(0, |last| last.bytes);
        let back = block.min(WINDOW_BYTES[1] as u64);
        let bytes = read(&mut self.before, before - back, usize::try_from(back).unwrap_or_default())?;
        let start = memchr::memrchr(b'\n', &bytes).map_or(0, |feed| feed + 1);
        let back = bytes.len().saturating_sub(start) as u64;
        Ok((before - back, after - back))
    }

    /// The nearest line that is in both, in each from there on.
    fn anchor(&mut self, from: (u64, u64)) -> io::Result<Option<(u64, u64)>> {
        if let Some(near) = self.nearest(from, WINDOW_BYTES[0])? {
            return Ok(Some(near));
        }
        if self.far_looks == 0 {
            return Ok(None);
        }
        self.far_looks -= 1;
        match self.nearest(from, WINDOW_BYTES[1])? {
            Some(near) => Ok(Some(near)),
            None => self.at_the_end(from),
        }
    }

    fn nearest(&mut self, from: (u64, u64), window: usize) -> io::Result<Option<(u64, u64)>> {
        let mine_max = usize::try_from(self.through - from.0).unwrap_or(window).min(window);
        let mine = read(&mut self.before, from.0, mine_max)?;
        let theirs = read(&mut self.after, from.1, window)?;
        let single = single_lines(&theirs);
        let mut best: Option<(usize, usize)> = None;
        for (line, start) in lines(&mine) {
            if best.is_some_and(|(before, after)| start > before + after) {
                break;
            }
            if let Some(&Some(other)) = single.get(line)
                && best.is_none_or(|(before, after)| start + other < before + after)
            {
                best = Some((start, other));
            }
        }
        Ok(best.map(|(before, after)| (from.0 + before as u64, from.1 + after as u64)))
    }

    /// One of the last lines of the file before near the end of the one after, or of the first lines of what is left of
    /// that one near the end of the file before.
    fn at_the_end(&mut self, from: (u64, u64)) -> io::Result<Option<(u64, u64)>> {
        let length = self.after.metadata()?.len();
        let starts = |length: u64, from: u64, window: usize| length.saturating_sub(window as u64).max(from);
        let (mine_at, theirs_at) =
            (starts(self.through, from.0, END_BYTES), starts(length, from.1, END_BYTES));
        let mine =
            read(&mut self.before, mine_at, usize::try_from(self.through - mine_at).unwrap_or_default())?;
        let theirs = read(&mut self.after, theirs_at, END_BYTES)?;
        // A window that begins within a line begins with the next one.
        let first = |bytes: &[u8], at: u64, from: u64| {
            if at == from { 0 } else { memchr::memchr(b'\n', bytes).map_or(bytes.len(), |feed| feed + 1) }
        };
        let mine_from = first(&mine, mine_at, from.0);
        let theirs_from = first(&theirs, theirs_at, from.1);
        let single = single_lines(&theirs[theirs_from..]);
        let found = lines(&mine[mine_from..]).filter_map(|(line, start)| {
            let other = single.get(line).copied().flatten()?;
            Some((mine_at + (mine_from + start) as u64, theirs_at + (theirs_from + other) as u64))
        });
        Ok(found.last())
    }

    /// How many bytes are the same in both before these places, down to those: whole lines.
    fn same_before(&mut self, (before, after): (u64, u64), from: (u64, u64)) -> io::Result<u64> {
        let most = (before - from.0).min(after - from.1);
        let mut same = 0;
        while same < most {
            let chunk = usize::try_from(most - same).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let mine = read(&mut self.before, before - same - chunk as u64, chunk)?;
            let theirs = read(&mut self.after, after - same - chunk as u64, chunk)?;
            if mine.len() < chunk || theirs.len() < chunk {
                return Ok(0);
            }
            let count =
                mine.iter().rev().zip(theirs.iter().rev()).take_while(|(mine, theirs)| mine == theirs);
            let count = count.count();
            same += count as u64;
            if count < chunk {
                break;
            }
        }
        if starts_line(&mut self.before, before - same, from.0)?
            && starts_line(&mut self.after, after - same, from.1)?
        {
            return Ok(same);
        }
        // Perhaps a line begins just there in one of them only: the next one does in both.
        let first = usize::try_from(same).unwrap_or(WINDOW_BYTES[1]).min(WINDOW_BYTES[1]);
        let bytes = read(&mut self.before, before - same, first)?;
        Ok(memchr::memchr(b'\n', &bytes).map_or(0, |feed| same.saturating_sub(feed as u64 + 1)))
    }
}

/// Why a comparison stops.
enum End {
    Budget,
    Ends,
    Differs,
}

fn read(content: &mut Content, at: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    let count = content.read_at(&mut buffer, at)?;
    buffer.truncate(count);
    Ok(buffer)
}

/// Whether a line begins at that place, as one does at `from`.
fn starts_line(content: &mut Content, at: u64, from: u64) -> io::Result<bool> {
    Ok(at == from || read(content, at - 1, 1)? == b"\n")
}

fn same_at_start(mine: &[u8], theirs: &[u8]) -> usize {
    if mine == theirs {
        return mine.len();
    }
    mine.iter().zip(theirs).take_while(|(mine, theirs)| mine == theirs).count()
}

/// The whole lines that say something, and where they begin.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', bytes).filter_map(move |feed| {
        let line = (&bytes[start..=feed], start);
        start = feed + 1;
        (line.0.len() >= LINE_BYTES_MIN).then_some(line)
    })
}

/// Where each line begins; `None` for one that is there more than once, and so tells no place.
fn single_lines(bytes: &[u8]) -> HashMap<&[u8], Option<usize>> {
    let mut single = HashMap::new();
    for (line, start) in lines(bytes) {
        single.entry(line).and_modify(|place| *place = None).or_insert(Some(start));
    }
    single
}

const CHUNK_BYTES: usize = 64 << 10;
/// Within so many bytes of both a line is looked for: near, and further away.
const WINDOW_BYTES: [usize; 2] = [16 << 10, 1 << 20];
/// The same at the ends of both.
const END_BYTES: usize = 4 << 20;
/// A place where they differ costs as much as comparing so many bytes.
const LOOK_COST: u64 = 2 * WINDOW_BYTES[0] as u64;
/// How often it is looked further away.
const FAR_LOOKS_MAX: u32 = 256;
/// Shorter lines stand anywhere.
const LINE_BYTES_MIN: usize = 8;
/// What more places than that were edited is not followed.
const BLOCKS_MAX: usize = 4096;

#[cfg(test)]
mod tests;

//! Where the frames of a sealed segment are.
//!
//! ```text
//! frame 1 │ frame 2 │ ... │ table          a zstd frame each, with its content size and checksum, cut at line ends
//! table = a skippable frame: (packed bytes, raw bytes) of each frame, their number, a magic number
//! ```
//!
//! This is zstd's own "seekable format" 0.1.0 without its optional checksums: `zstdcat` and every other reader of zstd
//! see one file. Where the table is damaged, the frames are found one after the other by their own headers.
//!
//! Invariant: nothing behind the table is read as a part of the segment: sealing ends a file with it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// One frame: where it begins in the sealed file, and where its bytes stand in the segment that was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Byte offset in the sealed file.
    pub at: u64,
    /// Bytes in the sealed file.
    pub packed: u32,
    /// Byte offset in the segment.
    pub begin: u64,
    /// Bytes of the segment; 0 when what stands here is no frame.
    pub raw: u32,
}

impl Frame {
    /// The frame that comes after this one.
    pub(super) fn followed_by(self, packed: u32, raw: u32) -> Frame {
        Frame { at: self.at + u64::from(self.packed), packed, begin: self.begin + u64::from(self.raw), raw }
    }

    /// Before the first frame.
    pub(super) const NONE: Frame = Frame { at: 0, packed: 0, begin: 0, raw: 0 };
}

/// The table as it stands at the end of a sealed file.
pub(super) fn table(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frames.len() * ENTRY_BYTES + 17);
    bytes.extend(SKIPPABLE.to_le_bytes());
    bytes.extend(((frames.len() * ENTRY_BYTES + FOOTER_BYTES) as u32).to_le_bytes());
    for frame in frames {
        bytes.extend(frame.packed.to_le_bytes());
        bytes.extend(frame.raw.to_le_bytes());
    }
    bytes.extend((frames.len() as u32).to_le_bytes());
    bytes.push(0);
    bytes.extend(SEEKABLE.to_le_bytes());
    bytes
}

/// What a sealed file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents {
    pub frames: Vec<Frame>,
    /// Bytes behind the table, which somebody has put there; 0 where the table is damaged and nobody can tell.
    pub behind: u64,
}

/// The frames of a sealed file: by its table, or one by one if that is damaged.
pub(super) fn read(file: &File) -> io::Result<Contents> {
    let length = file.metadata()?.len();
    match by_table(file, length)? {
        Some(frames) => Ok(Contents { frames, behind: 0 }),
        None => one_by_one(file, length),
    }
}

/// `None` when the table does not fit the file or the frames.
fn by_table(file: &File, length: u64) -> io::Result<Option<Vec<Frame>>> {
    let mut footer = [0; FOOTER_BYTES];
    let Some(at) = length.checked_sub(FOOTER_BYTES as u64) else { return Ok(None) };
    file.read_exact_at(&mut footer, at)?;
    if footer[4..] != [&[0], &SEEKABLE.to_le_bytes()[..]].concat() {
        return Ok(None);
    }
    let count = u64::from(word(&footer, 0));
    let table_bytes = 8 + count * ENTRY_BYTES as u64 + FOOTER_BYTES as u64;
    let Some(end) = length.checked_sub(table_bytes).filter(|_| count <= FRAMES_MAX) else { return Ok(None) };
    let mut table = vec![0; (table_bytes as usize) - FOOTER_BYTES];
    file.read_exact_at(&mut table, end)?;
    if word(&table, 0) != SKIPPABLE || u64::from(word(&table, 4)) != table_bytes - 8 {
        return Ok(None);
    }
    let (mut last, mut frames) = (Frame::NONE, Vec::with_capacity(count as usize));
    for entry in table[8..].chunks_exact(ENTRY_BYTES) {
        last = last.followed_by(word(entry, 0), word(entry, 4));
        frames.push(last);
    }
    let fits = last.at + u64::from(last.packed) == end && frames.iter().all(|frame| frame.packed > 0);
    if !fits {
        return Ok(None);
    }
    Ok(Some(frames))
}

/// The size that the head of a frame says; `None` when there is no such head.
pub(super) fn raw_bytes(head: &[u8]) -> Option<u32> {
    head.starts_with(&MAGIC).then_some(())?;
    let size = zstd::zstd_safe::get_frame_content_size(head).ok()??;
    u32::try_from(size).ok()
}

/// Walks from header to header, whatever the table says. What is no frame up to the next one is a place of its own without bytes.
pub(super) fn one_by_one(file: &File, length: u64) -> io::Result<Contents> {
    let (mut last, mut frames) = (Frame::NONE, Vec::new());
    let (mut at, mut behind) = (0, 0);
    while at < length && (frames.len() as u64) < FRAMES_MAX {
        let (packed, raw) = match frame_at(file, at, length)? {
            Some(found) => found,
            None if is_skippable(file, at)? => {
                if let Some(end) = end_of_table(file, at)? {
                    behind = length.saturating_sub(end);
                    break;
                }
                match next_of(&[MAGIC], file, at + 4, length)? {
                    // A table that is damaged.
                    next if next == length => break,
                    next => (next - at, 0),
                }
            }
            None => (next_of(&[MAGIC, SKIPPABLE.to_le_bytes()], file, at + 1, length)? - at, 0),
        };
        last = last.followed_by(u32::try_from(packed).unwrap_or(u32::MAX), raw);
        frames.push(last);
        at += packed;
    }
    Ok(Contents { frames, behind })
}

/// Where the table that begins at `at` ends; `None` when it is none, or is damaged.
fn end_of_table(file: &File, at: u64) -> io::Result<Option<u64>> {
    let (mut head, mut footer) = ([0; 8], [0; FOOTER_BYTES]);
    let is_head = read_some(file, &mut head, at)? == head.len();
    let size = u64::from(word(&head, 4));
    let end = at + 8 + size;
    if !is_head || size < FOOTER_BYTES as u64 {
        return Ok(None);
    }
    let is_footer = read_some(file, &mut footer, end - FOOTER_BYTES as u64)? == footer.len();
    let fits = u64::from(word(&footer, 0)) * ENTRY_BYTES as u64 + FOOTER_BYTES as u64 == size;
    Ok((is_footer && fits && word(&footer, 5) == SEEKABLE).then_some(end))
}

/// Packed and raw size of the frame at `at`, by its headers alone (RFC 8878, section 3.1.1).
fn frame_at(file: &File, at: u64, length: u64) -> io::Result<Option<(u64, u32)>> {
    let mut bytes = [0; HEAD_BYTES_MAX];
    let count = read_some(file, &mut bytes, at)?;
    let Some(raw) = raw_bytes(&bytes[..count]) else { return Ok(None) };
    let descriptor = bytes[4];
    let (is_single, has_checksum) = (descriptor & 0x20 != 0, descriptor & 0x04 != 0);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content = [u64::from(is_single), 2, 4, 8][usize::from(descriptor >> 6)];
    let mut end = at + 5 + u64::from(!is_single) + dictionary + content;
    loop {
        let mut block = [0; 3];
        if read_some(file, &mut block, end)? < 3 {
            return Ok(None);
        }
        let header = u32::from_le_bytes([block[0], block[1], block[2], 0]);
        let size = if header >> 1 & 3 == 1 { 1 } else { header >> 3 };
        end += 3 + u64::from(size);
        if header & 1 == 1 {
            break;
        }
    }
    end += if has_checksum { 4 } else { 0 };
    Ok((end <= length).then_some((end - at, raw)))
}

fn is_skippable(file: &File, at: u64) -> io::Result<bool> {
    let mut bytes = [0; 4];
    Ok(read_some(file, &mut bytes, at)? == 4 && u32::from_le_bytes(bytes) == SKIPPABLE)
}

/// Where the next of some magic numbers stands, or the end of the file.
fn next_of(magics: &[[u8; 4]], file: &File, from: u64, length: u64) -> io::Result<u64> {
    let mut window = vec![0; 64 << 10];
    let mut at = from;
    loop {
        let count = read_some(file, &mut window, at)?;
        let found = magics.iter().filter_map(|magic| memchr::memmem::find(&window[..count], magic)).min();
        match found {
            Some(place) => return Ok(at + place as u64),
            None if count < window.len() => return Ok(length),
            // The magic may lie across the end of the window.
            None => at += count as u64 - 3,
        }
    }
}

/// Reads until the buffer is full or the file ends.
pub(super) fn read_some(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
const SKIPPABLE: u32 = 0x184D_2A5E;
const SEEKABLE: u32 = 0x8F92_EAB1;
const ENTRY_BYTES: usize = 8;
const FOOTER_BYTES: usize = 9;
/// Magic, descriptor, window, dictionary id and content size.
const HEAD_BYTES_MAX: usize = 18;
/// A segment of 1 GiB has 2,048.
const FRAMES_MAX: u64 = 1 << 16;

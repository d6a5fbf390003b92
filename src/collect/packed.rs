//! A compressed copy of a rotated log, read as the log that it was.
//!
//! Invariant: the copy is known by its first bytes, not by its name, and memory is bounded whatever it holds.

use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::Stream;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

/// A copy and how far it has been unpacked.
pub(super) struct Packed {
    file: File,
    packing: Packing,
    reader: Option<Box<dyn Read + Send>>,
    /// How many unpacked bytes the reader has given.
    at: u64,
    /// The first of them, and the last: what is looked at again and again is unpacked once.
    first: Vec<u8>,
    recent: Vec<u8>,
    /// Why nothing more comes from the reader.
    broken: Option<(io::ErrorKind, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    Xz,
}

impl Packing {
    /// What a file that begins like this is packed with.
    pub(super) fn of(head: &[u8]) -> Option<Packing> {
        match head {
            [0x1F, 0x8B, ..] => Some(Packing::Gzip),
            // A frame of data, or one to be skipped, as pzstd begins with (RFC 8878 §3.1).
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Packing::Zstd),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Packing::Xz),
            _ => None,
        }
    }

    fn reader(self, file: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Packing::Gzip => Box::new(MultiGzDecoder::new(BufReader::new(file))),
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(file)?;
                decoder.window_log_max(WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
            Packing::Xz => {
                let stream = Stream::new_stream_decoder(XZ_BYTES_MAX, liblzma::stream::CONCATENATED)?;
                Box::new(XzDecoder::new_stream(BufReader::new(file), stream))
            }
        })
    }
}

impl Packed {
    pub(super) fn new(file: File, packing: Packing) -> Packed {
        Packed { file, packing, reader: None, at: 0, first: Vec::new(), recent: Vec::new(), broken: None }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Reads from that place of what was packed; going far back begins anew. A copy that breaks off is an error.
    pub(super) fn read_at(&mut self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let (count, end) = self.read_until_broken(buffer, at);
        end.map(|()| count)
    }

    /// The same, but a copy that breaks off gives what it has until there: that much is sound.
    pub(super) fn read_on_at(&mut self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self.read_until_broken(buffer, at) {
            (count, Err(error)) if count == 0 || error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            (count, _) => Ok(count),
        }
    }

    /// How much came, and why not more.
    fn read_until_broken(&mut self, buffer: &mut [u8], at: u64) -> (usize, io::Result<()>) {
        let mut count = 0;
        while count < buffer.len() {
            let (rest, place) = (&mut buffer[count..], at + count as u64);
            let start = self.at - self.recent.len() as u64;
            let known = match usize::try_from(place) {
                Ok(place) if place < self.first.len() => &self.first[place..],
                _ if (start..self.at).contains(&place) => {
                    &self.recent[usize::try_from(place - start).unwrap_or_default()..]
                }
                _ if place < start => {
                    (self.reader, self.at, self.broken) = (None, 0, None);
                    self.recent.clear();
                    continue;
                }
                _ => &[],
            };
            let taken = known.len().min(rest.len());
            rest[..taken].copy_from_slice(&known[..taken]);
            count += taken;
            if taken == 0 {
                match self.unpack() {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => return (count, Err(error)),
                }
            }
        }
        (count, Ok(()))
    }

    /// Unpacks up to that place, but no more than `left` bytes, which are taken off. False when that was not enough.
    pub(super) fn unpack_to(&mut self, place: u64, left: &mut u64) -> bool {
        while self.at < place {
            if *left == 0 {
                return false;
            }
            // What cannot be unpacked is told of where it is needed.
            match self.unpack() {
                Ok(0) | Err(_) => return true,
                Ok(count) => *left = left.saturating_sub(count as u64),
            }
        }
        true
    }

    /// Takes some more from the reader; 0 at the end.
    fn unpack(&mut self) -> io::Result<usize> {
        if let Some((kind, why)) = &self.broken {
            return Err(io::Error::new(*kind, why.clone()));
        }
        if self.reader.is_none() {
            self.reader = Some(self.begin()?);
        }
        let Some(reader) = &mut self.reader else { return Ok(0) };
        let mut chunk = [0; CHUNK_BYTES];
        let count = loop {
            match reader.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.broken = Some((error.kind(), error.to_string()));
                    return Err(error);
                }
                Ok(count) => break count,
            }
        };
        let more = &chunk[..count];
        if self.first.len() as u64 == self.at && self.first.len() < KEPT_BYTES {
            self.first.extend(more);
        }
        if self.recent.len() > 2 * KEPT_BYTES {
            self.recent.drain(..self.recent.len() - KEPT_BYTES);
        }
        self.recent.extend(more);
        self.at += count as u64;
        Ok(count)
    }

    fn begin(&self) -> io::Result<Box<dyn Read + Send>> {
        self.packing.reader(FromStart { file: self.file.try_clone()?, at: 0 })
    }
}

/// What a file has from here on, unpacked if its first bytes say that it is packed.
pub fn unpacked(mut file: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut head = Vec::new();
    (&mut file).take(MAGIC_BYTES).read_to_end(&mut head)?;
    let packing = Packing::of(&head);
    let whole = io::Cursor::new(head).chain(file);
    match packing {
        Some(packing) => packing.reader(whole),
        None => Ok(Box::new(whole)),
    }
}

/// Goes through a file that is packed: what a decoder has made of damage it knows only at the end. One that merely breaks off
/// is sound as far as it goes.
pub fn try_unpacking(file: &File) -> io::Result<()> {
    let mut head = Vec::new();
    // One that cannot be read at all is told of by whoever reads it.
    let _read = FromStart { file: file.try_clone()?, at: 0 }.take(MAGIC_BYTES).read_to_end(&mut head);
    let Some(packing) = Packing::of(&head) else { return Ok(()) };
    let mut reader = packing.reader(FromStart { file: file.try_clone()?, at: 0 })?;
    match io::copy(&mut reader, &mut io::sink()) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(()),
    }
}

/// Why a copy cannot be read on: before a mere end all is sound, but damage is found behind what it has spoiled.
pub(super) fn doubting(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => error,
        kind => io::Error::new(kind, format!("{error}, and what was read of it before may be damaged, too")),
    }
}

/// A file from its beginning: others who have the same descriptor open read elsewhere in it.
struct FromStart {
    file: File,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {}", self.packing, self.at)
    }
}

/// 32 MiB; zstd needs more only when asked for with `--long` or `--ultra`.
const WINDOW_LOG_MAX: u32 = 25;
/// Enough for `xz -9`.
const XZ_BYTES_MAX: u64 = 80 << 20;

/// The longest of the first bytes that tell a packing.
const MAGIC_BYTES: u64 = 6;
/// Unpacked in one go.
const CHUNK_BYTES: usize = 16 << 10;
/// Kept of the beginning, and of what was unpacked last.
const KEPT_BYTES: usize = 80 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom, Write};
    use std::process::{Command, Stdio};

    fn packed(program: &str, content: &[u8]) -> Packed {
        let mut file = tempfile::tempfile().unwrap();
        let output = file.try_clone().unwrap();
        let mut child = Command::new(program).arg("-c").stdin(Stdio::piped()).stdout(output).spawn().unwrap();
        child.stdin.take().unwrap().write_all(content).unwrap();
        assert!(child.wait().unwrap().success());
        let mut head = [0; 6];
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_exact(&mut head).unwrap();
        Packed::new(file, Packing::of(&head).unwrap())
    }

    #[test]
    fn a_copy_is_read_at_any_place_and_one_that_breaks_off_is_an_error() {
        let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        for program in ["gzip", "xz", "zstd"] {
            let mut packed = packed(program, &content);
            let mut buffer = [0; 1000];
            for at in [0, 1000, 900_000, 400] {
                assert_eq!(packed.read_at(&mut buffer, at as u64).unwrap(), 1000, "{program}");
                assert_eq!(buffer[..], content[at..at + 1000], "{program}");
            }
            let end = content.len() as u64;
            assert_eq!(packed.read_at(&mut buffer, end - 10).unwrap(), 10, "{program}");
            assert_eq!(packed.read_at(&mut buffer, end + 10).unwrap(), 0, "{program}");
            let (mut mine, mut other) = ([0; 1000], [0; 1000]);
            let mut twin = Packed::new(packed.file.try_clone().unwrap(), packed.packing);
            for at in (0..end - 1000).step_by(100_000) {
                assert_eq!(packed.read_at(&mut mine, at).unwrap(), 1000, "{program}");
                assert_eq!(twin.read_at(&mut other, end - 1000 - at).unwrap(), 1000, "{program}");
                let (at, back) = (at as usize, content.len() - 1000 - at as usize);
                assert_eq!((&mine[..], &other[..]), (&content[at..at + 1000], &content[back..back + 1000]));
            }
            let length = packed.file.metadata().unwrap().len();
            packed.file.set_len(length / 2).unwrap();
            let mut broken = Packed::new(packed.file.try_clone().unwrap(), packed.packing);
            assert!(broken.read_at(&mut buffer, end - 10).is_err(), "{program}");
            let mut whole = vec![0; content.len()];
            assert!(broken.read_at(&mut whole, 0).is_err(), "{program}");
            let count = broken.read_on_at(&mut whole, 0).unwrap();
            assert!(count > 0 && whole[..count] == content[..count], "{program}: {count}");
            assert!(broken.read_on_at(&mut whole, count as u64).is_err(), "{program}");
        }
    }

    /// `pzstd` says in such a frame how long the next one is.
    #[test]
    fn a_frame_to_be_skipped_is_no_content() {
        let mut bytes = vec![0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
        bytes.extend(zstd::encode_all(&b"one\n"[..], 1).unwrap());
        bytes.extend_from_within(..);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let mut packed = Packed::new(file, Packing::of(&bytes[..6]).unwrap());
        let mut found = [0; 10];
        assert_eq!(packed.read_at(&mut found, 0).unwrap(), 8);
        assert_eq!(&found[..8], b"one\none\n");
    }
}

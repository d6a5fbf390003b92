//! A compressed copy of a rotated log, read as the log that it was.
//!
//! Invariant: the copy is known by its first bytes, not by its name, and memory is bounded whatever it holds.

use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::Stream;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// A copy and how far it has been unpacked.
pub(super) struct Packed {
    file: File,
    packing: Packing,
    reader: Option<Box<dyn Read + Send>>,
    /// How many unpacked bytes the reader has given.
    at: u64,
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
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Packing::Zstd),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Packing::Xz),
            _ => None,
        }
    }
}

impl Packed {
    pub(super) fn new(file: File, packing: Packing) -> Packed {
        Packed { file, packing, reader: None, at: 0 }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Reads from that place of what was packed; going back begins anew. A copy that breaks off is an error.
    pub(super) fn read_at(&mut self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        if at < self.at || self.reader.is_none() {
            self.reader = Some(self.begin()?);
            self.at = 0;
        }
        let Some(reader) = &mut self.reader else { return Ok(0) };
        if at > self.at {
            self.at += io::copy(&mut reader.take(at - self.at), &mut io::sink())?;
        }
        if at > self.at {
            return Ok(0);
        }
        let mut count = 0;
        while count < buffer.len() {
            match reader.read(&mut buffer[count..]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.at += count as u64;
        Ok(count)
    }

    fn begin(&self) -> io::Result<Box<dyn Read + Send>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(match self.packing {
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

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {}", self.packing, self.at)
    }
}

/// 32 MiB; zstd needs more only when asked for with `--long` or `--ultra`.
const WINDOW_LOG_MAX: u32 = 25;
/// Enough for `xz -9`.
const XZ_BYTES_MAX: u64 = 80 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
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
            let length = packed.file.metadata().unwrap().len();
            packed.file.set_len(length / 2).unwrap();
            assert!(packed.read_at(&mut buffer, end - 10).is_err(), "{program}");
        }
    }
}

//! Segments: their names, their headers and the lines that are no records.
//!
//! ```text
//! 00000000000000149212-2.ndjson      first seq 149212, begun by run 2; sealed as ….ndjson.zst
//! {"otrail":1,"stream":"…","run":2,"first":149212,"created":"…","version":"0.1.0","before":"<chain>",
//!  "after":{"segment":"00000000000000000001-1.ndjson","bytes":67108901},"files":[…],"sum":…,"chain":…}
//! {"file":{"number":2,"source":"timeline","path":"…","device":…,"inode":…,"head":"…",…},…}
//! {"position":{"file":1,"offset":4096,"entries":10000,"passed-over":10000,"finished":false},"synced":149300,…}
//! {"seq":149212,…}
//! ```
//!
//! `after.bytes` says how many bytes of the former segment count: what a crash or a failed fsync left behind
//! them does not. Files are never cut.

use super::error::JournalError;
use super::forms;
use crate::model::{FileNo, Seq, StreamId, Text, Time};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

/// The version of the on-disk form that this program writes, and the newest that it reads.
///
/// In every version the first line says it first, and ends in sum and chain as now: that is how an otrail knows what it does
/// not know.
pub(super) const FORMAT_VERSION: u64 = 1;

/// Longest header that is read: 64 files' worth and a lot of room.
const HEADER_BYTES_MAX: u64 = 4 << 20;
/// Fewer names than this fit into what the kernel tells of a folder at once: 32 KiB.
const NAMES_AT_ONCE: usize = 128;

/// A segment by its file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SegmentName {
    /// Seq of the first record it may hold.
    pub first: Seq,
    /// Number of the run that began it: grows with every start and every segment that replaces a failed one.
    pub run: u64,
}

impl SegmentName {
    /// `00000000000000149212-2.ndjson`
    pub(super) fn file_name(&self) -> String {
        format!("{:020}-{}.ndjson", self.first.0, self.run)
    }

    /// The inverse of `file_name`.
    pub(super) fn parse(name: &str) -> Option<SegmentName> {
        let (first, run) = name.strip_suffix(".ndjson")?.split_once('-')?;
        let parsed = SegmentName { first: Seq(first.parse().ok()?), run: run.parse().ok()? };
        (parsed.file_name() == name).then_some(parsed)
    }

    /// The segment that is kept in a file of this name, sealed or not.
    pub(super) fn parse_any(name: &str) -> Option<SegmentName> {
        SegmentName::parse(name.strip_suffix(forms::SEALED).unwrap_or(name))
    }
}

/// The first line of a segment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Header {
    /// Format version.
    #[serde(rename = "otrail")]
    pub format: u64,
    #[serde(with = "as_text")]
    pub stream: StreamId,
    pub run: u64,
    pub first: Seq,
    #[serde(with = "as_text")]
    pub created: Time,
    /// Version of the program that wrote it.
    pub version: String,
    /// Chain value before this line, 64 hex digits.
    pub before: String,
    pub after: Option<After>,
    /// Every followed file, and how far it had been read.
    #[serde(default)]
    pub files: Vec<FollowedFile>,
}

/// How many bytes of the former segment count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct After {
    pub segment: String,
    pub bytes: u64,
}

/// A file of a source: what it was known by, and how far it has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct FollowedFile {
    /// Its number in this stream; never reused.
    pub number: FileNo,
    /// The source it belongs to.
    pub source: Text,
    /// Where it was when it was first seen.
    #[serde(with = "super::as_path")]
    pub path: PathBuf,
    /// Device id.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// SHA-256 over the first `head_bytes` bytes, 64 hex digits.
    pub head: Text,
    /// How many bytes `head` covers: up to 1,024, fewer while the file is smaller.
    pub head_bytes: u64,
    /// When the file was born, in nanoseconds since 1970, if its file system says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth: Option<u64>,
    /// Bytes read: just after the last entry.
    pub offset: u64,
    /// What the file was at a place that had been read, the newest that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// Entries read.
    pub entries: u64,
    /// Of these, passed over.
    pub passed_over: u64,
    /// Read to its end and no longer followed.
    pub finished: bool,
    /// The dialect that it is read in, empty while that is not known.
    pub dialect: Text,
    /// Where the file last said how to read on: a header, the bracket of an array; else its beginning.
    pub anchor: u64,
    /// Where it has, byte for byte, what had been read of the file that it took the place of: from and to, in bytes from
    /// its start. Entries that stand there are not read again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read_before: Vec<(u64, u64)>,
}

/// What a file was at a place that has been read: a position is good only where this still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// The first 64 bits of SHA-256 over the 1,024 bytes before the place, or over all of them if there are fewer;
    /// 16 hex digits on disk.
    #[serde(with = "as_hex")]
    pub before: u64,
    /// When the file had last been written, in milliseconds since 1970.
    pub modified: i64,
}

/// How far a followed file has been read, where no record says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Progress {
    /// Which file.
    pub file: FileNo,
    /// Bytes read.
    pub offset: u64,
    /// Entries read of it so far.
    pub entries: u64,
    /// Of these, passed over.
    pub passed_over: u64,
    /// Read to its end and no longer followed.
    pub finished: bool,
    /// What the file was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
}

impl FollowedFile {
    /// When it was born, RFC 3339; empty if its file system does not say so.
    pub fn born(&self) -> String {
        let millis = self.birth.and_then(|nanos| i64::try_from(nanos / 1_000_000).ok());
        millis.and_then(Time::from_millis).map(|time| time.to_string()).unwrap_or_default()
    }

    /// Takes over what a position line says.
    pub fn advance(&mut self, progress: &Progress) {
        self.offset = progress.offset;
        self.entries = progress.entries;
        self.passed_over = progress.passed_over;
        self.finished = progress.finished;
        self.mark = progress.mark.or(self.mark);
    }

    /// Takes over what a record says.
    pub fn reach(&mut self, offset: u64, mark: Option<Mark>) {
        self.offset = offset;
        self.entries += 1;
        self.mark = mark.or(self.mark);
    }
}

/// A line that is no record, to be written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Note {
    File(FollowedFile),
    Position(Progress),
}

/// The same line as it is read: `synced` may stand in it as well, and what a later version adds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Noted {
    pub file: Option<FollowedFile>,
    pub position: Option<Progress>,
}

/// Appends the JSON of `value`, an object, without its closing brace.
pub(super) fn push_open(value: &impl Serialize, out: &mut Vec<u8>) {
    // Plain data with string keys always serialises into memory.
    if serde_json::to_writer(&mut *out, value).is_ok() {
        out.pop();
    }
}

/// The segments of a journal folder in order, sealed or not; an absent folder has none.
pub(super) fn list(dir: &Path) -> Result<Vec<SegmentName>, JournalError> {
    let mut names = list_once(dir)?;
    if names.len() >= NAMES_AT_ONCE {
        // A folder that is read in pieces may show neither form of a segment that is sealed in between. The sealed one
        // was there before the plain one went, so a second look sees it.
        names.extend(list_once(dir)?);
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// The names that one pass over the folder shows, in any order and perhaps twice.
fn list_once(dir: &Path) -> Result<Vec<SegmentName>, JournalError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(JournalError::io("read", dir)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(JournalError::io("read", dir))?;
        names.extend(entry.file_name().to_str().and_then(SegmentName::parse_any));
    }
    Ok(names)
}

/// Reads the header of a segment in either form; `None` when its first line is not a whole header.
///
/// A segment that is not there is an error like any other that the file system tells.
pub(super) fn read_header(dir: &Path, name: &SegmentName) -> Result<Option<Header>, JournalError> {
    let opened = forms::must_open(dir, name)?;
    let (path, mut line) = (&opened.path, Vec::new());
    match opened.bytes {
        forms::Bytes::Plain(reader) => {
            reader
                .take(HEADER_BYTES_MAX)
                .read_until(b'\n', &mut line)
                .map_err(JournalError::io("read", path))?;
        }
        forms::Bytes::Sealed(mut sealed) => {
            // A damaged frame leaves the line empty.
            sealed.read_line(&mut line)?;
        }
    }
    parse_header(&line, path)
}

/// An error where a later otrail has written the segment; whatever else is wrong with it is told by whoever reads it.
pub(super) fn refuse_later(dir: &Path, name: &SegmentName) -> Result<(), JournalError> {
    match read_header(dir, name) {
        Err(error @ JournalError::Version { .. }) => Err(error),
        _ => Ok(()),
    }
}

/// The header in a line with its line feed; an unknown version is an error, anything else that is not whole `None`.
pub(super) fn parse_header(line: &[u8], path: &Path) -> Result<Option<Header>, JournalError> {
    let whole = line.strip_suffix(b"\n").and_then(|line| super::tail::check(line).map(|_| line));
    let Some(line) = whole else { return Ok(None) };
    #[derive(Deserialize)]
    struct Version {
        otrail: u64,
    }
    let Ok(Version { otrail: found }) = serde_json::from_slice(line) else { return Ok(None) };
    if found > FORMAT_VERSION {
        return Err(JournalError::Version { segment: path.to_path_buf(), found, known: FORMAT_VERSION });
    }
    Ok(serde_json::from_slice(line).ok())
}

/// 64 bits as 16 hex digits: a number of that size is not safe in every JSON reader.
mod as_hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bits: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{bits:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(|_| D::Error::custom("not 16 hex digits"))
    }
}

/// Values that have a text form of their own.
mod as_text {
    use crate::model::{StreamId, Time};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::fmt::Display;

    pub(super) trait Parse: Sized {
        fn parse(text: &str) -> Option<Self>;
    }

    impl Parse for StreamId {
        fn parse(text: &str) -> Option<StreamId> {
            StreamId::parse(text)
        }
    }

    impl Parse for Time {
        fn parse(text: &str) -> Option<Time> {
            Time::parse_rfc3339(text)
        }
    }

    pub(super) fn serialize<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: Parse, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::parse(&text).ok_or_else(|| D::Error::custom("not a value of this field"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_nothing_else_passes_for_one() {
        let name = SegmentName { first: Seq(149_212), run: 2 };
        assert_eq!(name.file_name(), "00000000000000149212-2.ndjson");
        assert_eq!(SegmentName::parse(&name.file_name()), Some(name));
        for other in
            ["1-2.ndjson", "00000000000000149212-02.ndjson", "00000000000000149212-2.ndjson.zst", "x"]
        {
            assert_eq!(SegmentName::parse(other), None, "{other}");
        }
        for other in ["00000000000000149212-2.ndjson.zst.tmp", "00000000000000149212-2.idx"] {
            assert_eq!(SegmentName::parse_any(other), None, "{other}");
        }
    }

    #[test]
    fn segments_sort_by_seq_then_run() {
        let mut names =
            [(10, 1), (9, 3), (10, 12), (9, 2)].map(|(seq, run)| SegmentName { first: Seq(seq), run });
        names.sort();
        assert_eq!(names.map(|name| (name.first.0, name.run)), [(9, 2), (9, 3), (10, 1), (10, 12)]);
    }
}

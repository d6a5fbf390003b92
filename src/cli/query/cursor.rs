//! Cursors: where an answer ended, so that the next one goes on behind it.
//!
//! ```text
//! s=bfba098693163e9e9642427856c09b81;q=149211        the journal, and the newest place that was shown
//! ```

use crate::model::{Seq, StreamId};
use anyhow::{Context, bail};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

/// A place in one journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) stream: String,
    pub(super) seq: Seq,
}

impl Cursor {
    pub(super) fn parse(text: &str) -> Option<Cursor> {
        let (stream, seq) = text.trim().strip_prefix("s=")?.split_once(";q=")?;
        let stream = StreamId::parse(stream)?.to_string();
        let plain = (1..=18).contains(&seq.len()) && seq.bytes().all(|digit| digit.is_ascii_digit());
        Some(Cursor { stream, seq: Seq(plain.then(|| seq.parse().ok()).flatten()?) })
    }

    pub(super) fn text(&self) -> String {
        format!("s={};q={}", self.stream, self.seq)
    }

    /// What the file holds; `None` if there is none yet.
    pub(super) fn read(path: &Path) -> anyhow::Result<Option<Cursor>> {
        let read = File::open(path).and_then(|file| io::read_to_string(file.take(BYTES_MAX)));
        let text = match read {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        match Cursor::parse(&text) {
            Some(cursor) => Ok(Some(cursor)),
            None => {
                bail!("{} holds no cursor; name another file, or remove it to begin anew", path.display())
            }
        }
    }

    /// Replaces the file at once: there is the old cursor or the new one, and never a part of one.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let cannot = || format!("cannot write {}", path.display());
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(dir).with_context(cannot)?;
        file.write_all(format!("{}\n", self.text()).as_bytes()).with_context(cannot)?;
        file.as_file().sync_all().with_context(cannot)?;
        file.persist(path).with_context(cannot)?;
        Ok(())
    }
}

/// More than any cursor has; of a device there is no end.
const BYTES_MAX: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        let cursor = Cursor { stream: "bfba098693163e9e9642427856c09b81".to_owned(), seq: Seq(7) };
        assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        for text in [
            "",
            "s=;q=7",
            "s=bfba098693163e9e9642427856c09b81;q=",
            "s=bfba098693163e9e9642427856c09b81;q=-7",
            "7",
        ] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
        let error = Cursor::read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(error.starts_with("/dev/zero holds no cursor; "), "{error}");
    }
}

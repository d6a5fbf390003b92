//! The beginning of an entry that may wait for its end in vain: what is known of it for whoever can mend the log.

use super::Cutter;
use std::fmt;

/// Such a beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::collect) struct Unended {
    /// How long it is so far.
    bytes: u64,
    /// How much of it is kept, if not all.
    kept: Option<usize>,
    /// Carriage returns in it, where there is no line feed.
    returns: usize,
}

impl Cutter {
    /// What has been read of an entry without its end, where that is over the limit or has line ends that are none here.
    pub(in crate::collect) fn unended(&self) -> Option<Unended> {
        // The last one may be the half of a line end.
        let (_, before) = self.buffer.split_last()?;
        let has_feed = self.state.is_wide() || memchr::memchr(b'\n', &self.buffer).is_some();
        let returns = if has_feed { 0 } else { memchr::memchr_iter(b'\r', before).count() };
        let bytes = self.overlong.unwrap_or(self.buffer.len() as u64);
        let kept = self.overlong.map(|_| self.buffer.len());
        (kept.is_some() || returns > 0).then_some(Unended { bytes, kept, returns })
    }
}

impl Unended {
    /// Whether more of it does not help.
    pub(in crate::collect) fn is_hopeless(self) -> bool {
        self.kept.is_some() && self.returns > 0
    }
}

impl fmt::Display for Unended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unended { bytes, kept, returns } = *self;
        write!(f, "{bytes} bytes wait for the line feed that ends them")?;
        if let Some(kept) = kept {
            write!(f, "; they are over line-max: the first {kept} will be kept")?;
        }
        match returns {
            0 => Ok(()),
            returns => {
                write!(f, "; carriage returns in them ({returns}) end no line: let lines end in LF or CR LF")
            }
        }
    }
}

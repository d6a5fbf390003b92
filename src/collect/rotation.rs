//! Which files of a source are to be read, and in which order: pure, from what is known and what is there.
//!
//! A rotated log keeps its inode under another name that begins with the log's own: `events.log.1`,
//! `events.log-20240229`. The one that was being read is found again by identity; those that came after it
//! are the unknown ones written no earlier than it. A log that was compressed meanwhile is found by its content.

use crate::journal::FollowedFile;
use crate::model::FileNo;
use std::cmp::Reverse;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A regular file that was found: the log itself or one whose name begins with the log's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub path: PathBuf,
    /// Last written.
    pub modified: SystemTime,
    /// Order of creation where the times are equal: not known, so the name decides.
    pub is_log: bool,
    /// The known file it is.
    pub known: Option<Known>,
}

/// What the journal says of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub number: FileNo,
    pub finished: bool,
}

impl Known {
    pub(super) fn of(file: &FollowedFile) -> Known {
        Known { number: file.number, finished: file.finished }
    }
}

/// The candidates to read, oldest first; the log itself comes last. `lost` is when a file that was being read and is
/// not among them had last been written.
///
/// Without any known file of the source only the log itself is read: what was rotated before otrail came is not
/// its to read. While the log is the file that was being read, nothing unknown can have come after it.
/// Finished files are not read again.
pub(super) fn to_read(mut candidates: Vec<Candidate>, lost: Option<SystemTime>) -> Vec<Candidate> {
    let unfinished = |candidate: &&Candidate| candidate.known.is_some_and(|known| !known.finished);
    let since = candidates.iter().filter(unfinished).map(|candidate| candidate.modified).min();
    let finished = candidates.iter().filter(|candidate| candidate.known.is_some_and(|known| known.finished));
    let since =
        since.or_else(|| finished.map(|candidate| candidate.modified).max().filter(|_| lost.is_none()));
    let still_the_log = candidates.iter().filter(unfinished).any(|candidate| candidate.is_log);
    let since = since.filter(|_| !still_the_log).into_iter().chain(lost).min();
    let after = candidates.iter().filter(unfinished).filter_map(turn).max().or_else(|| {
        let finished = candidates.iter().filter(|it| it.known.is_some_and(|known| known.finished));
        finished.filter_map(turn).min()
    });
    let after = after.filter(|_| !still_the_log);
    let is_later = |candidate: &Candidate, since: SystemTime| {
        // In the same tick of the clock the number tells, where there is one.
        let is_older = turn(candidate).zip(after).is_some_and(|(turn, after)| turn >= after);
        candidate.modified > since || candidate.modified == since && !is_older
    };
    candidates.retain(|candidate| match candidate.known {
        Some(known) => !known.finished || candidate.is_log,
        None => {
            candidate.is_log
                || since.is_some_and(|since| is_later(candidate, since))
                || turn(candidate).is_some_and(|turn| after.is_some_and(|after| turn < after))
        }
    });
    candidates.sort_by(|left, right| key(left).cmp(&key(right)));
    candidates
}

/// Known files in the order of their numbers, then the unknown by time, those of equal time by turn, the log itself last.
fn key(candidate: &Candidate) -> (bool, u32, SystemTime, Reverse<u32>, &PathBuf) {
    let number = candidate.known.map_or(u32::MAX, |known| known.number.0);
    let turn = Reverse(turn(candidate).unwrap_or(0));
    (candidate.is_log, number, candidate.modified, turn, &candidate.path)
}

/// The number of a log that is rotated by numbers, usually the higher, the older: what has a lower one than the known
/// file is read also when a clock that was moved says that it is older.
fn turn(candidate: &Candidate) -> Option<u32> {
    const DIGITS_MAX: usize = 3;
    let name = plain_name(candidate.path.file_name()?.to_str()?);
    let digits = name.rsplit_once('.')?.1;
    digits.parse().ok().filter(|_| !candidate.is_log && digits.len() <= DIGITS_MAX)
}

/// Whether `name` may be a rotated form of the log `base`: the same name with a number, a date or a word for
/// "former" after it, perhaps compressed in a way that can be read.
pub(super) fn may_be_rotated(name: &str, base: &str) -> bool {
    let Some(rest) = name.strip_prefix(base) else { return false };
    let separated = rest.starts_with(['.', '-', '_']);
    let former = rest.bytes().any(|byte| byte.is_ascii_digit())
        || rest.get(1..).is_some_and(|word| FORMER.contains(&word));
    separated && former && !UNREADABLE.iter().any(|ending| rest.ends_with(ending))
}

/// Whether the name is that of a compressed copy.
pub(super) fn is_compressed(path: &Path) -> bool {
    path.file_name().and_then(OsStr::to_str).is_some_and(|name| plain_name(name) != name)
}

/// The name without the ending that compression has added.
pub(super) fn plain_name(name: &str) -> &str {
    COMPRESSED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

const FORMER: [&str; 4] = ["old", "prev", "previous", "bak"];
const COMPRESSED: [&str; 3] = [".gz", ".xz", ".zst"];
/// Of copies that nobody here can unpack: their bytes are no log.
const UNREADABLE: [&str; 8] = [".bz2", ".lz4", ".lzma", ".lz", ".br", ".Z", ".7z", ".zip"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn candidate(path: &str, second: u64, known: Option<(u32, bool)>) -> Candidate {
        Candidate {
            path: path.into(),
            modified: SystemTime::UNIX_EPOCH + Duration::from_secs(second),
            is_log: path == "log",
            known: known.map(|(number, finished)| Known { number: FileNo(number), finished }),
        }
    }

    fn paths(candidates: Vec<Candidate>) -> Vec<String> {
        to_read(candidates, None).into_iter().map(|it| it.path.display().to_string()).collect()
    }

    #[test]
    fn at_first_sight_only_the_log_itself_is_read() {
        assert_eq!(paths(vec![candidate("log.1", 5, None), candidate("log", 9, None)]), ["log"]);
    }

    #[test]
    fn what_was_rotated_while_nobody_looked_is_read_oldest_first() {
        let found = vec![
            candidate("log", 90, None),
            candidate("log.1", 80, None),
            candidate("log.2", 70, None),
            candidate("log.3", 60, Some((4, false))),
            candidate("log.4", 50, Some((3, true))),
            candidate("log.5", 40, None),
        ];
        assert_eq!(paths(found), ["log.3", "log.2", "log.1", "log"]);
    }

    #[test]
    fn a_deleted_file_leaves_the_later_ones_to_be_found_after_the_last_finished_one() {
        let found = vec![
            candidate("log", 90, None),
            candidate("log.1", 80, None),
            candidate("log.2", 60, Some((3, true))),
            candidate("log.3", 40, None),
        ];
        assert_eq!(paths(found), ["log.1", "log"]);
    }

    #[test]
    fn a_clock_that_was_set_back_hides_no_file_between_two_others() {
        let found = |known| {
            vec![
                candidate("log", 30, None),
                candidate("log.1", 20, None),
                candidate("log.2", 20, None),
                candidate("log.3", 80, Some((3, known))),
                candidate("log.4", 10, None),
            ]
        };
        assert_eq!(paths(found(false)), ["log.3", "log.2", "log.1", "log"]);
        assert_eq!(paths(found(true)), ["log.2", "log.1", "log"]);
    }

    #[test]
    fn a_file_that_is_gone_leaves_the_later_ones_to_be_found() {
        let found = vec![
            candidate("log", 90, None),
            candidate("log.1.gz", 80, None),
            candidate("log.2.gz", 60, None),
            candidate("log.3.gz", 40, None),
        ];
        let lost = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(60));
        let paths: Vec<_> = to_read(found, lost).into_iter().map(|it| it.path).collect();
        assert_eq!(paths, ["log.2.gz", "log.1.gz", "log"].map(PathBuf::from));
    }

    #[test]
    fn nothing_unknown_comes_between_a_log_and_itself() {
        let found = vec![candidate("log", 90, Some((2, false))), candidate("log.1", 95, None)];
        assert_eq!(paths(found), ["log"]);
    }

    #[test]
    fn rotated_names_begin_with_the_logs_name() {
        for (name, expected) in [
            ("events.log.1", true),
            ("events.log-20240229", true),
            ("events.log.old", true),
            ("events.log.lock", false),
            ("events.log", false),
            ("events.log.1.gz", true),
            ("events.log.gz", false),
            ("events.log.1.bz2", false),
            ("events.logger", false),
            ("other.log.1", false),
        ] {
            assert_eq!(may_be_rotated(name, "events.log"), expected, "{name}");
        }
    }
}

//! How far a destination has come, in a file of two slots that are overwritten in turn.
//!
//! ```text
//! byte 0     {"generation":41,"stream":"…","confirmed":149300,"last":149296,"at":"…","sum":…,"chain":…}   padded
//! byte 512   {"generation":42,"stream":"…","confirmed":149871,"last":149855,"at":"…","sum":…,"chain":…}   with blanks
//! ```
//!
//! `last` is newer than the rest: where it is missing everything was sent, and an otrail that does not know it reads over it.
//! So is `print`, there where the format binds each frame to the one before: what the frame after `last` says of its frame.
//! `sent` is there after an orderly stop alone: but for a replay, which marks what it sends, nothing newer was ever sent. It must
//! be gone, durably, before anything is sent again.
//!
//! A torn write costs the newer slot at most; the older one then repeats a moment of delivery. What is only noted, and
//! not synced, goes to the same slot again and again: it survives a killed agent, and the other slot a power cut. The
//! file is preallocated, so that a full disk does not stop it.
//!
//! Invariant: every record up to `confirmed` is confirmed or was not selected; `last` is the newest of them that was sent.

use super::Journal;
use super::error::JournalError;
use super::regular::{self, private};
use super::tail::{self, Chain};
use crate::model::{Print, Seq, StreamId, Time};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes of one slot: one sector, which a disk writes whole or not at all.
const SLOT_BYTES: usize = 512;

/// The cursor of one destination.
#[derive(Debug)]
pub struct Cursor {
    path: PathBuf,
    file: File,
    stream: StreamId,
    generation: u64,
    /// The slot whose content may go.
    place: u64,
    reached: Option<Reached>,
    /// When that was written.
    at: Option<Time>,
    destroyed: bool,
    /// What the frame after the last one says of it, where the format binds them; written with the next note.
    pub print: Option<Print>,
    /// The newest record that was ever sent, if that is known; written with the next note.
    pub sent: Option<Seq>,
}

/// How far a destination has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// Every record up to here is confirmed or was not selected.
    pub through: Seq,
    /// The last of them that was sent, or what the destination began after: what comes next says that it follows it.
    pub last: Seq,
}

impl From<Seq> for Reached {
    /// Where everything was selected.
    fn from(through: Seq) -> Reached {
        Reached { through, last: through }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Slot {
    generation: u64,
    stream: String,
    confirmed: Seq,
    #[serde(default)]
    last: Option<Seq>,
    at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    print: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent: Option<Seq>,
}

impl Slot {
    fn reached(&self) -> Reached {
        Reached { through: self.confirmed, last: self.last.unwrap_or(self.confirmed).min(self.confirmed) }
    }
}

impl Cursor {
    /// Opens or makes the cursor `name`. A cursor of another stream does not count.
    pub(super) fn open(dir: &Path, name: &str, stream: StreamId) -> Result<Cursor, JournalError> {
        fs::create_dir_all(dir).map_err(JournalError::io("create", dir))?;
        let path = dir.join(name);
        let file = regular::open(private().read(true).write(true).create(true).truncate(false), &path)
            .map_err(JournalError::io("open", &path))?;
        let slots = read_slots(&file, &path)?;
        let blank = slots.is_empty() && is_blank(&file, &path)?;
        if blank {
            file.write_all_at(&[b' '; 2 * SLOT_BYTES], 0).map_err(JournalError::io("write", &path))?;
            file.sync_all().map_err(JournalError::io("sync", &path))?;
            File::open(dir).and_then(|dir| dir.sync_all()).map_err(JournalError::io("sync", dir))?;
        }
        let newest = slots.iter().max_by_key(|(slot, _)| slot.generation);
        let (generation, place) = newest.map_or((0, 0), |(slot, place)| (slot.generation, 1 - place));
        let ours = of_stream(&slots, stream);
        let destroyed = ours.is_none() && !blank;
        let reached = ours.map(Slot::reached);
        let at = ours.and_then(|slot| Time::parse_rfc3339(&slot.at));
        let print = ours.and_then(|slot| Print::parse(slot.print.as_deref()?));
        let sent = ours.and_then(|slot| slot.sent);
        Ok(Cursor { path, file, stream, generation, place, reached, at, destroyed, print, sent })
    }

    /// The last confirmed seq; `None` for a destination that never had one.
    pub fn confirmed(&self) -> Option<Seq> {
        self.reached.map(|reached| reached.through)
    }

    /// The same with the last record that was sent.
    pub fn reached(&self) -> Option<Reached> {
        self.reached
    }

    /// When it was last written; `None` for a destination that never had one.
    pub(super) fn at(&self) -> Option<Time> {
        self.at
    }

    /// There was a cursor, and nothing of it can be read or is of this journal: how far the destination had come is not
    /// known.
    pub fn was_destroyed(&self) -> bool {
        self.destroyed
    }

    /// Writes it so that it outlives this process, but perhaps not a power cut. No sync.
    pub fn note(&mut self, reached: impl Into<Reached>, now: Time) -> Result<(), JournalError> {
        let reached = reached.into();
        let slot = Slot {
            generation: self.generation + 1,
            stream: self.stream.to_string(),
            confirmed: reached.through,
            last: Some(reached.last),
            at: now.to_string(),
            print: self.print.map(|print| print.to_string()),
            sent: self.sent,
        };
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        super::segment::push_open(&slot, &mut bytes);
        tail::finish(&mut bytes, 0, Chain::default());
        bytes.pop();
        bytes.resize(SLOT_BYTES, b' ');
        let offset = self.place * SLOT_BYTES as u64;
        self.file.write_all_at(&bytes, offset).map_err(JournalError::io("write", &self.path))?;
        (self.generation, self.reached, self.at) = (slot.generation, Some(reached), Some(now));
        Ok(())
    }

    /// Makes it durable.
    pub(super) fn advance(&mut self, reached: impl Into<Reached>, now: Time) -> Result<(), JournalError> {
        self.note(reached, now)?;
        self.file.sync_data().map_err(JournalError::io("sync", &self.path))?;
        self.place = 1 - self.place;
        Ok(())
    }
}

impl Journal {
    /// The cursor of a destination.
    pub fn cursor(&self, name: &str) -> Result<Cursor, JournalError> {
        let cursor = Cursor::open(&self.0.store.cursors(), name, self.0.stream)?;
        let confirmed = cursor.confirmed().unwrap_or_default();
        self.confirmed().insert(name.to_owned(), confirmed);
        Ok(cursor)
    }

    /// Moves a cursor durably; segments that every destination has confirmed may go from then on.
    pub fn confirm(
        &self,
        name: &str,
        cursor: &mut Cursor,
        reached: impl Into<Reached>,
        now: Time,
    ) -> Result<(), JournalError> {
        let reached = reached.into();
        cursor.advance(reached, now)?;
        self.confirmed().insert(name.to_owned(), reached.through);
        Ok(())
    }
}

/// A cursor as it lies in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub name: String,
    pub stream: StreamId,
    pub confirmed: Seq,
    /// When it was last advanced.
    pub at: Time,
    /// When its destination was last known to be in the config.
    pub in_use: Time,
}

/// How far each destination has come by its cursor below a state directory, and when that was written.
pub fn reached(state_dir: &Path) -> Result<Vec<(String, Seq, Time)>, JournalError> {
    let mut found = read_all(&super::store::Store::at(state_dir).cursors())?;
    found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(found.into_iter().map(|cursor| (cursor.name, cursor.confirmed, cursor.at)).collect())
}

/// Every cursor of the folder that holds a whole slot.
pub(super) fn read_all(dir: &Path) -> Result<Vec<Found>, JournalError> {
    let mut cursors = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return Ok(cursors) };
    for entry in entries {
        let entry = entry.map_err(JournalError::io("read", dir))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = entry.path();
        // What is none is told by whoever opens it, if anybody does.
        if !path.is_file() {
            continue;
        }
        let file = regular::reading(&path).map_err(JournalError::io("open", &path))?;
        let slots = read_slots(&file, &path)?;
        let Some((slot, _)) = slots.into_iter().max_by_key(|(slot, _)| slot.generation) else { continue };
        let Some(stream) = StreamId::parse(&slot.stream) else { continue };
        let at = Time::parse_rfc3339(&slot.at).unwrap_or(Time::MIN);
        let dated = file.metadata().ok().and_then(|metadata| time_of(metadata.modified().ok()?));
        let in_use = dated.unwrap_or(at).max(at);
        cursors.push(Found { name, stream, confirmed: slot.confirmed, at, in_use });
    }
    Ok(cursors)
}

fn time_of(time: SystemTime) -> Option<Time> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Time::from_millis(i64::try_from(since.as_millis()).ok()?)
}

fn of_stream(slots: &[(Slot, u64)], stream: StreamId) -> Option<&Slot> {
    let stream = stream.to_string();
    let ours = slots.iter().map(|(slot, _)| slot).filter(|slot| slot.stream == stream);
    ours.max_by_key(|slot| slot.generation)
}

/// The slots that are whole, each with its place.
fn read_slots(file: &File, path: &Path) -> Result<Vec<(Slot, u64)>, JournalError> {
    let bytes = read(file, path)?;
    let slots = bytes.chunks(SLOT_BYTES).map(|slot| slot.trim_ascii_end()).zip(0..);
    Ok(slots
        .filter(|(slot, _)| tail::check(slot).is_some())
        .filter_map(|(slot, place)| Some((serde_json::from_slice(slot).ok()?, place)))
        .collect())
}

/// Whether a cursor was no more than preallocated.
fn is_blank(file: &File, path: &Path) -> Result<bool, JournalError> {
    Ok(read(file, path)?.iter().all(|&byte| byte == b' '))
}

fn read(file: &File, path: &Path) -> Result<Vec<u8>, JournalError> {
    let mut bytes = vec![0; 2 * SLOT_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], filled as u64).map_err(JournalError::io("read", path))? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventId;

    const STREAM: StreamId = StreamId(7);

    #[test]
    fn a_cursor_keeps_what_it_was_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut cursor = Cursor::open(dir.path(), "siem", STREAM).unwrap();
        assert_eq!(cursor.confirmed(), None);
        for seq in [5, 6, 9] {
            cursor.advance(Seq(seq), Time::default()).unwrap();
            assert_eq!(Cursor::open(dir.path(), "siem", STREAM).unwrap().confirmed(), Some(Seq(seq)));
        }
        let other = Cursor::open(dir.path(), "siem", StreamId(8)).unwrap();
        assert_eq!((other.confirmed(), other.was_destroyed()), (None, true), "another stream");
        assert!(!Cursor::open(dir.path(), "new", STREAM).unwrap().was_destroyed());
        fs::create_dir(dir.path().join("lost+found")).unwrap();
        let found = read_all(dir.path()).unwrap().into_iter().map(|found| found.name);
        assert_eq!(found.collect::<Vec<_>>(), ["siem"], "a folder is no cursor");
    }

    #[test]
    fn the_last_record_that_was_sent_is_kept_with_how_far_it_has_come() {
        let dir = tempfile::tempdir().unwrap();
        let mut cursor = Cursor::open(dir.path(), "siem", STREAM).unwrap();
        for (through, last) in [(5, 3), (9, 3), (12, 12)] {
            let reached = Reached { through: Seq(through), last: Seq(last) };
            cursor.advance(reached, Time::default()).unwrap();
            assert_eq!(Cursor::open(dir.path(), "siem", STREAM).unwrap().reached(), Some(reached));
        }
    }

    #[test]
    fn what_binds_the_next_frame_to_the_last_one_is_kept_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut cursor = Cursor::open(dir.path(), "siem", STREAM).unwrap();
        let most = Print { id: EventId(u128::MAX), kind: u32::MAX, hash: Chain([0xff; 32]) };
        for print in [Some(most), None, Some(Print { kind: 7, ..most })] {
            cursor.print = print;
            cursor.sent = Some(Seq(u64::MAX));
            cursor.generation = u64::MAX - 9;
            cursor.advance(Reached { through: Seq(u64::MAX), last: Seq(u64::MAX) }, Time::default()).unwrap();
            let again = Cursor::open(dir.path(), "siem", STREAM).unwrap();
            assert_eq!((again.print, again.confirmed()), (print, Some(Seq(u64::MAX))));
            assert_eq!(again.sent, Some(Seq(u64::MAX)));
            fs::remove_file(dir.path().join("siem")).unwrap();
            cursor = Cursor::open(dir.path(), "siem", STREAM).unwrap();
        }
    }

    #[test]
    fn a_cursor_that_an_older_otrail_wrote_is_one_of_which_everything_was_sent() {
        let dir = tempfile::tempdir().unwrap();
        let mut slot = br#"{"generation":7,"stream":"00000000000000000000000000000007","confirmed":41,"at":"2026-01-31T12:00:00.000Z""#.to_vec();
        tail::finish(&mut slot, 0, Chain::default());
        slot.pop();
        slot.resize(2 * SLOT_BYTES, b' ');
        fs::write(dir.path().join("siem"), slot).unwrap();
        let mut cursor = Cursor::open(dir.path(), "siem", STREAM).unwrap();
        assert_eq!(cursor.reached(), Some(Reached::from(Seq(41))));
        cursor.advance(Reached { through: Seq(50), last: Seq(41) }, Time::default()).unwrap();
        let again = Cursor::open(dir.path(), "siem", STREAM).unwrap();
        assert_eq!(again.reached(), Some(Reached { through: Seq(50), last: Seq(41) }));
    }

    #[test]
    fn a_torn_slot_costs_one_step_back_and_never_one_forward() {
        let dir = tempfile::tempdir().unwrap();
        let mut cursor = Cursor::open(dir.path(), "siem", STREAM).unwrap();
        cursor.advance(Seq(5), Time::default()).unwrap();
        cursor.advance(Seq(6), Time::default()).unwrap();
        let path = dir.path().join("siem");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            fs::write(&path, &torn).unwrap();
            let confirmed = Cursor::open(dir.path(), "siem", STREAM).unwrap().confirmed();
            assert!(confirmed == Some(Seq(5)) || confirmed == Some(Seq(6)), "byte {at}: {confirmed:?}");
            fs::write(&path, &whole).unwrap();
        }
    }
    #[test]
    fn what_was_noted_never_touches_the_slot_that_was_synced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("siem");
        let mut cursor = Cursor::open(dir.path(), "siem", STREAM).unwrap();
        for seq in [10, 20, 30] {
            cursor.advance(Seq(seq), Time::default()).unwrap();
            for noted in 1..4 {
                cursor.note(Seq(seq + noted), Time::default()).unwrap();
                assert_eq!(
                    Cursor::open(dir.path(), "siem", STREAM).unwrap().confirmed(),
                    Some(Seq(seq + noted))
                );
            }
            // The power is cut: of the slot that was not synced anything may be left.
            let whole = fs::read(&path).unwrap();
            let mut torn = whole.clone();
            let place = usize::try_from(cursor.place).unwrap() * SLOT_BYTES;
            torn[place..place + SLOT_BYTES].fill(0);
            fs::write(&path, &torn).unwrap();
            assert_eq!(Cursor::open(dir.path(), "siem", STREAM).unwrap().confirmed(), Some(Seq(seq)));
            fs::write(&path, &whole).unwrap();
        }
    }
}

//! Sealing as the journal's own work: which segment is next, what is told of it.

use super::Journal;
use super::error::JournalError;
use super::forms;
use super::index::{self, Index};
use super::seal::{self, Pace, Sealing, Step};
use super::segment::{self, SegmentName};
use super::tail::Chain;
use super::twice;
use crate::model::{Action, Event, Outcome, Seq, Time};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

impl Journal {
    /// The calling thread is the one that seals from now on: it is unparked when the journal is at its size, which then waits
    /// for it rather than let the oldest records go.
    pub fn seals_here(&self) {
        self.0.room.set_sealer(std::thread::current());
    }

    /// Seals the oldest closed segment and tells it; false when there is none. Blocks, for seconds when it is large.
    ///
    /// `pace` is asked before every step; its error ends the work, which begins anew with the next call.
    pub fn seal_next(&self, pace: Pace<'_>, now: fn() -> Time) -> Result<bool, JournalError> {
        let sealed = self.seal_oldest(pace, now);
        if !matches!(sealed, Ok(false)) {
            self.0.room.on_sealed(sealed.is_ok());
        }
        sealed
    }

    fn seal_oldest(&self, pace: Pace<'_>, now: fn() -> Time) -> Result<bool, JournalError> {
        // On a full disk there is no room for both forms.
        if !self.0.settings.seal || self.0.full.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let dir = self.0.store.journal();
        let open = self.writer().segment_name().cloned();
        let Some(name) = seal::next(&dir, open.as_ref(), &self.unsealable())? else {
            return self.index_next(&dir, pace);
        };
        let before = forms::metadata(&dir, &name)?.map_or(0, |(bytes, _)| bytes);
        if forms::sealed(&dir, &name).exists() {
            self.settle_twice(&name, before, now())?;
            return Ok(true);
        }
        match seal::seal(&dir, &name, self.0.growing.take(&name), &self.0.placing, pace)? {
            Some(sealing) => {
                let after = forms::metadata(&dir, &name)?.map_or(0, |(bytes, _)| bytes);
                self.0.bytes.fetch_sub(before.saturating_sub(after), Ordering::Relaxed);
                self.tell_sealed(&sealing, now());
            }
            None => self.unsealable().push(name),
        }
        Ok(true)
    }

    /// What is sealed is not sealed again from whatever lies beside it.
    fn settle_twice(&self, name: &SegmentName, before: u64, now: Time) -> Result<(), JournalError> {
        let twice = {
            let _placing = self.0.placing.lock().unwrap_or_else(PoisonError::into_inner);
            twice::settle(&self.0.store, name)?
        };
        let after = forms::metadata(&self.0.store.journal(), name)?.map_or(0, |(bytes, _)| bytes);
        self.0.bytes.fetch_sub(before.saturating_sub(after), Ordering::Relaxed);
        if let Some(twice) = twice {
            self.tell_twice(&twice, now);
        }
        Ok(())
    }

    /// Makes the index of the oldest sealed segment that has none anew; false when all have one.
    fn index_next(&self, dir: &Path, pace: Pace<'_>) -> Result<bool, JournalError> {
        let names = segment::list(dir)?;
        let lacks = |name: &&SegmentName| forms::sealed(dir, name).exists() && !Index::is_there(dir, name);
        let Some(name) = names.iter().find(lacks) else { return Ok(false) };
        index::rebuild(dir, name, &mut || pace(Step::Frame))
    }

    /// Takes what is complete of the segment that is written into its index, so that questions need not read it. Blocks.
    pub fn index_open(&self, pace: Pace<'_>) -> Result<(), JournalError> {
        let dir = self.0.store.journal();
        let Some(name) = segment::list(&dir)?.pop() else { return Ok(()) };
        self.0.growing.extend(&dir, &name, self.newest(), &mut || pace(Step::Frame))
    }

    /// The index of the newest segment, with all that can be in it by now. What cannot be read of it is left to whoever
    /// reads the rest, and tells it.
    pub(super) fn index_of(&self, newest: &SegmentName) -> Option<Index> {
        let extended = self.0.growing.extend(&self.0.store.journal(), newest, self.newest(), &mut || Ok(()));
        if let Err(error) = extended {
            tracing::debug!("{} is read without an index: {error}", newest.file_name());
        }
        self.0.growing.index(newest)
    }

    /// The index of a segment that is closed and not sealed yet, as far as it was made while that was written.
    pub(super) fn index_of_closed(&self, name: &SegmentName) -> Option<Index> {
        self.0.growing.index(name)
    }

    pub(super) fn unsealable(&self) -> MutexGuard<'_, Vec<SegmentName>> {
        self.0.unsealable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Both leave the machine with the event: what the file and a copy of it can be held against, and what its lines can,
    /// in whatever form.
    fn tell_sealed(&self, sealing: &Sealing, now: Time) {
        let name = &sealing.name;
        let names = segment::list(&self.0.store.journal()).unwrap_or_default();
        let next = names.iter().find(|other| *other > name).map_or(Seq::NONE, |next| next.first);
        let last = Seq(next.0.saturating_sub(1));
        let records = next.0.saturating_sub(name.first.0);
        let message = format!(
            "{}{}{WAS_SEALED} records {} to {last}, {} bytes are {} now, SHA-256 {},{LAST_CHAIN} {}",
            name.file_name(),
            forms::SEALED,
            name.first,
            sealing.plain_bytes,
            sealing.sealed_bytes,
            Chain(sealing.hash),
            sealing.chain.map_or_else(|| "unknown: it is torn".to_owned(), |chain| chain.to_string()),
        );
        let mut event = Event::own(Action::SEAL, Outcome::Success, now, message);
        event.count = Some(records);
        self.note(event);
    }
}

/// What an `agent.seal` has told, as far as the lines of the segment can be held against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealTold {
    /// The segment, by the name of its plain form.
    pub segment: String,
    /// Its first record.
    pub first: Seq,
    /// The chain value of its last line.
    pub chain: Chain,
}

impl SealTold {
    /// Finds it in the text of the event, in whatever form a server keeps that.
    pub fn find(text: &str) -> Option<SealTold> {
        let (before, after) = text.split_once(WAS_SEALED)?;
        let is_of_name = |char: char| char.is_ascii_alphanumeric() || "-.".contains(char);
        let name = before.rsplit(|char| !is_of_name(char)).next()?.strip_suffix(forms::SEALED)?;
        let chain = after.split_once(LAST_CHAIN)?.1.trim_start().get(..64)?;
        let first = Seq(name.split_once('-')?.0.parse().ok()?);
        Some(SealTold { segment: name.to_owned(), first, chain: Chain::parse(chain.as_bytes())? })
    }
}

const WAS_SEALED: &str = " was sealed:";
const LAST_CHAIN: &str = " chain value of the last line";

//! Rows on their way to the admin.

use super::super::forms::Form;
use super::super::pager::Pager;
use crate::model::{Record, Seq};
use anyhow::Context;

/// Rows on their way to the admin.
pub(super) struct Printer<'a> {
    /// `None`: nothing is shown but how many there were.
    form: Option<Form>,
    pager: Pager<'a>,
    waiting: Vec<u8>,
    /// Someone watches: each row goes out at once.
    hurry: bool,
    shown: Shown,
}

/// What has been shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown {
    pub(super) rows: u64,
    /// The newest place in the journal.
    pub(super) newest: Seq,
}

impl<'a> Printer<'a> {
    pub(super) fn new(form: Option<Form>, pager: Pager<'a>, hurry: bool) -> Printer<'a> {
        let mut waiting = Vec::new();
        if let Some(form) = &form {
            form.head(&mut waiting);
        }
        Printer { form, pager, waiting, hurry, shown: Shown::default() }
    }

    /// False when nobody reads any more, as in `otrail query | head`.
    pub(super) fn print(&mut self, record: &Record) -> anyhow::Result<bool> {
        self.shown.rows += 1;
        self.shown.newest = self.shown.newest.max(record.seq);
        let Some(form) = &mut self.form else { return Ok(true) };
        form.write(record, &mut self.waiting);
        if self.hurry || self.waiting.len() >= WAITING_BYTES { self.push() } else { Ok(true) }
    }

    /// So many rows there are; none of them comes.
    pub(super) fn count(&mut self, rows: u64) {
        self.shown.rows = rows;
    }

    fn push(&mut self) -> anyhow::Result<bool> {
        let read = self.pager.show(&self.waiting).context("cannot write the rows")?;
        self.waiting.clear();
        Ok(read && self.pager.flush().context("cannot write the rows")?)
    }

    /// What was shown, once all of it can be seen; `None` if nobody read it to its end.
    pub(super) fn finish(mut self) -> anyhow::Result<Option<Shown>> {
        if self.form.is_none() {
            self.waiting = format!("{}\n", self.shown.rows).into_bytes();
        }
        let read = self.waiting.is_empty() || self.push()?;
        self.pager.finish().context("cannot wait for the pager")?;
        Ok(read.then_some(self.shown))
    }
}

/// How much is written at a time when nobody watches.
const WAITING_BYTES: usize = 64 << 10;

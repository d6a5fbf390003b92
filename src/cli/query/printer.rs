//! Rows on their way to the admin.

use super::super::deliveries::Deliveries;
use super::super::forms::Form;
use super::super::pager::Pager;
use crate::model::{Record, Seq};
use crate::query::render::safe;
use anyhow::Context;

/// Rows on their way to the admin.
pub(super) struct Printer<'a> {
    /// `None`: nothing is shown but how many there were.
    form: Option<Form>,
    /// What is told of the delivery of each row, and the rows that wait to have it told.
    deliveries: Option<Deliveries<'a>>,
    held: Vec<Record>,
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
        let (deliveries, held) = (None, Vec::new());
        Printer { form, deliveries, held, pager, waiting, hurry, shown: Shown::default() }
    }

    /// The same with what is known of the delivery of each row, in cards.
    pub(super) fn with(self, deliveries: Option<Deliveries<'a>>) -> Printer<'a> {
        Printer { deliveries, ..self }
    }

    /// False when nobody reads any more, as in `otrail query | head`.
    pub(super) fn print(&mut self, record: &Record) -> anyhow::Result<bool> {
        self.shown.rows += 1;
        self.shown.newest = self.shown.newest.max(record.seq);
        let Some(form) = &mut self.form else { return Ok(true) };
        if self.deliveries.is_some() {
            self.held.push(record.clone());
            if self.held.len() < HELD_MAX {
                return Ok(true);
            }
            self.tell_deliveries();
        } else {
            form.write(record, &mut self.waiting);
        }
        if self.hurry || self.waiting.len() >= WAITING_BYTES { self.push() } else { Ok(true) }
    }

    /// The rows that are held, each with its delivery before the empty line that ends a card.
    fn tell_deliveries(&mut self) {
        let (Some(form), Some(deliveries)) = (&mut self.form, &self.deliveries) else { return };
        let out = &mut self.waiting;
        for (record, lines) in self.held.iter().zip(deliveries.of_all(&self.held)) {
            form.write(record, out);
            out.pop();
            for line in lines {
                out.extend_from_slice(b"   delivery  ");
                safe::text(&line, out);
                out.push(b'\n');
            }
            out.push(b'\n');
        }
        self.held.clear();
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

    /// Nobody reads any more: the pager has ended, or will.
    pub(super) fn leave(self) -> anyhow::Result<()> {
        self.pager.finish().context("cannot wait for the pager")
    }

    /// No more rows come, and how many there are is not known: those that came can be seen.
    pub(super) fn give_up(self) -> anyhow::Result<()> {
        if self.shown.rows > 0 {
            self.finish()?;
        }
        Ok(())
    }

    /// What was shown, once all of it can be seen; `None` if nobody read it to its end.
    pub(super) fn finish(mut self) -> anyhow::Result<Option<Shown>> {
        if self.form.is_none() {
            self.waiting = format!("{}\n", self.shown.rows).into_bytes();
        }
        self.tell_deliveries();
        let read = self.waiting.is_empty() || self.push()?;
        self.pager.finish().context("cannot wait for the pager")?;
        Ok(read.then_some(self.shown))
    }
}

/// How much is written at a time when nobody watches.
const WAITING_BYTES: usize = 64 << 10;
/// Of how many rows the delivery is asked at once.
const HELD_MAX: usize = 256;

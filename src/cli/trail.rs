//! The trail that is asked for: that of the agent, or a folder without it.

use super::reach::{self, Reach};
use super::{Common, claimed};
use crate::control::protocol::{Ask, End, STOPPING};
use crate::control::{self, Client, ControlError};
use crate::filter::Filter;
use crate::journal;
use crate::model::delivery::History;
use crate::model::{Record, Seq};
use crate::query::render::Column;
use crate::query::{self, Answer, Order, ROWS_MAX_OFFLINE, Tally};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Whom to ask.
pub(super) enum Trail {
    Agent(Box<control::Settings>),
    Folder(PathBuf),
}

/// How many rows, and in which order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    /// The newest so many.
    pub(super) limit: Option<usize>,
    /// Newest first.
    pub(super) reverse: bool,
    /// Go on with new rows.
    pub(super) follow: bool,
    /// Those that come after this record are new.
    pub(super) past: Option<Seq>,
    /// How many there are, and none of them.
    pub(super) count: bool,
}

impl Trail {
    /// The folder, or the agent of the config.
    pub(super) fn of(directory: Option<&Path>, common: &Common) -> anyhow::Result<Trail> {
        match directory {
            Some(dir) => Ok(Trail::Folder(state_dir(dir))),
            None => Ok(Trail::Agent(Box::new(common.control()?))),
        }
    }

    /// Whether asking leaves no event.
    pub(super) fn is_folder(&self) -> bool {
        matches!(self, Trail::Folder(_))
    }

    pub(super) fn rows(&self, filter: Arc<Filter>, extent: Extent) -> anyhow::Result<Rows> {
        let Extent { limit, reverse, follow, past, count } = extent;
        match self {
            Trail::Agent(settings) => {
                let filters =
                    filter.words().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                let (by, marks) = (None, follow);
                let ask = Ask { filters, limit, reverse, follow, marks, past, count, by, claimed: claimed() };
                Ok(Rows::Agent(Box::new(connect(settings)?.query(&ask)?)))
            }
            Trail::Folder(dir) => {
                let order = if reverse { Order::NewestFirst } else { Order::OldestFirst };
                let query = query::Query { filter, limit, order, rows_max: ROWS_MAX_OFFLINE };
                let search = if count { query::count } else { query::answer };
                let answer = search(dir, &query, Seq(u64::MAX), &AtomicBool::new(false))?;
                Ok(Rows::Folder(Box::new(answer)))
            }
        }
    }

    /// How many records have each value of a field; `limit` is of values.
    pub(super) fn tally(
        &self,
        filter: Filter,
        by: &'static Column,
        limit: Option<usize>,
    ) -> anyhow::Result<Tally> {
        match self {
            Trail::Agent(settings) => {
                let filters =
                    filter.words().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                let by = Some(by.name.to_owned());
                let ask = Ask { filters, limit, by, claimed: claimed(), ..Ask::default() };
                let mut rows = connect(settings)?.query(&ask)?;
                if let Some(row) = rows.next() {
                    row?;
                }
                let end = rows.end().cloned().unwrap_or_default();
                let missing = if end.incomplete { vec![end.reason] } else { Vec::new() };
                Ok(Tally { values: rows.into_values(), records: end.rows, missing })
            }
            Trail::Folder(dir) => {
                let (filter, order) = (Arc::new(filter), Order::default());
                let query = query::Query { filter, limit, order, rows_max: ROWS_MAX_OFFLINE };
                Ok(query::tally(dir, &query, by, Seq(u64::MAX), &AtomicBool::new(false))?)
            }
        }
    }

    /// How far each destination has come.
    pub(super) fn reaches(&self) -> anyhow::Result<Vec<Reach>> {
        match self {
            Trail::Agent(settings) => Ok(reach::of_status(connect(settings)?.status()?)),
            Trail::Folder(dir) => Ok(reach::of_cursors(journal::reached(dir)?)),
        }
    }

    /// How records `first` to `last` got to each destination.
    pub(super) fn deliveries(&self, first: Seq, last: Seq) -> anyhow::Result<Vec<History>> {
        match self {
            Trail::Agent(settings) => Ok(connect(settings)?.deliveries(first, last)?),
            Trail::Folder(dir) => Ok(journal::deliveries(dir, (first, last))?),
        }
    }

    /// The oldest and the newest record that an agent has; `None` for a folder, which is read whole.
    pub(super) fn extent(&self) -> anyhow::Result<Option<(Seq, Seq)>> {
        match self {
            Trail::Agent(settings) => {
                let journal = connect(settings)?.status()?.journal;
                Ok(Some((journal.oldest, journal.newest)))
            }
            Trail::Folder(_) => Ok(None),
        }
    }

    /// The stream id of the journal, and its newest record; of an agent.
    pub(super) fn newest(&self) -> anyhow::Result<(String, Option<Seq>)> {
        match self {
            Trail::Agent(settings) => {
                let journal = connect(settings)?.status()?.journal;
                Ok((journal.stream, Some(journal.newest)))
            }
            Trail::Folder(_) => Ok((self.stream()?, None)),
        }
    }

    /// The stream id of the journal.
    pub(super) fn stream(&self) -> anyhow::Result<String> {
        match self {
            Trail::Agent(settings) => Ok(connect(settings)?.status()?.journal.stream),
            Trail::Folder(dir) => Ok(journal::stream_of(dir)?.to_string()),
        }
    }

    /// Whether the journal has no record with that seq, nor a newer one.
    pub(super) fn ends_before(&self, seq: Seq) -> anyhow::Result<bool> {
        match self {
            Trail::Agent(settings) => Ok(connect(settings)?.status()?.journal.newest < seq),
            Trail::Folder(dir) => {
                // The newest segment may have no record yet, and those before it may be gone for their age.
                let begins_behind = journal::parts(dir)?.last().is_some_and(|part| part.first() > seq);
                let before = Seq(seq.0.saturating_sub(1));
                Ok(!begins_behind && journal::Scan::open(dir)?.after(before).next().is_none())
            }
        }
    }
}

/// The state directory that is meant: also by whoever names the folder of the journal in it.
pub(super) fn state_dir(named: &Path) -> PathBuf {
    match named.parent() {
        Some(above) if named.ends_with("journal") && !named.join("journal").is_dir() => {
            match above.as_os_str() {
                name if name.is_empty() => PathBuf::from("."),
                _ => above.to_owned(),
            }
        }
        _ => named.to_owned(),
    }
}

fn connect(settings: &control::Settings) -> anyhow::Result<Client> {
    Client::connect(settings).map_err(|error| match error {
        error @ ControlError::NotRunning { .. } => anyhow::Error::from(error)
            .context("there is nobody to ask; -D DIR reads a state directory without an agent"),
        error => error.into(),
    })
}

/// The rows of an answer.
pub(super) enum Rows {
    Agent(Box<control::Rows>),
    Folder(Box<Answer>),
}

impl Rows {
    /// Why rows are missing, once all have been read.
    pub(super) fn incomplete(&self) -> Option<String> {
        match self {
            Rows::Agent(rows) => rows.end().filter(|end| end.incomplete).map(|end| end.reason.clone()),
            Rows::Folder(answer) => answer.incomplete(),
        }
    }
}

impl Rows {
    /// The record up to which a follower has had all that it wants, when the agent has left it since it had to stop.
    pub(super) fn left_at(&self) -> Option<Seq> {
        match self {
            Rows::Agent(rows) => rows.end().and_then(|end| end.through),
            Rows::Folder(_) => None,
        }
    }

    /// Where a follower could go on, as far as its agent has said so.
    pub(super) fn reached(&self) -> Option<Seq> {
        match self {
            Rows::Agent(rows) => rows.reached(),
            Rows::Folder(_) => None,
        }
    }

    /// Whether the agent of a follower, which would say how far it has come, is gone without that.
    pub(super) fn was_cut(&self) -> bool {
        match self {
            Rows::Agent(rows) => rows.is_marked() && (rows.was_cut() || self.had_to_stop()),
            Rows::Folder(_) => false,
        }
    }

    /// Whether the agent was told to stop before it had said how far a follower has come.
    pub(super) fn had_to_stop(&self) -> bool {
        let has_stopped = |end: &End| end.incomplete && end.through.is_none() && end.reason == STOPPING;
        match self {
            Rows::Agent(rows) => rows.end().is_some_and(has_stopped),
            Rows::Folder(_) => false,
        }
    }

    /// Whether these are rows of the past, of which more may be to come.
    pub(super) fn is_past(&self) -> bool {
        match self {
            Rows::Agent(rows) => rows.is_marked() && rows.reached().is_none(),
            Rows::Folder(_) => false,
        }
    }

    /// How many rows there are, where only that was asked.
    pub(super) fn counted(&self) -> u64 {
        match self {
            Rows::Agent(rows) => rows.end().map_or(0, |end| end.rows),
            Rows::Folder(answer) => answer.counted().unwrap_or_default(),
        }
    }
}

impl Iterator for Rows {
    type Item = anyhow::Result<Record>;

    /// After an error there is nothing more to come.
    fn next(&mut self) -> Option<anyhow::Result<Record>> {
        match self {
            Rows::Agent(rows) => rows.next().map(|row| row.map_err(anyhow::Error::from)),
            Rows::Folder(answer) => answer.next().map(Ok),
        }
    }
}

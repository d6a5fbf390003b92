//! What narrows a query besides its own words: a cursor, and how far destinations have come.

use super::super::reach::{self, Reach};
use super::super::trail::Trail;
use super::super::warn;
use super::Query;
use super::cursor::Cursor;
use super::printer::Shown;
use crate::filter::{Clock, Filter, FilterError};
use crate::model::{Denial, Seq};

/// What the system did not do, outside; what the caller did wrong, inside.
type Outcome<T> = anyhow::Result<Result<T, anyhow::Error>>;

impl Query {
    /// The cursor after which the answer begins, of the journal that is asked; none if no cursor is wanted.
    pub(super) fn begin(&self, trail: &Trail) -> Outcome<Option<Cursor>> {
        if self.cursor_file.is_none() && self.after_cursor.is_none() && !self.show_cursor {
            return Ok(Ok(None));
        }
        let before = match (&self.cursor_file, &self.after_cursor) {
            (Some(path), _) => match Cursor::read(path) {
                Ok(before) => before,
                Err(error) => return Ok(Err(error)),
            },
            (None, Some(text)) => match Cursor::parse(text) {
                None => return Ok(Err(anyhow::anyhow!("`{text}` is no cursor; --show-cursor tells one"))),
                before => before,
            },
            (None, None) => None,
        };
        let stream = trail.stream()?;
        let begun = before.unwrap_or(Cursor { stream: stream.clone(), seq: Seq::NONE });
        if begun.stream != stream {
            return Ok(Err(anyhow::anyhow!("the cursor is of another journal, {}; {WAY_OUT}", begun.stream)));
        }
        // Else all would be passed over in silence until the journal has come so far.
        if begun.seq > Seq::NONE && trail.ends_before(begun.seq)? {
            let why = "is behind the end of the journal, which is older or has lost records";
            return Ok(Err(anyhow::anyhow!("the cursor {why}; {WAY_OUT}")));
        }
        Ok(Ok(Some(begun)))
    }

    /// Keeps where the next query goes on.
    pub(super) fn end_at(&self, begun: Option<Cursor>, shown: Shown) -> anyhow::Result<()> {
        let Some(begun) = begun else { return Ok(()) };
        let is_full = self.limit().is_some_and(|limit| shown.rows >= limit as u64);
        if is_full && self.cursor_file.is_some() {
            self.asking.tell(
                "older rows, if -n has left out any, are behind the cursor: the next query does not show them",
            );
        }
        let reached = Cursor { seq: shown.newest.max(begun.seq), stream: begun.stream };
        if self.show_cursor {
            warn(&format!("cursor: {}", reached.text()));
        }
        match &self.cursor_file {
            Some(path) => reached.write(path),
            None => Ok(()),
        }
    }

    /// The filter, and what else a row must be.
    pub(super) fn narrowed(
        &self,
        filter: Filter,
        trail: &Trail,
        begun: Option<&Cursor>,
        clock: &Clock,
    ) -> Outcome<Filter> {
        let mut parts = Vec::new();
        if let Some(begun) = begun.filter(|begun| begun.seq > Seq::NONE) {
            parts.push(format!("seq > {}", begun.seq));
        }
        match self.delivery(trail)? {
            Ok(part) => parts.extend(part),
            Err(error) => return Ok(Err(error)),
        }
        match parts.is_empty() {
            true => Ok(Ok(filter)),
            false => Ok(with_parts(&filter, parts, clock).map_err(anyhow::Error::from)),
        }
    }

    /// `--undelivered` and `--delivered`, by what is confirmed now.
    fn delivery(&self, trail: &Trail) -> Outcome<Option<String>> {
        let Some(name) = self.undelivered.as_ref().or(self.delivered.as_ref()) else { return Ok(Ok(None)) };
        let all = trail.reaches()?;
        let wanted = |reach: &Reach| name.is_empty() || reach.name == *name;
        let reaches: Vec<Reach> = all.iter().filter(|reach| wanted(reach)).cloned().collect();
        if reaches.is_empty() {
            let known: Vec<&str> = all.iter().map(|reach| reach.name.as_str()).collect();
            return Ok(Err(match known.is_empty() {
                true => anyhow::anyhow!("there is no destination"),
                false => Denial::unknown("destination", name, &known).into(),
            }));
        }
        reaches.iter().for_each(|reach| self.asking.tell(&reach.told()));
        let part = match &self.undelivered {
            Some(_) => reach::undelivered(&reaches),
            None => reach::delivered(&reaches),
        };
        Ok(Ok(Some(format!("({part})"))))
    }
}

/// The filter, of rows of which all these parts of an expression are true, too.
pub(in crate::cli) fn with_parts(
    filter: &Filter,
    mut parts: Vec<String>,
    clock: &Clock,
) -> Result<Filter, FilterError> {
    parts.extend(filter.words().filter(|(name, _)| *name == "where").map(|(_, value)| format!("({value})")));
    let expression = parts.join(" and ");
    let of_parts = Some(("where", expression.as_str())).filter(|_| !parts.is_empty());
    let words = filter.words().filter(|(name, _)| *name != "where").chain(of_parts);
    Filter::parse(words, clock)
}

const WAY_OUT: &str = "without the cursor the query begins anew";

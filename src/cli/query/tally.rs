//! `--by FIELD`: how many rows have each value.

use super::super::exit::Exit;
use super::super::pager::Pager;
use super::super::trail::Trail;
use super::super::warn;
use super::Query;
use crate::filter::Filter;
use crate::query;
use crate::query::render::{Column, Shape, Sink, values};
use anyhow::Context;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

impl Query {
    /// Prints the values.
    pub(super) fn tally(
        &self,
        trail: &Trail,
        filter: Filter,
        by: &'static Column,
        mut pager: Pager<'_>,
    ) -> anyhow::Result<ExitCode> {
        let tally = trail.tally(filter, by, self.limit())?;
        let sink = if io::stdout().is_terminal() { Sink::Terminal } else { Sink::File };
        let mut text = Vec::new();
        if let Some(shape) = Shape::named(&self.output) {
            values(shape, sink, by, &tally.values, &mut text);
        }
        let _read = pager.show(&text).context("cannot write the values")?;
        pager.finish().context("cannot wait for the pager")?;
        if !tally.missing.is_empty() {
            warn(&format!("the answer is incomplete: {}", query::reasons(&tally.missing)));
            return Ok(Exit::Damaged.into());
        }
        if tally.records == 0 {
            self.asking.tell("no event matches");
            return Ok(Exit::No.into());
        }
        Ok(Exit::Done.into())
    }
}

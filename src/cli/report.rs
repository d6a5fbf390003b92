//! `otrail report`: what the trail says in sum.
//!
//! The records come as those of a query do, and are counted here. An agent gives so many rows for one question at most: a
//! report of more counts them first, and asks for one stretch of the journal after the other.

use super::asking::Asking;
use super::exit::{self, Exit};
use super::pager::Pager;
use super::query::{with_parts, words_of};
use super::terminal;
use super::times;
use super::trail::{Extent, Trail};
use super::{Common, warn};
use crate::filter::{Clock, Filter, FilterError, with_fields};
use crate::model::Seq;
use crate::query::render::{self, Look, OF_REPORTS, Shape, Sink};
use crate::query::report::{Hours, REPORTS, Report as Counted, ReportKind, Reported};
use crate::query::{ROWS_MAX, reasons};
use anyhow::Context;
use clap::builder::{PossibleValue, PossibleValuesParser};
use jiff::tz::TimeZone;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

/// Sum up the trail: sign-ins, failures, changes, gaps
///
/// Of the whole trail unless a range is given. Lines are in order of their first number, or of their days. As of every
/// query, a record of it comes into the trail. JSON is an object a line, its members named as the columns of CSV, null
/// where there is nothing; the times of both are in UTC.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  otrail report
  otrail report logins --since -30d
  otrail report failed yesterday..today -o csv
  otrail report users 'client=10.2.0.0/16' -n 10
  otrail report changes 'action = exclusion_rule.' --since 2024-03-01 --until 2024-04-01
  otrail report off-hours --hours 06:00..22:00 --days mon..sat --tz Europe/Berlin
Exit codes: 0 done; 1 no event matches; 2 wrong usage; 3 no agent; 4 refused; 5 the report is incomplete.")]
pub struct Report {
    /// What it is about
    #[arg(value_name = "REPORT", default_value = REPORTS[0].name, value_parser = kinds())]
    kind: String,
    /// Of these records alone: matches, expressions and ranges of time as `otrail query` takes them
    #[arg(value_name = "MATCH|EXPR|A..B")]
    matches: Vec<String>,
    /// Of records of this time or newer
    #[arg(short = 'S', long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Of records of this time or older
    #[arg(short = 'U', long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// Show the first N lines
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
    /// Working hours, for off-hours: 07:00..18:00 unless told otherwise; over midnight as 22:00..06:00
    #[arg(long, value_name = "A..B")]
    hours: Option<String>,
    /// The days on which they begin: mon..fri unless told otherwise; also as mon,wed
    #[arg(long, value_name = "DAYS")]
    days: Option<String>,
    /// How the report looks
    #[arg(short, long, value_name = "FORM", default_value = OF_REPORTS[0], value_parser = PossibleValuesParser::new(OF_REPORTS))]
    output: String,
    #[command(flatten)]
    asking: Asking,
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(REPORTS.iter().map(|kind| PossibleValue::new(kind.name).help(kind.about)))
}

impl Report {
    /// Prints the report; what else there is to say goes to stderr.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let (Some(kind), Some(shape)) = (ReportKind::named(&self.kind), Shape::named(&self.output)) else {
            return exit::usage(&anyhow::anyhow!("there is no report {} as {}", self.kind, self.output));
        };
        let zone = self.asking.zone();
        let clock = times::clock(zone.clone());
        let hours = match self.working(kind, &zone) {
            Ok(hours) => hours,
            Err(error) => return exit::usage(&error),
        };
        let filter = match self.filter(kind, &clock) {
            Ok(filter) => filter,
            Err(error) => return exit::usage(&error),
        };
        if let Err(error) = times::check(filter.range(), &zone) {
            return exit::usage(&error);
        }
        self.asking.tell_times(&filter, &zone);
        let trail = self.asking.trail(common)?;
        if trail.is_folder() {
            self.asking.tell("reading the folder itself: this report is not recorded in the trail");
        }
        let Reported { groups, records, missing } = self.gather(kind, &trail, filter, hours, &clock)?;
        let sink = if io::stdout().is_terminal() { Sink::Terminal } else { Sink::File };
        let look = Look { zone, sink, width: terminal::width(), ..Look::plain(sink) };
        let mut text = Vec::new();
        render::report(shape, &look, kind, &groups, &mut text);
        let mut pager = Pager::new(out, !self.asking.no_pager);
        let _read = pager.show(&text).context("cannot write the report")?;
        pager.finish().context("cannot wait for the pager")?;
        if let Some(missing) = missing {
            warn(&format!("the report is incomplete: {missing}"));
            return Ok(Exit::Damaged.into());
        }
        if records == 0 {
            self.asking.tell("no event matches");
            return Ok(Exit::No.into());
        }
        Ok(Exit::Done.into())
    }

    fn working(&self, kind: &ReportKind, zone: &TimeZone) -> anyhow::Result<Hours> {
        if !kind.off_hours && (self.hours.is_some() || self.days.is_some()) {
            anyhow::bail!("--hours and --days are for off-hours; {} knows no hours", kind.name);
        }
        let hours = self.hours.as_deref().unwrap_or("07:00..18:00");
        Ok(Hours::parse(hours, self.days.as_deref().unwrap_or("mon..fri"), zone.clone())?)
    }

    fn filter(&self, kind: &ReportKind, clock: &Clock) -> anyhow::Result<Filter> {
        let range = [("since", &self.since), ("until", &self.until)];
        let range = range.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let matches = words_of(&self.matches)?;
        let matches = matches.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let filter = Filter::parse(with_fields(range.chain(matches)), clock)?;
        let wanted = Some(kind.wanted).filter(|wanted| !wanted.is_empty());
        Ok(with_parts(&filter, wanted.map(|wanted| format!("({wanted})")).into_iter().collect(), clock)?)
    }

    /// Takes all wanted records in.
    fn gather(
        &self,
        kind: &'static ReportKind,
        trail: &Trail,
        filter: Filter,
        hours: Hours,
        clock: &Clock,
    ) -> anyhow::Result<Reported> {
        let mut report = Counted::new(kind, hours)?;
        let mut missing: Vec<String> = Vec::new();
        for filter in questions(trail, filter, clock)? {
            let mut rows = trail.rows(filter, Extent::default())?;
            for record in rows.by_ref() {
                report.take(&record?);
            }
            missing.extend(rows.incomplete().filter(|why| !missing.contains(why)));
        }
        let reported = report.end(self.lines);
        missing.extend(reported.missing);
        let missing = (!missing.is_empty()).then(|| reasons(&missing));
        Ok(Reported { missing, ..reported })
    }
}

/// What an agent is asked: once, if it can answer that. Whether it can is counted only where the journal has more records.
fn questions(trail: &Trail, filter: Filter, clock: &Clock) -> anyhow::Result<Vec<Arc<Filter>>> {
    let filter = Arc::new(filter);
    let Some(extent) =
        trail.extent()?.filter(|(oldest, newest)| newest.0.saturating_sub(oldest.0) >= ROWS_MAX as u64)
    else {
        return Ok(vec![filter]);
    };
    let mut counting = trail.rows(Arc::clone(&filter), Extent { count: true, ..Extent::default() })?;
    if let Some(row) = counting.next() {
        row?;
    }
    if counting.counted() <= ROWS_MAX as u64 {
        return Ok(vec![filter]);
    }
    Ok(stretches(&filter, extent, clock).map(|filter| filter.map(Arc::new)).collect::<Result<_, _>>()?)
}

/// The filter for as many records of the journal as an agent gives at once, then for the next, up to the newest.
fn stretches<'a>(
    filter: &'a Filter,
    (oldest, newest): (Seq, Seq),
    clock: &'a Clock,
) -> impl Iterator<Item = Result<Filter, FilterError>> + 'a {
    (oldest.0..=newest.0).step_by(ROWS_MAX).map(move |first| {
        let last = newest.0.min(first + ROWS_MAX as u64 - 1);
        with_parts(filter, vec![format!("seq >= {first} and seq <= {last}")], clock)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    #[test]
    fn stretches_have_every_record_once() {
        let clock = Clock::utc(Time::default());
        let filter = Filter::parse([("where", "user = alice or user = bob")], &clock).unwrap();
        let rows = ROWS_MAX as u64;
        let places = |extent| -> Vec<(Seq, Seq)> {
            stretches(&filter, extent, &clock).map(|filter| filter.unwrap().places()).collect()
        };
        assert_eq!(
            places((Seq(7), Seq(2 * rows + 6))),
            [(Seq(7), Seq(rows + 6)), (Seq(rows + 7), Seq(2 * rows + 6))]
        );
        assert_eq!(places((Seq(7), Seq(7))), [(Seq(7), Seq(7))]);
        assert_eq!(places((Seq(1), Seq(0))), []);
    }
}

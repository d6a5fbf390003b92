//! `otrail query`: asks the agent, or reads a journal folder without it.

mod cursor;
mod narrow;
mod printer;
mod resume;
mod tally;
mod unread;
mod words;

use super::asking::Asking;
use super::deliveries::Deliveries;
use super::exit::{self, Exit};
use super::forms::{self, Form};
use super::pager::Pager;
use super::terminal;
use super::times;
use super::trail::{Extent, Rows, Trail};
use super::{Common, warn};
use crate::control::protocol::STOPPING;
use crate::filter::{Clock, Filter, with_fields};
use crate::query::render::{COLUMNS, Column, Look, OF_VALUES, SHAPES, Shape, Sink};
use clap::builder::PossibleValuesParser;
use jiff::tz::TimeZone;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cursor::Cursor;
pub(super) use narrow::with_parts;
use printer::Printer;
use resume::Followed;
pub(super) use words::words_of;

/// Query the trail
///
/// Options of the same name are alternatives, of different names all must hold.
/// The rows come in the order of their time. Every query that the agent answers is itself recorded in the trail.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  otrail query --failed --since -7d
  otrail query -u 'admin*' -a user. -o json
  otrail query client=10.2.0.0/16 severity=7.. --since 'monday 06:00' --count
  otrail query yesterday..today --tz Europe/Berlin -o table
  otrail query 'action = exclusion_rule. and not user in (admin, backup)'
  otrail query --failed --since -7d --by user -n 10
  otrail query --undelivered -n 20 --reverse
  otrail query --cursor-file /tmp/otrail.cursor -o csv --fields time,user,action
Expressions: FIELD =, !=, <, <=, >, >= VALUE, FIELD in (A, B), FIELD contains TEXT, FIELD matches /REGEX/, joined by and, \
or, not and parentheses; `=` means what the option of that name means. Fields are the words of the options, time, seen, \
seq, code, account, target-kind, target-name, target-id, message, reason, old, new, count, title, label, raw, and text, \
which is what --grep looks into. A value with spaces stands in quotes.
Times: 2024-03-01T14:00:00Z, '2024-03-01 14:00', '2024-03-01 14:00 Europe/Berlin', 2024-03-01, 14:00, now, today, \
yesterday, tomorrow, monday, 'fri 17:00', this-hour, this-day, this-week, week-ago, this-month, this-year, recent, boot, \
-15m, -1h30m, '2 days ago', @1709283600. A..B is a range, and may stand alone. Without a zone they are those of --tz, or \
local.
Exit codes: 0 rows found; 1 none; 2 wrong usage; 3 no agent; 4 refused; 5 the answer is incomplete.")]
pub struct Query {
    /// Matches such as user=alice or client=10.2.0.0/16, the words of the options below; an expression as --where
    /// has it; a range of time such as yesterday..today. All must hold, of matches of one name one; `+` between them is or
    #[arg(value_name = "MATCH|EXPR|A..B")]
    matches: Vec<String>,
    /// Rows of which this is true, such as: 'user = alice and (severity >= 7 or not client = 10.2.0.0/16)'
    #[arg(long = "where", value_name = "EXPR")]
    expression: Option<String>,
    /// Rows of this time or newer
    #[arg(short = 'S', long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Rows of this time or older
    #[arg(short = 'U', long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// Rows of this user: name or account, with * and ? as wildcards
    #[arg(short, long, value_name = "GLOB")]
    user: Vec<String>,
    /// Rows of actors of this domain
    #[arg(long, value_name = "GLOB")]
    domain: Vec<String>,
    /// Rows of actors in this role
    #[arg(long, value_name = "GLOB")]
    role: Vec<String>,
    /// Rows of actors at this address: one, a network such as 10.2.0.0/16, or with wildcards
    #[arg(long, visible_alias = "src", value_name = "ADDRESS")]
    client: Vec<String>,
    /// Rows of what was done to this: a name or id, or KIND:NAME
    #[arg(long, visible_alias = "object", value_name = "GLOB")]
    target: Vec<String>,
    /// Rows in which this device is affected: a name or address, or a network
    #[arg(long, value_name = "ADDRESS")]
    device: Vec<String>,
    /// Rows of this severity: 0 to 10, a range such as 6.. or notice..warning, or info (0..3), notice (4..5), warning (6..7),
    /// error (8..10)
    #[arg(short = 'p', long, value_name = "RANGE")]
    severity: Vec<String>,
    /// Rows about this sensor
    #[arg(long, value_name = "GLOB")]
    sensor: Vec<String>,
    /// Rows of this type of the sensor's own, such as USER_OPERATION
    #[arg(long = "type", value_name = "TYPE")]
    kind: Vec<String>,
    /// Rows with this flag, such as unparsed or truncated
    #[arg(long, value_name = "FLAG")]
    flag: Vec<String>,
    /// The row of this event id, or of its first 8 digits or more
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
    /// Rows of which no rule knew what was done: the same as --action user.operation
    #[arg(long, conflicts_with = "action")]
    unclassified: bool,
    /// Rows of this action, such as user.login, or of all that begin with a word, such as user.
    #[arg(short, long, value_name = "ACTION")]
    action: Vec<String>,
    /// Rows with this outcome: success, failure or unknown
    #[arg(long, value_name = "OUTCOME")]
    outcome: Vec<String>,
    /// Rows of what failed: the same as --outcome failure
    #[arg(long, conflicts_with = "outcome")]
    failed: bool,
    /// Rows from this source
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,
    /// Rows of this class: user-operation, network or agent
    #[arg(long, value_name = "CLASS")]
    class: Vec<String>,
    /// Rows whose text has a match of this regular expression
    #[arg(short, long, value_name = "REGEX", allow_hyphen_values = true)]
    grep: Vec<String>,
    /// The newest N rows, or all; with --follow 10 unless told otherwise
    #[arg(short = 'n', long, value_name = "N", value_parser = lines, allow_negative_numbers = true)]
    lines: Option<Lines>,
    /// The newest row and no other: the same as -n 1
    #[arg(long, conflicts_with = "lines")]
    just_one: bool,
    /// Say how many rows there are instead of showing them
    #[arg(long, conflicts_with_all = ["follow", "reverse"])]
    count: bool,
    /// Count the rows by the values of this field, the most frequent first: how many have each; with -n the N most frequent
    #[arg(long, value_name = "FIELD", conflicts_with_all = ["follow", "reverse", "just_one", "fields", "cursor_file", "show_cursor"],
        value_parser = PossibleValuesParser::new(COLUMNS.iter().map(|column| column.name)))]
    by: Option<String>,
    /// Newest rows first
    #[arg(short, long)]
    reverse: bool,
    /// Go on with new rows as they come, also when the agent ends, however that is, and another is there within a minute
    #[arg(short, long, conflicts_with_all = ["reverse", "directory"])]
    follow: bool,
    /// How a row looks
    #[arg(short, long, value_name = "FORM", default_value = SHAPES[0].name, value_parser = PossibleValuesParser::new(forms::names()))]
    output: String,
    /// Show these fields, for the forms that take them: those of json, such as time,user,action
    #[arg(long, visible_alias = "output-fields", value_name = "A,B", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(COLUMNS.iter().map(|column| column.name)))]
    fields: Vec<String>,
    /// Rows that are not confirmed by DEST yet, or by any destination that gets them
    #[arg(long, value_name = "DEST", num_args = 0..=1, require_equals = true, default_missing_value = "",
        conflicts_with_all = ["delivered", "follow"])]
    undelivered: Option<String>,
    /// Rows that no longer wait for DEST, or for any destination that gets them: confirmed, set aside, or older than it
    #[arg(long, value_name = "DEST", num_args = 0..=1, require_equals = true, default_missing_value = "",
        conflicts_with = "follow")]
    delivered: Option<String>,
    /// Go on after the rows of the last time, as FILE says, which is written anew when all have been shown
    #[arg(long, value_name = "FILE", conflicts_with_all = ["follow", "count", "after_cursor"])]
    cursor_file: Option<PathBuf>,
    /// Rows after those of the query that showed this cursor
    #[arg(long, value_name = "CURSOR", conflicts_with = "follow")]
    after_cursor: Option<String>,
    /// Tell the cursor behind the last row
    #[arg(long, conflicts_with_all = ["follow", "count"])]
    show_cursor: bool,
    #[command(flatten)]
    asking: Asking,
}

/// How many rows.
#[derive(Debug, Clone, Copy)]
enum Lines {
    All,
    Newest(usize),
}

fn lines(text: &str) -> Result<Lines, String> {
    match text {
        "all" => Ok(Lines::All),
        _ => text.parse().map(Lines::Newest).map_err(|_| "write a number or all".to_owned()),
    }
}

impl Query {
    /// Prints the rows; what else there is to say goes to stderr.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let zone = self.asking.zone();
        let clock = times::clock(zone.clone());
        let filter = match self.filter(&clock, &zone) {
            Ok(filter) => filter,
            Err(error) => return exit::usage(&error),
        };
        if !self.fields.is_empty() && !Shape::named(&self.output).is_some_and(|shape| shape.takes_fields) {
            let (form, taking) = (&self.output, forms::taking_fields());
            return exit::usage(&anyhow::anyhow!(
                "-o {form} has fields of its own; --fields is for {taking}"
            ));
        }
        let by = self.by.as_deref().and_then(Column::named);
        if by.is_some() && !OF_VALUES.contains(&self.output.as_str()) {
            let (form, taking) = (&self.output, OF_VALUES.join(", "));
            return exit::usage(&anyhow::anyhow!("-o {form} is of rows; --by is for {taking}"));
        }
        self.asking.tell_times(&filter, &zone);
        let trail = self.asking.trail(common)?;
        let begun = match self.begin(&trail)? {
            Ok(begun) => begun,
            Err(error) => return exit::usage(&error),
        };
        let filter = match self.narrowed(filter, &trail, begun.as_ref(), &clock)? {
            Ok(filter) => filter,
            Err(error) => return exit::usage(&error),
        };
        let terminal = io::stdout().is_terminal();
        let sink = if terminal { Sink::Terminal } else { Sink::File };
        if trail.is_folder() {
            self.asking.tell("reading the folder itself: this query is not recorded in the trail");
        }
        if let Some(by) = by {
            return self.tally(&trail, filter, by, Pager::new(out, !self.asking.no_pager));
        }
        let fields = self.fields.iter().filter_map(|name| Column::named(name)).collect();
        let look = Look {
            zone: zone.clone(),
            colour: common.color.on_stdout(),
            sink,
            width: terminal::width(),
            fields,
        };
        let pager = Pager::new(out, !self.asking.no_pager && !self.follow);
        let form = (!self.count).then(|| Form::named(&self.output, look));
        let form = form.map(|form| form.of_stream(|| trail.stream())).transpose()?;
        let is_card = self.output == "card" && self.fields.is_empty() && !self.count && !self.follow;
        let deliveries = if is_card { Deliveries::of(&trail, &zone) } else { None };
        let printer = Printer::new(form, pager, self.follow || terminal).with(deliveries);
        if self.follow {
            unread::end_when_unread();
        }
        self.answer(&trail, &Arc::new(filter), &clock, printer, begun)
    }

    fn filter(&self, clock: &Clock, zone: &TimeZone) -> anyhow::Result<Filter> {
        let matches = words_of(&self.matches)?;
        let matches = matches.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let filter = Filter::parse(with_fields(self.words().into_iter().chain(matches)), clock)?;
        times::check(filter.range(), zone)?;
        Ok(filter)
    }

    fn answer(
        &self,
        trail: &Trail,
        filter: &Arc<Filter>,
        clock: &Clock,
        mut printer: Printer<'_>,
        begun: Option<Cursor>,
    ) -> anyhow::Result<ExitCode> {
        let (reverse, follow, count) = (self.reverse, self.follow, self.count);
        let extent = Extent { limit: self.limit(), reverse, follow, count, past: None };
        let mut followed = match follow {
            true => Some(Followed::new(trail, filter, clock, extent)?),
            false => None,
        };
        let extent = followed.as_ref().map_or(extent, |followed| followed.extent);
        let mut rows = trail.rows(Arc::clone(filter), extent)?;
        loop {
            let cut = match print_all(&mut rows, followed.as_mut(), &mut printer)? {
                Printed::All => None,
                Printed::Some(error) => Some(error),
                Printed::Unread => {
                    printer.leave()?;
                    return Ok(Exit::Done.into());
                }
            };
            let goes_on = followed.as_mut().is_some_and(|followed| followed.goes_on(&rows));
            let followed = match (followed.as_ref().filter(|_| goes_on), cut) {
                (Some(followed), _) => followed,
                (None, None) => break,
                (None, Some(error)) => {
                    printer.give_up()?;
                    return Err(error);
                }
            };
            let reason = rows.incomplete().filter(|reason| rows.left_at().is_some() && reason != STOPPING);
            if let Some(reason) = reason {
                warn(&format!("the answer is incomplete: {reason}"));
            }
            let seconds = NEXT_AGENT_WITHIN.as_secs();
            self.asking.tell(&format!("the agent has stopped; waiting {seconds} s for the next one"));
            rows = match followed.resumed(NEXT_AGENT_WITHIN)? {
                Ok(rows) => rows,
                Err(reason) => {
                    printer.finish()?;
                    warn(&format!("the answer is incomplete: {reason}"));
                    return Ok(Exit::Damaged.into());
                }
            };
        }
        if self.count {
            printer.count(rows.counted());
        }
        let Some(shown) = printer.finish()? else { return Ok(Exit::Done.into()) };
        if let Some(reason) = rows.incomplete() {
            warn(&format!("the answer is incomplete: {reason}"));
            if self.cursor_file.is_some() {
                warn("the cursor stays where it was");
            }
            return Ok(Exit::Damaged.into());
        }
        self.end_at(begun, shown)?;
        if shown.rows > 0 {
            return Ok(Exit::Done.into());
        }
        if !self.count {
            self.asking.tell("no event matches");
        }
        Ok(Exit::No.into())
    }

    fn limit(&self) -> Option<usize> {
        match self.lines {
            Some(Lines::Newest(count)) => Some(count),
            Some(Lines::All) => None,
            None if self.just_one => Some(1),
            None => self.follow.then_some(FOLLOW_LINES),
        }
    }
}

/// What became of rows.
enum Printed {
    All,
    /// Those before the error.
    Some(anyhow::Error),
    /// Nobody reads them any more.
    Unread,
}

/// Prints what comes, but for what a follower has been shown before.
fn print_all(
    rows: &mut Rows,
    mut followed: Option<&mut Followed<'_>>,
    printer: &mut Printer<'_>,
) -> anyhow::Result<Printed> {
    while let Some(row) = rows.next() {
        let record = match row {
            Ok(record) => record,
            Err(error) => return Ok(Printed::Some(error)),
        };
        let is_new = followed.as_mut().is_none_or(|followed| followed.take(record.seq, rows));
        if is_new && !printer.print(&record)? {
            return Ok(Printed::Unread);
        }
    }
    Ok(Printed::All)
}

/// As `journalctl -f`.
const FOLLOW_LINES: usize = 10;
/// An update, or a start anew, takes less.
const NEXT_AGENT_WITHIN: Duration = Duration::from_secs(60);

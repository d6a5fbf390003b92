//! `[[source]]`: a sensor log to follow.

use super::problem::{nearest, quoted};
use super::raw::{Table, Value};
use crate::collect::{SourceSettings, Start};
use crate::dialect::{DIALECTS, Habits};
use crate::model::Text;
use jiff::tz::TimeZone;
use std::collections::HashSet;
use std::path::PathBuf;

/// All sources: at least one, each with a name and a file of its own.
pub(super) fn all(top: &Table<'_>) -> Vec<SourceSettings> {
    let tables = top.each("source");
    if top.lacks("source") {
        top.problem("there is no [[source]]", "name the log to follow: [[source]], with `name` and `path`");
    }
    if tables.len() > SOURCES_MAX {
        top.problem(format!("there are {} sources", tables.len()), format!("at most {SOURCES_MAX}"));
    }
    let (mut names, mut paths) = (HashSet::new(), HashSet::new());
    tables.iter().filter_map(|table| source(table, &mut names, &mut paths)).collect()
}

fn source(
    table: &Table<'_>,
    names: &mut HashSet<Text>,
    paths: &mut HashSet<PathBuf>,
) -> Option<SourceSettings> {
    let name = table.need("name", |value| {
        let name = value.name()?;
        if name == OWN_SOURCE {
            value.problem("`otrail` is the source of otrail's own events", "choose another name");
        } else if !names.insert(Text::from(name)) {
            value.problem(format!("there is another source `{name}`"), "choose another name");
        }
        Some(Text::from(name))
    });
    let path = table.need("path", |value| {
        let path = log_path(value)?;
        if !paths.insert(path.clone()) {
            value.problem("another source follows this file", "one file, one source: leave one of them out");
        }
        Some(path)
    });
    let dialects = DIALECTS.iter().map(|dialect| (dialect.name, Some(dialect)));
    let dialect = table.read("dialect", |value| value.one_of([("auto", None)].into_iter().chain(dialects)));
    let zone = table.read("time-zone", time_zone);
    let fields = table.read("fields", super::fields::fields);
    let day_first = table.read("day-first", Value::boolean);
    let links = table.read("follow-symlinks", Value::boolean);
    let starts = [("beginning", Start::Beginning), ("end", Start::End)];
    let start = table.read("start", |value| value.one_of(starts));
    let line_max = table.read("line-max", |value| value.memory(1 << 10..=16 << 20));
    let field_max = table.read("field-max", |value| value.memory(256..=1 << 20));
    let usual = Habits::default();
    Some(SourceSettings {
        name: name?,
        path: path?,
        dialect: dialect.flatten(),
        zone: zone.unwrap_or(TimeZone::UTC),
        habits: Habits {
            day_first,
            fields: fields.unwrap_or_default(),
            field_bytes_max: field_max.unwrap_or(usual.field_bytes_max),
        },
        start: start.unwrap_or(Start::Beginning),
        follow_symlinks: links.unwrap_or(false),
        line_bytes_max: line_max.unwrap_or(1 << 20),
    })
}

fn log_path(value: &Value<'_>) -> Option<PathBuf> {
    let path = value.path()?;
    if let Err(error) = glob::Pattern::new(value.text()?) {
        value.problem(
            format!("`path` is no pattern: {}", error.msg),
            "* ? [a-z] as in a shell; [*] is the character itself",
        );
        return None;
    }
    Some(path)
}

fn time_zone(value: &Value<'_>) -> Option<TimeZone> {
    let name = value.text()?;
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        let known: Vec<_> = jiff::tz::db().available().collect();
        let way_out = match nearest(name, known.iter().map(|known| known.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "for example: UTC, Europe/Berlin, America/New_York".to_owned(),
        };
        value.problem(format!("unknown time zone {}", quoted(name)), way_out);
    }
    zone
}

const OWN_SOURCE: &str = "otrail";
const SOURCES_MAX: usize = 64;

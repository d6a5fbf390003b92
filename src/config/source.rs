//! `[[source]]`: a sensor log to follow, or a sensor to ask.

mod api;

use super::problem::{nearest, quoted};
use super::raw::{Table, Value};
use crate::collect::{ApiSettings, SourceSettings, Start};
use crate::dialect::{DIALECTS, Habits};
use crate::model::Text;
use jiff::tz::TimeZone;
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

/// The sources of each kind: at least one of any, each with a name of its own.
pub(super) fn all(
    top: &Table<'_>,
    sensor: &str,
    state_dir: &Path,
) -> (Vec<SourceSettings>, Vec<ApiSettings>) {
    let tables = top.each("source");
    if top.lacks("source") {
        top.problem("there is no [[source]]", "name the log to follow: [[source]], with `name` and `path`");
    }
    let (mut seen, mut files, mut apis) = (Seen::default(), Vec::new(), Vec::new());
    for table in &tables {
        let kinds = [("file", Kind::File), ("api", Kind::Api)];
        let kind = match table.value("kind") {
            Some(value) => value.one_of(kinds),
            None => Some(Kind::File),
        };
        let name = table.need("name", |value| seen.name(value));
        let sensor = table.read("sensor", super::check::sensor_name).unwrap_or(sensor);
        match kind {
            Some(Kind::File) => files.extend(file(table, name, sensor, state_dir, &mut seen.places)),
            Some(Kind::Api) => apis.extend(api::source(table, name, sensor, &mut seen.places)),
            None => {}
        }
    }
    for (what, count, most) in [("logs", files.len(), FILES_MAX), ("sensors", apis.len(), APIS_MAX)] {
        if count > most {
            top.problem(format!("there are {count} sources that are {what}"), format!("at most {most}"));
        }
    }
    (files, apis)
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    Api,
}

/// What other sources have.
#[derive(Default)]
struct Seen {
    names: HashSet<Text>,
    places: HashSet<PathBuf>,
}

impl Seen {
    fn name(&mut self, value: &Value<'_>) -> Option<Text> {
        let name = value.name()?;
        if name == OWN_SOURCE {
            value.problem("`otrail` is the source of otrail's own events", "choose another name");
        } else if !self.names.insert(Text::from(name)) {
            value.problem(format!("there is another source `{name}`"), "choose another name");
        }
        Some(Text::from(name))
    }
}

/// Keys of another kind have no effect.
fn pass_over_others(table: &Table<'_>, kind: &str) {
    let others = table.section.keys.iter().filter(|key| !key.kind.is_empty() && key.kind != kind);
    for value in others.filter_map(|key| table.value(key.name)) {
        let message = format!("`{}` has no effect with kind `{kind}`", value.key.name);
        value.warning(message, "leave it out, or change `kind`");
    }
}

fn file(
    table: &Table<'_>,
    name: Option<Text>,
    sensor: &str,
    state_dir: &Path,
    places: &mut HashSet<PathBuf>,
) -> Option<SourceSettings> {
    pass_over_others(table, "file");
    let path = table.need("path", |value| {
        let path = log_path(value)?;
        if straight(&path).starts_with(straight(state_dir)) {
            value.problem(
                "`path` is in the state directory of otrail, which would read what it writes itself",
                "name the log of the sensor, or choose another `state-dir`",
            );
        }
        if !places.insert(path.clone()) {
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
        sensor: Text::from(sensor),
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
    if value.text()?.contains("://") {
        value.problem(
            "`path` is a URL",
            "name a file; a sensor that is asked by its API has `url` instead of `path`",
        );
        return None;
    }
    if let Err(error) = glob::Pattern::new(value.text()?) {
        value.problem(
            format!("`path` is no pattern: {}", error.msg),
            "* ? [a-z] as in a shell; [*] is the character itself",
        );
        return None;
    }
    Some(path)
}

/// A path without the detours in its text.
fn straight(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(straight.components().next_back(), Some(Component::Normal(_))) =>
            {
                straight.pop();
            }
            part => straight.push(part),
        }
    }
    straight
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
/// Each has files open.
const FILES_MAX: usize = 64;
/// Each has a connection while it is asked.
const APIS_MAX: usize = 1024;

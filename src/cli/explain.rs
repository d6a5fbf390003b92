//! `otrail explain`: how an entry becomes an event, step by step.

mod parts;

use super::entries::{self, House};
use super::exit::Exit;
use super::forms::envelope;
use super::normalize::open;
use super::{Common, print_json, warn};
use crate::collect::Cut;
use crate::dialect::{self, DIALECTS, Explained, Near, Part, RuleAt, json_parts};
use crate::format::{FORMATS, Settings};
use crate::model::{Flag, Record, Seq};
use crate::query::render::{COLUMNS, Column, json_line, safe};
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use parts::in_entry;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

/// Show how an entry becomes an event
///
/// Its dialect, its fields, the wording rule that read it and those that nearly did, the event, and the bytes on the
/// wire. Works without a configuration; with one, the rules of the site count. Nothing is journaled or sent.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// An entry, a file with entries, or - for stdin
    #[arg(value_name = "LINE|FILE|-", default_value = "-")]
    what: String,
    /// The language of the entry; without it that of the source, or the entry tells
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(DIALECTS.iter().map(|dialect| dialect.name)))]
    dialect: Option<String>,
    /// The source of the configuration whose settings count; else the first
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Exit with 1 unless this field of the event has this value, such as user=alice or target.name=bob
    #[arg(long, value_name = "KEY=VALUE", value_parser = expectation)]
    expect: Vec<String>,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// How to show it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// One JSON object for each entry
    Json,
}

/// One entry and what became of it.
struct Story<'a> {
    /// The entry as far as it may be shown: without what a mask has replaced.
    entry: Cow<'a, [u8]>,
    dialect: &'static str,
    why: &'a str,
    fields: Vec<Part>,
    /// The text that the rules read.
    text: String,
    rules: Explained,
    record: Record,
    event: String,
}

impl Explain {
    /// Exit code 0; 1 when an expectation is not met or there is no entry.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let house = House::open(common, self.source.as_deref())?;
        let mut input: Box<dyn Read> = match Path::new(&self.what) {
            path if self.what == "-" || path.is_file() => open(path)?,
            _ => Box::new(self.what.as_bytes()),
        };
        let dialect = self.dialect.as_deref().and_then(dialect::find);
        let (mut told, mut good) = (0, true);
        let mut take = |record: Record, cut: &Cut<'_>| {
            good &= self.show(&tell(&house, record, cut), told, out)?;
            told += 1;
            Ok(true)
        };
        if looks_like_a_path(&self.what) && !Path::new(&self.what).is_file() && self.what != "-" {
            warn(&format!("{} is no file that can be read: this is what it is as an entry", self.what));
        }
        entries::read(&house, dialect, &mut *input, &mut take, &mut || Ok(true))?;
        if told == 0 {
            warn("there is no entry; give a line of the log, a file, or - for stdin");
        }
        Ok(if good && told > 0 { Exit::Done } else { Exit::No }.into())
    }

    /// False when an expectation is not met.
    fn show(&self, story: &Story<'_>, at: usize, out: &mut dyn Write) -> anyhow::Result<bool> {
        let missed = missed(&self.expect, story);
        match self.output {
            Output::Json => print_json(&as_json(story, &missed), out)?,
            Output::Text => {
                let gap = if at == 0 { "" } else { "\n" };
                out.write_all(gap.as_bytes())?;
                out.write_all(&as_text(story))?;
                for missed in &missed {
                    writeln!(out, "expected {missed}")?;
                }
            }
        }
        Ok(missed.is_empty())
    }
}

fn tell<'a>(house: &House, mut record: Record, cut: &Cut<'a>) -> Story<'a> {
    let entry = match record.event.flags.contains(Flag::MASKED) {
        true => Cow::Owned(record.event.raw.bytes().to_vec()),
        false => Cow::Borrowed(cut.text),
    };
    let (bare, fields) = house.read_bare(cut.dialect, cut.state, &entry);
    let rules = house.rules.explain(&bare.kind, &bare.title, &bare.message);
    record.position = None;
    let mut line = Vec::new();
    json_line(&record, &mut line);
    let event = String::from_utf8_lossy(&line).trim_end().to_owned();
    let (dialect, why, text) = (cut.dialect.name, cut.reason, bare.message.to_string());
    Story { entry, dialect, why, fields, text, rules, record, event }
}

fn looks_like_a_path(text: &str) -> bool {
    text.contains('/') && text.len() < PATH_MAX && !text.contains(|at: char| at.is_whitespace() || at == '"')
}

/// An event cannot have what has no name.
fn expectation(text: &str) -> Result<String, String> {
    let (key, _) = text.split_once('=').ok_or("write KEY=VALUE, such as user=alice")?;
    let field = key.split('.').next().unwrap_or(key);
    if OF_THE_STORY.contains(&key) || Column::named(field).is_some() {
        return Ok(text.to_owned());
    }
    let names = OF_THE_STORY.into_iter().chain(COLUMNS.iter().map(|column| column.name));
    Err(format!("no field is called {key}; known are {}", names.collect::<Vec<_>>().join(", ")))
}

/// What is otherwise than expected, one sentence each.
fn missed(expect: &[String], story: &Story<'_>) -> Vec<String> {
    let mut missed = Vec::new();
    for expected in expect {
        let (key, wanted) = expected.split_once('=').unwrap_or((expected, ""));
        let found = match key {
            "dialect" => story.dialect.to_owned(),
            "rule" => story.rules.rule.as_ref().map(|rule| rule.name.clone()).unwrap_or_default(),
            _ => {
                let path =
                    key.strip_prefix("target-").map_or(key.to_owned(), |part| format!("target.{part}"));
                value(&story.event, &path).unwrap_or_default()
            }
        };
        if found != wanted {
            missed.push(format!("{}={}, found {}", shown(key), shown(wanted), shown(&found)));
        }
    }
    missed
}

/// What stands in an event under names with dots between them; the items of a list with commas.
fn value(event: &str, path: &str) -> Option<String> {
    let (mut object, mut text) = (event.to_owned(), String::new());
    for name in path.split('.') {
        let part = json_parts(&object).into_iter().find(|part| part.name == name)?;
        object = object.get(part.span?)?.to_owned();
        text = part.text;
    }
    let items: Option<Vec<String>> = serde_json::from_str(&object).ok();
    Some(items.map_or(text, |items| items.join(",")))
}

fn as_text(story: &Story<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let entry = String::from_utf8_lossy(&story.entry);
    let mut line = |text: String| out.extend_from_slice((text + "\n").as_bytes());
    line(format!("entry    {}", shown_bytes(&story.entry)));
    line(format!("dialect  {}: {}", story.dialect, story.why));
    for Part { name, span, text } in &story.fields {
        let place = placed(span.as_ref().map(|span| (span.start, span.end)));
        line(format!("field    {:<12} {place} {}", shown(name), shown(text)));
    }
    match &story.rules.rule {
        Some(rule) if story.rules.doubtful => {
            line(format!("rule     {}, but the text may be made up to name somebody else", place(rule)));
        }
        Some(rule) => line(format!("rule     {}", place(rule))),
        None => line("rule     none".to_owned()),
    }
    for (name, span) in &story.rules.captures {
        let text = &story.text[span.clone()];
        let place = placed(in_entry(&entry, &story.fields, &story.text, span));
        line(format!("capture  {name:<12} {place} {}", shown(text)));
    }
    for Near { rule, bytes } in &story.rules.near {
        line(format!("near     {} fits up to byte {bytes}: `{}`", place(rule), shown(&story.text[..*bytes])));
    }
    for part in json_parts(&story.event) {
        line(format!("event    {:<12} {}", part.name, shown(&part.text)));
    }
    for (name, frame) in frames(story) {
        line(format!("wire     {name}, {} bytes: {}", frame.len(), shown_bytes(&frame)));
    }
    out
}

/// One object: the numbers of an event are as they stand, however long.
#[derive(serde::Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    steps: Value,
    event: &'a RawValue,
}

fn as_json<'a>(story: &'a Story<'_>, missed: &[String]) -> Told<'a> {
    let rule_json = |rule: &RuleAt| json!({"name": rule.name, "file": rule.file, "line": rule.line});
    let entry = String::from_utf8_lossy(&story.entry);
    let part = |Part { name, span, text }: &Part| {
        let (start, end) = (span.as_ref().map(|span| span.start), span.as_ref().map(|span| span.end));
        json!({"name": name, "start": start, "end": end, "value": text})
    };
    let capture = |(name, span): &(&str, std::ops::Range<usize>)| {
        let place = in_entry(&entry, &story.fields, &story.text, span);
        json!({"name": name, "start": place.map(|at| at.0), "end": place.map(|at| at.1), "value": &story.text[span.clone()]})
    };
    let near = |near: &Near| json!({"rule": rule_json(&near.rule), "bytes": near.bytes});
    let frames = frames(story);
    let wire = frames.iter().map(|(name, frame)| ((*name).to_owned(), String::from_utf8_lossy(frame).into()));
    let steps = json!({
        "entry": entry,
        "dialect": story.dialect,
        "why": story.why,
        "fields": story.fields.iter().map(part).collect::<Vec<_>>(),
        "rule": story.rules.rule.as_ref().map(rule_json),
        "doubtful": story.rules.doubtful,
        "captures": story.rules.captures.iter().map(capture).collect::<Vec<_>>(),
        "near": story.rules.near.iter().map(near).collect::<Vec<_>>(),
        "wire": wire.collect::<serde_json::Map<String, Value>>(),
        "missed": missed,
    });
    Told { steps, event: serde_json::from_str(&story.event).unwrap_or(RawValue::NULL) }
}

/// The entry in every format.
fn frames(story: &Story<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let settings = Settings::default();
    let encoded = FORMATS.iter().map(|format| {
        let mut frame = Vec::new();
        (format.encode)(&settings, &envelope(Seq::NONE, &story.record), &story.record, &mut frame);
        (format.name, frame)
    });
    encoded.collect()
}

fn place(rule: &RuleAt) -> String {
    format!("{} ({}:{})", shown(&rule.name), shown(&rule.file.display().to_string()), rule.line)
}

/// From which byte to which, in columns.
fn placed(place: Option<(usize, usize)>) -> String {
    place.map_or_else(|| format!("{:>5}  {:<5}", "-", ""), |(start, end)| format!("{start:>5}..{end:<5}"))
}

fn shown(text: &str) -> String {
    shown_bytes(text.as_bytes())
}

fn shown_bytes(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    safe::bytes(bytes, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// What can be expected besides the fields of the event.
const OF_THE_STORY: [&str; 2] = ["dialect", "rule"];
/// No path is longer.
const PATH_MAX: usize = 4096;

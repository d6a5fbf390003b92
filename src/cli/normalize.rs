//! `otrail normalize`: a log in, events out; a filter in a pipe, with the code of the agent.

use super::Common;
use super::entries::{self, House};
use super::exit::Exit;
use super::forms::{self, Form};
use super::terminal;
use crate::collect::Cut;
use crate::dialect::{self, DIALECTS, Dialect};
use crate::model::Record;
use crate::query::render::{Look, Sink};
use anyhow::Context;
use clap::builder::PossibleValuesParser;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Turn a log into events: a filter in a pipe
///
/// Reads a file or stdin, entry by entry, and writes an event for each. Nothing is journaled or sent.
#[derive(Debug, clap::Args)]
pub struct Normalize {
    /// The log; - is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// What an event becomes
    #[arg(short, long, value_name = "FORM", default_value = "json", value_parser = PossibleValuesParser::new(forms::names()))]
    output: String,
    /// The language of the log; without it that of the source, or the entries tell
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(DIALECTS.iter().map(|dialect| dialect.name)))]
    dialect: Option<String>,
    /// The source of the configuration whose settings count; else the first
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The name of the sensor in the events; else that of the configuration
    #[arg(long, value_name = "NAME")]
    sensor: Option<String>,
}

impl Normalize {
    /// Exit code 0, whatever the entries are: what cannot be read is an event, too.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let mut house = House::open(common, self.source.as_deref())?;
        if let Some(sensor) = &self.sensor {
            house.sensor = sensor.as_str().into();
        }
        let dialect = self.dialect.as_deref().and_then(dialect::find);
        let mut input = open(&self.file)?;
        let mut writer = Writer::new(&self.output, common, out);
        writer.begin()?;
        let writer = std::cell::RefCell::new(writer);
        read(&house, dialect, &mut *input, &writer)?;
        let written = writer.borrow_mut().push();
        written.map(|_| Exit::Done.into())
    }
}

/// The file, or stdin for `-`.
pub(super) fn open(file: &Path) -> anyhow::Result<Box<dyn Read>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    Ok(Box::new(opened))
}

fn read(
    house: &House,
    dialect: Option<&'static Dialect>,
    input: &mut dyn Read,
    writer: &std::cell::RefCell<Writer<'_>>,
) -> anyhow::Result<()> {
    let mut take = |record: Record, _: &Cut<'_>| writer.borrow_mut().write(&record);
    // What came is seen before more is waited for: a pipe may be slow.
    let mut pause = || writer.borrow_mut().push();
    entries::read(house, dialect, input, &mut take, &mut pause)
}

/// Writes rows.
struct Writer<'a> {
    form: Form,
    waiting: Vec<u8>,
    out: &'a mut dyn Write,
}

impl<'a> Writer<'a> {
    fn new(form: &str, common: &Common, out: &'a mut dyn Write) -> Writer<'a> {
        let sink = if io::stdout().is_terminal() { Sink::Terminal } else { Sink::File };
        let look = Look { colour: common.color.on_stdout(), width: terminal::width(), ..Look::plain(sink) };
        Writer { form: Form::named(form, look), waiting: Vec::new(), out }
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        self.form.head(&mut self.waiting);
        self.push().map(drop)
    }

    fn write(&mut self, record: &Record) -> anyhow::Result<bool> {
        self.form.write(record, &mut self.waiting);
        if self.waiting.len() >= WAITING_BYTES { self.push() } else { Ok(true) }
    }

    /// False when nobody reads any more.
    fn push(&mut self) -> anyhow::Result<bool> {
        let written = self.out.write_all(&self.waiting).and_then(|()| self.out.flush());
        self.waiting.clear();
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            written => written.map(|()| true).context("cannot write the events"),
        }
    }
}

const WAITING_BYTES: usize = 64 << 10;

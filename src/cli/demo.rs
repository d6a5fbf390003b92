//! `otrail demo`: shows everything at work.

use super::{Common, Paint};
use crate::demo::{self, DemoError, Frame, Interrupt, Novelty, Scene, Summary};
use crate::query::render::safe;
use jiff::tz::TimeZone;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Show everything at work, without a sensor, a SIEM or root
///
/// Runs the real agent between a sensor that writes a made-up log and a syslog server that demands a client
/// certificate: all in one temporary folder on this machine, without root, in about ten seconds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 everything written has arrived, in order; 1 it has not, or the demo could not run; 130 interrupted.")]
pub struct Demo {
    /// Ask the sensor by its API instead of following a log
    #[arg(long)]
    api: bool,
    /// Leave the folder with its certificates, log, journal and config, and say what to do with it
    #[arg(long)]
    keep: bool,
}

impl Demo {
    /// Plays the demo and prints it.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let colored = common.color.on_stdout();
        let mut screen = Screen { out, colored, zone: TimeZone::system(), acts: 0 };
        screen.begin()?;
        let interrupt = Interrupt::listen()?;
        let settings = demo::Settings { keep: self.keep, api: self.api, colored };
        match demo::run(settings, &interrupt, &mut |scene| screen.show(scene)) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(DemoError::Interrupted) => {
                let folder = if self.keep { "its folder stays" } else { "its folder is removed" };
                writeln!(screen.out, "\ninterrupted: the agent is stopped, {folder}")?;
                Ok(ExitCode::from(INTERRUPTED))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Where the demo is seen.
struct Screen<'a> {
    out: &'a mut dyn Write,
    colored: bool,
    zone: TimeZone,
    acts: usize,
}

impl Screen<'_> {
    fn begin(&mut self) -> io::Result<()> {
        let title = Paint::Bold.over("otrail demo", self.colored);
        writeln!(
            self.out,
            "{title}: a sensor's user operations on their way to a SIEM, all on this machine"
        )?;
        self.out.flush()
    }

    /// A scene is seen at once.
    fn show(&mut self, scene: &Scene<'_>) -> io::Result<()> {
        match scene {
            Scene::Act { title, promise } => self.act(title, promise)?,
            Scene::Note(note) => writeln!(self.out, "   {}", plain(note))?,
            Scene::Waiting(content) => {
                let line = format!("   not sent yet: {}", plain(content));
                writeln!(self.out, "{}", Paint::Dim.over(&line, self.colored))?;
            }
            Scene::Arrival(frame, novelty) => self.arrival(frame, *novelty)?,
            Scene::Asked { command, answer } => self.asked(command, answer)?,
            Scene::Sum(summary) => self.sum(summary)?,
            Scene::Kept { folder, port } => self.kept(folder, *port)?,
        }
        self.out.flush()
    }

    fn act(&mut self, title: &str, promise: &str) -> io::Result<()> {
        self.acts += 1;
        let title = Paint::Bold.over(&format!("{}. {title}", self.acts), self.colored);
        writeln!(self.out, "\n{title}\n   {}", Paint::Dim.over(promise, self.colored))
    }

    /// Time, severity, action, user, target, outcome and number, in columns.
    fn arrival(&mut self, frame: &Frame, novelty: Novelty) -> io::Result<()> {
        let local = frame.time.timestamp().to_zoned(self.zone.clone());
        let user = frame.field("account").or(frame.field("user")).unwrap_or("-");
        let line = format!(
            "   {} {:<7} {:<26} {:<13} {:<23} {:<7} #{}{}",
            local.strftime("%T%.3f"),
            frame.severity_name(),
            column(&frame.action, 26),
            column(user, 13),
            column(&target(frame), 23),
            column(frame.field("outcome").unwrap_or("-"), 7),
            frame.number("seq").unwrap_or_default(),
            if novelty == Novelty::Again { " again" } else { "" },
        );
        let paint = match frame.severity {
            _ if novelty == Novelty::Again || frame.field("class") == Some("agent") => Some(Paint::Dim),
            ..=3 => Some(Paint::Red),
            4 => Some(Paint::Yellow),
            _ => None,
        };
        let line = paint.map_or(line.clone(), |paint| paint.over(&line, self.colored));
        writeln!(self.out, "{line}")
    }

    fn asked(&mut self, command: &str, answer: &str) -> io::Result<()> {
        writeln!(self.out, "   $ {}", Paint::Bold.over(command, self.colored))?;
        for row in answer.lines() {
            writeln!(self.out, "   {row}")?;
        }
        Ok(())
    }

    fn sum(&mut self, summary: &Summary) -> io::Result<()> {
        let good = |text: String, good: bool| {
            (if good { Paint::Green } else { Paint::Red }).over(&text, self.colored)
        };
        let lost = good(format!("lost {}", summary.lost), summary.lost == 0);
        let order = if summary.in_order { "kept" } else { "BROKEN" };
        let order = good(format!("order {order}"), summary.in_order);
        let Summary { written, delivered, duplicates, own, .. } = summary;
        writeln!(
            self.out,
            "\nwritten {written}, delivered {delivered}, {lost}, duplicates {duplicates}, {order}"
        )?;
        writeln!(
            self.out,
            "  duplicates are sent again for lack of evidence: same id, marked resent; \
             {own} more frames are otrail's own events"
        )
    }

    fn kept(&mut self, folder: &Path, port: u16) -> io::Result<()> {
        let program =
            std::env::current_exe().map_or_else(|_| "otrail".into(), |path| path.display().to_string());
        let folder = folder.display();
        writeln!(
            self.out,
            "\nThe folder stays: {folder}\n\n\
             \x20 # a syslog server for it, in another terminal\n\
             \x20 cd '{folder}'\n\
             \x20 openssl s_server -accept 127.0.0.1:{port} -cert server.pem -key server.key -CAfile ca.pem -Verify 1 \
             -quiet\n\n\
             \x20 # the agent, one more operation, and questions\n\
             \x20 cd '{folder}'\n\
             \x20 {program} -c otrail.toml check\n\
             \x20 {program} -c otrail.toml run &\n\
             \x20 tail -n 1 log/operations.ndjson | tee -a log/operations.ndjson\n\
             \x20 {program} -c otrail.toml status\n\
             \x20 {program} -c otrail.toml query --failed\n\
             \x20 kill %1\n\n\
             \x20 # the trail without any agent, and the end\n\
             \x20 less state/journal/*\n\
             \x20 rm -r '{folder}'"
        )
    }
}

fn target(frame: &Frame) -> String {
    let name = frame.field("target-name").or(frame.field("target-id"));
    match (frame.field("target-kind"), name) {
        (Some(kind), Some(name)) => format!("{kind}:{name}"),
        _ => "-".to_owned(),
    }
}

/// Text that cannot do anything to the terminal, cut to a width.
fn column(text: &str, width: usize) -> String {
    let text = plain(text);
    if text.chars().count() <= width {
        return text;
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

fn plain(text: &str) -> String {
    let mut out = Vec::new();
    safe::text(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// As shells have it: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

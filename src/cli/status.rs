//! `otrail status`: how the agent, its sources, journal and destinations are, on one screen.

use super::exit::Exit;
use super::{Common, Output, Paint, print_json};
use crate::control::Client;
use crate::model::status::{
    self, CertificateStatus, ConfigStatus, ControlStatus, DestinationStatus, Gaps, JournalStatus,
    SourceStatus,
};
use crate::query::render::safe;
use bytesize::ByteSize;
use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

/// Show how the agent is
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 healthy; 1 not healthy; 3 not running; 4 refused.")]
pub struct Status {
    /// How it looks
    #[arg(short, long, value_name = "SHAPE", value_enum, default_value_t)]
    output: Output,
}

impl Status {
    /// Prints the status; the exit code says whether all is well.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let status = Client::connect(&common.control()?)?.status()?;
        match self.output {
            Output::Text => out.write_all(screen(&status, common.color.on_stdout()).as_bytes())?,
            Output::Json => print_json(&status, out)?,
        }
        Ok(if status.healthy { Exit::Done } else { Exit::No }.into())
    }
}

/// The whole screen.
fn screen(status: &status::Status, colored: bool) -> String {
    let (dot, word) = if status.healthy { (Paint::Green, "healthy") } else { (Paint::Red, "not healthy") };
    let mut text = format!(
        "{} otrail {} on {}: {}, since {}, pid {}\n",
        dot.over("●", colored),
        plain(&status.version),
        plain(&status.sensor),
        dot.over(word, colored),
        plain(&status.since),
        status.pid
    );
    for problem in &status.problems {
        line(&mut text, "problem", &Paint::Red.over(&plain(problem), colored));
    }
    show_config(&mut text, &status.config);
    show_control(&mut text, &status.control);
    for source in &status.sources {
        match source.kind.as_str() {
            "api" => show_api(&mut text, source, colored),
            _ => show_source(&mut text, source, colored),
        }
    }
    show_journal(&mut text, &status.journal, colored);
    for destination in &status.destinations {
        show_destination(&mut text, destination, colored);
    }
    text
}

/// Agents before those that read it anew say nothing of it.
fn show_config(text: &mut String, config: &ConfigStatus) {
    if config.path.is_empty() {
        return;
    }
    let hash = config.sha256.get(..16).unwrap_or_default();
    let anew = match config.round {
        0 => String::new(),
        1 => ", read anew once".to_owned(),
        times => format!(", read anew {times} times"),
    };
    line(text, "config", &format!("{}, SHA-256 {}…{anew}", plain(&config.path), plain(hash)));
}

fn show_control(text: &mut String, control: &ControlStatus) {
    let times = match control.made_again {
        0 => return,
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    let at = plain(&control.made_again_at);
    line(text, "socket", &format!("its file was gone or another, and was made again {times}, last at {at}"));
}

fn show_source(text: &mut String, source: &SourceStatus, colored: bool) {
    let good = matches!(source.state.as_str(), "reading" | "idle");
    text.push('\n');
    line(text, "source", &format!("{}: {}", plain(&source.name), state(&source.state, good, colored)));
    line(text, "file", &plain(&source.path));
    let reason =
        if source.dialect_reason.is_empty() { String::new() } else { format!(": {}", source.dialect_reason) };
    line(text, "dialect", &format!("{}{}", plain(&source.dialect), plain(&reason)));
    line(text, "read", &format!("{} bytes, {} to go", source.offset, source.bytes_behind));
    line(text, "entries", &entries(source));
    line(text, "file ends", &format!("{} rotations, {} truncations", source.rotations, source.truncations));
    if source.replacements > 0 {
        let times = if source.replacements == 1 { "once" } else { &format!("{} times", source.replacements) };
        line(text, "replaced", &format!("{times} by what it had been, edited or not"));
    }
    if source.resets > 0 {
        line(text, "positions", &format!("{} changed by an admin", source.resets));
    }
    show_gaps(text, source.gaps, colored);
    for file in &source.files {
        let state = if file.rotated { ", rotated" } else { "" };
        let head = file.head.get(..16).unwrap_or("none");
        let identity = format!("device {}, inode {}, begins {head}…", file.device, file.inode);
        let place = format!("read {} bytes, {} to go{state}; {identity}", file.offset, file.bytes_behind);
        line(text, "open", &format!("{}: {place}", plain(&file.path)));
    }
    notice(text, &source.notice, colored);
    error(text, &source.error, colored);
}

/// A sensor that is asked.
fn show_api(text: &mut String, source: &SourceStatus, colored: bool) {
    let good = matches!(source.state.as_str(), "starting" | "asking" | "idle");
    text.push('\n');
    line(text, "source", &format!("{}: {}", plain(&source.name), state(&source.state, good, colored)));
    line(text, "asks", &format!("{}, sensor {}", plain(&source.path), plain(&source.sensor)));
    let age = source.last_answer.parse::<jiff::Timestamp>().ok();
    let age = age.map(|at| jiff::Timestamp::now().duration_since(at).as_secs().max(0));
    let answer = match age {
        Some(age) => format!("{}, {age} s ago", source.last_answer),
        None => "none yet".to_owned(),
    };
    let clock = match source.clock_ahead_seconds {
        0 => String::new(),
        ahead @ 1.. => format!("; its clock is {ahead} s ahead of ours"),
        behind => format!("; its clock is {} s behind ours", behind.unsigned_abs()),
    };
    line(text, "answer", &format!("{}{clock}", plain(&answer)));
    line(text, "entries", &entries(source));
    show_gaps(text, source.gaps, colored);
    notice(text, &source.notice, colored);
    error(text, &source.error, colored);
}

fn notice(text: &mut String, notice: &str, colored: bool) {
    if !notice.is_empty() {
        line(text, "notice", &Paint::Yellow.over(&plain(notice), colored));
    }
}

fn entries(source: &SourceStatus) -> String {
    let mut entries = format!(
        "{}, {} passed over, {} not understood, {} masked, {} cut",
        source.entries, source.passed_over, source.unparsed, source.masked, source.truncated
    );
    if !source.last_entry.is_empty() {
        let _infallible = write!(entries, "; the last at {}", plain(&source.last_entry));
        let _infallible = write!(entries, ", {} a second", source.entries_per_second);
    }
    entries
}

fn show_gaps(text: &mut String, gaps: Gaps, colored: bool) {
    let Gaps { truncated, vanished, unreadable, holes, doubts, skipped, overflows, outages } = gaps;
    let counts = [
        (truncated, "logs cut"),
        (vanished, "files gone"),
        (unreadable, "unreadable"),
        (holes, "holes"),
        (doubts, "perhaps repeated"),
        (skipped, "skipped by an admin"),
        (overflows, "answers too small"),
        (outages, "not asked for too long"),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !told.is_empty() {
        let gaps = format!("{}: something may be lost", told.join(", "));
        line(text, "gaps", &Paint::Red.over(&gaps, colored));
    }
}

fn show_journal(text: &mut String, journal: &JournalStatus, colored: bool) {
    text.push('\n');
    let word = if journal.full {
        state("full, reading is paused", false, colored)
    } else {
        state("open", true, colored)
    };
    line(text, "journal", &format!("{}: {word}", plain(&journal.path)));
    line(text, "stream", &plain(&journal.stream));
    line(text, "records", &format!("{} to {}", journal.oldest, journal.newest));
    let (bytes, bytes_max) = (ByteSize(journal.bytes), ByteSize(journal.bytes_max));
    line(text, "size", &format!("{bytes} of {bytes_max} in {} segments", journal.segments));
    if journal.damaged > 0 {
        let damaged = format!("{} ranges, set aside", journal.damaged);
        line(text, "damaged", &Paint::Red.over(&damaged, colored));
    }
    error(text, &journal.error, colored);
}

fn show_destination(text: &mut String, destination: &DestinationStatus, colored: bool) {
    let good = destination.state == "connected";
    text.push('\n');
    let mut word = state(&destination.state, good, colored);
    if !destination.connected_since.is_empty() {
        let _infallible = write!(word, " since {}", plain(&destination.connected_since));
    }
    line(
        text,
        "destination",
        &format!("{} at {}: {word}", plain(&destination.name), plain(&destination.address)),
    );
    for address in destination.addresses.iter().filter(|_| destination.addresses.len() > 1) {
        let state = match (address.in_use, address.error.is_empty(), address.connected_at.is_empty()) {
            (true, ..) => "in use".to_owned(),
            (_, false, _) => plain(&address.error),
            (_, _, false) => format!("connected at {}", plain(&address.connected_at)),
            _ => "not tried yet".to_owned(),
        };
        line(text, "address", &format!("{}: {state}", plain(&address.address)));
    }
    if !destination.tls.is_empty() {
        line(text, "tls", &plain(&destination.tls));
    }
    for CertificateStatus { whose, subject, until, .. } in &destination.certificates {
        line(
            text,
            "certificate",
            &format!("{} {}, valid until {}", plain(&whose.replace('-', " ")), plain(subject), plain(until)),
        );
    }
    if !destination.select.is_empty() {
        let select = plain(&destination.select.join(" "));
        line(text, "select", &format!("{select}; {} records passed over", destination.passed_over));
    }
    let mut evidence = plain(&destination.evidence);
    if evidence == "fin" {
        evidence.push_str(" (weaker: the server ends connections without a TLS close)");
    }
    if destination.round_trip_us > 0 {
        let _infallible = write!(evidence, " in {:.1} ms", destination.round_trip_us as f64 / 1000.0);
    }
    let confirmed = format!(
        "up to {} by {evidence}; {} records and {} s behind",
        destination.confirmed, destination.lag_records, destination.lag_seconds
    );
    line(text, "confirmed", &confirmed);
    let sent = format!(
        "up to {}, {} bytes on the way; {} frames, {} of them again, {} connections",
        destination.sent,
        destination.window_bytes,
        destination.frames,
        destination.resent,
        destination.connections
    );
    line(text, "sent", &sent);
    show_suspect(text, destination, colored);
    error(text, &destination.error, colored);
}

fn show_suspect(text: &mut String, destination: &DestinationStatus, colored: bool) {
    let (suspect, refusals) = (destination.suspect, destination.suspect_refusals);
    if suspect.0 > 0 {
        let said = format!("record {suspect}, refused {refusals} times while others were taken");
        line(text, "suspect", &Paint::Yellow.over(&said, colored));
    }
    if destination.set_aside > 0 {
        let said = format!("{} records, undelivered", destination.set_aside);
        line(text, "set aside", &Paint::Red.over(&said, colored));
    }
}

fn state(word: &str, good: bool, colored: bool) -> String {
    let paint = if good { Paint::Green } else { Paint::Yellow };
    paint.over(&plain(word), colored)
}

fn error(text: &mut String, error: &str, colored: bool) {
    if !error.is_empty() {
        line(text, "error", &Paint::Red.over(&plain(error), colored));
    }
}

/// One line: what it is about, right-aligned, and what there is to say.
fn line(text: &mut String, about: &str, said: &str) {
    let _infallible = writeln!(text, "{about:>12}: {said}");
}

/// Paths and errors may hold anything.
fn plain(text: &str) -> String {
    let mut out = Vec::new();
    safe::text(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Seq;
    use expect_test::expect;

    fn example() -> status::Status {
        status::Status {
            version: "0.1.0".into(),
            pid: 4242,
            sensor: "plant-a".into(),
            since: "2024-03-01T11:00:00.000Z".into(),
            config: ConfigStatus {
                path: "/etc/otrail/otrail.toml".into(),
                sha256: "0123456789abcdef".repeat(4),
                round: 2,
                unused: String::new(),
            },
            healthy: false,
            control: ControlStatus::default(),
            problems: vec!["destination `siem` has been away for 2 h".into()],
            sources: vec![SourceStatus {
                name: "timeline".into(),
                path: "/var/log/sensor/user\u{1b}[2J.ndjson".into(),
                state: "reading".into(),
                dialect: "timeline-json".into(),
                offset: 4096,
                entries: 12,
                passed_over: 1,
                masked: 2,
                last_entry: "2024-03-01T11:30:00.000Z".into(),
                ..SourceStatus::default()
            }],
            journal: JournalStatus {
                path: "/var/lib/otrail".into(),
                stream: "00ff".into(),
                bytes: 5 << 20,
                bytes_max: 2 << 30,
                segments: 2,
                oldest: Seq(1),
                newest: Seq(12),
                damaged: 1,
                ..JournalStatus::default()
            },
            destinations: vec![DestinationStatus {
                name: "siem".into(),
                address: "siem.example.net:6514".into(),
                state: "waiting".into(),
                evidence: "barrier".into(),
                confirmed: Seq(9),
                sent: Seq(9),
                lag_records: 3,
                lag_seconds: 7200,
                error: "connection refused".into(),
                ..DestinationStatus::default()
            }],
        }
    }

    #[test]
    fn the_screen_shows_everything_that_matters() {
        expect![[r#"
            ● otrail 0.1.0 on plant-a: not healthy, since 2024-03-01T11:00:00.000Z, pid 4242
                 problem: destination `siem` has been away for 2 h
                  config: /etc/otrail/otrail.toml, SHA-256 0123456789abcdef…, read anew 2 times

                  source: timeline: reading
                    file: /var/log/sensor/user\x1b[2J.ndjson
                 dialect: timeline-json
                    read: 4096 bytes, 0 to go
                 entries: 12, 1 passed over, 0 not understood, 2 masked, 0 cut; the last at 2024-03-01T11:30:00.000Z, 0 a second
               file ends: 0 rotations, 0 truncations

                 journal: /var/lib/otrail: open
                  stream: 00ff
                 records: 1 to 12
                    size: 5.0 MiB of 2.0 GiB in 2 segments
                 damaged: 1 ranges, set aside

             destination: siem at siem.example.net:6514: waiting
               confirmed: up to 9 by barrier; 3 records and 7200 s behind
                    sent: up to 9, 0 bytes on the way; 0 frames, 0 of them again, 0 connections
                   error: connection refused
        "#]]
        .assert_eq(&screen(&example(), false));
    }

    #[test]
    fn no_value_reaches_the_terminal_as_a_command() {
        assert!(!screen(&example(), false).contains('\u{1b}'));
    }
}

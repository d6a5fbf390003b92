//! This host: how logs are rotated on it, what it lets a process watch, and what its clock says.

use crate::agent::now;
use crate::cli::Common;
use crate::cli::entries::{self, House};
use crate::cli::finding::{Finding, ok, warning};
use crate::collect::{self, SourceSettings};
use crate::config::Config;
use crate::model::{Flag, Time};
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What is to be said of the host beside what the config names.
pub(super) fn findings(common: &Common, config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &config.collect.sources {
        let thing = format!("source {}", source.name);
        let logs = collect::logs(&source.path).map(|(logs, _)| logs).unwrap_or_default();
        findings.extend(logs.first().map(|log| rotation(&thing, log, &rotations())));
        findings.extend(logs.first().and_then(|log| clock(&thing, common, source, log)));
    }
    findings.extend(watches());
    findings
}

/// How the log is rotated, as far as that can be seen.
fn rotation(thing: &str, log: &Path, configs: &[(PathBuf, String)]) -> Finding {
    let named = |text: &str| text.contains(&log.display().to_string());
    let cuts = configs.iter().find(|(_, text)| named(text) && text.contains("copytruncate"));
    if let Some((config, _)) = cuts {
        let message = format!("{} has {} copied and cut (copytruncate)", config.display(), log.display());
        return warning(
            thing,
            message,
            "what is written between copy and cut is lost: have it renamed (`create`)",
        );
    }
    let former = collect::rotated(log);
    match former.as_slice() {
        [] => ok(thing, format!("nothing that {} was rotated to is beside it", log.display())),
        [one] => ok(thing, format!("{} is what it was rotated to", one.display())),
        [first, ..] => {
            ok(thing, format!("{} and {} more are what it was rotated to", first.display(), former.len() - 1))
        }
    }
}

/// The configs of logrotate on this host.
fn rotations() -> Vec<(PathBuf, String)> {
    let folder = fs::read_dir("/etc/logrotate.d").into_iter().flatten().flatten().map(|entry| entry.path());
    let all = folder.chain([PathBuf::from("/etc/logrotate.conf")]);
    all.filter_map(|path| fs::read_to_string(&path).ok().map(|text| (path, text))).collect()
}

/// An entry from the future tells that one of two clocks, or the zone, is wrong.
fn clock(thing: &str, common: &Common, source: &SourceSettings, log: &Path) -> Option<Finding> {
    let newest = newest(common, source, log)?;
    let ahead = (newest.millis() - now().millis()) / 1000;
    let message = format!("its newest entry is of {newest}");
    Some(if ahead > AHEAD_SECONDS {
        let message = format!("{message}, {ahead} s ahead of the clock of this host");
        warning(
            thing,
            message,
            "set the clocks of sensor and host by NTP, and `time-zone` to that of the log",
        )
    } else {
        ok(thing, message)
    })
}

/// The time of the newest of its last entries that say when they were.
fn newest(common: &Common, source: &SourceSettings, log: &Path) -> Option<Time> {
    let house = House::open(common, Some(&source.name)).ok()?;
    let (mut file, metadata) = collect::open_log(log, source.follow_symlinks).ok()?;
    let start = metadata.len().saturating_sub(LAST_BYTES);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut bytes = Vec::new();
    file.take(LAST_BYTES).read_to_end(&mut bytes).ok()?;
    // What begins within a line is half an entry.
    let from = if start == 0 { 0 } else { memchr::memchr(b'\n', &bytes)? + 1 };
    let mut newest = None;
    let mut take = |record: crate::model::Record, _: &collect::Cut<'_>| {
        if !record.event.flags.contains(Flag::TIME_ASSUMED) {
            newest = newest.max(Some(record.event.time));
        }
        Ok(true)
    };
    entries::read(&house, source.dialect, &mut &bytes[from..], &mut take, &mut || Ok(true)).ok()?;
    newest
}

/// What the kernel lets a process watch: without hints otrail looks by itself once a second.
fn watches() -> Option<Finding> {
    let limit = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok()
    };
    let (instances, watches) = (limit("max_user_instances")?, limit("max_user_watches")?);
    let message = format!("a user may have {instances} inotify instances and {watches} watches");
    Some(if instances < INSTANCES_MIN || watches < WATCHES_MIN {
        warning(
            "limits",
            message,
            "raise fs.inotify.max_user_instances and max_user_watches: entries may come a second later",
        )
    } else {
        ok("limits", message)
    })
}

/// How far ahead an entry may be: clocks are never quite alike.
const AHEAD_SECONDS: i64 = 60;
const LAST_BYTES: u64 = 64 << 10;
const INSTANCES_MIN: u64 = 16;
const WATCHES_MIN: u64 = 1024;

//! The settings that stand once in the file, and what holds between the parts.

use super::problem::quoted;
use super::raw::{Notes, Table, Value};
use super::{Config, destination, mask, sha256, source};
use crate::dialect::Rules;
use crate::model::{Class, Text};
use crate::{collect, control, forward, journal};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use toml::de::DeTable;

/// The configuration; it counts only if there is no problem in the notes afterwards.
pub(super) fn config<'a>(
    values: &'a DeTable<'a>,
    notes: &'a Notes<'a>,
    group_exists: &dyn Fn(&str) -> bool,
) -> Config {
    let top = Table::top(values, notes);
    let sensor = top.need("sensor", sensor_name).unwrap_or_default();
    let state_dir = top.read("state-dir", Value::path).unwrap_or_else(|| PathBuf::from(STATE_DIR));
    let heartbeat = top.read("heartbeat", |value| value.duration(HEARTBEAT_MIN..=DAY)).unwrap_or(HEARTBEAT);
    let collect = collect_settings(&top, sensor, &state_dir);
    let rules_folder = top.only("rules").read("folder", Value::path).unwrap_or_else(|| beside(notes.path));
    let destinations = destination::all(&top);
    let journal = journal_settings(&top, sensor, &state_dir, &destinations);
    let control = control_settings(&top, &state_dir, group_exists);
    Config {
        path: notes.path.to_owned(),
        text: notes.text.to_owned(),
        sha256: sha256(notes.text),
        sensor: sensor.to_owned(),
        state_dir,
        heartbeat,
        collect,
        rules_folder,
        rule_hashes: Vec::new(),
        rule_problems: Vec::new(),
        journal,
        destinations,
        control,
    }
}

/// The folder of rules that stands beside the config file.
fn beside(config: &Path) -> PathBuf {
    config.parent().map_or_else(|| PathBuf::from(RULES_FOLDER), |folder| folder.join(RULES_FOLDER))
}

pub(super) fn sensor_name<'a>(value: &Value<'a>) -> Option<&'a str> {
    let name = value.text()?;
    if name.chars().count() > SENSOR_CHARS_MAX {
        value.problem("`sensor` is too long", format!("at most {SENSOR_CHARS_MAX} characters"));
        return None;
    }
    Some(name)
}

fn collect_settings(top: &Table<'_>, sensor: &str, state_dir: &Path) -> collect::Settings {
    let (sources, apis) = source::all(top, sensor, state_dir);
    let select = top.only("select");
    let classes = select.read("classes", |value| {
        let classes = value.list(CLASSES.len(), class)?;
        if classes.is_empty() {
            value.problem("`classes` is empty: nothing would be journaled", "classes = [\"user-operation\"]");
        }
        Some(classes)
    });
    let user_login = select.read("user-login", class);
    collect::Settings {
        sensor: Text::from(sensor),
        sources,
        apis,
        classes: classes.unwrap_or_else(|| vec![Class::UserOperation]),
        user_login: user_login.unwrap_or(Class::UserOperation),
        open_files_max: usize::MAX,
        rules: Arc::clone(&RULES),
        masks: mask::all(top),
        state_dir: state_dir.to_path_buf(),
    }
}

/// otrail's own events are always journaled, so `agent` is not on offer.
fn class(value: &Value<'_>) -> Option<Class> {
    value.one_of(CLASSES.iter().map(|&class| (class.name(), class)))
}

fn journal_settings(
    top: &Table<'_>,
    sensor: &str,
    state_dir: &Path,
    destinations: &[forward::Settings],
) -> journal::Settings {
    let table = top.only("journal");
    let bytes_max = table.read("size-max", |value| value.size(MIB..=16 << 40)).unwrap_or(2 << 30);
    let segment_bytes_max = table.read("segment-max", |value| {
        let bytes = value.size(64 * KIB..=GIB)?;
        if bytes > bytes_max / SEGMENTS_MIN {
            value.problem(
                "`segment-max` is more than a quarter of `size-max`",
                "whole segments are removed, so a few must fit: lower it or raise `size-max`",
            );
        }
        Some(bytes)
    });
    journal::Settings {
        state_dir: state_dir.to_owned(),
        sensor: sensor.to_owned(),
        bytes_max,
        age_max: table.read("age-max", |value| value.duration(DAY..=DAY * 36_500)).unwrap_or(DAY * 400),
        segment_bytes_max: segment_bytes_max.unwrap_or((64 * MIB).min(bytes_max / SEGMENTS_MIN)),
        recent_bytes_max: table.read("recent-max", |value| value.memory(64 * KIB..=GIB)).unwrap_or(8 << 20),
        reserve_bytes: table.read("reserve", |value| value.size(64 * KIB..=GIB)).unwrap_or(8 * MIB),
        seal: table.read("seal", Value::boolean).unwrap_or(true),
        destinations: destinations.iter().map(|destination| destination.name.clone()).collect(),
    }
}

fn control_settings(
    top: &Table<'_>,
    state_dir: &Path,
    group_exists: &dyn Fn(&str) -> bool,
) -> control::Settings {
    let query = top.only("query");
    let groups = query.read("admin-groups", |value| {
        value.list(ADMINS_MAX, |group| {
            let name = group.text()?;
            if !group_exists(name) {
                group.warning(
                    format!("there is no group {}", quoted(name)),
                    "groupadd --system GROUP, or leave it out",
                );
            }
            Some(name.to_owned())
        })
    });
    let users =
        query.read("admin-users", |value| value.list(ADMINS_MAX, |user| user.text().map(str::to_owned)));
    control::Settings {
        socket: socket(&top.only("control"), state_dir),
        admin_groups: groups.unwrap_or_else(|| vec![ADMIN_GROUP.to_owned()]),
        admin_users: users.unwrap_or_default(),
    }
}

/// What a config has that says nothing of it.
pub(super) fn usual_control() -> control::Settings {
    control::Settings {
        socket: PathBuf::from(SOCKET),
        admin_groups: vec![ADMIN_GROUP.to_owned()],
        admin_users: Vec::new(),
    }
}

/// The runtime directory of the service goes with its state directory; any other agent keeps both in one place.
fn socket(control: &Table<'_>, state_dir: &Path) -> PathBuf {
    let given = control.read("socket", |value| {
        let path = value.path()?;
        if path.as_os_str().len() > SOCKET_BYTES_MAX {
            let way_out = format!("at most {SOCKET_BYTES_MAX} bytes: name a shorter path");
            value.problem("the path of the socket is too long for the system", way_out);
        }
        Some(path)
    });
    given.unwrap_or_else(|| match state_dir == Path::new(STATE_DIR) {
        true => PathBuf::from(SOCKET),
        false => state_dir.join("otrail.sock"),
    })
}

/// Compiled once: that costs more than reading all of the file.
static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::embedded()));
const RULES_FOLDER: &str = "rules.d";
const STATE_DIR: &str = "/var/lib/otrail";
const SOCKET: &str = "/run/otrail/otrail.sock";
const ADMIN_GROUP: &str = "otrail-admin";
const CLASSES: &[Class] = &[Class::UserOperation, Class::Network];
const SENSOR_CHARS_MAX: usize = 128;
const ADMINS_MAX: usize = 64;
/// `sockaddr_un.sun_path` less its closing zero.
const SOCKET_BYTES_MAX: usize = 107;
const SEGMENTS_MIN: u64 = 4;
const HEARTBEAT: Duration = Duration::from_secs(15 * 60);
const HEARTBEAT_MIN: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

//! One entry of the sensor's Event Timeline, whatever it is written in: its six values become an Event.

use super::rules::{Reading, Words};
use super::text::{DEVICES_MAX, account, address, addresses, device_names, unquoted};
use super::time::Moment;
use super::types::{self, Type};
use super::{Context, Identity, Parsed};
use crate::model::{Action, Class, Event, Flag, Outcome, Raw, Target, Text, Time};
use std::borrow::Cow;

/// The documented values of an entry; empty text counts as none but for the id.
#[derive(Debug, Default)]
pub(super) struct Timeline<'a> {
    /// When it happened, as far as the entry says so.
    pub time: Option<Moment>,
    pub kind: Option<Cow<'a, str>>,
    pub title: Option<Cow<'a, str>>,
    pub label: Option<Cow<'a, str>>,
    pub owner: Option<Cow<'a, str>>,
    pub content: Option<Cow<'a, str>>,
}

impl Timeline<'_> {
    /// Whether the entry says anything that is told by its name: a credible time, a type or its text.
    pub(super) fn says_something(&self) -> bool {
        let has_time = self.time.is_some_and(|moment| moment.time.is_some());
        has_time || self.kind.is_some() || self.content.is_some()
    }
}

/// The event of an entry that could be read.
pub(super) fn parsed(context: &Context<'_>, timeline: Timeline<'_>, raw: Raw) -> Parsed {
    let identity = identity(context, &timeline);
    Parsed { event: event(context, timeline, raw), identity, defect: None }
}

/// The event that such values make.
pub(super) fn event(context: &Context<'_>, timeline: Timeline<'_>, raw: Raw) -> Event {
    let Timeline { time, kind, title, label, owner, content } = timeline;
    let (kind, title) = (kind.unwrap_or_default(), title.unwrap_or_default());
    let content = content.unwrap_or_default();
    let known = types::index(&kind);
    let row = known.map(|at| &types::TYPES[at]);
    let (action, outcome) = default_action(context, row);

    let moment = time.unwrap_or_default();
    let mut event = Event::new(action, outcome, moment.time.unwrap_or(context.seen));
    event.seen = context.seen;
    event.sensor = context.sensor.clone();
    event.source = context.source.clone();
    if moment.time.is_none() || moment.is_assumed {
        event.flags.insert(Flag::TIME_ASSUMED);
    }
    if row.is_none() {
        event.flags.insert(Flag::UNKNOWN_TYPE);
    }
    match read_wording(context, known, &kind, &title, &content) {
        Reading::Words(words) => apply(&mut event, &words),
        Reading::Doubtful => event.flags.insert(Flag::UNPARSED),
        Reading::Nothing | Reading::TakenBack if event.action == Action::USER_OPERATION => {
            event.flags.insert(Flag::UNPARSED);
        }
        Reading::Nothing | Reading::TakenBack => {}
    }
    if let Some(owner) = owner.filter(|owner| !owner.is_empty()) {
        set_actor(&mut event, &owner, None);
    }
    if event.class == Class::Network || event.action.name().starts_with("device.") {
        event.devices = devices(&event, &content);
    }
    event.kind = row.map_or_else(|| kind.into(), |row| Text::const_new(row.name));
    event.title = match row {
        Some(row) if row.title == title => Text::const_new(row.title),
        _ => title.into(),
    };
    event.label = label.map(Text::from).unwrap_or_default();
    event.message = content.into();
    event.raw = raw;
    event
}

/// The event of an entry that could not be read: its text, as far as it is text, and nothing else.
pub(super) fn unparsed(context: &Context<'_>, entry: &[u8]) -> Parsed {
    let mut event = Event::new(Action::USER_OPERATION, Outcome::Unknown, context.seen);
    event.sensor = context.sensor.clone();
    event.source = context.source.clone();
    event.flags.insert(Flag::UNPARSED);
    event.flags.insert(Flag::TIME_ASSUMED);
    event.raw = match std::str::from_utf8(entry) {
        Ok(text) => Raw::Text(text.into()),
        Err(_) => {
            event.flags.insert(Flag::INVALID_UTF8);
            Raw::Bytes(entry.into())
        }
    };
    event.message = String::from_utf8_lossy(entry).into();
    let identity = Identity::of_values_and_position(b'r', &[Some(context.sensor.as_bytes()), Some(entry)]);
    Parsed { event, identity, defect: None }
}

/// A moment in milliseconds of the Unix epoch, unless no living sensor can have meant it.
///
/// The window catches seconds taken for milliseconds and clocks that were never set.
pub(super) fn credible_time(millis: i64) -> Option<Time> {
    const FROM_2000: i64 = 946_684_800_000;
    const BEFORE_2200: i64 = 7_258_118_400_000;
    (FROM_2000..BEFORE_2200).contains(&millis).then(|| Time::from_millis(millis)).flatten()
}

/// Action and outcome before anybody reads the text.
fn default_action(context: &Context<'_>, row: Option<&Type>) -> (Action, Outcome) {
    match row {
        None => (Action::USER_OPERATION, Outcome::Unknown),
        Some(row) if types::is_ambiguous_login(row.name) && context.user_login == Class::Network => {
            (types::NETWORK, row.outcome)
        }
        Some(row) => (row.action, row.outcome),
    }
}

fn read_wording<'a>(
    context: &Context<'a>,
    known: Option<usize>,
    kind: &str,
    title: &str,
    content: &'a str,
) -> Reading<'a> {
    if types::is_ambiguous_login(kind) && context.user_login == Class::Network {
        return Reading::Nothing;
    }
    context.rules.read(known, kind, title, content)
}

/// Takes over what a rule found in the text.
fn apply(event: &mut Event, words: &Words<'_>) {
    let row = words.action.row();
    event.action = words.action;
    event.outcome = words.outcome;
    event.class = row.class;
    event.severity = row.severity(words.outcome);
    if let Some(user) = words.user {
        set_actor(event, user, words.domain);
    }
    let plain = |text: Option<&str>| text.map(unquoted).filter(|text| !text.is_empty()).map(Text::from);
    // "User alice (10.2.3.4)" has in its parentheses what "User alice (Admin)" does not.
    let behind_the_name = words.role.and_then(address);
    event.role = if behind_the_name.is_some() { None } else { plain(words.role) };
    event.client = words.client.and_then(address).or(behind_the_name);
    event.reason = plain(words.reason);
    event.old = plain(words.old);
    event.new = plain(words.new);
    let (mut name, mut id) = (plain(words.target), plain(words.target_id));
    let numbered = |name: &Text| name.bytes().all(|byte| byte.is_ascii_digit());
    if id.is_none() && words.target_kind != "user" && name.as_ref().is_some_and(numbered) {
        id = name.take();
    }
    if name.is_some() || id.is_some() {
        event.target = Some(Box::new(Target { kind: words.target_kind.into(), name, id }));
    }
}

/// The devices that the entry is about: addresses in its text, and names where the text says that they are devices'.
fn devices(event: &Event, content: &str) -> Vec<Text> {
    let mut found = addresses(content, event.client.as_deref());
    if event.class == Class::Network {
        found.extend(device_names(content));
    }
    let target = event.target.as_deref().filter(|target| target.kind == "device");
    let merged = event.new.iter().filter(|_| event.action == Action::named("device.merge"));
    for name in target.and_then(|target| target.name.as_ref()).into_iter().chain(merged) {
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    found.truncate(DEVICES_MAX);
    found
}

fn set_actor(event: &mut Event, spelled: &str, domain: Option<&str>) {
    let account = account(spelled);
    event.user = Some(account.name);
    event.domain = domain.map(|domain| unquoted(domain).into()).or(account.domain);
    event.account = account.spelled;
}

fn identity(context: &Context<'_>, timeline: &Timeline<'_>) -> Identity {
    let time = timeline.time.and_then(|moment| moment.time).map(|time| time.millis().to_be_bytes());
    let values = [
        Some(context.sensor.as_bytes()),
        time.as_ref().map(|time| &time[..]),
        timeline.kind.as_deref().map(str::as_bytes),
        timeline.title.as_deref().map(str::as_bytes),
        timeline.label.as_deref().map(str::as_bytes),
        timeline.owner.as_deref().map(str::as_bytes),
        timeline.content.as_deref().map(str::as_bytes),
    ];
    match time {
        Some(_) => Identity::of_values(b't', &values),
        None => Identity::of_values_and_position(b't', &values),
    }
}

//! What an entry says that is no entry of the timeline: its words are read as those of a user operation.
//!
//! What the entry says in fields of their own goes before what the rules find in its text. An entry that names a
//! type is read as one of that type.
//!
//! Invariant: the id is made of the whole entry, so that nothing two entries differ in is lost from it. An entry
//! without a credible time is known by its place, too.

use super::text::{account, address};
use super::time::Moment;
use super::timeline::{self, Timeline};
use super::{Context, Identity, Parsed};
use crate::model::{Action, Class, Event, Flag, Outcome, Raw, Target, Text};
use std::borrow::Cow;

/// What can be said; empty text counts as nothing.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub time: Option<Moment>,
    /// The time as it stands.
    pub written: Option<Cow<'a, str>>,
    pub kind: Option<Cow<'a, str>>,
    pub title: Option<Cow<'a, str>>,
    pub label: Option<Cow<'a, str>>,
    pub user: Option<Cow<'a, str>>,
    pub role: Option<Cow<'a, str>>,
    pub target: Option<Cow<'a, str>>,
    pub client: Option<Cow<'a, str>>,
    pub outcome: Option<Cow<'a, str>>,
    pub reason: Option<Cow<'a, str>>,
    pub action: Option<Cow<'a, str>>,
    pub message: Option<Cow<'a, str>>,
    /// Where it is no text there is U+FFFD instead.
    pub mended: bool,
}

/// The event of an entry; `read` says what its text says, or nothing if it is in another language.
pub(super) fn parsed(
    context: &Context<'_>,
    entry: &[u8],
    read: impl for<'t> FnOnce(&'t str, &Context<'_>) -> Option<Said<'t>>,
) -> Parsed {
    let (text, raw, valid) = match std::str::from_utf8(entry) {
        Ok(text) => (Cow::Borrowed(text), Raw::Text(text.into()), true),
        Err(_) => (String::from_utf8_lossy(entry), Raw::Bytes(entry.into()), false),
    };
    let Some(said) = read(&text, context) else { return timeline::unparsed(context, entry) };
    let values = [Some(context.sensor.as_bytes()), Some(entry)];
    let identity = match said.time.and_then(|moment| moment.time) {
        Some(_) => Identity::of_values(b'e', &values),
        None => Identity::of_values_and_position(b'e', &values),
    };
    let is_text = valid && !said.mended;
    let mut event = event(context, said, raw);
    if !is_text {
        event.flags.insert(Flag::INVALID_UTF8);
    }
    Parsed { event, identity, defect: None }
}

fn event(context: &Context<'_>, said: Said<'_>, raw: Raw) -> Event {
    let kind = some(said.kind);
    let named = said.action.as_deref().and_then(|name| Action::parse(name.trim()));
    let content = some(said.message).or_else(|| some(said.action));
    let is_typed = kind.is_some();
    let timeline = Timeline {
        time: said.time,
        kind: Some(kind.unwrap_or(Cow::Borrowed(UNTYPED))),
        title: said.title,
        label: said.label,
        owner: said.user,
        content,
    };
    let mut event = timeline::event(context, timeline, raw);
    if !is_typed {
        event.kind = Text::default();
    }
    if let Some(action) =
        named.filter(|action| event.action == Action::USER_OPERATION && is_of_sensor(*action))
    {
        event.action = action;
        event.flags = event.flags.without(Flag::UNPARSED);
    }
    if let Some(outcome) = said.outcome.as_deref().and_then(outcome) {
        event.outcome = outcome;
    }
    event.severity = event.action.row().severity(event.outcome);
    let plain = |value: Option<Cow<'_, str>>| some(value).map(|value| Text::from(value.trim()));
    event.role = plain(said.role).or(event.role);
    event.reason = plain(said.reason).or(event.reason);
    event.client = said.client.and_then(|client| address(client.trim())).or(event.client);
    if let Some(name) = plain(said.target) {
        let is_user = event.action.name().starts_with("user.");
        let name = if is_user { account(&name).name } else { name };
        let target = event.target.get_or_insert_with(|| {
            Box::new(Target { kind: if is_user { "user" } else { "" }.into(), ..Target::default() })
        });
        target.name = Some(name);
    }
    event
}

fn some(value: Option<Cow<'_, str>>) -> Option<Cow<'_, str>> {
    value.filter(|value| !value.is_empty())
}

/// Whether a log may say so: otrail's own actions are otrail's alone, and no word of a log makes a user's doing
/// something that is passed over.
fn is_of_sensor(action: Action) -> bool {
    action.row().class == Class::UserOperation
}

/// The usual words for how it went.
fn outcome(word: &str) -> Option<Outcome> {
    let word = word.trim();
    let is_one_of = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is_one_of(&["success", "successful", "succeeded", "ok", "true", "allowed", "granted", "passed"]) {
        Some(Outcome::Success)
    } else if is_one_of(&["failure", "failed", "fail", "error", "false", "denied", "refused", "rejected"]) {
        Some(Outcome::Failure)
    } else {
        None
    }
}

/// The type that says nothing: the rules read the text.
const UNTYPED: &str = "USER_OPERATION";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_words_say_how_it_went() {
        assert_eq!(outcome(" OK "), Some(Outcome::Success));
        assert_eq!(outcome("Denied"), Some(Outcome::Failure));
        assert_eq!(outcome("200"), None);
    }

    #[test]
    fn no_log_speaks_for_otrail() {
        assert!(
            !is_of_sensor(Action::named("agent.start")) && !is_of_sensor(Action::named("network.activity"))
        );
        assert!(is_of_sensor(Action::USER_OPERATION));
    }
}

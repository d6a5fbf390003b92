//! What the fuzz targets do with their bytes. What must hold is in `tests/support/properties.rs`.
//!
//! ```text
//! timeline-json ... lines   a log, read whole, in pieces, and from the middle on
//! auto                      a log that comes in pieces and may change its language
//! time                      one byte for the settings, then a time
//! rules                     a rule file, NUL, a log that its rules read
//! rest                      a sentence, line feed, what stands behind it
//! patterns                  the pattern of a rule, line feed, a text
//! masks                     a pattern, line feed, an entry
//! formats                   thirteen bytes for the format, its settings and the action, then values, NUL between them
//! ```

#[path = "../support/auto.rs"]
mod auto;
#[path = "../support/decode.rs"]
mod decode;
#[path = "../support/properties.rs"]
mod properties;
#[path = "../support/reading.rs"]
mod reading;

pub use auto::auto;

use jiff::tz::TimeZone;
use otrail::dialect::{self, Context, Habits, Mask, Masks, Rules, State};
use otrail::model::{Action, Event, Flag, Outcome, Raw, Target, Text, Time};
use regex::bytes::RegexBuilder;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

/// A log in one dialect.
pub fn dialect(name: &str, log: &[u8]) {
    properties::hold(dialect::find(name).unwrap(), log);
}

/// A time in any zone, as any site writes it, read at any moment.
pub fn time(input: &[u8]) {
    let Some((&setting, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let zone = TimeZone::posix(ZONES[usize::from(setting) % ZONES.len()]).unwrap();
    let habits = Habits {
        day_first: [None, Some(false), Some(true)][usize::from(setting >> 2) % 3],
        ..Habits::default()
    };
    let seen =
        [Time::from_millis(1_709_200_000_000).unwrap(), Time::MIN, Time::MAX][usize::from(setting >> 4) % 3];
    let context = Context { zone: &zone, habits: &habits, seen, ..Context::example() };
    let moment = dialect::time_of(text, &context);
    assert_eq!(moment, dialect::time_of(&format!(" {text}\t"), &context), "{text:?}");
    if let Some(time) = moment.and_then(|moment| moment.time) {
        let again = dialect::time_of(&time.to_string(), &context).unwrap();
        assert_eq!((again.time, again.is_assumed), (Some(time), false), "{text:?}");
    }
}

/// A rule file: whatever it is, its problems have their place, and what its rules read is still an event.
pub fn rules(input: &[u8]) {
    let middle = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    let (file, log) = (&input[..middle], input.get(middle + 1..).unwrap_or_default());
    let Ok(file) = std::str::from_utf8(file) else { return };
    let files = [(PathBuf::from("site.toml"), file.to_owned())];
    let (rules, problems) = Rules::load_alone(&files);
    for problem in problems.iter().chain(&rules.failed_examples()) {
        let line = file.split('\n').nth(problem.line - 1).unwrap();
        assert!((1..=line.chars().count() + 1).contains(&problem.column), "{problem}");
        assert!(!problem.to_string().contains('\n'), "{problem}");
    }
    let context = Context { rules: &rules, ..Context::example() };
    for name in ["lines", "timeline-json"] {
        let dialect = dialect::find(name).unwrap();
        let events = dialect::normalize(dialect, log, &context);
        assert_eq!(events.len(), dialect::entries(dialect, &mut State::at(0), log).len());
        for event in events {
            let explained = rules.explain(&event.kind, &event.title, &event.message);
            for (name, found) in explained.captures {
                assert!(event.message.get(found).is_some(), "{name} in {:?}", event.message);
            }
            properties::can_be_written(event);
        }
    }
}

/// A sentence, and what somebody has written behind it: that makes no success of what has failed, nor lets one stand
/// that is said to have failed, nor names another than who did it.
pub fn rest(input: &[u8]) {
    let middle = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let (sentence, rest) = (&input[..middle], input.get(middle + 1..).unwrap_or_default());
    let (Ok(sentence), Ok(rest)) = (std::str::from_utf8(sentence), std::str::from_utf8(rest)) else { return };
    // A name may go on behind other signs.
    if !rest.starts_with([' ', ',', ';', '(', ')']) {
        return;
    }
    if let Some(event) = worded(&format!("User alice deleted user bob{rest}")) {
        let target = event.target.as_ref().and_then(|target| target.name.as_deref());
        assert_eq!(event.user.as_deref(), Some("alice"), "{rest:?}");
        assert!(target.is_none_or(|target| target.starts_with("bob")), "{rest:?}: {target:?}");
    }
    let Some(alone) = worded(sentence) else { return };
    let longer = worded(&format!("{sentence}{rest}"));
    let is_success = |event: &Event| event.outcome == Outcome::Success;
    assert!(
        is_success(&alone) || !longer.as_ref().is_some_and(is_success),
        "{sentence:?} {rest:?}: {longer:?}"
    );
    for word in ["failed", "access denied", "result=failure"] {
        let text = format!("{sentence}: {word}.{rest}");
        let Some(event) = worded(&text).filter(is_success) else { continue };
        let Event { user, target, reason, old, new, role, .. } = &event;
        let named = target.as_ref().and_then(|target| target.name.as_ref());
        let free = [user.as_ref(), named, reason.as_ref(), old.as_ref(), new.as_ref(), role.as_ref()];
        // Whatever stands in a summary, a comment or in quotes is its author's.
        let is_quoted = free.into_iter().flatten().any(|free| free.contains(word));
        assert!(is_quoted, "{text:?}: {event:?}");
    }
}

/// What the wording of a text says, if it is understood.
fn worded(text: &str) -> Option<Event> {
    let time = 1_709_193_520_000_i64;
    let entry = serde_json::json!({"timestamp": time, "type": "USER_OPERATION", "content": text}).to_string();
    let event = properties::events(dialect::find("timeline-json").unwrap(), entry.as_bytes()).pop();
    event.filter(|event| !event.flags.contains(Flag::UNPARSED))
}

/// A pattern of a rule, and a text: its groups are where the regex crate finds them.
pub fn patterns(input: &[u8]) {
    let middle = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let (pattern, text) = (&input[..middle], input.get(middle + 1..).unwrap_or_default());
    let (Ok(pattern), Ok(text)) = (std::str::from_utf8(pattern), std::str::from_utf8(text)) else { return };
    let is_word = |at: usize| pattern[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic());
    if pattern.contains(['\'', '\t', '\r']) || pattern.match_indices('{').any(|(at, _)| is_word(at)) {
        return;
    }
    let file = format!("[[rule]]\nname = 'a'\nmatch = '{pattern}'\naction = 'user.login'\nonce = ''\n");
    let (rules, _) = Rules::load_alone(&[(PathBuf::from("site.toml"), file)]);
    let explained = rules.explain("ANY", "", text);
    if explained.rule.is_none() {
        return;
    }
    let regex = RegexBuilder::new(pattern).case_insensitive(true).unicode(false).build().unwrap();
    let found = regex.captures(text.as_bytes()).unwrap();
    let names = regex.capture_names().flatten();
    let expected: BTreeMap<_, _> = names.filter_map(|name| Some((name, found.name(name)?.range()))).collect();
    assert_eq!(explained.captures.into_iter().collect::<BTreeMap<_, _>>(), expected, "{pattern} on {text:?}");
}

/// An entry read with a mask of any pattern, and with those that come with otrail.
pub fn masks(input: &[u8]) {
    let middle = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let (pattern, entry) = (&input[..middle], input.get(middle + 1..).unwrap_or_default());
    let pattern = std::str::from_utf8(pattern).ok();
    let mask = pattern.and_then(|pattern| Mask::new("any", pattern, "***").ok());
    let own = Masks::with(mask.into_iter().collect());
    for name in ["timeline-json", "timeline-csv", "lines"] {
        let (dialect, state, context) = (dialect::find(name).unwrap(), State::at(0), Context::example());
        for masks in [&own, &*SHIPPED] {
            let read = || dialect::read(dialect, &state, &context, masks, entry).event;
            let event = read();
            assert_eq!(event, read());
            if let Raw::Json(_) = &event.raw {
                assert!(!dialect::json_parts(std::str::from_utf8(event.raw.bytes()).unwrap()).is_empty());
            }
            properties::can_be_written(event);
        }
    }
}

/// An event with such values: its frame is harmless, within its limit, and reads back.
pub fn formats(input: &[u8]) {
    let Some((&choice, rest)) = input.split_first_chunk::<10>() else { return };
    let Some((&[action, flags, which], values)) = rest.split_first_chunk() else { return };
    let (format, settings, envelope) = reading::any_frame(choice);
    let mut texts = values.split(|&byte| byte == 0).map(|value| Text::from(String::from_utf8_lossy(value)));
    let mut text = || texts.next().unwrap_or_default();
    let actions: Vec<Action> = Action::all().collect();
    let outcome = Outcome::ALL[usize::from(which) % Outcome::ALL.len()];
    let all: Vec<Flag> = Flag::ALL.to_vec();
    let event = Event {
        message: text(),
        user: Some(text()),
        target: (which & 8 == 0)
            .then(|| Box::new(Target { kind: text(), name: Some(text()), id: Some(text()) })),
        client: Some(text()),
        domain: Some(text()),
        account: Some(text()),
        role: Some(text()),
        reason: Some(text()),
        old: Some(text()),
        new: Some(text()),
        sensor: text(),
        source: text(),
        kind: text(),
        title: text(),
        label: text(),
        devices: vec![text(), text()],
        flags: all
            .into_iter()
            .enumerate()
            .filter(|(at, _)| flags >> (at % 8) & 1 == 1)
            .map(|(_, flag)| flag)
            .collect(),
        raw: match which & 16 {
            0 => Raw::Text(String::from_utf8_lossy(values).into()),
            _ => Raw::Bytes(values.into()),
        },
        ..Event::new(
            actions[usize::from(action) % actions.len()],
            outcome,
            Time::from_millis(1_709_200_000_118).unwrap(),
        )
    };
    reading::holds_in(format, &settings, &envelope, &event);
}

static SHIPPED: LazyLock<Masks> = LazyLock::new(|| {
    Masks::with(Mask::shipped_names().map(|name| Mask::shipped(name, "***").unwrap()).collect())
});

const ZONES: [&str; 4] =
    ["UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "LHST-10:30LHDT-11,M10.1.0,M4.1.0"];

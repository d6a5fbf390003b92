//! Secrets are replaced before anybody computes with an entry: before its rules, its id and the journal.
//!
//! ```text
//! JSON       in the decoded text of each string, which is written anew: the entry stays valid JSON;
//!            {"pin":"1234"} is read as pin=1234, so the name of a field counts, too
//! other      in the entry as it stands; then in the fields, for a secret may hide behind the escapes of its form:
//!            what is found there is replaced in `raw`, or `raw` goes, and the id is made of the masked fields
//! ```
//!
//! Invariant: linear time; a pattern has at most `REGEX_BYTES_MAX` compiled.
//! Invariant: what a pattern finds in the text of an entry stands in no field, not in `raw` and not in the id.

mod json;
mod shipped;

use super::read::fields;
use super::{Context, Dialect, Identity, Parsed, State};
use crate::model::{Event, Flag, Raw};
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use shipped::SHIPPED;
use std::borrow::Cow;
use std::fmt;

/// One kind of secret.
#[derive(Debug, Clone)]
pub struct Mask {
    /// What an admin calls it.
    pub name: String,
    pattern: Regex,
    /// The group that is replaced; none is the whole match.
    group: Option<usize>,
    replacement: String,
}

/// Why a pattern cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MaskProblem {
    /// It is no regex.
    #[error("is no regex: {0}")]
    Syntax(String),
    /// It would take too much memory.
    #[error("is too large")]
    TooLarge,
    /// It matches the empty text, and so everywhere.
    #[error("matches the empty text")]
    MatchesNothing,
}

impl Mask {
    /// The group `secret` of the pattern is replaced, or its first named group, or all that it matches.
    pub fn new(name: &str, pattern: &str, replacement: &str) -> Result<Mask, MaskProblem> {
        let built = RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).build();
        let pattern = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => MaskProblem::TooLarge,
            error => {
                let text = error.to_string();
                let cause = text.lines().last().unwrap_or_default().trim();
                MaskProblem::Syntax(cause.trim_start_matches("error: ").to_owned())
            }
        })?;
        if pattern.is_match(b"") {
            return Err(MaskProblem::MatchesNothing);
        }
        let named = |wanted: Option<&str>| {
            let is_wanted = |name: Option<&str>| name.is_some() && (wanted.is_none() || wanted == name);
            pattern.capture_names().position(is_wanted)
        };
        let group = named(Some("secret")).or_else(|| named(None));
        Ok(Mask { name: name.to_owned(), group, pattern, replacement: replacement.to_owned() })
    }

    /// A mask that comes with otrail, by its name.
    pub fn shipped(name: &str, replacement: &str) -> Option<Mask> {
        let (name, pattern) = SHIPPED.iter().find(|(known, _)| *known == name)?;
        Mask::new(name, pattern, replacement).ok()
    }

    /// The names of the masks that come with otrail.
    pub fn shipped_names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// Whether a text may stand for a secret in any form of log.
    pub fn is_replacement(text: &str) -> bool {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"*#_.-<>".contains(&byte);
        text.len() <= 32 && text.bytes().all(harmless)
    }
}

/// All masks, ready for use.
pub struct Masks {
    masks: Vec<Mask>,
    /// Says whether any of them matches, in one pass.
    any: RegexSet,
}

impl Masks {
    /// These and no others: an entry is kept as it is unless somebody has asked for a mask.
    pub fn with(masks: Vec<Mask>) -> Masks {
        let patterns = masks.iter().map(|mask| mask.pattern.as_str());
        let any = RegexSetBuilder::new(patterns).size_limit(SET_BYTES_MAX).build();
        let any = any.unwrap_or_else(|_| RegexSet::empty());
        Masks { masks, any }
    }

    /// Reads an entry without its secrets.
    pub(super) fn parse(
        &self,
        dialect: &Dialect,
        state: &State,
        context: &Context<'_>,
        entry: &[u8],
    ) -> Parsed {
        if self.masks.is_empty() {
            return (dialect.parse)(state, context, entry);
        }
        if entry.first() == Some(&b'{') {
            let text = String::from_utf8_lossy(entry);
            if let Some(masked) = json::masked(self, &text) {
                return match masked {
                    Cow::Borrowed(_) => (dialect.parse)(state, context, entry),
                    Cow::Owned(masked) => flagged((dialect.parse)(state, context, masked.as_bytes())),
                };
            }
        }
        let mut parsed = match self.masked(entry, &mut Vec::new()) {
            None => (dialect.parse)(state, context, entry),
            Some(masked) => flagged((dialect.parse)(state, context, &masked)),
        };
        self.mask_fields(context, &mut parsed);
        parsed
    }

    /// The text with every secret replaced; `None` when there is none. What was replaced goes to `secrets`.
    fn masked(&self, text: &[u8], secrets: &mut Vec<String>) -> Option<Vec<u8>> {
        if !self.any.is_empty() && !self.any.is_match(text) {
            return None;
        }
        let mut found = false;
        let mut text = text.to_vec();
        for mask in &self.masks {
            let mut masked = Vec::with_capacity(text.len());
            let mut from = 0;
            for captures in mask.pattern.captures_iter(&text) {
                let group = mask.group.and_then(|group| captures.get(group)).or_else(|| captures.get(0));
                let Some(secret) = group.filter(|secret| secret.start() >= from && !secret.is_empty()) else {
                    continue;
                };
                if secret.as_bytes() == mask.replacement.as_bytes() {
                    continue;
                }
                found = true;
                secrets.push(String::from_utf8_lossy(secret.as_bytes()).into_owned());
                let start = boundary(&text, secret.start(), false).max(from);
                masked.extend_from_slice(&text[from..start]);
                masked.extend_from_slice(mask.replacement.as_bytes());
                from = boundary(&text, secret.end(), true);
            }
            masked.extend_from_slice(&text[from..]);
            text = masked;
        }
        found.then_some(text)
    }

    fn masked_text(&self, text: &str) -> Option<String> {
        self.masked(text.as_bytes(), &mut Vec::new()).map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    /// What the form of the entry has hidden.
    fn mask_fields(&self, context: &Context<'_>, parsed: &mut Parsed) {
        let mut secrets: Vec<String> = Vec::new();
        for field in fields(&mut parsed.event) {
            if let Some(masked) = self.masked(field.as_bytes(), &mut secrets) {
                *field = String::from_utf8_lossy(&masked).into();
            }
        }
        if secrets.is_empty() {
            return;
        }
        secrets.iter_mut().for_each(|secret| *secret = secret.trim_matches(['\\', '"', '\'']).to_owned());
        secrets.retain(|secret| secret.len() >= SECRET_BYTES_MIN);
        // The longest first: one may begin with another.
        secrets.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        secrets.dedup();
        let mut raw = String::from_utf8_lossy(parsed.event.raw.bytes()).into_owned();
        if secrets.len() * raw.len() > SEARCHED_BYTES_MAX {
            fields(&mut parsed.event)
                .filter(|field| !field.is_empty())
                .for_each(|field| *field = "***".into());
            secrets.clear();
        }
        let in_raw = secrets.iter().all(|secret| raw.contains(secret.as_str()));
        for secret in &secrets {
            raw = raw.replace(secret.as_str(), "***");
            for field in fields(&mut parsed.event).filter(|field| field.contains(secret.as_str())) {
                *field = field.replace(secret.as_str(), "***").into();
            }
        }
        parsed.event.raw = match in_raw && !secrets.is_empty() {
            true => Raw::Text(raw.into()),
            false => Raw::Text(parsed.event.message.as_str().into()),
        };
        parsed.event.flags.insert(Flag::MASKED);
        parsed.identity = identity(context, &parsed.event, parsed.identity.needs_position());
    }
}

impl Default for Masks {
    fn default() -> Masks {
        Masks::with(Vec::new())
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} masks", self.masks.len())
    }
}

fn flagged(mut parsed: Parsed) -> Parsed {
    parsed.event.flags.insert(Flag::MASKED);
    parsed
}

/// The end of the character that `at` is inside of, or its start.
fn boundary(text: &[u8], mut at: usize, up: bool) -> usize {
    while at > 0 && at < text.len() && text[at] & 0b1100_0000 == 0b1000_0000 {
        at = if up { at + 1 } else { at - 1 };
    }
    at
}

/// Of an entry whose own values must not be hashed.
fn identity(context: &Context<'_>, event: &Event, needs_position: bool) -> Identity {
    let time = event.time.millis().to_be_bytes();
    let values = [
        Some(context.sensor.as_bytes()),
        (!needs_position).then_some(&time[..]),
        Some(event.kind.as_bytes()),
        Some(event.title.as_bytes()),
        Some(event.label.as_bytes()),
        event.user.as_ref().map(|user| user.as_bytes()),
        Some(event.message.as_bytes()),
    ];
    match needs_position {
        true => Identity::of_values_and_position(b'm', &values),
        false => Identity::of_values(b'm', &values),
    }
}

/// Compiled form of one pattern.
const REGEX_BYTES_MAX: usize = 1 << 20;
const SET_BYTES_MAX: usize = 32 << 20;
/// A shorter secret is not looked for in other fields: it would be found everywhere.
const SECRET_BYTES_MIN: usize = 3;
/// An entry with so many hidden secrets that looking for each of them everywhere takes longer keeps nothing.
const SEARCHED_BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::super::{DIALECTS, Habits, Rules};
    use super::*;
    use crate::model::{Class, Text, Time};
    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static RULES: LazyLock<Rules> = LazyLock::new(Rules::embedded);

    fn read(masks: &Masks, entry: &[u8]) -> Parsed {
        let context = Context {
            sensor: &Text::from("plant-a"),
            source: &Text::from("timeline"),
            seen: Time::default(),
            zone: &TimeZone::UTC,
            habits: &Habits::default(),
            rules: &RULES,
            user_login: Class::UserOperation,
        };
        super::super::read(&DIALECTS[0], &State::at(9), &context, masks, entry)
    }

    fn entry(content: &str) -> String {
        let time = 1_709_193_520_000i64;
        serde_json::json!({"timestamp": time, "type": "USER_OPERATION", "content": content}).to_string()
    }

    fn shipped() -> Masks {
        Masks::with(Mask::shipped_names().filter_map(|name| Mask::shipped(name, "***")).collect())
    }

    #[test]
    fn without_a_mask_an_entry_is_kept_as_it_is() {
        let event = read(&Masks::default(), entry("password=hunter2").as_bytes()).event;
        assert_eq!((event.message.as_str(), event.flags.contains(Flag::MASKED)), ("password=hunter2", false));
    }

    fn message(content: &str) -> String {
        read(&shipped(), entry(content).as_bytes()).event.message.to_string()
    }

    #[test]
    fn what_is_certainly_a_secret_is_masked_by_what_comes_with_otrail() {
        for (text, masked) in [
            (
                "User a logged in, password=hunter2 from 10.2.3.4",
                "User a logged in, password=*** from 10.2.3.4",
            ),
            ("PASSWORD = \"two words\", ok", "PASSWORD = ***, ok"),
            ("api_key:0a1b secret='x y' pwd=ü€;", "api_key:*** secret=*** pwd=***;"),
            ("sent {\"secret\": \"a b\"} to x", "sent {\"secret\": ***} to x"),
            ("Authorization: Bearer abcdefghijkl.mnop", "Authorization: Bearer ***"),
            ("from https://bob:pw@10.1.1.1/x", "from https://bob:***@10.1.1.1/x"),
            ("used token 0123456789abcdef0123456789", "used token ***"),
        ] {
            assert_eq!(message(text), masked);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "User a failed to log in: wrong password: not permitted",
            "API token alice-api was created by user admin",
            "User admin changed the password of user m.okafor",
            "Secret Santa joined; token: removed",
        ] {
            assert_eq!(message(text), text);
        }
    }

    #[test]
    fn the_examples_of_the_rules_hold_no_secret() {
        let masks = shipped();
        for text in Rules::embedded().example_texts() {
            assert_eq!(masks.masked_text(text), None);
        }
    }

    #[test]
    fn a_masked_entry_is_still_its_json_and_who_did_it_stays() {
        let parsed = read(&shipped(), br#"{"timestamp":1709193520000, "type":"USER_OPERATION","password":"a b","pin":[1,"2"],"content":"User CORP\\al logged in from 10.2.3.4 password=al"}"#);
        let raw = r#"{"timestamp":1709193520000, "type":"USER_OPERATION","password":"***","pin":[1,"2"],"content":"User CORP\\al logged in from 10.2.3.4 password=***"}"#;
        assert_eq!(parsed.event.raw, Raw::Json(raw.into()));
        assert_eq!(parsed.event.user.as_deref(), Some("al"));
        assert!(parsed.event.flags.contains(Flag::MASKED));
        let other = entry("User CORP\\al logged in from 10.2.3.4 password=***");
        assert!(!read(&shipped(), other.as_bytes()).event.flags.contains(Flag::MASKED));
    }

    #[test]
    fn the_id_says_nothing_about_the_secret() {
        let of = |secret: &str| {
            let entry = entry(&format!("User a logged in password={secret}"));
            read(&shipped(), entry.as_bytes()).identity.id(0)
        };
        assert_eq!(of("one"), of("two"));
    }

    #[test]
    fn a_pattern_that_cannot_be_used_says_why() {
        for (pattern, problem) in [
            ("(", "is no regex: unclosed group"),
            ("\\w{99999}", "is too large"),
            ("a*", "matches the empty text"),
        ] {
            assert_eq!(Mask::new("a", pattern, "***").unwrap_err().to_string(), problem);
        }
    }

    proptest! {
        #[test]
        fn a_secret_is_nowhere_in_the_event(
            secret in "[A-Za-z0-9!?ü€\\\\]{6,20}", before in "[a-z\"\\\\ ]{0,20}", plain: bool, bad: bool,
        ) {
            let secret = format!("Qz7Kx{secret}");
            let badge = Mask::new("badge", "badge (?<secret>\\S+)", "***").unwrap();
            let masks = Masks::with(vec![badge, Mask::shipped("assignment", "***").unwrap()]);
            for text in [
                format!("User a {before} logged in badge {secret} badge {secret}"),
                format!("{before} password={secret} end"),
            ] {
                let mut bytes = if plain { text.into_bytes() } else { entry(&text).into_bytes() };
                if bad {
                    bytes.insert(1, 0xff);
                }
                let event = read(&masks, &bytes).event;
                prop_assert!(!format!("{event:?}").contains(&secret[..5]), "{event:?}");
                prop_assert!(!String::from_utf8_lossy(event.raw.bytes()).contains(&secret[..5]));
                prop_assert!(event.flags.contains(Flag::MASKED));
            }
        }
    }
}

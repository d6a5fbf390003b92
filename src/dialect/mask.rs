//! Secrets are replaced before anybody computes with an entry: before its rules, its id and the journal.
//!
//! ```text
//! JSON         in the decoded text of each string and name, which is written anew: the entry stays valid JSON;
//!              {"pin":"1234"} is read as pin=1234, so the name of a field counts, too
//! CSV          in each cell, which is written anew: every cell stays in its column, whatever a pattern takes
//! names and    in each value, which is written anew with its quotes and escapes; then in the entry as it stands,
//! values       for a secret may stand between them
//! other        in the entry as it stands
//! ```
//!
//! Then in the fields, for a secret may hide behind what nobody has thought of: what is found there is replaced in
//! `raw`, or `raw` goes, and the id is made of the masked fields.
//!
//! Invariant: linear time; a pattern has at most `REGEX_BYTES_MAX` compiled.
//! Invariant: what a pattern finds in the text of an entry stands in no field, not in `raw` and not in the id.

mod csv;
mod json;
mod one;
mod values;

pub use one::{Mask, MaskProblem};

use super::encoding::Encoding;
use super::read::fields;
use super::{Context, Identity, Parsed, State, lines};
use crate::model::{Event, Flag, Raw};
use regex::bytes::{RegexSet, RegexSetBuilder};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// All masks, ready for use.
#[derive(Clone)]
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

    /// Reads an entry without its secrets, as `parse` reads one.
    pub(super) fn parse(
        &self,
        state: &State,
        context: &Context<'_>,
        entry: &[u8],
        parse: impl Fn(&[u8]) -> Parsed,
    ) -> Parsed {
        if self.masks.is_empty() {
            return parse(entry);
        }
        let is_object = || state.encoding.text(entry).0.starts_with('{');
        if state.is_wide() && (state.table.is_none() || is_object()) {
            return self.parse_wide(state, context, entry, &parse);
        }
        if entry.strip_prefix(lines::MARK).unwrap_or(entry).first() == Some(&b'{') {
            let text = String::from_utf8_lossy(entry);
            if let Some(masked) = json::masked(self, &text) {
                return match masked {
                    Cow::Borrowed(_) => parse(entry),
                    Cow::Owned(masked) => flagged(parse(masked.as_bytes())),
                };
            }
        }
        let masked = match &state.table {
            Some(table) => {
                let (row, _) = state.encoding.text(entry);
                csv::masked(self, table, &row).map(|row| row.map(|row| state.encoding.bytes(row)))
            }
            None => {
                values::masked(self, &String::from_utf8_lossy(entry)).map(|text| text.map(String::into_bytes))
            }
        };
        let masked = masked.unwrap_or_else(|| self.masked(entry, &mut Vec::new()));
        let mut parsed = match masked {
            None => parse(entry),
            Some(masked) => flagged(parse(&masked)),
        };
        self.mask_fields(context, &mut parsed);
        parsed
    }

    /// The same of an entry in UTF-16 that is no row of CSV: it is masked in UTF-8.
    fn parse_wide(
        &self,
        state: &State,
        context: &Context<'_>,
        entry: &[u8],
        parse: &dyn Fn(&[u8]) -> Parsed,
    ) -> Parsed {
        let mut narrow = state.clone();
        (narrow.encoding, narrow.table) = (Encoding::Utf8, None);
        let (text, _) = state.encoding.text(entry);
        let parse: &dyn Fn(&[u8]) -> Parsed = &|masked| match masked == text.as_bytes() {
            true => parse(entry),
            false => parse(&state.encoding.bytes(String::from_utf8_lossy(masked).into_owned())),
        };
        self.parse(&narrow, context, text.as_bytes(), parse)
    }

    /// The text with every secret replaced; `None` when there is none. What was replaced goes to `secrets`.
    fn masked(&self, text: &[u8], secrets: &mut Vec<String>) -> Option<Vec<u8>> {
        self.masked_beside(text, secrets, "")
    }

    /// The same, with `mark` before each replacement; what begins with the mark has been masked before.
    fn masked_beside(&self, text: &[u8], secrets: &mut Vec<String>, mark: &str) -> Option<Vec<u8>> {
        if !self.may_be_in(text) {
            return None;
        }
        let mut found = false;
        let mut text = text.to_vec();
        for mask in &self.masks {
            let mut masked = Vec::with_capacity(text.len());
            let mut from = 0;
            for secret in mask.found(&text) {
                if secret.start() < from {
                    continue;
                }
                let is_done = !mark.is_empty() && secret.as_bytes().starts_with(mark.as_bytes());
                if is_done || secret.as_bytes() == mask.replacement.as_bytes() {
                    continue;
                }
                found = true;
                secrets.push(String::from_utf8_lossy(secret.as_bytes()).into_owned());
                let start = boundary(&text, secret.start(), false).max(from);
                masked.extend_from_slice(&text[from..start]);
                masked.extend_from_slice(mark.as_bytes());
                masked.extend_from_slice(mask.replacement.as_bytes());
                from = boundary(&text, secret.end(), true);
            }
            masked.extend_from_slice(&text[from..]);
            text = masked;
        }
        found.then_some(text)
    }

    /// Where in a text there are any.
    fn secrets<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let masks = if self.may_be_in(text.as_bytes()) { &self.masks[..] } else { &[] };
        masks.iter().flat_map(move |mask| mask.secrets(text))
    }

    fn may_be_in(&self, text: &[u8]) -> bool {
        self.any.is_empty() || self.any.is_match(text)
    }

    fn masked_text(&self, text: &str) -> Option<String> {
        self.marked_text(text, "")
    }

    fn marked_text(&self, text: &str, mark: &str) -> Option<String> {
        let masked = self.masked_beside(text.as_bytes(), &mut Vec::new(), mark)?;
        Some(String::from_utf8_lossy(&masked).into_owned())
    }

    /// Takes the secrets out of one of otrail's own events: an admin may have asked for one.
    pub fn mask_own(&self, event: &mut Event) {
        let mut found = false;
        for field in fields(event) {
            if let Some(masked) = self.masked_text(field) {
                *field = masked.into();
                found = true;
            }
        }
        if found {
            event.flags.insert(Flag::MASKED);
        }
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

const SET_BYTES_MAX: usize = 32 << 20;
/// A shorter secret is not looked for in other fields: it would be found everywhere.
const SECRET_BYTES_MIN: usize = 3;
/// An entry with so many hidden secrets that looking for each of them everywhere takes longer keeps nothing.
const SEARCHED_BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests;

//! `[destination.select]`: which events a destination gets, by the words of `otrail query`.

use super::problem::{nearest, quoted};
use super::raw::Value;
use crate::filter::{Clock, FILTERS, FilterError, Selection};
use crate::model::Time;
use std::ops::Range;
use std::sync::Arc;
use toml::de::DeValue;

/// Each key is a filter word, each value one or several of it; `None` for an empty table, which selects everything.
pub(super) fn select(value: &Value<'_>) -> Option<Arc<Selection>> {
    let DeValue::Table(table) = value.value else {
        let way_out = "write [destination.select], and below it: severity = \"4..\"";
        value.problem("`select` must be a table", way_out);
        return None;
    };
    let clock = Clock::utc(Time::from_timestamp(jiff::Timestamp::now()));
    let mut words = Vec::new();
    for (key, given) in table {
        let word: &str = key.get_ref();
        if !FILTERS.iter().any(|kind| kind.name == word) {
            let known = || FILTERS.iter().map(|kind| kind.name).filter(|name| !DATES.contains(name));
            let way_out = match nearest(word, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", known().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("unknown key {} in [destination.select]", quoted(word));
            value.notes.problem(key.span(), message, way_out);
            continue;
        }
        let below = Value { span: given.span(), value: given.get_ref(), ..value.clone() };
        let values = items(&below);
        let good = values.iter().filter_map(|value| text(value, word, &clock)).map(|text| (word, text));
        let count = words.len();
        words.extend(good);
        if let Err(FilterError::Twice { word }) = Selection::parse(words[count..].iter().cloned(), &clock) {
            below.problem(format!("`{word}` has more than one value"), "leave one");
        }
    }
    let selection = Selection::parse(words.iter().cloned(), &clock).ok()?;
    if !selection.wants_own() {
        let message = "this destination is not told of gaps and losses, nor that otrail is there";
        value.notes.warning(class_of(value), message, "add \"agent\" to `class`");
    }
    (!words.is_empty()).then(|| Arc::new(selection))
}

/// One value, or each of a list.
fn items<'a>(value: &Value<'a>) -> Vec<Value<'a>> {
    match value.value {
        DeValue::Array(items) if (1..=VALUES_MAX).contains(&items.len()) => items
            .iter()
            .map(|item| Value { span: item.span(), value: item.get_ref(), ..value.clone() })
            .collect(),
        DeValue::Array(_) => {
            value.problem("so many values of a word are not allowed", format!("allowed: 1 to {VALUES_MAX}"));
            Vec::new()
        }
        _ => vec![value.clone()],
    }
}

/// A value of the word: text, or a number as it is written.
fn text(value: &Value<'_>, word: &str, clock: &Clock) -> Option<String> {
    let text = match value.value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        _ => {
            value.problem(
                format!("`{word}` must be text, or a list of texts"),
                "for example: severity = \"4..\"",
            );
            return None;
        }
    };
    match Selection::parse([(word, &text)], clock) {
        Ok(selection) if selection.is_dated() => {
            let way_out = "leave it out; `from = \"now\"` leaves out what is old";
            value.problem("a destination has no end: no time can be part of its `select`", way_out);
            None
        }
        Ok(_) => Some(text),
        Err(FilterError::Value { word, value: given, way_out, place }) => {
            let message = format!("{} is no value for `{word}`", quoted(&given));
            value.notes.problem(part(value, &given, place), message, way_out);
            None
        }
        Err(error) => {
            value.problem(error.to_string(), "write it once");
            None
        }
    }
}

/// Where a part of the value stands: as far as it is written as it is meant, without escapes.
fn part(value: &Value<'_>, given: &str, place: Option<Range<usize>>) -> Range<usize> {
    let text = value.span.start + 1..value.span.end.saturating_sub(1);
    match place {
        Some(place) if !place.is_empty() && value.notes.text.get(text.clone()) == Some(given) => {
            text.start + place.start..text.start + place.end
        }
        _ => value.span.clone(),
    }
}

/// Where `class` stands.
fn class_of(value: &Value<'_>) -> Range<usize> {
    let DeValue::Table(table) = value.value else { return value.span.clone() };
    table.get("class").map_or_else(|| value.span.clone(), |class| class.span())
}

/// Words that no destination can be given.
const DATES: &[&str] = &["since", "until"];
const VALUES_MAX: usize = 64;

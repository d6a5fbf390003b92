//! `[source.fields]`: which field of an entry means what, for logs that otrail does not know.

use super::problem::{nearest, quoted};
use super::raw::Value;
use crate::dialect::{Fields, MEANINGS};
use toml::Spanned;
use toml::de::DeValue;

/// Each key is a meaning, each value a name or a list of names.
pub(super) fn fields(value: &Value<'_>) -> Option<Fields> {
    let DeValue::Table(table) = value.value else {
        value.problem("`fields` must be a table", "write [source.fields], and below it: user = \"username\"");
        return None;
    };
    let mut fields = Fields::default();
    let mut is_good = true;
    for (key, names) in table {
        let meaning: &str = key.get_ref();
        let known = MEANINGS.iter().map(|(known, _)| *known);
        if !known.clone().any(|known| known == meaning) {
            let way_out = match nearest(meaning, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", known.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("unknown key {} in [source.fields]", quoted(meaning));
            value.notes.problem(key.span(), message, way_out);
            is_good = false;
            continue;
        }
        let below = Value { span: names.span(), value: names.get_ref(), ..value.clone() };
        match names_of(&below) {
            Some(names) => is_good &= fields.set(meaning, names),
            None => is_good = false,
        }
    }
    is_good.then_some(fields)
}

fn names_of(value: &Value<'_>) -> Option<Vec<String>> {
    let name = |value: &Value<'_>| match value.value {
        DeValue::String(_) => value.text().map(str::to_owned),
        _ => {
            value.problem("the name of a field must be text", "for example: user = \"username\"");
            None
        }
    };
    match value.value {
        DeValue::Array(names) if (1..=NAMES_MAX).contains(&names.len()) => {
            let one = |item: &Spanned<DeValue<'_>>| {
                name(&Value { span: item.span(), value: item.get_ref(), ..value.clone() })
            };
            let read: Vec<Option<String>> = names.iter().map(one).collect();
            read.into_iter().collect()
        }
        DeValue::Array(_) => {
            value.problem("so many names for a field are not allowed", format!("allowed: 1 to {NAMES_MAX}"));
            None
        }
        _ => Some(vec![name(value)?]),
    }
}

const NAMES_MAX: usize = 16;

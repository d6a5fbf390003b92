//! The strings of a JSON text, masked in place: all else stays byte for byte as it is.

use super::super::mend;
use super::super::parts::bare;
use super::Masks;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// The text without secrets, borrowed when it has none; `None` when it is not JSON.
pub(super) fn masked<'a>(masks: &Masks, json: &'a str) -> Option<Cow<'a, str>> {
    let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
    let is_meant = || mend::mended(json).is_some_and(|mended| is_json(bare(&mended.text)));
    if !is_json(json) && !is_json(bare(json)) && !is_meant() {
        return None;
    }
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    let mut key: Option<Cow<'_, str>> = None;
    while let Some((start, end)) = scalar(json, at) {
        at = end;
        let token = &json[start..end];
        let is_text = token.starts_with('"');
        let value = if is_text { decoded(token) } else { Cow::Borrowed(token) };
        if is_text && json[end..].trim_start().starts_with(':') {
            if !KNOWN.contains(&&*value)
                && let Some(masked) = masks.masked_text(&value)
            {
                out.push_str(&json[copied..start]);
                out.push_str(&serde_json::Value::String(masked).to_string());
                copied = end;
            }
            key = Some(value);
            continue;
        }
        // The name counts for all items of a list, too.
        let named =
            key.as_deref().filter(|key| !KNOWN.contains(key)).and_then(|key| by_name(masks, key, &value));
        if let Some(masked) = named.or_else(|| is_text.then(|| masks.masked_text(&value)).flatten()) {
            out.push_str(&json[copied..start]);
            out.push_str(&serde_json::Value::String(masked).to_string());
            copied = end;
        }
    }
    if copied == 0 {
        return Some(Cow::Borrowed(json));
    }
    out.push_str(&json[copied..]);
    Some(Cow::Owned(out))
}

/// What stands for a value whose name makes it a secret.
pub(super) fn by_name(masks: &Masks, key: &str, value: &str) -> Option<String> {
    let whole = format!("{key}={value}");
    let masked = masks.masked_text(&whole)?;
    let alone = masks.masked_text(value);
    let by_value = alone.as_deref().unwrap_or(value);
    let same = masked.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')) == Some(by_value);
    // The value alone would have come out otherwise: its name did it, and then all of it is secret.
    if same { alone } else { Some("***".to_owned()) }
}

/// The next string, number or word at or after `from`.
fn scalar(json: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = json.as_bytes();
    let start = from + bytes[from..].iter().position(|byte| !b" \t\r\n,:[]{}".contains(byte))?;
    if bytes[start] != b'"' {
        let length = bytes[start..].iter().position(|byte| b" \t\r\n,:[]{}".contains(byte));
        return Some((start, length.map_or(bytes.len(), |length| start + length)));
    }
    let mut at = start + 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(at..)?) {
        at += found;
        if bytes[at] == b'"' {
            return Some((start, at + 1));
        }
        at += 2;
    }
    None
}

fn decoded(token: &str) -> Cow<'_, str> {
    let inside = token.trim_start_matches('"');
    match token.contains('\\') {
        false => Cow::Borrowed(inside.strip_suffix('"').unwrap_or(inside)),
        true => {
            let mended = || serde_json::from_str(&mend::mended(token)?.text).ok();
            serde_json::from_str(token).ok().or_else(mended).map_or(Cow::Borrowed(token), Cow::Owned)
        }
    }
}

/// The names of the documented fields are no secrets; the hot path goes past them.
const KNOWN: [&str; 6] = ["timestamp", "type", "title", "severity", "owner", "content"];

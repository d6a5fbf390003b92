//! The settings as docs and as a JSON Schema, made from the shipped config file and its comments.
//!
//! A test holds that file and the table of keys together, so that this is every key there is. What the file has
//! commented out is optional, and what it shows is the default.

use super::keys::{SECTIONS, Section};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use toml::de::DeValue;

/// One setting.
struct Setting {
    section: &'static Section,
    name: String,
    /// The value in TOML.
    shown: String,
    about: String,
    /// It stands there without a `#`, and in every table of its section that the file shows.
    required: bool,
    tables: usize,
}

/// Every setting, as Markdown.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Every setting\n\nMade by `otrail schema config --format markdown`. A value is the default, or of a required setting an example.\n",
    );
    let settings = settings();
    for section in SECTIONS {
        let title = if section.name.is_empty() {
            "At the top of the file".to_owned()
        } else {
            format!("`{}`", section.title())
        };
        let _ = writeln!(text, "\n## {title}\n\n| setting | value | |\n|---|---|---|");
        for setting in settings.iter().filter(|setting| setting.section == section) {
            let name = if setting.required { format!("**{}**", setting.name) } else { setting.name.clone() };
            let about = setting.about.replace('|', "\\|");
            let _ = writeln!(text, "| {name} | `{}` | {about} |", setting.shown);
        }
    }
    text
}

/// The JSON Schema of the file, for editors that know TOML.
pub fn json_schema() -> Value {
    let settings = settings();
    let mut top = Map::new();
    for section in SECTIONS {
        let of_section = || settings.iter().filter(|setting| setting.section == section);
        let properties: Map<String, Value> =
            of_section().map(|setting| (setting.name.clone(), property(setting))).collect();
        if section.name.is_empty() {
            top.extend(properties);
            continue;
        }
        let required: Vec<&str> =
            of_section().filter(|setting| setting.required).map(|setting| setting.name.as_str()).collect();
        let mut table = json!({"type": "object", "properties": properties, "additionalProperties": false});
        if !required.is_empty() {
            table["required"] = required.into();
        }
        let schema = if section.many { json!({"type": "array", "items": table}) } else { table };
        top.insert(section.name.to_owned(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of otrail",
        "type": "object",
        "properties": top,
        "required": ["sensor", "source"],
        "additionalProperties": false,
    })
}

fn property(setting: &Setting) -> Value {
    let mut property = match (setting.name.as_str(), value_of(&setting.shown)) {
        ("facility", default) => json!({"type": ["string", "integer"], "default": default}),
        (_, Value::Array(_)) => json!({"type": "array", "items": {"type": "string"}}),
        (_, Value::Object(_)) => json!({"type": "object"}),
        (_, default @ Value::Bool(_)) => json!({"type": "boolean", "default": default}),
        (_, default @ Value::Number(_)) => json!({"type": "integer", "default": default}),
        (_, text) if setting.required => json!({"type": "string", "examples": [text]}),
        (_, text) => json!({"type": "string", "default": text}),
    };
    property["description"] = setting.about.as_str().into();
    property
}

/// What a value in TOML is; lists and tables only as such.
fn value_of(shown: &str) -> Value {
    let text = format!("x = {shown}");
    let (table, _) = toml::de::DeTable::parse_recoverable(&text);
    match table.get_ref().get("x").map(|value| value.get_ref()) {
        Some(DeValue::Boolean(value)) => (*value).into(),
        Some(DeValue::Integer(value)) => value.as_str().parse::<i64>().unwrap_or_default().into(),
        Some(DeValue::Array(_)) => json!([]),
        Some(DeValue::Table(_)) => json!({}),
        Some(DeValue::String(value)) => (&**value).into(),
        _ => Value::Null,
    }
}

/// The settings of the shipped file, each with the comment above it, or above the settings that it follows directly.
fn settings() -> Vec<Setting> {
    let (mut settings, mut headers): (Vec<Setting>, Vec<&str>) = Default::default();
    let (mut section, mut about, mut open) = (&SECTIONS[0], String::new(), false);
    for line in SHIPPED.lines() {
        let bare = line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line);
        if let Some(found) =
            SECTIONS.iter().find(|section| !section.name.is_empty() && section.title() == bare)
        {
            section = found;
            headers.push(section.name);
        } else if let Some(comment) = line.strip_prefix("# ") {
            if !open {
                about.clear();
            }
            open = true;
            about.push_str(if about.is_empty() { "" } else { " " });
            about.push_str(comment);
        } else if let Some((name, shown)) = bare.split_once(" = ") {
            open = false;
            let same = |setting: &&mut Setting| setting.section == section && setting.name == name;
            if let Some(known) = settings.iter_mut().find(same) {
                known.tables += 1;
                continue;
            }
            let (name, shown, about) = (name.to_owned(), shown.to_owned(), about.clone());
            settings.push(Setting { section, name, shown, about, required: bare == line, tables: 1 });
        } else {
            open = false;
            about.clear();
        }
    }
    for setting in &mut settings {
        let shown = headers.iter().filter(|&&name| name == setting.section.name).count();
        setting.required &= setting.tables >= shown;
    }
    settings
}

const SHIPPED: &str = include_str!("../../packaging/otrail.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_there_once_with_a_comment() {
        let settings = settings();
        for section in SECTIONS {
            let found = settings.iter().filter(|setting| setting.section == section);
            let found: Vec<&str> = found.map(|setting| setting.name.as_str()).collect();
            assert_eq!(
                found,
                section.keys.iter().map(|key| key.name).collect::<Vec<_>>(),
                "{}",
                section.name
            );
        }
        for setting in &settings {
            let known_alone = ["socket"].contains(&setting.name.as_str());
            assert!(!setting.about.is_empty() || known_alone, "{} has no comment", setting.name);
            assert_ne!(value_of(&setting.shown), Value::Null, "{}", setting.name);
        }
    }
}

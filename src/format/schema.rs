//! What a frame says, as docs and as a JSON Schema: made from the tables that the formats write from.

use super::tree::{self, Node};
use super::{FIELDS, FORMATS, Field, Format, Kind, Places, json};
use crate::model::{ACTIONS, ActionRow, AsimSchema, Class, Flag, Ocsf, Outcome};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Where a format shows a field: keys, in the order in which they are written. Empty for what it does not carry.
pub fn keys(format: &Format, field: Field) -> Vec<String> {
    let of = |all: Vec<(String, Option<Field>)>| {
        all.into_iter().filter(|(_, of)| *of == Some(field)).map(|(key, _)| key).collect()
    };
    let mut keys: Vec<String> = match format.places {
        Places::Params(params) => {
            of(params.iter().map(|param| (param.name().to_owned(), Some(param.of))).collect())
        }
        Places::Pairs(tables) => of(tables
            .iter()
            .flat_map(|pairs| pairs.iter())
            .map(|pair| (labelled(pair.key, pair.label), pair.of))
            .collect()),
        Places::Tree(nodes) => of(tree::paths(nodes)),
    };
    keys.extend(format.elsewhere.iter().filter(|(of, _)| *of == field).map(|(_, place)| (*place).to_owned()));
    keys.dedup();
    keys
}

fn labelled(key: &str, label: &str) -> String {
    if label.is_empty() { key.to_owned() } else { format!("{key} ({label})") }
}

/// Why a format does not carry a field.
pub fn why_absent(format: &Format, field: Field) -> Option<&'static str> {
    format.absent.iter().find(|(of, _)| *of == field).map(|(_, why)| *why)
}

/// Every field in every format, and every action in every schema, as Markdown.
pub fn markdown() -> String {
    let mut text = String::from(HEAD);
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let _ = writeln!(text, "| field | meaning | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(names.len()));
    let mut reasons = Vec::new();
    for row in FIELDS {
        let name = if row.required { format!("**{}**", row.name) } else { row.name.to_owned() };
        let _ = write!(text, "| {name} | {} |", row.about);
        for format in FORMATS {
            let keys = keys(format, row.field);
            let shown: Vec<String> = keys.iter().map(|key| cell(key)).collect();
            let _ = write!(text, " {} |", if keys.is_empty() { "-".to_owned() } else { shown.join(", ") });
            reasons.extend(why_absent(format, row.field).map(|why| (format.name, row.name, why)));
        }
        text.push('\n');
    }
    text.push_str("\nWhat is not there:\n\n");
    for (format, field, why) in reasons {
        let _ = writeln!(text, "- `{format}` has no `{field}`: {why}.");
    }
    put_actions(&mut text);
    text
}

fn cell(key: &str) -> String {
    if key.contains([' ', ':']) && !key.contains('(') { key.to_owned() } else { format!("`{key}`") }
}

fn put_actions(text: &mut String) {
    text.push_str(ACTIONS_HEAD);
    for row in ACTIONS {
        let severity = match row.severity == row.severity_failed {
            true => row.severity.to_string(),
            false => format!("{} / {}", row.severity, row.severity_failed),
        };
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {severity} | {}: {} | {} | {} | {} | {} |",
            row.code,
            row.name,
            row.title,
            row.category,
            row.ecs.category,
            row.ecs.types.join(", "),
            row.ocsf.type_uid(),
            older(row.ocsf_1_8, row.ocsf),
            asim(row),
            attack(row),
        );
    }
}

fn older(old: Ocsf, new: Ocsf) -> String {
    if old == new { "same".to_owned() } else { old.type_uid().to_string() }
}

fn asim(row: &ActionRow) -> String {
    let object = if row.asim.object.is_empty() { String::new() } else { format!(" {}", row.asim.object) };
    let schema = match row.asim.schema {
        AsimSchema::Authentication => "Authentication",
        AsimSchema::UserManagement => "UserManagement",
        AsimSchema::AuditEvent => "AuditEvent",
    };
    format!("{schema} {}{object}", row.asim.event)
}

fn attack(row: &ActionRow) -> String {
    let list = |list: &[&str]| if list.is_empty() { "-".to_owned() } else { list.join(" ") };
    match row.attack == row.attack_failed {
        true => list(row.attack),
        false => format!("{} / {}", list(row.attack), list(row.attack_failed)),
    }
}

/// The JSON Schema (draft 2020-12) of the format `json`. Later versions may add properties.
pub fn json_schema() -> Value {
    let mut schema = object(json::TREE);
    let optional = [Field::Resent, Field::Replay, Field::Sensor, Field::Source, Field::Flags];
    let required = FIELDS.iter().filter(|row| row.required && !optional.contains(&row.field));
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "An event of otrail in the format json".into();
    schema["required"] = required.map(|row| Value::from(row.name)).collect();
    schema
}

fn object(nodes: &[Node]) -> Value {
    let mut properties = Map::new();
    for node in nodes {
        match node {
            Node::Leaf { key, of, .. } => {
                properties
                    .insert((*key).to_owned(), of.map_or_else(|| json!({}), |field| property(field, key)));
            }
            Node::Group { key, nodes } => {
                properties.insert((*key).to_owned(), object(nodes));
            }
            // Of the format json there is neither.
            Node::List { .. } | Node::Flags { .. } => {}
            Node::When { nodes, .. } => {
                if let Some(more) = object(nodes)["properties"].as_object_mut() {
                    properties.append(more);
                }
            }
        }
    }
    json!({"type": "object", "properties": properties})
}

fn property(field: Field, key: &str) -> Value {
    let words = |words: Vec<&str>| json!({"enum": words});
    let of_actions = |column: fn(&ActionRow) -> &'static str| {
        let mut all: Vec<&str> = ACTIONS.iter().map(column).collect();
        all.sort_unstable();
        all.dedup();
        words(all)
    };
    let mut property = match (field, field.row().kind) {
        (Field::Stream | Field::Id, _) => json!({"type": "string", "pattern": "^[0-9a-f]{32}$"}),
        (Field::Resent | Field::Replay, _) => json!({"const": true}),
        (Field::Class, _) => words(Class::ALL.map(Class::name).to_vec()),
        (Field::Outcome, _) => words(Outcome::ALL.map(Outcome::name).to_vec()),
        (Field::Action, _) => of_actions(|row| row.name),
        (Field::Code, _) => json!({"type": "string", "pattern": "^OTA-[0-9]{4}$"}),
        (Field::Category, _) => of_actions(|row| row.category),
        (Field::Severity, _) => json!({"type": "integer", "minimum": 0, "maximum": 10}),
        (Field::Flags, _) => {
            let all: Vec<&str> = Flag::ALL.map(Flag::name).into_iter().chain(["escaped", "cut"]).collect();
            json!({"type": "array", "items": words(all), "uniqueItems": true})
        }
        (Field::Raw, _) if key == "raw-base64" => json!({"type": "string", "contentEncoding": "base64"}),
        (_, Kind::Text | Kind::Word) => json!({"type": "string"}),
        (_, Kind::Number) => json!({"type": "integer", "minimum": 0}),
        (_, Kind::Time) => json!({"type": "string", "format": "date-time", "pattern": TIME}),
        (_, Kind::List) => json!({"type": "array", "items": {"type": "string"}}),
    };
    property["description"] = field.row().about.into();
    property
}

const TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$";

const HEAD: &str = "\
# Every field in every format

Made by `otrail schema event --format markdown` from the tables that the formats are written from; a test compares.
Fields in bold are in every event and cannot be left out. A label after a key of CEF is the value of its `...Label`.

What a format cannot carry is replaced, and the event gets a flag:

- `escaped`: a character was replaced by a visible escape that readers of the format do not undo: control characters
  (`\\n`, `\\t`, `\\u001b`), and in LEEF the delimiter. JSON undoes its escapes, and CEF those of line feeds: there nothing
  has changed and no flag is set.
- `cut`: a value was longer than `value-max` or than the schema allows (it ends with `…`), the message did not fit into
  `frame-max` (it ends with `…[cut N bytes]`), there were too many devices, or the entry itself (`raw`) was left out
  because it would not fit. Frames stay valid: a cut JSON is still JSON.

";

const ACTIONS_HEAD: &str = "
# Every action in every schema

Severity: when it worked or nothing is known / when it failed, 0 to 10 as in CEF. LEEF has 1 for 0. OCSF: 0-3
Informational, 4-5 Low, 6-7 Medium, 8-9 High, 10 Critical. OCSF is the `type_uid` of 1.9, then that of 1.8; what 1.1
does not know yet has the activity 99 there. ATT&CK: techniques that it may be a sign of, from memory of the matrix, in
the same two cases.

| code | action | name | category | severity | ECS category: types | OCSF 1.9 | to 1.8 | ASIM | ATT&CK |
|---|---|---|---|---|---|---|---|---|---|
";

//! Frames under readers and schemas of others: CEF by two Python packages, OCSF by its published schemas, ECS by its
//! published list of fields, our own JSON by its JSON Schema.
//!
//! The Python packages are in `target/decoders`, where `tests/run` puts them; where they are missing this test gets
//! them, and says so when it cannot. There is no reader of LEEF to be had: `formats.rs` has one of our own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use otrail::format::{Format, Header, OcsfVersion, Settings, schema};
use otrail::model::{Action, Event, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::decode::decode;
use support::events::{HOSTILE, everywhere, extreme, usual, whole};
use support::python::python_with;
use support::reading::encode;

/// The class of OCSF 1.9 that older versions do not have.
const USER_MANAGEMENT: u32 = 3007;

/// The event of a frame, without a syslog header.
fn frame(format: &str, settings: &Settings, event: &Event) -> String {
    let settings = Settings { header: Some(Header::None), ..settings.clone() };
    String::from_utf8(encode(Format::named(format).unwrap(), &settings, event)).unwrap()
}

/// Every action in every outcome, and one of each class with hostile and extreme values.
fn events() -> Vec<Event> {
    let mut events = vec![whole()];
    for action in Action::all() {
        events.extend(Outcome::ALL.map(|outcome| usual(action, outcome)));
        events.push(Event { action, ..whole() });
    }
    let class =
        |action: Action| (action.row().ocsf.class, action.row().ocsf_1_8.class, action.row().ecs.category);
    let classes: BTreeMap<_, _> = Action::all().map(|action| (class(action), action)).collect();
    for action in classes.into_values() {
        events.extend(HOSTILE.iter().map(|(_, value)| Event { action, ..everywhere(value) }));
        events.extend(extreme().into_iter().map(|(_, event)| Event { action, ..event }));
    }
    events
}

#[test]
fn cef_ocsf_and_json_are_what_others_read_them_as() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let cef: String = events().iter().map(|event| format!("{}\n", cef_case(event))).collect();
    fs::write(dir.path().join("cef.ndjson"), cef).unwrap();
    for (version, name) in [(OcsfVersion::V1_1, "1.1.0"), (OcsfVersion::V1_8, "1.8.0")] {
        let settings = || Settings { ocsf: version, ..Settings::default() };
        let lines: String = events().iter().map(|event| frame("ocsf", &settings(), event) + "\n").collect();
        fs::write(dir.path().join(format!("ocsf-{name}.ndjson")), lines).unwrap();
    }
    let all: Vec<Event> = events().into_iter().filter(is_of_older_classes).collect();
    let lines: String = all.iter().map(|event| frame("ocsf", &Settings::default(), event) + "\n").collect();
    fs::write(dir.path().join("ocsf-1.9.0.ndjson"), lines).unwrap();
    fs::copy(record_integrity(), dir.path().join("ocsf-1.9.0.schema")).unwrap();
    let lines: String =
        events().iter().map(|event| frame("json", &Settings::default(), event) + "\n").collect();
    fs::write(dir.path().join("json.ndjson"), lines).unwrap();
    fs::write(dir.path().join("json.schema"), schema::json_schema().to_string()).unwrap();
    let config =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/otrail.toml")).unwrap();
    let config: Value = toml::from_str(&config).unwrap();
    fs::write(dir.path().join("config.ndjson"), format!("{config}\n")).unwrap();
    fs::write(dir.path().join("config.schema"), otrail::config::schema::json_schema().to_string()).unwrap();
    let said = verdict(&python, dir.path());
    assert!(said.ends_with(" frames read, 0 faults\n"), "{said}");
}

/// Whether OCSF 1.8 has the class of 1.9 that the event goes to, with its activity.
fn is_of_older_classes(event: &Event) -> bool {
    let row = event.action.row();
    row.ocsf.class != USER_MANAGEMENT && row.ocsf.type_uid() == row.ocsf_1_8.type_uid()
}

fn record_integrity() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schema/ocsf-1.9-record_integrity.json")
}

/// A check that finds nothing is worth something only if it would.
#[test]
fn the_published_schemas_of_ocsf_find_what_is_wrong() {
    let Some(python) = python() else { return };
    let older = Settings { ocsf: OcsfVersion::V1_8, ..Settings::default() };
    let create = usual(Action::parse("user.create").unwrap(), Outcome::Success);
    let login = usual(Action::parse("user.login").unwrap(), Outcome::Success);
    let fingerprint = "/attestation_list/0/fingerprint";
    for (version, settings, event, pointer, key, wrong) in [
        ("1.8.0", &older, &create, "", "severity_id", json!("3")),
        ("1.8.0", &older, &create, "", "activity_id", json!(44)),
        ("1.8.0", &older, &create, "", "status", json!("Nope")),
        ("1.8.0", &older, &create, "", "surprise", json!(1)),
        ("1.8.0", &older, &create, "", "user", Value::Null),
        ("1.8.0", &older, &create, "/actor/user", "nick", json!("x")),
        ("1.8.0", &older, &create, "/device", "type_id", Value::Null),
        ("1.8.0", &older, &create, "/metadata", "profiles", Value::Null),
        ("1.9.0", &Settings::default(), &login, "/metadata", "profiles", json!(["host"])),
        ("1.9.0", &Settings::default(), &login, "/attestation_list/0", "fingerprint", Value::Null),
        ("1.9.0", &Settings::default(), &login, "/attestation_list/0/prev_event", "uid", Value::Null),
        ("1.9.0", &Settings::default(), &login, fingerprint, "serialization_id", json!(12)),
        ("1.9.0", &Settings::default(), &login, fingerprint, "algorithm_id", Value::Null),
    ] {
        let mut event: Value = serde_json::from_str(&frame("ocsf", settings, event)).unwrap();
        let object = event.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        match wrong {
            Value::Null => object.remove(key),
            wrong => object.insert(key.to_owned(), wrong),
        };
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(format!("ocsf-{version}.ndjson")), format!("{event}\n")).unwrap();
        fs::copy(record_integrity(), dir.path().join("ocsf-1.9.0.schema")).unwrap();
        let said = verdict(&python, dir.path());
        assert!(said.contains("1 frames read, ") && !said.contains(" 0 faults"), "{pointer}/{key}: {said}");
    }
}

/// What the readers say about the files of a folder.
fn verdict(python: &Path, folder: &Path) -> String {
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decoders/check.py");
    let output = Command::new(python).arg(check).arg(folder).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

#[test]
fn the_schema_of_our_json_knows_every_key() {
    let schema = schema::json_schema();
    for event in events() {
        let frame: Value = serde_json::from_str(&frame("json", &Settings::default(), &event)).unwrap();
        knows_every_key(&schema, &frame);
    }
}

fn knows_every_key(schema: &Value, value: &Value) {
    for (key, part) in value.as_object().into_iter().flatten() {
        let property = schema["properties"].get(key).unwrap_or_else(|| panic!("{key} is not in the schema"));
        knows_every_key(property, part);
    }
}

/// What the reader must get: custom fields stand under their labels there.
fn cef_case(event: &Event) -> Value {
    let frame = frame("cef", &Settings::default(), event);
    let decoded = decode("cef", &frame);
    let pairs: BTreeMap<&str, &str> =
        decoded.values.iter().map(|(key, values)| (key.as_str(), values[0].as_str())).collect();
    let is_label = |key: &str| key.strip_suffix("Label").is_some_and(|key| pairs.contains_key(key));
    let expected: BTreeMap<&str, &str> = pairs
        .iter()
        .filter(|(key, _)| !is_label(key))
        .map(|(key, value)| (*pairs.get(format!("{key}Label").as_str()).unwrap_or(key), *value))
        .collect();
    json!({"frame": frame, "expected": expected, "pairs": pairs})
}

/// The interpreter that has the readers.
fn python() -> Option<PathBuf> {
    python_with("pycef, cefevent, jsonschema, ocsf_json_schema")
}

#[test]
fn ecs_has_only_fields_of_the_schema_with_their_types_and_values() {
    let table = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schema/ecs.tsv"))
        .unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().unwrap_or_default();
        (cell(), (cell(), cell() == "array", cell()))
    });
    let fields: BTreeMap<_, _> = rows.collect();
    for event in events() {
        let frame: Value = serde_json::from_str(&frame("ecs", &Settings::default(), &event)).unwrap();
        check_ecs(&fields, "", &frame);
        let category = frame["event"]["category"][0].as_str().unwrap();
        let (_, _, categories) = fields["event.category"];
        let types =
            categories.split(',').find_map(|of| of.strip_prefix(category)?.strip_prefix(':')).unwrap();
        for kind in frame["event"]["type"].as_array().unwrap() {
            assert!(types.split('+').any(|known| known == kind), "{kind} of {category}");
        }
    }
}

type Fields<'t> = BTreeMap<&'t str, (&'t str, bool, &'t str)>;

fn check_ecs(fields: &Fields<'_>, path: &str, value: &Value) {
    let Some(&(kind, is_list, allowed)) = fields.get(path) else {
        let parts = value.as_object().unwrap_or_else(|| panic!("there is no {path} in ECS"));
        for (key, part) in parts {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            check_ecs(fields, &path, part);
        }
        return;
    };
    assert_eq!(value.is_array(), is_list, "{path}");
    let one = [value.clone()];
    for value in value.as_array().map_or(&one[..], Vec::as_slice) {
        let fits = match kind {
            "long" => value.is_u64(),
            "date" => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            "ip" => value.as_str().is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok()),
            // `labels`: keywords, and nothing below them.
            "object" => {
                value.as_object().unwrap().values().all(|label| label.is_string() || label.is_array())
            }
            _ => value.is_string(),
        };
        assert!(fits, "{path} is {kind}, not {value}");
        let known = |allowed: &str| value == allowed.split(':').next().unwrap();
        assert!(allowed.is_empty() || allowed.split(',').any(known), "{path} may not be {value}");
    }
}

//! Every format on every action and on hostile values: golden bytes, and strict readers that get back what went in.

mod support;

use expect_test::expect_file;
use otrail::format::{FIELDS, FORMATS, Field, Kind, Precision, Settings, schema};
use otrail::model::{Action, Event, Outcome, Raw};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::events::{HOSTILE, event, everywhere, extreme, usual, whole};
use support::reading::{any_frame, encode, holds, holds_in, variants};

/// `UPDATE_EXPECT=1 cargo test` rewrites the expected files; read the diff before you commit it.
#[test]
fn every_action_and_every_hostile_value_has_its_golden_frame() {
    for (format, settings, name) in variants() {
        let mut text = String::new();
        let mut put = |name: &str, event: &Event| {
            let frame = String::from_utf8(encode(format, &settings, event)).unwrap();
            holds(format, &settings, event);
            let frame = frame.replace(concat!("|", env!("CARGO_PKG_VERSION"), "|"), "|VERSION|");
            let frame = frame.replace(concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"VERSION\"");
            text.push_str(&format!("{name}: {frame}\n"));
        };
        for action in Action::all() {
            put(action.name(), &usual(action, Outcome::Success));
        }
        for action in ["user.login", "ti_package.failed", "agent.query_denied"] {
            put(&format!("{action} failed"), &usual(Action::parse(action).unwrap(), Outcome::Failure));
        }
        put("whole", &whole());
        for (name, value) in HOSTILE {
            put(name, &everywhere(value));
        }
        for (name, event) in extreme().into_iter().filter(|(name, _)| !name.contains("long")) {
            put(name, &event);
        }
        expect_file![golden(&format!("{name}.txt"))].assert_eq(&text);
    }
}

#[test]
fn every_format_shows_every_field_or_says_why_not() {
    for format in FORMATS {
        for row in FIELDS {
            let (keys, why) = (schema::keys(format, row.field), schema::why_absent(format, row.field));
            assert!(keys.is_empty() == why.is_some(), "{} in {}: {keys:?}, {why:?}", row.name, format.name);
        }
    }
}

#[test]
fn every_hostile_value_reads_back_for_every_action_in_every_format() {
    for (format, settings, _) in variants() {
        for action in Action::all() {
            for (_, value) in HOSTILE {
                holds(format, &settings, &Event { action, ..everywhere(value) });
            }
        }
        for (_, event) in extreme() {
            holds(format, &settings, &event);
        }
    }
}

#[test]
fn what_is_left_out_is_nowhere_in_the_frame() {
    let marked = |row: &otrail::format::FieldRow| format!("mark-of-{}-end", row.name);
    let of = |field: Field| Some(marked(field.row()).as_str().into());
    let event = Event {
        target: Some(Box::new(otrail::model::Target {
            kind: "user".into(),
            name: of(Field::TargetName),
            id: of(Field::TargetId),
        })),
        user: of(Field::User),
        account: of(Field::Account),
        domain: of(Field::Domain),
        role: of(Field::Role),
        client: of(Field::Client),
        devices: vec![marked(Field::Devices.row()).into()],
        message: marked(Field::Message.row()).into(),
        reason: of(Field::Reason),
        old: of(Field::Old),
        new: of(Field::New),
        kind: marked(Field::Type.row()).into(),
        title: marked(Field::Title.row()).into(),
        label: marked(Field::Label.row()).into(),
        raw: Raw::Text(marked(Field::Raw.row()).into()),
        ..whole()
    };
    // One action of each class: what a class has no place for stands elsewhere.
    let classes: BTreeMap<_, _> = Action::all()
        .map(|action| ((action.row().ocsf.class, action.row().ocsf_1_8.class), action))
        .collect();
    for (format, settings, name) in variants() {
        for &action in classes.values() {
            for row in FIELDS.iter().filter(|row| !row.required) {
                let settings = Settings { leave_out: [row.field].into_iter().collect(), ..settings.clone() };
                let event = Event { action, ..event.clone() };
                let frame = String::from_utf8(encode(format, &settings, &event)).unwrap();
                assert!(!frame.contains(&marked(row)), "{} in {name}: {frame}", row.name);
                holds(format, &settings, &event);
            }
        }
    }
}

#[test]
fn a_value_that_looks_like_a_cut_one_beside_one_that_is_reads_back() {
    let devices = vec!["x".repeat(200).into(), "…A".into(), "a…".into()];
    for (format, settings, _) in variants() {
        let settings = Settings { value_bytes_max: 64, ..settings };
        holds(format, &settings, &Event { devices: devices.clone(), ..whole() });
    }
}

#[test]
fn a_frame_is_cut_only_when_it_has_to_be() {
    for format in FORMATS {
        let at = |bytes: usize| Event { raw: Raw::None, ..support::events::small(&"m".repeat(bytes)) };
        let is_cut = |event: &Event, max: usize| {
            let settings = Settings { frame_bytes_max: max, ..Settings::default() };
            let frame = String::from_utf8(encode(format, &settings, event)).unwrap();
            (frame.contains("…[cut "), frame.len())
        };
        if ["cef", "leef", "rfc5424"].contains(&format.name) {
            // The dictionary says how long a message may be; the last has a test of its own.
            continue;
        }
        let whole = is_cut(&at(6_000), 1 << 20).1;
        assert_eq!(is_cut(&at(6_000), whole), (false, whole), "{}", format.name);
        let (cut, bytes) = is_cut(&at(6_000), whole - 1);
        assert!(cut && bytes > whole - 1 - 150, "{}: {bytes} of {whole}", format.name);
    }
}

#[test]
fn the_docs_and_schemas_that_are_shipped_are_those_of_the_program() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/siem");
    expect_file![dir.join("fields.md")].assert_eq(&schema::markdown());
    expect_file![dir.join("event.schema.json")].assert_eq(&format!("{:#}\n", schema::json_schema()));
    expect_file![dir.join("config.schema.json")]
        .assert_eq(&format!("{:#}\n", otrail::config::schema::json_schema()));
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format").join(name)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_event_reads_back_from_one_harmless_frame_in_any_format(
        event in event(),
        choice: [u8; 10],
        more in prop_oneof![Just(0usize), 0..60_000usize],
    ) {
        let (format, settings, envelope) = any_frame(choice);
        let (frame_bytes_max, value_bytes_max) = (settings.frame_bytes_max + more, settings.value_bytes_max + more);
        holds_in(format, &Settings { frame_bytes_max, value_bytes_max, ..settings }, &envelope, &event);
    }
}

#[test]
fn the_kinds_of_fields_are_all_in_use() {
    for kind in [Kind::Text, Kind::Word, Kind::Number, Kind::Time, Kind::List] {
        assert!(FIELDS.iter().any(|row| row.kind == kind), "{kind:?}");
    }
    assert_eq!(Settings::default().precision, Precision::Millis);
}

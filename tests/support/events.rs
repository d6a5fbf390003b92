//! Events that formats are tried on: one for every action, hostile ones, and any.

use otrail::model::{Action, Event, EventId, Flag, Flags, Outcome, Raw, Severity, Target, Text, Time};
use proptest::prelude::*;

pub fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

/// What a sensor may have told about an action: who, from where, what it was done to.
pub fn usual(action: Action, outcome: Outcome) -> Event {
    let row = action.row();
    let is_own = row.name.starts_with("agent.");
    let target =
        |kind: &str| Target { kind: kind.into(), name: Some("m.okafor".into()), id: Some("42".into()) };
    Event {
        id: EventId(0x3f9c_2a17_d0b4_4e6f_8a51_c07b_e2d9_f614),
        seen: time("2024-02-29T09:11:03.456Z"),
        sensor: "plant-a-sensor-01".into(),
        source: "timeline".into(),
        user: (!is_own).then(|| "alice".into()),
        domain: (!is_own).then(|| "CORP".into()),
        account: (!is_own).then(|| "CORP\\alice".into()),
        role: (!is_own).then(|| "Admin".into()),
        client: (!is_own).then(|| "10.10.5.21".into()),
        target: (!row.target.is_empty()).then(|| Box::new(target(row.target))),
        message: if is_own { Text::default() } else { "User alice did it".into() },
        reason: (outcome == Outcome::Failure).then(|| "no right".into()),
        ..Event::new(action, outcome, time("2024-02-29T09:11:02.123Z"))
    }
}

/// An event with every field.
pub fn whole() -> Event {
    Event {
        id: EventId(0x3f9c_2a17_d0b4_4e6f_8a51_c07b_e2d9_f614),
        seen: time("2024-02-29T09:11:03.456Z"),
        sensor: "plant-a-sensor-01".into(),
        source: "timeline".into(),
        severity: Severity(5),
        user: Some("alice".into()),
        domain: Some("corp.example".into()),
        account: Some("alice@corp.example".into()),
        role: Some("Administrator".into()),
        target: Some(Box::new(Target {
            kind: "exclusion_rule".into(),
            name: Some("Exclude rack ]1[ \"A\"|b=c".into()),
            id: Some("42".into()),
        })),
        client: Some("2001:db8::5:21".into()),
        devices: vec!["PLC 1".into(), "HMI 2".into()],
        message: "User alice changed exclusion rule".into(),
        reason: Some("maintenance".into()),
        old: Some("enabled".into()),
        new: Some("disabled".into()),
        count: Some(3),
        kind: "EXCLUSION_RULE_UPDATED".into(),
        title: "Exclusion rule changed".into(),
        label: "NOTICE".into(),
        flags: [Flag::UNPARSED, Flag::MASKED].into_iter().collect(),
        raw: Raw::Json("{\"content\":\"User alice changed exclusion rule\"}".into()),
        ..Event::new(
            Action::parse("exclusion_rule.update").unwrap(),
            Outcome::Success,
            time("2024-02-29T09:11:02.123Z"),
        )
    }
}

pub fn small(message: &str) -> Event {
    Event {
        sensor: "plant-a-sensor-01".into(),
        source: "timeline".into(),
        message: message.into(),
        ..Event::new(Action::USER_OPERATION, Outcome::Unknown, time("2024-02-29T09:11:02.123Z"))
    }
}

/// A value in every field.
pub fn everywhere(value: &str) -> Event {
    let text = || Some(Text::from(value));
    Event {
        sensor: value.into(),
        source: value.into(),
        user: text(),
        domain: text(),
        account: text(),
        role: text(),
        target: Some(Box::new(Target { kind: value.into(), name: text(), id: text() })),
        client: text(),
        devices: vec![value.into(), "b".into()],
        reason: text(),
        old: text(),
        new: text(),
        kind: value.into(),
        title: value.into(),
        label: value.into(),
        raw: Raw::Text(value.into()),
        ..small(value)
    }
}

/// Values that would like to be a field, a frame, an event or a command.
pub const HOSTILE: &[(&str, &str)] = &[
    ("frames", "x\"] [evil@1 a=\"b\"]\n<110>1 - - - - - - forged\r\n24 <110>1 - - - - - - forged"),
    ("cef", "x|y suser=mallory cs1=a\\=b \\| CEF:0|a|b|c|d|e|9|act=forged"),
    ("leef", "x|y\tusrName=mallory^usrName=mallory\\t|LEEF:1.0|a|b|c|d|"),
    ("json", "\",\"user\":\"mallory\",\"x\":{\"a\":[\"\\\"}\\u0000\\ud800"),
    ("terminal", "\u{1b}]0;x\u{7}\u{9b}2J\u{8}\u{7f}\0"),
    ("line-ends", "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\r"),
    ("right-to-left", "\u{202e}ecila Ω 表 👩‍🔧 \u{feff}"),
    ("blanks", "  two  blanks  "),
    ("backslashes", "\\\\server\\share\\"),
    ("templates", "%rawmsg% $MESSAGE ${jndi:ldap://x} $(id) `id` {{7*7}}"),
];

/// Values that are too long, or are none.
pub fn extreme() -> Vec<(&'static str, Event)> {
    let long = everywhere(&"0123456789 ä\n=|\"".repeat(1_000));
    vec![
        ("empty", everywhere("")),
        (
            "not-utf-8",
            Event {
                raw: Raw::Bytes(Box::from(&b"user=\xff\xfe"[..])),
                flags: Flags::from_iter([Flag::INVALID_UTF8]),
                ..small("user=\u{fffd}\u{fffd}")
            },
        ),
        ("long-message", small(&"0123456789 ä ".repeat(1_000))),
        ("long-raw", Event { raw: Raw::Text("0123456789".repeat(1_000).into()), ..small("short") }),
        ("all-long", Event { devices: vec!["device ".repeat(100).into(); 100], ..long }),
        ("before-1970", Event { time: Time::MIN, seen: Time::MIN, ..small("clock") }),
        ("far-future", Event { time: Time::MAX, seen: Time::MAX, ..small("clock") }),
    ]
}

/// Any text, with a liking for what might hurt.
pub fn text() -> impl Strategy<Value = Text> {
    let hostile: Vec<&str> = HOSTILE.iter().map(|(_, value)| *value).collect();
    let piece = prop_oneof![
        any::<String>(),
        "[a-z \\\\\"\\]\\[=,|^\t]{0,20}",
        prop::sample::select(hostile).prop_map(str::to_owned),
    ];
    (prop::collection::vec(piece, 0..4), prop_oneof![9 => Just(1usize), 1 => 1..300usize])
        .prop_map(|(pieces, times)| pieces.concat().repeat(times).into())
}

prop_compose! {
    /// Any event.
    pub fn event()(
        texts in prop::collection::vec(text(), 6),
        options in prop::collection::vec(prop::option::of(text()), 10),
        devices in prop::collection::vec(text(), 0..6),
        (id, count, action) in (any::<u128>(), any::<Option<u64>>(), 0..Action::all().count()),
        (millis, seen) in (Time::MIN.millis()..=Time::MAX.millis(), Time::MIN.millis()..=Time::MAX.millis()),
        (kind, client) in (prop::sample::select(KINDS), prop::sample::select(CLIENTS)),
        flags in prop::sample::subsequence(Flag::ALL.to_vec(), 0..=Flag::ALL.len()),
        raw in prop_oneof![
            Just(Raw::None),
            text().prop_map(|text| Raw::Text(text.as_str().into())),
            prop::collection::vec(any::<u8>(), 0..3_000).prop_map(|bytes| Raw::Bytes(bytes.into())),
        ],
        outcome in prop::sample::select(&Outcome::ALL[..]),
    ) -> Event {
        let [sensor, source, message, own_kind, title, label] = <[Text; 6]>::try_from(texts).unwrap();
        let [user, domain, account, role, address, reason, old, new, name, target_id] =
            <[Option<Text>; 10]>::try_from(options).unwrap();
        let target = kind.map(|kind| Box::new(Target { kind: kind.into(), name, id: target_id }));
        let action = Action::all().nth(action).unwrap();
        Event {
            id: EventId(id), seen: Time::from_millis(seen).unwrap(), sensor, source, message, kind: own_kind, title,
            label, user, domain, account, role, reason, old, new, target, devices, count, raw,
            client: client.map(Text::from).or(address),
            flags: flags.into_iter().collect(),
            ..Event::new(action, outcome, Time::from_millis(millis).unwrap())
        }
    }
}

const KINDS: &[Option<&str>] =
    &[None, Some("user"), Some("exclusion_rule"), Some("rule"), Some("device"), Some("al\"ert"), Some("")];
const CLIENTS: &[Option<&str>] =
    &[None, None, Some("10.2.3.4"), Some("2001:db8::1"), Some("::ffff:1.2.3.4"), Some("hmi-7")];

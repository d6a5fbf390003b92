//! An entry that otrail panics at.

use super::*;
use crate::dialect::{self, Dialect, Mask};
use crate::model::Raw;

/// Lines, and a defect at some of them.
fn faulty() -> &'static Dialect {
    let lines = dialect::find("lines").unwrap();
    Box::leak(Box::new(Dialect {
        parse: |state, context, entry| {
            assert!(!entry.windows(3).any(|part| part == b"bad"), "{entry:?}");
            (dialect::find("lines").unwrap().parse)(state, context, entry)
        },
        ..*lines
    }))
}

fn bench(masks: Masks) -> Bench {
    let mut bench = Bench::new();
    bench.settings.sources[0].dialect = Some(faulty());
    bench.settings.masks = masks;
    bench.source = Source::new(0, &bench.settings.sources[0], Vec::new());
    bench
}

#[test]
fn it_is_kept_as_any_that_cannot_be_read_and_the_next_ones_are_as_ever() {
    let mut bench = bench(Masks::default());
    bench.write("log", "User admin logged in\nbad password=hunter2\n\nUser alice logged in\n");
    let events = bench.events();
    let [_, before, bad, after, told] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((before.user.as_deref(), after.user.as_deref()), (Some("admin"), Some("alice")));
    assert_eq!(bad.raw, Raw::Text("bad password=hunter2".into()));
    assert_eq!((bad.action, bad.class), (Action::USER_OPERATION, Class::UserOperation));
    assert!(bad.flags.contains(Flag::UNPARSED) && !bad.flags.contains(Flag::MASKED));
    assert_eq!((told.action, told.count, told.outcome), (Action::PARSE_FAILURES, Some(1), Outcome::Failure));
    assert_eq!(told.target.as_ref().unwrap().name.as_deref(), Some("timeline"));
    let place = format!("the entry of {} at byte 27", bench.path("log").display());
    assert!(told.message.starts_with(&place), "{told:?}");
    assert!(told.reason.as_ref().unwrap().starts_with("a panic at "), "{told:?}");
    assert!(!format!("{told:?}").contains("hunter2"));
    bench.write("log", "bad again\nbad again\ngood\n");
    assert_eq!(bench.poll(), ["bad again", "bad again", "good"], "not told each time");
    assert_eq!(bench.source.status.unparsed, 5);
}

#[test]
fn what_is_kept_of_it_is_masked() {
    let mut bench =
        bench(Masks::with(Mask::shipped_names().filter_map(|name| Mask::shipped(name, "***")).collect()));
    bench.write("log", "bad password=hunter2 and more\n");
    let events = bench.events();
    let [_, bad, _] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(
        (bad.message.as_str(), bad.raw.bytes()),
        ("bad password=*** and more", bad.message.as_bytes())
    );
    assert!(bad.flags.contains(Flag::MASKED) && !format!("{events:?}").contains("hunter2"));
}

/// Whoever finds out by himself which language a log is in is not led astray.
#[test]
fn it_says_nothing_about_the_language_of_the_log() {
    let bench = bench(Masks::default());
    let mut cutter = crate::collect::Cutter::new(None);
    cutter.choice.dialect = Some(faulty());
    // Another dialect would understand it, and take over.
    let text = b"good\n{\"timestamp\":1709193520000,\"type\":\"USER_OPERATION\",\"content\":\"bad\"}\ngood\n";
    cutter.fill(text.len(), |space| std::io::Read::read(&mut &text[..], space)).unwrap();
    let source = &bench.settings.sources[0];
    let context = Context {
        sensor: &source.sensor,
        source: &source.name,
        seen: Time::default(),
        zone: &source.zone,
        rules: &bench.settings.rules,
        user_login: Class::UserOperation,
        habits: &source.habits,
    };
    let masks = Masks::default();
    let reading = Reading { context: &context, masks: &masks, line_bytes_max: 1 << 20 };
    let mut dialects = Vec::new();
    cutter.cut(End::Open, reading, |_, cut| dialects.push(cut.dialect.name));
    assert_eq!(dialects, ["lines"; 3]);
    assert!(std::ptr::eq(cutter.choice.dialect.unwrap().parse as *const (), faulty().parse as *const ()));
}

//! An entry that otrail panics at.

use super::*;
use crate::collect::Cutter;
use crate::dialect::{self, Dialect, Mask};
use crate::model::Raw;
use proptest::prelude::*;

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

/// JSON, and a defect at some of it: where it is cut.
fn uncut() -> &'static Dialect {
    let json = dialect::find("timeline-json").unwrap();
    Box::leak(Box::new(Dialect {
        split: |state, bytes, end, entries| {
            let done = (dialect::find("timeline-json").unwrap().split)(state, bytes, end, entries);
            assert!(!bytes.windows(3).any(|part| part == b"bad"), "{bytes:?}");
            done
        },
        ..*json
    }))
}

fn bench(masks: Masks) -> Bench {
    bench_of(faulty(), masks)
}

fn bench_of(dialect: &'static Dialect, masks: Masks) -> Bench {
    let mut bench = Bench::new();
    bench.settings.sources[0].dialect = Some(dialect);
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
    let mut cutter = Cutter::new(None);
    cutter.choice.dialect = Some(faulty());
    // Another dialect would understand it, and take over.
    let text = b"good\n{\"timestamp\":1709193520000,\"type\":\"USER_OPERATION\",\"content\":\"bad\"}\ngood\n";
    let mut dialects = Vec::new();
    cut(&mut cutter, text, End::Open, 1 << 20, |_, cut| dialects.push(cut.dialect.name));
    assert_eq!(dialects, ["lines"; 3]);
    assert!(std::ptr::eq(cutter.choice.dialect.unwrap().parse as *const (), faulty().parse as *const ()));
}

/// What one look makes of the next bytes of a log.
fn cut(
    cutter: &mut Cutter,
    mut bytes: &[u8],
    end: End,
    line_bytes_max: usize,
    take: impl FnMut(dialect::Parsed, &Cut<'_>),
) {
    let (context, masks) = (Context::example(), Masks::default());
    cutter.fill(bytes.len(), |space| std::io::Read::read(&mut bytes, space)).unwrap();
    cutter.cut(end, Reading { context: &context, masks: &masks, line_bytes_max }, take);
}

fn json(content: &str) -> String {
    format!("{{\"timestamp\":1709193520000,\"type\":\"USER_OPERATION\",\"content\":\"{content}\"}}")
}

#[test]
fn a_line_that_cannot_be_cut_is_kept_as_one_that_cannot_be_read_and_told() {
    let masks = || Masks::with(Mask::shipped_names().filter_map(|name| Mask::shipped(name, "***")).collect());
    let mut bench = bench_of(uncut(), masks());
    let (before, bad, after) =
        (json("User admin logged in"), json("bad password=hunter2"), json("User alice logged in"));
    bench.write("log", &format!("{before}\n{bad}\r\n{after}\n"));
    let events = bench.events();
    let [_, first, kept, last, told] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((first.user.as_deref(), last.user.as_deref()), (Some("admin"), Some("alice")));
    assert!(!last.flags.contains(Flag::UNPARSED), "cut as ever");
    assert!(kept.flags.contains(Flag::UNPARSED) && kept.flags.contains(Flag::MASKED), "{kept:?}");
    assert_eq!(kept.raw.bytes(), bad.replace("hunter2", "***").as_bytes());
    assert_eq!((told.action, told.count), (Action::PARSE_FAILURES, Some(1)));
    let place = format!("the entry of {} at byte {}", bench.path("log").display(), 7 + before.len());
    assert!(told.message.starts_with(&place), "{told:?}");
    assert!(!format!("{events:?}").contains("hunter2"));
    // One without its end waits, whatever comes of it.
    bench.write("log", "{\"content\":\"bad");
    assert!(bench.poll().is_empty());
    bench.write("log", "\"}\n");
    assert_eq!(bench.poll(), ["{\"content\":\"bad\"}"]);
    // The next start, which reads again what the log has said of itself, goes on where this one was.
    let known = bench.source.logs[0].tails[0].file.clone();
    let source = Source::new(0, &bench.settings.sources[0], vec![FollowedFile { anchor: 0, ..known }]);
    bench.source = source;
    bench.write("log", &format!("{after}\n"));
    assert_eq!(bench.poll(), ["User alice logged in"]);
}

#[test]
fn of_an_array_whose_element_cannot_be_cut_the_others_are_read() {
    let (good, bad) = (json("User alice logged in"), json("bad"));
    let log = format!("[\n{good},\n{bad},\n{good}\n]\n{good}\n");
    let mut seen = Vec::new();
    let mut cutter = Cutter::new(Some(uncut()));
    cut(&mut cutter, log.as_bytes(), End::Open, 1 << 20, |parsed, _| {
        seen.push((parsed.defect.is_some(), parsed.event.flags.contains(Flag::UNPARSED)));
    });
    assert_eq!(seen, [(false, false), (true, true), (false, false), (false, false)]);
    assert_eq!(cutter.offset(), log.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the log and in whatever pieces it comes: nothing of it is lost, read twice or read past.
    #[test]
    fn what_cannot_be_cut_is_there_byte_for_byte(
        parts in prop::collection::vec(
            prop::sample::select(vec!["bad", "bad\n", "\n", "[", "]", ",\n", "{", "}", "{\"content\":\"x\"}\n",
                "\u{feff}", "text\r\n", "\n{\n\"content\":\n\"y\"}\n", "ü\n", "\"", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]),
            0..40,
        ),
        looks in prop::collection::vec(1..60usize, 1..20),
    ) {
        let log = parts.concat().into_bytes();
        let (mut cutter, mut at, mut ends) = (Cutter::new(Some(uncut())), 0, Vec::new());
        let mut looks = looks.into_iter().cycle();
        loop {
            let stop = log.len().min(at + looks.next().unwrap());
            let end = if stop == log.len() { End::Final } else { End::Open };
            let mut wrong = None;
            cut(&mut cutter, &log[at..stop], end, 64, |parsed, cut| {
                let text = &log[cut.start as usize..cut.end as usize];
                let is_kept = text.starts_with(cut.text) && (cut.truncated || parsed.event.raw.bytes() == cut.text);
                wrong = wrong.take().or((!is_kept).then(|| format!("{cut:?}")));
                ends.push((cut.start as usize, cut.end as usize));
            });
            prop_assert_eq!(wrong, None);
            at = stop;
            if end == End::Final {
                break;
            }
        }
        prop_assert_eq!(cutter.offset(), log.len() as u64);
        let mut before = 0;
        for (start, end) in ends.into_iter().chain([(log.len(), log.len())]) {
            let between = String::from_utf8_lossy(&log[before..start]).into_owned();
            prop_assert!(start >= before, "twice");
            prop_assert!(between.chars().all(|c| c.is_whitespace() || "[],\u{feff}".contains(c)), "{:?}", between);
            before = end;
        }
    }
}

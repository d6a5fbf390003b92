//! What each filter lets through, and that a filter never wants what it refuses.

use super::*;
use crate::model::{ACTIONS, Action, Event, Outcome, Raw, Seq, Target};
use proptest::prelude::*;

fn clock() -> Clock {
    Clock::utc(Time::from_millis(1_000_000).unwrap())
}

fn record(user: &str, action: &str, outcome: Outcome, millis: i64) -> Record {
    let time = Time::from_millis(millis).unwrap();
    let mut event = Event::new(Action::parse(action).unwrap(), outcome, time);
    event.user = (!user.is_empty()).then(|| user.into());
    event.message = format!("{user} did {action}").into();
    event.source = "timeline".into();
    Record { seq: Seq(1), position: None, event, chain: None }
}

fn filter(words: &[(&str, &str)]) -> Filter {
    Filter::parse(words.iter().copied(), &clock()).unwrap()
}

fn problem(name: &str, value: &str) -> String {
    Filter::parse([(name, value)], &clock()).unwrap_err().to_string()
}

#[test]
fn words_of_one_name_are_alternatives_and_of_different_names_all_must_hold() {
    let failed = filter(&[("user", "alice"), ("user", "b*"), ("outcome", "failure")]);
    assert!(failed.matches(&record("Alice", "user.operation", Outcome::Failure, 0)));
    assert!(failed.matches(&record("bob", "user.operation", Outcome::Failure, 0)));
    assert!(!failed.matches(&record("carol", "user.operation", Outcome::Failure, 0)));
    assert!(!failed.matches(&record("alice", "user.operation", Outcome::Success, 0)));
}

#[test]
fn a_field_of_expressions_is_a_word_of_matches() {
    let words = |given: &[(&str, &str)]| {
        let words = with_fields(given.iter().copied());
        words.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(words(&[("user", "a"), ("where", "seq < 9")]), "user=a where=seq < 9");
    assert_eq!(words(&[("code", "OTA-1001"), ("code", "OTA-1002")]), "where=code in (OTA-1001, OTA-1002)");
    assert_eq!(
        words(&[("seq", "5"), ("where", "user = a or user = b"), ("title", "a b")]),
        "where=(user = a or user = b) and seq in (5) and title in (\"a b\")"
    );
    assert_eq!(words(&[("seq", "5"), ("where", "user = a) or (user = b")]), "where=user = a) or (user = b");
    let found = Filter::parse(with_fields([("code", "OTA-1104"), ("user", "alice")]), &clock()).unwrap();
    assert!(found.matches(&record("alice", "user.delete", Outcome::Success, 0)));
    assert!(!found.matches(&record("alice", "user.create", Outcome::Success, 0)));
    assert!(Filter::parse(with_fields([("nothing", "x")]), &clock()).is_err());
}

#[test]
fn a_group_of_actions_needs_no_dot() {
    for (all, name) in [("user", "user.login"), ("device", "device.delete"), ("user.", "user.login")] {
        let record = |action| record("alice", action, Outcome::Success, 0);
        assert!(filter(&[("action", all)]).matches(&record(name)), "{all}");
        assert!(!filter(&[("action", all)]).matches(&record("config.change")), "{all}");
    }
    assert!(problem("action", "use").contains("no such action"));
}

#[test]
fn no_words_want_every_record() {
    assert!(filter(&[]).matches(&record("", "agent.start", Outcome::Unknown, 0)));
}

#[test]
fn both_ends_of_the_range_are_in_it() {
    let range = filter(&[("since", "@10"), ("until", "@20")]);
    let wanted = |millis| range.matches(&record("alice", "user.operation", Outcome::Success, millis));
    assert_eq!([9_999, 10_000, 20_000, 20_001].map(wanted), [false, true, true, false]);
    assert_eq!(range.range(), (Time::from_millis(10_000), Time::from_millis(20_000)));
}

#[test]
fn an_account_is_found_as_the_sensor_spells_it() {
    let mut alice = record("alice", "user.operation", Outcome::Success, 0);
    alice.event.account = Some(r"CORP\alice".into());
    assert!(filter(&[("user", r"corp\*")]).matches(&alice));
    assert!(filter(&[("user", "alice")]).matches(&alice));
}

#[test]
fn an_action_is_meant_alone_or_with_all_that_begin_alike() {
    let start = record("", "agent.start", Outcome::Success, 0);
    for (value, wanted) in
        [("agent.start", true), ("agent.", true), ("agent.st*", true), ("*", true), ("agent.stop", false)]
    {
        assert_eq!(filter(&[("action", value)]).matches(&start), wanted, "{value}");
    }
}

#[test]
fn an_unknown_action_names_near_ones() {
    assert!(problem("action", "agent.strat").contains("no such action; near it are agent.start, "));
    assert!(problem("action", "zzz*").contains("none begins so"));
}

#[test]
fn grep_looks_into_every_text_of_the_record() {
    let mut found = record("alice", "user.operation", Outcome::Failure, 0);
    found.event.reason = Some("wrong password".into());
    found.event.target =
        Some(Box::new(Target { kind: "rule".into(), name: Some("Quiet Hours".into()), id: None }));
    found.event.raw = Raw::Bytes(b"\xff entry no. 77"[..].into());
    for (pattern, wanted) in [
        ("PASSWORD", false),
        ("password", true),
        ("quiet h", true),
        ("^alice$", true),
        (r"no\. 7+$", true),
        ("^did", false),
        ("alice did", true),
    ] {
        assert_eq!(filter(&[("grep", pattern)]).matches(&found), wanted, "{pattern}");
    }
}

#[test]
fn an_error_names_the_word_the_value_and_the_way_out() {
    assert_eq!(
        problem("outcome", "maybe"),
        "`maybe` is no value for `outcome`: write success, failure, unknown"
    );
    assert_eq!(
        problem("colour", "red"),
        "unknown filter `colour`; known are since, until, user, domain, role, client, action, target, device, outcome, severity, sensor, source, \
         type, class, flag, id, grep, where"
    );
    assert_eq!(
        Filter::parse([("since", "now"), ("since", "today")], &clock()).unwrap_err(),
        FilterError::Twice { word: "since" }
    );
    assert!(problem("class", "users").ends_with("write user-operation, network, agent"));
    assert!(problem("since", "noon").starts_with("`noon` is no value for `since`: write '2024-03-01 14:00'"));
}

#[test]
fn words_read_back_later_mean_the_same() {
    let words = [("since", "-15m"), ("until", "now"), ("action", "agent."), ("user", "Al*"), ("grep", "x|Y")];
    let first = filter(&words);
    let written: Vec<(String, String)> =
        first.words().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let later = Clock::utc(Time::from_millis(9_000_000_000).unwrap());
    let second = Filter::parse(written, &later).unwrap();
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    assert_eq!(first.range(), second.range());
}

#[test]
fn every_row_has_its_own_name_and_says_what_it_is() {
    for (at, kind) in FILTERS.iter().enumerate() {
        assert!(!kind.about.is_empty() && FILTERS[..at].iter().all(|other| other.name != kind.name));
    }
}

#[test]
fn only_literals_that_every_line_must_have_are_offered() {
    let literals = |words: &[(&str, &str)]| {
        filter(words).literals().map(|set| set.texts.join("|")).collect::<Vec<_>>().join(" & ")
    };
    assert_eq!(
        literals(&[("user", "alice"), ("user", "b*bertha"), ("action", "agent.")]),
        "alice|bertha & agent."
    );
    assert_eq!(literals(&[("user", "alice"), ("user", "*")]), "");
    assert_eq!(literals(&[("user", r"CORP\jürgen")]), "rgen");
}

/// What the words mean, said as plainly as it can be.
fn naive(
    users: &[String],
    actions: &[String],
    outcome: Option<Outcome>,
    since: i64,
    until: i64,
    record: &Record,
) -> bool {
    let event = &record.event;
    let user = event.user.as_deref().unwrap_or_default().to_lowercase();
    let named = users.is_empty() || users.iter().any(|wanted| wanted.to_lowercase() == user);
    let done = actions.is_empty() || actions.iter().any(|wanted| wanted == event.action.name());
    let ended = outcome.is_none_or(|wanted| wanted == event.outcome);
    named && done && ended && (since * 1000..=until * 1000).contains(&event.time.millis())
}

fn action_name() -> impl Strategy<Value = String> {
    (0..ACTIONS.len().min(4)).prop_map(|at| ACTIONS[at].name.to_owned())
}

proptest! {
    #[test]
    fn a_filter_agrees_with_its_plain_meaning(
        users in prop::collection::vec("[abAB]{1,2}", 0..3),
        actions in prop::collection::vec(action_name(), 0..3),
        outcome in prop::option::of(prop::sample::select(&Outcome::ALL[..])),
        since in 0..50_i64, until in 0..50_i64,
        user in "[abAB]{0,2}", action in action_name(),
        ended in prop::sample::select(&Outcome::ALL[..]), millis in 0..50_000_i64,
    ) {
        let mut words = vec![("since", format!("@{since}")), ("until", format!("@{until}"))];
        words.extend(users.iter().map(|user| ("user", user.clone())));
        words.extend(actions.iter().map(|action| ("action", action.clone())));
        words.extend(outcome.map(|outcome| ("outcome", outcome.name().to_owned())));
        let record = record(&user, &action, ended, millis);
        prop_assert_eq!(
            Filter::parse(words, &clock()).unwrap().matches(&record),
            naive(&users, &actions, outcome, since, until, &record)
        );
    }

    #[test]
    fn what_is_judged_by_some_fields_holds_whatever_the_others_are(
        words in prop::collection::vec(prop::sample::select(JUDGED), 0..3),
        users in prop::array::uniform2(prop::sample::select(&["alice", "bob", ""][..])),
        outcomes in prop::array::uniform2(prop::sample::select(&Outcome::ALL[..])),
        knows in prop::array::uniform3(any::<bool>()),
    ) {
        let words: Vec<(&str, &str)> = words.into_iter().collect();
        let Ok(filter) = Filter::parse(words, &clock()) else { return Ok(()) };
        let is_known = |name: &str| match name {
            "user" => knows[0],
            "outcome" => knows[1],
            "action" => knows[2],
            _ => false,
        };
        // Of two records that are alike in what is known, the filter wants both, or neither, if it judges one by that.
        let of = |at: usize| {
            let action = if knows[2] || at == 0 { "user.login" } else { "user.logout" };
            record(users[usize::from(!knows[0]) * at], action, outcomes[usize::from(!knows[1]) * at], 0)
        };
        let (one, other) = (of(0), of(1));
        let judged = filter.judge(&is_known, &one);
        prop_assert_eq!(judged, filter.judge(&is_known, &other));
        if let Some(judged) = judged {
            prop_assert_eq!((judged, judged), (filter.matches(&one), filter.matches(&other)));
        }
        prop_assert_eq!(filter.judge(&|_| true, &one), Some(filter.matches(&one)));
    }

    #[test]
    fn no_words_make_the_filter_panic(name in prop::sample::select(FILTERS.iter().map(|k| k.name).collect::<Vec<_>>()), value in "\\PC{0,30}") {
        if let Ok(filter) = Filter::parse([(name, &value)], &clock()) {
            filter.matches(&record("alice", "user.operation", Outcome::Success, 0));
        }
    }
}

/// What alice did at 10.2.3.4 to a rule, with two devices.
/// Words about a few fields.
const JUDGED: &[(&str, &str)] = &[
    ("user", "a*"),
    ("user", "bob"),
    ("outcome", "failure"),
    ("action", "user.login"),
    ("where", "user = alice and outcome = failure"),
    ("where", "not (user = alice or outcome = success) or action = user.logout"),
    ("where", "user in (alice, bob) and not action = user.login"),
    ("where", "outcome != failure or text contains alice"),
    ("where", "seq > 3 or user = bob and outcome in (success, unknown)"),
];

fn rich() -> Record {
    let mut rich = record("alice", "exclusion_rule.create", Outcome::Success, 0);
    let event = &mut rich.event;
    (event.domain, event.role) = (Some("CORP".into()), Some("Security Analyst".into()));
    (event.client, event.sensor) = (Some("10.2.3.4".into()), "plant-a-01".into());
    event.kind = "EXCLUSION_RULE_CREATED".into();
    event.devices = vec!["10.2.1.77".into(), "PLC-7".into(), "fd00::7".into()];
    event.target = Some(Box::new(Target {
        kind: "exclusion_rule".into(),
        name: Some("Night maintenance".into()),
        id: Some("17".into()),
    }));
    event.flags.insert(crate::model::Flag::TRUNCATED);
    event.id = crate::model::EventId(0x0123_4567_89ab_cdef_0000_0000_0000_0042);
    rich
}

#[test]
fn each_word_lets_through_what_it_says_and_nothing_else() {
    let rich = rich();
    for (word, wanted, unwanted) in [
        ("domain", &["corp", "C*", "*"][..], &["corp.example", "alice"][..]),
        ("role", &["security analyst", "*analyst"], &["analyst"]),
        (
            "client",
            &["10.2.3.4", "10.2.0.0/16", "10.2.*", "::ffff:10.2.0.0/112", "::FFFF:0a02:0304"],
            &["10.2.3.0", "10.3.0.0/16", "fd00::/8", "::/0"],
        ),
        ("device", &["plc-7", "10.2.1.0/24", "fd00::/8", "10.2.1.7?"], &["plc", "10.2.2.0/24"]),
        (
            "target",
            &["night*", "17", "exclusion_rule:night maintenance", "exclusion_rule:*"],
            &["night", "user:*"],
        ),
        ("sensor", &["plant-a-01", "plant-a-*"], &["plant-b-*", "plant"]),
        ("type", &["exclusion_rule_created", "EXCLUSION*"], &["USER_OPERATION"]),
        ("flag", &["truncated"], &["unparsed"]),
        (
            "id",
            &["01234567", "0123456789ABCDEF0000000000000042"],
            &["01234568", "0123456789abcdef0000000000000043"],
        ),
        ("severity", &["0..10", "..10", "0.."], &["10"]),
    ] {
        for value in wanted {
            assert!(filter(&[(word, value)]).matches(&rich), "{word}={value}");
        }
        for value in unwanted {
            assert!(!filter(&[(word, value)]).matches(&rich), "{word}={value}");
        }
    }
}

#[test]
fn a_severity_is_a_number_a_range_or_a_word_of_syslog() {
    for (value, severities) in [
        ("6", 6..=6),
        ("4..7", 4..=7),
        ("8..", 8..=10),
        ("warning", 6..=7),
        ("info", 0..=3),
        ("Notice..warning", 4..=7),
        ("warning..", 6..=10),
        ("..notice", 0..=5),
        ("5..error", 5..=10),
    ] {
        for severity in 0..=10 {
            let mut record = record("alice", "user.operation", Outcome::Success, 0);
            record.event.severity = crate::model::Severity(severity);
            assert_eq!(
                filter(&[("severity", value)]).matches(&record),
                severities.contains(&severity),
                "{value}"
            );
        }
    }
}

#[test]
fn a_bad_value_says_what_a_good_one_is() {
    for (word, value, way_out) in [
        ("client", "10.2.0.0/33", "10.2.0.0/16"),
        ("severity", "11", "0 to 10"),
        ("severity", "7..4", "0 to 10"),
        ("severity", "error..info", "0 to 10"),
        ("client", "300.1.1.1", "the whole address"),
        ("flag", "strange", "unparsed"),
        ("id", "12345", "8 to 32 hex digits"),
        ("role", "", "write a role"),
        ("target", "", "KIND:NAME"),
    ] {
        assert!(problem(word, value).contains(way_out), "{}", problem(word, value));
    }
}

#[test]
fn an_address_is_the_same_however_it_is_written() {
    let mut record = rich();
    for (stored, asked) in [
        ("::ffff:10.2.3.4", "10.2.3.4"),
        ("::FFFF:a02:304", "10.2.3.4"),
        ("10.2.3.4", "::ffff:10.2.3.4"),
        ("2001:db8::1", "2001:DB8:0:0::1"),
        ("2001:db8:0::1", "2001:db8::1"),
    ] {
        record.event.client = Some(stored.into());
        for name in ["client", "where"] {
            let value = if name == "where" { format!("client in ({asked})") } else { asked.to_owned() };
            let filter = filter(&[(name, &value)]);
            assert!(filter.matches(&record), "{stored} {asked}");
            let line = format!("\"client\":\"{}\"", stored.to_ascii_lowercase());
            let mut sets = filter.literals();
            assert!(
                sets.all(|set| set.texts.iter().any(|text| line.contains(text.as_str()))),
                "{stored} {asked}"
            );
        }
    }
}

#[test]
fn a_long_value_fills_no_screen() {
    assert!(problem("grep", &"a{1000}".repeat(400)).len() < 300);
}

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
    Record { seq: Seq(1), position: None, event }
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
        "unknown filter `colour`; known are since, until, user, action, outcome, source, class, grep"
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
        filter(words).literals().map(|set| set.join("|")).collect::<Vec<_>>().join(" & ")
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
    fn no_words_make_the_filter_panic(name in prop::sample::select(FILTERS.iter().map(|k| k.name).collect::<Vec<_>>()), value in "\\PC{0,30}") {
        if let Ok(filter) = Filter::parse([(name, &value)], &clock()) {
            filter.matches(&record("alice", "user.operation", Outcome::Success, 0));
        }
    }
}

//! Every row of the table says what it counts, in words that a query takes.

use super::*;
use crate::model::{Action, Event, Outcome, Seq};
use jiff::tz::TimeZone;
use std::collections::HashSet;

fn record(action: &str, outcome: Outcome, user: &str, millis: i64) -> Record {
    let time = Time::from_millis(millis).unwrap();
    let mut event = Event::new(Action::parse(action).unwrap(), outcome, time);
    event.user = (!user.is_empty()).then(|| user.into());
    Record { seq: Seq(1), event, position: None, chain: None }
}

fn report(name: &str) -> Report {
    let hours = Hours::parse("07:00..18:00", "mon..fri", TimeZone::UTC).unwrap();
    Report::new(ReportKind::named(name).unwrap(), hours).unwrap()
}

fn reported(name: &str, records: &[Record]) -> Reported {
    let mut report = report(name);
    records.iter().for_each(|record| report.take(record));
    report.end(None)
}

#[test]
fn every_report_can_be_read_and_has_its_fields() {
    let mut names = HashSet::new();
    for kind in REPORTS {
        assert!(names.insert(kind.name) && !kind.about.is_empty(), "{}", kind.name);
        let report = report(kind.name);
        assert!(expression(kind.wanted).is_ok(), "{}", kind.name);
        match kind.rows {
            Rows::By(fields) => assert_eq!(report.columns.len(), fields.len(), "{}", kind.name),
            Rows::Topics(topics) => assert_eq!(report.topics.len(), topics.len(), "{}", kind.name),
            Rows::Days => {}
        }
        assert!(!kind.counts.is_empty(), "{}", kind.name);
    }
}

/// A new action that no topic has would be missing from the summary.
#[test]
fn every_user_operation_has_a_topic_of_its_own_in_the_summary() {
    let general = ["user.logout", "session.expired", "event.create_manual", "notification.resolve"];
    for action in Action::all().filter(|action| action.name() != "network.activity") {
        if action.row().class != crate::model::Class::UserOperation || general.contains(&action.name()) {
            continue;
        }
        let summary = reported("summary", &[record(action.name(), Outcome::Success, "alice", 1)]);
        let topics = summary.groups.iter().filter(|group| group.counts[0] > 0).count();
        assert!(topics >= 2, "{} is in {topics} topics", action.name());
    }
}

#[test]
fn lines_are_in_order_of_their_counts_and_know_their_first_and_last() {
    let records = [
        record("user.login", Outcome::Success, "bob", 5),
        record("user.login", Outcome::Failure, "alice", 9),
        record("user.login", Outcome::Unknown, "alice", 3),
        record("user.login", Outcome::Success, "", 7),
    ];
    let Reported { groups, records, missing } = reported("logins", &records);
    assert_eq!((records, missing), (4, None));
    let shown: Vec<_> =
        groups.iter().map(|group| (group.keys[0].as_str(), group.counts.as_slice())).collect();
    assert_eq!(shown, [("alice", &[2, 0, 1][..]), ("", &[1, 1, 0]), ("bob", &[1, 1, 0])]);
    let at = |millis| Time::from_millis(millis).unwrap();
    assert_eq!(groups[0].span, Some((at(3), at(9))));
}

#[test]
fn topics_are_told_without_records_too_and_one_record_is_of_several() {
    let summary = reported("summary", &[record("exclusion_rule.create", Outcome::Success, "alice", 1)]);
    let of = |name: &str| summary.groups.iter().find(|group| group.keys == [name]).unwrap();
    assert_eq!(of("user operations").counts, [1, 0]);
    assert_eq!(of("exclusion rules").counts, [1, 0]);
    assert_eq!((of("sign-ins").counts.as_slice(), of("sign-ins").span), (&[0, 0][..], None));
    assert_eq!(summary.groups[0].keys, ["user operations"]);
}

#[test]
fn off_hours_has_what_is_outside_of_them_alone() {
    // Thursday 1970-01-01, 00:00 and 12:00.
    let records = [
        record("user.login", Outcome::Success, "night", 0),
        record("user.login", Outcome::Success, "day", 43_200_000),
    ];
    let Reported { groups, records, .. } = reported("off-hours", &records);
    assert_eq!((groups.len(), records), (1, 1));
    assert_eq!(groups[0].keys, ["night", "user.login"]);
}

#[test]
fn what_is_too_much_for_a_report_is_counted_and_told() {
    let mut report = report("users");
    report.bytes = GROUPS_BYTES_MAX - 5;
    for user in ["alice", "bob", "alice"] {
        report.take(&record("user.login", Outcome::Success, user, 1));
    }
    let Reported { groups, records, missing } = report.end(None);
    assert_eq!((groups.len(), records), (1, 3));
    assert!(missing.is_some_and(|why| why.contains("1 records are in others")));
}

#[test]
fn days_are_those_of_the_zone_in_their_order() {
    let zone = TimeZone::fixed(jiff::tz::offset(2));
    let hours = Hours::parse("07:00..18:00", "mon..fri", zone).unwrap();
    let mut report = Report::new(ReportKind::named("days").unwrap(), hours).unwrap();
    for millis in [86_400_000 - 1, 79_200_000 - 1, 79_200_000] {
        report.take(&record("user.login", Outcome::Success, "alice", millis));
    }
    let days = report.end(None).groups;
    let days: Vec<_> = days.iter().map(|day| (day.keys[0].as_str(), day.counts[0])).collect();
    assert_eq!(days, [("1970-01-01", 1), ("1970-01-02", 2)], "midnight is two hours earlier there");
}

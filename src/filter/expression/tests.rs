//! What expressions mean, how they read back, and what a bad one is told.

use super::super::{Filter, FilterError, glob::Glob};
use super::fields::{Equal, FIELDS};
use super::tree::{Comparison, Expr, Value, Verb};
use super::*;
use crate::model::{Action, Event, EventId, Flag, Outcome, Raw, Record, Seq, Severity, Target, Text, Time};
use proptest::prelude::*;

fn clock() -> Clock {
    Clock::utc(Time::parse_rfc3339("2024-03-01T12:00:00Z").unwrap())
}

fn filter(text: &str) -> Filter {
    Filter::parse([("where", text)], &clock()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What alice did to a rule at 11:00.
fn record() -> Record {
    let time = Time::parse_rfc3339("2024-03-01T11:00:00Z").unwrap();
    let mut event = Event::new(Action::parse("exclusion_rule.create").unwrap(), Outcome::Success, time);
    (event.user, event.account) = (Some("alice".into()), Some(r"CORP\alice".into()));
    (event.client, event.severity) = (Some("10.2.3.4".into()), Severity(7));
    event.message = "Exclusion rule \"Night\" was created".into();
    let (kind, name) = ("exclusion_rule".into(), Some("Night".into()));
    event.target = Some(Box::new(Target { kind, name, id: Some("17".into()) }));
    event.flags.insert(Flag::TRUNCATED);
    event.raw = Raw::Text("entry no. 4711".into());
    event.id = EventId(1);
    Record { seq: Seq(42), position: None, event, chain: None }
}

#[test]
fn an_expression_means_what_it_says() {
    for (text, wanted) in [
        ("user = alice", true),
        ("user=alice", true),
        ("USER == Alice", true),
        (r"user = CORP\*", true),
        (r#"user = "CORP\alice""#, true),
        (r"user = 'corp\\alice'", true),
        ("user != bob", true),
        ("role != admin", true),
        ("role = *", false),
        ("not role = *", true),
        ("!(role = *)", true),
        ("user = bob or user = alice and outcome = success", true),
        ("(user = bob or user = alice) and outcome = failure", false),
        ("user = bob || user = alice && outcome = success", true),
        ("not user = bob and not not user = alice", true),
        ("user in (bob, 'alice')", true),
        ("user not in (bob, alice)", false),
        ("client in (10.2.0.0/16, ::1)", true),
        ("client != 10.2.0.0/16", false),
        ("action = exclusion_rule.", true),
        ("severity >= warning", true),
        ("severity > warning", false),
        ("severity < warning", false),
        ("severity <= warning and severity = 4..7", true),
        ("severity < 8 and severity > 6", true),
        ("seq = 42 and seq in (41, 42) and seq < 43", true),
        ("count > 0", false),
        ("time > -2h and time <= now", true),
        ("time >= '2024-03-01 11:00:00.001'", false),
        ("seen <= 2024-03-01T11:00:00Z", true),
        ("message contains 'RULE \"night'", true),
        ("message matches /^Exclusion .*created$/", true),
        ("message matches /exclusion/", true),
        ("message matches 'Exclusion rule'", true),
        ("text matches /no\\. \\d{4}/ and raw contains 4711", true),
        ("text contains alice", true),
        ("target = exclusion_rule:night and target-id = 17 and target-kind = *_rule", true),
        ("target contains igh", true),
        ("flag = truncated and flag contains trunc and code = OTA-*", true),
        ("id = 0000000000000000", true),
    ] {
        assert_eq!(filter(text).matches(&record()), wanted, "{text}");
    }
}

#[test]
fn a_tree_is_written_with_what_it_needs_and_absolute_times() {
    for (text, written) in [
        ("user=a and (role=b and (type=c))", "user = a and role = b and type = c"),
        (
            "(user = a or role = b) and not (type = c and not flag = masked)",
            "(user = a or role = b) and not (type = c and not flag = masked)",
        ),
        ("user not in (\"a b\", 'c\"d', and)", r#"not user in ("a b", "c\"d", and)"#),
        (r"user = 'CORP\x'", r#"user = "CORP\\x""#),
        ("time > -2h", "time > 2024-03-01T10:00:00.000Z"),
        ("message matches 'a/b'", r"message matches /a\/b/"),
        ("severity >= warning or action = agent.", "severity >= 6 or action = agent.*"),
    ] {
        let words: Vec<(String, String)> =
            filter(text).words().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(words, [("where".to_owned(), written.to_owned())]);
        assert_eq!(format!("{:?}", filter(written)), format!("{:?}", filter(text)));
    }
}

#[test]
fn bounds_and_literals_hold_for_the_whole_expression() {
    for (text, range, literals) in [
        ("time >= @10 and time < @20 and user = alice", (Some(10), Some(20)), "alice"),
        ("time >= @10 and time > @15 and (time < @20 or time < @30)", (Some(15), Some(30)), ""),
        ("time >= @10 or user = alice", (None, None), ""),
        ("not time < @10", (None, None), ""),
        ("seen >= @10", (None, None), ""),
        ("user in (alice, bertha) and not user = alice", (None, None), "alice|bertha"),
        (
            "(user = alice or message contains 'two words') and type = OPERATION",
            (None, None),
            "alice|two words|raw-base64 & OPERATION",
        ),
        ("text matches /abc/", (None, None), ""),
    ] {
        let filter = filter(text);
        let seconds = |time: Option<Time>| time.map(|time| time.millis() / 1000);
        assert_eq!((seconds(filter.range().0), seconds(filter.range().1)), range, "{text}");
        let found = filter.literals().map(|set| set.texts.join("|")).collect::<Vec<_>>().join(" & ");
        assert_eq!(found, literals, "{text}");
    }
}

#[test]
fn places_hold_for_the_whole_expression() {
    for (text, places) in [
        ("seq = 7", (7, 7)),
        ("seq > 7 and seq <= 9 and user = a", (7, 9)),
        ("seq in (7, 3, 5)", (3, 7)),
        ("seq = 7 or seq < 5", (0, 7)),
        ("seq = 7 or user = a", (0, u64::MAX)),
        ("not seq = 7", (0, u64::MAX)),
        ("seq != 7", (0, u64::MAX)),
        ("count = 7", (0, u64::MAX)),
    ] {
        assert_eq!(filter(text).places(), (Seq(places.0), Seq(places.1)), "{text}");
    }
}

#[test]
fn a_bad_expression_is_shown_where_and_told_the_way_out() {
    for (text, part, way_out) in [
        ("", None, "write an expression such as"),
        ("usr = alice", Some("usr"), "no field is called so; near it: user"),
        ("zzzzzz = alice", Some("zzzzzz"), "known are user, domain, "),
        (
            "user alice",
            Some("alice"),
            "a comparison is expected here: =, !=, in (...), contains, matches /.../",
        ),
        ("user", Some(""), "a comparison is expected here"),
        ("user > alice", Some(">"), "`user` is compared with =, !=, in (...), contains"),
        ("time = today", Some("="), "`time` is compared with <, <=, >, >="),
        ("severity contains 7", Some("contains"), "`severity` is compared with"),
        ("user = ", Some(""), "a value is expected here"),
        ("user = and", None, ""),
        ("role = Security Analyst", Some("Analyst"), "a value with spaces stands in quotes"),
        ("(role = Security Analyst)", Some("Analyst"), "`or` or `)` is expected here"),
        ("user = 'alice", Some("'"), "this quote is not closed"),
        ("(user = alice", Some("("), "this parenthesis is not closed"),
        ("user = alice)", Some(")"), "no parenthesis is open here"),
        ("user in alice", Some("alice"), "a list is expected"),
        ("user in (alice", Some("("), "not closed"),
        ("user in (alice bob)", Some("bob"), "`,` or `)` is expected here"),
        ("user not = alice", Some("="), "`not` stands before the field"),
        ("and user = alice", Some("and"), "no field is called so"),
        ("outcome = success and outcome = maybe", Some("maybe"), "write success, failure, unknown"),
        ("action in (user.login, user.logn)", Some("user.logn"), "near it are user.login"),
        ("client = 10.0.0.0/99", Some("10.0.0.0/99"), "write a network"),
        ("time > noon", Some("noon"), "write '2024-03-01 14:00'"),
        ("seq = -1", Some("-1"), "write a whole number"),
        ("message matches /a(b/", Some("("), "unclosed group"),
        ("message matches 'x [z-a]'", Some("z-a"), "invalid character class range"),
        ("message matches /abc", Some("/"), "this regular expression has no end"),
        ("message contains ''", Some("''"), "not empty"),
        ("user = a,b", Some(","), "`and`, `or` or the end"),
        ("= alice", Some("="), "a field is expected here"),
    ] {
        let error = match Filter::parse([("where", text)], &clock()) {
            Ok(_) => {
                assert_eq!(way_out, "", "{text}");
                continue;
            }
            Err(error) => error,
        };
        let FilterError::Value { way_out: told, place, value, .. } = &error else { panic!("{error}") };
        assert!(told.contains(way_out), "{text}: {told}");
        assert_eq!(place.clone().map(|place| &value[place]), part, "{text}: {error}");
    }
    let error = Filter::parse([("where", "ü = 1 and usr = alice")], &clock()).unwrap_err().to_string();
    assert!(error.contains("`ü` at character 1: no field is called so"), "{error}");
}

#[test]
fn length_nesting_values_and_regexes_are_bounded() {
    let told = |text: String| Filter::parse([("where", text)], &clock()).map(drop).unwrap_err().to_string();
    assert!(told("x".repeat(4097)).contains("4096 bytes at most"));
    assert!(told("(".repeat(4096)).contains("nested 32 deep at most"));
    assert!(told("not ".repeat(1000)).contains("nested 32 deep at most"));
    assert!(told("!".repeat(4000)).contains("nested 32 deep at most"));
    assert!(told(format!("seq in ({})", ["1"; 257].join(","))).contains("256 values at most"));
    assert!(told(["text matches /a/"; 17].join(" or ")).contains("16 regular expressions at most"));
    assert!(told("text matches /(\\pL{1000}){1000}/".to_owned()).contains("too large"));
    assert!(
        Filter::parse([("where", format!("{}seq = 1{}", "(".repeat(32), ")".repeat(32)))], &clock()).is_ok()
    );
}

/// Comparisons whose values are canonical already.
fn comparison() -> impl Strategy<Value = Expr> {
    let order = prop::sample::select(&[Verb::Less, Verb::AtMost, Verb::More, Verb::AtLeast][..]);
    let equal = prop::sample::select(&[Verb::Equal, Verb::Unequal][..]);
    let name = "[abAB*? \\\\\"'(),=!/]{1,4}|and|NOT|in";
    prop_oneof![
        (equal.clone(), name).prop_map(|(verb, value)| is("user", verb, [value])),
        prop::collection::vec(name, 1..4).prop_map(|values| is("role", Verb::In, values)),
        (equal, prop::sample::select(&Outcome::ALL[..])).prop_map(|(verb, it)| is(
            "outcome",
            verb,
            [it.name().to_owned()]
        )),
        (order.clone(), 0..=10_i64).prop_map(|(verb, it)| is("severity", verb, [it.to_string()])),
        (order.clone(), 0..40_i64).prop_map(|(verb, at)| is(
            "time",
            verb,
            [Time::from_millis(at).unwrap().to_string()]
        )),
        (order, 0..5_i64).prop_map(|(verb, it)| is("seq", verb, [it.to_string()])),
        "[abAB \\\\\"/]{1,3}".prop_map(|value| is("message", Verb::Contains, [value])),
        "[ab.]{1,3}".prop_map(|value| is("message", Verb::Matches, [value])),
    ]
}

fn is(name: &str, verb: Verb, values: impl IntoIterator<Item = String>) -> Expr {
    let field = FIELDS.iter().find(|field| field.name == name).unwrap();
    let values = values.into_iter().map(|text| Value { text, ..Value::default() }).collect();
    Expr::Is(Comparison { field, verb, values })
}

fn tree() -> impl Strategy<Value = Expr> {
    comparison().prop_recursive(4, 24, 3, |part| {
        let parts = prop::collection::vec(part.clone(), 2..4);
        prop_oneof![
            part.prop_map(|part| Expr::Not(Box::new(part))),
            parts.clone().prop_map(|parts| flat(parts, true)),
            parts.prop_map(|parts| flat(parts, false)),
        ]
    })
}

fn flat(parts: Vec<Expr>, is_or: bool) -> Expr {
    let parts = parts.into_iter().flat_map(|part| match part {
        Expr::Or(inner) if is_or => inner,
        Expr::And(inner) if !is_or => inner,
        part => vec![part],
    });
    if is_or { Expr::Or(parts.collect()) } else { Expr::And(parts.collect()) }
}

/// What a tree means, said as plainly as it can be.
fn naive(tree: &Expr, record: &Record) -> bool {
    let Comparison { field, verb, values } = match tree {
        Expr::Or(parts) => return parts.iter().any(|part| naive(part, record)),
        Expr::And(parts) => return parts.iter().all(|part| naive(part, record)),
        Expr::Not(part) => return !naive(part, record),
        Expr::Is(comparison) => comparison,
    };
    let event = &record.event;
    let value = values[0].text.as_str();
    match (field.name, verb) {
        (_, Verb::Less | Verb::AtMost | Verb::More | Verb::AtLeast) => {
            let (left, right) = match field.name {
                "time" => (event.time.millis(), Time::parse_rfc3339(value).unwrap().millis()),
                "seq" => (record.seq.0 as i64, value.parse().unwrap()),
                _ => (i64::from(event.severity.0), value.parse().unwrap()),
            };
            match verb {
                Verb::Less => left < right,
                Verb::AtMost => left <= right,
                Verb::More => left > right,
                _ => left >= right,
            }
        }
        ("user", verb) => {
            let names = [event.user.as_deref(), event.account.as_deref()];
            let equal = names.into_iter().flatten().any(|name| Glob::new(value).matches(name));
            equal == (*verb == Verb::Equal)
        }
        ("role", _) => event
            .role
            .as_deref()
            .is_some_and(|role| values.iter().any(|value| Glob::new(&value.text).matches(role))),
        ("outcome", verb) => (event.outcome.name() == value) == (*verb == Verb::Equal),
        (_, Verb::Contains) => event.message.to_lowercase().contains(&value.to_lowercase()),
        _ => regex::Regex::new(&format!("(?i){value}")).unwrap().is_match(&event.message),
    }
}

fn any_record() -> impl Strategy<Value = Record> {
    let name = || prop::option::of("[abAB \\\\\"']{1,3}");
    (name(), name(), name(), 0..3_usize, 0..=10_u8, 0..40_i64, 0..5_u64, "[abAB /\"]{0,6}").prop_map(
        |(user, account, role, outcome, severity, at, seq, message)| {
            let mut event =
                Event::new(Action::USER_OPERATION, Outcome::ALL[outcome], Time::from_millis(at).unwrap());
            event.user = user.map(Text::from);
            event.account = account.map(Text::from);
            event.role = role.map(Text::from);
            (event.severity, event.message) = (Severity(severity), message.into());
            Record { seq: Seq(seq), position: None, event, chain: None }
        },
    )
}

proptest! {
    #[test]
    fn what_a_tree_prints_is_the_tree_and_means_the_same(tree in tree(), records in prop::collection::vec(any_record(), 1..8)) {
        let text = tree.to_string();
        let read = parse::parse(&text).unwrap();
        prop_assert_eq!(&read, &tree, "{}", text);
        let filter = Filter::parse([("where", &text)], &clock()).unwrap();
        prop_assert_eq!(filter.words().next(), Some(("where", text.as_str())));
        let (first, last) = filter.range();
        let places = filter.places();
        for record in &records {
            prop_assert_eq!(filter.matches(record), naive(&tree, record), "{} of {:?}", text, record);
            if filter.matches(record) {
                prop_assert!((places.0..=places.1).contains(&record.seq), "{}", text);
                prop_assert!(first.is_none_or(|first| first <= record.event.time));
                prop_assert!(last.is_none_or(|last| last >= record.event.time));
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic_and_every_place_is_in_the_text(
        text in "\\PC{0,40}|(user|role|time|in|not|and|or|matches|/|\\(|\\)|'|\"|=|!|<|,|ü| |a\\\\){0,24}",
    ) {
        match Filter::parse([("where", &text)], &clock()) {
            Ok(filter) => {
                filter.matches(&record());
                let written = filter.words().next().unwrap().1.to_owned();
                let again = Filter::parse([("where", &written)], &clock()).unwrap();
                prop_assert_eq!(again.words().next().unwrap().1, &written);
            }
            Err(FilterError::Value { place, value, .. }) => {
                prop_assert!(place.is_none_or(|place| value.get(place).is_some()));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn every_field_has_a_name_of_its_own_and_a_way_to_be_compared() {
    for (at, field) in FIELDS.iter().enumerate() {
        assert!(FIELDS[..at].iter().all(|other| other.name != field.name), "{}", field.name);
        assert!(!field.verbs().is_empty());
        assert!(!matches!(field.equal, Equal::Glob) || field.texts.is_some(), "{}", field.name);
    }
}

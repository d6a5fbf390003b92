//! Which field of an entry means what, for logs that are a list of names and values.
//!
//! ```toml
//! [source.fields]            # in place of the names below
//! user = "login_name"
//! client = ["peer.address", "peer"]
//! ```
//!
//! Names are compared without regard to case. Of several names the first that the entry has, and that is not empty,
//! counts.

use super::Context;
use super::said::Said;
use super::time;
use std::borrow::Cow;

/// A name and its value.
pub(super) type Field<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The names that the config gives, for each of `MEANINGS`; empty where the defaults hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    names: [Vec<String>; MEANINGS.len()],
}

impl Fields {
    /// From now on `meaning` has these names and no other; false if there is no such meaning.
    pub fn set(&mut self, meaning: &str, names: Vec<String>) -> bool {
        let Some(at) = MEANINGS.iter().position(|(known, _)| *known == meaning) else { return false };
        self.names[at] = names;
        true
    }

    /// The place of the field that means that, among fields of these names whose value is not empty.
    fn find(&self, meaning: usize, fields: &[Field<'_>]) -> Option<usize> {
        let place = |wanted: &str| {
            let same =
                |(name, value): &Field<'_>| name.eq_ignore_ascii_case(wanted) && !value.trim().is_empty();
            fields.iter().position(same)
        };
        match self.names[meaning].as_slice() {
            [] => MEANINGS[meaning].1.iter().find_map(|name| place(name)),
            names => names.iter().find_map(|name| place(name)),
        }
    }
}

/// What an entry of these fields says.
pub(super) fn said<'a>(mut fields: Vec<Field<'a>>, context: &Context<'_>) -> Said<'a> {
    let places: [Option<usize>; MEANINGS.len()] =
        std::array::from_fn(|meaning| context.habits.fields.find(meaning, &fields));
    let date = fields.iter().position(|(name, _)| name.eq_ignore_ascii_case("date"));
    let time = places[0].and_then(|at| {
        let text = &fields[at].1;
        time::read(text, context).or_else(|| time::read(&format!("{} {text}", fields[date?].1), context))
    });
    let mut value = |meaning: &str| -> Option<Cow<'a, str>> {
        let at = places[MEANINGS.iter().position(|(known, _)| *known == meaning)?]?;
        Some(std::mem::take(&mut fields[at].1))
    };
    Said {
        time,
        written: time.and_then(|_| value("time")),
        kind: value("type"),
        title: value("title"),
        label: value("severity"),
        user: value("user"),
        role: value("role"),
        target: value("target"),
        client: value("client"),
        outcome: value("outcome"),
        reason: value("reason"),
        action: value("action"),
        message: value("message"),
        mended: false,
    }
}

/// Whether several fields have names that usually mean something.
pub(super) fn are_usual(fields: &[Field<'_>]) -> bool {
    let usual = Fields::default();
    (0..MEANINGS.len()).filter(|&meaning| usual.find(meaning, fields).is_some()).count() >= 2
}

/// What a field can mean, and the names that it usually has.
pub const MEANINGS: [(&str, &[&str]); 12] = [
    (
        "time",
        &[
            "timestamp",
            "@timestamp",
            "time",
            "eventtime",
            "event_time",
            "datetime",
            "date",
            "ts",
            "rt",
            "start",
            "end",
        ],
    ),
    ("type", &["type", "event_type", "eventtype", "event.type"]),
    ("title", &["title", "event_name", "eventname", "event.name", "subject"]),
    ("severity", &["severity", "level", "log.level", "loglevel", "priority"]),
    (
        "user",
        &[
            "owner",
            "user",
            "username",
            "user_name",
            "user.name",
            "suser",
            "actor",
            "actor.name",
            "account",
            "login",
        ],
    ),
    ("role", &["role", "user_role", "user.role", "spriv"]),
    ("target", &["target", "target_user", "target.name", "target.user", "duser", "object", "resource"]),
    (
        "client",
        &[
            "client",
            "client_ip",
            "clientip",
            "source_ip",
            "sourceip",
            "src_ip",
            "srcip",
            "src",
            "remote_addr",
            "remote_ip",
            "ip",
            "source.ip",
            "client.ip",
        ],
    ),
    ("outcome", &["outcome", "event.outcome", "result", "status", "success"]),
    ("reason", &["reason", "error", "failure_reason"]),
    ("action", &["action", "event.action", "operation", "act", "activity", "event"]),
    ("message", &["content", "message", "msg", "description", "text"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(fields: &Fields, names: &[(&str, &str)], meaning: &str) -> Option<usize> {
        let owned: Vec<_> = names.iter().map(|&(name, value)| (name.into(), value.into())).collect();
        fields.find(MEANINGS.iter().position(|(known, _)| *known == meaning)?, &owned)
    }

    #[test]
    fn a_field_is_found_by_its_usual_names() {
        let names = [("Login", "b"), ("UserName", "a"), ("user", " ")];
        assert_eq!(found(&Fields::default(), &names, "user"), Some(1));
        assert_eq!(found(&Fields::default(), &names, "client"), None);
    }

    #[test]
    fn when_it_began_is_the_time_of_what_has_no_other() {
        assert_eq!(found(&Fields::default(), &[("start", "1"), ("rt", "2")], "time"), Some(1));
        assert_eq!(found(&Fields::default(), &[("suser", "1"), ("start", "2")], "time"), Some(1));
    }

    #[test]
    fn a_configured_name_replaces_the_usual_ones() {
        let mut fields = Fields::default();
        assert!(fields.set("user", vec!["who".into()]) && !fields.set("whom", vec![]));
        assert_eq!(found(&fields, &[("user", "a"), ("WHO", "b")], "user"), Some(1));
        assert_eq!(found(&fields, &[("user", "a")], "user"), None);
    }
}

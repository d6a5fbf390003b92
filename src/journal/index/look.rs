//! A look at some fields of a journal line, without making a record of the whole.

use super::fields::{Name, fields, fields_from};
use super::head::head;
use crate::journal::line;
use crate::model::Record;

/// Which fields are looked at.
#[derive(Debug, Clone)]
pub struct Look {
    /// Their names in a line.
    names: Vec<u64>,
    /// Those that every record has are among them.
    has_what: bool,
}

impl Look {
    /// At what these fields are made of, by their names in words, expressions and answers; `None` where one of them takes
    /// more than a look.
    pub fn at<'a>(fields: impl IntoIterator<Item = &'a str>) -> Option<Look> {
        let mut look = Look { names: Vec::new(), has_what: false };
        for field in fields {
            let (_, names) = FIELDS.iter().find(|(words, _)| words.contains(&field))?;
            look.has_what |= *names == WHAT;
            look.names.extend_from_slice(names);
        }
        look.names.sort_unstable();
        look.names.dedup();
        Some(look)
    }

    /// Whether nothing is looked at.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Adds the fields of a line to `found` as they stand there, each behind a comma; false where the line is not in the form
    /// that is written.
    pub fn take(&self, body: &[u8], found: &mut Vec<u8>) -> bool {
        let mut all = head(body).map_or_else(|| fields(body), |(_, behind)| fields_from(body, behind));
        for field in &mut all {
            if matches!(field.name, Name::Short(name) if self.names.contains(&name)) {
                found.push(b',');
                found.extend_from_slice(&body[field.pair]);
            }
        }
        all.were_whole()
    }

    /// What is found of the one field that is looked at, where that is a text which stands there as it is.
    pub fn text<'a>(&self, found: &'a [u8]) -> Option<&'a str> {
        let &[name] = &self.names[..] else { return None };
        let field = TEXTS.iter().find(|text| Name::short(text) == name)?;
        if found.is_empty() {
            return Some("");
        }
        let value =
            found.strip_prefix(b",\"")?.strip_prefix(*field)?.strip_prefix(b"\":\"")?.strip_suffix(b"\"")?;
        let is_plain = memchr::memchr2(b'"', b'\\', value).is_none();
        is_plain.then(|| std::str::from_utf8(value).ok()).flatten()
    }

    /// A record that has these fields, and nothing else that was journaled. `None` when this otrail cannot read them.
    pub fn record(&self, found: &[u8]) -> Option<Record> {
        partial(found, self.has_what)
    }
}

/// A record of some fields of a line, those that every record has among them or not.
pub(super) fn partial(fields: &[u8], has_what: bool) -> Option<Record> {
    let mut json = NOTHING.to_vec();
    if !has_what {
        json.extend_from_slice(NOTHING_DONE);
    }
    json.extend_from_slice(fields);
    json.push(b'}');
    line::decode(&json).ok()
}

const NOTHING: &[u8] =
    br#"{"seq":1,"id":"00000000000000000000000000000000","time":"1970-01-01T00:00:00Z","seen":"1970-01-01T00:00:00Z""#;
const NOTHING_DONE: &[u8] =
    br#","class":"agent","action":"agent.test","outcome":"unknown","severity":0,"sensor":"","source":"""#;

/// Fields by their names, and what of a line each is made of.
const FIELDS: &[(&[&str], &[u64])] = &[
    (&["class", "action", "code", "outcome", "severity", "sensor", "source"], WHAT),
    (&["user", "account"], &[Name::short(b"user"), Name::short(b"account")]),
    (&["domain"], &[Name::short(b"domain")]),
    (&["role"], &[Name::short(b"role")]),
    (&["target", "target-kind", "target-name", "target-id"], &[Name::short(b"target")]),
    (&["client"], &[Name::short(b"client")]),
    (&["device", "devices"], &[Name::short(b"devices")]),
    (&["reason"], &[Name::short(b"reason")]),
    (&["old"], &[Name::short(b"old")]),
    (&["new"], &[Name::short(b"new")]),
    (&["count"], &[Name::short(b"count")]),
    (&["type"], &[Name::short(b"type")]),
    (&["title"], &[Name::short(b"title")]),
    (&["label"], &[Name::short(b"label")]),
    (&["flag", "flags"], &[Name::short(b"flags")]),
];
/// Fields that are one text of a line, and nothing else.
const TEXTS: &[&[u8]] =
    &[b"domain", b"role", b"client", b"reason", b"old", b"new", b"type", b"title", b"label"];
/// What no record lacks, but for its time and place.
const WHAT: &[u64] = &[
    Name::short(b"class"),
    Name::short(b"action"),
    Name::short(b"outcome"),
    Name::short(b"severity"),
    Name::short(b"sensor"),
    Name::short(b"source"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Event, Outcome, Seq, Text, Time};

    #[test]
    fn a_look_has_what_decoding_has() {
        let action = Action::parse("user.login").unwrap();
        let mut event = Event::new(action, Outcome::Failure, Time::default());
        event.client = Some(Text::from("a\"b\\\u{e4}"));
        event.role = Some(Text::from("Sicherheit \u{e4}"));
        event.sensor = "plant-a".into();
        event.devices = vec!["plc-7".into(), "::ffff:10.2.3.4".into()];
        let mut body = Vec::new();
        let record = Record { seq: Seq(7), position: None, event: event.clone(), chain: None };
        line::encode(&record, None, &mut body);
        let (look, mut found) = (Look::at(["client", "devices", "code"]).unwrap(), Vec::new());
        assert!(look.take(&body, &mut found));
        let seen = look.record(&found).unwrap().event;
        assert_eq!((seen.client, seen.devices, seen.action), (event.client, event.devices, action));
        assert_eq!(seen.sensor, "plant-a");
        assert!(Look::at(["message"]).is_none() && Look::at([]).unwrap().is_empty());
        assert!(!look.take(&body[..body.len() - 1], &mut found));
        for (field, text) in
            [("role", Some("Sicherheit \u{e4}")), ("client", None), ("old", Some("")), ("user", None)]
        {
            let (look, mut found) = (Look::at([field]).unwrap(), Vec::new());
            assert!(look.take(&body, &mut found));
            assert_eq!(look.text(&found), text, "{field}");
        }
    }
}

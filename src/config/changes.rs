//! What is different between two configs: for whoever reads one anew, and for the trail.
//!
//! Only values count: spaces, comments, the order of keys and the way a value is quoted make no difference. Tables that
//! stand many times are known by their names, so moving one is a difference only in its own line, `order`.

use super::secret::hidden;
use super::{Config, keys};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The section, with the name of a table that stands many times: `destination siem`; empty at the top of the file.
    pub place: String,
    /// The key in it; empty where the whole table has come or gone.
    pub key: String,
    /// The value before, as TOML writes it; `None` where there was none.
    pub before: Option<String>,
    /// The value now.
    pub now: Option<String>,
}

impl Change {
    fn is_of_kind(&self, sections: &[&str]) -> bool {
        let named = self.place.split_once(' ').map(|(section, _)| section);
        named.is_some_and(|section| sections.contains(&section))
    }

    /// Whether it is about this table of a section that stands many times.
    pub fn is_of(&self, section: &str, name: &str) -> bool {
        self.place.strip_prefix(section).and_then(|rest| rest.strip_prefix(' ')) == Some(name)
    }
}

/// `destination siem: address is "b:6514", was "a:6514"`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { place, key, before, now } = self;
        match (place.as_str(), key.as_str()) {
            ("", key) => f.write_str(key)?,
            (place, "") => f.write_str(place)?,
            (place, key) => write!(f, "{place}: {key}")?,
        }
        match (before, now) {
            (None, Some(_)) if key.is_empty() => write!(f, " is new"),
            (Some(_), None) if key.is_empty() => write!(f, " is gone"),
            // A pattern may quote what it hides, and the hash of a rule file says nothing to anybody.
            (before, now) if self.is_of_kind(&["mask", "rules"]) => f.write_str(match (before, now) {
                (Some(_), Some(_)) => " is another",
                (_, Some(_)) => " is set, was not",
                (_, None) => " is not set any more",
            }),
            (Some(before), Some(now)) => write!(f, " is {}, was {}", short(now), short(before)),
            (None, Some(now)) => write!(f, " is {}, was not set", short(now)),
            (Some(before), None) => write!(f, " is not set, was {}", short(before)),
            (None, None) => Ok(()),
        }
    }
}

/// What is different, in the order of the places; rule files are places, too.
pub fn changes(before: &Config, now: &Config) -> Vec<Change> {
    let mut changes = of_texts(&before.text, &now.text);
    let of_rules = |config: &Config| -> Values {
        let one = |(name, hash): &(String, String)| ((format!("rules {name}"), String::new()), hash.clone());
        config.rule_hashes.iter().map(one).collect()
    };
    changes.extend(of_values(&of_rules(before), &of_rules(now)));
    changes
}

/// What a config says.
#[derive(Default)]
struct Said {
    values: Values,
    /// The tables of each section that may stand many times, in the order of the file.
    tables: BTreeMap<String, Vec<String>>,
}

/// By place and key; the key is empty for a table as such.
type Values = BTreeMap<(String, String), String>;

fn of_texts(before: &str, now: &str) -> Vec<Change> {
    let (before, now) = (said(before), said(now));
    let mut changes = of_values(&before.values, &now.values);
    for (section, tables) in &now.tables {
        let others = before.tables.get(section).map(Vec::as_slice).unwrap_or_default();
        let both = |these: &[String], those: &[String]| -> Vec<String> {
            these.iter().filter(|place| those.contains(place)).cloned().collect()
        };
        let (then, now) = (both(others, tables), both(tables, others));
        if then != now {
            let all = |places: Vec<String>| Some(places.join(", "));
            let (place, key) = (section.clone(), "order".to_owned());
            changes.push(Change { place, key, before: all(then), now: all(now) });
        }
    }
    changes
}

fn of_values(before: &Values, now: &Values) -> Vec<Change> {
    let has_table = |values: &Values, place: &str| values.contains_key(&(place.to_owned(), String::new()));
    let mut keys: Vec<&(String, String)> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    // Of a table that has come or gone that is said, and not each of its keys.
    let is_told =
        |(place, key): &(String, String)| key.is_empty() || has_table(before, place) == has_table(now, place);
    let different = keys.into_iter().filter(|key| before.get(key) != now.get(key) && is_told(key));
    let change = |key: &(String, String)| Change {
        place: key.0.clone(),
        key: key.1.clone(),
        before: before.get(key).cloned(),
        now: now.get(key).cloned(),
    };
    different.map(change).collect()
}

/// All that stands in a config that is known to be one.
fn said(text: &str) -> Said {
    let (top, _) = DeTable::parse_recoverable(text);
    let mut said = Said::default();
    for (name, value) in top.get_ref() {
        let name = name.get_ref();
        match value.get_ref() {
            DeValue::Table(table) => take(&mut said.values, name, "", table),
            DeValue::Array(tables) if keys::section(name).many => {
                let tables = tables.iter().filter_map(|value| value.get_ref().as_table());
                for table in tables {
                    let places = said.tables.entry(name.to_string()).or_default();
                    let place = place_of(name, table, places);
                    said.values.insert((place.clone(), String::new()), String::new());
                    take(&mut said.values, &place, "", table);
                    places.push(place);
                }
            }
            other => {
                said.values.insert((String::new(), name.to_string()), written(other));
            }
        }
    }
    said
}

fn take(values: &mut Values, place: &str, before: &str, table: &DeTable<'_>) {
    for (key, value) in table {
        let key = format!("{before}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => take(values, place, &format!("{key}."), inner),
            other => {
                values.insert((place.to_owned(), key), written(other));
            }
        }
    }
}

/// By its name, or its number where it has none, or one that was there before.
fn place_of(section: &str, table: &DeTable<'_>, before: &[String]) -> String {
    let name =
        table.iter().find(|(key, _)| key.get_ref() == "name").and_then(|(_, name)| name.get_ref().as_str());
    let place = name.map(|name| format!("{section} {name}")).filter(|place| !before.contains(place));
    place.unwrap_or_else(|| format!("{section} {}", before.len() + 1))
}

/// A value as it could stand in the file.
fn written(value: &DeValue<'_>) -> String {
    let all = |parts: Vec<String>, open: &str, close: &str| format!("{open}{}{close}", parts.join(", "));
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(is_so) => is_so.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(values) => {
            all(values.iter().map(|value| written(value.get_ref())).collect(), "[", "]")
        }
        DeValue::Table(table) => {
            let pair = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| -> String {
                format!("{} = {}", key.get_ref(), written(value.get_ref()))
            };
            all(table.iter().map(pair).collect(), "{ ", " }")
        }
    }
}

/// For a sentence, and for the trail: the beginning of what is long, and of a secret nothing.
fn short(value: &str) -> String {
    let value = hidden(value);
    match value.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &value[..end]),
        None => value.into_owned(),
    }
}

/// Characters of a value.
const SHOWN_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, now: &str) -> Vec<String> {
        of_texts(before, now).iter().map(Change::to_string).collect()
    }

    const BEFORE: &str = r#"
sensor = "a"
[[source]]
name = "timeline"
path = "/log"
[journal]
size-max = "1 GiB"
[[destination]]
name = "siem"
address = "a:6514"
[destination.select]
severity = "4.."
[[destination]]
name = "soc"
address = "b:6514"
"#;

    #[test]
    fn values_that_came_went_or_are_others_are_told() {
        let now = BEFORE
            .replace("a:6514", "c:6514")
            .replace("size-max = \"1 GiB\"", "age-max = \"30 days\"")
            .replace("4..", "7..")
            .replace("sensor = \"a\"", "sensor = \"b\"\nheartbeat = \"5 min\"");
        assert_eq!(
            told(BEFORE, &now),
            [
                r#"heartbeat is "5 min", was not set"#,
                r#"sensor is "b", was "a""#,
                r#"destination siem: address is "c:6514", was "a:6514""#,
                r#"destination siem: select.severity is "7..", was "4..""#,
                r#"journal: age-max is "30 days", was not set"#,
                r#"journal: size-max is not set, was "1 GiB""#,
            ]
        );
    }

    #[test]
    fn a_table_that_came_or_went_is_told_as_one() {
        let now = BEFORE.replace("name = \"soc\"", "name = \"archive\"");
        assert_eq!(told(BEFORE, &now), ["destination archive is new", "destination soc is gone"]);
    }

    #[test]
    fn what_is_only_written_otherwise_is_no_change() {
        let now =
            BEFORE.replace("\"a:6514\"", "'a:6514' # the same").replace("sensor = ", "\n\nsensor    = ");
        assert_eq!(told(BEFORE, &now), <[&str; 0]>::default());
        let now =
            BEFORE.replace("[destination.select]\nseverity = \"4..\"", "select = { severity = \"4..\" }");
        assert_eq!(told(BEFORE, &now), <[&str; 0]>::default());
    }

    #[test]
    fn tables_that_changed_places_are_told_and_equal_names_are_told_apart() {
        let mask =
            |name: &str, pattern: &str| format!("[[mask]]\nname = \"{name}\"\npattern = '{pattern}'\n");
        let (one, other) = (mask("a", "x"), mask("b", "y"));
        let moved = told(&format!("{one}{other}"), &format!("{other}{one}"));
        assert_eq!(moved, ["mask: order is mask b, mask a, was mask a, mask b"]);
        let twice = told(&format!("{one}{one}"), &format!("{one}{}", mask("a", "z")));
        assert_eq!(twice, ["mask 2: pattern is another"]);
        let named = "[[mask]]\nname = \"a\"\n";
        assert_eq!(told(named, &one), ["mask a: pattern is set, was not"], "what it says is hidden");
        assert_eq!(told(&one, named), ["mask a: pattern is not set any more"]);
    }

    #[test]
    fn a_long_value_is_cut_where_it_is_told() {
        let long = "ä".repeat(100);
        let told = told("sensor = \"a\"", &format!("sensor = \"{long}\""));
        assert_eq!(told, [format!("sensor is \"{}..., was \"a\"", &long[..2 * 79])]);
    }

    #[test]
    fn a_place_is_known_by_its_whole_name() {
        let change = &of_texts("", "[[destination]]\nname = \"siem\"")[0];
        assert!(change.is_of("destination", "siem"));
        assert!(!change.is_of("destination", "sie") && !change.is_of("source", "siem"));
    }
}

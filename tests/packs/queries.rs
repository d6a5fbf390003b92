//! What is made of the rules for a SIEM that no test can ask: whether it is a query of that SIEM.

use super::{files_below, names_of, siem};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The lines of a file of a pack that hold a query, from what is before it on.
fn queries_in(file: &str, before: &str) -> Vec<String> {
    let text = fs::read_to_string(siem().join(file)).unwrap();
    text.lines().filter_map(|line| Some(line.split_once(before)?.1.to_owned())).collect()
}

#[test]
fn every_query_is_a_whole_one() {
    let splunk = queries_in("splunk/otrail/default/savedsearches.conf", "search = ");
    let loki = queries_in("loki/rules.yaml", "({job=\"otrail\"} | json | ");
    let elastic = queries_in("elastic/rules.ndjson", "\"query\": \"");
    let sentinel = files_below(&siem().join("sentinel/rules"));
    let rules = sentinel.len();
    assert!(rules > 20);
    assert_eq!([splunk.len(), loki.len(), elastic.len()], [rules; 3], "one for each rule");
    for query in splunk {
        let is_finished = query.contains(" | table ") || query.contains(" | stats ");
        assert!(query.starts_with("`otrail_events` ") && is_finished, "{query}");
    }
    for query in elastic {
        assert!(query.starts_with("from logs-otrail.audit-* "), "no command of ES|QL that begins: {query}");
    }
    for (name, text) in sentinel {
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("query: |\n  OtrailAudit\n  | where "), "{name}");
    }
}

/// The queries of Elastic.
fn of_elastic() -> Vec<String> {
    let text = fs::read_to_string(siem().join("elastic/rules.ndjson")).unwrap();
    let query =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["query"].as_str().unwrap().to_owned();
    text.lines().map(query).collect()
}

#[test]
fn elastic_finds_words_in_upper_and_lower_case_as_sigma_does() {
    let queries = of_elastic();
    let parts = queries.iter().flat_map(|query| query.split(" and "));
    let likes: Vec<_> = parts.filter_map(|part| part.split_once(" like ")).collect();
    assert!(likes.len() > 1);
    for (field, pattern) in likes {
        assert!(field.starts_with("to_lower("), "{field} is looked at as it is written");
        assert_eq!(pattern, pattern.to_lowercase(), "{field} is in lower case");
    }
}

/// The mapped fields below `at`, with their mappings.
fn mapped(at: &str, properties: &Value, found: &mut BTreeMap<String, Value>) {
    for (name, field) in properties.as_object().unwrap() {
        match field.get("properties") {
            Some(below) => mapped(&format!("{at}{name}."), below, found),
            None => _ = found.insert(format!("{at}{name}"), field.clone()),
        }
    }
}

/// What a query speaks of behind its command `from`, without what stands in quotes.
fn columns_in(query: &str) -> BTreeSet<String> {
    let bare: String = query.split('"').step_by(2).collect();
    let (_, bare) = bare.split_once(" | ").unwrap();
    let words = bare.split(|letter: char| !(letter.is_alphanumeric() || "._@".contains(letter)));
    let is_column = |word: &&str| word.contains(['.', '@']) || *word == "message";
    words.filter(is_column).map(str::to_owned).collect()
}

/// ES|QL refuses a query that speaks of a column that no index has, and by dynamic templates an index has a field from the
/// first document with it on: in another week there may be the first failure, or the first new role.
#[test]
fn elastic_knows_every_field_of_the_rules_before_an_event_has_it() {
    let template = fs::read(siem().join("elastic/index-template.json")).unwrap();
    let template: Value = serde_json::from_slice(&template).unwrap();
    let mappings = &template["template"]["mappings"];
    let mut there = BTreeMap::new();
    mapped("", &mappings["properties"], &mut there);
    let spoken: BTreeSet<String> = of_elastic().iter().flat_map(|query| columns_in(query)).collect();
    assert!(spoken.contains("labels.new") && spoken.contains("@timestamp"), "{spoken:?}");
    let missing: Vec<_> = spoken.iter().filter(|name| !there.contains_key(*name)).collect();
    assert!(missing.is_empty(), "not mapped: {missing:?}");
    let of_rules = names_of("elastic.yml").into_iter().map(|(_, name)| name);
    let others = ["@timestamp", "event.ingested", "message"].map(str::to_owned);
    let wanted: BTreeSet<String> = of_rules.chain(others).collect();
    assert_eq!(there.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    // A keyword of more bytes than Lucene takes, 32,766, would have the whole event refused; a letter has four at most.
    let labels = &mappings["dynamic_templates"][0]["labels"]["mapping"];
    for field in there.values().chain([labels]).filter(|field| field["type"] == "keyword") {
        assert!(field["ignore_above"].as_u64().is_some_and(|letters| letters * 4 <= 32_766), "{field}");
    }
}

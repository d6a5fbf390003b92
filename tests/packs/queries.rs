//! What is made of the rules for a SIEM that no test can ask: whether it is a query of that SIEM.

use super::{files_below, siem};
use serde_json::Value;
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

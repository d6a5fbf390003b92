"""What pySigma makes of the Sigma rules of the packs.

    packs.py convert RULES PIPELINES DIR    writes the rules of every other pack into DIR
    packs.py fire RULES EVENTS              which events (their `seq`) each rule finds in lines of the format json; of one that
                                            counts, how many spans of time
    packs.py words RULES                    what each rule speaks of: fields, actions, techniques
    packs.py parse FOLDER                   reads every file that is JSON, XML, YAML or a configuration of Splunk

The Sigma rules are the only ones that are written by hand; `tests/packs.rs` holds what is made of them against the packs.
"""

import configparser
import json
import sqlite3
import sys
from pathlib import Path
from xml.etree import ElementTree

import yaml
from sigma.backends.elasticsearch import ESQLBackend
from sigma.backends.kusto import KustoBackend
from sigma.backends.loki import LogQLBackend
from sigma.backends.splunk import SplunkBackend
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule, SigmaCorrelationType
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule

MADE = "Made from the Sigma rules of the pack `sigma`; change those."
# How often a rule looks, and at what has come since then. That goes by when an event came: after an outage events are
# hours old when they come, and a rule that looks at their time alone would never see them.
EVERY_MINUTES = 10
# Sentinel has a rule that looks back two days or more run once an hour at most ("Query Requirements" of Azure-Sentinel).
SENTINEL_PERIOD = "1d"


def collection(folder):
    """The rules in the order of their files, each correlation behind what it counts."""
    return SigmaCollection.load_ruleset(sorted(Path(folder).glob("*.yml")))


def queries(backend, rules):
    """The query of each rule. pySigma leaves one that another counts unfinished: no rule is counted by those alone."""
    alone = SigmaCollection([SigmaRule.from_dict(rule.to_dict()) for rule in rules.rules if not is_counting(rule)])
    found = {rule.id: query for rule, query in zip(alone.rules, backend.convert(alone), strict=True)}
    if any(map(is_counting, rules.rules)):
        found = dict(zip([rule.id for rule in rules.rules], backend.convert(rules), strict=True)) | found
    return [(rule, found[rule.id]) for rule in rules.rules]


def pipeline(folder, name):
    return ProcessingPipeline.from_yaml((Path(folder) / f"{name}.yml").read_text())


def one_line(text):
    return " ".join(text.split())


def is_counting(rule):
    return isinstance(rule, SigmaCorrelationRule)


def minutes(rule):
    """How long ago what is looked at may have come: of what is counted, some had come when it was looked at before."""
    return EVERY_MINUTES + (rule.timespan.seconds // 60 if is_counting(rule) else 0)


def overlapping(rule, query, spans):
    """A query that counts in spans of time, with those that begin in the middle of each besides: many events in a short
    time are found on both sides of a border. `spans` has what pySigma writes, and what is written instead, by minutes."""
    if is_counting(rule):
        whole = rule.timespan.seconds // 60
        for old, new in spans(whole, whole // 2):
            assert query.count(old) == 1, (old, query)
            query = query.replace(old, new)
    return query


def level(rule):
    return rule.level.name.lower()


def techniques(rule):
    return [tag.name.upper() for tag in rule.tags if tag.name[0] == "t" and tag.name[1].isdigit()]


def tactics(rule):
    words = [tag.name for tag in rule.tags if tag.name not in map(str.lower, techniques(rule))]
    return ["".join(part.capitalize() for part in word.split("-")) for word in words]


def block(text, by):
    return "\n".join((" " * by + line).rstrip() for line in text.strip().splitlines())


def spans_of_splunk(whole, half):
    half *= 60
    last = f"floor(_time/{half})*{half}"
    yield f"| bin _time span={whole}m | stats", f"| eval begin=mvrange({last}-{half}, {last}+1, {half}) | stats"
    yield " by _time ", " by begin "
    yield " | search ", " | rename begin as _time | search "


def splunk(rules, pipelines):
    severity = {"low": 3, "medium": 4, "high": 5}
    text = f"# {MADE}\n# None of them runs before it is enabled (enableSched = 1).\n"
    for rule, query in queries(SplunkBackend(pipeline(pipelines, "splunk")), rules):
        search = one_line(query).replace('sourcetype="otrail:audit"', "`otrail_events`")
        search = overlapping(rule, search, spans_of_splunk)
        text += f"\n[otrail: {rule.title}]\n"
        text += f"description = {one_line(rule.description)}\n"
        text += f"search = {search}\n"
        text += f"cron_schedule = */{EVERY_MINUTES} * * * *\n"
        text += "dispatch.earliest_time = -30d\ndispatch.latest_time = +1d\n"
        text += f"dispatch.index_earliest = -{minutes(rule)}m@m\ndispatch.index_latest = @m\n"
        text += "enableSched = 0\ncounttype = number of events\nrelation = greater than\nquantity = 0\n"
        text += f"alert.track = 1\nalert.severity = {severity[level(rule)]}\n"
    return {"splunk/otrail/default/savedsearches.conf": text}


def counted(rule, base, names):
    """A rule that counts, in the words of Kusto, of which pySigma knows none."""
    condition = rule.condition
    operator = {"GTE": ">="}[condition.op.name]
    by = ", ".join(names[field] for field in rule.group_by)
    if rule.type == SigmaCorrelationType.EVENT_COUNT:
        what = "Events = count()"
    else:
        what = f"Events = count(), Values = dcount({names[condition.fieldref]})"
    counts = "Events" if rule.type == SigmaCorrelationType.EVENT_COUNT else "Values"
    half = f"{rule.timespan.seconds // 120}m"
    return (
        # As in `overlapping`.
        f"{base}\n| extend Last = bin(TimeGenerated, {half})\n"
        f"| mv-expand Begin = pack_array(Last - {half}, Last) to typeof(datetime)\n"
        f"| summarize {what}, FirstSeen = min(TimeGenerated) by {by}, Begin\n"
        f"| where {counts} {operator} {condition.count}"
    )


def sentinel(rules, pipelines):
    names = next(
        item.transformation.mapping
        for item in pipeline(pipelines, "sentinel").items
        if item.identifier == "otrail_columns"
    )
    plain = SigmaCollection([rule for rule in rules.rules if not is_counting(rule)])
    found = {rule.id: query for rule, query in queries(KustoBackend(pipeline(pipelines, "sentinel")), plain)}
    files = {}
    for rule in rules.rules:
        query = found[rule.rules[0].rule.id if is_counting(rule) else rule.id]
        query = f"OtrailAudit\n| where IngestionTime > ago({minutes(rule)}m)\n| where {query}"
        if is_counting(rule):
            query = counted(rule, query, names)
        text = f"# {MADE}\nid: {rule.id}\nname: {rule.title}\nversion: 1.0.0\nkind: Scheduled\n"
        text += f"description: |\n{block(rule.description, 2)}\n"
        text += f"severity: {level(rule).capitalize()}\n"
        text += "requiredDataConnectors:\n  - connectorId: CefAma\n    dataTypes:\n      - CommonSecurityLog\n"
        text += f"queryFrequency: {EVERY_MINUTES}m\nqueryPeriod: {SENTINEL_PERIOD}\n"
        text += "triggerOperator: gt\ntriggerThreshold: 0\n"
        for key, values in [("tactics", tactics(rule)), ("relevantTechniques", techniques(rule))]:
            text += f"{key}:" + ("".join(f"\n  - {value}" for value in values) or " []") + "\n"
        text += f"query: |\n{block(query, 2)}\n"
        text += entities(query)
        files[f"sentinel/rules/{rule.name}.yaml"] = text
    return files


def entities(query):
    """What an incident is about; after a summary only what it is grouped by is left."""
    kinds = [("Account", "Name", "User"), ("IP", "Address", "Client"), ("Host", "HostName", "Sensor")]
    by = query.rpartition(" by ")[2] if "summarize" in query else None
    text = "entityMappings:\n"
    for kind, identifier, column in kinds:
        if by is None or column in by:
            text += f"  - entityType: {kind}\n    fieldMappings:\n"
            text += f"      - identifier: {identifier}\n        columnName: {column}\n"
    return text


def spans_of_elastic(whole, half):
    last = f"date_trunc({half} minutes, @timestamp)"
    yield f"date_trunc({whole}minutes, @timestamp)", f"mv_append({last} - {half} minutes, {last})"


def elastic(rules, pipelines):
    score = {"low": 21, "medium": 47, "high": 73}
    lines = ""
    for rule, query in queries(ESQLBackend(pipeline(pipelines, "elastic")), rules):
        lines += json.dumps({
            "rule_id": str(rule.id),
            "name": f"otrail: {rule.title}",
            "description": one_line(rule.description),
            "author": ["otrail"],
            "type": "esql",
            "language": "esql",
            "query": overlapping(rule, query, spans_of_elastic),
            "severity": level(rule),
            "risk_score": score[level(rule)],
            "interval": f"{EVERY_MINUTES}m",
            "from": f"now-{minutes(rule) + 1}m",
            "to": "now",
            "timestamp_override": "event.ingested",
            "false_positives": rule.falsepositives,
            "tags": ["otrail", "OT"] + techniques(rule),
            "enabled": False,
            "version": 1,
        }) + "\n"
    return {"elastic/rules.ndjson": lines}


def loki(rules, pipelines):
    text = f"# {MADE}\ngroups:\n  - name: otrail\n    interval: 1m\n    rules:\n"
    for rule, query in queries(LogQLBackend(pipeline(pipelines, "loki")), rules):
        query = one_line(query)
        if not is_counting(rule):
            # What is behind the selection is for people who read lines, and an alert has none.
            query = f"sum by (sensor, user) (count_over_time({query.partition(' | line_format')[0]} [5m])) > 0"
        text += f"      - alert: {''.join(word.capitalize() for word in rule.name.split('_'))}\n"
        text += f"        expr: |\n{block(query, 10)}\n"
        text += f"        labels:\n          severity: {level(rule)}\n"
        text += f"        annotations:\n          summary: {rule.title}\n"
        text += f"          description: >-\n{block(one_line(rule.description), 12)}\n"
    return {"loki/rules.yaml": text}


def convert(folder, pipelines, target):
    for make in (splunk, sentinel, elastic, loki):
        # A conversion leaves its marks on the rules.
        for name, text in make(collection(folder), pipelines).items():
            path = Path(target) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def fire(folder, events):
    rows = [json.loads(line) for line in Path(events).read_text().splitlines()]
    base = sqlite3.connect(":memory:")
    columns = ["seq", "time", "sensor", "user", "client", "action", "outcome", "old", "new", "reason", "message"]
    base.execute(f"CREATE TABLE logs (timestamp TEXT, target_name TEXT, {', '.join(columns)})")
    for row in rows:
        values = [row["time"], row.get("target", {}).get("name")] + [row.get(column) for column in columns]
        base.execute(f"INSERT INTO logs VALUES ({', '.join('?' * len(values))})", values)
    base.row_factory = sqlite3.Row
    rules = collection(folder)
    for rule, query in queries(sqliteBackend(), rules):
        found = [dict(row) for row in base.execute(query)]
        if is_counting(rule):
            print(json.dumps([rule.name, len(found)]))
        else:
            print(json.dumps([rule.name, sorted(row["seq"] for row in found)]))


def words(folder):
    for rule in collection(folder).rules:
        if is_counting(rule):
            spoken = {"fields": rule.group_by + [rule.condition.fieldref or "user"], "actions": []}
        else:
            items = [item for detection in rule.detection.detections.values() for item in detection.detection_items]
            actions = [str(value) for item in items if item.field == "action" for value in item.value]
            spoken = {"fields": rule.fields + [item.field for item in items], "actions": actions}
        print(json.dumps({"name": rule.name, "techniques": techniques(rule)} | spoken))


def parse(folder):
    for path in sorted(Path(folder).rglob("*")):
        text = path.read_text() if path.is_file() else ""
        match path.suffix if path.is_file() else "":
            case ".json":
                json.loads(text)
            case ".ndjson":
                all(json.loads(line) for line in text.splitlines())
            case ".xml":
                ElementTree.fromstring(text)
            case ".yml" | ".yaml":
                list(yaml.safe_load_all(text))
            case ".conf" if "splunk" in path.parts:
                configparser.ConfigParser(interpolation=None, delimiters=("=",)).read_string(text)


if __name__ == "__main__":
    {"convert": convert, "fire": fire, "words": words, "parse": parse}[sys.argv[1]](*sys.argv[2:])

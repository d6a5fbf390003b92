#!/usr/bin/env python3
"""Checks the chain of OCSF 1.9 events (profile record_integrity) from what a SIEM has of them, and nothing else.

    check-integrity.py FILE...                      lines of JSON, with or without a syslog header before them
    check-integrity.py --journal ROWS FILE...       the same, held against the journal

ROWS is what `otrail query -n all -o ocsf` printed. Exit code: 0 nothing is wrong, 1 something is.
Needs Python 3.8 and no packages.
"""

import argparse
import hashlib
import json
import sys


def events(names):
    """Every event that carries an attestation, with where it stands."""
    for name in names:
        with open(name, encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                at = line.find('{"')
                try:
                    event = json.loads(line[at:]) if at >= 0 else None
                except ValueError:
                    continue
                if isinstance(event, dict) and event.get("attestation_list"):
                    yield f"{name}:{number}", event


def fingerprint(event):
    """SHA-256 of the event as RFC 8785 writes it, without the fingerprint itself."""
    attestation = dict(event["attestation_list"][0])
    attestation.pop("fingerprint", None)
    bare = dict(event, attestation_list=[attestation])
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--journal", metavar="ROWS")
    arguments.add_argument("files", nargs="+", metavar="FILE")
    asked = arguments.parse_args()
    faults, first, found = [], [], list(events(asked.files))
    known = {}
    for place, event in found:
        said = event["attestation_list"][0].get("fingerprint", {}).get("value")
        if said != fingerprint(event):
            faults.append(f"{place}: the event is not what was sent")
        else:
            known[said] = (event["metadata"]["uid"], event["type_uid"])
    for place, event in found:
        former = event["attestation_list"][0].get("prev_event")
        if former is None:
            first.append((place, event))
        elif known.get(former["fingerprint"]["value"]) != (former["uid"], former["type_uid"]):
            faults.append(f"{place}: the event before it, {former['uid']}, is missing or not what was sent")
    for place, event in first:
        if event["unmapped"]["prev"] != 0 and not event["unmapped"].get("replay"):
            print(f"{place}: a chain begins here, after event {event['unmapped']['prev']}: was the format changed then?")
    if asked.journal:
        faults += strangers(asked.journal, found)
    for fault in faults:
        print(fault)
    newest = max(found, key=lambda one: one[1]["metadata"]["sequence"], default=None)
    if newest:
        said = newest[1]["attestation_list"][0]
        print(f"newest: seq {newest[1]['metadata']['sequence']}, chain of the journal {said['uid']}")
    chains = len({event["metadata"]["uid"] for _, event in first})
    print(f"{len(found)} events, {chains} chains, {len(faults)} faults")
    return 1 if faults or not found else 0


def strangers(rows, found):
    """Events that the journal does not have, or has otherwise."""
    journal = {event["metadata"]["sequence"]: content(event) for _, event in events([rows])}
    faults = []
    for place, event in found:
        seq = event["metadata"]["sequence"]
        if journal and seq >= min(journal) and journal.get(seq) != content(event):
            faults.append(f"{place}: the journal has another event as seq {seq}, or none")
    return faults


def content(event):
    """What an event says of what happened, and of its place in the journal; nothing of its delivery."""
    here = event["attestation_list"][0]
    told = {key: value for key, value in event["unmapped"].items() if key not in ("prev", "resent", "replay")}
    return dict(event, unmapped=told, attestation_list=[here["chain_uid"], here["uid"]])


if __name__ == "__main__":
    sys.exit(main())

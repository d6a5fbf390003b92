#!/usr/bin/env python3
"""Checks the chain of OCSF 1.9 events (profile record_integrity) from what a SIEM has of them, and nothing else.

    check-integrity.py FILE...                      lines of JSON, with or without a syslog header before them
    check-integrity.py --journal ROWS FILE...       the same, held against the journal

ROWS is what `otrail query -n all -o ocsf` printed. Exit code: 0 nothing is wrong, 1 something is,
2 a file cannot be read or holds no such event.
Needs Python 3.8 and no packages.
"""

import argparse
import hashlib
import json
import sys


def events(names):
    """Every event that carries an attestation, with where it stands; None for one that is cut or damaged."""
    for name in names:
        with open(name, encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                at = line.find('{"')
                try:
                    event = json.loads(line[at:]) if at >= 0 else None
                except ValueError:
                    event = None
                    if '"attestation_list"' in line:
                        yield f"{name}:{number}", None
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
    faults, first, found, known = [], [], [], {}
    for place, event in events(asked.files):
        said = event and claimed(event)
        if said is None or said != fingerprint(event):
            faults.append(f"{place}: the event is not what was sent")
        else:
            found.append((place, event))
            known[said] = (event["metadata"]["uid"], event["type_uid"])
    if not found and not faults:
        sys.exit(none_in(asked.files))
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
    return 1 if faults else 0


def claimed(event):
    """The fingerprint that an event says it has; None where what should say so is something else."""
    try:
        return event["attestation_list"][0]["fingerprint"]["value"]
    except (KeyError, IndexError, TypeError):
        return None


def none_in(names):
    """Says that there is nothing to check, which is not the same as nothing wrong."""
    print(f"no event with an attestation_list in {', '.join(names)}: are they of a destination with", file=sys.stderr)
    print('format = "ocsf", ocsf-version 1.9, and without leave-out = ["chain"]?', file=sys.stderr)
    return 2


def strangers(rows, found):
    """Events that the journal does not have, or has otherwise."""
    journal = {event["metadata"]["sequence"]: content(event) for _, event in events([rows]) if event}
    if not journal:
        sys.exit(none_in([rows]))
    faults = []
    for place, event in found:
        seq = event["metadata"]["sequence"]
        if seq >= min(journal) and journal.get(seq) != content(event):
            faults.append(f"{place}: the journal has another event as seq {seq}, or none")
    return faults


def content(event):
    """What an event says of what happened, and of its place in the journal; nothing of its delivery."""
    here = event["attestation_list"][0]
    told = {key: value for key, value in event["unmapped"].items() if key not in ("prev", "resent", "replay")}
    return dict(event, unmapped=told, attestation_list=[here["chain_uid"], here["uid"]])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, UnicodeError) as error:
        print(f"check-integrity: {error}", file=sys.stderr)
        sys.exit(2)

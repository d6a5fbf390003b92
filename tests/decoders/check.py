"""Reads what tests/decoders.rs wrote, with readers of others; prints one line for each fault, and how much was read.

    cef.ndjson        {"frame": "CEF:0|...", "expected": {"suser": "alice", "label": "value", ...}}
    ocsf-VERSION.ndjson   one event a line; of 1.9.0, which is not published with the readers, what ocsf-1.9.0.schema adds
                          to 1.8.0, and only classes that 1.8.0 has
    NAME.ndjson       one value a line, valid under NAME.schema
"""

import json
import logging
import pathlib
import re
import sys

import ocsf_json_schema
import pycef
from cefevent.extensions import extension_dictionary
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded

faults = []
logging.disable(logging.CRITICAL)


def cef(lines):
    """Every key is one of the dictionary (or ours, or a label) within its length, and every value comes back."""
    for line in lines:
        case = json.loads(line)
        read = pycef.parse(case["frame"])
        if read is None:
            faults.append(f"pycef cannot read {case['frame']}")
            continue
        for key, expected in case["expected"].items():
            found = unescaped(read.get(key, ""))
            # It takes the blanks around a value for the delimiter.
            if found.strip() != expected.strip():
                faults.append(f"pycef reads {key} as {found!r}, not {expected!r}: {case['frame']}")
        for key, value in case["pairs"].items():
            known = extension_dictionary.get(key)
            if known is None:
                # The standard has outcome and c6a2; the dictionary of the package does not.
                if not re.fullmatch(r"(otrailAudit\w+|outcome|c6a2|(cs|cn|c6a|flexString|deviceCustomDate)\dLabel)", key):
                    faults.append(f"{key} is not in the dictionary of CEF")
                continue
            length = int(known.get("length") or 0)
            if length and len(value) > length:
                faults.append(f"{key} has {len(value)} of {length} characters")


def unescaped(text):
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), text)


def ocsf(version, lines):
    """Every event is valid under the published schema: types, enumerations, what is required, and nothing else."""
    base = "1.8.0" if version == "1.9.0" else version
    path = pathlib.Path(ocsf_json_schema.__file__).parent / "ocsf" / f"{base}.json"
    published = json.loads(path.read_text())
    if version != base:
        added = json.loads((folder / f"ocsf-{version}.schema").read_text())
        for cls in published["classes"].values():
            cls["attributes"].update(added["attributes"])
        published["objects"].update(added["objects"])
        published["objects"]["fingerprint"]["attributes"].update(added["fingerprint"])
    schemas = OcsfJsonSchemaEmbedded(published)
    validators = {}
    for line in lines:
        event = json.loads(line)
        uid, profiles = event["class_uid"], tuple(event["metadata"].get("profiles", []))
        if (uid, profiles) not in validators:
            name = schemas.lookup_class_name_from_uid(uid)
            validators[uid, profiles] = Draft202012Validator(schemas.get_class_schema(name, list(profiles)))
        for error in validators[uid, profiles].iter_errors(event):
            faults.append(f"{version} {uid}: {'.'.join(map(str, error.path))}: {error.message}")
        cls = next(cls for cls in published["classes"].values() if cls["uid"] == uid)
        named(published, cls, event, profiles, f"{version} {uid}")


def own(name, schema, lines):
    """Every line is valid under a schema of ours, which is a schema itself."""
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for line in lines:
        for error in validator.iter_errors(json.loads(line)):
            faults.append(f"{name}: {'.'.join(map(str, error.path))}: {error.message}")


def named(published, shape, value, profiles, place):
    """Names, constraints and captions, which JSON Schema does not tell."""
    for kind, names in (shape.get("constraints") or {}).items():
        present = [name for name in names if name in value]
        if kind == "at_least_one" and not present or kind == "just_one" and len(present) != 1:
            faults.append(f"{place}: {kind} of {', '.join(names)}")
    for key, part in value.items():
        attribute = shape["attributes"].get(key)
        if attribute is None:
            faults.append(f"{place}: there is no {key}")
            continue
        profile = attribute.get("profile")
        if profile and profile not in profiles and (profile != "host" or "host" not in profiles):
            faults.append(f"{place}: {key} belongs to the profile {profile}, which is not claimed")
        sibling = attribute.get("sibling") or (key[: -len("_id")] if key.endswith("_id") else None)
        options = attribute.get("enum") or {}
        if options and str(part) not in options:
            faults.append(f"{place}: {key} may not be {part}")
        elif options and part != 99 and sibling in value and value[sibling] != options[str(part)]["caption"]:
            faults.append(f"{place}: {sibling} is {value[sibling]}, and {key} {part} is {options[str(part)]['caption']}")
        kind = attribute.get("object_type")
        if kind and kind != "object" and isinstance(part, dict):
            named(published, published["objects"][kind], part, profiles, f"{place}.{key}")
        if kind and kind != "object" and isinstance(part, list):
            for item in part:
                named(published, published["objects"][kind], item, profiles, f"{place}.{key}")


folder = pathlib.Path(sys.argv[1])
count = 0
for file in sorted(folder.glob("*.ndjson")):
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    count += len(lines)
    if file.stem == "cef":
        cef(lines)
    elif file.stem.startswith("ocsf-"):
        ocsf(file.stem.split("-")[1], lines)
    else:
        own(file.stem, json.loads(file.with_suffix(".schema").read_text()), lines)
for fault in sorted(set(faults)):
    print(fault)
print(f"{count} frames read, {len(faults)} faults")

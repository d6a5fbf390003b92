//! The profile `record_integrity` of OCSF 1.9: what shows that an event is the one that was sent, and which came before.
//!
//! ```text
//! "attestation_list":[{
//!   "chain_uid":    the journal
//!   "fingerprint":  SHA-256 of the event without this member, as JCS (RFC 8785)
//!   "prev_event":   the event sent before to the same destination: its metadata.uid, type_uid and fingerprint
//!   "uid":          the hash chain of the journal after this event
//! }]
//! ```
//!
//! The first three hold without the journal: who changes, removes or moves an event at the SIEM has to change every
//! later one. `uid` holds the event against the journal, which is where it came from.
//!
//! What we write is JCS already, so that hashing costs no second encoding: keys are in order, nothing is between the
//! tokens, numbers are whole. But for some escapes: see `canonical`.

use super::super::subject::{Subject, Value};
use super::super::tree::{Node, fact, group, leaf};
use super::super::{Field, OcsfVersion};
use crate::model::Chain;
use memchr::memmem;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Whether the event has one.
pub(super) fn is_wanted(subject: &Subject<'_>) -> bool {
    let settings = subject.settings;
    settings.ocsf == OcsfVersion::V1_9
        && subject.record.chain.is_some()
        && !settings.leave_out.contains(Field::Chain)
}

/// What it consists of; `sign` puts the fingerprint in.
pub(super) const NODES: &[Node] = &[Node::List {
    key: "attestation_list",
    nodes: &[
        leaf!("chain_uid", Stream),
        group!(
            "fingerprint",
            fact!("algorithm_id", |_| SHA_256),
            fact!("encoding_id", |_| HEX),
            fact!("serialization_id", |_| JCS),
            fact!("value", |_| Value::Hash(Chain([0; 32]))),
        ),
        Node::When { test: |subject| subject.envelope.print.is_some(), nodes: PREV_EVENT },
        leaf!("uid", Chain),
    ],
}];

const PREV_EVENT: &[Node] = &[group!(
    "prev_event",
    group!(
        "fingerprint",
        fact!("algorithm_id", |_| SHA_256),
        fact!("encoding_id", |_| HEX),
        fact!("serialization_id", |_| JCS),
        fact!("value", |subject| subject
            .envelope
            .print
            .map_or(Value::Absent, |print| Value::Hash(print.hash))),
    ),
    fact!("type_uid", |subject| {
        subject.envelope.print.map_or(Value::Absent, |print| Value::Number(u64::from(print.kind)))
    }),
    fact!("uid", |subject| subject.envelope.print.map_or(Value::Absent, |print| Value::Hex(print.id.0))),
)];

/// Puts the fingerprint into an event that has room for it.
pub(super) fn sign(event: &mut [u8]) -> Chain {
    // No value has a bare quote: this is the member and no text that looks like it.
    let Some(at) = memmem::find(event, BEGIN) else { return Chain::default() };
    let value = at + BEGIN.len();
    let (before, after) = (&event[..at], &event[value + 64 + END.len()..]);
    let mut hash = Sha256::new();
    for part in [before, after] {
        hash.update(canonical(part));
    }
    let hash = Chain(hash.finalize().into());
    event[value..value + 64].copy_from_slice(&hash.hex());
    hash
}

/// The strings as RFC 8785 section 3.2.2.2 has them: we write escapes for characters that it has as they are, since they
/// would harm a terminal or end a line, and the long form of two that have a short one.
fn canonical(json: &[u8]) -> Cow<'_, [u8]> {
    if memmem::find(json, b"\\u").is_none() {
        return Cow::Borrowed(json);
    }
    let mut out = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain);
        let taken = match escaped(escape) {
            Some('\u{8}') => put(b"\\b", &mut out),
            Some('\u{c}') => put(b"\\f", &mut out),
            Some(character) if character >= ' ' => {
                put(character.encode_utf8(&mut [0; 4]).as_bytes(), &mut out)
            }
            // It stands so in both, and what it escapes is no escape itself.
            _ => {
                let short = escape.len().min(2);
                out.extend_from_slice(&escape[..short]);
                short
            }
        };
        rest = &escape[taken..];
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// Appends what stands for an escape of six bytes.
fn put(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(bytes);
    6
}

/// The character of `\uXXXX`.
fn escaped(escape: &[u8]) -> Option<char> {
    let digits = escape.get(..6)?.strip_prefix(b"\\u")?;
    char::from_u32(u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?)
}

const SHA_256: Value<'static> = Value::Number(3);
const HEX: Value<'static> = Value::Number(1);
const JCS: Value<'static> = Value::Number(2);
const BEGIN: &[u8] = br#","fingerprint":{"algorithm_id":3,"encoding_id":1,"serialization_id":2,"value":""#;
const END: &[u8] = br#""}"#;

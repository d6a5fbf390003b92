//! What a frame claims to be: which record of which journal. The way back from `FORMATS`, for holding what a server has
//! against the journal.
//!
//! ```text
//! Nov 30 02:19:03 plant-a otrail: {"seq":4711,…}       a frame, with whatever a server has put before it
//! {"_source":{"event":{"sequence":4711,…}}}            its JSON within other JSON
//! {"result":{"_raw":"<110>1 … [otrail@32473 …"}}       the frame in a string of JSON
//! 2024-02-29,"<110>1 … [otrail@32473 id=""3f9c…"       the frame in a cell of CSV
//! ```
//!
//! Invariant: in a whole frame no value of an event passes for what the frame says of itself. What begins first in the
//! text is the frame; structured data and CEF escape what ends a value, JSON is parsed, and LEEF has nothing from outside
//! behind these keys.
//! Limit: a server that keeps the message alone has no frames, and a value in it can be written as if it were one.

use super::schema::keys;
use super::{FORMATS, Field, Format, Places};
use crate::model::{Chain, EventId, Seq, StreamId};
use serde_json::Value;

/// What one frame claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The journal.
    pub stream: StreamId,
    /// The place in it.
    pub seq: Seq,
    /// The record that was sent before; `Seq::NONE` for none, or where the frame does not say it.
    pub prev: Seq,
    /// The event.
    pub id: EventId,
    /// The chain of the journal after it, where the format shows that.
    pub chain: Option<Chain>,
    /// The number of the action, `OTA-1001`; empty where the frame does not say it.
    pub code: String,
}

/// Reads claims; made once, for it is made from the tables of all formats.
#[derive(Debug)]
pub struct Claims {
    params: Vec<Way>,
    cef: Vec<Way>,
    leef: Vec<Way>,
    trees: Vec<Way>,
}

/// Where a format shows what is read here.
#[derive(Debug)]
struct Way {
    keys: [Vec<String>; WANTED.len()],
}

const WANTED: [Field; 6] = [Field::Stream, Field::Seq, Field::Prev, Field::Id, Field::Chain, Field::Code];

impl Way {
    fn of(format: &Format) -> Way {
        // "cs6 (stream)" is the key cs6.
        let bare = |key: String| key.split(' ').next().unwrap_or_default().to_owned();
        Way { keys: WANTED.map(|field| keys(format, field).into_iter().map(bare).collect()) }
    }

    /// The claim whose values `value` knows by their keys.
    fn claim(&self, value: impl Fn(&str) -> Option<String>) -> Option<Claim> {
        let [stream, seq, prev, id, chain, code] =
            self.keys.each_ref().map(|keys| keys.iter().find_map(|key| value(key)));
        Some(Claim {
            stream: StreamId::parse(&stream?)?,
            seq: Seq(seq?.parse().ok()?),
            prev: prev.and_then(|prev| prev.parse().ok()).map_or(Seq::NONE, Seq),
            id: EventId::parse(&id?)?,
            chain: chain.and_then(|chain| Chain::parse(chain.as_bytes())),
            code: code.unwrap_or_default(),
        })
    }
}

impl Default for Claims {
    fn default() -> Claims {
        let of = |is: fn(&Format) -> bool| {
            FORMATS.iter().filter(|format| is(format)).map(Way::of).collect::<Vec<_>>()
        };
        Claims {
            params: of(|format| matches!(format.places, Places::Params(_))),
            cef: of(|format| format.name == "cef"),
            leef: of(|format| format.name == "leef"),
            trees: of(|format| matches!(format.places, Places::Tree(_))),
        }
    }
}

impl Claims {
    /// What a line of a server's file claims; `None` when no frame of otrail is in it, or one that is cut before that.
    pub fn read(&self, line: &str) -> Option<Claim> {
        self.frame(line).or_else(|| {
            // A cell of CSV has each quote twice (RFC 4180, section 2).
            line.contains("\"\"").then(|| self.frame(&line.replace("\"\"", "\"")))?
        })
    }

    /// Whether a line is a JSON object that claims something itself, and not by the elements of arrays that it wraps.
    pub fn is_one(&self, object: &str) -> bool {
        let value = serde_json::from_str::<Value>(object);
        value.is_ok_and(|value| self.within(&without_arrays(value)).is_some())
    }

    fn frame(&self, text: &str) -> Option<Claim> {
        let (at, begin) =
            BEGINS.iter().filter_map(|begin| Some((text.find(begin)?, *begin))).min_by_key(|(at, _)| *at)?;
        let (before, text) = text.split_at(at);
        let by = |ways: &[Way], value: &dyn Fn(&str) -> Option<String>| {
            ways.iter().find_map(|way| way.claim(value))
        };
        match begin {
            "{\"" => {
                let value = serde_json::Deserializer::from_str(text).into_iter::<Value>().next()?.ok()?;
                self.within(&value)
            }
            "[otrail@" if has_head(before) => {
                let params = params(text)?;
                by(&self.params, &|key| {
                    params.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
                })
            }
            "CEF:" => coded(text, by(&self.cef, &|key| cef(text, key))),
            "LEEF:" => coded(text, by(&self.leef, &|key| leef(text, key))),
            _ => None,
        }
    }

    /// The outermost that claims something: an object of ours, or a string that holds a frame.
    fn within(&self, value: &Value) -> Option<Claim> {
        match value {
            Value::Object(fields) => {
                let ours = self.trees.iter().find_map(|way| way.claim(|path| at(value, path)));
                // Where a store keeps the frame and what it made of it.
                let whole = || KEPT_WHOLE.iter().find_map(|key| self.within(fields.get(*key)?));
                ours.or_else(whole).or_else(|| fields.values().find_map(|value| self.within(value)))
            }
            Value::Array(values) => values.iter().find_map(|value| self.within(value)),
            Value::String(text) if begins_as_a_frame(text) => self.frame(text),
            _ => None,
        }
    }
}

/// The value with nothing in it that stands in an array, but for what stands alone in one.
fn without_arrays(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, without_arrays(value))).collect())
        }
        Value::Array(mut values) if values.len() == 1 && !values[0].is_object() => {
            values.pop().map_or(Value::Null, without_arrays)
        }
        Value::Array(_) => Value::Null,
        value => value,
    }
}

/// The value at a path such as `event.id`, whether that is a tree or one key, as some stores write it.
fn at(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::String(text) if path.is_empty() => Some(text.clone()),
        Value::Number(number) if path.is_empty() => Some(number.to_string()),
        Value::Array(values) => at(values.first()?, path),
        Value::Object(fields) => {
            let whole = fields.get(path).and_then(|value| at(value, ""));
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            whole.or_else(|| at(fields.get(first).filter(|_| !rest.is_empty())?, rest))
        }
        _ => None,
    }
}

/// Structured data stands behind the action of a header of otrail, or by itself.
fn has_head(before: &str) -> bool {
    let is_action = |char: char| char.is_ascii_lowercase() || "._".contains(char);
    let mut words = before.trim_end().rsplit(' ');
    before.trim_end_matches('"').is_empty()
        || words.next().is_some_and(|action| action.contains('.') && action.chars().all(is_action))
            && before.ends_with(' ')
}

/// What a server puts before a message is a priority, a time, or nothing.
fn begins_as_a_frame(text: &str) -> bool {
    let is_time = text.as_bytes().first().is_some_and(u8::is_ascii_digit)
        || text.as_bytes().get(..4).is_some_and(|month| month[0].is_ascii_uppercase() && month[3] == b' ');
    text.starts_with('<') || is_time || BEGINS.iter().any(|begin| text.starts_with(begin))
}

/// With the number of the action, which CEF and LEEF have in the fifth place of their headers.
fn coded(text: &str, claim: Option<Claim>) -> Option<Claim> {
    let code = text.split('|').nth(4).unwrap_or_default();
    claim.map(|claim| Claim { code: code.to_owned(), ..claim })
}

/// The names and values of the structured data that begins there, escapes taken out (RFC 5424, section 6.3.3); of what
/// is cut, those before that.
fn params(text: &str) -> Option<Vec<(&str, String)>> {
    let mut rest = &text[text.find(' ')?..];
    let mut params = Vec::new();
    while let Some((param, behind)) = param(rest) {
        params.push(param);
        rest = behind;
    }
    Some(params)
}

/// The first name and value, and what is behind them.
fn param(text: &str) -> Option<((&str, String), &str)> {
    let (name, value) = text.strip_prefix(' ')?.split_once("=\"")?;
    let mut chars = value.char_indices();
    let mut read = String::new();
    let end = loop {
        match chars.next()? {
            (_, '\\') => read.push(chars.next()?.1),
            (end, '"') => break end + 1,
            (_, other) => read.push(other),
        }
    };
    Some(((name, read), &value[end..]))
}

/// The value of a key that is one word. In other values `=` is escaped.
fn cef(text: &str, key: &str) -> Option<String> {
    let key = format!(" {key}=");
    let value = &text[text.find(&key)? + key.len()..];
    Some(value.split([' ', '"']).next().unwrap_or_default().to_owned())
}

/// The value of a key, the last one of it: nothing from outside stands behind those that are asked for.
fn leef(text: &str, key: &str) -> Option<String> {
    // rsyslog writes a tab that it has received as #011.
    let named = text.strip_prefix("LEEF:2.0|").and_then(|head| head.split('|').nth(4)).unwrap_or("x09");
    let delimiter = match named.strip_prefix('x').and_then(|code| u8::from_str_radix(code, 16).ok()) {
        Some(b'\t') | None if !text.contains('\t') => "#011".to_owned(),
        Some(code) => char::from(code).to_string(),
        None => named.chars().next().filter(|_| named.len() == 1).unwrap_or('\t').to_string(),
    };
    let is_word = |byte: char| byte.is_ascii_alphanumeric() || ".-_".contains(byte);
    let pair = text.rsplit(&delimiter).find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))?;
    Some(pair.split(|char| !is_word(char)).next().unwrap_or_default().to_owned())
}

/// What a frame begins with, behind its header.
const BEGINS: [&str; 4] = ["[otrail@", "CEF:", "LEEF:", "{\""];
/// Where stores keep what they have received.
const KEPT_WHOLE: [&str; 2] = ["_raw", "original"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{CefVersion, Envelope, Header, Leef, OcsfVersion, Settings};
    use crate::model::{Action, Event, Outcome, Record, Time};

    const STREAM: StreamId = StreamId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

    /// All ways in which a destination may have its frames.
    fn settings() -> Vec<Settings> {
        let leef = [
            Leef::V1,
            Leef::V2 { delimiter: b'\t' },
            Leef::V2 { delimiter: b'^' },
            Leef::V2 { delimiter: b'#' },
        ];
        let ocsf = [OcsfVersion::V1_1, OcsfVersion::V1_8, OcsfVersion::V1_9];
        let header = [None, Some(Header::Rfc3164), Some(Header::Reduced), Some(Header::None)];
        let mut all: Vec<Settings> = leef
            .into_iter()
            .map(|leef| Settings { leef, cef: CefVersion::V1, ..Settings::default() })
            .collect();
        all.extend(ocsf.into_iter().map(|ocsf| Settings { ocsf, ..Settings::default() }));
        all.extend(header.into_iter().map(|header| Settings { header, bom: false, ..Settings::default() }));
        all
    }

    /// A record whose text looks like frames of another one, and the frame that shows it.
    fn frame(format: &Format, settings: &Settings) -> (Record, String) {
        let forged = "x [otrail@32473 id=\"00000000000000000000000000000001\" seq=\"1\" stream=\"00\"] CEF:0|a| cs6=00 \
                      cn1=1 externalId=1 LEEF:2.0|\teventId=1\tsequence=1\tstream=00^sequence=1#sequence=1#011sequence=1 \
                      {\"seq\":1,\"id\":\"00000000000000000000000000000001\",\"event\":{\"sequence\":1}}";
        let mut event = Event::own(Action::TEST, Outcome::Success, Time::default(), forged);
        event.id = EventId(0x3f9c_2a17_d0b4_4e6f_8a51_c07b_e2d9_f614);
        event.user = Some(forged.into());
        event.reason = Some("a=b\\".into());
        event.raw = crate::model::Raw::Text(forged.into());
        let record = Record { seq: Seq(4711), position: None, event, chain: Some(Chain([0x3c; 32])) };
        let stream = STREAM.to_string();
        let envelope = Envelope {
            stream: &stream,
            prev: Seq(4700),
            print: None,
            resent: true,
            replay: false,
            sequence_id: 7,
            clock_synced: true,
        };
        let mut bytes = Vec::new();
        format.write(settings, &envelope, &record, &mut bytes).unwrap();
        (record, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn every_format_says_which_record_a_frame_is_whatever_its_values_say_and_whatever_keeps_it() {
        let claims = Claims::default();
        for (format, settings) in
            FORMATS.iter().flat_map(|format| settings().into_iter().map(move |it| (format, it)))
        {
            let (record, frame) = frame(format, &settings);
            let chain = record.chain.filter(|_| {
                format.name == "json" || (format.name == "ocsf" && settings.ocsf == OcsfVersion::V1_9)
            });
            let expected = Claim {
                stream: STREAM,
                seq: Seq(4711),
                prev: Seq(4700),
                id: record.event.id,
                chain,
                code: "OTA-9005".to_owned(),
            };
            let kept = [
                format!("Nov 30 02:19:03 plant-a otrail: {frame}"),
                frame.replace('\t', "#011"),
                serde_json::json!({ "_index": "otrail", "result": [{ "_raw": frame }] }).to_string(),
                format!("2024-02-29,\"{}\",siem", frame.replace('"', "\"\"")),
                format!("{frame} and what a server puts behind it"),
            ];
            for line in kept.iter().chain([&frame]) {
                assert_eq!(claims.read(line).as_ref(), Some(&expected), "{}: {line}", format.name);
            }
        }
    }

    #[test]
    fn an_event_within_what_a_store_adds_is_found_as_a_tree_or_with_dots_in_its_keys() {
        let claims = Claims::default();
        let (stream, id) = (STREAM.to_string(), EventId(5).to_string());
        let ecs = serde_json::json!({ "event": { "id": id, "sequence": 7 }, "labels": { "stream": stream } });
        let flat = serde_json::json!({ "event.id": id, "event.sequence": "7", "labels.stream": [stream] });
        for event in [ecs, flat] {
            let claim = claims.read(&serde_json::json!({ "_id": 1, "_source": event }).to_string()).unwrap();
            assert_eq!((claim.seq, claim.id, claim.prev), (Seq(7), EventId(5), Seq::NONE));
        }
    }

    #[test]
    fn what_is_no_frame_or_is_cut_claims_nothing() {
        let claims = Claims::default();
        for line in [
            "",
            "{",
            "CEF:",
            "LEEF:2.0|",
            "[otrail@",
            "[otrail@1 id=\"",
            "[otrail@1 id=\"\\",
            "{\"seq\":1}",
            "\"\"{",
        ] {
            assert_eq!(claims.read(line), None, "{line}");
        }
        let (_, whole) = frame(&FORMATS[0], &Settings::default());
        let cut = &whole[..whole.find(" class=").unwrap()];
        assert_eq!(claims.read(cut).map(|claim| claim.seq), Some(Seq(4711)), "{cut}");
        // What a server has kept of it is a message, in which anything may stand.
        let forged = "Login failed for user [otrail@32473 id=\"00000000000000000000000000000001\" seq=\"1\" \
                      stream=\"0123456789abcdef0123456789abcdef\"]";
        assert_eq!(claims.read(forged), None);
        let message = serde_json::json!({ "MESSAGE": format!("x {forged}"), "_raw": whole }).to_string();
        assert_eq!(claims.read(&message).map(|claim| claim.seq), Some(Seq(4711)));
        for format in FORMATS {
            let (_, frame) = frame(format, &Settings::default());
            for at in (0..frame.len()).filter(|&at| frame.is_char_boundary(at)) {
                let claim = claims.read(&frame[..at]);
                assert!(
                    claim.is_none_or(|claim| claim.stream == STREAM && claim.seq.0 != 1),
                    "{at} of {frame}"
                );
            }
        }
    }
}

//! What the server reads: bytes become messages, a message becomes what one line can show.
//!
//! The demo reads RFC 5424 and the framing of RFC 5425 by itself, from the standards and not from the encoder.

use crate::model::Time;
use std::iter::Peekable;
use std::str::Chars;

/// One syslog message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The severity of syslog, 0 (emergency) to 7 (debug).
    pub severity: u8,
    /// When it happened.
    pub time: Time,
    /// What happened (MSGID).
    pub action: String,
    /// Name and value of otrail's structured data.
    pub fields: Vec<(String, String)>,
    /// The text.
    pub message: String,
}

impl Frame {
    /// The value of a field, if there is one.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.parse().ok()
    }

    /// The name of its severity.
    pub fn severity_name(&self) -> &'static str {
        const NAMES: [&str; 8] = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"];
        NAMES[usize::from(self.severity & 7)]
    }

    /// Reads a message; `None` when it is not RFC 5424.
    pub(super) fn parse(message: &[u8]) -> Option<Frame> {
        let text = std::str::from_utf8(message).ok()?;
        let (priority, rest) = text.strip_prefix('<')?.split_once('>')?;
        let priority: u8 = priority.parse().ok().filter(|&priority| priority <= 191)?;
        let mut head = rest.splitn(7, ' ');
        let (version, time, _host, _app, _process, action) =
            (head.next()?, head.next()?, head.next()?, head.next()?, head.next()?, head.next()?);
        let mut rest = head.next()?.chars().peekable();
        let fields = structured_data(&mut rest)?;
        let message: String = rest.collect();
        let message = message.strip_prefix(' ').unwrap_or_default();
        (version == "1").then_some(())?;
        Some(Frame {
            severity: priority % 8,
            time: Time::parse_rfc3339(time)?,
            action: action.to_owned(),
            fields,
            message: message.strip_prefix('\u{feff}').unwrap_or(message).to_owned(),
        })
    }
}

/// All elements one after the other (RFC 5424 section 6.3); the parameters of ours are returned.
fn structured_data(rest: &mut Peekable<Chars<'_>>) -> Option<Vec<(String, String)>> {
    let mut ours = Vec::new();
    if rest.next_if_eq(&'-').is_some() {
        return Some(ours);
    }
    while rest.next_if_eq(&'[').is_some() {
        let id = until(rest, &[' ', ']'])?;
        while rest.next_if_eq(&' ').is_some() {
            let name = until(rest, &['='])?;
            (rest.next()? == '=' && rest.next()? == '"').then_some(())?;
            let value = value(rest)?;
            if id.starts_with("otrail@") {
                ours.push((name, value));
            }
        }
        (rest.next()? == ']').then_some(())?;
    }
    Some(ours)
}

fn until(rest: &mut Peekable<Chars<'_>>, ends: &[char]) -> Option<String> {
    let mut word = String::new();
    while !ends.contains(rest.peek()?) {
        word.push(rest.next()?);
    }
    Some(word)
}

/// A value up to its closing quote; only `"`, `\` and `]` are escaped.
fn value(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut value = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(value),
            ']' => return None,
            '\\' => match rest.next()? {
                escaped @ ('"' | '\\' | ']') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            character => value.push(character),
        }
    }
}

/// Cuts a stream into messages: each has its length before it (RFC 5425 section 4.3).
#[derive(Debug, Default)]
pub(super) struct Unframer {
    bytes: Vec<u8>,
}

impl Unframer {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message; an error when the stream is no octet counting.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, Unframed> {
        let head = &self.bytes[..self.bytes.len().min(LENGTH_DIGITS_MAX + 1)];
        let Some(space) = head.iter().position(|&byte| byte == b' ') else {
            let whole = head.len() > LENGTH_DIGITS_MAX || !head.iter().all(u8::is_ascii_digit);
            return if whole { Err(Unframed) } else { Ok(None) };
        };
        let digits = std::str::from_utf8(&head[..space]).ok();
        let digits = digits.filter(|digits| !digits.starts_with(['0', '+']));
        let length: usize = digits.and_then(|digits| digits.parse().ok()).ok_or(Unframed)?;
        let end = space + 1 + length;
        if self.bytes.len() < end {
            return Ok(None);
        }
        let message = self.bytes[space + 1..end].to_vec();
        self.bytes.drain(..end);
        Ok(Some(message))
    }
}

/// The stream does not tell where a message ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unframed;

/// Nothing in the demo comes near to a mebibyte.
const LENGTH_DIGITS_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_with_its_escapes() {
        let text = "<108>1 2024-02-29T09:11:02.123Z plant-a otrail - user.login \
                    [otrail@32473 seq=\"7\" user=\"a\\\\b \\\"c\\\" [d\\]\" old=\"\"][meta sequenceId=\"1\"] \u{feff}x [y] z";
        let frame = Frame::parse(text.as_bytes()).unwrap();
        assert_eq!((frame.severity_name(), frame.action.as_str()), ("warning", "user.login"));
        assert_eq!(frame.time.to_string(), "2024-02-29T09:11:02.123Z");
        assert_eq!((frame.number("seq"), frame.field("user")), (Some(7), Some("a\\b \"c\" [d]")));
        assert_eq!((frame.field("old"), frame.field("sequenceId")), (Some(""), None));
        assert_eq!(frame.message, "x [y] z");
        assert_eq!(Frame::parse(b"<13>1 2024-02-29T09:11:02Z - - - - - m").unwrap().message, "m");
    }

    #[test]
    fn what_is_no_message_is_not_read() {
        for text in ["", "<999>1 - - - - - -", "<13>2 2024-02-29T09:11:02Z - - - - - m", "<13>1 - - - - - -"]
        {
            assert_eq!(Frame::parse(text.as_bytes()), None, "{text}");
        }
        for data in ["[a b=\"c]\"]", "[a b=\"c\"", "[a b=c]", "x"] {
            let text = format!("<13>1 2024-02-29T09:11:02Z - - - - {data} m");
            let read = Frame::parse(text.as_bytes());
            assert!(read.is_none_or(|frame| frame.fields.is_empty()), "{text}");
        }
    }

    #[test]
    fn messages_are_cut_by_their_length_wherever_the_stream_is_split() {
        let stream = b"5 hello11 you 3 there1 x";
        let mut unframer = Unframer::default();
        let mut messages = Vec::new();
        for byte in stream {
            unframer.push(&[*byte]);
            messages.extend(unframer.next().unwrap());
        }
        assert_eq!(messages, [&b"hello"[..], b"you 3 there", b"x"]);
        for wrong in [&b"x"[..], b"0 ", b" a", b"12345678", b"+1 x"] {
            let mut unframer = Unframer::default();
            unframer.push(wrong);
            assert!(unframer.next().is_err(), "{wrong:?}");
        }
    }
}

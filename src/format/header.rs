//! What stands before the event, the same for every format.
//!
//! ```text
//! rfc5424   <110>1 2024-02-29T09:11:02.123Z plant-a-sensor-01 otrail - user.login -
//!           PRI  VERSION TIMESTAMP          HOSTNAME          APP-NAME PROCID MSGID SD (RFC 5424 section 6.2)
//! reduced   <110>1 2024-02-29T09:11:02.123Z plant-a-sensor-01
//! rfc3164   <110>Feb 29 09:11:02 plant-a-sensor-01 otrail:
//! ```
//!
//! RFC 3164 has neither year nor zone; the time is in UTC here as everywhere. The tag `otrail:` is left out before
//! CEF and LEEF, whose own first word is one.

use super::escape::put_number;
use super::{Header, Precision, Settings};
use crate::model::{Record, Time};

/// What an event of a format other than `rfc5424` stands behind.
pub(super) struct Before {
    /// Unless the config says otherwise.
    pub(super) header: Header,
    /// Whether its first word serves as the tag of RFC 3164.
    pub(super) has_tag: bool,
}

impl Before {
    /// Appends the header and the space after it.
    pub(super) fn put(&self, settings: &Settings, record: &Record, out: &mut Vec<u8>) {
        match settings.header.unwrap_or(self.header) {
            Header::Rfc5424 => {
                put(settings, record, out);
                out.extend_from_slice(b"- ");
            }
            Header::Reduced => put_reduced(settings, record, out),
            Header::Rfc3164 => {
                put_priority(settings, record, out);
                put_bsd_time(record.event.time, out);
                out.push(b' ');
                put_name(&record.event.sensor, HOSTNAME_BYTES_MAX, out);
                out.extend_from_slice(if self.has_tag { b" " } else { b" otrail: " });
            }
            Header::None => {}
        }
    }
}

/// Appends the header of RFC 5424 up to the structured data, and the space before that.
pub(super) fn put(settings: &Settings, record: &Record, out: &mut Vec<u8>) {
    put_reduced(settings, record, out);
    out.extend_from_slice(b"otrail - ");
    put_name(record.event.action.name(), MSGID_BYTES_MAX, out);
    out.push(b' ');
}

fn put_reduced(settings: &Settings, record: &Record, out: &mut Vec<u8>) {
    put_priority(settings, record, out);
    out.extend_from_slice(b"1 ");
    put_time(settings.precision, record.event.time, out);
    out.push(b' ');
    put_name(&record.event.sensor, HOSTNAME_BYTES_MAX, out);
    out.push(b' ');
}

fn put_priority(settings: &Settings, record: &Record, out: &mut Vec<u8>) {
    let severity = u64::from(record.event.severity.syslog());
    out.push(b'<');
    put_number(u64::from(settings.facility.min(FACILITY_MAX)) * 8 + severity, out);
    out.push(b'>');
}

/// RFC 5424 section 6.2.3 allows up to six digits.
fn put_time(precision: Precision, time: Time, out: &mut Vec<u8>) {
    time.write_rfc3339(out);
    match precision {
        Precision::Millis => {}
        Precision::Seconds => {
            out.truncate(out.len() - ".000Z".len());
            out.push(b'Z');
        }
        Precision::Micros => {
            out.pop();
            out.extend_from_slice(b"000Z");
        }
    }
}

/// `Feb  9 09:11:02`, a space for a missing digit (RFC 3164 section 4.1.2).
fn put_bsd_time(time: Time, out: &mut Vec<u8>) {
    let mut text = Vec::with_capacity(24);
    time.write_rfc3339(&mut text);
    let month = usize::from(text[5] - b'0') * 10 + usize::from(text[6] - b'0');
    out.extend_from_slice(MONTHS[(month + 11) % 12].as_bytes());
    out.push(b' ');
    out.push(if text[8] == b'0' { b' ' } else { text[8] });
    out.push(text[9]);
    out.push(b' ');
    out.extend_from_slice(&text[11..19]);
}

/// Appends a name in the letters of host names, which are PRINTUSASCII: a hyphen stands for every other character,
/// and one alone for none. A colon or a bracket would be allowed, but ends the header for lenient parsers.
fn put_name(name: &str, bytes_max: usize, out: &mut Vec<u8>) {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if name.is_empty() {
        out.push(b'-');
    } else if name.len() <= bytes_max && name.bytes().all(is_usual) {
        out.extend_from_slice(name.as_bytes());
    } else {
        let usual = |character| u8::try_from(character).ok().filter(|&byte| is_usual(byte)).unwrap_or(b'-');
        out.extend(name.chars().take(bytes_max).map(usual));
    }
}

/// local7 (RFC 5424 section 6.2.1).
const FACILITY_MAX: u8 = 23;
/// RFC 5424 section 6.
const HOSTNAME_BYTES_MAX: usize = 255;
const MSGID_BYTES_MAX: usize = 32;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Event, Outcome, Seq};

    fn header(header: Header, has_tag: bool, precision: Precision, time: &str) -> String {
        let settings = Settings { header: Some(header), precision, ..Settings::default() };
        let time = Time::parse_rfc3339(time).unwrap();
        let event =
            Event { sensor: "plant-a".into(), ..Event::own(Action::TEST, Outcome::Success, time, "") };
        let mut out = Vec::new();
        let before = Before { header: Header::Rfc5424, has_tag };
        before.put(&settings, &Record { seq: Seq(1), position: None, event, chain: None }, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_header_has_its_form() {
        use Header::*;
        use Precision::*;
        let time = "2024-02-09T09:11:02.123Z";
        for (kind, has_tag, precision, expected) in [
            (Rfc5424, true, Millis, "<110>1 2024-02-09T09:11:02.123Z plant-a otrail - agent.test - "),
            (Rfc5424, false, Seconds, "<110>1 2024-02-09T09:11:02Z plant-a otrail - agent.test - "),
            (Reduced, true, Micros, "<110>1 2024-02-09T09:11:02.123000Z plant-a "),
            (Rfc3164, true, Millis, "<110>Feb  9 09:11:02 plant-a "),
            (Rfc3164, false, Millis, "<110>Feb  9 09:11:02 plant-a otrail: "),
            (Header::None, true, Millis, ""),
        ] {
            assert_eq!(header(kind, has_tag, precision, time), expected);
        }
        assert!(header(Rfc3164, true, Millis, "2024-12-31T23:59:59Z").starts_with("<110>Dec 31 23:59:59 "));
    }
}

//! The header of RFC 5424 section 6.2, the same before every kind of message.
//!
//! ```text
//! <110>1 2024-02-29T09:11:02.123Z plant-a-sensor-01 otrail - user.login
//! PRI  VERSION TIMESTAMP          HOSTNAME          APP-NAME PROCID MSGID
//! ```

use super::Settings;
use super::escape::put_number;
use crate::model::Record;

/// Appends the header and the space after it.
pub(super) fn put(settings: &Settings, record: &Record, out: &mut Vec<u8>) {
    let event = &record.event;
    out.push(b'<');
    put_number(u64::from(settings.facility.min(FACILITY_MAX)) * 8 + u64::from(event.severity.syslog()), out);
    out.extend_from_slice(b">1 ");
    event.time.write_rfc3339(out);
    out.push(b' ');
    put_name(&event.sensor, HOSTNAME_BYTES_MAX, out);
    out.extend_from_slice(b" otrail - ");
    put_name(event.action.name(), MSGID_BYTES_MAX, out);
    out.push(b' ');
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

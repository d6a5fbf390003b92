//! What the config says about frames.

use super::field::Fields;

/// Values that go into every frame of a destination.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What stands before the event; `None` is what the format wants by itself.
    pub header: Option<Header>,
    /// How fine the time in the header is.
    pub precision: Precision,
    /// Syslog facility, 0 to 23 (RFC 5424 section 6.2.1); default 13, log audit.
    pub facility: u8,
    /// Private enterprise number of the SD-ID `otrail@PEN`; default 32473 (RFC 5612, documentation).
    pub enterprise: u32,
    /// Longest frame in bytes; what is over is cut with a mark. Default 8000: receivers should take 8192
    /// (RFC 5425 section 4.3.1), but rsyslog as it comes cuts at 8096 and shows the same evidence. At least 2048; a
    /// format whose smallest frame is larger takes that.
    pub frame_bytes_max: usize,
    /// Longest value of a field but the message, in bytes as written; default 1024.
    pub value_bytes_max: usize,
    /// Whether a UTF-8 MSG starts with a BOM (RFC 5424 section 6.4); in `rfc5424` only.
    pub bom: bool,
    /// Fields that this destination does not get.
    pub leave_out: Fields,
    /// The version of CEF.
    pub cef: CefVersion,
    /// The version of LEEF, and what stands between its fields.
    pub leef: Leef,
    /// The version of OCSF.
    pub ocsf: OcsfVersion,
}

/// What stands before the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// `<PRI>1 TIME HOST APP - MSGID SD` (RFC 5424 section 6.2).
    Rfc5424,
    /// `<PRI>1 TIME HOST`, as the documents of QRadar show it.
    Reduced,
    /// `<PRI>Mmm dd hh:mm:ss HOST` (RFC 3164), in UTC, for servers that know nothing else.
    Rfc3164,
    /// Nothing.
    None,
}

/// How fine the time in a header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Whole seconds.
    Seconds,
    /// Three digits: what the sensor has.
    Millis,
    /// Six digits, the last three of them 0.
    Micros,
}

/// The version in the header of CEF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CefVersion {
    /// `CEF:0`, which every collector knows.
    V0,
    /// `CEF:1`, with the keys of CEF 1.2 for MITRE ATT&CK.
    V1,
}

/// The version of LEEF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leef {
    /// `LEEF:1.0`: fields are parted by tabs.
    V1,
    /// `LEEF:2.0`: the header names the delimiter, a tab or a printable ASCII character.
    V2 {
        /// What stands between the fields.
        delimiter: u8,
    },
}

impl Leef {
    /// The characters that may part fields beside the tab: they do not belong to the grammar of LEEF or syslog, and
    /// are rare in names and addresses.
    pub const DELIMITERS: &'static str = "^~#$%&;!*";
}

/// The version of OCSF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OcsfVersion {
    /// 1.1.0, for lakes that lag.
    V1_1,
    /// 1.8.0: the last one without User Management.
    V1_8,
    /// 1.9.0.
    V1_9,
}

impl OcsfVersion {
    /// `metadata.version`.
    pub fn name(self) -> &'static str {
        match self {
            OcsfVersion::V1_1 => "1.1.0",
            OcsfVersion::V1_8 => "1.8.0",
            OcsfVersion::V1_9 => "1.9.0",
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            header: None,
            precision: Precision::Millis,
            facility: 13,
            enterprise: 32473,
            frame_bytes_max: 8000,
            value_bytes_max: 1024,
            bom: true,
            leave_out: Fields::default(),
            cef: CefVersion::V0,
            leef: Leef::V2 { delimiter: b'\t' },
            ocsf: OcsfVersion::V1_9,
        }
    }
}

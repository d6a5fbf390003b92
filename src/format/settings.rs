//! What the config says about frames.

/// Values that go into every frame of a destination.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Syslog facility, 0 to 23 (RFC 5424 section 6.2.1); default 13, log audit.
    pub facility: u8,
    /// Private enterprise number of the SD-ID `otrail@PEN`; default 32473 (RFC 5612, documentation).
    pub enterprise: u32,
    /// Longest frame in bytes; what is over is cut with a mark. Default 8192 (RFC 5425 section 4.3.1), at least 2048.
    pub frame_bytes_max: usize,
    /// Whether a UTF-8 MSG starts with a BOM (RFC 5424 section 6.4).
    pub bom: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { facility: 13, enterprise: 32473, frame_bytes_max: 8192, bom: true }
    }
}

//! What `otrail status` shows: plain data, published by each room and serialised as it stands.

use super::{Seq, Time};
use serde::{Deserialize, Serialize};

/// The whole picture, also the shape of `otrail status -o json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Status {
    /// otrail's version.
    pub version: String,
    /// Process id of the agent.
    pub pid: u32,
    /// Configured sensor name.
    pub sensor: String,
    /// When the agent started, or went on with another config, RFC 3339: its counters begin then.
    pub since: String,
    /// The config in use.
    pub config: ConfigStatus,
    /// Nothing below is missing, lost, full or damaged.
    pub healthy: bool,
    /// Why it is not, one sentence each.
    pub problems: Vec<String>,
    /// One entry for each `[[source]]`.
    pub sources: Vec<SourceStatus>,
    /// The local socket.
    pub control: ControlStatus,
    /// The journal.
    pub journal: JournalStatus,
    /// One entry for each `[[destination]]`.
    pub destinations: Vec<DestinationStatus>,
}

/// The config in use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ConfigStatus {
    /// The file.
    pub path: String,
    /// SHA-256 of what was read, 64 hex digits.
    pub sha256: String,
    /// How often the agent has gone on with a config that was read anew; 0 after its start.
    pub round: u64,
    /// Why what was read last is not in use; empty when it is.
    pub unused: String,
}

/// The local socket, at which the agent is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ControlStatus {
    /// How often its file was gone, or was another, and was made again since `since`.
    pub made_again: u64,
    /// When that was last, RFC 3339; empty if it never was.
    pub made_again_at: String,
}

/// How far a source has been read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct SourceStatus {
    /// Configured name.
    pub name: String,
    /// The sensor that it is about.
    pub sensor: String,
    /// `file` or `api`.
    pub kind: String,
    /// The path that is followed, or the address that is asked.
    pub path: String,
    /// `reading`, `idle`, `missing`, `unreadable`, `paused` (disk full); of an API `starting`, `asking`, `idle`,
    /// `unreachable`, `refused`, `paused`.
    pub state: String,
    /// The last error, empty when all is well.
    pub error: String,
    /// Dialect in use, `auto` while none is found.
    pub dialect: String,
    /// Why this one, one sentence.
    pub dialect_reason: String,
    /// Bytes read of the current file.
    pub offset: u64,
    /// Bytes of the current file not read yet.
    pub bytes_behind: u64,
    /// Entries read since `since`.
    pub entries: u64,
    /// Of these, passed over by `[select]`.
    pub passed_over: u64,
    /// Of these, not understood.
    pub unparsed: u64,
    /// Lines cut at the line limit.
    pub truncated: u64,
    /// Events in which a secret was replaced.
    pub masked: u64,
    /// Entries per second, lately: over about ten seconds.
    pub entries_per_second: f64,
    /// Rotations followed.
    pub rotations: u64,
    /// Truncations noticed.
    pub truncations: u64,
    /// Times the log was replaced by a copy of itself or written anew with what it had, edited or not.
    pub replacements: u64,
    /// Positions that an admin has changed.
    pub resets: u64,
    /// How often something may have been lost.
    pub gaps: Gaps,
    /// The files that are open, oldest first.
    pub files: Vec<FileStatus>,
    /// When the last entry was read, RFC 3339; empty before the first.
    pub last_entry: String,
    /// When the API last answered every question, RFC 3339; empty before the first time.
    pub last_answer: String,
    /// How far the sensor's clock is ahead of ours, in seconds; negative when it is behind. Of an API only.
    pub clock_ahead_seconds: i64,
    /// Something to know that is no error; empty if there is nothing.
    pub notice: String,
}

/// How often something may have been lost of a source since `since`, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Gaps {
    /// A log was cut or rewritten.
    pub truncated: u64,
    /// A file that was being read is gone.
    pub vanished: u64,
    /// A rotated file cannot be read.
    pub unreadable: u64,
    /// Zeros where a log has never been written.
    pub holes: u64,
    /// A file may have been a copy of what was read, and was read: its entries may be repeated.
    pub doubts: u64,
    /// An admin has moved a position forward.
    pub skipped: u64,
    /// More happened than one answer of the sensor's API shows.
    pub overflows: u64,
    /// The API was not asked for longer than it looks back.
    pub outages: u64,
}

/// An open file of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct FileStatus {
    /// Its number in the journal.
    pub number: u32,
    /// Where it was found.
    pub path: String,
    /// Device id.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// When it was born, RFC 3339; empty if its file system does not say so.
    pub born: String,
    /// SHA-256 over its first bytes, 64 hex digits: up to 1,024 of them, fewer while fewer have been read.
    pub head: String,
    /// Bytes read.
    pub offset: u64,
    /// Bytes not read yet; 0 for a compressed copy, of which nobody knows.
    pub bytes_behind: u64,
    /// No longer at the path of its log.
    pub rotated: bool,
}

/// The state of the journal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct JournalStatus {
    /// Folder.
    pub path: String,
    /// Stream id, 32 hex digits.
    pub stream: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// Configured limit in bytes.
    pub bytes_max: u64,
    /// Segments.
    pub segments: u64,
    /// Oldest record kept.
    pub oldest: Seq,
    /// Newest record.
    pub newest: Seq,
    /// The disk is full and reading is paused.
    pub full: bool,
    /// Damaged ranges set aside.
    pub damaged: u64,
    /// The last error, empty when all is well.
    pub error: String,
}

/// The state of a destination.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct DestinationStatus {
    /// Configured name.
    pub name: String,
    /// `host:port`, of several the one in use or that is tried.
    pub address: String,
    /// Each address, in the order in which they are tried.
    pub addresses: Vec<AddressStatus>,
    /// `connected`, `connecting`, `waiting` (back-off).
    pub state: String,
    /// When the present connection came up, RFC 3339; empty when there is none.
    pub connected_since: String,
    /// Protocol and cipher suite of the present connection, with RELP the server's software; empty when there is none.
    pub tls: String,
    /// The peer's certificates and our own, as the present or last connection had them, and ours on disk where those are
    /// others.
    pub certificates: Vec<CertificateStatus>,
    /// Why the TLS files on disk are not those in use; empty when they are.
    pub files_unused: String,
    /// Evidence level in use: `ack`, `probe`, `barrier`, `fin`, `none`; before the first evidence what the config says.
    pub evidence: String,
    /// From the last probe to its answer, in microseconds; 0 when there was none on the present connection.
    pub round_trip_us: u64,
    /// Which records it gets, such as `severity=4..10`; empty for all.
    pub select: Vec<String>,
    /// Every record up to here is confirmed or was not selected.
    pub confirmed: Seq,
    /// Every record up to here was handed to the connection or was not selected.
    pub sent: Seq,
    /// The last of them that was handed to a connection, or what the destination began after: `prev` of the next one.
    pub last: Seq,
    /// Records in the journal after `confirmed`; that some of them are not selected shows when their turn comes.
    pub lag_records: u64,
    /// Age of the oldest record not confirmed yet, in seconds.
    pub lag_seconds: u64,
    /// Bytes sent and not confirmed yet.
    pub window_bytes: u64,
    /// Frames sent since `since`.
    pub frames: u64,
    /// Of these, sent again for want of evidence.
    pub resent: u64,
    /// Records that are not selected, since `since`.
    pub passed_over: u64,
    /// A record that seems to be why the server ends connections; 0 for none.
    pub suspect: Seq,
    /// How often it was refused alone while others were taken.
    pub suspect_refusals: u32,
    /// Records set aside since `since`, because the server refused them and nothing else.
    pub set_aside: u64,
    /// Connections made since `since`.
    pub connections: u64,
    /// The last error, empty when all is well.
    pub error: String,
    /// What is known of its cause; for whoever has a test sent.
    #[serde(skip)]
    pub cause: Cause,
}

/// What is known of the cause of an error beside its sentence; a word in JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", from = "String")]
pub enum Cause {
    /// Nothing.
    #[default]
    Unknown,
    /// The peer spoke where a syslog server is silent: it is of another kind than the config has it.
    AnotherServer,
    /// The config demands more evidence than the peer gives.
    Evidence,
}

impl From<String> for Cause {
    /// A word of a later otrail says nothing here.
    fn from(word: String) -> Cause {
        match word.as_str() {
            "another-server" => Cause::AnotherServer,
            "evidence" => Cause::Evidence,
            _ => Cause::Unknown,
        }
    }
}

/// A certificate in use, or one that is to be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct CertificateStatus {
    /// `peer`, `peer-chain` for those between it and a trusted CA, `own` with those that we show behind it, `own-on-disk`
    /// for what the files hold and is not in use.
    pub whose: String,
    /// Subject as one line.
    pub subject: String,
    /// SHA-256 fingerprint, `sha-256:AA:BB:..`.
    pub fingerprint: String,
    /// Last moment of its validity, RFC 3339.
    pub until: String,
}

/// The state of one address of a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct AddressStatus {
    /// `host:port`.
    pub address: String,
    /// The present connection goes there.
    pub in_use: bool,
    /// Address and port of the last TCP connection, which is that of a proxy when there is one.
    pub peer: String,
    /// When the last connection came up, RFC 3339; empty when there was none.
    pub connected_at: String,
    /// Connections made since `since`.
    pub connections: u64,
    /// Why it could not be reached, or was lost, the last time; empty after a connection.
    pub error: String,
}

/// A time as status shows it; empty for none.
pub fn time_text(time: Option<Time>) -> String {
    time.map(|time| time.to_string()).unwrap_or_default()
}

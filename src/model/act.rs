//! What an admin may have the agent do, and what came of it: plain data, as it goes over the local socket.

use super::backfill::{Backfill, Backfilled};
use super::status::Cause;
use super::{FileNo, Seq, Text};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Tell where sources are read on.
    ShowSources {
        /// One of them, or all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Read a source on from another place.
    ResetSource(Reset),
    /// Send test events and see what evidence comes.
    SendTest(Test),
    /// Send what is in the trail again.
    Replay(Replay),
    /// Read the config anew and go on with it.
    Reload,
    /// Keep nothing for a destination that left the config.
    ForgetDestination(Forget),
    /// Add what the trail lacks of a file.
    Backfill(Backfill),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// Where sources are read on.
    Sources(Vec<SourcePlaces>),
    /// The place that was or would be changed.
    Reset(Moved),
    /// What became of the test events, for each destination.
    Tested(Vec<Tested>),
    /// What became of what was sent again, for each destination.
    Replayed(Vec<Replayed>),
    /// What the config has now, and whether the agent goes on with it.
    Reloaded(Reloaded),
    /// What is or would be kept no more.
    Forgotten(Forgotten),
    /// What was or would be added.
    Backfilled(Backfilled),
}

/// Who wishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// For a sentence: by the kernel's word, and as claimed.
    pub who: String,
    /// For the field `user`.
    pub user: Text,
}

/// Read a source on from another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reset {
    /// The source.
    pub name: String,
    /// Which of its files, an absolute path; its log if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From where.
    pub to: To,
    /// Do it; else only tell what it would be.
    pub sure: bool,
}

/// A place in a file, by the word of an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum To {
    /// The first byte.
    Beginning,
    /// Just after the last line that is whole.
    End,
    /// So many bytes from the first, or the beginning of the line that this is within.
    Offset(u64),
}

impl To {
    /// Reads `beginning`, `end` or a number of bytes.
    pub fn parse(text: &str) -> Result<To, String> {
        match text {
            "beginning" => Ok(To::Beginning),
            "end" => Ok(To::End),
            _ => text
                .parse()
                .map(To::Offset)
                .map_err(|_| "write beginning, end or a number of bytes".to_owned()),
        }
    }
}

/// What a reset has done, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Moved {
    /// The source.
    pub source: String,
    /// The file.
    pub file: String,
    /// Bytes read before.
    pub from: u64,
    /// Bytes counted as read now.
    pub to: u64,
    /// Bytes that are read again.
    pub again_bytes: u64,
    /// Bytes that are passed over unread.
    pub skipped_bytes: u64,
    /// The file has never been read.
    pub is_new: bool,
    /// The place was within a line, and was taken back to its beginning.
    pub taken_back: bool,
    /// Anything is otherwise than before.
    pub changes: bool,
    /// It has been done, and is in the journal.
    pub done: bool,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moved { file, from, to, again_bytes, skipped_bytes, is_new, changes, .. } = self;
        match (is_new, changes) {
            (true, _) => write!(f, "{file} is read from byte {to} on, for the first time")?,
            (false, false) => return write!(f, "{file} is read from byte {to} on already: nothing changes"),
            (false, true) => write!(f, "{file} is read from byte {to} on, not from byte {from}")?,
        }
        if *again_bytes > 0 {
            write!(f, ": {again_bytes} bytes are read again")?;
        }
        if *skipped_bytes > 0 {
            write!(f, ": {skipped_bytes} bytes are passed over unread")?;
        }
        Ok(())
    }
}

/// Send test events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Test {
    /// Whose evidence is waited for; that of all destinations if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// How many events.
    pub count: u32,
    /// Longest wait for the evidence, in seconds.
    pub wait_seconds: u64,
}

impl Test {
    /// Most events of one test.
    pub const COUNT_MAX: u32 = 1000;
    /// Longest wait, in seconds.
    pub const WAIT_SECONDS_MAX: u64 = 3600;
}

/// What became of test events on their way to one destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Tested {
    /// Configured name.
    pub destination: String,
    /// `host:port`.
    pub address: String,
    /// Protocol and cipher suite; empty when there was no connection.
    pub tls: String,
    /// All of them have arrived, as far as the evidence goes.
    pub confirmed: bool,
    /// The level of the evidence that came; `none` where the config wants none.
    pub evidence: String,
    /// From the durable record to the evidence, in milliseconds.
    pub after_millis: u64,
    /// Why they are not confirmed; empty when they are.
    pub error: String,
    /// What is known of that beside the sentence; `unknown` when they are confirmed.
    pub cause: Cause,
    /// Frames sent to the destination since its agent started, of these events or others; without an agent, of these.
    pub frames: u64,
    /// The messages as they are sent, without their framing.
    pub messages: Vec<String>,
}

/// Send what is in the trail again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Replay {
    /// To whom; to all destinations if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Words of the filter; times should be absolute, others count from the agent's clock in UTC.
    pub filters: Vec<(String, String)>,
    /// Also what the destination's `select` leaves out.
    #[serde(default)]
    pub unselected: bool,
    /// How long nothing may move before it is given up, in seconds.
    pub wait_seconds: u64,
}

impl Replay {
    /// Longest wait, in seconds.
    pub const WAIT_SECONDS_MAX: u64 = 3600;
}

/// What became of what was sent again to one destination, or has become of it so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Replayed {
    /// Configured name.
    pub destination: String,
    /// `host:port`.
    pub address: String,
    /// The whole range has been sent, and all of it is confirmed.
    pub complete: bool,
    /// Events sent, each counted once.
    pub sent: u64,
    /// Of these, confirmed by evidence: at least so many.
    pub confirmed: u64,
    /// How often one was sent once more for lack of evidence.
    pub resent: u64,
    /// Records of the journal that are damaged, or were removed meanwhile: it is not known whether they were wanted.
    pub unreadable: u64,
    /// The level of the evidence that came; `none` where the config wants none.
    pub evidence: String,
    /// Why it is not complete; empty while it goes on and when it is.
    pub error: String,
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Replayed { complete, sent, confirmed, resent, unreadable, evidence, error, .. } = self;
        match evidence.as_str() {
            "none" => write!(f, "{sent} events sent; the config wants no evidence (evidence = \"none\")")?,
            // How many were wanted beyond those is not known.
            _ if !complete && !error.is_empty() => {
                write!(f, "{sent} events went out, {confirmed} of them confirmed")?;
            }
            _ => write!(f, "{confirmed} of {sent} events confirmed")?,
        }
        if *confirmed > 0 && evidence != "none" {
            write!(f, " by evidence {evidence}")?;
        }
        if *resent > 0 {
            write!(f, ", {resent} frames sent once more for lack of evidence")?;
        }
        if *unreadable > 0 {
            write!(f, "; {unreadable} records of the journal are damaged, gone, or cannot be written")?;
        }
        match (complete, error.as_str()) {
            (true, _) | (false, "") => Ok(()),
            (false, error) => write!(f, "; {error}"),
        }
    }
}

/// Keep nothing for a destination that left the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Forget {
    /// As the config named it.
    pub name: String,
    /// Do it; else only tell what it would be.
    pub sure: bool,
}

/// What was or would be forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Forgotten {
    /// As the config named it.
    pub destination: String,
    /// The last record that it has.
    pub confirmed: Seq,
    /// The newest record of the journal: what is between them it never gets.
    pub newest: Seq,
    /// Until when that stays for it in the journal otherwise, RFC 3339.
    pub until: String,
    /// It has been done, and is in the journal.
    pub done: bool,
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Forgotten { destination, confirmed, newest, until, .. } = self;
        match newest.0.saturating_sub(confirmed.0) {
            0 => write!(f, "destination {destination} has had everything, up to record {confirmed}"),
            behind => write!(
                f,
                "destination {destination} has no evidence for {behind} records, {} to {newest}; they stay for it until \
                 {until} otherwise",
                confirmed.next()
            ),
        }
    }
}

/// What reading the config anew has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Reloaded {
    /// The file.
    pub config: String,
    /// Its SHA-256, 64 hex digits; empty if it is no config.
    pub sha256: String,
    /// What is different from the config in use, a sentence each.
    pub changes: Vec<String>,
    /// Why the agent stays with the config in use; empty when it does not.
    pub problems: Vec<String>,
    /// What an admin should know of the config.
    pub warnings: Vec<String>,
    /// Process id of the agent.
    pub pid: u32,
    /// The round (see the status) in which it is in use; the present one when nothing is different.
    pub round: u64,
}

/// Where a source is read on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct SourcePlaces {
    /// Configured name.
    pub name: String,
    /// Configured path, or address.
    pub path: String,
    /// `file` or `api`.
    pub kind: String,
    /// When a sensor that is asked last answered every question, RFC 3339; empty if it never did.
    pub answered: String,
    /// Every file that the journal knows, in the order in which they were first seen.
    pub files: Vec<FilePlace>,
}

/// A file of a source, as the journal knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct FilePlace {
    /// Its number in the journal.
    pub number: FileNo,
    /// Where it was when it was first seen.
    pub path: String,
    /// Device id.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// When it was born, RFC 3339; empty if its file system does not say so.
    pub born: String,
    /// SHA-256 over its first `head-bytes` bytes, 64 hex digits.
    pub head: String,
    /// How many bytes that covers.
    pub head_bytes: u64,
    /// Bytes read: just after the last entry.
    pub offset: u64,
    /// Entries read.
    pub entries: u64,
    /// Of these, passed over.
    pub passed_over: u64,
    /// The dialect it is read in, empty while that is not known.
    pub dialect: String,
    /// Open and followed.
    pub open: bool,
    /// Open, and no longer at the path of its log.
    pub rotated: bool,
    /// Read to its end and left.
    pub finished: bool,
    /// Bytes not read yet, as far as it is open.
    pub bytes_behind: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Agent and client may be of different versions while one is replaced.
    #[test]
    fn a_cause_that_is_not_told_or_not_known_here_is_an_unknown_one() {
        let read = |json: &str| serde_json::from_str::<Tested>(json).unwrap().cause;
        assert_eq!(read(r#"{"destination":"siem","confirmed":false,"error":"no"}"#), Cause::Unknown);
        assert_eq!(read(r#"{"destination":"siem","cause":"weather","moon":"full"}"#), Cause::Unknown);
        for cause in [Cause::Unknown, Cause::AnotherServer, Cause::Evidence] {
            let tested = Tested { cause, ..Tested::default() };
            assert_eq!(read(&serde_json::to_string(&tested).unwrap()), cause);
        }
    }
}

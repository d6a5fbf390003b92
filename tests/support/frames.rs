//! What arrived: frames as two independent parsers read them, and the account of what was lost, repeated or moved.

use std::collections::BTreeMap;

/// One message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub bytes: Vec<u8>,
    pub seq: u64,
    pub prev: u64,
    pub id: String,
    pub action: String,
    pub user: Option<String>,
    pub resent: bool,
    pub replay: bool,
}

impl Frame {
    /// One frame to a line.
    pub fn all(lines: &[u8]) -> Vec<Frame> {
        lines.split_inclusive(|&byte| byte == b'\n').map(|line| Frame::read(line.trim_ascii_end())).collect()
    }

    /// Both parsers must read the same of it.
    #[track_caller]
    pub fn read(bytes: &[u8]) -> Frame {
        let text = std::str::from_utf8(bytes).unwrap();
        let strict = syslog_rfc5424::parse_message(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let loose = syslog_loose::parse_message(text, syslog_loose::Variant::RFC5424);
        let ours = strict.sd.find_sdid("otrail@32473").unwrap();
        let element = loose.structured_data.iter().find(|element| element.id == "otrail@32473").unwrap();
        let value = |name: &str| {
            let value = ours.get(name).cloned();
            let other = element.params().find(|(key, _)| **key == name).map(|(_, value)| value);
            assert_eq!(value, other, "{name} of {text}");
            value
        };
        let number = |name: &str| value(name).unwrap().parse().unwrap();
        Frame {
            bytes: bytes.to_vec(),
            seq: number("seq"),
            prev: number("prev"),
            id: value("id").unwrap(),
            action: value("action").unwrap(),
            user: value("user"),
            resent: value("resent").is_some(),
            replay: value("replay").is_some(),
        }
    }
}

/// What became of the records 1 to `through`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Records that never arrived.
    pub lost: Vec<u64>,
    /// Frames of records that had arrived before.
    pub duplicates: usize,
    /// Their bytes.
    pub duplicate_bytes: usize,
    /// How often the order went back to repeat a window.
    pub repeats: usize,
    /// What must never be: one sentence each.
    pub wrong: Vec<String>,
}

impl Account {
    pub fn of(frames: &[Frame], through: u64) -> Account {
        let mut account = Account::default();
        let mut ids = BTreeMap::<u64, &str>::new();
        let mut last = 0;
        for frame in frames {
            account.repeats += usize::from(frame.seq <= last);
            if frame.prev + 1 != frame.seq {
                account.wrong.push(format!("{} says that it follows {}", frame.seq, frame.prev));
            }
            if frame.seq != last + 1 && (frame.seq > last || !frame.resent) {
                account.wrong.push(format!("{} came after {last}", frame.seq));
            }
            match ids.insert(frame.seq, &frame.id) {
                None => {}
                Some(before) => {
                    account.duplicates += 1;
                    account.duplicate_bytes += frame.bytes.len();
                    if before != frame.id || !frame.resent {
                        account.wrong.push(format!("{} came again as {frame:?}", frame.seq));
                    }
                }
            }
            last = frame.seq;
        }
        account.lost = (1..=through).filter(|seq| !ids.contains_key(seq)).collect();
        account
    }
}

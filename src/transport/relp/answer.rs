//! What a server answers, in either of the two grammars of the specification. Pure.
//!
//! ```text
//! 200 OK LF relp_version=0 ...      RSPDATA: STATUS SP HUMAN-TEXT [LF DATA]      what librelp says
//! 7 200 OK LF                       RSP-HEADER: TXNR SP RSP-CODE [SP HUMANMSG] LF [CMDDATA]
//! ```
//!
//! The answer to `open`, which has the number 1, shows which of them a server means.

use super::RelpError;
use super::frame::Txnr;

/// Where the status of an answer stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    /// First.
    #[default]
    Bare,
    /// After the number of the transaction.
    Numbered,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// 200 is yes.
    pub status: u16,
    /// What it says about that, safe to show.
    pub text: String,
    /// What follows the first line.
    pub data: Vec<u8>,
}

/// What the server has told about itself in its answer to `open`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Offers {
    pub version: Option<u32>,
    pub software: String,
    pub takes_syslog: bool,
}

impl Answer {
    /// Reads the data of a `rsp`; an error when it has no status.
    pub(super) fn parse(data: &[u8], txnr: Txnr, grammar: Grammar) -> Result<Answer, RelpError> {
        let (line, rest) = split(data, b'\n');
        let (first, text) = split(line, b' ');
        let (status, text) = match grammar {
            Grammar::Bare => (first, text),
            Grammar::Numbered if first == txnr.to_string().as_bytes() => split(text, b' '),
            Grammar::Numbered => return Err(RelpError::NoStatus { data: shown(line) }),
        };
        match *status {
            [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                let digit = |byte: u8| u16::from(byte - b'0');
                let status = digit(a) * 100 + digit(b) * 10 + digit(c);
                Ok(Answer { status, text: shown(text), data: rest.to_vec() })
            }
            _ => Err(RelpError::NoStatus { data: shown(line) }),
        }
    }

    /// Reads the answer to `open`, and finds out the grammar by it.
    pub(super) fn to_open(data: &[u8], txnr: Txnr) -> Result<(Answer, Grammar), RelpError> {
        let bare = Answer::parse(data, txnr, Grammar::Bare).map(|answer| (answer, Grammar::Bare));
        bare.or_else(|error| match Answer::parse(data, txnr, Grammar::Numbered) {
            Ok(answer) => Ok((answer, Grammar::Numbered)),
            Err(_) => Err(error),
        })
    }

    pub(super) fn is_yes(&self) -> bool {
        self.status == 200
    }
}

impl Offers {
    /// Reads lines of `NAME=VALUE,VALUE`; unknown names are passed over.
    pub(super) fn parse(data: &[u8]) -> Offers {
        let mut offers = Offers::default();
        for line in data.split(|&byte| byte == b'\n') {
            let (name, values) = split(line, b'=');
            let mut each = values.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
            match name.trim_ascii() {
                b"relp_version" => {
                    offers.version = each.find_map(|value| std::str::from_utf8(value).ok()?.parse().ok());
                }
                b"relp_software" => offers.software = shown(values),
                b"commands" => offers.takes_syslog |= each.any(|value| value == b"syslog"),
                _ => {}
            }
        }
        offers
    }
}

/// What stands before and after the first `at`.
fn split(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    match memchr::memchr(at, bytes) {
        Some(place) => (&bytes[..place], &bytes[place + 1..]),
        None => (bytes, b""),
    }
}

/// A server's words as one short line without control characters.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_BYTES_MAX)]).into_owned();
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The specification gives a human text 80 letters.
const SHOWN_BYTES_MAX: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str, data: &str) -> Answer {
        Answer { status, text: text.to_owned(), data: data.as_bytes().to_vec() }
    }

    #[test]
    fn both_grammars_are_told_apart_by_the_answer_to_open() {
        for (data, expected) in [
            ("200 OK\nrelp_version=0", (answer(200, "OK", "relp_version=0"), Grammar::Bare)),
            ("1 200 OK\nrelp_version=1", (answer(200, "OK", "relp_version=1"), Grammar::Numbered)),
            ("1 500", (answer(500, "", ""), Grammar::Numbered)),
            ("500 error 10013 on connect", (answer(500, "error 10013 on connect", ""), Grammar::Bare)),
        ] {
            assert_eq!(Answer::to_open(data.as_bytes(), 1).unwrap(), expected);
        }
        for data in ["", "OK", "2 200 OK", "20 OK", "2000 OK"] {
            assert!(matches!(Answer::to_open(data.as_bytes(), 1), Err(RelpError::NoStatus { .. })), "{data}");
        }
    }

    #[test]
    fn a_number_that_looks_like_a_status_confuses_nobody() {
        let parse = |data: &str, txnr, grammar| Answer::parse(data.as_bytes(), txnr, grammar).unwrap().status;
        assert_eq!(parse("200 500 no", 200, Grammar::Numbered), 500);
        assert_eq!(parse("500 200 OK\n", 500, Grammar::Numbered), 200);
        assert_eq!(parse("500 200 is what you wanted", 200, Grammar::Bare), 500);
        assert!(Answer::parse(b"8 200 OK", 7, Grammar::Numbered).is_err());
    }

    #[test]
    fn offers_are_read_in_any_order_and_unknown_ones_passed_over() {
        let offers = Offers::parse(
            b"x\ncommands=eventlog, syslog\nnew=1,2\nrelp_software=lib,1\x1b[2J\nrelp_version=1",
        );
        let software = "lib,1 [2J".to_owned();
        assert_eq!(offers, Offers { version: Some(1), software, takes_syslog: true });
        assert_eq!(Offers::parse(b"commands=eventlog\nrelp_version=one"), Offers::default());
    }
}

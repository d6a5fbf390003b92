//! RELP, the syslog protocol with acknowledgements (librelp's `doc/relp.md`): the client's side of a session. Pure.
//!
//! ```text
//! client   1 open ...          2 syslog ... 3 syslog ... 4 syslog ...        5 close
//! server               1 rsp 200 ...               3 rsp 200   2 rsp 200 ...         5 rsp, 0 serverclose
//! ```
//!
//! A `rsp` with 200 means that the server's parser took the message, not that it wrote it anywhere. What has no
//! answer when a connection ends goes out again over the next: twice is possible, never is not.
//!
//! Invariant: only what has no gap before it counts as confirmed.
//! Invariant: after an error nothing more is confirmed.
//! Not here: sockets and TLS (`link`), and what is sent again (`forward`).

mod answer;
mod frame;
mod outstanding;

use super::{Protocol, Transport};
use answer::{Answer, Grammar, Offers};
use frame::{Decoder, Frame, Txnr};
use outstanding::Outstanding;

/// RELP with TLS from the first byte on, as rsyslog's `tls="on"` has it.
pub(super) const TLS_ROW: Transport = Transport {
    name: "relp-tls",
    about: "RELP over TLS 1.2 or 1.3: each event is acknowledged",
    default_port: 20514,
    secure: true,
    protocol: Protocol::Relp,
};

/// RELP without TLS. 20514 is where librelp listens when it is told no port.
pub(super) const ROW: Transport = Transport {
    name: "relp",
    about: "RELP over plain TCP: each event is acknowledged; laboratory only",
    default_port: 20514,
    secure: false,
    protocol: Protocol::Relp,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Most data of one RELP frame.
pub const DATA_BYTES_MAX: usize = frame::DATA_BYTES_MAX;

/// Why a RELP session cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelpError {
    /// The bytes are no RELP frame.
    #[error(
        "the peer does not speak RELP: byte 0x{byte:02x} in the {place} of a frame; check the port of address"
    )]
    BadFrame {
        /// Which part of the frame.
        place: &'static str,
        /// The byte that cannot stand there.
        byte: u8,
    },
    /// A frame with more data than the protocol allows.
    #[error("the peer announced a RELP frame of {bytes} bytes")]
    TooLong {
        /// What it announced.
        bytes: usize,
    },
    /// An answer without a status of three digits.
    #[error("the peer's RELP answer has no status: {data:?}")]
    NoStatus {
        /// Its first line, shortened.
        data: String,
    },
    /// An answer to a command that was not sent, or that has its answer.
    #[error("the peer answered RELP transaction {txnr}, which waits for no answer")]
    NotAsked {
        /// Its number.
        txnr: u32,
    },
    /// A command that only a client may send.
    #[error("the peer sent the RELP command {command:?} where only an answer may stand")]
    Unexpected {
        /// Its name, shortened.
        command: String,
    },
    /// The server does not want a session.
    #[error("the peer refused the RELP session: {status} {text}")]
    NotOpened {
        /// Its status.
        status: u16,
        /// Its words.
        text: String,
    },
    /// The server speaks another version, or takes no syslog.
    #[error("the peer offers no RELP session that carries syslog: {what}")]
    NoOffer {
        /// What is missing.
        what: &'static str,
    },
}

/// The client's side of one session.
#[derive(Debug)]
pub(super) struct Relp {
    phase: Phase,
    decoder: Decoder,
    grammar: Grammar,
    /// The number of the next command.
    next: Txnr,
    outstanding: Outstanding,
    software: String,
    failed: Option<RelpError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// `open` waits for its answer.
    Opening,
    Ready,
    /// `close` with this number waits for its answer.
    Closing(Txnr),
    /// The server has answered `close`, or says that it closes.
    Closed,
}

impl Relp {
    /// A session, and the command that opens it.
    pub(super) fn open(out: &mut Vec<u8>) -> Relp {
        // Version 0 is what librelp speaks; 1 of the specification differs in nothing that is used here.
        let offers = format!("relp_version=0\nrelp_software=otrail,{VERSION}\ncommands=syslog");
        frame::put(1, "open", offers.as_bytes(), out);
        Relp {
            phase: Phase::Opening,
            decoder: Decoder::default(),
            grammar: Grammar::default(),
            next: frame::after(1),
            outstanding: Outstanding::new(frame::after(1)),
            software: String::new(),
            failed: None,
        }
    }

    /// Appends a command with the message that `encode` appends; nothing when that is empty.
    pub(super) fn frame_with(&mut self, out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
        if frame::put_syslog(self.next, out, encode) {
            self.next = frame::after(self.next);
            self.outstanding.push();
        }
    }

    /// Appends the command that ends the session; nothing may be sent after it.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        if self.phase == Phase::Ready {
            self.phase = Phase::Closing(self.next);
            frame::put(self.next, "close", b"", out);
        }
    }

    /// Takes what the server says, cut anywhere.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<(), RelpError> {
        self.state()?;
        let taken = loop {
            match self.decoder.next(&mut bytes) {
                Ok(Some(frame)) => {
                    if let Err(error) = self.on_frame(&frame) {
                        break Err(error);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.failed = taken.clone().err();
        taken
    }

    /// What has ended the session, if something has.
    pub(super) fn state(&self) -> Result<(), RelpError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    /// Whether the server has accepted the session.
    pub(super) fn is_open(&self) -> bool {
        self.phase != Phase::Opening
    }

    /// Whether the server has ended the session.
    pub(super) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// How many messages are confirmed, from the first on.
    pub(super) fn confirmed(&self) -> u64 {
        self.outstanding.confirmed()
    }

    /// How many messages are not.
    pub(super) fn unconfirmed(&self) -> usize {
        self.outstanding.len()
    }

    /// The words in which the server refused the oldest unconfirmed message.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.outstanding.refusal()
    }

    /// What the server calls itself, for status.
    pub(super) fn software(&self) -> &str {
        &self.software
    }

    fn on_frame(&mut self, frame: &Frame) -> Result<(), RelpError> {
        match (frame.txnr, frame.command.as_str(), self.phase) {
            (0, "serverclose", _) => self.phase = Phase::Closed,
            // A hint that is not known is not for us.
            (0, _, _) | (_, _, Phase::Closed) => {}
            (1, "rsp", Phase::Opening) => self.on_opened(frame)?,
            // librelp's answer to `close` is empty.
            (txnr, "rsp", Phase::Closing(closing)) if txnr == closing => self.phase = Phase::Closed,
            (txnr, "rsp", Phase::Ready | Phase::Closing(_)) => {
                let answer = Answer::parse(&frame.data, txnr, self.grammar)?;
                let refused = (!answer.is_yes()).then(|| format!("{} {}", answer.status, answer.text));
                self.outstanding.on_answer(txnr, refused)?;
            }
            (txnr, "rsp", Phase::Opening) => return Err(RelpError::NotAsked { txnr }),
            _ => {
                let command = answer::shown(frame.command.as_bytes());
                return Err(RelpError::Unexpected { command });
            }
        }
        Ok(())
    }

    fn on_opened(&mut self, frame: &Frame) -> Result<(), RelpError> {
        let (answer, grammar) = Answer::to_open(&frame.data, frame.txnr)?;
        if !answer.is_yes() {
            return Err(RelpError::NotOpened { status: answer.status, text: answer.text });
        }
        let offers = Offers::parse(&answer.data);
        let what = match offers.version {
            None => Some("relp_version is missing"),
            Some(2..) => Some("only a newer relp_version"),
            Some(_) if !offers.takes_syslog => Some("commands does not name syslog"),
            Some(_) => None,
        };
        if let Some(what) = what {
            return Err(RelpError::NoOffer { what });
        }
        (self.grammar, self.software, self.phase) = (grammar, offers.software, Phase::Ready);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPENED: &[u8] =
        b"1 rsp 93 200 OK\nrelp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog\n";

    fn opened(messages: usize) -> Relp {
        let mut relp = Relp::open(&mut Vec::new());
        relp.take(OPENED).unwrap();
        (0..messages).for_each(|_| relp.frame_with(&mut Vec::new(), |out| out.push(b'm')));
        relp
    }

    #[test]
    fn a_session_goes_from_open_to_close() {
        let mut out = Vec::new();
        let mut relp = Relp::open(&mut out);
        let offers = format!("relp_version=0\nrelp_software=otrail,{VERSION}\ncommands=syslog");
        assert_eq!(out, format!("1 open {} {offers}\n", offers.len()).into_bytes());
        assert!(!relp.is_open());
        relp.take(OPENED).unwrap();
        assert!(relp.is_open() && relp.software().starts_with("librelp,1.11.0"));
        out.clear();
        relp.frame_with(&mut out, |out| out.extend_from_slice(b"<1>hello"));
        relp.frame_with(&mut out, |_| {});
        relp.frame_with(&mut out, |out| out.extend_from_slice(b"<1>you"));
        relp.close(&mut out);
        assert_eq!(out, b"2 syslog 8 <1>hello\n3 syslog 6 <1>you\n4 close 0\n");
        relp.take(b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n").unwrap();
        assert_eq!((relp.confirmed(), relp.unconfirmed(), relp.is_closed()), (2, 0, true));
    }

    #[test]
    fn a_server_that_closes_says_so_and_what_it_answered_before_counts() {
        let mut relp = opened(3);
        relp.take(b"2 rsp 6 200 OK\n0 news 1 x\n0 serverclose 0\n3 rsp 6 200 OK\n").unwrap();
        assert_eq!((relp.confirmed(), relp.unconfirmed(), relp.is_closed()), (1, 2, true));
    }

    #[test]
    fn a_refused_message_stops_what_is_confirmed_before_it() {
        let mut relp = opened(3);
        relp.take(b"3 rsp 8 500 full\n4 rsp 6 200 OK\n").unwrap();
        assert_eq!((relp.confirmed(), relp.refusal()), (0, None));
        relp.take(b"2 rsp 6 200 OK\n").unwrap();
        assert_eq!((relp.confirmed(), relp.unconfirmed(), relp.refusal()), (1, 2, Some("500 full")));
    }

    #[test]
    fn a_server_with_the_other_grammar_is_understood_all_along() {
        let mut relp = Relp::open(&mut Vec::new());
        relp.take(b"1 rsp 40 1 200 OK\nrelp_version=1\ncommands=syslog\n\n").unwrap();
        (0..2).for_each(|_| relp.frame_with(&mut Vec::new(), |out| out.push(b'm')));
        relp.take(b"2 rsp 9 2 200 OK\n\n3 rsp 5 3 500\n").unwrap();
        assert_eq!((relp.confirmed(), relp.refusal()), (1, Some("500 ")));
    }

    #[test]
    fn a_session_that_cannot_carry_syslog_is_refused_with_the_reason() {
        for (data, text) in [
            ("500 error 10013 on connect", "the peer refused the RELP session: 500 error 10013 on connect"),
            ("200 OK", "the peer offers no RELP session that carries syslog: relp_version is missing"),
            (
                "200 OK\nrelp_version=2\ncommands=syslog",
                "the peer offers no RELP session that carries syslog: only a newer relp_version",
            ),
            (
                "200 OK\nrelp_version=0\ncommands=eventlog",
                "the peer offers no RELP session that carries syslog: commands does not name syslog",
            ),
            ("hello", "the peer's RELP answer has no status: \"hello\""),
        ] {
            let mut relp = Relp::open(&mut Vec::new());
            let wire = format!("1 rsp {} {data}\n", data.len());
            assert_eq!(relp.take(wire.as_bytes()).unwrap_err().to_string(), text);
            assert!(!relp.is_open());
        }
    }

    #[test]
    fn what_no_server_may_say_ends_the_session() {
        for (wire, text) in [
            ("5 rsp 6 200 OK\n", "the peer answered RELP transaction 5, which waits for no answer"),
            ("1 rsp 6 200 OK\n", "the peer answered RELP transaction 1, which waits for no answer"),
            (
                "2 rsp 6 200 OK\n2 rsp 6 200 OK\n",
                "the peer answered RELP transaction 2, which waits for no answer",
            ),
            ("2 rsp 0\n", "the peer's RELP answer has no status: \"\""),
            ("2 syslog 1 x\n", "the peer sent the RELP command \"syslog\" where only an answer may stand"),
            ("2 rsp 999999999 ", "the peer announced a RELP frame of 999999999 bytes"),
            (
                "220 mail.example.net\n",
                "the peer does not speak RELP: byte 0x2e in the command of a frame; check the port of address",
            ),
        ] {
            let mut relp = opened(2);
            assert_eq!(relp.take(wire.as_bytes()).unwrap_err().to_string(), text);
            let before = relp.confirmed();
            assert_eq!(relp.take(b"3 rsp 6 200 OK\n").unwrap_err().to_string(), text, "from then on");
            assert_eq!(relp.confirmed(), before);
        }
        let mut unopened = Relp::open(&mut Vec::new());
        assert_eq!(unopened.take(b"2 rsp 6 200 OK\n"), Err(RelpError::NotAsked { txnr: 2 }));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_server_can_confirm_what_was_not_sent(messages in 0..5usize, wire in "([0-9] (rsp|open|serverclose) [0-9]( 200| 500)?\n|[0-9 a-z\n]{0,9}){0,12}") {
            let mut relp = opened(messages);
            let _error = relp.take(wire.as_bytes());
            prop_assert!(relp.confirmed() as usize + relp.unconfirmed() == messages);
        }
    }
}

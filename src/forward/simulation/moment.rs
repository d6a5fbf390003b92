//! How it stands between a sender and its evidence: when trouble has the most to spoil.

use super::super::evidence::FINS_TO_FORGET;
use super::super::probe::Standing;
use super::server::{Down, Up};
use super::{Closing, Evidence, Kind, Sender, Server};

/// What there is to wait for until something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Records are on the way.
    RecordsComing,
    /// Records lie unread in the receiver's kernel.
    RecordsUnread,
    /// Records lie unread, and a probe behind them.
    ProbeUnread,
    /// Records lie unread, and the answer to an earlier probe or message is on the way.
    AnswerComing,
    /// Records lie unread, and the sender waits a last moment before it closes.
    CloseDue,
    /// Records lie unread, and our close is on the way to them.
    CloseComing,
    /// Records lie unread, and our close behind them.
    CloseUnread,
    /// The receiver has answered our close.
    CloseAnswered,
}

const WHILE_UP: [Moment; 4] =
    [Moment::RecordsComing, Moment::RecordsUnread, Moment::ProbeUnread, Moment::AnswerComing];
const AT_CLOSE: [Moment; 5] = [
    Moment::RecordsUnread,
    Moment::CloseDue,
    Moment::CloseComing,
    Moment::CloseUnread,
    Moment::CloseAnswered,
];

impl Sender {
    /// One that comes with evidence of the kind that the present link gives.
    pub(crate) fn moment(&self, number: usize, server: &Server) -> Moment {
        let is_acknowledged = server.kind == Kind::Relp;
        match self.probe.standing() {
            Standing::Silent(_) if !is_acknowledged => AT_CLOSE[number % AT_CLOSE.len()],
            _ => WHILE_UP[number % WHILE_UP.len()],
        }
    }

    /// Whether it stands so with the present link.
    pub(crate) fn is_at(&self, moment: Moment, server: &Server) -> bool {
        let Some(link) = self.link.as_ref().and_then(|link| server.at(link.number)) else { return false };
        let is_unread = |wanted: fn(&Up) -> bool| link.buffer.iter().any(wanted);
        let is_sent = |wanted: fn(&Up) -> bool| link.up.iter().any(|(_, up)| wanted(up));
        let is_said = |wanted: fn(&Down) -> bool| link.down.iter().any(|(_, down)| wanted(down));
        let has_unread = is_unread(|up| matches!(up, Up::Frame(_)));
        match moment {
            Moment::RecordsComing => is_sent(|up| matches!(up, Up::Frame(_))),
            Moment::RecordsUnread => has_unread,
            Moment::ProbeUnread => has_unread && is_unread(|up| matches!(up, Up::Probe)),
            Moment::AnswerComing => {
                has_unread && is_said(|down| matches!(down, Down::Answer | Down::Acknowledged))
            }
            Moment::CloseDue => has_unread && self.closing.as_ref().is_some_and(Closing::is_about_to_close),
            Moment::CloseComing => has_unread && is_sent(|up| matches!(up, Up::Close)),
            Moment::CloseUnread => has_unread && is_unread(|up| matches!(up, Up::Close)),
            Moment::CloseAnswered => is_said(|down| matches!(down, Down::CloseNotify | Down::Fin)),
        }
    }

    /// Whether a FIN without close_notify is no evidence to it.
    pub(crate) fn wants_close_notify(&self) -> bool {
        let is_excluded = matches!(self.setting.evidence, Evidence::Barrier | Evidence::Probe);
        is_excluded || self.peer.answers_close_notify && self.peer.fins_in_a_row + 1 < FINS_TO_FORGET
    }
}

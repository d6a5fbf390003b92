//! The commands that wait for their answers. Pure.
//!
//! Answers may come in any order; a command is confirmed when it and every command before it has a good answer.

use super::RelpError;
use super::frame::{Txnr, after};
use std::collections::VecDeque;

/// Commands in the order in which they were sent.
#[derive(Debug)]
pub(super) struct Outstanding {
    /// The number of the first of `commands`, or of the next command when there is none.
    first: Txnr,
    commands: VecDeque<Command>,
    confirmed: u64,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Command {
    Waits,
    Accepted,
    /// With the words of the server.
    Refused(String),
}

impl Outstanding {
    /// The next command has this number.
    pub(super) fn new(first: Txnr) -> Outstanding {
        Outstanding { first, commands: VecDeque::new(), confirmed: 0 }
    }

    /// A command goes out.
    pub(super) fn push(&mut self) {
        self.commands.push_back(Command::Waits);
    }

    /// How many have no good answer, or wait for one before them.
    pub(super) fn len(&self) -> usize {
        self.commands.len()
    }

    /// How many commands are confirmed, from the first on.
    pub(super) fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// The oldest unconfirmed command was refused: with the words of the server.
    pub(super) fn refusal(&self) -> Option<&str> {
        match self.commands.front() {
            Some(Command::Refused(text)) => Some(text),
            _ => None,
        }
    }

    /// An answer has come: `refused` has the words of the server when it is no good one.
    pub(super) fn on_answer(&mut self, txnr: Txnr, refused: Option<String>) -> Result<(), RelpError> {
        let stranger = RelpError::NotAsked { txnr };
        let Some(place) = self.place(txnr) else { return Err(stranger) };
        let Some(command) = self.commands.get_mut(place) else { return Err(stranger) };
        if *command != Command::Waits {
            return Err(stranger);
        }
        *command = refused.map_or(Command::Accepted, Command::Refused);
        while self.commands.front() == Some(&Command::Accepted) {
            self.commands.pop_front();
            self.first = after(self.first);
            self.confirmed += 1;
        }
        Ok(())
    }

    /// Where a command with this number stands; numbers begin anew after the largest.
    fn place(&self, txnr: Txnr) -> Option<usize> {
        const NUMBERS: Txnr = 999_999_999;
        let place = if txnr >= self.first { txnr - self.first } else { txnr + NUMBERS - self.first };
        usize::try_from(place).ok().filter(|_| (1..=NUMBERS).contains(&txnr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sent(first: Txnr, count: usize) -> Outstanding {
        let mut outstanding = Outstanding::new(first);
        (0..count).for_each(|_| outstanding.push());
        outstanding
    }

    /// All orders of `items`.
    fn orders(items: &[usize]) -> Vec<Vec<usize>> {
        if items.is_empty() {
            return vec![Vec::new()];
        }
        let first = |&item: &usize| {
            let rest: Vec<usize> = items.iter().copied().filter(|&other| other != item).collect();
            orders(&rest).into_iter().map(move |order| [vec![item], order].concat())
        };
        items.iter().flat_map(first).collect()
    }

    #[test]
    fn in_every_order_of_five_answers_only_what_has_no_gap_before_it_is_confirmed() {
        for (first, numbers) in [(2, [2, 3, 4, 5, 6]), (999_999_998, [999_999_998, 999_999_999, 1, 2, 3])] {
            for refused in [None, Some(0), Some(2), Some(4)] {
                for order in orders(&[0, 1, 2, 3, 4]) {
                    let mut outstanding = sent(first, 5);
                    for (count, &place) in order.iter().enumerate() {
                        let words = (refused == Some(place)).then(|| "no".to_owned());
                        outstanding.on_answer(numbers[place], words).unwrap();
                        let good = |place: &usize| order[..=count].contains(place) && refused != Some(*place);
                        let prefix = (0..5).take_while(good).count();
                        assert_eq!(outstanding.confirmed(), prefix as u64, "{order:?} {refused:?}");
                        let at_refusal = refused == Some(prefix) && order[..=count].contains(&prefix);
                        assert_eq!(outstanding.refusal().is_some(), at_refusal, "{order:?} {refused:?}");
                    }
                    assert_eq!(outstanding.len(), refused.map_or(0, |place| 5 - place));
                }
            }
        }
    }

    #[test]
    fn an_answer_to_what_was_not_asked_or_is_answered_already_is_an_error() {
        let mut outstanding = sent(2, 3);
        outstanding.on_answer(3, None).unwrap();
        for txnr in [0, 1, 3, 5, 999_999_999, 1_000_000_000] {
            assert_eq!(outstanding.on_answer(txnr, None), Err(RelpError::NotAsked { txnr }));
        }
        outstanding.on_answer(2, None).unwrap();
        assert_eq!(outstanding.on_answer(2, None), Err(RelpError::NotAsked { txnr: 2 }));
        assert_eq!(outstanding.confirmed(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_answers_of_any_kind_confirm_more_than_was_sent_and_accepted(
            first in prop::sample::select(vec![1, 2, 999_999_990]),
            count in 0..20usize,
            answers in prop::collection::vec((0..25u32, any::<bool>()), 0..60),
        ) {
            let (mut outstanding, mut accepted) = (sent(first, count), vec![false; count]);
            for (offset, good) in answers {
                let txnr = (0..offset).fold(first, |txnr, _| after(txnr));
                let known = outstanding.on_answer(txnr, (!good).then(String::new)).is_ok();
                if known && good {
                    accepted[offset as usize] = true;
                }
                let prefix = accepted.iter().take_while(|&&accepted| accepted).count();
                prop_assert_eq!(outstanding.confirmed(), prefix as u64);
            }
        }
    }
}

//! Test events: they go the way of every event, and what each destination shows for them is told.

use super::now;
use super::status::Overview;
use super::trial::{is_pending, records, tested as told};
use crate::forward;
use crate::journal::{Draft, Input};
use crate::model::act::{Asker, Test, Tested};
use crate::model::error_text;
use crate::model::status::DestinationStatus;
use crate::model::{Action, Denial, Event, Outcome, Text};
use std::time::{Duration, Instant};

impl Overview {
    /// Journals test events and waits for their evidence; blocks.
    pub(super) fn test(&self, test: &Test, asker: &Asker) -> Result<Vec<Tested>, Denial> {
        let names: Vec<&str> =
            self.config().destinations.iter().map(|settings| settings.name.as_str()).collect();
        if let Some(name) = test.destination.as_deref().filter(|name| !names.contains(name)) {
            return Err(Denial::unknown("destination", name, &names));
        }
        if !(1..=Test::COUNT_MAX).contains(&test.count) || test.wait_seconds > Test::WAIT_SECONDS_MAX {
            return Err(format!(
                "from 1 to {} test events and at most {} s are possible",
                Test::COUNT_MAX,
                Test::WAIT_SECONDS_MAX
            )
            .into());
        }
        if self.journal.is_paused() {
            return Err("the journal is full and takes nothing; ask again when there is space"
                .to_owned()
                .into());
        }
        let before = self.journal.newest();
        let sent: Vec<DestinationStatus> = self.destinations.iter().map(forward::Handle::status).collect();
        let drafts = (1..=test.count).map(|number| Draft {
            event: Event { sensor: self.config().sensor.as_str().into(), ..event(number, test.count, asker) },
            position: None,
            mark: None,
        });
        let input = Input { drafts: drafts.collect(), ..Input::default() };
        self.journal.append(input, now()).map_err(|error| error_text(&error))?;
        let (through, begun) = (self.journal.newest(), Instant::now());
        let wait = Duration::from_secs(test.wait_seconds);
        let wanted = |name: &str| test.destination.as_deref().is_none_or(|wanted| wanted == name);
        let records = records(&self.journal, before, through);
        // What one that has caught up got before; of one that has not it is not known yet.
        let prev = sent.iter().map(|sent| if sent.sent == before { sent.last } else { before });
        let chosen = self.destinations.iter().zip(&self.config().destinations).zip(prev);
        let mut waiting: Vec<_> = chosen.filter(|((_, settings), _)| wanted(&settings.name)).collect();
        let mut tested = Vec::new();
        while !waiting.is_empty() {
            waiting.retain(|((handle, settings), prev)| {
                let status = handle.status();
                if is_pending(&status, through) && begun.elapsed() < wait {
                    return true;
                }
                let messages = forward::messages(settings, self.journal.stream(), *prev, &records);
                tested.push(Tested { messages, ..told(&status, through, begun.elapsed()) });
                false
            });
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(tested)
    }
}

/// One test event.
fn event(number: u32, count: u32, asker: &Asker) -> Event {
    let message = format!("test event {number} of {count}, asked for by {}", asker.who);
    Event {
        user: Some(asker.user.clone()),
        source: Text::const_new("otrail"),
        ..Event::own(Action::TEST, Outcome::Success, now(), message)
    }
}

const LOOK_EVERY: Duration = Duration::from_millis(20);

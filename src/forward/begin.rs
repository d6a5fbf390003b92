//! Where a destination begins: after what its cursor confirms.

use super::backoff::Backoff;
use super::batch::Encoder;
use super::delivery::{Delivery, Limits};
use super::keychain::Keychain;
use super::lane::Lane;
use super::mark::Mark;
use super::peers::Memory;
use super::pool::Pool;
use super::probe::Probe;
use super::renewal::Renewal;
use super::replay::Again;
use super::report::Report;
use super::settings::{Evidence, From, Settings};
use super::settle::Settle;
use super::succession::Visit;
use super::{Destination, Flight, KeyUpdates};
use crate::journal::{Cursor, Journal, JournalError, Reached, Return};
use crate::model::{Action, Event, Outcome, Print, Seq, Time};
use std::sync::Arc;
use std::time::Instant;

/// What a destination is put together from.
pub(super) struct Plan {
    pub settings: Settings,
    pub journal: Journal,
    pub clock: fn() -> Time,
    pub confirmed: Reached,
    /// What the next frame says of the last one.
    pub print: Option<Print>,
    pub highest: Seq,
    pub begun: Instant,
    pub lane: Lane,
    pub keychain: Keychain,
    pub mark: Option<Mark>,
    pub again: Option<Again>,
}

impl Destination {
    /// Takes up a destination where its cursor says. Blocks on the disk.
    pub fn open(
        settings: Settings,
        journal: Journal,
        clock: fn() -> Time,
    ) -> Result<Destination, JournalError> {
        let Beginning { cursor, confirmed, highest } = begin(&settings, &journal, clock())?;
        let print = cursor.print;
        let mark = Mark::new(journal.clone(), &settings, cursor, clock);
        Ok(Destination::of(Plan {
            lane: Lane::new(settings.rate_max),
            settings,
            journal,
            clock,
            confirmed,
            print,
            highest,
            begun: Instant::now(),
            keychain: Keychain::default(),
            mark: Some(mark),
            again: None,
        }))
    }

    /// Puts it together; reads what is known of its peers. Blocks on the disk.
    pub(super) fn of(plan: Plan) -> Destination {
        let Plan { settings, journal, clock, confirmed, print, highest, begun, lane, keychain, mark, again } =
            plan;
        let limits = Limits {
            window_bytes_max: settings.window_bytes_max,
            barrier_interval: settings.barrier_interval,
            trusting: settings.evidence == Evidence::None,
            finite: again.is_some(),
            selective: settings.select.is_some() || again.is_some(),
        };
        let backoff = Backoff::new(settings.backoff.0, settings.backoff.1);
        let addresses: Vec<String> = settings.links().map(|link| link.net.shown()).collect();
        let memory = Memory::load(&journal.peers_dir(), &settings.name, &addresses);
        let pool = Pool::new(addresses.len(), settings.return_interval);
        let mut report = Report::new(&settings, addresses, journal.clone(), clock, confirmed.through);
        report.owes_return = again.is_none() && journal.owes(Return::Destination(&settings.name));
        let mut encoder = Encoder::new(journal.stream().to_string(), confirmed, print);
        encoder.replay = again.as_ref().is_some_and(Again::is_replay);
        Destination {
            delivery: Delivery::resume_after(confirmed, highest, limits, backoff),
            encoder,
            copies: None,
            memory,
            settle: Settle::new(),
            mark,
            report: match &again {
                Some(again) => report.of(again.what),
                None => report,
            },
            again,
            suspect: None,
            trial: None,
            unwritten: None,
            follower: Some(journal.follower()),
            read: None,
            link: None,
            pool,
            keychain,
            visit: Visit::none(),
            renewal: Renewal::new(),
            flight: Flight::default(),
            probe: Probe::without(),
            heard: KeyUpdates::default(),
            lane,
            frames: Vec::new(),
            begun,
            settings: Arc::new(settings),
            journal,
        }
    }
}

/// The place to begin at.
struct Beginning {
    pub cursor: Cursor,
    /// Everything up to here is confirmed, or not wanted.
    pub confirmed: Reached,
    /// What is not newer may have been sent before.
    pub highest: Seq,
}

/// Finds it. A new destination gets its cursor now, for its beginning must not move when the agent starts again before
/// anything was confirmed; one whose cursor is destroyed gets everything again, whatever `from` says.
fn begin(settings: &Settings, journal: &Journal, now: Time) -> Result<Beginning, JournalError> {
    let mut cursor = journal.cursor(&settings.name)?;
    let newest = journal.newest();
    let before_all = Seq(journal.status().oldest.0.saturating_sub(1));
    let sent = cursor.sent.take();
    let (confirmed, highest) = match (cursor.reached(), settings.from) {
        // After a stop that was no orderly one all of it may have been sent.
        (Some(confirmed), _) => (confirmed, sent.unwrap_or(newest)),
        (None, _) if cursor.was_destroyed() => (before_all.into(), newest),
        (None, From::Now) => (newest.into(), newest),
        (None, From::Oldest) => (before_all.into(), Seq::NONE),
    };
    if cursor.was_destroyed() {
        let message = format!(
            "the cursor of {} is not readable, or of another journal; it gets everything again",
            settings.name
        );
        journal.note(Event::own(Action::JOURNAL_DAMAGED, Outcome::Failure, now, message));
    }
    if cursor.confirmed().is_none() {
        if !cursor.was_destroyed() {
            // Whatever had that name before, this one is new.
            journal.try_to_owe(Return::Destination(&settings.name), false);
        }
        journal.confirm(&settings.name, &mut cursor, confirmed, now)?;
    } else if sent.is_some() {
        // From the first send on it is not true any more.
        journal.confirm(&settings.name, &mut cursor, confirmed, now)?;
    }
    Ok(Beginning { cursor, confirmed, highest })
}

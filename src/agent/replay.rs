//! Replays: an admin has what is in the trail sent again. Before anything is sent, and when it is over, the trail says so.

use super::acts::STOPPING;
use super::now;
use super::status::Overview;
use crate::control::Ongoing;
use crate::filter::{Clock, Filter};
use crate::forward::{Replay as Sending, ReplayHandle};
use crate::model::act::{Asker, Replay, Replayed};
use crate::model::{Action, Denial, Event, Outcome, Seq, Target};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

impl Overview {
    /// Sends again, and comes back when all is confirmed, nothing moves any more, or nobody waits for it; blocks.
    pub(super) fn replay(
        &self,
        wish: &Replay,
        asker: &Asker,
        ongoing: &Ongoing,
    ) -> Result<Vec<Replayed>, Denial> {
        let names: Vec<&str> =
            self.config().destinations.iter().map(|settings| settings.name.as_str()).collect();
        if let Some(name) = wish.destination.as_deref().filter(|name| !names.contains(name)) {
            return Err(Denial::unknown("destination", name, &names));
        }
        if !(1..=Replay::WAIT_SECONDS_MAX).contains(&wish.wait_seconds) {
            return Err(format!("a wait from 1 to {} s is possible", Replay::WAIT_SECONDS_MAX).into());
        }
        let words = wish.filters.iter().map(|(name, value)| (name, value));
        let filter = Arc::new(Filter::parse(words, &Clock::utc(now())).map_err(|error| error.to_string())?);
        let _running = self.acts.begin();
        let mut sending = Vec::new();
        for (replayer, name) in self.replayers.iter().zip(names) {
            if wish.destination.as_deref().is_none_or(|wanted| wanted == name) {
                let prepared = replayer.prepare(&filter, wish.unselected);
                sending.push((name, prepared.ok_or_else(|| format!("a replay to {name} goes on already"))?));
            }
        }
        let what = what(&filter, wish.unselected);
        for (name, _) in &sending {
            let message = format!("{name}: {} has events sent again: {what}", asker.who);
            self.journal.note(event(Outcome::Success, name, asker, message));
        }
        let wait = Duration::from_secs(wish.wait_seconds);
        let mut watched: Vec<Watched> =
            sending.into_iter().map(|(name, sending)| Watched::start(name, sending)).collect();
        self.watch(&mut watched, wait, ongoing);
        let told = watched.iter().map(|one| {
            let replayed = one.replayed();
            let message = format!("{}: sent again for {}: {replayed}: {what}", one.name, asker.who);
            let outcome = if replayed.complete { Outcome::Success } else { Outcome::Failure };
            let mut event = event(outcome, &one.name, asker, message);
            event.count = Some(replayed.confirmed);
            event.reason = (!replayed.error.is_empty()).then(|| replayed.error.as_str().into());
            self.journal.note(event);
            replayed
        });
        Ok(told.collect())
    }

    /// Waits until none of them goes on, and tells how far they are.
    fn watch(&self, watched: &mut [Watched], wait: Duration, ongoing: &Ongoing) {
        let mut told_at = Instant::now();
        while watched.iter().any(|one| !one.task.is_finished()) {
            std::thread::sleep(LOOK_EVERY);
            let stops = self.acts.must_end();
            for one in &mut *watched {
                one.look(wait);
                if stops {
                    one.give_up(STOPPING);
                    // It has no time for the last evidence.
                    one.task.abort();
                } else if let Some(why) = ongoing.given_up() {
                    one.give_up(why);
                }
            }
            if told_at.elapsed() >= TELL_EVERY {
                told_at = Instant::now();
                ongoing.tell(watched.iter().map(Watched::replayed).collect());
            }
        }
    }
}

/// A replay that goes on.
struct Watched {
    name: String,
    handle: ReplayHandle,
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
    moved_at: Instant,
    reached: (u64, Seq),
    /// Why it was broken off.
    given_up: Option<String>,
}

impl Watched {
    fn start(name: &str, sending: Sending) -> Watched {
        let (stop, stopped) = watch::channel(false);
        let handle = sending.handle();
        let task = runtime::Handle::current().spawn(sending.run(stopped));
        Watched {
            name: name.to_owned(),
            handle,
            task,
            stop,
            moved_at: Instant::now(),
            reached: (0, Seq::NONE),
            given_up: None,
        }
    }

    /// What confirms nothing more for that long is given up.
    fn look(&mut self, wait: Duration) {
        let (so_far, through) = self.handle.so_far();
        if self.reached != (so_far.confirmed, through) {
            self.reached = (so_far.confirmed, through);
            self.moved_at = Instant::now();
        }
        if self.moved_at.elapsed() >= wait {
            let why = if so_far.error.is_empty() { "no evidence came" } else { &so_far.error };
            self.give_up(&format!("given up after {} s: {why}", wait.as_secs()));
        }
    }

    fn give_up(&mut self, why: &str) {
        if self.given_up.is_none() && !self.task.is_finished() {
            self.given_up = Some(why.to_owned());
            // It may have ended meanwhile.
            let _ended = self.stop.send(true);
        }
    }

    fn replayed(&self) -> Replayed {
        let (mut so_far, _) = self.handle.so_far();
        match (&self.given_up, so_far.complete) {
            (_, true) => so_far.error.clear(),
            (Some(why), false) => so_far.error.clone_from(why),
            (None, false) if self.task.is_finished() && so_far.unreadable > 0 => {
                so_far.error = "what is damaged or gone may have been wanted".to_owned();
            }
            (None, false) if self.task.is_finished() => so_far.error = "it broke down".to_owned(),
            (None, false) => {}
        }
        so_far
    }
}

/// The words of the filter, for a sentence.
fn what(filter: &Filter, unselected: bool) -> String {
    let mut words: Vec<String> = filter.words().map(|(name, value)| format!("{name}={value}")).collect();
    if words.is_empty() {
        words.push("everything".to_owned());
    }
    if unselected {
        words.push("also what is not selected".to_owned());
    }
    let text = words.join(" ");
    match text.char_indices().nth(WHAT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn event(outcome: Outcome, name: &str, asker: &Asker, message: String) -> Event {
    let target = Target { kind: "destination".into(), name: Some(name.into()), id: None };
    Event {
        user: Some(asker.user.clone()),
        target: Some(Box::new(target)),
        ..Event::own(Action::REPLAY, outcome, now(), message)
    }
}

const LOOK_EVERY: Duration = Duration::from_millis(20);
const TELL_EVERY: Duration = Duration::from_millis(500);
/// A request may be 64 KiB, its event should fit into a frame.
const WHAT_CHARS_MAX: usize = 1024;

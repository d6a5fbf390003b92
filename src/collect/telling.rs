//! What a source tells the journal besides its entries: its dialect, how far it is, what may be lost.

use super::gap::Gap;
use super::place;
use super::settings::Start;
use super::source::{Round, Source, progress_of, remember};
use crate::model::{Action, Event, Outcome, Target, Text};
use std::time::{Duration, Instant};

/// The dialect that was last told of.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    dialect: &'static str,
    /// When a change was last told, and how many there were since.
    told: Option<Instant>,
    changes: u64,
}

impl Source {
    /// A change of the dialect goes to the journal; of many in a short time, the last and their number.
    pub(super) fn tell_dialect(&mut self, log: usize, at: usize, round: &mut Round<'_>) {
        let choice = &self.logs[log].tails[at].cutter.choice;
        let (name, before) = (choice.name(), self.spoken.dialect);
        if name.is_empty() || (name == before && self.spoken.changes == 0) {
            return;
        }
        self.spoken.dialect = name;
        self.spoken.changes += u64::from(name != before && !before.is_empty());
        if self.spoken.changes == 0 || self.spoken.told.is_some_and(|told| told.elapsed() < CHANGES_EVERY) {
            return;
        }
        let path = self.logs[log].tails[at].path.display();
        let times = match self.spoken.changes {
            1 => String::new(),
            many => format!("; {many} changes since this was last told"),
        };
        let message = format!("{path} is read as {name} from here on: {}{times}", choice.reason);
        (self.spoken.told, self.spoken.changes) = (Some(Instant::now()), 0);
        self.tell(Action::DIALECT_CHANGED, Outcome::Unknown, message, round);
    }

    /// The head of a young file and the position behind many passed-over entries go to the journal, too.
    pub(super) fn tell_progress(&mut self, log: usize, at: usize, round: &mut Round<'_>) {
        let tail = &mut self.logs[log].tails[at];
        let mut trouble = None;
        let dialect = tail.cutter.choice.name();
        tail.changed |= tail.file.dialect != dialect;
        if tail.changed {
            tail.file.dialect = Text::const_new(dialect);
        }
        match tail.learn_head().map(|learned| learned | std::mem::take(&mut tail.changed)) {
            Ok(true) => {
                round.input.files.push(tail.file.clone());
                remember(&mut self.known, &tail.file);
            }
            Ok(false) => {}
            Err(error) => trouble = Some(format!("{}: {error}", tail.path.display())),
        }
        let is_due = tail.tell_at_once || tail.told.elapsed() >= TOLD_EVERY;
        if tail.passed_untold >= PASSED_MAX || (tail.passed_untold > 0 && is_due) {
            let mark = tail.mark_at(tail.file.offset);
            round.input.progress.push(progress_of(&tail.file, mark));
            (tail.passed_untold, tail.tell_at_once, tail.told) = (0, false, Instant::now());
        }
        if let Some(trouble) = trouble {
            self.logs[log].error = trouble;
        }
    }

    /// What may have been lost goes to the journal, and into the counters.
    pub(super) fn tell_gap(&mut self, gap: Gap, round: &mut Round<'_>) {
        gap.loss.count(&mut self.status.gaps);
        let event =
            gap.event(&round.settings.sources[self.at].sensor, &self.name, self.last_event, round.now);
        let at = round.input.drafts.len();
        if round.put(event) {
            self.open_gap = Some(at);
        }
    }

    /// Entries that otrail has panicked at go to the journal, too.
    pub(super) fn tell_defects(&mut self, round: &mut Round<'_>) {
        if let Some(event) = self.defects.due(&self.name, Instant::now(), round.now) {
            round.put(self.about(event, round));
        }
    }

    /// What the log was rotated to before otrail came is not read by itself: a first start says so, and how it is read.
    pub(super) fn tell_unread(&self, log: usize, start: Start) {
        let (source, log) = (&self.name, &self.logs[log].path);
        let mut former =
            if self.is_fresh && start == Start::Beginning { place::rotated(log) } else { Vec::new() };
        former.sort_by_cached_key(|path| path.metadata().and_then(|former| former.modified()).ok());
        let (count, log) = (former.len(), log.display());
        if count == 0 {
            return;
        }
        let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        tracing::warn!(
            "source {source}: {files} that {log} was rotated to before this first start will not be read; what follows has \
             them read, the oldest first"
        );
        let words = former.iter().filter_map(|path| quoted(path.to_str()?)).take(COMMANDS_MAX);
        let mut rest = count;
        for file in words {
            tracing::warn!("otrail source reset {source} --file {file} --to beginning --yes");
            rest -= 1;
        }
        if rest > 0 {
            tracing::warn!("and so for {rest} more");
        }
    }

    /// That an entry waits in vain for its end goes to the journal, too; once for a file.
    pub(super) fn tell_unended(&mut self, log: usize, at: usize, round: &mut Round<'_>) {
        let log = &mut self.logs[log];
        let tail = &log.tails[at];
        if log.unended_told == Some(tail.file.number) {
            return;
        }
        let Some(unended) = tail.cutter.unended() else { return };
        if !unended.is_hopeless() && tail.grown.elapsed() < UNENDED_AFTER {
            return;
        }
        log.unended_told = Some(tail.file.number);
        let message = format!("{}: {unended}", tail.path.display());
        self.tell(Action::PARSE_FAILURES, Outcome::Failure, message, round);
    }

    /// One of otrail's own events about this source.
    pub(super) fn tell(&self, action: Action, outcome: Outcome, message: String, round: &mut Round<'_>) {
        round.put(self.own(action, outcome, message, round));
    }

    /// The same, not told yet.
    pub(super) fn own(&self, action: Action, outcome: Outcome, message: String, round: &Round<'_>) -> Event {
        self.about(Event::own(action, outcome, round.now, message), round)
    }

    fn about(&self, event: Event, round: &Round<'_>) -> Event {
        Event {
            sensor: round.settings.sources[self.at].sensor.clone(),
            source: Text::const_new("otrail"),
            target: Some(Box::new(Target { kind: "source".into(), name: Some(self.name.clone()), id: None })),
            ..event
        }
    }
}

/// As a shell takes it for one word. A line feed in a name would begin a line of its own in the log: it has no such form.
fn quoted(word: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(&byte);
    match word.bytes().all(is_plain) {
        true => Some(word.to_owned()),
        false => (!word.contains(char::is_control)).then(|| format!("'{}'", word.replace('\'', "'\\''"))),
    }
}

/// Files of a log that are named with the command that has them read.
const COMMANDS_MAX: usize = 16;
/// How long a file must not have grown before it is told that an entry in it has no end.
const UNENDED_AFTER: Duration = Duration::from_secs(10);
/// How often a change of the dialect is told.
const CHANGES_EVERY: Duration = Duration::from_secs(60);
/// Passed-over entries after which the journal is told the position.
const PASSED_MAX: u64 = 10_000;
/// Time after which it is told, too.
const TOLD_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shell makes of the word is the name again.
    #[test]
    fn a_name_is_one_word_of_a_shell_whatever_is_in_it() {
        for name in ["/var/log/a.log-20240229.gz", "a b", "it's", "$(reboot)", "`x`;\"y\" *", "-é\\"] {
            let script = format!("printf %s {}", quoted(name).unwrap());
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), name);
        }
        assert_eq!(quoted("a.log.1\notrail source reset"), None);
        assert_eq!(quoted("a.log.1\u{1b}[2J"), None);
    }
}

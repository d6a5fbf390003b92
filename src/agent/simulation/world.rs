//! A log, an agent or none, a receiver, and a clock.

mod trouble;

use super::disk::{self, Lengths};
use super::oracle::Oracle;
use super::{Act, Fault, How, Setting};
use crate::collect::simulation::Reader;
use crate::forward::simulation::{FRAME_BYTES, Known, NAME, Sender, Server, wall};
use crate::journal::{self, Input, Journal};
use crate::model::{Action, Event, Outcome, Seq};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Everything.
pub(super) struct World {
    folder: TempDir,
    setting: Setting,
    now: Duration,
    /// Time that the collector does not know of.
    quiet: Duration,
    /// Lines begun, and whether the last one has no end.
    lines: usize,
    is_part: bool,
    /// The log has not been read since something happened to it.
    is_unseen: bool,
    /// It has not been looked for since it was rotated.
    is_moved: bool,
    polls: u64,
    agent: Option<Agent>,
    server: Server,
    known: Known,
    /// The cursor as it was last synced.
    cursor: Vec<u8>,
    oracle: Oracle,
}

struct Agent {
    journal: Journal,
    reader: Reader,
    sender: Sender,
}

impl World {
    pub(super) fn new(setting: Setting) -> World {
        let shm = Path::new("/dev/shm");
        let folder = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        fs::create_dir(folder.path().join("log")).unwrap();
        World {
            folder,
            setting,
            now: Duration::from_secs(1),
            quiet: Duration::ZERO,
            lines: 0,
            is_part: false,
            is_unseen: true,
            is_moved: true,
            polls: 0,
            agent: None,
            server: Server::new(setting.kind),
            known: Known::default(),
            cursor: Vec::new(),
            oracle: Oracle::default(),
        }
    }

    /// Lives through all of it, and some quiet time after it. What went wrong.
    pub(super) fn live(mut self, acts: &[(Act, u64)]) -> Option<String> {
        let rng = &mut fastrand::Rng::with_seed(0);
        self.act(Act::Append(2), rng);
        self.act(Act::Start, rng);
        self.act(Act::Collect { budget: 1 << 20 }, rng);
        for &(act, seed) in acts {
            self.act(act, &mut fastrand::Rng::with_seed(seed));
            if let Some(wrong) = self.oracle.wrong.take() {
                return Some(format!("{wrong}, at {act:?}, {:?}", self.now));
            }
        }
        for fault in [Fault::Unblock, Fault::Thaw, Fault::Start] {
            self.act(Act::Receiver(fault), rng);
        }
        self.act(Act::Append(1), rng);
        self.act(Act::Start, rng);
        for _ in 0..TURNS_MAX {
            self.turn(rng);
            if self.is_all_done() || self.oracle.wrong.is_some() {
                break;
            }
        }
        self.oracle.at_the_end(self.lines, self.setting.sender.selective);
        self.oracle.wrong.take().map(|wrong| format!("{wrong}, at the end, {:?}", self.now))
    }

    fn act(&mut self, act: Act, rng: &mut fastrand::Rng) {
        match act {
            Act::Append(count) => (0..count).for_each(|_| self.append()),
            Act::Part if !self.is_part => {
                self.write(&format!("line {:06}", self.lines));
                (self.lines, self.is_part) = (self.lines + 1, true);
            }
            Act::Part => self.end_line(),
            Act::Rotate => self.rotate(),
            Act::Run { rounds, millis } => {
                for _ in 0..rounds {
                    if self.is_unseen || rng.u8(0..4) == 0 {
                        self.collect(1 << 20);
                    }
                    self.send(50, rng);
                    self.serve(rng);
                    self.pass(Duration::from_micros(rng.u64(0..=u64::from(millis) * 1000)));
                }
            }
            Act::Trouble { fault, moment } => self.trouble(fault, moment, rng),
            Act::Collect { budget } => self.collect(budget),
            Act::Send(steps) => self.send(steps, rng),
            Act::Serve => self.serve(rng),
            Act::Pass { millis } => self.pass(Duration::from_millis(millis.into())),
            Act::Start => self.start(),
            Act::Stop => self.stop(rng),
            Act::Die(how) => self.die(how, None, rng),
            Act::DieWriting(how) => self.die_writing(how, rng),
            Act::Receiver(fault) => self.befall(fault, rng),
        }
    }

    /// The collector has a clock of its own, which is taken along.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.quiet += time;
        self.server.arrive(self.now);
        if let (true, Some(agent)) = (self.quiet >= Duration::from_secs(10), &mut self.agent) {
            agent.reader.rest();
            (self.quiet, self.is_unseen) = (Duration::ZERO, true);
        }
    }

    fn befall(&mut self, fault: Fault, rng: &mut fastrand::Rng) {
        let (server, now) = (&mut self.server, self.now);
        match fault {
            Fault::Kill => {
                let sender = self.agent.as_ref().map(|agent| &agent.sender);
                server.kill(sender.is_some_and(Sender::wants_close_notify), now, rng);
            }
            Fault::Stop => server.stop(now, rng),
            Fault::Discard => server.discard(now, rng),
            Fault::Freeze => server.frozen = server.runs,
            Fault::Thaw => server.frozen = false,
            Fault::Start => server.runs = true,
            Fault::Block => server.block(),
            Fault::Unblock => {
                server.unblock(now);
                server.arrive(now);
            }
            Fault::Reset => server.reset(now),
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log/log")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn write(&mut self, text: &str) {
        self.is_unseen = true;
        let mut log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        log.write_all(text.as_bytes()).unwrap();
    }

    fn append(&mut self) {
        self.end_line();
        self.write(&format!("line {:06}{}\n", self.lines, ".".repeat(self.setting.padding)));
        self.lines += 1;
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.is_part) {
            self.write("\n");
        }
    }

    fn rotate(&mut self) {
        self.end_line();
        let name = |number: u32| self.folder.path().join(format!("log/log.{number}"));
        let free = (1..).find(|&number| !name(number).exists()).unwrap();
        (1..free).rev().for_each(|number| fs::rename(name(number), name(number + 1)).unwrap());
        fs::rename(self.log(), name(1)).unwrap();
        self.is_moved = true;
        self.write("");
    }

    fn start(&mut self) {
        if self.agent.is_some() {
            return;
        }
        let settings = journal::Settings {
            state_dir: self.state(),
            sensor: "plant-a".to_owned(),
            bytes_max: 1 << 30,
            age_max: Duration::from_secs(86_400),
            segment_bytes_max: 64 << 10,
            recent_bytes_max: self.setting.recent_bytes_max,
            reserve_bytes: 4096,
            seal: false,
            destinations: vec![NAME.to_owned()],
        };
        let journal = Journal::open(settings, wall(self.now)).unwrap();
        let reader = Reader::open(self.log(), &journal);
        let sender = Sender::open(self.setting.sender, &journal, &self.known, self.now);
        journal.note(Event::own(Action::START, Outcome::Success, wall(self.now), "started"));
        // What was announced is all there, and what the cursor says is true.
        self.see(&journal, Seq::NONE);
        self.oracle.on_confirmed(sender.confirmed());
        self.oracle.may_come_again(sender.confirmed());
        self.agent = Some(Agent { journal, reader, sender });
        self.is_unseen = true;
        self.see_cursor();
    }

    /// What the journal has announced after `after`.
    fn see(&mut self, journal: &Journal, after: Seq) {
        for line in journal.scan().after(after).through(journal.newest()) {
            let record = line.map(|mut line| line.decode());
            match record {
                Ok(Some(record)) => self.oracle.on_record(&record, self.setting.sender),
                other => self.oracle.wrong = Some(format!("the journal cannot be read: {other:?}")),
            }
        }
        let (seen, newest) = (self.oracle.newest(), journal.newest());
        if seen > newest {
            self.oracle.wrong = Some(format!("announced up to {seen}, there up to {newest}"));
        }
    }

    fn see_cursor(&mut self) {
        let path = self.state().join("cursors").join(NAME);
        let Some(agent) = &mut self.agent else { return };
        if std::mem::take(&mut agent.sender.cursor_is_synced) {
            self.cursor = fs::read(path).unwrap();
        }
    }

    fn append_to_journal(&mut self, input: Input) {
        let Some(agent) = &mut self.agent else { return };
        if input.drafts.is_empty() && input.files.is_empty() && input.progress.is_empty() {
            return;
        }
        let (journal, before) = (agent.journal.clone(), agent.journal.newest());
        journal.append(input, wall(self.now)).unwrap();
        self.see(&journal, before);
    }

    fn collect(&mut self, budget: usize) {
        let now = wall(self.now);
        // A budget may not be enough for all that there is.
        self.is_unseen = budget < 1 << 20;
        self.polls += 1;
        // Hints may fail to come.
        let looks = self.is_moved || self.polls.is_multiple_of(4);
        let Some(agent) = &mut self.agent else { return };
        self.is_moved = false;
        let input = agent.reader.poll(budget, looks, now);
        self.append_to_journal(input);
    }

    fn send(&mut self, steps: u8, rng: &mut fastrand::Rng) {
        for _ in 0..steps {
            let Some(agent) = &mut self.agent else { return };
            let went_on = agent.sender.step(&mut self.server, self.now, rng);
            let confirmed = agent.sender.confirmed();
            let window = agent.sender.window_bytes();
            for did in agent.sender.did.drain(..) {
                self.oracle.on_did(&did, confirmed);
            }
            self.known = agent.sender.known();
            self.oracle.on_confirmed(confirmed);
            if window > self.setting.sender.window_bytes_max + FRAME_BYTES {
                self.oracle.wrong = Some(format!("{window} bytes without evidence"));
            }
            self.see_cursor();
            if !went_on {
                return;
            }
        }
    }

    fn serve(&mut self, rng: &mut fastrand::Rng) {
        self.server.step(self.now, rng);
        for frame in self.server.taken.drain(..) {
            self.oracle.on_taken(&frame);
        }
    }

    /// In order, with the time that takes.
    fn stop(&mut self, rng: &mut fastrand::Rng) {
        let Some(agent) = &mut self.agent else { return };
        let input = agent.reader.stop();
        self.append_to_journal(input);
        if let Some(agent) = &mut self.agent {
            agent.sender.stop(self.now);
            agent.journal.settle(wall(self.now)).unwrap();
        }
        for _ in 0..40 {
            self.send(50, rng);
            self.serve(rng);
            self.pass(Duration::from_millis(60));
            if self.agent.as_ref().is_some_and(|agent| agent.sender.is_done) {
                break;
            }
        }
        self.hang_up(rng);
    }

    /// The agent is gone. Whether there was one.
    fn hang_up(&mut self, rng: &mut fastrand::Rng) -> bool {
        let agent = self.agent.take().map(|mut agent| agent.sender.hang_up(&mut self.server, rng));
        agent.is_some()
    }

    fn die(&mut self, how: How, writing: Option<Lengths>, rng: &mut fastrand::Rng) {
        if !self.hang_up(rng) {
            return;
        }
        if let Some(before) = writing {
            disk::tear(&self.state().join("journal"), &before, how, rng);
        }
        if how == How::PowerCut {
            disk::tear_slots(&self.state().join("cursors").join(NAME), &self.cursor, rng);
        }
    }

    fn die_writing(&mut self, how: How, rng: &mut fastrand::Rng) {
        self.append();
        let now = wall(self.now);
        let Some(agent) = &mut self.agent else { return };
        let before = disk::lengths(&self.folder.path().join("state/journal"));
        let input = agent.reader.poll(1 << 20, true, now);
        // Nobody hears of it.
        agent.journal.append(input, now).unwrap();
        self.die(how, Some(before), rng);
    }
}

/// After so much time without trouble everything has arrived.
const TURNS_MAX: usize = 2000;

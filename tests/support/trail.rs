//! An agent of a journal and a socket alone, for tests of who is answered and what.

use otrail::control::protocol::{Ask, End};
use otrail::control::{Client, ControlError, Limits, Ongoing, Server, Settings};
use otrail::journal::{self, Draft, Input, Journal, Scan};
use otrail::model::status::Status;
use otrail::model::{Action, Event, Outcome, Raw, Record, Text, Time};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// An agent that has a journal and a socket, and nothing else.
pub struct Agent {
    pub dir: tempfile::TempDir,
    pub journal: Journal,
    pub runtime: Runtime,
    pub shutdown: watch::Sender<bool>,
    pub serving: tokio::task::JoinHandle<Result<(), ControlError>>,
}

impl Agent {
    pub fn new() -> Agent {
        Agent::with(Limits::default(), &[])
    }

    pub fn with(limits: Limits, admin_groups: &[&str]) -> Agent {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let journal = open_journal(dir.path());
        let status = || Status { sensor: "plant-a".to_owned(), pid: 7, ..Status::default() };
        let settings = settings(dir.path(), admin_groups);
        let act = Arc::new(|_, _, _: &Ongoing| Err("nothing is done here".to_owned().into()));
        let (journal_too, status) = (journal.clone(), Arc::new(status));
        let server = Server { settings, journal: journal_too, status, act, limits };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (shutdown, stop) = watch::channel(false);
        let serving = runtime.spawn(server.bind().unwrap().serve(stop));
        Agent { dir, journal, runtime, shutdown, serving }
    }

    pub fn append(&self, users: &[&str]) {
        let drafts =
            users.iter().map(|user| Draft { event: event(user), position: None, mark: None }).collect();
        self.journal.append(Input { drafts, ..Input::default() }, Time::default()).unwrap();
    }

    pub fn connect(&self) -> UnixStream {
        UnixStream::connect(self.dir.path().join("run/control.sock")).unwrap()
    }

    pub fn client(&self) -> Client {
        Client::connect(&settings(self.dir.path(), &[])).unwrap()
    }

    pub fn query(&self, ask: &Ask) -> (Vec<String>, End) {
        let mut rows = self.client().query(ask).unwrap();
        let users = rows.by_ref().map(|row| user(&row.unwrap())).collect();
        (users, rows.end().unwrap().clone())
    }

    /// Sends bytes as they are and returns the whole answer.
    pub fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // The agent may have heard enough before all was said.
        let _broken = stream.write_all(bytes);
        let mut answer = String::new();
        let _reset = stream.read_to_string(&mut answer);
        answer
    }

    pub fn records(&self) -> Vec<Record> {
        let scan = Scan::open(self.dir.path()).unwrap().through(self.journal.newest());
        scan.map(|line| line.unwrap().decode().unwrap()).collect()
    }

    /// Waits until the trail has such a record.
    pub fn wait_for(&self, wanted: impl Fn(&Record) -> bool) -> Record {
        let mut newest = self.journal.subscribe();
        loop {
            newest.borrow_and_update();
            if let Some(found) = self.records().into_iter().find(&wanted) {
                return found;
            }
            self.runtime.block_on(newest.changed()).unwrap();
        }
    }

    /// The last query event, past the damage.
    pub fn records_told(&self) -> Event {
        let lines = Scan::open(self.dir.path()).unwrap().flatten();
        lines.filter_map(|mut line| line.decode()).filter(is_query).last().unwrap().event
    }
}

pub fn settings(dir: &Path, admin_groups: &[&str]) -> Settings {
    let admin_groups = admin_groups.iter().map(|&group| group.to_owned()).collect();
    Settings { socket: dir.join("run/control.sock"), admin_groups, admin_users: Vec::new() }
}

pub fn open_journal(dir: &Path) -> Journal {
    Journal::open(journal_settings(dir), Time::default()).unwrap()
}

/// A journal with little segments and no destinations.
pub fn journal_settings(dir: &Path) -> journal::Settings {
    journal::Settings {
        state_dir: dir.to_owned(),
        sensor: "plant-a".to_owned(),
        bytes_max: 1 << 30,
        age_max: Duration::from_secs(86_400),
        segment_bytes_max: 1 << 20,
        recent_bytes_max: 1 << 20,
        reserve_bytes: 4096,
        seal: false,
        destinations: Vec::new(),
    }
}

pub fn event(user: &str) -> Event {
    let mut event = Event::new(Action::USER_OPERATION, Outcome::Success, Time::default());
    event.user = Some(Text::from(user));
    event.raw = Raw::Text(format!("entry of {user}").into());
    event
}

pub fn user(record: &Record) -> String {
    record.event.user.as_deref().unwrap_or_default().to_owned()
}

pub fn is_query(record: &Record) -> bool {
    record.event.action == Action::QUERY
}

pub fn for_user(user: &str) -> Ask {
    Ask { filters: vec![("user".to_owned(), user.to_owned())], ..Ask::default() }
}

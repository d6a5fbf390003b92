//! The answer to one request. Whatever reads the journal does so where it may block.

use super::apart::apart;
use super::audit::Asked;
use super::protocol::{Ask, End, Reply, Request, STOPPING};
use super::server::{Shared, note, now, stopped};
use super::{Peer, follow, ongoing, request, watch};
use crate::filter::{Clock, Filter};
use crate::journal::{self, Journal, JournalError};
use crate::model::status::Status;
use crate::model::{Record, Seq, error_text};
use crate::query::render::{Column, json_line};
use crate::query::{self, Answer, Order, Query, ROWS_MAX};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::SemaphorePermit;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until, timeout};

/// Answers, and returns the last line to send; `None` if the client is gone.
pub(super) async fn give(
    shared: &Shared,
    stream: &mut UnixStream,
    peer: &Peer,
    request: Request,
    shutdown: Receiver<bool>,
) -> Option<Reply> {
    match request {
        Request::Status => {
            let status = Arc::clone(&shared.server.status);
            Some(match apart("the telling of the agent's state", move || status()).await {
                Ok(status) => Reply::Status(Box::new(Status { control: watch::again(shared), ..status })),
                Err(why) => Reply::Error(why),
            })
        }
        Request::Deliveries(of) => {
            let dir = shared.server.journal.dir().to_owned();
            let read = move || journal::deliveries(&dir, (of.first, of.last));
            Some(match apart("the reading of what was delivered", read).await {
                Ok(Ok(histories)) => Reply::Deliveries(histories),
                Ok(Err(error)) => Reply::Error(error.to_string()),
                Err(why) => Reply::Error(why),
            })
        }
        Request::Act(wish) => ongoing::act(shared, stream, peer, wish, shutdown).await,
        Request::Query(ask) => {
            let words = ask.filters.clone();
            let parse = move || Filter::parse(words.iter().map(|(n, v)| (n, v)), &Clock::utc(now()));
            match apart("the reading of the filter", parse).await {
                Ok(Ok(filter)) => query(shared, stream, peer, &ask, Arc::new(filter), shutdown).await,
                Ok(Err(error)) => Some(Reply::Error(error.to_string())),
                Err(why) => Some(Reply::Error(why)),
            }
        }
    }
}

/// Searches, sends, follows if wanted. The event about it is in the trail before the first row leaves; another follows where
/// less was sent than that says, and at the end of a follower.
async fn query(
    shared: &Shared,
    stream: &mut UnixStream,
    peer: &Peer,
    ask: &Ask,
    filter: Arc<Filter>,
    shutdown: Receiver<bool>,
) -> Option<Reply> {
    let journal = &shared.server.journal;
    let newest = journal.newest();
    let through = ask.past.filter(|_| ask.follow).map_or(newest, |past| past.min(newest));
    let asked = Asked::new(peer, ask, &filter);
    let own = journal.as_noted(asked.began(now()));
    let mut work = Work::new(shared, stream, shutdown, (asked, ask));
    if ask.follow {
        note(journal, own.clone()).await;
    }
    let order = if ask.reverse { Order::NewestFirst } else { Order::OldestFirst };
    let query = Query { filter: Arc::clone(&filter), limit: ask.limit, order, rows_max: ROWS_MAX };
    let by = match ask.by.as_deref().map(|name| Column::named(name).ok_or(name)).transpose() {
        Ok(by) => by,
        Err(name) => return Some(Reply::Error(format!("`{name}` is no field"))),
    };
    let searched = match by {
        Some(by) => work.tally(query, by, through).await,
        None => work.search(query, through, ask.count).await,
    };
    let outcome = match searched {
        Ok(()) if ask.follow => follow::follow(&mut work, filter, through, &own.message).await,
        outcome => outcome,
    };
    let Work { sent: end, told, asked, .. } = work;
    let event = match &outcome {
        Err(Broken::Failed(why)) if end.rows == 0 => Some(asked.failed(now(), why)),
        Err(Broken::Failed(why)) => Some(asked.ended(now(), end.rows, why)),
        Err(Broken::Unread(why)) => Some(asked.ended(now(), end.rows, why)),
        Ok(()) if told.is_some_and(|(rows, why)| rows == end.rows && why == end.reason) => None,
        Ok(()) => Some(asked.ended(now(), end.rows, &end.reason)),
    };
    if let Some(event) = event {
        note(journal, event).await;
    }
    match outcome {
        Ok(()) => Some(Reply::End(end)),
        Err(Broken::Failed(why)) => Some(Reply::Error(why)),
        Err(Broken::Unread(_)) => None,
    }
}

/// Why an answer has no end.
pub(super) enum Broken {
    /// Nobody reads it, or not in time: a line may have been cut, so nothing more can be said. Why, for the event.
    Unread(&'static str),
    /// It cannot be given; a sentence for the client.
    Failed(String),
}

/// An answer on its way.
pub(super) struct Work<'a> {
    pub(super) shared: &'a Shared,
    pub(super) stream: &'a mut UnixStream,
    pub(super) shutdown: Receiver<bool>,
    /// What the end line will say. Rows count before they are sent: the trail says rather too many than too few.
    pub(super) sent: End,
    asked: Asked,
    /// How many rows the trail says were read, and why they are not all; nothing of a follower, of whom it says that he begins.
    told: Option<(u64, String)>,
    is_follower: bool,
    /// The follower wants to know from where it could go on.
    marks: bool,
    /// When the client has had its time, since the agent stops.
    until: Option<Instant>,
}

impl<'a> Work<'a> {
    fn new(
        shared: &'a Shared,
        stream: &'a mut UnixStream,
        shutdown: Receiver<bool>,
        (asked, ask): (Asked, &Ask),
    ) -> Work<'a> {
        let (is_follower, marks, sent) = (ask.follow, ask.marks, End::default());
        Work { shared, stream, shutdown, sent, asked, told: None, is_follower, marks, until: None }
    }

    /// A place among the running searches.
    async fn turn(shared: &Shared) -> Result<SemaphorePermit<'_>, Broken> {
        let limits = &shared.server.limits;
        match timeout(limits.queue_wait, shared.queries.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Broken::Failed(format!("{} queries are running; try again later", limits.queries))),
        }
    }

    /// Searches where it may block; who asks may leave meanwhile, and the agent may have to stop.
    async fn run<T: Send + 'static>(
        &mut self,
        search: impl FnOnce(&Journal, &AtomicBool) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, Broken> {
        let mut shutdown = self.shutdown.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let (journal, stop_seen) = (self.shared.server.journal.clone(), Arc::clone(&stop));
        let mut search = pin!(apart("the search", move || search(&journal, &stop_seen)));
        let found = tokio::select! {
            found = &mut search => found,
            () = request::gone(self.stream) => {
                stop.store(true, Ordering::Relaxed);
                let _unwanted = (&mut search).await;
                return Err(Broken::Unread(LEFT));
            }
            () = stopped(&mut shutdown) => {
                stop.store(true, Ordering::Relaxed);
                self.incomplete(STOPPING);
                (&mut search).await
            }
        };
        match found {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Broken::Failed(error_text(&error))),
            Err(why) => Err(Broken::Failed(why)),
        }
    }

    async fn search(&mut self, query: Query, through: Seq, is_count: bool) -> Result<(), Broken> {
        let _turn = Work::turn(self.shared).await?;
        let search = move |journal: &Journal, stop: &AtomicBool| match is_count {
            true => query::count(journal, &query, through, stop),
            false => query::answer(journal, &query, through, stop),
        };
        let mut answer = self.run(search).await?;
        let counted = answer.counted();
        self.tell(counted.unwrap_or(answer.found()), answer.incomplete()).await;
        loop {
            let (rest, is_end) = self.send_some(answer, Answer::next).await?;
            if is_end {
                break;
            }
            answer = rest;
            if *self.shutdown.borrow() {
                self.incomplete(STOPPING);
                break;
            }
        }
        self.sent.rows = counted.unwrap_or(self.sent.rows);
        Ok(())
    }

    /// The same of the values of a field.
    async fn tally(&mut self, query: Query, by: &'static Column, through: Seq) -> Result<(), Broken> {
        let _turn = Work::turn(self.shared).await?;
        let tally = self.run(move |journal, stop| query::tally(journal, &query, by, through, stop)).await?;
        self.sent.rows = tally.records;
        tally.missing.iter().for_each(|why| self.incomplete(why));
        self.tell(tally.records, None).await;
        let mut left = &tally.values[..];
        while !left.is_empty() {
            let (mut count, mut bytes) = (0, 0);
            while count < left.len() && bytes < CHUNK_BYTES {
                bytes += left[count].0.len() + VALUE_BYTES;
                count += 1;
            }
            let (now, later) = left.split_at(count);
            self.send(&Reply::Values(now.to_vec()).line()).await?;
            left = later;
        }
        Ok(())
    }

    /// Sends the next rows, and returns them with whether that was all.
    pub(super) async fn send_some<R: Rows>(
        &mut self,
        mut rows: R,
        next: fn(&mut R) -> Option<Record>,
    ) -> Result<(R, bool), Broken> {
        let read = apart("the reading of the journal", move || {
            let (mut bytes, mut count, mut is_end) = (Vec::new(), 0, false);
            while bytes.len() < CHUNK_BYTES && !is_end {
                match next(&mut rows) {
                    Some(record) => {
                        json_line(&record, &mut bytes);
                        count += 1;
                    }
                    None => is_end = true,
                }
            }
            (rows, is_end, bytes, count)
        });
        let (rows, is_end, bytes, count) = read.await.map_err(Broken::Failed)?;
        self.sent.rows += count;
        if let Some(why) = rows.incomplete().filter(|_| is_end) {
            self.incomplete(&why);
        }
        if !bytes.is_empty() {
            self.send(&bytes).await?;
        }
        Ok((rows, is_end))
    }

    /// Has the trail say what is about to be sent, before it can be seen.
    async fn tell(&mut self, rows: u64, incomplete: Option<String>) {
        if self.is_follower {
            return;
        }
        let why = incomplete.filter(|_| !self.sent.incomplete).unwrap_or_else(|| self.sent.reason.clone());
        note(&self.shared.server.journal, self.asked.ended(now(), rows, &why)).await;
        self.told = Some((rows, why));
    }

    /// Sends a part of the answer. A client that reads too slowly, or not at all, holds up no stop.
    async fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let (shutdown, until) = (&mut self.shutdown, &mut self.until);
        let late = async {
            stopped(shutdown).await;
            sleep_until(*until.get_or_insert_with(|| Instant::now() + READS_WITHIN)).await;
        };
        tokio::select! {
            // Else a client that takes a lot, quickly, would go on.
            biased;
            () = late => Err(Broken::Unread(STOPPING)),
            sent = request::send(self.stream, bytes, &self.shared.server.limits) => {
                sent.map_err(|_| Broken::Unread(LEFT))
            }
        }
    }

    /// Tells a follower that it has had all that it wants up to there.
    pub(super) async fn mark(&mut self, through: Seq) -> Result<(), Broken> {
        if !self.marks {
            return Ok(());
        }
        self.send(&Reply::Through(through).line()).await
    }

    /// Says that rows are missing; the first reason stays.
    pub(super) fn incomplete(&mut self, why: &str) {
        if !self.sent.incomplete {
            self.sent.incomplete = true;
            why.clone_into(&mut self.sent.reason);
        }
    }
}

/// Rows that are read bit by bit.
pub(super) trait Rows: Send + 'static {
    /// Why rows are missing, once all have been read.
    fn incomplete(&self) -> Option<String>;
}

impl Rows for Answer {
    fn incomplete(&self) -> Option<String> {
        Answer::incomplete(self)
    }
}

/// How much is read and sent at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// What a value takes besides itself.
const VALUE_BYTES: usize = 16;
/// How long clients may take to read, all in all, once the agent stops: less than answers may go on then, for the event.
const READS_WITHIN: Duration = Duration::from_millis(500);
/// What is said of a client that has not waited.
pub(super) const LEFT: &str = "the client left before the end";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::server::{Limits, Server};
    use crate::control::settings::Settings;
    use std::sync::Mutex;
    use tokio::sync::{Semaphore, watch};

    #[tokio::test]
    async fn a_search_that_panics_gives_its_turn_back_and_the_next_one_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(
            journal::Settings {
                state_dir: dir.path().to_owned(),
                sensor: String::new(),
                bytes_max: 1 << 20,
                age_max: Duration::MAX,
                segment_bytes_max: 1 << 20,
                recent_bytes_max: 1 << 20,
                reserve_bytes: 4096,
                seal: false,
                destinations: Vec::new(),
            },
            now(),
        );
        let settings =
            Settings { socket: dir.path().join("socket"), admin_groups: vec![], admin_users: vec![] };
        let limits = Limits { queries: 1, ..Limits::default() };
        let status = Arc::new(Status::default);
        let journal = journal.unwrap();
        let server =
            Server { settings, journal, status, act: Arc::new(|_, _, _| Err(String::new().into())), limits };
        let shared = Shared { server, queries: Semaphore::new(1), again: Mutex::default() };
        let (mut stream, _client) = UnixStream::pair().unwrap();
        let (_stop, shutdown) = watch::channel(false);
        let ask = Ask::default();
        let peer = Peer { uid: 0, gid: 0, groups: vec![], pid: None, name: None };
        let filter = Filter::parse([("", ""); 0], &Clock::utc(now())).unwrap();
        let asked = Asked::new(&peer, &ask, &filter);
        let mut work = Work::new(&shared, &mut stream, shutdown, (asked, &ask));
        for panics in [true, false, true, false] {
            let _turn = Work::turn(&shared).await;
            let found = work.run(move |journal, _| {
                assert!(!panics, "the words of the log");
                Ok(journal.newest())
            });
            match found.await {
                Ok(newest) => assert!(!panics && newest == Seq::NONE),
                Err(Broken::Failed(why)) => {
                    assert!(panics && why.starts_with("the search broke down, by a defect"), "{why}");
                }
                Err(Broken::Unread(_)) => panic!("nobody has left"),
            }
        }
    }
}
